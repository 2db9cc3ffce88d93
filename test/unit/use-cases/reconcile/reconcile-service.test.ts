import { describe, expect, it } from "vitest";
import { clusterArnOf } from "../../../../shared/base/arn.ts";
import { executionName } from "../../../../shared/deployment/execution-name.ts";
import { reconcileService } from "../../../../shared/use-cases/reconcile/reconcile-service.ts";
import { sweep } from "../../../../shared/use-cases/reconcile/sweep.ts";
import { NOW, OBSERVED, type RollWorld, rollWorld, watchedWorld, web } from "../../../support/fakes.ts";
import { enroll } from "../../../support/rolls.ts";
import { config, rootPem, taskDefinition } from "../../../support/services.ts";

const look = (world: RollWorld) => reconcileService(web, world);

describe("a look at a service", () => {
  it("starts a roll for a tagged service", async () => {
    const world = await watchedWorld();
    const done = await look(world);
    expect(done).toMatchObject({ did: "started", action: "enroll", decided: "enroll" });
    expect(world.executions.started).toEqual([
      {
        name: done.did === "started" ? done.executionName : "",
        input: { serviceArn: web.serviceArn, attemptKey: expect.stringMatching(/^[0-9a-f]{64}$/) },
      },
    ]);
  });

  it("changes nothing in ECS itself", async () => {
    const world = await watchedWorld();
    await look(world);
    expect(world.ecs.registered).toEqual([]);
    expect(world.ecs.updates).toEqual([]);
  });

  it("that comes twice starts one roll", async () => {
    const world = await watchedWorld();
    const first = await look(world);
    // Step Functions takes the same name and input while they run, and starts nothing.
    expect(await look(world)).toEqual(first);
    expect(world.executions.started).toHaveLength(1);
  });

  it("reads no task definition of a service that is not enrolled and never was", async () => {
    const world = await watchedWorld({ service: { tags: {} } });
    world.ecs.definitions.clear();
    expect(await look(world)).toMatchObject({ did: "nothing", why: "not-enrolled" });
    expect(await world.ledger.getService(web.serviceArn)).toBeUndefined();
  });

  it("notes a service that is as desired, and its completed revision as the good one", async () => {
    const world = await watchedWorld();
    await enroll(world);
    await world.ledger.patchService(web.serviceArn, {
      enrolled: false,
      lastGoodRevisionArn: null,
      failedAttemptKey: "s",
      consecutiveFailures: 3,
      notBefore: NOW,
      notifiedRefusals: "bad-tag: x",
    });
    expect(await look(world)).toMatchObject({ did: "nothing", why: "as-desired" });
    const state = await world.ledger.getService(web.serviceArn);
    expect(state).toMatchObject({
      enrolled: true,
      consecutiveFailures: 0,
      lastGoodRevisionArn: world.ecs.of(web).taskDefinitionArn,
    });
    for (const gone of ["failedAttemptKey", "notBefore", "notifiedRefusals"]) expect(state).not.toHaveProperty(gone);
  });

  it("does not take a revision for good whose deployment has not completed", async () => {
    const world = await watchedWorld();
    await enroll(world);
    const good = (await world.ledger.getService(web.serviceArn))?.lastGoodRevisionArn;
    const { raw } = await world.ecs.describeTaskDefinition(world.ecs.of(web).taskDefinitionArn);
    world.ecs.deploy(await world.ecs.registerTaskDefinition(raw));
    expect(await look(world)).toMatchObject({ why: "as-desired" });
    expect((await world.ledger.getService(web.serviceArn))?.lastGoodRevisionArn).toBe(good);
  });

  it("fails by name without mesh facts: absence takes nobody out of the mesh", async () => {
    const world = rollWorld();
    await enroll(world);
    const ledger = { ...world.ledger, getMesh: async () => undefined };
    await expect(reconcileService(web, { ...world, ledger })).rejects.toMatchObject({
      code: "mesh-facts-missing",
      detail: "main",
    });
    expect(world.executions.started).toEqual([]);
  });

  it("needs no mesh facts for a service that leaves", async () => {
    const world = rollWorld();
    await enroll(world);
    world.ecs.change({ tags: {} });
    const ledger = { ...world.ledger, getMesh: async () => undefined };
    expect(await reconcileService(web, { ...world, ledger })).toMatchObject({ did: "started", action: "unenroll" });
  });
});

describe("a cluster's tags", () => {
  const cluster = clusterArnOf(web);
  const identity = { "ecs.solo.io/namespace": "shop", "ecs.solo.io/service-account": "web" };

  it("are read again before a service is taken out of the mesh", async () => {
    const world = await watchedWorld();
    await enroll(world);
    world.ecs.change({ tags: identity });
    world.ecs.clusterTags.set(cluster, { "ztunnel-autopilot/enroll": "true" });
    world.ecs.cachedClusterTags.set(cluster, {});
    expect(await look(world)).toMatchObject({ did: "nothing", why: "as-desired" });
    expect(world.executions.started).toEqual([]);
  });

  it("are read again before a roll is started, which would find nothing to do and be told again and again", async () => {
    const world = await watchedWorld({ service: { tags: identity } });
    world.ecs.clusterTags.set(cluster, {});
    world.ecs.cachedClusterTags.set(cluster, { "ztunnel-autopilot/enroll": "true" });
    expect(await look(world)).toMatchObject({ did: "nothing", why: "not-enrolled" });
    expect(world.executions.started).toEqual([]);
  });
});

describe("a change of the whole fleet", () => {
  /** The service is enrolled, and the mesh has another root CA since. */
  async function rotated() {
    const world = await watchedWorld();
    await enroll(world);
    await world.ledger.putMeshFacts({ ...world.plane.facts, rootCaPem: `${rootPem("a")}${rootPem("b")}` });
    return world;
  }

  it("starts no roll, and the service is noted as one that is in the mesh", async () => {
    const world = await rotated();
    await world.ledger.patchService(web.serviceArn, {
      enrolled: false,
      lastGoodRevisionArn: null,
      failedAttemptKey: "s",
      notifiedRefusals: "bad-tag: x",
    });
    expect(await look(world)).toEqual({ did: "nothing", why: "awaits-rollout", decided: "none" });
    const state = await world.ledger.getService(web.serviceArn);
    expect(state).toMatchObject({ enrolled: true, lastGoodRevisionArn: world.ecs.of(web).taskDefinitionArn });
    for (const gone of ["failedAttemptKey", "notifiedRefusals"]) expect(state).not.toHaveProperty(gone);
  });

  it("comes with the next roll that something else starts", async () => {
    const world = await rotated();
    world.ecs.change({
      tags: { ...world.ecs.of(web).tags, "ztunnel-autopilot/image": "registry.example.com/ztunnel:2" },
    });
    expect(await look(world)).toMatchObject({ did: "started", action: "update" });
  });

  it("that the fleet has by now is drift", async () => {
    const world = await rotated();
    await world.ledger.changeMesh("main", (mesh) => ({
      next: mesh && { ...mesh, releasedId: mesh.generations.at(-1)?.id },
    }));
    expect(await look(world)).toMatchObject({ did: "started", action: "update" });
  });

  it("that takes it out of the mesh leaves a service alone which has left, and notes that it has", async () => {
    const world = await watchedWorld();
    await enroll(world);
    const before = await world.ledger.getService(web.serviceArn);
    await world.ledger.changeFleet((fleet) => ({
      next: {
        ...fleet,
        unenrolledBy: { rolloutId: "unenroll-1", at: new Date(NOW).toISOString() },
      },
    }));
    expect(await look(world)).toMatchObject({ did: "nothing", why: "fleet-unenrolled" });
    expect(await world.ledger.getService(web.serviceArn)).toEqual(before);
    world.ecs.deploy(OBSERVED);
    world.ecs.complete();
    expect(await look(world)).toMatchObject({ did: "nothing", why: "fleet-unenrolled" });
    expect(await world.ledger.getService(web.serviceArn)).toMatchObject({ enrolled: false, secretsInUse: [] });
  });

  it("of the image is followed once the fleet has it", async () => {
    const world = await watchedWorld();
    await enroll(world);
    await world.ledger.changeFleet((fleet) => ({
      next: {
        ...fleet,
        image: { image: config().ztunnel.image, assignedAtMs: 1 },
      },
    }));
    const newer = { ...world, config: config({ ztunnel: { image: "ztunnel:2" } }) };
    expect(await reconcileService(web, newer)).toMatchObject({ why: "as-desired" });
    await world.ledger.changeFleet((fleet) => ({ next: { ...fleet, image: { image: "ztunnel:2", assignedAtMs: 2 } } }));
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
  ])("for %s is told once, and nothing is changed", async (_what, service, raw, reason) => {
    const world = await watchedWorld({ service, raw: taskDefinition(raw) });
    for (let looks = 0; looks < 3; looks += 1) {
      expect(await look(world)).toMatchObject({ did: "refused", refusals: [expect.objectContaining({ reason })] });
    }
    expect(world.bus.types()).toEqual(["Service Refused"]);
    expect(world.executions.started).toEqual([]);
    expect(world.ecs.updates).toEqual([]);
  });

  it("is told once of what a sweep has found where the ledger says that the service has left", async () => {
    const world = await watchedWorld();
    await enroll(world);
    world.ecs.change({ tags: { "ztunnel-autopilot/enrol": "true" } });
    await world.ledger.patchService(web.serviceArn, { enrolled: false, addedTagKeys: [] });
    const before = world.bus.types().length;
    const swept = async () => sweep({ ...world, ecs: () => world.ecs, secrets: () => world.secrets });
    await swept();
    expect(await look(world)).toMatchObject({ did: "refused" });
    await swept();
    expect(world.bus.types().slice(before)).toEqual(["Service Refused"]);
  });

  it("is told again after it was put right and went wrong again", async () => {
    const world = await watchedWorld({ service: { tags: { "ztunnel-autopilot/enroll": "yes" } } });
    await look(world);
    world.ecs.change({ tags: {} });
    await look(world);
    world.ecs.change({ tags: { "ztunnel-autopilot/enroll": "yes" } });
    await look(world);
    expect(world.bus.types()).toEqual(["Service Refused", "Service Refused"]);
  });
});

describe("a task definition that can't be", () => {
  it.each([
    ["has no containers", { containerDefinitions: [] }],
    ["has containers that are none", { containerDefinitions: ["web", 7, null] }],
  ])("because it %s is an error with a name, and nothing is started", async (_what, raw) => {
    const world = await watchedWorld({ raw: taskDefinition(raw) });
    await expect(look(world)).rejects.toMatchObject({ code: "task-definition-not-found" });
    expect(world.executions.started).toEqual([]);
  });
});

describe("a warning", () => {
  it("is told once, and its end is noted", async () => {
    const world = await watchedWorld({
      config: config({ policy: { minHeadroom: { cpuUnits: 4000, memoryMiB: 128 } } }),
    });
    await enroll(world);
    await look(world);
    await look(world);
    expect(world.bus.types()).toEqual(["Service Warned"]);
    await reconcileService(web, { ...world, config: config() });
    expect(await world.ledger.getService(web.serviceArn)).not.toHaveProperty("notifiedWarnings");
  });
});

describe("a situation that failed", () => {
  it("waits for its time, and another one does not", async () => {
    const world = await watchedWorld();
    await look(world);
    const attemptKey = String(world.executions.started[0]?.input.attemptKey);
    await world.ledger.patchService(web.serviceArn, {
      attemptNumber: 1,
      failedAttemptKey: attemptKey,
      consecutiveFailures: 1,
      notBefore: NOW + 1000,
    });
    expect(await look(world)).toMatchObject({ did: "nothing", why: "backing-off" });
    world.ecs.change({
      tags: { ...world.ecs.of(web).tags, "ztunnel-autopilot/image": "registry.example.com/ztunnel:2" },
    });
    expect(await look(world)).toMatchObject({ did: "started" });
  });

  it("is tried again when its time has come, under another name", async () => {
    const world = await watchedWorld();
    await look(world);
    const attemptKey = String(world.executions.started[0]?.input.attemptKey);
    await world.ledger.patchService(web.serviceArn, { attemptNumber: 1, failedAttemptKey: attemptKey, notBefore: NOW });
    expect(await look(world)).toMatchObject({ did: "started" });
    const [first, second] = world.executions.started.map(({ name }) => name);
    expect(first).not.toBe(second);
  });
});

describe("an execution whose name is taken", () => {
  it("by one that ended without a finish gives way to the next attempt, once", async () => {
    const world = await watchedWorld();
    await look(world);
    const [{ name } = { name: "" }] = world.executions.started;
    world.executions.statuses.set(name, "ABORTED");
    const next = await look(world);
    expect(next).toMatchObject({ did: "started", action: "enroll" });
    expect(await world.ledger.getService(web.serviceArn)).toMatchObject({ attemptNumber: 1 });
    expect(await look(world)).toEqual(next);
    expect(world.executions.started).toHaveLength(2);
  });

  it("is not started when another look was faster", async () => {
    const world = await watchedWorld();
    await look(world);
    const [{ name } = { name: "" }] = world.executions.started;
    world.executions.statuses.set(name, "TIMED_OUT");
    const ledger = { ...world.ledger, raiseAttempt: async () => false };
    expect(await reconcileService(web, { ...world, ledger })).toMatchObject({ why: "already-started" });
    expect(world.executions.started).toHaveLength(1);
  });

  it("is not started while that name runs with another input", async () => {
    const world = await watchedWorld();
    await look(world);
    const [{ name } = { name: "" }] = world.executions.started.splice(0);
    world.executions.started.push({ name, input: { serviceArn: web.serviceArn, attemptKey: "another" } });
    expect(await look(world)).toMatchObject({ did: "nothing", why: "already-started" });
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
    const world = await watchedWorld({ config: config({ policy: { inFlight } }) });
    world.ecs.change({ deployments: [{ ...world.ecs.primary(), rolloutState: "IN_PROGRESS" }] });
    expect(await look(world)).toMatchObject(expected);
  });
});
