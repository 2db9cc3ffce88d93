import { describe, expect, it } from "vitest";
import { EU, US } from "../../lab/fleet/demo.ts";
import type { Fleet } from "../../lab/fleet/fleet.ts";
import type { LabDriver } from "../../lab/story/lab-driver.ts";
import { cart, cartFleet, enrollAs, shop, web, webDefinition } from "./support/fleets.ts";
import { onLab } from "./support/on-lab.ts";
import { expectAtRest, expectMeshed, outcomesOf, revisionsOf } from "./support/witness.ts";

const fromNow = (stage: LabDriver, minutes: number) => stage.lab.clock.now() + minutes * 60_000;

async function enrolledInTheEnd(stage: LabDriver, service: typeof cart, withinMinutes: number): Promise<void> {
  await stage.until(`${service.name} is enrolled`, withinMinutes, () => stage.ended(service, "succeeded"));
  await stage.minutes(2);
  await expectMeshed(stage, service);
  await expectAtRest(stage, service);
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
  const goDown = (stage: LabDriver, minutes: number) =>
    stage.lab.faults.add({ kind: "region-down", match: EU, untilMs: fromNow(stage, minutes) });

  it("when a service there was just tagged: it is enrolled once the region is up, services elsewhere meanwhile", () =>
    onLab({ fleet: twoRegions }, async (stage) => {
      await stage.tag(basket, enrollAs("basket"));
      goDown(stage, 20);
      await expect(stage.describe(basket)).rejects.toThrow(/ServiceUnavailable/);
      await stage.tag(cart, enrollAs("cart"));
      await stage.until("cart is enrolled", 10, () => stage.ended(cart, "succeeded"));
      await expectMeshed(stage, cart);
      expect((await stage.state(basket))?.enrolled ?? false).toBe(false);
      await stage.minutes(20);
      await enrolledInTheEnd(stage, basket, 40);
      expect(await revisionsOf(stage, basket, "basket")).toHaveLength(2);
    }));

  it("while a roll waits for its deployment there: it completes, with one revision", () =>
    onLab({ fleet: twoRegions }, async (stage) => {
      await stage.tag(basket, enrollAs("basket"));
      await stage.until("rolling", 5, async () => (await stage.state(basket))?.roll?.taskToken !== undefined);
      goDown(stage, 4);
      await enrolledInTheEnd(stage, basket, 40);
      const heldBack = stage.lab.eventBridge.log().filter(({ notes }) => notes.includes("region-down"));
      expect(heldBack.map(({ event }) => event.detail.eventName)).toContain("SERVICE_DEPLOYMENT_COMPLETED");
      expect(await revisionsOf(stage, basket, "basket")).toHaveLength(2);
    }));
});

/** The ledger calls of a roll. */
const ledgerCalls = ["getService", "takeLease", "updateRoll", "recordSignal", "finishRoll"].map(
  (name) => `ledger.${name}`,
);

describe("the ledger's DynamoDB", () => {
  it.each(ledgerCalls)("throttles %s once: the roll succeeds", (call) =>
    onLab({ fleet: cartFleet }, async (stage) => {
      stage.lab.faults.add({ kind: "throttle", match: { call }, count: 1 });
      await stage.tag(cart, enrollAs("cart"));
      await enrolledInTheEnd(stage, cart, 30);
      expect(stage.lab.faults.list()[0]?.struck).toBe(1);
      expect(failureCodes(stage)).toContain("throttled");
      expect(outcomesOf(stage, cart)).toEqual(["succeeded"]);
      expect(await revisionsOf(stage, cart, "cart")).toHaveLength(2);
    }),
  );

  it.each(ledgerCalls)(
    "fails at %s for five minutes: in the end the service is in the mesh, with one revision",
    (call) =>
      onLab({ fleet: cartFleet }, async (stage) => {
        stage.lab.faults.add({ kind: "api-error", match: { call }, untilMs: fromNow(stage, 5) });
        await stage.tag(cart, enrollAs("cart"));
        await stage.minutes(5);
        await enrolledInTheEnd(stage, cart, 60);
        expect(failureCodes(stage)).toContain("aws-unavailable");
        expect(await revisionsOf(stage, cart, "cart")).toHaveLength(2);
      }),
  );

  it("is down with all of the home region: the service is in the mesh once it is up", () =>
    onLab({ fleet: cartFleet }, async (stage) => {
      await stage.tag(cart, enrollAs("cart"));
      stage.lab.faults.add({ kind: "region-down", match: US, untilMs: fromNow(stage, 10) });
      await stage.minutes(10);
      await enrolledInTheEnd(stage, cart, 60);
      expect(await revisionsOf(stage, cart, "cart")).toHaveLength(2);
    }));

  it("throttles the sweep's list of services: it is tried again, and finds what no event told", () =>
    onLab({ fleet: cartFleet }, async (stage) => {
      stage.lab.faults.add({ kind: "lose-event", match: { service: "cart", detailType: "Tag *" } });
      stage.lab.faults.add({ kind: "throttle", match: { call: "ledger.listServices" }, count: 1 });
      await stage.tag(cart, enrollAs("cart"));
      await enrolledInTheEnd(stage, cart, 25);
      expect(stage.lab.faults.list().map(({ struck }) => struck)).toEqual([expect.any(Number), 1]);
    }));

  it("denies every call: named as that, and no roll begins", () =>
    onLab({ fleet: cartFleet }, async (stage) => {
      const match = { call: "ledger.*" };
      stage.lab.faults.add({ kind: "api-error", match, error: "AccessDeniedException" });
      await stage.tag(cart, enrollAs("cart"));
      await stage.minutes(5);
      expect(failureCodes(stage)).toContain("access-denied");
      expect(stage.rollsOf(cart)).toEqual([]);
    }));
});

/** The codes of the failures that functions have logged. */
function failureCodes(stage: LabDriver): readonly string[] {
  return stage.lab.logs.flatMap(({ line }) => /"code":"([a-z-]+)"/.exec(line)?.[1] ?? []);
}
