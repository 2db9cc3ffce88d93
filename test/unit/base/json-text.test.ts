import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseJson } from "../../../shared/base/json-text.ts";

describe("JSON that is read and written again", () => {
  it.each([
    "9007199254740993",
    "-9007199254740993",
    "123456789012345678901234567890",
    "1e400",
    "-0",
    "0.1234567890123456789",
    "1E-400",
  ])("has the number %s still", (number) => {
    const text = `{"a":[${number}],"b":{"c":${number}},"d":"${number}"}`;
    const copy = { ...(parseJson(text) as object), e: 1 };
    expect(JSON.stringify(copy)).toBe(`${text.slice(0, -1)},"e":1}`);
  });

  it("has all other values as JSON.parse gives them", () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        const plain: unknown = JSON.parse(text);
        expect(JSON.parse(JSON.stringify(parseJson(text)))).toEqual(JSON.parse(JSON.stringify(plain)));
      }),
    );
    expect(parseJson('{"n":1.5,"big":9007199254740991,"e":1e3,"__proto__":1,"text":"9007199254740993"}')).toEqual(
      JSON.parse('{"n":1.5,"big":9007199254740991,"e":1e3,"__proto__":1,"text":"9007199254740993"}'),
    );
  });

  it("is refused where JSON.parse refuses it", () => {
    expect(() => parseJson("{9007199254740993}")).toThrow(SyntaxError);
  });
});
