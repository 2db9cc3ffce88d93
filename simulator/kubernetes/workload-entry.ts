import type { JsonObject } from "../base/json.ts";
import type { TaskChange } from "../core/connections.ts";
import { labelKeyProblems, labelValueProblems } from "./names.ts";

export interface TaskPlace {
  readonly account: string;
  readonly region: string;
}

/** A task that istiod discovers, as it is now. */
export interface DiscoveredTask {
  readonly taskArn: string;
  readonly serviceArn: string;
  readonly serviceName: string;
  readonly place: TaskPlace;
  /** From the task's tags. */
  readonly namespace: string;
  readonly serviceAccount: string;
  readonly hostname: string;
  readonly ipAddress: string;
  /** From before its containers start until it has stopped. */
  readonly exists: boolean;
  /** It has a container of that name, whether or not it is healthy. */
  readonly hasZtunnel: boolean;
  /** Those tags that can be labels. */
  readonly labels: Readonly<Record<string, string>>;
}

/** What an istiod of another version, or one in trouble, leaves out of an entry. */
export interface EntryOmissions {
  readonly labels: boolean;
  readonly redirection: boolean;
  /** What the entry says of its task: the annotations have other keys, and the name is no longer made of the task. */
  readonly task: boolean;
}

/**
 * What Solo's istiod sees in a task: those with a network interface, of clusters that carry
 * `ecs.solo.io/discovery-enabled`, with the identity that the task's tags say. Undefined for the others.
 */
export function discoveredTask(
  change: TaskChange,
  discovers: (place: TaskPlace) => boolean,
  domainOf: (place: TaskPlace) => string,
): DiscoveredTask | undefined {
  const { taskArn, serviceArn, serviceName, ipAddress, lastStatus, containers, tags, clusterTags } = change;
  const [, , , region = "", account = ""] = taskArn.split(":");
  const [, clusterName = ""] = taskArn.split("/");
  const place = { account, region };
  if (ipAddress === undefined || clusterTags.get("ecs.solo.io/discovery-enabled") !== "true") return undefined;
  if (!discovers(place)) return undefined;
  return {
    taskArn,
    serviceArn,
    serviceName,
    place,
    namespace: tags.get("ecs.solo.io/namespace") ?? "istio-system",
    serviceAccount: tags.get("ecs.solo.io/service-account") ?? "default",
    hostname: tags.get("ecs.solo.io/hostname") ?? defaultHostname(serviceName, clusterName, domainOf(place)),
    ipAddress,
    exists: lastStatus !== "STOPPED",
    hasZtunnel: containers.includes("ztunnel"),
    labels: labelTags(tags),
  };
}

/**
 * The WorkloadEntry that istiod writes for a task. ECS's names go into it unchanged: it may be one that Kubernetes does
 * not take. The task is found by the annotation `ecs.solo.io/arn`, the service's tasks by the label
 * `ecs.solo.io/service`; the annotation `ambient.istio.io/redirection` says that its ztunnel takes HBONE.
 */
export function workloadEntry(task: DiscoveredTask, network: string, omits: EntryOmissions): JsonObject {
  const clusterArn = task.taskArn.replace(/:task\/([^/]+)\/.*$/, ":cluster/$1");
  const redirection = task.hasZtunnel && !omits.redirection ? { "ambient.istio.io/redirection": "enabled" } : {};
  const labels = {
    ...task.labels,
    "ecs.solo.io/service": task.serviceName,
    "ecs.solo.io/hostname": task.hostname,
    "service.istio.io/workload-name": task.serviceName,
  };
  return {
    apiVersion: "networking.istio.io/v1",
    kind: "WorkloadEntry",
    metadata: {
      name: omits.task ? `workload-${task.taskArn.slice(-12)}` : entryName(task),
      namespace: task.namespace,
      ...(!omits.labels && { labels }),
      annotations: {
        [omits.task ? "platform.example.com/task" : "ecs.solo.io/arn"]: task.taskArn,
        ...(!omits.task && { "ecs.solo.io/resource": `task/${task.namespace}/${task.taskArn}` }),
        "ecs.solo.io/cluster": clusterArn,
        ...redirection,
      },
    },
    spec: { address: task.ipAddress, serviceAccount: task.serviceAccount, network },
  };
}

function entryName({ taskArn, place }: DiscoveredTask): string {
  const [, cluster = "", id = ""] = taskArn.split("/");
  return `ecs-task-${place.account}-${place.region}-${cluster}-${id}`;
}

/** The tags that can be labels. */
export function labelTags(tags: ReadonlyMap<string, string>): Readonly<Record<string, string>> {
  return Object.fromEntries([...tags].filter(([key, value]) => canBeLabel(key, value)));
}

/** The host of a service that no tag gives another one. */
export function defaultHostname(serviceName: string, clusterName: string, domain: string): string {
  return `${serviceName}.${clusterName}.${domain}`;
}

function canBeLabel(key: string, value: string): boolean {
  return labelKeyProblems(key).length === 0 && labelValueProblems(value).length === 0;
}
