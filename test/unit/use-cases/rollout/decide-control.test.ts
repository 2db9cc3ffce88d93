import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { controlActions } from "../../../../shared/events/operator.ts";
import { type Rollout, rolloutStatuses } from "../../../../shared/model/rollout.ts";
import { decideControl } from "../../../../shared/use-cases/rollout/decide-control.ts";
import { rollout } from "../../../support/rollouts.ts";

const AT = "2026-03-01T13:00:00Z";
const by = { by: "ann", at: AT };
const pause = { action: "pause", ...by } as const;
const decide = (before: Rollout, action: (typeof controlActions)[number], hasTurn = true) =>
  decideControl(before, { rolloutId: before.id, action, requestedBy: "ann" }, { at: AT, hasTurn });
const journal = (did: string) => [{ at: AT, by: "ann", did }];

describe("an operator's control", () => {
  it.each<[(typeof controlActions)[number], Partial<Rollout>, Partial<Rollout>]>([
    ["pause", {}, { control: pause }],
    ["resume", { status: "paused", control: pause, holdUntilMs: 7 }, {}],
    ["resume", { control: pause }, {}],
    ["approve", { status: "awaiting-approval" }, { approved: by }],
    ["approve", { status: "awaiting-approval", holdUntilMs: 7 }, { approved: by }],
    ["abort", { status: "frozen", holdUntilMs: 7 }, { status: "frozen", control: { action: "abort", ...by } }],
    [
      "rollback",
      { status: "completed" },
      {
        status: "completed",
        control: { action: "rollback", ...by },
        reason: { code: "operator-request", detail: "by ann" },
      },
    ],
  ])("%s on %j makes it %j", (action, before, after) => {
    expect(decide(rollout(before), action)).toEqual({
      next: rollout({ ...after, journal: journal(action) }),
      result: { case: "accept", holdTokens: [] },
    });
  });

  it("ends a rollout that waits in the queue at once, and leaves one whose turn it is to its execution", () => {
    const waiting = rollout({ status: "waiting" });
    expect(decide(waiting, "abort", false).next).toMatchObject({ status: "aborted", finishedAt: AT });
    expect(decide(waiting, "abort", true).next).toMatchObject({ status: "waiting", control: { action: "abort" } });
  });

  it("wakes the rollout with the token of its hold, also as a repeat, and not by a pause", () => {
    const held = { status: "paused", control: pause, holdToken: "token" } as const;
    expect(decide(rollout(held), "resume").result).toEqual({ case: "accept", holdTokens: ["token"] });
    const resumed = decide(rollout({ status: "running", holdToken: "token" }), "resume");
    expect(resumed).toEqual({ result: { case: "accept", holdTokens: ["token"] } });
    expect(decide(rollout({ holdToken: "token" }), "pause").result).toEqual({ case: "accept", holdTokens: [] });
  });

  it("is refused in a phase that does not allow it, and changes nothing", () => {
    expect(decide(rollout({ status: "completed", holdToken: "token" }), "pause")).toEqual({
      result: { case: "refuse", failure: expect.objectContaining({ code: "wrong-phase" }) },
    });
  });

  it("keeps the last hundred entries of the journal", () => {
    const entries = Array.from({ length: 100 }, (_, index) => ({ at: AT, by: "bob", did: `${index}` }));
    const { next } = decide(rollout({ journal: entries }), "pause");
    expect(next?.journal).toEqual([...entries.slice(1), ...journal("pause")]);
  });

  it("given twice changes nothing the second time", () => {
    const rollouts = fc
      .record({
        status: fc.constantFrom(...rolloutStatuses),
        action: fc.constantFrom(undefined, "pause" as const, "abort" as const, "rollback" as const),
      })
      .map(({ status, action }) => rollout({ status, ...(action && { control: { action, ...by } }) }));
    fc.assert(
      fc.property(rollouts, fc.constantFrom(...controlActions), fc.boolean(), (before, action, hasTurn) => {
        const { next } = decide(before, action, hasTurn);
        if (next) expect(decide(next, action, hasTurn).next).toBeUndefined();
      }),
    );
  });
});
