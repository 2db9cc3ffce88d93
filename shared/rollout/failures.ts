import type { Config } from "../config/config.ts";
import type { Rollout } from "../model/rollout.ts";
import { exceeded } from "./budget.ts";
import { resolvedPolicy } from "./pace.ts";

/** What of the failure budget the rollout has exceeded in the given wave or in all, or `undefined`. */
export function budgetExceeded(rollout: Rollout, waveIndex: number, { policy }: Pick<Config, "policy">) {
  const wave = rollout.waves[waveIndex];
  if (!wave) return undefined;
  const { lanes, name } = wave;
  const inWave = (ordinal: number) => lanes.some(({ first, last }) => ordinal >= first && ordinal <= last);
  return exceeded(resolvedPolicy(rollout, policy.rollout).failureBudget, {
    wave: name,
    waveSize: lanes.reduce((size, { first, last }) => size + last - first + 1, 0),
    waveFailed: rollout.failedOrdinals.filter(inWave).length,
    total: rollout.serviceCount,
    totalFailed: rollout.failedOrdinals.length,
  });
}

/**
 * True when no further service of it may be begun: it has ended, is to end or to go back, or has used up its failure
 * budget in the wave that is under way.
 */
export function isStopped(rollout: Rollout, config: Pick<Config, "policy">): boolean {
  const { status, control, nextWaveIndex: wave } = rollout;
  if (status !== "running" || control?.action === "abort" || control?.action === "rollback") return true;
  return budgetExceeded(rollout, wave, config) !== undefined;
}
