import type { Rollout } from "../model/rollout.ts";

const DAY_SECONDS = 86_400;

/** When a record that is written now may be deleted, epoch seconds. */
export function expiryAfter(nowMs: number, retentionDays: number): number {
  return Math.floor(nowMs / 1000) + retentionDays * DAY_SECONDS;
}

/**
 * The new time for the record of a rollout that is open, epoch seconds; undefined while more than half of the retention
 * is left. DynamoDB must not delete what somebody may resume tomorrow.
 */
export function laterExpiry(
  { expiresAt }: Pick<Rollout, "expiresAt">,
  nowMs: number,
  retentionDays: number,
): number | undefined {
  const left = expiresAt - nowMs / 1000;
  return left > (retentionDays * DAY_SECONDS) / 2 ? undefined : expiryAfter(nowMs, retentionDays);
}
