import type { WorkloadEntry } from "../../shared/model/workload-entry.ts";

export const REDIRECTED = { "ambient.istio.io/redirection": "enabled" };

/** The entry that Solo's istiod writes for a task of the service `web`, with the given members. */
export function workloadEntryOf(taskArn: string, changes: Partial<WorkloadEntry> = {}): WorkloadEntry {
  const [, , , region, account, resource = ""] = taskArn.split(":");
  const [, cluster, id] = resource.split("/");
  return {
    namespace: "shop",
    name: `ecs-task-${account}-${region}-${cluster}-${id}`,
    annotations: { "ecs.solo.io/arn": taskArn, ...REDIRECTED },
    labels: { "ecs.solo.io/service": "web" },
    address: "10.0.0.1",
    serviceAccount: "web",
    ...changes,
  };
}

/** The same as an object of Kubernetes. */
export function workloadEntryObject({ namespace, name, annotations, labels, address, serviceAccount }: WorkloadEntry) {
  return {
    apiVersion: "networking.istio.io/v1",
    kind: "WorkloadEntry",
    metadata: { name, namespace, annotations: { ...annotations }, labels: { ...labels } },
    spec: { ...(address && { address }), ...(serviceAccount && { serviceAccount }) },
  };
}
