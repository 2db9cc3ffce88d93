import type { Candidate } from "./canaries.ts";

/** The wave of services that did not run well before. */
export const UNFIT = "unfit";

/**
 * The candidates with what is believed of them. Where more than half did not run well before, their owners are not the
 * cause, as when a zone is lost: all of them count as fit then, since services that count nothing would leave the
 * rollout without canaries and without a budget.
 */
export function believed<T extends Pick<Candidate, "serviceArn" | "unfit">>(
  candidates: readonly T[],
): readonly (T | Omit<T, "unfit">)[] {
  const unfit = candidates.filter((one) => one.unfit !== undefined).length;
  if (unfit * 2 <= candidates.length) return candidates;
  return candidates.map(({ unfit: _, ...fit }) => fit);
}
