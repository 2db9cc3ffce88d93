import { attemptKeyOf } from "../../deployment/attempts.ts";
import type { RollOutcome } from "../../model/service-state.ts";
import type { RollOrder } from "../../rollout/steps.ts";
import { type ApplyPlan, causeInWords, type FinishInput, failureOf, saysFailedOf, type Watch } from "./steps.ts";

/** How a roll ended: its last step's input in one shape, whichever path led there. */
export interface Ending {
  readonly executionName: string;
  readonly outcome: RollOutcome;
  /** What was changed, or the code of a failure, a refusal or `superseded`. */
  readonly reason: string;
  /** The cause of a failure in words; empty where nothing failed. */
  readonly sentence: string;
  /** What a failure is counted under. */
  readonly attemptKey: string;
  readonly rollout: RollOrder | null;
  readonly plan: ApplyPlan | undefined;
  /** The plan and the deployment that carried it out. Set for a roll that succeeded, or could not be verified. */
  readonly deployed: Deployed | undefined;
  /** Where a failed roll has returned its service to. Set for one that was reverted. */
  readonly revertedTo: { readonly revisionArn: string; readonly secretInUse: string | null } | undefined;
  /** Set for a roll that its plan refused. */
  readonly refusals: readonly { readonly reason: string; readonly detail: string }[] | undefined;
}

/** A plan, and the deployment that carried it out. */
export interface Deployed {
  readonly plan: ApplyPlan;
  readonly watch: Watch;
}

/** How the roll ended, from the results that its state machine has collected. An unknown outcome is a failure. */
export function endingOf(input: FinishInput): Ending {
  const { executionName, rollout, watch } = input;
  const plan = input.plan?.action === "apply" ? input.plan : undefined;
  const end = resultOf(input, plan);
  const back = end.outcome === "reverted" && plan ? revertedTo(plan, watch) : undefined;
  return {
    executionName,
    ...end,
    attemptKey: attemptKeyAfter(input, plan, back),
    rollout,
    plan,
    deployed: isDeployed(end.outcome) && plan && watch ? { plan, watch } : undefined,
    revertedTo: back,
    refusals: end.outcome === "refused" && input.plan?.action === "finish" ? input.plan.refusals : undefined,
  };
}

/** What a failure is counted under: what the service runs now, and what was to be brought. */
function attemptKeyAfter(
  { rollout, attemptKey }: FinishInput,
  plan: ApplyPlan | undefined,
  back: Ending["revertedTo"],
): string {
  if (plan && back && plan.content !== null && isTriedAgain(plan, back)) {
    return attemptKeyOf(back.revisionArn, plan.content);
  }
  // A rollout starts its rolls without reading the services: what they try is known once they are planned.
  return rollout && plan ? plan.attemptKey : attemptKey;
}

/**
 * From where the service is now, the next roll would bring the same again: to a copy, or what was only verified. One
 * that has stayed where it was will be verified again.
 */
function isTriedAgain({ change, pinnedRevisionArn, observedRevisionArn }: ApplyPlan, back: { revisionArn: string }) {
  if (back.revisionArn === observedRevisionArn) return false;
  return change === "verify" || pinnedRevisionArn === observedRevisionArn;
}

/** The revision whose deployment the revert has waited for; the pinned one where nothing was to be waited for. */
function revertedTo({ pinnedRevisionArn, pinnedSecret }: ApplyPlan, watch: Watch | null) {
  // Only the watch of a revert has no revision to return to.
  return watch?.revisionBeforeArn === null && watch.targetRevisionArn !== pinnedRevisionArn
    ? { revisionArn: watch.targetRevisionArn, secretInUse: watch.secretInUse }
    : { revisionArn: pinnedRevisionArn, secretInUse: pinnedSecret };
}

function isDeployed(outcome: RollOutcome): boolean {
  return outcome === "succeeded" || outcome === "unverified";
}

function resultOf(
  { outcome, plan, failure, firstFailure, cause }: FinishInput,
  applied: ApplyPlan | undefined,
): Pick<Ending, "outcome" | "reason" | "sentence"> {
  const { code, detail } = failureOf(failure);
  const words = cause ? causeInWords(cause) : undefined;
  const first = words ?? (firstFailure ? failureOf(firstFailure).detail : "");
  // Where the revert's own failure names the cause, it is named once.
  const isSaid = saysFailedOf(detail) || detail.includes(first);
  const planned = plan?.action === "finish" ? plan.reason : undefined;
  switch (outcome) {
    case "succeeded":
    case "unverified":
      return { outcome, reason: applied?.change ?? "", sentence: "" };
    case "refused":
      return { outcome, reason: planned ?? "", sentence: "" };
    case "superseded":
      return { outcome, reason: planned ?? "superseded", sentence: "" };
    case "reverted":
      return { outcome, reason: cause?.code ?? code, sentence: words ?? detail };
    case "revert-failed":
      return { outcome, reason: code, sentence: [isSaid ? "" : first, detail].filter(Boolean).join(" ") };
    default:
      return { outcome: "failed", reason: cause?.code ?? code, sentence: words ?? detail };
  }
}
