import { describe, expect, it } from "vitest";
import type { Rollout, RolloutServiceStatus } from "../../../../shared/model/rollout.ts";
import { guardRollout } from "../../../../shared/use-cases/rollout/guard-rollout.ts";
import { serviceArn } from "../../../support/arns.ts";
import { rollout, rolloutService, wave } from "../../../support/rollouts.ts";
import { rolloutTestbed } from "../../../support/testbeds/rollout.ts";

const ID = "upgrade-1";

/** A rollout of two waves of four services each, under way, with these services so far. */
async function underWay(statuses: readonly RolloutServiceStatus[], given: Partial<Rollout> = {}) {
  const testbed = rolloutTestbed();
  const waves = [wave("first", 0, 3, "rolling"), wave("second", 4, 7, "waiting")];
  await testbed.ledger.createRollout(rollout({ id: ID, status: "running", serviceCount: 8, waves, ...given }));
  await testbed.ledger.changeFleet((fleet) => ({ next: { ...fleet, currentRolloutId: ID } }));
  await testbed.ledger.putRolloutServices(
    statuses.map((status, ordinal) =>
      rolloutService(ordinal, { status, serviceArn: serviceArn(`s${ordinal}`), waveIndex: ordinal < 4 ? 0 : 1 }),
    ),
  );
  return testbed;
}

describe("the guard says how the rollout goes", () => {
  it("by the waves up to the one under way: the services of later ones wait", async () => {
    const testbed = await underWay(["succeeded", "reverted", "rolling", "waiting"]);
    expect(await guardRollout(testbed)).toMatchObject({ progress: { done: 0.25, failed: 1, stuck: 0 } });
  });

  it("during a rollback, too", async () => {
    const testbed = await underWay(["rolled-back", "stuck", "succeeded", "succeeded"], { status: "rolling-back" });
    expect(await guardRollout(testbed)).toMatchObject({ stopped: false, progress: { done: 0.5, failed: 0, stuck: 1 } });
  });

  it("and nothing while it is held or none is under way", async () => {
    const held = await underWay(["succeeded", "succeeded", "succeeded", "succeeded"], { status: "paused" });
    expect((await guardRollout(held)).progress).toBeUndefined();
    expect((await guardRollout(rolloutTestbed())).progress).toBeUndefined();
  });
});
