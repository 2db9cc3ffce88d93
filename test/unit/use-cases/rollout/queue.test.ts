import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { endedStatuses } from "../../../../shared/model/rollout.ts";
import { controlRollout } from "../../../../shared/use-cases/rollout/control-rollout.ts";
import { finishRollout } from "../../../../shared/use-cases/rollout/finish-rollout.ts";
import { guardRollout } from "../../../../shared/use-cases/rollout/guard-rollout.ts";
import { advanceQueue, hasEnded } from "../../../../shared/use-cases/rollout/queue.ts";
import { requestRollout } from "../../../../shared/use-cases/rollout/request-rollout.ts";
import { crashing } from "../../../support/altered-calls.ts";
import { type RolloutTestbed, rolloutTestbed } from "../../../support/testbeds/rollout.ts";

const ask = (rolloutId: string, more: object = {}) => ({
  kind: "upgrade" as const,
  rolloutId,
  scope: {},
  image: "registry.example.com/ztunnel:2",
  why: "",
  requestedBy: "ann",
  overrides: {},
  ...more,
});

const statusOf = async (testbed: RolloutTestbed, id: string) => (await testbed.ledger.getRollout(id))?.status;

/** The executions that do anything: that of an ended rollout ends with its next step. */
async function atWork(testbed: RolloutTestbed): Promise<readonly string[]> {
  const names = [];
  for (const name of testbed.fleetExecutions.running()) {
    const rollout = await testbed.ledger.getRollout(name.slice(0, name.lastIndexOf("-")));
    if (rollout && !hasEnded(rollout)) names.push(name);
  }
  return names;
}

describe("the queue of rollouts", () => {
  it("starts the first one at once and lets the next ones wait", async () => {
    const testbed = rolloutTestbed();
    expect(await requestRollout(ask("up-one"), "e1", testbed)).toEqual({ did: "queued", rolloutId: "up-one" });
    await requestRollout(ask("re-one", { kind: "reconfigure", image: undefined }), "e2", testbed);
    expect(await testbed.ledger.getFleet()).toMatchObject({ currentRolloutId: "up-one", queuedRolloutIds: ["re-one"] });
    expect(testbed.fleetExecutions.started).toEqual([{ name: "up-one-1", input: { rolloutId: "up-one" } }]);
  });

  it("takes the same request once, also while it waits and after it has ended", async () => {
    const testbed = rolloutTestbed();
    for (const event of ["e1", "e1", "e2"]) await requestRollout(ask("up-one"), event, testbed);
    expect(await testbed.ledger.getFleet()).toMatchObject({ currentRolloutId: "up-one", queuedRolloutIds: [] });
    await controlRollout({ rolloutId: "up-one", action: "abort", requestedBy: "ann" }, "event-1", testbed);
    await finishRollout("up-one", null, testbed);
    expect(await statusOf(testbed, "up-one")).toBe("aborted");
    expect(await requestRollout(ask("up-one"), "e1", testbed)).toEqual({ did: "exists", rolloutId: "up-one" });
    expect((await testbed.ledger.getFleet()).currentRolloutId).toBeUndefined();
    expect(testbed.fleetExecutions.started).toHaveLength(1);
  });

  it("names a request without an id by its event: the event that comes twice is one rollout", async () => {
    const testbed = rolloutTestbed();
    const first = await requestRollout(ask("x", { rolloutId: undefined }), "event-7", testbed);
    const second = await requestRollout(ask("x", { rolloutId: undefined }), "event-7", testbed);
    expect(second).toEqual({ did: "exists", rolloutId: first.rolloutId });
  });

  it("lets a newer one of the same kind and scope take the place of one that waits, and no other", async () => {
    const testbed = rolloutTestbed();
    await requestRollout(ask("up-one"), "e1", testbed);
    await requestRollout(ask("up-two"), "e2", testbed);
    await requestRollout(ask("up-eu", { scope: { regions: ["eu-*"] } }), "e3", testbed);
    await requestRollout(ask("re-one", { kind: "reconfigure", image: undefined }), "e4", testbed);
    await requestRollout(ask("up-three"), "e5", testbed);
    expect(await testbed.ledger.getFleet()).toMatchObject({
      currentRolloutId: "up-one",
      queuedRolloutIds: ["up-eu", "re-one", "up-three"],
    });
    expect(await testbed.ledger.getRollout("up-two")).toMatchObject({
      status: "superseded",
      reason: { code: "superseded", detail: "by up-three" },
    });
    expect(await statusOf(testbed, "up-one")).toBe("waiting");
  });

  it("goes on in a new execution where the last one is dead, and leaves one alone that runs", async () => {
    const testbed = rolloutTestbed();
    await requestRollout(ask("up-one"), "e1", testbed);
    await advanceQueue(testbed);
    expect(testbed.fleetExecutions.started).toHaveLength(1);
    testbed.fleetExecutions.end("up-one-1");
    await guardRollout(testbed);
    await guardRollout(testbed);
    expect(testbed.fleetExecutions.running()).toEqual(["up-one-2"]);
    expect(await testbed.ledger.getRollout("up-one")).toMatchObject({ executionCount: 2, executionName: "up-one-2" });
  });

  it("starts an execution that was recorded and never started", async () => {
    const testbed = rolloutTestbed();
    await requestRollout(ask("up-one"), "e1", testbed);
    testbed.fleetExecutions.end("up-one-1");
    await testbed.ledger.changeRollout("up-one", (one) => ({
      next: { ...one, executionCount: 2, executionName: "up-one-2" },
    }));
    await guardRollout(testbed);
    expect(testbed.fleetExecutions.running()).toEqual(["up-one-2"]);
  });

  it("makes room when a rollout that is gone from the ledger blocks it", async () => {
    const testbed = rolloutTestbed();
    await requestRollout(ask("up-one"), "e1", testbed);
    await testbed.ledger.changeFleet((fleet) => ({
      next: {
        ...fleet,
        currentRolloutId: "expired-1",
        queuedRolloutIds: ["up-one"],
      },
    }));
    expect(await advanceQueue(testbed)).toBe("up-one");
  });

  it("puts a rollback before what brings something new", async () => {
    const testbed = rolloutTestbed();
    await requestRollout(ask("up-one"), "e1", testbed);
    await testbed.ledger.changeRollout("up-one", (one) => ({ next: { ...one, status: "completed" } }));
    testbed.fleetExecutions.end("up-one-1");
    await advanceQueue(testbed);
    await requestRollout(ask("re-one", { kind: "reconfigure", image: undefined }), "e2", testbed);
    await requestRollout(ask("up-two"), "e3", testbed);
    await controlRollout({ rolloutId: "up-one", action: "rollback", requestedBy: "ann" }, "event-1", testbed);
    expect(await testbed.ledger.getFleet()).toMatchObject({
      currentRolloutId: "re-one",
      queuedRolloutIds: ["up-one", "up-two"],
    });
    await controlRollout({ rolloutId: "up-one", action: "rollback", requestedBy: "ann" }, "event-1", testbed);
    expect((await testbed.ledger.getFleet()).queuedRolloutIds).toEqual(["up-one", "up-two"]);
  });

  it("keeps a rollback that an operator asked for just before the rollout was finishing", async () => {
    const testbed = rolloutTestbed();
    await requestRollout(ask("up-one"), "e1", testbed);
    await testbed.ledger.changeRollout("up-one", (one) => ({
      next: {
        ...one,
        status: "running",
        startedAt: one.requestedAt,
        waves: [{ name: "canary", canary: true, lanes: [], state: "done" }],
        nextWaveIndex: 1,
      },
    }));
    await controlRollout({ rolloutId: "up-one", action: "rollback", requestedBy: "ann" }, "event-1", testbed);
    await finishRollout("up-one", null, testbed);
    expect(await testbed.ledger.getRollout("up-one")).toMatchObject({
      status: "running",
      control: { action: "rollback" },
    });
    testbed.fleetExecutions.end("up-one-1");
    await guardRollout(testbed);
    expect(testbed.fleetExecutions.running()).toEqual(["up-one-2"]);
    expect(testbed.bus.events).toEqual([]);
  });

  it("keeps a rollback that an operator asked for while the rollout was finishing", async () => {
    const testbed = rolloutTestbed();
    await requestRollout(ask("up-one"), "e1", testbed);
    await testbed.ledger.changeRollout("up-one", (one) => ({
      next: { ...one, status: "running", startedAt: one.requestedAt },
    }));
    const { getRollout } = testbed.ledger;
    let asked = false;
    const ledger: RolloutTestbed["ledger"] = {
      ...testbed.ledger,
      changeFleet: async (change) => {
        // Finishing releases to the fleet before it records that the rollout has finished.
        if (!asked) {
          asked = true;
          await controlRollout({ rolloutId: "up-one", action: "rollback", requestedBy: "ann" }, "event-1", testbed);
        }
        return testbed.ledger.changeFleet(change);
      },
    };
    await finishRollout("up-one", null, { ...testbed, ledger });
    expect(await getRollout("up-one")).toMatchObject({ status: "completed", control: { action: "rollback" } });
    expect(testbed.bus.types()).not.toContain("Rollout Completed");
    testbed.fleetExecutions.end("up-one-1");
    await guardRollout(testbed);
    expect(testbed.fleetExecutions.running()).toEqual(["up-one-2"]);
  });

  it("lets a rollout whose turn it is end by itself when it is aborted before its first step", async () => {
    const testbed = rolloutTestbed();
    await requestRollout(ask("up-one"), "e1", testbed);
    await requestRollout(ask("re-one", { kind: "reconfigure", image: undefined }), "e2", testbed);
    await controlRollout({ rolloutId: "up-one", action: "abort", requestedBy: "ann" }, "event-1", testbed);
    await guardRollout(testbed);
    expect((await testbed.ledger.getFleet()).currentRolloutId).toBe("up-one");
    await finishRollout("up-one", null, testbed);
    expect(await statusOf(testbed, "up-one")).toBe("aborted");
    expect((await testbed.ledger.getFleet()).currentRolloutId).toBe("re-one");
  });

  it("loses none to a crash that nobody tries again: the guard queues it", async () => {
    const testbeds = async (ended: boolean) => {
      const testbed = rolloutTestbed();
      await requestRollout(ask("re-one", { kind: "reconfigure", image: undefined }), "e1", testbed);
      if (ended) {
        await requestRollout(ask("up-one"), "e2", testbed);
        await testbed.ledger.changeRollout("up-one", (one) => ({ next: { ...one, status: "completed" } }));
        await testbed.ledger.changeFleet((fleet) => ({ next: { ...fleet, queuedRolloutIds: [] } }));
      }
      return testbed;
    };
    const rollback = { rolloutId: "up-one", action: "rollback", requestedBy: "ann" } as const;
    for (const act of ["request", "rollback"] as const) {
      for (const when of ["before", "after"] as const) {
        for (let calls = 1; calls <= 12; calls += 1) {
          const testbed = await testbeds(act === "rollback");
          const wrap = crashing({ calls, when });
          const dying = { ...testbed, ledger: wrap(testbed.ledger), fleetExecutions: wrap(testbed.fleetExecutions) };
          const asked =
            act === "request" ? requestRollout(ask("up-one"), "e2", dying) : controlRollout(rollback, "event-1", dying);
          await asked.catch(() => undefined);
          await guardRollout(testbed);
          const { queuedRolloutIds: waiting } = await testbed.ledger.getFleet();
          const rollout = await testbed.ledger.getRollout("up-one");
          const open = rollout !== undefined && !hasEnded(rollout);
          expect(waiting.includes("up-one"), `${act}: crash ${when} call ${calls}`).toBe(open);
        }
      }
    }
  });

  it("runs one at a time, none twice and loses none, for any requests in any order", async () => {
    const ids = ["up-one", "up-two", "up-three", "up-four"];
    const step = fc.oneof(
      fc.record({ do: fc.constant("ask" as const), id: fc.constantFrom(...ids) }),
      fc.record({ do: fc.constantFrom("finish" as const, "die" as const, "guard" as const, "drive" as const) }),
      fc.record({
        do: fc.constant("control" as const),
        id: fc.constantFrom(...ids),
        action: fc.constantFrom("pause" as const, "resume" as const, "abort" as const, "rollback" as const),
      }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
        const testbed = rolloutTestbed();
        for (const one of steps) {
          const { currentRolloutId: running } = await testbed.ledger.getFleet();
          if (one.do === "ask") await requestRollout(ask(one.id), one.id, testbed);
          if (one.do === "control")
            await controlRollout({ rolloutId: one.id, action: one.action, requestedBy: "b" }, "event-1", testbed);
          if (one.do === "guard") await guardRollout(testbed);
          if (one.do === "drive") await advanceQueue(testbed);
          const live = testbed.fleetExecutions.running();
          if (one.do === "die") for (const name of live) testbed.fleetExecutions.end(name);
          if (one.do === "finish" && running !== undefined) {
            for (const name of live) testbed.fleetExecutions.statuses.set(name, "SUCCEEDED");
            await finishRollout(running, null, testbed);
          }
          expect((await atWork(testbed)).length).toBeLessThanOrEqual(1);
          const { queuedRolloutIds: waiting } = await testbed.ledger.getFleet();
          expect(new Set(waiting).size).toBe(waiting.length);
        }
        await advanceQueue(testbed);
        const fleet = await testbed.ledger.getFleet();
        const queued = [fleet.currentRolloutId, ...fleet.queuedRolloutIds];
        for await (const { id, status, control } of testbed.ledger.listRollouts()) {
          const open = !endedStatuses.includes(status) || control?.action === "rollback";
          expect(queued.includes(id), `${id} is ${status}`).toBe(open);
        }
        expect(await atWork(testbed)).toHaveLength(fleet.currentRolloutId === undefined ? 0 : 1);
        const names = testbed.fleetExecutions.started.map(({ name }) => name);
        expect(new Set(names).size).toBe(names.length);
      }),
      { numRuns: 300 },
    );
  });
});
