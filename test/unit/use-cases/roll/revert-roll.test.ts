import { describe, expect, it } from "vitest";
import { AutopilotError } from "../../../../shared/base/errors.ts";
import { applyRoll } from "../../../../shared/use-cases/roll/apply-roll.ts";
import { planRoll } from "../../../../shared/use-cases/roll/plan-roll.ts";
import { revertRoll } from "../../../../shared/use-cases/roll/revert-roll.ts";
import type { ApplyPlan, Watch } from "../../../../shared/use-cases/roll/steps.ts";
import { container, task } from "../../../support/deployments.ts";
import { Crash, crashing, OBSERVED, type RollWorld, rollWorld, web } from "../../../support/fakes.ts";
import { applied, enroll, NAME, planned } from "../../../support/rolls.ts";

const failure = { verdict: "failed", code: "tasks-stopping", detail: "3 tasks failed in a row." } as const;

const revert = (world: RollWorld, plan: ApplyPlan, watch: Watch | null) =>
  revertRoll(web, NAME, { plan, watch, failure }, world);

describe("a failed roll", () => {
  it("reverts to the pinned revision, whose deployment is watched like any other", async () => {
    const world = rollWorld();
    const { plan, watch } = await applied(world);
    const reverting = await revert(world, plan, watch);
    expect(world.ecs.updates.at(-1)).toMatchObject({ taskDefinitionArn: OBSERVED });
    expect(reverting).toEqual({
      outcome: "reverting",
      cause: { code: "tasks-stopping", sentence: "3 tasks failed in a row." },
      watch: {
        deploymentId: world.ecs.primary().id,
        targetRevisionArn: OBSERVED,
        revisionBeforeArn: null,
        deadlineMs: world.clock.nowMs + world.config.policy.deploymentDeadlineMinutes * 60_000,
        pollIntervalSeconds: world.config.policy.pollIntervalMinutes * 60,
        desiredCount: 2,
        namespace: null,
        secretInUse: null,
      },
    });
  });

  it("has the cause that its stopped tasks show", async () => {
    const world = rollWorld();
    const { plan, watch } = await applied(world);
    world.ecs.setTasks([
      task("a", {
        taskDefinitionArn: watch.targetRevisionArn,
        lastStatus: "STOPPED",
        stopCode: "EssentialContainerExited",
        stoppedReason: "Essential container in task exited",
        containers: [container("ztunnel", { lastStatus: "STOPPED", exitCode: 1 }), container("web")],
      }),
    ]);
    const { cause } = await revert(world, plan, watch);
    expect(cause).toMatchObject({ code: "ztunnel-unhealthy", sentence: expect.stringContaining("ztunnel") });
  });

  it("reverts even when its tasks cannot be read, and says so", async () => {
    const world = rollWorld();
    const { plan, watch } = await applied(world);
    world.ecs.listTasks = async () => {
      throw new AutopilotError("access-denied", "ListTasks");
    };
    const { outcome, cause } = await revert(world, plan, watch);
    expect(outcome).toBe("reverting");
    expect(cause.code).toBe("tasks-stopping");
    expect(cause.sentence).toMatch(/3 tasks failed in a row\..*access-denied/s);
    expect(world.ecs.updates.at(-1)).toMatchObject({ taskDefinitionArn: OBSERVED });
  });

  it("has nothing to take back when it did not get as far as UpdateService", async () => {
    const world = rollWorld();
    const plan = await planned(world);
    expect(await revert(world, plan, null)).toMatchObject({ outcome: "reverted", watch: null });
    expect(world.ecs.updates).toEqual([]);
  });

  it("leaves a deployment in flight alone when it changed nothing itself", async () => {
    const world = rollWorld({ service: { tags: { "ztunnel-autopilot/enroll": "true" } } });
    await enroll(world);
    const running = world.ecs.primary().taskDefinitionArn;
    world.ecs.change({ tags: { "ztunnel-autopilot/enroll": "true" } });
    // A forced deployment by somebody else; the last good revision is another one.
    await world.ledger.patchService(web.serviceArn, { lastGoodRevisionArn: OBSERVED });
    world.ecs.deploy(running);
    world.ecs.change({ deployments: [world.ecs.primary()] });
    const plan = await planned(world);
    world.ecs.updateService = async () => {
      throw new AutopilotError("update-refused", web.serviceArn);
    };
    await expect(applyRoll(web, NAME, plan, world)).rejects.toMatchObject({ code: "update-refused" });
    expect(await revert(world, plan, null)).toMatchObject({ outcome: "reverted", watch: null });
    expect(world.ecs.of(web).taskDefinitionArn).toBe(running);
  });

  it("finds what an apply that crashed after UpdateService has done", async () => {
    const world = rollWorld();
    const { plan } = await applied(world);
    expect(await revert(world, plan, null)).toMatchObject({ outcome: "reverting" });
    expect(world.ecs.of(web).taskDefinitionArn).toBe(OBSERVED);
  });

  it("is reverted already where ECS's circuit breaker was faster", async () => {
    const world = rollWorld();
    const { plan, watch } = await applied(world);
    world.ecs.rollBack();
    const before = world.ecs.updates.length;
    expect(await revert(world, plan, watch)).toMatchObject({
      outcome: "reverting",
      watch: { deploymentId: world.ecs.primary().id },
    });
    world.ecs.complete();
    expect(await revert(world, plan, watch)).toMatchObject({ outcome: "reverted", watch: null });
    expect(world.ecs.updates).toHaveLength(before);
  });

  it("touches nothing when somebody has deployed another revision", async () => {
    const world = rollWorld();
    const { plan, watch } = await applied(world);
    world.ecs.deploy(OBSERVED.replace(":7", ":9"));
    expect(await revert(world, plan, watch)).toMatchObject({ outcome: "superseded", watch: null });
    expect(world.ecs.updates).toHaveLength(1);
  });

  it.each([true, false])("touches nothing when another roll has its lease (watched: %s)", async (watched) => {
    const world = rollWorld();
    const { plan, watch } = await applied(world);
    world.clock.nowMs += world.config.policy.leaseMinutes * 60_000;
    world.ecs.change({ tags: {} });
    const other = await planRoll(web, "another-roll", world);
    if (other.action !== "apply") throw new Error("the other roll has nothing to do");
    await applyRoll(web, "another-roll", other, world);
    const before = world.ecs.updates.length;
    expect(await revert(world, plan, watched ? watch : null)).toMatchObject({ outcome: "superseded", watch: null });
    expect(world.ecs.updates).toHaveLength(before);
  });

  it("does it once, also when it crashes at any call and runs again", async () => {
    for (let calls = 1; ; calls += 1) {
      const world = rollWorld();
      const { plan, watch } = await applied(world);
      const broken = crashing({ calls, when: "after" });
      const fragile = { ...world, ecs: broken(world.ecs), ledger: broken(world.ledger) };
      const crashed = await revertRoll(web, NAME, { plan, watch, failure }, fragile).then(
        () => false,
        (error: unknown) => error instanceof Crash,
      );
      if (!crashed) {
        expect(calls).toBeGreaterThan(5);
        return;
      }
      expect(await revert(world, plan, watch)).toMatchObject({ outcome: "reverting" });
      expect(world.ecs.updates.filter(({ taskDefinitionArn }) => taskDefinitionArn === OBSERVED)).toHaveLength(1);
    }
  });
});
