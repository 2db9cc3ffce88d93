import { endedStatuses, type FleetState, type Rollout } from "../../model/rollout.ts";
import type { Ledger, RolloutLedger } from "../../ports/ledger.ts";
import type { ExecutionCalls, ExecutionStatus, Log } from "../../ports/ports.ts";
import { fleetExecutionName } from "../../rollout/execution-names.ts";

export type FleetExecutions = Pick<ExecutionCalls, "startExecution"> & {
  /** Undefined when there is no execution of this name. */
  describeExecution(name: string): Promise<ExecutionStatus | undefined>;
};

export interface QueueCalls {
  readonly ledger: Pick<RolloutLedger, "getFleet" | "changeFleet" | "getRollout" | "changeRollout"> & Partial<Ledger>;
  readonly fleetExecutions: FleetExecutions;
  readonly log: Pick<Log, "info" | "warn">;
}

/** True for a rollout that has ended and that nobody asked to take back. */
export function hasEnded({ status, control }: Rollout): boolean {
  return endedStatuses.includes(status) && control?.action !== "rollback";
}

/** Those asked for last: ids that never became a rollout must not pile up. */
const MAX_ANNOUNCED = 10;

/** Notes that a rollout is about to be queued, before anything else is written of it: then no crash can lose it. */
export async function announce(rolloutId: string, { ledger }: Pick<QueueCalls, "ledger">): Promise<void> {
  await ledger.changeFleet((fleet) => ({
    ...fleet,
    announcedRolloutIds: [...fleet.announcedRolloutIds.filter((id) => id !== rolloutId), rolloutId].slice(
      -MAX_ANNOUNCED,
    ),
  }));
}

/** Puts an announced rollout into the queue, unless it is there, under way, or has ended. */
export async function enqueue(rollout: Rollout, { ledger }: Pick<QueueCalls, "ledger">): Promise<void> {
  await ledger.changeFleet(({ announcedRolloutIds, ...fleet }) => {
    const { currentRolloutId: running, queuedRolloutIds: waiting } = fleet;
    const left = { ...fleet, announcedRolloutIds: announcedRolloutIds.filter((id) => id !== rollout.id) };
    if (hasEnded(rollout) || running === rollout.id) return left;
    // What is to be taken back goes before what is to be brought.
    if (rollout.control?.action === "rollback") {
      return { ...left, queuedRolloutIds: [rollout.id, ...waiting.filter((id) => id !== rollout.id)] };
    }
    return waiting.includes(rollout.id) ? left : { ...left, queuedRolloutIds: [...waiting, rollout.id] };
  });
}

/** Does what a crash has left undone. An announced rollout that is not there yet is left to whoever is making it. */
async function queueAnnounced({ announcedRolloutIds }: FleetState, calls: QueueCalls): Promise<void> {
  for (const id of announcedRolloutIds) {
    const rollout = await calls.ledger.getRollout(id);
    if (rollout) await enqueue(rollout, calls);
  }
}

/**
 * Sees to it that the rollout which is under way has a running execution, and that the next one starts where none is.
 * Safe to run at any time, by anybody, several at once: an execution's name is its number. Returns the id of the rollout
 * that is under way.
 */
export async function advanceQueue(calls: QueueCalls): Promise<string | undefined> {
  await queueAnnounced(await calls.ledger.getFleet(), calls);
  for (;;) {
    const fleet = await calls.ledger.changeFleet(
      ({ currentRolloutId: running, queuedRolloutIds: waiting, ...rest }) => {
        const [next, ...others] = waiting;
        return running === undefined && next !== undefined
          ? { ...rest, currentRolloutId: next, queuedRolloutIds: others }
          : undefined;
      },
    );
    if (fleet.currentRolloutId === undefined) return undefined;
    const rollout = await calls.ledger.getRollout(fleet.currentRolloutId);
    if (rollout && !hasEnded(rollout)) {
      await ensureExecution(rollout, calls);
      return rollout.id;
    }
    await release(fleet.currentRolloutId, calls);
  }
}

/** Makes room for the next rollout, if this one is still the one under way. */
export async function release(rolloutId: string, { ledger }: Pick<QueueCalls, "ledger">): Promise<void> {
  await ledger.changeFleet(({ currentRolloutId: running, ...rest }) => (running === rolloutId ? rest : undefined));
}

async function ensureExecution(rollout: Rollout, calls: QueueCalls): Promise<void> {
  const { id, executionName } = rollout;
  const status = executionName === undefined ? undefined : await calls.fleetExecutions.describeExecution(executionName);
  if (status === "RUNNING") return;
  // A name that was noted but never started is started now; an execution that was stopped or has failed is followed.
  const number = status === undefined ? Math.max(1, rollout.executionCount) : rollout.executionCount + 1;
  const name = fleetExecutionName(id, number);
  if (status !== undefined) calls.log.warn("rollout goes on in a new execution", { rolloutId: id, status });
  await calls.fleetExecutions.startExecution({ name, input: { rolloutId: id } });
  await calls.ledger.changeRollout(id, (current) =>
    current.executionCount >= number ? undefined : { ...current, executionName: name, executionCount: number },
  );
}
