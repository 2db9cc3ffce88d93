import { describe, expect, it } from "vitest";
import { createService } from "../../lab/fleet/fleet.ts";
import { arnOf, type LabDriver } from "../../lab/story/lab-driver.ts";
import { BAD_IMAGE, cart, cartFleet, enrollAs, IMAGE, web, webDefinition } from "./support/fleets.ts";
import { expectAtRest, expectMeshed, outcomesOf } from "./support/inspect.ts";
import { onLab } from "./support/on-lab.ts";

/** Another service of the same name, with a definition of a family of its own. */
const cartAgain = web("cart", {
  desiredCount: 2,
  taskDefinition: webDefinition("cart", { family: "cart-again" }),
  tags: { ...enrollAs("cart"), [IMAGE]: BAD_IMAGE },
});

const remove = (driver: LabDriver) =>
  driver.lab.call(cart, "DeleteService", { cluster: cart.cluster, service: cart.name, force: true });
const create = (driver: LabDriver) => createService(cartAgain, (at, call, input) => driver.lab.call(at, call, input));

const familyOf = (revisionArn: string) => revisionArn.split("/").at(-1)?.split(":")[0];

describe("a service that is created again under its name", () => {
  it("gets no revision of the earlier service, not even when its first roll fails", () =>
    onLab({ fleet: cartFleet }, async (driver) => {
      await driver.tag(cart, enrollAs("cart"));
      await driver.until("cart is enrolled", 10, () => driver.ended(cart, "succeeded"));
      const before = await driver.state(cart);
      expect(familyOf(before?.lastGoodRevisionArn ?? "")).toBe("cart");
      await remove(driver);
      await driver.minutes(10);
      driver.lab.faults.add({ kind: "container-unhealthy", match: { image: BAD_IMAGE } });
      await create(driver);
      await driver.until("its first roll fails", 60, async () => driver.ended(cart, "reverted"));
      expect(familyOf(await driver.revisionOf(cart))).toBe("cart-again");
      const state = await driver.state(cart);
      expect(state).toMatchObject({ consecutiveFailures: 1 });
      expect(state?.createdAtMs).toBeGreaterThan(before?.createdAtMs ?? Number.POSITIVE_INFINITY);
      expect(JSON.stringify(state)).not.toContain(before?.lastGoodRevisionArn);
      driver.lab.faults.replace([]);
      await driver.until("it is enrolled", 240, () => driver.ended(cart, "succeeded"));
      await driver.minutes(2);
      await expectMeshed(driver, cart);
      expect(familyOf(await driver.revisionOf(cart))).toBe("cart-again");
    }));

  it("during a roll is left alone by that roll, and rolled by one of its own", () =>
    onLab({ fleet: cartFleet }, async (driver) => {
      driver.lab.faults.add({ kind: "container-unhealthy", match: { image: BAD_IMAGE } });
      await driver.tag(cart, { ...enrollAs("cart"), [IMAGE]: BAD_IMAGE });
      await driver.until("a roll waits", 10, async () => (await driver.state(cart))?.roll?.taskToken !== undefined);
      await remove(driver);
      driver.lab.faults.replace([]);
      const isGone = async () => driver.lab.ecs.findService(arnOf(cart))?.status !== "DRAINING";
      await driver.until("its tasks have stopped", 10, isGone);
      await create(driver);
      await driver.minutes(90);
      expect(familyOf(await driver.revisionOf(cart))).toBe("cart-again");
      expect(outcomesOf(driver, cart)[0]).toBe("superseded");
      await expectMeshed(driver, cart);
      await expectAtRest(driver, cart);
    }));
});
