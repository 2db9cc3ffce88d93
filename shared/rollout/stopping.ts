import type { Rollout } from "../model/rollout.ts";

/** True for a rollout that rolls back, or will at its next step because an operator asked for it. */
export function isRollingBack({ status, control }: Pick<Rollout, "status" | "control">): boolean {
  return status === "rolling-back" || control?.action === "rollback";
}

/** True for a rollout that starts no further wave: it rolls back or aborts. A pause ends nothing. */
export function isStopping(rollout: Pick<Rollout, "status" | "control">): boolean {
  return isRollingBack(rollout) || rollout.control?.action === "abort";
}
