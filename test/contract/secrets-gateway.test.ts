import { beforeEach, describe, expect, it } from "vitest";
import { sha256 } from "../../shared/base/json.ts";
import { type SecretsGateway, secretsGateway } from "../../shared/gateways/aws/secrets.ts";
import { MEMBER_ACCOUNT, type Simulated, simulatedSecrets } from "../support/simulated-clients.ts";

const NAME = "ztunnel-autopilot/eks/default/web";
const place = { account: MEMBER_ACCOUNT, region: "eu-west-1" };
const version = (value: string) => ({ value, versionId: sha256(value) });
const creation = { name: NAME, description: "token of web", ...version("first"), tags: { team: "mesh" } };

/** Behavior of the secrets' gateway that its contract suite (`secret-calls.test.ts`) doesn't test. */
describe("the secrets of an account and region", () => {
  let simulated: Simulated;
  let secrets: SecretsGateway;

  beforeEach(() => {
    simulated = simulatedSecrets();
    secrets = secretsGateway(simulated.clients.at(place));
  });

  it("are only those of that account and region", async () => {
    const { arn } = await secrets.createSecret(creation);
    expect(arn).toContain(`:${place.region}:${place.account}:secret:${NAME}-`);
    const elsewhere = secretsGateway(simulated.clients.at({ ...place, region: "us-east-1" }));
    expect(await elsewhere.describeSecret(NAME)).toBeUndefined();
  });

  it("have the current version's value", async () => {
    const { arn } = await secrets.createSecret(creation);
    await secrets.putSecretValue({ secretArn: arn, ...version("second"), labels: ["AWSCURRENT", "v-second"] });
    expect(await secrets.getSecretValue(arn, "invalid-kubeconfig")).toBe("second");
  });

  it("are created without an error after throttling", async () => {
    simulated.faults.replace([{ kind: "throttle", match: { call: "secretsmanager.CreateSecret" }, count: 7 }]);
    await expect(secrets.createSecret(creation)).resolves.toHaveProperty("arn");
  });
});
