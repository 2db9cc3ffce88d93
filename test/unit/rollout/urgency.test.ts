import { describe, expect, it } from "vitest";
import { type Rollout, rolloutStatuses } from "../../../shared/model/rollout.ts";
import { dueReminder } from "../../../shared/rollout/reminder.ts";
import { turnOf } from "../../../shared/rollout/urgency.ts";
import { rollout } from "../../support/rollouts.ts";

const AT = "2026-03-01T13:00:00.000Z";
const upgrade = (id: string, given: Partial<Rollout> = {}) => rollout({ id, ...given });
const emergency = upgrade("emergency", { kind: "rotate", emergency: true, status: "waiting" });
const endpoint = upgrade("endpoint", { kind: "endpoint", status: "waiting" });
const plain = upgrade("plain", { status: "waiting" });
const rollback = upgrade("rollback", { status: "completed", control: { action: "rollback", by: "ann", at: AT } });

describe("the turn", () => {
  it.each<[string, readonly Rollout[], string]>([
    ["the first of equal ones", [plain, upgrade("other", { status: "waiting" })], "plain"],
    ["an address before what merely changes", [plain, endpoint], "endpoint"],
    ["an emergency before an address", [plain, endpoint, emergency], "emergency"],
    ["a rollback before all", [plain, endpoint, emergency, rollback], "rollback"],
  ])("is for %s", (_what, waiting, expected) => {
    expect(turnOf(undefined, waiting)?.id).toBe(expected);
    expect(turnOf(undefined, waiting.toReversed())?.id).toBe(expected === "plain" ? "other" : expected);
  });

  it("passes from one on hold to a more urgent one, and from no other", () => {
    for (const status of rolloutStatuses) {
      const isHeld = ["paused", "awaiting-approval", "frozen"].includes(status);
      const current = upgrade("current", { status });
      expect(turnOf(current, [plain, emergency])?.id, status).toBe(isHeld ? "emergency" : "current");
      expect(turnOf(current, [plain])?.id, status).toBe("current");
      expect(turnOf({ ...current, emergency: true }, [emergency])?.id, status).toBe("current");
    }
    const stopping = { ...rollback, id: "stopping", status: "paused" as const };
    expect(turnOf(stopping, [emergency])?.id).toBe("stopping");
  });
});

describe("a reminder", () => {
  const noon = Date.parse(AT);
  const hour = 3_600_000;
  const day = 24 * hour;

  it("comes after an hour, then once a day, while a rollout waits for a person", () => {
    const paused = rollout({ status: "paused", heldSince: AT });
    expect(dueReminder(paused, noon + hour - 1)).toBeUndefined();
    expect(dueReminder(paused, noon + hour)).toEqual({ why: "operator", hours: 1 });
    const reminded = { ...paused, remindedAt: new Date(noon + hour).toISOString() };
    expect(dueReminder(reminded, noon + hour + day - 1)).toBeUndefined();
    expect(dueReminder(reminded, noon + hour + day)).toEqual({ why: "operator", hours: 25 });
    expect(dueReminder({ ...paused, status: "awaiting-approval" }, noon + day)).toMatchObject({ why: "approval" });
    for (const status of ["running", "frozen", "completed", "waiting"] as const)
      expect(dueReminder({ ...paused, status }, noon + day)).toBeUndefined();
  });
});
