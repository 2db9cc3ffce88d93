import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { parseConfig } from "../../shared/config/config.ts";
import { operatorReadStatements } from "../../shared/config/operator-policy.ts";
import { homeBusArn, resourceName } from "../../stacks/definitions/deployment.ts";
import { eventPatterns } from "../../stacks/definitions/event-patterns.ts";
import { functions } from "../../stacks/definitions/functions.ts";
import { heartbeatsOf } from "../../stacks/definitions/heartbeat.ts";
import { ownershipRecord } from "../../stacks/definitions/ownership.ts";
import { deploymentOf } from "../../stacks/deployment.ts";
import { memberAccountTemplate, type TemplateResource } from "../../stacks/member-account.ts";
import { statementsOf } from "./support/rendered.ts";
import wideConfig from "./support/wide.config.ts";

const config = parseConfig(wideConfig);
const deployment = deploymentOf(config, "prod");
const template = memberAccountTemplate(config, "prod", "222222222222");
const resources: readonly (readonly [string, TemplateResource])[] = Object.entries(template.Resources);

function propertiesOf(name: string): TemplateResource["Properties"] {
  const found = template.Resources[name];
  if (!found) throw new Error(`the template has no ${name}`);
  return found.Properties;
}

describe("the template of a member account", () => {
  it("forwards events with the home account's patterns, and only to the home bus", () => {
    const rules = resources.filter(([, { Type }]) => Type === "AWS::Events::Rule").map(([, one]) => one.Properties);
    const { forwardedRules } = eventPatterns({
      homeAccount: config.homeAccount,
      enrollTagKey: config.enrollTagKey,
      imageParameterName: "/mesh/ztunnel-image",
      alarmNamePrefix: "mesh-pilot-prod-",
      heartbeats: heartbeatsOf(deployment),
    });
    expect(Object.fromEntries(rules.map(({ Name, EventPattern }) => [Name, EventPattern]))).toEqual(
      Object.fromEntries(forwardedRules.map(({ name, pattern }) => [resourceName(deployment, name), pattern])),
    );
    for (const { Targets } of rules) {
      expect(Targets).toEqual([
        {
          Id: "home-bus",
          Arn: homeBusArn(deployment),
          RoleArn: "arn:aws:iam::222222222222:role/mesh-pilot-prod-forwarding",
          RetryPolicy: { MaximumRetryAttempts: 60, MaximumEventAgeInSeconds: 3600 },
          DeadLetterConfig: { Arn: { "Fn::GetAtt": ["UndeliveredEvents", "Arn"] } },
        },
      ]);
    }
  });

  it("has a role that only the functions that need it can assume, with the external id", () => {
    const { RoleName, Path, AssumeRolePolicyDocument } = propertiesOf("MemberRole");
    expect([RoleName, Path]).toEqual(["mesh-pilot-member", "/platform/"]);
    const users = functions.filter(({ calls }) => calls.some(({ scope }) => scope === "member-roles"));
    expect(statementsOf(AssumeRolePolicyDocument)).toEqual([
      {
        effect: "Allow",
        actions: ["sts:AssumeRole"],
        resources: [],
        principal: {
          AWS: users.map(({ name }) => `arn:aws:iam::111111111111:role/${resourceName(deployment, name)}`).sort(),
        },
        condition: { StringEquals: { "sts:ExternalId": "mesh-pilot" } },
      },
    ]);
  });

  it("has a read-only role that only the operators' roles can assume, with the external id", () => {
    const { RoleName, Path, AssumeRolePolicyDocument, Policies } = propertiesOf("OperatorRole");
    expect([RoleName, Path]).toEqual(["mesh-pilot-member-read", "/platform/"]);
    expect(statementsOf(AssumeRolePolicyDocument)).toEqual([
      {
        effect: "Allow",
        actions: ["sts:AssumeRole"],
        resources: [],
        principal: { AWS: config.operatorRoles },
        condition: { StringEquals: { "sts:ExternalId": "mesh-pilot" } },
      },
    ]);
    expect(Policies).toEqual([
      {
        PolicyName: "calls",
        PolicyDocument: { Version: "2012-10-17", Statement: operatorReadStatements(config, "222222222222") },
      },
    ]);
  });

  it("has no role for operators when the configuration names none", () => {
    const { Resources } = memberAccountTemplate({ ...config, operatorRoles: [] }, "prod", "222222222222");
    expect(Object.keys(template.Resources).filter((name) => !(name in Resources))).toEqual(["OperatorRole"]);
  });

  it("creates its roles in the first region only, because IAM is global", () => {
    expect(template.Conditions).toEqual({ IsFirstRegion: { "Fn::Equals": [{ Ref: "AWS::Region" }, "eu-west-1"] } });
    for (const [name, { Type, Condition }] of resources) {
      expect(Condition, name).toBe(Type === "AWS::IAM::Role" ? "IsFirstRegion" : undefined);
    }
    expect(template.Description).toContain("eu-west-1, then us-east-1");
  });

  it("allows no action by a wildcard, and only the configured roles to be passed to ECS tasks", () => {
    const policies = JSON.stringify(propertiesOf("MemberRole").Policies);
    expect(policies).not.toMatch(/"[a-z-]+:[A-Za-z]*\*"/);
    expect(policies).toContain(
      '"arn:aws:iam::222222222222:role/ecs/*","arn:aws:iam::222222222222:role/ecsTaskExecutionRole"',
    );
    expect(policies).toContain('"iam:PassedToService":"ecs-tasks.amazonaws.com"');
    expect(policies.length).toBeLessThan(10_240);
  });

  it("has an alarm for events that could not be forwarded", () => {
    expect(propertiesOf("UndeliveredEventsNotEmpty")).toMatchObject({
      MetricName: "ApproximateNumberOfMessagesVisible",
      Dimensions: [{ Name: "QueueName", Value: resourceName(deployment, "undelivered-events") }],
      AlarmActions: [{ Ref: "Alarms" }],
    });
  });

  it("encrypts the alarms' topic, by a key that CloudWatch may use for this account", () => {
    expect(propertiesOf("Alarms").KmsMasterKeyId).toEqual({ "Fn::GetAtt": ["AlarmsKey", "Arn"] });
    const { EnableKeyRotation, KeyPolicy } = propertiesOf("AlarmsKey");
    expect(EnableKeyRotation).toBe(true);
    expect(statementsOf(KeyPolicy).map(({ principal, condition }) => [principal, condition])).toEqual([
      [{ AWS: "arn:aws:iam::222222222222:root" }, {}],
      [{ Service: "cloudwatch.amazonaws.com" }, { StringEquals: { "aws:SourceAccount": "222222222222" } }],
    ]);
  });

  it("records that the deployment owns the enroll key, and fails where another one does", () => {
    const { name, value } = ownershipRecord(deployment);
    expect(propertiesOf("Ownership")).toMatchObject({ Name: name, Type: "String", Value: value });
    const dev = parseConfig(wideConfig, "dev");
    const other = memberAccountTemplate(dev, "dev", "222222222222").Resources;
    expect(other.Ownership?.Properties.Name).not.toBe(name);
    expect(other.MemberRole?.Properties.RoleName).toBe("dev-mesh-pilot-member");
    const policies = JSON.stringify(other.MemberRole?.Properties.Policies);
    expect(policies).toContain(":secret:ztunnel-autopilot-dev/*");
    expect(policies).not.toContain(":secret:ztunnel-autopilot/*");
    const patterns = JSON.stringify(other.ForwardTagChanged?.Properties.EventPattern);
    expect(patterns).toContain('"prefix":"ztunnel-autopilot-dev/"');
    expect(patterns).not.toContain('"ztunnel-autopilot/');
  });

  it("refers only to its own resources", () => {
    const text = JSON.stringify(template.Resources);
    const referred = [...text.matchAll(/"(?:Ref|Fn::GetAtt)":\[?"(\w+)"/g)].map(([, name]) => name);
    expect(Object.keys(template.Resources)).toEqual(expect.arrayContaining([...new Set(referred)]));
  });

  it("is a single role if the account has a control plane and no services", () => {
    const { Resources } = memberAccountTemplate(config, "prod", "444444444444");
    expect(Object.keys(Resources)).toEqual(["MemberRole"]);
  });

  it.each(["111111111111", "999999999999"])("is refused for %s, which is not a member account", (account) => {
    expect(() => memberAccountTemplate(config, "prod", account)).toThrow(`${account} is not a member account`);
  });

  it.each(["--help", "-h"])("is explained by the command's %s", async (option) => {
    const { stdout } = await promisify(execFile)(process.execPath, ["tools/member-template.ts", option]);
    expect(stdout).toMatch(/^npm run member-template -- \[options\]/);
    for (const named of ["--account", "--stage", "--out", "--help"]) expect(stdout).toContain(named);
    expect(stdout).not.toContain("AWSTemplateFormatVersion");
  });

  it.each([
    [["--acount", "210987654321"], "'--acount'"],
    [[], "--account"],
  ])("is not written for %j, and the error is one that people can read", async (args, named) => {
    const run = promisify(execFile)(process.execPath, ["tools/member-template.ts", ...args]);
    await expect(run).rejects.toMatchObject({ code: 1, stderr: expect.stringContaining(named) });
    await expect(run).rejects.toMatchObject({ stderr: expect.not.stringContaining("at ") });
  });

  it("is written by the command, which refuses an unknown account", async () => {
    const directory = await mkdtemp(join(tmpdir(), "autopilot-member-"));
    try {
      const out = join(directory, "member.json");
      const run = (account: string) =>
        promisify(execFile)(process.execPath, ["tools/member-template.ts", "--account", account, "--out", out]);
      const { stdout } = await run("210987654321");
      expect(stdout).toContain("resources for account 210987654321");
      expect(JSON.parse(await readFile(out, "utf8"))).toMatchObject({ AWSTemplateFormatVersion: "2010-09-09" });
      await expect(run("1")).rejects.toMatchObject({
        code: 1,
        stderr: expect.stringContaining("1 is not a member account"),
      });
    } finally {
      await rm(directory, { recursive: true });
    }
  });
});
