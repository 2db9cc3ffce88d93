import { DescribeClustersCommand, ECSClient } from "@aws-sdk/client-ecs";
import { describe, expect, it } from "vitest";
import { homePlace, type WireAnswer, wire } from "../../support/wire.ts";

const clusters = new DescribeClustersCommand({});

function failing(answer: WireAnswer, random = 0.5) {
  const aws = wire(() => answer, { random: () => random });
  return { aws, sent: aws.clients.at(homePlace)(ECSClient).send(clusters) };
}

describe("the pacing of attempts", () => {
  it("gives a throttled call eight attempts, with waits that double from one second up to twenty", async () => {
    const { aws, sent } = failing({ error: "ThrottlingException" }, 0.9999);
    await expect(sent).rejects.toThrow("ThrottlingException happened");
    expect(aws.calls).toHaveLength(8);
    expect(aws.pauses.map((ms) => Math.ceil(ms / 1_000))).toEqual([1, 2, 4, 8, 16, 20, 20]);
  });

  it("spreads a wait over the whole of its range", async () => {
    const { aws, sent } = failing({ error: "ThrottlingException" }, 0);
    await expect(sent).rejects.toThrow();
    expect(new Set(aws.pauses)).toEqual(new Set([0]));
  });

  it("gives a call that AWS fails four attempts, with waits that double from 200 milliseconds", async () => {
    const { aws, sent } = failing({ error: "ServerException", status: 500 });
    await expect(sent).rejects.toThrow("ServerException happened");
    expect(aws.calls).toHaveLength(4);
    expect(aws.pauses).toEqual([100, 200, 400]);
  });

  it("makes a call that AWS rejects once", async () => {
    const { aws, sent } = failing({ error: "InvalidParameterException" });
    await expect(sent).rejects.toThrow();
    expect(aws.calls).toHaveLength(1);
    expect(aws.pauses).toEqual([]);
  });

  it("does not wait for a quota, which no wait frees", async () => {
    const { aws, sent } = failing({ error: "LimitExceededException" });
    await expect(sent).rejects.toThrow();
    expect(aws.calls).toHaveLength(1);
  });

  it("ends with the first attempt that succeeds", async () => {
    const aws = wire((_call, index) => (index < 2 ? { error: "ThrottlingException" } : { body: { clusters: [] } }));
    const { clusters: found } = await aws.clients.at(homePlace)(ECSClient).send(clusters);
    expect(found).toEqual([]);
    expect(aws.calls).toHaveLength(3);
  });

  it("takes other limits", async () => {
    const aws = wire(() => ({ error: "ThrottlingException" }), { maxAttempts: { throttled: 2, other: 1 } });
    await expect(aws.clients.at(homePlace)(ECSClient).send(clusters)).rejects.toThrow();
    expect(aws.calls).toHaveLength(2);
  });
});
