import { describe, expect, it } from "vitest";
import { clusterArnOf } from "../../../../shared/base/arn.ts";
import { applyRoll } from "../../../../shared/use-cases/roll/apply-roll.ts";
import { planRoll } from "../../../../shared/use-cases/roll/plan-roll.ts";
import { planSchema } from "../../../../shared/use-cases/roll/steps.ts";
import { NAME, OBSERVED, revisionArn, web } from "../../../support/arns.ts";
import { config, rootPem } from "../../../support/services.ts";
import { rollTestbed } from "../../../support/testbeds/roll.ts";
import { applyPlan, enroll } from "../../../support/testbeds/rolls.ts";
import { NOW } from "../../../support/times.ts";

describe("the plan of a roll", () => {
  it("enrolls a tagged service, and pins the revision that runs", async () => {
    const testbed = rollTestbed();
    const plan = await planRoll(web, NAME, testbed);
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
    const testbed = rollTestbed();
    await planRoll(web, NAME, testbed);
    expect((await testbed.ledger.getService(web.serviceArn))?.roll).toEqual({
      executionName: NAME,
      leaseUntil: NOW + testbed.config.policy.leaseMinutes * 60_000,
    });
  });

  it("ends at once while another roll holds the lease, without reading the service", async () => {
    const testbed = rollTestbed();
    await testbed.ledger.takeLease(web.serviceArn, { executionName: "other", leaseUntil: NOW + 1 }, NOW);
    testbed.ecs.services.clear();
    expect(await planRoll(web, NAME, testbed)).toMatchObject({
      action: "finish",
      outcome: "superseded",
      reason: "roll-in-progress",
    });
  });

  it("takes over a lease that has ended", async () => {
    const testbed = rollTestbed();
    await testbed.ledger.takeLease(web.serviceArn, { executionName: "other", leaseUntil: NOW }, NOW - 1);
    expect((await planRoll(web, NAME, testbed)).action).toBe("apply");
  });

  it("enrolls although a service that is gone had the identity before claims were kept", async () => {
    const testbed = rollTestbed();
    await enroll(testbed);
    const { secretsInUse = [] } = (await testbed.ledger.getService(web.serviceArn)) ?? {};
    const gone = web.serviceArn.replace(/web$/, "gone");
    const other = rollTestbed();
    await other.ledger.patchService(gone, { enrolled: true, secretsInUse });
    expect((await planRoll(web, NAME, other)).action).toBe("apply");
  });

  it("is the same when it is made again after a crash", async () => {
    const testbed = rollTestbed();
    expect(await planRoll(web, NAME, testbed)).toEqual(await planRoll(web, NAME, testbed));
  });

  it("has nothing to do for a service that is as desired already", async () => {
    const testbed = rollTestbed();
    await enroll(testbed);
    expect(await planRoll(web, NAME, testbed)).toMatchObject({ outcome: "superseded", reason: "already-as-desired" });
  });

  it("asks the control plane itself, and leaves its answer in the ledger", async () => {
    const testbed = rollTestbed();
    await testbed.ledger.putMeshFacts({ ...testbed.plane.facts, istiodUrl: "https://old.example.com:15012" });
    await planRoll(web, NAME, testbed);
    expect(await testbed.ledger.getMeshFacts("main")).toEqual(testbed.plane.facts);
  });

  it("does not keep a root CA that is not a certificate: the facts stay unchanged", async () => {
    const testbed = rollTestbed();
    const { facts } = testbed.plane;
    await testbed.ledger.putMeshFacts(facts);
    testbed.plane.facts = { ...facts, rootCaPem: "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n" };
    await expect(planRoll(web, NAME, testbed)).rejects.toMatchObject({ code: "invalid-pem" });
    expect(await testbed.ledger.getMeshFacts("main")).toEqual(facts);
  });

  it("corrects a service in the mesh by the last good facts while the control plane has none", async () => {
    const testbed = rollTestbed();
    await enroll(testbed);
    testbed.ecs.deploy(OBSERVED);
    testbed.plane.facts = { ...testbed.plane.facts, rootCaPem: "no certificate" };
    expect(await planRoll(web, NAME, testbed)).toMatchObject({ outcome: "planned", drift: ["sidecar-missing"] });
  });

  it("leaves a rotated root CA to a rollout, and brings it when a rollout asks", async () => {
    const testbed = rollTestbed();
    await enroll(testbed);
    testbed.plane.facts = { ...testbed.plane.facts, rootCaPem: rootPem("b") };
    expect(await planRoll(web, NAME, testbed)).toMatchObject({ outcome: "superseded", reason: "already-as-desired" });
    expect(await planRoll(web, NAME, testbed, {})).toMatchObject({ change: "update", drift: ["token"] });
  });

  it("gives the image of the rollout that it belongs to", async () => {
    const testbed = rollTestbed();
    await enroll(testbed);
    const rollout = { image: "ztunnel:2" };
    expect(await planRoll(web, NAME, testbed, rollout)).toMatchObject({ drift: ["image"], image: "ztunnel:2" });
  });

  it("decides by facts that another step has read later than itself", async () => {
    const testbed = rollTestbed();
    await enroll(testbed);
    const later = { ...testbed.plane.facts, rootCaPem: rootPem("b"), readAt: new Date(NOW + 1).toISOString() };
    await testbed.ledger.putMeshFacts(later);
    expect(await planRoll(web, NAME, testbed, {})).toMatchObject({ drift: ["token"] });
    expect(await testbed.ledger.getMeshFacts("main")).toEqual(later);
  });

  it("refuses a service account that is bound to another role", async () => {
    const testbed = rollTestbed();
    testbed.plane.bound.set("shop/web", "arn:aws:iam::123456789012:role/someone-else");
    const plan = await planRoll(web, NAME, testbed);
    expect(plan).toMatchObject({ action: "finish", outcome: "refused", reason: "identity-conflict" });
    expect(plan).toMatchObject({ refusals: [{ detail: expect.stringContaining("role/someone-else") }] });
  });

  it("keeps the identity of a service in the mesh whose tags ask for one that is bound to another role", async () => {
    const testbed = rollTestbed();
    await enroll(testbed);
    testbed.plane.bound.set("shop/api", "arn:aws:iam::123456789012:role/someone-else");
    testbed.ecs.change({ tags: { ...testbed.ecs.of(web).tags, "ecs.solo.io/service-account": "api" } });
    const refused = await planRoll(web, NAME, testbed);
    expect(refused, "nothing else is to be done").toMatchObject({ outcome: "refused", reason: "identity-conflict" });
    testbed.plane.facts = { ...testbed.plane.facts, rootCaPem: rootPem("b") };
    const plan = applyPlan(await planRoll(web, NAME, testbed, {}));
    expect(plan).toMatchObject({ change: "update", serviceAccount: "web", isBound: true });
    expect(plan.identityConflict).toMatch(/^shop\/api is bound to .*someone-else/);
    const { watch } = await applyRoll(web, NAME, plan, testbed);
    expect(watch).toMatchObject({ namespace: "shop", serviceAccount: "web" });
    expect(testbed.ecs.of(web).tags).toMatchObject({ "ecs.solo.io/service-account": "web" });
    expect((await testbed.ledger.getService(web.serviceArn))?.addedTagKeys, "to be taken away again").toEqual([]);
  });

  it("refuses a service in the mesh whose own identity has another role since", async () => {
    const testbed = rollTestbed();
    await enroll(testbed);
    testbed.plane.facts = { ...testbed.plane.facts, rootCaPem: rootPem("b") };
    testbed.plane.bound.set("shop/web", "arn:aws:iam::123456789012:role/someone-else");
    expect(await planRoll(web, NAME, testbed, {})).toMatchObject({ outcome: "refused", reason: "identity-conflict" });
  });

  it("reads the cluster's tags again before it takes a service out of the mesh", async () => {
    const testbed = rollTestbed();
    await enroll(testbed);
    const { "ztunnel-autopilot/enroll": _, ...others } = testbed.ecs.of(web).tags;
    testbed.ecs.change({ tags: others });
    const cluster = clusterArnOf(web);
    testbed.ecs.clusterTags.set(cluster, { "ztunnel-autopilot/enroll": "true" });
    testbed.ecs.cachedClusterTags.set(cluster, {});
    expect(await planRoll(web, NAME, testbed)).toMatchObject({ outcome: "superseded", reason: "already-as-desired" });
    testbed.ecs.clusterTags.set(cluster, {});
    const plan = applyPlan(await planRoll(web, NAME, testbed));
    expect(plan).toMatchObject({ change: "unenroll", namespace: null, serviceAccount: null, image: null });
  });

  it("takes a service out of the mesh while the control plane does not answer", async () => {
    const testbed = rollTestbed();
    await enroll(testbed);
    testbed.ecs.change({ tags: {} });
    const controlPlane = () => {
      throw new Error("no control plane was to be asked");
    };
    expect(await planRoll(web, NAME, { ...testbed, controlPlane })).toMatchObject({ change: "unenroll" });
  });

  it("hands on only the cluster's tags that mean something", async () => {
    const testbed = rollTestbed({ config: config({ enrollTagKey: "mesh" }), service: { tags: { mesh: "true" } } });
    const secret = { "team/password": "hunter2", mesh: "true", "ecs.solo.io/namespace": "shop" };
    testbed.ecs.clusterTags.set(clusterArnOf(web), secret);
    expect(applyPlan(await planRoll(web, NAME, testbed)).clusterTags).toEqual({
      mesh: "true",
      "ecs.solo.io/namespace": "shop",
    });
  });

  it("pins the last good revision while a deployment is in flight", async () => {
    const testbed = rollTestbed();
    const LAST_GOOD = revisionArn("web", 5);
    await testbed.ledger.patchService(web.serviceArn, { lastGoodRevisionArn: LAST_GOOD });
    testbed.ecs.change({ deployments: [{ ...testbed.ecs.primary(), rolloutState: "IN_PROGRESS" }] });
    expect(await planRoll(web, NAME, testbed)).toMatchObject({ pinnedRevisionArn: LAST_GOOD });
  });

  it("knows the pinned revision's secret version by its definition, or as recorded with the last good one", async () => {
    const testbed = rollTestbed();
    expect(await planRoll(web, NAME, testbed)).toMatchObject({ pinnedSecret: null });
    await enroll(testbed);
    const pinned = testbed.ecs.of(web).taskDefinitionArn;
    const { secretsInUse: [own = ""] = [] } = (await testbed.ledger.getService(web.serviceArn)) ?? {};
    const failed = own.replace(/[0-9a-f]{64}$/, "f".repeat(64));
    await testbed.ledger.patchService(web.serviceArn, { secretsInUse: [own, failed] });
    testbed.ecs.change({
      tags: {
        ...testbed.ecs.of(web).tags,
        "ztunnel-autopilot/image": `${testbed.config.ztunnel.image.split(":")[0]}:2`,
      },
    });
    expect(await planRoll(web, NAME, testbed)).toMatchObject({ pinnedRevisionArn: pinned, pinnedSecret: own });
    await testbed.ledger.patchService(web.serviceArn, { lastGoodSecret: "recorded" });
    expect(await planRoll(web, NAME, testbed)).toMatchObject({ pinnedRevisionArn: pinned, pinnedSecret: "recorded" });
  });

  it("fails by the name of what it could not read, and changes nothing", async () => {
    const testbed = rollTestbed();
    testbed.ecs.definitions.clear();
    await expect(planRoll(web, NAME, testbed)).rejects.toMatchObject({ code: "task-definition-not-found" });
    expect(testbed.ecs.updates).toEqual([]);
  });
});
