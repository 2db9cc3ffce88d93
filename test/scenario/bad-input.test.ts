import { rootCaPem } from "@ztunnel-autopilot/simulator";
import { describe, expect, it } from "vitest";
import type { LabDriver } from "../../lab/story/lab-driver.ts";
import type { Json } from "../../shared/base/json.ts";
import { cart, enrollAs, fleetOf, web } from "./support/fleets.ts";
import { onLab } from "./support/on-lab.ts";
import { expectAtRest, expectMeshed } from "./support/witness.ts";

const scenario = { fleet: fleetOf([web("cart")]), policy: { attemptDelaysMinutes: [15] } };

function plane(stage: LabDriver) {
  const found = stage.lab.controlPlanes.get("mesh-us");
  if (!found) throw new Error("there is no mesh-us");
  return found;
}

describe("an event that makes no sense", () => {
  const poisoned: [string, Json][] = [
    ["no object", "look at cart"],
    ["an empty object", {}],
    ["a tag change of no resource", { source: "aws.tag", "detail-type": "Tag Change on Resource", resources: [] }],
    [
      "a deployment without a detail",
      { source: "aws.ecs", "detail-type": "ECS Deployment State Change", resources: [] },
    ],
  ];

  it.each(poisoned)("%s: ends as a dead letter with its reason, nothing is changed", (_what, event) =>
    onLab(scenario, async (stage) => {
      const before = await stage.describe(cart);
      await stage.lab.lambda.invokeAsync("reconcile-service", event);
      await stage.minutes(5);
      const [letter, ...others] = stage.lab.lambda.deadLetters;
      expect(others).toEqual([]);
      expect(letter).toMatchObject({ functionName: "reconcile-service", payload: event });
      expect(letter?.message).toMatch(/^malformed-event: /);
      expect(await stage.describe(cart)).toEqual(before);
    }),
  );

  it("one of a kind that we do not know is let go by", () =>
    onLab(scenario, async (stage) => {
      const envelope = { id: "1", account: cart.account, region: cart.region, time: "2026-01-05T12:00:00Z" };
      const event = { ...envelope, source: "aws.ecs", "detail-type": "ECS Tea Break", resources: [], detail: {} };
      await stage.lab.lambda.invokeAsync("reconcile-service", event);
      await stage.minutes(5);
      expect(stage.lab.lambda.deadLetters).toEqual([]);
      expect(stage.lab.rolls()).toEqual([]);
    }));
});

describe("a control plane that says what can't be used", () => {
  const service = {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "istio-eastwest", namespace: "istio-eastwest" },
  };
  const wrongs: [string, string, (stage: LabDriver) => void][] = [
    ["a root CA that is no certificate", "invalid-pem", (stage) => plane(stage).setRootCa("not a certificate")],
    ["no east-west gateway", "control-plane-incomplete", (stage) => plane(stage).delete(service)],
  ];

  it.each(wrongs)("%s: the roll fails by name, the service is not touched", (_what, reason, spoil) =>
    onLab(scenario, async (stage) => {
      const original = await stage.revisionOf(cart);
      spoil(stage);
      await stage.tag(cart, enrollAs("cart"));
      await stage.until("failed", 10, () => stage.ended(cart, "failed"));
      expect((await stage.state(cart))?.lastOutcome).toMatchObject({ outcome: "failed", reason });
      expect(await stage.revisionOf(cart)).toBe(original);
      await stage.minutes(10);
      expect(stage.rollsOf(cart), "not in a loop").toHaveLength(1);
      await expectAtRest(stage, cart);
    }),
  );

  it("a root CA that is put right again: the next attempt enrolls", () =>
    onLab(scenario, async (stage) => {
      plane(stage).setRootCa("not a certificate");
      await stage.tag(cart, enrollAs("cart"));
      await stage.until("failed", 10, () => stage.ended(cart, "failed"));
      plane(stage).setRootCa(rootCaPem);
      await stage.until("cart is enrolled", 45, () => stage.ended(cart, "succeeded"));
      await stage.minutes(1);
      await expectMeshed(stage, cart);
    }));

  it("an enrolled service stays in the mesh as it is", () =>
    onLab(scenario, async (stage) => {
      await stage.tag(cart, enrollAs("cart"));
      await stage.until("cart is enrolled", 10, () => stage.ended(cart, "succeeded"));
      await stage.minutes(1);
      const revision = await stage.revisionOf(cart);
      plane(stage).setRootCa("not a certificate");
      await stage.minutes(60);
      expect(await stage.revisionOf(cart)).toBe(revision);
      expect(stage.rollsOf(cart)).toHaveLength(1);
    }));
});
