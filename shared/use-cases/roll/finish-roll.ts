import type { ServiceRef } from "../../base/arn.ts";
import { AutopilotError } from "../../base/errors.ts";
import { type Config, controlPlaneFor } from "../../config/config.ts";
import { isAnotherService } from "../../deployment/memory.ts";
import type { RollOutcome, ServiceState } from "../../model/service-state.ts";
import type { Ledger } from "../../ports/ledger.ts";
import type { BusCalls, EcsCalls, Log } from "../../ports/ports.ts";
import { claimNotice } from "../observe/notify-once.ts";
import { removeAddedTags } from "../observe/remove-added-tags.ts";
import { type Ending, endingOf } from "./ending.ts";
import { type EndingCase, endingCase } from "./ending-case.ts";
import { refusalText, releasePatch, sharedFailureText, strayPatch } from "./ending-patches.ts";
import { isRecorded, type RecordCalls, recordInRollout } from "./record-in-rollout.ts";
import { type Recorded, rollEvent } from "./roll-events.ts";
import type { FinishInput } from "./steps.ts";

export interface FinishCalls {
  readonly config: Config;
  readonly ecs: Pick<EcsCalls, "untagResource" | "describeService">;
  readonly ledger: Pick<Ledger, "getService" | "finishRoll" | "patchService" | "claimNotice"> & RecordCalls["ledger"];
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
 * Last step of every roll: records the outcome, releases the lease, then emits one event, unless that would notify once
 * more of the same and nothing asked for a recheck. Safe to run again after a crash, even when another roll has had the
 * service since: it writes nothing twice and emits the event again.
 */
export async function finishRoll(ref: ServiceRef, input: FinishInput, calls: FinishCalls): Promise<Finished> {
  const ending = await ofDeleted(ref, endingOf(input), calls);
  const found = endingCase(await calls.ledger.getService(ref.serviceArn), ending);
  const known = found.case === "release" && (await isNotified(found.state, ending, calls));
  const recorded = await recordEnding(ref, ending, found, calls);
  // What asked for a recheck during the roll waits for this event.
  if (!known || recorded.recheckRequested) {
    const enrolled = found.state?.enrolled ?? false;
    await calls.bus.putEvents([rollEvent(ref, ending, { ...recorded, enrolled, known })]);
  }
  const { outcome, reason, plan } = ending;
  return { outcome, reason, durationSeconds: plan && (calls.now() - plan.startedAtMs) / 1000 };
}

/**
 * The ending as it is of a service that was deleted, or created again, during its roll: nobody has to act,
 * even if that has kept something from being done. What can't be read counts as not deleted.
 */
async function ofDeleted(ref: ServiceRef, ending: Ending, { ecs, log }: FinishCalls): Promise<Ending> {
  const { outcome, reason, plan } = ending;
  const isInDoubt = outcome === "superseded" ? reason === "superseded" : isFailed(outcome);
  if (!isInDoubt || !(await isDeleted(ref, plan, { ecs, log }))) return ending;
  return { ...ending, outcome: "superseded", reason: "service-deleted", sentence: "", revertedTo: undefined };
}

function isFailed(outcome: RollOutcome): boolean {
  return outcome === "failed" || outcome === "reverted" || outcome === "revert-failed";
}

async function isDeleted(
  ref: ServiceRef,
  plan: Ending["plan"],
  { ecs, log }: Pick<FinishCalls, "ecs" | "log">,
): Promise<boolean> {
  try {
    const service = await ecs.describeService(ref);
    return service.status !== "ACTIVE" || (plan !== undefined && isAnotherService(service, plan.serviceCreatedAtMs));
  } catch (error) {
    if (!(error instanceof AutopilotError)) throw error;
    const { code, message } = error;
    if (code === "service-not-found") return true;
    log.warn("it is unknown whether the service was deleted", { code, why: message });
    return false;
  }
}

/** True if people have been notified of the very refusals or failure that the roll ended with, or are about to be. */
async function isNotified(state: ServiceState, ending: Ending, calls: FinishCalls): Promise<boolean> {
  const by = ending.executionName;
  const refusals = refusalText(ending);
  if (refusals !== undefined)
    return !(await claimNotice(state, { member: "notifiedRefusals", text: refusals, by }, calls));
  const shared = sharedFailureText(ending, calls.now());
  return shared !== undefined && !(await claimNotice(state, { member: "notifiedShared", text: shared, by }, calls));
}

/** Writes what the case leaves to write. Returns what the event repeats of it. */
async function recordEnding(ref: ServiceRef, ending: Ending, found: EndingCase, calls: FinishCalls): Promise<Recorded> {
  switch (found.case) {
    case "release":
      return release(ref, ending, found.state, calls);
    case "repeat":
      return found.state;
    case "overtaken":
      // The service's state is another roll's by now. The rollout may still lack this ending.
      if (!(await isRecorded(ending, calls.ledger))) await recordInRollout(ending, found.state, calls);
      return { recheckRequested: found.state.recheckRequested };
    case "stray":
      return recordStray(ref, ending, found.state, calls);
  }
}

/**
 * One atomic write records the outcome and releases the lease. The rollout's record is written before it: until then
 * the service's previous values are still in its state, and the lease is still held after a crash in between.
 */
async function release(ref: ServiceRef, ending: Ending, state: ServiceState, calls: FinishCalls): Promise<Recorded> {
  const leaves = ending.outcome === "succeeded" && ending.plan?.change === "unenroll";
  const keptTagKeys = leaves ? await removeAddedTags(ref, state.addedTagKeys, calls) : [];
  const rolloutPatch = await recordInRollout(ending, state, calls);
  const tagsPatch = keptTagKeys.length > 0 ? { addedTagKeys: keptTagKeys } : {};
  const controlPlane = controlPlaneFor(calls.config, ref)?.name;
  const patch = { ...releasePatch(state, ending, { ...timingOf(calls), controlPlane }), ...tagsPatch, ...rolloutPatch };
  const released = await calls.ledger.finishRoll(ref.serviceArn, ending.executionName, patch);
  return { ...patch, recheckRequested: released?.recheckRequested };
}

/** Another roll may hold the lease: the service's own members are all that is written. */
async function recordStray(
  ref: ServiceRef,
  ending: Ending,
  state: ServiceState | undefined,
  calls: FinishCalls,
): Promise<Recorded> {
  await recordInRollout(ending, state, calls);
  const patch = strayPatch(state, ending, timingOf(calls));
  const writes = Object.keys(patch).length > 0;
  const recorded = writes ? await calls.ledger.patchService(ref.serviceArn, patch) : state;
  return { ...patch, recheckRequested: recorded?.recheckRequested };
}

function timingOf({ config, now }: FinishCalls) {
  return { nowMs: now(), policy: config.policy };
}
