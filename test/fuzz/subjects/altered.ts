import fc from "fast-check";
import { isJsonObject, type Json, type JsonObject } from "../../../shared/base/json.ts";

/** Values that nobody expects where something else belongs. */
const ODD: readonly Json[] = [
  ...[null, true, false, 0, -1, 0.5, 1 / 3, 1e300, -1e300, 8.64e15 + 1, Number.MAX_SAFE_INTEGER, 2 ** 32],
  ...[
    "",
    " ",
    "\n",
    "x",
    "*",
    "0",
    "-1",
    "true",
    "../..",
    "__proto__",
    "constructor",
    "toString",
    "\u0000",
    "\u001b[31m",
  ],
  ...["\ud800", "\u202e", "é漢🦄", "x".repeat(300), "x".repeat(20_000), "<!channel> & `x`", "{{name}}"],
  ...["2026-13-99T99:99:99Z", "+275760-09-13T00:00:00.001Z", "0000-01-01T00:00:00Z", "9999-12-31T23:59:59Z"],
  ...["arn:aws:ecs:us-east-1:123456789012:service/a/b", "arn:aws:ecs:us-east-1:123456789012:service/b", "arn:::::::"],
  ...[[], {}, [null], [[]], [{}], ["a", "a"], { a: null }, { toString: null, constructor: {} }],
  JSON.parse('{"__proto__":{"polluted":1}}'),
  JSON.parse(`${"[".repeat(400)}${"]".repeat(400)}`),
  Array.from({ length: 300 }, (_, index) => index),
  Object.fromEntries(Array.from({ length: 300 }, (_, index) => [`k${index}`, index])),
];

/** Keys that an object should not have. */
const ODD_KEYS = ["extra", "__proto__", "constructor", "toString", "hasOwnProperty", "then", "", "x".repeat(300)];

/** A change of one place. The numbers choose the place, the kind of change and what it puts there. */
const change = fc.record({ place: fc.nat(1_000_000), kind: fc.nat(8), odd: fc.nat(1_000_000), at: fc.nat(1_000_000) });
type Change = typeof change extends fc.Arbitrary<infer T> ? T : never;

/** One to three changes: something replaced, dropped, doubled, of another type, or nearly as it was. */
export const changes = fc.array(change, { minLength: 1, maxLength: 3 });

/** The JSON after these changes. */
export function withChanges(json: Json, all: readonly Change[]): Json {
  return all.reduce(changed, json);
}

/** One of these after some changes. */
export function altered(...bases: readonly Json[]): fc.Arbitrary<Json> {
  return fc.tuple(fc.constantFrom(...bases), changes).map(([base, all]) => withChanges(base, all));
}

/** The same of objects, as something that may be anything but no object is refused before it is read. */
export function alteredObject(...bases: readonly JsonObject[]): fc.Arbitrary<JsonObject> {
  return altered(...bases).map((json) => (isJsonObject(json) ? json : { extra: json }));
}

type Path = readonly (string | number)[];

function changed(json: Json, one: Change): Json {
  const paths = pathsOf(json);
  return replacedAt(json, pick(paths, one.place), (value, key, parent) => otherThan(value, key, parent, one));
}

const GONE = Symbol("the member is dropped");
type Other = Json | typeof GONE | { readonly [GONE]: Json };

/** What stands in its place: a value, nothing, or another parent. */
function otherThan(value: Json, key: string | number | undefined, parent: Json, { kind, odd, at }: Change): Other {
  switch (kind) {
    case 0:
      return key === undefined ? pick(ODD, odd) : GONE;
    case 1:
      return Array.isArray(parent) ? { [GONE]: [...parent, value] } : withMember(parent, pick(ODD_KEYS, at), odd);
    case 2:
      return typeof value === "string" ? nearText(value, odd, at) : pick(ODD, odd);
    case 3:
      return typeof value === "number" ? nearNumber(value, at) : pick(ODD, odd);
    case 4:
      return ofOtherType(value);
    case 5:
      return valueAt(parent, at);
    default:
      return pick(ODD, odd);
  }
}

function withMember(parent: Json, key: string, odd: number): Other {
  if (!isJsonObject(parent)) return pick(ODD, odd);
  // Not a literal: a member called `__proto__` would be the object's prototype.
  return { [GONE]: Object.fromEntries([...Object.entries(parent), [key, pick(ODD, odd)]]) };
}

function nearText(text: string, odd: number, at: number): string {
  const place = at % (text.length + 1);
  const inserted = pick(["", " ", "\u0000", "é", "/", ":", "*", "-", "\n", "🦄", "A", "0", "%", "\\", '"', "<"], odd);
  return `${text.slice(0, place)}${inserted}${text.slice(place + (odd % 3))}`;
}

function nearNumber(number: number, at: number): number {
  return pick([-number, 0, number + 1, number - 1, number * 1e9, number / 3, 1e21, 1e300], at);
}

function ofOtherType(value: Json): Json {
  if (Array.isArray(value)) return Object.fromEntries(value.map((item: Json, index) => [String(index), item]));
  return isJsonObject(value) ? Object.values(value) : [value];
}

function valueAt(parent: Json, at: number): Json {
  const values: readonly Json[] = Array.isArray(parent) ? parent : isJsonObject(parent) ? Object.values(parent) : [];
  return values.length === 0 ? null : pick(values, at);
}

function replacedAt(
  json: Json,
  [key, ...rest]: Path,
  other: (value: Json, key: string | number | undefined, parent: Json) => Other,
): Json {
  if (key === undefined) return plain(other(json, undefined, json));
  const value = memberOf(json, key);
  const next = rest.length > 0 ? replacedAt(value, rest, other) : other(value, key, json);
  if (isReplacement(next)) return next[GONE];
  if (Array.isArray(json)) {
    return json.flatMap((item: Json, index) => (index === key ? (next === GONE ? [] : [next]) : [item]));
  }
  if (!isJsonObject(json)) return plain(next);
  const members = Object.entries(json).flatMap(([name, member]): [string, Json][] =>
    name === key ? (next === GONE ? [] : [[name, next]]) : [[name, member]],
  );
  return Object.fromEntries(members);
}

function isReplacement(other: Other): other is { readonly [GONE]: Json } {
  return typeof other === "object" && other !== null && GONE in other;
}

function plain(other: Other): Json {
  if (isReplacement(other)) return other[GONE];
  return other === GONE ? null : other;
}

function memberOf(json: Json, key: string | number): Json {
  if (Array.isArray(json)) return json[Number(key)] ?? null;
  return isJsonObject(json) ? (Object.entries(json).find(([name]) => name === key)?.[1] ?? null) : null;
}

function pathsOf(json: Json, path: Path = []): Path[] {
  const inner = Array.isArray(json)
    ? json.flatMap((item: Json, index) => pathsOf(item, [...path, index]))
    : isJsonObject(json)
      ? Object.entries(json).flatMap(([key, member]) => pathsOf(member, [...path, key]))
      : [];
  return [path, ...inner];
}

function pick<T>(list: readonly T[], index: number): T {
  const one = list[index % list.length];
  if (one === undefined) throw new RangeError("there is nothing to choose from");
  return one;
}
