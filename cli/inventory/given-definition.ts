import * as z from "zod";
import { isJsonObject, type Json, type JsonObject } from "../../shared/base/json.ts";
import { listAt, numberAt, textAt } from "../../shared/base/json-fields.ts";
import { parseJson } from "../../shared/base/json-text.ts";
import { registerable } from "../../shared/model/task-definition.ts";

/** Why a text is not a task definition, in words. */
export class NotADefinition extends Error {
  override readonly name = "NotADefinition";
}

/** Editors of Windows begin a file with this mark, which JSON does not allow. */
const BYTE_ORDER_MARK = /^\uFEFF/;
/** AWS's own members nest a tenth as deep. */
const DEEPEST = 100;

const named = { name: z.string() };
const containerSchema = z.looseObject({
  name: z.string().min(1),
  dependsOn: z.array(z.looseObject({ containerName: z.string(), condition: z.string() })).optional(),
  environment: z.array(z.looseObject({ ...named, value: z.string().optional() })).optional(),
  environmentFiles: z.array(z.looseObject({})).optional(),
  secrets: z.array(z.looseObject({ ...named, valueFrom: z.string() })).optional(),
  portMappings: z.array(z.looseObject({})).optional(),
  logConfiguration: z.looseObject({ logDriver: z.string() }).optional(),
  firelensConfiguration: z.looseObject({}).optional(),
});

/** What the sidecar is worked out from has AWS's shape: it would be lost in silence otherwise. The rest is any JSON. */
const definitionSchema = z.looseObject({
  containerDefinitions: z
    .array(containerSchema)
    .min(1)
    .refine((containers) => new Set(containers.map(({ name }) => name)).size === containers.length, {
      error: "two containers have the same name",
    }),
  requiresCompatibilities: z.array(z.string()).optional(),
  placementConstraints: z.array(z.looseObject({})).optional(),
});

/**
 * The definition in a text, as RegisterTaskDefinition takes it: from such a text itself, or from what
 * DescribeTaskDefinition answers, with the tags that stand in or beside it. A member that is null counts as absent, as
 * AWS's API has it: the AWS CLI refuses it. Throws `NotADefinition`.
 */
export function givenDefinition(text: string): JsonObject {
  const json = withoutNulls(jsonOf(text.replace(BYTE_ORDER_MARK, "")), 1);
  if (isJsonObject(json) && isJsonObject(json.taskDefinition)) {
    return registerableInput(json.taskDefinition, listAt(json, "tags"));
  }
  return registerableInput(json, []);
}

function jsonOf(text: string): Json {
  try {
    // A JSON text is JSON.
    return parseJson(text) as Json;
  } catch (cause) {
    if (cause instanceof RangeError) throw nestsTooDeep();
    throw new NotADefinition(cause instanceof Error ? cause.message : String(cause), { cause });
  }
}

function withoutNulls(json: Json, depth: number): Json {
  if (depth > DEEPEST) throw nestsTooDeep();
  if (Array.isArray(json)) return json.map((item) => withoutNulls(item, depth + 1));
  // A number that JavaScript would change is kept as a frozen object: it is not one of the text.
  if (!isJsonObject(json) || Object.isFrozen(json)) return json;
  const members = Object.entries(json).filter(([, value]) => value !== null);
  return Object.fromEntries(members.map(([key, value]) => [key, withoutNulls(value, depth + 1)]));
}

function nestsTooDeep(): NotADefinition {
  return new NotADefinition(`this is not a task definition: it nests more than ${DEEPEST} times.`);
}

function registerableInput(definition: Json, tagsBeside: readonly Json[]): JsonObject {
  const wrong = (why: string) => new NotADefinition(`this is not a task definition: ${why}`);
  if (isJsonObject(definition) && Array.isArray(definition.ContainerDefinitions)) {
    throw wrong(
      "its members are CloudFormation's. Give the form of RegisterTaskDefinition, with containerDefinitions.",
    );
  }
  if (!isJsonObject(definition) || !Array.isArray(definition.containerDefinitions)) {
    throw wrong("it has no containerDefinitions.");
  }
  const { error } = definitionSchema.safeParse(definition);
  if (error) throw wrong(`AWS has another shape for it.\n${z.prettifyError(error)}`);
  const tags = tagsBeside.flatMap((tag) => {
    const key = isJsonObject(tag) ? textAt(tag, "key") : undefined;
    return key === undefined || !isJsonObject(tag) ? [] : [{ key, value: textAt(tag, "value") ?? "" }];
  });
  const whole = registerable(definition, tags);
  // The AWS CLI takes the task's size as text alone.
  return ["cpu", "memory"].reduce<JsonObject>((rest, member) => withText(rest, member), whole);
}

function withText(definition: JsonObject, member: string): JsonObject {
  const size = numberAt(definition, member);
  return size === undefined ? definition : Object.fromEntries([...Object.entries(definition), [member, `${size}`]]);
}
