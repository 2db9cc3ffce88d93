import { describe, expect, it } from "vitest";
import { shellDefinition, US } from "../../lab/fleet/demo.ts";
import type { LabDriver } from "../../lab/story/lab-driver.ts";
import {
  cart,
  cartFleet,
  demo,
  ENROLL,
  enrollAs,
  guideFleet,
  released,
  shop,
  webDefinition,
} from "./support/fleets.ts";
import {
  containerOf,
  eventsOf,
  eventTypesOf,
  expectAtRest,
  expectMeshed,
  outcomesOf,
  pinnedSecret,
  revisionsOf,
  waitsFor,
} from "./support/inspect.ts";
import { onLab } from "./support/on-lab.ts";

async function enrollCart(driver: LabDriver): Promise<string> {
  await driver.tag(cart, enrollAs("cart"));
  await driver.until("cart is enrolled", 10, () => driver.ended(cart, "succeeded"));
  await driver.minutes(2);
  return driver.revisionOf(cart);
}

describe("another controller deploys its own revision whenever the service runs another one", () => {
  it("is corrected a few times, then less and less often, and reported once with both revisions", () =>
    onLab({ fleet: cartFleet }, async (driver) => {
      const theirs = await driver.revisionOf(cart);
      await enrollCart(driver);
      const inMesh = await driver.revisionOf(cart);
      for (let minute = 0; minute < 6 * 60; minute += 1) {
        if ((await driver.revisionOf(cart)) !== theirs) {
          await driver.lab.call(cart, "UpdateService", {
            cluster: cart.cluster,
            service: cart.name,
            taskDefinition: theirs,
          });
        }
        await driver.minutes(1);
      }
      const corrections = driver.rollsOf(cart).length - 1;
      expect(corrections).toBeGreaterThanOrEqual(3);
      expect(corrections).toBeLessThanOrEqual(7);
      const contested = eventsOf(driver, cart).filter(({ type }) => type === "Service Contested");
      expect(contested).toMatchObject([{ detail: { taskDefinitionArn: theirs, ownRevisionArn: inMesh } }]);
      // Once the other controller rests, the service is corrected by itself.
      await driver.minutes(9 * 60);
      await expectMeshed(driver, cart);
    }));
});

describe("a pipeline deploys a revision without the sidecar", () => {
  const shell = demo("shell-task");

  it("and the sidecar is injected again: the pipeline's image and the secret version stay", () =>
    onLab({ fleet: guideFleet }, async (driver) => {
      await driver.tag(shell, { [ENROLL]: "true" });
      await driver.until("shell-task is enrolled", 10, () => driver.ended(shell, "succeeded"));
      await driver.minutes(2);
      const secretBefore = await pinnedSecret(driver, shell);
      const revision = await driver.deploy(shell, released(shellDefinition, "shell", "curlimages/curl:8.17.0"));
      await driver.until(
        "shell-task runs another revision",
        10,
        async () => (await driver.revisionOf(shell)) !== revision,
      );
      await driver.until("the roll has ended", 10, () => driver.ended(shell, "succeeded"));
      await driver.minutes(2);
      await expectMeshed(driver, shell);
      expect(await containerOf(driver, shell, "shell")).toMatchObject({ image: "curlimages/curl:8.17.0" });
      expect(await waitsFor(driver, shell, "shell")).toEqual(["ztunnel: HEALTHY"]);
      expect(await pinnedSecret(driver, shell)).toEqual(secretBefore);
      expect(eventTypesOf(driver, shell)).toEqual(["Service Enrolled", "Drift Corrected"]);
      expect(eventsOf(driver, shell).at(-1)?.detail.drift).toContain("sidecar-missing");
      // The guide's revision, the enrolled one, the pipeline's, and the enrolled one of that.
      expect(await revisionsOf(driver, shell, "shell-task-definition")).toHaveLength(4);
    }));

  it("during a roll: the roll ends as superseded, and the next one enrolls the service", () =>
    onLab({ fleet: guideFleet }, async (driver) => {
      const checkout = shop("checkout");
      const definition = await driver.definitionOf(checkout);
      await driver.tag(checkout, enrollAs("checkout"));
      await driver.until("rolling", 5, async () => (await driver.state(checkout))?.roll?.taskToken !== undefined);
      await driver.deploy(checkout, released(definition, "checkout", "shop/checkout:42"));
      await driver.until("checkout is enrolled", 15, () => driver.ended(checkout, "succeeded"));
      await driver.minutes(2);
      await expectMeshed(driver, checkout);
      expect(await containerOf(driver, checkout, "checkout")).toMatchObject({ image: "shop/checkout:42" });
      expect(outcomesOf(driver, checkout)).toEqual(["superseded", "succeeded"]);
      expect(eventTypesOf(driver, checkout)).toEqual(["Service Roll Superseded", "Service Enrolled"]);
    }));

  it("that has the sidecar, copied from the running definition: nothing is to be done", () =>
    onLab({ fleet: cartFleet }, async (driver) => {
      await enrollCart(driver);
      const revision = await driver.deploy(cart, released(await driver.definitionOf(cart), "app", "shop/cart:2"));
      await driver.minutes(20);
      expect(await driver.revisionOf(cart)).toBe(revision);
      expect(outcomesOf(driver, cart)).toEqual(["succeeded"]);
      expect((await driver.state(cart))?.lastGoodRevisionArn).toBe(revision);
    }));

  it("ten times in a row: the service is enrolled with the last image", () =>
    onLab({ fleet: cartFleet }, async (driver) => {
      await enrollCart(driver);
      for (let release = 2; release <= 11; release += 1) {
        await driver.deploy(cart, released(webDefinition("cart"), "app", `shop/cart:${release}`));
        await driver.lab.clock.sleep(7_000);
      }
      await driver.until(
        "cart is enrolled and no roll runs",
        30,
        async () => (await driver.inMesh(cart)) && driver.ended(cart, "succeeded"),
      );
      await driver.minutes(2);
      await expectMeshed(driver, cart);
      expect(await containerOf(driver, cart, "app")).toMatchObject({ image: "shop/cart:11" });
    }));
});

describe("events are lost, duplicated and late", () => {
  it("a tag event is lost: the sweep finds the service", () =>
    onLab({ fleet: guideFleet }, async (driver) => {
      const search = shop("search");
      driver.lab.faults.add({ kind: "lose-event", match: { detailType: "Tag Change on Resource" }, count: 1 });
      await driver.tag(search, enrollAs("search"));
      await driver.minutes(1);
      expect(driver.rollsOf(search)).toEqual([]);
      await driver.until("search is enrolled", 20, () => driver.ended(search, "succeeded"));
      await expectMeshed(driver, search);
      expect(eventTypesOf(driver, search)).toEqual(["Service Enrolled"]);
    }));

  it("a roll's deployment ends without an event: the roll polls it", () =>
    onLab({ fleet: cartFleet }, async (driver) => {
      const match = { detailType: "ECS Deployment State Change", service: "cart" };
      driver.lab.faults.add({ kind: "lose-event", match });
      await driver.tag(cart, enrollAs("cart"));
      await driver.until("cart is enrolled", 10, () => driver.ended(cart, "succeeded"));
      await expectMeshed(driver, cart);
      const [roll] = driver.rollsOf(cart);
      expect(roll?.seconds, "not before the poll interval of 5 minutes").toBeGreaterThan(300);
      expect(roll?.seconds).toBeLessThan(400);
    }));

  it("every event is lost: the sweep and the roll's polls are enough", () =>
    onLab({ fleet: cartFleet }, async (driver) => {
      driver.lab.faults.add({ kind: "lose-event", match: { service: "cart" } });
      await driver.tag(cart, enrollAs("cart"));
      await driver.until("cart is enrolled", 40, () => driver.ended(cart, "succeeded"));
      await expectMeshed(driver, cart);
    }));

  it("every event is delivered twice: there is one roll and one revision", () =>
    onLab({ fleet: cartFleet }, async (driver) => {
      driver.lab.faults.add({ kind: "duplicate-event", match: { account: US.account } });
      await driver.tag(cart, enrollAs("cart"));
      await driver.minutes(30);
      await expectMeshed(driver, cart);
      expect(outcomesOf(driver, cart)).toEqual(["succeeded"]);
      expect(await revisionsOf(driver, cart, "cart")).toHaveLength(2);
      expect(driver.lab.ecs.allServices()[0]?.history, "the fleet's deployment and the roll's").toHaveLength(2);
    }));

  it("targets are invoked twice for half of the events: there is one roll and one revision", () =>
    onLab({ fleet: cartFleet, duplicateProbability: 0.5 }, async (driver) => {
      await driver.tag(cart, enrollAs("cart"));
      await driver.minutes(30);
      await expectMeshed(driver, cart);
      expect(outcomesOf(driver, cart)).toEqual(["succeeded"]);
      expect(await revisionsOf(driver, cart, "cart")).toHaveLength(2);
    }));

  it("the event of a deployment's start arrives after that of its end", () =>
    onLab({ fleet: cartFleet }, async (driver) => {
      const match = { detailType: "ECS Deployment State Change", service: "cart" };
      driver.lab.faults.add({ kind: "delay-event", match, count: 1, delaySeconds: 240 });
      await driver.tag(cart, enrollAs("cart"));
      await driver.minutes(30);
      await expectMeshed(driver, cart);
      expect(outcomesOf(driver, cart)).toEqual(["succeeded"]);
      expect(driver.rollsOf(cart)[0]?.seconds, "the roll didn't wait for another event").toBeLessThan(200);
    }));

  it("the events of a pipeline's deployment arrive after those of the next one", () =>
    onLab({ fleet: cartFleet }, async (driver) => {
      await enrollCart(driver);
      const match = { detailType: "ECS Deployment State Change", service: "cart" };
      driver.lab.faults.add({ kind: "delay-event", match, count: 2, delaySeconds: 90 });
      await driver.deploy(cart, released(webDefinition("cart"), "app", "shop/cart:2"));
      await driver.lab.clock.sleep(5_000);
      await driver.deploy(cart, released(webDefinition("cart"), "app", "shop/cart:3"));
      await driver.minutes(30);
      await expectMeshed(driver, cart);
      expect(await containerOf(driver, cart, "app")).toMatchObject({ image: "shop/cart:3" });
    }));
});

describe("the service is deleted", () => {
  const remove = (driver: LabDriver) =>
    driver.lab.call(cart, "DeleteService", { cluster: "ecs-demo", service: "cart", force: true });

  it.each([
    ["right after it was tagged", 0],
    ["while the roll plans and applies", 900],
    ["while its deployment is watched", 15_000],
  ])("%s: the roll ends, and nothing is tried again", (_when, afterMs) =>
    onLab({ fleet: cartFleet }, async (driver) => {
      await driver.tag(cart, enrollAs("cart"));
      await driver.lab.clock.sleep(afterMs);
      await remove(driver);
      await driver.minutes(120);
      await expectAtRest(driver, cart);
      expect(driver.rollsOf(cart).length).toBeLessThanOrEqual(1);
      expect(["superseded", "refused", "failed", undefined]).toContain(outcomesOf(driver, cart)[0]);
    }),
  );

  it("while a failed roll reverts it: the roll ends", () =>
    onLab({ fleet: cartFleet }, async (driver) => {
      driver.lab.faults.add({ kind: "secret-denied", match: { service: "cart" } });
      await driver.tag(cart, enrollAs("cart"));
      const reverting = async () => (await driver.state(cart))?.roll?.targetRevisionArn?.endsWith("cart:1") === true;
      await driver.until("the roll is reverting", 20, reverting);
      await remove(driver);
      await driver.minutes(120);
      await expectAtRest(driver, cart);
      expect(driver.rollsOf(cart)).toHaveLength(1);
    }));
});
