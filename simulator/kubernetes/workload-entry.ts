import type { JsonObject } from "../json.ts";

/** A task of a service that istiod watches, as it is now. */
export interface TaskChange {
  readonly taskArn: string;
  readonly serviceArn: string;
  readonly serviceName: string;
  /** From the task's tags. */
  readonly namespace: string;
  readonly serviceAccount: string;
  readonly ipAddress: string;
  readonly running: boolean;
  readonly hasZtunnel: boolean;
}

/** The name of a task's WorkloadEntry. */
export function workloadEntryName({ taskArn }: TaskChange): string {
  return `ecs-${taskArn.split("/").at(-1) ?? ""}`;
}

/**
 * The WorkloadEntry that istiod writes for a running task. Labels and annotations have the names that Solo's istiod
 * gives them; the task is found by the annotation `ecs.solo.io/arn`, the service's tasks by the label
 * `ecs.solo.io/service`. A task without a ztunnel gets an entry too, but no tunnel.
 */
export function workloadEntry(task: TaskChange, network: string): JsonObject {
  const clusterArn = task.taskArn.replace(/:task\/([^/]+)\/.*$/, ":cluster/$1");
  const tunnel: JsonObject = task.hasZtunnel ? { "networking.istio.io/tunnel": "http" } : {};
  return {
    apiVersion: "networking.istio.io/v1",
    kind: "WorkloadEntry",
    metadata: {
      name: workloadEntryName(task),
      namespace: task.namespace,
      labels: {
        "ecs.solo.io/service": task.serviceName,
        "service.istio.io/workload-name": task.serviceName,
        ...tunnel,
      },
      annotations: {
        "ecs.solo.io/arn": task.taskArn,
        "ecs.solo.io/resource": `task/${task.namespace}/${task.taskArn}`,
        "ecs.solo.io/cluster": clusterArn,
      },
    },
    spec: { address: task.ipAddress, serviceAccount: task.serviceAccount, network },
  };
}
