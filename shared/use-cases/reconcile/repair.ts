import { clusterArnOf } from "../../base/arn.ts";
import { asAutopilotError, failures } from "../../base/errors.ts";
import { DISCOVERY_TAG } from "../../base/vocabulary.ts";
import { driftCorrected } from "../../events/service-events.ts";
import type { RepairReason } from "../../model/reasons.ts";
import type { ObservedService } from "../../model/service.ts";
import type { BusCalls, EcsCalls, Log } from "../../ports/ports.ts";

export interface RepairCalls {
  readonly ecs: Pick<EcsCalls, "describeCluster" | "tagResource" | "updateService">;
  readonly bus: BusCalls;
  readonly log: Pick<Log, "error">;
  readonly repairedClusters?: Set<string>;
}

/**
 * Gives the service back what it lacks outside of its task definition, without a deployment, and reports it. What ECS
 * refuses is logged, and comes again with the next reconcile. Throws a retryable error.
 */
export async function repair(
  service: ObservedService,
  repairs: readonly RepairReason[],
  calls: RepairCalls,
): Promise<void> {
  const { ref, taskDefinitionArn } = service;
  const done: RepairReason[] = [];
  for (const reason of repairs) if (await tried(service, reason, calls)) done.push(reason);
  if (done.length > 0) await calls.bus.putEvents([driftCorrected(ref, { taskDefinitionArn, drift: done })]);
}

async function tried(service: ObservedService, reason: RepairReason, calls: RepairCalls): Promise<boolean> {
  try {
    return await putRight(service, reason, calls);
  } catch (error) {
    const { code, message, retryable } = asAutopilotError(error);
    if (retryable) throw error;
    calls.log.error(`not repaired: ${reason} of ${service.ref.serviceArn}`, {
      code,
      why: message,
      fix: failures[code].fix,
    });
    return false;
  }
}

/** False when there was nothing to correct after all. */
async function putRight({ ref }: ObservedService, reason: RepairReason, calls: RepairCalls): Promise<boolean> {
  const { ecs, repairedClusters } = calls;
  switch (reason) {
    case "propagate-tags":
      await ecs.updateService(ref, { propagateTags: true });
      return true;
    case "discovery": {
      const clusterArn = clusterArnOf(ref);
      if (repairedClusters?.has(clusterArn)) return false;
      repairedClusters?.add(clusterArn);
      // A roll, or another service's look, may have set the tag since the cluster's tags were cached.
      const { tags } = await ecs.describeCluster(clusterArn, { fresh: true });
      if (tags[DISCOVERY_TAG] === "true") return false;
      await ecs.tagResource(clusterArn, { [DISCOVERY_TAG]: "true" });
      return true;
    }
  }
}
