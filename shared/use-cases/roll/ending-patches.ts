import type { Policy } from "../../config/config.ts";
import { afterFailure, afterSharedFailure, afterSuccess, isSharedFailure } from "../../deployment/attempts.ts";
import type { RollOutcome, ServicePatch, ServiceState } from "../../model/service-state.ts";
import type { Deployed, Ending } from "./ending.ts";

/** When the roll ended, and how long a failed attempt has to wait. */
interface Timing {
  /** Epoch milliseconds. */
  readonly nowMs: number;
  readonly policy: Pick<Policy, "attemptDelaysMinutes">;
  /** The control plane that serves the service. */
  readonly controlPlane?: string | undefined;
}

/** What the ledger remembers of the service once the roll that held its lease has ended. */
export function releasePatch(state: ServiceState, ending: Ending, timing: Timing): ServicePatch {
  return {
    attemptNumber: state.attemptNumber + 1,
    lastOutcome: outcomeOf(ending, timing),
    ...strandedPatch(ending, timing),
    ...(ending.plan?.serviceCreatedAtMs != null && { createdAtMs: ending.plan.serviceCreatedAtMs }),
    ...resultPatch(ending, state, timing),
    ...(isFailure(ending.outcome) && failurePatch(state, ending, timing)),
    ...notifiedPatch(ending, timing),
  };
}

function notifiedPatch(ending: Ending, { nowMs }: Timing): ServicePatch {
  const notifiedShared = sharedFailureText(ending, nowMs);
  if (notifiedShared !== undefined) return { notifiedShared, sharedNotice: null };
  return ending.deployed ? { notifiedShared: null } : {};
}

/** Where something was deployed and reverted, the same attempt would do so again: that waits longer each time. */
function failurePatch(state: ServiceState | undefined, ending: Ending, { nowMs, policy }: Timing): ServicePatch {
  const isShared = ending.outcome === "failed" && isSharedFailure(ending.reason);
  if (isShared) return afterSharedFailure(state, ending.attemptKey, nowMs);
  return afterFailure(state, ending.attemptKey, nowMs, policy);
}

/** A failure without the lease is counted, too: the same attempt waits, and a repeated finish finds it counted. */
export function strayPatch(state: ServiceState | undefined, ending: Ending, timing: Timing): ServicePatch {
  if (!isFailure(ending.outcome)) return {};
  return {
    lastOutcome: outcomeOf(ending, timing),
    ...failurePatch(state, ending, timing),
  };
}

function outcomeOf({ outcome, reason, executionName }: Ending, { nowMs }: Timing): ServiceState["lastOutcome"] {
  return { outcome, reason, executionName, at: new Date(nowMs).toISOString() };
}

/** A roll that has changed nothing says nothing about the revision that could not be reverted before it. */
function strandedPatch({ outcome, reason }: Ending, { nowMs }: Timing): ServicePatch {
  switch (outcome) {
    case "revert-failed":
      return { stranded: { since: new Date(nowMs).toISOString(), reason } };
    case "succeeded":
    case "unverified":
    case "reverted":
      return { stranded: null };
    case "failed":
    case "refused":
    case "superseded":
      return {};
  }
}

/** A refusal counts, too: else one that only a roll finds, as an identity bound elsewhere, is found at every event. */
function isFailure(outcome: RollOutcome): boolean {
  return outcome !== "succeeded" && outcome !== "unverified" && outcome !== "superseded";
}

function resultPatch(
  { outcome, deployed, refusals, revertedTo, rollout }: Ending,
  state: ServiceState,
  { controlPlane }: Timing,
): ServicePatch {
  if (deployed) {
    const rolledBy = rollout?.phase === "forward" ? { id: rollout.id, ordinal: rollout.ordinal } : null;
    const joins = controlPlane !== undefined && joinsMesh(deployed) ? { controlPlane } : {};
    return { ...deployedPatch(deployed, rollout !== null), ...goodPatch(deployed, outcome, state), ...joins, rolledBy };
  }
  if (refusals) return { notifiedRefusals: refusalText({ refusals }), refusalsNotice: null };
  if (!revertedTo) return {};
  return { lastGoodRevisionArn: revertedTo.revisionArn, lastGoodSecret: revertedTo.secretInUse };
}

/**
 * The last good revision: the new one once its tasks have shown that it works. Until then it stays what it was, but
 * after a rollback, whose revision was good before. The secret that it pins is recorded then, since the next roll pins
 * another revision.
 */
function goodPatch({ plan, watch }: Deployed, outcome: RollOutcome, state: ServiceState): ServicePatch {
  const { pinnedRevisionArn, pinnedSecret } = plan;
  const { targetRevisionArn: revisionArn, secretInUse } = watch;
  const image = plan.image === null ? {} : { lastGoodImage: plan.image };
  const good = { lastGoodRevisionArn: revisionArn, lastGoodSecret: secretInUse, ...image };
  if (outcome !== "unverified") return { ...good, unverified: null };
  return {
    ...(pinnedRevisionArn === state.lastGoodRevisionArn && { lastGoodSecret: pinnedSecret }),
    ...(plan.change === "rollback" && good),
    unverified: {
      revisionArn,
      pinnedRevisionArn,
      pinnedSecret,
      ...(plan.content !== null && { content: plan.content }),
    },
  };
}

/** What brings a token of the control plane that serves the service today. A rollback brings an earlier token. */
function joinsMesh({ plan: { change } }: Deployed): boolean {
  return change === "enroll" || change === "update" || change === "verify";
}

function deployedPatch({ plan, watch }: Deployed, inRollout: boolean): ServicePatch {
  const { change, pinnedSecret } = plan;
  const { secretInUse } = watch;
  const tried = plan.taskTagsTried === null ? {} : { taskTagsTried: plan.taskTagsTried };
  const patch = { ...afterSuccess(), ...tried, notifiedRefusals: null, stops: null };
  // An operator, or the next roll, may return to the pinned revision: the version that it starts from stays.
  const kept = pinnedSecret === null || pinnedSecret === secretInUse ? [] : [pinnedSecret];
  const secretsInUse = secretInUse === null ? kept : [...kept, secretInUse];
  switch (change) {
    case "enroll":
    case "update":
    case "verify":
      return { ...patch, enrolled: true, secretsInUse };
    case "unenroll":
      return {
        ...patch,
        enrolled: false,
        addedTagKeys: [],
        givenPorts: null,
        propagateTagsBefore: null,
        lastGoodImage: null,
        secretsInUse: inRollout ? kept : [],
      };
    case "rollback":
      return { ...patch, ...(secretInUse === null ? { enrolled: false } : { enrolled: true, secretsInUse }) };
  }
}

/** The refusals that the roll ended with, as `reconcile` writes them: what either of them finds is notified once. */
export function refusalText({ refusals }: Pick<Ending, "refusals">): string | undefined {
  return refusals?.map(({ reason, detail }) => `${reason}: ${detail}`).join("\n");
}

/**
 * What people are notified of once a day, where a dependency that services share keeps a roll of the service's own from
 * deploying: the roll is repeated every few minutes until that has recovered. Undefined for any other ending.
 */
export function sharedFailureText(
  { outcome, reason, rollout }: Pick<Ending, "outcome" | "reason" | "rollout">,
  nowMs: number,
): string | undefined {
  if (outcome !== "failed" || rollout || !isSharedFailure(reason)) return undefined;
  return `${reason} ${new Date(nowMs).toISOString().slice(0, 10)}`;
}
