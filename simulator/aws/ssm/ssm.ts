import * as z from "zod";
import { AwsError } from "../../base/aws-error.ts";
import type { Json, JsonObject } from "../../base/json.ts";
import { randomUuid } from "../../base/random-id.ts";
import type { SimulatorContext } from "../../core/connections.ts";
import type { AwsService, CallContext, Operation } from "../../core/service.ts";
import { answer, epochSeconds, page, parseInput } from "../input.ts";
import { ssmNeeds } from "./needs.ts";

interface Parameter {
  readonly name: string;
  readonly arn: string;
  readonly type: string;
  readonly value: string;
  readonly description: string | undefined;
  readonly version: number;
  readonly modifiedMs: number;
}

const ERROR = "ValidationException";
/** https://docs.aws.amazon.com/systems-manager/latest/userguide/sysman-paramstore-versions.html */
const KEPT_VERSIONS = 100;
const name = z
  .string()
  .min(1)
  .max(1011)
  .regex(/^[\w./-]+$/, "letters, digits and .-_/");
const schemas = {
  get: z.object({ Name: z.string().min(1) }),
  getMany: z.object({ Names: z.array(z.string().min(1)).min(1).max(10) }),
  put: z.object({
    Name: name,
    Value: z.string().min(1).max(4096),
    Type: z.enum(["String", "StringList", "SecureString"]).optional(),
    Description: z.string().max(1024).optional(),
    Overwrite: z.boolean().default(false),
  }),
  describe: z.object({ MaxResults: z.int().min(1).max(50).default(50), NextToken: z.string().optional() }),
};

/** The Parameter Store of Systems Manager. */
export class Ssm implements AwsService {
  readonly name = "ssm";
  readonly protocol = { kind: "awsJson1_1", target: "AmazonSSM" } as const;
  readonly operations: Readonly<Record<string, Operation>>;
  readonly needs = ssmNeeds;
  readonly #context: SimulatorContext;
  readonly #parameters = new Map<string, Parameter>();
  /** The versions of each parameter, oldest first, the present one among them. */
  readonly #versions = new Map<string, readonly Parameter[]>();

  constructor(context: SimulatorContext) {
    this.#context = context;
    this.operations = {
      GetParameter: (input, context) => ({
        Parameter: this.#selected(context, parseInput(schemas.get, input, ERROR).Name),
      }),
      GetParameters: (input, context) => this.#getMany(input, context),
      PutParameter: (input, context) => this.#put(input, context),
      DeleteParameter: (input, context) => this.#delete(input, context),
      DescribeParameters: (input, context) => this.#describe(input, context),
    };
  }

  #getMany(input: JsonObject, context: CallContext): Json {
    const { Names } = parseInput(schemas.getMany, input, ERROR);
    const found = Names.map((each) => ({ each, parameter: this.#versionOf(context, each) }));
    return {
      Parameters: found.flatMap(({ each, parameter }) => (parameter ? [selectedBy(each, parameter)] : [])),
      InvalidParameters: found.flatMap(({ each, parameter }) => (parameter ? [] : [each])),
    };
  }

  #put(input: JsonObject, context: CallContext): Json {
    const request = parseInput(schemas.put, input, ERROR);
    refuseReserved(request.Name);
    const arn = arnOf(context, request.Name);
    const existing = this.#parameters.get(arn);
    if (existing !== undefined && !request.Overwrite)
      throw new AwsError(
        "ParameterAlreadyExists",
        "The parameter already exists. To overwrite this value, set the overwrite option in the request to true.",
      );
    const type = request.Type ?? existing?.type;
    if (type === undefined) throw new AwsError(ERROR, "A parameter type is required when you create a parameter.");
    const parameter = {
      name: request.Name,
      arn,
      type,
      value: request.Value,
      description: request.Description ?? existing?.description,
      version: (existing?.version ?? 0) + 1,
      modifiedMs: this.#context.clock.now(),
    };
    this.#parameters.set(arn, parameter);
    this.#versions.set(arn, [...(this.#versions.get(arn) ?? []), parameter].slice(-KEPT_VERSIONS));
    this.#tell(parameter, existing === undefined ? "Create" : "Update", context);
    return { Version: parameter.version, Tier: "Standard" };
  }

  #delete(input: JsonObject, context: CallContext): Json {
    const parameter = this.#require(context, parseInput(schemas.get, input, ERROR).Name);
    this.#parameters.delete(parameter.arn);
    this.#versions.delete(parameter.arn);
    this.#tell(parameter, "Delete", context);
    return {};
  }

  #describe(input: JsonObject, context: CallContext): Json {
    const { MaxResults, NextToken } = parseInput(schemas.describe, input, ERROR);
    const prefix = arnOf(context, "");
    const all = [...this.#parameters.values()].filter(({ arn }) => arn.startsWith(prefix));
    const { items, nextToken } = page(all, { nextToken: NextToken, limit: MaxResults, errorName: "InvalidNextToken" });
    const entries = items.map((parameter) => {
      const { Value, ...metadata } = shown(parameter);
      return answer({ ...metadata, Description: parameter.description, Tier: "Standard" });
    });
    return answer({ Parameters: entries, NextToken: nextToken });
  }

  /** The version that `name:version` selects, or the present one. Undefined if it doesn't exist. */
  #versionOf(context: CallContext, selected: string): Parameter | undefined {
    const { nameOrArn, version } = partsOf(selected);
    const arn = arnOf(context, nameOrArn);
    if (version === undefined) return this.#parameters.get(arn);
    return this.#versions.get(arn)?.find((each) => each.version === version);
  }

  #selected(context: CallContext, selected: string): JsonObject {
    const { nameOrArn, version } = partsOf(selected);
    const { name: parameter } = this.#require(context, nameOrArn);
    const found = this.#versionOf(context, selected);
    if (found === undefined)
      throw new AwsError(
        "ParameterVersionNotFound",
        `Systems Manager could not find version ${version} of ${parameter}. Verify the version and try again.`,
      );
    return selectedBy(selected, found);
  }

  #require(context: CallContext, nameOrArn: string): Parameter {
    const parameter = this.#parameters.get(arnOf(context, nameOrArn));
    if (parameter === undefined) throw new AwsError("ParameterNotFound", `Parameter ${nameOrArn} not found.`);
    return parameter;
  }

  #tell(parameter: Parameter, operation: "Create" | "Update" | "Delete", { account, region }: CallContext): void {
    const { clock, random, events } = this.#context;
    events.publish({
      version: "0",
      id: randomUuid(random),
      "detail-type": "Parameter Store Change",
      source: "aws.ssm",
      account,
      time: new Date(clock.now()).toISOString().replace(/\.\d{3}Z$/, "Z"),
      region,
      resources: [parameter.arn],
      detail: answer({ operation, name: parameter.name, type: parameter.type, description: parameter.description }),
    });
  }
}

function arnOf({ account, region }: CallContext, nameOrArn: string): string {
  return nameOrArn.startsWith("arn:")
    ? nameOrArn
    : `arn:aws:ssm:${region}:${account}:parameter/${nameOrArn.replace(/^\//, "")}`;
}

/** Splits what GetParameter takes: a name or an ARN, which may end with a colon and a version's number. */
function partsOf(selected: string): { readonly nameOrArn: string; readonly version: number | undefined } {
  const [, nameOrArn, version] = /^(.*):(\d+)$/.exec(selected) ?? [];
  if (nameOrArn === undefined) return { nameOrArn: selected, version: undefined };
  return { nameOrArn, version: Number(version) };
}

/** A parameter as it is answered to who has selected it, with the selector. */
function selectedBy(selected: string, parameter: Parameter): JsonObject {
  const { version } = partsOf(selected);
  return answer({ ...shown(parameter), Selector: version === undefined ? undefined : `:${version}` });
}

function shown({ name: Name, arn, type, value, version, modifiedMs }: Parameter): JsonObject {
  return {
    Name,
    Type: type,
    Value: value,
    Version: version,
    LastModifiedDate: epochSeconds(modifiedMs),
    ARN: arn,
    DataType: "text",
  };
}

/**
 * Names whose first part begins with `aws` or `ssm`, in any case, are AWS's own.
 * https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_PutParameter.html
 */
function refuseReserved(parameter: string): void {
  const [, slash, prefix] = /^(\/?)(aws|ssm)/i.exec(parameter) ?? [];
  if (prefix === undefined) return;
  if (slash === "/" && prefix.toLowerCase() === "aws")
    throw new AwsError("AccessDeniedException", `No access to reserved parameter name: ${parameter}.`);
  throw new AwsError(ERROR, `Parameter name: can't be prefixed with "${prefix.toLowerCase()}" (case-insensitive).`);
}
