import { describe, expect, it } from "vitest";
import { demoFleet } from "../../lab/fleet/demo.ts";
import { arnOf, type LabDriver } from "../../lab/story/lab-driver.ts";
import { type FailureCode, failures } from "../../shared/base/errors.ts";
import { BAD_IMAGE, demo, enrollAs, fleetOf, IMAGE, released, web, webDefinition } from "./support/fleets.ts";
import { onLab } from "./support/on-lab.ts";
import {
  containerOf,
  eventsOf,
  eventTypesOf,
  expectAtRest,
  expectMeshed,
  outcomesOf,
  revisionsOf,
} from "./support/witness.ts";

const cart = demo("cart");
const fleet = fleetOf([web("cart", { desiredCount: 2 })]);
const fleetWithBreaker = fleetOf([web("cart", { desiredCount: 2, circuitBreaker: true })]);

/** The enrolled service's revision. */
async function enrollCart(stage: LabDriver): Promise<string> {
  await stage.tag(cart, enrollAs("cart"));
  await stage.until("cart is enrolled", 10, () => stage.ended(cart, "succeeded"));
  await stage.minutes(1);
  return stage.revisionOf(cart);
}

const failureOf = (stage: LabDriver) =>
  eventsOf(stage, cart).find(({ type }) => type === "Service Roll Failed")?.detail;

/** The failure's message in Slack names its cause, and does not repeat itself. */
function expectToldOnce(stage: LabDriver, code: string): void {
  const [text = "", ...others] = stage.messagesAbout(cart).filter((one) => one.includes("the roll failed"));
  expect(others).toEqual([]);
  const sentence = isFailureCode(code) ? failures[code].sentence : "";
  expect(text.split(sentence), text).toHaveLength(2);
  expect(text).not.toContain(`${code}: `);
}

const isFailureCode = (code: string): code is FailureCode => Object.hasOwn(failures, code);

async function expectReverted(stage: LabDriver, revision: string, code: string): Promise<void> {
  await stage.until("cart is reverted", 60, () => stage.ended(cart, "reverted"));
  await stage.minutes(2);
  expect(await stage.revisionOf(cart)).toBe(revision);
  expect((await stage.describe(cart)).runningCount).toBe(2);
  expect(failureOf(stage)).toMatchObject({ code, reverted: true, revertedTo: revision, consecutiveFailures: 1 });
  expect((await stage.state(cart))?.lastOutcome).toMatchObject({ outcome: "reverted", reason: code });
  expect((await stage.state(cart))?.lastGoodRevisionArn).toBe(revision);
  expectToldOnce(stage, code);
  await expectAtRest(stage, cart);
}

describe.each([
  ["without a circuit breaker", fleet],
  ["with ECS's circuit breaker", fleetWithBreaker],
])("a ztunnel image that never gets healthy, %s", (_how, itsFleet) => {
  it("the service goes back to its pinned last good revision, told with the cause", () =>
    onLab({ fleet: itsFleet }, async (stage) => {
      const good = await enrollCart(stage);
      stage.lab.faults.add({ kind: "container-unhealthy", match: { image: BAD_IMAGE } });
      await stage.tag(cart, { [IMAGE]: BAD_IMAGE });
      await expectReverted(stage, good, "ztunnel-unhealthy");
      expect(failureOf(stage)?.sentence).toMatch(/^Task [0-9a-f]{32}: /);
      expect(stage.messagesAbout(cart).at(-1)).toContain("ztunnel did not get healthy.");
      expect(eventTypesOf(stage, cart)).toEqual(["Service Enrolled", "Service Roll Failed"]);
    }));

  it("is not tried again before its delay, then once, and stays once it works", () =>
    onLab({ fleet: itsFleet }, async (stage) => {
      await enrollCart(stage);
      stage.lab.faults.add({ kind: "container-unhealthy", match: { image: BAD_IMAGE } });
      await stage.tag(cart, { [IMAGE]: BAD_IMAGE });
      await stage.until("reverted", 60, () => stage.ended(cart, "reverted"));
      const notBefore = (await stage.state(cart))?.notBefore ?? 0;
      expect(notBefore - stage.lab.clock.now()).toBeGreaterThan(14 * 60_000);
      stage.lab.faults.replace([]);
      await stage.minutes(14);
      expect(stage.rollsOf(cart)).toHaveLength(2);
      // The sweep that comes next is at most 15 minutes later.
      await stage.until("tried again", 17, () => stage.rollsOf(cart).length === 3);
      expect(stage.lab.clock.now()).toBeGreaterThanOrEqual(notBefore);
      await stage.until("updated", 10, () => stage.ended(cart, "succeeded"));
      await stage.minutes(1);
      await expectMeshed(stage, cart);
      expect(await containerOf(stage, cart, "ztunnel")).toMatchObject({ image: BAD_IMAGE });
      expect(await revisionsOf(stage, cart, "cart"), "the second try takes the first one's revision").toHaveLength(3);
    }));

  it("somebody takes the image tag away: nothing is redeployed", () =>
    onLab({ fleet: itsFleet }, async (stage) => {
      const good = await enrollCart(stage);
      stage.lab.faults.add({ kind: "container-unhealthy", match: { image: BAD_IMAGE } });
      await stage.tag(cart, { [IMAGE]: BAD_IMAGE });
      await stage.until("reverted", 60, () => stage.ended(cart, "reverted"));
      const deployments = stage.lab.ecs.findService(arnOf(cart))?.history.length;
      await stage.untag(cart, IMAGE);
      await stage.minutes(60);
      expect(await stage.revisionOf(cart)).toBe(good);
      expect(stage.lab.ecs.findService(arnOf(cart))?.history.length).toBe(deployments);
      expect((await stage.state(cart))?.consecutiveFailures).toBe(0);
    }));

  it("at the first enrollment: the service goes back to what its owner deployed", () =>
    onLab({ fleet: itsFleet }, async (stage) => {
      const original = await stage.revisionOf(cart);
      stage.lab.faults.add({ kind: "container-unhealthy", match: { service: "cart", container: "ztunnel" } });
      await stage.tag(cart, enrollAs("cart"));
      await expectReverted(stage, original, "ztunnel-unhealthy");
      expect(await stage.containersOf(cart)).toEqual(["app"]);
    }));

  it("and no event tells that it failed: the roll sees it itself", () =>
    onLab({ fleet: itsFleet }, async (stage) => {
      const good = await enrollCart(stage);
      stage.lab.faults.add({ kind: "container-unhealthy", match: { image: BAD_IMAGE } });
      stage.lab.faults.add({ kind: "lose-event", match: { detailType: "ECS *", service: "cart" } });
      await stage.tag(cart, { [IMAGE]: BAD_IMAGE });
      await expectReverted(stage, good, "ztunnel-unhealthy");
    }));
});

describe("tasks of the new revision stop", () => {
  it("the application's container: told as the application's failure, reverted", () =>
    onLab({ fleet }, async (stage) => {
      const original = await stage.revisionOf(cart);
      // Later tasks live on: those of the revision that the service goes back to, too.
      stage.lab.faults.add({ kind: "task-stops", match: { service: "cart", container: "app" }, count: 4 });
      await stage.tag(cart, enrollAs("cart"));
      await expectReverted(stage, original, "application-failed");
      expect(failureOf(stage)?.sentence).toContain("Container app stopped: exit code 1");
    }));

  it("ztunnel's container: told as ztunnel's failure, reverted", () =>
    onLab({ fleet }, async (stage) => {
      const original = await stage.revisionOf(cart);
      stage.lab.faults.add({ kind: "task-stops", match: { service: "cart", container: "ztunnel" } });
      await stage.tag(cart, enrollAs("cart"));
      await expectReverted(stage, original, "ztunnel-unhealthy");
    }));

  it("one task only: the deployment gets over it", () =>
    onLab({ fleet }, async (stage) => {
      stage.lab.faults.add({ kind: "task-stops", match: { service: "cart", container: "app" }, count: 1 });
      await enrollCart(stage);
      await expectMeshed(stage, cart);
      expect(outcomesOf(stage, cart)).toEqual(["succeeded"]);
    }));

  it("they can't read the secret: told as denied, reverted", () =>
    onLab({ fleet }, async (stage) => {
      const original = await stage.revisionOf(cart);
      stage.lab.faults.add({ kind: "secret-denied", match: { service: "cart" } });
      await stage.tag(cart, enrollAs("cart"));
      await expectReverted(stage, original, "secret-denied");
      expect(stage.messagesAbout(cart).at(-1)).toContain("Allow the execution role to read it");
    }));

  it("the image can't be pulled: told as such, reverted", () =>
    onLab({ fleet }, async (stage) => {
      const good = await enrollCart(stage);
      await stage.tag(cart, { [IMAGE]: "us-docker.pkg.dev/soloio-img/istio/ztunnel:broken" });
      await expectReverted(stage, good, "image-unavailable");
    }));
});

describe("the mesh does not know the tasks", () => {
  it("no WorkloadEntry comes: not verified, reverted with the reason", () =>
    onLab({ fleet }, async (stage) => {
      const original = await stage.revisionOf(cart);
      stage.lab.faults.add({ kind: "no-workload-entry", match: { service: "cart" } });
      await stage.tag(cart, enrollAs("cart"));
      await expectReverted(stage, original, "not-verified");
      expect(failureOf(stage)?.sentence).toContain("No WorkloadEntry for task ");
    }));

  it("nor is a task to blame that failed before: another took its place", () =>
    onLab({ fleet }, async (stage) => {
      const original = await stage.revisionOf(cart);
      stage.lab.faults.add({ kind: "no-workload-entry", match: { service: "cart" } });
      stage.lab.faults.add({ kind: "secret-denied", match: { service: "cart" }, count: 1 });
      await stage.tag(cart, enrollAs("cart"));
      await expectReverted(stage, original, "not-verified");
    }));

  it("the control plane is down while the roll verifies, and comes back: the roll succeeds", () =>
    onLab({ fleet }, async (stage) => {
      await stage.tag(cart, enrollAs("cart"));
      await stage.until("rolling", 5, async () => (await stage.state(cart))?.roll?.taskToken !== undefined);
      stage.lab.faults.add({ kind: "kubernetes-down", untilMs: stage.lab.clock.now() + 8 * 60_000 });
      await stage.until("cart is enrolled", 15, () => stage.ended(cart, "succeeded"));
      await expectMeshed(stage, cart);
      expect(outcomesOf(stage, cart)).toEqual(["succeeded"]);
    }));

  it("the control plane stays down while the roll verifies: not verified, reverted", () =>
    onLab({ fleet }, async (stage) => {
      const original = await stage.revisionOf(cart);
      await stage.tag(cart, enrollAs("cart"));
      await stage.until("rolling", 5, async () => (await stage.state(cart))?.roll?.taskToken !== undefined);
      stage.lab.faults.add({ kind: "kubernetes-down" });
      await expectReverted(stage, original, "not-verified");
    }));

  it("the control plane is down for minutes when the roll plans: the roll waits and succeeds", () =>
    onLab({ fleet }, async (stage) => {
      stage.lab.faults.add({ kind: "kubernetes-down", untilMs: stage.lab.clock.now() + 20_000 });
      await enrollCart(stage);
      await expectMeshed(stage, cart);
      expect(outcomesOf(stage, cart)).toEqual(["succeeded"]);
    }));
});

describe("the way back", () => {
  it("the circuit breaker has gone back by itself, and no event told it: no second deployment", () =>
    onLab(
      { fleet: fleetWithBreaker, policy: { pollIntervalMinutes: 30, deploymentDeadlineMinutes: 60 } },
      async (stage) => {
        const good = await enrollCart(stage);
        stage.lab.faults.add({ kind: "container-unhealthy", match: { image: BAD_IMAGE } });
        stage.lab.faults.add({ kind: "lose-event", match: { detailType: "ECS *", service: "cart" } });
        await stage.tag(cart, { [IMAGE]: BAD_IMAGE });
        const history = () => stage.lab.ecs.findService(arnOf(cart))?.history ?? [];
        await stage.until("ECS is back", 29, () => history()[0]?.status === "ROLLBACK_SUCCESSFUL");
        expect((await stage.state(cart))?.roll, "the roll has not looked yet").toBeDefined();
        await expectReverted(stage, good, "ztunnel-unhealthy");
        expect(history(), "the fleet's, the enrollment's and the failed one").toHaveLength(3);
      },
    ));

  it("that is refused is its own loud outcome, and is not tried again", () =>
    onLab({ fleet }, async (stage) => {
      await enrollCart(stage);
      stage.lab.faults.add({ kind: "container-unhealthy", match: { image: BAD_IMAGE } });
      const match = { call: "ecs.UpdateService", service: "cart" };
      // The roll's own UpdateService goes by.
      stage.lab.faults.add({ kind: "api-error", match, skip: 1, error: "AccessDeniedException" });
      await stage.tag(cart, { [IMAGE]: BAD_IMAGE });
      await stage.until("failed", 40, () => stage.ended(cart, "revert-failed"));
      await stage.minutes(2);
      expect(failureOf(stage)).toMatchObject({ reverted: false, code: "access-denied" });
      expect(stage.messagesAbout(cart).at(-1)).toContain("could NOT be reverted");
      expectToldOnce(stage, "access-denied");
      expect(stage.rollsOf(cart).at(-1)?.status).toBe("FAILED");
      const rolls = stage.rollsOf(cart).length;
      await stage.minutes(10);
      expect(stage.rollsOf(cart)).toHaveLength(rolls);
      await expectAtRest(stage, cart);
    }));

  it("waits for a region that is down, and is gone then", () =>
    onLab({ fleet }, async (stage) => {
      const good = await enrollCart(stage);
      stage.lab.faults.add({ kind: "container-unhealthy", match: { image: BAD_IMAGE } });
      await stage.tag(cart, { [IMAGE]: BAD_IMAGE });
      const failedTasks = () => stage.lab.ecs.findService(arnOf(cart))?.deployments[0]?.failedTasks ?? 0;
      await stage.until("failing", 20, () => failedTasks() >= 2);
      stage.lab.faults.add({
        kind: "region-down",
        match: { call: "ecs.*" },
        untilMs: stage.lab.clock.now() + 15 * 60_000,
      });
      await expectReverted(stage, good, "ztunnel-unhealthy");
    }));

  it("leads to a revision that fails itself: told as loudly", () =>
    onLab({ fleet }, async (stage) => {
      stage.lab.faults.add({ kind: "task-stops", match: { service: "cart", container: "app" } });
      await stage.tag(cart, enrollAs("cart"));
      await stage.until("failed", 40, () => stage.ended(cart, "revert-failed"));
      await stage.minutes(2);
      expect(failureOf(stage)).toMatchObject({ reverted: false, code: "tasks-stopping" });
      expect(failureOf(stage)?.sentence).toContain("Container app stopped: exit code 1");
      expect(stage.messagesAbout(cart).at(-1)).toContain("could NOT be reverted");
      expectToldOnce(stage, "tasks-stopping");
    }));

  it("is interrupted by a deployment: that one stays, with the sidecar", () =>
    onLab({ fleet }, async (stage) => {
      await enrollCart(stage);
      stage.lab.faults.add({ kind: "container-unhealthy", match: { image: BAD_IMAGE } });
      await stage.tag(cart, { [IMAGE]: BAD_IMAGE });
      await stage.until("rolling", 5, async () => (await stage.state(cart))?.roll?.taskToken !== undefined);
      await stage.untag(cart, IMAGE);
      await stage.deploy(cart, released(webDefinition("cart"), "app", "shop/cart:2"));
      await stage.until("enrolled", 30, async () => (await stage.inMesh(cart)) && stage.ended(cart, "succeeded"));
      await stage.minutes(1);
      await expectMeshed(stage, cart);
      expect(await containerOf(stage, cart, "app")).toMatchObject({ image: "shop/cart:2" });
    }));
});

describe("Slack is down", () => {
  it("for a minute: rolls go on, the message comes later", () =>
    onLab({ fleet }, async (stage) => {
      stage.lab.faults.add({ kind: "slack-down", untilMs: stage.lab.clock.now() + 2 * 60_000 });
      await stage.tag(cart, enrollAs("cart"));
      await stage.until("cart is enrolled", 3, () => stage.ended(cart, "succeeded"));
      await stage.minutes(5);
      expect(stage.messagesAbout(cart).filter((text) => text.includes("is in the mesh"))).toHaveLength(1);
      expect(stage.lab.lambda.deadLetters).toEqual([]);
    }));

  it("for hours: rolls go on, the message ends as a dead letter with its reason", () =>
    onLab({ fleet: demoFleet }, async (stage) => {
      const echo = demo("echo-service");
      stage.lab.faults.add({ kind: "slack-down" });
      await stage.tag(echo, enrollAs("echo"));
      await stage.until("echo-service is enrolled", 5, () => stage.ended(echo, "succeeded"));
      await stage.minutes(60);
      await expectMeshed(stage, echo);
      const [letter] = stage.lab.lambda.deadLetters;
      expect(letter).toMatchObject({ functionName: "notify-slack", attempts: 3 });
      expect(letter?.message).toMatch(/^slack-unavailable: /);
    }));
});
