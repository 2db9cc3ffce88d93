import { describe, expect, it } from "vitest";
import type { JsonObject } from "../../shared/base/json.ts";
import { NEW_IMAGE, OLD_IMAGE, onFleet, QUICK } from "./support/rollouts.ts";

const BAKED = { ...QUICK, bakeMinutes: 60 } as const;
/** A window that opens at 12:30, after the fleet is enrolled, and lasts for two hours. */
const FREEZE = { ...QUICK, freezeWindows: [{ cron: "30 12 * * *", durationMinutes: 120 }] } as const;

describe("an alarm", () => {
  it.each([
    ["during a wave", "rolling"],
    ["during a bake, at once", "baking"],
  ] as const)("of the policy, %s, rolls the rollout back", (_what, phase) =>
    onFleet({ rollout: { ...BAKED, alarms: [{ name: "checkout-errors" }] } }, async (driver) => {
      const before = driver.revisions();
      await driver.alarm("checkout-errors", "OK");
      await driver.requestUpgrade();
      await driver.untilWave(0, phase);
      await driver.minutes(0.2);
      await driver.alarm("checkout-errors", "ALARM");
      const back = await driver.untilStatus("rolled-back", "upgrade-one", 15);
      expect(back.reason).toMatchObject({ code: "alarm-fired", detail: expect.stringContaining("checkout-errors") });
      expect(driver.revisions()).toEqual(before);
      expect(driver.events("Rollout Rolled Back")).toMatchObject([{ code: "alarm-fired", stuck: 0 }]);
    }),
  );

  it("that doesn't exist in CloudWatch is ignored", () =>
    onFleet({ services: 3, rollout: { ...QUICK, alarms: [{ name: "never-made" }] } }, async (driver) => {
      await driver.requestUpgrade();
      await driver.untilStatus("completed");
    }));
});

describe("a freeze window", () => {
  it("holds a rollout between its waves until the window ends", () =>
    onFleet({ rollout: FREEZE }, async (driver) => {
      await driver.minutes(24.8);
      await driver.requestUpgrade();
      const frozen = await driver.untilStatus("frozen");
      expect(frozen.nextWaveIndex).toBe(1);
      expect(driver.images().filter((image) => image === NEW_IMAGE)).toHaveLength(2);
      expect(driver.events("Rollout Paused")).toMatchObject([{ hold: "freeze", until: "2026-01-05T14:30:00.000Z" }]);
      const done = await driver.untilStatus("completed", "upgrade-one", 300);
      expect(done.waves[1]?.startedAt).toMatch(/^2026-01-05T14:30/);
      expect(driver.events("Rollout Paused")).toHaveLength(1);
    }));

  it("does not hold a rollout whose request overrides it, which is recorded", () =>
    onFleet({ rollout: FREEZE }, async (driver) => {
      await driver.minutes(40);
      await driver.requestUpgrade({ overrides: { ignoreFreeze: true } });
      const done = await driver.untilStatus("completed", "upgrade-one", 60);
      expect(done).toMatchObject({ overrides: { ignoreFreeze: true }, requestedBy: "ann" });
    }));

  it("refuses a request with the window's end, and nothing changes", () =>
    onFleet({ rollout: FREEZE, services: 3 }, async (driver) => {
      await driver.minutes(40);
      await driver.requestUpgrade();
      expect(await driver.rollout()).toMatchObject({ status: "refused", reason: { code: "frozen" } });
      expect(driver.events("Rollout Refused")).toMatchObject([
        { code: "frozen", detail: expect.stringContaining("14:30") },
      ]);
      await driver.minutes(180);
      expect(driver.images()).toEqual(driver.arns.map(() => OLD_IMAGE));
    }));

  it("does not hold a rollback", () =>
    onFleet({ rollout: FREEZE }, async (driver) => {
      await driver.minutes(24.8);
      await driver.requestUpgrade();
      await driver.untilStatus("frozen");
      await driver.command("rollback");
      const back = await driver.untilStatus("rolled-back", "upgrade-one", 15);
      expect(Date.parse(back.finishedAt ?? "")).toBeLessThan(Date.parse("2026-01-05T14:30:00Z"));
    }));
});

describe("an invalid request", () => {
  const bad: readonly (readonly [string, JsonObject, string])[] = [
    ["an empty scope", { scope: { services: ["no-such-*"] } }, "scope-empty"],
    ["an invalid image reference", { image: "Not An Image" }, "invalid-image"],
    ["an image that is newer than istiod", { image: "example.com/ztunnel:1.29.0" }, "version-skew"],
    ["no image", { image: null }, "invalid-request"],
    ["an image for a rotation", { kind: "rotate", image: NEW_IMAGE }, "invalid-request"],
    ["an unknown control plane", { scope: { controlPlane: "elsewhere" } }, "invalid-request"],
    ["an unknown kind", { kind: "restart" }, "invalid-request"],
    ["an unknown member", { scope: { region: ["us-east-1"] } }, "invalid-request"],
    ["waves that don't end at 100 %", { overrides: { waves: [10, 50] } }, "invalid-request"],
    ["an invalid account id", { scope: { accounts: ["12"] } }, "invalid-request"],
    ["a scope for unenroll", { kind: "unenroll", image: null, scope: { regions: ["eu-*"] } }, "invalid-request"],
    [
      "a rollback of an unknown rollout",
      { kind: "rollback", rolloutId: "no-such-rollout", image: null },
      "unknown-rollout",
    ],
  ];

  it("is refused with one message and its reason, and changes nothing", () =>
    onFleet({ services: 3 }, async (driver) => {
      const before = driver.revisions();
      for (const [index, [what, detail, code]] of bad.entries()) {
        const asked = { rolloutId: `bad-${index}`, kind: "upgrade", image: NEW_IMAGE, ...detail };
        await driver.request(withoutNulls(asked));
        await driver.minutes(3);
        const refused = driver.events("Rollout Refused");
        expect(refused, what).toHaveLength(index + 1);
        expect(refused.at(-1), what).toMatchObject({ code });
      }
      await driver.minutes(30);
      expect(driver.revisions()).toEqual(before);
      expect(driver.events("Rollout Started")).toEqual([]);
      expect((await driver.rollouts()).every(({ status }) => status === "refused")).toBe(true);
      expect(await driver.leftovers()).toEqual([]);
    }));
});

function withoutNulls(object: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== null));
}
