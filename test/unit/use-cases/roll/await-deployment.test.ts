import { describe, expect, it } from "vitest";
import { awaitDeployment } from "../../../../shared/use-cases/roll/await-deployment.ts";
import { endedSchema } from "../../../../shared/use-cases/roll/steps.ts";
import { NAME, OBSERVED, revisionArn, web } from "../../../support/arns.ts";
import { rollTestbed } from "../../../support/testbeds/roll.ts";
import { applied } from "../../../support/testbeds/rolls.ts";

async function waiting() {
  const testbed = rollTestbed();
  const { watch } = await applied(testbed);
  testbed.executions.wait("token-1", NAME);
  const wait = (pollCount: number, executionName = NAME) =>
    awaitDeployment(web, { executionName, taskToken: "token-1", watch, pollCount }, testbed);
  const signal = (eventName: "SERVICE_DEPLOYMENT_COMPLETED" | "SERVICE_DEPLOYMENT_FAILED", deploymentId: string) =>
    testbed.ledger.recordSignal(web.serviceArn, { deploymentId, eventName, reason: "why" });
  return { testbed, watch, wait, signal };
}

describe("a roll that waits for its deployment", () => {
  it("leaves its task token in the ledger, without a call to ECS", async () => {
    const { testbed, watch, wait } = await waiting();
    testbed.ecs.services.clear();
    expect(await wait(0)).toBeUndefined();
    expect(testbed.executions.delivered).toEqual([]);
    expect((await testbed.ledger.getService(web.serviceArn))?.roll).toMatchObject({
      taskToken: "token-1",
      deploymentId: watch.deploymentId,
      targetRevisionArn: watch.targetRevisionArn,
      revisionBeforeArn: OBSERVED,
    });
  });

  it("keeps its lease as long as it waits, and waits as long as the service's strategy may take", async () => {
    const testbed = rollTestbed({ service: { strategyMinutes: 600 } });
    const { watch } = await applied(testbed);
    const { deploymentDeadlineMinutes, leaseMinutes } = testbed.config.policy;
    expect(watch.deadlineMs).toBe(testbed.clock.nowMs + (deploymentDeadlineMinutes + 600) * 60_000);
    testbed.executions.wait("token-1", NAME);
    for (let poll = 0; poll < 20; poll += 1) {
      testbed.clock.nowMs += 30 * 60_000;
      const waiting = await awaitDeployment(
        web,
        { executionName: NAME, taskToken: "token-1", watch, pollCount: 1 },
        testbed,
      );
      expect(waiting, `after ${poll * 30 + 30} minutes`).toBeUndefined();
      const lease = (await testbed.ledger.getService(web.serviceArn))?.roll?.leaseUntil;
      expect(lease).toBe(testbed.clock.nowMs + leaseMinutes * 60_000);
    }
  });

  it("goes on at once when the deployment's event came first", async () => {
    const { testbed, watch, wait, signal } = await waiting();
    await signal("SERVICE_DEPLOYMENT_COMPLETED", watch.deploymentId);
    expect(await wait(0)).toEqual({ verdict: "succeeded", code: null, detail: "" });
    expect(testbed.executions.delivered).toEqual([
      { taskToken: "token-1", output: { verdict: "succeeded", code: null, detail: "" } },
    ]);
  });

  it("fails at once when the event that came first says so", async () => {
    const { watch, wait, signal } = await waiting();
    await signal("SERVICE_DEPLOYMENT_FAILED", watch.deploymentId);
    expect(await wait(0)).toEqual({ verdict: "failed", code: "deployment-failed", detail: "why" });
  });

  it("does not take another deployment's event for its own", async () => {
    const { wait, signal } = await waiting();
    await signal("SERVICE_DEPLOYMENT_COMPLETED", "ecs-svc/other");
    expect(await wait(0)).toBeUndefined();
  });

  it("asks ECS from the first poll on", async () => {
    const { testbed, wait } = await waiting();
    expect(await wait(1)).toBeUndefined();
    testbed.ecs.complete();
    expect(await wait(2)).toMatchObject({ verdict: "succeeded" });
    expect(testbed.executions.delivered).toHaveLength(1);
  });

  it("is superseded when somebody deployed another revision", async () => {
    const { testbed, wait } = await waiting();
    testbed.ecs.deploy(revisionArn("web", 9));
    expect(await wait(1)).toMatchObject({ verdict: "superseded", code: "superseded" });
  });

  it("fails at its deadline, with a text that says what it means", async () => {
    const { testbed, watch, wait } = await waiting();
    testbed.clock.nowMs = watch.deadlineMs - 1;
    expect(await wait(1)).toBeUndefined();
    testbed.clock.nowMs = watch.deadlineMs;
    const ended = await wait(1);
    expect(ended).toEqual({
      verdict: "failed",
      code: "deployment-deadline",
      detail: "The deployment did not complete before the deadline. 0 of 2 tasks run.",
    });
    expect(endedSchema.parse(ended)).toEqual(ended);
  });

  it("ends as superseded when another roll has its lease", async () => {
    const { testbed, wait } = await waiting();
    expect(await wait(0, "another-roll")).toMatchObject({ verdict: "superseded", code: "roll-in-progress" });
    expect(testbed.executions.delivered).toHaveLength(1);
    expect((await testbed.ledger.getService(web.serviceArn))?.roll?.taskToken).toBeUndefined();
  });
});
