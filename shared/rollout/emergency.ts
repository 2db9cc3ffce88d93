import { minutesToMs } from "../base/durations.ts";
import type { MeshEmergency } from "../model/mesh.ts";
import { endedStatuses, type Rollout } from "../model/rollout.ts";

/** The first repetition waits this long after the end of the rotation before it, each later one twice as long. */
const FIRST_DELAY_MINUTES = 5;
const LONGEST_DELAY_MINUTES = 60;
const DAY_MS = 86_400_000;

/**
 * What is to be done about tasks that are cut off. `wait`: a rotation is under way, it is not time yet, or nobody has
 * counted since the last one. `stopped`: an operator has. `repeat`: request a rotation, the attempt of this number.
 */
export type EmergencyStep =
  | { readonly do: "wait" }
  | { readonly do: "stopped"; readonly by: string; readonly atMs: number }
  | { readonly do: "repeat"; readonly attempt: number };

/**
 * The next step by the rotation that was requested last. `isRotating`: a rotation of the control plane is under way or
 * queued. A rotation whose record is gone has ended long ago, and would have been repeated if nobody had stopped it.
 */
export function emergencyStep(
  emergency: Pick<MeshEmergency, "rolloutId" | "attempts" | "countedAt">,
  last: StoppedBy | undefined,
  { isRotating, nowMs }: { readonly isRotating: boolean; readonly nowMs: number },
): EmergencyStep {
  if (emergency.rolloutId === undefined) return isRotating ? { do: "wait" } : { do: "repeat", attempt: 1 };
  if (!last) return { do: "wait" };
  const stopped = stoppedBy(last);
  if (stopped) return isRotating ? { do: "wait" } : { do: "stopped", ...stopped };
  if (isRotating || !endedStatuses.includes(last.status)) return { do: "wait" };
  const endedMs = Date.parse(last.finishedAt ?? "");
  const isDue = nowMs >= endedMs + delayMs(emergency.attempts);
  const isCounted = Date.parse(emergency.countedAt) > endedMs;
  return isDue && isCounted ? { do: "repeat", attempt: emergency.attempts + 1 } : { do: "wait" };
}

type StoppedBy = Pick<Rollout, "status" | "control" | "finishedAt" | "journal">;

/** The operator who has stopped an emergency, and when; undefined where none has. */
export function stoppedBy({ status, control, finishedAt, journal }: StoppedBy) {
  if (control?.action === "abort") return { by: control.by, atMs: Date.parse(control.at) };
  if (status !== "aborted") return undefined;
  const abort = journal.findLast(({ did }) => did === "abort");
  return { by: abort?.by ?? "an operator", atMs: Date.parse(abort?.at ?? finishedAt ?? "") };
}

/** 5 minutes after the first attempt, then twice as long each time, an hour at most. */
function delayMs(attempts: number): number {
  return minutesToMs(Math.min(FIRST_DELAY_MINUTES * 2 ** Math.max(0, attempts - 1), LONGEST_DELAY_MINUTES));
}

/**
 * What people are notified of now, and the key that makes it one notice. `goes-on`: once an attempt has ended and tasks
 * are cut off still, then once a day. `stopped`: when an operator has stopped it, then once a day.
 */
export type EmergencyNotice =
  | { readonly state: "goes-on"; readonly key: string }
  | { readonly state: "stopped"; readonly key: string; readonly by: string };

/** The notice that is due; undefined where people know, or where nothing is cut off. */
export function emergencyNotice(
  emergency: MeshEmergency,
  last: StoppedBy | undefined,
  nowMs: number,
): EmergencyNotice | undefined {
  if (emergency.services === 0) return undefined;
  const stopped = last && stoppedBy(last);
  if (stopped) {
    const key = `${emergency.rolloutId} stopped, day ${daysSince(stopped.atMs, nowMs)}`;
    return key === emergency.notified ? undefined : { state: "stopped", key, by: stopped.by };
  }
  const day = daysSince(Date.parse(emergency.since), nowMs);
  const hasFailed = last?.finishedAt !== undefined && endedStatuses.includes(last.status);
  const key = `goes on, day ${day}`;
  if ((day === 0 && !hasFailed) || key === emergency.notified) return undefined;
  return { state: "goes-on", key };
}

function daysSince(sinceMs: number, nowMs: number): number {
  return Math.floor((nowMs - sinceMs) / DAY_MS);
}
