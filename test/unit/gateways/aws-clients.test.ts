import { DescribeClustersCommand, ECSClient } from "@aws-sdk/client-ecs";
import { DescribeSecretCommand, SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { STSClient } from "@aws-sdk/client-sts";
import { describe, expect, it } from "vitest";
import { homePlace, memberPlace, type WireAnswer, type WireCall, wire } from "../../support/wire.ts";

const HOUR_MS = 3_600_000;
const START_MS = Date.parse("2026-11-21T03:00:00Z");

/** A simulated AWS whose assumed sessions last one hour. */
function aws(clock: { ms: number }, assume?: (call: WireCall) => WireAnswer) {
  const answer = (call: WireCall): WireAnswer => {
    if (call.operation !== "AssumeRole") return { body: {} };
    return assume?.(call) ?? assumed(call, clock.ms + HOUR_MS);
  };
  return wire(answer, { now: () => clock.ms });
}

function assumed({ input }: WireCall, endsAtMs: number): WireAnswer {
  const account = String(input.RoleArn).split(":")[4];
  return {
    body: `<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>${account}</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>session</SessionToken><Expiration>${new Date(endsAtMs).toISOString()}</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>`,
  };
}

const clusters = new DescribeClustersCommand({});

describe("the clients", () => {
  it("exist once per service, account and region", () => {
    const { clients } = aws({ ms: START_MS });
    expect(clients.at(homePlace)(ECSClient)).toBe(clients.at({ ...homePlace })(ECSClient));
    expect(clients.at(homePlace)(ECSClient)).not.toBe(clients.at(memberPlace)(ECSClient));
    expect(clients.at({ ...homePlace, region: "eu-west-1" })(ECSClient)).not.toBe(clients.at(homePlace)(ECSClient));
    expect(clients.home(STSClient)).toBe(clients.at(homePlace)(STSClient));
    expect(clients.at(memberPlace)(SecretsManagerClient)).toBeInstanceOf(SecretsManagerClient);
  });

  it("call the home account with its own credentials, in the place's region", async () => {
    const { clients, calls, operations } = aws({ ms: START_MS });
    await clients
      .at({ ...homePlace, region: "eu-west-1" })(ECSClient)
      .send(clusters);
    expect(operations()).toEqual(["DescribeClusters"]);
    expect(calls[0]).toMatchObject({ accessKeyId: "111111111111", region: "eu-west-1" });
  });

  it("call another account with its member role, with the autopilot's name as external id", async () => {
    const { clients, calls, operations } = aws({ ms: START_MS });
    await clients.at(memberPlace)(ECSClient).send(clusters);
    expect(operations()).toEqual(["AssumeRole", "DescribeClusters"]);
    expect(calls[0]?.input).toMatchObject({
      RoleArn: "arn:aws:iam::222222222222:role/ztunnel-autopilot-member",
      ExternalId: "ztunnel-autopilot",
      RoleSessionName: "ztunnel-autopilot",
    });
    expect(calls[1]).toMatchObject({ accessKeyId: "222222222222", region: "eu-west-1" });
    expect(calls[1]?.request.headers["x-amz-security-token"]).toBe("session");
  });

  it("share an account's credentials, even for concurrent calls", async () => {
    const { clients, operations } = aws({ ms: START_MS });
    await Promise.all([
      clients.at(memberPlace)(ECSClient).send(clusters),
      clients
        .at(memberPlace)(SecretsManagerClient)
        .send(new DescribeSecretCommand({ SecretId: "s" })),
      clients
        .at({ ...memberPlace, region: "us-east-1" })(ECSClient)
        .send(clusters),
    ]);
    expect(operations().filter((operation) => operation === "AssumeRole")).toHaveLength(1);
  });

  it("renew credentials five minutes before they expire", async () => {
    const clock = { ms: START_MS };
    const { clients, operations } = aws(clock);
    const assumptions = () => operations().filter((operation) => operation === "AssumeRole").length;
    await clients.at(memberPlace)(ECSClient).send(clusters);
    clock.ms += HOUR_MS - 5 * 60_000 - 1;
    await clients.at(memberPlace)(ECSClient).send(clusters);
    expect(assumptions()).toBe(1);
    clock.ms += 1;
    await clients.at(memberPlace)(ECSClient).send(clusters);
    expect(assumptions()).toBe(2);
  });

  it("name a role that can't be assumed, and try again at the next call", async () => {
    let denied = true;
    const clock = { ms: START_MS };
    const { clients } = aws(clock, (call) =>
      denied
        ? { error: "AccessDenied", message: "not allowed to assume", status: 403 }
        : assumed(call, clock.ms + HOUR_MS),
    );
    await expect(clients.at(memberPlace)(ECSClient).send(clusters)).rejects.toMatchObject({
      code: "access-denied",
      detail: expect.stringContaining("arn:aws:iam::222222222222:role/ztunnel-autopilot-member"),
    });
    denied = false;
    await expect(clients.at(memberPlace)(ECSClient).send(clusters)).resolves.toBeDefined();
  });

  it("return the credentials that sign a token", async () => {
    const { clients } = aws({ ms: START_MS });
    expect(await clients.credentialsFor("111111111111")()).toMatchObject({ accessKeyId: "111111111111" });
    expect(await clients.credentialsFor("222222222222")()).toMatchObject({ accessKeyId: "222222222222" });
  });
});
