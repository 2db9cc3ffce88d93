import { describe, expect, it } from "vitest";
import { US } from "../../lab/fleet/demo.ts";
import type { LabDriver } from "../../lab/story/lab-driver.ts";
import type { JsonObject } from "../../shared/base/json.ts";
import { textAt } from "../../shared/base/json-fields.ts";
import { readersIn } from "../../shared/data-plane/ztunnel/bootstrap-token/secret-policy.ts";
import { cart, cartFleet, demo, enrollAs, fleetOf, web, webDefinition } from "./support/fleets.ts";
import { eventsOf, expectMeshed, pinnedSecret } from "./support/inspect.ts";
import { onLab } from "./support/on-lab.ts";

const SM = "secretsmanager";
const role = (name: string): string => `arn:aws:iam::${US.account}:role/${name}`;
const call = (driver: LabDriver, operation: string, input: JsonObject) => driver.lab.call(US, operation, input, SM);

async function policyOf(driver: LabDriver, SecretId: string): Promise<string | undefined> {
  return textAt(await call(driver, "GetResourcePolicy", { SecretId }), "ResourcePolicy");
}

async function enroll(driver: LabDriver): Promise<string> {
  await driver.tag(cart, enrollAs("cart"));
  await driver.until("cart is enrolled", 15, () => driver.ended(cart, "succeeded"));
  return (await pinnedSecret(driver, cart)).secretArn;
}

/** Lets another roll of the service run: the image's tag asks for one. */
async function rollAgain(driver: LabDriver): Promise<void> {
  await driver.tag(cart, { "ztunnel-autopilot/image": "us-docker.pkg.dev/soloio-img/istio/ztunnel:1.28.2" });
  const attempts = (await driver.state(cart))?.attemptNumber ?? 0;
  await driver.until("the next roll", 15, async () => ((await driver.state(cart))?.attemptNumber ?? 0) > attempts);
}

describe("services of one identity with execution roles of their own", () => {
  it("are enrolled at once, and all of them may read the secret", async () => {
    for (const seed of [1, 2, 3]) {
      const names = ["r0", "r1", "r2", "r3", "r4", "r5"];
      const definition = (name: string) => webDefinition(name, { taskRoleArn: role("shared-task") });
      const fleet = fleetOf(names.map((name) => web(name, { taskDefinition: definition(name) })));
      await onLab({ fleet, seed, latency: true }, async (driver) => {
        await Promise.all(names.map((name) => driver.tag(demo(name), enrollAs("shared"))));
        for (const name of names) {
          await driver.until(`${name} is enrolled`, 30, () => driver.ended(demo(name), "succeeded"));
          expect(driver.rollsOf(demo(name)).map(({ outcome }) => outcome)).not.toContain("reverted");
        }
        const { secretArn } = await pinnedSecret(driver, demo("r0"));
        const readers = readersIn(await policyOf(driver, secretArn));
        expect(readers).toEqual(names.map((name) => role(`${name}-execution`)));
      });
    }
  });
});

describe("a secret's policy that somebody has edited", () => {
  it("has its own statement back after the next roll, and keeps the other statements", () =>
    onLab({ fleet: cartFleet }, async (driver) => {
      const secretArn = await enroll(driver);
      const audit = {
        Sid: "Audit",
        Effect: "Allow",
        Principal: { AWS: role("audit") },
        Action: "secretsmanager:DescribeSecret",
        Resource: "*",
      };
      const ResourcePolicy = JSON.stringify({ Version: "2012-10-17", Statement: [audit] });
      await call(driver, "PutResourcePolicy", { SecretId: secretArn, ResourcePolicy });
      await rollAgain(driver);
      await expectMeshed(driver, cart);
      const policy = (await policyOf(driver, secretArn)) ?? "";
      expect(readersIn(policy)).toEqual([role("cart-execution")]);
      expect(JSON.parse(policy).Statement).toContainEqual(audit);
    }));
});

describe("a secret that is scheduled for deletion", () => {
  it("is restored by the next roll", () =>
    onLab({ fleet: cartFleet }, async (driver) => {
      const secretArn = await enroll(driver);
      await call(driver, "DeleteSecret", { SecretId: secretArn, RecoveryWindowInDays: 7 });
      await rollAgain(driver);
      await expectMeshed(driver, cart);
      expect(await call(driver, "DescribeSecret", { SecretId: secretArn })).not.toHaveProperty("DeletedDate");
    }));
});

describe("a secret version that somebody has written in advance", () => {
  /** What the service would pin, as anybody can compute it. */
  async function pinnedBySomebody() {
    return onLab({ fleet: cartFleet }, async (driver) => {
      await enroll(driver);
      return pinnedSecret(driver, cart);
    });
  }

  it("is not used: the roll fails by name, and nothing was deployed", async () => {
    const { secretName, versionId } = await pinnedBySomebody();
    await onLab({ fleet: cartFleet }, async (driver) => {
      const before = await driver.revisionOf(cart);
      const value = Buffer.from(Buffer.from('{"url":"https://evil.example:15012"}').toString("base64"));
      const SecretString = value.toString("base64");
      await call(driver, "CreateSecret", { Name: secretName, SecretString, ClientRequestToken: versionId });
      await driver.tag(cart, enrollAs("cart"));
      await driver.minutes(15);
      expect(await driver.revisionOf(cart)).toBe(before);
      expect((await driver.state(cart))?.lastOutcome).toMatchObject({ reason: "secret-version-foreign" });
      expect(eventsOf(driver, cart).map(({ type }) => type)).toEqual(["Service Roll Failed"]);
    });
  });
});
