/** Minutes of the configuration, which may be fractions, in whole milliseconds: records and messages have integers. */
export function minutesToMs(minutes: number): number {
  return Math.round(minutes * 60_000);
}

export function hoursToMs(hours: number): number {
  return minutesToMs(hours * 60);
}
