import type { Connections } from "../../core/connections.ts";
import type { EcsService } from "./model.ts";
import { longServiceArn } from "./store.ts";

/** Publishes what a service is now: whether it is there, its tags and its cluster's. */
export function announceService({ serviceChanges }: Pick<Connections, "serviceChanges">, service: EcsService): void {
  const { name: serviceName, cluster, status, tags } = service;
  const { account, region } = cluster.scope;
  serviceChanges.publish({
    // Short ARNs are the same for services of one name in several clusters.
    serviceArn: longServiceArn(cluster, serviceName),
    serviceName,
    clusterName: cluster.name,
    account,
    region,
    exists: status === "ACTIVE",
    tags: new Map(tags),
    clusterTags: new Map(cluster.tags),
  });
}
