/**
 * The arithmetic of a lane's pace, which is the generic cell rate algorithm (ITU-T I.371) which returns the wait
 * instead of done: `tatMs` is the theoretical arrival time, the time at which all the starts taken so far are paid off.
 */
export interface Pace {
  /** Whole milliseconds; a fraction counts as one. */
  readonly intervalMs: number;
  readonly burst: number;
  readonly count?: number;
}

/** By how much a call moves the theoretical arrival time. */
export function costMs({ intervalMs, count = 1 }: Pace): number {
  return count * Math.ceil(intervalMs);
}

/** The first start that a call has taken which moved the theoretical arrival time to `tatMs`. */
export function firstStartMs(tatMs: number, nowMs: number, pace: Pace): number {
  const paidMs = tatMs - costMs(pace);
  return Math.max(nowMs, paidMs - (pace.burst - 1) * Math.ceil(pace.intervalMs));
}
