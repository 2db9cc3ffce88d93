import { isJsonObject, type Json, type JsonObject } from "../../base/json.ts";
import type { EcsEnvironment } from "./environment.ts";
import type { EcsService } from "./model.ts";

/**
 * Values that ECS may return tomorrow: its model enumerates none of these members. An older deployment and a task that
 * does not run yet have them, where another value stood that says no more.
 */
const NEW_DEPLOYMENT_STATUS = "RETAINED";
const NEW_TASK_STATUS = "PREPARING";

/** True where the fault new-values strikes what ECS returns about a service or its tasks. */
export function hasNewValues({ faults }: EcsEnvironment, { arn, cluster }: EcsService): boolean {
  const { account, region } = cluster.scope;
  return faults.strike("new-values", { account, region, service: arn }) !== undefined;
}

/** A service's view in which the older deployments have a new status. */
export function withNewDeploymentStatus(view: JsonObject): JsonObject {
  const { deployments } = view;
  if (!Array.isArray(deployments)) return view;
  return {
    ...view,
    deployments: deployments.map((one: Json) =>
      isJsonObject(one) && one.status === "ACTIVE" ? { ...one, status: NEW_DEPLOYMENT_STATUS } : one,
    ),
  };
}

/** A task's view in which one that has neither started nor stopped has a new status, and so have its containers. */
export function withNewTaskStatus(view: JsonObject): JsonObject {
  const { lastStatus, containers } = view;
  if (lastStatus === "RUNNING" || lastStatus === "STOPPED" || !Array.isArray(containers)) return view;
  const renamed = (one: Json) => (isJsonObject(one) ? { ...one, lastStatus: NEW_TASK_STATUS } : one);
  return { ...view, lastStatus: NEW_TASK_STATUS, containers: containers.map(renamed) };
}
