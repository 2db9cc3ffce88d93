import { canonicalJson, sha256 } from "../base/json.ts";
import type { DescribedTaskDefinition } from "../model/service.ts";
import type { Corrections } from "../model/service-state.ts";
import { registerable } from "../model/task-definition.ts";

const HOUR_MS = 3_600_000;
/** The first wait of a contest; each later one is twice as long, up to the longest. */
const LONGEST_WAIT_HOURS = 24;
/** A contest is over when nothing had to be corrected for this long behind its last wait. */
const OVER_AFTER_MS = 24 * HOUR_MS;

/** What a deployment brings, as a hash: the same content may come as another revision each time. */
export function deployedContent(definition: DescribedTaskDefinition): string {
  return sha256(canonicalJson(registerable(definition.raw, definition.tags)));
}

/**
 * Whether to correct a service that runs this content. `correct`: with what to record once the roll has started.
 * `wait`: another controller puts the content back each time, and the next correction is not due; `waits` is what to
 * record where the wait begins now.
 */
export type Contest =
  | { readonly case: "correct"; readonly corrections: Corrections }
  | { readonly case: "wait"; readonly untilMs: number; readonly waits?: Corrections };

/**
 * Judges a correction by those before it. Other content is the work of somebody who deploys. Of the same content,
 * `maxPerHour` corrections within an hour are made, then one after each wait. Times are epoch milliseconds.
 */
export function judgeCorrection(
  before: Corrections | undefined,
  content: string,
  { maxPerHour, nowMs }: { readonly maxPerHour: number; readonly nowMs: number },
): Contest {
  const known = before?.content === content && !isOver(before, nowMs) ? before : { content, atMs: [], waits: 0 };
  const { waits, untilMs } = known;
  if (untilMs !== undefined && nowMs < untilMs) return { case: "wait", untilMs };
  const lately = known.atMs.filter((at) => at > nowMs - HOUR_MS);
  // A wait has ended: one correction shows whether the other controller still acts.
  const last = known.atMs.at(-1) ?? 0;
  const isPutBack = untilMs === undefined ? lately.length >= maxPerHour : last >= untilMs;
  if (!isPutBack) return { case: "correct", corrections: { ...known, atMs: [...lately, nowMs] } };
  const next = nowMs + Math.min(2 ** waits, LONGEST_WAIT_HOURS) * HOUR_MS;
  return { case: "wait", untilMs: next, waits: { ...known, waits: waits + 1, untilMs: next } };
}

function isOver({ atMs, untilMs = 0 }: Corrections, nowMs: number): boolean {
  return nowMs > Math.max(atMs.at(-1) ?? 0, untilMs) + OVER_AFTER_MS;
}
