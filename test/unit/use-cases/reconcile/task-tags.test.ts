import { describe, expect, it } from "vitest";
import type { Config } from "../../../../shared/config/config.ts";
import { reconcileService } from "../../../../shared/use-cases/reconcile/reconcile-service.ts";
import { settledServices } from "../../../../shared/use-cases/reconcile/settled.ts";
import { sweep } from "../../../../shared/use-cases/reconcile/sweep.ts";
import { applyRoll } from "../../../../shared/use-cases/roll/apply-roll.ts";
import { finishRoll } from "../../../../shared/use-cases/roll/finish-roll.ts";
import { planRoll } from "../../../../shared/use-cases/roll/plan-roll.ts";
import { recordCalls, withCalls } from "../../../support/altered-calls.ts";
import { NAME, web } from "../../../support/arns.ts";
import { finishInputOf } from "../../../support/endings.ts";
import { config } from "../../../support/services.ts";
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
