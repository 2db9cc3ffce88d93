import { describe, expect, it } from "vitest";
import type { LedgerItems } from "../../lab/ledger/ledger-memory.ts";
import { type FleetDriver, type FleetScenario, NEW_IMAGE, OLD_IMAGE, onFleet, QUICK } from "./support/rollouts.ts";

/** How many deployments each service has had. */
const deployments = ({ arns, lab }: FleetDriver) => arns.map((arn) => lab.ecs.findService(arn)?.history.length ?? -1);

const counted = (images: readonly string[]) =>
  Object.fromEntries([...Map.groupBy(images, (image) => image)].map(([image, same]) => [image, same.length]));

/** Puts the ledger back to an earlier time. */
function restore(items: LedgerItems, earlier: ReadonlyMap<string, object>): void {
  items.clear();
  for (const [key, item] of earlier) items.set(key, item);
}

/** A fleet whose ledger's items the test changes. */
function onLedger(test: (driver: FleetDriver, items: LedgerItems) => Promise<void>, more: FleetScenario = {}) {
  const items: LedgerItems = new Map();
  return onFleet({ services: 12, rollout: QUICK, items, ...more }, async (driver) => {
    await driver.minutes(16); // a sweep has recorded all, and the mark is written
    await test(driver, items);
  });
}

/** Three hours after the ledger was changed, nothing was deployed. */
async function expectNothingRolled(driver: FleetDriver, change: () => void): Promise<void> {
  const before = deployments(driver);
  const images = driver.images();
  change();
  await driver.minutes(180);
  expect(deployments(driver)).toEqual(before);
  expect(driver.images()).toEqual(images);
}

const states = (driver: FleetDriver) => driver.events("Ledger Restored").map(({ state, cause }) => `${state} ${cause}`);

describe("a ledger that was restored to an earlier time", () => {
  it("before an upgrade: the image that all run is taken as released, although another one is configured", async () => {
    await onLedger(async (driver, items) => {
      const earlier = new Map(items);
      await driver.requestUpgrade();
      await driver.untilStatus("completed");
      await driver.minutes(20);
      await expectNothingRolled(driver, () => restore(items, earlier));
      expect(states(driver)).toEqual(["noticed restored", "adopted restored"]);
      expect(driver.events("Ledger Restored").at(-1)).toMatchObject({
        image: NEW_IMAGE,
        wished: OLD_IMAGE,
        differing: 0,
      });
      expect((await driver.lab.ledger.getFleet()).image?.image).toBe(NEW_IMAGE);
      expect(await driver.rollouts()).toEqual([]);
    });
  });

  it("into the middle of a rollout that has completed since: that is ended, and changes nothing", async () => {
    await onLedger(async (driver, items) => {
      await driver.requestUpgrade();
      await driver.untilWave(1, "rolling");
      await driver.minutes(0.5);
      const earlier = new Map(items);
      await driver.untilStatus("completed");
      await driver.minutes(20);
      await expectNothingRolled(driver, () => restore(items, earlier));
      expect(await driver.rollout()).toMatchObject({ status: "aborted", reason: { code: "ledger-behind" } });
      expect(states(driver)).toEqual(["noticed restored", "adopted restored"]);
      expect(await driver.leftovers()).toEqual([]);
    });
  });

  it("by half: the services that it lacks are adopted as well", async () => {
    await onLedger(async (driver, items) => {
      const earlier = new Map(items);
      await driver.requestUpgrade();
      await driver.untilStatus("completed");
      await driver.minutes(20);
      await expectNothingRolled(driver, () => {
        const keys = [...earlier.keys()].filter((key, index) => key.startsWith("FLEET") || index % 2 === 0);
        restore(items, new Map(keys.map((key) => [key, earlier.get(key) ?? {}])));
      });
      const known = await Array.fromAsync(driver.lab.ledger.listServices());
      expect(known.filter(({ enrolled }) => enrolled)).toHaveLength(driver.arns.length);
    });
  });
});

describe("a ledger that was emptied", () => {
  it("at rest: what runs is adopted, and life goes on with it", async () => {
    await onLedger(async (driver, items) => {
      await driver.requestUpgrade();
      await driver.untilStatus("completed");
      await driver.minutes(20);
      await expectNothingRolled(driver, () => items.clear());
      expect(states(driver)).toEqual(["noticed emptied", "adopted emptied"]);
      const [arn = ""] = driver.arns;
      const service = driver.serviceOf(arn);
      const { containerDefinitions, ...definition } = await driver.definitionOf(service);
      if (!Array.isArray(containerDefinitions)) throw new Error("the definition has no containers");
      const own = containerDefinitions.filter((one) => !JSON.stringify(one).includes('"name":"ztunnel"'));
      const bare = own.map(({ dependsOn: _, ...container }) => container);
      await driver.deploy(service, { ...definition, containerDefinitions: bare });
      await driver.minutes(30);
      expect(driver.images()[0], "a deployment without the sidecar is corrected with what is released").toBe(NEW_IMAGE);
    });
  });

  it("in the middle of a rollout: what differs is proposed, and done once somebody resumes it", async () => {
    await onLedger(async (driver, items) => {
      await driver.requestUpgrade();
      await driver.untilWave(1, "rolling");
      await driver.minutes(0.5);
      const mixed = counted(driver.images());
      expect(Object.keys(mixed)).toHaveLength(2);
      await expectNothingRolled(driver, () => items.clear());
      const [proposal, ...others] = await driver.rollouts();
      expect(others).toEqual([]);
      expect(proposal).toMatchObject({ kind: "upgrade", status: "paused" });
      expect(driver.events("Ledger Restored").at(-1)).toMatchObject({ rolloutId: proposal?.id });
      await driver.command("resume", proposal?.id);
      await driver.untilStatus("completed", proposal?.id);
      expect(counted(driver.images())).toEqual({ [proposal?.target.image ?? ""]: driver.arns.length });
    });
  });

  it("does not keep an operator's later upgrade from all services", async () => {
    await onLedger(async (driver, items) => {
      items.clear();
      await driver.minutes(60);
      await driver.requestUpgrade();
      await driver.untilStatus("completed");
      expect(counted(driver.images())).toEqual({ [NEW_IMAGE]: driver.arns.length });
    });
  });
});

describe("a ledger that lost nothing", () => {
  it("is never taken for restored, also by rollouts and as the mark is written again and again", async () => {
    await onLedger(
      async (driver) => {
        await driver.requestUpgrade();
        await driver.untilStatus("completed");
        await driver.minutes(24 * 60);
        expect(driver.events("Ledger Restored")).toEqual([]);
      },
      { latency: true },
    );
  });
});
