/** Minutes of the configuration, which may be fractions, as whole milliseconds: what is stored and sent is an integer. */
export function minutesToMs(minutes: number): number {
  return Math.round(minutes * 60_000);
}
