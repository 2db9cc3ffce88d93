import type { ServiceRef } from "../../base/arn.ts";
import { asAutopilotError } from "../../base/errors.ts";
import type { Config } from "../../config/config.ts";
import { parseValueFrom } from "../../data-plane/ztunnel/bootstrap-token/secret-version.ts";
import { afterFailure, afterSuccess } from "../../deployment/attempts.ts";
import {
  driftCorrected,
  rollFailed,
  rollSuperseded,
  serviceEnrolled,
  serviceRefused,
  serviceUnenrolled,
  serviceUpdated,
} from "../../events/service-events.ts";
import { type DriftReason, driftReasons, type Refusal, type RefusalReason, refusals } from "../../model/reasons.ts";
import type { RollOutcome, ServicePatch, ServiceState } from "../../model/service-state.ts";
import type { Ledger } from "../../ports/ledger.ts";
import type { BusCalls, BusEvent, EcsCalls, Log } from "../../ports/ports.ts";
import { type Ending, isRecorded, type RecordCalls, recordInRollout } from "./record-in-rollout.ts";
import { type ApplyPlan, type FinishInput, failureOf } from "./steps.ts";

export interface FinishCalls {
  readonly config: Config;
  readonly ecs: Pick<EcsCalls, "untagResource">;
  readonly ledger: Pick<Ledger, "getService" | "finishRoll" | "patchService"> & RecordCalls["ledger"];
  readonly bus: BusCalls;
  readonly log: Pick<Log, "warn">;
  readonly now: () => number;
}

export interface Finished {
  readonly outcome: RollOutcome;
  readonly reason: string;
  readonly durationSeconds: number | undefined;
}

/**
 * Last step of every roll: writes the outcome and releases the lease in one atomic write, then emits one event; a
 * refusal that was told already makes none. Run again after a crash it writes nothing more and emits the event again, also
 * when another roll has had the service in between.
 */
export async function finishRoll(ref: ServiceRef, input: FinishInput, calls: FinishCalls): Promise<Finished> {
  const ending = endingOf(input);
  const before = await calls.ledger.getService(ref.serviceArn);
  const held = before?.roll?.executionName === input.executionName;
  const written = before?.lastOutcome?.executionName === input.executionName;
  const left = held && ending.outcome === "succeeded" && ending.plan?.change === "unenroll";
  const tags = left && !(await untagged(ref, before.addedTagKeys, calls)) ? { addedTagKeys: before.addedTagKeys } : {};
  // First: what the service had before is still in its state.
  const overtaken = !held && !written && endedSince(before, ending);
  const noted = written || (overtaken && (await isRecorded(input, calls.ledger)));
  const inRollout = noted ? {} : await recordInRollout(input, ending, before, calls);
  const patch = held
    ? { ...patchOf(before, input, ending, calls), ...tags, ...inRollout }
    : written || overtaken
      ? {}
      : strayPatch(before, input, ending, calls);
  let after = before;
  if (held) after = await calls.ledger.finishRoll(ref.serviceArn, input.executionName, patch);
  else if (Object.keys(patch).length > 0) after = await calls.ledger.patchService(ref.serviceArn, patch);
  const told = held && ending.outcome === "refused" && patch.notifiedRefusals === before.notifiedRefusals;
  if (!told)
    await calls.bus.putEvents([
      eventOf(ref, input, ending, { ...(written ? before : patch), recheckRequested: after?.recheckRequested }),
    ]);
  const startedAtMs = ending.plan?.startedAtMs;
  return {
    outcome: ending.outcome,
    reason: ending.reason,
    durationSeconds: startedAtMs === undefined ? undefined : (calls.now() - startedAtMs) / 1000,
  };
}

/** Another roll has ended since this one was planned: what the ledger has of the service is newer than this roll's end. */
function endedSince(state: ServiceState | undefined, { plan }: Ending): boolean {
  return state?.lastOutcome !== undefined && plan !== undefined && Date.parse(state.lastOutcome.at) >= plan.startedAtMs;
}

function endingOf(input: FinishInput): Ending {
  const plan = input.plan?.action === "apply" ? input.plan : undefined;
  const failure = failureOf(input.failure);
  const planned = input.plan?.action === "finish" ? input.plan.reason : undefined;
  const told = (outcome: RollOutcome, reason: string, sentence = ""): Ending => ({ outcome, reason, sentence, plan });
  switch (input.outcome) {
    case "succeeded":
      return told("succeeded", plan?.change ?? "");
    case "refused":
      return told("refused", planned ?? "");
    case "superseded":
      return told("superseded", planned ?? "superseded");
    case "reverted":
      return told("reverted", input.cause?.code ?? failure.code, input.cause?.sentence ?? failure.detail);
    case "revert-failed":
      return told("revert-failed", failure.code, [input.cause?.sentence, failure.detail].filter(Boolean).join(" "));
    default:
      return told("failed", failure.code, failure.detail);
  }
}

/** False when the tags had to be left: that must not keep the lease, as after the service itself was deleted. */
async function untagged(ref: ServiceRef, tagKeys: readonly string[], { ecs, log }: FinishCalls): Promise<boolean> {
  if (tagKeys.length === 0) return true;
  try {
    await ecs.untagResource(ref.serviceArn, tagKeys);
    return true;
  } catch (error) {
    const { code, message, retryable } = asAutopilotError(error);
    if (retryable) throw error;
    log.warn("tags left on the service", { code, why: message, tagKeys });
    return false;
  }
}

function patchOf(state: ServiceState, input: FinishInput, ending: Ending, calls: FinishCalls): ServicePatch {
  return {
    attemptNumber: state.attemptNumber + 1,
    lastOutcome: outcomeOf(input, ending, calls),
    ...resultPatch(input, ending),
    ...failurePatch(state, input, ending, calls),
  };
}

/** A failure without a lease is noted too: the same situation waits, and a second run of this step finds it counted. */
function strayPatch(
  state: ServiceState | undefined,
  input: FinishInput,
  ending: Ending,
  calls: FinishCalls,
): ServicePatch {
  if (!isFailure(ending.outcome)) return {};
  return { lastOutcome: outcomeOf(input, ending, calls), ...failurePatch(state, input, ending, calls) };
}

function outcomeOf({ executionName }: FinishInput, { outcome, reason }: Ending, { now }: FinishCalls) {
  return { outcome, reason, executionName, at: new Date(now()).toISOString() };
}

/** A failure makes the same situation wait. */
function failurePatch(
  state: ServiceState | undefined,
  { attemptKey, rollout }: FinishInput,
  { outcome, plan }: Ending,
  { now, config }: FinishCalls,
): ServicePatch {
  // A rollout starts its rolls without looking at the services: what was tried is known since the plan.
  const tried = rollout && plan ? plan.attemptKey : attemptKey;
  return isFailure(outcome) ? afterFailure(state, tried, now(), config.policy) : {};
}

/** A refusal that only a roll finds (an identity bound elsewhere) must not be found again at every event. */
function isFailure(outcome: RollOutcome): boolean {
  return outcome !== "succeeded" && outcome !== "superseded";
}

function resultPatch(input: FinishInput, { outcome, plan }: Ending): ServicePatch {
  if (outcome === "refused" && input.plan?.action === "finish")
    return { notifiedRefusals: textOf(input.plan.refusals) };
  if (outcome === "reverted" && plan) {
    return { lastGoodRevisionArn: plan.pinnedRevisionArn, lastGoodSecret: plan.pinnedSecret };
  }
  if (outcome !== "succeeded" || !plan || !input.watch) return {};
  const { targetRevisionArn, secretInUse } = input.watch;
  const lastGood = { lastGoodRevisionArn: targetRevisionArn, lastGoodSecret: secretInUse };
  const succeeded = { ...afterSuccess(), ...lastGood, notifiedRefusals: null };
  // The revision before may be what an operator, or a next roll, goes back to.
  const { pinnedSecret } = plan;
  const kept = pinnedSecret === null || pinnedSecret === secretInUse ? [] : [pinnedSecret];
  if (plan.change === "unenroll") {
    const secretsInUse = input.rollout ? kept : [];
    return { ...succeeded, enrolled: false, addedTagKeys: [], secretsInUse };
  }
  if (plan.change === "rollback" && secretInUse === null) return { ...succeeded, enrolled: false };
  return { ...succeeded, enrolled: true, secretsInUse: secretInUse === null ? kept : [...kept, secretInUse] };
}

/** As `reconcile` notes refusals, so that one refusal is told once. */
function textOf(told: readonly { readonly reason: string; readonly detail: string }[]): string {
  return told.map(({ reason, detail }) => `${reason}: ${detail}`).join("\n");
}

function eventOf(
  ref: ServiceRef,
  input: FinishInput,
  ending: Ending,
  noted: Pick<ServicePatch, "consecutiveFailures" | "notBefore" | "recheckRequested">,
): BusEvent {
  const { executionName, watch } = input;
  const inRollout = rolloutOf(input);
  const { outcome, reason, plan } = ending;
  switch (outcome) {
    case "succeeded":
      if (plan && watch) return changed(ref, input, plan, watch, noted);
      return rollSuperseded(ref, { executionName, ...inRollout, reason });
    case "refused":
      return serviceRefused(
        ref,
        input.plan?.action === "finish" ? input.plan.refusals.filter(isRefusal) : [],
        inRollout,
      );
    case "superseded":
      return rollSuperseded(ref, { executionName, ...inRollout, reason });
    case "reverted":
    case "revert-failed":
    case "failed":
      return rollFailed(ref, {
        executionName,
        ...inRollout,
        code: reason,
        sentence: ending.sentence,
        reverted: outcome !== "revert-failed",
        ...(outcome === "reverted" && plan && { revertedTo: plan.pinnedRevisionArn }),
        ...(noted.consecutiveFailures && { consecutiveFailures: noted.consecutiveFailures }),
        ...(noted.notBefore && { nextAttemptAt: new Date(noted.notBefore).toISOString() }),
      });
  }
}

function rolloutOf({ rollout }: FinishInput): { rolloutId?: string } {
  return rollout ? { rolloutId: rollout.id } : {};
}

function changed(
  ref: ServiceRef,
  input: FinishInput,
  plan: ApplyPlan,
  watch: NonNullable<FinishInput["watch"]>,
  { recheckRequested }: Pick<ServicePatch, "recheckRequested">,
): BusEvent {
  const change = {
    executionName: input.executionName,
    ...rolloutOf(input),
    taskDefinitionArn: watch.targetRevisionArn,
    previousTaskDefinitionArn: plan.observedRevisionArn,
  };
  const secretVersionId = watch.secretInUse === null ? undefined : parseValueFrom(watch.secretInUse)?.versionId;
  const sidecar = {
    ...(plan.namespace !== null && { namespace: plan.namespace }),
    ...(plan.serviceAccount !== null && { serviceAccount: plan.serviceAccount }),
    ...(plan.image !== null && { image: plan.image }),
    ...(secretVersionId && { secretVersionId }),
  };
  const drift = plan.drift.filter(isDriftReason);
  if (plan.change === "unenroll") return serviceUnenrolled(ref, change);
  if (plan.change === "enroll") return serviceEnrolled(ref, { ...change, ...sidecar });
  if (drift.includes("sidecar-missing")) return driftCorrected(ref, { ...change, drift });
  return serviceUpdated(ref, { ...change, ...sidecar, drift, ...(recheckRequested && { recheckRequested }) });
}

function isDriftReason(text: string): text is DriftReason {
  return Object.hasOwn(driftReasons, text);
}

function isRefusal(told: { readonly reason: string; readonly detail: string }): told is Refusal {
  return isRefusalReason(told.reason);
}

function isRefusalReason(text: string): text is RefusalReason {
  return Object.hasOwn(refusals, text);
}
