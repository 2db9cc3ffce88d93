import { describe, expect, it } from "vitest";
import { onFleet, QUICK } from "./support/rollouts.ts";

const NEW_KEY = "mesh/enroll";

describe("a configuration that names another key for the enroll tag", () => {
  it("takes no service out of the mesh; the key is followed once every service has it", async () => {
    await onFleet({ services: 4, rollout: QUICK }, async (driver) => {
      const { lab } = driver;
      await driver.minutes(20);
      expect((await lab.ledger.getFleet()).enrollTagKey).toBe("ztunnel-autopilot/enroll");
      // A deployment of another configuration: the lab's functions share this object.
      Object.assign(lab.config, { enrollTagKey: NEW_KEY });
      lab.deploy();
      await driver.minutes(60);
      expect(await Promise.all(driver.arns.map((arn) => driver.inMesh(driver.serviceOf(arn))))).not.toContain(false);
      expect(lab.logs.some(({ line }) => line.includes("the enroll tag's key has changed"))).toBe(true);

      const [first = "", ...others] = driver.arns;
      for (const arn of others) await driver.tag(driver.serviceOf(arn), { [NEW_KEY]: "true" });
      await driver.tag(driver.serviceOf(first), { [NEW_KEY]: "false" });
      await driver.minutes(60);
      expect(await driver.inMesh(driver.serviceOf(first))).toBe(false);
      expect((await lab.ledger.getFleet()).enrollTagKey).toBe(NEW_KEY);

      // Nothing of the old key is left, and the key changes once more: its absence is nobody's wish.
      for (const arn of others) await driver.untag(driver.serviceOf(arn), "ztunnel-autopilot/enroll");
      await driver.minutes(30);
      Object.assign(lab.config, { enrollTagKey: "other/enroll" });
      lab.deploy();
      await driver.minutes(60);
      expect(await Promise.all(others.map((arn) => driver.inMesh(driver.serviceOf(arn))))).not.toContain(false);
      Object.assign(lab.config, { enrollTagKey: NEW_KEY });
      lab.deploy();
      const [second = ""] = others;
      await driver.untag(driver.serviceOf(second), NEW_KEY);
      await driver.minutes(60);
      expect(await driver.inMesh(driver.serviceOf(second))).toBe(false);
    });
  });
});
