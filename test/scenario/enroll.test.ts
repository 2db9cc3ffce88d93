import { describe, expect, it } from "vitest";
import { catalogService, EU, echoDefinition, shellDefinition, US } from "../../lab/fleet/demo.ts";
import { createService } from "../../lab/fleet/fleet.ts";
import type { LabDriver } from "../../lab/story/lab-driver.ts";
import { isJsonObject } from "../../shared/base/json.ts";
import { textAt } from "../../shared/base/json-fields.ts";
import { decodeToken } from "../../shared/data-plane/ztunnel/bootstrap-token/token.ts";
import {
  DISCOVERY,
  demo,
  ENROLL,
  enrollAs,
  FLEET_IMAGE,
  fleetOf,
  guideFleet,
  NAMESPACE,
  SERVICE_ACCOUNT,
  shop,
  web,
  webDefinition,
} from "./support/fleets.ts";
import { onLab } from "./support/on-lab.ts";
import {
  boundRole,
  clusterTagsOf,
  containerOf,
  eventsOf,
  eventTypesOf,
  expectMeshed,
  outcomesOf,
  pinnedSecret,
  secretValue,
  tagsOf,
  tasksOf,
  waitsFor,
} from "./support/witness.ts";

const create = (stage: LabDriver, service: typeof catalogService) =>
  createService(service, (at, call, input) => stage.lab.call(at, call, input));

describe("a service gets the enroll tag", () => {
  const shell = demo("shell-task");
  const echo = demo("echo-service");

  it("and is in the mesh a few minutes later, verified and told", () =>
    onLab({ fleet: guideFleet }, async (stage) => {
      await stage.tag(echo, { [ENROLL]: "true" });
      await stage.until("echo-service is enrolled", 5, () => stage.ended(echo, "succeeded"));
      await stage.minutes(2);
      await expectMeshed(stage, echo);
      expect(await stage.containersOf(echo)).toEqual(["echo", "ztunnel"]);
      expect(await waitsFor(stage, echo, "echo")).toEqual(["ztunnel: HEALTHY"]);
      expect(await waitsFor(stage, echo, "ztunnel")).toEqual([]);
      expect(await containerOf(stage, echo, "ztunnel")).toMatchObject({
        image: FLEET_IMAGE,
        cpu: 0,
        essential: true,
        startTimeout: 120,
        healthCheck: { command: ["ztunnel", "healthcheck"], interval: 5, timeout: 5, retries: 3, startPeriod: 10 },
      });
      expect(eventTypesOf(stage, echo)).toEqual(["Service Enrolled"]);
      expect(stage.messagesAbout(echo)[0]).toContain("ecs-demo/echo-service is in the mesh");
      expect(outcomesOf(stage, echo)).toEqual(["succeeded"]);
    }));

  it("and its ztunnel starts from a token in a secret, pinned by the version's id, of the task role's identity", () =>
    onLab({ fleet: guideFleet }, async (stage) => {
      await stage.tag(shell, { [ENROLL]: "true" });
      await stage.until("shell-task is enrolled", 5, () => stage.ended(shell, "succeeded"));
      const { secretArn, secretName, versionId } = await pinnedSecret(stage, shell);
      expect(secretName).toBe("ztunnel-autopilot/mesh-us/istio-system/default");
      expect(versionId).toMatch(/^[0-9a-f]{64}$/);
      expect(decodeToken(await secretValue(stage, shell, secretArn, versionId))).toMatchObject({
        namespace: "istio-system",
        serviceAccount: "default",
        platform: "ecs",
        network: "mesh-us",
        remote: true,
      });
      expect(boundRole(stage, "mesh-us", "istio-system", "default")).toBe(shellDefinition.taskRoleArn);
      const [secret] = stage.lab.secrets.state().filter(({ ARN }) => ARN === secretArn);
      expect(textAt(secret ?? {}, "ResourcePolicy")).toContain(String(shellDefinition.executionRoleArn));
    }));

  it("and service, tasks and cluster carry the tags that istiod reads", () =>
    onLab({ fleet: guideFleet }, async (stage) => {
      await stage.tag(echo, { [ENROLL]: "true" });
      await stage.until("echo-service is enrolled", 5, () => stage.ended(echo, "succeeded"));
      const identity = { [NAMESPACE]: "istio-system", [SERVICE_ACCOUNT]: "default" };
      expect(tagsOf(stage, echo)).toEqual({ [ENROLL]: "true", ...identity });
      expect((await stage.state(echo))?.addedTagKeys.toSorted()).toEqual([NAMESPACE, SERVICE_ACCOUNT]);
      expect(clusterTagsOf(stage, echo)).toMatchObject({ [DISCOVERY]: "true" });
      const tasks = tasksOf(stage, echo);
      expect(tasks).toHaveLength(2);
      for (const { tags } of tasks) expect(tags).toMatchObject(identity);
    }));

  it("which CloudTrail tells too: one roll all the same", () =>
    onLab({ fleet: guideFleet, cloudTrail: true }, async (stage) => {
      await stage.tag(echo, { [ENROLL]: "true" });
      await stage.minutes(20);
      await expectMeshed(stage, echo);
      expect(outcomesOf(stage, echo)).toEqual(["succeeded"]);
      expect(eventTypesOf(stage, echo)).toEqual(["Service Enrolled"]);
    }));
});

describe("services of every kind", () => {
  it("created with the tag, in another account, is enrolled from its first deployment event", () =>
    onLab({ fleet: guideFleet }, async (stage) => {
      const catalog = shop("catalog");
      await create(stage, catalogService);
      await stage.until("catalog is enrolled", 10, () => stage.ended(catalog, "succeeded"));
      await expectMeshed(stage, catalog);
      expect(boundRole(stage, "mesh-eu", "ecs-shop", "catalog")).toBe(`arn:aws:iam::${EU.account}:role/catalog-task`);
      expect((await pinnedSecret(stage, catalog)).secretArn).toContain(`:${EU.region}:${EU.account}:`);
      // The namespace and the service account were given: they are not the autopilot's to take away.
      expect((await stage.state(catalog))?.addedTagKeys).toEqual([]);
    }));

  it("with FireLens and an init container: the application waits for both, neither deadlocks", () =>
    onLab({ fleet: guideFleet }, async (stage) => {
      const checkout = shop("checkout");
      await stage.tag(checkout, enrollAs("checkout"));
      await stage.until("checkout is enrolled", 10, () => stage.ended(checkout, "succeeded"));
      await expectMeshed(stage, checkout);
      expect((await waitsFor(stage, checkout, "checkout")).toSorted()).toEqual([
        "migrate: SUCCESS",
        "ztunnel: HEALTHY",
      ]);
      expect(await waitsFor(stage, checkout, "migrate")).toEqual(["ztunnel: HEALTHY"]);
      expect(await waitsFor(stage, checkout, "log-router")).toEqual([]);
    }));

  it("on EC2 without task-level memory: ztunnel reserves some, and logs beside the application", () =>
    onLab({ fleet: guideFleet }, async (stage) => {
      const search = shop("search");
      await stage.tag(search, enrollAs("search"));
      await stage.until("search is enrolled", 10, () => stage.ended(search, "succeeded"));
      await expectMeshed(stage, search);
      expect(await containerOf(stage, search, "ztunnel")).toMatchObject({
        memoryReservation: 128,
        logConfiguration: { logDriver: "awslogs", options: { "awslogs-group": "/shop/search" } },
      });
    }));

  it("with a role below a path: the service account is bound to the role's ARN with its path", () => {
    const roleArn = `arn:aws:iam::${US.account}:role/teams/payments/cart-task`;
    const taskDefinition = webDefinition("cart", { taskRoleArn: roleArn });
    return onLab({ fleet: fleetOf([web("cart", { taskDefinition })]) }, async (stage) => {
      const cart = demo("cart");
      await stage.tag(cart, enrollAs("cart"));
      await stage.until("cart is enrolled", 10, () => stage.ended(cart, "succeeded"));
      expect(boundRole(stage, "mesh-us", "ecs-shop", "cart")).toBe(roleArn);
    });
  });

  it("two of one identity share one secret, which the execution roles of both may read", () => {
    const role = `arn:aws:iam::${US.account}:role/shared-task`;
    const services = ["cart", "cart-worker"].map((name) =>
      web(name, { taskDefinition: webDefinition(name, { taskRoleArn: role }) }),
    );
    return onLab({ fleet: fleetOf(services) }, async (stage) => {
      const [cart, worker] = [demo("cart"), demo("cart-worker")];
      await stage.tag(cart, enrollAs("shared"));
      await stage.tag(worker, enrollAs("shared"));
      await stage.until("cart is enrolled", 15, () => stage.ended(cart, "succeeded"));
      await stage.until("cart-worker is enrolled", 15, () => stage.ended(worker, "succeeded"));
      await stage.minutes(1);
      await expectMeshed(stage, cart);
      await expectMeshed(stage, worker);
      expect(await pinnedSecret(stage, cart)).toEqual(await pinnedSecret(stage, worker));
      const secrets = stage.lab.secrets.state().filter(({ Name }) => String(Name).startsWith("ztunnel-autopilot/"));
      expect(secrets).toHaveLength(1);
      const policy: unknown = JSON.parse(textAt(secrets[0] ?? {}, "ResourcePolicy") ?? "");
      expect(policy).toMatchObject({
        Statement: [
          {
            Principal: {
              AWS: ["cart", "cart-worker"].map((name) => `arn:aws:iam::${US.account}:role/${name}-execution`),
            },
          },
        ],
      });
    });
  });

  it("onboarded by hand with istioctl: the token moves from plain text to a secret", () => {
    const plainToken = "aXN0aW9jdGwgd3JvdGUgdGhpcyB0b2tlbg==";
    const [app] = Array.isArray(echoDefinition.containerDefinitions) ? echoDefinition.containerDefinitions : [];
    const containerDefinitions = [
      {
        name: "ztunnel",
        image: "registry.example.com/ztunnel:1.28.0",
        essential: true,
        environment: [
          { name: "BOOTSTRAP_TOKEN", value: plainToken },
          { name: "RUST_LOG", value: "info" },
        ],
        healthCheck: { command: ["ztunnel", "healthcheck"], interval: 5, timeout: 5, retries: 3, startPeriod: 10 },
      },
      { ...(isJsonObject(app) ? app : {}), dependsOn: [{ containerName: "ztunnel", condition: "HEALTHY" }] },
    ];
    const echo = web("echo", { taskDefinition: { ...echoDefinition, containerDefinitions } });
    return onLab({ fleet: fleetOf([echo]) }, async (stage) => {
      const service = demo("echo");
      await stage.tag(service, { [ENROLL]: "true" });
      await stage.until("echo is adopted", 10, () => stage.ended(service, "succeeded"));
      await stage.minutes(1);
      await expectMeshed(stage, service);
      expect(JSON.stringify(await stage.definitionOf(service))).not.toContain(plainToken);
      expect((await pinnedSecret(stage, service)).secretName).toBe("ztunnel-autopilot/mesh-us/istio-system/default");
      // What else somebody has set on the container stays.
      expect((await containerOf(stage, service, "ztunnel")).environment).toEqual([{ name: "RUST_LOG", value: "info" }]);
      const [updated] = eventsOf(stage, service);
      expect(updated).toMatchObject({ type: "Service Updated" });
      expect(updated?.detail.drift).toContain("token-in-plain-text");
    });
  });
});

describe("a cluster gets the enroll tag", () => {
  const services = ["one", "two", "three"].map((name) => web(name, { tags: { [SERVICE_ACCOUNT]: name } }));

  it("and all its services are enrolled, but for the one that says false", () =>
    onLab({ fleet: fleetOf(services) }, async (stage) => {
      const [one, two, three] = [demo("one"), demo("two"), demo("three")];
      await stage.tag(three, { [ENROLL]: "false" });
      const resourceArn = `arn:aws:ecs:${US.region}:${US.account}:cluster/ecs-demo`;
      const tags = [
        { key: ENROLL, value: "true" },
        { key: NAMESPACE, value: "ecs-shop" },
      ];
      await stage.lab.call(US, "TagResource", { resourceArn, tags });
      await stage.until("one is enrolled", 15, () => stage.ended(one, "succeeded"));
      await stage.until("two is enrolled", 15, () => stage.ended(two, "succeeded"));
      await stage.minutes(40);
      await expectMeshed(stage, one);
      await expectMeshed(stage, two);
      expect(boundRole(stage, "mesh-us", "ecs-shop", "one")).toBe(`arn:aws:iam::${US.account}:role/one-task`);
      expect(await stage.containersOf(three)).toEqual(["app"]);
      expect(stage.rollsOf(three)).toEqual([]);
    }));
});

describe("a user's deployment is in flight when the tag is set", () => {
  const service = web("cart", { tags: enrollAs("cart") });
  const cart = demo("cart");

  it("inFlight replace: the sidecar is injected at once", () =>
    onLab({ fleet: fleetOf([]), policy: { inFlight: "replace" } }, async (stage) => {
      await create(stage, service);
      await stage.until("a roll has started", 1, () => stage.rollsOf(cart).length > 0);
      const [first] = stage.lab.ecs.allServices();
      expect(first?.lastCompleted, "the user's deployment was not waited for").toBeUndefined();
      await stage.until("cart is enrolled", 10, () => stage.ended(cart, "succeeded"));
      await expectMeshed(stage, cart);
    }));

  it("inFlight wait: the user's deployment completes first", () =>
    onLab({ fleet: fleetOf([]), policy: { inFlight: "wait" } }, async (stage) => {
      await create(stage, service);
      await stage.until("a roll has started", 5, () => stage.rollsOf(cart).length > 0);
      const [first] = stage.lab.ecs.allServices();
      expect(first?.lastCompleted?.revision.revision, "the user's deployment had completed").toBe(1);
      await stage.until("cart is enrolled", 10, () => stage.ended(cart, "succeeded"));
      await expectMeshed(stage, cart);
      expect(outcomesOf(stage, cart)).toEqual(["succeeded"]);
    }));
});
