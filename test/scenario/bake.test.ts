import { describe, expect, it } from "vitest";
import { type FleetDriver, NEW_IMAGE, OLD_IMAGE, onFleet, QUICK } from "./support/rollouts.ts";

/** ztunnel of the image exits this long after its start; `service`: in this service alone. */
function exits(driver: FleetDriver, delaySeconds: number, service?: string): void {
  const match = { image: NEW_IMAGE, container: "ztunnel", ...(service !== undefined && { service }) };
  driver.lab.faults.add({ kind: "task-dies", match, exitCode: 1, delaySeconds });
}

describe("a bake", () => {
  it.each([
    [90, 10],
    [60, 2],
    [150, 30],
  ])("ends at once when the canaries' tasks exit every %i seconds, in %i minutes of bake", (seconds, bakeMinutes) =>
    onFleet({ services: 12, desiredCount: 2, rollout: { ...QUICK, bakeMinutes } }, async (driver) => {
      exits(driver, seconds);
      await driver.requestUpgrade();
      const rolledBack = await driver.untilStatus("rolled-back");
      expect(rolledBack.reason).toMatchObject({ code: "bake-failed" });
      expect(rolledBack.waves.map(({ state }) => state)).toEqual(["rolled-back", ...Array(3).fill("waiting")]);
      expect(new Set(driver.images())).toEqual(new Set([OLD_IMAGE]));
      expect(await driver.leftovers()).toEqual([]);
    }),
  );

  it("goes on within the budget when one service of a later wave has tasks that die, which counts as its failure", () =>
    onFleet({ services: 40, rollout: { ...QUICK, bakeMinutes: 30 } }, async (driver) => {
      const [, , , arn = ""] = driver.arnsIn("eu-west-1");
      exits(driver, 100, driver.serviceOf(arn).name);
      await driver.requestUpgrade();
      await driver.untilStatus("completed");
      const service = (await driver.services()).find(({ serviceArn }) => serviceArn === arn);
      expect(service).toMatchObject({ status: "failed", reason: "bake-failed" });
      expect(service?.detail).toMatch(/^3 tasks died since .*ztunnel/);
      expect((await driver.rollout()).failedOrdinals).toEqual([service?.ordinal]);
    }));

  it("is over for a canary that waits for approval, too", () =>
    onFleet({ services: 12, rollout: { ...QUICK, bakeMinutes: 1, approveAfterCanary: true } }, async (driver) => {
      exits(driver, 600);
      await driver.requestUpgrade();
      await driver.untilStatus("awaiting-approval");
      expect((await driver.untilStatus("rolled-back")).reason?.code).toBe("bake-failed");
      expect(await driver.leftovers()).toEqual([]);
    }));
});
