import { describe, expect, it } from "vitest";
import { newFleetState, type Rollout } from "../../../shared/model/rollout.ts";
import { afterEnd, isUnresolved } from "../../../shared/rollout/trouble.ts";
import { AUTOPILOT } from "../../../shared/rollout/wish.ts";
import { rollout } from "../../support/rollouts.ts";

const upgrade = (given: Partial<Rollout>) =>
  rollout({ kind: "upgrade", requestedBy: AUTOPILOT, target: { image: "new:2" }, status: "rolled-back", ...given });
const fleet = {
  ...newFleetState,
  image: { image: "old:1", assignedAtMs: 0 },
  requestedFor: { ...newFleetState.requestedFor, image: "new:2", factsIds: { mesh: "f2 3" } },
};

describe("a rollout that ended badly", () => {
  it("is remembered until one of its kind completes, or is aborted", () => {
    const bad = afterEnd(fleet, upgrade({ id: "upgrade-1", status: "failed" }));
    expect(bad.endedBadly).toEqual({ upgrade: "upgrade-1" });
    const target = { controlPlane: "mesh" };
    const both = afterEnd(bad, upgrade({ id: "rotate-1", kind: "rotate", target }));
    expect(both.endedBadly).toEqual({ upgrade: "upgrade-1", "rotate mesh": "rotate-1" });
    for (const status of ["completed", "aborted"] as const)
      expect(afterEnd(both, upgrade({ status })).endedBadly).toEqual({ "rotate mesh": "rotate-1" });
    expect(afterEnd(both, upgrade({ status: "superseded" }))).toBe(both);
    expect(afterEnd(fleet, upgrade({ status: "completed" }))).toBe(fleet);
  });

  it.each<[string, Partial<Rollout>, boolean]>([
    ["could not go on", { status: "failed", requestedBy: "ann" }, true],
    ["was rolled back, and is still asked for", {}, true],
    ["was rolled back, and the wish was withdrawn", { target: { image: "other:3" } }, false],
    ["was an operator's own", { requestedBy: "ann" }, false],
    ["was rolled back by an operator", { reason: { code: "operator-request", detail: "by ann" } }, false],
    [
      "brought the facts that a control plane still has",
      { kind: "rotate", target: { controlPlane: "mesh", factsId: "f2" } },
      true,
    ],
    ["brought earlier facts", { kind: "rotate", target: { controlPlane: "mesh", factsId: "f1" } }, false],
    ["is rolled back after it had failed", { status: "rolling-back" }, false],
  ])("that %s: a person has something to do: %s", (_what, given, expected) => {
    expect(isUnresolved(upgrade(given), fleet)).toBe(expected);
  });

  it("that was released by another one is resolved", () => {
    expect(isUnresolved(upgrade({}), { ...fleet, image: { image: "new:2", assignedAtMs: 1 } })).toBe(false);
  });
});
