import type { Json, JsonObject } from "../../base/json.ts";
import { epochSeconds } from "../input.ts";
import { isOnFargate } from "./capacity.ts";
import { defined } from "./input.ts";
import type { EcsDeployment, EcsService, EcsTask } from "./model.ts";
import { tagList } from "./tag-rules.ts";
import { actualPlatform } from "./task-view.ts";

/** A service as ECS's API returns it. */
export function serviceView(service: EcsService, include: readonly string[]): JsonObject {
  const { cluster, controller, deployments } = service;
  const [primary] = deployments;
  const [latest] = service.history;
  const rolling = controller === "ECS" && service.status !== "INACTIVE";
  return defined({
    serviceArn: service.arn,
    serviceName: service.name,
    clusterArn: cluster.arn,
    loadBalancers: [],
    serviceRegistries: [],
    status: service.status,
    desiredCount: service.desiredCount,
    ...counts(service.tasks),
    ...service.settings,
    taskDefinition: primary?.revision.arn,
    deploymentController: { type: controller },
    deployments: rolling ? deployments.map((deployment) => deploymentView(deployment)) : [],
    taskSets: controller === "CODE_DEPLOY" ? deployments.map(taskSetView) : undefined,
    roleArn: `arn:aws:iam::${cluster.scope.account}:role/aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS`,
    events: service.messages.map(({ id, createdAtMs, message }) => ({
      id,
      createdAt: epochSeconds(createdAtMs),
      message,
    })),
    createdAt: epochSeconds(service.createdAtMs),
    createdBy: `arn:aws:iam::${cluster.scope.account}:root`,
    currentServiceDeployment: rolling ? latest?.arn : undefined,
    currentServiceRevisions: rolling ? deployments.map(revisionSummary) : undefined,
    tags: include.includes("TAGS") ? tagList(service.tags) : undefined,
  });
}

/** Tasks that run, and tasks that are about to. */
export function counts(tasks: Iterable<EcsTask>): { runningCount: number; pendingCount: number } {
  const result = { runningCount: 0, pendingCount: 0 };
  for (const { lastStatus } of tasks) {
    if (lastStatus === "RUNNING") result.runningCount += 1;
    if (lastStatus === "PENDING" || lastStatus === "PROVISIONING") result.pendingCount += 1;
  }
  return result;
}

function deploymentView(deployment: EcsDeployment): Json {
  const { service, tasks, settings } = deployment;
  const primary = deployment.status === "PRIMARY";
  return defined({
    id: deployment.id,
    status: deployment.status,
    taskDefinition: deployment.revision.arn,
    desiredCount: primary && deployment.rolloutState !== "FAILED" ? service.desiredCount : tasks.size,
    ...counts(tasks),
    failedTasks: deployment.failedTasks,
    createdAt: epochSeconds(deployment.createdAtMs),
    updatedAt: epochSeconds(deployment.updatedAtMs),
    ...settings,
    platformVersion: isOnFargate(settings) ? actualPlatform(settings.platformVersion) : undefined,
    platformFamily: isOnFargate(settings) ? "Linux" : undefined,
    rolloutState: deployment.rolloutState,
    rolloutStateReason: deployment.rolloutStateReason,
  });
}

/** CODE_DEPLOY services run task sets instead of deployments. */
function taskSetView(deployment: EcsDeployment): Json {
  const { service, tasks } = deployment;
  return {
    id: deployment.id,
    taskSetArn: `${service.arn.replace(":service/", ":task-set/")}/${deployment.id}`,
    serviceArn: service.arn,
    clusterArn: service.cluster.arn,
    status: deployment.status,
    taskDefinition: deployment.revision.arn,
    computedDesiredCount: service.desiredCount,
    ...counts(tasks),
    createdAt: epochSeconds(deployment.createdAtMs),
    updatedAt: epochSeconds(deployment.updatedAtMs),
    stabilityStatus: deployment.rolloutState === "COMPLETED" ? "STEADY_STATE" : "STABILIZING",
  };
}

function revisionSummary(deployment: EcsDeployment): Json {
  const { runningCount, pendingCount } = counts(deployment.tasks);
  return {
    arn: deployment.serviceRevisionArn,
    requestedTaskCount: deployment.status === "PRIMARY" ? deployment.service.desiredCount : deployment.tasks.size,
    runningTaskCount: runningCount,
    pendingTaskCount: pendingCount,
  };
}
