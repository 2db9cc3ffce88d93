import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { applied } from "../../planted/applied.ts";
import { plantedFaults } from "../../planted/faults.ts";

const root = join(import.meta.dirname, "../../..");
const edits = plantedFaults.flatMap(({ name, edits: own }) => own.map((edit) => ({ name, ...edit })));

describe("a planted fault", () => {
  it.each(edits)("can be planted: $name in $file", (edit) => {
    const text = readFileSync(join(root, edit.file), "utf8");
    expect(applied(edit, text)).not.toBe(text);
  });

  it.each(["nothing of the kind", "a\na\n"])("is refused unless its place is found once", (text) => {
    expect(() => applied({ file: "x.ts", find: "a\n", replace: "b\n" }, text)).toThrow(/^x\.ts has [02] places/);
  });
});
