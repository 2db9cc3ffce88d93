import { describe, expect, it } from "vitest";
import { AutopilotError } from "../../../../shared/base/errors.ts";
import type { Config } from "../../../../shared/config/config.ts";
import { reconcileService } from "../../../../shared/use-cases/reconcile/reconcile-service.ts";
import { settledServices } from "../../../../shared/use-cases/reconcile/settled.ts";
import { sweep } from "../../../../shared/use-cases/reconcile/sweep.ts";
import { applyRoll } from "../../../../shared/use-cases/roll/apply-roll.ts";
import { finishRoll } from "../../../../shared/use-cases/roll/finish-roll.ts";
import { planRoll } from "../../../../shared/use-cases/roll/plan-roll.ts";
import { recordCalls, withCalls } from "../../../support/altered-calls.ts";
import { NAME, serviceNamed, web } from "../../../support/arns.ts";
import { finishInputOf } from "../../../support/endings.ts";
import { config, enrolled } from "../../../support/services.ts";
import { type RollTestbed, watchedTestbed } from "../../../support/testbeds/roll.ts";
import { applyPlan, enroll } from "../../../support/testbeds/rolls.ts";

const HOSTNAME = "ecs.solo.io/hostname";
const hostname = { [HOSTNAME]: "shop.example.com" };

/** A service in the mesh whose tasks were read, and that was given another tag since. */
async function retagged(taskTags: Config["policy"]["taskTags"] = "deploy"): Promise<RollTestbed> {
  const testbed = await watchedTestbed({ config: config({ policy: { taskTags } }) });
  await enroll(testbed);
  await reconcileService(web, testbed);
  await testbed.ecs.tagResource(web.serviceArn, hostname);
  testbed.bus.events.length = 0;
  return testbed;
}

const run = (testbed: RollTestbed, changes: object = {}) =>
  sweep({ ...testbed, ecs: () => testbed.ecs, secrets: () => testbed.secrets, ...changes });

const hostnames = ({ ecs }: RollTestbed) =>
  ecs.tasksOf(web).flatMap(({ lastStatus, tags }) => (lastStatus === "RUNNING" ? [tags?.[HOSTNAME]] : []));

const DAY_MS = 24 * 3_600_000;

/** A service in the mesh that sweeps have settled, and the sweeps of one warm function, a quarter of an hour apart. */
async function settledAt(taskTags: Config["policy"]["taskTags"] = "deploy") {
  const testbed = await watchedTestbed({ config: config({ policy: { taskTags } }) });
  await enroll(testbed);
  const settled = settledServices(testbed.now);
  const sweeps = async (count = 1) => {
    for (let nth = 0; nth < count; nth += 1) {
      testbed.clock.nowMs += 15 * 60_000;
      await run(testbed, { settled });
    }
  };
  await sweeps(3);
  expect(testbed.executions.started).toEqual([]);
  testbed.bus.events.length = 0;
  return { testbed, sweeps };
}

/** Somebody changes the tags of the running tasks themselves. */
function retagTasks({ ecs }: RollTestbed, tags: Readonly<Record<string, string>>): void {
  ecs.setTasks(ecs.tasksOf(web).map((task) => ({ ...task, tags })));
}

/** The roll that was started last, to its end. */
async function roll(testbed: RollTestbed): Promise<void> {
  const name = testbed.executions.started.at(-1)?.name ?? "";
  const plan = applyPlan(await planRoll(web, name, testbed));
  const { watch } = await applyRoll(web, name, plan, testbed);
  testbed.ecs.complete();
  await finishRoll(web, finishInputOf({ executionName: name, plan, watch, outcome: "succeeded" }), testbed);
  testbed.executions.statuses.set(name, "SUCCEEDED");
}

describe("tags that somebody has changed on running tasks themselves", () => {
  it.each<[string, Readonly<Record<string, string>>]>([
    ["changed", { ...enrolled, "ecs.solo.io/service-account": "cart" }],
    ["removed", {}],
    ["added", { ...enrolled, [HOSTNAME]: "other.example.com" }],
  ])("%s: found by a sweep, and mended by a deployment", async (_, tags) => {
    const { testbed, sweeps } = await settledAt();
    retagTasks(testbed, tags);
    await sweeps();
    expect(testbed.executions.started).toHaveLength(1);
    await roll(testbed);
    await sweeps(4);
    expect(testbed.executions.started).toHaveLength(1);
    expect(testbed.ecs.tasksOf(web).filter(({ lastStatus }) => lastStatus === "RUNNING")[0]?.tags).toEqual(enrolled);
  });

  it("are found on one of several tasks", async () => {
    const { testbed, sweeps } = await settledAt();
    const [first, ...others] = testbed.ecs.tasksOf(web).filter(({ lastStatus }) => lastStatus === "RUNNING");
    if (!first) throw new Error("no task runs");
    testbed.ecs.setTasks([{ ...first, tags: {} }, ...others]);
    await sweeps();
    expect(testbed.executions.started).toHaveLength(1);
  });

  it("lead to one deployment a day and to one warning where a tool changes them again", async () => {
    const { testbed, sweeps } = await settledAt();
    for (let round = 0; round < 6; round += 1) {
      retagTasks(testbed, {});
      await sweeps();
      if (testbed.executions.started.length > 1) throw new Error("a second deployment");
      if (round === 0) await roll(testbed);
      await reconcileService(web, testbed);
    }
    expect(testbed.bus.events.flatMap(({ detail }) => detail.warnings ?? [])).toEqual([
      { code: "task-tags", detail: "2 of 2 running tasks." },
    ]);
    testbed.ecs.complete();
    await sweeps(2);
    testbed.clock.nowMs += DAY_MS;
    retagTasks(testbed, {});
    await sweeps();
    expect(testbed.executions.started).toHaveLength(2);
  });

  it("are given back to the tasks where the policy says so", async () => {
    const { testbed, sweeps } = await settledAt("tag");
    retagTasks(testbed, { [HOSTNAME]: "other.example.com" });
    await sweeps(3);
    expect(testbed.executions.started).toEqual([]);
    expect(testbed.ecs.tasksOf(web).map(({ tags }) => tags?.["ecs.solo.io/service-account"])).toContain("web");
    expect(hostnames(testbed)).toEqual([undefined, undefined]);
    expect(testbed.bus.events.map(({ detail }) => detail.drift)).toEqual([["task-tags"]]);
  });

  it("are reported once where the policy leaves them to the next deployment", async () => {
    const { testbed, sweeps } = await settledAt("next-deployment");
    retagTasks(testbed, {});
    await sweeps(4);
    expect(testbed.executions.started).toEqual([]);
    expect(testbed.bus.types()).toEqual(["Service Warned"]);
  });

  it("are not read where tags are not propagated, and a read that fails stops nothing", async () => {
    const { testbed, sweeps } = await settledAt();
    const ecs = withCalls(testbed.ecs, {
      listTasks: async () => {
        throw new AutopilotError("access-denied", "ListTasks");
      },
    });
    expect(await run(testbed, { ecs: () => ecs, settled: settledServices(testbed.now) })).toMatchObject({ seen: 1 });
    retagTasks(testbed, {});
    await run(testbed, { config: config({ policy: { propagateTags: false } }) });
    expect(testbed.executions.started).toEqual([]);
    await sweeps();
    expect(testbed.executions.started).toHaveLength(1);
  });

  it("are read by two calls a sweep, though the cluster runs thousands of other tasks", async () => {
    const { testbed } = await settledAt();
    const { port: ecs, calls } = recordCalls(testbed.ecs);
    await run(testbed, { ecs: () => ecs, settled: settledServices(testbed.now) });
    expect(calls.filter((call) => /^(list|describe)Tasks$/.test(call))).toHaveLength(2);
    const crowd = Array.from({ length: 500 }, (_, nth) => ({
      taskArn: `arn:aws:ecs:us-east-1:123456789012:task/prod/batch${nth}`,
      taskDefinitionArn: "arn:aws:ecs:us-east-1:123456789012:task-definition/batch:1",
      lastStatus: "RUNNING",
      group: "family:batch",
      containers: [],
      tags: {},
    }));
    testbed.ecs.setTasks(crowd, serviceNamed("batch"));
    const described: number[] = [];
    const counting = withCalls(testbed.ecs, {
      describeTasks: async (clusterArn, arns) => {
        described.push(arns.length);
        return testbed.ecs.describeTasks(clusterArn, arns);
      },
    });
    retagTasks(testbed, {});
    await run(testbed, { ecs: () => counting, settled: settledServices(testbed.now) });
    expect(Math.max(...described)).toBeLessThanOrEqual(200);
    expect(testbed.executions.started).toHaveLength(1);
  });
});

describe("tags that tasks start with", () => {
  it("lead to a deployment of the same revision when a person has changed them", async () => {
    const testbed = await retagged();
    expect(await reconcileService(web, testbed)).toMatchObject({ did: "started", action: "update" });
    const plan = applyPlan(await planRoll(web, NAME, testbed));
    expect(plan).toMatchObject({ change: "update", drift: ["task-tags"] });
    await applyRoll(web, NAME, plan, testbed);
    expect(testbed.ecs.updates.at(-1)).toMatchObject({ taskDefinitionArn: plan.observedRevisionArn, force: true });
    testbed.ecs.complete();
    await testbed.ledger.finishRoll(web.serviceArn, NAME, {});
    expect(await reconcileService(web, testbed)).toMatchObject({ did: "nothing", why: "as-desired" });
    expect(hostnames(testbed)).toEqual(["shop.example.com", "shop.example.com"]);
  });

  it("are found by a sweep that had settled the service", async () => {
    const testbed = await retagged();
    await testbed.ecs.untagResource(web.serviceArn, [HOSTNAME]);
    const settled = settledServices(testbed.now);
    for (let round = 0; round < 3; round += 1) await run(testbed, { settled });
    expect(await run(testbed, { settled })).toMatchObject({ started: 0 });
    await testbed.ecs.tagResource(web.serviceArn, hostname);
    expect(await run(testbed, { settled })).toMatchObject({ started: 1, drifted: 1 });
  });

  it("are given to the running tasks where the policy says so, which is verified; nothing is rolled", async () => {
    const testbed = await retagged("tag");
    expect(await reconcileService(web, testbed)).toMatchObject({ did: "nothing", why: "as-desired" });
    expect(hostnames(testbed)).toEqual(["shop.example.com", "shop.example.com"]);
    expect(testbed.bus.events.map(({ detail }) => detail.drift)).toEqual([["task-tags"]]);
    await reconcileService(web, testbed);
    await testbed.ecs.untagResource(web.serviceArn, [HOSTNAME]);
    await reconcileService(web, testbed);
    expect(hostnames(testbed)).toEqual([undefined, undefined]);
    expect(testbed.executions.started).toEqual([]);
  });

  it("are left to the next deployment where the policy says so, and reported once", async () => {
    const testbed = await retagged("next-deployment");
    for (let round = 0; round < 3; round += 1)
      expect(await reconcileService(web, testbed)).toMatchObject({ did: "nothing" });
    expect(hostnames(testbed)).toEqual([undefined, undefined]);
    expect(testbed.bus.types()).toEqual(["Service Warned"]);
    expect(testbed.bus.events[0]?.detail.warnings).toEqual([{ code: "task-tags", detail: "2 of 2 running tasks." }]);
  });

  it("are read once after a deployment, and then no more", async () => {
    const testbed = await watchedTestbed();
    await enroll(testbed);
    const { port: ecs, calls } = recordCalls(testbed.ecs);
    for (let round = 0; round < 3; round += 1) await reconcileService(web, { ...testbed, ecs });
    expect(calls.filter((call) => call === "listTasks")).toHaveLength(1);
  });

  it("are read again once the service propagates its tags again: tasks may have started without them", async () => {
    const testbed = await retagged();
    await testbed.ecs.untagResource(web.serviceArn, [HOSTNAME]);
    await reconcileService(web, testbed);
    testbed.ecs.change({ propagateTags: "NONE" });
    testbed.ecs.setTasks(testbed.ecs.tasksOf(web).map((task) => ({ ...task, tags: {} })));
    expect(await reconcileService(web, testbed)).toMatchObject({ did: "nothing" });
    expect(testbed.ecs.of(web).propagateTags).toBe("SERVICE");
    expect(await reconcileService(web, testbed)).toMatchObject({ did: "started", action: "update" });
  });

  it("lead to one deployment where ECS gives tasks no tags, and to a warning then", async () => {
    const testbed = await retagged();
    const untagged = () => testbed.ecs.setTasks(testbed.ecs.tasksOf(web).map((task) => ({ ...task, tags: {} })));
    expect(await reconcileService(web, testbed)).toMatchObject({ did: "started" });
    const plan = applyPlan(await planRoll(web, NAME, testbed));
    const { watch } = await applyRoll(web, NAME, plan, testbed);
    testbed.ecs.complete();
    untagged();
    await finishRoll(web, finishInputOf({ executionName: NAME, plan, watch, outcome: "succeeded" }), testbed);
    testbed.bus.events.length = 0;
    for (let round = 0; round < 3; round += 1)
      expect(await reconcileService(web, testbed)).toMatchObject({ did: "nothing", why: "as-desired" });
    expect(testbed.bus.events.flatMap(({ detail }) => detail.warnings)).toEqual([
      { code: "task-tags", detail: "2 of 2 running tasks." },
    ]);
    // Another wish is worth another deployment.
    await testbed.ecs.tagResource(web.serviceArn, { [HOSTNAME]: "cart.example.com" });
    expect(await reconcileService(web, testbed)).toMatchObject({ did: "started" });
  });

  it("are read once all tasks have started: those on their way may have been launched without them", async () => {
    const testbed = await retagged();
    const all = testbed.ecs.tasksOf(web);
    const [primary] = testbed.ecs.of(web).deployments;
    const running = (runningCount: number) =>
      testbed.ecs.change({ deployments: primary ? [{ ...primary, runningCount }] : [] });
    const { port: ecs, calls } = recordCalls(testbed.ecs);
    testbed.ecs.setTasks(all.slice(0, 1).map((task) => ({ ...task, tags: testbed.ecs.of(web).tags })));
    running(1);
    expect(await reconcileService(web, { ...testbed, ecs })).toMatchObject({ did: "nothing" });
    expect(calls).not.toContain("listTasks");
    testbed.ecs.setTasks(all);
    running(2);
    expect(await reconcileService(web, { ...testbed, ecs })).toMatchObject({ did: "started" });
  });

  it("are not taken for right where ECS lists no task: they are read again", async () => {
    const testbed = await retagged();
    const ecs = withCalls(testbed.ecs, { listTasks: async () => [] });
    expect(await reconcileService(web, { ...testbed, ecs })).toMatchObject({ did: "nothing" });
    expect(await reconcileService(web, testbed)).toMatchObject({ did: "started", action: "update" });
  });

  it("are not read where tags are not propagated, nor of a service that is not in the mesh", async () => {
    const own = await watchedTestbed({ config: config({ policy: { propagateTags: false } }) });
    await enroll(own);
    const outside = await watchedTestbed({ service: { tags: {} } });
    for (const testbed of [own, outside]) {
      const { port: ecs, calls } = recordCalls(testbed.ecs);
      await reconcileService(web, { ...testbed, ecs });
      await run(testbed, { ecs: () => ecs });
      expect(calls).not.toContain("listTasks");
    }
  });
});
