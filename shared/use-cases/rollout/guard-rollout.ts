import type { Rollout, RolloutService } from "../../model/rollout.ts";
import { progressOf } from "../../rollout/progress.ts";
import { isStopping } from "../../rollout/stopping.ts";
import { isUnresolved } from "../../rollout/trouble.ts";
import { firedAlarm, type GuardCalls } from "./alarms.ts";
import { type EndParkedCalls, endParked } from "./end-parked.ts";
import { tokensOf, waits, wake } from "./hold-rollout.ts";
import { type KeepOpenCalls, keepOpen, readOpen } from "./keep-open.ts";
import { notifyPostponed } from "./notify-postponed.ts";
import { advanceQueue } from "./queue.ts";
import { remindHeld } from "./remind-held.ts";

export interface GuardRolloutCalls extends GuardCalls, EndParkedCalls {
  readonly config: GuardCalls["config"] & KeepOpenCalls["config"] & EndParkedCalls["config"];
  readonly ledger: EndParkedCalls["ledger"] & KeepOpenCalls["ledger"];
  readonly log: GuardCalls["log"] & EndParkedCalls["log"];
}

export interface Guarded {
  readonly rolloutId: string | null;
  /** An alarm has started its rollback. */
  readonly stopped: boolean;
  /** Its progress, while it runs or rolls back. */
  readonly progress?: GuardedProgress;
  /** How many rollouts have ended badly, and their causes are there still. */
  readonly unresolved: number;
}

export interface GuardedProgress {
  /** Share of services that need nothing more, 0 to 1. */
  readonly done: number;
  readonly failed: number;
  readonly stuck: number;
}

/**
 * Makes sure that the rollout under way has a running execution, and rolls it back when an alarm is in ALARM, also in
 * the middle of a wave or a bake. Ends what has lost its turn and needs no other one. Notifies people of rollbacks that
 * wait for their turn, reminds them of what waits for them, and keeps the records of what is open.
 */
export async function guardRollout(calls: GuardRolloutCalls): Promise<Guarded> {
  const guarded = await guardCurrent(calls);
  return { ...guarded, unresolved: await countUnresolved(calls) };
}

/** One that is gone from the ledger, or can't be read, is nobody's trouble any more. */
async function countUnresolved({ ledger }: GuardRolloutCalls): Promise<number> {
  const fleet = await ledger.getFleet();
  const ids = Object.values(fleet.endedBadly ?? {});
  const rollouts = await Promise.all(ids.map((id) => ledger.getRollout(id).catch(() => undefined)));
  return rollouts.filter((one) => one !== undefined && isUnresolved(one, fleet)).length;
}

async function guardCurrent(calls: GuardRolloutCalls): Promise<Omit<Guarded, "unresolved">> {
  const rolloutId = await advanceQueue(calls);
  const open = await readOpen(calls);
  await endParked(open, calls);
  await notifyPostponed(open, rolloutId, calls);
  await remindHeld(open, calls);
  await keepOpen(open, calls);
  if (rolloutId === undefined) return { rolloutId: null, stopped: false };
  const rollout = await calls.ledger.getRollout(rolloutId);
  // The caller that should have woken it may have crashed.
  if (rollout && !waits(rollout)) await wake(tokensOf(rollout), calls.fleetExecutions);
  if (rollout?.status !== "running" && rollout?.status !== "rolling-back") return { rolloutId, stopped: false };
  const begun = await begunServices(rollout, calls.ledger);
  if (begun.length === 0) return { rolloutId, stopped: false };
  const { done, waves } = progressOf(rollout, begun);
  const failed = waves.reduce((sum, wave) => sum + wave.failed, 0);
  const progress = { done, failed, stuck: waves.reduce((sum, { stuck }) => sum + stuck, 0) };
  if (!canBeStopped(rollout) || rollout.nextWaveIndex >= rollout.waves.length) {
    return { rolloutId, stopped: false, progress };
  }
  const alarm = await firedAlarm(calls);
  if (alarm === undefined) return { rolloutId, stopped: false, progress };
  const changed = await calls.ledger.changeRollout(rolloutId, (current) => {
    if (!canBeStopped(current)) return { result: undefined };
    const reason = { code: "alarm-fired", detail: alarm };
    return { next: { ...current, status: "rolling-back", reason }, result: tokensOf(current) };
  });
  await wake(changed?.result ?? [], calls.fleetExecutions);
  return { rolloutId, stopped: changed?.stored.status === "rolling-back", progress };
}

/** The services of the waves up to the one under way. Those of later waves wait and need not be read. */
async function begunServices(
  { id, waves, nextWaveIndex }: Rollout,
  ledger: GuardRolloutCalls["ledger"],
): Promise<readonly RolloutService[]> {
  const [first] = waves[0]?.lanes ?? [];
  const last = waves[Math.min(nextWaveIndex, waves.length - 1)]?.lanes.at(-1);
  if (!first || !last) return [];
  return Array.fromAsync(ledger.listRolloutServices(id, { first: first.first, last: last.last }));
}

/**
 * An alarm stops a rollout that is to pause as well: the wave under way goes on until its end. It stops no emergency,
 * before which tasks were cut off already.
 */
function canBeStopped(rollout: Rollout): boolean {
  return rollout.status === "running" && !isStopping(rollout) && !rollout.emergency;
}
