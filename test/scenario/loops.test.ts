import { describe, expect, it } from "vitest";
import { arnOf, type LabDriver } from "../../lab/story/lab-driver.ts";
import { BAD_IMAGE, demo, enrollAs, fleetOf, IMAGE, released, web, webDefinition } from "./support/fleets.ts";
import { onLab, type Scenario, START_MS } from "./support/on-lab.ts";
import { eventTypesOf, expectAtRest, expectMeshed, revisionsOf } from "./support/witness.ts";

const cart = demo("cart");
/** Delays of which several fit in a day. */
const scenario: Scenario = {
  fleet: fleetOf([web("cart", { desiredCount: 2 })]),
  policy: { attemptDelaysMinutes: [30, 60, 240] },
};

/** The minutes from one roll's end to the next one's start. */
function pausesMinutes(stage: LabDriver): readonly number[] {
  const rolls = stage.rollsOf(cart);
  return rolls.slice(1).map((roll, index) => {
    const before = rolls[index];
    const endMs = Date.parse(before?.startedAt ?? "") + (before?.seconds ?? 0) * 1000;
    return (Date.parse(roll.startedAt) - endMs) / 60_000;
  });
}

/** A day passes. Returns how many rolls there were, after seeing that each waited for its delay. */
async function rollsInADay(stage: LabDriver): Promise<number> {
  await stage.lab.clock.sleep(START_MS + 24 * 3_600_000 - stage.lab.clock.now());
  const delays = [30, 60, 240, 240, 240, 240, 240];
  for (const [index, pause] of pausesMinutes(stage).entries()) {
    expect(pause, `pause ${index + 1}`).toBeGreaterThanOrEqual(delays[index] ?? 0);
    // The sweep that finds it comes every 15 minutes.
    expect(pause, `pause ${index + 1}`).toBeLessThan((delays[index] ?? 0) + 16);
  }
  return stage.rollsOf(cart).length;
}

describe("what fails for a day is tried by the attempts' delays, never in a loop", () => {
  it("the control plane does not answer", () =>
    onLab(scenario, async (stage) => {
      stage.lab.faults.add({ kind: "kubernetes-down" });
      await stage.tag(cart, enrollAs("cart"));
      expect(await rollsInADay(stage)).toBeLessThanOrEqual(8);
      expect(stage.rollsOf(cart).length).toBeGreaterThanOrEqual(7);
      expect(await revisionsOf(stage, cart, "cart")).toHaveLength(1);
      expect((await stage.state(cart))?.lastOutcome).toMatchObject({
        outcome: "failed",
        reason: "control-plane-unreachable",
      });
      expect(stage.messagesAbout(cart), "every attempt is told").toHaveLength(stage.rollsOf(cart).length);
      await stage.minutes(15);
      await expectAtRest(stage, cart);
    }));

  it("the image never gets healthy: one revision, however often it is tried", () =>
    onLab(scenario, async (stage) => {
      await stage.tag(cart, { ...enrollAs("cart"), [IMAGE]: BAD_IMAGE });
      stage.lab.faults.add({ kind: "container-unhealthy", match: { image: BAD_IMAGE } });
      expect(await rollsInADay(stage)).toBeLessThanOrEqual(8);
      expect(stage.rollsOf(cart).length).toBeGreaterThanOrEqual(6);
      expect(await revisionsOf(stage, cart, "cart")).toHaveLength(2);
      expect(await stage.containersOf(cart)).toEqual(["app"]);
    }));

  it("ECS denies RegisterTaskDefinition: named, the service is not touched", () =>
    onLab(scenario, async (stage) => {
      const match = { call: "ecs.RegisterTaskDefinition" };
      stage.lab.faults.add({ kind: "api-error", match, error: "AccessDeniedException" });
      await stage.tag(cart, enrollAs("cart"));
      expect(await rollsInADay(stage)).toBeLessThanOrEqual(8);
      expect((await stage.state(cart))?.lastOutcome).toMatchObject({ outcome: "reverted", reason: "access-denied" });
      expect(stage.lab.ecs.findService(arnOf(cart))?.history, "only the fleet's own deployment").toHaveLength(1);
    }));

  it("a pipeline deploys meanwhile: that is another situation, tried at once", () =>
    onLab(scenario, async (stage) => {
      await stage.tag(cart, { ...enrollAs("cart"), [IMAGE]: BAD_IMAGE });
      stage.lab.faults.add({ kind: "container-unhealthy", match: { image: BAD_IMAGE } });
      await stage.until("reverted", 40, () => stage.ended(cart, "reverted"));
      stage.lab.faults.replace([]);
      await stage.deploy(cart, released(webDefinition("cart"), "app", "shop/cart:2"));
      await stage.until("enrolled", 10, () => stage.ended(cart, "succeeded"));
      await stage.minutes(1);
      await expectMeshed(stage, cart);
    }));
});

describe("a service that is as it should be", () => {
  it("makes no roll, no revision and no event in two days", () =>
    onLab({ fleet: scenario.fleet }, async (stage) => {
      await stage.tag(cart, enrollAs("cart"));
      await stage.until("enrolled", 10, () => stage.ended(cart, "succeeded"));
      await stage.minutes(3);
      const registered = stage.lab.router.calls()["ecs.RegisterTaskDefinition"];
      await stage.minutes(2 * 24 * 60);
      expect(stage.rollsOf(cart)).toHaveLength(1);
      expect(eventTypesOf(stage, cart)).toEqual(["Service Enrolled"]);
      expect(stage.lab.router.calls()["ecs.RegisterTaskDefinition"]).toBe(registered);
      expect(stage.lab.lambda.deadLetters).toEqual([]);
      await expectMeshed(stage, cart);
    }));

  it("is redeployed by its owner without a change: no roll", () =>
    onLab({ fleet: scenario.fleet }, async (stage) => {
      await stage.tag(cart, enrollAs("cart"));
      await stage.until("enrolled", 10, () => stage.ended(cart, "succeeded"));
      const input = { cluster: "ecs-demo", service: "cart", forceNewDeployment: true };
      await stage.lab.call(cart, "UpdateService", input);
      await stage.minutes(30);
      expect(stage.rollsOf(cart)).toHaveLength(1);
      await expectMeshed(stage, cart);
    }));
});
