import { describe, expect, it } from "vitest";
import { arnOf, type LabDriver } from "../../lab/story/lab-driver.ts";
import { cart, cartFleet, DISCOVERY, enrollAs } from "./support/fleets.ts";
import { clusterTagsOf, eventsOf, kubernetesObjects, outcomesOf, tasksOf } from "./support/inspect.ts";
import { onLab } from "./support/on-lab.ts";

async function enrollCart(driver: LabDriver): Promise<void> {
  await driver.tag(cart, enrollAs("cart"));
  await driver.until("cart is enrolled", 10, () => driver.ended(cart, "succeeded"));
  await driver.minutes(2);
}

const knownTo = (driver: LabDriver, namespace: string) =>
  kubernetesObjects(driver, "mesh-us", "WorkloadEntry").filter(({ metadata }) =>
    JSON.stringify(metadata).includes(`"namespace":"${namespace}"`),
  );

const corrections = (driver: LabDriver) =>
  eventsOf(driver, cart).flatMap(({ type, detail }) => (type === "Drift Corrected" ? [detail.drift] : []));

describe("what a service needs outside of its task definition", () => {
  it("the cluster's discovery tag, taken away by another tool: put back by the next sweep, and reported", () =>
    onLab({ fleet: cartFleet }, async (driver) => {
      await enrollCart(driver);
      expect(knownTo(driver, "ecs-shop")).toHaveLength(2);
      const clusterArn = "arn:aws:ecs:us-east-1:123456789012:cluster/ecs-demo";
      await driver.lab.call(cart, "UntagResource", { resourceArn: clusterArn, tagKeys: [DISCOVERY] });
      await driver.minutes(1);
      expect(knownTo(driver, "ecs-shop"), "istiod discovers the cluster no longer").toEqual([]);
      await driver.minutes(40);
      expect(clusterTagsOf(driver, cart)).toMatchObject({ [DISCOVERY]: "true" });
      expect(knownTo(driver, "ecs-shop")).toHaveLength(2);
      expect(corrections(driver)).toEqual([["discovery"]]);
      expect(outcomesOf(driver, cart)).toEqual(["succeeded"]);
      expect(
        driver.lab.slack
          .messages()
          .map(({ text }) => text)
          .join("\n"),
      ).toMatch(/discovery-enabled/);
    }));

  it("propagateTags, set back to NONE by another tool: set again without a deployment", () =>
    onLab({ fleet: cartFleet }, async (driver) => {
      await enrollCart(driver);
      await driver.lab.call(cart, "UpdateService", { cluster: "ecs-demo", service: "cart", propagateTags: "NONE" });
      await driver.minutes(40);
      expect(driver.lab.ecs.findService(arnOf(cart))?.settings).toMatchObject({ propagateTags: "SERVICE" });
      expect(corrections(driver)).toEqual([["propagate-tags"]]);
      expect(outcomesOf(driver, cart)).toEqual(["succeeded"]);
      expect(tasksOf(driver, cart)).toHaveLength(2);
    }));
});
