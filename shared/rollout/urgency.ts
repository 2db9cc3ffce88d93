import { heldStatuses, type Rollout } from "../model/rollout.ts";
import { isRollingBack, isStopping } from "./stopping.ts";

/**
 * How urgent a rollout is, the most urgent the highest: a rollback, an emergency, an address at which new tasks don't
 * find istiod, anything else.
 */
export function urgencyOf(rollout: Rollout): number {
  if (isRollingBack(rollout)) return 3;
  if (rollout.emergency) return 2;
  return rollout.kind === "endpoint" ? 1 : 0;
}

/**
 * The rollout whose turn it is: the one under way, unless it is on hold and a more urgent one waits; else the most
 * urgent of those that wait, of equal ones the first.
 */
export function turnOf(current: Rollout | undefined, waiting: readonly Rollout[]): Rollout | undefined {
  const [first, ...others] = waiting;
  const next = first && others.reduce((best, one) => (urgencyOf(one) > urgencyOf(best) ? one : best), first);
  if (!current || !next) return current ?? next;
  return yields(current) && urgencyOf(next) > urgencyOf(current) ? next : current;
}

/** True for a rollout on hold: nothing of it is under way. One that is to end does so first. */
export function yields(rollout: Rollout): boolean {
  return heldStatuses.includes(rollout.status) && !isStopping(rollout);
}
