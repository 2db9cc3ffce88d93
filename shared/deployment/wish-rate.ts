import type { ServiceState } from "../model/service-state.ts";

/** How many rolls other wishes may start within an hour of one service, which nobody has deployed meanwhile. */
const MAX_ROLLS = 6;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/**
 * Whether a roll may start, by the rolls that the service's tags have started within the last hour. `unlimited`:
 * somebody has deployed since the last roll, or it is a failed attempt that is tried again, which has delays of its
 * own. `later`: the wish of that time is what counts then, not this one.
 */
export type WishRate =
  | { readonly case: "unlimited" }
  | { readonly case: "start"; readonly wishRolls: number[] }
  | { readonly case: "later"; readonly notBeforeMs: number; readonly rolls: number };

/** The rate of a service that runs this revision. Times are epoch milliseconds. */
export function wishRate(
  state: Pick<ServiceState, "lastGoodRevisionArn" | "failedAttemptKey" | "wishRolls"> | undefined,
  { taskDefinitionArn, attemptKey }: { readonly taskDefinitionArn: string; readonly attemptKey: string },
  nowMs: number,
): WishRate {
  if (state?.lastGoodRevisionArn !== taskDefinitionArn) return { case: "unlimited" };
  if (state.failedAttemptKey === attemptKey) return { case: "unlimited" };
  const lately = rollsLately(state, nowMs);
  const notBeforeMs = throttledUntilMs(state, nowMs);
  if (notBeforeMs !== undefined) return { case: "later", notBeforeMs, rolls: lately.length };
  return { case: "start", wishRolls: [...lately, nowMs] };
}

/** When the tags of a service may start a roll again; undefined when they may now. */
export function throttledUntilMs(
  state: Pick<ServiceState, "wishRolls"> | undefined,
  nowMs: number,
): number | undefined {
  const [oldest, ...others] = rollsLately(state, nowMs);
  return oldest !== undefined && others.length + 1 >= MAX_ROLLS ? oldest + HOUR_MS : undefined;
}

/** True where people were notified of it within a day. */
export function wasNotifiedOfRate(
  { notifiedThrottled }: Pick<ServiceState, "notifiedThrottled">,
  nowMs: number,
): boolean {
  return notifiedThrottled !== undefined && nowMs < Date.parse(notifiedThrottled) + DAY_MS;
}

function rollsLately(state: Pick<ServiceState, "wishRolls"> | undefined, nowMs: number): readonly number[] {
  return (state?.wishRolls ?? []).filter((startedMs) => startedMs > nowMs - HOUR_MS);
}
