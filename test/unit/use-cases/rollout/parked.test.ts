import { describe, expect, it } from "vitest";
import type { Rollout } from "../../../../shared/model/rollout.ts";
import { controlRollout } from "../../../../shared/use-cases/rollout/control-rollout.ts";
import { finishRollout } from "../../../../shared/use-cases/rollout/finish-rollout.ts";
import { guardRollout } from "../../../../shared/use-cases/rollout/guard-rollout.ts";
import { nextWave } from "../../../../shared/use-cases/rollout/next-wave.ts";
import { advanceQueue } from "../../../../shared/use-cases/rollout/queue.ts";
import { queueRollout } from "../../../../shared/use-cases/rollout/request-rollout.ts";
import { crashing } from "../../../support/altered-calls.ts";
import { wave } from "../../../support/rollouts.ts";
import { type RolloutTestbed, rolloutTestbed } from "../../../support/testbeds/rollout.ts";
import { underWay } from "../../../support/testbeds/rollouts-under-way.ts";

const emergency = {
  id: "rotate-now",
  kind: "rotate",
  scope: {},
  target: {},
  why: "",
  requestedBy: "ztunnel-autopilot",
  overrides: {},
  emergency: true,
} as const;

const held = {
  id: "upgrade-1",
  status: "paused",
  holdToken: "token",
  startedAt: "2026-11-23T11:00:00.000Z",
  heldSince: "2026-11-23T11:00:00.000Z",
  waves: [wave("canary", 0, 1, "done"), wave("rest", 2, 3, "waiting")],
  nextWaveIndex: 1,
  control: { action: "pause", by: "ann", at: "2026-11-23T11:00:00.000Z" },
} as const;

const NEXT = "registry.example.com/ztunnel:2";

const step = (testbed: RolloutTestbed) =>
  nextWave({ rolloutId: "upgrade-1", executionName: "upgrade-1-1", passes: 0 }, testbed);

const resume = { rolloutId: "upgrade-1", action: "resume", requestedBy: "ann" } as const;

describe("a rollout on hold", () => {
  it("blocks no emergency, and goes on in its next turn", async () => {
    const testbed = rolloutTestbed();
    await underWay(testbed, { ...held, waves: [...held.waves] });
    await queueRollout(emergency, testbed);
    expect(await testbed.ledger.getFleet()).toMatchObject({
      currentRolloutId: "rotate-now",
      queuedRolloutIds: ["upgrade-1"],
    });
    expect(testbed.fleetExecutions.running()).toContain("rotate-now-1");
    // Resumed without its turn, it starts nothing.
    await controlRollout(resume, "event-1", testbed);
    expect(await step(testbed)).toMatchObject({ do: "end" });
    testbed.fleetExecutions.end("upgrade-1-1", "SUCCEEDED");
    await testbed.ledger.changeRollout("rotate-now", (one) => ({ next: { ...one, status: "running" } }));
    await finishRollout("rotate-now", null, testbed);
    expect(await testbed.ledger.getFleet()).toMatchObject({ currentRolloutId: "upgrade-1", queuedRolloutIds: [] });
    expect(testbed.fleetExecutions.running()).toContain("upgrade-1-2");
    const rolled = await nextWave({ rolloutId: "upgrade-1", executionName: "upgrade-1-2", passes: 0 }, testbed);
    expect(rolled).toMatchObject({ do: "roll", wave: 1 });
  });

  it("keeps its turn before what is not more urgent", async () => {
    const testbed = rolloutTestbed();
    await underWay(testbed, { ...held, waves: [...held.waves] });
    await queueRollout({ ...emergency, emergency: false }, testbed);
    expect((await testbed.ledger.getFleet()).currentRolloutId).toBe("upgrade-1");
  });

  it("keeps its turn when it is resumed just before it would lose it", async () => {
    const testbed = rolloutTestbed();
    await underWay(testbed, { ...held, waves: [...held.waves] });
    let isResumed = false;
    const ledger: RolloutTestbed["ledger"] = {
      ...testbed.ledger,
      changeRollout: async (id, change) => {
        if (id === "upgrade-1" && !isResumed) {
          isResumed = true;
          await controlRollout(resume, "event-1", { ...testbed, fleetExecutions: testbed.fleetExecutions });
          expect(await step(testbed)).toMatchObject({ do: "roll", wave: 1 });
        }
        return testbed.ledger.changeRollout(id, change);
      },
    };
    await queueRollout({ ...emergency, id: "rotate-now" }, { ...testbed, ledger });
    expect(await testbed.ledger.getFleet()).toMatchObject({
      currentRolloutId: "upgrade-1",
      queuedRolloutIds: ["rotate-now"],
    });
  });

  it("loses neither itself nor the emergency to a crash at any call", async () => {
    for (const when of ["before", "after"] as const) {
      for (let calls = 1; calls <= 25; calls += 1) {
        const testbed = rolloutTestbed();
        await underWay(testbed, { ...held, waves: [...held.waves] });
        const wrap = crashing({ calls, when });
        const dying = { ...testbed, ledger: wrap(testbed.ledger), fleetExecutions: wrap(testbed.fleetExecutions) };
        await queueRollout(emergency, dying).catch(() => undefined);
        await advanceQueue(testbed);
        const fleet = await testbed.ledger.getFleet();
        const isRequested = (await testbed.ledger.getRollout("rotate-now")) !== undefined;
        expect(fleet.currentRolloutId, `crash ${when} call ${calls}`).toBe(isRequested ? "rotate-now" : "upgrade-1");
        expect(fleet.queuedRolloutIds).toEqual(isRequested ? ["upgrade-1"] : []);
      }
    }
  });

  describe.each<[string, (testbed: RolloutTestbed) => Promise<unknown>, Partial<Rollout>]>([
    [
      "an operator aborts it",
      (testbed) => controlRollout({ ...resume, action: "abort" }, "event-1", testbed),
      { status: "aborted" },
    ],
    [
      "its wish has moved on",
      async (testbed) => {
        const next = {
          ...emergency,
          id: "upgrade-2",
          kind: "upgrade",
          target: { image: NEXT },
          emergency: false,
        } as const;
        await controlRollout(resume, "event-1", testbed);
        await queueRollout(next, testbed);
      },
      { status: "superseded" },
    ],
  ])("that has lost its turn, when %s", (_when, stop, ended) => {
    it("ends within a minute, without a turn, and people read of it once", async () => {
      const testbed = rolloutTestbed();
      const requestedBy = "ztunnel-autopilot";
      await underWay(testbed, { ...held, waves: [...held.waves], requestedBy, target: { image: "ztunnel:1" } });
      await queueRollout(emergency, testbed);
      await stop(testbed);
      await guardRollout(testbed);
      await guardRollout(testbed);
      expect(await testbed.ledger.getRollout("upgrade-1")).toMatchObject({ ...ended, finishedAt: expect.any(String) });
      const { currentRolloutId, queuedRolloutIds } = await testbed.ledger.getFleet();
      expect(currentRolloutId).toBe("rotate-now");
      expect(queuedRolloutIds).not.toContain("upgrade-1");
      expect(testbed.bus.types()).toEqual(["Rollout Completed"]);
      expect(testbed.fleetExecutions.delivered.map(({ taskToken }) => taskToken)).toContain("token");
      expect(await step(testbed)).toMatchObject({ do: "end" });
    });
  });

  it("that has lost its turn and was aborted is rolled back in its next turn when an operator asks for that", async () => {
    const testbed = rolloutTestbed();
    await underWay(testbed, { ...held, waves: [...held.waves] });
    await queueRollout(emergency, testbed);
    await controlRollout({ ...resume, action: "abort" }, "event-1", testbed);
    await guardRollout(testbed);
    await controlRollout({ ...resume, action: "rollback" }, "event-1", testbed);
    expect(await step(testbed), "the execution that it had").toMatchObject({ do: "end" });
    testbed.fleetExecutions.end("upgrade-1-1", "SUCCEEDED");
    await guardRollout(testbed);
    expect((await testbed.ledger.getFleet()).queuedRolloutIds).toEqual(["upgrade-1"]);
    await testbed.ledger.changeRollout("rotate-now", (one) => ({ next: { ...one, status: "running" } }));
    await finishRollout("rotate-now", null, testbed);
    const rolled = await nextWave({ rolloutId: "upgrade-1", executionName: "upgrade-1-2", passes: 0 }, testbed);
    expect(rolled).toMatchObject({ do: "roll", phase: "rollback" });
  });

  it("that has changed nothing is rolled back at once", async () => {
    const testbed = rolloutTestbed();
    await underWay(testbed, { ...held, waves: [wave("canary", 0, 1, "waiting")], nextWaveIndex: 0 });
    await queueRollout(emergency, testbed);
    await controlRollout({ ...resume, action: "rollback" }, "event-1", testbed);
    await guardRollout(testbed);
    expect((await testbed.ledger.getRollout("upgrade-1"))?.status).toBe("rolled-back");
    expect(testbed.bus.types()).toEqual(["Rollout Rolled Back"]);
  });

  it("keeps its turn when it is to end: it loses no time to what is more urgent", async () => {
    const testbed = rolloutTestbed();
    const control = { action: "abort", by: "ann", at: held.heldSince } as const;
    await underWay(testbed, { ...held, waves: [...held.waves], control });
    await queueRollout(emergency, testbed);
    expect((await testbed.ledger.getFleet()).currentRolloutId).toBe("upgrade-1");
  });

  it("reminds people after an hour, then once a day, also while it has lost its turn", async () => {
    const testbed = rolloutTestbed();
    await underWay(testbed, { ...held, waves: [...held.waves] });
    await queueRollout(emergency, testbed);
    testbed.clock.nowMs = Date.parse(held.heldSince) + 3_600_000;
    await guardRollout(testbed);
    await guardRollout(testbed);
    expect(testbed.bus.events).toMatchObject([
      {
        detailType: "Rollout Paused",
        detail: {
          rolloutId: "upgrade-1",
          detail: "Paused by ann. It has waited for an hour. Another rollout waits, too.",
        },
      },
    ]);
    testbed.clock.nowMs += 86_400_000;
    await guardRollout(testbed);
    expect(testbed.bus.events).toHaveLength(2);
    expect(testbed.bus.events[1]?.detail).toMatchObject({ detail: expect.stringContaining("waited for a day.") });
  });
});
