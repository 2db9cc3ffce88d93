import {
  CreateClusterCommand,
  CreateServiceCommand,
  DeregisterTaskDefinitionCommand,
  ECSClient,
} from "@aws-sdk/client-ecs";
import { type AwsRouter, Ecs, type Faults, VirtualClock } from "@ztunnel-autopilot/simulator";
import { beforeEach, describe, expect, it } from "vitest";
import { parseServiceArn, serviceRef } from "../../shared/base/arn.ts";
import type { JsonObject } from "../../shared/base/json.ts";
import type { AwsClients } from "../../shared/gateways/aws/aws-clients.ts";
import { ecsGateway } from "../../shared/gateways/aws/ecs.ts";
import type { EcsCalls } from "../../shared/ports/ports.ts";
import { MEMBER_ACCOUNT, simulatedClients } from "../support/simulated-clients.ts";

const place = { account: MEMBER_ACCOUNT, region: "eu-west-1" };
const prefix = `arn:aws:ecs:${place.region}:${place.account}`;
const clusterArn = `${prefix}:cluster/ecs-demo`;
const ref = serviceRef(`${prefix}:service/ecs-demo/web`);

const definition: JsonObject = {
  family: "web",
  networkMode: "awsvpc",
  requiresCompatibilities: ["FARGATE"],
  cpu: "256",
  memory: "512",
  taskRoleArn: `arn:aws:iam::${place.account}:role/web`,
  executionRoleArn: `arn:aws:iam::${place.account}:role/web`,
  containerDefinitions: [{ name: "web", image: "web:1", essential: true }],
  tags: [{ key: "team", value: "mesh" }],
};

describe("ECS in an account and region", () => {
  let clock: VirtualClock;
  let faults: Faults;
  let router: AwsRouter;
  let clients: AwsClients;
  let ecs: EcsCalls;

  beforeEach(async () => {
    clock = new VirtualClock(Date.parse("2026-11-21T03:00:00Z"));
    const simulated = simulatedClients(clock);
    simulated.simulator.add((context) => new Ecs(context));
    ({ clients } = simulated);
    ({ faults, router } = simulated.simulator);
    ecs = ecsGateway(clients.at(place), { now: () => clock.now() });
    await clients
      .at(place)(ECSClient)
      .send(new CreateClusterCommand({ clusterName: "ecs-demo", tags: [{ key: "stage", value: "demo" }] }));
  });

  async function createService(serviceName: string, taskDefinition: string): Promise<void> {
    await clients
      .at(place)(ECSClient)
      .send(
        new CreateServiceCommand({
          cluster: clusterArn,
          serviceName,
          taskDefinition,
          desiredCount: 2,
          launchType: "FARGATE",
          networkConfiguration: { awsvpcConfiguration: { subnets: ["subnet-1"] } },
          tags: [{ key: "ztunnel-autopilot/enroll", value: "true" }],
        }),
      );
  }

  it("returns a registered task definition with its members and tags", async () => {
    const arn = await ecs.registerTaskDefinition(definition);
    expect(arn).toBe(`${prefix}:task-definition/web:1`);
    const described = await ecs.describeTaskDefinition(arn, { fresh: true });
    const { tags, containerDefinitions: _, ...members } = definition;
    expect(described).toMatchObject({
      taskDefinitionArn: arn,
      tags,
      raw: { ...members, status: "ACTIVE", revision: 1 },
    });
  });

  it("describes a family's latest active revision, and no revision that doesn't exist", async () => {
    expect(await ecs.describeLatestTaskDefinition("web")).toBeUndefined();
    await ecs.registerTaskDefinition(definition);
    const second = await ecs.registerTaskDefinition({ ...definition, memory: "1024" });
    expect(await ecs.describeLatestTaskDefinition("web")).toMatchObject({ taskDefinitionArn: second });
    await clients
      .at(place)(ECSClient)
      .send(new DeregisterTaskDefinitionCommand({ taskDefinition: second }));
    expect(await ecs.describeLatestTaskDefinition("web")).toMatchObject({ raw: { revision: 1 } });
    await expect(ecs.describeTaskDefinition(`${prefix}:task-definition/web:9`)).rejects.toMatchObject({
      code: "task-definition-not-found",
    });
  });

  it("refuses an invalid task definition with the reason", async () => {
    await expect(ecs.registerTaskDefinition({ ...definition, cpu: "257" })).rejects.toMatchObject({
      code: "registration-refused",
      retryable: false,
    });
  });

  it("describes a service before and after an update, and its tasks", async () => {
    const first = await ecs.registerTaskDefinition(definition);
    const second = await ecs.registerTaskDefinition({ ...definition, memory: "1024" });
    await createService("web", first);
    await clock.advance(600_000);
    expect(await ecs.describeService(ref)).toMatchObject({
      ref,
      status: "ACTIVE",
      taskDefinitionArn: first,
      deploymentController: "ECS",
      launchType: "FARGATE",
      desiredCount: 2,
      deployments: [{ status: "PRIMARY", rolloutState: "COMPLETED", runningCount: 2, failedTasks: 0 }],
      tags: { "ztunnel-autopilot/enroll": "true" },
    });
    const updated = await ecs.updateService(ref, { taskDefinitionArn: second, propagateTags: true });
    expect(updated.taskDefinitionArn).toBe(second);
    expect(updated.deployments.find(({ status }) => status === "PRIMARY")).toMatchObject({
      taskDefinitionArn: second,
      rolloutState: "IN_PROGRESS",
    });
    await clock.advance(600_000);
    const taskArns = await ecs.listTasks(ref, "RUNNING");
    const tasks = await ecs.describeTasks(clusterArn, taskArns);
    expect(tasks).toHaveLength(2);
    for (const task of tasks) {
      expect(task).toMatchObject({
        taskDefinitionArn: second,
        lastStatus: "RUNNING",
        privateIpv4Address: expect.stringMatching(/^\d+\.\d+\.\d+\.\d+$/),
        containers: [{ name: "web", lastStatus: "RUNNING" }],
      });
    }
    const stopped = await ecs.describeTasks(clusterArn, await ecs.listTasks(ref, "STOPPED"));
    expect(stopped.map(({ taskDefinitionArn, lastStatus }) => [taskDefinitionArn, lastStatus])).toEqual([
      [first, "STOPPED"],
      [first, "STOPPED"],
    ]);
  });

  it("deploys the same revision again only with forceNewDeployment", async () => {
    const taskDefinitionArn = await ecs.registerTaskDefinition(definition);
    await createService("web", taskDefinitionArn);
    await clock.advance(600_000);
    const primary = async () => (await ecs.describeService(ref)).deployments[0]?.id;
    const first = await primary();
    await ecs.updateService(ref, { taskDefinitionArn });
    expect(await primary()).toBe(first);
    await ecs.updateService(ref, { taskDefinitionArn, forceNewDeployment: true });
    expect(await primary()).not.toBe(first);
  });

  it("refuses an update to a revision, or of a service, that doesn't exist", async () => {
    const first = await ecs.registerTaskDefinition(definition);
    await createService("web", first);
    const missing = { taskDefinitionArn: `${prefix}:task-definition/web:9` };
    await expect(ecs.updateService(ref, missing)).rejects.toMatchObject({ code: "update-refused" });
    const nobody = serviceRef(`${prefix}:service/ecs-demo/nobody`);
    await expect(ecs.updateService(nobody, { taskDefinitionArn: first })).rejects.toMatchObject({
      code: "service-not-found",
    });
    await expect(ecs.describeService(nobody)).rejects.toMatchObject({ code: "service-not-found" });
    await expect(ecs.describeService(serviceRef(`${prefix}:service/nowhere/web`))).rejects.toMatchObject({
      code: "service-not-found",
    });
  });

  it("lists clusters and all pages of services, and describes ten services at once", async () => {
    const taskDefinition = await ecs.registerTaskDefinition(definition);
    const names = Array.from({ length: 103 }, (_, index) => `web-${index}`);
    for (const name of names) await createService(name, taskDefinition);
    expect(await collect(ecs.listClusters())).toEqual([clusterArn]);
    const arns = await collect(ecs.listServices(clusterArn));
    expect(arns.map((arn) => parseServiceArn(arn)?.serviceName).sort()).toEqual([...names].sort());
    const ten = await ecs.describeServices(clusterArn, [...names.slice(0, 9), "nobody"]);
    expect(ten.map(({ ref: { serviceName } }) => serviceName)).toEqual(names.slice(0, 9));
  });

  it("sets and removes tags of clusters and services", async () => {
    await createService("web", await ecs.registerTaskDefinition(definition));
    expect(await ecs.describeCluster(clusterArn)).toEqual({ clusterArn, tags: { stage: "demo" } });
    await ecs.tagResource(clusterArn, { "ecs.solo.io/discovery-enabled": "true" });
    expect((await ecs.describeCluster(clusterArn)).tags).toEqual({
      stage: "demo",
      "ecs.solo.io/discovery-enabled": "true",
    });
    await ecs.untagResource(ref.serviceArn, ["ztunnel-autopilot/enroll"]);
    expect((await ecs.describeService(ref)).tags).toEqual({});
  });

  it("waits when it registers faster than AWS allows", async () => {
    const startMs = clock.now();
    for (let revision = 1; revision <= 25; revision += 1) {
      expect(await ecs.registerTaskDefinition(definition)).toBe(`${prefix}:task-definition/web:${revision}`);
    }
    // A burst of 20, then one a second.
    expect(clock.now() - startMs).toBeGreaterThanOrEqual(4_000);
    expect(router.calls()["ecs.RegisterTaskDefinition"]).toBeGreaterThan(25);
  });

  it("registers no second revision after a server error", async () => {
    faults.replace([{ kind: "api-error", match: { call: "ecs.RegisterTaskDefinition" }, count: 1 }]);
    await expect(ecs.registerTaskDefinition(definition)).rejects.toMatchObject({
      code: "aws-unavailable",
      retryable: true,
    });
    expect(router.calls()["ecs.RegisterTaskDefinition"]).toBe(1);
  });
});

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}
