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
  PORTS,
  SERVICE_ACCOUNT,
  shop,
  web,
  webDefinition,
} from "./support/fleets.ts";
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
} from "./support/inspect.ts";
import { onLab } from "./support/on-lab.ts";

const create = (driver: LabDriver, service: typeof catalogService) =>
  createService(service, (at, call, input) => driver.lab.call(at, call, input));

describe("a service gets the enroll tag", () => {
  const shell = demo("shell-task");
  const echo = demo("echo-service");

  it("and is in the mesh within minutes, verified and with a message in Slack", () =>
    onLab({ fleet: guideFleet }, async (driver) => {
      await driver.tag(echo, { [ENROLL]: "true" });
      await driver.until("echo-service is enrolled", 5, () => driver.ended(echo, "succeeded"));
      await driver.minutes(2);
      await expectMeshed(driver, echo);
      expect(await driver.containersOf(echo)).toEqual(["echo", "ztunnel"]);
      expect(await waitsFor(driver, echo, "echo")).toEqual(["ztunnel: HEALTHY"]);
      expect(await waitsFor(driver, echo, "ztunnel")).toEqual([]);
      expect(await containerOf(driver, echo, "ztunnel")).toMatchObject({
        image: FLEET_IMAGE,
        cpu: 0,
        essential: true,
        startTimeout: 120,
        healthCheck: { command: ["ztunnel", "healthcheck"], interval: 5, timeout: 5, retries: 3, startPeriod: 10 },
      });
      expect(eventTypesOf(driver, echo)).toEqual(["Service Enrolled"]);
      expect(driver.messagesAbout(echo)[0]).toContain("ecs-demo/echo-service is in the mesh");
      expect(outcomesOf(driver, echo)).toEqual(["succeeded"]);
    }));

  it("and its ztunnel reads a bootstrap token for the task role's identity from a pinned secret version", () =>
    onLab({ fleet: guideFleet }, async (driver) => {
      await driver.tag(shell, { [ENROLL]: "true" });
      await driver.until("shell-task is enrolled", 5, () => driver.ended(shell, "succeeded"));
      const { secretArn, secretName, versionId } = await pinnedSecret(driver, shell);
      expect(secretName).toBe("ztunnel-autopilot/mesh-us/istio-system/default");
      expect(versionId).toMatch(/^[0-9a-f]{64}$/);
      expect(decodeToken(await secretValue(driver, shell, secretArn, versionId))).toMatchObject({
        namespace: "istio-system",
        serviceAccount: "default",
        platform: "ecs",
        network: "mesh-us",
        remote: true,
      });
      expect(boundRole(driver, "mesh-us", "istio-system", "default")).toBe(shellDefinition.taskRoleArn);
      const [secret] = driver.lab.secrets.state().filter(({ ARN }) => ARN === secretArn);
      expect(textAt(secret ?? {}, "ResourcePolicy")).toContain(String(shellDefinition.executionRoleArn));
    }));

  it("and the service, its tasks and its cluster have the tags that istiod reads", () =>
    onLab({ fleet: guideFleet }, async (driver) => {
      await driver.tag(echo, { [ENROLL]: "true" });
      await driver.until("echo-service is enrolled", 5, () => driver.ended(echo, "succeeded"));
      const identity = { [NAMESPACE]: "istio-system", [SERVICE_ACCOUNT]: "default", [PORTS]: "http:80:8080" };
      expect(tagsOf(driver, echo)).toEqual({ [ENROLL]: "true", ...identity });
      expect((await driver.state(echo))?.addedTagKeys.toSorted()).toEqual([NAMESPACE, PORTS, SERVICE_ACCOUNT]);
      expect(clusterTagsOf(driver, echo)).toMatchObject({ [DISCOVERY]: "true" });
      const tasks = tasksOf(driver, echo);
      expect(tasks).toHaveLength(2);
      for (const { tags } of tasks) expect(tags).toMatchObject(identity);
    }));

  it("and CloudTrail reports it, too: there is one roll", () =>
    onLab({ fleet: guideFleet, cloudTrail: true }, async (driver) => {
      await driver.tag(echo, { [ENROLL]: "true" });
      await driver.minutes(20);
      await expectMeshed(driver, echo);
      expect(outcomesOf(driver, echo)).toEqual(["succeeded"]);
      expect(eventTypesOf(driver, echo)).toEqual(["Service Enrolled"]);
    }));
});

describe("services of every kind", () => {
  it("one that is created with the tag in another account is enrolled at its first deployment event", () =>
    onLab({ fleet: guideFleet }, async (driver) => {
      const catalog = shop("catalog");
      await create(driver, catalogService);
      await driver.until("catalog is enrolled", 10, () => driver.ended(catalog, "succeeded"));
      await expectMeshed(driver, catalog);
      expect(boundRole(driver, "mesh-eu", "ecs-shop", "catalog")).toBe(`arn:aws:iam::${EU.account}:role/catalog-task`);
      expect((await pinnedSecret(driver, catalog)).secretArn).toContain(`:${EU.region}:${EU.account}:`);
      // The owner set the namespace and the service account, so that the autopilot must not remove them.
      expect((await driver.state(catalog))?.addedTagKeys).toEqual([PORTS]);
    }));

  it("one with FireLens and an init container: the application waits for both, without a deadlock", () =>
    onLab({ fleet: guideFleet }, async (driver) => {
      const checkout = shop("checkout");
      await driver.tag(checkout, enrollAs("checkout"));
      await driver.until("checkout is enrolled", 10, () => driver.ended(checkout, "succeeded"));
      await expectMeshed(driver, checkout);
      expect((await waitsFor(driver, checkout, "checkout")).toSorted()).toEqual([
        "migrate: SUCCESS",
        "ztunnel: HEALTHY",
      ]);
      expect(await waitsFor(driver, checkout, "migrate")).toEqual(["ztunnel: HEALTHY"]);
      expect(await waitsFor(driver, checkout, "log-router")).toEqual([]);
    }));

  it("one on EC2 without task-level memory: ztunnel reserves memory, and logs to the application's log group", () =>
    onLab({ fleet: guideFleet }, async (driver) => {
      const search = shop("search");
      await driver.tag(search, enrollAs("search"));
      await driver.until("search is enrolled", 10, () => driver.ended(search, "succeeded"));
      await expectMeshed(driver, search);
      expect(await containerOf(driver, search, "ztunnel")).toMatchObject({
        memoryReservation: 128,
        logConfiguration: { logDriver: "awslogs", options: { "awslogs-group": "/shop/search" } },
      });
    }));

  it("one whose role has a path: the service account is bound to the role's ARN with the path", () => {
    const roleArn = `arn:aws:iam::${US.account}:role/teams/payments/cart-task`;
    const taskDefinition = webDefinition("cart", { taskRoleArn: roleArn });
    return onLab({ fleet: fleetOf([web("cart", { taskDefinition })]) }, async (driver) => {
      const cart = demo("cart");
      await driver.tag(cart, enrollAs("cart"));
      await driver.until("cart is enrolled", 10, () => driver.ended(cart, "succeeded"));
      expect(boundRole(driver, "mesh-us", "ecs-shop", "cart")).toBe(roleArn);
    });
  });

  it("two with one workload identity share one secret, which both execution roles may read", () => {
    const role = `arn:aws:iam::${US.account}:role/shared-task`;
    const services = ["cart", "cart-worker"].map((name) =>
      web(name, { taskDefinition: webDefinition(name, { taskRoleArn: role }) }),
    );
    return onLab({ fleet: fleetOf(services) }, async (driver) => {
      const [cart, worker] = [demo("cart"), demo("cart-worker")];
      await driver.tag(cart, enrollAs("shared"));
      await driver.tag(worker, enrollAs("shared"));
      await driver.until("cart is enrolled", 15, () => driver.ended(cart, "succeeded"));
      await driver.until("cart-worker is enrolled", 15, () => driver.ended(worker, "succeeded"));
      await driver.minutes(1);
      await expectMeshed(driver, cart);
      await expectMeshed(driver, worker);
      expect(await pinnedSecret(driver, cart)).toEqual(await pinnedSecret(driver, worker));
      const secrets = driver.lab.secrets.state().filter(({ Name }) => String(Name).startsWith("ztunnel-autopilot/"));
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

  it("one that was onboarded by hand with istioctl: the token moves from plain text to a secret", () => {
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
    return onLab({ fleet: fleetOf([echo]) }, async (driver) => {
      const service = demo("echo");
      await driver.tag(service, { [ENROLL]: "true" });
      await driver.until("echo is adopted", 10, () => driver.ended(service, "succeeded"));
      await driver.minutes(1);
      await expectMeshed(driver, service);
      expect(JSON.stringify(await driver.definitionOf(service))).not.toContain(plainToken);
      expect((await pinnedSecret(driver, service)).secretName).toBe("ztunnel-autopilot/mesh-us/istio-system/default");
      // Other settings of the container stay.
      expect((await containerOf(driver, service, "ztunnel")).environment).toEqual([
        { name: "RUST_LOG", value: "info" },
      ]);
      const [updated] = eventsOf(driver, service);
      expect(updated).toMatchObject({ type: "Service Updated" });
      expect(updated?.detail.drift).toContain("token-in-plain-text");
    });
  });
});

describe("a cluster gets the enroll tag", () => {
  const services = ["one", "two", "three"].map((name) => web(name, { tags: { [SERVICE_ACCOUNT]: name } }));

  it("and all its services are enrolled, except the one whose own tag is false", () =>
    onLab({ fleet: fleetOf(services) }, async (driver) => {
      const [one, two, three] = [demo("one"), demo("two"), demo("three")];
      await driver.tag(three, { [ENROLL]: "false" });
      const resourceArn = `arn:aws:ecs:${US.region}:${US.account}:cluster/ecs-demo`;
      const tags = [
        { key: ENROLL, value: "true" },
        { key: NAMESPACE, value: "ecs-shop" },
      ];
      await driver.lab.call(US, "TagResource", { resourceArn, tags });
      await driver.until("one is enrolled", 15, () => driver.ended(one, "succeeded"));
      await driver.until("two is enrolled", 15, () => driver.ended(two, "succeeded"));
      await driver.minutes(40);
      await expectMeshed(driver, one);
      await expectMeshed(driver, two);
      expect(boundRole(driver, "mesh-us", "ecs-shop", "one")).toBe(`arn:aws:iam::${US.account}:role/one-task`);
      expect(await driver.containersOf(three)).toEqual(["app"]);
      expect(driver.rollsOf(three)).toEqual([]);
    }));
});

describe("the owner's deployment is in progress when the service is tagged", () => {
  const service = web("cart", { tags: enrollAs("cart") });
  const cart = demo("cart");

  it("inFlight replace: the sidecar is injected at once", () =>
    onLab({ fleet: fleetOf([]), policy: { inFlight: "replace" } }, async (driver) => {
      await create(driver, service);
      await driver.until("a roll has started", 1, () => driver.rollsOf(cart).length > 0);
      const [first] = driver.lab.ecs.allServices();
      expect(first?.lastCompleted, "the roll did not wait for the owner's deployment").toBeUndefined();
      await driver.until("cart is enrolled", 10, () => driver.ended(cart, "succeeded"));
      await expectMeshed(driver, cart);
    }));

  it("inFlight wait: the owner's deployment completes first", () =>
    onLab({ fleet: fleetOf([]), policy: { inFlight: "wait" } }, async (driver) => {
      await create(driver, service);
      await driver.until("a roll has started", 5, () => driver.rollsOf(cart).length > 0);
      const [first] = driver.lab.ecs.allServices();
      expect(first?.lastCompleted?.revision.revision, "the owner's deployment had completed").toBe(1);
      await driver.until("cart is enrolled", 10, () => driver.ended(cart, "succeeded"));
      await expectMeshed(driver, cart);
      expect(outcomesOf(driver, cart)).toEqual(["succeeded"]);
    }));
});
