import { describe, expect, it } from "vitest";
import type { Rollout } from "../../../shared/model/rollout.ts";
import { nextStep } from "../../../shared/rollout/next-step.ts";
import { isStopping } from "../../../shared/rollout/stopping.ts";
import {
  AUTOPILOT,
  afterMovedOn,
  afterWithdrawal,
  hasMovedOn,
  hasOtherWish,
  isReplaced,
} from "../../../shared/rollout/wish.ts";
import { rollout, wave } from "../../support/rollouts.ts";

const AT = "2026-03-01T13:00:00.000Z";
const OLD = "example.com/ztunnel:1";
const change = { why: "why", at: AT, hasTurn: true };
const upgrade = (given: Partial<Rollout> = {}) =>
  rollout({
    requestedBy: AUTOPILOT,
    target: { image: "example.com/ztunnel:2" },
    startedAt: "2026-03-01T12:00:00.000Z",
    waves: [wave("canary", 0, 1, "done"), wave("rest", 2, 3, "waiting")],
    nextWaveIndex: 1,
    ...given,
  });
const wished = { member: "image", value: OLD } as const;
const open = { approveAfterCanary: false, frozenUntilMs: undefined };

describe("a rollout's wish", () => {
  it.each<[string, Partial<Rollout>, boolean]>([
    ["another value is wished", {}, true],
    ["its value is wished", { target: { image: OLD } }, false],
    ["it brings settings", { kind: "reconfigure", target: { settings: "x" } }, false],
    ["an operator asked for it", { requestedBy: "ann" }, false],
    ["it is of a part of the fleet", { scope: { regions: ["eu-*"] } }, false],
    ["it rolls back", { status: "rolling-back" }, false],
    ["it aborts", { control: { action: "abort", by: "ann", at: AT } }, false],
    ["it stops already", { supersededAt: AT }, false],
    ["it has completed", { status: "completed" }, false],
    ["it is paused", { status: "paused" }, true],
    ["it waits", { status: "waiting" }, true],
  ])("has changed, or not: %s", (_what, given, expected) => {
    expect(hasOtherWish(upgrade(given), wished)).toBe(expected);
  });

  it("moves on for the same kind and scope, where both come of the fleet's values", () => {
    const newer = upgrade({ id: "upgrade-2", target: { image: OLD }, status: "waiting" });
    expect(hasMovedOn(newer, upgrade())).toBe(true);
    expect(hasMovedOn({ ...newer, requestedBy: "ann" }, upgrade())).toBe(false);
    expect(hasMovedOn(newer, upgrade({ requestedBy: "ann" }))).toBe(false);
    expect(hasMovedOn(newer, upgrade({ kind: "reconfigure" }))).toBe(false);
    expect(hasMovedOn(newer, upgrade({ scope: { regions: ["eu-*"] } }))).toBe(false);
    expect(isReplaced(newer, upgrade())).toBe(false);
    const { startedAt: _, ...unbegun } = upgrade({ status: "waiting" });
    expect(isReplaced(newer, unbegun)).toBe(true);
  });

  it("that has moved on ends the rollout at its next step, unless it is paused or rolls back", () => {
    const stopped = afterMovedOn(upgrade(), change);
    expect(stopped).toMatchObject({ supersededAt: AT, reason: { code: "wish-moved-on", detail: "why" } });
    expect(isStopping(stopped)).toBe(true);
    expect(nextStep(stopped, open)).toEqual({ do: "finish", as: "superseded" });
    const pause = { action: "pause", by: "ann", at: AT } as const;
    const paused = afterMovedOn(upgrade({ status: "paused", control: pause }), change);
    expect(isStopping(paused)).toBe(false);
    expect(nextStep(paused, open)).toMatchObject({ do: "hold", why: "operator" });
    const back = { ...stopped, control: { ...pause, action: "rollback" as const } };
    expect(nextStep(back, open)).toMatchObject({ do: "roll", phase: "rollback" });
  });

  it("that is gone rolls back the changes; without any, the rollout ends", () => {
    expect(afterWithdrawal(upgrade(), change)).toMatchObject({
      control: { action: "rollback", by: AUTOPILOT, at: AT },
      reason: { code: "wish-withdrawn", detail: "why" },
    });
    const { startedAt: _, ...unbegun } = upgrade({ status: "waiting", waves: [], nextWaveIndex: 0 });
    const ending = afterWithdrawal(unbegun, change);
    expect(nextStep(ending, open)).toEqual({ do: "finish", as: "superseded" });
    expect(afterWithdrawal(unbegun, { ...change, hasTurn: false })).toMatchObject({
      status: "superseded",
      finishedAt: AT,
      reason: { code: "wish-withdrawn" },
    });
  });
});
