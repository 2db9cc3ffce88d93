import { describe, expect, it } from "vitest";
import { arnOf, type LabDriver } from "../../lab/story/lab-driver.ts";
import { BAD_IMAGE, cart, enrollAs, fleetOf, IMAGE, web } from "./support/fleets.ts";
import { eventTypesOf, expectAtRest, expectMeshed, outcomesOf, revisionsOf } from "./support/inspect.ts";
import { onLab } from "./support/on-lab.ts";

const spotFleet = fleetOf([
  web("cart", { desiredCount: 2, capacityProviders: ["FARGATE_SPOT"], circuitBreaker: true }),
]);

/** ECS's own words about tasks that it took away, in the service's events and in its stopped tasks. */
function wordsOf(driver: LabDriver): string {
  const service = driver.lab.ecs.findService(arnOf(cart));
  const reasons = [...(service?.stopped.values() ?? [])].map(({ stop }) => `${stop?.stopCode}: ${stop?.stoppedReason}`);
  return [...(service?.messages ?? []).map(({ message }) => message), ...reasons].join("\n");
}

/** Tasks that AWS takes away say nothing about the revision that they ran. */
describe.each([
  { kind: "spot-interruption", words: "SpotInterruption: Your Spot Task was interrupted." },
  { kind: "az-rebalancing", words: "due to AZ rebalancing" },
] as const)("tasks are taken away: $kind", ({ kind, words }) => {
  it.each([5, 45, 90, 150])(
    "%d seconds after they began to run, during a roll and after it: it succeeds",
    (delaySeconds) =>
      onLab({ fleet: spotFleet }, async (driver) => {
        driver.lab.faults.add({ kind, delaySeconds, count: 4 });
        await driver.tag(cart, enrollAs("cart"));
        await driver.until("cart is enrolled", 15, () => driver.ended(cart, "succeeded"));
        await driver.minutes(60);
        // Those of the roll at least; ECS moves no tasks while it deploys, so that fewer may need a second one.
        expect(driver.lab.faults.list()[0]?.struck).toBeGreaterThanOrEqual(2);
        expect(outcomesOf(driver, cart)).toEqual(["succeeded"]);
        expect(eventTypesOf(driver, cart)).toEqual(["Service Enrolled"]);
        expect(await revisionsOf(driver, cart, "cart")).toHaveLength(2);
        await expectMeshed(driver, cart);
        expect((await driver.describe(cart)).runningCount).toBe(2);
      }),
  );

  it("between rolls: nothing is rolled, and the mesh knows the tasks in their places", () =>
    onLab({ fleet: spotFleet }, async (driver) => {
      await driver.tag(cart, enrollAs("cart"));
      await driver.until("cart is enrolled", 15, () => driver.ended(cart, "succeeded"));
      driver.lab.faults.add({ kind, delaySeconds: 60, count: 3 });
      await driver.lab.call(cart, "UpdateService", { cluster: cart.cluster, service: cart.name, desiredCount: 3 });
      await driver.minutes(30);
      expect(wordsOf(driver)).toContain(words);
      expect(outcomesOf(driver, cart)).toEqual(["succeeded"]);
      expect(eventTypesOf(driver, cart)).toEqual(["Service Enrolled"]);
      await driver.lab.call(cart, "UpdateService", { cluster: cart.cluster, service: cart.name, desiredCount: 2 });
      await driver.minutes(5);
      await expectMeshed(driver, cart);
    }));

  it("while the new image fails: the failure's cause is the image", () =>
    onLab({ fleet: spotFleet }, async (driver) => {
      await driver.tag(cart, enrollAs("cart"));
      await driver.until("cart is enrolled", 15, () => driver.ended(cart, "succeeded"));
      driver.lab.faults.add({ kind: "container-unhealthy", match: { image: BAD_IMAGE } });
      driver.lab.faults.add({ kind, delaySeconds: 5, count: 3 });
      await driver.tag(cart, { [IMAGE]: BAD_IMAGE });
      await driver.until("cart is reverted", 60, () => driver.ended(cart, "reverted"));
      expect((await driver.state(cart))?.lastOutcome).toMatchObject({ reason: "ztunnel-unhealthy" });
      await expectAtRest(driver, cart);
    }));
});
