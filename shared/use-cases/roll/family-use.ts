import { clusterArnOf } from "../../base/arn.ts";
import { familyOf, newerRevision } from "../../enrollment/families.ts";
import type { ObservedService } from "../../model/service.ts";
import type { SharedFamily } from "../../model/service-state.ts";
import type { EcsCalls } from "../../ports/ports.ts";

export interface FamilyCalls {
  readonly ecs: Pick<EcsCalls, "describeLatestTaskDefinition" | "listClusters" | "listTasks" | "describeTasks">;
}

/**
 * Who else uses the family of the service's task definition in its account and region: services whose tasks run a
 * revision of it, and somebody who has registered a revision since. A service that runs no task is not seen.
 */
export async function familyUse(service: ObservedService, calls: FamilyCalls): Promise<SharedFamily> {
  const { taskDefinitionArn } = service;
  const family = familyOf(taskDefinitionArn);
  const [latest, services] = await Promise.all([
    calls.ecs.describeLatestTaskDefinition(family),
    otherServices(service, family, calls),
  ]);
  const newer = newerRevision(latest, service);
  return { family, services: [...services], ...(newer !== undefined && { newer }) };
}

async function otherServices(
  { ref, deployments }: ObservedService,
  family: string,
  { ecs }: FamilyCalls,
): Promise<readonly string[]> {
  const ownTasks = deployments
    .filter(({ taskDefinitionArn }) => familyOf(taskDefinitionArn) === family)
    .reduce((sum, { runningCount }) => sum + runningCount, 0);
  const own = `${clusterArnOf(ref)} service:${ref.serviceName}`;
  const found = new Set<string>();
  for await (const clusterArn of ecs.listClusters()) {
    const taskArns = await ecs.listTasks({ clusterArn, family }, "RUNNING");
    // As many as the service itself runs: they are its own.
    if (clusterArn === clusterArnOf(ref) && taskArns.length === ownTasks) continue;
    for (const { group } of await ecs.describeTasks(clusterArn, taskArns)) {
      if (group?.startsWith("service:")) found.add(`${clusterArn} ${group}`);
    }
  }
  found.delete(own);
  return [...found].map((one) => one.replace(/^.*:cluster\//, "").replace(" service:", "/")).sort();
}
