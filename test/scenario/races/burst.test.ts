import { describe, expect, it } from "vitest";
import { demo, enrollAs, fleetOf, web } from "../support/fleets.ts";
import { onLab } from "../support/on-lab.ts";

const SERVICES = 60;
const names = Array.from({ length: SERVICES }, (_, nth) => `web-${nth}`);
const fleet = fleetOf(names.map((name) => web(name)));

describe("many services that are tagged at once", () => {
  it("all join: a step that Lambda has no room for waits", () =>
    onLab({ fleet, latency: true }, async (driver) => {
      const begunAtMs = driver.lab.clock.now();
      await Promise.all(names.map((name) => driver.tag(demo(name), enrollAs(name))));
      const rolls = () => driver.lab.rolls();
      await driver.until("every roll has ended", 120, async () => {
        const ended = rolls().filter(({ status }) => status !== "RUNNING");
        return ended.length >= SERVICES && ended.length === rolls().length;
      });
      expect(Object.groupBy(rolls(), ({ outcome }) => outcome ?? "none")).toEqual({ succeeded: rolls() });
      expect(rolls()).toHaveLength(SERVICES);
      // ECS registers one revision a second: more than a quarter of an hour would be ours.
      expect((driver.lab.clock.now() - begunAtMs) / 60_000).toBeLessThan(15);
    }));
});
