import { AwsError } from "../../base/aws-error.ts";
import { isJsonObject, type Json, type JsonObject } from "../../base/json.ts";
import { compileLeaf, type Leaf, type LeafTest } from "./pattern-operators.ts";

/** What a pattern asks of one member of the event. */
interface Condition {
  /** The names from the event's root to the member, and the same joined by dots. */
  readonly steps: readonly string[];
  readonly path: string;
  readonly tests: readonly LeafTest[];
}

/** At which element the way to a value goes through an array, for each array on it. */
type Elements = ReadonlyMap<readonly Json[], number>;

/** A value of the event that is neither object nor array. */
interface Field {
  readonly leaf: Leaf;
  readonly elements: Elements;
}

/** Longest pattern of a rule, in characters of its JSON text. */
export const MAX_PATTERN_CHARACTERS = 2048;

/**
 * Compiles an event pattern (an object, or its JSON text) into a test of events.
 * https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html
 *
 * Where the event has an array, one of its elements has to match, also in arrays of arrays; where the pattern names
 * several members below an array, all of them have to match in one element. Members are compared in the order of their
 * paths, and `exists: false` asks for a member that is missing from all the elements that the members before it leave
 * open: as in EventBridge's own matcher, https://github.com/aws/event-ruler.
 * @throws AwsError InvalidEventPatternException for an invalid pattern, and for every operator that is not implemented
 */
export function compilePattern(pattern: unknown): (event: JsonObject) => boolean {
  const json: unknown = typeof pattern === "string" ? parseText(pattern) : pattern;
  if (!isJsonObject(json)) throw invalid("Filter is not an object");
  const alternatives = alternativesOf(json, []).map((conditions) =>
    conditions.toSorted((a, b) => (a.path < b.path ? -1 : Number(a.path > b.path))),
  );
  return (event) => alternatives.some((conditions) => isMet(conditions, 0, event, nowhere));
}

const nowhere: Elements = new Map();

function parseText(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw invalid("it is not JSON");
  }
}

/** The sets of conditions of which an event has to meet one: several only because of `$or`. */
function alternativesOf(pattern: JsonObject, steps: readonly string[]): readonly (readonly Condition[])[] {
  const entries = Object.entries(pattern);
  const path = steps.join(".");
  if (entries.length === 0) throw invalid(`Empty objects are not allowed${path && ` at ${path}`}`);
  const parts = entries.map(([key, inner]) => (key === "$or" ? anyOf(inner, steps) : partOf(inner, [...steps, key])));
  return parts.reduce((all, part) => all.flatMap((one) => part.map((more) => [...one, ...more])));
}

function partOf(pattern: Json | undefined, steps: readonly string[]): readonly (readonly Condition[])[] {
  const path = steps.join(".");
  if (isJsonObject(pattern)) return alternativesOf(pattern, steps);
  if (!isArray(pattern)) throw invalid(`"${path}" must be an object or an array`);
  if (pattern.length === 0) throw invalid(`Empty arrays are not allowed at ${path}`);
  const tests: readonly LeafTest[] = pattern.map((leaf) => compileLeaf(leaf, (why) => invalid(`${why} at ${path}`)));
  return [[{ steps, path, tests }]];
}

function anyOf(pattern: Json | undefined, steps: readonly string[]): readonly (readonly Condition[])[] {
  if (!isArray(pattern) || pattern.length < 2) throw invalid("$or must be an array of two patterns or more");
  return pattern.flatMap((inner) => {
    if (!isJsonObject(inner)) throw invalid("$or must be an array of objects");
    return alternativesOf(inner, steps);
  });
}

/** True if the event meets the conditions from this one on, in the elements that those before it have chosen. */
function isMet(conditions: readonly Condition[], from: number, event: JsonObject, chosen: Elements): boolean {
  const condition = conditions[from];
  if (!condition) return true;
  const { steps, tests } = condition;
  let isAbsent = true;
  for (const { leaf, elements } of fieldsAt(event, steps, 0, nowhere)) {
    const both = inBoth(chosen, elements);
    if (!both) continue;
    isAbsent = false;
    if (tests.some((test) => test(leaf)) && isMet(conditions, from + 1, event, both)) return true;
  }
  return isAbsent && tests.some((test) => test(undefined)) && isMet(conditions, from + 1, event, chosen);
}

const none: readonly Field[] = [];

/** The values at the end of the steps. An object there is not a value, and an empty array has none. */
function fieldsAt(
  from: Json | undefined,
  steps: readonly string[],
  first: number,
  elements: Elements,
): readonly Field[] {
  let value = from;
  for (let step = first; value !== undefined; step += 1) {
    if (isArray(value)) {
      const array = value;
      return array.flatMap((one, index) => fieldsAt(one, steps, step, new Map([...elements, [array, index]])));
    }
    const name = steps[step];
    if (!isJsonObject(value)) return name === undefined ? [{ leaf: value, elements }] : none;
    if (name === undefined || !Object.hasOwn(value, name)) return none;
    value = value[name];
  }
  return none;
}

/** The elements of both, or undefined if they are at different elements of one array. */
function inBoth(some: Elements, others: Elements): Elements | undefined {
  if (others.size === 0) return some;
  if (some.size === 0) return others;
  for (const [array, index] of others) if ((some.get(array) ?? index) !== index) return undefined;
  return new Map([...some, ...others]);
}

function isArray(value: Json | undefined): value is readonly Json[] {
  return Array.isArray(value);
}

function invalid(why: string): AwsError {
  return new AwsError("InvalidEventPatternException", `Event pattern is not valid. Reason: ${why}.`);
}
