import type { Rollout } from "../model/rollout.ts";

const DAY_MS = 86_400_000;

/** A rollout waits for a person, who is to be reminded of it. */
export interface Reminder {
  readonly why: "operator" | "approval";
  /** For how many whole days it has waited. */
  readonly days: number;
}

/** The reminder that is due: one a day while the rollout waits for a person. Undefined where none is. */
export function dueReminder({ status, heldSince, remindedAt }: Rollout, nowMs: number): Reminder | undefined {
  const why = status === "paused" ? "operator" : status === "awaiting-approval" ? "approval" : undefined;
  if (why === undefined || heldSince === undefined) return undefined;
  if (nowMs < Date.parse(remindedAt ?? heldSince) + DAY_MS) return undefined;
  return { why, days: Math.floor((nowMs - Date.parse(heldSince)) / DAY_MS) };
}
