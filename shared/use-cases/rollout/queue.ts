import { AutopilotError, asAutopilotError } from "../../base/errors.ts";
import { hasEndedExecution } from "../../model/execution-status.ts";
import { endedStatuses, type FleetState, type Rollout } from "../../model/rollout.ts";
import type { RolloutLedger } from "../../ports/ledger.ts";
import type { ExecutionCalls, ExecutionStatus, Log } from "../../ports/ports.ts";
import { fleetExecutionName } from "../../rollout/execution-names.ts";
import { turnOf, yields } from "../../rollout/urgency.ts";

export type FleetExecutions = Pick<ExecutionCalls, "startExecution"> & {
  /** Undefined when there is no execution of this name. */
  describeExecution(name: string): Promise<ExecutionStatus | undefined>;
};

export interface QueueCalls {
  readonly ledger: Pick<RolloutLedger, "getFleet" | "changeFleet" | "getRollout" | "changeRollout">;
  readonly fleetExecutions: FleetExecutions;
  readonly log: Pick<Log, "info" | "warn">;
}

/** True for a rollout that has ended, and that no operator wants rolled back. */
export function hasEnded({ status, control }: Rollout): boolean {
  return endedStatuses.includes(status) && control?.action !== "rollback";
}

/** The rollout under way, those that wait, and those that a crash has kept from the queue so far. */
export function openIds({ currentRolloutId, queuedRolloutIds, announcedRolloutIds }: FleetState): readonly string[] {
  const current = currentRolloutId === undefined ? [] : [currentRolloutId];
  return [...new Set([...current, ...queuedRolloutIds, ...announcedRolloutIds])];
}

/** Only the latest ids are kept: an announced id may never become a rollout. */
const MAX_ANNOUNCED = 10;

/**
 * Records that a rollout is about to be queued, before anything else is written of it, so that no crash can lose it.
 */
export async function announce(rolloutId: string, { ledger }: Pick<QueueCalls, "ledger">): Promise<void> {
  await ledger.changeFleet((fleet) => {
    const announced = [...without(fleet.announcedRolloutIds, rolloutId), rolloutId];
    return { next: { ...fleet, announcedRolloutIds: announced.slice(-MAX_ANNOUNCED) } };
  });
}

/** Puts an announced rollout into the queue, unless it is there, under way, or has ended. */
export async function enqueue(rolloutId: string, calls: Pick<QueueCalls, "ledger">): Promise<void> {
  await changeTogether(rolloutId, calls, (fleet, rollout) => ({
    ...fleet,
    announcedRolloutIds: without(fleet.announcedRolloutIds, rolloutId),
    queuedRolloutIds: rollout ? queueWith(rollout, fleet) : fleet.queuedRolloutIds,
  }));
}

/** After this number of lost races the caller tries again later. */
const MAX_RACES = 50;

/**
 * Changes the fleet by what a rollout says at that time. A rollout is announced before it is reopened, which changes
 * the fleet: as long as nobody has written the fleet since before the rollout was read, what was read still holds.
 * Without `next` nothing changes.
 */
async function changeTogether(
  rolloutId: string,
  { ledger }: Pick<QueueCalls, "ledger">,
  change: (fleet: FleetState, rollout: Rollout | undefined) => FleetState | undefined,
): Promise<void> {
  for (let races = 0; races < MAX_RACES; races += 1) {
    const { version } = await ledger.getFleet();
    const rollout = await ledger.getRollout(rolloutId);
    const { result } = await ledger.changeFleet((fleet) =>
      fleet.version === version ? { next: change(fleet, rollout), result: "done" } : { result: "written-since" },
    );
    if (result === "done") return;
  }
  throw new AutopilotError("throttled", `The fleet's state was written ${MAX_RACES} times meanwhile.`);
}

function queueWith(rollout: Rollout, { currentRolloutId, queuedRolloutIds: queue }: FleetState): string[] {
  if (hasEnded(rollout) || currentRolloutId === rollout.id) return queue;
  // A rollback goes before everything that brings something new.
  if (rollout.control?.action === "rollback") return [rollout.id, ...without(queue, rollout.id)];
  return queue.includes(rollout.id) ? queue : [...queue, rollout.id];
}

function without(ids: readonly string[], id: string): string[] {
  return ids.filter((one) => one !== id);
}

/** Takes a rollout out of the queue that has ended before its turn. One that was reopened since stays. */
export async function leaveQueue(rolloutId: string, calls: Pick<QueueCalls, "ledger">): Promise<void> {
  await changeTogether(rolloutId, calls, (fleet, rollout) =>
    fleet.queuedRolloutIds.includes(rolloutId) && isOver(rollout)
      ? { ...fleet, queuedRolloutIds: without(fleet.queuedRolloutIds, rolloutId) }
      : undefined,
  );
}

/** A rollout that is gone from the ledger is over, too. */
function isOver(rollout: Rollout | undefined): boolean {
  return rollout === undefined || hasEnded(rollout);
}

/**
 * Completes the work that a crash interrupted. An announced rollout that does not exist yet is left to the caller that
 * creates it.
 */
async function queueAnnounced({ announcedRolloutIds }: FleetState, calls: QueueCalls): Promise<void> {
  for (const id of announcedRolloutIds) {
    if (await calls.ledger.getRollout(id)) await enqueue(id, calls);
  }
}

/**
 * Makes sure that the rollout under way has a running execution, and that the next one starts when none is under way,
 * or a more urgent one when that holds.
 * Safe to run at any time, also several times at once, since an execution is named by its number. Returns the id of the
 * rollout under way.
 */
export async function advanceQueue(calls: QueueCalls): Promise<string | undefined> {
  const fleet = await calls.ledger.getFleet();
  // What a restored ledger says is under way is not.
  if (fleet.adopting) return undefined;
  await queueAnnounced(fleet, calls);
  for (let races = 0; races < MAX_RACES; races += 1) {
    const current = await takeTurn(calls);
    if (current === "changed") continue;
    if (current !== undefined) await ensureExecution(current, calls);
    return current?.id;
  }
  throw new AutopilotError("throttled", `The queue has changed ${MAX_RACES} times meanwhile.`);
}

/** True unless it has ended without a turn, and the guard has yet to report that: until then it keeps its place. */
function isReported({ parked, endNotified }: Rollout): boolean {
  return !parked || endNotified === true;
}

/** One that can't be read keeps its place in the queue, and its turn goes to the others. */
async function readWaiting(id: string, { ledger, log }: QueueCalls): Promise<Rollout | "unreadable" | undefined> {
  try {
    return await ledger.getRollout(id);
  } catch (error) {
    const { code, message } = asAutopilotError(error);
    if (code !== "ledger-item-unreadable") throw error;
    log.warn(`rollout passed over: ${id}`, { code, why: message });
    return "unreadable";
  }
}

/** The rollout whose turn it is. `changed`: the queue has, by this call or another one. */
async function takeTurn(calls: QueueCalls): Promise<Rollout | "changed" | undefined> {
  const { currentRolloutId, queuedRolloutIds, version } = await calls.ledger.getFleet();
  const current = currentRolloutId === undefined ? undefined : await calls.ledger.getRollout(currentRolloutId);
  if (currentRolloutId !== undefined && isOver(current)) {
    await makeRoom(currentRolloutId, calls);
    return "changed";
  }
  const waiting: Rollout[] = [];
  for (const id of queuedRolloutIds) {
    const rollout = await readWaiting(id, calls);
    if (rollout === "unreadable") continue;
    if (rollout && !isOver(rollout)) waiting.push(rollout);
    else if (!rollout || isReported(rollout)) await leaveQueue(id, calls);
  }
  const turn = turnOf(current, waiting);
  if (turn === undefined) return undefined;
  if (turn.id === currentRolloutId) return unparked(turn, calls);
  if (current && !(await park(current.id, calls))) return "changed";
  await calls.ledger.changeFleet((fleet) => (fleet.version === version ? { next: withTurn(fleet, turn.id) } : {}));
  return "changed";
}

/** One that was under way waits first in the queue: it goes on when its turn comes again. */
function withTurn({ currentRolloutId, ...fleet }: FleetState, id: string): FleetState {
  const parked = currentRolloutId === undefined ? [] : [currentRolloutId];
  return { ...fleet, currentRolloutId: id, queuedRolloutIds: [...parked, ...without(fleet.queuedRolloutIds, id)] };
}

/** From now on its execution starts nothing. False when it is no longer on hold. */
async function park(id: string, { ledger }: QueueCalls): Promise<boolean> {
  const changed = await ledger.changeRollout(id, (rollout) =>
    yields(rollout) ? { next: { ...rollout, parked: true }, result: true } : { result: false },
  );
  return changed?.result ?? false;
}

async function unparked(rollout: Rollout, { ledger }: QueueCalls): Promise<Rollout> {
  if (!rollout.parked) return rollout;
  const changed = await ledger.changeRollout(rollout.id, ({ parked: _, ...current }) => ({ next: current }));
  return changed?.stored ?? rollout;
}

/** Makes room for the next rollout, if this one is still the one under way, has ended, and was not reopened since. */
export async function makeRoom(rolloutId: string, calls: Pick<QueueCalls, "ledger">): Promise<void> {
  await changeTogether(rolloutId, calls, ({ currentRolloutId, ...rest }, rollout) =>
    currentRolloutId === rolloutId && isOver(rollout) ? rest : undefined,
  );
}

async function ensureExecution(rollout: Rollout, calls: QueueCalls): Promise<void> {
  const { id, executionName } = rollout;
  const status = executionName === undefined ? undefined : await calls.fleetExecutions.describeExecution(executionName);
  if (status !== undefined && !hasEndedExecution(status)) return;
  // An execution that was recorded but never started starts now. One that was stopped or has failed gets a successor.
  const number = status === undefined ? Math.max(1, rollout.executionCount) : rollout.executionCount + 1;
  const name = fleetExecutionName(id, number);
  if (status !== undefined) calls.log.warn("rollout goes on in a new execution", { rolloutId: id, status });
  await calls.fleetExecutions.startExecution({ name, input: { rolloutId: id } });
  await calls.ledger.changeRollout(id, (current) =>
    current.executionCount >= number ? {} : { next: { ...current, executionName: name, executionCount: number } },
  );
}
