import { beforeAll, describe, expect, it } from "vitest";
import { type Config, parseConfig } from "../../shared/config/config.ts";
import { resourceNames } from "../../shared/config/names.ts";
import { operatorReadStatements, operatorStatements } from "../../shared/config/operator-policy.ts";
import { arn, homeBusArn, resourceName } from "../../stacks/definitions/deployment.ts";
import { memberStatements } from "../../stacks/definitions/permissions.ts";
import { deploymentOf } from "../../stacks/deployment.ts";
import { reachedFrom } from "./support/reached-calls.ts";
import wideConfig from "./support/wide.config.ts";

const config = parseConfig(wideConfig);
const deployment = deploymentOf(config, "prod");
const MEMBER = "222222222222";

/**
 * Every principal has this permission: https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html
 */
const FREE = "sts:GetCallerIdentity";

let reached: readonly string[];

beforeAll(async () => {
  reached = (await reachedFrom("cli/main.ts")).actions;
});

type Statements = ReturnType<typeof operatorStatements>;
const homeStatements = (one: Config = config) => operatorStatements(one, resourceNames(one, "prod"));
const actionsOf = (statements: Statements) => [...new Set(statements.flatMap(({ Action }) => Action))].sort();

function statementOf(statements: Statements, action: string): Statements[number] | undefined {
  return statements.find(({ Action }) => Action.includes(action));
}

describe("the operator's permissions in the home account", () => {
  it("are exactly the calls that the command's code can make", () => {
    expect(reached).toContain(FREE);
    expect(actionsOf(homeStatements())).toEqual(reached.filter((action) => action !== FREE));
  });

  it("cover the table and the bus that the stacks create, and only events of an operator", () => {
    const table = arn("dynamodb", deployment.home, `table/${resourceName(deployment, "ledger")}`);
    expect(statementOf(homeStatements(), "dynamodb:GetItem")?.Resource).toEqual([table]);
    expect(statementOf(homeStatements(), "events:PutEvents")).toMatchObject({
      Resource: [homeBusArn(deployment)],
      Condition: {
        "ForAllValues:StringEquals": { "events:source": "ztunnel-autopilot.operator" },
        Null: { "events:source": "false" },
      },
    });
  });

  it("allow assuming the read roles of the accounts with services, with the external id", () => {
    expect(statementOf(homeStatements(), "sts:AssumeRole")).toMatchObject({
      Resource: [MEMBER, "333333333333"].map((one) => `arn:aws:iam::${one}:role/platform/mesh-pilot-member-read`),
      Condition: { StringEquals: { "sts:ExternalId": "mesh-pilot" } },
    });
  });

  it("allow assuming no role without operators' roles, or without other accounts with services", () => {
    const unnamed = parseConfig({ ...wideConfig, operatorRoles: [] });
    expect(actionsOf(homeStatements(unnamed))).toEqual(
      actionsOf(homeStatements()).filter((action) => action !== "sts:AssumeRole"),
    );
    const alone = { ...config, accounts: config.accounts.slice(0, 1) };
    expect(actionsOf(homeStatements(alone))).toEqual(actionsOf(homeStatements(unnamed)));
  });

  it("include no reads of services where the home account has none", () => {
    const away = { ...config, accounts: config.accounts.slice(1) };
    expect(actionsOf(homeStatements(away)).filter((action) => /^(ecs|secretsmanager):/.test(action))).toEqual([]);
  });
});

describe("the operator's permissions in another account", () => {
  it("are exactly the ECS and Secrets Manager calls that the command's code can make, and only reads", () => {
    const there = actionsOf(operatorReadStatements(config, MEMBER));
    expect(there).toEqual(reached.filter((action) => /^(ecs|secretsmanager):/.test(action)));
    for (const action of there) expect(action).toMatch(/:((Describe|List)\w+|GetResourcePolicy)$/);
  });

  it("are a part of the member role's", () => {
    const member = memberStatements(MEMBER, deployment).flatMap(({ Action }) => Action);
    expect(member).toEqual(expect.arrayContaining([...actionsOf(operatorReadStatements(config, MEMBER))]));
  });

  it("are limited to the account's regions, and to the secrets of tokens", () => {
    const statements = operatorReadStatements(config, MEMBER);
    for (const { Condition } of statements) {
      expect(Condition).toEqual({ StringEquals: { "aws:RequestedRegion": ["eu-west-1", "us-east-1"] } });
    }
    expect(statementOf(statements, "secretsmanager:DescribeSecret")?.Resource).toEqual([
      `arn:aws:secretsmanager:*:${MEMBER}:secret:ztunnel-autopilot/*`,
    ]);
    expect(statementOf(statements, "ecs:DescribeServices")?.Resource).toEqual([
      `arn:aws:ecs:*:${MEMBER}:cluster/*`,
      `arn:aws:ecs:*:${MEMBER}:service/*`,
    ]);
    expect(JSON.stringify(statements)).not.toContain("111111111111");
  });

  it("are empty in an account without services", () => {
    expect(operatorReadStatements(config, "444444444444")).toEqual([]);
  });

  it("use the partition of the home region", () => {
    const china = { ...config, homeRegion: "cn-north-1" };
    expect(JSON.stringify(operatorReadStatements(china, MEMBER))).toContain(`arn:aws-cn:ecs:*:${MEMBER}:service/*`);
  });
});
