import { describe, expect, it } from "vitest";
import type { LabDriver } from "../../lab/story/lab-driver.ts";
import { cart, cartFleet, enrollAs } from "./support/fleets.ts";
import { boundRole, expectMeshed, outcomesOf } from "./support/inspect.ts";
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

describe("a namespace that somebody deletes", () => {
  const terminating = (driver: LabDriver, minutes: number) =>
    driver.lab.faults.add({
      kind: "namespace-terminating",
      match: { controlPlane: "mesh-us", namespace: "ecs-shop" },
      untilMs: driver.lab.clock.now() + minutes * 60_000,
    });
  const create = (driver: LabDriver) =>
    driver.lab.controlPlanes.get("mesh-us")?.put({
      apiVersion: "v1",
      kind: "Namespace",
      metadata: { name: "ecs-shop", labels: { "istio.io/dataplane-mode": "ambient" } },
    });

  it("is waited for by the roll that needs it", () =>
    onLab({ fleet: cartFleet }, async (driver) => {
      create(driver);
      terminating(driver, 1);
      await driver.tag(cart, enrollAs("cart"));
      await driver.until("cart has joined", 15, () => driver.ended(cart, "succeeded"));
      expect(outcomesOf(driver, cart)).toEqual(["succeeded"]);
      expect(driver.lab.faults.list()[0]?.struck).toBeGreaterThan(0);
      await expectMeshed(driver, cart);
    }));

  it("that takes an hour to go is tried again, and the service keeps running meanwhile", () =>
    onLab({ fleet: cartFleet }, async (driver) => {
      create(driver);
      const before = await driver.revisionOf(cart);
      terminating(driver, 60);
      await driver.tag(cart, enrollAs("cart"));
      await driver.minutes(59);
      expect(await driver.revisionOf(cart)).toBe(before);
      expect(driver.messagesAbout(cart).join()).toContain("The Kubernetes API can't take the call now");
      await driver.until("cart has joined", 90, () => driver.ended(cart, "succeeded"));
      await expectMeshed(driver, cart);
    }));

  it("with services of the mesh in it gets its bindings back without a roll", () =>
    onLab({ fleet: cartFleet }, async (driver) => {
      await driver.tag(cart, enrollAs("cart"));
      await driver.until("cart has joined", 15, () => driver.ended(cart, "succeeded"));
      terminating(driver, 10);
      await driver.minutes(1);
      expect(boundRole(driver, "mesh-us", "ecs-shop", "cart")).toBeUndefined();
      await driver.minutes(75);
      expect(boundRole(driver, "mesh-us", "ecs-shop", "cart")).toMatch(/:role\/cart-task$/);
      expect(outcomesOf(driver, cart)).toEqual(["succeeded"]);
      await expectMeshed(driver, cart);
    }));
});
