import { describe, expect, it } from "vitest";
import { nearest } from "../../../shared/base/nearest.ts";

describe("the nearest known text", () => {
  it.each([
    ["rotat", ["rotate", "upgrade"], "rotate"],
    ["upgrdae", ["rotate", "upgrade"], "upgrade"],
    ["mesh-uss", ["mesh-eu", "mesh-us"], "mesh-us"],
    ["reconfigre-it", ["reconfigure", "rotate"], "reconfigure"],
    ["up", ["us", "eu"], "us"],
  ])("to %s in %j is %s", (text, known, expected) => {
    expect(nearest(text, known)).toBe(expected);
  });

  it.each([
    ["deploy", ["rotate", "upgrade"]],
    ["up", ["eu", "sa"]],
    ["", ["a", "rotate"]],
    ["rotate", []],
  ])("to %s in %j is undefined", (text, known) => {
    expect(nearest(text, known)).toBeUndefined();
  });

  it("is found by the compared part", () => {
    const name = (key: string) => key.split("/").at(-1) ?? key;
    expect(nearest("a/image", ["long-prefix/image", "a/wave"], name)).toBe("long-prefix/image");
  });
});
