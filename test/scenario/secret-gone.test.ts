import { describe, expect, it } from "vitest";
import { US } from "../../lab/fleet/demo.ts";
import { arnOf, type LabDriver, type ServiceName } from "../../lab/story/lab-driver.ts";
import type { JsonObject } from "../../shared/base/json.ts";
import { objectsAt, textAt } from "../../shared/base/json-fields.ts";
import { readersIn } from "../../shared/data-plane/ztunnel/bootstrap-token/secret-policy.ts";
import { cart, cartFleet, demo, enrollAs, fleetOf, web, webDefinition } from "./support/fleets.ts";
import { eventsOf, expectMeshed, outcomesOf, pinnedSecret } from "./support/inspect.ts";
import { onLab } from "./support/on-lab.ts";

const role = (name: string): string => `arn:aws:iam::${US.account}:role/${name}`;
const call = (driver: LabDriver, operation: string, input: JsonObject) =>
  driver.lab.call(US, operation, input, "secretsmanager");

async function enroll(driver: LabDriver, service: ServiceName, serviceAccount: string): Promise<string> {
  await driver.tag(service, enrollAs(serviceAccount));
  await driver.until(`${service.name} is enrolled`, 20, () => driver.ended(service, "succeeded"));
  await driver.minutes(2);
  return (await pinnedSecret(driver, service)).secretArn;
}

/** Somebody deletes the secret without a recovery window. */
async function deleteForGood(driver: LabDriver, SecretId: string): Promise<void> {
  await call(driver, "DeleteSecret", { SecretId, ForceDeleteWithoutRecovery: true });
}

async function tagsOfSecret(driver: LabDriver, SecretId: string) {
  return objectsAt(await call(driver, "DescribeSecret", { SecretId }), "Tags");
}

const sweep = (driver: LabDriver) => driver.lab.lambda.invoke("sweep-services", {});

const driftOf = (driver: LabDriver, service: ServiceName) =>
  eventsOf(driver, service).flatMap(({ type, detail }) => (type === "Service Updated" ? [detail.drift] : []));

const goneLines = (driver: LabDriver) => driver.lab.logs.filter(({ line }) => line.includes("token secret gone"));

describe("a secret that was deleted for good", () => {
  it("is written again for every service that pins it, as at first, and each gets its new ARN by a roll", () =>
    onLab(
      {
        fleet: fleetOf([
          web("a"),
          web("b", { taskDefinition: webDefinition("b", { taskRoleArn: role("a-task") }) }),
          web("c"),
        ]),
      },
      async (driver) => {
        const [a, b, c] = [demo("a"), demo("b"), demo("c")];
        const before = await enroll(driver, a, "shared");
        await enroll(driver, b, "shared");
        const others = await enroll(driver, c, "c");
        const tags = await tagsOfSecret(driver, before);
        await deleteForGood(driver, before);
        await driver.minutes(45);
        const { secretArn } = await pinnedSecret(driver, a);
        expect(secretArn).not.toBe(before);
        expect((await pinnedSecret(driver, b)).secretArn).toBe(secretArn);
        for (const service of [a, b]) {
          await expectMeshed(driver, service);
          expect(driftOf(driver, service)).toEqual([["secret"]]);
          expect(outcomesOf(driver, service)).toEqual(["succeeded", "succeeded"]);
          expect(await driver.state(service)).not.toHaveProperty("secretGone");
        }
        const policy = textAt(await call(driver, "GetResourcePolicy", { SecretId: secretArn }), "ResourcePolicy");
        expect(readersIn(policy)).toEqual([role("a-execution"), role("b-execution")]);
        expect(await tagsOfSecret(driver, secretArn)).toEqual(tags);
        expect((await pinnedSecret(driver, c)).secretArn).toBe(others);
        expect(outcomesOf(driver, c)).toEqual(["succeeded"]);
        // Mended within the sweep that found it: nobody has to act.
        expect(goneLines(driver)).toEqual([]);
      },
    ));

  it("is written again once, whichever of two sweeps at once finds it", () =>
    onLab({ fleet: cartFleet, schedules: false, latency: true }, async (driver) => {
      const before = await enroll(driver, cart, "cart");
      await deleteForGood(driver, before);
      await Promise.all([sweep(driver), sweep(driver)]);
      await driver.minutes(15);
      await expectMeshed(driver, cart);
      expect((await pinnedSecret(driver, cart)).secretArn).not.toBe(before);
      expect(outcomesOf(driver, cart)).toEqual(["succeeded", "succeeded"]);
      await sweep(driver);
      await driver.minutes(15);
      expect(outcomesOf(driver, cart)).toHaveLength(2);
    }));

  it("that can't be written again is reported until it can: the service goes on as it is", () =>
    onLab({ fleet: cartFleet }, async (driver) => {
      const before = await enroll(driver, cart, "cart");
      const revision = await driver.revisionOf(cart);
      const denied = { call: "secretsmanager.CreateSecret" };
      driver.lab.faults.add({ kind: "api-error", match: denied, error: "AccessDeniedException" });
      await deleteForGood(driver, before);
      await driver.minutes(2 * 60);
      expect(await driver.revisionOf(cart)).toBe(revision);
      expect((await driver.describe(cart)).runningCount).toBe(2);
      expect(goneLines(driver).length).toBeGreaterThan(3);
      const failed = eventsOf(driver, cart).filter(({ type }) => type === "Service Roll Failed");
      expect(failed.map(({ detail }) => detail.code)).toEqual(["access-denied", "access-denied", "access-denied"]);
      driver.lab.faults.replace([]);
      await driver.minutes(8 * 60);
      await expectMeshed(driver, cart);
    }));

  it("in the middle of a roll leaves the service running, and in the mesh in the end", () =>
    onLab({ fleet: cartFleet }, async (driver) => {
      const before = await enroll(driver, cart, "cart");
      await driver.tag(cart, { "ztunnel-autopilot/image": "us-docker.pkg.dev/soloio-img/istio/ztunnel:1.28.2" });
      await driver.until(
        "it registers",
        10,
        async () => (await driver.state(cart))?.roll?.targetRevisionArn !== undefined,
      );
      await deleteForGood(driver, before);
      await driver.minutes(6 * 60);
      await expectMeshed(driver, cart);
      expect((await pinnedSecret(driver, cart)).secretArn).not.toBe(before);
      const codes = eventsOf(driver, cart).flatMap(({ type, detail }) =>
        type === "Service Roll Failed" ? [detail.code] : [],
      );
      expect(new Set(codes)).toEqual(new Set(["secret-unavailable"]));
    }));

  it("in the middle of the first enrollment is written again by the next try", () =>
    onLab({ fleet: cartFleet }, async (driver) => {
      await driver.tag(cart, enrollAs("cart"));
      await driver.until(
        "it registers",
        10,
        async () => (await driver.state(cart))?.roll?.targetRevisionArn !== undefined,
      );
      const [used = ""] = (await driver.state(cart))?.secretsInUse ?? [];
      await deleteForGood(driver, used.split(":::")[0] ?? "");
      await driver.minutes(3 * 60);
      await expectMeshed(driver, cart);
    }));

  it("and that exists after all leads to no roll, and is forgotten", () =>
    onLab({ fleet: cartFleet }, async (driver) => {
      const secretArn = await enroll(driver, cart, "cart");
      await driver.minutes(30);
      await driver.lab.ledger.patchService(arnOf(cart), { secretGone: secretArn });
      await driver.minutes(60);
      expect(await driver.state(cart)).not.toHaveProperty("secretGone");
      await expectMeshed(driver, cart);
    }));
});
