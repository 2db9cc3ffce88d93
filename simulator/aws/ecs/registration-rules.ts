import {
  containersOf,
  isSet,
  listAt,
  nameOf,
  objectAt,
  objectsAt,
  requiresFargate,
  textAt,
} from "../../../shared/data-plane/ztunnel/task-definition/fields.ts";
import {
  definitionBytes,
  MAX_CONTAINERS,
  MAX_DEFINITION_BYTES,
} from "../../../shared/data-plane/ztunnel/task-definition/quotas.ts";
import type { JsonObject } from "../../json.ts";
import { containerProblems } from "./registration-containers.ts";
import { dependencyProblems } from "./registration-dependencies.ts";
import { fargateProblems } from "./registration-fargate.ts";
import { sizeProblems } from "./registration-sizes.ts";

const MAX_TAGS = 50;
const NETWORK_MODES = ["awsvpc", "bridge", "host", "none"];
const COMPATIBILITIES = ["EC2", "EXTERNAL", "FARGATE", "MANAGED_INSTANCES"];

/** ECS's pattern of family and container names. */
const NAME_PATTERN = /^[A-Za-z0-9_-]{1,255}$/;

function familyProblems(definition: JsonObject): readonly string[] {
  const family = textAt(definition, "family") ?? "";
  if (family === "") return ["Family should not be null or empty."];
  return NAME_PATTERN.test(family) ? [] : ["Family contains invalid characters."];
}

function nameProblems(containers: readonly JsonObject[]): readonly string[] {
  const names = containers.map(nameOf);
  return names.flatMap((name, index) => {
    if (name === "") return ["Container.name should not be null or empty."];
    if (!NAME_PATTERN.test(name)) return [`Container name '${name}' contains invalid characters.`];
    return names.indexOf(name) < index ? [`Container names should be unique: '${name}' is used more than once.`] : [];
  });
}

function containerListProblems(definition: JsonObject): readonly string[] {
  const containers = containersOf(definition);
  if (containers.length === 0) return ["Container list cannot be empty."];
  return [
    ...(containers.length > MAX_CONTAINERS ? ["Too many containers."] : []),
    ...(containers.every(({ essential }) => essential === false)
      ? ["Task definition must have at least one essential container."]
      : []),
    ...nameProblems(containers),
  ];
}

function settingProblems(definition: JsonObject): readonly string[] {
  const mode = textAt(definition, "networkMode");
  const unknown = listAt(definition, "requiresCompatibilities").filter(
    (one) => typeof one !== "string" || !COMPATIBILITIES.includes(one),
  );
  const proxyType = textAt(objectAt(definition, "proxyConfiguration"), "type") ?? "APPMESH";
  return [
    ...(mode !== undefined && !NETWORK_MODES.includes(mode) ? [`Invalid network mode '${mode}'.`] : []),
    ...unknown.map((one) => `Invalid compatibility ${JSON.stringify(one)}.`),
    ...(proxyType === "APPMESH" ? [] : ["Proxy type must be APPMESH."]),
  ];
}

function tagProblems(definition: JsonObject): readonly string[] {
  const tags = objectsAt(definition, "tags");
  const keys = tags.map((tag) => textAt(tag, "key") ?? "");
  return [
    ...(tags.length > MAX_TAGS ? [`Too many tags: a resource has at most ${MAX_TAGS}.`] : []),
    ...keys.flatMap((key, index) => [
      ...(key.length < 1 || key.length > 128 ? ["A tag key has 1 to 128 characters."] : []),
      ...(key.toLowerCase().startsWith("aws:") ? ["Tag keys that start with aws: are reserved."] : []),
      ...(keys.indexOf(key) < index ? [`Duplicate tag key '${key}'.`] : []),
    ]),
    ...tags.flatMap((tag) =>
      (textAt(tag, "value") ?? "").length > 256 ? ["A tag value has at most 256 characters."] : [],
    ),
  ];
}

function secretProblems(definition: JsonObject): readonly string[] {
  if (isSet(definition, "executionRoleArn")) return [];
  const containers = containersOf(definition);
  return [
    ...(containers.some((container) => objectsAt(container, "secrets").length > 0)
      ? ["When you are specifying container secrets, you must also specify a value for 'executionRoleArn'."]
      : []),
    ...(requiresFargate(definition) && containers.some(logsToAws)
      ? ["Fargate requires task definition to have execution role ARN to support log driver awslogs."]
      : []),
  ];
}

function logsToAws(container: JsonObject): boolean {
  return textAt(objectAt(container, "logConfiguration"), "logDriver") === "awslogs";
}

/**
 * What RegisterTaskDefinition would refuse in a request body, in AWS's words where they are known (from reports of users
 * and the ECS developer guide's task definition parameters); empty when it would take it. It knows the rules that a
 * sidecar can touch, not every one of AWS's.
 */
export function registrationProblems(definition: JsonObject): readonly string[] {
  const problems = [
    ...familyProblems(definition),
    ...containerListProblems(definition),
    ...settingProblems(definition),
    ...sizeProblems(definition),
    ...containersOf(definition).flatMap((container) => containerProblems(container, definition)),
    ...dependencyProblems(definition),
    ...(requiresFargate(definition) ? fargateProblems(definition) : []),
    ...secretProblems(definition),
    ...tagProblems(definition),
    ...(definitionBytes(definition) > MAX_DEFINITION_BYTES
      ? [`Actual length of the task definition exceeds the maximum of ${MAX_DEFINITION_BYTES} bytes.`]
      : []),
  ];
  return [...new Set(problems)];
}
