import { describe, expect, it } from "vitest";
import { arnOf, type LabDriver } from "../../lab/story/lab-driver.ts";
import { BAD_IMAGE, cart, enrollAs, fleetOf, IMAGE, released, web, webDefinition } from "./support/fleets.ts";
import { eventTypesOf, expectAtRest, expectMeshed, revisionsOf } from "./support/inspect.ts";
import { onLab, type Scenario, START_MS } from "./support/on-lab.ts";

/** Short delays, so that several attempts fit into a day. */
const scenario: Scenario = {
  fleet: fleetOf([web("cart", { desiredCount: 2 })]),
  policy: { attemptDelaysMinutes: [30, 60, 240] },
};

/** The minutes from one roll's end to the next one's start. */
function pausesMinutes(driver: LabDriver): readonly number[] {
  const rolls = driver.rollsOf(cart);
  return rolls.slice(1).map((roll, index) => {
    const before = rolls[index];
    const endMs = Date.parse(before?.startedAt ?? "") + (before?.seconds ?? 0) * 1000;
    return (Date.parse(roll.startedAt) - endMs) / 60_000;
  });
}

const OWN_DELAYS = [30, 60, 240, 240, 240, 240, 240];
/** What services share fails for all of them: none has to wait longer for it each time. */
const SHARED_DELAYS = Array.from({ length: 200 }, () => 5);

/** Lets a day pass, and checks that each roll waited for its delay. Returns the number of rolls. */
async function rollsInADay(driver: LabDriver, delays: readonly number[] = OWN_DELAYS): Promise<number> {
  await driver.lab.clock.sleep(START_MS + 24 * 3_600_000 - driver.lab.clock.now());
  for (const [index, pause] of pausesMinutes(driver).entries()) {
    expect(pause, `pause ${index + 1}`).toBeGreaterThanOrEqual(delays[index] ?? 0);
    // The sweep runs every 15 minutes.
    expect(pause, `pause ${index + 1}`).toBeLessThan((delays[index] ?? 0) + 16);
  }
  return driver.rollsOf(cart).length;
}

describe("a roll that fails for a day is repeated after the attempts' delays, never in a loop", () => {
  it("the control plane doesn't answer", () =>
    onLab(scenario, async (driver) => {
      driver.lab.faults.add({ kind: "kubernetes-down" });
      await driver.tag(cart, enrollAs("cart"));
      expect(await rollsInADay(driver, SHARED_DELAYS)).toBeLessThanOrEqual(97);
      expect(await revisionsOf(driver, cart, "cart")).toHaveLength(1);
      expect((await driver.state(cart))?.lastOutcome).toMatchObject({
        outcome: "failed",
        reason: "control-plane-unreachable",
      });
      expect(driver.rollsOf(cart).length).toBeGreaterThan(40);
      expect(driver.messagesAbout(cart).length, "a message a day").toBeLessThanOrEqual(2);
      await driver.minutes(15);
      await expectAtRest(driver, cart);
    }));

  it("the image never becomes healthy: all attempts use one revision", () =>
    onLab(scenario, async (driver) => {
      await driver.tag(cart, { ...enrollAs("cart"), [IMAGE]: BAD_IMAGE });
      driver.lab.faults.add({ kind: "container-unhealthy", match: { image: BAD_IMAGE } });
      expect(await rollsInADay(driver)).toBeLessThanOrEqual(8);
      expect(driver.rollsOf(cart).length).toBeGreaterThanOrEqual(6);
      expect(await revisionsOf(driver, cart, "cart")).toHaveLength(2);
      expect(await driver.containersOf(cart)).toEqual(["app"]);
    }));

  it("ECS denies RegisterTaskDefinition: the reason is named, and the service is not touched", () =>
    onLab(scenario, async (driver) => {
      const match = { call: "ecs.RegisterTaskDefinition" };
      driver.lab.faults.add({ kind: "api-error", match, error: "AccessDeniedException" });
      await driver.tag(cart, enrollAs("cart"));
      expect(await rollsInADay(driver)).toBeLessThanOrEqual(8);
      expect((await driver.state(cart))?.lastOutcome).toMatchObject({ outcome: "failed", reason: "access-denied" });
      expect(driver.lab.ecs.findService(arnOf(cart))?.history, "only the fleet's deployment").toHaveLength(1);
    }));

  it("a pipeline deploys meanwhile: that is another attempt key, which is tried at once", () =>
    onLab(scenario, async (driver) => {
      await driver.tag(cart, { ...enrollAs("cart"), [IMAGE]: BAD_IMAGE });
      driver.lab.faults.add({ kind: "container-unhealthy", match: { image: BAD_IMAGE } });
      await driver.until("reverted", 40, () => driver.ended(cart, "reverted"));
      driver.lab.faults.replace([]);
      await driver.deploy(cart, released(webDefinition("cart"), "app", "shop/cart:2"));
      await driver.until("enrolled", 10, () => driver.ended(cart, "succeeded"));
      await driver.minutes(1);
      await expectMeshed(driver, cart);
    }));
});

describe("a service that is as desired", () => {
  it("has no roll, no revision and no event in two days", () =>
    onLab({ fleet: scenario.fleet }, async (driver) => {
      await driver.tag(cart, enrollAs("cart"));
      await driver.until("enrolled", 10, () => driver.ended(cart, "succeeded"));
      await driver.minutes(3);
      const registered = driver.lab.router.calls()["ecs.RegisterTaskDefinition"];
      await driver.minutes(2 * 24 * 60);
      expect(driver.rollsOf(cart)).toHaveLength(1);
      expect(eventTypesOf(driver, cart)).toEqual(["Service Enrolled"]);
      expect(driver.lab.router.calls()["ecs.RegisterTaskDefinition"]).toBe(registered);
      expect(driver.lab.lambda.deadLetters).toEqual([]);
      await expectMeshed(driver, cart);
    }));

  it("needs no roll after its owner forces a new deployment", () =>
    onLab({ fleet: scenario.fleet }, async (driver) => {
      await driver.tag(cart, enrollAs("cart"));
      await driver.until("enrolled", 10, () => driver.ended(cart, "succeeded"));
      const input = { cluster: "ecs-demo", service: "cart", forceNewDeployment: true };
      await driver.lab.call(cart, "UpdateService", input);
      await driver.minutes(30);
      expect(driver.rollsOf(cart)).toHaveLength(1);
      await expectMeshed(driver, cart);
    }));
});
