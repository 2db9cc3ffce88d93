import { describe, expect, it } from "vitest";
import { scenarios } from "./scenarios.ts";

// `npm run model` explores further than a test has time for.
describe("a protocol, in every order of calls", () => {
  it.each(scenarios)("holds: $name", async (scenario) => {
    const { violations, states } = await scenario.explore({ maxRuns: 120 });
    expect(Object.fromEntries(violations)).toEqual({});
    expect(states).toBeGreaterThan(20);
  });
});
