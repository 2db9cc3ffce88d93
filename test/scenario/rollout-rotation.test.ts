import { renewedRootCaPem } from "@ztunnel-autopilot/simulator";
import { describe, expect, it } from "vitest";
import { isJsonObject } from "../../shared/base/json.ts";
import { decodeToken } from "../../shared/data-plane/ztunnel/bootstrap-token/token.ts";
import { pinnedSecret, secretValue } from "./support/inspect.ts";
import { bothRoots, type FleetDriver, newRoot, oldRoot, onFleet, QUICK } from "./support/rollouts.ts";

/** The root CAs that the service's ztunnel trusts according to its bootstrap token. */
async function trusts(driver: FleetDriver, arn: string): Promise<string> {
  const at = driver.serviceOf(arn);
  const { secretArn, versionId } = await pinnedSecret(driver, at);
  const { caCert } = decodeToken(await secretValue(driver, at, secretArn, versionId));
  if (caCert.includes(oldRoot.trim()) && caCert.includes(newRoot.trim())) return "both";
  return caCert.includes(newRoot.trim()) ? "new" : "old";
}

const all = async (driver: FleetDriver) => new Set(await Promise.all(driver.arns.map((arn) => trusts(driver, arn))));

const rotation = async (driver: FleetDriver, number: number) => {
  const rotations = (await driver.rollouts()).filter(({ kind }) => kind === "rotate");
  return rotations[number]?.id;
};

describe("a rotation of the root CA", () => {
  it("has two phases, in 3 regions and 2 accounts; the old root is retirable once the last service trusts both", () =>
    onFleet({ services: 12 }, async (driver) => {
      expect(await all(driver)).toEqual(new Set(["old"]));
      driver.setRootCa(bothRoots);
      await driver.until("a rotation begins", 15, async () => (await rotation(driver, 0)) !== undefined);
      const first = (await rotation(driver, 0)) ?? "";
      let mixed = 0;
      while ((await driver.rollout(first)).status !== "completed") {
        const trusted = await all(driver);
        if (trusted.has("old") && trusted.has("both")) mixed += 1;
        if (trusted.has("old")) expect(driver.events("Root CA Retirable")).toEqual([]);
        await driver.minutes(0.5);
      }
      expect(mixed).toBeGreaterThan(0);
      expect(await all(driver)).toEqual(new Set(["both"]));
      const stages = () => driver.events("Root CA Stage").map(({ stage }) => stage);
      await driver.until("istiod may sign with the new root", 15, () => stages().length > 0);
      await driver.minutes(3 * 60);
      expect(stages(), "nothing goes on while the old root signs").toEqual(["sign-with-new"]);
      expect(driver.heldFrom(oldRoot)).toBe(driver.arns.length);
      driver.signWith(newRoot);
      while (driver.events("Root CA Retirable").length === 0) await driver.minutes(10);
      expect(driver.heldFrom(oldRoot), "certificates of the old root when it may go").toBe(0);
      expect(stages()).toEqual(["sign-with-new", "running-out"]);
      expect(driver.events("Root CA Changed")).toHaveLength(1);
      driver.setRootCa(newRoot);
      await driver.until("a second rotation begins", 15, async () => (await rotation(driver, 1)) !== undefined);
      const second = (await rotation(driver, 1)) ?? "";
      await driver.untilStatus("completed", second);
      expect(await all(driver)).toEqual(new Set(["new"]));
      await driver.minutes(40);
      expect(driver.events("Root CA Retirable")).toHaveLength(1);
      expect(driver.events("Root CA Changed")).toHaveLength(2);
      expect(await driver.rollouts()).toHaveLength(2);
      // Each service has one roll per phase.
      for (const arn of driver.arns) expect(driver.rollsOf(driver.serviceOf(arn))).toHaveLength(2);
      expect(await driver.leftovers()).toEqual([]);
      // No task was cut off in either phase.
      for (const changed of driver.events("Root CA Changed")) expect(changed.cutOff).toBeUndefined();
    }));

  it("to the same root, renewed with its key, is an ordinary one: nobody is cut off, and nothing is to be retired", () =>
    onFleet({ services: 6, desiredCount: 2 }, async (driver) => {
      driver.setRootCa(renewedRootCaPem);
      await driver.until("a rotation begins", 15, async () => (await rotation(driver, 0)) !== undefined);
      const id = (await rotation(driver, 0)) ?? "";
      await driver.untilStatus("completed", id);
      await driver.minutes(60);
      expect((await driver.rollout(id)).emergency).toBe(false);
      const [changed, ...others] = driver.events("Root CA Changed");
      expect(others).toEqual([]);
      expect(changed?.cutOff).toBeUndefined();
      expect(driver.events("Root CA Retirable")).toEqual([]);
      expect(await driver.rollouts()).toHaveLength(1);
    }));

  it("whose old root was dropped early reports the tasks that are cut off, and keeps its usual pace by default", () =>
    onFleet({ services: 9, desiredCount: 2, rollout: { ...QUICK, bakeMinutes: 30 } }, async (driver) => {
      driver.setRootCa(newRoot);
      await driver.until("a rotation begins", 15, async () => (await rotation(driver, 0)) !== undefined);
      const [changed] = driver.events("Root CA Changed");
      expect(changed?.cutOff).toMatchObject({ tasks: 18, services: 9 });
      const id = (await rotation(driver, 0)) ?? "";
      await driver.untilStatus("completed", id, 600);
      expect((await driver.rollout(id)).emergency).toBe(true);
      expect((await driver.rollout(id)).waves[0]?.name).toBe("canary");
      const [first, second] = (await driver.rollout(id)).waves;
      expect(Date.parse(second?.startedAt ?? "") - Date.parse(first?.startedAt ?? "")).toBeGreaterThan(30 * 60_000);
      expect(await all(driver)).toEqual(new Set(["new"]));
      const text = driver.lab.slack
        .messages()
        .map((message) => JSON.stringify(message))
        .join("\n");
      expect(text).toContain("18 running tasks in 9 services");
    }));

  it("whose old root was dropped early has wider waves and no bake where the policy has an emergency pace", () => {
    const rollout = { canaryCount: 2, waves: [10, 50, 100], bakeMinutes: 30, emergency: {} };
    return onFleet({ services: 12, rollout }, async (driver) => {
      driver.setRootCa(newRoot);
      await driver.until("a rotation begins", 15, async () => (await rotation(driver, 0)) !== undefined);
      const id = (await rotation(driver, 0)) ?? "";
      const done = await driver.untilStatus("completed", id, 30);
      expect(done.waves.map(({ name }) => name)).toEqual(["canary", "all regions 100%"]);
      expect(await all(driver)).toEqual(new Set(["new"]));
    });
  });

  it("with an invalid or an empty bundle is refused, and nothing changes", () =>
    onFleet({ services: 3 }, async (driver) => {
      const before = driver.revisions();
      for (const pem of ["", "-----BEGIN CERTIFICATE-----\nrubbish\n-----END CERTIFICATE-----\n"]) {
        driver.setRootCa(pem);
        await driver.minutes(20);
      }
      expect(await driver.rollouts()).toEqual([]);
      expect(driver.revisions()).toEqual(before);
      expect(driver.events("Root CA Changed")).toEqual([]);
      driver.setRootCa(oldRoot);
      await driver.minutes(20);
      expect(await driver.rollouts()).toEqual([]);
    }));

  it("keeps the secret versions that a rollback needs, through every sweep", () =>
    onFleet({ services: 6, rollout: { ...QUICK, bakeMinutes: 90 } }, async (driver) => {
      const before = driver.revisions();
      driver.setRootCa(bothRoots);
      await driver.until("a rotation begins", 15, async () => (await rotation(driver, 0)) !== undefined);
      const id = (await rotation(driver, 0)) ?? "";
      await driver.untilStatus("completed", id, 600);
      await driver.minutes(26 * 60);
      await driver.command("rollback", id);
      await driver.untilStatus("rolled-back", id);
      expect(driver.revisions()).toEqual(before);
      expect(await all(driver)).toEqual(new Set(["old"]));
      await driver.minutes(60);
      expect(driver.revisions()).toEqual(before);
      for (const secret of driver.lab.secrets.state()) {
        const stages = isJsonObject(secret.VersionIdsToStages) ? Object.values(secret.VersionIdsToStages) : [];
        expect(stages.length).toBeGreaterThan(0);
      }
      expect(await driver.leftovers()).toEqual([]);
    }));
});
