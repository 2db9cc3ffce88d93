import { describe, expect, it } from "vitest";
import { pinnedRevision } from "../../../shared/deployment/pinned.ts";
import { judge } from "../../../shared/deployment/verdict.ts";
import type { Deployment } from "../../../shared/model/service.ts";
import { BEFORE, deployment, TARGET } from "../../support/deployments.ts";
import { service } from "../../support/services.ts";

const old = deployment({ id: "ecs-svc/1", status: "ACTIVE", taskDefinitionArn: BEFORE, rolloutState: "COMPLETED" });

function verdictOf(deployments: readonly Deployment[], changes: { status?: string; nowMs?: number } = {}) {
  return judge({
    service: service({ status: changes.status ?? "ACTIVE", deployments }),
    deploymentId: "ecs-svc/2",
    targetRevisionArn: TARGET,
    deadlineMs: 1000,
    nowMs: changes.nowMs ?? 0,
    policy: { failedTasksLimit: 3 },
  });
}

describe("a watched deployment", () => {
  it("progresses while ECS is at it", () => {
    expect(verdictOf([deployment({ failedTasks: 2 }), old], { nowMs: 999 })).toEqual({ state: "progressing" });
  });

  it("has succeeded when ECS says COMPLETED, even after the deadline", () => {
    const completed = deployment({ rolloutState: "COMPLETED", failedTasks: 9 });
    expect(verdictOf([completed], { nowMs: 2000 })).toEqual({ state: "succeeded" });
  });

  it("has not succeeded because its tasks run", () => {
    expect(verdictOf([deployment({ runningCount: 2 })])).toEqual({ state: "progressing" });
  });

  it.each([
    [1, "progressing"],
    [2, "succeeded"],
  ])("without a rolloutState, %i of 2 running tasks are %s", (runningCount, state) => {
    expect(verdictOf([deployment({ rolloutState: undefined, runningCount })])).toEqual({ state });
  });

  it("has failed when too many tasks stop", () => {
    expect(verdictOf([deployment({ failedTasks: 3 })])).toMatchObject({ state: "failed", code: "tasks-stopping" });
  });

  it("has failed at its deadline", () => {
    const verdict = verdictOf([deployment({ runningCount: 1 })], { nowMs: 1000 });
    expect(verdict).toEqual({ state: "failed", code: "deployment-deadline", detail: "1 of 2 tasks runs." });
  });

  it("has failed when ECS says so, with ECS's reason", () => {
    const failed = deployment({ rolloutState: "FAILED", rolloutStateReason: "no" });
    expect(verdictOf([failed])).toEqual({ state: "failed", code: "deployment-failed", detail: "no" });
  });

  it.each([
    ["still listed", [deployment({ status: "ACTIVE", rolloutState: "FAILED" })]],
    ["gone", []],
  ])("has failed, and is not superseded, when the circuit breaker rolls it back and it is %s", (_where, own) => {
    const choice = deployment({
      id: "ecs-svc/3",
      taskDefinitionArn: BEFORE,
      rolloutStateReason: "ECS deployment circuit breaker: rolling back to deploymentId ecs-svc/1.",
    });
    expect(verdictOf([choice, ...own])).toMatchObject({ state: "failed", code: "deployment-failed" });
  });

  it("has failed when ECS says so, though somebody has deployed since", () => {
    const other = deployment({ id: "ecs-svc/3", taskDefinitionArn: `${BEFORE}0` });
    const own = deployment({ status: "ACTIVE", rolloutState: "FAILED" });
    expect(verdictOf([other, own])).toMatchObject({ state: "failed", code: "deployment-failed" });
  });

  it("has failed when the circuit breaker has completed its rollback, which only the revision shows", () => {
    const back = deployment({ id: "ecs-svc/3", taskDefinitionArn: BEFORE, rolloutState: "COMPLETED" });
    const watched = {
      service: service({ deployments: [back] }),
      deploymentId: "ecs-svc/2",
      targetRevisionArn: TARGET,
      deadlineMs: 1000,
      nowMs: 0,
      policy: { failedTasksLimit: 3 },
    };
    expect(judge({ ...watched, revisionBeforeArn: BEFORE })).toMatchObject({ code: "deployment-failed" });
    expect(judge(watched)).toMatchObject({ state: "superseded" });
  });

  it.each([
    ["still listed", [deployment({ status: "ACTIVE" })]],
    ["gone", []],
  ])("is superseded when somebody deploys another revision and it is %s", (_where, own) => {
    const other = deployment({ id: "ecs-svc/3", taskDefinitionArn: `${BEFORE}0` });
    expect(verdictOf([other, ...own])).toMatchObject({ state: "superseded", detail: expect.stringContaining("svc/3") });
  });

  it("is judged by another deployment of the same revision in its place", () => {
    const forced = deployment({ id: "ecs-svc/3" });
    expect(verdictOf([forced])).toEqual({ state: "progressing" });
    expect(verdictOf([{ ...forced, rolloutState: "COMPLETED" }])).toEqual({ state: "succeeded" });
    expect(verdictOf([{ ...forced, rolloutState: "FAILED" }])).toMatchObject({ state: "failed" });
  });

  it("is superseded when the service is deleted or has no deployment", () => {
    expect(verdictOf([deployment()], { status: "DRAINING" })).toMatchObject({ state: "superseded" });
    expect(verdictOf([])).toMatchObject({ state: "superseded" });
  });
});

describe("pinnedRevision", () => {
  const state = { lastGoodRevisionArn: `${BEFORE}-ledger` };
  const pinned = (deployments: readonly Deployment[]) =>
    pinnedRevision({ service: service({ taskDefinitionArn: TARGET, deployments }), state });

  it("is the primary's when that has completed", () => {
    expect(pinned([old, deployment({ rolloutState: "COMPLETED" })])).toBe(TARGET);
  });

  it("is the newest other's that has, when the primary has not", () => {
    const older = { ...old, id: "ecs-svc/0", taskDefinitionArn: "older" };
    expect(pinned([deployment(), old, older])).toBe(BEFORE);
  });

  it("is the ledger's when ECS lists none that has", () => {
    expect(pinned([deployment()])).toBe(state.lastGoodRevisionArn);
  });

  it("is not a revision that was deployed while no task ran, but what its roll would have reverted to", () => {
    const unverified = { revisionArn: TARGET, pinnedRevisionArn: BEFORE, pinnedSecret: null };
    const idle = service({ taskDefinitionArn: TARGET, deployments: [deployment({ rolloutState: "COMPLETED" })] });
    expect(pinnedRevision({ service: idle, state: { ...state, unverified } })).toBe(BEFORE);
    const deployed = service({ taskDefinitionArn: TARGET, deployments: [deployment({ rolloutState: "COMPLETED" })] });
    const earlier = { ...unverified, revisionArn: "another" };
    expect(pinnedRevision({ service: deployed, state: { ...state, unverified: earlier } })).toBe(TARGET);
  });

  it("is what the user asked for when there never was another", () => {
    const created = service({ taskDefinitionArn: TARGET, deployments: [deployment()] });
    expect(pinnedRevision({ service: created, state: undefined })).toBe(TARGET);
  });
});
