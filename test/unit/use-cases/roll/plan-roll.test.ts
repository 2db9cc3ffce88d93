import { describe, expect, it } from "vitest";
import { clusterArnOf } from "../../../../shared/base/arn.ts";
import { planRoll } from "../../../../shared/use-cases/roll/plan-roll.ts";
import { planSchema } from "../../../../shared/use-cases/roll/steps.ts";
import { NOW, OBSERVED, rollWorld, web } from "../../../support/fakes.ts";
import { applyPlan, enroll, NAME } from "../../../support/rolls.ts";
import { config, rootPem } from "../../../support/services.ts";

describe("the plan of a roll", () => {
  it("enrolls a tagged service, and pins the revision that runs", async () => {
    const world = rollWorld();
    const plan = await planRoll(web, NAME, world);
    expect(plan).toMatchObject({
      action: "apply",
      change: "enroll",
      observedRevisionArn: OBSERVED,
      pinnedRevisionArn: OBSERVED,
      namespace: "shop",
      serviceAccount: "web",
      startedAtMs: NOW,
    });
    expect(planSchema.parse(plan)).toEqual(plan);
  });

  it("takes the lease for as long as the policy says", async () => {
    const world = rollWorld();
    await planRoll(web, NAME, world);
    expect((await world.ledger.getService(web.serviceArn))?.roll).toEqual({
      executionName: NAME,
      leaseUntil: NOW + world.config.policy.leaseMinutes * 60_000,
    });
  });

  it("ends at once while another roll holds the lease, without reading the service", async () => {
    const world = rollWorld();
    await world.ledger.takeLease(web.serviceArn, { executionName: "other", leaseUntil: NOW + 1 }, NOW);
    world.ecs.services.clear();
    expect(await planRoll(web, NAME, world)).toMatchObject({
      action: "finish",
      outcome: "superseded",
      reason: "roll-in-progress",
    });
  });

  it("takes over a lease that has ended", async () => {
    const world = rollWorld();
    await world.ledger.takeLease(web.serviceArn, { executionName: "other", leaseUntil: NOW }, NOW - 1);
    expect((await planRoll(web, NAME, world)).action).toBe("apply");
  });

  it("is the same when it is made again after a crash", async () => {
    const world = rollWorld();
    expect(await planRoll(web, NAME, world)).toEqual(await planRoll(web, NAME, world));
  });

  it("has nothing to do for a service that is as desired already", async () => {
    const world = rollWorld();
    await enroll(world);
    expect(await planRoll(web, NAME, world)).toMatchObject({ outcome: "superseded", reason: "already-as-desired" });
  });

  it("asks the control plane itself, and leaves its answer in the ledger", async () => {
    const world = rollWorld();
    await world.ledger.putMeshFacts({ ...world.plane.facts, istiodUrl: "https://old.example.com:15012" });
    await planRoll(web, NAME, world);
    expect(await world.ledger.getMeshFacts("main")).toEqual(world.plane.facts);
  });

  it("does not keep a root CA that is no certificate: the facts stay what they were", async () => {
    const world = rollWorld();
    const { facts } = world.plane;
    await world.ledger.putMeshFacts(facts);
    world.plane.facts = { ...facts, rootCaPem: "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n" };
    await expect(planRoll(web, NAME, world)).rejects.toMatchObject({ code: "invalid-pem" });
    expect(await world.ledger.getMeshFacts("main")).toEqual(facts);
  });

  it("leaves a rotated root CA to a rollout, and brings it when a rollout asks", async () => {
    const world = rollWorld();
    await enroll(world);
    world.plane.facts = { ...world.plane.facts, rootCaPem: rootPem("b") };
    expect(await planRoll(web, NAME, world)).toMatchObject({ outcome: "superseded", reason: "already-as-desired" });
    expect(await planRoll(web, NAME, world, {})).toMatchObject({ change: "update", drift: ["token"] });
  });

  it("gives the image of the rollout that it belongs to", async () => {
    const world = rollWorld();
    await enroll(world);
    const rollout = { image: "ztunnel:2" };
    expect(await planRoll(web, NAME, world, rollout)).toMatchObject({ drift: ["image"], image: "ztunnel:2" });
  });

  it("decides by facts that another step has read later than itself", async () => {
    const world = rollWorld();
    await enroll(world);
    const later = { ...world.plane.facts, rootCaPem: rootPem("b"), readAt: new Date(NOW + 1).toISOString() };
    await world.ledger.putMeshFacts(later);
    expect(await planRoll(web, NAME, world, {})).toMatchObject({ drift: ["token"] });
    expect(await world.ledger.getMeshFacts("main")).toEqual(later);
  });

  it("refuses a service account that is bound to another role", async () => {
    const world = rollWorld();
    world.plane.bound.set("shop/web", "arn:aws:iam::123456789012:role/someone-else");
    const plan = await planRoll(web, NAME, world);
    expect(plan).toMatchObject({ action: "finish", outcome: "refused", reason: "identity-conflict" });
    expect(plan).toMatchObject({ refusals: [{ detail: expect.stringContaining("role/someone-else") }] });
  });

  it("reads the cluster's tags again before it takes a service out of the mesh", async () => {
    const world = rollWorld();
    await enroll(world);
    world.ecs.change({ tags: { "ecs.solo.io/namespace": "shop", "ecs.solo.io/service-account": "web" } });
    const cluster = clusterArnOf(web);
    world.ecs.clusterTags.set(cluster, { "ztunnel-autopilot/enroll": "true" });
    world.ecs.cachedClusterTags.set(cluster, {});
    expect(await planRoll(web, NAME, world)).toMatchObject({ outcome: "superseded", reason: "already-as-desired" });
    world.ecs.clusterTags.set(cluster, {});
    const plan = applyPlan(await planRoll(web, NAME, world));
    expect(plan).toMatchObject({ change: "unenroll", namespace: null, serviceAccount: null, image: null });
  });

  it("takes a service out of the mesh while the control plane does not answer", async () => {
    const world = rollWorld();
    await enroll(world);
    world.ecs.change({ tags: {} });
    const controlPlane = () => {
      throw new Error("no control plane was to be asked");
    };
    expect(await planRoll(web, NAME, { ...world, controlPlane })).toMatchObject({ change: "unenroll" });
  });

  it("hands on only the cluster's tags that mean something", async () => {
    const world = rollWorld({ config: config({ enrollTagKey: "mesh" }), service: { tags: { mesh: "true" } } });
    const secret = { "team/password": "hunter2", mesh: "true", "ecs.solo.io/namespace": "shop" };
    world.ecs.clusterTags.set(clusterArnOf(web), secret);
    expect(applyPlan(await planRoll(web, NAME, world)).clusterTags).toEqual({
      mesh: "true",
      "ecs.solo.io/namespace": "shop",
    });
  });

  it("pins the last good revision while a deployment is in flight", async () => {
    const world = rollWorld();
    const LAST_GOOD = OBSERVED.replace(":7", ":5");
    await world.ledger.patchService(web.serviceArn, { lastGoodRevisionArn: LAST_GOOD });
    world.ecs.change({ deployments: [{ ...world.ecs.primary(), rolloutState: "IN_PROGRESS" }] });
    expect(await planRoll(web, NAME, world)).toMatchObject({ pinnedRevisionArn: LAST_GOOD });
  });

  it("knows the pinned revision's secret version by its definition, or as recorded with the last good one", async () => {
    const world = rollWorld();
    expect(await planRoll(web, NAME, world)).toMatchObject({ pinnedSecret: null });
    await enroll(world);
    const pinned = world.ecs.of(web).taskDefinitionArn;
    const { secretsInUse: [own = ""] = [] } = (await world.ledger.getService(web.serviceArn)) ?? {};
    const failed = own.replace(/[0-9a-f]{64}$/, "f".repeat(64));
    await world.ledger.patchService(web.serviceArn, { secretsInUse: [own, failed] });
    world.ecs.change({
      tags: { ...world.ecs.of(web).tags, "ztunnel-autopilot/image": `${world.config.ztunnel.image.split(":")[0]}:2` },
    });
    expect(await planRoll(web, NAME, world)).toMatchObject({ pinnedRevisionArn: pinned, pinnedSecret: own });
    await world.ledger.patchService(web.serviceArn, { lastGoodSecret: "noted" });
    expect(await planRoll(web, NAME, world)).toMatchObject({ pinnedRevisionArn: pinned, pinnedSecret: "noted" });
  });

  it("fails by the name of what it could not read, and changes nothing", async () => {
    const world = rollWorld();
    world.ecs.definitions.clear();
    await expect(planRoll(web, NAME, world)).rejects.toMatchObject({ code: "task-definition-not-found" });
    expect(world.ecs.updates).toEqual([]);
  });
});
