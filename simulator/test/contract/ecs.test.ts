import {
  CreateClusterCommand,
  CreateServiceCommand,
  DescribeServiceDeploymentsCommand,
  DescribeServicesCommand,
  DescribeTaskDefinitionCommand,
  DescribeTasksCommand,
  ECSClient,
  ListServiceDeploymentsCommand,
  ListServicesCommand,
  ListTasksCommand,
  RegisterTaskDefinitionCommand,
  TagResourceCommand,
  UpdateServiceCommand,
} from "@aws-sdk/client-ecs";
import { beforeEach, describe, expect, it } from "vitest";
import { Ecs } from "../../aws/ecs/ecs.ts";
import { VirtualClock } from "../../clock/virtual-clock.ts";
import type { AwsEvent } from "../../core/event.ts";
import { Simulator } from "../../core/simulator.ts";
import { inProcessRequestHandler } from "../../http/in-process.ts";
import { startServer } from "../../http/server.ts";

const START_MS = Date.UTC(2026, 10, 21);
const NETWORK = { awsvpcConfiguration: { subnets: ["subnet-1"], securityGroups: ["sg-1"] } };
const credentials = { accessKeyId: "210987654321", secretAccessKey: "secret" };

function harness() {
  const clock = new VirtualClock(START_MS);
  const events: AwsEvent[] = [];
  const secretProblems = new Map<string, string>();
  let seed = 7;
  const random = () => {
    seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
    return seed / 2 ** 31;
  };
  const simulator = new Simulator({ clock, random });
  const { faults, handle, router } = simulator;
  simulator.add((context) => new Ecs(context));
  simulator.context.events.subscribe((event) => events.push(event));
  simulator.context.secretReader.provide({
    canRead({ valueFrom }) {
      const reason = secretProblems.get(valueFrom);
      return reason === undefined ? { ok: true } : { ok: false, reason };
    },
  });
  const client = new ECSClient({
    region: "eu-west-1",
    endpoint: "http://simulator",
    credentials,
    maxAttempts: 1,
    requestHandler: inProcessRequestHandler(handle),
  });
  return { clock, faults, events, secretProblems, router, handle, client };
}

const container = { name: "web", image: "nginx:1", cpu: 256, memory: 512 };
const definition = {
  family: "web",
  networkMode: "awsvpc" as const,
  requiresCompatibilities: ["FARGATE" as const],
  cpu: "256",
  memory: "512",
  executionRoleArn: "arn:aws:iam::210987654321:role/exec",
  containerDefinitions: [container],
};
const service = {
  cluster: "prod",
  serviceName: "web",
  taskDefinition: "web",
  desiredCount: 2,
  launchType: "FARGATE" as const,
  networkConfiguration: NETWORK,
};

describe("Simulated ECS, through the AWS SDK", () => {
  let here: ReturnType<typeof harness>;
  beforeEach(async () => {
    here = harness();
    await here.client.send(new CreateClusterCommand({ clusterName: "prod" }));
    await here.client.send(new RegisterTaskDefinitionCommand(definition));
  });

  async function describeWeb() {
    const { services } = await here.client.send(
      new DescribeServicesCommand({ cluster: "prod", services: ["web"], include: ["TAGS"] }),
    );
    const [web] = services ?? [];
    if (!web) throw new Error("no service");
    return web;
  }
  const deploymentEvents = () =>
    here.events
      .filter((event) => event["detail-type"] === "ECS Deployment State Change")
      .map(({ detail }) => detail.eventName);

  it("completes a service's first deployment within a minute of its time", async () => {
    const { service: created } = await here.client.send(new CreateServiceCommand(service));
    expect(created?.deployments?.[0]).toMatchObject({
      status: "PRIMARY",
      rolloutState: "IN_PROGRESS",
      runningCount: 0,
    });
    expect(created?.serviceArn).toBe("arn:aws:ecs:eu-west-1:210987654321:service/prod/web");

    await here.clock.advance(60_000);
    const web = await describeWeb();
    expect(web.deployments).toHaveLength(1);
    expect(web.deployments?.[0]).toMatchObject({ rolloutState: "COMPLETED", runningCount: 2, failedTasks: 0 });
    expect(web.deployments?.[0]?.id).toMatch(/^ecs-svc\/\d{19}$/);
    expect(web.createdAt).toEqual(new Date(START_MS));
    expect(deploymentEvents()).toEqual(["SERVICE_DEPLOYMENT_IN_PROGRESS", "SERVICE_DEPLOYMENT_COMPLETED"]);
  });

  it("replaces the tasks of the old revision, keeping the desired count healthy", async () => {
    await here.client.send(new CreateServiceCommand(service));
    await here.clock.advance(60_000);
    await here.client.send(
      new RegisterTaskDefinitionCommand({ ...definition, containerDefinitions: [{ ...container, image: "nginx:2" }] }),
    );
    const { service: updated } = await here.client.send(
      new UpdateServiceCommand({ cluster: "prod", service: "web", taskDefinition: "web:2" }),
    );
    expect(updated?.deployments?.map(({ status }) => status)).toEqual(["PRIMARY", "ACTIVE"]);
    for (let second = 0; second < 60; second++) {
      await here.clock.advance(1_000);
      expect((await describeWeb()).runningCount).toBeGreaterThanOrEqual(2);
    }
    const web = await describeWeb();
    expect(web.deployments).toHaveLength(1);
    expect(web.taskDefinition).toBe("arn:aws:ecs:eu-west-1:210987654321:task-definition/web:2");
    const { taskArns } = await here.client.send(new ListTasksCommand({ cluster: "prod", serviceName: "web" }));
    const { tasks } = await here.client.send(new DescribeTasksCommand({ cluster: "prod", tasks: taskArns }));
    expect(tasks?.map((task) => task.taskDefinitionArn)).toEqual([web.taskDefinition, web.taskDefinition]);
    const stopped = await here.client.send(
      new ListTasksCommand({ cluster: "prod", serviceName: "web", desiredStatus: "STOPPED" }),
    );
    expect(stopped.taskArns).toHaveLength(2);
  });

  it("never completes a deployment that another one replaces", async () => {
    await here.client.send(new CreateServiceCommand(service));
    await here.clock.advance(5_000);
    await here.client.send(new UpdateServiceCommand({ cluster: "prod", service: "web", forceNewDeployment: true }));
    await here.clock.advance(90_000);
    expect(deploymentEvents()).toEqual([
      "SERVICE_DEPLOYMENT_IN_PROGRESS",
      "SERVICE_DEPLOYMENT_IN_PROGRESS",
      "SERVICE_DEPLOYMENT_COMPLETED",
    ]);
    const { serviceDeployments } = await here.client.send(
      new ListServiceDeploymentsCommand({ cluster: "prod", service: "web" }),
    );
    expect(serviceDeployments?.map(({ status }) => status)).toEqual(["SUCCESSFUL", "STOPPED"]);
  });

  it("rolls back to the last completed deployment when the circuit breaker trips", async () => {
    const deploymentConfiguration = { deploymentCircuitBreaker: { enable: true, rollback: true } };
    await here.client.send(new CreateServiceCommand({ ...service, desiredCount: 1, deploymentConfiguration }));
    await here.clock.advance(60_000);
    const before = await describeWeb();
    const broken = { ...definition, containerDefinitions: [{ ...container, image: "nginx:broken" }] };
    await here.client.send(new RegisterTaskDefinitionCommand(broken));
    await here.client.send(new UpdateServiceCommand({ cluster: "prod", service: "web", taskDefinition: "web" }));
    await here.clock.advance(600_000);
    const after = await describeWeb();
    expect(after.taskDefinition).toBe(before.taskDefinition);
    expect(after.deployments?.map(({ id }) => id)).toEqual(before.deployments?.map(({ id }) => id));
    expect(deploymentEvents().slice(2)).toEqual([
      "SERVICE_DEPLOYMENT_IN_PROGRESS",
      "SERVICE_DEPLOYMENT_FAILED",
      "SERVICE_DEPLOYMENT_IN_PROGRESS",
      "SERVICE_DEPLOYMENT_COMPLETED",
    ]);
    const { serviceDeployments } = await here.client.send(
      new DescribeServiceDeploymentsCommand({ serviceDeploymentArns: [after.currentServiceDeployment ?? ""] }),
    );
    expect(serviceDeployments?.[0]).toMatchObject({
      status: "ROLLBACK_SUCCESSFUL",
      deploymentCircuitBreaker: { status: "TRIGGERED", threshold: 3 },
    });
  });

  it("retries for as long as it takes when there is no circuit breaker", async () => {
    const broken = { ...definition, containerDefinitions: [{ ...container, image: "nginx:broken" }] };
    await here.client.send(new RegisterTaskDefinitionCommand(broken));
    await here.client.send(new CreateServiceCommand({ ...service, desiredCount: 1 }));
    await here.clock.advance(600_000);
    const [deployment] = (await describeWeb()).deployments ?? [];
    expect(deployment).toMatchObject({ rolloutState: "IN_PROGRESS", runningCount: 0 });
    expect(deployment?.failedTasks).toBeGreaterThan(3);
    expect(deploymentEvents()).toEqual(["SERVICE_DEPLOYMENT_IN_PROGRESS"]);
  });

  it("stops a task that cannot read its secret, with AWS's reason", async () => {
    const valueFrom = "arn:aws:secretsmanager:eu-west-1:210987654321:secret:token-AbCdEf:::0123";
    here.secretProblems.set(
      valueFrom,
      "ResourceNotFoundException: Secrets Manager can't find the specified secret value",
    );
    const withSecret = { ...container, secrets: [{ name: "TOKEN", valueFrom }] };
    await here.client.send(new RegisterTaskDefinitionCommand({ ...definition, containerDefinitions: [withSecret] }));
    await here.client.send(new CreateServiceCommand({ ...service, desiredCount: 1 }));
    await here.clock.advance(60_000);
    const { taskArns } = await here.client.send(
      new ListTasksCommand({ cluster: "prod", serviceName: "web", desiredStatus: "STOPPED" }),
    );
    const { tasks } = await here.client.send(new DescribeTasksCommand({ cluster: "prod", tasks: taskArns }));
    expect(tasks?.[0]).toMatchObject({ stopCode: "TaskFailedToStart", lastStatus: "STOPPED" });
    expect(tasks?.[0]?.stoppedReason).toMatch(
      /^ResourceInitializationError: unable to pull secrets or registry auth.*ResourceNotFoundException/,
    );
    expect(tasks?.[0]?.startedAt).toBeUndefined();
  });

  it("pages services by 10, or by as many as asked for, each exactly once", async () => {
    for (let index = 0; index < 23; index++) {
      await here.client.send(new CreateServiceCommand({ ...service, serviceName: `web-${index}`, desiredCount: 0 }));
    }
    const pages: number[] = [];
    const arns = new Set<string>();
    let nextToken: string | undefined;
    do {
      const page = await here.client.send(new ListServicesCommand({ cluster: "prod", nextToken }));
      pages.push(page.serviceArns?.length ?? 0);
      for (const arn of page.serviceArns ?? []) arns.add(arn);
      nextToken = page.nextToken;
    } while (nextToken !== undefined);
    expect(pages).toEqual([10, 10, 3]);
    expect(arns.size).toBe(23);
    const tooMany = new ListServicesCommand({ cluster: "prod", maxResults: 101 });
    await expect(here.client.send(tooMany)).rejects.toMatchObject({ name: "InvalidParameterException" });
  });

  it("throttles registrations after a burst of 20, then lets one pass each second", async () => {
    const send = () => here.client.send(new RegisterTaskDefinitionCommand(definition));
    const outcomes = await Promise.allSettled(Array.from({ length: 25 }, send));
    const refused = outcomes.filter(({ status }) => status === "rejected");
    expect(refused).toHaveLength(6);
    expect(refused[0]).toMatchObject({ reason: { name: "ThrottlingException", $metadata: { httpStatusCode: 400 } } });
    await here.clock.advance(1_000);
    await expect(send()).resolves.toBeDefined();
    await expect(send()).rejects.toMatchObject({ name: "ThrottlingException" });
  });

  it("answers with AWS's errors", async () => {
    await here.client.send(new CreateServiceCommand({ ...service, deploymentController: { type: "CODE_DEPLOY" } }));
    const refusals: readonly [Promise<unknown>, string, RegExp][] = [
      [here.client.send(new DescribeServicesCommand({ services: ["web"] })), "ClusterNotFoundException", /not found/],
      [
        here.client.send(new UpdateServiceCommand({ cluster: "prod", service: "nobody" })),
        "ServiceNotFoundException",
        /not found/,
      ],
      [
        here.client.send(new UpdateServiceCommand({ cluster: "prod", service: "web", taskDefinition: "web:1" })),
        "InvalidParameterException",
        /^Unable to update task definition on services with a CODE_DEPLOY deployment controller/,
      ],
      [
        here.client.send(new DescribeTaskDefinitionCommand({ taskDefinition: "other" })),
        "ClientException",
        /^Unable to describe task definition\.$/,
      ],
      [
        here.client.send(new RegisterTaskDefinitionCommand({ ...definition, family: "" })),
        "ClientException",
        /^Family should not be null or empty/,
      ],
      [
        here.client.send(new CreateServiceCommand({ ...service, serviceName: "b", networkConfiguration: undefined })),
        "InvalidParameterException",
        /^Network Configuration must be provided/,
      ],
      [
        here.client.send(
          new TagResourceCommand({
            resourceArn: "arn:aws:ecs:eu-west-1:210987654321:service/web",
            tags: [{ key: "a", value: "b" }],
          }),
        ),
        "InvalidParameterException",
        /^Long arn format/,
      ],
    ];
    for (const [refusal, name, message] of refusals) {
      const expected = { name, message: expect.stringMatching(message), $metadata: { httpStatusCode: 400 } };
      await expect(refusal).rejects.toMatchObject(expected);
    }
  });

  it("names services that it does not find, and refuses more than ten", async () => {
    const { failures } = await here.client.send(new DescribeServicesCommand({ cluster: "prod", services: ["nobody"] }));
    expect(failures).toEqual([{ arn: "arn:aws:ecs:eu-west-1:210987654321:service/prod/nobody", reason: "MISSING" }]);
    const eleven = Array.from({ length: 11 }, (_, index) => `s${index}`);
    const tooMany = new DescribeServicesCommand({ cluster: "prod", services: eleven });
    await expect(here.client.send(tooMany)).rejects.toMatchObject({ name: "InvalidParameterException" });
  });

  it("keeps members that it does not know", async () => {
    const headers = {
      "x-amz-target": "AmazonEC2ContainerServiceV20141113.RegisterTaskDefinition",
      authorization: "AWS4-HMAC-SHA256 Credential=210987654321/20261121/eu-west-1/ecs/aws4_request, Signature=0",
    };
    const futuristic = {
      ...definition,
      family: "future",
      quantumMode: { qubits: 3 },
      containerDefinitions: [{ ...container, moodLighting: ["dim"] }],
    };
    await here.handle({ method: "POST", path: "/", query: {}, headers, body: JSON.stringify(futuristic) });
    const response = await here.handle({
      method: "POST",
      path: "/",
      query: {},
      headers: { ...headers, "x-amz-target": "AmazonEC2ContainerServiceV20141113.DescribeTaskDefinition" },
      body: JSON.stringify({ taskDefinition: "future:1" }),
    });
    expect(JSON.parse(response.body)).toMatchObject({
      taskDefinition: { quantumMode: { qubits: 3 }, containerDefinitions: [{ moodLighting: ["dim"] }] },
    });
  });

  it("speaks the same over HTTP", async () => {
    const server = await startServer({ port: 0, handle: here.handle });
    const client = new ECSClient({
      region: "eu-west-1",
      endpoint: `http://127.0.0.1:${server.port}`,
      credentials,
      maxAttempts: 1,
    });
    try {
      await client.send(new CreateServiceCommand(service));
      await here.clock.advance(60_000);
      const { services } = await client.send(new DescribeServicesCommand({ cluster: "prod", services: ["web"] }));
      expect(services?.[0]?.deployments?.[0]?.rolloutState).toBe("COMPLETED");
      const unknown = client.send(new UpdateServiceCommand({ cluster: "prod", service: "nobody" }));
      await expect(unknown).rejects.toMatchObject({
        name: "ServiceNotFoundException",
        $metadata: { httpStatusCode: 400 },
      });
    } finally {
      client.destroy();
      await server.close();
    }
  });
});
