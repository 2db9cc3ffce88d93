import { describe, expect, it } from "vitest";
import type { Rollout } from "../../../../shared/model/rollout.ts";
import { finishRollout } from "../../../../shared/use-cases/rollout/finish-rollout.ts";
import { releaseToFleet, withdrawFromFleet } from "../../../../shared/use-cases/rollout/release.ts";
import { meshAfter, newestId } from "../../../support/meshes.ts";
import { wave } from "../../../support/rollouts.ts";
import { type RolloutTestbed, rolloutTestbed } from "../../../support/testbeds/rollout.ts";
import { readFacts, underWay } from "../../../support/testbeds/rollouts-under-way.ts";
import { NOON } from "../../../support/times.ts";

const ID = "upgrade-1";

/** A rollout whose only wave is done, in a fleet with an image and settings of its own. */
async function rolled(given: Partial<Rollout>): Promise<RolloutTestbed> {
  const testbed = rolloutTestbed();
  await testbed.ledger.changeFleet((fleet) => ({
    next: { ...fleet, image: { image: "a:1", assignedAtMs: 1 }, settings: "old" },
  }));
  await readFacts(testbed, "a");
  await readFacts(testbed, "ab", "2026-11-23T12:01:00.000Z");
  await underWay(testbed, {
    startedAt: "2026-11-23T11:00:00.000Z",
    waves: [wave("canary", 0, 0, "done")],
    nextWaveIndex: 1,
    serviceCount: 1,
    ...given,
  });
  return testbed;
}

const rolloutOf = async ({ ledger }: RolloutTestbed) => {
  const rollout = await ledger.getRollout(ID);
  if (!rollout) throw new Error("no rollout");
  return rollout;
};
const generations = async ({ ledger }: RolloutTestbed) => {
  const mesh = await ledger.getMesh("main");
  return { ids: mesh?.generations.map(({ id }) => id) ?? [], released: mesh?.releasedId };
};

const upgrade = { kind: "upgrade", target: { image: "b:2" } } as const;
const reconfigure = { kind: "reconfigure", target: { settings: "new" } } as const;

describe("a rollout over everything that completes", () => {
  it("gives the fleet its settings, and records those from before", async () => {
    const testbed = await rolled(reconfigure);
    await finishRollout(ID, null, testbed);
    expect(await testbed.ledger.getFleet()).toMatchObject({ settings: "new", image: { image: "a:1" } });
    expect(await rolloutOf(testbed)).toMatchObject({ status: "completed", before: { settings: "old" } });
  });

  it("gives the fleet its image, and records the one from before", async () => {
    const testbed = await rolled(upgrade);
    await finishRollout(ID, null, testbed);
    const { image, settings } = await testbed.ledger.getFleet();
    expect({ image, settings }).toEqual({ image: { image: "b:2", assignedAtMs: NOON }, settings: "old" });
    expect((await rolloutOf(testbed)).before).toEqual({ image: "a:1" });
  });

  it("releases the newest facts of every control plane, or those that it was asked for", async () => {
    const all = await rolled({ kind: "rotate" });
    await finishRollout(ID, null, all);
    const { ids, released } = await generations(all);
    expect(released).toBe(ids[1]);
    expect((await rolloutOf(all)).before).toEqual({});
    const [first, second] = ids;
    const one = await rolled({
      kind: "rotate",
      scope: { controlPlane: "main" },
      target: { controlPlane: "main", factsId: second },
    });
    await readFacts(one, "b", "2026-11-23T12:02:00.000Z");
    await finishRollout(ID, null, one);
    expect((await generations(one)).released).toBe(second);
    expect((await rolloutOf(one)).before).toEqual({ factsId: first });
  });

  it.each<[string, Partial<Rollout>]>([
    ["an image", upgrade],
    ["settings", reconfigure],
  ])("records what was there before it once, also when its release runs again: %s", async (_what, given) => {
    const testbed = await rolled(given);
    await releaseToFleet(await rolloutOf(testbed), testbed);
    const { before } = await rolloutOf(testbed);
    const { version } = await testbed.ledger.getFleet();
    await releaseToFleet(await rolloutOf(testbed), testbed);
    expect((await rolloutOf(testbed)).before).toEqual(before);
    expect((await testbed.ledger.getFleet()).version).toBe(version);
  });
});

describe("the value that an earlier attempt recorded", () => {
  it.each<[string, Partial<Rollout>]>([
    ["an image", { ...upgrade, before: { image: "z:0" } }],
    ["settings", { ...reconfigure, before: { settings: "older" } }],
  ])("stays when the release runs again: %s", async (_what, given) => {
    const testbed = await rolled(given);
    await releaseToFleet(await rolloutOf(testbed), testbed);
    expect((await rolloutOf(testbed)).before).toEqual(given.before);
  });
});

describe("a rollout over a part that completes", () => {
  it.each<[string, Partial<Rollout>]>([
    ["an image", upgrade],
    ["settings", reconfigure],
    ["mesh facts", { kind: "rotate" }],
  ])("does not change the fleet: %s", async (_what, given) => {
    for (const scope of [{ regions: ["us-east-1"] }, { services: ["s0"], controlPlane: "main" }]) {
      const testbed = await rolled({ ...given, scope });
      const [fleet, { released }] = [await testbed.ledger.getFleet(), await generations(testbed)];
      await releaseToFleet(await rolloutOf(testbed), testbed);
      expect(await testbed.ledger.getFleet()).toEqual(fleet);
      expect((await generations(testbed)).released).toBe(released);
    }
  });

  it("of a control plane gives no image to the fleet", async () => {
    const testbed = await rolled({ ...upgrade, scope: { controlPlane: "main" } });
    await releaseToFleet(await rolloutOf(testbed), testbed);
    expect((await testbed.ledger.getFleet()).image?.image).toBe("a:1");
  });
});

describe("a completed rollout that is rolled back", () => {
  it.each<[string, Partial<Rollout>]>([
    ["an image", upgrade],
    ["settings", reconfigure],
  ])("restores the fleet's former values: %s", async (_what, given) => {
    const testbed = await rolled(given);
    await releaseToFleet(await rolloutOf(testbed), testbed);
    await withdrawFromFleet(await rolloutOf(testbed), testbed);
    const { image, settings } = await testbed.ledger.getFleet();
    expect({ image: image?.image, settings }).toEqual({ image: "a:1", settings: "old" });
  });

  it("releases the facts from before again", async () => {
    const scope = { controlPlane: "main" };
    const { ids } = await generations(await rolled({}));
    const testbed = await rolled({ kind: "rotate", scope, target: { ...scope, factsId: ids[1] } });
    await releaseToFleet(await rolloutOf(testbed), testbed);
    expect((await generations(testbed)).released).toBe(ids[1]);
    await withdrawFromFleet(await rolloutOf(testbed), testbed);
    expect((await generations(testbed)).released).toBe(ids[0]);
  });

  it.each<[string, Partial<Rollout>]>([
    ["an image", { ...upgrade, before: { image: "z:0" } }],
    ["settings", { ...reconfigure, before: { settings: "older" } }],
    [
      "mesh facts",
      {
        kind: "rotate",
        target: { controlPlane: "main", factsId: "other" },
        before: { factsId: newestId(meshAfter("a", "ab")) },
      },
    ],
  ])("does not undo a later change of the fleet: %s", async (_what, given) => {
    const testbed = await rolled(given);
    const [fleet, { released }] = [await testbed.ledger.getFleet(), await generations(testbed)];
    await withdrawFromFleet(await rolloutOf(testbed), testbed);
    expect(await testbed.ledger.getFleet()).toEqual(fleet);
    expect((await generations(testbed)).released).toBe(released);
  });
});
