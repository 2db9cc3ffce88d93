import type { Config } from "../config/config.ts";
import type { Rollout } from "../model/rollout.ts";
import { exceeded } from "./budget.ts";
import { resolvedPolicy } from "./pace.ts";
import { isStopping } from "./stopping.ts";

/** Which limit of its failure budget the rollout has exceeded, in the given wave or in all. Undefined when none. */
export function budgetExceeded(rollout: Rollout, waveIndex: number, { policy }: Pick<Config, "policy">) {
  const wave = rollout.waves[waveIndex];
  // Tasks are cut off meanwhile: a service that fails is reverted by itself, and the others must not wait for it.
  if (!wave || rollout.emergency) return undefined;
  const { lanes, name, chosenOrdinals = [] } = wave;
  const inWave = (ordinal: number) => lanes.some(({ first, last }) => ordinal >= first && ordinal <= last);
  return exceeded(resolvedPolicy(rollout, policy.rollout).failureBudget, {
    wave: name,
    waveSize: lanes.reduce((size, { first, last }) => size + last - first + 1, 0),
    waveFailed: rollout.failedOrdinals.filter(inWave).length,
    chosenFailed: rollout.failedOrdinals.filter((ordinal) => chosenOrdinals.includes(ordinal)).length,
    total: rollout.serviceCount,
    totalFailed: rollout.failedOrdinals.length,
  });
}

/**
 * True when no further service of the rollout may start: it does not run, it aborts or rolls back, or it has exceeded
 * its failure budget in the wave under way.
 */
export function isStopped(rollout: Rollout, config: Pick<Config, "policy">): boolean {
  if (rollout.status !== "running" || isStopping(rollout)) return true;
  return budgetExceeded(rollout, rollout.nextWaveIndex, config) !== undefined;
}
