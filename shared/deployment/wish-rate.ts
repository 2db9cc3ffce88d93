import type { ServiceState } from "../model/service-state.ts";

/** How many rolls other wishes may start within an hour of one service, which nobody has deployed meanwhile. */
const MAX_ROLLS = 6;
const HOUR_MS = 3_600_000;

/**
 * Whether a roll may start, by the rolls that the service's tags have started within the last hour. `unlimited`:
 * somebody has deployed since the last roll, or it is a failed attempt that is tried again, which has delays of its
 * own. `later`: the wish of that time is what counts then, not this one.
 */
export type WishRate =
  | { readonly case: "unlimited" }
  | { readonly case: "start"; readonly wishRolls: number[] }
  | { readonly case: "later"; readonly notBeforeMs: number };

/** The rate of a service that runs this revision. Times are epoch milliseconds. */
export function wishRate(
  state: Pick<ServiceState, "lastGoodRevisionArn" | "failedAttemptKey" | "wishRolls"> | undefined,
  { taskDefinitionArn, attemptKey }: { readonly taskDefinitionArn: string; readonly attemptKey: string },
  nowMs: number,
): WishRate {
  if (state?.lastGoodRevisionArn !== taskDefinitionArn) return { case: "unlimited" };
  if (state.failedAttemptKey === attemptKey) return { case: "unlimited" };
  const lately = (state.wishRolls ?? []).filter((startedMs) => startedMs > nowMs - HOUR_MS);
  const [oldest = nowMs] = lately;
  if (lately.length >= MAX_ROLLS) return { case: "later", notBeforeMs: oldest + HOUR_MS };
  return { case: "start", wishRolls: [...lately, nowMs] };
}
