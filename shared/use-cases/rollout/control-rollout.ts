import { AutopilotError } from "../../base/errors.ts";
import type { RolloutControl } from "../../events/operator.ts";
import { rolloutRefused } from "../../events/rollout-events.ts";
import type { FleetState, Rollout } from "../../model/rollout.ts";
import type { RolloutLedger } from "../../ports/ledger.ts";
import type { BusCalls, ExecutionCalls } from "../../ports/ports.ts";
import { advanceQueue, announce, enqueue, type QueueCalls } from "./queue.ts";
import { allowedControl, repeatsControl } from "./validate.ts";

export interface ControlCalls extends QueueCalls {
  readonly ledger: QueueCalls["ledger"] & Pick<RolloutLedger, "getRollout">;
  readonly fleetExecutions: QueueCalls["fleetExecutions"] & Pick<ExecutionCalls, "sendTaskSuccess">;
  readonly bus: BusCalls;
  readonly now: () => number;
}

/**
 * Does what an operator asks of a rollout: it is noted in the ledger, and a rollout that waits is woken. One that can't be
 * done in the rollout's phase is refused and told. Returns whether it was taken.
 */
export async function controlRollout(control: RolloutControl, calls: ControlCalls): Promise<boolean> {
  const { rolloutId, action, requestedBy } = control;
  const at = new Date(calls.now()).toISOString();
  // Before its first step its status does not tell that it has an execution, which is to end it.
  const hasTurn = (await calls.ledger.getFleet()).currentRolloutId === rolloutId;
  let refused: AutopilotError | undefined;
  let token: string | undefined;
  if (action === "rollback" && (await calls.ledger.getRollout(rolloutId))) await announce(rolloutId, calls);
  const changed = await calls.ledger.changeRollout(rolloutId, (rollout) => {
    refused = allowedControl(rollout, action);
    // A first try may have noted it and ended before it woke the rollout: the token stays until the next step.
    token = refused || action === "pause" ? undefined : rollout.holdToken;
    if (refused || repeatsControl(rollout, action)) return undefined;
    const next = controlled(rollout, control, { at, hasTurn });
    return { ...next, journal: [...rollout.journal, { at, by: requestedBy, did: action }].slice(-100) };
  });
  if (!changed) refused = new AutopilotError("unknown-rollout", rolloutId);
  if (refused) {
    const { code, detail } = refused;
    await calls.bus.putEvents([
      rolloutRefused({ rolloutId, kind: action, requestedBy, code, detail: `${action}: ${detail}` }),
    ]);
    return false;
  }
  // A token that nobody waits for any more does no harm: the next step reads what was noted.
  if (token !== undefined) await calls.fleetExecutions.sendTaskSuccess(token, {});
  if (changed?.status === "aborted") await calls.ledger.changeFleet((fleet) => without(fleet, rolloutId));
  if (changed && action === "rollback") {
    await enqueue(changed, calls);
    await advanceQueue(calls);
  }
  return true;
}

function controlled(
  rollout: Rollout,
  { action, requestedBy: by }: RolloutControl,
  { at, hasTurn }: { readonly at: string; readonly hasTurn: boolean },
): Rollout {
  const { control: _, holdUntilMs: __, ...woken } = rollout;
  switch (action) {
    case "pause":
      return { ...rollout, control: { action, by, at } };
    case "resume":
      return rollout.status === "paused" ? { ...woken, status: "running" } : withoutControl(rollout);
    case "approve":
      return {
        ...woken,
        ...(rollout.control && { control: rollout.control }),
        status: "running",
        approved: { by, at },
      };
    case "abort":
      if (rollout.status === "waiting" && !hasTurn) return { ...woken, status: "aborted", finishedAt: at };
      return { ...woken, control: { action, by, at } };
    case "rollback":
      return {
        ...woken,
        control: { action, by, at },
        reason: { code: "operator-request", detail: `by ${by}` },
      };
  }
}

function withoutControl({ control: _, ...rollout }: Rollout): Rollout {
  return rollout;
}

function without(fleet: FleetState, id: string): FleetState | undefined {
  return fleet.queuedRolloutIds.includes(id)
    ? { ...fleet, queuedRolloutIds: fleet.queuedRolloutIds.filter((one) => one !== id) }
    : undefined;
}
