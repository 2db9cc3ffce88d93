import { describe, expect, it } from "vitest";
import { itemKindOf } from "../../lab/release/recording.ts";
import { expectThat } from "../../lab/story/lab-driver.ts";
import { asKnownTo } from "../support/readers.ts";
import { functionsOf, ledgerOf, readersOf } from "../support/released.ts";
import { type FleetDriver, NEW_IMAGE, OLD_IMAGE, onFleet } from "./support/rollouts.ts";

const EARLIER = "0.1.0";
const MARK = "/ztunnel-autopilot/ledger-marks/ztunnel-autopilot";
const policy = { canaryCount: 1, waves: [50, 100], bakeMinutes: 2 };

/** The earlier version's functions in place of today's, with their own readers or with today's. */
async function deployEarlier({ lab }: FleetDriver, items?: Map<string, object>): Promise<void> {
  const factories = await functionsOf(EARLIER);
  const ledger = items && (await ledgerOf(EARLIER, items));
  lab.deploy((platform) => factories(ledger ? { ...platform, ledgerFor: () => ledger } : platform));
}

/** Waits until a roll of the rollout waits for its deployment. */
async function untilRolling(driver: FleetDriver): Promise<void> {
  await driver.until("a roll waits", 60, async () => {
    for await (const { roll } of driver.lab.ledger.listServices()) if (roll?.taskToken !== undefined) return true;
    return false;
  });
}

async function expectDone(driver: FleetDriver, image: string): Promise<void> {
  expect(driver.images()).toEqual(driver.arns.map(() => image));
  expect(await driver.leftovers()).toEqual([]);
  const failed = driver.lab.rolls().filter(({ status }) => status !== "SUCCEEDED");
  expectThat(failed.length === 0, `rolls failed: ${JSON.stringify(failed)}`);
}

describe("a deployment of the autopilot", () => {
  it("while version 0.1.0 rolls out an upgrade: this version completes it", async () => {
    const items = new Map<string, object>();
    await onFleet({ services: 8, items, rollout: policy }, async (driver) => {
      const readers = await readersOf(EARLIER);
      await deployEarlier(driver, items);
      // Today's functions that run at the moment end first. Their items become those of the earlier version.
      await driver.minutes(1);
      for (const [name, item] of items) items.set(name, asKnownTo(readers, itemKindOf(name), item));
      // That version has written no mark beside its ledger.
      await driver.lab.call(driver.home, "DeleteParameter", { Name: MARK }, "AmazonSSM");
      await driver.requestUpgrade();
      await driver.untilWave(1, "rolling");
      await untilRolling(driver);
      driver.lab.deploy();
      await driver.untilStatus("completed");
      await expectDone(driver, NEW_IMAGE);
    });
  });

  it("that is rolled back, and carried out again, in the middle of rolls: the rollout goes on each time", async () => {
    await onFleet({ services: 12, rollout: policy }, async (driver) => {
      await driver.requestUpgrade();
      await driver.untilWave(1, "rolling");
      await untilRolling(driver);
      // Its steps read the items leniently, as those of every version from 0.2.0 on.
      await deployEarlier(driver);
      await driver.untilWave(2, "rolling");
      await untilRolling(driver);
      driver.lab.deploy();
      await driver.untilStatus("completed");
      await expectDone(driver, NEW_IMAGE);
    });
  });

  it("while a rollout is rolled back: it is rolled back by the other version", async () => {
    await onFleet({ services: 8, rollout: policy }, async (driver) => {
      await deployEarlier(driver);
      await driver.requestUpgrade();
      await driver.untilWave(2, "rolling");
      await driver.command("rollback");
      await untilRolling(driver);
      driver.lab.deploy();
      await driver.untilStatus("rolled-back");
      await expectDone(driver, OLD_IMAGE);
    });
  });

  it("while a roll fails: the other version reverts it and ends it", async () => {
    await onFleet({ services: 4, rollout: policy }, async (driver) => {
      await deployEarlier(driver);
      const [arn = ""] = driver.arns;
      const service = driver.serviceOf(arn);
      driver.lab.faults.add({ kind: "container-unhealthy", match: { image: "example.com/ztunnel:1.28.9" } });
      await driver.tag(service, { "ztunnel-autopilot/image": "example.com/ztunnel:1.28.9" });
      await untilRolling(driver);
      driver.lab.deploy();
      await driver.until("the roll is reverted", 120, () => driver.ended(service, "reverted"));
      expect(driver.images()).toEqual(driver.arns.map(() => OLD_IMAGE));
      expect(await driver.leftovers()).toEqual([]);
    });
  });
});
