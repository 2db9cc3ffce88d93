import { describe, expect, it } from "vitest";
import { AutopilotError } from "../../../../shared/base/errors.ts";
import { applyRoll } from "../../../../shared/use-cases/roll/apply-roll.ts";
import { planRoll } from "../../../../shared/use-cases/roll/plan-roll.ts";
import { revertRoll } from "../../../../shared/use-cases/roll/revert-roll.ts";
import type { ApplyPlan, Cause, Watch } from "../../../../shared/use-cases/roll/steps.ts";
import { Crash, crashing, failCalls, recordCalls } from "../../../support/altered-calls.ts";
import { NAME, OBSERVED, revisionArn, web } from "../../../support/arns.ts";
import { container, task } from "../../../support/deployments.ts";
import { bundle } from "../../../support/meshes.ts";
import { type RollTestbed, rollTestbed } from "../../../support/testbeds/roll.ts";
import { applied, enroll, planned } from "../../../support/testbeds/rolls.ts";
import { NOW } from "../../../support/times.ts";

const failure = { verdict: "failed", code: "tasks-stopping", detail: "3 tasks failed in a row." } as const;

const revert = (testbed: RollTestbed, plan: ApplyPlan, watch: Watch | null) =>
  revertRoll(web, NAME, { plan, watch, failure, cause: null }, testbed);

describe("a failed roll", () => {
  it("reverts to the pinned revision, whose deployment is watched like any other", async () => {
    const testbed = rollTestbed();
    const { plan, watch } = await applied(testbed);
    const reverting = await revert(testbed, plan, watch);
    expect(testbed.ecs.updates.at(-1)).toMatchObject({ taskDefinitionArn: OBSERVED });
    expect(reverting).toEqual({
      outcome: "reverting",
      cause: { code: "tasks-stopping", sentence: "3 tasks failed in a row." },
      watch: {
        deploymentId: testbed.ecs.primary().id,
        targetRevisionArn: OBSERVED,
        revisionBeforeArn: null,
        deadlineMs: testbed.clock.nowMs + testbed.config.policy.deploymentDeadlineMinutes * 60_000,
        pollIntervalSeconds: testbed.config.policy.pollIntervalMinutes * 60,
        desiredCount: 2,
        namespace: null,
        serviceAccount: null,
        isDiscovered: true,
        secretInUse: null,
      },
    });
  });

  it("has the cause that its stopped tasks show", async () => {
    const testbed = rollTestbed();
    const { plan, watch } = await applied(testbed);
    testbed.ecs.setTasks([
      task("a", {
        taskDefinitionArn: watch.targetRevisionArn,
        lastStatus: "STOPPED",
        stopCode: "EssentialContainerExited",
        stoppedReason: "Essential container in task exited",
        containers: [container("ztunnel", { lastStatus: "STOPPED", exitCode: 1 }), container("web")],
      }),
    ]);
    const { cause } = await revert(testbed, plan, watch);
    expect(cause).toMatchObject({ code: "ztunnel-unhealthy", sentence: expect.stringContaining("ztunnel") });
  });

  it("reverts even when its tasks cannot be read, and says so", async () => {
    const testbed = rollTestbed();
    const { plan, watch } = await applied(testbed);
    failCalls(testbed.ecs, "listTasks", "access-denied");
    const { outcome, cause } = await revert(testbed, plan, watch);
    expect(outcome).toBe("reverting");
    expect(cause.code).toBe("tasks-stopping");
    expect(cause.sentence).toMatch(/3 tasks failed in a row\..*access-denied/s);
    expect(testbed.ecs.updates.at(-1)).toMatchObject({ taskDefinitionArn: OBSERVED });
  });

  it("has nothing to revert when it ended before UpdateService", async () => {
    const testbed = rollTestbed();
    const plan = await planned(testbed);
    expect(await revert(testbed, plan, null)).toMatchObject({ outcome: "failed", watch: null });
    expect(testbed.ecs.updates).toEqual([]);
  });

  it("leaves a deployment in flight alone when it changed nothing itself", async () => {
    const testbed = rollTestbed({ service: { tags: { "ztunnel-autopilot/enroll": "true" } } });
    await enroll(testbed);
    const running = testbed.ecs.primary().taskDefinitionArn;
    testbed.ecs.change({ tags: { "ztunnel-autopilot/enroll": "true" } });
    // A forced deployment by somebody else; the last good revision is another one.
    await testbed.ledger.patchService(web.serviceArn, { lastGoodRevisionArn: OBSERVED });
    testbed.ecs.deploy(running);
    testbed.ecs.change({ deployments: [testbed.ecs.primary()] });
    const plan = await planned(testbed);
    failCalls(testbed.ecs, "updateService", "update-refused");
    await expect(applyRoll(web, NAME, plan, testbed)).rejects.toMatchObject({ code: "update-refused" });
    expect(await revert(testbed, plan, null)).toMatchObject({ outcome: "failed", watch: null });
    expect(testbed.ecs.of(web).taskDefinitionArn).toBe(running);
  });

  it("finds what an apply that crashed after UpdateService has done", async () => {
    const testbed = rollTestbed();
    const { plan } = await applied(testbed);
    expect(await revert(testbed, plan, null)).toMatchObject({ outcome: "reverting" });
    expect(testbed.ecs.of(web).taskDefinitionArn).toBe(OBSERVED);
  });

  it("is reverted already where ECS's circuit breaker was faster", async () => {
    const testbed = rollTestbed();
    const { plan, watch } = await applied(testbed);
    testbed.ecs.rollBack();
    const before = testbed.ecs.updates.length;
    expect(await revert(testbed, plan, watch)).toMatchObject({
      outcome: "reverting",
      watch: { deploymentId: testbed.ecs.primary().id },
    });
    testbed.ecs.complete();
    expect(await revert(testbed, plan, watch)).toMatchObject({ outcome: "reverted", watch: null });
    expect(testbed.ecs.updates).toHaveLength(before);
  });

  it("returns to a copy of a pinned revision that was deregistered, once, also when it crashes in between", async () => {
    for (let calls = 1; ; calls += 1) {
      const testbed = rollTestbed();
      const { plan, watch } = await applied(testbed);
      testbed.ecs.deregister(OBSERVED);
      const broken = crashing({ calls, when: "after" });
      const fragile = { ...testbed, ecs: broken(testbed.ecs), ledger: broken(testbed.ledger) };
      const first = await revertRoll(web, NAME, { plan, watch, failure, cause: null }, fragile).catch(
        (error: unknown) => error,
      );
      const reverting = first instanceof Crash ? await revert(testbed, plan, watch) : first;
      const copy = testbed.ecs.of(web).taskDefinitionArn;
      expect(reverting).toMatchObject({ outcome: "reverting", watch: { targetRevisionArn: copy } });
      expect(copy).not.toBe(OBSERVED);
      expect(testbed.ecs.containersOf(copy)).toEqual(["web"]);
      expect(testbed.ecs.registered, "the sidecar's revision and one copy").toEqual([watch.targetRevisionArn, copy]);
      expect(testbed.ecs.updates).toHaveLength(2);
      if (!(first instanceof Crash)) return expect(calls).toBeGreaterThan(5);
    }
  });

  it("returns to the next choice when the pinned revision was deleted, or ECS refuses it for the service", async () => {
    const gone = rollTestbed();
    await gone.ledger.patchService(web.serviceArn, { lastGoodRevisionArn: revisionArn("web", 3) });
    gone.ecs.addRevision(revisionArn("web", 3));
    const one = await applied(gone);
    gone.ecs.definitions.delete(OBSERVED);
    expect(await revert(gone, one.plan, one.watch)).toMatchObject({
      outcome: "reverting",
      watch: { targetRevisionArn: revisionArn("web", 3) },
      cause: { code: "tasks-stopping" },
    });
    const refused = rollTestbed();
    await refused.ledger.patchService(web.serviceArn, { lastGoodRevisionArn: revisionArn("web", 3) });
    refused.ecs.addRevision(revisionArn("web", 3));
    const other = await applied(refused);
    const update = refused.ecs.updateService.bind(refused.ecs);
    refused.ecs.updateService = async (ref, change) => {
      if (change.taskDefinitionArn !== OBSERVED) return update(ref, change);
      throw new AutopilotError("update-refused", "The container web does not exist in the task definition.");
    };
    expect(await revert(refused, other.plan, other.watch)).toMatchObject({ outcome: "reverting" });
    expect(refused.ecs.of(web).taskDefinitionArn).toBe(revisionArn("web", 3));
    expect(await revert(refused, other.plan, other.watch), "once more").toMatchObject({ outcome: "reverting" });
  });

  it("that can return to nothing says first why it had failed, then what was tried", async () => {
    const testbed = rollTestbed();
    const { plan, watch } = await applied(testbed);
    testbed.ecs.definitions.delete(OBSERVED);
    await expect(revert(testbed, plan, watch)).rejects.toMatchObject({
      code: "no-way-back",
      retryable: false,
      detail: expect.stringMatching(
        /^The roll had failed: tasks-stopping: 3 tasks.* Tried: web:7: task-definition-not-f/,
      ),
    });
  });

  it("gives back the tags and propagateTags that it changed, and nothing that was there before", async () => {
    const tags = { "ztunnel-autopilot/enroll": "true", "ecs.solo.io/namespace": "shop" };
    const testbed = rollTestbed({ service: { tags, propagateTags: "NONE" } });
    const { plan, watch } = await applied(testbed);
    expect(testbed.ecs.of(web)).toMatchObject({ propagateTags: "SERVICE" });
    expect(Object.keys(testbed.ecs.of(web).tags)).toContain("ecs.solo.io/service-account");
    await revert(testbed, plan, watch);
    expect(testbed.ecs.of(web)).toMatchObject({ tags, propagateTags: "NONE" });
    expect((await testbed.ledger.getService(web.serviceArn))?.addedTagKeys).toEqual([]);
  });

  it("gives them back where ECS's circuit breaker was faster, or nothing was deployed", async () => {
    const tags = { "ztunnel-autopilot/enroll": "true" };
    const breaker = rollTestbed({ service: { tags, propagateTags: "NONE" } });
    const { plan, watch } = await applied(breaker);
    breaker.ecs.rollBack();
    await revert(breaker, plan, watch);
    expect(breaker.ecs.of(web)).toMatchObject({ tags, propagateTags: "NONE" });
    const refused = rollTestbed({ service: { tags, propagateTags: "NONE" } });
    const made = await planned(refused);
    failCalls(refused.ecs, "updateService", "update-refused");
    await expect(applyRoll(web, NAME, made, refused)).rejects.toMatchObject({ code: "update-refused" });
    await revert(refused, made, null);
    expect(refused.ecs.of(web)).toMatchObject({ tags, propagateTags: "NONE" });
  });

  it("touches nothing when somebody has deployed another revision", async () => {
    const testbed = rollTestbed();
    const { plan, watch } = await applied(testbed);
    testbed.ecs.deploy(revisionArn("web", 9));
    expect(await revert(testbed, plan, watch)).toMatchObject({ outcome: "superseded", watch: null });
    expect(testbed.ecs.updates).toHaveLength(1);
  });

  it.each([true, false])("touches nothing when another roll has its lease (watched: %s)", async (watched) => {
    const testbed = rollTestbed();
    const { plan, watch } = await applied(testbed);
    testbed.clock.nowMs += testbed.config.policy.leaseMinutes * 60_000;
    testbed.ecs.change({ tags: {} });
    const other = await planRoll(web, "another-roll", testbed);
    if (other.action !== "apply") throw new Error("the other roll has nothing to do");
    await applyRoll(web, "another-roll", other, testbed);
    const before = testbed.ecs.updates.length;
    expect(await revert(testbed, plan, watched ? watch : null)).toMatchObject({ outcome: "superseded", watch: null });
    expect(testbed.ecs.updates).toHaveLength(before);
  });

  it("does it once, also when it crashes at any call and runs again", async () => {
    for (let calls = 1; ; calls += 1) {
      const testbed = rollTestbed();
      const { plan, watch } = await applied(testbed);
      const broken = crashing({ calls, when: "after" });
      const fragile = { ...testbed, ecs: broken(testbed.ecs), ledger: broken(testbed.ledger) };
      const crashed = await revertRoll(web, NAME, { plan, watch, failure, cause: null }, fragile).then(
        () => false,
        (error: unknown) => error instanceof Crash,
      );
      if (!crashed) {
        expect(calls).toBeGreaterThan(5);
        return;
      }
      expect(await revert(testbed, plan, watch)).toMatchObject({ outcome: "reverting" });
      expect(testbed.ecs.updates.filter(({ taskDefinitionArn }) => taskDefinitionArn === OBSERVED)).toHaveLength(1);
    }
  });
});

const GOOD = revisionArn("web", 3);

/** A roll of a service in the mesh, which ran `OBSERVED` with an older sidecar and has another last good revision. */
async function updated() {
  const testbed = rollTestbed();
  await enroll(testbed);
  const before = testbed.ecs.of(web).taskDefinitionArn;
  testbed.ecs.addRevision(GOOD);
  await testbed.ledger.patchService(web.serviceArn, { lastGoodRevisionArn: GOOD });
  testbed.ecs.change({ tags: { ...testbed.ecs.of(web).tags, "ztunnel-autopilot/proxy-env": "true" } });
  const { plan, watch } = await applied(testbed);
  expect(plan.pinnedRevisionArn).toBe(before);
  return { testbed, before, plan, watch };
}

/** The state machine's way: each return's deployment fails, until the revert says that it can't go on. */
async function returning({ testbed, plan, watch }: Awaited<ReturnType<typeof updated>>) {
  const tried: string[] = [];
  let state: { watch: Watch | null; cause: Cause | null } = { watch, cause: null };
  for (;;) {
    try {
      const failed = await revertRoll(web, NAME, { plan, failure, ...state }, testbed);
      if (failed.outcome !== "reverting") return { tried, ended: failed };
      tried.push(testbed.ecs.of(web).taskDefinitionArn);
      state = { watch: failed.watch, cause: failed.cause };
    } catch (error) {
      return { tried, error };
    }
  }
}

describe("a revert whose own deployment fails", () => {
  it("is followed by the last good revision, then by the definition without our sidecar, then by nothing", async () => {
    const given = await updated();
    const { tried, error } = await returning(given);
    const { testbed, before } = given;
    expect(tried.slice(0, 2)).toEqual([before, GOOD]);
    expect(tried).toHaveLength(3);
    expect(testbed.ecs.containersOf(tried[2] ?? "")).toEqual(["web"]);
    expect(error).toMatchObject({ code: "tasks-stopping", retryable: false });
    const text = String(error);
    expect(text).toMatch(/The roll had failed: tasks-stopping: 3 tasks failed in a row\. The revert failed, too: web:/);
    for (const arn of tried) expect(text).toContain(`${arn.split("/").at(-1)}: tasks-stopping: 3 tasks`);
  });

  it("keeps the first cause, and says what else failed", async () => {
    const { testbed, plan, watch } = await updated();
    const first = await revertRoll(web, NAME, { plan, watch, failure, cause: null }, testbed);
    const late = { verdict: "failed", code: "deployment-deadline", detail: "0 of 2 tasks run." } as const;
    const second = await revertRoll(
      web,
      NAME,
      { plan, watch: first.watch, failure: late, cause: first.cause },
      testbed,
    );
    expect(second.cause).toMatchObject({
      code: "tasks-stopping",
      sentence: "3 tasks failed in a row.",
      failedReturns: [expect.stringContaining(": deployment-deadline: 0 of 2 tasks run.")],
    });
  });

  it("has its next choice once, also when the step crashes at any call and runs again", async () => {
    for (let calls = 1; ; calls += 1) {
      const { testbed, plan, watch } = await updated();
      const first = await revertRoll(web, NAME, { plan, watch, failure, cause: null }, testbed);
      const again = { plan, watch: first.watch, failure, cause: first.cause };
      const before = testbed.ecs.updates.length;
      const broken = crashing({ calls, when: "after" });
      const fragile = { ...testbed, ecs: broken(testbed.ecs), ledger: broken(testbed.ledger) };
      const crashed = await revertRoll(web, NAME, again, fragile).then(
        () => false,
        (error: unknown) => error instanceof Crash,
      );
      if (crashed) await revertRoll(web, NAME, again, testbed);
      expect(testbed.ecs.of(web).taskDefinitionArn).toBe(GOOD);
      expect(testbed.ecs.updates).toHaveLength(before + 1);
      if (!crashed) return expect(calls).toBeGreaterThan(5);
    }
  });

  it("is left to who has deployed another revision since, and to another roll", async () => {
    const { testbed, plan, watch } = await updated();
    const first = await revertRoll(web, NAME, { plan, watch, failure, cause: null }, testbed);
    const again = { plan, watch: first.watch, failure, cause: first.cause };
    testbed.ecs.deploy(revisionArn("web", 99));
    expect(await revertRoll(web, NAME, again, testbed)).toMatchObject({ outcome: "superseded" });
    expect(testbed.ecs.of(web).taskDefinitionArn).toBe(revisionArn("web", 99));
  });

  it("of a copy is not tried as the copy's original", async () => {
    const { testbed, before, plan, watch } = await updated();
    testbed.ecs.deregister(before);
    const first = await revertRoll(web, NAME, { plan, watch, failure, cause: null }, testbed);
    expect(first.watch?.targetRevisionArn).not.toBe(before);
    const again = { plan, watch: first.watch, failure, cause: first.cause };
    expect(await revertRoll(web, NAME, again, testbed)).toMatchObject({ watch: { targetRevisionArn: GOOD } });
  });

  it("has no next choice without the lease: nothing would remember what was tried", async () => {
    const { testbed, plan, watch } = await updated();
    const first = await revertRoll(web, NAME, { plan, watch, failure, cause: null }, testbed);
    await testbed.ledger.finishRoll(web.serviceArn, NAME, {});
    const again = { plan, watch: first.watch, failure, cause: first.cause };
    await expect(revertRoll(web, NAME, again, testbed)).rejects.toMatchObject({ code: "no-way-back" });
  });
});

describe("while the roots of earlier revisions are trusted by nobody", () => {
  /** The mesh's bundle has another root than the one that the service's revisions start with. */
  async function cutOff(roots: string) {
    const given = await updated();
    const { plane, ledger } = given.testbed;
    await ledger.putMeshFacts(plane.facts);
    await ledger.putMeshFacts({ ...plane.facts, rootCaPem: bundle(roots), readAt: new Date(NOW + 1000).toISOString() });
    return given;
  }

  it("a revert takes the first choice that starts without them: here the definition without our sidecar", async () => {
    const { testbed, plan, watch } = await cutOff("b");
    // Both of the revisions that it would return to start with the root that is gone.
    await testbed.ledger.patchService(web.serviceArn, { lastGoodRevisionArn: plan.observedRevisionArn });
    await revert(testbed, plan, watch);
    expect(testbed.ecs.containersOf(testbed.ecs.of(web).taskDefinitionArn)).toEqual(["web"]);
    expect(testbed.ecs.updates.slice(1).map(({ taskDefinitionArn }) => taskDefinitionArn)).not.toContain(
      plan.pinnedRevisionArn,
    );
  });

  it("a last good revision without a sidecar comes before that", async () => {
    const { testbed, plan, watch } = await cutOff("b");
    await revert(testbed, plan, watch);
    expect(testbed.ecs.of(web).taskDefinitionArn).toBe(GOOD);
  });

  it("a pinned revision that shares a root with the bundle is taken as before, by one read of the mesh", async () => {
    const { testbed, plan, watch, before } = await cutOff("ab");
    const { port: ledger, calls } = recordCalls(testbed.ledger);
    await revert({ ...testbed, ledger }, plan, watch);
    expect(testbed.ecs.of(web).taskDefinitionArn).toBe(before);
    expect(calls.filter((call) => call === "getMesh")).toHaveLength(1);
  });

  it("nothing is left for a service that leaves the mesh, and the error says why", async () => {
    const { testbed, plan, watch } = await cutOff("b");
    const leaving = { ...plan, change: "unenroll" as const };
    await testbed.ledger.patchService(web.serviceArn, { lastGoodRevisionArn: plan.observedRevisionArn });
    await expect(revert(testbed, leaving, watch)).rejects.toMatchObject({
      code: "no-way-back",
      detail: expect.stringMatching(/The roll had failed: .* Tried: web:\d+: root-cut-off: /),
    });
  });
});
