import { describe, expect, it } from "vitest";
import { secretsGateway } from "../../../shared/gateways/aws/secrets.ts";
import { homePlace, type WireAnswer, type WireCall, wire } from "../../support/wire.ts";

const NAME = "ztunnel-autopilot/eks/default/web";
const ARN = `arn:aws:secretsmanager:us-east-1:111111111111:secret:${NAME}-a1b2c3`;
const VALUE = "c3VwZXItc2VjcmV0";
const VERSION = "a".repeat(64);

function gateway(answer: (call: WireCall, index: number) => WireAnswer) {
  const aws = wire(answer);
  return { aws, secrets: secretsGateway(aws.clients.at(homePlace)) };
}

const described: WireAnswer = {
  body: { ARN, Name: NAME, Tags: [{ Key: "a", Value: "b" }], VersionIdsToStages: { [VERSION]: ["AWSCURRENT", "v-1"] } },
};
const creation = { name: NAME, description: "d", value: VALUE, versionId: VERSION, tags: { a: "b" } };

describe("a described secret", () => {
  it("has the labels of its versions and its tags", async () => {
    const { secrets } = gateway(() => described);
    expect(await secrets.describeSecret(NAME)).toEqual({
      arn: ARN,
      name: NAME,
      versions: { [VERSION]: ["AWSCURRENT", "v-1"] },
      tags: { a: "b" },
      scheduledForDeletion: false,
    });
  });

  it("can be scheduled for deletion", async () => {
    const { secrets } = gateway(() => ({ body: { ARN, Name: NAME, DeletedDate: 1784000000 } }));
    expect(await secrets.describeSecret(NAME)).toMatchObject({ scheduledForDeletion: true, versions: {} });
  });

  it("is undefined if it doesn't exist, and an error when AWS fails", async () => {
    const missing = gateway(() => ({ error: "ResourceNotFoundException" }));
    expect(await missing.secrets.describeSecret(NAME)).toBeUndefined();
    const denied = gateway(() => ({ error: "AccessDeniedException" }));
    await expect(denied.secrets.describeSecret(NAME)).rejects.toMatchObject({ code: "access-denied" });
  });
});

describe("a new secret", () => {
  it("has the token's hash as the id of its version", async () => {
    const { aws, secrets } = gateway(() => ({ body: { ARN, Name: NAME, VersionId: VERSION } }));
    expect(await secrets.createSecret(creation)).toEqual({ arn: ARN, created: true });
    expect(aws.calls[0]?.input).toEqual({
      Name: NAME,
      Description: "d",
      SecretString: VALUE,
      ClientRequestToken: VERSION,
      Tags: [{ Key: "a", Value: "b" }],
    });
  });

  it("is the existing one if another call created it first", async () => {
    const { secrets } = gateway(({ operation }) =>
      operation === "CreateSecret" ? { error: "ResourceExistsException" } : described,
    );
    expect(await secrets.createSecret(creation)).toEqual({ arn: ARN, created: false });
  });

  it("is refused while one of the same name is scheduled for deletion, without its value in the error", async () => {
    const { secrets } = gateway(() => ({ error: "InvalidRequestException", message: "scheduled for deletion" }));
    const error: unknown = await secrets.createSecret(creation).catch((caught: unknown) => caught);
    expect(error).toMatchObject({ code: "secret-unavailable", retryable: false });
    expect(`${String(error)} ${JSON.stringify(error)}`).not.toContain(VALUE);
  });
});

describe("a version", () => {
  it("is put with its labels", async () => {
    const { aws, secrets } = gateway(() => ({ body: {} }));
    await secrets.putSecretValue({ secretArn: ARN, value: VALUE, versionId: VERSION, labels: ["AWSCURRENT", "v-2"] });
    expect(aws.calls[0]?.input).toEqual({
      SecretId: ARN,
      SecretString: VALUE,
      ClientRequestToken: VERSION,
      VersionStages: ["AWSCURRENT", "v-2"],
    });
  });

  it("that exceeds the limit fails without a retry, because waiting doesn't help", async () => {
    const { aws, secrets } = gateway(() => ({ error: "LimitExceededException", message: "20 labels" }));
    const put = secrets.putSecretValue({ secretArn: ARN, value: VALUE, versionId: VERSION, labels: [] });
    await expect(put).rejects.toMatchObject({ code: "secret-unavailable" });
    expect(aws.calls).toHaveLength(1);
  });

  it("gets a label from another version, and loses it again", async () => {
    const { aws, secrets } = gateway(() => ({ body: {} }));
    await secrets.moveLabel(ARN, "v-1", "new", "old");
    await secrets.moveLabel(ARN, "v-1", "new");
    await secrets.removeLabel(ARN, "v-1", "new");
    expect(aws.calls.map(({ input }) => input)).toEqual([
      { SecretId: ARN, VersionStage: "v-1", MoveToVersionId: "new", RemoveFromVersionId: "old" },
      { SecretId: ARN, VersionStage: "v-1", MoveToVersionId: "new" },
      { SecretId: ARN, VersionStage: "v-1", RemoveFromVersionId: "new" },
    ]);
  });
});

describe("a secret's policy", () => {
  it("is put with public access blocked", async () => {
    const { aws, secrets } = gateway(() => ({ body: {} }));
    await secrets.putResourcePolicy(ARN, "{}");
    expect(aws.calls[0]?.input).toEqual({ SecretId: ARN, ResourcePolicy: "{}", BlockPublicPolicy: true });
  });

  it("is undefined if the secret has none", async () => {
    const { secrets } = gateway(() => ({ body: { ARN, Name: NAME } }));
    expect(await secrets.getResourcePolicy(ARN)).toBeUndefined();
  });
});

describe("the list of secrets", () => {
  it("has all pages, and only names with the prefix", async () => {
    const { secrets } = gateway((_call, index) =>
      index === 0
        ? {
            body: { SecretList: [{ ARN, Name: NAME, SecretVersionsToStages: { [VERSION]: ["v-1"] } }], NextToken: "2" },
          }
        : { body: { SecretList: [{ ARN, Name: `other/${NAME}` }] } },
    );
    const names: string[] = [];
    for await (const { name } of secrets.listSecrets("ztunnel-autopilot/")) names.push(name);
    expect(names).toEqual([NAME]);
  });
});

describe("a credential", () => {
  it("is read as text", async () => {
    const { secrets } = gateway(() => ({ body: { ARN, SecretString: VALUE } }));
    expect(await secrets.getSecretValue("slack", "invalid-slack-secret")).toBe(VALUE);
  });

  it("that is missing or has no text is an error with the secret's name", async () => {
    for (const answer of [{ error: "ResourceNotFoundException" }, { body: { ARN } }]) {
      const { secrets } = gateway(() => answer);
      await expect(secrets.getSecretValue("slack", "invalid-slack-secret")).rejects.toMatchObject({
        code: "invalid-slack-secret",
        detail: expect.stringContaining("slack"),
      });
    }
  });
});
