/** A violation that the product still has: the campaign finds it, and goes on. */
export interface KnownViolation {
  /** What is violated, in words. */
  readonly invariant: string;
  /** What the violations look like. */
  readonly pattern: RegExp;
  /** What has to change in the product. */
  readonly mendedBy: string;
  /** A run that shows it. */
  readonly seed: number;
}

/**
 * A change that mends one takes its entry away: an entry whose seed no longer shows it fails the campaign. Nothing is
 * added here that can be mended at once.
 */
export const knownViolations: readonly KnownViolation[] = [];

/** Parts violations into those that are known and those that are not. */
export function partedByKnown(violations: readonly string[]): {
  readonly broken: readonly string[];
  readonly known: readonly KnownViolation[];
} {
  const isKnown = (one: KnownViolation) => violations.some((violation) => one.pattern.test(violation));
  return {
    broken: violations.filter((violation) => !knownViolations.some(({ pattern }) => pattern.test(violation))),
    known: knownViolations.filter(isKnown),
  };
}
