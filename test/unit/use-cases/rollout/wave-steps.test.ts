import { describe, expect, it } from "vitest";
import { serviceRef } from "../../../../shared/base/arn.ts";
import { AutopilotError } from "../../../../shared/base/errors.ts";
import { tagKeys } from "../../../../shared/base/vocabulary.ts";
import {
  type Rollout,
  type RolloutService,
  type RolloutServiceStatus,
  rolloutServiceStatuses,
  type Wave,
} from "../../../../shared/model/rollout.ts";
import type { Deployment } from "../../../../shared/model/service.ts";
import { assessWave } from "../../../../shared/use-cases/rollout/assess-wave.ts";
import { controlRollout } from "../../../../shared/use-cases/rollout/control-rollout.ts";
import { finishRollout } from "../../../../shared/use-cases/rollout/finish-rollout.ts";
import { guardRollout } from "../../../../shared/use-cases/rollout/guard-rollout.ts";
import { holdRollout } from "../../../../shared/use-cases/rollout/hold-rollout.ts";
import { MAX_WEIGHT, nextWave } from "../../../../shared/use-cases/rollout/next-wave.ts";
import { startRollout } from "../../../../shared/use-cases/rollout/start-rollout.ts";
import { takeService } from "../../../../shared/use-cases/rollout/take-service.ts";
import { Crash, crashing } from "../../../support/altered-calls.ts";
import { serviceArn } from "../../../support/arns.ts";
import { lane } from "../../../support/rollouts.ts";
import { fleetTestbed, type RolloutTestbed } from "../../../support/testbeds/rollout.ts";
import { sixUnderWay, underWay } from "../../../support/testbeds/rollouts-under-way.ts";
import { NOON } from "../../../support/times.ts";

const ID = "upgrade-1";

/** Six services: a canary wave of two, then one of four. */
async function sixServices(
  options: {
    readonly policy?: object;
    readonly states?: readonly [Wave["state"], Wave["state"]];
    readonly of?: (ordinal: number) => Partial<RolloutService>;
    readonly given?: Partial<Rollout>;
  } = {},
): Promise<RolloutTestbed> {
  const { policy = {}, states = ["rolling", "waiting"], of = () => ({}), given = {} } = options;
  const testbed = await fleetTestbed({
    services: 6,
    policy: { bakeMinutes: 0, failureBudget: { inAll: { count: 1 } }, ...policy },
  });
  await sixUnderWay(testbed, states, of, given);
  return testbed;
}

const rolloutOf = async (testbed: RolloutTestbed) => {
  const found = await testbed.ledger.getRollout(ID);
  if (!found) throw new Error("no rollout");
  return found;
};
const one = async (testbed: RolloutTestbed, ordinal: number) => testbed.ledger.getRolloutService(ID, ordinal);
const succeeded = (ordinal: number): Partial<RolloutService> => ({
  status: "succeeded",
  fromRevisionArn: `old-${ordinal}`,
  toRevisionArn: `arn:aws:ecs:us-east-1:123456789012:task-definition/s${ordinal}:1`,
});

describe("the start of a rollout", () => {
  it("takes the enrolled, tagged, living services of its scope, canaries first, with the alarms that their tags name", async () => {
    const testbed = await fleetTestbed({ services: 5, policy: { waves: [100], canaryCount: 0 } });
    const change = (name: string, ...given: Parameters<typeof testbed.fakeEcs.change>) => {
      const [changes] = given;
      const ref = serviceRef(serviceArn(name));
      testbed.fakeEcs.change({ ...changes, tags: { ...testbed.fakeEcs.of(ref).tags, ...changes.tags } }, ref);
    };
    change("s1", { tags: { [tagKeys.wave]: "canary", [tagKeys.alarms]: "errors+latency" } });
    change("s2", { tags: { "ztunnel-autopilot/enroll": "false" } });
    change("s3", { status: "DRAINING" });
    await testbed.ledger.patchService(serviceArn("s4"), { enrolled: false });
    await underWay(testbed, { target: { image: "a:2" } });
    await startRollout(ID, testbed);
    expect(await Array.fromAsync(testbed.ledger.listRolloutServices(ID))).toMatchObject([
      { serviceArn: serviceArn("s1"), waveIndex: 0, alarms: ["errors", "latency"] },
      { serviceArn: serviceArn("s0"), waveIndex: 1 },
    ]);
    expect(await rolloutOf(testbed)).toMatchObject({ status: "running", serviceCount: 2 });
    expect(testbed.bus.types()).toEqual(["Rollout Started"]);
  });

  it.each(["last", "skip"] as const)("takes what did not run well before %s", async (unfit) => {
    const testbed = await fleetTestbed({ services: 4, policy: { waves: [100], canaryCount: 1, unfit } });
    const ref = serviceRef(serviceArn("s0"));
    const [primary] = testbed.fakeEcs.of(ref).deployments;
    testbed.fakeEcs.change({ deployments: primary ? [{ ...primary, runningCount: 0 }] : [] }, ref);
    const failed = { outcome: "reverted", executionName: "e", at: new Date(testbed.now()).toISOString() } as const;
    const patch = { consecutiveFailures: 1, lastOutcome: { ...failed, reason: "application-failed" } };
    await testbed.ledger.patchService(serviceArn("s1"), patch);
    const busy = { consecutiveFailures: 1, lastOutcome: { ...failed, reason: "control-plane-unreachable" } };
    await testbed.ledger.patchService(serviceArn("s2"), busy);
    await underWay(testbed, { target: { image: "a:2" } });
    await startRollout(ID, testbed);
    const status = unfit === "skip" ? "skipped" : "waiting";
    expect(await Array.fromAsync(testbed.ledger.listRolloutServices(ID))).toMatchObject([
      { serviceArn: serviceArn("s2"), waveIndex: 0, status: "waiting" },
      { serviceArn: serviceArn("s3"), waveIndex: 1, status: "waiting" },
      { serviceArn: serviceArn("s0"), waveIndex: 2, status, unfit: expect.stringMatching(/^0 of \d tasks run\.$/) },
      { serviceArn: serviceArn("s1"), waveIndex: 2, status, unfit: "Its last roll failed: application-failed." },
    ]);
  });

  it.each<[string, Partial<Rollout>]>([
    ["an emergency", { emergency: true }],
    ["the unenrollment of the fleet", { kind: "unenroll" }],
  ])("leaves no service out of %s, even if the policy or its alarms would", async (_what, given) => {
    const testbed = await fleetTestbed({ services: 3, policy: { waves: [100], unfit: "skip" } });
    const ref = serviceRef(serviceArn("s0"));
    const [primary] = testbed.fakeEcs.of(ref).deployments;
    testbed.fakeEcs.change({ deployments: primary ? [{ ...primary, runningCount: 0 }] : [] }, ref);
    await underWay(testbed, { target: {}, ...given });
    const alarms = () => {
      throw new Error("no alarm was to be read");
    };
    await startRollout(ID, { ...testbed, alarms });
    const services = await Array.fromAsync(testbed.ledger.listRolloutServices(ID));
    expect(services.map(({ status }) => status)).toEqual(["waiting", "waiting", "waiting"]);
  });

  it("is tried again while CloudWatch is busy: that says nothing of a service", async () => {
    const testbed = await fleetTestbed({ services: 1 });
    const ref = serviceRef(serviceArn("s0"));
    testbed.fakeEcs.change({ tags: { ...testbed.fakeEcs.of(ref).tags, [tagKeys.alarms]: "errors" } }, ref);
    await underWay(testbed, { target: { image: "a:2" } });
    const describeAlarms = async () => {
      throw new AutopilotError("throttled", "DescribeAlarms");
    };
    await expect(startRollout(ID, { ...testbed, alarms: () => ({ describeAlarms }) })).rejects.toMatchObject({
      code: "throttled",
    });
  });

  it("goes without the services of a cluster that is gone", async () => {
    const testbed = await fleetTestbed({ services: 2 });
    const gone = serviceArn("s0").replace("/prod/", "/gone/");
    await testbed.ledger.patchService(gone, { enrolled: true });
    const describeCluster: typeof testbed.fakeEcs.describeCluster = async (clusterArn, options) => {
      if (clusterArn.endsWith("/gone")) throw new AutopilotError("service-not-found", clusterArn);
      return testbed.fakeEcs.describeCluster(clusterArn, options);
    };
    const describeServices = testbed.fakeEcs.describeServices.bind(testbed.fakeEcs);
    await underWay(testbed);
    await startRollout(ID, { ...testbed, ecs: () => ({ describeCluster, describeServices }) });
    expect(await rolloutOf(testbed)).toMatchObject({ status: "running", serviceCount: 2 });
  });

  it("is refused without a service for an operator, and simply done for the autopilot", async () => {
    const asked = await fleetTestbed();
    await underWay(asked);
    await startRollout(ID, asked);
    expect(await rolloutOf(asked)).toMatchObject({ status: "refused", reason: { code: "scope-empty" } });
    const automatic = await fleetTestbed();
    await underWay(automatic, { requestedBy: "ztunnel-autopilot" });
    await startRollout(ID, automatic);
    expect(await finishRollout(ID, null, automatic)).toMatchObject({ status: "completed" });
  });

  it("keeps the waves that it has, and is not notified again once one has begun", async () => {
    const testbed = await sixServices();
    await startRollout(ID, testbed);
    expect((await rolloutOf(testbed)).waves).toHaveLength(2);
    expect(testbed.bus.events).toEqual([]);
  });
});

describe("the next step", () => {
  const next = (testbed: RolloutTestbed, passes = 1) =>
    nextWave({ rolloutId: ID, executionName: "upgrade-1-1", passes }, testbed);

  it("is the wave with its lanes and the policy's concurrency", async () => {
    const testbed = await sixServices({ states: ["done", "waiting"], policy: { concurrency: 7 } });
    expect(await next(testbed)).toMatchObject({
      do: "roll",
      phase: "forward",
      wave: 1,
      lanes: [{ ...lane(2, 5), concurrency: 7 }],
    });
    expect((await rolloutOf(testbed)).waves[1]).toMatchObject({ state: "rolling", startedAt: expect.any(String) });
  });

  it("is a hold that is notified once, also when it is checked again", async () => {
    const testbed = await sixServices({
      states: ["done", "waiting"],
      given: { control: { action: "pause", by: "ann", at: "2026-11-23T11:30:00Z" } },
    });
    expect(await next(testbed)).toMatchObject({ do: "hold", holdSeconds: 7 * 86_400 });
    testbed.fleetExecutions.wait("token");
    await holdRollout(ID, "token", testbed);
    expect(await next(testbed)).toMatchObject({ do: "hold" });
    expect(testbed.bus.types()).toEqual(["Rollout Paused"]);
    expect(await rolloutOf(testbed)).toMatchObject({ status: "paused", holdToken: "token" });
  });

  it("is a hold until the freeze window ends", async () => {
    const freezeWindows = [{ cron: "0 11 * * *", durationMinutes: 90 }];
    const testbed = await sixServices({ states: ["done", "waiting"], policy: { freezeWindows } });
    expect(await next(testbed)).toMatchObject({ do: "hold", holdSeconds: 30 * 60 });
    expect(await rolloutOf(testbed)).toMatchObject({ status: "frozen", holdUntilMs: NOON + 30 * 60_000 });
  });

  it("is another execution before this one's history is full, and the end is reached in this one", async () => {
    const testbed = await sixServices({ states: ["done", "waiting"] });
    expect(await next(testbed, MAX_WEIGHT)).toMatchObject({ do: "continue", executionName: "upgrade-1-2" });
    expect(await rolloutOf(testbed)).toMatchObject({ executionCount: 2, executionName: "upgrade-1-2" });
    // A second answer to the same question names the same execution.
    expect(await next(testbed, MAX_WEIGHT)).toMatchObject({ do: "continue", executionName: "upgrade-1-2" });
    const done = await sixServices({ states: ["done", "done"], given: { nextWaveIndex: 2 } });
    expect(await next(done, MAX_WEIGHT)).toMatchObject({ do: "finish" });
  });

  it("is unknown for a rollout that there is not", async () => {
    const testbed = await fleetTestbed();
    await expect(next(testbed)).rejects.toMatchObject({ code: "unknown-rollout", retryable: false });
  });
});

describe("taking a service", () => {
  const take = (testbed: RolloutTestbed, phase: "forward" | "rollback" = "forward", retake = false) =>
    takeService({ id: ID, ordinal: 1, phase, retake }, testbed);

  it("is the same roll when it is taken again, and another one after it was superseded", async () => {
    const testbed = await sixServices();
    const first = await take(testbed);
    expect(first).toMatchObject({ do: "roll", serviceArn: serviceArn("s1") });
    expect((await take(testbed)).executionName).toBe(first.executionName);
    await testbed.ledger.patchRolloutService(ID, 1, {}, { status: "superseded" });
    const second = await take(testbed);
    expect(second).toMatchObject({ do: "roll" });
    expect(second.executionName).not.toBe(first.executionName);
  });

  it("gives up a service that others keep busy", async () => {
    const testbed = await sixServices();
    for (let tries = 1; tries <= 4; tries += 1) {
      expect((await take(testbed)).do, String(tries)).toBe("roll");
      await testbed.ledger.patchRolloutService(ID, 1, {}, { status: "superseded" });
    }
    expect((await take(testbed)).do).toBe("skip");
  });

  it.each<[string, Partial<Rollout>]>([
    ["rolls back", { status: "rolling-back" }],
    ["is to abort", { control: { action: "abort", by: "ann", at: "2026-11-23T11:30:00Z" } }],
    ["is over its budget", { failedOrdinals: [0, 3] }],
  ])("takes none that has not begun once the rollout %s", async (_what, given) => {
    const testbed = await sixServices({ given });
    expect((await take(testbed)).do).toBe("skip");
    expect(await one(testbed, 1)).toMatchObject({ status: "waiting", tryCount: 0 });
  });

  it("keeps to what AWS lets start: 20 at once, then one a second", async () => {
    const testbed = await sixServices();
    const waits = [];
    for (let index = 0; index < 22; index += 1) {
      waits.push((await take(testbed)).waitSeconds);
    }
    expect(waits.slice(0, 20)).toEqual(waits.slice(0, 20).map(() => 0));
    expect(waits.slice(20)).toEqual([1, 2]);
  });

  it("tries again after an execution that recorded no outcome: releases its lease, and records its change", async () => {
    const testbed = await sixServices();
    const first = await take(testbed);
    await testbed.ledger.takeLease(
      serviceArn("s1"),
      { executionName: first.executionName, leaseUntil: NOON + 1e7 },
      NOON,
    );
    await testbed.ledger.updateRoll(serviceArn("s1"), first.executionName, {
      targetRevisionArn: "s1:2",
      revisionBeforeArn: "s1:1",
    });
    const second = await take(testbed, "forward", true);
    expect(second).toMatchObject({ do: "roll" });
    expect(second.executionName).not.toBe(first.executionName);
    expect((await testbed.ledger.getService(serviceArn("s1")))?.roll).toBeUndefined();
    expect(await one(testbed, 1)).toMatchObject({ fromRevisionArn: "s1:1", toRevisionArn: "s1:2", imageBefore: null });
  });

  it("does not try again after an execution that recorded its outcome, and leaves another roll's lease alone", async () => {
    const testbed = await sixServices();
    await take(testbed);
    await testbed.ledger.takeLease(serviceArn("s1"), { executionName: "other", leaseUntil: NOON + 1e7 }, NOON);
    await take(testbed, "forward", true);
    expect((await testbed.ledger.getService(serviceArn("s1")))?.roll?.executionName).toBe("other");
    await testbed.ledger.patchRolloutService(ID, 1, {}, { status: "reverted" });
    expect((await take(testbed, "forward", true)).do).toBe("skip");
  });

  it("gives up a service whose executions are stopped again and again", async () => {
    const testbed = await sixServices();
    let taken = await take(testbed);
    for (let tries = 0; tries < 30 && taken.do === "roll"; tries += 1) taken = await take(testbed, "forward", true);
    expect(taken.do).toBe("skip");
  });

  it("rolls back every service that it changed, with any later status, and no other", async () => {
    const over: readonly RolloutServiceStatus[] = ["rolled-back", "left", "stuck"];
    const changed = { fromRevisionArn: "old", toRevisionArn: "new" };
    for (const status of rolloutServiceStatuses) {
      const testbed = await sixServices({ given: { status: "rolling-back" } });
      await testbed.ledger.patchRolloutService(ID, 1, {}, { ...changed, status });
      expect((await take(testbed, "rollback")).do, status).toBe(over.includes(status) ? "skip" : "roll");
      const never = await sixServices({ of: () => ({ status }) });
      const isLost = status === "rolling" || status === "rolling-back";
      expect((await take(never, "rollback")).do, `${status}, never changed`).toBe(isLost ? "roll" : "skip");
    }
  });
});

describe("judging a wave", () => {
  const judge = (testbed: RolloutTestbed, after: "roll" | "bake" = "roll", phase: "forward" | "rollback" = "forward") =>
    assessWave({ rolloutId: ID, phase, wave: 0, after }, testbed);

  it("goes on within the budget, and rolls back beyond it", async () => {
    const within = await sixServices({
      of: (ordinal) => (ordinal === 0 ? { status: "reverted" } : succeeded(ordinal)),
    });
    expect(await judge(within)).toEqual({ bakeSeconds: 0 });
    expect(await rolloutOf(within)).toMatchObject({ status: "running", nextWaveIndex: 1, failedOrdinals: [0] });
    const beyond = await sixServices({ of: () => ({ status: "reverted" }) });
    await judge(beyond);
    expect(await rolloutOf(beyond)).toMatchObject({
      status: "rolling-back",
      nextWaveIndex: 0,
      failedOrdinals: [0, 1],
      reason: { code: "budget-exceeded", detail: "2 of 6 services failed, the budget allows 1" },
    });
    expect(beyond.bus.events).toEqual([]);
  });

  it("leaves it alone for the policy's bake time, or the request's", async () => {
    const testbed = await sixServices({ of: succeeded, policy: { bakeMinutes: 10 } });
    expect(await judge(testbed)).toEqual({ bakeSeconds: 600 });
    expect((await rolloutOf(testbed)).waves[0]?.state).toBe("baking");
    const quick = await sixServices({
      of: succeeded,
      policy: { bakeMinutes: 10 },
      given: { overrides: { bakeMinutes: 0.5 } },
    });
    expect(await judge(quick)).toEqual({ bakeSeconds: 30 });
  });

  it("records with a service without an outcome what kept its lane from being rolled", async () => {
    const laneFailures = [
      { error: "States.DataLimitExceeded", cause: "too large", lane: { first: 0, last: 0 } },
      { error: "States.QueryEvaluationError", cause: "", lane: { first: 1, last: 5 } },
    ];
    const assessment = { rolloutId: ID, wave: 0, after: "roll", laneFailures } as const;
    const testbed = await sixServices();
    await assessWave({ ...assessment, phase: "forward" }, testbed);
    expect(await one(testbed, 0)).toMatchObject({
      reason: "roll-unaccounted",
      detail: "States.DataLimitExceeded: too large",
    });
    expect(await one(testbed, 1)).toMatchObject({ detail: "States.QueryEvaluationError" });
    const back = await sixServices({
      states: ["rolling-back", "waiting"],
      given: { status: "rolling-back" },
      of: (ordinal) => ({ ...succeeded(ordinal), status: "rolling-back" }),
    });
    await assessWave({ ...assessment, phase: "rollback", laneFailures: [{ error: "Failed", cause: "why" }] }, back);
    expect(await one(back, 0)).toMatchObject({ status: "stuck", detail: "Failed: why" });
  });

  it("counts a service without an outcome as failed, and not one that the rollout did not start", async () => {
    const testbed = await sixServices({
      of: (ordinal) => (ordinal === 0 ? { status: "rolling" } : succeeded(ordinal)),
    });
    await judge(testbed);
    expect(await one(testbed, 0)).toMatchObject({ status: "failed", reason: "roll-unaccounted" });
    const aborted = await sixServices({
      given: { control: { action: "abort", by: "ann", at: "2026-11-23T11:30:00Z" } },
    });
    await aborted.ledger.patchRolloutService(ID, 1, {}, { status: "rolling" });
    await judge(aborted);
    expect(await one(aborted, 0)).toMatchObject({ status: "waiting" });
    expect(await one(aborted, 1), "its roll has ended without an outcome").toMatchObject({
      status: "failed",
      reason: "roll-unaccounted",
    });
    expect((await rolloutOf(aborted)).failedOrdinals).toEqual([]);
  });

  const changePrimary = (changes: Partial<Deployment>) => async (testbed: RolloutTestbed) => {
    const ref = serviceRef(serviceArn("s0"));
    const [primary] = testbed.fakeEcs.of(ref).deployments;
    if (primary) testbed.fakeEcs.change({ deployments: [{ ...primary, ...changes }] }, ref);
  };

  it.each<[string, Partial<Deployment>, boolean]>([
    ["its deployment is reported as failed", { rolloutState: "FAILED" }, true],
    ["no task of it runs", { runningCount: 0 }, true],
    ["tasks are missing and some have failed", { runningCount: 1, failedTasks: 3 }, true],
    ["a task is just being replaced", { runningCount: 1 }, false],
    ["somebody has deployed another revision", { taskDefinitionArn: "other:1", runningCount: 0 }, false],
    ["it is well", {}, false],
  ])("after its bake, when %s", async (_what, changes, isDegraded) => {
    const testbed = await sixServices({
      of: succeeded,
      states: ["baking", "waiting"],
      policy: { bakeMinutes: 10, failureBudget: { inAll: { count: 0 } } },
    });
    await changePrimary(changes)(testbed);
    await judge(testbed, "bake");
    expect((await one(testbed, 0))?.status).toBe(isDegraded ? "failed" : "succeeded");
    expect(await rolloutOf(testbed)).toMatchObject(
      isDegraded
        ? { status: "rolling-back", reason: { code: "bake-failed" } }
        : { status: "running", nextWaveIndex: 1 },
    );
  });

  it("does not call a service degraded that was scaled to nothing", async () => {
    const testbed = await sixServices({ of: succeeded, states: ["baking", "waiting"] });
    await changePrimary({ runningCount: 0 })(testbed);
    testbed.fakeEcs.change({ desiredCount: 0 }, serviceRef(serviceArn("s0")));
    await judge(testbed, "bake");
    expect((await one(testbed, 0))?.status).toBe("succeeded");
  });

  it("records what could not be rolled back, and goes on with the rollback", async () => {
    const testbed = await sixServices({
      states: ["rolling-back", "waiting"],
      given: { status: "rolling-back" },
      of: (ordinal) => (ordinal === 0 ? { status: "rolled-back" } : { ...succeeded(ordinal), status: "rolling-back" }),
    });
    await judge(testbed, "roll", "rollback");
    expect(await rolloutOf(testbed)).toMatchObject({ stuckOrdinals: [1], waves: [{ state: "rolled-back" }, {}] });
    expect(await one(testbed, 1)).toMatchObject({ status: "stuck", reason: "roll-unaccounted" });
  });
});

describe("the guard", () => {
  it("wakes a rollout that was to go on and never was woken", async () => {
    const testbed = await sixServices({
      states: ["done", "waiting"],
      given: {
        status: "paused",
        holdToken: "token",
        control: { action: "pause", by: "ann", at: "2026-11-23T11:30:00Z" },
      },
    });
    const control = { rolloutId: ID, action: "resume", requestedBy: "ann" } as const;
    const fleetExecutions = crashing({ calls: 1, when: "before" })(testbed.fleetExecutions);
    await expect(controlRollout(control, "event-1", { ...testbed, fleetExecutions })).rejects.toThrow(Crash);
    expect(testbed.fleetExecutions.delivered).toEqual([]);
    await guardRollout(testbed);
    expect(testbed.fleetExecutions.delivered).toEqual([{ taskToken: "token", output: {} }]);
  });

  it("does not wake one that is to wait", async () => {
    const testbed = await sixServices({
      states: ["done", "waiting"],
      given: { status: "awaiting-approval", holdToken: "token" },
    });
    await guardRollout(testbed);
    expect(testbed.fleetExecutions.delivered).toEqual([]);
  });

  it("rolls back on an alarm although the rollout is to pause after its wave, and not once it is to abort", async () => {
    const at = "2026-11-23T11:30:00Z";
    for (const [action, status] of [
      ["pause", "rolling-back"],
      ["abort", "running"],
    ] as const) {
      const testbed = await sixServices({
        policy: { alarms: [{ name: "errors" }] },
        given: { control: { action, by: "ann", at } },
      });
      testbed.fakeAlarms.set("errors", "ALARM");
      await guardRollout(testbed);
      expect((await rolloutOf(testbed)).status).toBe(status);
    }
  });

  it("reads only the alarms of services whose wave has begun", async () => {
    const testbed = await sixServices({
      of: (ordinal) => (ordinal === 5 ? { alarms: ["late"] } : { alarms: ["early"] }),
    });
    testbed.fakeAlarms.set("late", "ALARM");
    testbed.fakeAlarms.set("early", "OK");
    expect(await guardRollout(testbed)).toMatchObject({ rolloutId: ID, stopped: false });
  });

  it("says which alarms CloudWatch does not know", async () => {
    const testbed = await sixServices({ policy: { alarms: [{ name: "nowhere" }] } });
    expect(await guardRollout(testbed)).toMatchObject({ stopped: false });
    expect(testbed.lines).toContainEqual(
      expect.objectContaining({ level: "warn", extra: expect.objectContaining({ names: "nowhere" }) }),
    );
  });
});

describe("a hold", () => {
  it("ends at once when an operator was faster than its token", async () => {
    const testbed = await sixServices({
      given: { status: "running", control: { action: "rollback", by: "ann", at: "2026-11-23T11:30:00Z" } },
    });
    testbed.fleetExecutions.wait("token");
    await holdRollout(ID, "token", testbed);
    expect(testbed.fleetExecutions.delivered).toEqual([{ taskToken: "token", output: {} }]);
    expect((await rolloutOf(testbed)).holdToken).toBeUndefined();
  });

  it("lets a bake last although its operator has asked for a pause", async () => {
    const testbed = await sixServices({
      states: ["baking", "waiting"],
      given: { control: { action: "pause", by: "ann", at: "2026-11-23T11:30:00Z" } },
    });
    testbed.fleetExecutions.wait("token");
    await holdRollout(ID, "token", testbed);
    expect(testbed.fleetExecutions.delivered).toEqual([]);
    expect((await rolloutOf(testbed)).holdToken).toBe("token");
  });
});

describe("the end of a rollout", () => {
  it("lists every service that is not where it should be: those that are stuck, and those that failed to revert", async () => {
    const testbed = await sixServices({
      states: ["rolled-back", "rolled-back"],
      given: { status: "rolling-back", reason: { code: "budget-exceeded", detail: "" } },
      of: (ordinal) => ({ status: ordinal === 1 ? "stuck" : ordinal === 2 ? "revert-failed" : "rolled-back" }),
    });
    await finishRollout(ID, null, testbed);
    expect(testbed.bus.events[0]).toMatchObject({
      detailType: "Rollout Rolled Back",
      detail: { rolledBack: 4, stuck: 2, stuckServices: [serviceArn("s1"), serviceArn("s2")] },
    });
  });

  it("says why a rollout could not go on, and lets the next one begin", async () => {
    const testbed = await sixServices();
    await finishRollout(
      ID,
      { error: "Autopilot.Terminal", cause: '{"errorMessage":"access-denied: AWS denied the call. no"}' },
      testbed,
    );
    expect(await rolloutOf(testbed)).toMatchObject({ status: "failed", reason: { code: "access-denied" } });
    expect(testbed.bus.events[0]).toMatchObject({ detailType: "Rollout Completed", detail: { outcome: "failed" } });
    expect((await testbed.ledger.getFleet()).currentRolloutId).toBeUndefined();
  });

  it("gives the image of a rollout over everything to the fleet, and that of a part not", async () => {
    for (const [scope, image] of [
      [{}, "b:2"],
      [{ regions: ["us-east-1"] }, "a:1"],
    ] satisfies [Rollout["scope"], string][]) {
      const testbed = await sixServices({
        states: ["done", "done"],
        given: { nextWaveIndex: 2, scope, target: { image: "b:2" } },
        of: succeeded,
      });
      await testbed.ledger.changeFleet((fleet) => ({ next: { ...fleet, image: { image: "a:1", assignedAtMs: 1 } } }));
      await finishRollout(ID, null, testbed);
      expect((await testbed.ledger.getFleet()).image?.image).toBe(image);
    }
  });
});
