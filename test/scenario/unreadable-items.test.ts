import { describe, expect, it } from "vitest";
import { bothRoots, type FleetDriver, NEW_IMAGE, newRoot, OLD_IMAGE, onFleet, QUICK } from "./support/rollouts.ts";

const GONE = "arn:aws:ecs:us-east-1:123456789012:service/fleet-0/gone";

/** The item's key in the ledger in memory. */
function keyOf(serviceArn: string): string {
  return `SERVICE#${serviceArn} STATE`;
}

/** Makes the item of a service unreadable, or adds such an item. Returns what mends it. */
function spoil(items: Map<string, object>, serviceArn: string): () => void {
  const key = keyOf(serviceArn);
  const before = items.get(key);
  items.set(key, { pk: `SERVICE#${serviceArn}`, sk: "STATE", ...before, shape: 7 });
  return () => (before ? items.set(key, before) : items.delete(key));
}

/** The functions that said what they could not read. */
function complaints({ lab }: FleetDriver): ReadonlySet<string> {
  const lines = lab.logs.filter(({ line }) => line.includes("ledger-item-unreadable"));
  return new Set(lines.map(({ functionName }) => functionName));
}

describe("an item that can't be read", () => {
  it("of a service that is gone stops nothing: rollouts, rotations and their gate go on, and it is logged", async () => {
    const items = new Map<string, object>();
    await onFleet({ services: 6, items, rollout: QUICK }, async (driver) => {
      spoil(items, GONE);
      await driver.minutes(20);
      await driver.requestUpgrade();
      await driver.untilStatus("completed");
      expect(driver.images()).toEqual(driver.arns.map(() => NEW_IMAGE));
      driver.setRootCa(bothRoots);
      driver.signWith(newRoot);
      await driver.minutes(120);
      expect(driver.events("Root CA Retirable")).toHaveLength(1);
      expect(driver.lab.lambda.deadLetters).toEqual([]);
      expect(complaints(driver)).toContain("sweep-services");
    });
  });

  it("of a service that runs stops that service alone, and counts as one that may need the old root", async () => {
    const items = new Map<string, object>();
    await onFleet({ services: 6, items, rollout: QUICK }, async (driver) => {
      const [spoiled = "", ...others] = driver.arns;
      const mend = spoil(items, spoiled);
      await driver.minutes(20);
      await driver.requestUpgrade();
      await driver.untilStatus("completed");
      const images = new Map(driver.arns.map((arn, index) => [arn, driver.images()[index]]));
      expect(images.get(spoiled)).toBe(OLD_IMAGE);
      for (const arn of others) expect(images.get(arn)).toBe(NEW_IMAGE);
      driver.setRootCa(bothRoots);
      driver.signWith(newRoot);
      await driver.minutes(120);
      expect(driver.events("Root CA Retirable")).toEqual([]);
      mend();
      await driver.minutes(180);
      expect(driver.events("Root CA Retirable")).toHaveLength(1);
    });
  });

  it("of a rollout that has ended stops no other rollout, nor its message", async () => {
    const items = new Map<string, object>();
    await onFleet({ services: 4, items, rollout: QUICK }, async (driver) => {
      items.set("ROLLOUT#upgrade-old META", { pk: "ROLLOUT#upgrade-old", sk: "META", shape: 7 });
      await driver.requestUpgrade();
      await driver.untilStatus("completed");
      await driver.minutes(20);
      expect(driver.lab.lambda.deadLetters).toEqual([]);
    });
  });

  it("of a rollout that waits lets the others pass", async () => {
    const items = new Map<string, object>();
    await onFleet({ services: 4, items, rollout: { ...QUICK, bakeMinutes: 5 } }, async (driver) => {
      await driver.requestUpgrade();
      await driver.requestUpgrade({ rolloutId: "upgrade-two", scope: { regions: ["eu-west-1"] } });
      const key = "ROLLOUT#upgrade-two META";
      const waits = items.get(key);
      expect(waits).toHaveProperty("status", "waiting");
      items.set(key, { ...waits, shape: 7 });
      await driver.requestUpgrade({ rolloutId: "upgrade-three", scope: { regions: ["us-west-2"] } });
      await driver.untilStatus("completed");
      await driver.untilStatus("completed", "upgrade-three");
      items.set(key, { ...waits });
      // Its turn has come: it finds no service in its region.
      await driver.untilStatus("refused", "upgrade-two");
    });
  });

  it("of a claim stops what shares that thing alone", async () => {
    const items = new Map<string, object>();
    await onFleet({ services: 4, items, rollout: QUICK }, async (driver) => {
      await driver.minutes(20);
      const claims = [...items].filter(([key]) => key.startsWith("CLAIM#secret"));
      const [spoiled] = claims;
      expect(claims.length).toBeGreaterThan(1);
      if (spoiled) items.set(spoiled[0], { ...spoiled[1], shape: 7 });
      const before = driver.lab.clock.now();
      await driver.minutes(20);
      const kept = driver.lab.logs.filter(
        ({ atMs, line }) => atMs > before && line.includes("not kept: the identities"),
      );
      expect(kept.map(({ line }) => line)).toEqual([]);
    });
  });
});

describe("a service that somebody has deleted", () => {
  it("leaves the ledger once ECS has not had it for an hour, and comes back as another one", async () => {
    const items = new Map<string, object>();
    await onFleet({ services: 4, items, rollout: QUICK }, async (driver) => {
      const [arn = "", other = ""] = driver.arns;
      const { cluster, name, ...place } = driver.serviceOf(arn);
      await driver.lab.call(place, "DeleteService", { cluster, service: name, force: true });
      await driver.minutes(45);
      expect(items.get(keyOf(arn))).toHaveProperty("goneSinceMs");
      await driver.minutes(60);
      expect(items.has(keyOf(arn))).toBe(false);
      expect(items.has(keyOf(other))).toBe(true);
    });
  });
});
