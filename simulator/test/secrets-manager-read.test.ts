import { hash } from "node:crypto";
import { beforeEach, describe, expect, it } from "vitest";
import { Iam } from "../aws/iam/iam.ts";
import { parseValueFrom } from "../aws/secrets-manager/read.ts";
import { SecretsManager } from "../aws/secrets-manager/secrets-manager.ts";
import type { Faults } from "../base/faults.ts";
import { isJsonObject, type JsonObject } from "../base/json.ts";
import { VirtualClock } from "../clock/virtual-clock.ts";
import { Simulator } from "../core/simulator.ts";
import { allows, trustOf } from "./policies.ts";

const here = { account: "123456789012", region: "us-east-1" };
const ROLE = "arn:aws:iam::123456789012:role/ecs/ambient/web";
const versionOf = (value: string) => hash("sha256", value);
const VERSION = versionOf("one");
let faults: Faults;
let secrets: SecretsManager;
let arn: string;

async function call(operation: string, input: JsonObject): Promise<JsonObject> {
  const answer = await secrets.operations[operation]?.(input, here);
  if (!isJsonObject(answer)) throw new TypeError(`${operation} gave no object`);
  return answer;
}

function policy(effect: "Allow" | "Deny", principal: string, more: JsonObject = {}): JsonObject {
  return {
    Effect: effect,
    Principal: { AWS: principal },
    Action: "secretsmanager:GetSecretValue",
    Resource: "*",
    ...more,
  };
}

async function attach(...statements: readonly JsonObject[]): Promise<void> {
  const ResourcePolicy = JSON.stringify({ Version: "2012-10-17", Statement: statements });
  await call("PutResourcePolicy", { SecretId: arn, ResourcePolicy });
}

function read(valueFrom = `${arn}:::${VERSION}`, executionRoleArn: string | undefined = ROLE): string {
  const answer = secrets.canRead({
    ...here,
    valueFrom,
    executionRoleArn,
    serviceArn: "arn:aws:ecs:…:service/shop/web",
  });
  return answer.ok ? "ok" : answer.reason;
}

beforeEach(async () => {
  const simulator = new Simulator({ clock: new VirtualClock() });
  faults = simulator.faults;
  secrets = simulator.add((context) => new SecretsManager(context));
  const created = await call("CreateSecret", {
    Name: "mesh/web",
    SecretString: '{"key":"value"}',
    ClientRequestToken: VERSION,
  });
  arn = String(created.ARN);
  await attach(policy("Allow", ROLE));
});

describe("A task's read of its secret", () => {
  it("is granted to a role that the resource policy names", () => {
    expect(read()).toBe("ok");
    expect(read(arn)).toBe("ok");
    expect(read(`${arn}:key::`)).toBe("ok");
    expect(read(`${arn}::AWSCURRENT:`)).toBe("ok");
  });

  it("is denied to every other role, with the text that AWS gives", () => {
    expect(read(arn, `${ROLE}-2`)).toMatch(
      /^AccessDeniedException: User: arn:aws:sts::123456789012:assumed-role\/web-2\/ecs-task is not authorized to perform: secretsmanager:GetSecretValue on resource: /,
    );
  });

  it.each([
    ["a policy that names the account's root", policy("Allow", "arn:aws:iam::123456789012:root")],
    ["a policy for another action", policy("Allow", ROLE, { Action: "secretsmanager:DescribeSecret" })],
    ["a policy for another resource", policy("Allow", ROLE, { Resource: "arn:aws:secretsmanager:*:*:secret:other-*" })],
    [
      "a policy whose condition does not hold",
      policy("Allow", ROLE, { Condition: { StringEquals: { "aws:PrincipalAccount": "999999999999" } } }),
    ],
  ])("is denied by %s", async (_what, statement) => {
    await attach(statement);
    expect(read()).toContain("AccessDeniedException");
  });

  it("is granted by a policy whose condition holds", async () => {
    await attach(policy("Allow", ROLE, { Condition: { StringEquals: { "aws:PrincipalAccount": here.account } } }));
    expect(read()).toBe("ok");
  });

  it("has no policy that can't be evaluated", async () => {
    const odd = policy("Allow", ROLE, { Condition: { StringEquals: { "aws:x": "y" } } });
    await expect(attach(odd)).rejects.toThrow("the condition key aws:x is not known");
    expect(read()).toBe("ok");
  });

  it("is granted by wildcards in action and resource", async () => {
    await attach(policy("Allow", ROLE, { Action: ["secretsmanager:Get*"], Resource: [arn] }));
    expect(read()).toBe("ok");
  });

  it("is denied by an explicit Deny, even if another policy allows it", async () => {
    await attach(policy("Allow", ROLE), policy("Deny", ROLE, { Action: "*" }));
    expect(read()).toContain("AccessDeniedException");
  });

  it("is granted by an identity policy where there is no resource policy", async () => {
    const simulator = new Simulator({ clock: new VirtualClock() });
    new Iam(simulator.context).putRole({
      roleArn: ROLE,
      trust: trustOf("ecs-tasks.amazonaws.com"),
      policies: [allows("secretsmanager:GetSecretValue", "arn:aws:secretsmanager:*:123456789012:secret:mesh/*")],
    });
    secrets = simulator.add((context) => new SecretsManager(context));
    const created = await call("CreateSecret", { Name: "mesh/web", SecretString: "one" });
    expect(read(String(created.ARN))).toBe("ok");
    expect(read(String(created.ARN), "arn:aws:iam::999999999999:role/web")).toContain("AccessDeniedException");
  });

  it("fails for a version, a label, a key or a secret that doesn't exist", () => {
    expect(read(`${arn}:::${versionOf("gone")}`)).toContain(
      `ResourceNotFoundException: Secrets Manager can't find the specified secret value for VersionId: ${versionOf("gone")}`,
    );
    expect(read(`${arn}::gone:`)).toContain("staging label: gone");
    expect(read(`${arn}:gone::`)).toContain("did not contain json key gone");
    expect(read(`${arn.slice(0, -6)}AAAAAA`)).toContain("ResourceNotFoundException");
  });

  it("fails while the secret is scheduled for deletion", async () => {
    await call("DeleteSecret", { SecretId: arn });
    expect(read()).toContain("marked for deletion");
  });

  it("fails without an execution role, with a stage and a version id, and for an invalid reference", () => {
    expect(secrets.canRead({ ...here, valueFrom: arn, executionRoleArn: undefined })).toMatchObject({ ok: false });
    expect(read(`${arn}::AWSCURRENT:${VERSION}`)).toContain("not both");
    expect(read("mesh/web")).toContain("invalid secret reference");
  });

  it("is denied by the fault secret-denied, for the service that it names", () => {
    faults.add({ kind: "secret-denied", match: { service: "api" } });
    expect(read()).toBe("ok");
    faults.add({ kind: "secret-denied", match: { service: "web" }, count: 1 });
    expect(read()).toContain("AccessDeniedException");
    expect(read()).toBe("ok");
  });
});

describe("A task's read that a fault fails", () => {
  it("gets no answer by the fault secrets-unreachable, even for a secret that doesn't exist", () => {
    faults.add({ kind: "secrets-unreachable", match: { service: "api" } });
    expect(read()).toBe("ok");
    faults.add({ kind: "secrets-unreachable", match: { service: "web" }, count: 2 });
    expect(read()).toMatch(/context deadline exceeded$/);
    expect(read(`${arn.slice(0, -6)}AAAAAA`)).toMatch(/context deadline exceeded$/);
    expect(read()).toBe("ok");
  });

  it("may not use the key by the fault kms-denied, once the role may read", () => {
    faults.add({ kind: "kms-denied", match: { service: "web" }, count: 3 });
    expect(read(arn, `${ROLE}-2`)).toContain("is not authorized to perform: secretsmanager:GetSecretValue");
    expect(read(`${arn.slice(0, -6)}AAAAAA`)).toContain("ResourceNotFoundException");
    expect(read()).toBe("AccessDeniedException: Access to KMS is not allowed");
    expect(read()).toBe("ok");
  });
});

describe("parseValueFrom", () => {
  it("returns the parts that the reference has", () => {
    expect(parseValueFrom(`${arn}:::${VERSION}`)).toEqual({
      secretArn: arn,
      ...here,
      jsonKey: undefined,
      versionStage: undefined,
      versionId: VERSION,
    });
  });

  it("takes nothing else", () => {
    for (const text of ["", "mesh/web", `${arn}:a`, `${arn}:a:b:c:d`, "arn:aws:ssm:us-east-1:123456789012:parameter/x"])
      expect(parseValueFrom(text)).toBeUndefined();
  });
});
