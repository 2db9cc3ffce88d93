import { beforeEach, describe, expect, it } from "vitest";
import { isJsonObject, type JsonObject } from "../base/json.ts";
import { ecsHarness, proxyContainer, webContainer, webDefinition, webService } from "./ecs-harness.ts";

function objects(list: unknown): readonly JsonObject[] {
  return (Array.isArray(list) ? list : []).filter(isJsonObject);
}

describe("what keeps simulated ECS from running a service", () => {
  let harness: ReturnType<typeof ecsHarness>;
  beforeEach(async () => {
    harness = ecsHarness();
    await harness.call("CreateCluster");
    await harness.call("RegisterTaskDefinition", webDefinition);
  });
  async function web(): Promise<JsonObject> {
    const [service] = objects((await harness.call("DescribeServices", { services: ["web"] })).services);
    if (!service) throw new Error("no service");
    return service;
  }
  const messages = async () => objects((await web()).events).map(({ message }) => String(message));
  const deployments = async () => objects((await web()).deployments);
  async function stoppedTask(): Promise<JsonObject> {
    const { taskArns } = await harness.call("ListTasks", { serviceName: "web", desiredStatus: "STOPPED" });
    const [task] = objects((await harness.call("DescribeTasks", { tasks: taskArns ?? [] })).tasks);
    if (!task) throw new Error("no task stopped");
    return task;
  }

  it("no room: with one task at 100 and 100 percent nothing moves, and an event says so once", async () => {
    await harness.call("CreateService", {
      ...webService,
      deploymentConfiguration: { minimumHealthyPercent: 100, maximumPercent: 100 },
    });
    await harness.clock.advance(60_000);
    await harness.call("UpdateService", { service: "web", forceNewDeployment: true });
    await harness.clock.advance(3_600_000);
    await harness.call("UpdateService", { service: "web", enableExecuteCommand: true });
    expect(await deployments()).toMatchObject([
      { status: "PRIMARY", rolloutState: "IN_PROGRESS", runningCount: 0 },
      { status: "ACTIVE", runningCount: 1 },
    ]);
    const events = (await messages()).filter((message) => message.includes("was unable to stop or start tasks"));
    expect(events).toHaveLength(1);
  });

  it("new values: an older deployment and a task that does not run yet have a status of tomorrow", async () => {
    harness.faults.add({ kind: "new-values", match: { service: "web" } });
    await harness.call("CreateService", webService);
    await harness.clock.advance(60_000);
    await harness.call("UpdateService", { service: "web", forceNewDeployment: true });
    await harness.clock.advance(3_000);
    expect(await deployments()).toMatchObject([{ status: "PRIMARY" }, { status: "RETAINED" }]);
    const { taskArns } = await harness.call("ListTasks", { serviceName: "web" });
    const tasks = async () => objects((await harness.call("DescribeTasks", { tasks: taskArns ?? [] })).tasks);
    expect((await tasks()).map(({ lastStatus }) => lastStatus).sort()).toEqual(["PREPARING", "RUNNING"]);
    harness.faults.replace([]);
    expect(await deployments()).toMatchObject([{ status: "PRIMARY" }, { status: "ACTIVE" }]);
    expect((await tasks()).map(({ lastStatus }) => lastStatus).sort()).toEqual([
      expect.stringMatching(/^(PROVISIONING|PENDING)$/),
      "RUNNING",
    ]);
  });

  it("no room: floor and ceiling of the percentages decide", async () => {
    const deploymentConfiguration = { minimumHealthyPercent: 60, maximumPercent: 140 };
    await harness.call("CreateService", { ...webService, desiredCount: 2, deploymentConfiguration });
    await harness.clock.advance(60_000);
    await harness.call("UpdateService", { service: "web", forceNewDeployment: true });
    await harness.clock.advance(600_000);
    expect(await deployments()).toMatchObject([{ runningCount: 0 }, { runningCount: 2 }]);
    await harness.call("UpdateService", {
      service: "web",
      deploymentConfiguration: { minimumHealthyPercent: 50, maximumPercent: 140 },
    });
    await harness.clock.advance(600_000);
    expect(await deployments()).toMatchObject([{ rolloutState: "COMPLETED", runningCount: 2 }]);
  });

  it("no capacity: reported by the service's events and EventBridge, and tried again", async () => {
    harness.faults.add({ kind: "no-capacity", match: { service: "web" }, count: 2 });
    await harness.call("CreateService", webService);
    expect(await messages()).toEqual([
      "(service web) was unable to place a task. Reason: Capacity is unavailable at this time. Please try again later or in a different availability zone.",
    ]);
    expect(harness.eventsOf("ECS Service Action")[0]?.detail).toMatchObject({
      eventType: "ERROR",
      eventName: "SERVICE_TASK_PLACEMENT_FAILURE",
      reason: "RESOURCE:FARGATE",
    });
    expect(await deployments()).toMatchObject([{ failedTasks: 1, runningCount: 0 }]);
    await harness.clock.advance(120_000);
    expect(await deployments()).toMatchObject([{ failedTasks: 0, rolloutState: "COMPLETED", runningCount: 1 }]);
  });

  it("no capacity on instances is a lack of memory", async () => {
    harness.faults.add({ kind: "no-capacity", count: 1 });
    const { requiresCompatibilities: _fargate, ...onInstances } = webDefinition;
    await harness.call("RegisterTaskDefinition", onInstances);
    await harness.call("CreateService", { ...webService, launchType: "EC2" });
    expect((await messages())[0]).toContain("no container instance met all of its requirements");
    expect(harness.eventsOf("ECS Service Action")[0]?.detail).toMatchObject({ reason: "RESOURCE:MEMORY" });
  });

  it("no capacity: the circuit breaker counts launches that fail, and rolls back", async () => {
    const deploymentConfiguration = { deploymentCircuitBreaker: { enable: true, rollback: true } };
    await harness.call("CreateService", { ...webService, deploymentConfiguration });
    await harness.clock.advance(60_000);
    harness.faults.add({ kind: "no-capacity" });
    await harness.call("UpdateService", { service: "web", forceNewDeployment: true });
    await harness.clock.advance(120_000);
    expect(await deployments()).toMatchObject([{ rolloutState: "COMPLETED", runningCount: 1 }]);
    const [latest] = objects((await harness.call("ListServiceDeployments", { service: "web" })).serviceDeployments);
    expect(latest).toMatchObject({ status: "ROLLBACK_SUCCESSFUL" });
  });

  it("a task that runs out of memory after its deployment completed is replaced, and no failed task", async () => {
    harness.faults.add({ kind: "task-dies", match: { container: "web" }, delaySeconds: 300, exitCode: 137, count: 1 });
    await harness.call("CreateService", webService);
    await harness.clock.advance(120_000);
    expect(await deployments()).toMatchObject([{ rolloutState: "COMPLETED", runningCount: 1 }]);
    await harness.clock.advance(240_000);
    expect(await stoppedTask()).toMatchObject({
      stopCode: "EssentialContainerExited",
      stoppedReason: "Essential container in task exited",
      containers: [{ exitCode: 137, reason: "OutOfMemoryError: Container killed due to memory usage" }],
    });
    expect(await deployments()).toMatchObject([{ failedTasks: 0, runningCount: 1, rolloutState: "COMPLETED" }]);
  });

  it("tasks that die again and again while a deployment waits for them are not counted by the circuit breaker", async () => {
    await harness.call("RegisterTaskDefinition", {
      ...webDefinition,
      containerDefinitions: [{ ...webContainer, healthCheck: { ...proxyContainer.healthCheck, interval: 60 } }],
    });
    harness.faults.add({ kind: "task-dies", delaySeconds: 5 });
    await harness.call("CreateService", {
      ...webService,
      deploymentConfiguration: { deploymentCircuitBreaker: { enable: true, rollback: true } },
    });
    await harness.clock.advance(600_000);
    expect(await deployments()).toMatchObject([{ failedTasks: 0, rolloutState: "IN_PROGRESS" }]);
  });

  async function runningTask(): Promise<JsonObject> {
    const { taskArns } = await harness.call("ListTasks", { serviceName: "web" });
    const [task] = objects((await harness.call("DescribeTasks", { tasks: taskArns ?? [] })).tasks);
    if (!task) throw new Error("no task runs");
    return task;
  }

  it("GuardDuty's agent that does not start: it is listed beside the definition's containers, and the task runs", async () => {
    const message = "CannotPullContainerError: pull image manifest has been retried 1 time(s)";
    harness.faults.add({ kind: "guardduty-agent", message });
    await harness.call("CreateService", webService);
    await harness.clock.advance(60_000);
    const { containers, lastStatus } = await runningTask();
    expect(lastStatus).toBe("RUNNING");
    expect(containers).toMatchObject([
      { name: "web", lastStatus: "RUNNING" },
      { name: expect.stringMatching(/^aws-guardduty-agent-\w{6}$/), lastStatus: "STOPPED", reason: message },
    ]);
    expect(objects(containers)[1]).not.toHaveProperty("exitCode");
    const [event] = harness.eventsOf("ECS Task State Change");
    expect(objects(event?.detail.containers)).toHaveLength(2);
    expect(await deployments()).toMatchObject([{ rolloutState: "COMPLETED" }]);
  });

  it("Service Connect: its proxy stands beside the definition's containers", async () => {
    await harness.call("CreateService", { ...webService, serviceConnectConfiguration: { enabled: true } });
    await harness.clock.advance(60_000);
    expect(objects((await runningTask()).containers).map(({ name }) => name)).toEqual([
      "web",
      expect.stringMatching(/^ecs-service-connect-/),
    ]);
  });

  it("a subnet with IPv6 alone gives tasks no IPv4 address", async () => {
    const networkConfiguration = { awsvpcConfiguration: { subnets: ["subnet-ipv6-1"] } };
    await harness.call("CreateService", { ...webService, networkConfiguration });
    await harness.clock.advance(60_000);
    const { attachments, containers } = await runningTask();
    const names = objects(objects(attachments)[0]?.details).map(({ name }) => name);
    expect(names).toContain("privateIPv6Address");
    expect(names).not.toContain("privateIPv4Address");
    expect(objects(objects(containers)[0]?.networkInterfaces)).toEqual([
      { attachmentId: expect.any(String), ipv6Address: expect.stringMatching(/^2600:/) },
    ]);
  });
});
