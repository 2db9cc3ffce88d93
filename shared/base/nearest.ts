import { distance } from "fastest-levenshtein";

/**
 * The known text that is most alike, for a hint at a typo; `undefined` when none is near. Near are two edits, a third
 * of a long text, and no more than half of a short one: a hint at something quite different misleads.
 */
export function nearest<T extends string>(
  text: string,
  known: readonly T[],
  compared: (text: string) => string = (whole) => whole,
): T | undefined {
  const { length } = compared(text);
  const edits = Math.min(Math.max(2, length / 3), length / 2);
  return known
    .map((one) => ({ one, distance: distance(compared(text), compared(one)) }))
    .filter((candidate) => candidate.distance <= edits)
    .sort((a, b) => a.distance - b.distance)[0]?.one;
}
