import { Sha256 } from "@smithy/core/checksum";
import { HttpRequest } from "@smithy/core/protocols";
import { SignatureV4 } from "@smithy/signature-v4";
import { describe, expect, it } from "vitest";
import { type JsonObject, sha256 } from "../../../shared/base/json.ts";
import { ecsGateway } from "../../../shared/gateways/aws/ecs.ts";
import { homePlace, type WireAnswer, type WireCall, wire } from "../../support/wire.ts";

const arn = "arn:aws:ecs:us-east-1:111111111111:task-definition/web:7";
const definition: JsonObject = {
  family: "web",
  quantumMode: { spin: [1, 2.5, null], label: "größer" },
  containerDefinitions: [{ name: "app", image: "app:1", cpu: 0, futureField: { nested: ["kept"] } }],
};
const described: JsonObject = { ...definition, taskDefinitionArn: arn, revision: 7, registeredAt: 1784000000.123 };
const answered: WireAnswer = { body: { taskDefinition: described, tags: [{ key: "team", value: "a" }] } };

function gateway(answer: (call: WireCall, index: number) => WireAnswer) {
  const aws = wire(answer);
  return { aws, ecs: ecsGateway(aws.clients.at(homePlace), { now: () => 0 }) };
}

describe("a task definition that passes through the SDK", () => {
  it("is read with all members, even those that the SDK doesn't know", async () => {
    const { ecs } = gateway(() => answered);
    expect(await ecs.describeTaskDefinition(arn)).toEqual({
      taskDefinitionArn: arn,
      raw: described,
      tags: [{ key: "team", value: "a" }],
    });
  });

  it("keeps its nulls, while a service's nulls count as absent", async () => {
    const serviceArn = "arn:aws:ecs:us-east-1:111111111111:service/demo/web";
    const service = {
      ...{ serviceArn, status: "ACTIVE", taskDefinition: arn, launchType: null, platformVersion: null },
      deployments: [{ id: "1", status: "PRIMARY", taskDefinition: arn, rolloutState: null }],
    };
    const { ecs } = gateway(() => ({ body: { services: [service], failures: null } }));
    const [observed] = await ecs.describeServices("demo", ["web"]);
    expect(observed).toMatchObject({ status: "ACTIVE", taskDefinitionArn: arn, launchType: undefined });
  });

  it("is sent with all members, even those that the SDK doesn't know", async () => {
    const { aws, ecs } = gateway(() => answered);
    expect(await ecs.registerTaskDefinition(definition)).toBe(arn);
    expect(aws.calls.map(({ input }) => input)).toEqual([definition]);
  });

  it("is sent with the length and the signature of the body that replaced the SDK's", async () => {
    const { aws, ecs } = gateway(() => answered);
    await ecs.registerTaskDefinition(definition);
    const [call] = aws.calls;
    if (!call) throw new Error("no call was made");
    const { authorization, "x-amz-content-sha256": hash, ...headers } = call.request.headers;
    expect(hash).toBe(sha256(JSON.stringify(definition)));
    expect(headers["content-length"]).toBe(String(Buffer.byteLength(JSON.stringify(definition))));
    const signer = new SignatureV4({
      service: "ecs",
      region: "us-east-1",
      credentials: { accessKeyId: "111111111111", secretAccessKey: "home-secret" },
      sha256: Sha256,
    });
    const stamp = headers["x-amz-date"]?.replace(/(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z/, "$1-$2-$3T$4:$5:$6Z");
    const sign = (body: string) =>
      signer.sign(new HttpRequest({ ...call.request, headers: { ...headers }, body }), {
        signingDate: new Date(stamp ?? ""),
      });
    expect((await sign(JSON.stringify(definition))).headers.authorization).toBe(authorization);
    expect((await sign("{}")).headers.authorization).not.toBe(authorization);
  });

  it("is sent again after throttling", async () => {
    const { aws, ecs } = gateway((_call, index) => (index === 0 ? { error: "ThrottlingException" } : answered));
    await ecs.registerTaskDefinition(definition);
    expect(aws.calls.map(({ input }) => input)).toEqual([definition, definition]);
  });

  it("is not sent again after an error that may hide a registration", async () => {
    const { aws, ecs } = gateway(() => ({ error: "ServerException", status: 500 }));
    await expect(ecs.registerTaskDefinition(definition)).rejects.toMatchObject({ code: "aws-unavailable" });
    expect(aws.calls).toHaveLength(1);
  });

  it("is refused with ECS's message", async () => {
    const { ecs } = gateway(() => ({ error: "ClientException", message: "Too many containers." }));
    await expect(ecs.registerTaskDefinition(definition)).rejects.toMatchObject({
      code: "registration-refused",
      detail: expect.stringContaining("Too many containers."),
      retryable: false,
    });
  });
});
