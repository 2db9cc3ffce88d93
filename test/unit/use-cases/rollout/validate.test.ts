import { describe, expect, it } from "vitest";
import { AutopilotError } from "../../../../shared/base/errors.ts";
import { type ControlAction, controlActions } from "../../../../shared/events/operator.ts";
import { type RolloutStatus, rolloutStatuses } from "../../../../shared/model/rollout.ts";
import {
  allowedControl,
  checkedImage,
  parseControl,
  parseRolloutRequest,
  repeatsControl,
} from "../../../../shared/use-cases/rollout/validate.ts";
import { rollout } from "../../../support/rollouts.ts";

function failureOf(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    if (error instanceof AutopilotError) return `${error.code} ${error.detail}`;
    throw error;
  }
  return "no failure";
}

describe("a request for a rollout", () => {
  it("has its defaults", () => {
    expect(parseRolloutRequest({ kind: "rotate" })).toEqual({
      kind: "rotate",
      scope: {},
      why: "",
      requestedBy: "an operator",
      overrides: {},
    });
  });

  it("may have an image", () => {
    expect(parseRolloutRequest({ kind: "upgrade", image: "example.com/ztunnel:1.28.2" })).toMatchObject({
      image: "example.com/ztunnel:1.28.2",
    });
  });

  it("may take a rollout back", () => {
    expect(parseRolloutRequest({ kind: "rollback", rolloutId: "rotate-1", why: "5xx" })).toMatchObject({
      kind: "rollback",
      rolloutId: "rotate-1",
    });
  });

  it.each<[string, unknown, string]>([
    ["nothing", undefined, "invalid-request kind: one of rotate, upgrade, reconfigure, unenroll, rollback"],
    ["a list", [], "invalid-request kind:"],
    ["an unknown kind", { kind: "restart" }, "invalid-request kind:"],
    ["a kind that is not a string", { kind: { $ne: 1 } }, "invalid-request kind:"],
    ["an unknown field", { kind: "rotate", force: true }, "force"],
    ["a scope of no account", { kind: "rotate", scope: { accounts: [] } }, "scope.accounts:"],
    ["an invalid account", { kind: "rotate", scope: { accounts: ["12"] } }, "scope.accounts.0:"],
    ["waves that do not rise", { kind: "rotate", overrides: { waves: [50, 10, 100] } }, "overrides.waves:"],
    ["two wrong fields", { kind: "rotate", rolloutId: "X", why: 1 }, "why:"],
    ["a rollback without its rollout", { kind: "rollback" }, "invalid-request rolloutId:"],
    ["a rollback with a scope", { kind: "rollback", rolloutId: "rotate-1", scope: {} }, "scope"],
    ["an image for a rotation", { kind: "rotate", image: "ztunnel:1" }, "invalid-request image: only an upgrade"],
    ["an invalid image", { kind: "upgrade", image: "ztunnel 1.28" }, 'invalid-image "ztunnel 1.28"'],
    ["an empty image", { kind: "upgrade", image: "" }, 'invalid-image ""'],
  ])("is refused with %s", (_, detail, failure) => {
    expect(failureOf(() => parseRolloutRequest(detail))).toContain(failure);
    expect(failureOf(() => parseRolloutRequest(detail))).toMatch(/^invalid-/);
  });
});

describe("an image", () => {
  it.each(["ztunnel", "ztunnel:1.28.2", "localhost:5000/a/b:v1", `example.com/z@sha256:${"0".repeat(64)}`])(
    "may be %s",
    (image) => {
      expect(checkedImage(image)).toBe(image);
    },
  );

  it.each(["", " ", "https://example.com/ztunnel", "ztunnel:", "ztunnel@sha256:12", "z\nz", "a".repeat(600)])(
    "can not be `%s`",
    (image) => {
      expect(failureOf(() => checkedImage(image))).toMatch(/^invalid-image /);
    },
  );
});

describe("a control command", () => {
  it("has who asks for it", () => {
    const control = { rolloutId: "rotate-1", action: "pause", requestedBy: "ann" };
    expect(parseControl(control)).toEqual(control);
  });

  it.each<[string, unknown, string]>([
    ["nothing", null, "invalid-request"],
    ["an unknown action", { rolloutId: "rotate-1", action: "stop" }, "action:"],
    ["no rollout", { action: "pause" }, "rolloutId:"],
    ["an unknown field", { rolloutId: "rotate-1", action: "pause", now: 1 }, "now"],
  ])("is refused with %s", (_, detail, failure) => {
    expect(failureOf(() => parseControl(detail))).toContain(failure);
  });
});

const accepted: Record<ControlAction, readonly RolloutStatus[]> = {
  pause: ["running", "frozen", "awaiting-approval", "paused"],
  resume: ["paused", "running"],
  approve: ["awaiting-approval"],
  abort: ["waiting", "running", "paused", "awaiting-approval", "frozen", "aborted"],
  rollback: [
    "running",
    "paused",
    "awaiting-approval",
    "frozen",
    "completed",
    "aborted",
    "failed",
    "rolling-back",
    "rolled-back",
  ],
};
const repeated: Record<ControlAction, readonly RolloutStatus[]> = {
  pause: ["paused"],
  resume: ["running"],
  approve: [],
  abort: ["aborted"],
  rollback: ["rolling-back", "rolled-back"],
};
const cases = controlActions.flatMap((action) => rolloutStatuses.map((status) => ({ action, status })));
const by = "ann";
const at = "2026-03-01T12:00:00Z";

describe("an operator's command", () => {
  it.each(cases)("$action on a rollout that is $status is taken in its phases alone", ({ action, status }) => {
    const refused = allowedControl(rollout({ status }), action);
    if (accepted[action].includes(status)) expect(refused).toBeUndefined();
    else expect(refused).toMatchObject({ code: "wrong-phase", detail: expect.stringContaining(`is ${status};`) });
    expect(repeatsControl(rollout({ status }), action)).toBe(repeated[action].includes(status));
  });

  it("says in which phases it can be given", () => {
    expect(allowedControl(rollout({ status: "completed" }), "pause")?.detail).toBe(
      "upgrade-1 is completed; pause needs running, awaiting-approval, frozen.",
    );
  });

  it("counts what was asked for and not acted on yet as done", () => {
    const pausing = rollout({ control: { action: "pause", by, at } });
    expect(allowedControl(pausing, "resume")).toBeUndefined();
    expect(repeatsControl(pausing, "resume")).toBe(false);
    expect(repeatsControl(pausing, "pause")).toBe(true);
    const aborting = rollout({ control: { action: "abort", by, at } });
    const takenAfterAbort = controlActions.filter((action) => allowedControl(aborting, action) === undefined);
    expect(takenAfterAbort).toEqual(["abort", "rollback"]);
    const goingBack = rollout({ status: "completed", control: { action: "rollback", by, at } });
    expect(controlActions.filter((action) => allowedControl(goingBack, action) === undefined)).toEqual(["rollback"]);
    expect(repeatsControl(goingBack, "rollback")).toBe(true);
  });

  it("is not misled by a pause or an abort that came too late", () => {
    for (const action of ["pause", "abort"] as const) {
      const late = { control: { action, by, at } };
      expect(allowedControl(rollout({ status: "completed", ...late }), "resume")).toBeDefined();
      expect(repeatsControl(rollout({ status: "completed", ...late }), "rollback")).toBe(false);
      expect(allowedControl(rollout({ status: "completed", ...late }), "rollback")).toBeUndefined();
      expect(allowedControl(rollout({ status: "rolling-back", ...late }), "resume")).toBeDefined();
    }
  });

  it("to approve what is approved is a repeat", () => {
    const approved = rollout({ status: "running", approved: { by, at } });
    expect(allowedControl(approved, "approve")).toBeUndefined();
    expect(repeatsControl(approved, "approve")).toBe(true);
    expect(allowedControl(rollout({ status: "running" }), "approve")?.code).toBe("wrong-phase");
  });

  it("is not a rollback of an emergency, which replaces a root CA that nobody signs with any more", () => {
    const emergency = rollout({ status: "running", emergency: true });
    expect(allowedControl(emergency, "rollback")).toMatchObject({ code: "root-ca-untrusted" });
    expect(allowedControl(emergency, "abort")).toBeUndefined();
  });
});
