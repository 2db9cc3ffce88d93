import type { JsonObject } from "../../base/json.ts";
import { randomBase62, randomDigits } from "../../base/random-id.ts";
import { ecsArn } from "./arns.ts";
import type { EcsEnvironment } from "./environment.ts";
import type { EcsDeployment, EcsRevision, EcsService, EcsServiceDeployment } from "./model.ts";

/** A deployment of a revision that begins now, with its service deployment. Changes nothing of the service. */
export function newDeployment(
  service: EcsService,
  revision: EcsRevision,
  settings: JsonObject,
  { random, clock, sequence }: Pick<EcsEnvironment, "random" | "clock"> & { readonly sequence: number },
): EcsDeployment {
  const nowMs = clock.now();
  const [previous] = service.deployments;
  const id = `ecs-svc/${randomDigits(random, 19)}`;
  const path = `${service.cluster.name}/${service.name}`;
  const serviceRevisionArn = ecsArn(service.cluster.scope, `service-revision/${path}/${randomDigits(random, 19)}`);
  const record: EcsServiceDeployment = {
    arn: ecsArn(service.cluster.scope, `service-deployment/${path}/${randomBase62(random, 21)}`),
    sequence,
    createdAtMs: nowMs,
    sourceServiceRevisionArns: previous ? [previous.serviceRevisionArn] : [],
    targetServiceRevisionArn: serviceRevisionArn,
    status: "IN_PROGRESS",
    statusReason: undefined,
    updatedAtMs: nowMs,
    finishedAtMs: undefined,
    stage: undefined,
    hooks: [],
    triggeredAlarms: [],
    rollback: undefined,
  };
  return {
    id,
    service,
    revision,
    serviceRevisionArn,
    settings,
    createdAtMs: nowMs,
    status: "PRIMARY",
    rolloutState: "IN_PROGRESS",
    rolloutStateReason: `ECS deployment ${id} in progress.`,
    updatedAtMs: nowMs,
    failedTasks: 0,
    phase: "replacing",
    staged: "not yet",
    stuck: false,
    retryAtMs: 0,
    tasks: new Set(),
    stopping: new Set(),
    record,
  };
}
