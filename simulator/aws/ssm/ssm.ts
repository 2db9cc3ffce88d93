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

  constructor(context: SimulatorContext) {
    this.#context = context;
    this.operations = {
      GetParameter: (input, context) => ({
        Parameter: shown(this.#require(context, parseInput(schemas.get, input, ERROR).Name)),
      }),
      GetParameters: (input, context) => this.#getMany(input, context),
      PutParameter: (input, context) => this.#put(input, context),
      DeleteParameter: (input, context) => this.#delete(input, context),
      DescribeParameters: (input, context) => this.#describe(input, context),
    };
  }

  #getMany(input: JsonObject, context: CallContext): Json {
    const { Names } = parseInput(schemas.getMany, input, ERROR);
    const found = Names.map((each) => ({ each, parameter: this.#parameters.get(arnOf(context, each)) }));
    return {
      Parameters: found.flatMap(({ parameter }) => (parameter === undefined ? [] : [shown(parameter)])),
      InvalidParameters: found.flatMap(({ each, parameter }) => (parameter === undefined ? [each] : [])),
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
    this.#tell(parameter, existing === undefined ? "Create" : "Update", context);
    return { Version: parameter.version, Tier: "Standard" };
  }

  #delete(input: JsonObject, context: CallContext): Json {
    const parameter = this.#require(context, parseInput(schemas.get, input, ERROR).Name);
    this.#parameters.delete(parameter.arn);
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
