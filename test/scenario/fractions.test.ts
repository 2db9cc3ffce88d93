import { describe, expect, it } from "vitest";
import { BAD_IMAGE, cart, cartFleet, enrollAs, IMAGE } from "./support/fleets.ts";
import { onLab } from "./support/on-lab.ts";

/** What a person may write in a configuration: no member of it is a whole number of milliseconds. */
const policy = {
  deploymentDeadlineMinutes: 33.33333,
  verifyDeadlineMinutes: 7.77777,
  pollIntervalMinutes: 1.23456,
  attemptDelaysMinutes: [1.11111],
  leaseMinutes: 133.33333,
};

describe("a policy with fractions of minutes", () => {
  it("enrolls a service", () =>
    onLab({ fleet: cartFleet, policy }, async (driver) => {
      await driver.tag(cart, enrollAs("cart"));
      await driver.until("enrolled", 15, () => driver.ended(cart, "succeeded"));
      expect(driver.lab.lambda.deadLetters).toEqual([]);
    }));

  it("reverts a roll that fails, and tries it again after the delay", () =>
    onLab({ fleet: cartFleet, policy }, async (driver) => {
      driver.lab.faults.add({ kind: "container-unhealthy", match: { image: BAD_IMAGE } });
      await driver.tag(cart, { ...enrollAs("cart"), [IMAGE]: BAD_IMAGE });
      await driver.until("reverted", 60, () => driver.ended(cart, "reverted"));
      await driver.until("tried again", 60, () => driver.rollsOf(cart).length > 1);
      expect(driver.lab.lambda.deadLetters).toEqual([]);
    }));
});
