import { beforeEach, describe, expect, it } from "vitest";
import { isJsonObject, type JsonObject } from "../base/json.ts";
import { ACCOUNT, ecsHarness, REGION, webArn, webDefinition, webService } from "./ecs-harness.ts";

const HOUR = 3_600_000;
const clusterArn = `arn:aws:ecs:${REGION}:${ACCOUNT}:cluster/default`;
const revisionArn = (number: number) => `arn:aws:ecs:${REGION}:${ACCOUNT}:task-definition/web:${number}`;

function first(list: unknown): JsonObject {
  const [item] = Array.isArray(list) ? list : [];
  if (!isJsonObject(item)) throw new Error("an empty list");
  return item;
}

describe("what is deleted in simulated ECS", () => {
  let harness: ReturnType<typeof ecsHarness>;
  beforeEach(async () => {
    harness = ecsHarness();
    await harness.call("CreateCluster");
    await harness.call("RegisterTaskDefinition", webDefinition);
  });
  const deleteService = () => harness.call("DeleteService", { service: "web", force: true });
  const describeWeb = () => harness.call("DescribeServices", { services: ["web"] });

  describe("a cluster", () => {
    it("stays while it has services or tasks", async () => {
      await harness.call("CreateService", webService);
      await harness.clock.advance(HOUR);
      await expect(harness.call("DeleteCluster", { cluster: "default" })).rejects.toMatchObject({
        name: "ClusterContainsServicesException",
        message: "The Cluster cannot be deleted while Services are active.",
      });
      await deleteService();
      await expect(harness.call("DeleteCluster", { cluster: "default" })).rejects.toMatchObject({
        name: "ClusterContainsTasksException",
        message: "The Cluster cannot be deleted while Tasks are active.",
      });
      await harness.clock.advance(HOUR);
      expect(await harness.call("DeleteCluster", { cluster: "default" })).toMatchObject({
        cluster: { status: "INACTIVE" },
      });
    });

    it("is INACTIVE for a day, in no list, and its services are out of reach; then it is MISSING", async () => {
      await harness.call("CreateService", { ...webService, desiredCount: 0 });
      await deleteService();
      await harness.call("DeleteCluster", { cluster: "default" });
      expect(await harness.call("ListClusters")).toEqual({ clusterArns: [] });
      expect(await harness.call("DescribeClusters")).toMatchObject({
        clusters: [{ clusterArn, status: "INACTIVE" }],
        failures: [],
      });
      for (const call of [describeWeb(), harness.call("ListServices"), harness.call("CreateService", webService)]) {
        await expect(call).rejects.toMatchObject({ name: "ClusterNotFoundException", message: "Cluster not found." });
      }
      await harness.clock.advance(24 * HOUR);
      expect(await harness.call("DescribeClusters")).toMatchObject({
        clusters: [],
        failures: [{ arn: clusterArn, reason: "MISSING" }],
      });
    });

    it("can be created again under its name, without its services", async () => {
      await harness.call("CreateService", { ...webService, desiredCount: 0 });
      await deleteService();
      await harness.call("DeleteCluster", { cluster: "default" });
      await harness.call("CreateCluster");
      expect(await harness.call("ListClusters")).toEqual({ clusterArns: [clusterArn] });
      expect(await describeWeb()).toMatchObject({ services: [], failures: [{ arn: webArn, reason: "MISSING" }] });
    });

    it("that is deleted between two pages makes a list skip none of the others", async () => {
      for (const clusterName of ["one", "two"]) await harness.call("CreateCluster", { clusterName });
      const { nextToken } = await harness.call("ListClusters", { maxResults: 2 });
      await harness.call("DeleteCluster", { cluster: "default" });
      const { clusterArns } = await harness.call("ListClusters", { maxResults: 2, nextToken: nextToken ?? "" });
      expect(clusterArns).toEqual([clusterArn.replace("default", "two")]);
    });
  });

  describe("a service", () => {
    it("drains in no list, then is INACTIVE without deployments for a day, then MISSING", async () => {
      await harness.call("CreateService", webService);
      await harness.clock.advance(HOUR);
      await deleteService();
      expect(await harness.call("ListServices")).toEqual({ serviceArns: [] });
      expect(await describeWeb()).toMatchObject({ services: [{ status: "DRAINING", desiredCount: 0 }] });
      await expect(harness.call("CreateService", webService)).rejects.toMatchObject({
        message: "Unable to Start a service that is still Draining.",
      });
      await harness.clock.advance(HOUR);
      expect(await describeWeb()).toMatchObject({ services: [{ status: "INACTIVE", deployments: [] }], failures: [] });
      await expect(harness.call("UpdateService", { service: "web", desiredCount: 1 })).rejects.toMatchObject({
        name: "ServiceNotActiveException",
      });
      await harness.clock.advance(24 * HOUR);
      expect(await describeWeb()).toMatchObject({ services: [], failures: [{ arn: webArn, reason: "MISSING" }] });
      await expect(harness.call("UpdateService", { service: "web", desiredCount: 1 })).rejects.toMatchObject({
        name: "ServiceNotFoundException",
      });
    });

    it("is another one when it is created again: same ARN, later createdAt, tags of its own", async () => {
      await harness.call("CreateService", { ...webService, tags: [{ key: "team", value: "shop" }] });
      const before = first((await describeWeb()).services);
      await harness.clock.advance(HOUR);
      await deleteService();
      await harness.clock.advance(HOUR);
      await harness.call("CreateService", webService);
      const input = { services: ["web"], include: ["TAGS"] };
      const after = first((await harness.call("DescribeServices", input)).services);
      expect(after).toMatchObject({ serviceArn: webArn, status: "ACTIVE", tags: [] });
      expect(Number(after.createdAt)).toBeGreaterThan(Number(before.createdAt));
    });
  });

  describe("a task definition", () => {
    const status = async () => {
      const { taskDefinition } = await harness.call("DescribeTaskDefinition", { taskDefinition: "web:1" });
      return isJsonObject(taskDefinition) ? taskDefinition.status : undefined;
    };

    it("has to be deregistered first", async () => {
      const taskDefinitions = ["web:1", "web:7"];
      expect(await harness.call("DeleteTaskDefinitions", { taskDefinitions })).toEqual({
        taskDefinitions: [],
        failures: [
          {
            arn: revisionArn(1),
            reason:
              "The specified task definition is still in ACTIVE status. Please deregister the target and try again.",
          },
          { arn: revisionArn(7), reason: "The specified task definition does not exist." },
        ],
      });
      expect(await status()).toBe("ACTIVE");
    });

    it("is DELETE_IN_PROGRESS while a service runs it, and deployed no more", async () => {
      await harness.call("CreateService", webService);
      await harness.call("DeregisterTaskDefinition", { taskDefinition: "web:1" });
      expect(await status()).toBe("INACTIVE");
      await harness.call("DeleteTaskDefinitions", { taskDefinitions: ["web:1"] });
      await harness.clock.advance(48 * HOUR);
      expect(await status()).toBe("DELETE_IN_PROGRESS");
      const update = { service: "web", taskDefinition: "web:1", forceNewDeployment: true };
      await expect(harness.call("UpdateService", update)).rejects.toMatchObject({
        name: "ClientException",
        message: "TaskDefinition is inactive",
      });
      expect(await harness.call("UpdateService", { service: "web", desiredCount: 2 })).toMatchObject({
        service: { desiredCount: 2 },
      });
      await deleteService();
      await harness.clock.advance(HOUR);
      await expect(status()).rejects.toMatchObject({ message: "Unable to describe task definition." });
      const families = await harness.call("ListTaskDefinitionFamilies", { status: "ALL" });
      expect(families).toEqual({ families: [] });
    });

    it("keeps its number: the next revision is a later one", async () => {
      await harness.call("DeregisterTaskDefinition", { taskDefinition: "web:1" });
      await harness.call("DeleteTaskDefinitions", { taskDefinitions: ["web:1"] });
      await harness.clock.advance(2 * HOUR);
      expect(await harness.call("RegisterTaskDefinition", webDefinition)).toMatchObject({
        taskDefinition: { taskDefinitionArn: revisionArn(2) },
      });
    });
  });
});
