import type { Rollout, RolloutService } from "../../model/rollout.ts";
import type { RolloutLedger } from "../../ports/ledger.ts";
import type { ExecutionCalls } from "../../ports/ports.ts";
import { progressOf } from "../../rollout/progress.ts";
import { firedAlarm, type GuardCalls } from "./alarms.ts";
import { waits } from "./hold-rollout.ts";
import { advanceQueue, type QueueCalls } from "./queue.ts";

export interface GuardRolloutCalls extends GuardCalls, Omit<QueueCalls, "log"> {
  readonly ledger: QueueCalls["ledger"] & Pick<RolloutLedger, "listRolloutServices" | "changeRollout">;
  readonly fleetExecutions: QueueCalls["fleetExecutions"] & Pick<ExecutionCalls, "sendTaskSuccess">;
  readonly log: GuardCalls["log"] & QueueCalls["log"];
}

export interface Guarded {
  readonly rolloutId: string | null;
  /** An alarm has sent it back. */
  readonly stopped: boolean;
  /** How it goes, while it is running or on its way back. */
  readonly progress?: GuardedProgress;
}

export interface GuardedProgress {
  /** Share of services that need nothing more, 0 to 1. */
  readonly done: number;
  readonly failed: number;
  readonly stuck: number;
}

/**
 * Looks after the rollout that is under way: it has a running execution, and it goes back when an alarm is in ALARM, also
 * in the middle of a wave or a bake.
 */
export async function guardRollout(calls: GuardRolloutCalls): Promise<Guarded> {
  const rolloutId = await advanceQueue(calls);
  if (rolloutId === undefined) return { rolloutId: null, stopped: false };
  const rollout = await calls.ledger.getRollout(rolloutId);
  if (rollout?.holdToken !== undefined && !waits(rollout)) {
    // Whoever was to wake it may have ended before. A token that nobody waits for any more does no harm.
    await calls.fleetExecutions.sendTaskSuccess(rollout.holdToken, {});
  }
  if (rollout?.status !== "running" && rollout?.status !== "rolling-back") return { rolloutId, stopped: false };
  const begun = await begunServices(rollout, calls.ledger);
  if (begun.length === 0) return { rolloutId, stopped: false };
  const { done, waves } = progressOf(rollout, begun);
  const failed = waves.reduce((sum, wave) => sum + wave.failed, 0);
  const progress = { done, failed, stuck: waves.reduce((sum, { stuck }) => sum + stuck, 0) };
  const isOver = rollout.nextWaveIndex >= rollout.waves.length;
  if (rollout.status !== "running" || isEnding(rollout) || isOver) return { rolloutId, stopped: false, progress };
  const alarm = await firedAlarm(begun, calls);
  if (alarm === undefined) return { rolloutId, stopped: false, progress };
  let token: string | undefined;
  const stopped = await calls.ledger.changeRollout(rolloutId, (current) => {
    token = undefined;
    if (current.status !== "running" || isEnding(current)) return undefined;
    token = current.holdToken;
    return { ...current, status: "rolling-back", reason: { code: "alarm-fired", detail: alarm } };
  });
  if (token !== undefined) await calls.fleetExecutions.sendTaskSuccess(token, {});
  return { rolloutId, stopped: stopped?.status === "rolling-back", progress };
}

/** Services of the waves up to the one under way: later ones wait, and need not be read. */
async function begunServices(
  { id, waves, nextWaveIndex: wave }: Rollout,
  ledger: GuardRolloutCalls["ledger"],
): Promise<readonly RolloutService[]> {
  const [first] = waves[0]?.lanes ?? [];
  const last = waves[Math.min(wave, waves.length - 1)]?.lanes.at(-1);
  if (!first || !last) return [];
  return Array.fromAsync(ledger.listRolloutServices(id, { first: first.first, last: last.last }));
}

/** A pause does not matter to an alarm: the wave that is under way goes on until its end. */
function isEnding({ control }: Rollout): boolean {
  return control !== undefined && control.action !== "pause";
}
