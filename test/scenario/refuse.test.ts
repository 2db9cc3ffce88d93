import { describe, expect, it } from "vitest";
import { US } from "../../lab/fleet/demo.ts";
import { arnOf, type LabDriver, type ServiceName } from "../../lab/story/lab-driver.ts";
import { isJsonObject } from "../../shared/base/json.ts";
import { demo, ENROLL, enrollAs, fleetOf, guideFleet, NAMESPACE, shop, web, webDefinition } from "./support/fleets.ts";
import {
  boundRole,
  eventsOf,
  eventTypesOf,
  expectAtRest,
  expectMeshed,
  outcomesOf,
  tagsOf,
} from "./support/inspect.ts";
import { onLab } from "./support/on-lab.ts";

/** Everything about a service that a refusal must not change. */
async function snapshot(driver: LabDriver, service: ServiceName) {
  const { deployments, ...described } = await driver.describe(service);
  return { described: { ...described, events: [] }, definition: await driver.definitionOf(service), deployments };
}

function reasonsOf(driver: LabDriver, service: ServiceName): readonly unknown[] {
  return eventsOf(driver, service).flatMap(({ detail: { refusals } }) =>
    Array.isArray(refusals) ? refusals.map((one) => isJsonObject(one) && one.reason) : [],
  );
}

describe("a service that can't be enrolled is tagged", () => {
  const cases: [string, ServiceName, Record<string, string>, string, string][] = [
    [
      "bridge networking",
      shop("legacy-reports"),
      { [ENROLL]: "true" },
      "network-mode",
      "Register a revision with networkMode awsvpc",
    ],
    [
      "CodeDeploy",
      shop("billing"),
      { [ENROLL]: "true" },
      "deployment-controller",
      "Change the service to the ECS deployment controller",
    ],
    ["a tag that is not a boolean", demo("echo-service"), { [ENROLL]: "yes" }, "bad-tag", "Correct the named tag"],
    [
      "a namespace that is not allowed",
      demo("echo-service"),
      { [ENROLL]: "true", [NAMESPACE]: "kube-system" },
      "namespace-not-allowed",
      "Use an allowed namespace",
    ],
    [
      "a tag key with a typo",
      demo("echo-service"),
      { "ztunnel-autopilot/enrol": "true" },
      "bad-tag",
      "Correct the named tag",
    ],
  ];

  it.each(cases)("%s: one message with the fix, and nothing changes", (_what, service, tags, reason, fix) =>
    onLab({ fleet: guideFleet }, async (driver) => {
      await driver.tag(service, tags);
      const before = await snapshot(driver, service);
      await driver.minutes(120);
      expect(await snapshot(driver, service)).toEqual(before);
      expect(reasonsOf(driver, service)).toEqual([reason]);
      expect(driver.messagesAbout(service)).toHaveLength(1);
      expect(driver.messagesAbout(service)[0]).toContain(fix);
      expect(driver.rollsOf(service)).toEqual([]);
    }),
  );

  it("and is enrolled when the tag is corrected", () =>
    onLab({ fleet: guideFleet }, async (driver) => {
      const echo = demo("echo-service");
      await driver.tag(echo, { [ENROLL]: "yes" });
      await driver.minutes(5);
      await driver.tag(echo, { [ENROLL]: "true" });
      await driver.until("echo-service is enrolled", 10, () => driver.ended(echo, "succeeded"));
      await driver.minutes(1);
      await expectMeshed(driver, echo);
      expect(eventTypesOf(driver, echo)).toEqual(["Service Refused", "Service Enrolled"]);
    }));

  it("and is refused with a second message when the mistake is repeated", () =>
    onLab({ fleet: guideFleet }, async (driver) => {
      const echo = demo("echo-service");
      await driver.tag(echo, { [ENROLL]: "yes" });
      await driver.minutes(5);
      await driver.untag(echo, ENROLL);
      await driver.minutes(20);
      await driver.tag(echo, { [ENROLL]: "yes" });
      await driver.minutes(5);
      expect(eventTypesOf(driver, echo)).toEqual(["Service Refused", "Service Refused"]);
    }));
});

describe("a service account that is bound to another role", () => {
  const fleet = fleetOf([web("first"), web("second")]);
  const [first, second] = [demo("first"), demo("second")];

  it("keeps its role, and the service is refused without a loop", () =>
    onLab({ fleet }, async (driver) => {
      await driver.tag(first, enrollAs("shared"));
      await driver.until("first is enrolled", 10, () => driver.ended(first, "succeeded"));
      await driver.tag(second, enrollAs("shared"));
      const before = await snapshot(driver, second);
      await driver.minutes(24 * 60);
      expect(await snapshot(driver, second)).toEqual(before);
      expect(boundRole(driver, "mesh-us", "ecs-shop", "shared")).toBe(`arn:aws:iam::${US.account}:role/first-task`);
      // Attempts start at 0, 15, 75 and 435 minutes. The next one is more than a day later.
      expect(outcomesOf(driver, second)).toEqual(["refused", "refused", "refused", "refused"]);
      expect(reasonsOf(driver, second)).toEqual(["identity-conflict"]);
      expect(driver.messagesAbout(second), "one message").toHaveLength(1);
      await expectAtRest(driver, second);
    }));

  it("is replaced by a service account of its own, and the service is enrolled", () =>
    onLab({ fleet }, async (driver) => {
      await driver.tag(first, enrollAs("shared"));
      await driver.until("first is enrolled", 10, () => driver.ended(first, "succeeded"));
      await driver.tag(second, enrollAs("shared"));
      await driver.until("second is refused", 10, () => driver.ended(second, "refused"));
      await driver.tag(second, enrollAs("second"));
      await driver.until("second is enrolled", 10, () => driver.ended(second, "succeeded"));
      await driver.minutes(1);
      await expectMeshed(driver, second);
    }));
});

describe("a refusal", () => {
  it("does not take an enrolled service out of the mesh", () =>
    onLab({ fleet: fleetOf([web("cart")]) }, async (driver) => {
      const cart = demo("cart");
      await driver.tag(cart, enrollAs("cart"));
      await driver.until("cart is enrolled", 10, () => driver.ended(cart, "succeeded"));
      await driver.minutes(1);
      const revision = await driver.revisionOf(cart);
      await driver.tag(cart, { [ENROLL]: "ture" });
      await driver.minutes(60);
      expect(await driver.revisionOf(cart)).toBe(revision);
      expect(eventsOf(driver, cart).map(({ type }) => type)).toEqual(["Service Enrolled", "Service Warned"]);
      const derived = { "ecs.solo.io/ports": "http:80:8080" };
      expect(tagsOf(driver, cart)).toEqual({ ...enrollAs("cart"), ...derived, [ENROLL]: "ture" });
    }));

  it("ends when a pipeline deploys a definition that can be enrolled", () => {
    const { taskRoleArn, ...noTaskRole } = webDefinition("cart");
    return onLab({ fleet: fleetOf([web("cart", { taskDefinition: noTaskRole })]) }, async (driver) => {
      const cart = demo("cart");
      await driver.tag(cart, enrollAs("cart"));
      await driver.until("cart is refused", 5, () => reasonsOf(driver, cart).includes("no-task-role"));
      await driver.deploy(cart, { ...noTaskRole, taskRoleArn: taskRoleArn ?? null });
      await driver.until("cart is enrolled", 10, () => driver.ended(cart, "succeeded"));
      await driver.minutes(1);
      await expectMeshed(driver, cart);
      expect(arnOf(cart)).toContain("cart");
    });
  });
});
