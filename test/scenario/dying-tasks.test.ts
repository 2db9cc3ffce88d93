import { describe, expect, it } from "vitest";
import { cart, cartFleet, enrollAs } from "./support/fleets.ts";
import { eventsOf } from "./support/inspect.ts";
import { onLab } from "./support/on-lab.ts";

describe("tasks of a service in the mesh", () => {
  it("that keep dying after its roll are notified once, with ztunnel as the cause", () =>
    onLab({ fleet: cartFleet }, async (driver) => {
      const dies = { kind: "task-dies", match: { service: "cart", container: "ztunnel" }, exitCode: 1 } as const;
      driver.lab.faults.add({ ...dies, delaySeconds: 300 });
      await driver.tag(cart, enrollAs("cart"));
      await driver.until("cart is enrolled", 10, () => driver.ended(cart, "succeeded"));
      await driver.minutes(60);
      const unhealthy = eventsOf(driver, cart).filter(({ type }) => type === "Service Unhealthy");
      expect(unhealthy.map(({ detail }) => detail)).toMatchObject([{ code: "ztunnel-unhealthy", stoppedTasks: 3 }]);
      expect((await driver.state(cart))?.stops?.count).toBeGreaterThan(3);
      expect(driver.messagesAbout(cart).filter((text) => text.includes("keep dying"))).toHaveLength(1);
    }));
});
