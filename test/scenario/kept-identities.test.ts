import { describe, expect, it } from "vitest";
import { US } from "../../lab/fleet/demo.ts";
import { arnOf, type LabDriver, type ServiceName } from "../../lab/story/lab-driver.ts";
import type { JsonObject } from "../../shared/base/json.ts";
import { textAt } from "../../shared/base/json-fields.ts";
import { readersIn } from "../../shared/data-plane/ztunnel/bootstrap-token/secret-policy.ts";
import { cart, cartFleet, demo, ENROLL, enrollAs, fleetOf, web, webDefinition } from "./support/fleets.ts";
import { boundRole, eventsOf, expectMeshed, pinnedSecret } from "./support/inspect.ts";
import { onLab } from "./support/on-lab.ts";

const DAY = 24 * 60;
const role = (name: string): string => `arn:aws:iam::${US.account}:role/${name}`;
const [payments, mallory] = [demo("payments"), demo("mallory")];
const call = (driver: LabDriver, operation: string, input: JsonObject) =>
  driver.lab.call(US, operation, input, "secretsmanager");

async function readersOf(driver: LabDriver, SecretId: string): Promise<readonly string[]> {
  return readersIn(textAt(await call(driver, "GetResourcePolicy", { SecretId }), "ResourcePolicy"));
}

async function enroll(driver: LabDriver, service: ServiceName, serviceAccount: string): Promise<string> {
  await driver.tag(service, enrollAs(serviceAccount));
  await driver.until(`${service.name} is enrolled`, 20, () => driver.ended(service, "succeeded"));
  return (await pinnedSecret(driver, service)).secretArn;
}

/** A GitOps tool makes the service account again, without the annotation that it does not know. */
function recreate(driver: LabDriver, name: string, annotations: Record<string, string> = {}): void {
  const plane = driver.lab.controlPlanes.get("mesh-us");
  plane?.put({ apiVersion: "v1", kind: "ServiceAccount", metadata: { name, namespace: "ecs-shop", annotations } });
}

function driftOf(driver: LabDriver, service: ServiceName): readonly unknown[] {
  return eventsOf(driver, service).flatMap(({ type, detail }) => (type === "Drift Corrected" ? [detail.drift] : []));
}

describe("a binding that somebody has removed", () => {
  it("is restored for its owner, without a roll, and nobody else gets it meanwhile", () =>
    onLab({ fleet: fleetOf([web("payments"), web("mallory")]) }, async (driver) => {
      await enroll(driver, payments, "payments");
      await driver.tag(mallory, enrollAs("payments"));
      await driver.minutes(20);
      const revision = await driver.revisionOf(payments);
      recreate(driver, "payments");
      for (const minutes of [20, 120, DAY]) {
        await driver.minutes(minutes);
        expect(boundRole(driver, "mesh-us", "ecs-shop", "payments")).toBe(role("payments-task"));
        expect(await driver.inMesh(mallory)).toBe(false);
      }
      expect(await driver.revisionOf(payments)).toBe(revision);
      expect(driftOf(driver, payments)).toEqual([["binding"]]);
    }));

  it("that belongs to another role now is left and reported", () =>
    onLab({ fleet: cartFleet }, async (driver) => {
      await enroll(driver, cart, "cart");
      recreate(driver, "cart", { "ecs.solo.io/role-arn": role("other") });
      await driver.minutes(2 * 60);
      expect(boundRole(driver, "mesh-us", "ecs-shop", "cart")).toBe(role("other"));
      expect(driver.lab.logs.some(({ line }) => line.includes("an identity is bound to another role"))).toBe(true);
    }));

  it("is restored with its namespace", () =>
    onLab({ fleet: cartFleet }, async (driver) => {
      await enroll(driver, cart, "cart");
      const plane = driver.lab.controlPlanes.get("mesh-us");
      for (const object of plane?.state() ?? []) {
        const { name, namespace } = object.metadata as JsonObject;
        const isIts = namespace === "ecs-shop" || (object.kind === "Namespace" && name === "ecs-shop");
        if (isIts && object.kind !== "WorkloadEntry") plane?.delete(object);
      }
      await driver.minutes(2 * 60);
      expect(boundRole(driver, "mesh-us", "ecs-shop", "cart")).toBe(role("cart-task"));
    }));
});

describe("what services share, changed by somebody", () => {
  const plane = (driver: LabDriver) => driver.lab.controlPlanes.get("mesh-us");
  const annotate = (driver: LabDriver, annotations: Record<string, string>) =>
    recreate(driver, "cart", { "ecs.solo.io/role-arn": role("cart-task"), ...annotations });
  const label = (driver: LabDriver, labels: Record<string, string>) =>
    plane(driver)?.put({ apiVersion: "v1", kind: "Namespace", metadata: { name: "ecs-shop", labels } });

  it.each<[string, (driver: LabDriver, isWrong: boolean) => unknown, RegExp]>([
    [
      "an annotation of EKS with another role",
      (driver, isWrong) => annotate(driver, isWrong ? { "eks.amazonaws.com/role-arn": role("other") } : {}),
      /bound to another role as well.*eks\.amazonaws\.com\/role-arn/s,
    ],
    [
      "a namespace without its label",
      (driver, isWrong) => label(driver, isWrong ? {} : { "istio.io/dataplane-mode": "ambient" }),
      /not in the ambient mesh any more.*kubectl label namespace ecs-shop/s,
    ],
  ])("%s: one message, which ends with its cause", (_, change, message) =>
    onLab({ fleet: cartFleet }, async (driver) => {
      await enroll(driver, cart, "cart");
      const texts = () =>
        driver.lab.slack
          .messages()
          .map((one) => JSON.stringify(one).replaceAll("\\n", "\n"))
          .filter((text) => message.test(text));
      const problems = async () =>
        (await Array.fromAsync(driver.lab.ledger.listClaims())).flatMap(({ problem }) => problem ?? []);
      await driver.minutes(60);
      expect(texts()).toEqual([]);
      change(driver, true);
      await driver.minutes(3 * 60);
      expect(texts()).toHaveLength(1);
      expect(await problems()).toHaveLength(1);
      expect(await driver.inMesh(cart)).toBe(true);
      change(driver, false);
      await driver.minutes(60);
      expect(await problems()).toEqual([]);
    }),
  );
});

describe("the readers of a secret", () => {
  const shared = (name: string) => webDefinition(name, { taskRoleArn: role("a-task") });
  const fleet = fleetOf([web("a"), web("b", { taskDefinition: shared("b") })]);
  const [a, b] = [demo("a"), demo("b")];

  it("follow from the services: a service that leaves takes its role away, one that stays keeps it", () =>
    onLab({ fleet }, async (driver) => {
      const secretArn = await enroll(driver, a, "shared");
      await enroll(driver, b, "shared");
      expect(await readersOf(driver, secretArn)).toEqual([role("a-execution"), role("b-execution")]);
      await driver.untag(b, ENROLL);
      await driver.minutes(3 * 60);
      expect(await driver.inMesh(b)).toBe(false);
      expect(await readersOf(driver, secretArn)).toEqual([role("a-execution")]);
      expect(driftOf(driver, a)).toEqual([]);
    }));

  it("follow from the services: a service that is deleted takes its role away", () =>
    onLab({ fleet }, async (driver) => {
      const secretArn = await enroll(driver, a, "shared");
      await enroll(driver, b, "shared");
      await driver.lab.call(US, "DeleteService", { cluster: "ecs-demo", service: "b", force: true });
      await driver.minutes(3 * 60);
      expect(await readersOf(driver, secretArn)).toEqual([role("a-execution")]);
    }));

  it("are put back where somebody has edited the policy, and that is reported", () =>
    onLab({ fleet: cartFleet }, async (driver) => {
      const secretArn = await enroll(driver, cart, "cart");
      await driver.minutes(60);
      await call(driver, "DeleteResourcePolicy", { SecretId: secretArn });
      await driver.minutes(60);
      expect(await readersOf(driver, secretArn)).toEqual([role("cart-execution")]);
      expect(driftOf(driver, cart)).toEqual([["readers"]]);
    }));

  it("are two while a service moves from one execution role to another, then one", () =>
    onLab({ fleet: cartFleet }, async (driver) => {
      const secretArn = await enroll(driver, cart, "cart");
      const definition = await driver.definitionOf(cart);
      await driver.deploy(cart, { ...definition, executionRoleArn: role("cart-second") });
      await driver.minutes(5 * 60);
      await expectMeshed(driver, cart);
      expect(await readersOf(driver, secretArn)).toEqual([role("cart-second")]);
    }));
});

describe("an identity that no service has", () => {
  const asPayments = (family: string) => webDefinition(family, { taskRoleArn: role("payments-task") });

  it("stays for the days of grace, then it is unbound, and its secret scheduled for deletion with 30 days", () =>
    onLab({ fleet: fleetOf([web("payments"), web("mallory")]), policy: { identityGraceDays: 2 } }, async (driver) => {
      const secretArn = await enroll(driver, payments, "payments");
      await driver.untag(payments, ENROLL);
      await driver.minutes(1.9 * DAY);
      expect(boundRole(driver, "mesh-us", "ecs-shop", "payments")).toBe(role("payments-task"));
      expect(await call(driver, "DescribeSecret", { SecretId: secretArn })).not.toHaveProperty("DeletedDate");
      await driver.minutes(0.2 * DAY);
      expect(boundRole(driver, "mesh-us", "ecs-shop", "payments")).toBeUndefined();
      const { DeletedDate, ...secret } = await call(driver, "DescribeSecret", { SecretId: secretArn });
      expect(DeletedDate, JSON.stringify(secret)).toBeGreaterThan(driver.lab.clock.now() / 1000 + 28 * 86_400);
      // Now it is free for another role.
      await enroll(driver, mallory, "payments");
      expect(boundRole(driver, "mesh-us", "ecs-shop", "payments")).toBe(role("mallory-task"));
    }));

  it("is given back after the service was deleted, and the secret restored for one that asks again", () =>
    onLab(
      {
        fleet: fleetOf([web("payments"), web("again", { taskDefinition: asPayments("again") })]),
        policy: { identityGraceDays: 1 },
      },
      async (driver) => {
        const secretArn = await enroll(driver, payments, "payments");
        await driver.lab.call(US, "DeleteService", { cluster: "ecs-demo", service: "payments", force: true });
        await driver.minutes(2 * DAY);
        expect(boundRole(driver, "mesh-us", "ecs-shop", "payments")).toBeUndefined();
        expect(await enroll(driver, demo("again"), "payments")).toBe(secretArn);
        expect(boundRole(driver, "mesh-us", "ecs-shop", "payments")).toBe(role("payments-task"));
      },
    ));

  it("stays while another service has it", () =>
    onLab(
      {
        fleet: fleetOf([web("payments"), web("second", { taskDefinition: asPayments("second") })]),
        policy: { identityGraceDays: 1 },
      },
      async (driver) => {
        await enroll(driver, payments, "payments");
        await enroll(driver, demo("second"), "payments");
        await driver.untag(payments, ENROLL);
        await driver.minutes(2 * DAY);
        expect(boundRole(driver, "mesh-us", "ecs-shop", "payments")).toBe(role("payments-task"));
        await expectMeshed(driver, demo("second"));
      },
    ));

  it("stays where a service in the mesh was enrolled by a version that did not record it", () =>
    onLab({ fleet: cartFleet, schedules: false }, async (driver) => {
      await enroll(driver, cart, "cart");
      await driver.lab.ledger.patchService(arnOf(cart), { held: null });
      const subjects = (await Array.fromAsync(driver.lab.ledger.listClaims())).map(({ subject }) => subject);
      for (const subject of subjects) {
        await driver.lab.ledger.changeClaim(subject, (claim) => ({ next: claim && { ...claim, holders: {} } }));
      }
      for (let sweep = 0; sweep < 3; sweep += 1) {
        await driver.lab.lambda.invoke("sweep-services", {});
        await driver.minutes(8 * DAY);
      }
      expect(boundRole(driver, "mesh-us", "ecs-shop", "cart")).toBe(role("cart-task"));
      const { secretArn } = await pinnedSecret(driver, cart);
      expect(await readersOf(driver, secretArn)).toEqual([role("cart-execution")]);
      expect((await driver.state(cart))?.held).toHaveLength(1);
    }));
});
