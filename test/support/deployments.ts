import type { Deployment } from "../../shared/model/service.ts";
import type { ObservedContainer, ObservedTask } from "../../shared/model/task.ts";

const prefix = "arn:aws:ecs:us-east-1:123456789012";
export const TARGET = `${prefix}:task-definition/web:8`;
export const BEFORE = `${prefix}:task-definition/web:7`;

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

export function container(name: string, changes: Partial<ObservedContainer> = {}): ObservedContainer {
  return { name, lastStatus: "RUNNING", ...changes };
}

/** A running, healthy task of the target revision. */
export function task(id: string, changes: Partial<ObservedTask> = {}): ObservedTask {
  return {
    taskArn: `${prefix}:task/prod/${id}`,
    taskDefinitionArn: TARGET,
    lastStatus: "RUNNING",
    privateIpv4Address: `10.0.0.${id.length}`,
    containers: [container("ztunnel", { healthStatus: "HEALTHY" }), container("web")],
    ...changes,
  };
}
