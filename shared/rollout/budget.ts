import type { FailureLimit, RolloutPolicy } from "../config/rollout-policy.ts";

/** Failures so far, in the wave that was just judged and in the whole rollout. */
export interface FailureCounts {
  /** The wave's name, for the sentence. */
  readonly wave: string;
  readonly waveSize: number;
  readonly waveFailed: number;
  /** Services of the whole rollout, also those whose wave is still to come. */
  readonly total: number;
  readonly totalFailed: number;
}

/**
 * The limit of the failure budget that is exceeded, if one is: by more failures than its count, or by a larger share of
 * the wave's or rollout's size than its percentage. Exactly as many as it allows are within it.
 */
export function exceeded(
  budget: RolloutPolicy["failureBudget"],
  counts: FailureCounts,
): { code: "budget-exceeded"; detail: string } | undefined {
  const { wave, waveSize, waveFailed, total, totalFailed } = counts;
  const detail =
    overLimit(budget.perWave, waveFailed, waveSize, `services of wave ${wave}`) ??
    overLimit(budget.inAll, totalFailed, total, "services");
  return detail === undefined ? undefined : { code: "budget-exceeded", detail };
}

function overLimit(limit: FailureLimit | undefined, failed: number, size: number, of: string): string | undefined {
  const prefix = `${failed} of ${size} ${of} failed, the budget allows`;
  if (limit?.count !== undefined && failed > limit.count) return `${prefix} ${limit.count}`;
  // The product of floats may be a hair less than the whole number that it stands for.
  if (limit?.percent !== undefined && failed * 100 > limit.percent * size + 1e-6) return `${prefix} ${limit.percent} %`;
  return undefined;
}
