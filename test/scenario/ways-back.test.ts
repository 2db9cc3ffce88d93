import { describe, expect, it } from "vitest";
import { US } from "../../lab/fleet/demo.ts";
import { arnOf, type LabDriver } from "../../lab/story/lab-driver.ts";
import type { JsonObject } from "../../shared/base/json.ts";
import { textAt } from "../../shared/base/json-fields.ts";
import { readersIn } from "../../shared/data-plane/ztunnel/bootstrap-token/secret-policy.ts";
import { BAD_IMAGE, cart, cartFleet, enrollAs, IMAGE, SERVICE_ACCOUNT } from "./support/fleets.ts";
import { boundRole, eventsOf, outcomesOf, pinnedSecret, tasksOf } from "./support/inspect.ts";
import { onLab } from "./support/on-lab.ts";

const role = (name: string): string => `arn:aws:iam::${US.account}:role/${name}`;
const sm = (driver: LabDriver, operation: string, input: JsonObject) =>
  driver.lab.call(US, operation, input, "secretsmanager");

async function readersOf(driver: LabDriver, SecretId: string): Promise<readonly string[]> {
  return readersIn(textAt(await sm(driver, "GetResourcePolicy", { SecretId }), "ResourcePolicy"));
}

/** Somebody makes the service account again: without its binding, or bound to another role. */
function recreate(driver: LabDriver, name: string, annotations: Record<string, string> = {}): void {
  const metadata = { name, namespace: "ecs-shop", annotations };
  driver.lab.controlPlanes.get("mesh-us")?.put({ apiVersion: "v1", kind: "ServiceAccount", metadata });
}

/** Enrolls cart, then rolls it to an image whose ztunnel is never healthy. Returns its good revision and its secret. */
async function failing(driver: LabDriver, tags: Record<string, string> = {}) {
  await driver.tag(cart, enrollAs("cart"));
  await driver.until("cart is enrolled", 10, () => driver.ended(cart, "succeeded"));
  await driver.minutes(2);
  const good = await driver.revisionOf(cart);
  const { secretArn } = await pinnedSecret(driver, cart);
  driver.lab.faults.add({ kind: "container-unhealthy", match: { image: BAD_IMAGE } });
  await driver.tag(cart, { [IMAGE]: BAD_IMAGE, ...tags });
  await driver.until("the roll waits", 10, async () => (await driver.state(cart))?.roll?.taskToken !== undefined);
  return { good, secretArn };
}

async function reverted(driver: LabDriver, to: string): Promise<void> {
  await driver.until("cart is reverted", 180, () => driver.ended(cart, "reverted"));
  expect(eventsOf(driver, cart).at(-1)?.detail).toMatchObject({ reverted: true, revertedTo: to });
  expect(await driver.revisionOf(cart)).toBe(to);
}

describe("the revert of a failed roll", () => {
  it("has its role read the secret, which is restored, and its service account bound", () =>
    onLab({ fleet: cartFleet, schedules: false }, async (driver) => {
      const { good, secretArn } = await failing(driver);
      await sm(driver, "DeleteResourcePolicy", { SecretId: secretArn });
      await sm(driver, "DeleteSecret", { SecretId: secretArn, RecoveryWindowInDays: 7 });
      recreate(driver, "cart");
      await reverted(driver, good);
      expect(tasksOf(driver, cart).map(({ healthy }) => healthy)).toEqual([true, true]);
      expect(await readersOf(driver, secretArn)).toEqual([role("cart-execution")]);
      expect(boundRole(driver, "mesh-us", "ecs-shop", "cart")).toBe(role("cart-task"));
    }));

  it("by ECS's circuit breaker does the same", () =>
    onLab({ fleet: cartFleet, schedules: false }, async (driver) => {
      await driver.lab.call(cart, "UpdateService", {
        cluster: "ecs-demo",
        service: "cart",
        deploymentConfiguration: { deploymentCircuitBreaker: { enable: true, rollback: true } },
      });
      const { good, secretArn } = await failing(driver);
      recreate(driver, "cart");
      await reverted(driver, good);
      await driver.minutes(1);
      expect(boundRole(driver, "mesh-us", "ecs-shop", "cart")).toBe(role("cart-task"));
      expect(await readersOf(driver, secretArn)).toEqual([role("cart-execution")]);
    }));

  it("to the earlier identity of a service that an earlier version enrolled keeps that identity", () =>
    onLab({ fleet: cartFleet, schedules: false }, async (driver) => {
      await driver.tag(cart, enrollAs("cart"));
      await driver.until("cart is enrolled", 10, () => driver.ended(cart, "succeeded"));
      await driver.lab.ledger.patchService(arnOf(cart), { held: null });
      const { good, secretArn } = await failing(driver, { [SERVICE_ACCOUNT]: "other" });
      for (let sweeps = 0; sweeps < 3; sweeps += 1) await driver.lab.lambda.invoke("sweep-services", {});
      await reverted(driver, good);
      await driver.minutes(1);
      expect(await readersOf(driver, secretArn)).toEqual([role("cart-execution")]);
      const names = (await driver.state(cart))?.held?.map(({ serviceAccount }) => serviceAccount);
      expect(names?.at(-1)).toBe("cart");
    }));

  it("does not wait for a control plane that can't be reached: the next sweep binds", () =>
    onLab({ fleet: cartFleet, schedules: false }, async (driver) => {
      await failing(driver);
      recreate(driver, "cart");
      driver.lab.faults.add({ kind: "kubernetes-down" });
      await driver.until("cart is reverted", 60, () => driver.ended(cart, "reverted"));
      expect((await driver.describe(cart)).runningCount).toBe(2);
      driver.lab.faults.replace([]);
      await driver.lab.lambda.invoke("sweep-services", {});
      expect(boundRole(driver, "mesh-us", "ecs-shop", "cart")).toBe(role("cart-task"));
    }));

  it("takes the next choice where the secret is gone, or the identity another role's", async () => {
    for (const taken of ["secret", "identity"]) {
      await onLab({ fleet: cartFleet, schedules: false }, async (driver) => {
        const { secretArn } = await failing(driver);
        if (taken === "secret")
          await sm(driver, "DeleteSecret", { SecretId: secretArn, ForceDeleteWithoutRecovery: true });
        else recreate(driver, "cart", { "ecs.solo.io/role-arn": role("other") });
        await driver.until("cart is reverted", 60, () => driver.ended(cart, "reverted"));
        expect(await driver.containersOf(cart)).toEqual(["app"]);
        expect((await driver.describe(cart)).runningCount).toBe(2);
        expect(eventsOf(driver, cart).at(-1)?.detail).toMatchObject({ reverted: true });
      });
    }
  });
});

describe("the rollback of an unenrollment", () => {
  async function left(driver: LabDriver) {
    await driver.tag(cart, enrollAs("cart"));
    await driver.until("cart is enrolled", 10, () => driver.ended(cart, "succeeded"));
    await driver.minutes(2);
    const good = await driver.revisionOf(cart);
    const { secretArn } = await pinnedSecret(driver, cart);
    await driver.request({ rolloutId: "leave", kind: "unenroll", requestedBy: "ann" });
    await driver.until("cart has left", 200, async () => !(await driver.inMesh(cart)));
    await driver.minutes(90);
    return { good, secretArn };
  }

  it("restores the secret, lets its role read it and binds the service account", () =>
    onLab({ fleet: cartFleet, schedules: true }, async (driver) => {
      const { good, secretArn } = await left(driver);
      await sm(driver, "DeleteResourcePolicy", { SecretId: secretArn });
      await sm(driver, "DeleteSecret", { SecretId: secretArn, RecoveryWindowInDays: 7 });
      recreate(driver, "cart");
      await driver.control({ rolloutId: "leave", action: "rollback", requestedBy: "ann" });
      await driver.until("cart is back", 100, async () => driver.ended(cart, "succeeded"));
      await driver.until("cart is in the mesh", 100, () => driver.inMesh(cart));
      await driver.minutes(10);
      expect(await readersOf(driver, secretArn)).toEqual([role("cart-execution")]);
      expect(boundRole(driver, "mesh-us", "ecs-shop", "cart")).toBe(role("cart-task"));
      expect(await driver.revisionOf(cart)).toBe(good);
      expect(outcomesOf(driver, cart)).toEqual(["succeeded", "succeeded", "succeeded"]);
    }));
});
