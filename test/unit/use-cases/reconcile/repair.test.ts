import { beforeEach, describe, expect, it } from "vitest";
import { clusterArnOf } from "../../../../shared/base/arn.ts";
import { reconcileService } from "../../../../shared/use-cases/reconcile/reconcile-service.ts";
import { settledServices } from "../../../../shared/use-cases/reconcile/settled.ts";
import { sweep } from "../../../../shared/use-cases/reconcile/sweep.ts";
import { failCalls } from "../../../support/altered-calls.ts";
import { serviceNamed, web } from "../../../support/arns.ts";
import { config } from "../../../support/services.ts";
import { type RollTestbed, watchedTestbed } from "../../../support/testbeds/roll.ts";
import { enroll } from "../../../support/testbeds/rolls.ts";
import { NOW } from "../../../support/times.ts";

const DISCOVERY = { "ecs.solo.io/discovery-enabled": "true" };
const cluster = clusterArnOf(web);

let testbed: RollTestbed;

beforeEach(async () => {
  testbed = await watchedTestbed();
  await enroll(testbed);
  await reconcileService(web, testbed);
  testbed.bus.events.length = 0;
});

/** Somebody takes the tag away; what was cached of it is old by then. */
function loseTag(): void {
  testbed.ecs.clusterTags.set(cluster, { team: "shop" });
  testbed.ecs.cachedClusterTags.clear();
}

const corrected = () =>
  testbed.bus.events.map(({ detailType, detail }) => ({ detailType, drift: detail.drift, by: detail.executionName }));

const run = (changes: object = {}) =>
  sweep({ ...testbed, ecs: () => testbed.ecs, secrets: () => testbed.secrets, ...changes });

describe("a cluster that has lost the tag by which istiod discovers it", () => {
  it("has it again after a reconcile of one of its services, which is reported; nothing is rolled", async () => {
    loseTag();
    expect(await reconcileService(web, testbed)).toMatchObject({ did: "nothing", why: "as-desired" });
    expect(testbed.ecs.clusterTags.get(cluster)).toEqual({ team: "shop", ...DISCOVERY });
    expect(corrected()).toEqual([{ detailType: "Drift Corrected", drift: ["discovery"], by: undefined }]);
    expect(testbed.executions.started).toEqual([]);
    await reconcileService(web, testbed);
    expect(corrected()).toHaveLength(1);
  });

  it("has it again after a sweep that had settled its services, with one call and one report for all of them", async () => {
    const settled = settledServices(testbed.now);
    const other = serviceNamed("other");
    const running = testbed.ecs.of(web);
    testbed.ecs.add({ ...running, ref: other }, testbed.ecs.definitions.get(running.taskDefinitionArn)?.raw);
    await testbed.ledger.patchService(other.serviceArn, { enrolled: true });
    for (let round = 0; round < 3; round += 1) await run({ settled });
    testbed.bus.events.length = 0;
    loseTag();
    await run({ settled });
    expect(testbed.ecs.clusterTags.get(cluster)).toMatchObject(DISCOVERY);
    expect(corrected()).toHaveLength(1);
  });

  it("is not tagged for services that are not in the mesh", async () => {
    testbed.ecs.change({ tags: {} });
    await testbed.ledger.patchService(web.serviceArn, { enrolled: false });
    const left = testbed.ecs.deploy("arn:aws:ecs:us-east-1:123456789012:task-definition/plain:1");
    testbed.ecs.definitions.set(left.taskDefinitionArn, {
      ...(await testbed.ecs.describeTaskDefinition(left.taskDefinitionArn)),
      raw: { family: "plain", containerDefinitions: [{ name: "app" }] },
    });
    loseTag();
    await run();
    expect(testbed.ecs.clusterTags.get(cluster)).toEqual({ team: "shop" });
  });

  it("has it again though its service waits for a roll", async () => {
    testbed = await watchedTestbed({ config: config({ policy: { inFlight: "wait" } }) });
    await enroll(testbed);
    await testbed.ledger.patchService(web.serviceArn, { enrolled: true });
    testbed.ecs.change({ tags: { ...testbed.ecs.of(web).tags, "ztunnel-autopilot/proxy-env": "true" } });
    testbed.ecs.deploy(testbed.ecs.of(web).taskDefinitionArn);
    loseTag();
    expect(await reconcileService(web, testbed)).toMatchObject({ did: "nothing", why: "deployment-in-flight" });
    expect(testbed.ecs.clusterTags.get(cluster)).toMatchObject(DISCOVERY);
  });

  it("is left alone while a roll holds the service's lease, since the roll sets the tag", async () => {
    await testbed.ledger.takeLease(web.serviceArn, { executionName: "another", leaseUntil: NOW + 1 }, NOW);
    loseTag();
    await run();
    expect(testbed.ecs.clusterTags.get(cluster)).toEqual({ team: "shop" });
  });

  it("does not keep a sweep from recording and retiring when the autopilot may not tag it", async () => {
    const settled = settledServices(testbed.now);
    failCalls(testbed.ecs, "tagResource", "aws-rejected");
    loseTag();
    expect(await run({ settled })).toMatchObject({ failed: 0 });
    expect(testbed.lines).toContainEqual(
      expect.objectContaining({ level: "error", message: expect.stringMatching(/^not repaired: discovery/) }),
    );
    expect(corrected()).toEqual([]);
  });
});

describe("a service that no longer propagates its tags", () => {
  it("does again after a reconcile, without a deployment", async () => {
    testbed.ecs.change({ propagateTags: "NONE" });
    const { id } = testbed.ecs.primary();
    expect(await reconcileService(web, testbed)).toMatchObject({ did: "nothing", why: "as-desired" });
    expect(testbed.ecs.of(web).propagateTags).toBe("SERVICE");
    expect(testbed.ecs.primary().id).toBe(id);
    expect(corrected()).toEqual([{ detailType: "Drift Corrected", drift: ["propagate-tags"], by: undefined }]);
  });

  it("is reported once by three reconciles at once, and again when it is corrected again later", async () => {
    const three = () => Promise.all([1, 2, 3].map(() => reconcileService(web, testbed)));
    testbed.ecs.change({ propagateTags: "NONE" });
    await three();
    expect(corrected()).toHaveLength(1);
    testbed.clock.nowMs += 60_000;
    testbed.ecs.change({ propagateTags: "NONE" });
    await three();
    expect(corrected()).toHaveLength(2);
  });

  it("stays as it is where the policy leaves that to its owner", async () => {
    testbed = await watchedTestbed({ config: config({ policy: { propagateTags: false } }) });
    await enroll(testbed);
    testbed.ecs.change({ propagateTags: "TASK_DEFINITION" });
    await reconcileService(web, testbed);
    expect(testbed.ecs.of(web).propagateTags).toBe("TASK_DEFINITION");
  });
});
