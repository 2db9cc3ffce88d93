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
import { onLab } from "./support/on-lab.ts";
import { outcomesOf } from "./support/witness.ts";

const fleet = fleetOf([web("cart", { desiredCount: 2 }), web("other")]);

async function enrollCart(stage: LabDriver): Promise<void> {
  await stage.tag(cart, enrollAs("cart"));
  await stage.until("cart is enrolled", 10, () => stage.ended(cart, "succeeded"));
  await stage.minutes(2);
}

const HOSTNAME = "ecs.solo.io/hostname";
/** A tag of ours that changes nothing in what runs: the first event about it fills the caches. */
const warmUp = { [HOSTNAME]: "b.example.com" };

/** ECS calls of the functions while an event about the service is looked at. */
async function callsOfALook(stage: LabDriver, service: ServiceName, tags = { [HOSTNAME]: "a.example.com" }) {
  const calls: Record<string, number> = {};
  const stop = stage.lab.router.onCall(({ service: api, operation, invocation }) => {
    if (api === "ecs" && invocation !== undefined) calls[operation] = (calls[operation] ?? 0) + 1;
  });
  await stage.tag(service, tags);
  await stage.lab.clock.sleep(10_000);
  stop();
  return calls;
}

const total = (calls: Readonly<Record<string, number>>) => Object.values(calls).reduce((sum, count) => sum + count, 0);

describe("what a roll may cost", () => {
  it("a roll whose secret version exists takes at most 9 transitions and 10 ECS and Secrets Manager calls", () =>
    onLab({ fleet }, async (stage) => {
      await enrollCart(stage);
      await stage.deploy(cart, released(webDefinition("cart"), "app", "shop/cart:2"));
      await stage.until("a second roll has ended", 10, () => outcomesOf(stage, cart)[1] === "succeeded");
      const [, roll] = stage.rollsOf(cart);
      expect(roll?.transitions).toBeLessThanOrEqual(9);
      expect(awsCallCount(roll?.calls ?? {}), JSON.stringify(roll?.calls)).toBeLessThanOrEqual(10);
    }));

  it("an update of the image takes no more", () =>
    onLab({ fleet }, async (stage) => {
      await enrollCart(stage);
      await stage.tag(cart, { [IMAGE]: BAD_IMAGE });
      await stage.until("a second roll has ended", 10, () => outcomesOf(stage, cart)[1] === "succeeded");
      const [, roll] = stage.rollsOf(cart);
      expect(roll?.transitions).toBeLessThanOrEqual(9);
      expect(awsCallCount(roll?.calls ?? {}), JSON.stringify(roll?.calls)).toBeLessThanOrEqual(10);
    }));

  it("the first roll takes at most 9 transitions; the secret costs its calls once", () =>
    onLab({ fleet }, async (stage) => {
      await enrollCart(stage);
      const [roll] = stage.rollsOf(cart);
      expect(roll?.transitions).toBeLessThanOrEqual(9);
      expect(awsCallCount(roll?.calls ?? {}), JSON.stringify(roll?.calls)).toBeLessThanOrEqual(20);
    }));

  it("a roll out of the mesh takes at most 9 transitions and 10 calls", () =>
    onLab({ fleet }, async (stage) => {
      await enrollCart(stage);
      await stage.untag(cart, ENROLL);
      await stage.until("a second roll has ended", 10, () => outcomesOf(stage, cart)[1] === "succeeded");
      const [, roll] = stage.rollsOf(cart);
      expect(roll?.transitions).toBeLessThanOrEqual(9);
      expect(awsCallCount(roll?.calls ?? {}), JSON.stringify(roll?.calls)).toBeLessThanOrEqual(10);
    }));
});

describe("what an event may cost that changes nothing", () => {
  it("at most 2 ECS calls for an enrolled service", () =>
    onLab({ fleet, schedules: false }, async (stage) => {
      await enrollCart(stage);
      await callsOfALook(stage, cart, warmUp);
      const calls = await callsOfALook(stage, cart);
      expect(total(calls), JSON.stringify(calls)).toBeLessThanOrEqual(2);
      expect(total(calls)).toBeGreaterThan(0);
      expect(stage.rollsOf(cart)).toHaveLength(1);
    }));

  it("1 ECS call for a service that is not enrolled", () =>
    onLab({ fleet, schedules: false }, async (stage) => {
      const other = demo("other");
      await callsOfALook(stage, other, warmUp);
      const calls = await callsOfALook(stage, other);
      expect(calls).toEqual({ DescribeServices: 1 });
      expect(await stage.lab.ledger.getService(arnOf(other))).toBeUndefined();
    }));

  it("no ECS call while a roll holds the service", () =>
    onLab({ fleet, schedules: false }, async (stage) => {
      await stage.tag(cart, enrollAs("cart"));
      await stage.until("rolling", 5, async () => (await stage.state(cart))?.roll?.taskToken !== undefined);
      expect(await callsOfALook(stage, cart)).toEqual({});
    }));
});
