import { type CronTimes, parseCron } from "./cron.ts";
import type { FreezeWindow } from "./rollout-policy.ts";

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;
/** How far ahead the end of an open window is looked for. */
const HORIZON_MS = 31 * DAY_MS;

/** A field of a freeze window and what is wrong with it. */
export interface FreezeProblem {
  readonly field: "cron" | "timeZone";
  readonly problem: string;
}

/** What is wrong with a window's cron expression and time zone. */
export function freezeProblems(window: Pick<FreezeWindow, "cron" | "timeZone">): readonly FreezeProblem[] {
  const parsed = parseCron(window.cron);
  const ofCron = "problems" in parsed ? parsed.problems : [];
  const problems: FreezeProblem[] = ofCron.map((problem) => ({ field: "cron", problem }));
  if (!isTimeZone(window.timeZone)) {
    problems.push({
      field: "timeZone",
      problem: `${window.timeZone} is not an IANA time zone, as \`Europe/Berlin\` is`,
    });
  }
  return problems;
}

function isTimeZone(timeZone: string): boolean {
  try {
    return new Intl.DateTimeFormat("en-US", { timeZone }) !== undefined;
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}

/**
 * The freeze window that is open now, and when no window is open any more, in epoch milliseconds: windows that overlap
 * or follow each other without a break are one. `until` is at most 31 days ahead: check again then. Of several open
 * windows it is the one that ends last. `undefined`: none is open.
 *
 * A window opens whenever its zone's wall clock shows a matching minute and lasts for its duration in real time. An
 * hour that the clock shows twice opens it twice. A minute that the clock skips opens it at the first minute after the
 * gap. croner's own time zones have other rules: there, a repeated hour repeats only some expressions, and a gap
 * swallows the others. Throws a RangeError for a window in which `freezeProblems` finds a problem.
 */
export function openWindow(
  windows: readonly FreezeWindow[],
  nowMs: number,
): { until: number; window: FreezeWindow } | undefined {
  const clocks = windows.map((window) => freezeClock(window, nowMs));
  let open = lastToEnd(clocks, nowMs);
  if (!open) return undefined;
  const { window } = open;
  const horizonMs = nowMs + HORIZON_MS;
  let until = open.endMs;
  while (open && until < horizonMs) {
    until = open.endMs;
    open = lastToEnd(clocks, until);
  }
  return { until: Math.min(until, horizonMs), window };
}

/**
 * True if no minute of a year is outside of these windows. A year that has passed stands for all: the answer must not
 * depend on the day. Throws as `openWindow`.
 */
export function coversAllTime(windows: readonly FreezeWindow[]): boolean {
  const endMs = Date.UTC(2026, 0, 1);
  let atMs = Date.UTC(2025, 0, 1);
  while (atMs < endMs) {
    const open = openWindow(windows, atMs);
    if (!open || open.until < atMs + HORIZON_MS) return false;
    atMs = open.until;
  }
  return true;
}

/** A window with what it takes to know when it opened last. */
interface FreezeClock {
  readonly window: FreezeWindow;
  readonly times: CronTimes;
  readonly spans: readonly Span[];
}

/** A stretch of time in which a zone's clock differs from UTC by the same amount. The first instant is in it. */
interface Span {
  readonly fromMs: number;
  readonly offsetMs: number;
}

function freezeClock(window: FreezeWindow, nowMs: number): FreezeClock {
  const parsed = parseCron(window.cron);
  if ("problems" in parsed) throw new RangeError(`${window.cron}: ${parsed.problems.join(", ")}`);
  const fromMs = nowMs - window.durationMinutes * MINUTE_MS - DAY_MS;
  return { window, times: parsed.times, spans: spansOf(window.timeZone, fromMs, nowMs + HORIZON_MS + DAY_MS) };
}

/**
 * The window that is open or ends at that instant, and of several the one that ends last; its end lies after `atMs`.
 */
function lastToEnd(
  clocks: readonly FreezeClock[],
  atMs: number,
): { readonly window: FreezeWindow; readonly endMs: number } | undefined {
  let last: { readonly window: FreezeWindow; readonly endMs: number } | undefined;
  for (const clock of clocks) {
    const startMs = lastStart(clock, atMs);
    const endMs = (startMs ?? Number.NEGATIVE_INFINITY) + clock.window.durationMinutes * MINUTE_MS;
    if (endMs > Math.max(atMs, last?.endMs ?? atMs)) last = { window: clock.window, endMs };
  }
  return last;
}

/** When the window opened last, at `atMs` or before, as far back as the spans reach. */
function lastStart({ times, spans }: FreezeClock, atMs: number): number | undefined {
  for (const [index, { fromMs, offsetMs }] of [...spans.entries()].reverse()) {
    if (fromMs > atMs) continue;
    const untilMs = Math.min(atMs, (spans[index + 1]?.fromMs ?? Number.POSITIVE_INFINITY) - 1);
    const wallMs = lastMatch(times, fromMs + offsetMs, untilMs + offsetMs);
    if (wallMs !== undefined) return wallMs - offsetMs;
    const skippedMs = fromMs + (spans[index - 1]?.offsetMs ?? offsetMs);
    if (lastMatch(times, skippedMs, fromMs + offsetMs - 1) !== undefined) return fromMs;
  }
  return undefined;
}

/**
 * The last minute from `fromMs` to `toMs`, both included, that matches. Wall-clock times, written as if they were UTC.
 */
function lastMatch(times: CronTimes, fromMs: number, toMs: number): number | undefined {
  const matchMs = times.lastMatch(toMs);
  return matchMs !== undefined && matchMs >= fromMs ? matchMs : undefined;
}

/**
 * The zone's offsets from `fromMs` on. Asked for once a day, and within the day of a change until its minute is found.
 */
function spansOf(timeZone: string, fromMs: number, toMs: number): readonly Span[] {
  const offsetAt = offsetsOf(timeZone);
  const startMs = Math.floor(fromMs / MINUTE_MS) * MINUTE_MS;
  const spans: Span[] = [{ fromMs: startMs, offsetMs: offsetAt(startMs) }];
  for (let dayMs = startMs; dayMs < toMs; dayMs += DAY_MS) {
    const before = spans.at(-1)?.offsetMs;
    if (offsetAt(dayMs + DAY_MS) === before) continue;
    let low = dayMs;
    let high = dayMs + DAY_MS;
    while (high - low > MINUTE_MS) {
      const middle = low + Math.floor((high - low) / MINUTE_MS / 2) * MINUTE_MS;
      if (offsetAt(middle) === before) low = middle;
      else high = middle;
    }
    spans.push({ fromMs: high, offsetMs: offsetAt(high) });
  }
  return spans;
}

/** What a zone's clock shows less UTC, in milliseconds, by the instant. */
function offsetsOf(timeZone: string): (atMs: number) => number {
  const format = new Intl.DateTimeFormat("en-US", {
    timeZone,
    hourCycle: "h23",
    year: "numeric",
    month: "numeric",
    day: "numeric",
    hour: "numeric",
    minute: "numeric",
    second: "numeric",
  });
  return (atMs) => {
    const parts = new Map(format.formatToParts(atMs).map(({ type, value }) => [type, Number(value)]));
    const part = (type: Intl.DateTimeFormatPartTypes) => parts.get(type) ?? 0;
    const wallMs = Date.UTC(part("year"), part("month") - 1, part("day"), part("hour"), part("minute"), part("second"));
    return wallMs - Math.floor(atMs / 1000) * 1000;
  };
}
