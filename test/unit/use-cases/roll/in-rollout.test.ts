import { describe, expect, it } from "vitest";
import type { Rollout, RolloutService } from "../../../../shared/model/rollout.ts";
import type { RollOrder } from "../../../../shared/rollout/steps.ts";
import { applyRoll } from "../../../../shared/use-cases/roll/apply-roll.ts";
import { finishRoll } from "../../../../shared/use-cases/roll/finish-roll.ts";
import { planInRollout } from "../../../../shared/use-cases/roll/plan-in-rollout.ts";
import { revertRoll } from "../../../../shared/use-cases/roll/revert-roll.ts";
import type { FinishInput, Plan } from "../../../../shared/use-cases/roll/steps.ts";
import { Crash, crashing } from "../../../support/altered-calls.ts";
import { OBSERVED, revisionArn, web } from "../../../support/arns.ts";
import { rollout, rolloutService, wave } from "../../../support/rollouts.ts";
import { rootPem } from "../../../support/services.ts";
import { type RollTestbed, rollTestbed } from "../../../support/testbeds/roll.ts";
import { applyPlan, enroll } from "../../../support/testbeds/rolls.ts";
import { NOW } from "../../../support/times.ts";

const ID = "upgrade-1";
const NAME = "web-forward-1";
const IMAGE = "registry.example.com/ztunnel:1.28.2";
const forward: RollOrder = { id: ID, ordinal: 0, phase: "forward" };
const back: RollOrder = { ...forward, phase: "rollback" };

/** A service in the mesh that a rollout is about to roll. */
async function inRollout(
  given: Partial<Rollout> = {},
  service: Partial<RolloutService> = {},
  testbed = rollTestbed(),
): Promise<RollTestbed> {
  await enroll(testbed);
  await testbed.ledger.createRollout(
    rollout({
      id: ID,
      target: { image: IMAGE },
      serviceCount: 1,
      waves: [wave("canary", 0, 0, "rolling")],
      ...given,
    }),
  );
  await testbed.ledger.putRolloutServices([
    rolloutService(0, { serviceArn: web.serviceArn, status: "rolling", tryCount: 1, executionName: NAME, ...service }),
  ]);
  return testbed;
}

const plan = (testbed: RollTestbed, order: RollOrder = forward, name = NAME) =>
  planInRollout(web, name, order, testbed);
const service = async (testbed: RollTestbed) => (await testbed.ledger.getRolloutService(ID, 0)) ?? rolloutService(0);
const stateOf = (testbed: RollTestbed) => testbed.ledger.getService(web.serviceArn);

function ending(order: RollOrder, planned: Plan | null, more: Partial<FinishInput> = {}): FinishInput {
  return {
    serviceArn: web.serviceArn,
    executionName: NAME,
    attemptKey: ID,
    rollout: order,
    plan: planned,
    watch: null,
    outcome: "succeeded",
    failure: null,
    firstFailure: null,
    cause: null,
    ...more,
  };
}

/** Rolls the service forward to its end. Returns the revisions before and after. */
async function rolled(testbed: RollTestbed) {
  const from = testbed.ecs.of(web).taskDefinitionArn;
  const planned = applyPlan(await plan(testbed));
  const { watch } = await applyRoll(web, NAME, planned, testbed);
  testbed.ecs.complete();
  await finishRoll(web, ending(forward, planned, { watch }), testbed);
  return { from, to: testbed.ecs.of(web).taskDefinitionArn };
}

describe("the plan of a roll that belongs to a rollout", () => {
  it("brings the rollout's image instead of the fleet's", async () => {
    const testbed = await inRollout();
    expect(await plan(testbed)).toMatchObject({ action: "apply", change: "update", drift: ["image"], image: IMAGE });
  });

  it("takes the service out of the mesh although its tags want it in", async () => {
    const testbed = await inRollout({ kind: "unenroll", target: {} });
    expect(await plan(testbed)).toMatchObject({ action: "apply", change: "unenroll" });
  });

  it.each<[string, Partial<Rollout>]>([
    ["is rolling back", { status: "rolling-back" }],
    ["is to roll back", { control: { action: "rollback", by: "ann", at: "2026-11-21T04:00:00Z" } }],
    ["is to end", { control: { action: "abort", by: "ann", at: "2026-11-21T04:00:00Z" } }],
    ["has used up its budget", { failedOrdinals: [0, 1] }],
  ])("begins nothing when the rollout %s, and takes no lease", async (_what, given) => {
    const testbed = await inRollout(given);
    expect(await plan(testbed)).toMatchObject({ action: "finish", outcome: "superseded", reason: "rollout-stopped" });
    expect((await stateOf(testbed))?.roll).toBeUndefined();
  });

  it("goes on when the rollout is to pause: it pauses between waves", async () => {
    const testbed = await inRollout({ control: { action: "pause", by: "ann", at: "2026-11-21T04:00:00Z" } });
    expect(await plan(testbed)).toMatchObject({ action: "apply" });
  });

  it.each<[string, RollOrder]>([
    ["a rollout that there is not", { ...forward, id: "no-such" }],
    ["a place that it has not", { ...forward, ordinal: 7 }],
  ])("is nothing for %s", async (_what, order) => {
    expect(await plan(await inRollout(), order)).toMatchObject({ outcome: "superseded", reason: "unknown-rollout" });
  });

  it("does not count a deleted service as failed, neither forward nor in the rollback", async () => {
    const testbed = await inRollout();
    await rolled(testbed);
    testbed.ecs.services.clear();
    for (const order of [forward, back]) {
      const executionName = `${order.phase}-gone`;
      await testbed.ledger.patchRolloutService(ID, 0, {}, { executionName });
      const planned = await plan(testbed, order, executionName);
      expect(planned).toMatchObject({ outcome: "superseded", reason: "service-not-found" });
      await finishRoll(web, ending(order, planned, { executionName, outcome: "superseded" }), testbed);
      expect(await service(testbed)).toMatchObject({ status: order === back ? "left" : "skipped" });
      expect((await stateOf(testbed))?.roll).toBeUndefined();
    }
    expect((await testbed.ledger.getRollout(ID))?.failedOrdinals).toEqual([]);
  });

  it("is nothing for another service's place", async () => {
    const testbed = await inRollout({}, { serviceArn: web.serviceArn.replace("web", "other") });
    expect(await plan(testbed)).toMatchObject({ reason: "unknown-rollout" });
  });
});

describe("a roll's end in its rollout", () => {
  it("has both revisions, its time and the image that it gave", async () => {
    const testbed = await inRollout();
    const { from, to } = await rolled(testbed);
    expect(await service(testbed)).toMatchObject({
      status: "succeeded",
      fromRevisionArn: from,
      toRevisionArn: to,
      imageBefore: null,
      durationSeconds: expect.any(Number),
    });
    expect(await stateOf(testbed)).toMatchObject({
      image: { image: IMAGE, assignedAtMs: NOW },
      lastGoodRevisionArn: to,
    });
  });

  it.each([
    ["reverted", "reverted"],
    ["revert-failed", "revert-failed"],
    ["failed", "failed"],
  ] as const)("that is %s counts against the budget, once", async (outcome, status) => {
    const testbed = await inRollout();
    const planned = applyPlan(await plan(testbed));
    const failure = { error: "E", cause: '{"errorMessage":"ztunnel-unhealthy: no"}' };
    await finishRoll(web, ending(forward, planned, { outcome, failure }), testbed);
    await finishRoll(web, ending(forward, planned, { outcome, failure }), testbed);
    expect(await service(testbed)).toMatchObject({ status, reason: "ztunnel-unhealthy" });
    expect((await testbed.ledger.getRollout(ID))?.failedOrdinals).toEqual([0]);
    expect((await stateOf(testbed))?.image).toBeUndefined();
  });

  it.each([
    ["already-as-desired", "skipped"],
    ["rollout-stopped", "waiting"],
    ["roll-in-progress", "superseded"],
  ])("without a change, as %s, is not a failure", async (reason, status) => {
    const testbed = await inRollout();
    const planned: Plan = { action: "finish", outcome: "superseded", reason, refusals: [] };
    await finishRoll(web, ending(forward, planned, { outcome: "superseded" }), testbed);
    expect(await service(testbed)).toMatchObject({ status });
    expect((await testbed.ledger.getRollout(ID))?.failedOrdinals).toEqual([]);
  });

  it("is a success where an earlier roll of it, stopped before its end, has brought everything already", async () => {
    const testbed = await inRollout({}, { fromRevisionArn: OBSERVED, toRevisionArn: "x:9", imageBefore: null });
    const planned: Plan = { action: "finish", outcome: "superseded", reason: "already-as-desired", refusals: [] };
    await plan(testbed);
    await finishRoll(web, ending(forward, planned, { outcome: "superseded" }), testbed);
    expect(await service(testbed)).toMatchObject({
      status: "succeeded",
      fromRevisionArn: OBSERVED,
      toRevisionArn: "x:9",
    });
    expect((await stateOf(testbed))?.image?.image).toBe(IMAGE);
  });
});

const BACK = "web-back-2";

/** The rollback of the service, with its roll planned. */
async function goingBack(testbed: RollTestbed, meanwhile: () => Promise<void> = async () => {}) {
  const revisions = await rolled(testbed);
  await meanwhile();
  await testbed.ledger.changeRollout(ID, (one) => ({ next: { ...one, status: "rolling-back" } }));
  await testbed.ledger.patchRolloutService(ID, 0, {}, { status: "rolling-back", tryCount: 2, executionName: BACK });
  return { ...revisions, planned: await plan(testbed, back, BACK) };
}

describe("a rollback", () => {
  it("returns to the revision before, whose token still exists, and restores the image", async () => {
    const testbed = await inRollout();
    const { from, planned } = await goingBack(testbed);
    expect(planned).toMatchObject({ action: "apply", change: "rollback", pinnedRevisionArn: from });
    expect(planned).toMatchObject({ image: expect.stringContaining("ztunnel:") });
    const { watch } = await applyRoll(web, BACK, applyPlan(planned), testbed);
    expect(watch).toMatchObject({ targetRevisionArn: from, secretInUse: expect.stringContaining(":secret:") });
    testbed.ecs.complete();
    await finishRoll(web, ending(back, planned, { executionName: BACK, watch }), testbed);
    expect(await service(testbed)).toMatchObject({ status: "rolled-back" });
    expect(await stateOf(testbed)).toMatchObject({ lastGoodRevisionArn: from, enrolled: true });
    expect((await stateOf(testbed))?.image).toBeUndefined();
    expect((await stateOf(testbed))?.roll).toBeUndefined();
  });

  it("is the same after a crash before or after any of its calls", async () => {
    let places = 0;
    for (const when of ["before", "after"] as const) {
      for (let calls = 1; ; calls += 1) {
        const testbed = await inRollout();
        const { from, planned } = await goingBack(testbed);
        const at = { calls, when };
        const wrap = crashing(at);
        const fragile = { ...testbed, ecs: wrap(testbed.ecs), ledger: wrap(testbed.ledger), bus: wrap(testbed.bus) };
        const updates = testbed.ecs.updates.length;
        let applied: Awaited<ReturnType<typeof applyRoll>> | undefined;
        // Step Functions runs the step again that crashed, and none that has answered.
        const steps = async (given: typeof testbed) => {
          applied ??= await applyRoll(web, BACK, applyPlan(planned), given);
          testbed.ecs.complete();
          await finishRoll(web, ending(back, planned, { executionName: BACK, watch: applied.watch }), given);
        };
        const crashed = await steps(fragile).then(
          () => false,
          (error: unknown) => error instanceof Crash || Promise.reject(error),
        );
        if (!crashed) break;
        places += 1;
        await steps(testbed);
        const hint = `crash ${when} call ${calls}`;
        expect(testbed.ecs.of(web).taskDefinitionArn, hint).toBe(from);
        expect(testbed.ecs.updates.length - updates, hint).toBe(1);
        expect(await service(testbed), hint).toMatchObject({ status: "rolled-back" });
        expect((await stateOf(testbed))?.roll, hint).toBeUndefined();
        expect((await stateOf(testbed))?.image, hint).toBeUndefined();
        expect(testbed.bus.events.at(-1), hint).toMatchObject({ detail: { rolloutId: ID, executionName: BACK } });
      }
    }
    expect(places).toBeGreaterThan(15);
  });

  it("keeps its time when its last step is tried again after another roll of the service", async () => {
    const testbed = await inRollout();
    const { planned } = await goingBack(testbed);
    const { watch } = await applyRoll(web, BACK, applyPlan(planned), testbed);
    testbed.ecs.complete();
    const input = ending(back, planned, { executionName: BACK, watch });
    const bus = { putEvents: () => Promise.reject(new Error("no bus")) };
    await expect(finishRoll(web, input, { ...testbed, bus })).rejects.toThrow("no bus");
    const recorded = await service(testbed);
    testbed.clock.nowMs += 60_000;
    const at = new Date(testbed.now()).toISOString();
    const lastOutcome = { outcome: "succeeded", reason: "update", executionName: "another", at } as const;
    await testbed.ledger.patchService(web.serviceArn, { lastOutcome });
    await finishRoll(web, input, testbed);
    expect(await service(testbed)).toEqual(recorded);
    expect((await stateOf(testbed))?.lastOutcome).toEqual(lastOutcome);
    expect(testbed.bus.events.at(-1)).toMatchObject({ detail: { rolloutId: ID, executionName: BACK } });
  });

  it("leaves a later deployment by somebody else alone", async () => {
    const testbed = await inRollout();
    await rolled(testbed);
    testbed.ecs.deploy(OBSERVED);
    testbed.ecs.deploy(revisionArn("web", 99));
    await testbed.ledger.patchRolloutService(ID, 0, {}, { status: "rolling-back", executionName: BACK });
    const planned = await plan(testbed, back, BACK);
    expect(planned).toMatchObject({ outcome: "superseded", reason: "changed-since" });
    await finishRoll(web, ending(back, planned, { executionName: BACK, outcome: "superseded" }), testbed);
    expect(await service(testbed)).toMatchObject({ status: "left" });
    expect((await stateOf(testbed))?.image).toBeUndefined();
  });

  it("leaves a service that was created again since, even if it has the rollout's revision", async () => {
    const testbed = await inRollout();
    await rolled(testbed);
    testbed.ecs.change({ createdAtMs: testbed.now() + 60_000 });
    expect(await plan(testbed, back, BACK)).toMatchObject({ outcome: "superseded", reason: "changed-since" });
  });

  it("ends as superseded when somebody deploys between its plan and its change", async () => {
    const testbed = await inRollout();
    const { planned } = await goingBack(testbed);
    testbed.ecs.deploy(revisionArn("web", 99));
    expect(await applyRoll(web, BACK, applyPlan(planned), testbed)).toEqual({ outcome: "superseded", watch: null });
  });

  it("has nothing to do where the service is back already, or was never changed", async () => {
    const testbed = await inRollout();
    const { from } = await rolled(testbed);
    testbed.ecs.deploy(from);
    testbed.ecs.complete();
    expect(await plan(testbed, back, BACK)).toMatchObject({ reason: "already-as-desired" });
    const untouched = await inRollout();
    expect(await plan(untouched, back, BACK)).toMatchObject({ reason: "already-as-desired" });
  });

  it("is not taken to a root that nobody trusts any more: the service keeps what the rollout gave it", async () => {
    const testbed = await inRollout();
    const { planned } = await goingBack(testbed, async () => {
      await testbed.ledger.putMeshFacts(testbed.plane.facts);
      const readAt = new Date(NOW + 1000).toISOString();
      await testbed.ledger.putMeshFacts({ ...testbed.plane.facts, rootCaPem: rootPem("b"), readAt });
    });
    expect(planned).toMatchObject({ action: "finish", outcome: "superseded", reason: "root-cut-off" });
    await finishRoll(web, ending(back, planned, { executionName: BACK, outcome: "superseded" }), testbed);
    expect(await service(testbed)).toMatchObject({ status: "left", reason: "root-cut-off" });
  });

  it("is not taken while another roll has the service: it is tried again", async () => {
    const testbed = await inRollout();
    await rolled(testbed);
    await testbed.ledger.takeLease(web.serviceArn, { executionName: "other", leaseUntil: NOW + 60_000 }, NOW);
    const planned = await plan(testbed, back, BACK);
    expect(planned).toMatchObject({ reason: "roll-in-progress" });
    await finishRoll(web, ending(back, planned, { executionName: BACK, outcome: "superseded" }), testbed);
    expect(await service(testbed)).toMatchObject({ status: "succeeded", toRevisionArn: expect.any(String) });
  });

  it("that fails returns to what ran before it: the service is stuck, is notified, and wants the old image", async () => {
    const testbed = await inRollout();
    const { planned } = await goingBack(testbed);
    const ran = testbed.ecs.of(web).taskDefinitionArn;
    const { watch } = await applyRoll(web, BACK, applyPlan(planned), testbed);
    testbed.ecs.fail();
    testbed.ecs.setTasks([]);
    const failed = { verdict: "failed", code: "deployment-failed", detail: "no" } as const;
    const failing = { plan: applyPlan(planned), watch, failure: failed, cause: null };
    const reverting = await revertRoll(web, BACK, failing, testbed);
    expect(reverting).toMatchObject({
      outcome: "reverting",
      watch: { targetRevisionArn: ran },
    });
    const end = { executionName: BACK, ...reverting, outcome: "reverted", failure: failed };
    await finishRoll(web, ending(back, planned, end), testbed);
    expect(await service(testbed)).toMatchObject({ status: "stuck", reason: "deployment-failed" });
    expect((await testbed.ledger.getRollout(ID))?.stuckOrdinals).toEqual([0]);
    expect((await stateOf(testbed))?.image).toBeUndefined();
    expect(testbed.bus.events.at(-1)).toMatchObject({ detailType: "Service Roll Failed", detail: { reverted: true } });
  });

  it("after an unenrollment gives back the tags and propagateTags, and remembers which are its own", async () => {
    const own = { tags: { "ztunnel-autopilot/enroll": "true" }, propagateTags: "NONE" };
    const testbed = await inRollout({ kind: "unenroll", target: {} }, {}, rollTestbed({ service: own }));
    const [tags, known] = [testbed.ecs.of(web).tags, await stateOf(testbed)];
    expect(known?.givenPorts).toBe("http:80:8080");
    const { planned } = await goingBack(testbed);
    expect(testbed.ecs.of(web)).toMatchObject(own);
    const { watch } = await applyRoll(web, BACK, applyPlan(planned), testbed);
    testbed.ecs.complete();
    await finishRoll(web, ending(back, planned, { executionName: BACK, watch }), testbed);
    expect(testbed.ecs.of(web)).toMatchObject({ tags, propagateTags: "SERVICE" });
    expect(await stateOf(testbed)).toMatchObject({
      addedTagKeys: known?.addedTagKeys,
      givenPorts: "http:80:8080",
      propagateTagsBefore: "NONE",
    });
  });

  it("leaves ports alone that somebody has set meanwhile", async () => {
    const testbed = await inRollout({ kind: "unenroll", target: {} });
    const { planned } = await goingBack(testbed);
    testbed.ecs.change({ tags: { ...testbed.ecs.of(web).tags, "ecs.solo.io/ports": "http:81:8080" } });
    await applyRoll(web, BACK, applyPlan(planned), testbed);
    expect(testbed.ecs.of(web).tags["ecs.solo.io/ports"]).toBe("http:81:8080");
    expect((await stateOf(testbed))?.addedTagKeys).not.toContain("ecs.solo.io/ports");
  });

  it("that could not deploy anything leaves a service that is stuck", async () => {
    const testbed = await inRollout();
    const { planned } = await goingBack(testbed);
    const failed = { verdict: "failed", code: "update-refused", detail: "no" } as const;
    const failing = { plan: applyPlan(planned), watch: null, failure: failed, cause: null };
    await expect(revertRoll(web, BACK, failing, testbed)).rejects.toMatchObject({ code: "update-refused" });
    const input = ending(back, planned, { executionName: BACK, outcome: "revert-failed", failure: failed });
    await finishRoll(web, input, testbed);
    expect(await service(testbed)).toMatchObject({ status: "stuck", reason: "update-refused" });
    expect(testbed.bus.events.at(-1)).toMatchObject({ detailType: "Service Roll Failed", detail: { reverted: false } });
  });
});
