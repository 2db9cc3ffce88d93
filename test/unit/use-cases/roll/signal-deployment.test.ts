import { describe, expect, it } from "vitest";
import { awaitDeployment } from "../../../../shared/use-cases/roll/await-deployment.ts";
import { signalDeployment } from "../../../../shared/use-cases/roll/signal-deployment.ts";
import type { RollWorld } from "../../../support/fakes.ts";
import { OBSERVED, rollWorld, web } from "../../../support/fakes.ts";
import { applied, NAME } from "../../../support/rolls.ts";

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
  const world = rollWorld();
  const { watch } = await applied(world);
  world.executions.wait("token-1", NAME);
  await awaitDeployment(web, { executionName: NAME, taskToken: "token-1", watch, pollCount: 0 }, world);
  return { world, watch };
}

const tell = (world: RollWorld, event: Event) => signalDeployment(event, { ...world, ecs: () => world.ecs });

describe("the end of a deployment", () => {
  it("is passed on to the roll that waits for it, without a call to ECS", async () => {
    const { world, watch } = await waiting();
    world.ecs.services.clear();
    expect(await tell(world, deploymentEvent(watch.deploymentId))).toBe("delivered");
    expect(world.executions.delivered).toEqual([
      { taskToken: "token-1", output: { verdict: "succeeded", code: null, detail: "" } },
    ]);
  });

  it("is passed on once, however often it comes", async () => {
    const { world, watch } = await waiting();
    await tell(world, deploymentEvent(watch.deploymentId));
    expect(await tell(world, deploymentEvent(watch.deploymentId))).toBe("noted");
    expect(world.executions.delivered).toHaveLength(1);
  });

  it("that failed is passed on with ECS's reason", async () => {
    const { world, watch } = await waiting();
    await tell(world, deploymentEvent(watch.deploymentId, "SERVICE_DEPLOYMENT_FAILED"));
    expect(world.executions.delivered[0]?.output).toEqual({
      verdict: "failed",
      code: "deployment-failed",
      detail: "why",
    });
  });

  it("is recorded for a roll that does not wait yet, which finds it then", async () => {
    const world = rollWorld();
    const { watch } = await applied(world);
    world.executions.wait("token-1", NAME);
    expect(await tell(world, deploymentEvent(watch.deploymentId))).toBe("noted");
    const roll = { executionName: NAME, taskToken: "token-1", watch, pollCount: 0 };
    expect(await awaitDeployment(web, roll, world)).toMatchObject({ verdict: "succeeded" });
  });

  it("by somebody else makes one check: the roll is superseded", async () => {
    const { world } = await waiting();
    world.ecs.deploy(OBSERVED.replace(":7", ":9"));
    expect(await tell(world, deploymentEvent(world.ecs.primary().id))).toBe("delivered");
    expect(world.executions.delivered[0]?.output).toMatchObject({ verdict: "superseded" });
  });

  it("that came late, of the deployment before, changes nothing", async () => {
    const { world } = await waiting();
    expect(await tell(world, deploymentEvent("ecs-svc/old"))).toBe("noted");
    expect(world.executions.delivered).toEqual([]);
  });

  it("is unheard where no roll is", async () => {
    const world = rollWorld();
    expect(await tell(world, deploymentEvent("ecs-svc/1"))).toBe("unheard");
    expect(await world.ledger.getService(web.serviceArn)).toBeUndefined();
  });
});

describe("the start of a deployment", () => {
  it("is unheard when it is the roll's own", async () => {
    const { world, watch } = await waiting();
    world.ecs.services.clear();
    expect(await tell(world, deploymentEvent(watch.deploymentId, "SERVICE_DEPLOYMENT_IN_PROGRESS"))).toBe("unheard");
  });

  it("by somebody else supersedes the roll", async () => {
    const { world } = await waiting();
    world.ecs.deploy(OBSERVED.replace(":7", ":9"));
    const event = deploymentEvent(world.ecs.primary().id, "SERVICE_DEPLOYMENT_IN_PROGRESS");
    expect(await tell(world, event)).toBe("delivered");
  });

  it("is unheard where no roll is", async () => {
    expect(await tell(rollWorld(), deploymentEvent("ecs-svc/1", "SERVICE_DEPLOYMENT_IN_PROGRESS"))).toBe("unheard");
  });
});

describe("a stopped task", () => {
  it("of the new revision makes one check, which ends the roll when too many have stopped", async () => {
    const { world, watch } = await waiting();
    expect(await tell(world, stopped(watch.targetRevisionArn))).toBe("noted");
    const { failedTasksLimit } = world.config.policy;
    world.ecs.change({ deployments: [{ ...world.ecs.primary(), failedTasks: failedTasksLimit }] });
    expect(await tell(world, stopped(watch.targetRevisionArn))).toBe("delivered");
    expect(world.executions.delivered[0]?.output).toMatchObject({ verdict: "failed", code: "tasks-stopping" });
  });

  it("of the revision before is unheard, without a call to ECS", async () => {
    const { world } = await waiting();
    world.ecs.services.clear();
    expect(await tell(world, stopped(OBSERVED))).toBe("unheard");
  });

  it("does not end a roll for its deadline: the waiting step judges that", async () => {
    const { world, watch } = await waiting();
    world.clock.nowMs = watch.deadlineMs + 1;
    expect(await tell(world, stopped(watch.targetRevisionArn))).toBe("noted");
  });
});
