import { AutopilotError } from "../../base/errors.ts";
import { heldStatuses, type Rollout } from "../../model/rollout.ts";
import type { RolloutLedger } from "../../ports/ledger.ts";
import type { ExecutionCalls } from "../../ports/ports.ts";
import { isStopping } from "../../rollout/stopping.ts";

export interface HoldCalls {
  readonly ledger: Pick<RolloutLedger, "changeRollout">;
  readonly executions: Pick<ExecutionCalls, "sendTaskSuccess">;
}

/**
 * Records the task token of a hold or a bake, with which it can be ended early. Ends it at once where an operator has
 * ended it before its token came. Throws `unknown-rollout`.
 */
export async function holdRollout(rolloutId: string, taskToken: string, calls: HoldCalls): Promise<void> {
  const changed = await calls.ledger.changeRollout(rolloutId, (rollout) =>
    waits(rollout) ? { next: { ...rollout, holdToken: taskToken }, result: "wait" } : { result: "go-on" },
  );
  if (!changed) throw new AutopilotError("unknown-rollout", rolloutId);
  if (changed.result === "go-on") await calls.executions.sendTaskSuccess(taskToken, {});
}

/** True while the rollout holds or bakes, and nothing asks it to go on. */
export function waits(rollout: Pick<Rollout, "status" | "control" | "waves">): boolean {
  if (isStopping(rollout)) return false;
  const { status, waves } = rollout;
  return heldStatuses.includes(status) || (status === "running" && waves.some(({ state }) => state === "baking"));
}
