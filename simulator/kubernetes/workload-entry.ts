import type { JsonObject } from "../base/json.ts";
import type { TaskChange } from "../core/connections.ts";

export interface TaskPlace {
  readonly account: string;
  readonly region: string;
}

/** A task that istiod discovers, as it is now. */
export interface DiscoveredTask {
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

/**
 * What Solo's istiod sees in a task: those with a network interface, of clusters that carry
 * `ecs.solo.io/discovery-enabled`, with the identity that the task's tags say. Undefined for the others.
 */
export function discoveredTask(
  change: TaskChange,
  discovers: (place: TaskPlace) => boolean = () => true,
): DiscoveredTask | undefined {
  const { taskArn, serviceArn, serviceName, ipAddress, lastStatus, healthy, containers, tags, clusterTags } = change;
  const [, , , region = "", account = ""] = taskArn.split(":");
  if (ipAddress === undefined || clusterTags.get("ecs.solo.io/discovery-enabled") !== "true") return undefined;
  if (!discovers({ account, region })) return undefined;
  return {
    taskArn,
    serviceArn,
    serviceName,
    namespace: tags.get("ecs.solo.io/namespace") ?? "istio-system",
    serviceAccount: tags.get("ecs.solo.io/service-account") ?? "default",
    ipAddress,
    running: lastStatus === "RUNNING",
    hasZtunnel: healthy && containers.includes("ztunnel"),
  };
}

/** The name of a task's WorkloadEntry. */
export function workloadEntryName({ taskArn }: DiscoveredTask): string {
  return `ecs-${taskArn.split("/").at(-1) ?? ""}`;
}

/**
 * The WorkloadEntry that istiod writes for a running task. Labels and annotations have the names that Solo's istiod
 * gives them; the task is found by the annotation `ecs.solo.io/arn`, the service's tasks by the label
 * `ecs.solo.io/service`. A task without a ztunnel gets an entry too, but no tunnel.
 */
export function workloadEntry(task: DiscoveredTask, network: string): JsonObject {
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
