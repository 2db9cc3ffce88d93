import type { RolloutService, RolloutServiceStatus } from "../model/rollout.ts";

const isOver: readonly RolloutServiceStatus[] = ["rolled-back", "left", "stuck"];

/**
 * True for a service that the way back still has to look at: the rollout has changed it, whatever became of it since, or
 * a roll of it has lost its execution.
 */
export function needsRollback({ status, toRevisionArn }: Pick<RolloutService, "status" | "toRevisionArn">): boolean {
  if (status === "rolling-back" || status === "rolling") return true;
  return toRevisionArn !== undefined && !isOver.includes(status);
}
