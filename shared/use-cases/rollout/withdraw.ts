import type { FleetState, Rollout } from "../../model/rollout.ts";
import type { RolloutLedger } from "../../ports/ledger.ts";
import type { ExecutionCalls } from "../../ports/ports.ts";
import { isStopping } from "../../rollout/stopping.ts";
import { afterWithdrawal } from "../../rollout/wish.ts";
import { tokensOf, wake } from "./hold-rollout.ts";
import { enqueue, hasEnded, leaveQueue, openIds, type QueueCalls } from "./queue.ts";

export interface WithdrawCalls extends QueueCalls {
  readonly fleetExecutions: QueueCalls["fleetExecutions"] & Pick<ExecutionCalls, "sendTaskSuccess">;
  readonly now: () => number;
}

/** The rollouts that are under way or wait for their turn. */
export async function openRollouts(
  fleet: FleetState,
  ledger: Pick<RolloutLedger, "getRollout">,
): Promise<readonly Rollout[]> {
  const found = await Promise.all(openIds(fleet).map((id) => ledger.getRollout(id)));
  return found.flatMap((one) => (one === undefined || hasEnded(one) ? [] : [one]));
}

/**
 * Ends the rollouts whose wish is gone: what they have changed is rolled back. Returns false when one of them has ended
 * by itself meanwhile.
 */
export async function withdraw(rollouts: readonly Rollout[], why: string, calls: WithdrawCalls): Promise<boolean> {
  let isWithdrawn = true;
  for (const { id } of rollouts) {
    const hasTurn = (await calls.ledger.getFleet()).currentRolloutId === id;
    const change = { why, at: new Date(calls.now()).toISOString(), hasTurn };
    const changed = await calls.ledger.changeRollout(id, (rollout) => {
      if (hasEnded(rollout)) return { result: undefined };
      return { ...(!isStopping(rollout) && { next: afterWithdrawal(rollout, change) }), result: rollout };
    });
    if (changed?.result === undefined) isWithdrawn = false;
    // One that wakes too early decides as before; the guard wakes one that was not woken.
    if (changed?.result) await wake(tokensOf(changed.result), calls.fleetExecutions);
    if (!changed || hasEnded(changed.stored)) await leaveQueue(id, calls);
    else await enqueue(id, calls);
  }
  return isWithdrawn;
}
