import { beforeEach, describe, expect, it } from "vitest";
import { isJsonObject, type JsonObject } from "../json.ts";
import { ecsHarness, webArn, webContainer, webDefinition, webService, ztunnelContainer } from "./ecs-harness.ts";

const meshed = {
  ...webDefinition,
  containerDefinitions: [
    { ...webContainer, dependsOn: [{ containerName: "ztunnel", condition: "HEALTHY" }] },
    ztunnelContainer,
  ],
};

function first(list: unknown): JsonObject {
  const [item] = Array.isArray(list) ? list : [];
  if (!isJsonObject(item)) throw new Error("an empty list");
  return item;
}

describe("deployments in the lab's ECS", () => {
  let lab: ReturnType<typeof ecsHarness>;
  beforeEach(async () => {
    lab = ecsHarness({ cloudTrail: true });
    await lab.call("CreateCluster");
    await lab.call("RegisterTaskDefinition", webDefinition);
  });
  const web = async () =>
    first((await lab.call("DescribeServices", { services: ["web"], include: ["TAGS"] })).services);
  const primary = async () => first((await web()).deployments);
  async function stoppedTask() {
    const { taskArns } = await lab.call("ListTasks", { serviceName: "web", desiredStatus: "STOPPED" });
    const tasks = Array.isArray(taskArns) ? taskArns : [];
    return first((await lab.call("DescribeTasks", { tasks })).tasks);
  }
  async function deployMeshed() {
    await lab.call("RegisterTaskDefinition", meshed);
    await lab.call("UpdateService", { service: "web", taskDefinition: "web" });
  }

  it("complete at once when nothing is to run", async () => {
    await lab.call("CreateService", { ...webService, desiredCount: 0 });
    expect(await primary()).toMatchObject({ rolloutState: "COMPLETED", runningCount: 0 });
  });

  it("tell a task's way by events whose versions rise", async () => {
    await lab.call("CreateService", webService);
    await lab.clock.advance(60_000);
    await lab.call("UpdateService", { service: "web", desiredCount: 0 });
    await lab.clock.advance(60_000);
    const details = lab.eventsOf("ECS Task State Change").map(({ detail }) => detail);
    expect(details.map(({ lastStatus }) => lastStatus)).toEqual(["RUNNING", "STOPPED"]);
    expect(Number(details[1]?.version)).toBeGreaterThan(Number(details[0]?.version));
    expect(details[0]).toMatchObject({ group: "service:web", desiredStatus: "RUNNING" });
    expect(first(details[0]?.containers)).not.toHaveProperty("healthStatus");
    expect(details[1]).toMatchObject({ stopCode: "ServiceSchedulerInitiated" });
    expect(lab.changes).toEqual(["RUNNING healthy", "STOPPED"]);
  });

  it("end in a steady state that is told", async () => {
    await lab.call("CreateService", webService);
    await lab.clock.advance(60_000);
    const [event] = lab.eventsOf("ECS Service Action");
    expect(event).toMatchObject({
      resources: [webArn],
      detail: { eventName: "SERVICE_STEADY_STATE", eventType: "INFO" },
    });
  });

  it("run ztunnel healthy before the application", async () => {
    await lab.call("CreateService", webService);
    await lab.clock.advance(60_000);
    await deployMeshed();
    await lab.clock.advance(90_000);
    expect(await primary()).toMatchObject({ rolloutState: "COMPLETED" });
    const { taskArns } = await lab.call("ListTasks", { serviceName: "web" });
    const { tasks } = await lab.call("DescribeTasks", { tasks: taskArns ?? [] });
    expect(first(tasks)).toMatchObject({
      lastStatus: "RUNNING",
      healthStatus: "HEALTHY",
      containers: [
        { name: "web", lastStatus: "RUNNING", healthStatus: "UNKNOWN" },
        { name: "ztunnel", lastStatus: "RUNNING", healthStatus: "HEALTHY" },
      ],
    });
  });

  it("don't get on while ztunnel stays unhealthy, and keep the old tasks", async () => {
    await lab.call("CreateService", webService);
    await lab.clock.advance(60_000);
    lab.faults.add({ kind: "ztunnel-unhealthy", match: { image: "ztunnel:1.29.0" } });
    await deployMeshed();
    await lab.clock.advance(100_000);
    expect((await web()).runningCount).toBe(1);
    expect(await primary()).toMatchObject({ rolloutState: "IN_PROGRESS", runningCount: 0, failedTasks: 1 });
    expect(await stoppedTask()).toMatchObject({
      stopCode: "EssentialContainerExited",
      containers: [
        { name: "web", reason: expect.stringContaining("has timed out") },
        { name: "ztunnel", healthStatus: "UNHEALTHY", lastStatus: "STOPPED" },
      ],
    });
  });

  it("fail tasks whose container a fault stops, as often as the fault says", async () => {
    lab.faults.add({ kind: "task-stops", match: { service: "web", container: "web" }, count: 1 });
    await lab.call("CreateService", webService);
    await lab.clock.advance(25_000);
    expect(await stoppedTask()).toMatchObject({
      stoppedReason: "Essential container in task exited",
      containers: [{ name: "web", exitCode: 1 }],
    });
    await lab.clock.advance(90_000);
    expect(await primary()).toMatchObject({ rolloutState: "COMPLETED", failedTasks: 0 });
  });

  it("fail by the circuit breaker without a way back when nothing was ever completed", async () => {
    const deploymentConfiguration = { deploymentCircuitBreaker: { enable: true, rollback: true } };
    lab.faults.add({ kind: "task-stops", match: { container: "web" } });
    await lab.call("CreateService", { ...webService, deploymentConfiguration });
    await lab.clock.advance(900_000);
    expect(await primary()).toMatchObject({ rolloutState: "FAILED", failedTasks: 3, runningCount: 0 });
    const reasons = lab.eventsOf("ECS Deployment State Change").map(({ detail }) => detail.reason);
    expect(reasons).toEqual([
      expect.stringMatching(/^ECS deployment ecs-svc\/\d{19} in progress\.$/),
      "ECS deployment circuit breaker: task failed to start.",
    ]);
  });

  it("try failed tasks again after a delay that doubles", async () => {
    lab.faults.add({ kind: "task-stops", match: { container: "web" } });
    await lab.call("CreateService", webService);
    const launches: number[] = [];
    const seen = new Set<string>();
    for (let second = 0; second < 600; second++) {
      await lab.clock.advance(1_000);
      for (const { arn, createdAtMs } of lab.ecs.findService(webArn)?.tasks ?? []) {
        if (!seen.has(arn)) launches.push(createdAtMs);
        seen.add(arn);
      }
    }
    const stops = lab.eventsOf("ECS Task State Change").map(({ detail }) => Date.parse(String(detail.stoppedAt)));
    const delays = launches.slice(1, 6).map((launchedAtMs, index) => launchedAtMs - (stops[index] ?? 0));
    expect(delays).toEqual([5_000, 10_000, 20_000, 40_000, 80_000]);
  });

  it("never run a task that was stopped while it started", async () => {
    await lab.call("CreateService", webService);
    await lab.clock.advance(15_000);
    await lab.call("UpdateService", { service: "web", desiredCount: 0 });
    await lab.clock.advance(60_000);
    const statuses = lab.eventsOf("ECS Task State Change").map(({ detail }) => detail.lastStatus);
    expect(statuses).toEqual(["STOPPED"]);
    expect(lab.changes).toEqual(["STOPPED"]);
  });

  async function registerWithSecret() {
    const secrets = [{ name: "BOOTSTRAP_TOKEN", valueFrom: await lab.createSecret("token") }];
    const executionRoleArn = "arn:aws:iam::123456789012:role/exec";
    const containerDefinitions = [{ ...webContainer, secrets }];
    await lab.call("RegisterTaskDefinition", { ...webDefinition, executionRoleArn, containerDefinitions });
  }

  it("stop a task whose secret a fault denies", async () => {
    await registerWithSecret();
    lab.faults.add({ kind: "secret-denied", match: { service: "web" } });
    await lab.call("CreateService", webService);
    await lab.clock.advance(30_000);
    const { stoppedReason } = await stoppedTask();
    expect(stoppedReason).toMatch(/^ResourceInitializationError: .*:secret:token-.*AccessDeniedException/);
  });

  it("count a task's read of its secret once for a fault that lets some go by", async () => {
    await registerWithSecret();
    lab.faults.add({ kind: "secret-denied", skip: 3, count: 1 });
    await lab.call("CreateService", { ...webService, desiredCount: 3 });
    await lab.clock.advance(60_000);
    expect(await primary()).toMatchObject({ runningCount: 3 });
    expect(await lab.call("ListTasks", { desiredStatus: "STOPPED" })).toMatchObject({ taskArns: [] });
    await lab.call("UpdateService", { service: "web", desiredCount: 4 });
    await lab.clock.advance(30_000);
    expect((await stoppedTask()).stoppedReason).toContain("AccessDeniedException");
    expect(lab.faults.list()[0]?.struck).toBe(1);
  });

  it("show in the lab's state with tasks and containers", async () => {
    await lab.call("CreateService", webService);
    await lab.clock.advance(60_000);
    expect(first(lab.ecs.state().services)).toMatchObject({
      serviceArn: webArn,
      runningCount: 1,
      containers: ["web"],
      deployments: [{ rolloutState: "COMPLETED" }],
      tasks: [{ lastStatus: "RUNNING", containers: [{ name: "web", lastStatus: "RUNNING" }] }],
    });
  });

  it("replace a task that somebody stops, without counting it as failed", async () => {
    await lab.call("CreateService", webService);
    await lab.clock.advance(60_000);
    const { taskArns } = await lab.call("ListTasks", { serviceName: "web" });
    const [task] = Array.isArray(taskArns) ? taskArns : [];
    await lab.call("StopTask", { task, reason: "a test" });
    await lab.clock.advance(60_000);
    expect(await stoppedTask()).toMatchObject({ stopCode: "UserInitiated", stoppedReason: "a test" });
    expect(await primary()).toMatchObject({ runningCount: 1, failedTasks: 0 });
  });

  it("give the tasks the service's tags when they are to be propagated", async () => {
    const tags = [{ key: "ecs.solo.io/namespace", value: "shop" }];
    await lab.call("CreateService", { ...webService, tags, propagateTags: "SERVICE" });
    await lab.clock.advance(60_000);
    const { taskArns } = await lab.call("ListTasks", { serviceName: "web" });
    const { tasks } = await lab.call("DescribeTasks", { tasks: taskArns ?? [], include: ["TAGS"] });
    expect(first(tasks).tags).toEqual(tags);
  });

  it("are not started by an update that changes nothing that is deployed", async () => {
    await lab.call("CreateService", webService);
    await lab.clock.advance(60_000);
    const { id } = await primary();
    await lab.call("UpdateService", { service: "web", taskDefinition: "web:1", propagateTags: "SERVICE" });
    expect(await primary()).toMatchObject({ id });
    await lab.call("UpdateService", { service: "web", forceNewDeployment: true });
    expect((await primary()).id).not.toBe(id);
  });

  it("forget stopped tasks after an hour", async () => {
    await lab.call("CreateService", webService);
    await lab.clock.advance(60_000);
    await lab.call("UpdateService", { service: "web", forceNewDeployment: true });
    await lab.clock.advance(60_000);
    await stoppedTask();
    await lab.clock.advance(3_600_000);
    const { taskArns } = await lab.call("ListTasks", { serviceName: "web", desiredStatus: "STOPPED" });
    expect(taskArns).toEqual([]);
  });

  it("end with the service", async () => {
    await lab.call("CreateService", webService);
    await lab.clock.advance(60_000);
    await expect(lab.call("DeleteService", { service: "web" })).rejects.toMatchObject({
      name: "InvalidParameterException",
    });
    await lab.call("DeleteService", { service: "web", force: true });
    expect(await web()).toMatchObject({ status: "DRAINING" });
    await lab.clock.advance(60_000);
    expect(await web()).toMatchObject({ status: "INACTIVE", runningCount: 0 });
    expect(lab.ecs.findService(webArn)).toBeUndefined();
    await expect(lab.call("UpdateService", { service: "web", desiredCount: 1 })).rejects.toMatchObject({
      name: "ServiceNotActiveException",
    });
  });

  it("of CODE_DEPLOY services show as task sets and tell no deployment events", async () => {
    await lab.call("CreateService", { ...webService, deploymentController: { type: "CODE_DEPLOY" } });
    await lab.clock.advance(60_000);
    expect(await web()).toMatchObject({
      deployments: [],
      taskSets: [{ stabilityStatus: "STEADY_STATE" }],
      runningCount: 1,
    });
    expect(lab.eventsOf("ECS Deployment State Change")).toEqual([]);
  });

  it("are idempotent by client token", async () => {
    await lab.call("CreateService", { ...webService, clientToken: "one" });
    await lab.call("CreateService", { ...webService, clientToken: "one" });
    expect(lab.ecs.allServices()).toHaveLength(1);
    await expect(lab.call("CreateService", { ...webService, clientToken: "two" })).rejects.toMatchObject({
      message: "Creation of service was not idempotent.",
    });
  });

  it("are told by CloudTrail with the request's own member names", async () => {
    await lab.call("CreateService", webService);
    await lab.call("UpdateService", { service: "web", desiredCount: 0 });
    const details = lab.eventsOf("AWS API Call via CloudTrail").map(({ detail }) => detail);
    expect(details).toEqual([
      expect.objectContaining({ eventName: "CreateService", requestParameters: webService, readOnly: false }),
      expect.objectContaining({ eventName: "UpdateService", requestParameters: { service: "web", desiredCount: 0 } }),
    ]);
  });
});

describe("task definitions in the lab's ECS", () => {
  it("get revisions, can be found by family, revision and ARN, and are inactive once deregistered", async () => {
    const { call } = ecsHarness();
    await call("RegisterTaskDefinition", { ...webDefinition, tags: [{ key: "a", value: "b" }] });
    await call("RegisterTaskDefinition", webDefinition);
    const arn = "arn:aws:ecs:us-east-1:123456789012:task-definition/web:1";
    const described = await call("DescribeTaskDefinition", { taskDefinition: arn, include: ["TAGS"] });
    expect(described).toMatchObject({
      taskDefinition: { revision: 1, status: "ACTIVE" },
      tags: [{ key: "a", value: "b" }],
    });
    await call("DeregisterTaskDefinition", { taskDefinition: "web:2" });
    expect(await call("DescribeTaskDefinition", { taskDefinition: "web" })).toMatchObject({
      taskDefinition: { revision: 1 },
    });
    expect(await call("ListTaskDefinitions", { familyPrefix: "web" })).toEqual({ taskDefinitionArns: [arn] });
    expect(await call("ListTaskDefinitionFamilies")).toEqual({ families: ["web"] });
    await call("CreateCluster");
    await expect(call("CreateService", { ...webService, taskDefinition: "web:2" })).rejects.toMatchObject({
      name: "ClientException",
      message: "TaskDefinition is inactive",
    });
  });

  it("return what was registered, with what ECS adds on its own", async () => {
    const { call } = ecsHarness();
    const port = { containerPort: 8080 };
    const containers = [{ ...webContainer, portMappings: [port], hint: { level: 3 } }];
    const { taskDefinition } = await call("RegisterTaskDefinition", {
      ...webDefinition,
      cpu: "1 vCPU",
      memory: "3GB",
      containerDefinitions: containers,
    });
    expect(taskDefinition).toMatchObject({
      cpu: "1024",
      memory: "3072",
      compatibilities: ["EC2", "FARGATE"],
      containerDefinitions: [
        {
          environment: [],
          portMappings: [{ containerPort: 8080, hostPort: 8080, protocol: "tcp" }],
          hint: { level: 3 },
        },
      ],
    });
  });
});
