import { describe, expect, it } from "vitest";
import {
  type RolloutService,
  type RolloutServiceStatus,
  rolloutServiceStatuses,
} from "../../../../shared/model/rollout.ts";
import type { Phase } from "../../../../shared/rollout/steps.ts";
import {
  imagePatch,
  ordinalsJoined,
  rolloutServicePatch,
  rolloutStatus,
} from "../../../../shared/use-cases/roll/rollout-record.ts";
import { OBSERVED } from "../../../support/arns.ts";
import { TARGET } from "../../../support/deployments.ts";
import { endingWith, finishPlan, planOf, stateOf, success, watchOf } from "../../../support/endings.ts";
import { rolloutService } from "../../../support/rollouts.ts";
import { NOW } from "../../../support/times.ts";

const IMAGE = "registry.example.com/ztunnel:2";
const earlier = { image: "registry.example.com/ztunnel:1", assignedAtMs: 1 };
const superseded = (reason: string) => endingWith({ outcome: "superseded", plan: finishPlan("superseded", reason) });

const none = { adopted: false, unverified: false };

describe("a service's status in its rollout", () => {
  it.each<[Phase, string, RolloutServiceStatus]>([
    ["forward", "already-as-desired", "skipped"],
    ["forward", "service-not-found", "skipped"],
    ["forward", "rollout-stopped", "waiting"],
    ["forward", "roll-in-progress", "superseded"],
    ["rollback", "already-as-desired", "rolled-back"],
    ["rollback", "roll-in-progress", "succeeded"],
    ["rollback", "changed-since", "left"],
  ])("%s and superseded as %s is %s", (phase, reason, status) => {
    expect(rolloutStatus(phase, superseded(reason), none)).toBe(status);
  });

  it.each(["reverted", "revert-failed", "failed", "refused"] as const)(
    "that ended as %s is that forward, and stuck in a rollback",
    (outcome) => {
      expect(rolloutStatus("forward", endingWith({ outcome }), none)).toBe(outcome);
      expect(rolloutStatus("rollback", endingWith({ outcome }), none)).toBe("stuck");
    },
  );

  it("that succeeded is rolled back in a rollback", () => {
    expect(rolloutStatus("forward", success(), none)).toBe("succeeded");
    expect(rolloutStatus("rollback", success(), none)).toBe("rolled-back");
  });

  it("is unverified where it has all, from whichever roll, and no task has shown yet that this works", () => {
    const unverified = { ...none, unverified: true };
    expect(rolloutStatus("forward", superseded("already-as-desired"), unverified)).toBe("unverified");
    expect(rolloutStatus("forward", superseded("already-as-desired"), { ...unverified, adopted: true })).toBe(
      "unverified",
    );
    expect(rolloutStatus("forward", superseded("roll-in-progress"), unverified)).toBe("superseded");
    expect(rolloutStatus("rollback", superseded("already-as-desired"), unverified)).toBe("rolled-back");
  });

  it("is a success where an earlier roll of the rollout has given it all", () => {
    expect(rolloutStatus("forward", superseded("already-as-desired"), { ...none, adopted: true })).toBe("succeeded");
  });
});

describe("what a rollout records of its service", () => {
  const state = stateOf({ image: earlier });

  it("has the way there and back of a roll that succeeded", () => {
    expect(rolloutServicePatch("forward", "succeeded", success(), state, NOW + 1500)).toEqual({
      status: "succeeded",
      reason: "enroll",
      startedAt: new Date(NOW).toISOString(),
      finishedAt: new Date(NOW + 1500).toISOString(),
      durationSeconds: 1.5,
      fromRevisionArn: OBSERVED,
      toRevisionArn: TARGET,
      imageBefore: earlier,
    });
  });

  it("keeps that as it is in a rollback, and where nothing was deployed", () => {
    const rolledBack = rolloutServicePatch("rollback", "rolled-back", success(), state, NOW);
    const failed = endingWith({ outcome: "reverted", plan: planOf(), watch: watchOf() });
    for (const patch of [rolledBack, rolloutServicePatch("forward", "reverted", failed, state, NOW)]) {
      for (const member of ["fromRevisionArn", "toRevisionArn", "imageBefore"])
        expect(patch).not.toHaveProperty(member);
    }
  });

  it("has a failure's words, at most 1,000 characters, and no time where nothing was planned", () => {
    const failure = { verdict: "failed", code: "tasks-stopping", detail: "x".repeat(2000) } as const;
    expect(rolloutServicePatch("forward", "failed", endingWith({ failure }), undefined, NOW)).toEqual({
      status: "failed",
      reason: "tasks-stopping",
      detail: "x".repeat(1000),
      finishedAt: new Date(NOW).toISOString(),
    });
  });
});

describe("a service joins", () => {
  it.each(rolloutServiceStatuses)("the right list as %s", (status) => {
    const failed = ["reverted", "failed", "revert-failed"].includes(status);
    const stuck = status === "stuck" ? "stuckOrdinals" : undefined;
    expect(ordinalsJoined("forward", rolloutService(0, { status }))).toBe(failed ? "failedOrdinals" : stuck);
    expect(ordinalsJoined("rollback", rolloutService(0, { status }))).toBe(stuck);
  });

  it.each<[string, Partial<RolloutService>, boolean]>([
    ["did not run well before", { unfit: "0 of 2 tasks run.", reason: "application-failed" }, false],
    ["fails by the image of its own tag", { ownImage: true, reason: "image-unavailable" }, false],
    ["is stopped by its own alarm", { reason: "alarm-fired" }, false],
    ["fails by another cause", { ownImage: true, reason: "application-failed" }, true],
    ["fails by the fleet's image", { ownImage: false, reason: "image-unavailable" }, true],
  ])("those that count only if its owner did not break it: one that %s", (_what, given, counts) => {
    const service = rolloutService(0, { status: "reverted", ...given });
    expect(ordinalsJoined("forward", service)).toBe(counts ? "failedOrdinals" : undefined);
  });
});

describe("a service's image", () => {
  it("is the rollout's after a success, if the rollout has one", () => {
    const assigned = { image: { image: IMAGE, assignedAtMs: NOW } };
    expect(imagePatch("succeeded", IMAGE, { imageBefore: earlier }, NOW)).toEqual(assigned);
    expect(imagePatch("succeeded", null, { imageBefore: earlier }, NOW)).toEqual({});
  });

  it.each(["rolled-back", "left", "stuck"] as const)("is the one before when it is %s", (status) => {
    expect(imagePatch(status, IMAGE, { imageBefore: earlier }, NOW)).toEqual({ image: earlier });
    expect(imagePatch(status, IMAGE, { imageBefore: null }, NOW)).toEqual({ image: null });
    expect(imagePatch(status, IMAGE, {}, NOW)).toEqual({ image: null });
  });

  it.each(["skipped", "superseded", "waiting", "reverted", "failed", "refused"] as const)(
    "stays as it is when it is %s",
    (status) => {
      expect(imagePatch(status, IMAGE, { imageBefore: earlier }, NOW)).toEqual({});
    },
  );
});
