import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  failedStatuses,
  type Rollout,
  type RolloutServiceStatus,
  rolloutServiceStatuses,
  rolloutStatuses,
} from "../../../shared/model/rollout.ts";
import { isStopping } from "../../../shared/rollout/stopping.ts";
import { afterRollback, afterVerdict, judgeWave, type WaveFindings } from "../../../shared/rollout/wave-verdict.ts";
import { rollout, rolloutService, wave } from "../../support/rollouts.ts";
import { config as configOf } from "../../support/services.ts";

const AT = "2026-03-01T13:00:00Z";
const by = { by: "ann", at: AT };

/** Two waves of two services each, of which the first is judged. One failure is within the budget. */
const halfway = (given: Partial<Rollout> = {}) =>
  rollout({
    serviceCount: 4,
    waves: [wave("canary", 0, 1, "rolling"), wave("rest", 2, 3, "waiting")],
    ...given,
  });
const config = (policy: object = {}) =>
  configOf({ policy: { rollout: { bakeMinutes: 10, failureBudget: { inAll: { count: 1 } }, ...policy } } });

function found(statuses: readonly RolloutServiceStatus[], given: Partial<WaveFindings> = {}): WaveFindings {
  const services = statuses.map((status, ordinal) => rolloutService(ordinal, { status }));
  return { waveIndex: 0, after: "roll", services, alarm: undefined, ...given };
}

describe("the verdict on a wave", () => {
  it("is to let it bake after its rolls, as long as the policy says, or the request", () => {
    const findings = found(["succeeded", "succeeded"]);
    expect(judgeWave(halfway(), findings, config())).toEqual({ case: "bake", failedOrdinals: [], seconds: 600 });
    const quick = halfway({ overrides: { bakeMinutes: 0.51 } });
    expect(judgeWave(quick, findings, config())).toMatchObject({ case: "bake", seconds: 31 });
  });

  it("is that it is complete, without a bake, when nothing was rolled in it", () => {
    expect(judgeWave(halfway(), found([]), config())).toMatchObject({ case: "complete" });
    const untouched = found(["skipped", "superseded", "refused", "reverted"]);
    expect(judgeWave(halfway(), untouched, config())).toMatchObject({ case: "complete" });
  });

  it("counts no failure of a service that did not run well before, nor by the image of its own tag", () => {
    const services = [
      rolloutService(0, { status: "reverted", unfit: "0 of 2 tasks run." }),
      rolloutService(1, { status: "reverted", ownImage: true, reason: "image-unavailable" }),
    ];
    const none = config({ failureBudget: { inAll: { count: 0 } } });
    expect(judgeWave(halfway(), found([], { services }), none)).toMatchObject({ case: "complete", failedOrdinals: [] });
  });

  it("is to roll back when a canary of the rollout's own choice fails", () => {
    const canary = { ...wave("canary", 0, 1, "rolling"), chosenOrdinals: [1] };
    const chosen = halfway({ waves: [canary, wave("rest", 2, 3, "waiting")] });
    const within = config({ failureBudget: { inAll: { count: 5 } } });
    expect(judgeWave(chosen, found(["reverted", "succeeded"]), within).case).toBe("bake");
    expect(judgeWave(chosen, found(["succeeded", "reverted"]), within)).toMatchObject({
      case: "roll-back",
      reason: { code: "budget-exceeded", detail: "1 of the canaries that the rollout chose failed" },
    });
  });

  it("is never to roll back an emergency for its failures: the others must not wait", () => {
    const emergency = halfway({ emergency: true });
    expect(judgeWave(emergency, found(["reverted", "failed"]), config())).toMatchObject({ case: "complete" });
  });

  it("is that it is complete after its bake, and after its rolls where it does not bake", () => {
    const complete = { case: "complete", failedOrdinals: [1] };
    const statuses = ["succeeded", "reverted"] as const;
    expect(judgeWave(halfway(), found(statuses, { after: "bake" }), config())).toEqual(complete);
    expect(judgeWave(halfway(), found(statuses), config({ bakeMinutes: 0 }))).toEqual(complete);
  });

  it("is that it is complete also when an earlier attempt has recorded that, and passed once a later wave is next", () => {
    const findings = found(["succeeded", "succeeded"], { after: "bake" });
    const verdictAt = (nextWaveIndex: number) => judgeWave(halfway({ nextWaveIndex }), findings, config()).case;
    expect([0, 1, 2].map(verdictAt)).toEqual(["complete", "complete", "passed"]);
  });

  it("is to roll back when the failures exceed the budget, also with those of earlier waves", () => {
    const reason = { code: "budget-exceeded", detail: "2 of 4 services failed, the budget allows 1" };
    expect(judgeWave(halfway(), found(["reverted", "failed"]), config())).toEqual({
      case: "roll-back",
      failedOrdinals: [0, 1],
      reason,
    });
    const later = judgeWave(halfway({ failedOrdinals: [0] }), found(["succeeded", "revert-failed"]), config());
    expect(later).toEqual({ case: "roll-back", failedOrdinals: [0, 1], reason });
    expect(judgeWave(halfway({ failedOrdinals: [1] }), found(["succeeded", "failed"]), config()).case).toBe("bake");
  });

  it("names the bake when services that degraded in it exceed the budget", () => {
    const services = [0, 1].map((ordinal) => rolloutService(ordinal, { status: "failed", reason: "bake-failed" }));
    const judged = (after: "roll" | "bake") => judgeWave(halfway(), found([], { services, after }), config());
    expect(judged("bake")).toMatchObject({
      reason: { code: "bake-failed", detail: expect.stringContaining("2 of 4") },
    });
    expect(judged("roll")).toMatchObject({ reason: { code: "budget-exceeded" } });
  });

  it("is to roll back when an alarm has fired, which counts less than the budget", () => {
    const alarm = "errors in 1/r: too many";
    expect(judgeWave(halfway(), found(["succeeded", "failed"], { alarm }), config())).toEqual({
      case: "roll-back",
      failedOrdinals: [1],
      reason: { code: "alarm-fired", detail: alarm },
    });
    const over = judgeWave(halfway(), found(["failed", "failed"], { alarm }), config());
    expect(over).toMatchObject({ reason: { code: "budget-exceeded" } });
  });

  it.each<[string, Partial<Rollout>]>([
    ["rolls back", { status: "rolling-back" }],
    ["is to roll back", { control: { action: "rollback", ...by } }],
    ["is to abort", { control: { action: "abort", ...by } }],
  ])("is none while the rollout %s", (_what, given) => {
    expect(judgeWave(halfway(given), found(["failed", "failed"], { alarm: "errors" }), config())).toEqual({
      case: "stopping",
    });
  });

  it("does not wait for a pause", () => {
    const pausing = halfway({ control: { action: "pause", ...by } });
    expect(judgeWave(pausing, found(["failed", "failed"]), config()).case).toBe("roll-back");
  });
});

describe("a rollout after the verdict", () => {
  const judged = (before: Rollout, findings: WaveFindings, policy: object = {}) =>
    afterVerdict(before, findings.waveIndex, judgeWave(before, findings, config(policy)), AT);

  it("has a wave that bakes, and stays at it", () => {
    expect(judged(halfway(), found(["succeeded", "failed"]))).toEqual({
      ...halfway(),
      failedOrdinals: [1],
      waves: [wave("canary", 0, 1, "baking"), wave("rest", 2, 3, "waiting")],
    });
  });

  it("is at the next wave when this one is done, and never returns to an earlier one", () => {
    const done = { ...wave("canary", 0, 1, "done"), finishedAt: AT };
    const findings = found(["succeeded", "succeeded"], { after: "bake" });
    expect(judged(halfway(), findings)).toEqual({
      ...halfway({ nextWaveIndex: 1 }),
      waves: [done, wave("rest", 2, 3, "waiting")],
    });
    expect(judged(halfway({ nextWaveIndex: 2 }), findings)).toMatchObject({ nextWaveIndex: 2, waves: [done, {}] });
  });

  it("rolls back with its reason, and keeps its waves as they are", () => {
    expect(judged(halfway(), found(["failed", "failed"]))).toEqual({
      ...halfway({ failedOrdinals: [0, 1] }),
      status: "rolling-back",
      reason: { code: "budget-exceeded", detail: "2 of 4 services failed, the budget allows 1" },
    });
  });

  it("is as it was when it is stopping", () => {
    expect(judged(halfway({ status: "rolling-back" }), found(["failed", "failed"]))).toBeUndefined();
  });

  it("has a wave that was rolled back, and the services that were not", () => {
    const before = halfway({ status: "rolling-back", stuckOrdinals: [3] });
    expect(afterRollback(before, 0, [1, 0, 3], AT)).toEqual({
      ...before,
      waves: [{ ...wave("canary", 0, 1, "rolled-back"), finishedAt: AT }, wave("rest", 2, 3, "waiting")],
      stuckOrdinals: [0, 1, 3],
    });
  });
});

describe("the laws of a verdict", () => {
  const control = fc.constantFrom(undefined, "pause" as const, "abort" as const, "rollback" as const);
  const rollouts = fc
    .record({
      status: fc.constantFrom(...rolloutStatuses),
      action: control,
      nextWaveIndex: fc.integer({ min: 0, max: 2 }),
      failedOrdinals: fc.uniqueArray(fc.integer({ min: 0, max: 3 }), { maxLength: 4 }),
      state: fc.constantFrom("rolling" as const, "baking" as const, "done" as const),
    })
    .map(({ action, state, ...given }) =>
      halfway({
        ...given,
        waves: [wave("canary", 0, 1, state), wave("rest", 2, 3, "waiting")],
        ...(action && { control: { action, ...by } }),
      }),
    );
  const findings = fc
    .record({
      statuses: fc.array(fc.constantFrom(...rolloutServiceStatuses), { minLength: 0, maxLength: 2 }),
      after: fc.constantFrom("roll" as const, "bake" as const),
      alarm: fc.constantFrom(undefined, "errors"),
    })
    .map(({ statuses, ...given }) => found(statuses, given));
  const policies = fc.record({
    bakeMinutes: fc.constantFrom(0, 10),
    failureBudget: fc.constantFrom({}, { perWave: { count: 0 } }, { inAll: { count: 1 } }, { inAll: { percent: 50 } }),
  });
  const law = (holds: (before: Rollout, wave: WaveFindings, policy: object) => void) =>
    fc.assert(fc.property(rollouts, findings, policies, holds), { numRuns: 500 });

  it("a wave is never completed by the verdict that rolls back, nor bakes by it", () => {
    law((before, wave, policy) => {
      const verdict = judgeWave(before, wave, config(policy));
      const after = afterVerdict(before, 0, verdict, AT);
      if (!after) return;
      if (verdict.case === "roll-back") expect(after).toMatchObject({ status: "rolling-back", waves: before.waves });
      else expect(after.status).toBe(before.status);
      expect(isStopping(after)).toBe(verdict.case === "roll-back");
    });
  });

  it("judging again changes nothing", () => {
    law((before, wave, policy) => {
      const once = afterVerdict(before, 0, judgeWave(before, wave, config(policy)), AT) ?? before;
      const twice = afterVerdict(once, 0, judgeWave(once, wave, config(policy)), AT) ?? once;
      expect(twice).toEqual(once);
    });
  });

  it("a failure is never forgotten, and an alarm never lets a wave pass", () => {
    law((before, wave, policy) => {
      const verdict = judgeWave(before, wave, config(policy));
      expect(verdict.case === "stopping").toBe(isStopping(before));
      if (verdict.case === "stopping") return;
      const failed = wave.services.filter(({ status }) => failedStatuses.includes(status));
      expect(verdict.failedOrdinals).toEqual(expect.arrayContaining(before.failedOrdinals));
      expect(verdict.failedOrdinals).toEqual(expect.arrayContaining(failed.map(({ ordinal }) => ordinal)));
      if (wave.alarm !== undefined) expect(verdict.case).toBe("roll-back");
    });
  });
});
