import { describe, expect, it } from "vitest";
import { US } from "../../lab/fleet/demo.ts";
import { arnOf, type LabDriver, type ServiceName } from "../../lab/story/lab-driver.ts";
import { isJsonObject } from "../../shared/base/json.ts";
import { demo, ENROLL, enrollAs, fleetOf, guideFleet, NAMESPACE, shop, web, webDefinition } from "./support/fleets.ts";
import { onLab } from "./support/on-lab.ts";
import {
  boundRole,
  eventsOf,
  eventTypesOf,
  expectAtRest,
  expectMeshed,
  outcomesOf,
  tagsOf,
} from "./support/witness.ts";

/** Everything of a service that a refusal must leave as it is. */
async function snapshot(stage: LabDriver, service: ServiceName) {
  const { deployments, ...described } = await stage.describe(service);
  return { described: { ...described, events: [] }, definition: await stage.definitionOf(service), deployments };
}

function reasonsOf(stage: LabDriver, service: ServiceName): readonly unknown[] {
  return eventsOf(stage, service).flatMap(({ detail: { refusals } }) =>
    Array.isArray(refusals) ? refusals.map((one) => isJsonObject(one) && one.reason) : [],
  );
}

describe("a service that can't be enrolled gets the tag", () => {
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
    ["a tag that is no boolean", demo("echo-service"), { [ENROLL]: "yes" }, "bad-tag", "Correct the named tag"],
    [
      "a namespace that is not allowed",
      demo("echo-service"),
      { [ENROLL]: "true", [NAMESPACE]: "kube-system" },
      "namespace-not-allowed",
      "Use an allowed namespace",
    ],
    [
      "a tag's key with a typo",
      demo("echo-service"),
      { "ztunnel-autopilot/enrol": "true" },
      "bad-tag",
      "Correct the named tag",
    ],
  ];

  it.each(cases)("%s: told once with the fix, nothing is changed", (_what, service, tags, reason, fix) =>
    onLab({ fleet: guideFleet }, async (stage) => {
      await stage.tag(service, tags);
      const before = await snapshot(stage, service);
      await stage.minutes(120);
      expect(await snapshot(stage, service)).toEqual(before);
      expect(reasonsOf(stage, service)).toEqual([reason]);
      expect(stage.messagesAbout(service)).toHaveLength(1);
      expect(stage.messagesAbout(service)[0]).toContain(fix);
      expect(stage.rollsOf(service)).toEqual([]);
    }),
  );

  it("and when the tag is put right, it is enrolled", () =>
    onLab({ fleet: guideFleet }, async (stage) => {
      const echo = demo("echo-service");
      await stage.tag(echo, { [ENROLL]: "yes" });
      await stage.minutes(5);
      await stage.tag(echo, { [ENROLL]: "true" });
      await stage.until("echo-service is enrolled", 10, () => stage.ended(echo, "succeeded"));
      await stage.minutes(1);
      await expectMeshed(stage, echo);
      expect(eventTypesOf(stage, echo)).toEqual(["Service Refused", "Service Enrolled"]);
    }));

  it("the same mistake a second time is told a second time", () =>
    onLab({ fleet: guideFleet }, async (stage) => {
      const echo = demo("echo-service");
      await stage.tag(echo, { [ENROLL]: "yes" });
      await stage.minutes(5);
      await stage.untag(echo, ENROLL);
      await stage.minutes(20);
      await stage.tag(echo, { [ENROLL]: "yes" });
      await stage.minutes(5);
      expect(eventTypesOf(stage, echo)).toEqual(["Service Refused", "Service Refused"]);
    }));
});

describe("a service account that is bound to another role", () => {
  const fleet = fleetOf([web("first"), web("second")]);
  const [first, second] = [demo("first"), demo("second")];

  it("is refused, keeps its role, and is not looked into in a loop", () =>
    onLab({ fleet }, async (stage) => {
      await stage.tag(first, enrollAs("shared"));
      await stage.until("first is enrolled", 10, () => stage.ended(first, "succeeded"));
      await stage.tag(second, enrollAs("shared"));
      const before = await snapshot(stage, second);
      await stage.minutes(24 * 60);
      expect(await snapshot(stage, second)).toEqual(before);
      expect(boundRole(stage, "mesh-us", "ecs-shop", "shared")).toBe(`arn:aws:iam::${US.account}:role/first-task`);
      // Attempts at 0, 15, 75 and 435 minutes: then a day goes by.
      expect(outcomesOf(stage, second)).toEqual(["refused", "refused", "refused", "refused"]);
      expect(reasonsOf(stage, second)).toEqual(["identity-conflict"]);
      expect(stage.messagesAbout(second), "told once").toHaveLength(1);
      await expectAtRest(stage, second);
    }));

  it("becomes its own service account: it is enrolled", () =>
    onLab({ fleet }, async (stage) => {
      await stage.tag(first, enrollAs("shared"));
      await stage.until("first is enrolled", 10, () => stage.ended(first, "succeeded"));
      await stage.tag(second, enrollAs("shared"));
      await stage.until("second is refused", 10, () => stage.ended(second, "refused"));
      await stage.tag(second, enrollAs("second"));
      await stage.until("second is enrolled", 10, () => stage.ended(second, "succeeded"));
      await stage.minutes(1);
      await expectMeshed(stage, second);
    }));
});

describe("what a refused service keeps", () => {
  it("an enrolled service that becomes refused stays as it is: it is not thrown out of the mesh", () =>
    onLab({ fleet: fleetOf([web("cart")]) }, async (stage) => {
      const cart = demo("cart");
      await stage.tag(cart, enrollAs("cart"));
      await stage.until("cart is enrolled", 10, () => stage.ended(cart, "succeeded"));
      await stage.minutes(1);
      const revision = await stage.revisionOf(cart);
      await stage.tag(cart, { [ENROLL]: "ture" });
      await stage.minutes(60);
      expect(await stage.revisionOf(cart)).toBe(revision);
      expect(eventTypesOf(stage, cart)).toEqual(["Service Enrolled", "Service Refused"]);
      expect(tagsOf(stage, cart)).toEqual({ ...enrollAs("cart"), [ENROLL]: "ture" });
    }));

  it("a pipeline makes the definition one that can be enrolled: its deployment's event leads to it", () => {
    const { taskRoleArn, ...noTaskRole } = webDefinition("cart");
    return onLab({ fleet: fleetOf([web("cart", { taskDefinition: noTaskRole })]) }, async (stage) => {
      const cart = demo("cart");
      await stage.tag(cart, enrollAs("cart"));
      await stage.until("refused", 5, () => reasonsOf(stage, cart).includes("no-task-role"));
      await stage.deploy(cart, { ...noTaskRole, taskRoleArn: taskRoleArn ?? null });
      await stage.until("cart is enrolled", 10, () => stage.ended(cart, "succeeded"));
      await stage.minutes(1);
      await expectMeshed(stage, cart);
      expect(arnOf(cart)).toContain("cart");
    });
  });
});
