import { DescribeClustersCommand, ECSClient } from "@aws-sdk/client-ecs";
import { describe, expect, it } from "vitest";
import { homePlace, type WireAnswer, wire } from "../../support/wire.ts";

const clusters = new DescribeClustersCommand({});

function failing(answer: WireAnswer, random = 0.5) {
  const aws = wire(() => answer, { random: () => random });
  return { aws, sent: aws.clients.at(homePlace)(ECSClient).send(clusters) };
}

describe("the retry policy", () => {
  it("makes eight attempts of a throttled call, with pauses that double from one second up to twenty", async () => {
    const { aws, sent } = failing({ error: "ThrottlingException" }, 0.9999);
    await expect(sent).rejects.toThrow("ThrottlingException happened");
    expect(aws.calls).toHaveLength(8);
    expect(aws.pauses.map((ms) => Math.ceil(ms / 1_000))).toEqual([1, 2, 4, 8, 16, 20, 20]);
  });

  it("uses full jitter for a pause", async () => {
    const { aws, sent } = failing({ error: "ThrottlingException" }, 0);
    await expect(sent).rejects.toThrow();
    expect(new Set(aws.pauses)).toEqual(new Set([0]));
  });

  it("makes four attempts of a call with server errors, with pauses that double from 200 milliseconds", async () => {
    const { aws, sent } = failing({ error: "ServerException", status: 500 });
    await expect(sent).rejects.toThrow("ServerException happened");
    expect(aws.calls).toHaveLength(4);
    expect(aws.pauses).toEqual([100, 200, 400]);
  });

  it("makes one attempt of a rejected call", async () => {
    const { aws, sent } = failing({ error: "InvalidParameterException" });
    await expect(sent).rejects.toThrow();
    expect(aws.calls).toHaveLength(1);
    expect(aws.pauses).toEqual([]);
  });

  it("makes one attempt of a call that exceeds a quota, because waiting doesn't help", async () => {
    const { aws, sent } = failing({ error: "LimitExceededException" });
    await expect(sent).rejects.toThrow();
    expect(aws.calls).toHaveLength(1);
  });

  it("ends at the first successful attempt", async () => {
    const aws = wire((_call, index) => (index < 2 ? { error: "ThrottlingException" } : { body: { clusters: [] } }));
    const { clusters: found } = await aws.clients.at(homePlace)(ECSClient).send(clusters);
    expect(found).toEqual([]);
    expect(aws.calls).toHaveLength(3);
  });

  it("accepts other limits", async () => {
    const aws = wire(() => ({ error: "ThrottlingException" }), { maxAttempts: { throttled: 2, other: 1 } });
    await expect(aws.clients.at(homePlace)(ECSClient).send(clusters)).rejects.toThrow();
    expect(aws.calls).toHaveLength(2);
  });
});
