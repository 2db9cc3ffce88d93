import { describe, expect, it } from "vitest";
import { currentValue } from "../../../../shared/rollout/fleet-value.ts";
import { finishRollout } from "../../../../shared/use-cases/rollout/finish-rollout.ts";
import { requestPending } from "../../../../shared/use-cases/rollout/pending.ts";
import { crashing } from "../../../support/altered-calls.ts";
import { fleetTestbed, type RolloutTestbed } from "../../../support/testbeds/rollout.ts";
import { readFacts } from "../../../support/testbeds/rollouts-under-way.ts";

const image = (tag: string) => `registry.example.com/ztunnel:${tag}`;

async function seen(): Promise<RolloutTestbed> {
  const { config } = await fleetTestbed();
  const testbed = await fleetTestbed({ config: { ztunnel: { ...config.ztunnel, imageParameter: "/image" } } });
  await readFacts(testbed, "a");
  await wish(testbed, "1.28.1");
  return testbed;
}

async function wish(testbed: RolloutTestbed, tag: string): Promise<readonly string[]> {
  testbed.parameters.values.set("/image", image(tag));
  return requestPending(testbed);
}

/** The rollout has cut its waves, and is in its last one. */
async function begin(testbed: RolloutTestbed, id: string, given: object = {}): Promise<void> {
  const wave = { name: "canary", canary: true, lanes: [], state: "rolling" as const };
  await testbed.ledger.changeRollout(id, (one) => ({
    next: { ...one, status: "running", startedAt: one.requestedAt, waves: [wave], ...given },
  }));
}

describe("a wish that changes", () => {
  it("back before its rollout has begun ends the rollout, under way or in the queue", async () => {
    const testbed = await seen();
    const [upgrade = ""] = await wish(testbed, "1.28.2");
    const { ztunnel } = testbed.config;
    const changed = { ...testbed, config: { ...testbed.config, ztunnel: { ...ztunnel, startTimeoutSeconds: 60 } } };
    const [reconfigure = ""] = await requestPending(changed);
    expect(await testbed.ledger.getFleet()).toMatchObject({ queuedRolloutIds: [reconfigure] });
    expect(await wish(testbed, "1.28.1")).toEqual([]);
    expect(await testbed.ledger.getRollout(reconfigure)).toMatchObject({
      status: "superseded",
      reason: { code: "wish-withdrawn" },
    });
    expect(await testbed.ledger.getRollout(upgrade)).toMatchObject({
      status: "waiting",
      supersededAt: expect.any(String),
    });
    expect(await finishRollout(upgrade, null, testbed)).toMatchObject({ status: "superseded" });
    expect(await testbed.ledger.getFleet()).toMatchObject({ queuedRolloutIds: [] });
    expect((await testbed.ledger.getFleet()).currentRolloutId).toBeUndefined();
    expect(await requestPending(testbed)).toEqual([]);
  });

  it("back wakes the rollout that holds, and rolls it back", async () => {
    const testbed = await seen();
    const [id = ""] = await wish(testbed, "1.28.2");
    await begin(testbed, id, { status: "awaiting-approval", holdToken: "token" });
    testbed.fleetExecutions.wait("token");
    expect(await wish(testbed, "1.28.1")).toEqual([]);
    expect(await testbed.ledger.getRollout(id)).toMatchObject({ control: { action: "rollback" } });
    expect(testbed.fleetExecutions.delivered).toHaveLength(1);
    expect(await requestPending(testbed)).toEqual([]);
  });

  it("back after the rollout has ended asks for the old value as for any other change", async () => {
    const testbed = await seen();
    const [id = ""] = await wish(testbed, "1.28.2");
    await begin(testbed, id, { waves: [], nextWaveIndex: 0 });
    let hasEnded = false;
    const ledger: RolloutTestbed["ledger"] = {
      ...testbed.ledger,
      changeRollout: async (one, change) => {
        // It completes between the reading of it and its withdrawal.
        if (!hasEnded) {
          hasEnded = true;
          await finishRollout(id, null, testbed);
        }
        return testbed.ledger.changeRollout(one, change);
      },
    };
    testbed.parameters.values.set("/image", image("1.28.1"));
    const [back = ""] = await requestPending({ ...testbed, ledger });
    expect(await testbed.ledger.getRollout(back)).toMatchObject({ target: { image: image("1.28.1") } });
    expect(currentValue(await testbed.ledger.getFleet(), "image")).toBe(image("1.28.2"));
  });

  it("back while a crash kept it from being remembered is seen nevertheless", async () => {
    for (let calls = 1; calls <= 30; calls += 1) {
      for (const when of ["before", "after"] as const) {
        const testbed = await seen();
        const wrap = crashing({ calls, when });
        const dying = { ...testbed, ledger: wrap(testbed.ledger), fleetExecutions: wrap(testbed.fleetExecutions) };
        testbed.parameters.values.set("/image", image("1.28.2"));
        await requestPending(dying).catch(() => undefined);
        await wish(testbed, "1.28.1");
        for await (const one of testbed.ledger.listRollouts()) {
          const isStopped = one.supersededAt !== undefined || one.status === "superseded";
          expect(isStopped || one.target.image === image("1.28.1"), `crash ${when} call ${calls}`).toBe(true);
        }
      }
    }
  });

  it("on takes the place of a rollout under way, and back from there is not rolled back but rolled out", async () => {
    const testbed = await seen();
    const [first = ""] = await wish(testbed, "1.28.2");
    await begin(testbed, first);
    const [second = ""] = await wish(testbed, "1.28.3");
    expect(await testbed.ledger.getRollout(first)).toMatchObject({ reason: { code: "wish-moved-on" } });
    expect(await testbed.ledger.getRollout(second)).toMatchObject({ takesOver: true });
    await finishRollout(first, null, testbed);
    await begin(testbed, second);
    const [third = ""] = await wish(testbed, "1.28.1");
    expect(await testbed.ledger.getRollout(second)).toMatchObject({ reason: { code: "wish-moved-on" } });
    expect(await testbed.ledger.getRollout(third)).toMatchObject({
      takesOver: true,
      target: { image: image("1.28.1") },
    });
    expect(await requestPending(testbed)).toEqual([]);
  });

  it("changes nothing about an operator's rollout", async () => {
    const testbed = await seen();
    const [id = ""] = await wish(testbed, "1.28.2");
    await begin(testbed, id, { requestedBy: "ann" });
    const [back = ""] = await wish(testbed, "1.28.1");
    expect(await testbed.ledger.getRollout(back)).toMatchObject({ target: { image: image("1.28.1") } });
    expect(await testbed.ledger.getRollout(id)).toMatchObject({ status: "running" });
  });
});

describe("another address of istiod's gateway", () => {
  const istiodUrl = "https://moved.example.com:15012";
  const kinds = async (testbed: RolloutTestbed) => {
    const ids = await requestPending(testbed);
    const rollouts = await Promise.all(ids.map((id) => testbed.ledger.getRollout(id)));
    return rollouts.map((one) => one?.kind);
  };

  it("is a kind of its own where nothing else has changed", async () => {
    const testbed = await seen();
    await readFacts(testbed, "a", "2026-11-23T12:01:00.000Z", "1.28.0", { istiodUrl });
    expect(await kinds(testbed)).toEqual(["endpoint"]);
  });

  it("is a rotation where services may lack a newer root, too", async () => {
    const testbed = await seen();
    await readFacts(testbed, "ab", "2026-11-23T12:01:00.000Z");
    expect(await kinds(testbed)).toEqual(["rotate"]);
    await readFacts(testbed, "ab", "2026-11-23T12:02:00.000Z", "1.28.0", { istiodUrl });
    expect(await kinds(testbed)).toEqual(["rotate"]);
  });

  it("takes the place of a rollout of an earlier address, and a rotation that of both", async () => {
    const testbed = await seen();
    await readFacts(testbed, "a", "2026-11-23T12:01:00.000Z", "1.28.0", { istiodUrl });
    const [first = ""] = await requestPending(testbed);
    await begin(testbed, first);
    await readFacts(testbed, "ab", "2026-11-23T12:02:00.000Z", "1.28.0", { istiodUrl });
    expect(await kinds(testbed)).toEqual(["rotate"]);
    expect(await testbed.ledger.getRollout(first)).toMatchObject({ reason: { code: "wish-moved-on" } });
  });
});
