import { beforeEach, describe, expect, it } from "vitest";
import { ecsHarness, webDefinition, webService } from "./ecs-harness.ts";

const names = (count: number) => Array.from({ length: count }, (_, index) => `name-${index}`);
const revisions = (count: number) => Array.from({ length: count }, (_, index) => `web:${index + 1}`);

describe("the limits of simulated ECS", () => {
  let harness: ReturnType<typeof ecsHarness>;
  beforeEach(async () => {
    harness = ecsHarness();
    await harness.call("CreateCluster");
    await harness.call("RegisterTaskDefinition", webDefinition);
  });

  it.each([
    { call: "DescribeServices", most: 10, input: (count: number) => ({ services: names(count) }) },
    { call: "DescribeTasks", most: 100, input: (count: number) => ({ tasks: names(count) }) },
    { call: "DescribeClusters", most: 100, input: (count: number) => ({ clusters: names(count) }) },
    { call: "DeleteTaskDefinitions", most: 10, input: (count: number) => ({ taskDefinitions: revisions(count) }) },
  ])("$call takes $most at most", async ({ call, most, input }) => {
    expect((await harness.call(call, input(most))).failures).toHaveLength(most);
    await expect(harness.call(call, input(most + 1))).rejects.toMatchObject({ name: "InvalidParameterException" });
  });

  it.each([
    ["ListClusters", 100],
    ["ListServices", 100],
    ["ListTasks", 100],
    ["ListTaskDefinitions", 100],
  ])("%s has pages of 1 to %d", async (call, most) => {
    await harness.call(call, { maxResults: most });
    for (const maxResults of [0, most + 1]) {
      await expect(harness.call(call, { maxResults })).rejects.toMatchObject({ name: "InvalidParameterException" });
    }
  });

  it("names have 1 to 255 letters, digits, hyphens and underscores", async () => {
    const longest = "n".repeat(255);
    await harness.call("CreateCluster", { clusterName: longest });
    await harness.call("CreateService", { ...webService, serviceName: longest });
    for (const name of ["", `${longest}n`, "shop.web", "shop/web", "größe"]) {
      const refused = { name: "InvalidParameterException" };
      await expect(harness.call("CreateCluster", { clusterName: name })).rejects.toMatchObject(refused);
      await expect(harness.call("CreateService", { ...webService, serviceName: name })).rejects.toMatchObject(refused);
    }
  });
});
