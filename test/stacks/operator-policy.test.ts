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

/** Every principal may ask who it is: https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html */
const FREE = "sts:GetCallerIdentity";

let reached: readonly string[];

beforeAll(async () => {
  reached = (await reachedFrom("cli/main.ts")).actions;
});

type Statements = ReturnType<typeof operatorStatements>;
const atHome = (one: Config = config) => operatorStatements(one, resourceNames(one, "prod"));
const actionsOf = (statements: Statements) => [...new Set(statements.flatMap(({ Action }) => Action))].sort();

function statementOf(statements: Statements, action: string): Statements[number] | undefined {
  return statements.find(({ Action }) => Action.includes(action));
}

describe("what the operator's command may do in the home account", () => {
  it("is exactly what its code can call", () => {
    expect(reached).toContain(FREE);
    expect(actionsOf(atHome())).toEqual(reached.filter((action) => action !== FREE));
  });

  it("is on the table and the bus that the stacks create, and as an operator alone", () => {
    const table = arn("dynamodb", deployment.home, `table/${resourceName(deployment, "ledger")}`);
    expect(statementOf(atHome(), "dynamodb:GetItem")?.Resource).toEqual([table]);
    expect(statementOf(atHome(), "events:PutEvents")).toMatchObject({
      Resource: [homeBusArn(deployment)],
      Condition: {
        "ForAllValues:StringEquals": { "events:source": "ztunnel-autopilot.operator" },
        Null: { "events:source": "false" },
      },
    });
  });

  it("takes on the read roles of the accounts with services, with the external id", () => {
    expect(statementOf(atHome(), "sts:AssumeRole")).toMatchObject({
      Resource: [MEMBER, "333333333333"].map((one) => `arn:aws:iam::${one}:role/platform/mesh-pilot-member-read`),
      Condition: { StringEquals: { "sts:ExternalId": "mesh-pilot" } },
    });
  });

  it("takes on no role while no operator's role is named, or no other account has services", () => {
    const unnamed = parseConfig({ ...wideConfig, operatorRoles: [] });
    expect(actionsOf(atHome(unnamed))).toEqual(actionsOf(atHome()).filter((action) => action !== "sts:AssumeRole"));
    const alone = { ...config, accounts: config.accounts.slice(0, 1) };
    expect(actionsOf(atHome(alone))).toEqual(actionsOf(atHome(unnamed)));
  });

  it("reads no service at home where there is none", () => {
    const away = { ...config, accounts: config.accounts.slice(1) };
    expect(actionsOf(atHome(away)).filter((action) => /^(ecs|secretsmanager):/.test(action))).toEqual([]);
  });
});

describe("what the operator's command may do in another account", () => {
  it("is exactly what its code can call of ECS and Secrets Manager there, and nothing that writes", () => {
    const there = actionsOf(operatorReadStatements(config, MEMBER));
    expect(there).toEqual(reached.filter((action) => /^(ecs|secretsmanager):/.test(action)));
    for (const action of there) expect(action).toMatch(/:(Describe|List)/);
  });

  it("is less than what the member role may do", () => {
    const member = memberStatements(MEMBER, deployment).flatMap(({ Action }) => Action);
    expect(member).toEqual(expect.arrayContaining([...actionsOf(operatorReadStatements(config, MEMBER))]));
  });

  it("is bound to the account's regions, and to the secrets of tokens", () => {
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

  it("is nothing where no services are", () => {
    expect(operatorReadStatements(config, "444444444444")).toEqual([]);
  });

  it("is in the partition of the home region", () => {
    const china = { ...config, homeRegion: "cn-north-1" };
    expect(JSON.stringify(operatorReadStatements(china, MEMBER))).toContain(`arn:aws-cn:ecs:*:${MEMBER}:service/*`);
  });
});
