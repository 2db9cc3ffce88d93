import { beforeEach, describe, expect, it } from "vitest";
import { isJsonObject, type JsonObject } from "../base/json.ts";
import { ecsHarness, proxyContainer, webArn, webContainer, webDefinition, webService } from "./ecs-harness.ts";

const proxied = {
  ...webDefinition,
  containerDefinitions: [
    { ...webContainer, dependsOn: [{ containerName: "proxy", condition: "HEALTHY" }] },
    proxyContainer,
  ],
};

function first(list: unknown): JsonObject {
  const [item] = Array.isArray(list) ? list : [];
  if (!isJsonObject(item)) throw new Error("an empty list");
  return item;
}

describe("deployments in simulated ECS", () => {
  let harness: ReturnType<typeof ecsHarness>;
  beforeEach(async () => {
    harness = ecsHarness({ cloudTrail: true });
    await harness.call("CreateCluster");
    await harness.call("RegisterTaskDefinition", webDefinition);
  });
  const web = async () =>
    first((await harness.call("DescribeServices", { services: ["web"], include: ["TAGS"] })).services);
  const primary = async () => first((await web()).deployments);
  async function stoppedTask() {
    const { taskArns } = await harness.call("ListTasks", { serviceName: "web", desiredStatus: "STOPPED" });
    const tasks = Array.isArray(taskArns) ? taskArns : [];
    return first((await harness.call("DescribeTasks", { tasks })).tasks);
  }
  async function deployProxied() {
    await harness.call("RegisterTaskDefinition", proxied);
    await harness.call("UpdateService", { service: "web", taskDefinition: "web" });
  }

  it("complete at once when nothing is to run", async () => {
    await harness.call("CreateService", { ...webService, desiredCount: 0 });
    expect(await primary()).toMatchObject({ rolloutState: "COMPLETED", runningCount: 0 });
  });

  it("tell a task's way by events whose versions rise", async () => {
    await harness.call("CreateService", webService);
    await harness.clock.advance(60_000);
    await harness.call("UpdateService", { service: "web", desiredCount: 0 });
    await harness.clock.advance(60_000);
    const details = harness.eventsOf("ECS Task State Change").map(({ detail }) => detail);
    expect(details.map(({ lastStatus }) => lastStatus)).toEqual(["RUNNING", "STOPPED"]);
    expect(Number(details[1]?.version)).toBeGreaterThan(Number(details[0]?.version));
    expect(details[0]).toMatchObject({ group: "service:web", desiredStatus: "RUNNING" });
    expect(first(details[0]?.containers)).not.toHaveProperty("healthStatus");
    expect(details[1]).toMatchObject({ stopCode: "ServiceSchedulerInitiated" });
    expect(harness.changes).toEqual(["PENDING", "RUNNING healthy", "STOPPED"]);
  });

  it("end in a steady state with an event", async () => {
    await harness.call("CreateService", webService);
    await harness.clock.advance(60_000);
    const [event] = harness.eventsOf("ECS Service Action");
    expect(event).toMatchObject({
      resources: [webArn],
      detail: { eventName: "SERVICE_STEADY_STATE", eventType: "INFO" },
    });
  });

  it("run a healthy proxy before the application", async () => {
    await harness.call("CreateService", webService);
    await harness.clock.advance(60_000);
    await deployProxied();
    await harness.clock.advance(90_000);
    expect(await primary()).toMatchObject({ rolloutState: "COMPLETED" });
    const { taskArns } = await harness.call("ListTasks", { serviceName: "web" });
    const { tasks } = await harness.call("DescribeTasks", { tasks: taskArns ?? [] });
    expect(first(tasks)).toMatchObject({
      lastStatus: "RUNNING",
      healthStatus: "HEALTHY",
      containers: [
        { name: "web", lastStatus: "RUNNING", healthStatus: "UNKNOWN" },
        { name: "proxy", lastStatus: "RUNNING", healthStatus: "HEALTHY" },
      ],
    });
  });

  it("don't get on while the proxy stays unhealthy, and keep the old tasks", async () => {
    await harness.call("CreateService", webService);
    await harness.clock.advance(60_000);
    harness.faults.add({ kind: "container-unhealthy", match: { image: "proxy:1.29.0" } });
    await deployProxied();
    await harness.clock.advance(100_000);
    expect((await web()).runningCount).toBe(1);
    expect(await primary()).toMatchObject({ rolloutState: "IN_PROGRESS", runningCount: 0, failedTasks: 1 });
    expect(await stoppedTask()).toMatchObject({
      stopCode: "EssentialContainerExited",
      containers: [
        { name: "web", reason: expect.stringContaining("has timed out") },
        { name: "proxy", healthStatus: "UNHEALTHY", lastStatus: "STOPPED" },
      ],
    });
  });

  it("fail tasks whose container a fault stops, as often as the fault says", async () => {
    harness.faults.add({ kind: "task-stops", match: { service: "web", container: "web" }, count: 1 });
    await harness.call("CreateService", webService);
    await harness.clock.advance(25_000);
    expect(await stoppedTask()).toMatchObject({
      stoppedReason: "Essential container in task exited",
      containers: [{ name: "web", exitCode: 1 }],
    });
    await harness.clock.advance(90_000);
    expect(await primary()).toMatchObject({ rolloutState: "COMPLETED", failedTasks: 0 });
  });

  it("fail by the circuit breaker without a rollback when no deployment has ever completed", async () => {
    const deploymentConfiguration = { deploymentCircuitBreaker: { enable: true, rollback: true } };
    harness.faults.add({ kind: "task-stops", match: { container: "web" } });
    await harness.call("CreateService", { ...webService, deploymentConfiguration });
    await harness.clock.advance(900_000);
    expect(await primary()).toMatchObject({ rolloutState: "FAILED", failedTasks: 3, runningCount: 0 });
    const reasons = harness.eventsOf("ECS Deployment State Change").map(({ detail }) => detail.reason);
    expect(reasons).toEqual([
      expect.stringMatching(/^ECS deployment ecs-svc\/\d{19} in progress\.$/),
      "ECS deployment circuit breaker: tasks failed to start.",
    ]);
  });

  it("try failed tasks again after a delay that doubles", async () => {
    harness.faults.add({ kind: "task-stops", match: { container: "web" } });
    await harness.call("CreateService", webService);
    const launches: number[] = [];
    const seen = new Set<string>();
    for (let second = 0; second < 600; second++) {
      await harness.clock.advance(1_000);
      for (const { arn, createdAtMs } of harness.ecs.findService(webArn)?.tasks ?? []) {
        if (!seen.has(arn)) launches.push(createdAtMs);
        seen.add(arn);
      }
    }
    const stops = harness.eventsOf("ECS Task State Change").map(({ detail }) => Date.parse(String(detail.stoppedAt)));
    const delays = launches.slice(1, 6).map((launchedAtMs, index) => launchedAtMs - (stops[index] ?? 0));
    expect(delays).toEqual([5_000, 10_000, 20_000, 40_000, 80_000]);
  });

  it("never run a task that was stopped while it started", async () => {
    await harness.call("CreateService", webService);
    await harness.clock.advance(15_000);
    await harness.call("UpdateService", { service: "web", desiredCount: 0 });
    await harness.clock.advance(60_000);
    const statuses = harness.eventsOf("ECS Task State Change").map(({ detail }) => detail.lastStatus);
    expect(statuses).toEqual(["STOPPED"]);
    expect(harness.changes).toEqual(["PENDING", "STOPPED"]);
  });

  async function registerWithSecret() {
    const secrets = [{ name: "BOOTSTRAP_TOKEN", valueFrom: await harness.createSecret("token") }];
    const executionRoleArn = "arn:aws:iam::123456789012:role/exec";
    const containerDefinitions = [{ ...webContainer, secrets }];
    await harness.call("RegisterTaskDefinition", { ...webDefinition, executionRoleArn, containerDefinitions });
  }

  it.each([
    [
      "secret-denied",
      /^ResourceInitializationError: unable to pull secrets or registry auth: execution resource retrieval failed: unable to retrieve secret from asm: service call has been retried 1 time\(s\): failed to fetch secret \S+:secret:token-\S+ from secrets manager: AccessDeniedException: User: /,
    ],
    [
      "secrets-unreachable",
      /^ResourceInitializationError: unable to pull secrets or registry auth: unable to retrieve secret from asm: There is a connection issue between the task and AWS Secrets Manager\. Check your task network configuration\. failed to fetch secret \S+:secret:token-\S+ from secrets manager: .*context deadline exceeded$/,
    ],
    [
      "kms-denied",
      /^ResourceInitializationError: unable to pull secrets or registry auth: execution resource retrieval failed: .*AccessDeniedException: Access to KMS is not allowed$/,
    ],
  ] as const)("stop a task by the fault %s", async (kind, reason) => {
    await registerWithSecret();
    harness.faults.add({ kind, match: { service: "web" } });
    await harness.call("CreateService", webService);
    await harness.clock.advance(30_000);
    expect(await stoppedTask()).toMatchObject({
      stopCode: "TaskFailedToStart",
      stoppedReason: expect.stringMatching(reason),
    });
  });

  it("count a task's read of its secret once for a fault that lets some go by", async () => {
    await registerWithSecret();
    harness.faults.add({ kind: "secret-denied", skip: 3, count: 1 });
    await harness.call("CreateService", { ...webService, desiredCount: 3 });
    await harness.clock.advance(60_000);
    expect(await primary()).toMatchObject({ runningCount: 3 });
    expect(await harness.call("ListTasks", { desiredStatus: "STOPPED" })).toMatchObject({ taskArns: [] });
    await harness.call("UpdateService", { service: "web", desiredCount: 4 });
    await harness.clock.advance(30_000);
    expect((await stoppedTask()).stoppedReason).toContain("AccessDeniedException");
    expect(harness.faults.list()[0]?.struck).toBe(1);
  });

  it("show in the state with tasks and containers", async () => {
    await harness.call("CreateService", webService);
    await harness.clock.advance(60_000);
    expect(first(harness.ecs.state().services)).toMatchObject({
      serviceArn: webArn,
      runningCount: 1,
      containers: ["web"],
      deployments: [{ rolloutState: "COMPLETED" }],
      tasks: [{ lastStatus: "RUNNING", containers: [{ name: "web", lastStatus: "RUNNING" }] }],
    });
  });

  it("replace a task that somebody stops, without counting it as failed", async () => {
    await harness.call("CreateService", webService);
    await harness.clock.advance(60_000);
    const { taskArns } = await harness.call("ListTasks", { serviceName: "web" });
    const [task] = Array.isArray(taskArns) ? taskArns : [];
    await harness.call("StopTask", { task, reason: "a test" });
    await harness.clock.advance(60_000);
    expect(await stoppedTask()).toMatchObject({ stopCode: "UserInitiated", stoppedReason: "a test" });
    expect(await primary()).toMatchObject({ runningCount: 1, failedTasks: 0 });
  });

  it("give the tasks the service's tags when they are to be propagated", async () => {
    const tags = [{ key: "ecs.solo.io/namespace", value: "shop" }];
    await harness.call("CreateService", { ...webService, tags, propagateTags: "SERVICE" });
    await harness.clock.advance(60_000);
    const { taskArns } = await harness.call("ListTasks", { serviceName: "web" });
    const { tasks } = await harness.call("DescribeTasks", { tasks: taskArns ?? [], include: ["TAGS"] });
    expect(first(tasks).tags).toEqual(tags);
  });

  it("are not started by an update that changes nothing that is deployed", async () => {
    await harness.call("CreateService", webService);
    await harness.clock.advance(60_000);
    const { id } = await primary();
    await harness.call("UpdateService", { service: "web", taskDefinition: "web:1", propagateTags: "SERVICE" });
    expect(await primary()).toMatchObject({ id });
    await harness.call("UpdateService", { service: "web", forceNewDeployment: true });
    expect((await primary()).id).not.toBe(id);
  });

  it("forget stopped tasks after an hour", async () => {
    await harness.call("CreateService", webService);
    await harness.clock.advance(60_000);
    await harness.call("UpdateService", { service: "web", forceNewDeployment: true });
    await harness.clock.advance(60_000);
    await stoppedTask();
    await harness.clock.advance(3_600_000);
    const { taskArns } = await harness.call("ListTasks", { serviceName: "web", desiredStatus: "STOPPED" });
    expect(taskArns).toEqual([]);
  });

  it("end with the service", async () => {
    await harness.call("CreateService", webService);
    await harness.clock.advance(60_000);
    await expect(harness.call("DeleteService", { service: "web" })).rejects.toMatchObject({
      name: "InvalidParameterException",
    });
    await harness.call("DeleteService", { service: "web", force: true });
    expect(await web()).toMatchObject({ status: "DRAINING" });
    await harness.clock.advance(60_000);
    expect(await web()).toMatchObject({ status: "INACTIVE", runningCount: 0 });
    expect(harness.ecs.findService(webArn)).toBeUndefined();
    await expect(harness.call("UpdateService", { service: "web", desiredCount: 1 })).rejects.toMatchObject({
      name: "ServiceNotActiveException",
    });
  });

  it("of CODE_DEPLOY services show as task sets and tell no deployment events", async () => {
    await harness.call("CreateService", { ...webService, deploymentController: { type: "CODE_DEPLOY" } });
    await harness.clock.advance(60_000);
    expect(await web()).toMatchObject({
      deployments: [],
      taskSets: [{ stabilityStatus: "STEADY_STATE" }],
      runningCount: 1,
    });
    expect(harness.eventsOf("ECS Deployment State Change")).toEqual([]);
  });

  it("are idempotent by client token", async () => {
    await harness.call("CreateService", { ...webService, clientToken: "one" });
    await harness.call("CreateService", { ...webService, clientToken: "one" });
    expect(harness.ecs.allServices()).toHaveLength(1);
    await expect(harness.call("CreateService", { ...webService, clientToken: "two" })).rejects.toMatchObject({
      message: "Creation of service was not idempotent.",
    });
  });

  it("appear in CloudTrail with the request's own member names", async () => {
    await harness.call("CreateService", webService);
    await harness.call("UpdateService", { service: "web", desiredCount: 0 });
    const details = harness.eventsOf("AWS API Call via CloudTrail").map(({ detail }) => detail);
    expect(details).toEqual([
      expect.objectContaining({ eventName: "CreateService", requestParameters: webService, readOnly: false }),
      expect.objectContaining({ eventName: "UpdateService", requestParameters: { service: "web", desiredCount: 0 } }),
    ]);
  });
});

describe("task definitions in simulated ECS", () => {
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
