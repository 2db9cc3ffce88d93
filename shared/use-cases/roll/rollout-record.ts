import type { RolloutService, RolloutServiceStatus } from "../../model/rollout.ts";
import type { ServicePatch, ServiceState } from "../../model/service-state.ts";
import { countsAsFailed } from "../../rollout/counted.ts";
import type { Phase } from "../../rollout/steps.ts";
import type { Ending } from "./ending.ts";

/**
 * What a roll's ending makes of its service in the rollout. `adopted`: an earlier roll of the same rollout, whose
 * execution was stopped before its end, has given the service all that it should have. `unverified`: no task has shown
 * yet that what the service runs works.
 */
export function rolloutStatus(
  phase: Phase,
  ending: Ending,
  { adopted, unverified }: { readonly adopted: boolean; readonly unverified: boolean },
): RolloutServiceStatus {
  if (phase === "rollback") return rollbackStatus(ending);
  const status = adopted ? "succeeded" : forwardStatus(ending);
  // It has all that it should have, from this rollout or an earlier roll, and nothing has shown that this works.
  return unverified && isAsDesired(ending) ? "unverified" : status;
}

function isAsDesired({ outcome, reason }: Ending): boolean {
  return outcome === "superseded" && reason === "already-as-desired";
}

function forwardStatus({ outcome, reason }: Ending): RolloutServiceStatus {
  if (outcome !== "superseded") return outcome;
  switch (reason) {
    case "already-as-desired":
    case "service-not-found":
    case "service-deleted":
      return "skipped";
    case "rollout-stopped":
      return "waiting";
    default:
      return "superseded";
  }
}

function rollbackStatus({ outcome, reason }: Ending): RolloutServiceStatus {
  if (outcome === "succeeded" || outcome === "unverified") return "rolled-back";
  if (outcome !== "superseded") return "stuck";
  switch (reason) {
    case "already-as-desired":
      return "rolled-back";
    case "roll-in-progress":
    case "ledger-behind":
      // Another roll has the service: it has what the rollout gave to it until its rollback is tried again.
      return "succeeded";
    default:
      return "left";
  }
}

/** What the rollout records of its service. The revisions and the image before are what a rollback returns to. */
export function rolloutServicePatch(
  phase: Phase,
  status: RolloutServiceStatus,
  { reason, sentence, plan, deployed }: Ending,
  state: ServiceState | undefined,
  nowMs: number,
): Partial<RolloutService> {
  return {
    status,
    reason,
    ...(sentence && { detail: sentence.slice(0, 1000) }),
    finishedAt: new Date(nowMs).toISOString(),
    ...(plan && {
      startedAt: new Date(plan.startedAtMs).toISOString(),
      durationSeconds: Math.max(0, (nowMs - plan.startedAtMs) / 1000),
    }),
    ...(deployed &&
      phase === "forward" && {
        fromRevisionArn: deployed.plan.pinnedRevisionArn,
        toRevisionArn: deployed.watch.targetRevisionArn,
        imageBefore: state?.image ?? null,
      }),
  };
}

/**
 * The rollout's list that the service joins: failures count against its budget, stuck services wait for an operator.
 */
export function ordinalsJoined(phase: Phase, service: RolloutService): "failedOrdinals" | "stuckOrdinals" | undefined {
  if (service.status === "stuck") return "stuckOrdinals";
  return phase === "forward" && countsAsFailed(service) ? "failedOrdinals" : undefined;
}

/**
 * The image that the service has from now on: the rollout's, or the one before it. The latter also where somebody has
 * deployed since: their revision may have the rollout's image, which the next reconcile corrects.
 */
export function imagePatch(
  status: RolloutServiceStatus,
  image: string | null | undefined,
  { imageBefore }: Pick<RolloutService, "imageBefore">,
  nowMs: number,
): ServicePatch {
  switch (status) {
    case "succeeded":
    case "unverified":
      return image ? { image: { image, assignedAtMs: nowMs } } : {};
    case "rolled-back":
    case "left":
    case "stuck":
      return { image: imageBefore ?? null };
    default:
      return {};
  }
}
