import { rootCaPem } from "@ztunnel-autopilot/simulator";
import { describe, expect, it } from "vitest";
import type { LabDriver } from "../../lab/story/lab-driver.ts";
import type { Json } from "../../shared/base/json.ts";
import { cart, enrollAs, fleetOf, web, webDefinition } from "./support/fleets.ts";
import { expectAtRest, expectMeshed } from "./support/inspect.ts";
import { onLab } from "./support/on-lab.ts";

const scenario = { fleet: fleetOf([web("cart")]), policy: { attemptDelaysMinutes: [15] } };

function plane(driver: LabDriver) {
  const found = driver.lab.controlPlanes.get("mesh-us");
  if (!found) throw new Error("there is no mesh-us");
  return found;
}

describe("a malformed event", () => {
  const malformed: [string, Json][] = [
    ["not an object", "reconcile cart"],
    ["an empty object", {}],
    ["a tag change without a resource", { source: "aws.tag", "detail-type": "Tag Change on Resource", resources: [] }],
    [
      "a deployment without a detail",
      { source: "aws.ecs", "detail-type": "ECS Deployment State Change", resources: [] },
    ],
  ];

  it.each(malformed)("%s: ends as a dead letter with its reason, and nothing changes", (_what, event) =>
    onLab(scenario, async (driver) => {
      const before = await driver.describe(cart);
      await driver.lab.lambda.invokeAsync("reconcile-service", event);
      await driver.minutes(5);
      const [letter, ...others] = driver.lab.lambda.deadLetters;
      expect(others).toEqual([]);
      expect(letter).toMatchObject({ functionName: "reconcile-service", payload: event });
      expect(letter?.message).toMatch(/^malformed-event: /);
      expect(await driver.describe(cart)).toEqual(before);
    }),
  );

  it("an event of an unknown type is ignored", () =>
    onLab(scenario, async (driver) => {
      const envelope = { id: "1", account: cart.account, region: cart.region, time: "2026-01-05T12:00:00Z" };
      const event = { ...envelope, source: "aws.ecs", "detail-type": "ECS Tea Break", resources: [], detail: {} };
      await driver.lab.lambda.invokeAsync("reconcile-service", event);
      await driver.minutes(5);
      expect(driver.lab.lambda.deadLetters).toEqual([]);
      expect(driver.lab.rolls()).toEqual([]);
    }));
});

describe("a control plane with unusable mesh facts", () => {
  const service = {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "istio-eastwest", namespace: "istio-eastwest" },
  };
  const defects: [string, string, (driver: LabDriver) => void][] = [
    ["a root CA that is not a certificate", "invalid-pem", (driver) => plane(driver).setRootCa("not a certificate")],
    ["no east-west gateway", "control-plane-incomplete", (driver) => plane(driver).delete(service)],
  ];

  it.each(defects)("%s: the roll fails with the reason, and the service is not touched", (_what, reason, breakFacts) =>
    onLab(scenario, async (driver) => {
      const original = await driver.revisionOf(cart);
      breakFacts(driver);
      await driver.tag(cart, enrollAs("cart"));
      await driver.until("failed", 10, () => driver.ended(cart, "failed"));
      expect((await driver.state(cart))?.lastOutcome).toMatchObject({ outcome: "failed", reason });
      expect(await driver.revisionOf(cart)).toBe(original);
      await driver.minutes(10);
      expect(driver.rollsOf(cart), "not in a loop").toHaveLength(1);
      await expectAtRest(driver, cart);
    }),
  );

  it("a root CA that is corrected: the next attempt enrolls the service", () =>
    onLab(scenario, async (driver) => {
      plane(driver).setRootCa("not a certificate");
      await driver.tag(cart, enrollAs("cart"));
      await driver.until("failed", 10, () => driver.ended(cart, "failed"));
      plane(driver).setRootCa(rootCaPem);
      await driver.until("cart is enrolled", 45, () => driver.ended(cart, "succeeded"));
      await driver.minutes(1);
      await expectMeshed(driver, cart);
    }));

  const configMap = {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name: "istio-ca-root-cert", namespace: "istio-system" },
  };
  it.each<[string, (driver: LabDriver) => void]>([
    ["a root CA that is not a certificate", (driver) => plane(driver).setRootCa("not a certificate")],
    ["no root CA", (driver) => plane(driver).delete(configMap)],
  ])("%s: a service in the mesh gets its sidecar back after a CI deployment", (_what, breakFacts) =>
    onLab(scenario, async (driver) => {
      await driver.tag(cart, enrollAs("cart"));
      await driver.until("cart is enrolled", 10, () => driver.ended(cart, "succeeded"));
      await driver.minutes(1);
      breakFacts(driver);
      await driver.deploy(cart, webDefinition("cart"));
      await driver.until("cart is corrected", 15, () => driver.inMesh(cart));
      await driver.minutes(5);
      await expectMeshed(driver, cart);
    }),
  );

  it("an enrolled service is not changed", () =>
    onLab(scenario, async (driver) => {
      await driver.tag(cart, enrollAs("cart"));
      await driver.until("cart is enrolled", 10, () => driver.ended(cart, "succeeded"));
      await driver.minutes(1);
      const revision = await driver.revisionOf(cart);
      plane(driver).setRootCa("not a certificate");
      await driver.minutes(60);
      expect(await driver.revisionOf(cart)).toBe(revision);
      expect(driver.rollsOf(cart)).toHaveLength(1);
    }));
});
