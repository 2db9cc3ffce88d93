import type { RolloutService, RolloutServiceStatus } from "../model/rollout.ts";

const ended: readonly RolloutServiceStatus[] = ["rolled-back", "left", "stuck"];

/**
 * True for a service that a rollback has yet to deal with: the rollout has changed it, whatever became of it since, or
 * a roll of it has lost its execution.
 */
export function needsRollback({ status, toRevisionArn }: Pick<RolloutService, "status" | "toRevisionArn">): boolean {
  if (status === "rolling-back" || status === "rolling") return true;
  return toRevisionArn !== undefined && !ended.includes(status);
}
