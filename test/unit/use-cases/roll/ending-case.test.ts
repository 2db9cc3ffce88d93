import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ServiceState } from "../../../../shared/model/service-state.ts";
import { endingCase } from "../../../../shared/use-cases/roll/ending-case.ts";
import { planOf, stateOf } from "../../../support/endings.ts";
import { NOW } from "../../../support/times.ts";

const OURS = "our-roll";
const plan = planOf({ startedAtMs: NOW });
const leaseOf = (executionName: string) => ({ executionName, leaseUntil: NOW + 1 });
const outcomeOf = (executionName: string, atMs: number) =>
  ({ outcome: "succeeded", reason: "enroll", executionName, at: new Date(atMs).toISOString() }) as const;

describe("as a roll ends, the case is", () => {
  it.each<[ReturnType<typeof endingCase>["case"], string, Partial<ServiceState>]>([
    ["release", "it holds the lease", { roll: leaseOf(OURS) }],
    [
      "release",
      "it holds the lease and another roll ended before",
      {
        roll: leaseOf(OURS),
        lastOutcome: outcomeOf("another", NOW - 1),
      },
    ],
    ["repeat", "its outcome is written", { lastOutcome: outcomeOf(OURS, NOW) }],
    [
      "repeat",
      "its outcome is written and another roll has begun",
      {
        roll: leaseOf("another"),
        lastOutcome: outcomeOf(OURS, NOW),
      },
    ],
    ["overtaken", "another roll has ended since its plan", { lastOutcome: outcomeOf("another", NOW) }],
    ["stray", "the service has no roll", {}],
    ["stray", "another roll holds the lease", { roll: leaseOf("another") }],
    ["stray", "another roll ended before its plan", { lastOutcome: outcomeOf("another", NOW - 1) }],
  ])("%s when %s", (expected, _when, given) => {
    const state = stateOf(given);
    expect(endingCase(state, { executionName: OURS, plan })).toEqual({ case: expected, state });
  });

  it("stray when the ledger does not know the service", () => {
    expect(endingCase(undefined, { executionName: OURS, plan })).toEqual({ case: "stray", state: undefined });
  });

  it("stray when it was never planned, whichever roll has ended since", () => {
    const state = stateOf({ lastOutcome: outcomeOf("another", NOW) });
    expect(endingCase(state, { executionName: OURS, plan: undefined }).case).toBe("stray");
  });

  it("release for the holder of the lease alone, and repeat only after its own outcome", () => {
    const name = fc.constantFrom(OURS, "another");
    const states = fc.record({
      roll: fc.option(name.map(leaseOf), { nil: undefined }),
      lastOutcome: fc.option(
        fc.tuple(name, fc.integer({ min: -2, max: 2 })).map(([by, offset]) => outcomeOf(by, NOW + offset)),
        { nil: undefined },
      ),
    });
    fc.assert(
      fc.property(states, fc.constantFrom(plan, undefined), (given, planned) => {
        const found = endingCase(stateOf(given), { executionName: OURS, plan: planned });
        const writtenBy = given.lastOutcome?.executionName;
        expect(found.case === "release").toBe(given.roll?.executionName === OURS);
        if (found.case === "repeat") expect(writtenBy).toBe(OURS);
        if (found.case === "overtaken") expect(writtenBy).toBe("another");
        if (found.case === "stray") expect(writtenBy).not.toBe(OURS);
      }),
    );
  });
});
