import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { compilePattern } from "../aws/event-bridge/pattern.ts";
import type { Json, JsonObject } from "../base/json.ts";

/** Whether the pattern for the one member `x` matches a value of it; undefined: the event has no `x`. */
function matches(pattern: Json, value: Json | undefined): boolean {
  return compilePattern({ detail: { x: pattern } })({ detail: value === undefined ? {} : { x: value } });
}

const cases: readonly (readonly [string, Json, readonly (Json | undefined)[], readonly (Json | undefined)[]])[] = [
  ["exact values", ["a", 1, true, null], ["a", 1, true, null, ["b", "a"]], ["A", 2, false, "1", undefined, {}, []]],
  ["the empty text", [""], [""], [" ", null, undefined]],
  ["prefix", [{ prefix: "ab" }], ["ab", "abc", ["x", "abc"]], ["b", "xab", 1, undefined]],
  ["prefix of any case", [{ prefix: { "equals-ignore-case": "AB" } }], ["abc", "aBc"], ["bab"]],
  ["suffix", [{ suffix: ".png" }], ["a.png", ".png"], ["a.png2", "a.PNG"]],
  ["suffix of any case", [{ suffix: { "equals-ignore-case": ".Png" } }], ["a.pNG"], ["a.jpg"]],
  ["equals-ignore-case", [{ "equals-ignore-case": "Alice" }], ["alice", "ALICE"], ["alices", 1]],
  [
    "wildcard",
    [{ wildcard: "arn:*:service/*" }],
    ["arn:x:service/", "arn:::service/a/b"],
    ["arn:service/", "xarn:a:service/b"],
  ],
  ["wildcard with an escaped star", [{ wildcard: "a\\*b\\\\*" }], ["a*b\\c"], ["axb\\c", "a*bc"]],
  ["wildcard with characters that mean something elsewhere", [{ wildcard: "a.b+(c)*" }], ["a.b+(c)d"], ["aXb+(c)d"]],
  ["anything-but a text", [{ "anything-but": "a" }], ["b", 1, null], ["a", undefined, {}]],
  ["anything-but a list", [{ "anything-but": [1, 2] }], [3, "1"], [1, 2, undefined]],
  ["anything-but prefix", [{ "anything-but": { prefix: "a" } }], ["b", 1], ["ab"]],
  ["anything-but a list of suffixes", [{ "anything-but": { suffix: [".a", ".b"] } }], ["x.c"], ["x.a", "x.b"]],
  ["anything-but equals-ignore-case", [{ "anything-but": { "equals-ignore-case": ["a", "b"] } }], ["c"], ["A", "b"]],
  ["anything-but wildcard", [{ "anything-but": { wildcard: ["*/lib/*", "*.tmp"] } }], ["a/b"], ["a/lib/b", "x.tmp"]],
  ["numeric comparison", [{ numeric: [">=", 5] }], [5, 6.5], [4.9, "6", undefined]],
  ["numeric range", [{ numeric: [">", 0, "<=", 5] }], [0.1, 5], [0, 5.1]],
  ["numeric equality", [{ numeric: ["=", 3.018e2] }], [301.8], [301]],
  ["exists", [{ exists: true }], ["", 0, null, [1]], [undefined, {}, []]],
  ["exists not", [{ exists: false }], [undefined, {}, []], ["", null]],
  ["one of several", ["a", { prefix: "b" }, { exists: false }], ["a", "bc", undefined], ["c"]],
];

describe("event pattern", () => {
  it.each(cases)("matches %s", (_name, pattern, hits, misses) => {
    for (const hit of hits) expect([hit, matches(pattern, hit)]).toEqual([hit, true]);
    for (const miss of misses) expect([miss, matches(pattern, miss)]).toEqual([miss, false]);
  });

  it("wants all members to match", () => {
    const test = compilePattern({ source: ["aws.ecs"], detail: { a: [1], b: { c: ["x"] } } });
    expect(test({ source: "aws.ecs", detail: { a: 1, b: { c: "x", d: 2 } } })).toBe(true);
    expect(test({ source: "aws.ecs", detail: { a: 1, b: { c: "y" } } })).toBe(false);
    expect(test({ source: "aws.ecs", detail: { a: 1 } })).toBe(false);
  });

  it("wants one element of an array of objects to match all members", () => {
    const test = compilePattern({ containers: { name: ["proxy"], lastStatus: ["STOPPED"] } });
    const container = (name: string, lastStatus: string) => ({ name, lastStatus });
    expect(test({ containers: [container("app", "RUNNING"), container("proxy", "STOPPED")] })).toBe(true);
    expect(test({ containers: [container("app", "STOPPED"), container("proxy", "RUNNING")] })).toBe(false);
    expect(test({ containers: [] })).toBe(false);
  });

  it("finds the element of an array in an array", () => {
    const test = compilePattern({ containers: { name: ["proxy"], lastStatus: ["STOPPED"] } });
    const container = (name: string, lastStatus: string) => ({ name, lastStatus });
    expect(test({ containers: [[container("app", "RUNNING")], [container("proxy", "STOPPED")]] })).toBe(true);
    expect(test({ containers: [[container("app", "STOPPED"), container("proxy", "RUNNING")]] })).toBe(false);
  });

  it("takes a member of an array's objects for missing if no element has it that is still open", () => {
    const anywhere = compilePattern({ containers: { reason: [{ exists: false }] } });
    expect(anywhere({ containers: [{ name: "app" }, 7] })).toBe(true);
    expect(anywhere({ containers: [{ name: "app" }, { name: "proxy", reason: "x" }] })).toBe(false);
    // "name" comes before "reason", so that one element is chosen; "exitCode" comes before "name".
    const inChosen = compilePattern({ containers: { name: ["app"], reason: [{ exists: false }] } });
    expect(inChosen({ containers: [{ name: "app" }, { name: "proxy", reason: "x" }] })).toBe(true);
    expect(inChosen({ containers: [{ name: "app", reason: "x" }, { name: "proxy" }] })).toBe(false);
    const before = compilePattern({ containers: { name: ["app"], exitCode: [{ exists: false }] } });
    expect(before({ containers: [{ name: "app" }, { name: "proxy", exitCode: 1 }] })).toBe(false);
  });

  it("finds no member that an object has from JavaScript alone", () => {
    expect(compilePattern({ constructor: [{ exists: true }] })({ a: 1 })).toBe(false);
    expect(compilePattern({ constructor: { name: [{ exists: false }] } })({ a: 1 })).toBe(true);
  });

  it("knows $or at any level", () => {
    const test = compilePattern({ detail: { kind: ["k"], $or: [{ a: [1] }, { b: [{ prefix: "x" }] }] } });
    expect(test({ detail: { kind: "k", a: 1 } })).toBe(true);
    expect(test({ detail: { kind: "k", b: "xy" } })).toBe(true);
    expect(test({ detail: { kind: "k", a: 2 } })).toBe(false);
    expect(test({ detail: { a: 1 } })).toBe(false);
  });

  const refused: readonly unknown[] = [
    "{",
    [],
    "text",
    {},
    { a: "text" },
    { a: [] },
    { a: {} },
    { a: [["b"]] },
    { a: [{ cidr: "10.0.0.0/8" }] },
    { a: [{ regex: "a" }] },
    { a: [{ prefix: "a", suffix: "b" }] },
    { a: [{}] },
    { a: [{ prefix: 1 }] },
    { a: [{ prefix: "" }] },
    { a: [{ prefix: { wildcard: "a" } }] },
    { a: [{ exists: "true" }] },
    { a: [{ wildcard: "a**b" }] },
    { a: [{ wildcard: "a\\b" }] },
    { a: [{ "anything-but": [] }] },
    { a: [{ "anything-but": ["a", 1] }] },
    { a: [{ "anything-but": { exists: true } }] },
    { a: [{ "anything-but": { prefix: [] } }] },
    { a: [{ numeric: [] }] },
    { a: [{ numeric: ["~", 1] }] },
    { a: [{ numeric: ["<", 1, ">", 0] }] },
    { a: [{ numeric: [">", 1, "<", 1] }] },
    { a: [{ numeric: [">", "1"] }] },
    { a: [{ numeric: [">", 6e9] }] },
    { $or: [{ a: [1] }] },
    { $or: { a: [1] } },
    { $or: [{ a: [1] }, "b"] },
  ];
  it.each(refused.map((pattern) => [JSON.stringify(pattern), pattern] as const))("refuses %s", (_text, pattern) => {
    expect(() => compilePattern(pattern)).toThrow(expect.objectContaining({ name: "InvalidEventPatternException" }));
  });

  it("matches every event whose leaves it lists", () => {
    const leaf = fc.oneof(fc.string(), fc.integer(), fc.boolean(), fc.constant(null));
    const event = fc.dictionary(
      fc.string().filter((key) => key !== "$or" && key !== "__proto__"),
      leaf,
      { minKeys: 1 },
    );
    fc.assert(
      fc.property(event, (members: JsonObject) => {
        const pattern = Object.fromEntries(Object.entries(members).map(([key, value]) => [key, [value ?? null]]));
        expect(compilePattern(pattern)(members)).toBe(true);
      }),
    );
  });
});
