import * as z from "zod";
import type { Json } from "../../base/json.ts";
import type { Operation } from "../../core/service.ts";
import { enums } from "../enums.ts";
import { epochSeconds } from "../input.ts";
import { isShortArn, parseEcsArn } from "./arns.ts";
import { breakerThreshold, circuitBreaker, deploymentConfiguration } from "./circuit-breaker.ts";
import { clusterNotFound, conflict, invalidParameter, serviceDeploymentNotFound, serviceNotFound } from "./errors.ts";
import { breakerCause } from "./failure-causes.ts";
import { defined, parseEcsInput } from "./input.ts";
import type { EcsScope, EcsService, EcsServiceDeployment, HookRun } from "./model.ts";
import { pageByKey } from "./paging.ts";
import type { EcsParts } from "./parts.ts";

const MAX_DESCRIBED = 20;
const listSchema = z.looseObject({
  service: z.string(),
  cluster: z.string().optional(),
  status: z.array(z.string()).default([]),
  createdAt: z.looseObject({ after: z.number().optional(), before: z.number().optional() }).default({}),
  maxResults: z.number().optional(),
  nextToken: z.string().optional(),
});
const describeSchema = z.looseObject({ serviceDeploymentArns: z.array(z.string()) });

const stopSchema = z.looseObject({
  serviceDeploymentArn: z.string(),
  stopType: z.enum(enums.ecs.StopServiceDeploymentStopType).default("ROLLBACK"),
});
const continueSchema = z.looseObject({
  serviceDeploymentArn: z.string(),
  hookId: z.string(),
  action: z.enum(enums.ecs.DeploymentLifecycleHookAction).default("CONTINUE"),
});

/** ListServiceDeployments, DescribeServiceDeployments, StopServiceDeployment, ContinueServiceDeployment. */
export function serviceDeploymentOperations({ store, scheduler }: EcsParts): Record<string, Operation> {
  return {
    ListServiceDeployments(input, context) {
      const { status, createdAt, ...request } = parseEcsInput(listSchema, input);
      const [clusterOfArn] = isShortArn(request.service) ? [] : (parseEcsArn(request.service)?.path ?? []);
      const cluster = store.cluster(store.scope(context), request.cluster ?? clusterOfArn);
      const service = store.serviceIn(cluster, request.service);
      const records = service.history
        .filter((record) => status.length === 0 || status.includes(record.status))
        .filter(({ createdAtMs }) => createdAt.after === undefined || createdAtMs > createdAt.after * 1000)
        .filter(({ createdAtMs }) => createdAt.before === undefined || createdAtMs < createdAt.before * 1000);
      const limits = { defaultResults: 20, maxResults: 100 };
      // The newest come first, so that the key rises as the sequence falls.
      const { items, nextToken } = pageByKey(records, ({ sequence }) => -sequence, request, limits);
      return {
        serviceDeployments: items.map((record) => briefView(service, record)),
        ...(nextToken === undefined ? {} : { nextToken }),
      };
    },

    StopServiceDeployment(input, context) {
      const { serviceDeploymentArn, stopType } = parseEcsInput(stopSchema, input);
      const found = recordOf(store.scope(context), serviceDeploymentArn);
      if (!found) throw serviceDeploymentNotFound();
      if (!scheduler.stopDeployment(...found, stopType === "ROLLBACK")) {
        throw conflict("The service deployment is not in a state in which it can be stopped.");
      }
      return { serviceDeploymentArn };
    },

    ContinueServiceDeployment(input, context) {
      const { serviceDeploymentArn, hookId, action } = parseEcsInput(continueSchema, input);
      const found = recordOf(store.scope(context), serviceDeploymentArn);
      if (!found) throw serviceDeploymentNotFound();
      const [, { hooks }] = found;
      const known = hooks.some((hook) => hook.hookId === hookId);
      if (!known || !scheduler.actOnHook(hookId, action)) {
        throw invalidParameter("The lifecycle hook does not await an action.");
      }
      return { serviceDeploymentArn };
    },

    DescribeServiceDeployments(input, context) {
      const { serviceDeploymentArns: arns } = parseEcsInput(describeSchema, input);
      if (arns.length > MAX_DESCRIBED) {
        throw invalidParameter(`Service deployments cannot have more than ${MAX_DESCRIBED} elements.`);
      }
      const scope = store.scope(context);
      const found = arns.map((arn) => ({ arn, record: recordOf(scope, arn) }));
      return {
        serviceDeployments: found.flatMap(({ record }) => (record ? [fullView(...record)] : [])),
        failures: found.filter(({ record }) => !record).map(({ arn }) => ({ arn, reason: "MISSING" })),
      };
    },
  };
}

function recordOf(scope: EcsScope, arn: string): [EcsService, EcsServiceDeployment] | undefined {
  const [clusterName = "", serviceName = ""] = parseEcsArn(arn)?.path ?? [];
  const cluster = scope.clusters.get(clusterName);
  if (!cluster) throw clusterNotFound();
  const service = cluster.services.get(serviceName);
  if (!service) throw serviceNotFound();
  const record = service.history.find((each) => each.arn === arn);
  return record && [service, record];
}

function times(record: EcsServiceDeployment): Record<string, Json | undefined> {
  return {
    createdAt: epochSeconds(record.createdAtMs),
    startedAt: epochSeconds(record.createdAtMs),
    finishedAt: record.finishedAtMs === undefined ? undefined : epochSeconds(record.finishedAtMs),
  };
}

function briefView(service: EcsService, record: EcsServiceDeployment): Json {
  return defined({
    serviceDeploymentArn: record.arn,
    serviceArn: service.arn,
    clusterArn: service.cluster.arn,
    ...times(record),
    targetServiceRevisionArn: record.targetServiceRevisionArn,
    status: record.status,
    statusReason: record.statusReason,
  });
}

function fullView(service: EcsService, record: EcsServiceDeployment): Json {
  const deployment = service.deployments.find(
    ({ serviceRevisionArn }) => serviceRevisionArn === record.targetServiceRevisionArn,
  );
  const { rollback } = record;
  return defined({
    serviceDeploymentArn: record.arn,
    serviceArn: service.arn,
    clusterArn: service.cluster.arn,
    ...times(record),
    stoppedAt: record.status === "STOPPED" ? times(record).finishedAt : undefined,
    updatedAt: epochSeconds(record.updatedAtMs),
    sourceServiceRevisions: record.sourceServiceRevisionArns.map((arn) => ({ arn })),
    targetServiceRevision: { arn: record.targetServiceRevisionArn },
    status: record.status,
    statusReason: record.statusReason,
    lifecycleStage: record.stage,
    lifecycleHookDetails: record.hooks.length === 0 ? undefined : record.hooks.map(hookView),
    alarms: alarmsView(service, record),
    deploymentConfiguration: service.settings.deploymentConfiguration,
    rollback: rollback && {
      reason: rollback.reason,
      startedAt: epochSeconds(rollback.startedAtMs),
      serviceRevisionArn: rollback.serviceRevisionArn,
    },
    deploymentCircuitBreaker: {
      status: breakerStatus(service, record),
      failureCount: deployment?.failedTasks ?? 0,
      threshold: breakerThreshold(service),
    },
  });
}

function hookView({ expiresAtMs, problem: _problem, ...hook }: HookRun): Json {
  return defined({ ...hook, expiresAt: epochSeconds(expiresAtMs) });
}

function alarmsView(service: EcsService, { status, triggeredAlarms }: EcsServiceDeployment): Json {
  const { enable, alarmNames } = deploymentConfiguration(service).alarms;
  if (!enable) return { status: "DISABLED" };
  const quiet = status === "IN_PROGRESS" ? "MONITORING" : "MONITORING_COMPLETE";
  return {
    status: triggeredAlarms.length > 0 ? "TRIGGERED" : quiet,
    alarmNames,
    triggeredAlarmNames: triggeredAlarms,
  };
}

function breakerStatus(service: EcsService, record: EcsServiceDeployment): string {
  if (!circuitBreaker(service).enable) return "DISABLED";
  if (record.statusReason === breakerCause.statusReason) return "TRIGGERED";
  return record.status === "IN_PROGRESS" ? "MONITORING" : "MONITORING_COMPLETE";
}
