import { DeleteSecretCommand, SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { type Faults, SecretsManager, VirtualClock } from "@ztunnel-autopilot/simulator";
import { beforeEach, describe, expect, it } from "vitest";
import { sha256 } from "../../shared/base/json.ts";
import type { AwsClients } from "../../shared/gateways/aws/aws-clients.ts";
import { type SecretsGateway, secretsGateway } from "../../shared/gateways/aws/secrets.ts";
import { MEMBER_ACCOUNT, simulatedClients } from "../support/simulated-clients.ts";

const NAME = "ztunnel-autopilot/eks/default/web";
const place = { account: MEMBER_ACCOUNT, region: "eu-west-1" };
const version = (value: string) => ({ value, versionId: sha256(value) });
const creation = { name: NAME, description: "token of web", ...version("first"), tags: { team: "mesh" } };

describe("the secrets of an account and region", () => {
  let clients: AwsClients;
  let secrets: SecretsGateway;
  let faults: Faults;

  beforeEach(() => {
    const clock = new VirtualClock(Date.parse("2026-11-21T03:00:00Z"));
    const simulated = simulatedClients(clock);
    simulated.simulator.add((context) => new SecretsManager(context));
    ({ clients } = simulated);
    ({ faults } = simulated.simulator);
    secrets = secretsGateway(clients.at(place));
  });

  it("are only those of that account and region", async () => {
    const { arn } = await secrets.createSecret(creation);
    expect(arn).toContain(`:${place.region}:${place.account}:secret:${NAME}-`);
    expect(await secretsGateway(clients.at({ ...place, region: "us-east-1" })).describeSecret(NAME)).toBeUndefined();
  });

  it("have version ids that depend on their content, and are created once", async () => {
    const first = await secrets.createSecret(creation);
    expect(await secrets.createSecret(creation)).toEqual(first);
    expect(await secrets.createSecret({ ...creation, ...version("other") })).toEqual(first);
    expect(await secrets.describeSecret(NAME)).toEqual({
      arn: first.arn,
      name: NAME,
      versions: { [sha256("first")]: ["AWSCURRENT"] },
      tags: { team: "mesh" },
      scheduledForDeletion: false,
    });
  });

  it("keep a version's label when newer versions are added, and labels can be moved and removed", async () => {
    const { arn } = await secrets.createSecret(creation);
    await secrets.moveLabel(arn, "v-first", sha256("first"));
    await secrets.putSecretValue({ secretArn: arn, ...version("second"), labels: ["AWSCURRENT", "v-second"] });
    await secrets.putSecretValue({ secretArn: arn, ...version("second"), labels: ["AWSCURRENT", "v-second"] });
    const labels = async () => {
      const { versions = {} } = (await secrets.describeSecret(arn)) ?? {};
      return Object.fromEntries(Object.entries(versions).map(([id, names]) => [id, [...names].sort()]));
    };
    expect(await labels()).toEqual({
      [sha256("first")]: ["AWSPREVIOUS", "v-first"],
      [sha256("second")]: ["AWSCURRENT", "v-second"],
    });
    await secrets.moveLabel(arn, "v-first", sha256("second"), sha256("first"));
    await secrets.removeLabel(arn, "v-first", sha256("second"));
    expect(await labels()).toEqual({
      [sha256("first")]: ["AWSPREVIOUS"],
      [sha256("second")]: ["AWSCURRENT", "v-second"],
    });
    expect(await secrets.getSecretValue(arn)).toBe("second");
  });

  it("refuse another value for an existing version id", async () => {
    const { arn } = await secrets.createSecret(creation);
    const put = secrets.putSecretValue({ secretArn: arn, value: "other", versionId: sha256("first"), labels: [] });
    await expect(put).rejects.toMatchObject({ code: "secret-unavailable" });
  });

  it("have tags and a resource policy", async () => {
    const { arn } = await secrets.createSecret(creation);
    expect(await secrets.getResourcePolicy(arn)).toBeUndefined();
    const policy = JSON.stringify({
      Version: "2012-10-17",
      Statement: [
        {
          Effect: "Allow",
          Principal: { AWS: `arn:aws:iam::${MEMBER_ACCOUNT}:role/web-exec` },
          Action: "secretsmanager:GetSecretValue",
          Resource: "*",
        },
      ],
    });
    await secrets.putResourcePolicy(arn, policy);
    expect(JSON.parse((await secrets.getResourcePolicy(arn)) ?? "null")).toEqual(JSON.parse(policy));
    await secrets.tagSecret(arn, { stage: "prod" });
    expect((await secrets.describeSecret(arn))?.tags).toEqual({ team: "mesh", stage: "prod" });
  });

  it("report that they are scheduled for deletion, and can't be created again then", async () => {
    const { arn } = await secrets.createSecret(creation);
    await clients
      .at(place)(SecretsManagerClient)
      .send(new DeleteSecretCommand({ SecretId: arn, RecoveryWindowInDays: 7 }));
    expect(await secrets.describeSecret(NAME)).toMatchObject({ scheduledForDeletion: true });
    await expect(secrets.createSecret(creation)).rejects.toMatchObject({ code: "secret-unavailable" });
  });

  it("are listed by the prefix of their name, on all pages", async () => {
    const names = Array.from({ length: 101 }, (_, index) => `ztunnel-autopilot/eks/default/web-${index}`);
    for (const name of names) await secrets.createSecret({ ...creation, name });
    await secrets.createSecret({ ...creation, name: "other/ztunnel-autopilot/eks" });
    const listed: string[] = [];
    for await (const { name, versions } of secrets.listSecrets("ztunnel-autopilot/")) {
      expect(Object.keys(versions)).toEqual([sha256("first")]);
      listed.push(name);
    }
    expect(listed.sort()).toEqual([...names].sort());
  });

  it("are created without an error after throttling", async () => {
    faults.replace([{ kind: "throttle", match: { call: "secretsmanager.CreateSecret" }, count: 7 }]);
    await expect(secrets.createSecret(creation)).resolves.toHaveProperty("arn");
  });
});
