import { type FailureCode, failureCodeOf, failures } from "../../base/errors.ts";
import { rolledBack, rolloutCompleted } from "../../events/rollout-events.ts";
import { endedStatuses, type Rollout, type RolloutServiceStatus, type RolloutStatus } from "../../model/rollout.ts";
import type { RolloutLedger } from "../../ports/ledger.ts";
import type { BusCalls } from "../../ports/ports.ts";
import { nextStep } from "../../rollout/next-step.ts";
import { progressOf } from "../../rollout/progress.ts";
import { advanceQueue, hasEnded, type QueueCalls, release } from "./queue.ts";
import { type ReleaseCalls, releaseToFleet } from "./release.ts";

export interface FinishRolloutCalls extends QueueCalls, Omit<ReleaseCalls, "ledger"> {
  readonly ledger: QueueCalls["ledger"] & ReleaseCalls["ledger"] & Pick<RolloutLedger, "listRolloutServices">;
  readonly bus: BusCalls;
  readonly now: () => number;
}

/** What a Catch of RollFleet has: why it could not go on. */
export interface FleetFailure {
  readonly error: string;
  readonly cause: string;
}

/**
 * Last step of RollFleet: what the rollout brought to the whole fleet becomes what every service should have, or what it
 * had before it; the outcome is noted and told; the next rollout starts. Safe to run again after a crash. Returns the
 * status that the rollout ends with, and how many services could not be taken back.
 */
export async function finishRollout(
  rolloutId: string,
  failure: FleetFailure | null,
  calls: FinishRolloutCalls,
): Promise<{ readonly status: RolloutStatus | "unknown"; readonly stuck: number }> {
  const rollout = await calls.ledger.getRollout(rolloutId);
  if (!rollout) return { status: "unknown", stuck: 0 };
  const status = outcomeOf(rollout, failure);
  if (status === undefined) return { status: rollout.status, stuck: rollout.stuckOrdinals.length };
  if (status === "completed") await releaseToFleet(rollout, calls);
  if (status === "rolled-back") await backInMesh(rollout, calls);
  const ended = await calls.ledger.changeRollout(rolloutId, (current) => {
    if (current.status === status && current.finishedAt !== undefined) return undefined;
    const { control, holdToken: _, holdUntilMs: __, ...rest } = current;
    // Asked for while this step ran: it has completed, and is to go back.
    const late = control?.action === "rollback" && rollout.control?.action !== "rollback";
    return {
      ...rest,
      ...(late && { control }),
      status,
      finishedAt: new Date(calls.now()).toISOString(),
      ...(failure && { reason: reasonOf(failure) }),
    };
  });
  if (ended && hasEnded(ended)) {
    await tell(ended, calls);
    await release(rolloutId, calls);
  }
  await advanceQueue(calls);
  return { status, stuck: rollout.stuckOrdinals.length };
}

/** Undefined when it is not to end: an operator takes it back since this step was chosen. The guard lets it go on. */
function outcomeOf(rollout: Rollout, failure: FleetFailure | null): RolloutStatus | undefined {
  if (failure) return "failed";
  // Holds don't matter here: a rollout that is to be held does not come to its finish.
  const step = nextStep(rollout, { approveAfterCanary: false, frozenUntilMs: undefined });
  if (step.do === "finish") return step.as;
  return endedStatuses.includes(rollout.status) ? rollout.status : undefined;
}

function reasonOf({ error, cause }: FleetFailure): { code: FailureCode; detail: string } {
  const [, message = cause] = /"errorMessage":"((?:[^"\\]|\\.)*)"/.exec(cause) ?? [];
  return { code: failureCodeOf(message) ?? "unexpected-error", detail: `${error}: ${message}`.slice(0, 1000) };
}

/** What was out of the mesh by this rollout is back: tags count again. */
async function backInMesh({ id, kind }: Rollout, { ledger }: FinishRolloutCalls): Promise<void> {
  if (kind !== "unenroll") return;
  await ledger.changeFleet(({ unenrolledBy: out, ...fleet }) => (out?.rolloutId === id ? fleet : undefined));
}

async function tell(rollout: Rollout, { bus, ledger, now }: FinishRolloutCalls): Promise<void> {
  const services = await Array.fromAsync(ledger.listRolloutServices(rollout.id));
  const { counts } = progressOf(rollout, services);
  const startedMs = Date.parse(rollout.startedAt ?? rollout.requestedAt);
  const durationSeconds = Math.max(0, (now() - startedMs) / 1000);
  if (rollout.status === "rolled-back") {
    const stuckServices = services.filter(({ status }) => isAstray(status)).map(({ serviceArn }) => serviceArn);
    await bus.putEvents([rolledBack(rollout, { counts, stuckServices, durationSeconds })]);
    return;
  }
  await bus.putEvents([rolloutCompleted(rollout, { counts, durationSeconds, sentence: sentenceOf(rollout) })]);
}

function sentenceOf({ reason }: Rollout): string {
  if (!reason) return "";
  const known = Object.entries(failures).find(([code]) => code === reason.code)?.[1];
  return `${known?.sentence ?? ""} ${reason.detail}`.trim();
}

/** It runs neither what the rollout brought nor, for certain, what it had before. */
function isAstray(status: RolloutServiceStatus): boolean {
  return status === "stuck" || status === "revert-failed";
}
