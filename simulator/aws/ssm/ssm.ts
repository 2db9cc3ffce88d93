import * as z from "zod";
import { AwsError } from "../../base/aws-error.ts";
import type { Json, JsonObject } from "../../base/json.ts";
import { randomUuid } from "../../base/random-id.ts";
import type { SimulatorContext } from "../../core/connections.ts";
import type { AwsService, CallContext, Operation } from "../../core/service.ts";
import { enums } from "../enums.ts";
import { answer, epochSeconds, page, parseInput } from "../input.ts";
import { isLabel, withLabels, withNewest, withoutLabels } from "./labels.ts";
import { parameterArn, parameterReference, requireNewName } from "./names.ts";
import { ssmNeeds } from "./needs.ts";

interface Parameter {
  readonly name: string;
  readonly arn: string;
  readonly type: string;
  readonly value: string;
  readonly description: string | undefined;
  readonly version: number;
  readonly labels: readonly string[];
  readonly modifiedMs: number;
}

const ERROR = "ValidationException";
const KEPT_VERSIONS = 100;
const name = z
  .string()
  .min(1)
  .max(1011)
  .regex(/^[\w./-]+$/, "letters, digits and .-_/");
const reference = z.string().min(1).max(2048);
const labels = z.array(z.string().min(1).max(100)).min(1).max(10);
const schemas = {
  get: z.object({ Name: reference, WithDecryption: z.boolean().default(false) }),
  getMany: z.object({ Names: z.array(reference).min(1).max(10), WithDecryption: z.boolean().default(false) }),
  delete: z.object({ Name: name }),
  put: z.object({
    Name: name,
    Value: z.string().min(1).max(4096),
    Type: z.enum(enums.ssm.ParameterType).optional(),
    Description: z.string().max(1024).optional(),
    Overwrite: z.boolean().default(false),
  }),
  label: z.object({ Name: name, ParameterVersion: z.int().optional(), Labels: labels }),
  unlabel: z.object({ Name: name, ParameterVersion: z.int(), Labels: labels }),
  history: z.object({
    Name: name,
    WithDecryption: z.boolean().default(false),
    MaxResults: z.int().min(1).max(50).default(50),
    NextToken: z.string().optional(),
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
  /** By ARN, the versions that are kept, the newest last. */
  readonly #parameters = new Map<string, readonly Parameter[]>();

  constructor(context: SimulatorContext) {
    this.#context = context;
    this.operations = {
      GetParameter: (input, context) => this.#get(input, context),
      GetParameters: (input, context) => this.#getMany(input, context),
      PutParameter: (input, context) => this.#put(input, context),
      DeleteParameter: (input, context) => this.#delete(input, context),
      DescribeParameters: (input, context) => this.#describe(input, context),
      LabelParameterVersion: (input, context) => this.#label(input, context),
      UnlabelParameterVersion: (input, context) => this.#unlabel(input, context),
      GetParameterHistory: (input, context) => this.#history(input, context),
    };
  }

  #get(input: JsonObject, context: CallContext): Json {
    const { Name, WithDecryption } = parseInput(schemas.get, input, ERROR);
    const found = this.#find(context, Name);
    if (found === "no version") {
      const [, base, version] = /^(.*):([^:]+)$/.exec(Name) ?? [];
      throw noVersion(String(base), String(version));
    }
    if (found === undefined) throw notFound(Name);
    return { Parameter: read(found, WithDecryption) };
  }

  #getMany(input: JsonObject, context: CallContext): Json {
    const { Names, WithDecryption } = parseInput(schemas.getMany, input, ERROR);
    const found = Names.map((each) => ({ each, parameter: this.#find(context, each) }));
    return {
      Parameters: found.flatMap(({ parameter }) =>
        typeof parameter === "object" ? [read(parameter, WithDecryption)] : [],
      ),
      InvalidParameters: found.flatMap(({ each, parameter }) => (typeof parameter === "object" ? [] : [each])),
    };
  }

  #put(input: JsonObject, context: CallContext): Json {
    const request = parseInput(schemas.put, input, ERROR);
    requireNewName(request.Name);
    const arn = parameterArn(context, request.Name);
    const versions = this.#parameters.get(arn) ?? [];
    const existing = versions.at(-1);
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
      labels: [],
      modifiedMs: this.#context.clock.now(),
    };
    this.#parameters.set(arn, withNewest(versions, parameter, KEPT_VERSIONS));
    this.#tell(parameter, existing === undefined ? "Create" : "Update", context);
    return { Version: parameter.version, Tier: "Standard" };
  }

  #delete(input: JsonObject, context: CallContext): Json {
    const { Name } = parseInput(schemas.delete, input, ERROR);
    const { arn, newest: parameter } = this.#versionsOf(Name, context);
    this.#parameters.delete(arn);
    this.#tell(parameter, "Delete", context);
    return {};
  }

  #describe(input: JsonObject, context: CallContext): Json {
    const { MaxResults, NextToken } = parseInput(schemas.describe, input, ERROR);
    const prefix = parameterArn(context, "");
    const newest = [...this.#parameters.values()].flatMap((versions) => versions.at(-1) ?? []);
    const all = newest.filter(({ arn }) => arn.startsWith(prefix));
    const { items, nextToken } = page(all, { nextToken: NextToken, limit: MaxResults, errorName: "InvalidNextToken" });
    const entries = items.map((parameter) => {
      const { Value, ...metadata } = shown(parameter);
      return answer({ ...metadata, Description: parameter.description, Tier: "Standard" });
    });
    return answer({ Parameters: entries, NextToken: nextToken });
  }

  #label(input: JsonObject, context: CallContext): Json {
    const { Name, ParameterVersion, Labels } = parseInput(schemas.label, input, ERROR);
    const { arn, versions, newest } = this.#versionsOf(Name, context);
    const version = ParameterVersion ?? newest.version;
    requireVersion(versions, Name, version);
    this.#parameters.set(arn, withLabels(versions, version, Labels.filter(isLabel)));
    return { InvalidLabels: Labels.filter((label) => !isLabel(label)), ParameterVersion: version };
  }

  #unlabel(input: JsonObject, context: CallContext): Json {
    const { Name, ParameterVersion, Labels } = parseInput(schemas.unlabel, input, ERROR);
    const { arn, versions } = this.#versionsOf(Name, context);
    const { labels: own } = requireVersion(versions, Name, ParameterVersion);
    this.#parameters.set(arn, withoutLabels(versions, ParameterVersion, Labels));
    return {
      RemovedLabels: Labels.filter((label) => own.includes(label)),
      InvalidLabels: Labels.filter((label) => !own.includes(label)),
    };
  }

  #history(input: JsonObject, context: CallContext): Json {
    const { Name, WithDecryption, MaxResults, NextToken } = parseInput(schemas.history, input, ERROR);
    const { versions } = this.#versionsOf(Name, context);
    const paging = { nextToken: NextToken, limit: MaxResults, errorName: "InvalidNextToken" };
    const { items, nextToken } = page(versions, paging);
    const entries = items.map((parameter) => {
      const { ARN, ...past } = read({ parameter, selector: undefined }, WithDecryption);
      return answer({ ...past, Description: parameter.description, Labels: parameter.labels, Tier: "Standard" });
    });
    return answer({ Parameters: entries, NextToken: nextToken });
  }

  /** @throws AwsError ParameterNotFound */
  #versionsOf(Name: string, context: CallContext) {
    const arn = parameterArn(context, Name);
    const versions = this.#parameters.get(arn) ?? [];
    const newest = versions.at(-1);
    if (newest === undefined) throw notFound(Name);
    return { arn, versions, newest };
  }

  #find(context: CallContext, nameOrArn: string): Found | "no version" | undefined {
    const { arn = "", selector } = parameterReference(context, nameOrArn) ?? {};
    const versions = this.#parameters.get(arn);
    if (versions === undefined) return undefined;
    const chosen = versions.findLast(
      ({ version, labels }) => selector === undefined || selector === String(version) || labels.includes(selector),
    );
    return chosen === undefined ? "no version" : { parameter: chosen, selector };
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

function requireVersion(versions: readonly Parameter[], Name: string, version: number): Parameter {
  const found = versions.find((each) => each.version === version);
  if (found === undefined) throw noVersion(Name, String(version));
  return found;
}

function notFound(Name: string): AwsError {
  return new AwsError("ParameterNotFound", `Parameter ${Name} not found.`);
}

function noVersion(Name: string, version: string): AwsError {
  const message = `Systems Manager could not find version ${version} of ${Name}. Verify the version and try again.`;
  return new AwsError("ParameterVersionNotFound", message);
}

interface Found {
  readonly parameter: Parameter;
  readonly selector: string | undefined;
}

/** As GetParameter returns it: a SecureString that is not decrypted is the ciphertext of its value. */
function read({ parameter, selector }: Found, decrypted: boolean): JsonObject {
  const isCipher = parameter.type === "SecureString" && !decrypted;
  return answer({
    ...shown(isCipher ? { ...parameter, value: ciphertext(parameter.value) } : parameter),
    Selector: selector === undefined ? undefined : `:${selector}`,
  });
}

function ciphertext(value: string): string {
  return `AQICAH${Buffer.from(value).toString("base64url")}`;
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
