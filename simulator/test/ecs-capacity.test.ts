import { beforeEach, describe, expect, it } from "vitest";
import { isJsonObject, type JsonObject } from "../base/json.ts";
import { ecsHarness, webDefinition, webService } from "./ecs-harness.ts";

function objects(list: unknown): readonly JsonObject[] {
  return (Array.isArray(list) ? list : []).filter(isJsonObject);
}

const { launchType: _launchType, ...anywhere } = webService;
const spotAlone = [{ capacityProvider: "FARGATE_SPOT", weight: 1 }];
const mixed = [
  { capacityProvider: "FARGATE", base: 2, weight: 1 },
  { capacityProvider: "FARGATE_SPOT", weight: 3 },
];

describe("where simulated ECS runs tasks", () => {
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
  async function tasks(desiredStatus = "RUNNING"): Promise<readonly JsonObject[]> {
    const { taskArns } = await harness.call("ListTasks", { serviceName: "web", desiredStatus });
    if (!Array.isArray(taskArns) || taskArns.length === 0) return [];
    return objects((await harness.call("DescribeTasks", { tasks: taskArns })).tasks);
  }
  const messages = async () => objects((await web()).events).map(({ message }) => String(message));

  describe("a capacity provider strategy", () => {
    it("stands in a service's place of the launch type; tasks have both a provider and a launch type", async () => {
      await harness.call("CreateService", { ...anywhere, capacityProviderStrategy: spotAlone });
      await harness.clock.advance(60_000);
      const service = await web();
      expect(service).toMatchObject({ capacityProviderStrategy: spotAlone, platformVersion: "LATEST" });
      expect(service).not.toHaveProperty("launchType");
      const [deployment] = objects(service.deployments);
      expect(deployment).toMatchObject({ capacityProviderStrategy: spotAlone, platformVersion: "1.4.0" });
      expect(deployment).not.toHaveProperty("launchType");
      expect(await tasks()).toMatchObject([{ capacityProviderName: "FARGATE_SPOT", launchType: "FARGATE" }]);
      expect((await harness.call("ListTasks", { launchType: "FARGATE" })).taskArns).toHaveLength(1);
    });

    it("fills the bases first and then goes by the weights", async () => {
      await harness.call("CreateService", { ...anywhere, desiredCount: 10, capacityProviderStrategy: mixed });
      await harness.clock.advance(60_000);
      const providers = (await tasks()).map(({ capacityProviderName }) => capacityProviderName);
      expect(providers.filter((provider) => provider === "FARGATE")).toHaveLength(4);
      expect(providers.slice(0, 2)).toEqual(["FARGATE", "FARGATE"]);
    });

    it("is the cluster's default for a service that names neither", async () => {
      const defaults = { clusterName: "spot", defaultCapacityProviderStrategy: spotAlone };
      await harness.call("CreateCluster", defaults);
      const { service } = await harness.call("CreateService", { ...anywhere, cluster: "spot" });
      expect(service).toMatchObject({ capacityProviderStrategy: spotAlone });
      await expect(
        harness.call("CreateService", { ...webService, cluster: "spot", serviceName: "b" }),
      ).resolves.toEqual({
        service: expect.objectContaining({ launchType: "FARGATE" }),
      });
    });

    it("beside a launch type is refused", async () => {
      const both = { ...webService, capacityProviderStrategy: spotAlone };
      await expect(harness.call("CreateService", both)).rejects.toMatchObject({
        name: "InvalidParameterException",
        message:
          "Specifying both a launch type and capacity provider strategy is not supported. Remove one and try again.",
      });
    });

    it("takes a forced deployment to change", async () => {
      await harness.call("CreateService", webService);
      const update = { service: "web", capacityProviderStrategy: spotAlone };
      await expect(harness.call("UpdateService", update)).rejects.toMatchObject({
        name: "InvalidParameterException",
        message: expect.stringMatching(/^When switching from launch type .* you must force a new deployment\.$/),
      });
      await harness.call("UpdateService", { ...update, forceNewDeployment: true });
      await harness.clock.advance(60_000);
      expect(await web()).not.toHaveProperty("launchType");
      expect(await tasks()).toMatchObject([{ capacityProviderName: "FARGATE_SPOT" }]);
    });
  });

  describe("a Spot task that is interrupted", () => {
    it("is warned by an event, stops with its code and reason, is replaced, and does not count as failed", async () => {
      harness.faults.add({ kind: "spot-interruption", match: { service: "web" }, delaySeconds: 300, count: 1 });
      await harness.call("CreateService", { ...anywhere, capacityProviderStrategy: spotAlone });
      await harness.clock.advance(600_000);
      const stop = { stopCode: "SpotInterruption", stoppedReason: "Your Spot Task was interrupted." };
      expect(await tasks("STOPPED")).toMatchObject([{ ...stop, lastStatus: "STOPPED" }]);
      expect(await tasks()).toMatchObject([{ lastStatus: "RUNNING" }]);
      const events = harness.eventsOf("ECS Task State Change").map(({ detail }) => detail);
      const interrupted = events.filter(({ stopCode }) => stopCode === "SpotInterruption");
      expect(interrupted).toMatchObject([
        { ...stop, lastStatus: "RUNNING", desiredStatus: "STOPPED" },
        { ...stop, lastStatus: "STOPPED", desiredStatus: "STOPPED" },
      ]);
      expect((await web()).deployments).toMatchObject([{ rolloutState: "COMPLETED", failedTasks: 0, runningCount: 1 }]);
    });

    it("is one of a Spot provider: tasks on other capacity stay", async () => {
      harness.faults.add({ kind: "spot-interruption", delaySeconds: 60 });
      await harness.call("CreateService", webService);
      await harness.clock.advance(600_000);
      expect(await tasks("STOPPED")).toEqual([]);
    });
  });

  it("a daemon service may stop all of its tasks in a deployment, as no instance runs a second one", async () => {
    const { desiredCount: _count, ...daemon } = { ...anywhere, launchType: "EC2", schedulingStrategy: "DAEMON" };
    await harness.call("RegisterTaskDefinition", { ...webDefinition, requiresCompatibilities: ["EC2"] });
    await harness.call("CreateService", daemon);
    const deploymentConfiguration = { maximumPercent: 100, minimumHealthyPercent: 0 };
    expect(await web()).toMatchObject({ deploymentConfiguration });
  });

  describe("Availability Zone rebalancing", () => {
    const zones = async () => (await tasks()).map(({ availabilityZone }) => availabilityZone);

    it("is on for a new service, unless its percentages leave no room", async () => {
      await harness.call("CreateService", webService);
      expect(await web()).toMatchObject({ availabilityZoneRebalancing: "ENABLED" });
      const deploymentConfiguration = { maximumPercent: 100, minimumHealthyPercent: 0 };
      const tight = { ...webService, serviceName: "tight", deploymentConfiguration };
      expect(await harness.call("CreateService", tight)).toMatchObject({
        service: { availabilityZoneRebalancing: "DISABLED" },
      });
    });

    it("moves a task without a deployment: its successor is healthy before it stops", async () => {
      harness.faults.add({ kind: "az-rebalancing", delaySeconds: 300, count: 1 });
      await harness.call("CreateService", { ...webService, desiredCount: 2 });
      await harness.clock.advance(300_000);
      const before = objects((await web()).deployments);
      expect(await zones()).toEqual(["us-east-1a", "us-east-1a"]);
      let fewest = 2;
      for (let second = 0; second < 120; second += 1) {
        await harness.clock.advance(1_000);
        fewest = Math.min(fewest, Number((await web()).runningCount));
      }
      expect(fewest, "running at any time").toBe(2);
      expect(await zones()).toEqual(["us-east-1a", "us-east-1b"]);
      expect(await tasks("STOPPED")).toMatchObject([{ stopCode: "ServiceSchedulerInitiated" }]);
      expect(objects((await web()).deployments)).toEqual(before);
      expect((await messages()).slice(0, 4).toReversed()).toEqual([
        "(service web) is not AZ balanced with 2 tasks in us-east-1a, 0 tasks in us-east-1b. AZ Rebalancing in progress.",
        expect.stringMatching(/^\(service web\) has started 1 tasks in us-east-1b to AZ Rebalance: \(task \w+\)\.$/),
        expect.stringMatching(
          /^\(service web\) has stopped 1 running tasks in us-east-1a due to AZ rebalancing: \(task \w+\)\.$/,
        ),
        "(service web) is AZ balanced with 1 tasks in us-east-1a, 1 tasks in us-east-1b.",
      ]);
      const actions = harness.eventsOf("ECS Service Action").map(({ detail }) => detail.eventName);
      expect(actions).toEqual(["SERVICE_STEADY_STATE", "SERVICE_REBALANCING_STARTED", "SERVICE_REBALANCING_COMPLETED"]);
    });

    it("ends with a deployment that begins meanwhile, and leaves as many tasks as are desired", async () => {
      harness.faults.add({ kind: "az-rebalancing", delaySeconds: 300, count: 1 });
      await harness.call("CreateService", webService);
      await harness.clock.advance(300_000);
      while ((await tasks()).length < 2) await harness.clock.advance(1_000);
      await harness.call("UpdateService", { service: "web", forceNewDeployment: true });
      await harness.clock.advance(300_000);
      expect((await web()).deployments).toMatchObject([{ rolloutState: "COMPLETED", runningCount: 1 }]);
      expect(await tasks()).toHaveLength(1);
    });

    it("does not move tasks of a service that has it disabled", async () => {
      harness.faults.add({ kind: "az-rebalancing", delaySeconds: 60 });
      await harness.call("CreateService", { ...webService, availabilityZoneRebalancing: "DISABLED" });
      await harness.clock.advance(600_000);
      expect(await tasks("STOPPED")).toEqual([]);
    });
  });
});
