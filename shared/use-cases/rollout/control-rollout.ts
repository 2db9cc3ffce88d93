import { AutopilotError } from "../../base/errors.ts";
import type { RolloutControl } from "../../events/operator.ts";
import { rolloutRefused } from "../../events/rollout-events.ts";
import type { RolloutLedger } from "../../ports/ledger.ts";
import type { BusCalls, ExecutionCalls } from "../../ports/ports.ts";
import { decideControl } from "./decide-control.ts";
import { wake } from "./hold-rollout.ts";
import { notifyRefusal } from "./notify-refusal.ts";
import { advanceQueue, announce, enqueue, leaveQueue, type QueueCalls } from "./queue.ts";

export interface ControlCalls extends QueueCalls {
  readonly ledger: QueueCalls["ledger"] & Pick<RolloutLedger, "getRollout">;
  readonly fleetExecutions: QueueCalls["fleetExecutions"] & Pick<ExecutionCalls, "sendTaskSuccess">;
  readonly bus: BusCalls;
  readonly now: () => number;
}

/**
 * Does what an operator asks of a rollout: records it in the ledger, and wakes the rollout where it holds. A control
 * that the rollout's phase does not allow is refused by an event, once for each operator's event, `eventId`. Returns
 * whether it was accepted.
 */
export async function controlRollout(control: RolloutControl, eventId: string, calls: ControlCalls): Promise<boolean> {
  const { rolloutId, action } = control;
  const at = new Date(calls.now()).toISOString();
  // Until its first step, a rollout whose turn it is has the status `waiting`, although its execution has to end it.
  const hasTurn = (await calls.ledger.getFleet()).currentRolloutId === rolloutId;
  if (action === "rollback" && (await calls.ledger.getRollout(rolloutId))) await announce(rolloutId, calls);
  const changed = await calls.ledger.changeRollout(rolloutId, (rollout) =>
    decideControl(rollout, control, { at, hasTurn }),
  );
  if (!changed) return refuse(control, new AutopilotError("unknown-rollout", rolloutId), eventId, calls);
  const { stored: rollout, result: decision } = changed;
  if (decision.case === "refuse") return refuse(control, decision.failure, eventId, calls);
  await wake(decision.holdTokens, calls.fleetExecutions);
  if (rollout.status === "aborted") await leaveQueue(rolloutId, calls);
  if (action === "rollback") {
    await enqueue(rolloutId, calls);
    await advanceQueue(calls);
  }
  return true;
}

async function refuse(
  { rolloutId, action, requestedBy }: RolloutControl,
  { code, detail }: AutopilotError,
  eventId: string,
  calls: ControlCalls,
): Promise<false> {
  const about = { rolloutId, kind: action, requestedBy };
  await notifyRefusal(eventId, rolloutRefused({ ...about, code, detail: `${action}: ${detail}` }), calls);
  return false;
}
