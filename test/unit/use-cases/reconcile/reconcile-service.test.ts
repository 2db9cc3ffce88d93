import { describe, expect, it } from "vitest";
import { clusterArnOf } from "../../../../shared/base/arn.ts";
import { executionName } from "../../../../shared/deployment/execution-name.ts";
import { reconcileService } from "../../../../shared/use-cases/reconcile/reconcile-service.ts";
import { sweep } from "../../../../shared/use-cases/reconcile/sweep.ts";
import { failCalls } from "../../../support/altered-calls.ts";
import { OBSERVED, web } from "../../../support/arns.ts";
import { config, enrolled, rootPem, taskDefinition } from "../../../support/services.ts";
import { type RollTestbed, rollTestbed, watchedTestbed } from "../../../support/testbeds/roll.ts";
import { enroll } from "../../../support/testbeds/rolls.ts";
import { NOW } from "../../../support/times.ts";

const look = (testbed: RollTestbed) => reconcileService(web, testbed);

describe("reconciling a service", () => {
  it("starts a roll for a tagged service", async () => {
    const testbed = await watchedTestbed();
    const done = await look(testbed);
    expect(done).toMatchObject({ did: "started", action: "enroll", decided: "enroll" });
    expect(testbed.executions.started).toEqual([
      {
        name: done.did === "started" ? done.executionName : "",
        input: { serviceArn: web.serviceArn, attemptKey: expect.stringMatching(/^[0-9a-f]{64}$/) },
      },
    ]);
  });

  it("says with the enrollment that the service's strategy makes its rolls slow, once", async () => {
    const testbed = await watchedTestbed({ service: { deploymentStrategy: "CANARY", strategyMinutes: 90 } });
    await look(testbed);
    await look(testbed);
    expect(testbed.bus.events.map(({ detailType }) => detailType)).toEqual(["Service Warned"]);
    expect(JSON.stringify(testbed.bus.events[0]?.detail)).toContain("up to 90 minutes more");
  });

  it("changes nothing in ECS itself", async () => {
    const testbed = await watchedTestbed();
    await look(testbed);
    expect(testbed.ecs.registered).toEqual([]);
    expect(testbed.ecs.updates).toEqual([]);
  });

  it("twice starts one roll", async () => {
    const testbed = await watchedTestbed();
    const first = await look(testbed);
    // Step Functions takes the same name and input while they run, and starts nothing.
    expect(await look(testbed)).toEqual(first);
    expect(testbed.executions.started).toHaveLength(1);
  });

  it("reads no task definition of a service that is not enrolled and never was", async () => {
    const testbed = await watchedTestbed({ service: { tags: {} } });
    testbed.ecs.definitions.clear();
    expect(await look(testbed)).toMatchObject({ did: "nothing", why: "not-enrolled" });
    expect(await testbed.ledger.getService(web.serviceArn)).toBeUndefined();
  });

  it("notes a service that is as desired, and its completed revision as the good one", async () => {
    const testbed = await watchedTestbed();
    await enroll(testbed);
    await testbed.ledger.patchService(web.serviceArn, {
      enrolled: false,
      controlPlane: "left",
      lastGoodRevisionArn: null,
      failedAttemptKey: "s",
      consecutiveFailures: 3,
      notBefore: NOW,
      notifiedRefusals: "bad-tag: x",
    });
    expect(await look(testbed)).toMatchObject({ did: "nothing", why: "as-desired" });
    const state = await testbed.ledger.getService(web.serviceArn);
    expect(state).toMatchObject({
      enrolled: true,
      controlPlane: "main",
      consecutiveFailures: 0,
      lastGoodRevisionArn: testbed.ecs.of(web).taskDefinitionArn,
    });
    for (const gone of ["failedAttemptKey", "notBefore", "notifiedRefusals"]) expect(state).not.toHaveProperty(gone);
  });

  it("does not take a revision for good whose deployment has not completed", async () => {
    const testbed = await watchedTestbed();
    await enroll(testbed);
    const good = (await testbed.ledger.getService(web.serviceArn))?.lastGoodRevisionArn;
    const { raw } = await testbed.ecs.describeTaskDefinition(testbed.ecs.of(web).taskDefinitionArn);
    testbed.ecs.deploy(await testbed.ecs.registerTaskDefinition(raw));
    expect(await look(testbed)).toMatchObject({ why: "as-desired" });
    expect((await testbed.ledger.getService(web.serviceArn))?.lastGoodRevisionArn).toBe(good);
  });

  it("fails by name without mesh facts: absence takes nobody out of the mesh", async () => {
    const testbed = rollTestbed();
    await enroll(testbed);
    const ledger = { ...testbed.ledger, getMesh: async () => undefined };
    await expect(reconcileService(web, { ...testbed, ledger })).rejects.toMatchObject({
      code: "mesh-facts-missing",
      detail: "main",
    });
    expect(testbed.executions.started).toEqual([]);
  });

  it("needs no mesh facts for a service that leaves", async () => {
    const testbed = rollTestbed();
    await enroll(testbed);
    testbed.ecs.change({ tags: {} });
    const ledger = { ...testbed.ledger, getMesh: async () => undefined };
    expect(await reconcileService(web, { ...testbed, ledger })).toMatchObject({ did: "started", action: "unenroll" });
  });
});

describe("a cluster's tags", () => {
  const cluster = clusterArnOf(web);
  const { "ztunnel-autopilot/enroll": _enroll, ...identity } = enrolled;

  it("are read again before a service is taken out of the mesh", async () => {
    const testbed = await watchedTestbed();
    await enroll(testbed);
    testbed.ecs.change({ tags: identity });
    testbed.ecs.clusterTags.set(cluster, { "ztunnel-autopilot/enroll": "true" });
    testbed.ecs.cachedClusterTags.set(cluster, {});
    expect(await look(testbed)).toMatchObject({ did: "nothing", why: "as-desired" });
    expect(testbed.executions.started).toEqual([]);
  });

  it("are read again before a roll starts, because a roll with nothing to do would be started again and again", async () => {
    const testbed = await watchedTestbed({ service: { tags: identity } });
    testbed.ecs.clusterTags.set(cluster, {});
    testbed.ecs.cachedClusterTags.set(cluster, { "ztunnel-autopilot/enroll": "true" });
    expect(await look(testbed)).toMatchObject({ did: "nothing", why: "not-enrolled" });
    expect(testbed.executions.started).toEqual([]);
  });
});

describe("a change of the whole fleet", () => {
  /** The service is enrolled, and the mesh has another root CA since. */
  async function rotated() {
    const testbed = await watchedTestbed();
    await enroll(testbed);
    await testbed.ledger.putMeshFacts({ ...testbed.plane.facts, rootCaPem: `${rootPem("a")}${rootPem("b")}` });
    return testbed;
  }

  it("starts no roll, and records the service as enrolled", async () => {
    const testbed = await rotated();
    await testbed.ledger.patchService(web.serviceArn, {
      enrolled: false,
      lastGoodRevisionArn: null,
      failedAttemptKey: "s",
      notifiedRefusals: "bad-tag: x",
    });
    expect(await look(testbed)).toEqual({ did: "nothing", why: "awaits-rollout", decided: "none" });
    const state = await testbed.ledger.getService(web.serviceArn);
    expect(state).toMatchObject({ enrolled: true, lastGoodRevisionArn: testbed.ecs.of(web).taskDefinitionArn });
    for (const gone of ["failedAttemptKey", "notifiedRefusals"]) expect(state).not.toHaveProperty(gone);
  });

  it("comes with the next roll that something else starts", async () => {
    const testbed = await rotated();
    testbed.ecs.change({
      tags: { ...testbed.ecs.of(web).tags, "ztunnel-autopilot/image": "registry.example.com/ztunnel:2" },
    });
    expect(await look(testbed)).toMatchObject({ did: "started", action: "update" });
  });

  it("that the fleet has by now is drift", async () => {
    const testbed = await rotated();
    await testbed.ledger.changeMesh("main", (mesh) => ({
      next: mesh && { ...mesh, releasedId: mesh.generations.at(-1)?.id },
    }));
    expect(await look(testbed)).toMatchObject({ did: "started", action: "update" });
  });

  it("that takes it out of the mesh leaves a service alone which has left, and notes that it has", async () => {
    const testbed = await watchedTestbed();
    await enroll(testbed);
    const before = await testbed.ledger.getService(web.serviceArn);
    await testbed.ledger.changeFleet((fleet) => ({
      next: {
        ...fleet,
        unenrolledBy: { rolloutId: "unenroll-1", at: new Date(NOW).toISOString() },
      },
    }));
    expect(await look(testbed)).toMatchObject({ did: "nothing", why: "fleet-unenrolled" });
    expect(await testbed.ledger.getService(web.serviceArn)).toEqual(before);
    testbed.ecs.deploy(OBSERVED);
    testbed.ecs.complete();
    expect(await look(testbed)).toMatchObject({ did: "nothing", why: "fleet-unenrolled" });
    expect(await testbed.ledger.getService(web.serviceArn)).toMatchObject({ enrolled: false, secretsInUse: [] });
  });

  it.each([
    ["aws-rejected", "the service has been deleted"],
    ["access-denied", "somebody denies it"],
  ] as const)("keeps the keys of added tags that ECS refuses to remove with %s: %s", async (code, _why) => {
    const testbed = await watchedTestbed();
    await enroll(testbed);
    await testbed.ledger.patchService(web.serviceArn, { addedTagKeys: ["ecs.solo.io/namespace"] });
    await testbed.ledger.changeFleet((fleet) => ({
      next: { ...fleet, unenrolledBy: { rolloutId: "unenroll-1", at: new Date(NOW).toISOString() } },
    }));
    testbed.ecs.deploy(OBSERVED);
    testbed.ecs.complete();
    failCalls(testbed.ecs, "untagResource", code);
    expect(await look(testbed)).toMatchObject({ did: "nothing", why: "fleet-unenrolled" });
    expect(await testbed.ledger.getService(web.serviceArn)).toMatchObject({
      enrolled: false,
      addedTagKeys: ["ecs.solo.io/namespace"],
    });
  });

  it("removes added tags at another time when ECS is unavailable, and records nothing until then", async () => {
    const testbed = await watchedTestbed();
    await enroll(testbed);
    await testbed.ledger.patchService(web.serviceArn, { addedTagKeys: ["ecs.solo.io/namespace"] });
    const before = await testbed.ledger.getService(web.serviceArn);
    testbed.ecs.deploy(OBSERVED);
    testbed.ecs.complete();
    await testbed.ledger.changeFleet((fleet) => ({
      next: { ...fleet, unenrolledBy: { rolloutId: "unenroll-1", at: new Date(NOW).toISOString() } },
    }));
    failCalls(testbed.ecs, "untagResource", "aws-unavailable");
    await expect(look(testbed)).rejects.toMatchObject({ code: "aws-unavailable" });
    expect(await testbed.ledger.getService(web.serviceArn)).toEqual(before);
  });

  it("of the image is followed once the fleet has it", async () => {
    const testbed = await watchedTestbed();
    await enroll(testbed);
    await testbed.ledger.changeFleet((fleet) => ({
      next: {
        ...fleet,
        image: { image: config().ztunnel.image, assignedAtMs: 1 },
      },
    }));
    const newer = { ...testbed, config: config({ ztunnel: { image: "ztunnel:2" } }) };
    expect(await reconcileService(web, newer)).toMatchObject({ why: "as-desired" });
    await testbed.ledger.changeFleet((fleet) => ({
      next: { ...fleet, image: { image: "ztunnel:2", assignedAtMs: 2 } },
    }));
    expect(await reconcileService(web, newer)).toMatchObject({ did: "started" });
  });
});

describe("a refused service", () => {
  it.each([
    ["a bad tag", { tags: { "ztunnel-autopilot/enroll": "yes" } }, {}, "bad-tag"],
    [
      "a tag with a typo",
      { tags: { "ztunnel-autopilot/enrol": "true", "ztunnel-autopilot/enroll": "true" } },
      {},
      "bad-tag",
    ],
    ["a definition with another network mode", {}, { networkMode: "bridge" }, "network-mode"],
    ["a definition without a task role", {}, { taskRoleArn: null }, "no-task-role"],
    [
      "a definition for Windows",
      {},
      { runtimePlatform: { operatingSystemFamily: "WINDOWS_SERVER_2022_CORE" } },
      "windows",
    ],
    ["another deployment controller", { deploymentController: "CODE_DEPLOY" }, {}, "deployment-controller"],
  ])("for %s is notified once, and nothing is changed", async (_what, service, raw, reason) => {
    const testbed = await watchedTestbed({ service, raw: taskDefinition(raw) });
    for (let looks = 0; looks < 3; looks += 1) {
      expect(await look(testbed)).toMatchObject({ did: "refused", refusals: [expect.objectContaining({ reason })] });
    }
    expect(testbed.bus.types()).toEqual(["Service Refused"]);
    expect(testbed.executions.started).toEqual([]);
    expect(testbed.ecs.updates).toEqual([]);
  });

  it("is notified once when a sweep finds it and the ledger has the service as unenrolled", async () => {
    const testbed = await watchedTestbed({ service: { tags: { "ztunnel-autopilot/enrol": "true" } } });
    await testbed.ledger.patchService(web.serviceArn, { enrolled: false, addedTagKeys: [] });
    const before = testbed.bus.types().length;
    const swept = async () => sweep({ ...testbed, ecs: () => testbed.ecs, secrets: () => testbed.secrets });
    await swept();
    expect(await look(testbed)).toMatchObject({ did: "refused" });
    await swept();
    expect(testbed.bus.types().slice(before)).toEqual(["Service Refused"]);
  });

  it("is notified once by reconciles at the same moment, whose reads come before each other's writes", async () => {
    const testbed = await watchedTestbed({ service: { tags: { "ztunnel-autopilot/enroll": "yes" } } });
    const found = await Promise.all([1, 2, 3].map(() => look(testbed)));
    expect(found).toMatchObject([{ did: "refused" }, { did: "refused" }, { did: "refused" }]);
    expect(testbed.bus.types()).toEqual(["Service Refused"]);
  });

  it("is notified by the next one if the one that was about to has crashed", async () => {
    const testbed = await watchedTestbed({ service: { tags: { "ztunnel-autopilot/enroll": "yes" } } });
    const bus = {
      putEvents: async () => {
        throw new Error("crashed");
      },
    };
    await expect(reconcileService(web, { ...testbed, bus })).rejects.toThrow("crashed");
    await look(testbed);
    expect(testbed.bus.types(), "somebody may still be about to").toEqual([]);
    testbed.clock.nowMs += 60_000;
    await look(testbed);
    await look(testbed);
    expect(testbed.bus.types()).toEqual(["Service Refused"]);
  });

  it("is notified again when its tag was corrected and is wrong again", async () => {
    const testbed = await watchedTestbed({ service: { tags: { "ztunnel-autopilot/enroll": "yes" } } });
    await look(testbed);
    testbed.ecs.change({ tags: {} });
    await look(testbed);
    testbed.ecs.change({ tags: { "ztunnel-autopilot/enroll": "yes" } });
    await look(testbed);
    expect(testbed.bus.types()).toEqual(["Service Refused", "Service Refused"]);
  });
});

describe("a task definition that can't be", () => {
  it.each([
    ["has no containers", { containerDefinitions: [] }],
    ["has malformed containers", { containerDefinitions: ["web", 7, null] }],
  ])("because it %s is an error with a name, and nothing is started", async (_what, raw) => {
    const testbed = await watchedTestbed({ raw: taskDefinition(raw) });
    await expect(look(testbed)).rejects.toMatchObject({ code: "task-definition-not-found" });
    expect(testbed.executions.started).toEqual([]);
  });
});

describe("a warning", () => {
  it("is notified once, and its end is recorded", async () => {
    const testbed = await watchedTestbed({
      config: config({ policy: { minHeadroom: { cpuUnits: 4000, memoryMiB: 128 } } }),
    });
    await enroll(testbed);
    await look(testbed);
    await look(testbed);
    expect(testbed.bus.types()).toEqual(["Service Warned"]);
    await reconcileService(web, { ...testbed, config: config() });
    expect(await testbed.ledger.getService(web.serviceArn)).not.toHaveProperty("notifiedWarnings");
  });
});

describe("a service whose tags have started six rolls within the hour", () => {
  it("waits until the hour is over, and then gets what its tags ask for", async () => {
    const testbed = await watchedTestbed();
    const wishRolls = [1, 2, 3, 4, 5, 6].map((minutes) => NOW - minutes * 60_000).reverse();
    const { taskDefinitionArn: lastGoodRevisionArn } = testbed.ecs.of(web);
    await testbed.ledger.patchService(web.serviceArn, { lastGoodRevisionArn, wishRolls });
    expect(await look(testbed)).toMatchObject({ did: "nothing", why: "too-many-changes" });
    expect(testbed.executions.started).toEqual([]);
    testbed.clock.nowMs += 54 * 60_000;
    expect(await look(testbed)).toMatchObject({ did: "started" });
    expect((await testbed.ledger.getService(web.serviceArn))?.wishRolls).toHaveLength(6);
  });
});

describe("a situation that failed", () => {
  it("waits for its time, and another one does not", async () => {
    const testbed = await watchedTestbed();
    await look(testbed);
    const attemptKey = String(testbed.executions.started[0]?.input.attemptKey);
    await testbed.ledger.patchService(web.serviceArn, {
      attemptNumber: 1,
      failedAttemptKey: attemptKey,
      consecutiveFailures: 1,
      notBefore: NOW + 1000,
    });
    expect(await look(testbed)).toMatchObject({ did: "nothing", why: "backing-off" });
    testbed.ecs.change({
      tags: { ...testbed.ecs.of(web).tags, "ztunnel-autopilot/image": "registry.example.com/ztunnel:2" },
    });
    expect(await look(testbed)).toMatchObject({ did: "started" });
  });

  it("is tried again when its time has come, under another name", async () => {
    const testbed = await watchedTestbed();
    await look(testbed);
    const attemptKey = String(testbed.executions.started[0]?.input.attemptKey);
    await testbed.ledger.patchService(web.serviceArn, {
      attemptNumber: 1,
      failedAttemptKey: attemptKey,
      notBefore: NOW,
    });
    expect(await look(testbed)).toMatchObject({ did: "started" });
    const [first, second] = testbed.executions.started.map(({ name }) => name);
    expect(first).not.toBe(second);
  });
});

describe("an execution whose name is taken", () => {
  it("by one that ended without a finish is superseded by the next attempt, once", async () => {
    const testbed = await watchedTestbed();
    await look(testbed);
    const [{ name } = { name: "" }] = testbed.executions.started;
    testbed.executions.statuses.set(name, "ABORTED");
    const next = await look(testbed);
    expect(next).toMatchObject({ did: "started", action: "enroll" });
    expect(await testbed.ledger.getService(web.serviceArn)).toMatchObject({ attemptNumber: 1 });
    expect(await look(testbed)).toEqual(next);
    expect(testbed.executions.started).toHaveLength(2);
  });

  it("is not started when a concurrent reconcile was faster", async () => {
    const testbed = await watchedTestbed();
    await look(testbed);
    const [{ name } = { name: "" }] = testbed.executions.started;
    testbed.executions.statuses.set(name, "TIMED_OUT");
    const ledger = { ...testbed.ledger, raiseAttempt: async () => false };
    expect(await reconcileService(web, { ...testbed, ledger })).toMatchObject({ why: "already-started" });
    expect(testbed.executions.started).toHaveLength(1);
  });

  it("is not started while that name runs with another input", async () => {
    const testbed = await watchedTestbed();
    await look(testbed);
    const [{ name } = { name: "" }] = testbed.executions.started.splice(0);
    testbed.executions.started.push({ name, input: { serviceArn: web.serviceArn, attemptKey: "another" } });
    expect(await look(testbed)).toMatchObject({ did: "nothing", why: "already-started" });
  });

  it("names the service and fits Step Functions", () => {
    const name = executionName({
      serviceArn: `${web.serviceArn}${"x".repeat(200)}`,
      observedRevisionArn: OBSERVED,
      desiredContent: "c",
      attempt: 12,
    });
    expect(name).toMatch(/^web[x]+-c-[0-9a-f]{32}$/);
    expect(name.length).toBeLessThanOrEqual(80);
  });
});

describe("a user's deployment in flight", () => {
  it.each([
    ["replace", { did: "started" }],
    ["wait", { did: "nothing", why: "deployment-in-flight" }],
  ] as const)("is handled by the policy %s", async (inFlight, expected) => {
    const testbed = await watchedTestbed({ config: config({ policy: { inFlight } }) });
    testbed.ecs.change({ deployments: [{ ...testbed.ecs.primary(), rolloutState: "IN_PROGRESS" }] });
    expect(await look(testbed)).toMatchObject(expected);
  });
});
