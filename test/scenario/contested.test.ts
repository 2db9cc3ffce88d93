import { describe, expect, it } from "vitest";
import { bothRoots, type FleetDriver, NEW_IMAGE, OLD_IMAGE, oldRoot, onFleet, QUICK } from "./support/rollouts.ts";

const PARAMETER = "/mesh/image";

const messages = (driver: FleetDriver) => driver.lab.slack.messages().map(({ text }) => text);

describe("two writers", () => {
  it("of the root CA's ConfigMap cause a few rotations and one message; what remains is rolled out when they rest", () =>
    onFleet({ services: 4 }, async (driver) => {
      for (let turn = 0; turn < 36; turn += 1) {
        driver.setRootCa(turn % 2 === 0 ? bothRoots : oldRoot);
        await driver.minutes(10);
      }
      const during = await driver.rollouts();
      expect(during.length).toBeLessThanOrEqual(4);
      expect(driver.events("Root CA Changed").length).toBeLessThanOrEqual(4);
      expect(driver.events("Fleet Contested")).toMatchObject([
        { of: "mesh-facts", controlPlane: "mesh", values: [expect.stringContaining("CN="), expect.any(String)] },
      ]);
      const contested = messages(driver).filter((text) => text.includes("in turns"));
      expect(contested).toHaveLength(1);
      driver.setRootCa(bothRoots);
      await driver.minutes(240);
      const after = await driver.rollouts();
      expect(after).toHaveLength(during.length + 1);
      expect(after.at(-1)?.status).toBe("completed");
      expect(await driver.leftovers()).toEqual([]);
    }));

  it("of the image's parameter cause a few upgrades and one message; the fleet has what remains when they rest", () =>
    onFleet(
      { services: 6, ztunnel: { imageParameter: PARAMETER }, rollout: { ...QUICK, bakeMinutes: 5 } },
      async (driver) => {
        await driver.putParameter(PARAMETER, OLD_IMAGE);
        await driver.minutes(20);
        for (let turn = 0; turn < 24; turn += 1) {
          await driver.putParameter(PARAMETER, turn % 2 === 0 ? NEW_IMAGE : OLD_IMAGE);
          await driver.minutes(10);
        }
        expect((await driver.rollouts()).length).toBeLessThanOrEqual(4);
        expect(driver.events("Fleet Contested")).toMatchObject([{ of: "image", values: [NEW_IMAGE, OLD_IMAGE] }]);
        await driver.minutes(180);
        expect(driver.images()).toEqual(driver.arns.map(() => OLD_IMAGE));
        expect(await driver.leftovers()).toEqual([]);
        // The next change is one like any other.
        await driver.putParameter(PARAMETER, NEW_IMAGE);
        await driver.minutes(120);
        expect(driver.images()).toEqual(driver.arns.map(() => NEW_IMAGE));
        expect(driver.events("Fleet Contested")).toHaveLength(1);
      },
    ));
});
