import { describe, expect, it } from "vitest";
import type { LabDriver } from "../../lab/story/lab-driver.ts";
import { BAD_IMAGE, cart, cartFleet, enrollAs, IMAGE } from "./support/fleets.ts";
import { eventsOf, expectAtRest } from "./support/inspect.ts";
import { onLab } from "./support/on-lab.ts";

async function deleteCart(driver: LabDriver): Promise<void> {
  await driver.lab.call(cart, "DeleteService", { cluster: "ecs-demo", service: "cart", force: true });
}

/** What people read about the roll: it ended because somebody deleted the service, and nothing has to be done. */
async function expectTrueWords(driver: LabDriver, what: string): Promise<void> {
  const rolled = eventsOf(driver, cart).filter(({ type }) => type.startsWith("Service Roll"));
  for (const { type, detail } of rolled.slice(-1)) {
    expect({ type, reason: detail.reason }, what).toEqual({
      type: "Service Roll Superseded",
      reason: "service-deleted",
    });
  }
  const texts = driver.messagesAbout(cart).join("\n");
  expect(texts, what).not.toMatch(/somebody deployed|could NOT be reverted/i);
  await expectAtRest(driver, cart);
}

describe("a service that is deleted during its roll", () => {
  it("is reported as deleted, whenever that happens, and leaves nothing behind", async () => {
    let reported = 0;
    for (let seconds = 1; seconds < 90; seconds += 4) {
      await onLab({ fleet: cartFleet, latency: true, seed: seconds }, async (driver) => {
        await driver.tag(cart, enrollAs("cart"));
        await driver.lab.clock.sleep(seconds * 1000);
        if (await driver.ended(cart, "succeeded")) return;
        await deleteCart(driver);
        await driver.minutes(60);
        await expectTrueWords(driver, `deleted after ${seconds} seconds`);
        reported += eventsOf(driver, cart).filter(({ type }) => type === "Service Roll Superseded").length;
      });
    }
    expect(reported).toBeGreaterThan(3);
  });

  it("is reported as deleted where the roll is about to revert it", async () => {
    for (const seconds of [0, 20, 60, 120]) {
      await onLab({ fleet: cartFleet, latency: true, seed: seconds }, async (driver) => {
        await driver.tag(cart, enrollAs("cart"));
        await driver.until("cart is enrolled", 10, () => driver.ended(cart, "succeeded"));
        driver.lab.faults.add({ kind: "container-unhealthy", match: { image: BAD_IMAGE } });
        await driver.tag(cart, { [IMAGE]: BAD_IMAGE });
        await driver.until("the roll waits", 10, async () => (await driver.state(cart))?.roll?.taskToken !== undefined);
        await driver.lab.clock.sleep(seconds * 1000);
        if ((await driver.state(cart))?.roll === undefined) return;
        await deleteCart(driver);
        await driver.minutes(60);
        await expectTrueWords(driver, `deleted ${seconds} seconds later`);
      });
    }
  });
});
