import fc from "fast-check";
import jsonata from "jsonata";
import { describe, expect, it } from "vitest";
import { compileTemplate, evaluate } from "../aws/step-functions/expressions.ts";
import { expressionFunctions } from "../aws/step-functions/functions.ts";
import { copyJson, withinPayloadLimit } from "../aws/step-functions/payload.ts";
import type { Json } from "../base/json.ts";
import { VirtualClock } from "../clock/virtual-clock.ts";
import { harness, machine } from "./asl-harness.ts";

const clock = new VirtualClock(Date.parse("2026-01-02T03:04:05.678Z"));
const functions = expressionFunctions(clock, () => 0.5);

function value(template: Json, input: Json = null, variables: Readonly<Record<string, Json>> = {}): Promise<Json> {
  const place = {
    path: "/S/Output",
    variables: new Set(Object.keys(variables)),
    statesMembers: ["input"],
    functions,
  };
  return evaluate(compileTemplate(template, place), { ...variables, states: { input } });
}
const fails = (message: RegExp) =>
  expect.objectContaining({ name: "States.QueryEvaluationError", message: expect.stringMatching(message) });

describe("templates", () => {
  it("evaluate expressions at any depth and keep everything else", async () => {
    const template = { a: [1, "{% $states.input.n + 1 %}", { b: "{% $v %}" }], c: "{% not closed", d: null };
    expect(await value(template, { n: 1 }, { v: [] })).toEqual({ a: [1, 2, { b: [] }], c: "{% not closed", d: null });
  });
  it("fail where an expression has no value, or gives a function", async () => {
    await expect(value("{% $states.input.nope %}", {})).rejects.toThrow(fails(/returned nothing/));
    await expect(value({ a: "{% $states.input.nope %}" }, {})).rejects.toThrow(fails(/S\/Output\/a/));
    await expect(value("{% $sum %}")).rejects.toThrow(fails(/returned a function/));
    await expect(value("{% function($x) { $x } %}")).rejects.toThrow(fails(/returned a function/));
    await expect(value("{% 'a' + 1 %}")).rejects.toThrow(fails(/\+/));
  });
  it("collapse a single match to itself, unless an array is asked for", async () => {
    const input = {
      list: [
        { n: "a", s: 1 },
        { n: "b", s: 2 },
      ],
    };
    expect(await value("{% $states.input.list[s=1].n %}", input)).toBe("a");
    expect(await value("{% [$states.input.list[s=1].n] %}", input)).toEqual(["a"]);
    expect(await value("{% $states.input.list.n %}", input)).toEqual(["a", "b"]);
  });
  it("give plain paths the value that JSONata gives them", async () => {
    const key = fc.constantFrom("a", "b", "c");
    const json = fc.letrec<{ json: Json }>((tie) => ({
      json: fc.oneof(
        { depthSize: "small" },
        fc.constantFrom<Json>(null, true, 0, "", "x"),
        fc.array(tie("json"), { maxLength: 3 }),
        fc.dictionary(key, tie("json"), { maxKeys: 3 }),
      ),
    })).json;
    await fc.assert(
      fc.asyncProperty(json, fc.array(key, { maxLength: 3 }), async (v, names) => {
        const path = ["$v", ...names].join(".");
        const expected: unknown = await jsonata(path).evaluate(undefined, { v });
        const actual = await value(`{% ${path} %}`, null, { v }).catch(() => undefined);
        expect(actual).toEqual(expected === undefined ? undefined : JSON.parse(JSON.stringify(expected)));
      }),
      { numRuns: 500 },
    );
  });
});

describe("Step Functions' own functions", () => {
  it.each([
    ["$partition([1, 2, 3, 4, 5], 2)", [[1, 2], [3, 4], [5]]],
    ["$range(0, 10, 5)", [0, 5, 10]],
    ["$range(3, 1, -1)", [3, 2, 1]],
    ["$range(1, 0, 1)", []],
    ["$hash('abc', 'MD5')", "900150983cd24fb0d6963f7d28e17f72"],
    ["$hash('abc', 'SHA-1')", "a9993e364706816aba3e25717850c26c9cd0d89d"],
    ["$parse('{\"a\": [1]}').a", [1]],
    ["$random()", 0.5],
    ["$random(7) = $random(7)", true],
    ["$uuid()", "88888888-8888-4888-a888-888888888888"],
    ["$now()", "2026-01-02T03:04:05.678Z"],
    ["$millis()", 1767323045678],
  ])("%s", async (source, expected) => {
    expect(await value(`{% ${source} %}`)).toEqual(expected);
  });
  it.each(["$range(0, 1, 0)", "$partition([1], 0)", "$hash('a', 'CRC32')", "$parse('{')", "$parse(1)"])(
    "%s fails",
    async (source) => {
      await expect(value(`{% ${source} %}`)).rejects.toThrow(fails(/S\/Output/));
    },
  );
  it("follow the machine's clock", async () => {
    const definition = machine({
      Wait: { Type: "Wait", Seconds: 3600, Next: "Tell" },
      Tell: { Type: "Succeed", Output: "{% $now() %}" },
    });
    expect((await harness(definition).run()).output).toBe("1970-01-01T01:00:00.000Z");
  });
});

describe("payloads", () => {
  it("are copied as JSON text would carry them", () => {
    fc.assert(
      fc.property(fc.jsonValue({ noUnicodeString: false }), (json) => {
        expect(JSON.stringify(copyJson(json))).toBe(JSON.stringify(json));
      }),
    );
    expect(copyJson({ a: undefined, b: [undefined], c: new Date(0) })).toEqual({
      b: [null],
      c: "1970-01-01T00:00:00.000Z",
    });
    const named = '{"__proto__":{"a":1},"b":{"__proto__":"c"}}';
    expect(JSON.stringify(copyJson(JSON.parse(named)))).toBe(named);
    expect(() => copyJson({ a: () => 1 })).toThrow(TypeError);
    expect(() => copyJson(Number.NaN)).toThrow(TypeError);
  });
  it("have at most 256 KiB of UTF-8, quotes and escapes included", () => {
    const limit = 256 * 1024;
    expect(() => withinPayloadLimit("x".repeat(limit - 2), "it")).not.toThrow();
    expect(() => withinPayloadLimit("x".repeat(limit - 1), "it")).toThrow("it has 262145 bytes");
    expect(() => withinPayloadLimit("é".repeat(limit / 2), "it")).toThrow(/bytes/);
    expect(() => withinPayloadLimit(["\n".repeat(limit / 2)], "it")).toThrow(/bytes/);
    expect(() => withinPayloadLimit({ ["k".repeat(limit)]: 1 }, "it")).toThrow(/bytes/);
  });
});
