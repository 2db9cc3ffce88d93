import type { FleetSighting } from "../model/rollout.ts";

const HOUR_MS = 3_600_000;
const MAX_CHANGES = 60;

/** A value as it is read now, and how people are shown it. */
export interface SeenValue {
  readonly value: string;
  readonly shown: string;
}

/**
 * `contested`: the value has changed too often within an hour, so that two writers put theirs there in turns. `rests`:
 * it was, and no longer does. `settled`: anything else.
 */
export type Standing = "contested" | "rests" | "settled";

/** The sighting after a value was read. The first one does not count as a change. */
export function afterSighting(
  before: FleetSighting | undefined,
  { value, shown }: SeenValue,
  nowMs: number,
): FleetSighting {
  if (!before) return { value, shown, changedAtMs: [] };
  const recent = before.changedAtMs.filter((at) => at > nowMs - HOUR_MS);
  if (before.value === value) return { ...before, changedAtMs: recent };
  const shownBefore = before.shown === shown ? before.shownBefore : before.shown;
  return {
    ...before,
    value,
    shown,
    ...(shownBefore !== undefined && { shownBefore }),
    changedAtMs: [...recent, nowMs].slice(-MAX_CHANGES),
  };
}

/** How the value stands, with at most `maxChangesPerHour` changes that count as made by one writer. */
export function standingOf({ changedAtMs, contestedSince }: FleetSighting, maxChangesPerHour: number): Standing {
  if (changedAtMs.length > maxChangesPerHour) return "contested";
  return contestedSince === undefined ? "settled" : "rests";
}

/** The key of a control plane's facts among the sightings. */
export function factsSubject(controlPlane: string): string {
  return `facts ${controlPlane}`;
}
