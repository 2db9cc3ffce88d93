import { describe, expect, it } from "vitest";
import type { Rollout, RolloutService } from "../../../shared/model/rollout.ts";
import type { Stops } from "../../../shared/model/service-state.ts";
import { afterDeaths, deathsCase, deathsPatch } from "../../../shared/rollout/deaths.ts";
import { rollout, rolloutService, wave } from "../../support/rollouts.ts";
import { config as configOf } from "../../support/services.ts";
import { NOON } from "../../support/times.ts";

const REVISION = "arn:aws:ecs:eu-west-1:123456789012:task-definition/s:2";
const by = { by: "ann", at: "2026-03-01T13:00:00Z" };
const config = configOf({ policy: { failedTasksLimit: 3, rollout: { failureBudget: { inAll: { count: 1 } } } } });
const baking = (given: Partial<Rollout> = {}) =>
  rollout({ serviceCount: 6, waves: [wave("canary", 0, 1, "baking"), wave("all", 2, 5, "waiting")], ...given });
const rolled = (given: Partial<RolloutService> = {}) =>
  rolloutService(0, { status: "succeeded", toRevisionArn: REVISION, ...given });
const stops = (count: number): Stops => ({
  revisionArn: REVISION,
  count,
  sinceMs: NOON,
  lastMs: NOON,
  code: "ztunnel-unhealthy",
  sentence: "Container ztunnel stopped.",
  taskIds: [],
});

describe("tasks that die after their service's roll", () => {
  it.each([
    [3, {}, "failed"],
    [2, {}, "none"],
    [2, { overrides: { bakeMinutes: 2.5 } }, "failed"],
    [1, { overrides: { bakeMinutes: 0.5 } }, "failed"],
    [2, { overrides: { bakeMinutes: 0 } }, "none"],
    [3, { status: "awaiting-approval" }, "failed"],
    [9, { status: "completed" }, "none"],
    [9, { status: "rolling-back" }, "none"],
    [9, { control: { action: "abort", ...by } }, "none"],
  ] satisfies [number, Partial<Rollout>, string][])("%i of a rollout %j: %s", (count, given, expected) => {
    expect(deathsCase(baking(given), rolled(), stops(count), config)).toBe(expected);
  });

  it.each([
    [{ toRevisionArn: "another" }, "none"],
    [{ status: "reverted" }, "none"],
    [{ status: "unverified" }, "failed"],
    [{ status: "failed", reason: "bake-failed" }, "known"],
  ] satisfies [Partial<RolloutService>, string][])("of a service %j: %s", (given, expected) => {
    expect(deathsCase(baking(), rolled(given), stops(3), config)).toBe(expected);
  });

  it("count as its failure, once, and roll back where the budget is exceeded, even while the rollout waits", () => {
    const failed = rolled(deathsPatch(stops(3)));
    const first = afterDeaths(baking(), failed, config);
    expect(first).toEqual({ ...baking(), failedOrdinals: [0] });
    expect(first && afterDeaths(first, failed, config)).toBeUndefined();
    const held = baking({ failedOrdinals: [1], status: "awaiting-approval" });
    expect(afterDeaths(held, failed, config)).toMatchObject({
      status: "rolling-back",
      failedOrdinals: [0, 1],
      reason: { code: "bake-failed" },
    });
  });

  it("decide nothing for the others where their owner's fault is known, nor in an emergency", () => {
    const failed = rolled(deathsPatch(stops(3)));
    expect(
      afterDeaths(baking({ failedOrdinals: [1] }), { ...failed, unfit: "1 of 2 tasks run." }, config),
    ).toBeUndefined();
    const emergency = baking({ emergency: true, failedOrdinals: [1] });
    expect(afterDeaths(emergency, failed, config)).toMatchObject({ status: "running", failedOrdinals: [0, 1] });
  });
});
