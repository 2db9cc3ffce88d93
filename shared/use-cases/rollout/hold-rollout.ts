import { AutopilotError } from "../../base/errors.ts";
import { heldStatuses, type Rollout } from "../../model/rollout.ts";
import type { RolloutLedger } from "../../ports/ledger.ts";
import type { ExecutionCalls } from "../../ports/ports.ts";

export interface HoldCalls {
  readonly ledger: Pick<RolloutLedger, "changeRollout">;
  readonly executions: Pick<ExecutionCalls, "sendTaskSuccess">;
}

/**
 * Notes the task token of a hold or of a bake, for whoever ends it. An operator may have done so already: then it ends at
 * once.
 */
export async function holdRollout(rolloutId: string, taskToken: string, calls: HoldCalls): Promise<void> {
  const rollout = await calls.ledger.changeRollout(rolloutId, (current) =>
    waits(current) ? { ...current, holdToken: taskToken } : undefined,
  );
  if (!rollout) throw new AutopilotError("unknown-rollout", rolloutId);
  if (!waits(rollout)) await calls.executions.sendTaskSuccess(taskToken, {});
}

/** True while a hold or a bake is not to end before its time. */
export function waits({ status, control, waves }: Rollout): boolean {
  if (control !== undefined && control.action !== "pause") return false;
  return heldStatuses.includes(status) || (status === "running" && waves.some(({ state }) => state === "baking"));
}
