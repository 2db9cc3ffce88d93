import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { settingsHash } from "../../../../shared/enrollment/settings-hash.ts";
import { endedStatuses } from "../../../../shared/model/rollout.ts";
import { controlRollout } from "../../../../shared/use-cases/rollout/control-rollout.ts";
import { finishRollout } from "../../../../shared/use-cases/rollout/finish-rollout.ts";
import { guardRollout } from "../../../../shared/use-cases/rollout/guard-rollout.ts";
import { requestPending } from "../../../../shared/use-cases/rollout/pending.ts";
import { advanceQueue, hasEnded } from "../../../../shared/use-cases/rollout/queue.ts";
import { requestRollout } from "../../../../shared/use-cases/rollout/request-rollout.ts";
import { crashing } from "../../../support/fakes.ts";
import { earlierRelease } from "../../../support/releases.ts";
import { fleetWorld, type RolloutWorld, readFacts, rolloutWorld } from "../../../support/rollout-calls.ts";
import { config } from "../../../support/services.ts";

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

const statusOf = async (world: RolloutWorld, id: string) => (await world.ledger.getRollout(id))?.status;

/** The executions that do anything: that of an ended rollout ends with its next step. */
async function atWork(world: RolloutWorld): Promise<readonly string[]> {
  const names = [];
  for (const name of world.fleetExecutions.running()) {
    const rollout = await world.ledger.getRollout(name.slice(0, name.lastIndexOf("-")));
    if (rollout && !hasEnded(rollout)) names.push(name);
  }
  return names;
}

describe("the queue of rollouts", () => {
  it("starts the first one at once and lets the next ones wait", async () => {
    const world = rolloutWorld();
    expect(await requestRollout(ask("up-one"), "e1", world)).toEqual({ did: "queued", rolloutId: "up-one" });
    await requestRollout(ask("re-one", { kind: "reconfigure", image: undefined }), "e2", world);
    expect(await world.ledger.getFleet()).toMatchObject({ currentRolloutId: "up-one", queuedRolloutIds: ["re-one"] });
    expect(world.fleetExecutions.started).toEqual([{ name: "up-one-1", input: { rolloutId: "up-one" } }]);
  });

  it("takes the same request once, also while it waits and after it has ended", async () => {
    const world = rolloutWorld();
    for (const event of ["e1", "e1", "e2"]) await requestRollout(ask("up-one"), event, world);
    expect(await world.ledger.getFleet()).toMatchObject({ currentRolloutId: "up-one", queuedRolloutIds: [] });
    await controlRollout({ rolloutId: "up-one", action: "abort", requestedBy: "ann" }, world);
    await finishRollout("up-one", null, world);
    expect(await statusOf(world, "up-one")).toBe("aborted");
    expect(await requestRollout(ask("up-one"), "e1", world)).toEqual({ did: "exists", rolloutId: "up-one" });
    expect((await world.ledger.getFleet()).currentRolloutId).toBeUndefined();
    expect(world.fleetExecutions.started).toHaveLength(1);
  });

  it("names a request without an id by its event: the event that comes twice is one rollout", async () => {
    const world = rolloutWorld();
    const first = await requestRollout(ask("x", { rolloutId: undefined }), "event-7", world);
    const second = await requestRollout(ask("x", { rolloutId: undefined }), "event-7", world);
    expect(second).toEqual({ did: "exists", rolloutId: first.rolloutId });
  });

  it("lets a newer one of the same kind and scope take the place of one that waits, and no other", async () => {
    const world = rolloutWorld();
    await requestRollout(ask("up-one"), "e1", world);
    await requestRollout(ask("up-two"), "e2", world);
    await requestRollout(ask("up-eu", { scope: { regions: ["eu-*"] } }), "e3", world);
    await requestRollout(ask("re-one", { kind: "reconfigure", image: undefined }), "e4", world);
    await requestRollout(ask("up-three"), "e5", world);
    expect(await world.ledger.getFleet()).toMatchObject({
      currentRolloutId: "up-one",
      queuedRolloutIds: ["up-eu", "re-one", "up-three"],
    });
    expect(await world.ledger.getRollout("up-two")).toMatchObject({
      status: "superseded",
      reason: { code: "superseded", detail: "by up-three" },
    });
    expect(await statusOf(world, "up-one")).toBe("waiting");
  });

  it("goes on in a new execution where the last one is dead, and leaves one alone that runs", async () => {
    const world = rolloutWorld();
    await requestRollout(ask("up-one"), "e1", world);
    await advanceQueue(world);
    expect(world.fleetExecutions.started).toHaveLength(1);
    world.fleetExecutions.end("up-one-1");
    await guardRollout(world);
    await guardRollout(world);
    expect(world.fleetExecutions.running()).toEqual(["up-one-2"]);
    expect(await world.ledger.getRollout("up-one")).toMatchObject({ executionCount: 2, executionName: "up-one-2" });
  });

  it("starts an execution that was recorded and never started", async () => {
    const world = rolloutWorld();
    await requestRollout(ask("up-one"), "e1", world);
    world.fleetExecutions.end("up-one-1");
    await world.ledger.changeRollout("up-one", (one) => ({
      next: { ...one, executionCount: 2, executionName: "up-one-2" },
    }));
    await guardRollout(world);
    expect(world.fleetExecutions.running()).toEqual(["up-one-2"]);
  });

  it("makes room when a rollout that is gone from the ledger blocks it", async () => {
    const world = rolloutWorld();
    await requestRollout(ask("up-one"), "e1", world);
    await world.ledger.changeFleet((fleet) => ({
      next: {
        ...fleet,
        currentRolloutId: "expired-1",
        queuedRolloutIds: ["up-one"],
      },
    }));
    expect(await advanceQueue(world)).toBe("up-one");
  });

  it("puts a rollback before what brings something new", async () => {
    const world = rolloutWorld();
    await requestRollout(ask("up-one"), "e1", world);
    await world.ledger.changeRollout("up-one", (one) => ({ next: { ...one, status: "completed" } }));
    world.fleetExecutions.end("up-one-1");
    await advanceQueue(world);
    await requestRollout(ask("re-one", { kind: "reconfigure", image: undefined }), "e2", world);
    await requestRollout(ask("up-two"), "e3", world);
    await controlRollout({ rolloutId: "up-one", action: "rollback", requestedBy: "ann" }, world);
    expect(await world.ledger.getFleet()).toMatchObject({
      currentRolloutId: "re-one",
      queuedRolloutIds: ["up-one", "up-two"],
    });
    await controlRollout({ rolloutId: "up-one", action: "rollback", requestedBy: "ann" }, world);
    expect((await world.ledger.getFleet()).queuedRolloutIds).toEqual(["up-one", "up-two"]);
  });

  it("keeps a rollback that an operator asked for just before the rollout was finishing", async () => {
    const world = rolloutWorld();
    await requestRollout(ask("up-one"), "e1", world);
    await world.ledger.changeRollout("up-one", (one) => ({
      next: {
        ...one,
        status: "running",
        startedAt: one.requestedAt,
        waves: [{ name: "canary", canary: true, lanes: [], state: "done" }],
        nextWaveIndex: 1,
      },
    }));
    await controlRollout({ rolloutId: "up-one", action: "rollback", requestedBy: "ann" }, world);
    await finishRollout("up-one", null, world);
    expect(await world.ledger.getRollout("up-one")).toMatchObject({
      status: "running",
      control: { action: "rollback" },
    });
    world.fleetExecutions.end("up-one-1");
    await guardRollout(world);
    expect(world.fleetExecutions.running()).toEqual(["up-one-2"]);
    expect(world.bus.events).toEqual([]);
  });

  it("keeps a rollback that an operator asked for while the rollout was finishing", async () => {
    const world = rolloutWorld();
    await requestRollout(ask("up-one"), "e1", world);
    await world.ledger.changeRollout("up-one", (one) => ({
      next: { ...one, status: "running", startedAt: one.requestedAt },
    }));
    const { getRollout } = world.ledger;
    let asked = false;
    const ledger: RolloutWorld["ledger"] = {
      ...world.ledger,
      changeFleet: async (change) => {
        // Finishing releases to the fleet before it records that the rollout has finished.
        if (!asked) {
          asked = true;
          await controlRollout({ rolloutId: "up-one", action: "rollback", requestedBy: "ann" }, world);
        }
        return world.ledger.changeFleet(change);
      },
    };
    await finishRollout("up-one", null, { ...world, ledger });
    expect(await getRollout("up-one")).toMatchObject({ status: "completed", control: { action: "rollback" } });
    expect(world.bus.types()).not.toContain("Rollout Completed");
    world.fleetExecutions.end("up-one-1");
    await guardRollout(world);
    expect(world.fleetExecutions.running()).toEqual(["up-one-2"]);
  });

  it("lets a rollout whose turn it is end by itself when it is aborted before its first step", async () => {
    const world = rolloutWorld();
    await requestRollout(ask("up-one"), "e1", world);
    await requestRollout(ask("re-one", { kind: "reconfigure", image: undefined }), "e2", world);
    await controlRollout({ rolloutId: "up-one", action: "abort", requestedBy: "ann" }, world);
    await guardRollout(world);
    expect((await world.ledger.getFleet()).currentRolloutId).toBe("up-one");
    await finishRollout("up-one", null, world);
    expect(await statusOf(world, "up-one")).toBe("aborted");
    expect((await world.ledger.getFleet()).currentRolloutId).toBe("re-one");
  });

  it("loses none to a crash that nobody tries again: the guard queues it", async () => {
    const worlds = async (ended: boolean) => {
      const world = rolloutWorld();
      await requestRollout(ask("re-one", { kind: "reconfigure", image: undefined }), "e1", world);
      if (ended) {
        await requestRollout(ask("up-one"), "e2", world);
        await world.ledger.changeRollout("up-one", (one) => ({ next: { ...one, status: "completed" } }));
        await world.ledger.changeFleet((fleet) => ({ next: { ...fleet, queuedRolloutIds: [] } }));
      }
      return world;
    };
    const rollback = { rolloutId: "up-one", action: "rollback", requestedBy: "ann" } as const;
    for (const act of ["request", "rollback"] as const) {
      for (const when of ["before", "after"] as const) {
        for (let calls = 1; calls <= 12; calls += 1) {
          const world = await worlds(act === "rollback");
          const wrap = crashing({ calls, when });
          const dying = { ...world, ledger: wrap(world.ledger), fleetExecutions: wrap(world.fleetExecutions) };
          const asked =
            act === "request" ? requestRollout(ask("up-one"), "e2", dying) : controlRollout(rollback, dying);
          await asked.catch(() => undefined);
          await guardRollout(world);
          const { queuedRolloutIds: waiting } = await world.ledger.getFleet();
          const rollout = await world.ledger.getRollout("up-one");
          const open = rollout !== undefined && !hasEnded(rollout);
          expect(waiting.includes("up-one"), `${act}: crash ${when} call ${calls}`).toBe(open);
        }
      }
    }
  });

  it("holds its laws whatever comes in whatever order: one at a time, none twice, none lost", async () => {
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
        const world = rolloutWorld();
        for (const one of steps) {
          const { currentRolloutId: running } = await world.ledger.getFleet();
          if (one.do === "ask") await requestRollout(ask(one.id), one.id, world);
          if (one.do === "control")
            await controlRollout({ rolloutId: one.id, action: one.action, requestedBy: "b" }, world);
          if (one.do === "guard") await guardRollout(world);
          if (one.do === "drive") await advanceQueue(world);
          const live = world.fleetExecutions.running();
          if (one.do === "die") for (const name of live) world.fleetExecutions.end(name);
          if (one.do === "finish" && running !== undefined) {
            for (const name of live) world.fleetExecutions.statuses.set(name, "SUCCEEDED");
            await finishRollout(running, null, world);
          }
          expect((await atWork(world)).length).toBeLessThanOrEqual(1);
          const { queuedRolloutIds: waiting } = await world.ledger.getFleet();
          expect(new Set(waiting).size).toBe(waiting.length);
        }
        await advanceQueue(world);
        const fleet = await world.ledger.getFleet();
        const queued = [fleet.currentRolloutId, ...fleet.queuedRolloutIds];
        for await (const { id, status, control } of world.ledger.listRollouts()) {
          const open = !endedStatuses.includes(status) || control?.action === "rollback";
          expect(queued.includes(id), `${id} is ${status}`).toBe(open);
        }
        expect(await atWork(world)).toHaveLength(fleet.currentRolloutId === undefined ? 0 : 1);
        const names = world.fleetExecutions.started.map(({ name }) => name);
        expect(new Set(names).size).toBe(names.length);
      }),
      { numRuns: 300 },
    );
  });
});

describe("a change of the whole fleet", () => {
  async function seen(parameter = "registry.example.com/ztunnel:1.28.1") {
    const { ztunnel } = rolloutWorld().config;
    const world = await fleetWorld({ config: { ztunnel: { ...ztunnel, imageParameter: "/image" } } });
    world.parameters.values.set("/image", parameter);
    await readFacts(world, "a");
    expect(await requestPending(world)).toEqual([]);
    return world;
  }

  it("is nothing when it is seen first: so it should be", async () => {
    const world = await seen();
    expect(await requestPending(world)).toEqual([]);
    expect(await world.ledger.getFleet()).toMatchObject({
      image: { image: "registry.example.com/ztunnel:1.28.1" },
      requestedFor: { factsIds: { main: expect.any(String) } },
    });
  });

  it("asks for a rotation when a control plane's facts have changed and come back between two runs", async () => {
    const world = await seen();
    await readFacts(world, "b", "2026-11-23T12:01:00.000Z");
    await readFacts(world, "a", "2026-11-23T12:02:00.000Z");
    const [id, ...others] = await requestPending(world);
    expect(others).toEqual([]);
    const newest = (await world.ledger.getMesh("main"))?.generations.at(-1)?.id;
    expect(await world.ledger.getRollout(id ?? "")).toMatchObject({ kind: "rotate", target: { factsId: newest } });
    expect(await requestPending(world)).toEqual([]);
  });

  it("asks for one upgrade, however often it runs", async () => {
    const world = await seen();
    world.parameters.values.set("/image", " registry.example.com/ztunnel:1.28.2\n");
    const [id, ...others] = await requestPending(world);
    expect(others).toEqual([]);
    expect(await requestPending(world)).toEqual([]);
    expect(await world.ledger.getRollout(id ?? "")).toMatchObject({
      kind: "upgrade",
      target: { image: "registry.example.com/ztunnel:1.28.2" },
      requestedBy: "ztunnel-autopilot",
    });
  });

  it("asks for one more when it changes again, and for another when it changes back", async () => {
    const world = await seen();
    const ids = [];
    for (const tag of ["1.28.2", "1.28.3", "1.28.2"]) {
      world.parameters.values.set("/image", `registry.example.com/ztunnel:${tag}`);
      ids.push(...(await requestPending(world)));
    }
    expect(new Set(ids).size).toBe(3);
    expect(await world.ledger.getFleet()).toMatchObject({ currentRolloutId: ids[0], queuedRolloutIds: [ids[2]] });
  });

  it("asks for what there was when it changes back while an upgrade waits or is under way, so that the last word counts", async () => {
    const world = await seen();
    world.parameters.values.set("/image", "registry.example.com/ztunnel:1.28.2");
    const [upgrade] = await requestPending(world);
    world.parameters.values.set("/image", "registry.example.com/ztunnel:1.28.1");
    const [back, ...others] = await requestPending(world);
    expect(others).toEqual([]);
    expect(await world.ledger.getRollout(back ?? "")).toMatchObject({
      target: { image: "registry.example.com/ztunnel:1.28.1" },
    });
    expect(await world.ledger.getFleet()).toMatchObject({ currentRolloutId: upgrade, queuedRolloutIds: [back] });
    const { ztunnel } = world.config;
    const changed = { ...world, config: { ...world.config, ztunnel: { ...ztunnel, startTimeoutSeconds: 60 } } };
    const [reconfigure] = await requestPending(changed);
    const [undo] = await requestPending(world);
    expect((await world.ledger.getRollout(reconfigure ?? ""))?.status).toBe("superseded");
    expect(await world.ledger.getFleet()).toMatchObject({ currentRolloutId: upgrade, queuedRolloutIds: [back, undo] });
  });

  it("refuses an image that is none, once, and asks for nothing", async () => {
    const world = await seen();
    world.parameters.values.set("/image", "not an image!");
    expect(await requestPending(world)).toEqual([]);
    expect(await requestPending(world)).toEqual([]);
    expect(world.bus.events).toHaveLength(1);
    expect(world.bus.events[0]).toMatchObject({
      detailType: "Rollout Refused",
      detail: { code: "invalid-image", detail: expect.stringContaining("not an image!") },
    });
  });

  it("takes the configuration's image where the parameter is gone", async () => {
    const world = await seen("registry.example.com/ztunnel:1.28.0");
    world.parameters.values.clear();
    expect(await requestPending(world)).toHaveLength(1);
  });

  it("asks for a rotation of a control plane's services, as an emergency only where no root is left of those they trust", async () => {
    const world = await seen();
    await readFacts(world, "ab", "2026-11-23T12:01:00.000Z");
    const [both] = await requestPending(world);
    expect(await world.ledger.getRollout(both ?? "")).toMatchObject({
      kind: "rotate",
      scope: { controlPlane: "main" },
      emergency: false,
    });
    const early = await seen();
    await readFacts(early, "b", "2026-11-23T12:01:00.000Z");
    const [dropped] = await requestPending(early);
    expect(await early.ledger.getRollout(dropped ?? "")).toMatchObject({ kind: "rotate", emergency: true });
  });

  it("asks to reconfigure when the sidecar's settings change", async () => {
    const world = await seen();
    const { ztunnel } = world.config;
    const changed = { ...world, config: { ...world.config, ztunnel: { ...ztunnel, healthCheckCommand: ["true"] } } };
    const [id] = await requestPending(changed);
    expect(await world.ledger.getRollout(id ?? "")).toMatchObject({ kind: "reconfigure" });
    expect(await requestPending(changed)).toEqual([]);
  });

  it.each([
    ["an earlier release built the sidecar otherwise", settingsHash(config(), earlierRelease)],
    ["an earlier release hashed the settings otherwise", "0f".repeat(32)],
  ])("asks to reconfigure, once, when %s", async (_what, settings) => {
    const world = await seen();
    await world.ledger.changeFleet((fleet) => ({
      next: { ...fleet, settings, requestedFor: { ...fleet.requestedFor, settings } },
    }));
    const [id, ...others] = await requestPending(world);
    expect(others).toEqual([]);
    expect(await world.ledger.getRollout(id ?? "")).toMatchObject({
      kind: "reconfigure",
      scope: {},
      target: { settings: settingsHash(world.config) },
    });
    expect(await requestPending(world)).toEqual([]);
  });
});
