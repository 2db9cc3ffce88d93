import { describe, expect, it } from "vitest";
import { demo, enrollAs, fleetOf, released, web } from "./support/fleets.ts";
import { expectMeshed } from "./support/inspect.ts";
import { onLab } from "./support/on-lab.ts";

const names = Array.from({ length: 10 }, (_, index) => `web-${index}`);

describe("statuses that ECS does not have yet", () => {
  it("of one service's deployments lose none of the ten that a sweep describes with it", () =>
    onLab({ fleet: fleetOf(names.map((name) => web(name))) }, async (driver) => {
      const service = "web-0";
      driver.lab.faults.add({ kind: "new-values", match: { service } });
      driver.lab.faults.add({ kind: "lose-event", match: { detailType: "Tag Change on Resource" } });
      driver.lab.faults.add({ kind: "lose-event", match: { service, detailType: "ECS Deployment State Change" } });
      // Its older deployment stays for as long as there is no place for the new one.
      const untilMs = driver.lab.clock.now() + 20 * 60_000;
      driver.lab.faults.add({ kind: "no-capacity", match: { service }, untilMs });
      const [first, ...others] = names.map(demo);
      if (!first) throw new Error("there are no services");
      await driver.deploy(first, released(await driver.definitionOf(first), "app", "shop/web-0:2"));
      await Promise.all(names.map((name) => driver.tag(demo(name), enrollAs(name))));
      await driver.until("a sweep has enrolled the others", 19, async () => {
        const ended = await Promise.all(others.map((one) => driver.ended(one, "succeeded")));
        return ended.every((one) => one);
      });
      for (const one of others) await expectMeshed(driver, one);
      expect(driver.lab.faults.list()[0]?.struck).toBeGreaterThan(0);
      await driver.until("the first one is enrolled, too", 90, () => driver.ended(first, "succeeded"));
      await expectMeshed(driver, first);
      expect(driver.lab.lambda.deadLetters).toEqual([]);
    }));
});
