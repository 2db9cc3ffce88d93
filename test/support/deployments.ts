import type { Deployment } from "../../shared/model/service.ts";
import type { ObservedContainer, ObservedTask } from "../../shared/model/task.ts";
import { ACCOUNT, OBSERVED, revisionArn } from "./arns.ts";

export const BEFORE = OBSERVED;
export const TARGET = revisionArn("web", 8);

/** A deployment of two tasks that has just begun. */
export function deployment(changes: Partial<Deployment> = {}): Deployment {
  return {
    id: "ecs-svc/2",
    status: "PRIMARY",
    taskDefinitionArn: TARGET,
    rolloutState: "IN_PROGRESS",
    rolloutStateReason: undefined,
    failedTasks: 0,
    desiredCount: 2,
    runningCount: 0,
    ...changes,
  };
}

/** A deployment whose two tasks run. */
export function completedDeployment(changes: Partial<Deployment> = {}): Deployment {
  return deployment({
    id: "ecs-svc/old",
    taskDefinitionArn: BEFORE,
    rolloutState: "COMPLETED",
    runningCount: 2,
    ...changes,
  });
}

export function container(name: string, changes: Partial<ObservedContainer> = {}): ObservedContainer {
  return { name, lastStatus: "RUNNING", ...changes };
}

/** A running, healthy task of the target revision. */
export function task(id: string, changes: Partial<ObservedTask> = {}): ObservedTask {
  return {
    taskArn: `arn:aws:ecs:us-east-1:${ACCOUNT}:task/prod/${id}`,
    taskDefinitionArn: TARGET,
    lastStatus: "RUNNING",
    privateIpv4Address: `10.0.0.${id.length}`,
    containers: [container("ztunnel", { healthStatus: "HEALTHY" }), container("web")],
    tags: {},
    ...changes,
  };
}
