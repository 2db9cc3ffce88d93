import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { attemptKeyOf } from "../../../../shared/deployment/attempts.ts";
import { releasePatch, strayPatch } from "../../../../shared/use-cases/roll/ending-patches.ts";
import { NAME, OBSERVED } from "../../../support/arns.ts";
import { TARGET } from "../../../support/deployments.ts";
import {
  endingWith,
  finishPlan,
  PINNED_SECRET,
  planOf,
  stateOf,
  success,
  TARGET_SECRET,
  watchOf,
} from "../../../support/endings.ts";
import { NOW } from "../../../support/times.ts";

const clock = { nowMs: NOW, policy: { attemptDelaysMinutes: [15, 60] } };
const order = { id: "upgrade-1", ordinal: 0, phase: "forward" } as const;
const failure = { verdict: "failed", code: "tasks-stopping", detail: "no" } as const;
const refused = finishPlan("refused", "identity-conflict", [
  { reason: "identity-conflict", detail: "bound to another" },
  { reason: "bad-tag", detail: "namespace" },
]);
const REFUSED_TEXT = "identity-conflict: bound to another\nbad-tag: namespace";

describe("the release of a lease", () => {
  it("raises the attempt's number and has the outcome", () => {
    expect(releasePatch(stateOf({ attemptNumber: 4 }), success(), clock)).toMatchObject({
      attemptNumber: 5,
      lastOutcome: { outcome: "succeeded", reason: "enroll", executionName: NAME, at: new Date(NOW).toISOString() },
    });
  });

  it("of a roll that brings a token says whose: a rollback brings an earlier one", () => {
    const served = { ...clock, controlPlane: "main" };
    const given = stateOf({ controlPlane: "left" });
    for (const change of ["enroll", "update", "verify"] as const)
      expect(releasePatch(given, success({ change }), served)).toMatchObject({ controlPlane: "main" });
    for (const change of ["unenroll", "rollback"] as const)
      expect(releasePatch(given, success({ change }), served)).not.toHaveProperty("controlPlane");
    expect(releasePatch(given, endingWith({ outcome: "failed" }), served)).not.toHaveProperty("controlPlane");
  });

  it.each(["enroll", "update"] as const)("of an %s pins the target as good and forgets failures", (change) => {
    expect(releasePatch(stateOf(), success({ change, pinnedSecret: PINNED_SECRET }), clock)).toMatchObject({
      enrolled: true,
      lastGoodRevisionArn: TARGET,
      lastGoodSecret: TARGET_SECRET,
      secretsInUse: [PINNED_SECRET, TARGET_SECRET],
      notifiedRefusals: null,
      failedAttemptKey: null,
      consecutiveFailures: 0,
      notBefore: null,
    });
  });

  it("has the image of the last good revision in the mesh, until the service leaves", () => {
    const image = "registry.example.com/ztunnel:2";
    expect(releasePatch(stateOf(), success({ image }), clock)).toMatchObject({ lastGoodImage: image });
    const rolledBack = success({ change: "rollback", image });
    expect(releasePatch(stateOf({ lastGoodImage: "other" }), rolledBack, clock)).toMatchObject({
      lastGoodImage: image,
    });
    const unverified = endingWith({ outcome: "unverified", plan: planOf({ image }), watch: watchOf() });
    expect(releasePatch(stateOf(), unverified, clock)).not.toHaveProperty("lastGoodImage");
    const left = success({ change: "unenroll", image: null }, { secretInUse: null });
    expect(releasePatch(stateOf({ lastGoodImage: image }), left, clock)).toMatchObject({ lastGoodImage: null });
  });

  it("strands a service that could not be reverted, until a roll ends with a revision that runs", () => {
    const stranded = { since: new Date(NOW).toISOString(), reason: "no-way-back" };
    const lost = endingWith({
      outcome: "revert-failed",
      plan: planOf(),
      failure: { verdict: "failed", code: "no-way-back", detail: "" },
    });
    expect(releasePatch(stateOf(), lost, clock)).toMatchObject({ stranded });
    for (const outcome of ["failed", "refused", "superseded"])
      expect(releasePatch(stateOf({ stranded }), endingWith({ outcome }), clock)).not.toHaveProperty("stranded");
    expect(releasePatch(stateOf({ stranded }), success(), clock)).toMatchObject({ stranded: null });
    const back = endingWith({ outcome: "reverted", plan: planOf(), watch: watchOf() });
    expect(releasePatch(stateOf({ stranded }), back, clock)).toMatchObject({ stranded: null });
  });

  it("has a secret version once that both revisions start from", () => {
    const ending = success({ pinnedSecret: TARGET_SECRET });
    expect(releasePatch(stateOf(), ending, clock)).toMatchObject({ secretsInUse: [TARGET_SECRET] });
  });

  it("of an unenrollment forgets tags and secret versions; within a rollout it keeps what a rollback needs", () => {
    const given = { change: "unenroll", pinnedSecret: PINNED_SECRET } as const;
    const left = { enrolled: false, addedTagKeys: [], lastGoodSecret: null };
    const alone = releasePatch(stateOf(), success(given, { secretInUse: null }), clock);
    expect(alone).toMatchObject({ ...left, secretsInUse: [] });
    const inRollout = releasePatch(stateOf(), success(given, { secretInUse: null }, { rollout: order }), clock);
    expect(inRollout).toMatchObject({ ...left, secretsInUse: [PINNED_SECRET] });
  });

  it("of a rollback is enrolled by what the earlier revision was", () => {
    const back = releasePatch(stateOf(), success({ change: "rollback" }), clock);
    expect(back).toMatchObject({ enrolled: true, secretsInUse: [TARGET_SECRET] });
    const out = releasePatch(stateOf(), success({ change: "rollback" }, { secretInUse: null }), clock);
    expect(out).toMatchObject({ enrolled: false });
    expect(out).not.toHaveProperty("secretsInUse");
  });

  it("of a roll without tasks leaves the last good revision, and has what to return to when the first tasks fail", () => {
    const given = { outcome: "unverified" } as const;
    const state = stateOf({ lastGoodRevisionArn: "good", failedAttemptKey: "other", consecutiveFailures: 2 });
    const patch = releasePatch(state, success({ pinnedSecret: PINNED_SECRET }, {}, given), clock);
    expect(patch).toMatchObject({
      lastOutcome: { outcome: "unverified", reason: "enroll" },
      enrolled: true,
      unverified: { revisionArn: TARGET, pinnedRevisionArn: OBSERVED, pinnedSecret: PINNED_SECRET },
      secretsInUse: [PINNED_SECRET, TARGET_SECRET],
      failedAttemptKey: null,
      consecutiveFailures: 0,
    });
    expect(patch).not.toHaveProperty("lastGoodRevisionArn");
    expect(patch).not.toHaveProperty("lastGoodSecret");
    const pinsGood = success({ pinnedRevisionArn: "good", pinnedSecret: PINNED_SECRET }, {}, given);
    expect(releasePatch(state, pinsGood, clock), "the next rolls pin others").toMatchObject({
      lastGoodSecret: PINNED_SECRET,
    });
    const back = releasePatch(state, success({ change: "rollback" }, {}, given), clock);
    expect(back, "its revision was good before").toMatchObject({ lastGoodRevisionArn: TARGET });
    expect(releasePatch(state, success({ change: "verify" }), clock)).toMatchObject({
      lastGoodRevisionArn: TARGET,
      unverified: null,
    });
  });

  it("of a reverted roll pins the revision that it reverted to, and the attempt has to wait", () => {
    const ending = endingWith({ outcome: "reverted", plan: planOf({ pinnedSecret: PINNED_SECRET }), failure });
    expect(releasePatch(stateOf(), ending, clock)).toMatchObject({
      lastGoodRevisionArn: OBSERVED,
      lastGoodSecret: PINNED_SECRET,
      failedAttemptKey: "started-attempt",
      consecutiveFailures: 1,
      notBefore: NOW + 15 * 60_000,
    });
  });

  it("of a roll that was reverted to a copy pins that, and the same change to the copy has to wait", () => {
    const plan = planOf({ content: "c" });
    const watch = watchOf({ targetRevisionArn: "copy", revisionBeforeArn: null, secretInUse: PINNED_SECRET });
    const ending = endingWith({ outcome: "reverted", plan, watch, failure });
    expect(releasePatch(stateOf(), ending, clock)).toMatchObject({
      lastGoodRevisionArn: "copy",
      lastGoodSecret: PINNED_SECRET,
      failedAttemptKey: attemptKeyOf("copy", "c"),
    });
  });

  it.each(["revert-failed", "failed"])("of a roll that is %s pins no revision", (outcome) => {
    const patch = releasePatch(stateOf(), endingWith({ outcome, plan: planOf(), failure }), clock);
    expect(patch).toMatchObject({ consecutiveFailures: 1 });
    expect(patch).not.toHaveProperty("lastGoodRevisionArn");
  });

  it("of a refused roll has the refusals that people are notified of, and the attempt has to wait", () => {
    const patch = releasePatch(stateOf(), endingWith({ outcome: "refused", plan: refused }), clock);
    expect(patch).toMatchObject({ notifiedRefusals: REFUSED_TEXT, consecutiveFailures: 1 });
  });

  it("of a superseded roll changes nothing else", () => {
    const patch = releasePatch(stateOf(), endingWith({ outcome: "superseded", plan: planOf() }), clock);
    expect(Object.keys(patch).sort()).toEqual(["attemptNumber", "lastOutcome"]);
  });
});

it("a shared dependency's failure gives no service a wait of its own, unless something was deployed and reverted", () => {
  const ended = (outcome: string, code: "aws-unavailable" | "tasks-stopping") =>
    endingWith({ outcome, plan: planOf(), failure: { verdict: "failed", code, detail: "no" } });
  const before = stateOf({ consecutiveFailures: 0 });
  const failures = (outcome: string, code: "aws-unavailable" | "tasks-stopping") =>
    releasePatch(before, ended(outcome, code), clock).consecutiveFailures;
  expect(failures("failed", "aws-unavailable")).toBe(0);
  expect(failures("failed", "tasks-stopping")).toBe(1);
  expect(failures("reverted", "aws-unavailable")).toBe(1);
});

describe("an ending without the lease", () => {
  it("counts a failure", () => {
    const state = stateOf({ failedAttemptKey: "started-attempt", consecutiveFailures: 1 });
    expect(strayPatch(state, endingWith({ failure }), clock)).toEqual({
      lastOutcome: {
        outcome: "failed",
        reason: "tasks-stopping",
        executionName: NAME,
        at: new Date(NOW).toISOString(),
      },
      failedAttemptKey: "started-attempt",
      consecutiveFailures: 2,
      notBefore: NOW + 60 * 60_000,
    });
  });

  it("writes nothing else", () => {
    fc.assert(
      fc.property(fc.constantFrom("succeeded", "superseded"), fc.boolean(), (outcome, known) => {
        const ending = { ...success(), outcome } as const;
        expect(strayPatch(known ? stateOf() : undefined, ending, clock)).toEqual({});
      }),
    );
  });
});
