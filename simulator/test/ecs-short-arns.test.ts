import { beforeEach, describe, expect, it } from "vitest";
import { ACCOUNT, ecsHarness, REGION, webDefinition, webService } from "./ecs-harness.ts";

const shortArn = `arn:aws:ecs:${REGION}:${ACCOUNT}:service/web`;
const tags = [{ key: "team", value: "shop" }];

describe("a service from the time of short ARNs", () => {
  let harness: ReturnType<typeof ecsHarness>;
  beforeEach(async () => {
    harness = ecsHarness({ shortArns: ({ name }) => name === "web" });
    await harness.call("CreateCluster");
    await harness.call("CreateCluster", { clusterName: "other" });
    await harness.call("RegisterTaskDefinition", webDefinition);
    await harness.call("CreateService", webService);
    await harness.clock.advance(60_000);
  });

  it("has one in every answer and event, as its tasks have", async () => {
    expect(await harness.call("ListServices")).toEqual({ serviceArns: [shortArn] });
    for (const services of [["web"], [shortArn]]) {
      expect(await harness.call("DescribeServices", { services })).toMatchObject({
        services: [{ serviceArn: shortArn }],
        failures: [],
      });
    }
    const { taskArns } = await harness.call("ListTasks", { serviceName: shortArn });
    expect(taskArns).toEqual([expect.stringMatching(/^arn:aws:ecs:us-east-1:123456789012:task\/[0-9a-f]{32}$/)]);
    expect(await harness.call("DescribeTasks", { tasks: taskArns ?? [] })).toMatchObject({
      tasks: [{ containers: [{ containerArn: expect.stringMatching(/:container\/[0-9a-f]{32}\/\w+$/) }] }],
    });
    for (const type of ["ECS Deployment State Change", "ECS Service Action"])
      expect(harness.eventsOf(type)[0]?.resources).toEqual([shortArn]);
    const { serviceDeployments } = await harness.call("ListServiceDeployments", { service: shortArn });
    expect(serviceDeployments).toMatchObject([{ serviceArn: shortArn, status: "SUCCESSFUL" }]);
  });

  it("shares it with one of its name in another cluster", async () => {
    await harness.call("CreateService", { ...webService, cluster: "other" });
    for (const cluster of ["default", "other"]) {
      expect(await harness.call("ListServices", { cluster })).toEqual({ serviceArns: [shortArn] });
      expect(await harness.call("DescribeServices", { cluster, services: [shortArn] })).toMatchObject({
        services: [{ clusterArn: expect.stringContaining(`cluster/${cluster}`) }],
      });
    }
    expect(harness.ecs.allServices()).toHaveLength(2);
  });

  it("can have no tags, and hand none on", async () => {
    const refused = (message: string) => ({ name: "InvalidParameterException", message });
    await expect(harness.call("TagResource", { resourceArn: shortArn, tags })).rejects.toMatchObject(
      refused("Long arn format must be used for tagging operations"),
    );
    await expect(harness.call("CreateService", { ...webService, cluster: "other", tags })).rejects.toMatchObject(
      refused(
        "The new ARN and resource ID format must be enabled to add tags to the service. Opt in to the new format and try again.",
      ),
    );
    await expect(harness.call("UpdateService", { service: "web", propagateTags: "SERVICE" })).rejects.toMatchObject(
      refused(
        "The new ARN and resource ID format must be enabled to propagate tags. Opt in to the new format and try again.",
      ),
    );
  });
});
