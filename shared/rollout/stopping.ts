import type { Rollout } from "../model/rollout.ts";

/** True for a rollout that rolls back, or will at its next step because an operator asked for it. */
export function isRollingBack({ status, control }: Pick<Rollout, "status" | "control">): boolean {
  return status === "rolling-back" || control?.action === "rollback";
}

/** True for a rollout that ends since its wish has moved on. One that is paused ends once somebody resumes it. */
export function isSuperseded({ status, control, supersededAt }: Stopping): boolean {
  return supersededAt !== undefined && status !== "paused" && control?.action !== "pause";
}

/** True for a rollout that starts no further wave: it rolls back, aborts or is superseded. A pause ends nothing. */
export function isStopping(rollout: Stopping): boolean {
  return isRollingBack(rollout) || rollout.control?.action === "abort" || isSuperseded(rollout);
}

type Stopping = Pick<Rollout, "status" | "control" | "supersededAt">;
