import { describe, expect, it } from "vitest";
import type { LabDriver } from "../../lab/story/lab-driver.ts";
import { objectsAt } from "../../shared/base/json-fields.ts";
import { cart, cartFleet, ENROLL, enrollAs, released, webDefinition } from "./support/fleets.ts";
import { eventsOf, expectAtRest, outcomesOf, tagsOf } from "./support/inspect.ts";
import { onLab } from "./support/on-lab.ts";

const call = (driver: LabDriver, operation: string, input: Record<string, string>) =>
  driver.lab.call(cart, operation, input);
const propagated = async (driver: LabDriver) => (await driver.describe(cart)).propagateTags;

/** Tags cart, whose tasks can't start with the sidecar, and waits until its roll watches the deployment. */
async function failing(driver: LabDriver): Promise<string> {
  const first = await driver.revisionOf(cart);
  driver.lab.faults.add({ kind: "secret-denied", match: { service: "cart" } });
  await driver.tag(cart, enrollAs("cart"));
  await driver.until("the roll waits", 10, async () => (await driver.state(cart))?.roll?.taskToken !== undefined);
  return first;
}

describe("the revert of a failed roll", () => {
  it("leads to a copy of the pinned revision where a pipeline has deregistered that meanwhile", () =>
    onLab({ fleet: cartFleet }, async (driver) => {
      const first = await failing(driver);
      await call(driver, "DeregisterTaskDefinition", { taskDefinition: first });
      await driver.until("cart is reverted", 60, () => driver.ended(cart, "reverted"));
      const copy = await driver.revisionOf(cart);
      expect(copy).not.toBe(first);
      expect(await driver.containersOf(cart)).toEqual(["app"]);
      expect(await driver.state(cart)).toMatchObject({ lastGoodRevisionArn: copy });
      expect(eventsOf(driver, cart).at(-1)).toMatchObject({
        type: "Service Roll Failed",
        detail: { code: "secret-denied", reverted: true, revertedTo: copy },
      });
      expect((await driver.describe(cart)).runningCount).toBe(2);
      await driver.lab.clock.sleep(60_000);
      await expectAtRest(driver, cart);
    }));

  it("gives back the tags and propagateTags that the enrollment has set", () =>
    onLab({ fleet: cartFleet }, async (driver) => {
      expect(await propagated(driver)).toBe("NONE");
      driver.lab.faults.add({ kind: "secret-denied", match: { service: "cart" } });
      await driver.tag(cart, { [ENROLL]: "true" });
      await driver.until("cart is reverted", 60, () => driver.ended(cart, "reverted"));
      expect(await propagated(driver)).toBe("NONE");
      expect(Object.keys(tagsOf(driver, cart))).toEqual([ENROLL]);
      expect((await driver.state(cart))?.addedTagKeys).toEqual([]);
    }));

  it("leads nowhere when every revision was deleted: the message has the first cause and what was tried", () =>
    onLab({ fleet: cartFleet }, async (driver) => {
      const first = await failing(driver);
      await call(driver, "DeregisterTaskDefinition", { taskDefinition: first });
      driver.lab.faults.add({
        kind: "api-error",
        match: { call: "ecs.RegisterTaskDefinition" },
        error: "ClientException",
        message: "The family is not to be registered any more.",
      });
      await driver.until("the revert fails", 60, () => driver.ended(cart, "revert-failed"));
      await driver.minutes(1);
      const [text = ""] = driver.messagesAbout(cart).filter((one) => one.includes("could NOT be reverted"));
      expect(text).toMatch(/\*Cause:\* No revision .* can be had\. The roll had failed: secret-denied: Task /);
      expect(text).toContain("The family is not to be registered any more.");
      expect(outcomesOf(driver, cart)).toEqual(["revert-failed"]);
    }));
});

/** Enrolls cart, then deploys a version that was deployed once and starts no more when cart's roll needs it. */
async function neverAgain(driver: LabDriver): Promise<{ readonly good: string; readonly bad: string }> {
  await driver.tag(cart, enrollAs("cart"));
  await driver.until("cart is enrolled", 10, () => driver.ended(cart, "succeeded"));
  const good = await driver.revisionOf(cart);
  // Events of the enrollment may still be under way.
  await driver.minutes(2);
  driver.lab.faults.add({ kind: "lose-event", match: { detailType: "*" } });
  const bad = await driver.deploy(cart, released(webDefinition("cart"), "app", "shop/cart:2"));
  const states = async () => objectsAt(await driver.describe(cart), "deployments").map((one) => one.rolloutState);
  await driver.until("it was deployed", 5, async () => (await states()).join() === "COMPLETED");
  driver.lab.faults.replace([{ kind: "task-stops", match: { service: "cart", image: "shop/cart:2" } }]);
  return { good, bad };
}

describe("a revert whose own deployment fails", () => {
  it("is followed by the last good revision, and the message has both causes", () =>
    onLab({ fleet: cartFleet }, async (driver) => {
      const { good, bad } = await neverAgain(driver);
      await driver.until("cart is reverted", 180, () => driver.ended(cart, "reverted"));
      expect(await driver.revisionOf(cart)).toBe(good);
      expect(await driver.state(cart)).toMatchObject({ lastGoodRevisionArn: good, enrolled: true });
      const { code, sentence, revertedTo } = eventsOf(driver, cart).at(-1)?.detail ?? {};
      expect({ code, revertedTo }).toEqual({ code: "application-failed", revertedTo: good });
      expect(sentence).toContain(`The revert failed, too: ${bad.split("/").at(-1)}: application-failed: Task `);
      await driver.lab.clock.sleep(60_000);
      await expectAtRest(driver, cart);
    }));

  it("is followed by the definition without our sidecar, where that is what fails", () =>
    onLab({ fleet: cartFleet }, async (driver) => {
      await driver.tag(cart, enrollAs("cart"));
      await driver.until("cart is enrolled", 10, () => driver.ended(cart, "succeeded"));
      driver.lab.faults.add({ kind: "secret-denied", match: { service: "cart" } });
      await driver.tag(cart, { "ztunnel-autopilot/proxy-env": "true" });
      await driver.until("cart is reverted", 180, () => driver.ended(cart, "reverted"));
      expect(await driver.containersOf(cart)).toEqual(["app"]);
      expect(eventsOf(driver, cart).at(-1)?.detail).toMatchObject({ code: "secret-denied", reverted: true });
      expect((await driver.describe(cart)).runningCount).toBe(2);
      driver.lab.faults.replace([]);
      await driver.until("cart is in the mesh again", 600, () => driver.ended(cart, "succeeded"));
      expect(await driver.containersOf(cart)).toEqual(["app", "ztunnel"]);
    }));

  it("ends after every choice, is notified of, and again each day until somebody acts", () =>
    onLab({ fleet: cartFleet }, async (driver) => {
      await neverAgain(driver);
      driver.lab.faults.add({ kind: "task-stops", match: { service: "cart", image: "shop/cart:1" } });
      await driver.until("no way is left", 400, () => driver.ended(cart, "revert-failed"));
      await driver.minutes(1);
      const [text = ""] = driver.messagesAbout(cart).filter((one) => one.includes("could NOT be reverted"));
      expect(text).toMatch(/The roll had failed: application-failed: Task .* The revert failed, too: cart:/);
      const notified = () => driver.messagesAbout(cart).filter((one) => one.includes("somebody has to act")).length;
      await driver.minutes(24 * 60 + 30);
      expect(notified()).toBe(1);
      driver.lab.faults.replace([]);
      await driver.deploy(cart, released(webDefinition("cart"), "app", "shop/cart:3"));
      await driver.until("cart is in the mesh again", 600, () => driver.ended(cart, "succeeded"));
    }));
});

describe("a service that leaves the mesh", () => {
  it("has its own propagateTags again", () =>
    onLab({ fleet: cartFleet }, async (driver) => {
      await driver.tag(cart, enrollAs("cart"));
      await driver.until("cart is enrolled", 10, () => driver.ended(cart, "succeeded"));
      expect(await propagated(driver)).toBe("SERVICE");
      await driver.untag(cart, ENROLL);
      await driver.until("cart has left", 20, async () => (await driver.state(cart))?.enrolled === false);
      expect(await propagated(driver)).toBe("NONE");
      expect(await driver.state(cart)).not.toHaveProperty("propagateTagsBefore");
    }));
});
