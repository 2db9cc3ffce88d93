import { describe, expect, it } from "vitest";
import { cart, cartFleet, enrollAs } from "./support/fleets.ts";
import { onLab } from "./support/on-lab.ts";

describe("a control plane that is not as in the guide", () => {
  it.each(["unlabeled-entries", "several-gateways"] as const)("gets a service into the mesh by one roll: %s", (kind) =>
    onLab({ fleet: cartFleet }, async (driver) => {
      driver.lab.faults.add({ kind });
      await driver.tag(cart, enrollAs("cart"));
      await driver.until("cart has joined", 15, () => driver.ended(cart, "succeeded"));
      await driver.minutes(60);
      expect(driver.lab.rolls().map(({ outcome }) => outcome)).toEqual(["succeeded"]);
      expect(driver.lab.faults.list()[0]?.struck).toBeGreaterThan(0);
    }),
  );
});
