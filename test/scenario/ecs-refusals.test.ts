import { describe, expect, it } from "vitest";
import type { LabDriver } from "../../lab/story/lab-driver.ts";
import { BAD_IMAGE, cart, cartFleet, ENROLL, enrollAs, IMAGE, SERVICE_ACCOUNT } from "./support/fleets.ts";
import { eventsOf, expectAtRest, expectMeshed, outcomesOf, revisionsOf } from "./support/inspect.ts";
import { onLab } from "./support/on-lab.ts";

const scenario = { fleet: cartFleet };

async function enrollCart(driver: LabDriver): Promise<string> {
  await driver.tag(cart, enrollAs("cart"));
  await driver.until("cart is enrolled", 10, () => driver.ended(cart, "succeeded"));
  await driver.minutes(1);
  return driver.revisionOf(cart);
}

const failuresOf = (driver: LabDriver) =>
  eventsOf(driver, cart).flatMap(({ type, detail }) => (type === "Service Roll Failed" ? [detail] : []));

/** What ECS answers to an update to a definition that the service's settings do not fit, and to one that is gone. */
const refusals = [
  ["InvalidParameterException", "The container app did not have a container port 8080 defined."],
  ["InvalidParameterException", "portName(http) does not refer to any named PortMapping in the container definitions"],
  ["ClientException", "TaskDefinition is inactive"],
  ["ServiceNotActiveException", "Service was not ACTIVE."],
  ["ClusterNotFoundException", "Cluster not found."],
  [
    "InvalidParameterException",
    "Unable to update task definition on services with a CODE_DEPLOY deployment controller. Use AWS CodeDeploy to trigger a new deployment.",
  ],
] as const;

describe("ECS refuses the update of a roll", () => {
  it.each(refusals)("%s: %s ends the roll in these words, and is tried again ever later", (error, message) =>
    onLab(scenario, async (driver) => {
      const original = await driver.revisionOf(cart);
      driver.lab.faults.add({ kind: "api-error", match: { call: "ecs.UpdateService" }, error, message });
      await driver.tag(cart, enrollAs("cart"));
      await driver.until("the roll has ended", 5, () => driver.ended(cart, "failed"));
      await driver.minutes(2);
      expect(failuresOf(driver)).toMatchObject([{ unchanged: true, sentence: expect.stringContaining(message) }]);
      expect(driver.messagesAbout(cart).at(-1)).toContain(message);
      expect(await driver.revisionOf(cart)).toBe(original);
      await driver.minutes(120);
      expect(outcomesOf(driver, cart), "after 15 minutes, after another hour").toHaveLength(3);
      expect(await revisionsOf(driver, cart, "cart"), "one revision for all attempts").toHaveLength(2);
      await expectAtRest(driver, cart);
    }),
  );
});

describe("a revision is deregistered", () => {
  const deregister = (driver: LabDriver, taskDefinition: string) =>
    driver.lab.call(cart, "DeregisterTaskDefinition", { taskDefinition });

  it("the pinned one, to which ECS then refuses to revert: the service runs a copy of it again", () =>
    onLab(scenario, async (driver) => {
      const good = await enrollCart(driver);
      driver.lab.faults.add({ kind: "container-unhealthy", match: { image: BAD_IMAGE } });
      await driver.tag(cart, { [IMAGE]: BAD_IMAGE });
      await driver.until("rolling", 5, async () => (await driver.state(cart))?.roll?.taskToken !== undefined);
      await deregister(driver, good);
      await driver.until("the roll has ended", 60, () => driver.ended(cart, "reverted"));
      const copy = await driver.revisionOf(cart);
      await driver.minutes(10);
      expect(failuresOf(driver)).toMatchObject([{ reverted: true, revertedTo: copy }]);
      expect(await driver.revisionOf(cart)).toBe(copy);
      await expectAtRest(driver, cart);
    }));

  it("the running one, and then only tags differ: the roll registers it again", () =>
    onLab(scenario, async (driver) => {
      await driver.tag(cart, { [ENROLL]: "true" });
      await driver.until("cart is enrolled", 10, () => driver.ended(cart, "succeeded"));
      await driver.minutes(1);
      const running = await driver.revisionOf(cart);
      const content = await driver.definitionOf(cart);
      await deregister(driver, running);
      await driver.untag(cart, SERVICE_ACCOUNT);
      await driver.until("a second roll", 5, () => driver.rollsOf(cart).length === 2);
      await driver.until("it has ended", 30, async () => (await driver.state(cart))?.roll === undefined);
      expect(outcomesOf(driver, cart)).toEqual(["succeeded", "succeeded"]);
      expect(await driver.revisionOf(cart)).not.toBe(running);
      expect(await driver.definitionOf(cart)).toEqual(content);
      await driver.minutes(1);
      await expectMeshed(driver, cart);
    }));
});
