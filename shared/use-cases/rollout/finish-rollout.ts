import { type FailureCode, failureCodeOf } from "../../base/errors.ts";
import { reasonText, rolledBack, rolloutCompleted } from "../../events/rollout-events.ts";
import { endedStatuses, type Rollout, type RolloutServiceStatus, type RolloutStatus } from "../../model/rollout.ts";
import type { RolloutLedger } from "../../ports/ledger.ts";
import type { BusCalls } from "../../ports/ports.ts";
import { endWithoutTurn, nextStep } from "../../rollout/next-step.ts";
import { progressOf } from "../../rollout/progress.ts";
import { afterEnd } from "../../rollout/trouble.ts";
import { advanceQueue, hasEnded, leaveQueue, makeRoom, type QueueCalls } from "./queue.ts";
import { type ReleaseCalls, releaseToFleet, withdrawFromFleet } from "./release.ts";

export interface FinishRolloutCalls extends QueueCalls, Omit<ReleaseCalls, "ledger"> {
  readonly ledger: QueueCalls["ledger"] & ReleaseCalls["ledger"] & Pick<RolloutLedger, "listRolloutServices">;
  readonly bus: BusCalls;
  readonly now: () => number;
}

/** What a Catch of RollFleet receives: why the execution could not go on. */
export interface FleetFailure {
  readonly error: string;
  readonly cause: string;
}

/**
 * Last step of RollFleet: releases the target of a completed rollout to the fleet, records and notifies the outcome,
 * and starts the next rollout. One that has lost its turn ends where nothing is left to do for it. Safe to run again
 * after a crash. Returns the status that the rollout ends with, `unknown` when there is no such rollout, and how many
 * services are stuck.
 */
export async function finishRollout(
  rolloutId: string,
  failure: FleetFailure | null,
  calls: FinishRolloutCalls,
): Promise<{ readonly status: RolloutStatus | "unknown"; readonly stuck: number }> {
  const rollout = await calls.ledger.getRollout(rolloutId);
  if (!rollout) return { status: "unknown", stuck: 0 };
  const hasTurn = (await calls.ledger.getFleet()).currentRolloutId === rolloutId;
  const status = hasTurn ? outcomeOf(rollout, failure) : endWithoutTurn(rollout);
  if (!hasTurn && status === undefined) {
    // An earlier try has made room already, or the guard after that had crashed, before the end was reported. The
    // rollout may have been reopened since: that is its next turn's matter.
    if (hasEnded(rollout)) await notifyOnce(rollout, calls);
    await advanceQueue(calls);
    return { status: rollout.status, stuck: rollout.stuckOrdinals.length };
  }
  if (status === undefined) return { status: rollout.status, stuck: rollout.stuckOrdinals.length };
  if (status === "completed") await releaseToFleet(rollout, calls);
  if (status === "rolled-back") {
    // The first step has done so, unless the rollback came after it and nothing is left to roll back.
    await withdrawFromFleet(rollout, calls);
    await allowEnrolling(rollout, calls);
  }
  const changed = await calls.ledger.changeRollout(rolloutId, (current) => {
    if (current.status === status && current.finishedAt !== undefined) return {};
    // This try is late: another has ended the rollout since, and it may have been reopened.
    if (current.status !== rollout.status) return {};
    // Or it has got its turn since: its execution ends it.
    if (!hasTurn && endWithoutTurn(current) !== status) return {};
    const { control, holdToken: _, otherHoldTokens: __, holdUntilMs: ___, endNotified: ____, ...rest } = current;
    // An operator asked for a rollback while this step ran: the rollout ends, and is rolled back in its next turn.
    const isLate = control?.action === "rollback" && rollout.control?.action !== "rollback";
    // Or to stop an emergency, which otherwise is repeated by itself.
    const isStopped = control?.action === "abort" && current.emergency && status !== "aborted";
    const next = {
      ...rest,
      ...((isLate || isStopped) && { control }),
      status,
      finishedAt: new Date(calls.now()).toISOString(),
      ...(hasTurn && failure && { reason: reasonOf(failure) }),
    };
    return { next };
  });
  if (changed && hasEnded(changed.stored)) {
    await notifyOnce(changed.stored, calls);
    const ended = changed.stored;
    await calls.ledger.changeFleet((fleet) => {
      const next = afterEnd(fleet, ended);
      return next === fleet ? {} : { next };
    });
    await makeRoom(rolloutId, calls);
    if (!hasTurn) await leaveQueue(rolloutId, calls);
  }
  await advanceQueue(calls);
  return { status, stuck: rollout.stuckOrdinals.length };
}

/** Undefined when it does not end after all: an operator has asked for a rollback since. The guard makes it go on. */
function outcomeOf(rollout: Rollout, failure: FleetFailure | null): RolloutStatus | undefined {
  if (failure) return "failed";
  // A rollout that has to hold does not reach this step, so that the conditions of a hold don't matter.
  const step = nextStep(rollout, { approveAfterCanary: false, frozenUntilMs: undefined });
  if (step.do === "finish") return step.as;
  return endedStatuses.includes(rollout.status) ? rollout.status : undefined;
}

function reasonOf({ error, cause }: FleetFailure): { code: FailureCode; detail: string } {
  const [, message = cause] = /"errorMessage":"((?:[^"\\]|\\.)*)"/.exec(cause) ?? [];
  return { code: failureCodeOf(message) ?? "unexpected-error", detail: `${error}: ${message}`.slice(0, 1000) };
}

/** Once the unenrollment of the fleet is rolled back, tags enroll services again. */
async function allowEnrolling({ id, kind }: Rollout, { ledger }: FinishRolloutCalls): Promise<void> {
  if (kind !== "unenroll") return;
  await ledger.changeFleet(({ unenrolledBy, ...fleet }) => (unenrolledBy?.rolloutId === id ? { next: fleet } : {}));
}

/** At least once, and not again by a late try of this step. */
async function notifyOnce(rollout: Rollout, calls: FinishRolloutCalls): Promise<void> {
  if (rollout.endNotified) return;
  await notify(rollout, calls);
  await calls.ledger.changeRollout(rollout.id, (current) =>
    current.status === rollout.status ? { next: { ...current, endNotified: true } } : {},
  );
}

async function notify(rollout: Rollout, { bus, ledger, now }: FinishRolloutCalls): Promise<void> {
  const services = await Array.fromAsync(ledger.listRolloutServices(rollout.id));
  const { counts } = progressOf(rollout, services);
  const startedMs = Date.parse(rollout.startedAt ?? rollout.requestedAt);
  const durationSeconds = Math.max(0, (now() - startedMs) / 1000);
  if (rollout.status === "rolled-back") {
    const stuckServices = services.filter(({ status }) => isAstray(status)).map(({ serviceArn }) => serviceArn);
    await bus.putEvents([rolledBack(rollout, { counts, stuckServices, durationSeconds })]);
    return;
  }
  await bus.putEvents([rolloutCompleted(rollout, { counts, durationSeconds, sentence: reasonText(rollout) })]);
}

/** The service neither has the rollout's target nor certainly runs its previous revision. */
function isAstray(status: RolloutServiceStatus): boolean {
  return status === "stuck" || status === "revert-failed";
}
