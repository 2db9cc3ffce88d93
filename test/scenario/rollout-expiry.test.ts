import { describe, expect, it } from "vitest";
import { onFleet, QUICK } from "./support/rollouts.ts";

const DAY_MINUTES = 24 * 60;

describe("the record of a rollout that has ended", () => {
  it("stays until its time has come, and some hours after that, and is missed by nothing", () =>
    onFleet({ rollout: { ...QUICK, retentionDays: 2 }, services: 4, schedules: false }, async (driver) => {
      const records = () => Array.fromAsync(driver.lab.ledger.listRollouts());
      await driver.requestUpgrade();
      await driver.untilStatus("completed");
      await driver.minutes(2 * DAY_MINUTES - 60);
      expect(await records()).toHaveLength(1);
      await driver.minutes(2 * DAY_MINUTES + 60);
      expect(await records()).toEqual([]);
      expect(driver.lab.lambda.deadLetters).toEqual([]);
      expect((await driver.lab.ledger.getFleet()).currentRolloutId).toBeUndefined();
    }));
});

describe("the record of a rollout that is open", () => {
  it("stays for as long as it is, with its services: what was paused for weeks is resumed, and goes on", () =>
    onFleet({ rollout: { ...QUICK, retentionDays: 2 }, services: 4, schedules: false }, async (driver) => {
      await driver.requestUpgrade();
      await driver.command("pause");
      await driver.untilStatus("paused");
      for (let day = 0; day < 14; day += 1) {
        await driver.minutes(DAY_MINUTES / 2);
        await driver.lab.lambda.invoke("rollout/guard", {});
      }
      expect(await driver.services()).toHaveLength(4);
      await driver.command("resume");
      await driver.untilStatus("completed");
      await driver.minutes(5 * DAY_MINUTES);
      expect(await Array.fromAsync(driver.lab.ledger.listRollouts())).toEqual([]);
    }));
});
