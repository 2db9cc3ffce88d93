import { describe, expect, it } from "vitest";
import { arnOf, type LabDriver } from "../../lab/story/lab-driver.ts";
import { cart, cartFleet, DISCOVERY, enrollAs, fleetOf, web, webDefinition } from "./support/fleets.ts";
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

  it("tags that its tasks start with, changed by a person: the tasks get them by a deployment", () =>
    onLab({ fleet: cartFleet }, async (driver) => {
      await enrollCart(driver);
      const tags = { "ecs.solo.io/hostname": "cart.shop.example.com", "ecs.solo.io/ports": "http:80:9090" };
      await driver.tag(cart, tags);
      await driver.minutes(30);
      for (const task of tasksOf(driver, cart)) expect(task.tags).toMatchObject(tags);
      expect(outcomesOf(driver, cart)).toEqual(["succeeded", "succeeded"]);
      expect(eventsOf(driver, cart).find(({ type }) => type === "Service Updated")?.detail.drift).toEqual([
        "task-tags",
      ]);
      await driver.minutes(120);
      expect(outcomesOf(driver, cart), "one deployment is enough").toHaveLength(2);
    }));

  it("tags that its tasks start with, where the policy has the running tasks tagged: no deployment", () =>
    onLab({ fleet: cartFleet, policy: { taskTags: "tag" } }, async (driver) => {
      await enrollCart(driver);
      await driver.tag(cart, { "ecs.solo.io/hostname": "cart.shop.example.com" });
      await driver.minutes(30);
      for (const { tags } of tasksOf(driver, cart))
        expect(tags).toMatchObject({ "ecs.solo.io/hostname": "cart.shop.example.com" });
      expect(corrections(driver)).toEqual([["task-tags"]]);
      expect(outcomesOf(driver, cart)).toEqual(["succeeded"]);
    }));

  it.each([
    ["changed", "TagResource", { tags: [{ key: "ecs.solo.io/service-account", value: "other" }] }],
    ["taken away", "UntagResource", { tagKeys: ["ecs.solo.io/namespace"] }],
  ])(
    "a tag of a running task itself, %s by a person: the tasks are replaced by ones that are right",
    (_, call, change) =>
      onLab({ fleet: cartFleet }, async (driver) => {
        await enrollCart(driver);
        await driver.minutes(40);
        const [task] = tasksOf(driver, cart);
        await driver.lab.call(cart, call, { resourceArn: task?.taskArn ?? "", ...change });
        await driver.minutes(40);
        for (const { tags } of tasksOf(driver, cart)) expect(tags).toMatchObject(enrollAs("cart"));
        expect(knownTo(driver, "ecs-shop")).toHaveLength(2);
        expect(outcomesOf(driver, cart)).toEqual(["succeeded", "succeeded"]);
        await driver.minutes(240);
        expect(outcomesOf(driver, cart), "one deployment is enough").toHaveLength(2);
      }),
  );

  it("a family that another service begins to use: the service stays in the mesh, and is warned of once", () =>
    onLab(
      { fleet: fleetOf([web("cart", { desiredCount: 2 }), web("worker", { desiredCount: 0 })]) },
      async (driver) => {
        await enrollCart(driver);
        const family = driver.lab.ecs.findService(arnOf(cart))?.deployments[0]?.revision.arn ?? "";
        const use = { cluster: "ecs-demo", service: "worker", taskDefinition: family };
        await driver.lab.call(cart, "UpdateService", use);
        await driver.minutes(120);
        const warned = eventsOf(driver, cart).filter(({ type }) => type === "Service Warned");
        expect(warned.map(({ detail }) => detail.warnings)).toEqual([
          [{ code: "kept", detail: "shared-family: cart is also that of ecs-demo/worker." }],
        ]);
        expect(outcomesOf(driver, cart)).toEqual(["succeeded"]);
      },
    ));

  it("a family that a service without tasks has: another service of it is refused", () =>
    onLab(
      { fleet: fleetOf([web("cart"), web("worker", { desiredCount: 0, taskDefinition: webDefinition("cart") })]) },
      async (driver) => {
        await driver.minutes(20);
        driver.lab.faults.add({ kind: "lose-event", untilMs: driver.lab.clock.now() + 60_000 });
        await driver.tag(cart, enrollAs("cart"));
        await driver.minutes(40);
        expect(eventsOf(driver, cart).map(({ type }) => type)).toEqual(["Service Refused"]);
        expect(outcomesOf(driver, cart)).toEqual([]);
      },
    ));

  it("tasks that started while another tool had set propagateTags to NONE: replaced by ones that the mesh knows", () =>
    onLab({ fleet: cartFleet }, async (driver) => {
      await enrollCart(driver);
      const input = { cluster: "ecs-demo", service: "cart", propagateTags: "NONE", desiredCount: 4 };
      await driver.lab.call(cart, "UpdateService", input);
      await driver.minutes(60);
      expect(tasksOf(driver, cart)).toHaveLength(4);
      expect(knownTo(driver, "ecs-shop")).toHaveLength(4);
      expect(knownTo(driver, "istio-system")).toEqual([]);
    }));
});
