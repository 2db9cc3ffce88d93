import { describe, expect, it } from "vitest";
import { serviceRef } from "../../../shared/base/arn.ts";
import type { Json, JsonObject } from "../../../shared/base/json.ts";
import { ecsGateway } from "../../../shared/gateways/aws/ecs.ts";
import { homePlace, type WireAnswer, type WireCall, wire } from "../../support/wire.ts";

const PREFIX = "arn:aws:ecs:us-east-1:111111111111";
const ref = serviceRef(`${PREFIX}:service/ecs-demo/web`);
const clusterArn = `${PREFIX}:cluster/ecs-demo`;

const service = {
  serviceArn: ref.serviceArn,
  serviceName: "web",
  clusterArn,
  status: "ACTIVE",
  launchType: "FARGATE",
  platformVersion: "LATEST",
  desiredCount: 2,
  taskDefinition: `${PREFIX}:task-definition/web:7`,
  deployments: [
    {
      id: "ecs-svc/2",
      status: "PRIMARY",
      taskDefinition: `${PREFIX}:task-definition/web:7`,
      rolloutState: "IN_PROGRESS",
      rolloutStateReason: "in progress",
      failedTasks: 1,
      desiredCount: 2,
      runningCount: 1,
      createdAt: 1784000000,
    },
    { id: "ecs-svc/1", status: "ACTIVE", taskDefinition: `${PREFIX}:task-definition/web:6`, desiredCount: 2 },
  ],
  tags: [{ key: "ztunnel-autopilot/enroll", value: "true" }, { key: "empty" }],
} satisfies JsonObject;

function gateway(answer: (call: WireCall, index: number) => WireAnswer, nowMs = { value: 0 }) {
  const aws = wire(answer);
  const options = { now: () => nowMs.value, taskDefinitionCacheSize: 2, clusterTtlMs: 1_000 };
  return { aws, ecs: ecsGateway(aws.clients.at(homePlace), options) };
}

const answering = (...services: Json[]) => gateway(() => ({ body: { services, failures: [] } }));
const observed = async (shape: Json) => answering(shape).ecs.describeService(ref);

describe("a described service", () => {
  it("has the members that decisions need", async () => {
    const { aws, ecs } = answering(service);
    expect(await ecs.describeService(ref)).toEqual({
      ref,
      status: "ACTIVE",
      taskDefinitionArn: `${PREFIX}:task-definition/web:7`,
      deploymentController: "ECS",
      deploymentStrategy: "ROLLING",
      hasPauseHook: false,
      strategyMinutes: 0,
      schedulingStrategy: "REPLICA",
      deploymentPercents: { minimumHealthy: 100, maximum: 200 },
      placementExpressions: [],
      resourceManagement: "CUSTOMER",
      usesServiceConnect: false,
      launchType: "FARGATE",
      platformVersion: "LATEST",
      desiredCount: 2,
      propagateTags: "NONE",
      deployments: [
        {
          id: "ecs-svc/2",
          status: "PRIMARY",
          taskDefinitionArn: `${PREFIX}:task-definition/web:7`,
          rolloutState: "IN_PROGRESS",
          rolloutStateReason: "in progress",
          failedTasks: 1,
          desiredCount: 2,
          runningCount: 1,
        },
        {
          id: "ecs-svc/1",
          status: "ACTIVE",
          taskDefinitionArn: `${PREFIX}:task-definition/web:6`,
          rolloutState: undefined,
          rolloutStateReason: undefined,
          failedTasks: 0,
          desiredCount: 2,
          runningCount: 0,
        },
      ],
      tags: { "ztunnel-autopilot/enroll": "true", empty: "" },
    });
    expect(aws.calls[0]?.input).toEqual({ cluster: clusterArn, services: ["web"], include: ["TAGS"] });
  });

  it.each([{}, { type: null }])("without a controller's type is one of ECS's own: %j", async (deploymentController) => {
    expect(await observed({ ...service, deploymentController })).toMatchObject({ deploymentController: "ECS" });
  });

  it("has its strategy, and whether a hook pauses it", async () => {
    const deploymentConfiguration = {
      strategy: "BLUE_GREEN",
      lifecycleHooks: [{ targetType: "PAUSE", lifecycleStages: ["POST_SCALE_UP"] }],
    };
    expect(await observed({ ...service, deploymentConfiguration })).toMatchObject({
      deploymentStrategy: "BLUE_GREEN",
      hasPauseHook: true,
    });
  });

  const PAUSE = { targetType: "PAUSE", lifecycleStages: ["POST_SCALE_UP"] };
  it.each([
    ["nothing", {}, 0],
    ["a bake time", { strategy: "BLUE_GREEN", bakeTimeInMinutes: 30 }, 30],
    ["AWS's steps", { strategy: "LINEAR" }, 60],
    ["steps", { strategy: "LINEAR", linearConfiguration: { stepPercent: 30, stepBakeTimeInMinutes: 5 } }, 20],
    ["a canary", { strategy: "CANARY", canaryConfiguration: {}, bakeTimeInMinutes: 5 }, 15],
    ["a pause without an end", { lifecycleHooks: [PAUSE] }, 1440],
    ["a pause", { lifecycleHooks: [{ ...PAUSE, timeoutConfiguration: { timeoutInMinutes: 90 } }] }, 90],
    ["a function", { lifecycleHooks: [{ targetType: "AWS_LAMBDA" }] }, 0],
  ])("knows how much longer a deployment may take with %s", async (_what, deploymentConfiguration, minutes) => {
    expect(await observed({ ...service, deploymentConfiguration })).toMatchObject({ strategyMinutes: minutes });
  });

  it.each([
    ["FARGATE_SPOT", "FARGATE"],
    ["my-instances", "EC2"],
  ])("with the capacity provider %s has the launch type %s", async (capacityProvider, launchType) => {
    const { launchType: _, ...rest } = service;
    expect(await observed({ ...rest, capacityProviderStrategy: [{ capacityProvider, weight: 1 }] })).toMatchObject({
      launchType,
    });
  });

  it("of an external controller has the task definition of its primary task set", async () => {
    const { deployments: _, taskDefinition: __, ...rest } = service;
    const taskSets = [
      { status: "ACTIVE", taskDefinition: "web:1" },
      { status: "PRIMARY", taskDefinition: "web:2" },
    ];
    expect(await observed({ ...rest, deploymentController: { type: "EXTERNAL" }, taskSets })).toMatchObject({
      deploymentController: "EXTERNAL",
      taskDefinitionArn: "web:2",
    });
  });

  it.each<[string, Record<string, unknown>]>([
    ["a deployment controller without a type", { deploymentController: {} }],
    ["capacity providers without a name", { capacityProviderStrategy: [{ weight: 1 }] }],
    ["nulls", { desiredCount: null, tags: null, deployments: null, deploymentConfiguration: null }],
    ["values that are new", { launchType: "NEW", deploymentConfiguration: { strategy: "NEW" } }],
  ])("is read with %s, so that it does not spoil its region", async (_what, odd) => {
    const { ecs } = gateway(() => ({ body: { services: [{ ...service, ...odd }, service] } }));
    expect(await ecs.describeServices("shop", ["odd", "web"])).toHaveLength(2);
  });

  it("that doesn't exist is an error with a code", async () => {
    const { ecs } = gateway(() => ({
      body: { services: [], failures: [{ arn: ref.serviceArn, reason: "MISSING" }] },
    }));
    await expect(ecs.describeService(ref)).rejects.toMatchObject({ code: "service-not-found" });
  });

  it("in a cluster that doesn't exist is the same error", async () => {
    const { ecs } = gateway(() => ({ error: "ClusterNotFoundException" }));
    await expect(ecs.describeService(ref)).rejects.toMatchObject({ code: "service-not-found" });
  });

  it("is not treated as missing after another error", async () => {
    const { ecs } = gateway(() => ({
      body: { services: [], failures: [{ arn: ref.serviceArn, reason: "ACCESS_DENIED" }] },
    }));
    await expect(ecs.describeService(ref)).rejects.toMatchObject({ code: "aws-rejected" });
    await expect(ecs.describeServices(clusterArn, ["web"])).rejects.toMatchObject({ code: "aws-rejected" });
  });

  it("is left out of a list if it is missing, has a short ARN or no task definition", async () => {
    const short = { ...service, serviceArn: `${PREFIX}:service/web` };
    const { deployments: _, taskDefinition: __, ...empty } = service;
    const { ecs } = gateway(() => ({
      body: { services: [short, empty, service], failures: [{ arn: "x", reason: "MISSING" }] },
    }));
    expect(await ecs.describeServices(clusterArn, ["a", "b", "web"])).toHaveLength(1);
  });

  it.each([
    ["ThrottlingException", 400, "throttled"],
    ["ServerException", 500, "aws-unavailable"],
    ["AccessDeniedException", 400, "access-denied"],
    ["InvalidParameterException", 400, "aws-rejected"],
  ])("has its own error code after a %s", async (error, status, code) => {
    const { ecs } = gateway(() => ({ error, status }));
    await expect(ecs.describeService(ref)).rejects.toMatchObject({ code, cause: { name: error } });
  });
});

describe("a described task definition", () => {
  const definition = (name: string): WireAnswer => ({
    body: { taskDefinition: { taskDefinitionArn: `${PREFIX}:task-definition/${name}` } },
  });
  const byName = ({ input }: WireCall) => definition(String(input.taskDefinition).split("/").at(-1) ?? "");
  const arnOf = (name: string) => `${PREFIX}:task-definition/${name}`;

  it("is read once, unless `fresh` is set", async () => {
    const { aws, ecs } = gateway(byName);
    await ecs.describeTaskDefinition(arnOf("web:1"));
    await ecs.describeTaskDefinition(arnOf("web:1"));
    expect(aws.calls).toHaveLength(1);
    await ecs.describeTaskDefinition(arnOf("web:1"), { fresh: true });
    expect(aws.calls).toHaveLength(2);
  });

  it("is removed from the cache when it is the least recently used one", async () => {
    const { aws, ecs } = gateway(byName);
    for (const name of ["web:1", "web:2", "web:1", "web:3", "web:1"]) await ecs.describeTaskDefinition(arnOf(name));
    expect(aws.calls).toHaveLength(3);
    await ecs.describeTaskDefinition(arnOf("web:2"));
    expect(aws.calls).toHaveLength(4);
  });

  it("that doesn't exist is an error with a code, and undefined as a family's latest", async () => {
    const { ecs } = gateway(() => ({ error: "ClientException", message: "Unable to describe task definition." }));
    await expect(ecs.describeTaskDefinition("web:1")).rejects.toMatchObject({ code: "task-definition-not-found" });
    expect(await ecs.describeLatestTaskDefinition("web")).toBeUndefined();
  });

  it("takes any other ClientException for what it says: the task definition may be there", async () => {
    const { ecs } = gateway(() => ({ error: "ClientException", message: "The account is being closed." }));
    const refused = { code: "aws-rejected", detail: expect.stringContaining("The account is being closed.") };
    await expect(ecs.describeTaskDefinition("web:1")).rejects.toMatchObject(refused);
    await expect(ecs.describeLatestTaskDefinition("web")).rejects.toMatchObject(refused);
  });

  it("is not treated as missing after another error", async () => {
    const { ecs } = gateway(() => ({ error: "ServerException", status: 500 }));
    await expect(ecs.describeLatestTaskDefinition("web")).rejects.toMatchObject({ code: "aws-unavailable" });
  });
});

describe("an update of a service", () => {
  const taskDefinitionArn = `${PREFIX}:task-definition/web:8`;

  it("names the revision, and changes the propagation of tags only on request", async () => {
    const { aws, ecs } = gateway(() => ({ body: { service } }));
    const updated = await ecs.updateService(ref, { taskDefinitionArn });
    expect(updated.deployments[0]?.id).toBe("ecs-svc/2");
    await ecs.updateService(ref, { taskDefinitionArn, propagateTags: true });
    const base = { cluster: clusterArn, service: "web", taskDefinition: taskDefinitionArn };
    expect(aws.calls.map(({ input }) => input)).toEqual([base, { ...base, propagateTags: "SERVICE" }]);
  });

  it.each(["InvalidParameterException", "ServiceNotActiveException", "ClientException"])(
    "that ECS refuses with a %s is an error with ECS's message",
    async (error) => {
      const { ecs } = gateway(() => ({ error, message: "because of this" }));
      await expect(ecs.updateService(ref, { taskDefinitionArn })).rejects.toMatchObject({
        code: "update-refused",
        detail: expect.stringContaining("because of this"),
      });
    },
  );
});

describe("a cluster", () => {
  const cluster: WireAnswer = { body: { clusters: [{ clusterArn, tags: [{ key: "a", value: "b" }] }] } };

  it("is cached for its time, and read again after a change of its tags", async () => {
    const nowMs = { value: 0 };
    const { aws, ecs } = gateway(({ operation }) => (operation === "DescribeClusters" ? cluster : { body: {} }), nowMs);
    const reads = () => aws.operations().filter((operation) => operation === "DescribeClusters").length;
    expect(await ecs.describeCluster(clusterArn)).toEqual({ clusterArn, tags: { a: "b" } });
    nowMs.value = 999;
    await ecs.describeCluster(clusterArn);
    expect(reads()).toBe(1);
    nowMs.value = 1_000;
    await ecs.describeCluster(clusterArn);
    expect(reads()).toBe(2);
    await ecs.tagResource(clusterArn, { "ecs.solo.io/discovery-enabled": "true" });
    await ecs.describeCluster(clusterArn);
    expect(reads()).toBe(3);
    await ecs.untagResource(clusterArn, ["a"]);
    await ecs.describeCluster(clusterArn);
    expect(reads()).toBe(4);
  });

  it("that doesn't exist is an error, not an empty set of tags", async () => {
    const { ecs } = gateway(() => ({ body: { clusters: [], failures: [{ arn: clusterArn, reason: "MISSING" }] } }));
    await expect(ecs.describeCluster(clusterArn)).rejects.toMatchObject({ code: "service-not-found" });
  });
});

describe("lists", () => {
  async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
    const all: T[] = [];
    for await (const item of items) all.push(item);
    return all;
  }

  it("have all pages, with services that can't have tags", async () => {
    const { aws, ecs } = gateway(({ input }) =>
      input.nextToken === "2"
        ? { body: { serviceArns: [`${PREFIX}:service/short`, `${PREFIX}:service/ecs-demo/b`] } }
        : { body: { serviceArns: [`${PREFIX}:service/ecs-demo/a`], nextToken: "2" } },
    );
    expect(await collect(ecs.listServices(clusterArn))).toEqual([
      `${PREFIX}:service/ecs-demo/a`,
      `${PREFIX}:service/short`,
      `${PREFIX}:service/ecs-demo/b`,
    ]);
    expect(aws.calls[0]?.input).toEqual({ cluster: clusterArn, maxResults: 100 });
  });

  it("fail when a later page fails", async () => {
    const { ecs } = gateway((_call, index) =>
      index === 0 ? { body: { clusterArns: ["a"], nextToken: "2" } } : { error: "AccessDeniedException" },
    );
    await expect(collect(ecs.listClusters())).rejects.toMatchObject({ code: "access-denied" });
  });
});

describe("a service's tasks", () => {
  it("are described a hundred at a time, without missing ones", async () => {
    const { aws, ecs } = gateway(({ input }) => {
      const arns = Array.isArray(input.tasks) ? input.tasks.map(String) : [];
      const tasks = arns.slice(1).map((taskArn) => ({ taskArn, taskDefinitionArn: "web:7", lastStatus: "RUNNING" }));
      return { body: { tasks, failures: [{ arn: arns[0] ?? "", reason: "MISSING" }] } };
    });
    const arns = Array.from({ length: 250 }, (_, index) => `task-${index}`);
    expect(await ecs.describeTasks(clusterArn, arns)).toHaveLength(247);
    expect(aws.calls.map(({ input }) => (Array.isArray(input.tasks) ? input.tasks.length : 0))).toEqual([100, 100, 50]);
    expect(await ecs.describeTasks(clusterArn, [])).toEqual([]);
  });

  it("have their address, their health and the reason why they stopped", async () => {
    const task = {
      taskArn: "task-1",
      taskDefinitionArn: "web:7",
      lastStatus: "STOPPED",
      stopCode: "EssentialContainerExited",
      stoppedReason: "Essential container in task exited",
      healthStatus: "UNHEALTHY",
      attachments: [
        {
          type: "ElasticNetworkInterface",
          details: [
            { name: "subnetId", value: "subnet-1" },
            { name: "privateIPv4Address", value: "10.0.1.163" },
          ],
        },
      ],
      containers: [{ name: "ztunnel", lastStatus: "STOPPED", exitCode: 1, reason: "boom", healthStatus: "UNHEALTHY" }],
    };
    const { ecs } = gateway(() => ({ body: { tasks: [task] } }));
    const { attachments: _, ...rest } = task;
    expect(await ecs.describeTasks(clusterArn, ["task-1"])).toEqual([
      { ...rest, privateIpv4Address: "10.0.1.163", tags: {} },
    ]);
  });

  it("are listed by their desired status, on all pages", async () => {
    const { aws, ecs } = gateway((_call, index) =>
      index === 0 ? { body: { taskArns: ["a"], nextToken: "2" } } : { body: { taskArns: ["b"] } },
    );
    expect(await ecs.listTasks(ref, "STOPPED")).toEqual(["a", "b"]);
    expect(aws.calls[0]?.input).toMatchObject({ serviceName: "web", cluster: clusterArn, desiredStatus: "STOPPED" });
  });
});
