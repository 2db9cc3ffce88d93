import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { compilePattern } from "../aws/event-bridge/pattern.ts";
import { compileText } from "../aws/iam/pattern.ts";
import { Faults } from "../base/faults.ts";
import { type WildcardPart, wildcard } from "../base/wildcard.ts";

const part = fc.oneof(
  fc.string({ unit: fc.constantFrom("a", "b", "."), maxLength: 3 }).map((text) => ({ kind: "text", text }) as const),
  fc.constantFrom<WildcardPart>({ kind: "any" }, { kind: "one" }),
);
const sourceOf = (one: WildcardPart): string => {
  if (one.kind === "text") return one.text.replaceAll(".", "\\.");
  return one.kind === "any" ? ".*" : ".";
};

describe("a text with wildcards", () => {
  it("matches what a regular expression would", async () => {
    const text = fc.string({ unit: fc.constantFrom("a", "b", ".", "\n"), maxLength: 8 });
    await fc.assert(
      fc.property(fc.array(part, { maxLength: 6 }), text, (parts, given) => {
        const expression = new RegExp(`^${parts.map(sourceOf).join("")}$`, "s");
        expect(wildcard(parts)(given)).toBe(expression.test(given));
      }),
      { numRuns: 2000 },
    );
  });

  // A regular expression of that many stars would be at work for years.
  const stars = 40;
  const busy = `${"*a".repeat(stars)}b`;
  const long = "a".repeat(255);

  it("is soon found not to match, in fault rules", () => {
    const faults = new Faults(() => 0);
    faults.add({ kind: "throttle", match: { service: busy } });
    expect(faults.inForce("throttle", { service: long })).toBe(false);
    expect(faults.inForce("throttle", { service: `${long}b` })).toBe(true);
  });

  it("is soon found not to match, in policies", () => {
    const compiled = compileText(busy, { wildcards: true, variables: false });
    expect(compiled(long, () => undefined)).toBe(false);
    const ofVariable = compileText(`$\{aws:x}${busy}`, { wildcards: true, variables: true, ignoreCase: true });
    expect(ofVariable(`A*${long}`, () => "a*")).toBe(false);
    expect(ofVariable(`A*${long}B`, () => "a*")).toBe(true);
    expect(ofVariable(`${long}b`, () => undefined)).toBe(false);
  });

  it("is soon found not to match, in event patterns", () => {
    const test = compilePattern({ source: [{ wildcard: busy }] });
    expect(test({ source: long })).toBe(false);
    expect(test({ source: `${long}b` })).toBe(true);
  });
});
