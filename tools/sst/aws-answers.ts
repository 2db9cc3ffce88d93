/** AWS's answers, as far as the program reads them: ids and ARNs of created resources, and results of data sources. */
import { type AccountRegion, arn, arnPartition } from "../../stacks/definitions/deployment.ts";

type Inputs = Readonly<Record<string, unknown>>;

export interface CreatedResource {
  readonly id: string;
  readonly state: Inputs;
}

/** The ARN by resource type, for the resources whose ARN the program reads. */
const arnOf: Readonly<Record<string, (name: string, place: AccountRegion, inputs: Inputs) => string>> = {
  "aws:cloudwatch/eventBus:EventBus": (name, place) => arn("events", place, `event-bus/${name}`),
  "aws:cloudwatch/eventRule:EventRule": (name, place, { eventBusName }) =>
    arn("events", place, `rule/${eventBusName ? `${String(eventBusName)}/` : ""}${name}`),
  "aws:cloudwatch/logGroup:LogGroup": (name, place) => arn("logs", place, `log-group:${name}`),
  "aws:cloudwatch/metricAlarm:MetricAlarm": (name, place) => arn("cloudwatch", place, `alarm:${name}`),
  "aws:dynamodb/table:Table": (name, place) => arn("dynamodb", place, `table/${name}`),
  "aws:iam/role:Role": (name, { account, region }) => `arn:${arnPartition(region)}:iam::${account}:role/${name}`,
  "aws:kms/key:Key": (name, place) => arn("kms", place, `key/${name}`),
  "aws:lambda/function:Function": (name, place) => arn("lambda", place, `function:${name}`),
  "aws:scheduler/schedule:Schedule": (name, place, { groupName = "default" }) =>
    arn("scheduler", place, `schedule/${String(groupName)}/${name}`),
  "aws:sfn/stateMachine:StateMachine": (name, place) => arn("states", place, `stateMachine:${name}`),
  "aws:sns/topic:Topic": (name, place) => arn("sns", place, name),
  "aws:sqs/queue:Queue": (name, place) => arn("sqs", place, name),
  "aws:ssm/parameter:Parameter": (name, place) => arn("ssm", place, `parameter/${name.replace(/^\//, "")}`),
};

/** The id and the outputs of a resource that the program creates. */
export function createdResource(
  type: string,
  logicalName: string,
  inputs: Inputs,
  place: AccountRegion,
): CreatedResource {
  const name = typeof inputs.name === "string" ? inputs.name : `${logicalName}-0000000`;
  const own = arnOf[type]?.(name, place, inputs);
  const state = { name, ...(own && { arn: own }), ...outputsOf(type, name, inputs, place) };
  return { id: idOf(type, name, inputs, state), state };
}

function outputsOf(type: string, name: string, inputs: Inputs, { account, region }: AccountRegion): Inputs {
  switch (type) {
    case "aws:sqs/queue:Queue":
      return { url: `https://sqs.${region}.amazonaws.com/${account}/${name}` };
    case "random:index/randomBytes:RandomBytes":
      return {
        base64: Buffer.alloc(Number(inputs.length)).toString("base64"),
        hex: "00".repeat(Number(inputs.length)),
      };
    default:
      return {};
  }
}

function idOf(type: string, name: string, inputs: Inputs, { arn: own, url }: Inputs): string {
  if (type === "aws:sqs/queue:Queue") return String(url);
  if (type === "aws:sns/topic:Topic" || type === "aws:sfn/stateMachine:StateMachine") return String(own);
  return type.startsWith("aws:s3/") ? String(inputs.key ?? name) : name;
}

/** The place of each resource: its provider's region, or home. */
export function placesByProvider(home: AccountRegion): {
  /** Remembers the region of a provider. Ignores other resources. */
  readonly rememberProvider: (type: string, name: string, inputs: Inputs) => void;
  /** The place for a resource's reference to its provider, which ends in the provider's name and id. */
  readonly placeOf: (provider: string | undefined) => AccountRegion;
} {
  const regions = new Map<string, string>();
  return {
    rememberProvider: (type, name, { region }) => {
      if (type === "pulumi:providers:aws" && typeof region === "string") regions.set(name, region);
    },
    placeOf: (provider) => ({
      account: home.account,
      region: regions.get(provider?.split("::").at(-2) ?? "") ?? home.region,
    }),
  };
}

/** The result of a data source. Throws for an unknown one. */
export function dataSource(token: string, args: Inputs, { account, region }: AccountRegion): Inputs {
  switch (token) {
    case "aws:index/getRegion:getRegion":
      return { id: region, name: region, region };
    case "aws:index/getPartition:getPartition":
      return { id: arnPartition(region), partition: arnPartition(region), dnsSuffix: "amazonaws.com" };
    case "aws:index/getCallerIdentity:getCallerIdentity":
      return { id: account, accountId: account, arn: arn("iam", { account, region: "" }, "user/render") };
    case "aws:iam/getPolicyDocument:getPolicyDocument":
      // SST makes this policy of a function's permissions, and no function has any. The program writes its own
      // policies.
      return { ...args, id: "policy", json: "{}", minifiedJson: "{}", version: "2012-10-17" };
    default:
      throw new Error(`unknown data source ${token}: add it to tools/sst/aws-answers.ts`);
  }
}
