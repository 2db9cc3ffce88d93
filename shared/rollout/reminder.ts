import type { Rollout } from "../model/rollout.ts";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** A rollout waits for a person, who is to be reminded of it. */
export interface Reminder {
  readonly why: "operator" | "approval";
  /** For how many whole hours it has waited. */
  readonly hours: number;
}

/**
 * The reminder that is due: one after an hour, then one a day, while the rollout waits for a person. Undefined where
 * none is.
 */
export function dueReminder({ status, heldSince, remindedAt }: Rollout, nowMs: number): Reminder | undefined {
  const why = status === "paused" ? "operator" : status === "awaiting-approval" ? "approval" : undefined;
  if (why === undefined || heldSince === undefined) return undefined;
  const dueMs = remindedAt === undefined ? Date.parse(heldSince) + HOUR_MS : Date.parse(remindedAt) + DAY_MS;
  if (nowMs < dueMs) return undefined;
  return { why, hours: Math.floor((nowMs - Date.parse(heldSince)) / HOUR_MS) };
}
