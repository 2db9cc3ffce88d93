import { DeleteSecretCommand, SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { beforeEach, describe, expect, it } from "vitest";
import { sha256 } from "../../shared/base/json.ts";
import { secretsGateway } from "../../shared/gateways/aws/secrets.ts";
import type { SecretsCalls } from "../../shared/ports/ports.ts";
import { failCalls } from "../support/altered-calls.ts";
import { FakeSecrets } from "../support/fakes/secrets.ts";
import { simulatedSecrets } from "../support/simulated-clients.ts";
import { type CallFailure, failOperation, itThrowsFailures } from "./support/call-failures.ts";

interface Subject {
  readonly port: SecretsCalls;
  scheduleDeletion(secretArn: string): Promise<void>;
  fail(call: keyof SecretsCalls, failure: CallFailure): void;
}

const operations: Readonly<Record<keyof SecretsCalls, string>> = {
  describeSecret: "DescribeSecret",
  createSecret: "CreateSecret",
  putSecretValue: "PutSecretValue",
  getResourcePolicy: "GetResourcePolicy",
  putResourcePolicy: "PutResourcePolicy",
  deleteResourcePolicy: "DeleteResourcePolicy",
  scheduleDeletion: "DeleteSecret",
  restoreSecret: "RestoreSecret",
  moveLabel: "UpdateSecretVersionStage",
  removeLabel: "UpdateSecretVersionStage",
  listSecrets: "ListSecrets",
};

function throughGateway(): Subject {
  const simulated = simulatedSecrets();
  const { home } = simulated.clients;
  return {
    port: secretsGateway(home),
    scheduleDeletion: async (SecretId) => {
      await home(SecretsManagerClient).send(new DeleteSecretCommand({ SecretId, RecoveryWindowInDays: 7 }));
    },
    fail: (call, failure) => failOperation(simulated, `secretsmanager.${operations[call]}`, failure),
  };
}

function fake(): Subject {
  const port = new FakeSecrets();
  return {
    port,
    scheduleDeletion: async (secretArn) => {
      port.get(secretArn).deleted = true;
    },
    fail: (call, failure) => failCalls(port, call, failure),
  };
}

const NAME = "ztunnel-autopilot/mesh/shop/web";
const ROLE = "arn:aws:iam::111111111111:role/web-execution";
const version = (value: string) => ({ value, versionId: sha256(value) });
const first = sha256("first");
const second = sha256("second");
const creation = { name: NAME, description: "tokens of web", ...version("first"), tags: { team: "mesh" } };

function policyFor(principal: string): string {
  return JSON.stringify({
    Version: "2012-10-17",
    Statement: [
      { Effect: "Allow", Principal: { AWS: principal }, Action: "secretsmanager:GetSecretValue", Resource: "*" },
    ],
  });
}

const refusal = { code: "secret-unavailable", retryable: false };

describe.each([
  ["of the gateway", throughGateway],
  ["of the fake", fake],
])("the secrets %s", (_name, open) => {
  let subject: Subject;
  let secrets: SecretsCalls;
  let arn: string;
  beforeEach(async () => {
    subject = open();
    secrets = subject.port;
    ({ arn } = await secrets.createSecret(creation));
  });

  /** The labels by version, sorted. */
  async function labels(): Promise<Record<string, readonly string[]>> {
    const { versions = {} } = (await secrets.describeSecret(arn)) ?? {};
    return Object.fromEntries(Object.entries(versions).map(([id, names]) => [id, [...names].sort()]));
  }

  const put = (value: string, ...names: readonly string[]) =>
    secrets.putSecretValue({ secretArn: arn, ...version(value), labels: names });

  describe("a secret", () => {
    it("is described by name and ARN, and is undefined if it doesn't exist", async () => {
      const described = {
        arn,
        name: NAME,
        versions: { [first]: ["AWSCURRENT"] },
        tags: { team: "mesh" },
        scheduledForDeletion: false,
      };
      expect(arn).toMatch(new RegExp(`:secret:${NAME}-\\w{6}$`));
      for (const nameOrArn of [NAME, arn]) {
        const { changedMs: _, ...found } = (await secrets.describeSecret(nameOrArn)) ?? {};
        expect(found).toEqual(described);
      }
      expect(await secrets.describeSecret(`${NAME}-2`)).toBeUndefined();
    });

    it("is created once, even with another value", async () => {
      const again = { arn, created: false };
      expect(await secrets.createSecret({ ...creation, ...version("second"), tags: { team: "shop" } })).toEqual(again);
      expect(await secrets.describeSecret(arn)).toMatchObject({
        versions: { [first]: ["AWSCURRENT"] },
        tags: { team: "mesh" },
      });
    });

    it("is not created with an invalid version id", async () => {
      for (const versionId of ["v1", "v".repeat(65)]) {
        const creating = secrets.createSecret({ ...creation, name: `${NAME}-2`, versionId });
        await expect(creating).rejects.toMatchObject(refusal);
      }
      expect(await secrets.describeSecret(`${NAME}-2`)).toBeUndefined();
    });

    it("can't be used by any call if it doesn't exist", async () => {
      const missing = `${arn.slice(0, -7)}-2-AbCdEf`;
      const uses = [
        secrets.putSecretValue({ secretArn: missing, ...version("second"), labels: [] }),
        secrets.getResourcePolicy(missing),
        secrets.putResourcePolicy(missing, policyFor(ROLE)),
        secrets.deleteResourcePolicy(missing),
        secrets.restoreSecret(missing),
        secrets.moveLabel(missing, "zt-1", first),
        secrets.removeLabel(missing, "zt-1", first),
      ];
      for (const use of await Promise.allSettled(uses)) {
        expect(use).toMatchObject({ status: "rejected", reason: refusal });
      }
    });
  });

  describe("a version", () => {
    it("gets its labels, which other versions lose", async () => {
      await secrets.moveLabel(arn, "zt-1", first);
      expect([...(await put("second", "AWSCURRENT", "zt-2"))].sort()).toEqual(["AWSCURRENT", "zt-2"]);
      expect(await labels()).toEqual({ [first]: ["AWSPREVIOUS", "zt-1"], [second]: ["AWSCURRENT", "zt-2"] });
      await put("third", "AWSCURRENT", "zt-1");
      expect(await labels()).toEqual({ [second]: ["AWSPREVIOUS", "zt-2"], [sha256("third")]: ["AWSCURRENT", "zt-1"] });
    });

    it("gets AWSCURRENT by default", async () => {
      expect(await put("second")).toEqual(["AWSCURRENT"]);
      expect(await labels()).toEqual({ [first]: ["AWSPREVIOUS"], [second]: ["AWSCURRENT"] });
    });

    it("that is put again doesn't change, and doesn't get other labels", async () => {
      await put("second", "AWSCURRENT", "zt-2");
      await put("third", "AWSCURRENT");
      expect([...(await put("second", "AWSCURRENT", "zt-3"))].sort()).toEqual(["AWSPREVIOUS", "zt-2"]);
      expect(await labels()).toMatchObject({ [second]: ["AWSPREVIOUS", "zt-2"], [sha256("third")]: ["AWSCURRENT"] });
    });

    it("without labels is not listed any more, but still exists", async () => {
      await put("second", "zt-2");
      await secrets.removeLabel(arn, "zt-2", second);
      expect(await labels()).toEqual({ [first]: ["AWSCURRENT"] });
      expect(await put("second", "zt-2")).toEqual([]);
      await secrets.moveLabel(arn, "zt-2", second);
      expect(await labels()).toEqual({ [first]: ["AWSCURRENT"], [second]: ["zt-2"] });
    });

    it("can't have another value or an invalid id", async () => {
      const other = secrets.putSecretValue({ secretArn: arn, value: "other", versionId: first, labels: ["zt-1"] });
      await expect(other).rejects.toMatchObject({ code: "secret-version-foreign", retryable: false });
      const short = secrets.putSecretValue({ secretArn: arn, value: "other", versionId: "v1", labels: ["zt-1"] });
      await expect(short).rejects.toMatchObject(refusal);
      expect(await labels()).toEqual({ [first]: ["AWSCURRENT"] });
    });
  });

  describe("a label", () => {
    beforeEach(async () => {
      await put("second", "AWSCURRENT", "zt-2");
    });

    it("is added to a version, once", async () => {
      await secrets.moveLabel(arn, "zt-1", first);
      await secrets.moveLabel(arn, "zt-1", first);
      expect(await labels()).toEqual({ [first]: ["AWSPREVIOUS", "zt-1"], [second]: ["AWSCURRENT", "zt-2"] });
    });

    it("moves only from the named version, which must have it", async () => {
      await expect(secrets.moveLabel(arn, "zt-2", first)).rejects.toMatchObject(refusal);
      await expect(secrets.moveLabel(arn, "zt-2", second, first)).rejects.toMatchObject(refusal);
      await secrets.moveLabel(arn, "zt-2", first, second);
      expect(await labels()).toEqual({ [first]: ["AWSPREVIOUS", "zt-2"], [second]: ["AWSCURRENT"] });
    });

    it("AWSCURRENT leaves AWSPREVIOUS at its version when it moves, and can't be removed", async () => {
      await put("third", "zt-3");
      await secrets.moveLabel(arn, "AWSCURRENT", sha256("third"), second);
      expect(await labels()).toEqual({
        [second]: ["AWSPREVIOUS", "zt-2"],
        [sha256("third")]: ["AWSCURRENT", "zt-3"],
      });
      await expect(secrets.removeLabel(arn, "AWSCURRENT", sha256("third"))).rejects.toMatchObject(refusal);
    });

    it("is removed only from a version that has it", async () => {
      await expect(secrets.removeLabel(arn, "zt-2", first)).rejects.toMatchObject(refusal);
      await secrets.removeLabel(arn, "zt-2", second);
      await expect(secrets.removeLabel(arn, "zt-2", second)).rejects.toMatchObject(refusal);
      expect((await labels())[second]).toEqual(["AWSCURRENT"]);
    });

    it("is refused for a version that doesn't exist, and as the twenty-first of a secret", async () => {
      await expect(secrets.moveLabel(arn, "zt-3", sha256("nothing"))).rejects.toMatchObject(refusal);
      for (let nth = 0; nth < 17; nth += 1) await secrets.moveLabel(arn, `label-${nth}`, first);
      await expect(secrets.moveLabel(arn, "label-17", first)).rejects.toMatchObject(refusal);
      await expect(put("third", "zt-3")).rejects.toMatchObject(refusal);
      expect(Object.values(await labels()).flat()).toHaveLength(20);
      await put("third", "AWSCURRENT");
    });
  });

  describe("a resource policy", () => {
    it("is undefined before the first one is put, and then the latest one", async () => {
      expect(await secrets.getResourcePolicy(arn)).toBeUndefined();
      for (const role of [ROLE, `${ROLE}-2`]) await secrets.putResourcePolicy(arn, policyFor(role));
      expect(await secrets.getResourcePolicy(arn)).toBe(policyFor(`${ROLE}-2`));
    });

    it.each([
      ["is not a policy", "{}"],
      ["is not JSON", "allow all"],
      ["allows everybody", policyFor("*")],
      ["names a deleted principal", policyFor("AROAEXAMPLEID")],
    ])("is refused if it %s", async (_what, policy) => {
      await secrets.putResourcePolicy(arn, policyFor(ROLE));
      await expect(secrets.putResourcePolicy(arn, policy)).rejects.toMatchObject(refusal);
      expect(await secrets.getResourcePolicy(arn)).toBe(policyFor(ROLE));
    });
  });

  it("have no policy once it is deleted, whether or not they had one", async () => {
    await secrets.putResourcePolicy(arn, policyFor(ROLE));
    for (const _again of [1, 2]) {
      await secrets.deleteResourcePolicy(arn);
      expect(await secrets.getResourcePolicy(arn)).toBeUndefined();
    }
  });

  it("are scheduled for deletion once, and a missing one never", async () => {
    for (const _again of [1, 2]) await secrets.scheduleDeletion(arn, 30);
    await secrets.scheduleDeletion(`${arn.slice(0, -7)}-2-AbCdEf`, 30);
    expect(await secrets.describeSecret(NAME)).toMatchObject({ scheduledForDeletion: true });
  });

  it("can be used again once they are restored, with all that they had", async () => {
    await secrets.putResourcePolicy(arn, policyFor(ROLE));
    await subject.scheduleDeletion(arn);
    await secrets.restoreSecret(arn);
    expect(await secrets.describeSecret(NAME)).toMatchObject({ scheduledForDeletion: false });
    expect(await secrets.getResourcePolicy(arn)).toBe(policyFor(ROLE));
    expect(await labels()).toEqual({ [first]: ["AWSCURRENT"] });
  });

  it("that are scheduled for deletion can only be described", async () => {
    await subject.scheduleDeletion(arn);
    expect(await secrets.describeSecret(NAME)).toMatchObject({ arn, scheduledForDeletion: true });
    const uses = [
      secrets.createSecret(creation),
      put("second", "zt-2"),
      secrets.getResourcePolicy(arn),
      secrets.putResourcePolicy(arn, policyFor(ROLE)),
      secrets.deleteResourcePolicy(arn),
      secrets.moveLabel(arn, "zt-1", first),
      secrets.removeLabel(arn, "AWSCURRENT", first),
    ];
    for (const use of await Promise.allSettled(uses)) {
      expect(use).toMatchObject({ status: "rejected", reason: refusal });
    }
  });

  it("are listed by the prefix of their name on all pages, without those scheduled for deletion", async () => {
    const names = Array.from({ length: 101 }, (_, index) => `${NAME}-${index}`);
    for (const name of names) await secrets.createSecret({ ...creation, name });
    await secrets.createSecret({ ...creation, name: "other/ztunnel-autopilot/mesh" });
    await subject.scheduleDeletion(arn);
    const listed = await Array.fromAsync(secrets.listSecrets("ztunnel-autopilot/"));
    expect(listed.map(({ name }) => name).sort()).toEqual([...names].sort());
    for (const secret of listed.slice(0, 3)) expect(secret).toEqual(await secrets.describeSecret(secret.arn));
  });

  itThrowsFailures<SecretsCalls>(
    {
      describeSecret: (port) => port.describeSecret(NAME),
      createSecret: (port) => port.createSecret({ ...creation, name: `${NAME}-2` }),
      putSecretValue: (port) => port.putSecretValue({ secretArn: arn, ...version("second"), labels: [] }),
      getResourcePolicy: (port) => port.getResourcePolicy(arn),
      putResourcePolicy: (port) => port.putResourcePolicy(arn, policyFor(ROLE)),
      deleteResourcePolicy: (port) => port.deleteResourcePolicy(arn),
      scheduleDeletion: (port) => port.scheduleDeletion(arn, 30),
      restoreSecret: (port) => port.restoreSecret(arn),
      moveLabel: (port) => port.moveLabel(arn, "zt-1", first),
      removeLabel: (port) => port.removeLabel(arn, "zt-1", first),
      listSecrets: (port) => Array.fromAsync(port.listSecrets("ztunnel-autopilot/")),
    },
    () => subject,
  );
});
