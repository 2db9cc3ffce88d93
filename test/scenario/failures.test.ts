import { describe, expect, it } from "vitest";
import { demoFleet } from "../../lab/fleet/demo.ts";
import { arnOf, type LabDriver } from "../../lab/story/lab-driver.ts";
import { type FailureCode, failures } from "../../shared/base/errors.ts";
import {
  BAD_IMAGE,
  cart,
  cartFleet,
  demo,
  enrollAs,
  fleetOf,
  IMAGE,
  released,
  web,
  webDefinition,
} from "./support/fleets.ts";
import {
  containerOf,
  eventsOf,
  eventTypesOf,
  expectAtRest,
  expectMeshed,
  outcomesOf,
  revisionsOf,
} from "./support/inspect.ts";
import { onLab } from "./support/on-lab.ts";

const fleetWithBreaker = fleetOf([web("cart", { desiredCount: 2, circuitBreaker: true })]);

/** Enrolls the service. Returns its revision. */
async function enrollCart(driver: LabDriver): Promise<string> {
  await driver.tag(cart, enrollAs("cart"));
  await driver.until("cart is enrolled", 10, () => driver.ended(cart, "succeeded"));
  await driver.minutes(1);
  return driver.revisionOf(cart);
}

const failureOf = (driver: LabDriver) =>
  eventsOf(driver, cart).find(({ type }) => type === "Service Roll Failed")?.detail;

/** Slack has one message about the failure, which contains its cause once. */
function expectNotifiedOnce(driver: LabDriver, code: string): void {
  const [text = "", ...others] = driver.messagesAbout(cart).filter((one) => one.includes("the roll failed"));
  expect(others).toEqual([]);
  const sentence = isFailureCode(code) ? failures[code].sentence : "";
  expect(text.split(sentence), text).toHaveLength(2);
  expect(text).not.toContain(`${code}: `);
}

const isFailureCode = (code: string): code is FailureCode => Object.hasOwn(failures, code);

async function expectReverted(driver: LabDriver, revision: string, code: string): Promise<void> {
  await driver.until("cart is reverted", 60, () => driver.ended(cart, "reverted"));
  await driver.minutes(2);
  expect(await driver.revisionOf(cart)).toBe(revision);
  expect((await driver.describe(cart)).runningCount).toBe(2);
  expect(failureOf(driver)).toMatchObject({ code, reverted: true, revertedTo: revision, consecutiveFailures: 1 });
  expect((await driver.state(cart))?.lastOutcome).toMatchObject({ outcome: "reverted", reason: code });
  expect((await driver.state(cart))?.lastGoodRevisionArn).toBe(revision);
  expectNotifiedOnce(driver, code);
  await expectAtRest(driver, cart);
}

describe.each([
  ["without a circuit breaker", cartFleet],
  ["with ECS's circuit breaker", fleetWithBreaker],
])("a ztunnel image that never becomes healthy, %s", (_how, itsFleet) => {
  it("the service is reverted to its pinned last good revision, and the message names the cause", () =>
    onLab({ fleet: itsFleet }, async (driver) => {
      const good = await enrollCart(driver);
      driver.lab.faults.add({ kind: "container-unhealthy", match: { image: BAD_IMAGE } });
      await driver.tag(cart, { [IMAGE]: BAD_IMAGE });
      await expectReverted(driver, good, "ztunnel-unhealthy");
      expect(failureOf(driver)?.sentence).toMatch(/^Task [0-9a-f]{32}: /);
      expect(driver.messagesAbout(cart).at(-1)).toContain("ztunnel did not get healthy.");
      expect(eventTypesOf(driver, cart)).toEqual(["Service Enrolled", "Service Roll Failed"]);
    }));

  it("the update is tried again after its delay, once, and stays when it works", () =>
    onLab({ fleet: itsFleet }, async (driver) => {
      await enrollCart(driver);
      driver.lab.faults.add({ kind: "container-unhealthy", match: { image: BAD_IMAGE } });
      await driver.tag(cart, { [IMAGE]: BAD_IMAGE });
      await driver.until("reverted", 60, () => driver.ended(cart, "reverted"));
      const notBefore = (await driver.state(cart))?.notBefore ?? 0;
      expect(notBefore - driver.lab.clock.now()).toBeGreaterThan(14 * 60_000);
      driver.lab.faults.replace([]);
      await driver.minutes(14);
      expect(driver.rollsOf(cart)).toHaveLength(2);
      // The next sweep is at most 15 minutes later.
      await driver.until("a third roll starts", 17, () => driver.rollsOf(cart).length === 3);
      expect(driver.lab.clock.now()).toBeGreaterThanOrEqual(notBefore);
      await driver.until("cart is updated", 10, () => driver.ended(cart, "succeeded"));
      await driver.minutes(1);
      await expectMeshed(driver, cart);
      expect(await containerOf(driver, cart, "ztunnel")).toMatchObject({ image: BAD_IMAGE });
      expect(await revisionsOf(driver, cart, "cart"), "the second attempt uses the first one's revision").toHaveLength(
        3,
      );
    }));

  it("the image tag is removed: nothing is redeployed", () =>
    onLab({ fleet: itsFleet }, async (driver) => {
      const good = await enrollCart(driver);
      driver.lab.faults.add({ kind: "container-unhealthy", match: { image: BAD_IMAGE } });
      await driver.tag(cart, { [IMAGE]: BAD_IMAGE });
      await driver.until("reverted", 60, () => driver.ended(cart, "reverted"));
      const deployments = driver.lab.ecs.findService(arnOf(cart))?.history.length;
      await driver.untag(cart, IMAGE);
      await driver.minutes(60);
      expect(await driver.revisionOf(cart)).toBe(good);
      expect(driver.lab.ecs.findService(arnOf(cart))?.history.length).toBe(deployments);
      expect((await driver.state(cart))?.consecutiveFailures).toBe(0);
    }));

  it("at the first enrollment: the service is reverted to its owner's revision", () =>
    onLab({ fleet: itsFleet }, async (driver) => {
      const original = await driver.revisionOf(cart);
      driver.lab.faults.add({ kind: "container-unhealthy", match: { service: "cart", container: "ztunnel" } });
      await driver.tag(cart, enrollAs("cart"));
      await expectReverted(driver, original, "ztunnel-unhealthy");
      expect(await driver.containersOf(cart)).toEqual(["app"]);
    }));

  it("without an event about the failure: the roll detects it by polling", () =>
    onLab({ fleet: itsFleet }, async (driver) => {
      const good = await enrollCart(driver);
      driver.lab.faults.add({ kind: "container-unhealthy", match: { image: BAD_IMAGE } });
      driver.lab.faults.add({ kind: "lose-event", match: { detailType: "ECS *", service: "cart" } });
      await driver.tag(cart, { [IMAGE]: BAD_IMAGE });
      await expectReverted(driver, good, "ztunnel-unhealthy");
    }));
});

describe("tasks of the new revision stop", () => {
  it("the application's container stops: reverted, as the application's failure", () =>
    onLab({ fleet: cartFleet }, async (driver) => {
      const original = await driver.revisionOf(cart);
      // Later tasks keep running, including those of the pinned revision.
      driver.lab.faults.add({ kind: "task-stops", match: { service: "cart", container: "app" }, count: 4 });
      await driver.tag(cart, enrollAs("cart"));
      await expectReverted(driver, original, "application-failed");
      expect(failureOf(driver)?.sentence).toContain("Container app stopped: exit code 1");
    }));

  it("ztunnel's container stops: reverted, as ztunnel's failure", () =>
    onLab({ fleet: cartFleet }, async (driver) => {
      const original = await driver.revisionOf(cart);
      driver.lab.faults.add({ kind: "task-stops", match: { service: "cart", container: "ztunnel" } });
      await driver.tag(cart, enrollAs("cart"));
      await expectReverted(driver, original, "ztunnel-unhealthy");
    }));

  it("only one task stops: the deployment succeeds", () =>
    onLab({ fleet: cartFleet }, async (driver) => {
      driver.lab.faults.add({ kind: "task-stops", match: { service: "cart", container: "app" }, count: 1 });
      await enrollCart(driver);
      await expectMeshed(driver, cart);
      expect(outcomesOf(driver, cart)).toEqual(["succeeded"]);
    }));

  it("they can't read the secret: reverted, as denied", () =>
    onLab({ fleet: cartFleet }, async (driver) => {
      const original = await driver.revisionOf(cart);
      driver.lab.faults.add({ kind: "secret-denied", match: { service: "cart" } });
      await driver.tag(cart, enrollAs("cart"));
      await expectReverted(driver, original, "secret-denied");
      expect(driver.messagesAbout(cart).at(-1)).toContain("Allow the execution role to read it");
    }));

  it.each([
    ["secrets-unreachable", "secret-unreachable", "There is a connection issue between the task", "VPC endpoint"],
    ["kms-denied", "secret-kms-denied", "Access to KMS is not allowed", "kms:Decrypt"],
  ] as const)("%s: reverted as %s, with AWS's reason and its own fix", (kind, code, reason, fix) =>
    onLab({ fleet: cartFleet }, async (driver) => {
      const original = await driver.revisionOf(cart);
      driver.lab.faults.add({ kind, match: { service: "cart" } });
      await driver.tag(cart, enrollAs("cart"));
      await expectReverted(driver, original, code);
      expect(failureOf(driver)?.sentence).toContain(reason);
      expect(driver.messagesAbout(cart).at(-1)).toContain(fix);
    }),
  );

  it("they can't pull the image: reverted, as unavailable", () =>
    onLab({ fleet: cartFleet }, async (driver) => {
      const good = await enrollCart(driver);
      await driver.tag(cart, { [IMAGE]: "us-docker.pkg.dev/soloio-img/istio/ztunnel:broken" });
      await expectReverted(driver, good, "image-unavailable");
    }));
});

describe("the mesh does not know the tasks", () => {
  it("no WorkloadEntry appears: the roll is reverted", () =>
    onLab({ fleet: cartFleet }, async (driver) => {
      const original = await driver.revisionOf(cart);
      driver.lab.faults.add({ kind: "no-workload-entry", match: { service: "cart" } });
      await driver.tag(cart, enrollAs("cart"));
      await expectReverted(driver, original, "workload-entry-missing");
      expect(failureOf(driver)?.sentence).toContain("No WorkloadEntry for task ");
    }));

  it("a task failed before and was replaced: the reason is the missing WorkloadEntry", () =>
    onLab({ fleet: cartFleet }, async (driver) => {
      const original = await driver.revisionOf(cart);
      driver.lab.faults.add({ kind: "no-workload-entry", match: { service: "cart" } });
      driver.lab.faults.add({ kind: "secret-denied", match: { service: "cart" }, count: 1 });
      await driver.tag(cart, enrollAs("cart"));
      await expectReverted(driver, original, "workload-entry-missing");
    }));

  it("the control plane is down for a while when the roll verifies: the roll succeeds", () =>
    onLab({ fleet: cartFleet }, async (driver) => {
      await driver.tag(cart, enrollAs("cart"));
      await driver.until("rolling", 5, async () => (await driver.state(cart))?.roll?.taskToken !== undefined);
      driver.lab.faults.add({ kind: "kubernetes-down", untilMs: driver.lab.clock.now() + 8 * 60_000 });
      await driver.until("cart is enrolled", 15, () => driver.ended(cart, "succeeded"));
      await expectMeshed(driver, cart);
      expect(outcomesOf(driver, cart)).toEqual(["succeeded"]);
    }));

  it("the control plane stays down when the roll verifies: the roll is not verified, and reverted", () =>
    onLab({ fleet: cartFleet }, async (driver) => {
      const original = await driver.revisionOf(cart);
      await driver.tag(cart, enrollAs("cart"));
      await driver.until("rolling", 5, async () => (await driver.state(cart))?.roll?.taskToken !== undefined);
      driver.lab.faults.add({ kind: "kubernetes-down" });
      await expectReverted(driver, original, "not-verified");
    }));

  it("the control plane is down for a while when the roll plans: the roll waits and succeeds", () =>
    onLab({ fleet: cartFleet }, async (driver) => {
      driver.lab.faults.add({ kind: "kubernetes-down", untilMs: driver.lab.clock.now() + 20_000 });
      await enrollCart(driver);
      await expectMeshed(driver, cart);
      expect(outcomesOf(driver, cart)).toEqual(["succeeded"]);
    }));
});

describe("a revert", () => {
  it("that ECS's circuit breaker has already done, without an event, makes no second deployment", () =>
    onLab(
      { fleet: fleetWithBreaker, policy: { pollIntervalMinutes: 30, deploymentDeadlineMinutes: 60 } },
      async (driver) => {
        const good = await enrollCart(driver);
        driver.lab.faults.add({ kind: "container-unhealthy", match: { image: BAD_IMAGE } });
        driver.lab.faults.add({ kind: "lose-event", match: { detailType: "ECS *", service: "cart" } });
        await driver.tag(cart, { [IMAGE]: BAD_IMAGE });
        const history = () => driver.lab.ecs.findService(arnOf(cart))?.history ?? [];
        await driver.until("ECS has rolled back", 29, () => history()[0]?.status === "ROLLBACK_SUCCESSFUL");
        expect((await driver.state(cart))?.roll, "the roll has not polled yet").toBeDefined();
        await expectReverted(driver, good, "ztunnel-unhealthy");
        expect(history(), "the fleet's deployment, the enrollment's and the failed one").toHaveLength(3);
      },
    ));

  it("that AWS denies has an outcome of its own, and is not tried again", () =>
    onLab({ fleet: cartFleet }, async (driver) => {
      await enrollCart(driver);
      driver.lab.faults.add({ kind: "container-unhealthy", match: { image: BAD_IMAGE } });
      const match = { call: "ecs.UpdateService", service: "cart" };
      // The first UpdateService, which starts the deployment, succeeds.
      driver.lab.faults.add({ kind: "api-error", match, skip: 1, error: "AccessDeniedException" });
      await driver.tag(cart, { [IMAGE]: BAD_IMAGE });
      await driver.until("failed", 40, () => driver.ended(cart, "revert-failed"));
      await driver.minutes(2);
      expect(failureOf(driver)).toMatchObject({ reverted: false, code: "access-denied" });
      expect(driver.messagesAbout(cart).at(-1)).toContain("could NOT be reverted");
      expectNotifiedOnce(driver, "access-denied");
      expect(driver.rollsOf(cart).at(-1)?.status).toBe("FAILED");
      const rolls = driver.rollsOf(cart).length;
      await driver.minutes(10);
      expect(driver.rollsOf(cart)).toHaveLength(rolls);
      await expectAtRest(driver, cart);
    }));

  it("waits for a region that is down, and succeeds then", () =>
    onLab({ fleet: cartFleet }, async (driver) => {
      const good = await enrollCart(driver);
      driver.lab.faults.add({ kind: "container-unhealthy", match: { image: BAD_IMAGE } });
      await driver.tag(cart, { [IMAGE]: BAD_IMAGE });
      const failedTasks = () => driver.lab.ecs.findService(arnOf(cart))?.deployments[0]?.failedTasks ?? 0;
      await driver.until("two tasks have failed", 20, () => failedTasks() >= 2);
      driver.lab.faults.add({
        kind: "region-down",
        match: { call: "ecs.*" },
        untilMs: driver.lab.clock.now() + 15 * 60_000,
      });
      await expectReverted(driver, good, "ztunnel-unhealthy");
    }));

  it("to a revision that fails itself has the same outcome", () =>
    onLab({ fleet: cartFleet }, async (driver) => {
      driver.lab.faults.add({ kind: "task-stops", match: { service: "cart", container: "app" } });
      await driver.tag(cart, enrollAs("cart"));
      await driver.until("failed", 40, () => driver.ended(cart, "revert-failed"));
      await driver.minutes(2);
      expect(failureOf(driver)).toMatchObject({ reverted: false, code: "tasks-stopping" });
      expect(failureOf(driver)?.sentence).toContain("Container app stopped: exit code 1");
      expect(driver.messagesAbout(cart).at(-1)).toContain("could NOT be reverted");
      expectNotifiedOnce(driver, "tasks-stopping");
    }));

  it("is not needed after the owner's deployment, which stays, with the sidecar", () =>
    onLab({ fleet: cartFleet }, async (driver) => {
      await enrollCart(driver);
      driver.lab.faults.add({ kind: "container-unhealthy", match: { image: BAD_IMAGE } });
      await driver.tag(cart, { [IMAGE]: BAD_IMAGE });
      await driver.until("rolling", 5, async () => (await driver.state(cart))?.roll?.taskToken !== undefined);
      await driver.untag(cart, IMAGE);
      await driver.deploy(cart, released(webDefinition("cart"), "app", "shop/cart:2"));
      await driver.until("enrolled", 30, async () => (await driver.inMesh(cart)) && driver.ended(cart, "succeeded"));
      await driver.minutes(1);
      await expectMeshed(driver, cart);
      expect(await containerOf(driver, cart, "app")).toMatchObject({ image: "shop/cart:2" });
    }));
});

describe("Slack is down", () => {
  it("for two minutes: rolls succeed, and the message is delayed", () =>
    onLab({ fleet: cartFleet }, async (driver) => {
      driver.lab.faults.add({ kind: "slack-down", untilMs: driver.lab.clock.now() + 2 * 60_000 });
      await driver.tag(cart, enrollAs("cart"));
      await driver.until("cart is enrolled", 3, () => driver.ended(cart, "succeeded"));
      await driver.minutes(5);
      expect(driver.messagesAbout(cart).filter((text) => text.includes("is in the mesh"))).toHaveLength(1);
      expect(driver.lab.lambda.deadLetters).toEqual([]);
    }));

  it("for hours: rolls succeed, the message waits in the ledger, and is posted once Slack answers", () =>
    onLab({ fleet: demoFleet }, async (driver) => {
      const echo = demo("echo-service");
      driver.lab.faults.add({ kind: "slack-down" });
      await driver.tag(echo, enrollAs("echo"));
      await driver.until("echo-service is enrolled", 5, () => driver.ended(echo, "succeeded"));
      await driver.minutes(60);
      await expectMeshed(driver, echo);
      expect(driver.lab.lambda.deadLetters).toEqual([]);
      expect(driver.messagesAbout(echo)).toEqual([]);
      driver.lab.faults.replace([]);
      await driver.minutes(3);
      expect(driver.messagesAbout(echo).filter((text) => text.includes("is in the mesh"))).toHaveLength(1);
    }));
});
