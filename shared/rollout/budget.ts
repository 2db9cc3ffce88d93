import type { FailureLimit, RolloutPolicy } from "../config/rollout-policy.ts";

/** Failures so far, in the wave that was just judged and in the whole rollout. */
export interface FailureCounts {
  /** The wave's name, for the sentence. */
  readonly wave: string;
  readonly waveSize: number;
  readonly waveFailed: number;
  /** Of the canaries that the rollout has chosen itself. */
  readonly chosenFailed?: number;
  /** Services of the whole rollout, also those whose wave is still to come. */
  readonly total: number;
  readonly totalFailed: number;
}

/** A percentage means something from this many services on. */
const FEW = 10;

/**
 * The limit of the failure budget that is exceeded, if one is: by more failures than its count, or by a larger share of
 * the wave's or rollout's size than its percentage. Exactly as many as it allows are within it. Of fewer than ten
 * services, a percentage allows one failure; of the canaries that the rollout has chosen itself, none.
 */
export function exceeded(
  budget: RolloutPolicy["failureBudget"],
  counts: FailureCounts,
): { code: "budget-exceeded"; detail: string } | undefined {
  const { wave, waveSize, waveFailed, chosenFailed = 0, total, totalFailed } = counts;
  const hasBudget = budget.perWave !== undefined || budget.inAll !== undefined;
  const detail =
    (hasBudget && chosenFailed > 0 ? `${chosenFailed} of the canaries that the rollout chose failed` : undefined) ??
    overLimit(budget.perWave, waveFailed, waveSize, `services of wave ${wave}`) ??
    overLimit(budget.inAll, totalFailed, total, "services");
  return detail === undefined ? undefined : { code: "budget-exceeded", detail };
}

function overLimit(limit: FailureLimit | undefined, failed: number, size: number, of: string): string | undefined {
  const prefix = `${failed} of ${size} ${of} failed, the budget allows`;
  if (limit?.count !== undefined && failed > limit.count) return `${prefix} ${limit.count}`;
  if (limit?.percent !== undefined && size < FEW) return failed > 1 ? `${prefix} 1 of fewer than ${FEW}` : undefined;
  // The product of floats may be a hair less than the whole number that it stands for.
  if (limit?.percent !== undefined && failed * 100 > limit.percent * size + 1e-6) return `${prefix} ${limit.percent} %`;
  return undefined;
}
