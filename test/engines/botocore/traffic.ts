import { setImmediate } from "node:timers/promises";
import { runOf } from "../../../lab/campaign/run.ts";
import { playStory } from "../../../lab/story/story.ts";
import { takeTour } from "./tour.ts";

/** The campaign's runs whose calls are checked. */
const CAMPAIGN_SEEDS = [3, 11, 30];

/** One call that the lab has answered, with its output or its error. */
export interface RecordedCall {
  /** `npm start`, or the seed of the campaign's run with the way that its calls went. */
  readonly run: string;
  readonly service: string;
  readonly operation: string;
  readonly input: unknown;
  readonly output?: unknown;
  readonly error?: string;
  readonly status?: number;
}

export interface Traffic {
  readonly calls: readonly RecordedCall[];
  /** The simulator's operations, as `ecs.UpdateService`. */
  readonly operations: readonly string[];
}

interface RecordedLab {
  readonly router: { onCall(listener: (call: Omit<RecordedCall, "run">) => void): unknown };
}

/**
 * Every AWS call of `npm start`, of a tour of what else the simulator has, and of three runs of the campaign. Each of
 * these runs twice: with the functions' calls as the SDK serializes them, and with direct calls, which hand the code's
 * own objects to the lab. The SDK drops members that its model does not have, so only the direct calls show those; and
 * only the SDK's show its encoding.
 */
export async function recordTraffic(progress: (line: string) => void): Promise<Traffic> {
  const calls: RecordedCall[] = [];
  let run = "npm start";
  const record = (lab: RecordedLab) => {
    lab.router.onCall((call) => calls.push({ ...call, run }));
  };
  progress("playing npm start");
  const { lab, report } = await playStory({ write: () => undefined, color: false }, record);
  if (!report.ok) throw new Error("npm start failed: its calls say nothing");
  run = "tour";
  await takeTour(lab);
  for (const seed of CAMPAIGN_SEEDS) {
    for (const directCalls of [true, false]) {
      run = `campaign ${seed}, ${directCalls ? "direct" : "SDK"}`;
      progress(`playing ${run}`);
      // Virtual time keeps the event loop busy: without this pause Ctrl-C would wait for the last run.
      await setImmediate();
      await runOf(seed, { keepRecords: false, directCalls, onLab: record });
    }
  }
  return { calls, operations: lab.router.operations() };
}

/** The simulator's operations that no recorded call has answered without an error. */
export function unheard({ calls, operations }: Traffic): readonly string[] {
  const heard = new Set(calls.flatMap(({ service, operation, error }) => (error ? [] : [`${service}.${operation}`])));
  return operations.filter((name) => !heard.has(name)).map((name) => `no call of ${name} has succeeded`);
}

/**
 * What only one of both ways sends, as `ecs.TagResource input.tags[].key: string`, and what the two get in different
 * JSON types. Both ways play the same seeds, but not the same run: an operation that only one has called, or a member
 * that is only in one's answers, comes from what happened there. Answers are recorded before the SDK reads them.
 */
export function waysApart(calls: readonly RecordedCall[]): readonly string[] {
  const [direct, sdk] = ["direct", "SDK"].map((way) => calls.filter(({ run }) => run.endsWith(way)));
  if (!direct || !sdk) return [];
  return [
    ...apart(direct, sdk).map((shape) => `only a direct call has ${shape}`),
    ...apart(sdk, direct).map((shape) => `only the SDK's call has ${shape}`),
  ].sort();
}

function apart(calls: readonly RecordedCall[], others: readonly RecordedCall[]): readonly string[] {
  const called = new Set(others.map(nameOf));
  const sent = new Set(others.flatMap((call) => membersOf(call.input, `${nameOf(call)} input`)));
  const got = new Set(others.flatMap((call) => membersOf(call.output, `${nameOf(call)} output`)));
  const gotPaths = new Set([...got].map(pathOf));
  const shapes = calls
    .filter((call) => called.has(nameOf(call)))
    .flatMap((call) => [
      ...membersOf(call.input, `${nameOf(call)} input`).filter((shape) => !sent.has(shape)),
      ...membersOf(call.output, `${nameOf(call)} output`).filter(
        (shape) => !got.has(shape) && gotPaths.has(pathOf(shape)),
      ),
    ]);
  return [...new Set(shapes)];
}

function nameOf({ service, operation }: RecordedCall): string {
  return `${service}.${operation}`;
}

/** `ecs.TagResource output.at` of `ecs.TagResource output.at: string`. */
function pathOf(shape: string): string {
  return shape.slice(0, shape.lastIndexOf(": "));
}

function membersOf(value: unknown, path: string): readonly string[] {
  if (Array.isArray(value)) return value.flatMap((element) => membersOf(element, `${path}[]`));
  if (typeof value !== "object" || value === null) return [`${path}: ${value === null ? "null" : typeof value}`];
  // A map has keys of its own, such as versions and regions: only its values are compared.
  const names = Object.keys(value).every((name) => /^[A-Za-z]{1,40}$/.test(name));
  return Object.entries(value).flatMap(([name, inner]) => membersOf(inner, `${path}.${names ? name : "*"}`));
}
