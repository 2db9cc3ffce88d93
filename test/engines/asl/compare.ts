import { isDeepStrictEqual } from "node:util";
import * as z from "zod";
import { isJsonObject, type Json } from "../../../shared/base/json.ts";
import { ADDED } from "./definitions.ts";
import type { Line, Recording } from "./recording.ts";

const json = z.json().transform((value): Json => value);
const line = z.array(z.object({ state: z.string(), input: json }));

/** What a replay prints for one recording. */
export const replaySchema = z.object({
  lines: z.array(line),
  ending: z.object({ status: z.string(), output: json, error: z.string(), cause: z.string() }),
  problems: z.array(z.string()),
});
export type Replay = z.output<typeof replaySchema>;

/**
 * In what the replay of a recorded execution differs: the tasks that it asks, the states that every line enters and
 * with which input, the ending. Empty if it goes the same way to the same output.
 */
export function differencesOf(recording: Recording, replay: Replay): readonly string[] {
  const lab = recording.lines.map(withoutAdded).sort(byStart);
  const other = replay.lines.map(withoutAdded).sort(byStart);
  const counts = lab.length === other.length ? [] : [`goes ${other.length} lines, the lab ${lab.length}`];
  const lines = lab.flatMap((own, index) => differencesOfLine(own, other[index] ?? []));
  const ending = normal({ ...recording.ending });
  const ends = isDeepStrictEqual(ending, normal(replay.ending))
    ? []
    : [`ends as ${JSON.stringify(replay.ending)}, the lab as ${JSON.stringify(ending)}`];
  return [...replay.problems, ...counts, ...lines, ...ends];
}

function differencesOfLine(lab: Line, other: Line): readonly string[] {
  const path = (line: Line) => line.map(({ state }) => state).join(" > ");
  if (path(lab) !== path(other)) return [`goes ${path(other)}, the lab ${path(lab)}`];
  return lab.flatMap(({ state, input }, index) => {
    const given = other[index]?.input;
    if (isDeepStrictEqual(input, given)) return [];
    return [`enters ${state} with ${JSON.stringify(given)}, the lab with ${JSON.stringify(input)}`];
  });
}

function withoutAdded(line: Line): Line {
  return line
    .filter(({ state }) => !state.endsWith(ADDED))
    .map(({ state, input }) => ({ state, input: normal(input) }));
}

/** Iterations run in any order: those that begin alike stand together. */
function byStart(a: Line, b: Line): number {
  const start = (line: Line) => JSON.stringify(line[0] ? [line[0].state, ordered(line[0].input)] : []);
  return start(a).localeCompare(start(b));
}

function ordered(value: Json): Json {
  if (Array.isArray(value)) return value.map(ordered);
  if (!isJsonObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([k, v]) => [k, ordered(v)]),
  );
}

/**
 * The value without what the interpreters word as they like: the cause of a timeout, what AWS's SDK adds to a cause,
 * the members of an answer that AWS calls metadata, and times.
 */
export function normal(value: Json): Json {
  if (Array.isArray(value)) return value.map(normal);
  if (!isJsonObject(value)) return value;
  const { ExecutedVersion: _version, StartDate, StopDate, ...members } = value;
  const isTimeout = members.error === "States.Timeout" || members.Error === "States.Timeout";
  return Object.fromEntries(
    Object.entries(members)
      .filter(([member]) => !(isTimeout && (member === "cause" || member === "Cause")))
      .map(([member, inner]) => [member, normal(inner ?? null)]),
  );
}
