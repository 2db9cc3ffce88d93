import { describe, expect, it } from "vitest";
import { awaitDeployment } from "../../../../shared/use-cases/roll/await-deployment.ts";
import { signalDeployment } from "../../../../shared/use-cases/roll/signal-deployment.ts";
import { NAME, OBSERVED, revisionArn, web } from "../../../support/arns.ts";
import { type RollTestbed, rollTestbed } from "../../../support/testbeds/roll.ts";
import { applied } from "../../../support/testbeds/rolls.ts";

type Event = Parameters<typeof signalDeployment>[0];

const deploymentEvent = (
  deploymentId: string,
  eventName: Extract<Event, { kind: "deployment" }>["eventName"] = "SERVICE_DEPLOYMENT_COMPLETED",
): Event => ({ kind: "deployment", serviceArn: web.serviceArn, deploymentId, eventName, reason: "why" });

const stopped = (taskDefinitionArn: string): Event => ({
  kind: "task-stopped",
  serviceArn: web.serviceArn,
  taskArn: "task",
  taskDefinitionArn,
  containers: [],
  stopCode: undefined,
  stoppedReason: undefined,
});

async function waiting() {
  const testbed = rollTestbed();
  const { watch } = await applied(testbed);
  testbed.executions.wait("token-1", NAME);
  await awaitDeployment(web, { executionName: NAME, taskToken: "token-1", watch, pollCount: 0 }, testbed);
  return { testbed, watch };
}

const tell = (testbed: RollTestbed, event: Event) => signalDeployment(event, { ...testbed, ecs: () => testbed.ecs });

describe("the end of a deployment", () => {
  it("is passed on to the roll that waits for it, without a call to ECS", async () => {
    const { testbed, watch } = await waiting();
    testbed.ecs.services.clear();
    expect(await tell(testbed, deploymentEvent(watch.deploymentId))).toBe("delivered");
    expect(testbed.executions.delivered).toEqual([
      { taskToken: "token-1", output: { verdict: "succeeded", code: null, detail: "" } },
    ]);
  });

  it("is passed on once, even if its event comes twice", async () => {
    const { testbed, watch } = await waiting();
    await tell(testbed, deploymentEvent(watch.deploymentId));
    expect(await tell(testbed, deploymentEvent(watch.deploymentId))).toBe("deferred");
    expect(testbed.executions.delivered).toHaveLength(1);
  });

  it("that failed is passed on with ECS's reason", async () => {
    const { testbed, watch } = await waiting();
    await tell(testbed, deploymentEvent(watch.deploymentId, "SERVICE_DEPLOYMENT_FAILED"));
    expect(testbed.executions.delivered[0]?.output).toEqual({
      verdict: "failed",
      code: "deployment-failed",
      detail: "why",
    });
  });

  it("is recorded for a roll that does not wait yet, which finds it then", async () => {
    const testbed = rollTestbed();
    const { watch } = await applied(testbed);
    testbed.executions.wait("token-1", NAME);
    expect(await tell(testbed, deploymentEvent(watch.deploymentId))).toBe("deferred");
    const roll = { executionName: NAME, taskToken: "token-1", watch, pollCount: 0 };
    expect(await awaitDeployment(web, roll, testbed)).toMatchObject({ verdict: "succeeded" });
  });

  it("by somebody else makes one check: the roll is superseded", async () => {
    const { testbed } = await waiting();
    testbed.ecs.deploy(revisionArn("web", 9));
    expect(await tell(testbed, deploymentEvent(testbed.ecs.primary().id))).toBe("delivered");
    expect(testbed.executions.delivered[0]?.output).toMatchObject({ verdict: "superseded" });
  });

  it("that came late, of the deployment before, changes nothing", async () => {
    const { testbed } = await waiting();
    expect(await tell(testbed, deploymentEvent("ecs-svc/old"))).toBe("deferred");
    expect(testbed.executions.delivered).toEqual([]);
  });

  it("is unheard where no roll is", async () => {
    const testbed = rollTestbed();
    expect(await tell(testbed, deploymentEvent("ecs-svc/1"))).toBe("unheard");
    expect(await testbed.ledger.getService(web.serviceArn)).toBeUndefined();
  });
});

describe("the start of a deployment", () => {
  it("is unheard when it is the roll's own", async () => {
    const { testbed, watch } = await waiting();
    testbed.ecs.services.clear();
    expect(await tell(testbed, deploymentEvent(watch.deploymentId, "SERVICE_DEPLOYMENT_IN_PROGRESS"))).toBe("unheard");
  });

  it("by somebody else supersedes the roll", async () => {
    const { testbed } = await waiting();
    testbed.ecs.deploy(revisionArn("web", 9));
    const event = deploymentEvent(testbed.ecs.primary().id, "SERVICE_DEPLOYMENT_IN_PROGRESS");
    expect(await tell(testbed, event)).toBe("delivered");
  });

  it("is unheard where no roll is", async () => {
    expect(await tell(rollTestbed(), deploymentEvent("ecs-svc/1", "SERVICE_DEPLOYMENT_IN_PROGRESS"))).toBe("unheard");
  });
});

describe("a stopped task", () => {
  it("of the new revision makes one check, which ends the roll when too many have stopped", async () => {
    const { testbed, watch } = await waiting();
    expect(await tell(testbed, stopped(watch.targetRevisionArn))).toBe("deferred");
    const { failedTasksLimit } = testbed.config.policy;
    testbed.ecs.change({ deployments: [{ ...testbed.ecs.primary(), failedTasks: failedTasksLimit }] });
    expect(await tell(testbed, stopped(watch.targetRevisionArn))).toBe("delivered");
    expect(testbed.executions.delivered[0]?.output).toMatchObject({ verdict: "failed", code: "tasks-stopping" });
  });

  it("of the revision before is unheard, without a call to ECS", async () => {
    const { testbed } = await waiting();
    testbed.ecs.services.clear();
    expect(await tell(testbed, stopped(OBSERVED))).toBe("unheard");
  });

  it("does not end a roll for its deadline: the waiting step judges that", async () => {
    const { testbed, watch } = await waiting();
    testbed.clock.nowMs = watch.deadlineMs + 1;
    expect(await tell(testbed, stopped(watch.targetRevisionArn))).toBe("deferred");
  });
});
