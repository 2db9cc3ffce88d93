import { describe, expect, it } from "vitest";
import type { JsonObject } from "../../shared/base/json.ts";
import { tagKeys } from "../../shared/base/vocabulary.ts";
import { NEW_IMAGE, OLD_IMAGE, onFleet, QUICK } from "./support/rollouts.ts";

const BAKED = { ...QUICK, bakeMinutes: 60 } as const;
/** Opens at 12:30, when the fleet has been up for a while, and lasts for two hours. */
const FREEZE = { ...QUICK, freezeWindows: [{ cron: "30 12 * * *", durationMinutes: 120 }] } as const;

describe("an alarm", () => {
  it.each([
    ["during a wave", "rolling"],
    ["in a bake, at once", "baking"],
  ] as const)("of the policy %s takes the rollout back", (_what, phase) =>
    onFleet({ rollout: { ...BAKED, alarms: [{ name: "checkout-errors" }] } }, async (stage) => {
      const before = stage.revisions();
      await stage.alarm("checkout-errors", "OK");
      await stage.ask();
      await stage.wave(0, phase);
      await stage.minutes(0.2);
      await stage.alarm("checkout-errors", "ALARM");
      const back = await stage.is("rolled-back", "upgrade-one", 15);
      expect(back.reason).toMatchObject({ code: "alarm-fired", detail: expect.stringContaining("checkout-errors") });
      expect(stage.revisions()).toEqual(before);
      expect(stage.events("Rollout Rolled Back")).toMatchObject([{ code: "alarm-fired", stuck: 0 }]);
    }),
  );

  it("that a service's tag names counts in the service's account and region, once the service's wave has begun", () =>
    onFleet({ rollout: BAKED }, async (stage) => {
      const [last = ""] = stage.of("eu-west-1");
      await stage.tag(stage.name(last), { [tagKeys.alarms]: "latency + 5xx" });
      await stage.alarm("5xx", "ALARM", stage.name(last));
      await stage.alarm("latency", "ALARM");
      await stage.ask();
      await stage.wave(2, "baking");
      expect((await stage.rollout()).status).toBe("running");
      await stage.is("rolled-back");
      expect((await stage.rollout()).reason?.detail).toContain("5xx in 210987654321/eu-west-1");
      expect((await stage.rollout()).nextWaveIndex).toBe(3);
    }));

  it("that CloudWatch does not know stops nothing", () =>
    onFleet({ services: 3, rollout: { ...QUICK, alarms: [{ name: "never-made" }] } }, async (stage) => {
      await stage.ask();
      await stage.is("completed");
    }));
});

describe("a freeze window", () => {
  it("holds a rollout between its waves and lets it go on when it ends", () =>
    onFleet({ rollout: FREEZE }, async (stage) => {
      await stage.minutes(24.5);
      await stage.ask();
      const frozen = await stage.is("frozen");
      expect(frozen.nextWaveIndex).toBe(1);
      expect(stage.images().filter((image) => image === NEW_IMAGE)).toHaveLength(2);
      expect(stage.events("Rollout Paused")).toMatchObject([{ hold: "freeze", until: "2026-01-05T14:30:00.000Z" }]);
      const done = await stage.is("completed", "upgrade-one", 300);
      expect(done.waves[1]?.startedAt).toMatch(/^2026-01-05T14:30/);
      expect(stage.events("Rollout Paused")).toHaveLength(1);
    }));

  it("does not hold one whose operator overrides it, which is on record", () =>
    onFleet({ rollout: FREEZE }, async (stage) => {
      await stage.minutes(40);
      await stage.ask({ overrides: { ignoreFreeze: true } });
      const done = await stage.is("completed", "upgrade-one", 60);
      expect(done).toMatchObject({ overrides: { ignoreFreeze: true }, requestedBy: "ann" });
    }));

  it("refuses a request, clearly, and nothing changes", () =>
    onFleet({ rollout: FREEZE, services: 3 }, async (stage) => {
      await stage.minutes(40);
      await stage.ask();
      expect(await stage.rollout()).toMatchObject({ status: "refused", reason: { code: "frozen" } });
      expect(stage.events("Rollout Refused")).toMatchObject([
        { code: "frozen", detail: expect.stringContaining("14:30") },
      ]);
      await stage.minutes(180);
      expect(stage.images()).toEqual(stage.arns.map(() => OLD_IMAGE));
    }));

  it("does not hold the way back", () =>
    onFleet({ rollout: FREEZE }, async (stage) => {
      await stage.minutes(24.5);
      await stage.ask();
      await stage.is("frozen");
      await stage.say("rollback");
      const back = await stage.is("rolled-back", "upgrade-one", 15);
      expect(Date.parse(back.finishedAt ?? "")).toBeLessThan(Date.parse("2026-01-05T14:30:00Z"));
    }));
});

describe("a request that can't be carried out", () => {
  const bad: readonly (readonly [string, JsonObject, string])[] = [
    ["an empty scope", { scope: { services: ["no-such-*"] } }, "scope-empty"],
    ["an image that is none", { image: "Not An Image" }, "invalid-image"],
    ["no image", { image: null }, "invalid-request"],
    ["an image for a rotation", { kind: "rotate", image: NEW_IMAGE }, "invalid-request"],
    ["an unknown control plane", { scope: { controlPlane: "elsewhere" } }, "invalid-request"],
    ["an unknown kind", { kind: "restart" }, "invalid-request"],
    ["an unknown member", { scope: { region: ["us-east-1"] } }, "invalid-request"],
    ["waves that don't end at 100 %", { overrides: { waves: [10, 50] } }, "invalid-request"],
    ["an account that is no account", { scope: { accounts: ["12"] } }, "invalid-request"],
    [
      "a scope for the way out of the mesh",
      { kind: "unenroll", image: null, scope: { regions: ["eu-*"] } },
      "invalid-request",
    ],
    ["a rollback of nothing", { kind: "rollback", rolloutId: "no-such-rollout", image: null }, "unknown-rollout"],
  ];

  it("is refused with its reason, told once, and changes nothing", () =>
    onFleet({ services: 3 }, async (stage) => {
      const before = stage.revisions();
      for (const [index, [what, detail, code]] of bad.entries()) {
        const asked = { rolloutId: `bad-${index}`, kind: "upgrade", image: NEW_IMAGE, ...detail };
        await stage.request(withoutNulls(asked));
        await stage.minutes(3);
        const refused = stage.events("Rollout Refused");
        expect(refused, what).toHaveLength(index + 1);
        expect(refused.at(-1), what).toMatchObject({ code });
      }
      await stage.minutes(30);
      expect(stage.revisions()).toEqual(before);
      expect(stage.events("Rollout Started")).toEqual([]);
      expect((await stage.rollouts()).every(({ status }) => status === "refused")).toBe(true);
      expect(await stage.leftovers()).toEqual([]);
    }));
});

function withoutNulls(object: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== null));
}
