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
