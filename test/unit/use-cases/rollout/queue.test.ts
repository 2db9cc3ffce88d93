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
import { crashing } from "../../../support/altered-calls.ts";
import { earlierRelease } from "../../../support/releases.ts";
import { config } from "../../../support/services.ts";
import { fleetTestbed, type RolloutTestbed, rolloutTestbed } from "../../../support/testbeds/rollout.ts";
import { readFacts } from "../../../support/testbeds/rollouts-under-way.ts";

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
    await controlRollout({ rolloutId: "up-one", action: "abort", requestedBy: "ann" }, testbed);
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
    await controlRollout({ rolloutId: "up-one", action: "rollback", requestedBy: "ann" }, testbed);
    expect(await testbed.ledger.getFleet()).toMatchObject({
      currentRolloutId: "re-one",
      queuedRolloutIds: ["up-one", "up-two"],
    });
    await controlRollout({ rolloutId: "up-one", action: "rollback", requestedBy: "ann" }, testbed);
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
    await controlRollout({ rolloutId: "up-one", action: "rollback", requestedBy: "ann" }, testbed);
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
          await controlRollout({ rolloutId: "up-one", action: "rollback", requestedBy: "ann" }, testbed);
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
    await controlRollout({ rolloutId: "up-one", action: "abort", requestedBy: "ann" }, testbed);
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
            act === "request" ? requestRollout(ask("up-one"), "e2", dying) : controlRollout(rollback, dying);
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
            await controlRollout({ rolloutId: one.id, action: one.action, requestedBy: "b" }, testbed);
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

describe("a change of the whole fleet", () => {
  async function seen(parameter = "registry.example.com/ztunnel:1.28.1") {
    const { ztunnel } = rolloutTestbed().config;
    const testbed = await fleetTestbed({ config: { ztunnel: { ...ztunnel, imageParameter: "/image" } } });
    testbed.parameters.values.set("/image", parameter);
    await readFacts(testbed, "a");
    expect(await requestPending(testbed)).toEqual([]);
    return testbed;
  }

  it("is nothing when it is seen first: so it should be", async () => {
    const testbed = await seen();
    expect(await requestPending(testbed)).toEqual([]);
    expect(await testbed.ledger.getFleet()).toMatchObject({
      image: { image: "registry.example.com/ztunnel:1.28.1" },
      requestedFor: { factsIds: { main: expect.any(String) } },
    });
  });

  it("asks for a rotation when a control plane's facts have changed and come back between two runs", async () => {
    const testbed = await seen();
    await readFacts(testbed, "b", "2026-11-23T12:01:00.000Z");
    await readFacts(testbed, "a", "2026-11-23T12:02:00.000Z");
    const [id, ...others] = await requestPending(testbed);
    expect(others).toEqual([]);
    const newest = (await testbed.ledger.getMesh("main"))?.generations.at(-1)?.id;
    expect(await testbed.ledger.getRollout(id ?? "")).toMatchObject({ kind: "rotate", target: { factsId: newest } });
    expect(await requestPending(testbed)).toEqual([]);
  });

  describe("that is missing, since the image's parameter is gone after it was seen", () => {
    const OTHER = "registry.example.com/ztunnel:1.28.2";

    it("is not a wish for the configuration's image: it is refused once, until the parameter is there again", async () => {
      const testbed = await seen(OTHER);
      testbed.parameters.values.delete("/image");
      for (let run = 0; run < 3; run += 1) expect(await requestPending(testbed)).toEqual([]);
      expect(testbed.bus.events).toMatchObject([
        {
          detailType: "Rollout Refused",
          detail: { kind: "upgrade", code: "image-parameter-missing", detail: expect.stringContaining("/image") },
        },
      ]);
      expect((await testbed.ledger.getFleet()).image?.image).toBe(OTHER);
      testbed.parameters.values.set("/image", OTHER);
      expect(await requestPending(testbed)).toEqual([]);
      expect(await testbed.ledger.getFleet()).toMatchObject({
        image: { image: OTHER },
        requestedFor: { image: OTHER },
      });
      testbed.parameters.values.set("/image", "registry.example.com/ztunnel:1.28.3");
      expect(await requestPending(testbed)).toHaveLength(1);
    });

    it("is the configuration's image once its parameter is taken out of the configuration: that confirms it", async () => {
      const testbed = await seen(OTHER);
      testbed.parameters.values.delete("/image");
      await requestPending(testbed);
      const { imageParameter: _, ...ztunnel } = testbed.config.ztunnel;
      const [id] = await requestPending({ ...testbed, config: { ...testbed.config, ztunnel } });
      expect(await testbed.ledger.getRollout(id ?? "")).toMatchObject({ target: { image: ztunnel.image } });
    });

    it("is the configuration's image while nobody has written the parameter yet", async () => {
      const { ztunnel } = rolloutTestbed().config;
      const testbed = await fleetTestbed({ config: { ztunnel: { ...ztunnel, imageParameter: "/image" } } });
      await readFacts(testbed, "a");
      expect(await requestPending(testbed)).toEqual([]);
      expect((await testbed.ledger.getFleet()).image?.image).toBe(ztunnel.image);
      const moved = { ...testbed.config, ztunnel: { ...testbed.config.ztunnel, image: OTHER } };
      expect(await requestPending({ ...testbed, config: moved })).toHaveLength(1);
      expect(testbed.bus.events.map(({ detailType }) => detailType)).not.toContain("Rollout Refused");
    });
  });

  it("asks for one upgrade, even if it runs again", async () => {
    const testbed = await seen();
    testbed.parameters.values.set("/image", " registry.example.com/ztunnel:1.28.2\n");
    const [id, ...others] = await requestPending(testbed);
    expect(others).toEqual([]);
    expect(await requestPending(testbed)).toEqual([]);
    expect(await testbed.ledger.getRollout(id ?? "")).toMatchObject({
      kind: "upgrade",
      target: { image: "registry.example.com/ztunnel:1.28.2" },
      requestedBy: "ztunnel-autopilot",
    });
  });

  it("asks for one more when it changes again, and for another when it changes back", async () => {
    const testbed = await seen();
    const ids = [];
    for (const tag of ["1.28.2", "1.28.3", "1.28.2"]) {
      testbed.parameters.values.set("/image", `registry.example.com/ztunnel:${tag}`);
      ids.push(...(await requestPending(testbed)));
    }
    expect(new Set(ids).size).toBe(3);
    expect(await testbed.ledger.getFleet()).toMatchObject({ currentRolloutId: ids[0], queuedRolloutIds: [ids[2]] });
  });

  it("refuses an invalid image, once, and asks for nothing", async () => {
    const testbed = await seen();
    testbed.parameters.values.set("/image", "not an image!");
    expect(await requestPending(testbed)).toEqual([]);
    expect(await requestPending(testbed)).toEqual([]);
    expect(testbed.bus.events).toHaveLength(1);
    expect(testbed.bus.events[0]).toMatchObject({
      detailType: "Rollout Refused",
      detail: { code: "invalid-image", detail: expect.stringContaining("not an image!") },
    });
  });

  it("refuses an image that is newer than istiod, once, and asks for it when istiod has its version", async () => {
    const testbed = await seen();
    const newer = "registry.example.com/ztunnel:1.29.0";
    testbed.parameters.values.set("/image", newer);
    expect(await requestPending(testbed)).toEqual([]);
    expect(await requestPending(testbed)).toEqual([]);
    expect(testbed.bus.events).toMatchObject([
      { detailType: "Rollout Refused", detail: { code: "version-skew", detail: expect.stringContaining(newer) } },
    ]);
    await readFacts(testbed, "a", "2026-11-23T12:01:00.000Z", "1.29.2");
    const [id, ...others] = await requestPending(testbed);
    expect(others).toEqual([]);
    expect(await testbed.ledger.getRollout(id ?? "")).toMatchObject({ kind: "upgrade", target: { image: newer } });
    expect(await requestPending(testbed)).toEqual([]);
  });

  it("refuses an operator's upgrade to an image that is newer than an istiod of its scope", async () => {
    const testbed = await seen();
    const newer = ask("up-newer", { image: "registry.example.com/ztunnel:1.29.0" });
    expect(await requestRollout(newer, "e1", testbed)).toEqual({
      did: "refused",
      rolloutId: "up-newer",
      code: "version-skew",
    });
    const elsewhere = ask("up-elsewhere", { ...newer, rolloutId: "up-elsewhere", scope: { regions: ["ap-*"] } });
    expect(await requestRollout(elsewhere, "e2", testbed)).toMatchObject({ did: "queued" });
    const lenient = {
      ...testbed,
      config: { ...testbed.config, policy: { ...testbed.config.policy, versionSkew: "warn" as const } },
    };
    expect(await requestRollout({ ...newer, rolloutId: "up-lenient" }, "e3", lenient)).toMatchObject({ did: "queued" });
  });

  it("asks for a rotation of a control plane's services, as an emergency only where no root is left of those they trust", async () => {
    const testbed = await seen();
    await readFacts(testbed, "ab", "2026-11-23T12:01:00.000Z");
    const [both] = await requestPending(testbed);
    expect(await testbed.ledger.getRollout(both ?? "")).toMatchObject({
      kind: "rotate",
      scope: { controlPlane: "main" },
      emergency: false,
    });
    await readFacts(testbed, "d", "2026-11-23T12:02:00.000Z");
    await testbed.ledger.changeMesh("main", (mesh) => ({
      next: mesh && { ...mesh, releasedId: mesh.generations.at(-1)?.id },
    }));
    await requestPending(testbed);
    await readFacts(testbed, "D", "2026-11-23T12:03:00.000Z");
    const [renewed] = await requestPending(testbed);
    expect(await testbed.ledger.getRollout(renewed ?? "")).toMatchObject({ kind: "rotate", emergency: false });
    const early = await seen();
    await readFacts(early, "b", "2026-11-23T12:01:00.000Z");
    const [dropped] = await requestPending(early);
    expect(await early.ledger.getRollout(dropped ?? "")).toMatchObject({ kind: "rotate", emergency: true });
  });

  it("asks to reconfigure when the sidecar's settings change", async () => {
    const testbed = await seen();
    const { ztunnel } = testbed.config;
    const changed = {
      ...testbed,
      config: { ...testbed.config, ztunnel: { ...ztunnel, healthCheckCommand: ["true"] } },
    };
    const [id] = await requestPending(changed);
    expect(await testbed.ledger.getRollout(id ?? "")).toMatchObject({ kind: "reconfigure" });
    expect(await requestPending(changed)).toEqual([]);
  });

  it.each([
    ["an earlier release built the sidecar otherwise", settingsHash(config(), earlierRelease)],
    ["an earlier release hashed the settings otherwise", "0f".repeat(32)],
  ])("asks to reconfigure, once, when %s", async (_what, settings) => {
    const testbed = await seen();
    await testbed.ledger.changeFleet((fleet) => ({
      next: { ...fleet, settings, requestedFor: { ...fleet.requestedFor, settings } },
    }));
    const [id, ...others] = await requestPending(testbed);
    expect(others).toEqual([]);
    expect(await testbed.ledger.getRollout(id ?? "")).toMatchObject({
      kind: "reconfigure",
      scope: {},
      target: { settings: settingsHash(testbed.config) },
    });
    expect(await requestPending(testbed)).toEqual([]);
  });
});
