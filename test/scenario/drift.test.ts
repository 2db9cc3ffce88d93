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
import { onLab } from "./support/on-lab.ts";
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
} from "./support/witness.ts";

async function enrollCart(stage: LabDriver): Promise<string> {
  await stage.tag(cart, enrollAs("cart"));
  await stage.until("cart is enrolled", 10, () => stage.ended(cart, "succeeded"));
  await stage.minutes(2);
  return stage.revisionOf(cart);
}

describe("a pipeline deploys a revision without the sidecar", () => {
  const shell = demo("shell-task");

  it("and it is injected again: the pipeline's image stays, so does the secret version", () =>
    onLab({ fleet: guideFleet }, async (stage) => {
      await stage.tag(shell, { [ENROLL]: "true" });
      await stage.until("shell-task is enrolled", 10, () => stage.ended(shell, "succeeded"));
      await stage.minutes(2);
      const secretBefore = await pinnedSecret(stage, shell);
      const revision = await stage.deploy(shell, released(shellDefinition, "shell", "curlimages/curl:8.17.0"));
      await stage.until("shell-task is back", 10, async () => (await stage.revisionOf(shell)) !== revision);
      await stage.until("the roll has ended", 10, () => stage.ended(shell, "succeeded"));
      await stage.minutes(2);
      await expectMeshed(stage, shell);
      expect(await containerOf(stage, shell, "shell")).toMatchObject({ image: "curlimages/curl:8.17.0" });
      expect(await waitsFor(stage, shell, "shell")).toEqual(["ztunnel: HEALTHY"]);
      expect(await pinnedSecret(stage, shell)).toEqual(secretBefore);
      expect(eventTypesOf(stage, shell)).toEqual(["Service Enrolled", "Drift Corrected"]);
      expect(eventsOf(stage, shell).at(-1)?.detail.drift).toContain("sidecar-missing");
      // The guide's definition, enrolled, the pipeline's, enrolled again.
      expect(await revisionsOf(stage, shell, "shell-task-definition")).toHaveLength(4);
    }));

  it("during a roll: the roll gives way, then the service converges", () =>
    onLab({ fleet: guideFleet }, async (stage) => {
      const checkout = shop("checkout");
      const definition = await stage.definitionOf(checkout);
      await stage.tag(checkout, enrollAs("checkout"));
      await stage.until("rolling", 5, async () => (await stage.state(checkout))?.roll?.taskToken !== undefined);
      await stage.deploy(checkout, released(definition, "checkout", "shop/checkout:42"));
      await stage.until("checkout is enrolled", 15, () => stage.ended(checkout, "succeeded"));
      await stage.minutes(2);
      await expectMeshed(stage, checkout);
      expect(await containerOf(stage, checkout, "checkout")).toMatchObject({ image: "shop/checkout:42" });
      expect(outcomesOf(stage, checkout)).toEqual(["superseded", "succeeded"]);
      expect(eventTypesOf(stage, checkout)).toEqual(["Service Roll Superseded", "Service Enrolled"]);
    }));

  it("with the sidecar that it took from what runs: nothing is to be done", () =>
    onLab({ fleet: cartFleet }, async (stage) => {
      await enrollCart(stage);
      const revision = await stage.deploy(cart, released(await stage.definitionOf(cart), "app", "shop/cart:2"));
      await stage.minutes(20);
      expect(await stage.revisionOf(cart)).toBe(revision);
      expect(outcomesOf(stage, cart)).toEqual(["succeeded"]);
      expect((await stage.state(cart))?.lastGoodRevisionArn).toBe(revision);
    }));

  it("ten times in a row: it ends in the mesh, on the last image", () =>
    onLab({ fleet: cartFleet }, async (stage) => {
      await enrollCart(stage);
      for (let release = 2; release <= 11; release += 1) {
        await stage.deploy(cart, released(webDefinition("cart"), "app", `shop/cart:${release}`));
        await stage.lab.clock.sleep(7_000);
      }
      await stage.until(
        "at rest and enrolled",
        30,
        async () => (await stage.inMesh(cart)) && stage.ended(cart, "succeeded"),
      );
      await stage.minutes(2);
      await expectMeshed(stage, cart);
      expect(await containerOf(stage, cart, "app")).toMatchObject({ image: "shop/cart:11" });
    }));
});

describe("events are lost, doubled and late", () => {
  it("a tag's event is lost: the sweep finds the service", () =>
    onLab({ fleet: guideFleet }, async (stage) => {
      const search = shop("search");
      stage.lab.faults.add({ kind: "lose-event", match: { detailType: "Tag Change on Resource" }, count: 1 });
      await stage.tag(search, enrollAs("search"));
      await stage.minutes(1);
      expect(stage.rollsOf(search)).toEqual([]);
      await stage.until("search is enrolled", 20, () => stage.ended(search, "succeeded"));
      await expectMeshed(stage, search);
      expect(eventTypesOf(stage, search)).toEqual(["Service Enrolled"]);
    }));

  it("a roll's deployment ends without an event: the roll looks again itself", () =>
    onLab({ fleet: cartFleet }, async (stage) => {
      const match = { detailType: "ECS Deployment State Change", service: "cart" };
      stage.lab.faults.add({ kind: "lose-event", match });
      await stage.tag(cart, enrollAs("cart"));
      await stage.until("cart is enrolled", 10, () => stage.ended(cart, "succeeded"));
      await expectMeshed(stage, cart);
      const [roll] = stage.rollsOf(cart);
      expect(roll?.seconds, "not before the look-again time of 5 minutes").toBeGreaterThan(300);
      expect(roll?.seconds).toBeLessThan(400);
    }));

  it("every event is lost: the sweep and the roll's own looks are enough", () =>
    onLab({ fleet: cartFleet }, async (stage) => {
      stage.lab.faults.add({ kind: "lose-event", match: { service: "cart" } });
      await stage.tag(cart, enrollAs("cart"));
      await stage.until("cart is enrolled", 40, () => stage.ended(cart, "succeeded"));
      await expectMeshed(stage, cart);
    }));

  it("every event comes twice: one roll, one revision, one message", () =>
    onLab({ fleet: cartFleet }, async (stage) => {
      stage.lab.faults.add({ kind: "duplicate-event", match: { account: US.account } });
      await stage.tag(cart, enrollAs("cart"));
      await stage.minutes(30);
      await expectMeshed(stage, cart);
      expect(outcomesOf(stage, cart)).toEqual(["succeeded"]);
      expect(await revisionsOf(stage, cart, "cart")).toHaveLength(2);
      expect(stage.lab.ecs.allServices()[0]?.history, "the fleet's deployment and the roll's").toHaveLength(2);
    }));

  it("targets are invoked twice for half of the events: one roll, one revision", () =>
    onLab({ fleet: cartFleet, duplicateProbability: 0.5 }, async (stage) => {
      await stage.tag(cart, enrollAs("cart"));
      await stage.minutes(30);
      await expectMeshed(stage, cart);
      expect(outcomesOf(stage, cart)).toEqual(["succeeded"]);
      expect(await revisionsOf(stage, cart, "cart")).toHaveLength(2);
    }));

  it("the event of a deployment's start comes after that of its end", () =>
    onLab({ fleet: cartFleet }, async (stage) => {
      const match = { detailType: "ECS Deployment State Change", service: "cart" };
      stage.lab.faults.add({ kind: "delay-event", match, count: 1, delaySeconds: 240 });
      await stage.tag(cart, enrollAs("cart"));
      await stage.minutes(30);
      await expectMeshed(stage, cart);
      expect(outcomesOf(stage, cart)).toEqual(["succeeded"]);
      expect(stage.rollsOf(cart)[0]?.seconds, "the end's event was not waited for in vain").toBeLessThan(200);
    }));

  it("the events of a pipeline's deployment come after the next one's", () =>
    onLab({ fleet: cartFleet }, async (stage) => {
      await enrollCart(stage);
      const match = { detailType: "ECS Deployment State Change", service: "cart" };
      stage.lab.faults.add({ kind: "delay-event", match, count: 2, delaySeconds: 90 });
      await stage.deploy(cart, released(webDefinition("cart"), "app", "shop/cart:2"));
      await stage.lab.clock.sleep(5_000);
      await stage.deploy(cart, released(webDefinition("cart"), "app", "shop/cart:3"));
      await stage.minutes(30);
      await expectMeshed(stage, cart);
      expect(await containerOf(stage, cart, "app")).toMatchObject({ image: "shop/cart:3" });
    }));
});

describe("the service goes", () => {
  const remove = (stage: LabDriver) =>
    stage.lab.call(cart, "DeleteService", { cluster: "ecs-demo", service: "cart", force: true });

  it.each([
    ["right after it got the tag", 0],
    ["while the roll plans and applies", 900],
    ["while its deployment is watched", 15_000],
  ])("%s: the roll ends, nothing is tried again", (_when, afterMs) =>
    onLab({ fleet: cartFleet }, async (stage) => {
      await stage.tag(cart, enrollAs("cart"));
      await stage.lab.clock.sleep(afterMs);
      await remove(stage);
      await stage.minutes(120);
      await expectAtRest(stage, cart);
      expect(stage.rollsOf(cart).length).toBeLessThanOrEqual(1);
      expect(["superseded", "refused", "failed", undefined]).toContain(outcomesOf(stage, cart)[0]);
    }),
  );

  it("while a failed roll takes it back: the roll ends", () =>
    onLab({ fleet: cartFleet }, async (stage) => {
      stage.lab.faults.add({ kind: "secret-denied", match: { service: "cart" } });
      await stage.tag(cart, enrollAs("cart"));
      const reverting = async () => (await stage.state(cart))?.roll?.targetRevisionArn?.endsWith("cart:1") === true;
      await stage.until("on its way back", 20, reverting);
      await remove(stage);
      await stage.minutes(120);
      await expectAtRest(stage, cart);
      expect(stage.rollsOf(cart)).toHaveLength(1);
    }));
});
