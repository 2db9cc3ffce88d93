import { describe, expect, it } from "vitest";
import type { LabDriver } from "../../lab/story/lab-driver.ts";
import { BAD_IMAGE, cart, cartFleet, enrollAs, fleetOf, IMAGE, web } from "./support/fleets.ts";
import { eventsOf, expectAtRest, expectMeshed, outcomesOf } from "./support/inspect.ts";
import { onLab } from "./support/on-lab.ts";
import { NEW_IMAGE, OLD_IMAGE, onFleet } from "./support/rollouts.ts";

const scale = (driver: LabDriver, desiredCount: number) =>
  driver.lab.call(cart, "UpdateService", { cluster: cart.cluster, service: cart.name, desiredCount });

describe("a service that runs no task", () => {
  it("ends unverified: it keeps its last good revision, and returns to it when its first tasks fail", () =>
    onLab({ fleet: cartFleet }, async (driver) => {
      await driver.tag(cart, enrollAs("cart"));
      await driver.until("cart is enrolled", 10, () => driver.ended(cart, "succeeded"));
      const good = await driver.revisionOf(cart);
      await scale(driver, 0);
      await driver.minutes(2);
      driver.lab.faults.add({ kind: "container-unhealthy", match: { image: BAD_IMAGE } });
      await driver.tag(cart, { [IMAGE]: BAD_IMAGE });
      await driver.until("the bad image is deployed", 20, () => driver.ended(cart, "unverified"));
      const bad = await driver.revisionOf(cart);
      expect(bad).not.toBe(good);
      // Sweeps see a service as desired, which shows nothing either.
      await driver.minutes(40);
      expect(await driver.state(cart)).toMatchObject({ lastGoodRevisionArn: good, enrolled: true });
      expect(eventsOf(driver, cart).at(-1)).toMatchObject({
        type: "Service Updated",
        detail: { verification: "pending" },
      });
      expect(driver.messagesAbout(cart).at(-1)).toContain("not verified");

      await scale(driver, 2);
      await driver.until("cart is reverted", 60, () => driver.ended(cart, "reverted"));
      expect(await driver.revisionOf(cart)).toBe(good);
      expect(await driver.state(cart)).toMatchObject({
        lastGoodRevisionArn: good,
        lastOutcome: { outcome: "reverted", reason: "ztunnel-unhealthy" },
      });
      // What its first tasks have shown is not tried again before the time that the message names.
      await driver.minutes(14);
      expect(outcomesOf(driver, cart)).toEqual(["succeeded", "unverified", "reverted"]);
      await driver.minutes(60);
      expect((await driver.describe(cart)).runningCount).toBe(2);
      expect(await driver.revisionOf(cart)).toBe(good);
      await expectAtRest(driver, cart);
    }));

  it("is verified when it first has tasks, once", () =>
    onLab({ fleet: fleetOf([web("cart", { desiredCount: 0 })]) }, async (driver) => {
      await driver.tag(cart, enrollAs("cart"));
      await driver.until("cart is enrolled", 20, () => driver.ended(cart, "unverified"));
      await driver.minutes(40);
      expect(await driver.state(cart)).not.toHaveProperty("lastGoodRevisionArn");
      await scale(driver, 2);
      await driver.until("cart is verified", 40, () => driver.ended(cart, "succeeded"));
      await driver.minutes(60);
      await expectMeshed(driver, cart);
      expect(outcomesOf(driver, cart)).toEqual(["unverified", "succeeded"]);
      const changes = eventsOf(driver, cart).filter(({ type }) => type !== "Service Warned");
      expect(changes.map(({ type, detail }) => [type, detail.verification])).toEqual([
        ["Service Enrolled", "pending"],
        ["Service Updated", "late"],
      ]);
      expect(await driver.state(cart)).not.toHaveProperty("unverified");
    }));
});

describe("a fleet that runs no task, as at night", () => {
  it("gets a bad image without a canary; each service returns to its last good revision in the morning", () =>
    onFleet({ services: 4 }, async (driver) => {
      const scaleAll = async (desiredCount: number) => {
        for (const arn of driver.arns) {
          const one = driver.serviceOf(arn);
          await driver.lab.call(one, "UpdateService", { cluster: one.cluster, service: one.name, desiredCount });
        }
      };
      await scaleAll(0);
      await driver.minutes(2);
      const before = driver.revisions();
      driver.lab.faults.add({ kind: "container-unhealthy", match: { image: NEW_IMAGE } });
      await driver.requestUpgrade();
      const { waves } = await driver.untilStatus("completed");
      expect(waves.map(({ canary }) => canary)).not.toContain(true);
      expect(await driver.counts()).toEqual({ unverified: 4 });
      expect(driver.events("Rollout Completed")).toMatchObject([{ succeeded: 0, unverified: 4 }]);
      await scaleAll(1);
      await driver.minutes(240);
      expect(driver.revisions()).toEqual(before);
      expect(new Set(driver.images())).toEqual(new Set([OLD_IMAGE]));
      for (const arn of driver.arns) {
        expect(
          [...(driver.lab.ecs.findService(arn)?.tasks ?? [])].some(({ lastStatus }) => lastStatus === "RUNNING"),
        ).toBe(true);
      }
    }));
});
