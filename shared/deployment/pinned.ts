import type { ObservedService } from "../model/service.ts";
import type { ServiceState } from "../model/service-state.ts";
import { hasCompleted } from "./verdict.ts";

/**
 * The revision that a failed roll reverts to, chosen before it changes anything: the PRIMARY deployment's if it has
 * completed; else that of another deployment that has (ECS lists the newest first); else the last good one in the
 * ledger; else the PRIMARY's, which the user asked for. Never "latest minus one". A revision of ours that was
 * deployed while no task ran has shown nothing: what its roll would have reverted to takes its place.
 */
export function pinnedRevision(observed: {
  readonly service: ObservedService;
  readonly state: Pick<ServiceState, "lastGoodRevisionArn" | "unverified"> | undefined;
}): string {
  const { service, state } = observed;
  const primaryFirst = service.deployments.toSorted(
    (a, b) => Number(b.status === "PRIMARY") - Number(a.status === "PRIMARY"),
  );
  const completed = primaryFirst.find(hasCompleted);
  const { unverified } = state ?? {};
  if (unverified && completed?.taskDefinitionArn === unverified.revisionArn) return unverified.pinnedRevisionArn;
  return completed?.taskDefinitionArn ?? state?.lastGoodRevisionArn ?? service.taskDefinitionArn;
}
