import { describe, expect, it } from "vitest";
import { awsCallCount } from "../../lab/lambda/rolls.ts";
import { arnOf, type LabDriver, type ServiceName } from "../../lab/story/lab-driver.ts";
import {
  BAD_IMAGE,
  cart,
  demo,
  ENROLL,
  enrollAs,
  fleetOf,
  IMAGE,
  released,
  web,
  webDefinition,
} from "./support/fleets.ts";
import { outcomesOf } from "./support/inspect.ts";
import { onLab } from "./support/on-lab.ts";

const fleet = fleetOf([web("cart", { desiredCount: 2 }), web("other")]);

async function enrollCart(driver: LabDriver): Promise<void> {
  await driver.tag(cart, enrollAs("cart"));
  await driver.until("cart is enrolled", 10, () => driver.ended(cart, "succeeded"));
  await driver.minutes(2);
}

const ALARMS = "ztunnel-autopilot/alarms";
/** A tag of ours that changes nothing in the running service. The first event about it fills the caches. */
const warmUp = { [ALARMS]: "before" };

/** The functions' ECS calls while they handle a tag event of the service. */
async function callsOfReconcile(driver: LabDriver, service: ServiceName, tags = { [ALARMS]: "after" }) {
  const calls: Record<string, number> = {};
  const stop = driver.lab.router.onCall(({ service: api, operation, invocation }) => {
    if (api === "ecs" && invocation !== undefined) calls[operation] = (calls[operation] ?? 0) + 1;
  });
  await driver.tag(service, tags);
  await driver.lab.clock.sleep(10_000);
  stop();
  return calls;
}

const total = (calls: Readonly<Record<string, number>>) => Object.values(calls).reduce((sum, count) => sum + count, 0);

describe("the cost of a roll", () => {
  // One of them reads the secret's policy: nothing stands in for it, and no reader is ever lost.
  it("is at most 9 transitions and 11 ECS and Secrets Manager calls if the secret version exists", () =>
    onLab({ fleet }, async (driver) => {
      await enrollCart(driver);
      await driver.deploy(cart, released(webDefinition("cart"), "app", "shop/cart:2"));
      await driver.until("a second roll has ended", 10, () => outcomesOf(driver, cart)[1] === "succeeded");
      const [, roll] = driver.rollsOf(cart);
      expect(roll?.transitions).toBeLessThanOrEqual(9);
      expect(awsCallCount(roll?.calls ?? {}), JSON.stringify(roll?.calls)).toBeLessThanOrEqual(11);
    }));

  it("is the same for an update of the image", () =>
    onLab({ fleet }, async (driver) => {
      await enrollCart(driver);
      await driver.tag(cart, { [IMAGE]: BAD_IMAGE });
      await driver.until("a second roll has ended", 10, () => outcomesOf(driver, cart)[1] === "succeeded");
      const [, roll] = driver.rollsOf(cart);
      expect(roll?.transitions).toBeLessThanOrEqual(9);
      expect(awsCallCount(roll?.calls ?? {}), JSON.stringify(roll?.calls)).toBeLessThanOrEqual(10);
    }));

  // Three of them ask who else uses the task definition's family.
  it("is at most 9 transitions and 21 calls for the first roll, which creates the secret", () =>
    onLab({ fleet }, async (driver) => {
      await enrollCart(driver);
      const [roll] = driver.rollsOf(cart);
      expect(roll?.transitions).toBeLessThanOrEqual(9);
      expect(awsCallCount(roll?.calls ?? {}), JSON.stringify(roll?.calls)).toBeLessThanOrEqual(21);
    }));

  it("is at most 9 transitions and 10 calls when a service is unenrolled", () =>
    onLab({ fleet }, async (driver) => {
      await enrollCart(driver);
      await driver.untag(cart, ENROLL);
      await driver.until("a second roll has ended", 10, () => outcomesOf(driver, cart)[1] === "succeeded");
      const [, roll] = driver.rollsOf(cart);
      expect(roll?.transitions).toBeLessThanOrEqual(9);
      expect(awsCallCount(roll?.calls ?? {}), JSON.stringify(roll?.calls)).toBeLessThanOrEqual(10);
    }));
});

describe("the cost of an event that changes nothing", () => {
  it("is at most 2 ECS calls for an enrolled service", () =>
    onLab({ fleet, schedules: false }, async (driver) => {
      await enrollCart(driver);
      await callsOfReconcile(driver, cart, warmUp);
      const calls = await callsOfReconcile(driver, cart);
      expect(total(calls), JSON.stringify(calls)).toBeLessThanOrEqual(2);
      expect(total(calls)).toBeGreaterThan(0);
      expect(driver.rollsOf(cart)).toHaveLength(1);
    }));

  it("is 1 ECS call for a service that is not enrolled", () =>
    onLab({ fleet, schedules: false }, async (driver) => {
      const other = demo("other");
      await callsOfReconcile(driver, other, warmUp);
      const calls = await callsOfReconcile(driver, other);
      expect(calls).toEqual({ DescribeServices: 1 });
      expect(await driver.lab.ledger.getService(arnOf(other))).toBeUndefined();
    }));

  it("is zero ECS calls while a roll holds the service's lease", () =>
    onLab({ fleet, schedules: false }, async (driver) => {
      await driver.tag(cart, enrollAs("cart"));
      await driver.until("rolling", 5, async () => (await driver.state(cart))?.roll?.taskToken !== undefined);
      expect(await callsOfReconcile(driver, cart)).toEqual({});
    }));
});
