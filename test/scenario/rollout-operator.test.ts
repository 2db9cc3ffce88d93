import { describe, expect, it } from "vitest";
import { type FleetDriver, NEW_IMAGE, OLD_IMAGE, onFleet, QUICK } from "./support/rollouts.ts";

const BAKED = { ...QUICK, bakeMinutes: 10 } as const;

const oldEverywhere = (driver: FleetDriver) => expect(driver.images()).toEqual(driver.arns.map(() => OLD_IMAGE));
const newEverywhere = (driver: FleetDriver) => expect(driver.images()).toEqual(driver.arns.map(() => NEW_IMAGE));
const newOnes = (driver: FleetDriver) => driver.images().filter((image) => image === NEW_IMAGE).length;

describe("an operator", () => {
  it("pauses a rollout during a wave: the wave ends, and the next one begins after resume", () =>
    onFleet({}, async (driver) => {
      await driver.requestUpgrade();
      await driver.untilWave(0, "rolling");
      await driver.command("pause");
      const paused = await driver.untilStatus("paused");
      expect(paused).toMatchObject({ nextWaveIndex: 1, journal: [{ did: "pause", by: "ann" }] });
      await driver.minutes(10 * 60);
      expect(newOnes(driver)).toBe(2);
      expect(driver.events("Rollout Paused")).toMatchObject([
        { hold: "operator", detail: "Paused by ann." },
        { hold: "operator", detail: "Paused by ann. It has waited for an hour." },
      ]);
      const execution = driver.lab.stepFunctions.listExecutions({ stateMachineArn: driver.lab.rollFleetArn });
      expect(execution).toHaveLength(1);
      await driver.command("resume");
      await driver.untilStatus("completed");
      newEverywhere(driver);
      expect(await driver.leftovers()).toEqual([]);
    }));

  it("pauses a rollout during a bake: it stays paused for weeks, with one notification", () =>
    onFleet({ rollout: BAKED, services: 6, schedules: false }, async (driver) => {
      await driver.requestUpgrade();
      await driver.untilWave(0, "baking");
      await driver.command("pause");
      await driver.untilStatus("paused");
      await driver.minutes(15 * 24 * 60);
      expect((await driver.rollout()).status).toBe("paused");
      expect(driver.events("Rollout Paused")).toHaveLength(1);
      await driver.command("resume");
      await driver.untilStatus("completed");
      newEverywhere(driver);
    }));

  it("resumes a rollout before the requested pause has begun: it is never paused", () =>
    onFleet({}, async (driver) => {
      await driver.requestUpgrade();
      await driver.untilWave(0, "rolling");
      await driver.command("pause");
      await driver.command("resume");
      await driver.untilStatus("completed");
      expect(driver.events("Rollout Paused")).toEqual([]);
    }));

  it("approves a rollout after its canary, where the request requires it", () =>
    onFleet({}, async (driver) => {
      await driver.requestUpgrade({ overrides: { approveAfterCanary: true } });
      await driver.untilStatus("awaiting-approval");
      await driver.minutes(60);
      expect(newOnes(driver)).toBe(2);
      await driver.command("approve");
      const done = await driver.untilStatus("completed");
      expect(done.approved).toMatchObject({ by: "ann" });
      newEverywhere(driver);
    }));

  it("aborts a rollout during a wave: no further service is rolled, and rolled ones stay as they are", () =>
    onFleet({}, async (driver) => {
      await driver.requestUpgrade();
      await driver.untilWave(1, "rolling");
      await driver.command("abort");
      await driver.untilStatus("aborted");
      const after = driver.images();
      expect(newOnes(driver)).toBeGreaterThanOrEqual(2);
      expect(newOnes(driver)).toBeLessThan(12);
      await driver.minutes(60);
      expect(driver.images()).toEqual(after);
      expect(driver.events("Rollout Completed")).toMatchObject([{ outcome: "aborted" }]);
      expect(await driver.leftovers()).toEqual([]);
    }));

  it.each(["paused", "awaiting-approval", "frozen"] as const)("aborts a rollout that is %s", (phase) =>
    onFleet(
      { rollout: { ...QUICK, freezeWindows: [{ cron: "30 12 * * *", durationMinutes: 120 }] } },
      async (driver) => {
        await hold(driver, phase);
        await driver.command("abort");
        await driver.untilStatus("aborted", "upgrade-one", 2);
        expect(await driver.leftovers()).toEqual([]);
      },
    ),
  );

  it.each(["paused", "awaiting-approval", "frozen"] as const)("rolls back a rollout that is %s", (phase) =>
    onFleet(
      { rollout: { ...QUICK, freezeWindows: [{ cron: "30 12 * * *", durationMinutes: 120 }] } },
      async (driver) => {
        const before = driver.revisions();
        await hold(driver, phase);
        await driver.command("rollback");
        const back = await driver.untilStatus("rolled-back", "upgrade-one", 30);
        expect(back.reason).toEqual({ code: "operator-request", detail: "by ann" });
        expect(driver.revisions()).toEqual(before);
        expect(await driver.leftovers()).toEqual([]);
      },
    ),
  );

  it("rolls back a rollout in the middle of a wave", () =>
    onFleet({}, async (driver) => {
      const before = driver.revisions();
      await driver.requestUpgrade();
      await driver.untilWave(1, "rolling");
      await driver.minutes(0.3);
      await driver.command("rollback");
      await driver.untilStatus("rolled-back");
      expect(driver.revisions()).toEqual(before);
      await driver.minutes(40);
      expect(driver.revisions()).toEqual(before);
    }));

  it("rolls back a rollout during a bake: the bake ends at once", () =>
    onFleet({ rollout: { ...QUICK, bakeMinutes: 600 } }, async (driver) => {
      const before = driver.revisions();
      await driver.requestUpgrade();
      await driver.untilWave(0, "baking");
      await driver.command("rollback");
      await driver.untilStatus("rolled-back", "upgrade-one", 15);
      expect(driver.revisions()).toEqual(before);
    }));

  it("rolls back a completed rollout: every service runs its previous revision, and keeps it", () =>
    onFleet({}, async (driver) => {
      const before = driver.revisions();
      await driver.requestUpgrade();
      await driver.untilStatus("completed");
      newEverywhere(driver);
      await driver.minutes(60);
      await driver.request({ kind: "rollback", rolloutId: "upgrade-one", requestedBy: "bob" });
      await driver.untilStatus("rolled-back");
      expect(driver.revisions()).toEqual(before);
      await driver.minutes(60);
      oldEverywhere(driver);
      expect(driver.revisions()).toEqual(before);
      expect((await driver.lab.ledger.getFleet()).image?.image).toBe(OLD_IMAGE);
      expect(await driver.leftovers()).toEqual([]);
    }));

  it("rolls back an aborted rollout", () =>
    onFleet({}, async (driver) => {
      const before = driver.revisions();
      await driver.requestUpgrade();
      await driver.untilWave(1, "rolling");
      await driver.command("abort");
      await driver.untilStatus("aborted");
      await driver.command("rollback");
      await driver.untilStatus("rolled-back");
      expect(driver.revisions()).toEqual(before);
    }));

  it("gets a refusal for an action that the rollout's phase doesn't allow, and nothing changes", () =>
    onFleet({ services: 6 }, async (driver) => {
      await driver.command("pause", "no-such-rollout");
      await driver.requestUpgrade({ overrides: { approveAfterCanary: true } });
      await driver.command("approve");
      await driver.untilStatus("awaiting-approval");
      await driver.command("resume");
      expect((await driver.rollout()).status).toBe("awaiting-approval");
      await driver.command("approve");
      await driver.untilStatus("completed");
      const ended = await driver.rollout();
      for (const action of ["pause", "resume", "abort"]) await driver.command(action);
      await driver.command("fly");
      expect({ ...(await driver.rollout()), slack: undefined, version: 0 }).toEqual({
        ...ended,
        slack: undefined,
        version: 0,
      });
      expect(driver.events("Rollout Refused").map(({ code }) => code)).toEqual([
        "unknown-rollout",
        "wrong-phase",
        "wrong-phase",
        "wrong-phase",
        "wrong-phase",
        "wrong-phase",
        "invalid-request",
      ]);
      expect(driver.lab.lambda.deadLetters).toEqual([]);
    }));
});

/** Brings a rollout to a phase in which it waits after its canary. */
async function hold(driver: FleetDriver, phase: "paused" | "awaiting-approval" | "frozen"): Promise<void> {
  // The fleet is enrolled at 12:05, and the freeze window opens at 12:30.
  if (phase === "frozen") await driver.minutes(24.8);
  await driver.requestUpgrade(phase === "awaiting-approval" ? { overrides: { approveAfterCanary: true } } : {});
  if (phase === "paused") {
    await driver.untilWave(0, "rolling");
    await driver.command("pause");
  }
  await driver.untilStatus(phase);
  expect(newOnes(driver)).toBe(2);
}
