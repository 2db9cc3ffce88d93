/** The one of the known texts that is most alike, or `undefined` when there is none: for a hint at a typo. */
export function nearest<T extends string>(
  text: string,
  known: readonly T[],
  compared: (text: string) => string = (whole) => whole,
): T | undefined {
  const distances = known.map((one) => ({ one, distance: editDistance(compared(text), compared(one)) }));
  return distances.sort((a, b) => a.distance - b.distance)[0]?.one;
}

/** Levenshtein's distance: how many characters to insert, delete or replace. */
export function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (const [row, charA] of [...a].entries()) {
    const current = [row + 1];
    for (const [column, charB] of [...b].entries()) {
      const replaced = (previous[column] ?? 0) + (charA === charB ? 0 : 1);
      current.push(Math.min(replaced, (previous[column + 1] ?? 0) + 1, (current[column] ?? 0) + 1));
    }
    previous = current;
  }
  return previous[b.length] ?? 0;
}
