import type { RolloutService, RolloutServiceStatus } from "../model/rollout.ts";

const ended: readonly RolloutServiceStatus[] = ["rolled-back", "left", "stuck"];

/**
 * True for a service that a rollback has yet to deal with: the rollout has changed it and no rollback of it has
 * ended yet, or one of its rolls may have lost its execution.
 */
export function needsRollback({ status, toRevisionArn }: Pick<RolloutService, "status" | "toRevisionArn">): boolean {
  if (status === "rolling-back" || status === "rolling") return true;
  return toRevisionArn !== undefined && !ended.includes(status);
}
