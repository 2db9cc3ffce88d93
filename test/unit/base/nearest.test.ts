import { describe, expect, it } from "vitest";
import { nearest } from "../../../shared/base/nearest.ts";

describe("the known text that was probably meant", () => {
  it.each([
    ["rotat", ["rotate", "upgrade"], "rotate"],
    ["upgrdae", ["rotate", "upgrade"], "upgrade"],
    ["mesh-uss", ["mesh-eu", "mesh-us"], "mesh-us"],
    ["reconfigre-it", ["reconfigure", "rotate"], "reconfigure"],
    ["up", ["us", "eu"], "us"],
  ])("for %s among %j is %s", (text, known, meant) => {
    expect(nearest(text, known)).toBe(meant);
  });

  it.each([
    ["deploy", ["rotate", "upgrade"]],
    ["up", ["eu", "sa"]],
    ["", ["a", "rotate"]],
    ["rotate", []],
  ])("for %s among %j is none", (text, known) => {
    expect(nearest(text, known)).toBeUndefined();
  });

  it("is found by the compared part alone", () => {
    const name = (key: string) => key.split("/").at(-1) ?? key;
    expect(nearest("a/image", ["long-prefix/image", "a/wave"], name)).toBe("long-prefix/image");
  });
});
