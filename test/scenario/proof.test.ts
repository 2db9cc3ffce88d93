import { describe, expect, it } from "vitest";
import type { LabDriver } from "../../lab/story/lab-driver.ts";
import { isJsonObject } from "../../shared/base/json.ts";
import { workloadEntryObject, workloadEntryOf } from "../support/workload-entries.ts";
import { cart, cartFleet, demo, enrollAs, fleetOf, web } from "./support/fleets.ts";
import { eventsOf, expectMeshed, kubernetesObjects, outcomesOf, tasksOf } from "./support/inspect.ts";
import { onLab } from "./support/on-lab.ts";

const failureOf = (driver: LabDriver) =>
  eventsOf(driver, cart).find(({ type }) => type === "Service Roll Failed")?.detail;

/** Enrolls cart, and returns once the roll is reverted. */
async function enrollInVain(driver: LabDriver): Promise<void> {
  const original = await driver.revisionOf(cart);
  await driver.tag(cart, enrollAs("cart"));
  await driver.until("cart is reverted", 60, () => driver.ended(cart, "reverted"));
  await driver.minutes(2);
  expect(await driver.revisionOf(cart)).toBe(original);
}

/** An entry of another service's task, in the same namespace, with this address: two networks may both have it. */
function putEntryOfBilling(driver: LabDriver, address: string): void {
  const plane = driver.lab.controlPlanes.get("mesh-us");
  const namespaces = kubernetesObjects(driver, "mesh-us", "Namespace").map(({ metadata }) => metadata);
  if (!address || !namespaces.some((metadata) => isJsonObject(metadata) && metadata.name === "ecs-shop")) return;
  const taskArn = `arn:aws:ecs:us-east-1:123456789012:task/other/${address.replaceAll(".", "f")}`;
  const changes = { namespace: "ecs-shop", labels: { "ecs.solo.io/service": "cart" }, serviceAccount: "cart", address };
  plane?.put(workloadEntryObject(workloadEntryOf(taskArn, changes)));
}

describe("a service is called in the mesh", () => {
  it("only if the mesh sends its tasks HBONE", () =>
    onLab({ fleet: fleetOf([web("cart"), web("proven")]) }, async (driver) => {
      await driver.tag(demo("proven"), enrollAs("proven"));
      await driver.until("another service is in the mesh", 15, () => driver.ended(demo("proven"), "succeeded"));
      driver.lab.faults.add({ kind: "no-redirection", match: { service: "cart" } });
      await enrollInVain(driver);
      expect(failureOf(driver)).toMatchObject({
        code: "workload-not-redirected",
        sentence: expect.stringMatching(/No HBONE to task \w+ \(10\.[\d.]+\)/),
      });
      expect(driver.messagesAbout(cart).join("\n")).not.toContain("is in the mesh");
    }));

  it("without HBONE where the configuration asks for the entry alone", () =>
    onLab({ fleet: cartFleet, policy: { verify: "name-only" } }, async (driver) => {
      driver.lab.faults.add({ kind: "no-redirection" });
      await driver.tag(cart, enrollAs("cart"));
      await driver.until("cart has joined", 15, () => driver.ended(cart, "succeeded"));
      expect(outcomesOf(driver, cart)).toEqual(["succeeded"]);
    }));

  it("by its own task's entry, not by another's that has the same address", () =>
    onLab({ fleet: fleetOf([web("cart")]) }, async (driver) => {
      driver.lab.faults.add({ kind: "no-workload-entry", match: { service: "cart" } });
      const original = await driver.revisionOf(cart);
      await driver.tag(cart, enrollAs("cart"));
      for (let seconds = 0; (await driver.state(cart))?.lastOutcome === undefined && seconds < 3600; seconds += 10) {
        for (const { address } of tasksOf(driver, cart)) putEntryOfBilling(driver, address);
        await driver.lab.clock.sleep(10_000);
      }
      expect((await driver.state(cart))?.lastOutcome?.outcome).toBe("reverted");
      expect(await driver.revisionOf(cart)).toBe(original);
      expect(failureOf(driver)).toMatchObject({ code: "workload-entry-missing" });
    }));

  it("if its tasks have IPv6 alone", () =>
    onLab({ fleet: fleetOf([web("cart", { desiredCount: 2, subnets: ["subnet-ipv6a"] })]) }, async (driver) => {
      await driver.tag(cart, enrollAs("cart"));
      await driver.until("cart has joined", 15, () => driver.ended(cart, "succeeded"));
      await driver.minutes(2);
      expect(tasksOf(driver, cart).every(({ address }) => address.includes(":"))).toBe(true);
      await expectMeshed(driver, cart);
    }));
});

describe("an istiod whose entries can't prove a task", () => {
  const shapes = (driver: LabDriver) =>
    driver.lab.slack.messages().filter(({ text }) => text.includes("WorkloadEntries can't prove"));
  const two = fleetOf([web("cart"), web("proven")]);

  it.each(["no-redirection", "other-entries"] as const)(
    "leaves rolls unverified, is one message, and verifies them when it can: %s",
    (kind) =>
      onLab({ fleet: two }, async (driver) => {
        const services = [cart, demo("proven")];
        driver.lab.faults.add({ kind });
        for (const service of services) await driver.tag(service, enrollAs(service.name));
        for (const service of services) await driver.until("unverified", 30, () => driver.ended(service, "unverified"));
        expect(shapes(driver)).toHaveLength(1);
        expect(driver.messagesAbout(cart).join("\n")).not.toContain("is in the mesh");
        await driver.minutes(60);
        expect(outcomesOf(driver, cart), "nothing is tried in vain").toEqual(["unverified"]);

        // Istiod is upgraded, and writes its entries as before.
        driver.lab.faults.replace([]);
        for (const service of services) await driver.deploy(service, await driver.definitionOf(service));
        await driver.minutes(45);
        for (const service of services) await expectMeshed(driver, service);
        expect(shapes(driver)).toHaveLength(1);
      }),
  );
});
