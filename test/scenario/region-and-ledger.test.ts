import { describe, expect, it } from "vitest";
import { EU, US } from "../../lab/fleet/demo.ts";
import type { Fleet } from "../../lab/fleet/fleet.ts";
import type { LabDriver } from "../../lab/story/lab-driver.ts";
import { cart, cartFleet, enrollAs, shop, web, webDefinition } from "./support/fleets.ts";
import { expectAtRest, expectMeshed, outcomesOf, revisionsOf } from "./support/inspect.ts";
import { onLab } from "./support/on-lab.ts";

const fromNow = (driver: LabDriver, minutes: number) => driver.lab.clock.now() + minutes * 60_000;

async function untilEnrolled(driver: LabDriver, service: typeof cart, withinMinutes: number): Promise<void> {
  await driver.until(`${service.name} is enrolled`, withinMinutes, () => driver.ended(service, "succeeded"));
  await driver.minutes(2);
  await expectMeshed(driver, service);
  await expectAtRest(driver, service);
}

describe("a member's region is down", () => {
  const basket = shop("basket");
  const roleArn = (kind: string) => `arn:aws:iam::${EU.account}:role/basket-${kind}`;
  const taskDefinition = webDefinition("basket", {
    taskRoleArn: roleArn("task"),
    executionRoleArn: roleArn("execution"),
  });
  const twoRegions: Fleet = {
    clusters: [...cartFleet.clusters, { ...EU, name: "shop", tags: {} }],
    services: [
      ...cartFleet.services,
      { ...web("basket", { taskDefinition, desiredCount: 2 }), ...EU, cluster: "shop" },
    ],
  };
  const goDown = (driver: LabDriver, minutes: number) =>
    driver.lab.faults.add({ kind: "region-down", match: EU, untilMs: fromNow(driver, minutes) });

  it("when a service there is tagged: it is enrolled once the region is up, and services elsewhere meanwhile", () =>
    onLab({ fleet: twoRegions }, async (driver) => {
      await driver.tag(basket, enrollAs("basket"));
      goDown(driver, 20);
      await expect(driver.describe(basket)).rejects.toThrow(/ServiceUnavailable/);
      await driver.tag(cart, enrollAs("cart"));
      await driver.until("cart is enrolled", 10, () => driver.ended(cart, "succeeded"));
      await expectMeshed(driver, cart);
      expect((await driver.state(basket))?.enrolled ?? false).toBe(false);
      await driver.minutes(20);
      await untilEnrolled(driver, basket, 40);
      expect(await revisionsOf(driver, basket, "basket")).toHaveLength(2);
    }));

  it("while a roll waits for its deployment there: the roll succeeds, with one revision", () =>
    onLab({ fleet: twoRegions }, async (driver) => {
      await driver.tag(basket, enrollAs("basket"));
      await driver.until("rolling", 5, async () => (await driver.state(basket))?.roll?.taskToken !== undefined);
      goDown(driver, 4);
      await untilEnrolled(driver, basket, 40);
      const delayed = driver.lab.eventBridge.log().filter(({ notes }) => notes.includes("region-down"));
      expect(delayed.map(({ event }) => event.detail.eventName)).toContain("SERVICE_DEPLOYMENT_COMPLETED");
      expect(await revisionsOf(driver, basket, "basket")).toHaveLength(2);
    }));
});

/** The ledger calls of a roll. */
const ledgerCalls = ["getService", "takeLease", "updateRoll", "recordSignal", "finishRoll"].map(
  (name) => `ledger.${name}`,
);

describe("the ledger's DynamoDB", () => {
  it.each(ledgerCalls)("throttles %s once: the roll succeeds", (call) =>
    onLab({ fleet: cartFleet }, async (driver) => {
      driver.lab.faults.add({ kind: "throttle", match: { call }, count: 1 });
      await driver.tag(cart, enrollAs("cart"));
      await untilEnrolled(driver, cart, 30);
      expect(driver.lab.faults.list()[0]?.struck).toBe(1);
      expect(failureCodes(driver)).toContain("throttled");
      expect(outcomesOf(driver, cart)).toEqual(["succeeded"]);
      expect(await revisionsOf(driver, cart, "cart")).toHaveLength(2);
    }),
  );

  it.each(ledgerCalls)("fails %s for five minutes: the service is enrolled afterwards, with one revision", (call) =>
    onLab({ fleet: cartFleet }, async (driver) => {
      driver.lab.faults.add({ kind: "api-error", match: { call }, untilMs: fromNow(driver, 5) });
      await driver.tag(cart, enrollAs("cart"));
      await driver.minutes(5);
      await untilEnrolled(driver, cart, 60);
      expect(failureCodes(driver)).toContain("aws-unavailable");
      expect(await revisionsOf(driver, cart, "cart")).toHaveLength(2);
    }),
  );

  it("is down with the whole home region: the service is enrolled once the region is up", () =>
    onLab({ fleet: cartFleet }, async (driver) => {
      await driver.tag(cart, enrollAs("cart"));
      driver.lab.faults.add({ kind: "region-down", match: US, untilMs: fromNow(driver, 10) });
      await driver.minutes(10);
      await untilEnrolled(driver, cart, 60);
      expect(await revisionsOf(driver, cart, "cart")).toHaveLength(2);
    }));

  it("throttles the sweep's list of services: the sweep is retried, and finds the service without an event", () =>
    onLab({ fleet: cartFleet }, async (driver) => {
      driver.lab.faults.add({ kind: "lose-event", match: { service: "cart", detailType: "Tag *" } });
      driver.lab.faults.add({ kind: "throttle", match: { call: "ledger.listServices" }, count: 1 });
      await driver.tag(cart, enrollAs("cart"));
      await untilEnrolled(driver, cart, 25);
      expect(driver.lab.faults.list().map(({ struck }) => struck)).toEqual([expect.any(Number), 1]);
    }));

  it("denies every call: the failure is access-denied, and no roll starts", () =>
    onLab({ fleet: cartFleet }, async (driver) => {
      const match = { call: "ledger.*" };
      driver.lab.faults.add({ kind: "api-error", match, error: "AccessDeniedException" });
      await driver.tag(cart, enrollAs("cart"));
      await driver.minutes(5);
      expect(failureCodes(driver)).toContain("access-denied");
      expect(driver.rollsOf(cart)).toEqual([]);
    }));
});

/** The codes of the failures that functions logged. */
function failureCodes(driver: LabDriver): readonly string[] {
  return driver.lab.logs.flatMap(({ line }) => /"code":"([a-z-]+)"/.exec(line)?.[1] ?? []);
}
