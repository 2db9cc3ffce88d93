import { AwsError } from "../../base/aws-error.ts";
import { isJsonObject, type Json, type JsonObject } from "../../base/json.ts";
import { compileLeaf, type LeafTest } from "./pattern-operators.ts";

/** Says whether a value, as it stands at the pattern's place in the event, matches. `undefined`: it is absent. */
type Test = (value: Json | undefined) => boolean;

/** Longest pattern of a rule, in characters of its JSON text. */
export const MAX_PATTERN_CHARACTERS = 2048;

/**
 * Compiles an event pattern (an object, or its JSON text) into a test of events.
 * https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html
 *
 * Where the event has an array, one of its elements has to match; where the pattern names several members below an
 * array of objects, one element has to match all of them.
 * @throws AwsError InvalidEventPatternException for an invalid pattern, and for every operator that is not implemented
 */
export function compilePattern(pattern: unknown): (event: JsonObject) => boolean {
  const json: unknown = typeof pattern === "string" ? parseText(pattern) : pattern;
  if (!isJsonObject(json)) throw invalid("Filter is not an object");
  return compileObject(json, "");
}

function parseText(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw invalid("it is not JSON");
  }
}

function compileObject(pattern: JsonObject, path: string): Test {
  const entries = Object.entries(pattern);
  if (entries.length === 0) throw invalid(`Empty objects are not allowed${path && ` at ${path}`}`);
  const tests = entries.map(([key, inner]): Test => {
    if (key === "$or") return compileOr(inner, path);
    const test = compileNode(inner, path ? `${path}.${key}` : key);
    return (value) => test(isJsonObject(value) ? value[key] : undefined);
  });
  const all: Test = (value) => tests.every((test) => test(value));
  return (value) => (isArray(value) && value.length > 0 ? value.some((element) => all(element)) : all(value));
}

function compileNode(pattern: Json | undefined, path: string): Test {
  if (isArray(pattern)) return compileLeaves(pattern, path);
  if (isJsonObject(pattern)) return compileObject(pattern, path);
  throw invalid(`"${path}" must be an object or an array`);
}

function compileOr(pattern: Json | undefined, path: string): Test {
  if (!isArray(pattern) || pattern.length < 2) throw invalid("$or must be an array of two patterns or more");
  const tests = pattern.map((inner) => {
    if (!isJsonObject(inner)) throw invalid("$or must be an array of objects");
    return compileObject(inner, path);
  });
  return (value) => tests.some((test) => test(value));
}

function compileLeaves(pattern: readonly Json[], path: string): Test {
  if (pattern.length === 0) throw invalid(`Empty arrays are not allowed at ${path}`);
  const tests: readonly LeafTest[] = pattern.map((leaf) => compileLeaf(leaf, (why) => invalid(`${why} at ${path}`)));
  return (value) => {
    const leaves = leavesOf(value);
    return leaves.length === 0
      ? tests.some((test) => test(undefined))
      : leaves.some((leaf) => tests.some((test) => test(leaf)));
  };
}

/** Patterns see an event's leaves only: a member that holds an object, or nothing but empty arrays, is absent. */
function leavesOf(value: Json | undefined): readonly Exclude<Json, JsonObject | readonly Json[]>[] {
  if (isArray(value)) return value.flatMap(leavesOf);
  return value === undefined || isJsonObject(value) ? [] : [value];
}

function isArray(value: Json | undefined): value is readonly Json[] {
  return Array.isArray(value);
}

function invalid(why: string): AwsError {
  return new AwsError("InvalidEventPatternException", `Event pattern is not valid. Reason: ${why}.`);
}
