import type { ServiceRef } from "../../base/arn.ts";
import { parseValueFrom } from "../../data-plane/ztunnel/index.ts";
import {
  driftCorrected,
  rollFailed,
  rollSuperseded,
  serviceEnrolled,
  serviceRefused,
  serviceUnenrolled,
  serviceUpdated,
} from "../../events/service-events.ts";
import { type DriftReason, driftReasonNames, type Refusal, refusalNames } from "../../model/reasons.ts";
import type { ServicePatch } from "../../model/service-state.ts";
import type { BusEvent } from "../../ports/ports.ts";
import type { Deployed, Ending } from "./ending.ts";

/** The fields that the ledger records of the ending and the event repeats. */
export type Recorded = Pick<ServicePatch, "consecutiveFailures" | "notBefore" | "recheckRequested" | "enrolled"> & {
  /** People have been notified of the very same before. */
  readonly known?: boolean;
};

/** The one event that a roll emits when it ends. */
export function rollEvent(ref: ServiceRef, ending: Ending, recorded: Recorded): BusEvent {
  const { outcome, reason, deployed } = ending;
  const superseded = () => rollSuperseded(ref, { ...rollOf(ending), ...recheckOf(recorded), reason });
  switch (outcome) {
    case "succeeded":
    case "unverified":
      return deployed ? changeEvent(ref, ending, deployed, recorded) : superseded();
    case "superseded":
      return superseded();
    case "refused":
      return refusalEvent(ref, ending, recorded);
    case "reverted":
    case "revert-failed":
    case "failed":
      return failureEvent(ref, ending, recorded);
  }
}

/** A plan of another version may have refused for a reason that this one can't name: then only its words are left. */
function refusalEvent(ref: ServiceRef, ending: Ending, recorded: Recorded): BusEvent {
  const { refusals = [] } = ending;
  const known = refusals.filter(isRefusal);
  if (known.length === 0) {
    const sentence = refusals[0]?.detail || "It was refused for a reason that this version does not know.";
    return failureEvent(ref, { ...ending, outcome: "failed", sentence }, recorded);
  }
  return serviceRefused(ref, known, {
    ...rolloutOf(ending),
    ...endOf(recorded),
    ...(recorded.enrolled && { enrolled: true as const }),
  });
}

function failureEvent(ref: ServiceRef, ending: Ending, recorded: Recorded): BusEvent {
  const { consecutiveFailures, notBefore } = recorded;
  const { outcome, reason, sentence, revertedTo } = ending;
  return rollFailed(ref, {
    ...rollOf(ending),
    ...endOf(recorded),
    code: reason,
    sentence,
    reverted: outcome !== "revert-failed",
    ...(outcome === "failed" && { unchanged: true as const }),
    ...(revertedTo && { revertedTo: revertedTo.revisionArn }),
    ...(consecutiveFailures && { consecutiveFailures }),
    ...(notBefore && { nextAttemptAt: new Date(notBefore).toISOString() }),
  });
}

function changeEvent(ref: ServiceRef, ending: Ending, { plan, watch }: Deployed, recorded: Recorded): BusEvent {
  const change = {
    ...rollOf(ending),
    taskDefinitionArn: watch.targetRevisionArn,
    previousTaskDefinitionArn: plan.observedRevisionArn,
    ...verificationOf(ending.outcome, plan),
  };
  const drift = plan.drift.filter(isDriftReason);
  switch (plan.change) {
    case "enroll":
      return serviceEnrolled(ref, { ...change, ...sidecarOf(plan, watch) });
    case "unenroll":
      return serviceUnenrolled(ref, change);
    case "update":
    case "rollback":
    case "verify":
      if (drift.includes("sidecar-missing")) return driftCorrected(ref, { ...change, drift });
      return serviceUpdated(ref, {
        ...change,
        ...sidecarOf(plan, watch),
        drift,
        ...recheckOf(recorded),
      });
  }
}

function recheckOf({ recheckRequested }: Recorded): { readonly recheckRequested?: true } {
  return recheckRequested ? { recheckRequested } : {};
}

function endOf(recorded: Recorded): { readonly recheckRequested?: true; readonly known?: true } {
  return { ...recheckOf(recorded), ...(recorded.known && { known: true as const }) };
}

/** Said only where it differs from "verified by the tasks that the roll has started". */
function verificationOf(outcome: Ending["outcome"], { change }: Deployed["plan"]) {
  if (outcome === "unverified") return { verification: "pending" } as const;
  return change === "verify" ? ({ verification: "late" } as const) : {};
}

/** The sidecar that runs now. A member is left out where the service has none. */
function sidecarOf({ namespace, serviceAccount, image }: Deployed["plan"], { secretInUse }: Deployed["watch"]) {
  const secretVersionId = secretInUse === null ? undefined : parseValueFrom(secretInUse)?.versionId;
  return {
    ...(namespace !== null && { namespace }),
    ...(serviceAccount !== null && { serviceAccount }),
    ...(image !== null && { image }),
    ...(secretVersionId && { secretVersionId }),
  };
}

function rollOf(ending: Ending): { readonly executionName: string; readonly rolloutId?: string } {
  return { executionName: ending.executionName, ...rolloutOf(ending) };
}

function rolloutOf({ rollout }: Ending): { readonly rolloutId?: string } {
  return rollout ? { rolloutId: rollout.id } : {};
}

function isDriftReason(text: string): text is DriftReason {
  return driftReasonNames.some((name) => name === text);
}

function isRefusal(refusal: { readonly reason: string; readonly detail: string }): refusal is Refusal {
  return refusalNames.some((name) => name === refusal.reason);
}
