import { endedStatuses, heldStatuses, type Rollout } from "../../model/rollout.ts";
import type { ReportCalls } from "./report-calls.ts";

/** As long as the function may run, which waits for Slack. */
const CLAIM_MS = 60_000;

/**
 * Whether a rollout's message is to be written. `none`: the rollout is not reported. `unchanged`: nothing can have
 * changed in its message. `claimed`: another run is writing it. `due`: it may have to be written.
 */
export type ReportCase = "none" | "unchanged" | "claimed" | "due";

/** `updates`: a message in Slack can be updated, which a webhook's cannot. */
export function reportCase(rollout: Rollout, updates: boolean, nowMs: number): ReportCase {
  if (!isReported(rollout)) return "none";
  if (!mayLag(rollout, updates)) return "unchanged";
  return (rollout.slack?.claimedUntilMs ?? 0) > nowMs ? "claimed" : "due";
}

/**
 * A rollout that waits, was refused (that has an event of its own) or found nothing to do has no message. Neither has
 * one that repeats an emergency, unless somebody has to let it go on.
 */
function isReported({ slack, startedAt, serviceCount, status, repeats }: Rollout): boolean {
  if (repeats !== undefined && slack?.shown === undefined) return heldStatuses.includes(status);
  return slack?.shown !== undefined || status === "failed" || (startedAt !== undefined && serviceCount > 0);
}

/** True for one that has lost its turn, and for one that is to be rolled back, which may wait for its turn. */
export function waitsForTurn({ parked, control }: Rollout): boolean {
  return parked === true || control?.action === "rollback";
}

/** The message of an ended rollout is final once it shows the end. A webhook's message is never updated. */
function mayLag(rollout: Rollout, updates: boolean): boolean {
  const { slack, status } = rollout;
  if (updates && waitsForTurn(rollout)) return true;
  if (endedStatuses.includes(status)) return slack?.shown?.startsWith(`${status}:`) !== true;
  return updates || slack?.shown === undefined;
}

/**
 * Claims the rollout's message, for a minute at most. Returns the claimed rollout, or why its message is not written.
 */
export async function claimMessage(
  rolloutId: string,
  updates: boolean,
  { ledger, now }: Pick<ReportCalls, "ledger" | "now">,
): Promise<Rollout | Exclude<ReportCase, "due">> {
  const changed = await ledger.changeRollout(rolloutId, (rollout) => {
    const found = reportCase(rollout, updates, now());
    if (found !== "due") return { result: found };
    return { next: { ...rollout, slack: { ...rollout.slack, claimedUntilMs: now() + CLAIM_MS } }, result: found };
  });
  if (!changed) return "none";
  return changed.result === "due" ? changed.stored : changed.result;
}
