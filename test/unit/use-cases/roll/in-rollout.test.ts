import { describe, expect, it } from "vitest";
import type { Rollout, RolloutService } from "../../../../shared/model/rollout.ts";
import type { RollOrder } from "../../../../shared/rollout/steps.ts";
import { applyRoll } from "../../../../shared/use-cases/roll/apply-roll.ts";
import { finishRoll } from "../../../../shared/use-cases/roll/finish-roll.ts";
import { planInRollout } from "../../../../shared/use-cases/roll/plan-in-rollout.ts";
import { revertRoll } from "../../../../shared/use-cases/roll/revert-roll.ts";
import type { FinishInput, Plan } from "../../../../shared/use-cases/roll/steps.ts";
import { Crash, crashing, NOW, OBSERVED, type RollWorld, rollWorld, web } from "../../../support/fakes.ts";
import { rollout, rolloutService, wave } from "../../../support/rollouts.ts";
import { applyPlan, enroll } from "../../../support/rolls.ts";

const ID = "upgrade-1";
const NAME = "web-forward-1";
const IMAGE = "registry.example.com/ztunnel:1.28.2";
const forward: RollOrder = { id: ID, ordinal: 0, phase: "forward" };
const back: RollOrder = { ...forward, phase: "rollback" };

/** A service in the mesh that a rollout is about to roll. */
async function inRollout(given: Partial<Rollout> = {}, service: Partial<RolloutService> = {}): Promise<RollWorld> {
  const world = rollWorld();
  await enroll(world);
  await world.ledger.createRollout(
    rollout({
      id: ID,
      target: { image: IMAGE },
      serviceCount: 1,
      waves: [wave("canary", 0, 0, "rolling")],
      ...given,
    }),
  );
  await world.ledger.putRolloutServices([
    rolloutService(0, { serviceArn: web.serviceArn, status: "rolling", tryCount: 1, executionName: NAME, ...service }),
  ]);
  return world;
}

const plan = (world: RollWorld, order: RollOrder = forward, name = NAME) => planInRollout(web, name, order, world);
const service = async (world: RollWorld) => (await world.ledger.getRolloutService(ID, 0)) ?? rolloutService(0);
const stateOf = (world: RollWorld) => world.ledger.getService(web.serviceArn);

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
    cause: null,
    ...more,
  };
}

/** Rolls the service forward to its end. Returns the revisions before and after. */
async function rolled(world: RollWorld) {
  const from = world.ecs.of(web).taskDefinitionArn;
  const planned = applyPlan(await plan(world));
  const { watch } = await applyRoll(web, NAME, planned, world);
  world.ecs.complete();
  await finishRoll(web, ending(forward, planned, { watch }), world);
  return { from, to: world.ecs.of(web).taskDefinitionArn };
}

describe("the plan of a roll that belongs to a rollout", () => {
  it("brings the rollout's image, whatever the fleet's is", async () => {
    const world = await inRollout();
    expect(await plan(world)).toMatchObject({ action: "apply", change: "update", drift: ["image"], image: IMAGE });
  });

  it("takes the service out of the mesh although its tags want it in", async () => {
    const world = await inRollout({ kind: "unenroll", target: {} });
    expect(await plan(world)).toMatchObject({ action: "apply", change: "unenroll" });
  });

  it.each<[string, Partial<Rollout>]>([
    ["is rolling back", { status: "rolling-back" }],
    ["is to roll back", { control: { action: "rollback", by: "ann", at: "2026-11-21T04:00:00Z" } }],
    ["is to end", { control: { action: "abort", by: "ann", at: "2026-11-21T04:00:00Z" } }],
    ["has used up its budget", { failedOrdinals: [0] }],
  ])("begins nothing when the rollout %s, and takes no lease", async (_what, given) => {
    const world = await inRollout(given);
    expect(await plan(world)).toMatchObject({ action: "finish", outcome: "superseded", reason: "rollout-stopped" });
    expect((await stateOf(world))?.roll).toBeUndefined();
  });

  it("goes on when the rollout is to pause: it pauses between waves", async () => {
    const world = await inRollout({ control: { action: "pause", by: "ann", at: "2026-11-21T04:00:00Z" } });
    expect(await plan(world)).toMatchObject({ action: "apply" });
  });

  it.each<[string, RollOrder]>([
    ["a rollout that there is not", { ...forward, id: "no-such" }],
    ["a place that it has not", { ...forward, ordinal: 7 }],
  ])("is nothing for %s", async (_what, order) => {
    expect(await plan(await inRollout(), order)).toMatchObject({ outcome: "superseded", reason: "unknown-rollout" });
  });

  it("is no failure of a service that was deleted since, neither forward nor back", async () => {
    const world = await inRollout();
    await rolled(world);
    world.ecs.services.clear();
    for (const order of [forward, back]) {
      const executionName = `${order.phase}-gone`;
      const planned = await plan(world, order, executionName);
      expect(planned).toMatchObject({ outcome: "superseded", reason: "service-not-found" });
      await finishRoll(web, ending(order, planned, { executionName, outcome: "superseded" }), world);
      expect(await service(world)).toMatchObject({ status: order === back ? "left" : "skipped" });
      expect((await stateOf(world))?.roll).toBeUndefined();
    }
    expect((await world.ledger.getRollout(ID))?.failedOrdinals).toEqual([]);
  });

  it("is nothing for another service's place", async () => {
    const world = await inRollout({}, { serviceArn: web.serviceArn.replace("web", "other") });
    expect(await plan(world)).toMatchObject({ reason: "unknown-rollout" });
  });
});

describe("a roll's end in its rollout", () => {
  it("has both revisions, its time and the image that it gave", async () => {
    const world = await inRollout();
    const { from, to } = await rolled(world);
    expect(await service(world)).toMatchObject({
      status: "succeeded",
      fromRevisionArn: from,
      toRevisionArn: to,
      imageBefore: null,
      durationSeconds: expect.any(Number),
    });
    expect(await stateOf(world)).toMatchObject({ image: { image: IMAGE, assignedAtMs: NOW }, lastGoodRevisionArn: to });
  });

  it.each([
    ["reverted", "reverted"],
    ["revert-failed", "revert-failed"],
    ["failed", "failed"],
  ] as const)("that is %s counts against the budget, once", async (outcome, status) => {
    const world = await inRollout();
    const planned = applyPlan(await plan(world));
    const failure = { error: "E", cause: '{"errorMessage":"ztunnel-unhealthy: no"}' };
    await finishRoll(web, ending(forward, planned, { outcome, failure }), world);
    await finishRoll(web, ending(forward, planned, { outcome, failure }), world);
    expect(await service(world)).toMatchObject({ status, reason: "ztunnel-unhealthy" });
    expect((await world.ledger.getRollout(ID))?.failedOrdinals).toEqual([0]);
    expect((await stateOf(world))?.image).toBeUndefined();
  });

  it.each([
    ["already-as-desired", "skipped"],
    ["rollout-stopped", "waiting"],
    ["roll-in-progress", "superseded"],
  ])("without a change, as %s, is no failure", async (reason, status) => {
    const world = await inRollout();
    const planned: Plan = { action: "finish", outcome: "superseded", reason, refusals: [] };
    await finishRoll(web, ending(forward, planned, { outcome: "superseded" }), world);
    expect(await service(world)).toMatchObject({ status });
    expect((await world.ledger.getRollout(ID))?.failedOrdinals).toEqual([]);
  });

  it("is a success where an earlier roll of it, stopped before its end, has brought everything already", async () => {
    const world = await inRollout({}, { fromRevisionArn: OBSERVED, toRevisionArn: "x:9", imageBefore: null });
    const planned: Plan = { action: "finish", outcome: "superseded", reason: "already-as-desired", refusals: [] };
    await plan(world);
    await finishRoll(web, ending(forward, planned, { outcome: "superseded" }), world);
    expect(await service(world)).toMatchObject({
      status: "succeeded",
      fromRevisionArn: OBSERVED,
      toRevisionArn: "x:9",
    });
    expect((await stateOf(world))?.image?.image).toBe(IMAGE);
  });
});

const BACK = "web-back-2";

/** The service on its way back, its roll planned. */
async function goingBack(world: RollWorld) {
  const revisions = await rolled(world);
  await world.ledger.changeRollout(ID, (one) => ({ next: { ...one, status: "rolling-back" } }));
  await world.ledger.patchRolloutService(ID, 0, { status: "rolling-back", tryCount: 2, executionName: BACK });
  return { ...revisions, planned: await plan(world, back, BACK) };
}

describe("a rollback", () => {
  it("returns to the revision before, whose token still exists, and restores the image", async () => {
    const world = await inRollout();
    const { from, planned } = await goingBack(world);
    expect(planned).toMatchObject({ action: "apply", change: "rollback", pinnedRevisionArn: from });
    const { watch } = await applyRoll(web, BACK, applyPlan(planned), world);
    expect(watch).toMatchObject({ targetRevisionArn: from, secretInUse: expect.stringContaining(":secret:") });
    world.ecs.complete();
    await finishRoll(web, ending(back, planned, { executionName: BACK, watch }), world);
    expect(await service(world)).toMatchObject({ status: "rolled-back" });
    expect(await stateOf(world)).toMatchObject({ lastGoodRevisionArn: from, enrolled: true });
    expect((await stateOf(world))?.image).toBeUndefined();
    expect((await stateOf(world))?.roll).toBeUndefined();
  });

  it("is the same after a crash before or after any of its calls", async () => {
    let places = 0;
    for (const when of ["before", "after"] as const) {
      for (let calls = 1; ; calls += 1) {
        const world = await inRollout();
        const { from, planned } = await goingBack(world);
        const at = { calls, when };
        const wrap = crashing(at);
        const fragile = { ...world, ecs: wrap(world.ecs), ledger: wrap(world.ledger), bus: wrap(world.bus) };
        const updates = world.ecs.updates.length;
        let applied: Awaited<ReturnType<typeof applyRoll>> | undefined;
        // Step Functions runs the step again that crashed, and none that has answered.
        const steps = async (given: typeof world) => {
          applied ??= await applyRoll(web, BACK, applyPlan(planned), given);
          world.ecs.complete();
          await finishRoll(web, ending(back, planned, { executionName: BACK, watch: applied.watch }), given);
        };
        const crashed = await steps(fragile).then(
          () => false,
          (error: unknown) => error instanceof Crash || Promise.reject(error),
        );
        if (!crashed) break;
        places += 1;
        await steps(world);
        const hint = `crash ${when} call ${calls}`;
        expect(world.ecs.of(web).taskDefinitionArn, hint).toBe(from);
        expect(world.ecs.updates.length - updates, hint).toBe(1);
        expect(await service(world), hint).toMatchObject({ status: "rolled-back" });
        expect((await stateOf(world))?.roll, hint).toBeUndefined();
        expect((await stateOf(world))?.image, hint).toBeUndefined();
        expect(world.bus.events.at(-1), hint).toMatchObject({ detail: { rolloutId: ID, executionName: BACK } });
      }
    }
    expect(places).toBeGreaterThan(15);
  });

  it("keeps its time when its last step is tried again after another roll of the service", async () => {
    const world = await inRollout();
    const { planned } = await goingBack(world);
    const { watch } = await applyRoll(web, BACK, applyPlan(planned), world);
    world.ecs.complete();
    const input = ending(back, planned, { executionName: BACK, watch });
    const bus = { putEvents: () => Promise.reject(new Error("no bus")) };
    await expect(finishRoll(web, input, { ...world, bus })).rejects.toThrow("no bus");
    const recorded = await service(world);
    world.clock.nowMs += 60_000;
    const at = new Date(world.now()).toISOString();
    const lastOutcome = { outcome: "succeeded", reason: "update", executionName: "another", at } as const;
    await world.ledger.patchService(web.serviceArn, { lastOutcome });
    await finishRoll(web, input, world);
    expect(await service(world)).toEqual(recorded);
    expect((await stateOf(world))?.lastOutcome).toEqual(lastOutcome);
    expect(world.bus.events.at(-1)).toMatchObject({ detail: { rolloutId: ID, executionName: BACK } });
  });

  it("leaves alone what somebody has deployed since", async () => {
    const world = await inRollout();
    await rolled(world);
    world.ecs.deploy(OBSERVED);
    world.ecs.deploy("arn:aws:ecs:us-east-1:123456789012:task-definition/web:99");
    await world.ledger.patchRolloutService(ID, 0, { status: "rolling-back" });
    const planned = await plan(world, back, BACK);
    expect(planned).toMatchObject({ outcome: "superseded", reason: "changed-since" });
    await finishRoll(web, ending(back, planned, { executionName: BACK, outcome: "superseded" }), world);
    expect(await service(world)).toMatchObject({ status: "left" });
    expect((await stateOf(world))?.image).toBeUndefined();
  });

  it("ends as superseded when somebody deploys between its plan and its change", async () => {
    const world = await inRollout();
    const { planned } = await goingBack(world);
    world.ecs.deploy("arn:aws:ecs:us-east-1:123456789012:task-definition/web:99");
    expect(await applyRoll(web, BACK, applyPlan(planned), world)).toEqual({ outcome: "superseded", watch: null });
  });

  it("has nothing to do where the service is back already, or was never changed", async () => {
    const world = await inRollout();
    const { from } = await rolled(world);
    world.ecs.deploy(from);
    world.ecs.complete();
    expect(await plan(world, back, BACK)).toMatchObject({ reason: "already-as-desired" });
    const untouched = await inRollout();
    expect(await plan(untouched, back, BACK)).toMatchObject({ reason: "already-as-desired" });
  });

  it("is not taken while another roll has the service: it is tried again", async () => {
    const world = await inRollout();
    await rolled(world);
    await world.ledger.takeLease(web.serviceArn, { executionName: "other", leaseUntil: NOW + 60_000 }, NOW);
    const planned = await plan(world, back, BACK);
    expect(planned).toMatchObject({ reason: "roll-in-progress" });
    await finishRoll(web, ending(back, planned, { executionName: BACK, outcome: "superseded" }), world);
    expect(await service(world)).toMatchObject({ status: "succeeded", toRevisionArn: expect.any(String) });
  });

  it("has no revert of its own: what fails is stuck, is notified, and wants the old image all the same", async () => {
    const world = await inRollout();
    const { planned } = await goingBack(world);
    const { watch } = await applyRoll(web, BACK, applyPlan(planned), world);
    world.ecs.fail();
    world.ecs.setTasks([]);
    const failed = { verdict: "failed", code: "deployment-failed", detail: "no" } as const;
    await expect(
      revertRoll(web, BACK, { plan: applyPlan(planned), watch, failure: failed }, world),
    ).rejects.toMatchObject({ code: "deployment-failed", retryable: false });
    const input = ending(back, planned, { executionName: BACK, watch, outcome: "revert-failed", failure: failed });
    await finishRoll(web, input, world);
    expect(await service(world)).toMatchObject({ status: "stuck", reason: "deployment-failed" });
    expect((await world.ledger.getRollout(ID))?.stuckOrdinals).toEqual([0]);
    expect((await stateOf(world))?.image).toBeUndefined();
    expect(world.bus.events.at(-1)).toMatchObject({ detailType: "Service Roll Failed", detail: { reverted: false } });
  });
});
