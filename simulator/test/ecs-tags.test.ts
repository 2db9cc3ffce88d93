import { beforeEach, describe, expect, it } from "vitest";
import { ACCOUNT, ecsHarness, REGION, webArn, webDefinition, webService } from "./ecs-harness.ts";

describe("tags in simulated ECS", () => {
  let harness: ReturnType<typeof ecsHarness>;
  beforeEach(async () => {
    harness = ecsHarness();
    await harness.call("CreateCluster");
    await harness.call("RegisterTaskDefinition", webDefinition);
    await harness.call("CreateService", { ...webService, desiredCount: 0, tags: [{ key: "team", value: "a" }] });
  });
  const tag = (key: string, value: string) =>
    harness.call("TagResource", { resourceArn: webArn, tags: [{ key, value }] });

  it("tell every change as an event with the keys that changed and all tags after it", async () => {
    await tag("shop/enroll", "true");
    await harness.call("UntagResource", { resourceArn: webArn, tagKeys: ["team", "unknown"] });
    const details = harness.eventsOf("Tag Change on Resource").map(({ detail }) => detail);
    expect(details).toEqual([
      expect.objectContaining({ "changed-tag-keys": ["team"], tags: { team: "a" }, version: 1 }),
      expect.objectContaining({
        "changed-tag-keys": ["shop/enroll"],
        tags: { team: "a", "shop/enroll": "true" },
        service: "ecs",
        version: 2,
      }),
      expect.objectContaining({
        "changed-tag-keys": ["team"],
        tags: { "shop/enroll": "true" },
        version: 3,
      }),
    ]);
    expect(harness.eventsOf("Tag Change on Resource")[1]).toMatchObject({ source: "aws.tag", resources: [webArn] });
  });

  it("tell nothing when a tag already has the value", async () => {
    await tag("team", "a");
    expect(harness.eventsOf("Tag Change on Resource")).toHaveLength(1);
  });

  it("belong to clusters too", async () => {
    const resourceArn = `arn:aws:ecs:${REGION}:${ACCOUNT}:cluster/default`;
    await harness.call("TagResource", { resourceArn, tags: [{ key: "a", value: "b" }] });
    const described = await harness.call("DescribeClusters", { clusters: [resourceArn], include: ["TAGS"] });
    expect(described.clusters).toEqual([expect.objectContaining({ tags: [{ key: "a", value: "b" }] })]);
    expect(harness.events.at(-1)?.resources).toEqual([resourceArn]);
  });

  it("are answered with clusters on request, as are settings, of which one is by default", async () => {
    const insights = (value: string) => [{ name: "containerInsights", value }];
    const created = await harness.call("CreateCluster", { clusterName: "plain", tags: [{ key: "a", value: "b" }] });
    expect(created.cluster).toMatchObject({ tags: [{ key: "a", value: "b" }], settings: insights("disabled") });
    const settings = insights("enhanced");
    await harness.call("CreateCluster", { clusterName: "watched", settings });
    const described = (include?: readonly string[]) =>
      harness.call("DescribeClusters", { clusters: ["plain", "watched"], ...(include && { include }) });
    expect((await described(["SETTINGS"])).clusters).toMatchObject([{ settings: insights("disabled") }, { settings }]);
    expect((await described()).clusters).toMatchObject([
      { tags: [], settings: [] },
      { tags: [], settings: [] },
    ]);
  });

  it("are refused as AWS refuses them", async () => {
    const tags = Array.from({ length: 50 }, (_, index) => ({ key: `k${index}`, value: "v" }));
    const refused = [
      tag("aws:name", "x"),
      tag("k".repeat(129), "x"),
      tag("k", "v".repeat(257)),
      tag("", "x"),
      tag("k", "no <angles>"),
      harness.call("TagResource", { resourceArn: webArn, tags }),
    ];
    for (const call of refused) await expect(call).rejects.toMatchObject({ name: "InvalidParameterException" });
    expect(await harness.call("ListTagsForResource", { resourceArn: webArn })).toEqual({
      tags: [{ key: "team", value: "a" }],
    });
  });

  it("have to be given, and are counted in characters of Unicode", async () => {
    await expect(harness.call("TagResource", { resourceArn: webArn })).rejects.toMatchObject({
      name: "InvalidParameterException",
    });
    await tag("\u{20000}".repeat(128), "\u{20001}".repeat(256));
    await expect(tag("\u{20000}".repeat(129), "x")).rejects.toMatchObject({ name: "InvalidParameterException" });
    const { tags } = await harness.call("ListTagsForResource", { resourceArn: webArn });
    expect(tags).toHaveLength(2);
  });

  it("of nothing are a named error", async () => {
    const resourceArn = `${webArn}-nobody`;
    await expect(harness.call("ListTagsForResource", { resourceArn })).rejects.toMatchObject({
      name: "ResourceNotFoundException",
    });
  });
});
