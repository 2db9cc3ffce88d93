import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { endedStatuses, type Rollout, rolloutStatuses, type Wave } from "../../../shared/model/rollout.ts";
import { afterStep, executionStep } from "../../../shared/rollout/execution-step.ts";
import { type Conditions, nextStep } from "../../../shared/rollout/next-step.ts";
import { isRollingBack } from "../../../shared/rollout/stopping.ts";
import { rollout, wave as waveOf } from "../../support/rollouts.ts";

const AT = "2026-03-01T13:00:00Z";
const by = { by: "ann", at: AT };
const wave = (name: string, state: Wave["state"]) => waveOf(name, 0, 1, state);
const open: Conditions = { approveAfterCanary: false, frozenUntilMs: undefined };
const execution = { executionName: "upgrade-1-1", isFull: false };
const full = { ...execution, isFull: true };

/** The canary is done, the other wave comes next. */
const halfway = (given: Partial<Rollout> = {}) =>
  rollout({
    serviceCount: 4,
    waves: [wave("canary", "done"), wave("rest", "waiting")],
    nextWaveIndex: 1,
    executionName: "upgrade-1-1",
    executionCount: 1,
    ...given,
  });
const rollNext = { do: "roll", phase: "forward", wave: 1 };

describe("the next step", () => {
  it.each<[string, Partial<Rollout>, Partial<Conditions>, unknown]>([
    ["rolls the next wave", {}, {}, rollNext],
    ["holds for a pause", { control: { action: "pause", ...by } }, {}, { do: "hold", why: "operator" }],
    ["holds for an approval", {}, { approveAfterCanary: true }, { do: "hold", why: "approval" }],
    ["rolls once approved", { approved: by }, { approveAfterCanary: true }, rollNext],
    ["holds while frozen", {}, { frozenUntilMs: 7 }, { do: "hold", why: "freeze", untilMs: 7 }],
    ["aborts", { control: { action: "abort", ...by } }, { frozenUntilMs: 7 }, { do: "finish", as: "aborted" }],
    ["completes", { nextWaveIndex: 2 }, { frozenUntilMs: 7 }, { do: "finish", as: "completed" }],
    [
      "rolls back the newest wave, frozen or not",
      { status: "rolling-back" },
      { frozenUntilMs: 7, approveAfterCanary: true },
      { do: "roll", phase: "rollback", wave: 0 },
    ],
    [
      "rolls back what has completed",
      { status: "completed", control: { action: "rollback", ...by } },
      {},
      { do: "roll", phase: "rollback", wave: 0 },
    ],
    [
      "ends a rollback with no wave left",
      { status: "rolling-back", waves: [wave("canary", "rolled-back"), wave("rest", "waiting")] },
      {},
      { do: "finish", as: "rolled-back" },
    ],
  ])("%s", (_what, given, conditions, expected) => {
    expect(nextStep(halfway(given), { ...open, ...conditions })).toMatchObject(expected as object);
  });

  it("asks for an approval only between a canary wave and the next", () => {
    const asking = { ...open, approveAfterCanary: true };
    expect(nextStep(halfway({ nextWaveIndex: 0 }), asking)).toMatchObject({ do: "roll", wave: 0 });
    const plain = halfway({ waves: [{ ...wave("first", "done") }, wave("rest", "waiting")] });
    expect(nextStep(plain, asking)).toEqual(rollNext);
  });

  it("ends with a rollout that has ended, unless it is to be rolled back", () => {
    for (const status of endedStatuses) expect(nextStep(halfway({ status }), open)).toEqual({ do: "end" });
  });
});

describe("an execution's step", () => {
  it("is the rollout's next step", () => {
    expect(executionStep(halfway(), execution, open)).toEqual(rollNext);
    expect(executionStep(halfway({ status: "completed" }), execution, open)).toEqual({ do: "end" });
  });

  it("is a hold once, and still held when it comes back to the same one", () => {
    const frozen = { ...open, frozenUntilMs: 7 };
    const holds = (given: Partial<Rollout>) => executionStep(halfway(given), execution, frozen).do;
    expect(holds({})).toBe("hold");
    expect(holds({ status: "frozen" }), "the wait was never reached").toBe("hold");
    expect(holds({ status: "frozen", holdToken: "token" })).toBe("still-held");
    expect(holds({ status: "paused", holdToken: "token" }), "it held for another reason").toBe("hold");
  });

  it("hands over to the next execution when it is full, and ends a rollout itself", () => {
    const successor = { do: "continue", executionName: "upgrade-1-2", executionCount: 2 };
    expect(executionStep(halfway(), full, open)).toEqual(successor);
    expect(executionStep(halfway({ executionName: undefined }), full, open)).toEqual(successor);
    expect(executionStep(halfway(), full, { ...open, frozenUntilMs: 7 })).toEqual(successor);
    expect(executionStep(halfway({ nextWaveIndex: 2 }), full, open)).toEqual({ do: "finish", as: "completed" });
    const chosen = halfway({ executionName: "upgrade-1-2", executionCount: 2 });
    expect(executionStep(chosen, full, open), "an earlier attempt has chosen it").toEqual(successor);
  });
});

describe("a rollout after a step", () => {
  const stepped = (before: Rollout, conditions: Partial<Conditions> = {}, by_ = execution) =>
    afterStep(before, executionStep(before, by_, { ...open, ...conditions }), AT);

  it("has its wave rolling, and holds no longer", () => {
    expect(stepped(halfway({ status: "frozen", holdUntilMs: 7, holdToken: "token" }))).toEqual(
      halfway({ waves: [wave("canary", "done"), { ...wave("rest", "rolling"), startedAt: AT }] }),
    );
  });

  it("keeps the time at which its wave began", () => {
    const begun = { ...wave("rest", "rolling"), startedAt: "2026-03-01T12:30:00Z" };
    expect(stepped(halfway({ waves: [wave("canary", "done"), begun] }))?.waves[1]).toEqual(begun);
  });

  it("rolls its newest wave back", () => {
    expect(stepped(halfway({ control: { action: "rollback", ...by } }))).toMatchObject({
      status: "rolling-back",
      waves: [wave("canary", "rolling-back"), wave("rest", "waiting")],
    });
  });

  it("holds until the given time, with the token of this hold alone", () => {
    expect(stepped(halfway({ holdToken: "old" }), { frozenUntilMs: 7.2 })).toEqual(
      halfway({ status: "frozen", holdUntilMs: 8, heldSince: AT }),
    );
    const heldSince = "2026-03-01T11:00:00Z";
    const held = halfway({ status: "frozen", holdToken: "token", holdUntilMs: 8, heldSince });
    expect(stepped(held, { frozenUntilMs: 9 })).toEqual({ ...held, holdUntilMs: 9 });
    const pausing = { control: { action: "pause", ...by } } as const;
    expect(stepped(halfway({ ...pausing, holdUntilMs: 8 }))).toEqual(
      halfway({ ...pausing, status: "paused", heldSince: AT }),
    );
  });

  it("has the execution that follows, once", () => {
    const handedOver = halfway({ executionName: "upgrade-1-2", executionCount: 2 });
    expect(stepped(halfway(), {}, full)).toEqual(handedOver);
    expect(stepped(handedOver, {}, full)).toBeUndefined();
  });

  it("is as it was when it ends", () => {
    expect(stepped(halfway({ nextWaveIndex: 2 }))).toBeUndefined();
    expect(stepped(halfway({ status: "aborted" }))).toBeUndefined();
  });

  it("takes the same step again after a crash, and only a hold's token makes it another one", () => {
    const rollouts = fc
      .record({
        status: fc.constantFrom(...rolloutStatuses),
        action: fc.constantFrom(undefined, "pause" as const, "abort" as const, "rollback" as const),
        nextWaveIndex: fc.integer({ min: 0, max: 2 }),
        states: fc.tuple(
          fc.constantFrom("rolling" as const, "done" as const, "rolled-back" as const),
          fc.constantFrom("waiting" as const, "rolling" as const, "done" as const),
        ),
        holdToken: fc.constantFrom(undefined, "token"),
      })
      .map(({ action, states: [canary, rest], holdToken, ...given }) =>
        halfway({
          ...given,
          waves: [wave("canary", canary), wave("rest", rest)],
          ...(action && { control: { action, ...by } }),
          ...(holdToken !== undefined && { holdToken }),
        }),
      );
    const conditions = fc.record({
      approveAfterCanary: fc.boolean(),
      frozenUntilMs: fc.constantFrom(undefined, 7),
    });
    fc.assert(
      fc.property(rollouts, conditions, fc.boolean(), (before, given, isFull) => {
        const step = executionStep(before, { ...execution, isFull }, given);
        const once = afterStep(before, step, AT) ?? before;
        expect(executionStep(once, { ...execution, isFull }, given)).toEqual(step);
        expect(afterStep(once, step, AT) ?? once).toEqual(once);
        if (isRollingBack(before)) expect(["roll", "finish", "continue"]).toContain(step.do);
      }),
      { numRuns: 500 },
    );
  });
});
