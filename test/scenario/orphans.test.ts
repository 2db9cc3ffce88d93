import { describe, expect, it } from "vitest";
import { MEMBER, unchanged, withoutAccount, withoutServing } from "./support/configuration.ts";
import { bothRoots, type FleetDriver, newRoot, onFleet } from "./support/rollouts.ts";

const inChannel = (driver: FleetDriver, words: string | RegExp) =>
  driver.lab.slack.messages().filter(({ text }) => text.search(words) >= 0);

describe("a rotation of the root CA while services in the mesh are out of the configuration", () => {
  it.each([
    ["their account has left it", (driver: FleetDriver) => withoutAccount(driver.lab, MEMBER)],
    ["no control plane serves their region", (driver: FleetDriver) => withoutServing(driver.lab, "eu-west-1")],
  ])("never calls the old root retirable, and counts them as cut off: %s", (_, leave) =>
    onFleet({ services: 12 }, async (driver) => {
      await driver.minutes(20);
      leave(driver);
      const before = driver.revisions();
      const orphans = driver.arnsIn("eu-west-1");
      driver.setRootCa(bothRoots);
      await driver.minutes(120);
      expect(unchanged(driver, driver.arns, before), "the others have both roots").toBe(orphans.length);
      expect(driver.events("Root CA Retirable")).toEqual([]);

      driver.setRootCa(newRoot);
      await driver.minutes(120);
      expect(driver.events("Root CA Changed").at(-1)?.cutOff).toMatchObject({ services: orphans.length });
      expect(inChannel(driver, /CUT OFF/)).not.toEqual([]);
      expect(unchanged(driver, orphans, before)).toBe(orphans.length);
      const rotations = (await driver.rollouts()).filter(({ kind }) => kind === "rotate");
      expect(rotations.length, "no rotation that could reach nobody is repeated").toBeLessThanOrEqual(2);
    }),
  );

  it("goes on by itself once the account is back", () =>
    onFleet({ services: 12 }, async (driver) => {
      await driver.minutes(20);
      const takeBack = withoutAccount(driver.lab, MEMBER);
      driver.setRootCa(bothRoots);
      driver.signWith(newRoot);
      await driver.minutes(120);
      const before = driver.revisions();
      takeBack();
      await driver.minutes(240);
      expect(unchanged(driver, driver.arnsIn("eu-west-1"), before), "they have both roots").toBe(0);
      await driver.until("the old root is retirable", 30, () => driver.events("Root CA Retirable").length > 0);
    }));

  it("is said once, and an operator who releases them opens the gate", () =>
    onFleet({ services: 12 }, async (driver) => {
      await driver.minutes(20);
      withoutAccount(driver.lab, MEMBER);
      driver.setRootCa(bothRoots);
      driver.signWith(newRoot);
      await driver.minutes(240);
      const orphans = driver.arnsIn("eu-west-1");
      expect(driver.events("Services Orphaned")).toMatchObject([{ state: "orphaned", services: orphans.length }]);
      expect(inChannel(driver, "its account is not in the configuration")).toHaveLength(1);

      await driver.release([...orphans, ...driver.arnsIn("us-east-1")]);
      await driver.until("the old root is retirable", 30, () => driver.events("Root CA Retirable").length > 0);
      expect(driver.events("Services Orphaned")).toHaveLength(2);
      await driver.minutes(60);
      for (const arn of driver.arns) {
        const { enrolled } = (await driver.lab.ledger.getService(arn)) ?? {};
        expect(enrolled, "those that sweeps read stay").toBe(!orphans.includes(arn));
      }
      expect(await driver.leftovers()).toEqual([]);
    }));
});

describe("an account that refuses the autopilot", () => {
  it("is said after an hour, holds the gate, and goes on by itself once it lets the autopilot in", () =>
    onFleet({ services: 12 }, async (driver) => {
      await driver.minutes(20);
      const before = driver.revisions();
      const match = { call: "ecs.*", region: "eu-west-1" };
      const untilMs = driver.lab.clock.now() + 170 * 60_000;
      driver.lab.faults.add({ kind: "api-error", match, error: "AccessDeniedException", untilMs });
      driver.setRootCa(bothRoots);
      await driver.minutes(50);
      expect(driver.events("Services Orphaned")).toEqual([]);
      await driver.minutes(120);
      const orphans = driver.arnsIn("eu-west-1");
      expect(driver.events("Services Orphaned")).toMatchObject([{ services: orphans.length }]);
      expect(driver.events("Root CA Retirable")).toEqual([]);
      expect(unchanged(driver, driver.arns, before), "the rollout reaches all others").toBe(orphans.length);
      expect((await driver.rollouts()).map(({ status }) => status)).toEqual(["completed"]);
      await driver.minutes(30);
      for (const arn of orphans) expect((await driver.lab.ledger.getService(arn))?.orphaned).toBeUndefined();
      driver.signWith(newRoot);
      await driver.minutes(240);
      expect(unchanged(driver, driver.arns, before)).toBe(0);
      expect(driver.events("Root CA Retirable")).not.toEqual([]);
    }));
});
