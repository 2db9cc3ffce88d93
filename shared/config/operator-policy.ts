/**
 * What the operator's command may do on AWS: with the caller's own credentials in the home account, with a read-only
 * role in the others.
 */
import { partitionOf } from "../base/arn.ts";
import { eventSources } from "../base/vocabulary.ts";
import { type Config, targetsOf } from "./config.ts";
import { operatorReadRole, type ResourceNames } from "./names.ts";

/** A statement of an IAM policy that allows something. */
export interface OperatorStatement {
  readonly Sid: string;
  readonly Effect: "Allow";
  readonly Action: readonly string[];
  readonly Resource: readonly string[];
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, string | readonly string[]>>>>;
}

type Home = Pick<Config, "homeAccount" | "homeRegion">;
type Fleet = Home & Pick<Config, "name" | "accounts" | "keys" | "memberRoleName" | "operatorRoles">;

/**
 * What an operator's role needs in the home account, for the table and the bus of these names: the ledger, events as an
 * operator, the services and tokens of the account, and the read roles of the other accounts once `operatorRoles` names
 * somebody who may take them on.
 */
export function operatorStatements(config: Fleet, { tableName, busName }: ResourceNames): readonly OperatorStatement[] {
  return [
    {
      Sid: "ReadLedger",
      Effect: "Allow",
      Action: ["dynamodb:GetItem", "dynamodb:Query", "dynamodb:Scan"],
      Resource: [homeArn(config, "dynamodb", `table/${tableName}`)],
    },
    {
      Sid: "AskAsOperator",
      Effect: "Allow",
      Action: ["events:PutEvents"],
      Resource: [homeArn(config, "events", `event-bus/${busName}`)],
      // `ForAllValues` alone would also allow events without a source.
      Condition: {
        "ForAllValues:StringEquals": { "events:source": eventSources.operator },
        Null: { "events:source": "false" },
      },
    },
    ...operatorReadStatements(config, config.homeAccount),
    ...takeReadRoles(config),
  ];
}

/**
 * What the command reads in an account: nothing where no services are. The read role of another account has just this.
 */
export function operatorReadStatements(
  config: Pick<Config, "homeRegion" | "accounts" | "keys">,
  account: string,
): readonly OperatorStatement[] {
  const regions = regionsOf(config, account);
  if (regions.length === 0) return [];
  const anywhere = (service: string, resource: string) =>
    `arn:${partitionOf(config.homeRegion)}:${service}:*:${account}:${resource}`;
  const inRegions = { Condition: { StringEquals: { "aws:RequestedRegion": regions } } };
  return [
    {
      Sid: "DescribeServices",
      Effect: "Allow",
      Action: ["ecs:DescribeClusters", "ecs:DescribeServices"],
      Resource: [anywhere("ecs", "cluster/*"), anywhere("ecs", "service/*")],
      ...inRegions,
    },
    {
      // https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonelasticcontainerservice.html
      Sid: "CallsThatNameNoResource",
      Effect: "Allow",
      Action: ["ecs:DescribeTaskDefinition", "ecs:ListClusters", "ecs:ListServices"],
      Resource: ["*"],
      ...inRegions,
    },
    {
      Sid: "DescribeTokens",
      Effect: "Allow",
      Action: ["secretsmanager:DescribeSecret", "secretsmanager:GetResourcePolicy"],
      Resource: [anywhere("secretsmanager", `secret:${config.keys.prefix}*`)],
      ...inRegions,
    },
  ];
}

function takeReadRoles(config: Fleet): readonly OperatorStatement[] {
  const { homeAccount, homeRegion, name, operatorRoles } = config;
  const accounts = new Set(targetsOf(config).map(({ account }) => account));
  accounts.delete(homeAccount);
  if (operatorRoles.length === 0 || accounts.size === 0) return [];
  const partition = partitionOf(homeRegion);
  return [
    {
      Sid: "ReadOtherAccounts",
      Effect: "Allow",
      Action: ["sts:AssumeRole"],
      Resource: [...accounts]
        .sort()
        .map((account) => `arn:${partition}:iam::${account}:role/${operatorReadRole(config)}`),
      Condition: { StringEquals: { "sts:ExternalId": name } },
    },
  ];
}

function regionsOf(config: Pick<Config, "homeRegion" | "accounts">, account: string): readonly string[] {
  const targets = targetsOf(config).filter((target) => target.account === account);
  return [...new Set(targets.map(({ region }) => region))].sort();
}

function homeArn({ homeAccount, homeRegion }: Home, service: string, resource: string): string {
  return `arn:${partitionOf(homeRegion)}:${service}:${homeRegion}:${homeAccount}:${resource}`;
}
