import type { RolloutService } from "../model/rollout.ts";
import { needsRollback } from "./needs-rollback.ts";
import type { Phase } from "./steps.ts";

/** How often a service is tried that another roll or deployment keeps busy. */
const MAX_TRIES = 4;
/**
 * How often a service is rolled whose executions end without recording an outcome, as when they are stopped by hand.
 */
const MAX_ROLLS = 20;

/**
 * How a service is taken. `skip`: not at all. `begin`: by the first attempt, or by a new one after it was superseded.
 * `repeat`: by the attempt under way, since a step may run again after a crash. `retry`: by a new attempt, since the
 * execution of the last one has ended without recording an outcome. `take-over`: for its rollback, from a roll forward
 * that has lost its execution.
 */
export type TakeCase = "skip" | "begin" | "repeat" | "retry" | "take-over";

/** How a service is taken in a phase. `retake`: the execution of its last attempt has ended. */
export function takeCase(service: RolloutService, phase: Phase, retake: boolean): TakeCase {
  if (!isDue(service, phase)) return "skip";
  const { status, tryCount } = service;
  if (status !== rollingStatus[phase]) return status === "rolling" ? "take-over" : "begin";
  if (!retake) return "repeat";
  return tryCount >= MAX_ROLLS ? "skip" : "retry";
}

/** The status of a service while it is rolled in a phase. */
export const rollingStatus = { forward: "rolling", rollback: "rolling-back" } as const;

function isDue(service: RolloutService, phase: Phase): boolean {
  if (phase === "rollback") return needsRollback(service);
  const { status, tryCount } = service;
  return status === "waiting" || status === "rolling" || (status === "superseded" && tryCount < MAX_TRIES);
}
