import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { canonicalJson, isJsonObject, isSameJson, type Json } from "../../../shared/base/json.ts";

const json = fc.jsonValue().map((value): Json => JSON.parse(JSON.stringify(value)));

/** The same JSON with the keys of its objects in reverse order. */
function reversed(value: Json): Json {
  if (Array.isArray(value)) return value.map(reversed);
  if (!isJsonObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([key, inner]) => [key, reversed(inner)]),
  );
}

describe("JSON", () => {
  it("is the same in any order of its keys", () => {
    fc.assert(
      fc.property(json, (value) => {
        expect(isSameJson(value, reversed(value))).toBe(true);
        expect(canonicalJson(reversed(value))).toBe(canonicalJson(value));
        expect(JSON.parse(canonicalJson(value))).toEqual(value);
      }),
    );
  });

  it("may have a member called __proto__, which counts like others", () => {
    const text = '{"__proto__":{"a":1},"b":2}';
    expect(canonicalJson(JSON.parse(text))).toBe(text);
    expect(isSameJson(JSON.parse(text), JSON.parse('{"b":2}'))).toBe(false);
  });

  it("is the same exactly if its canonical text is", () => {
    // A small number of different leaves makes equal values likely.
    const small = fc.letrec<{ value: Json }>((tie) => ({
      value: fc.oneof(
        { maxDepth: 3 },
        fc.constantFrom(null, 0, 1, "a", [], {}),
        fc.array(tie("value"), { maxLength: 2 }),
        fc.dictionary(fc.constantFrom("a", "b"), tie("value"), { maxKeys: 2 }),
      ),
    })).value;
    fc.assert(
      fc.property(small, small, (a, b) => {
        expect(isSameJson(a, b)).toBe(canonicalJson(a) === canonicalJson(b));
      }),
    );
  });

  it("is not the same if members differ", () => {
    expect(isSameJson({ a: null }, {})).toBe(false);
    expect(isSameJson({ a: 1 }, { b: 1 })).toBe(false);
    expect(isSameJson([], {})).toBe(false);
    expect(isSameJson(undefined, null)).toBe(false);
    expect(isSameJson(undefined, undefined)).toBe(true);
  });
});
