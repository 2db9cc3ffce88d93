import type { JsonObject } from "../../../base/json.ts";
import { containerProblems } from "./containers.ts";
import { fargateProblems } from "./fargate.ts";
import { logRouterProblems } from "./log-router.ts";
import { isForFargate, networkModeOf, type Problems, type RegistrationRequest, readRequest } from "./request.ts";
import { startOrderProblems } from "./start-order.ts";
import { sizeProblems } from "./task-size.ts";

/** https://docs.aws.amazon.com/general/latest/gr/ecs-service.html */
const QUOTAS = { containers: 10, bytes: 65_536, placementConstraints: 10 };

/** "Up to 255 letters (uppercase and lowercase), numbers, underscores, and hyphens are allowed." */
const NAME = /^[A-Za-z0-9_-]{1,255}$/;

/** The enumerations of the API reference. */
const VALUES = {
  networkMode: new Set(["none", "bridge", "awsvpc", "host"]),
  pidMode: new Set(["host", "task"]),
  ipcMode: new Set(["host", "task", "none"]),
  compatibility: new Set(["EC2", "FARGATE", "EXTERNAL", "MANAGED_INSTANCES"]),
};

/**
 * What RegisterTaskDefinition would refuse in a request body; empty when it would take it. The rules follow the API
 * reference and the developer guide, in ECS's words where users have reported them. They are those of Linux tasks, and
 * not all of AWS's: what is not documented is not refused.
 * https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RegisterTaskDefinition.html
 */
export function registrationProblems(definition: JsonObject): readonly string[] {
  const read = readRequest(definition);
  if ("unreadable" in read) return read.unreadable;
  return [...new Set([...requestProblems(read.request), ...lengthProblems(definition)])];
}

function* requestProblems(request: RegistrationRequest): Problems {
  yield* familyProblems(request);
  yield* containerListProblems(request);
  yield* settingProblems(request);
  yield* sizeProblems(request);
  for (const container of request.containerDefinitions) yield* containerProblems(container, request);
  yield* startOrderProblems(request.containerDefinitions);
  yield* logRouterProblems(request.containerDefinitions);
  if (isForFargate(request)) yield* fargateProblems(request);
  if (request.executionRoleArn === undefined && request.containerDefinitions.some(({ secrets }) => secrets.length > 0))
    yield "When you are specifying container secrets, you must also specify a value for 'executionRoleArn'.";
  yield* tagProblems(request);
}

function* familyProblems({ family }: RegistrationRequest): Problems {
  if (!family) yield "Family should not be null or empty.";
  else if (!NAME.test(family)) yield "Family contains invalid characters.";
}

function* containerListProblems({ containerDefinitions: containers }: RegistrationRequest): Problems {
  if (containers.length === 0) yield "Container list cannot be empty.";
  else if (containers.every(({ essential }) => essential === false))
    yield "Task definition must have at least one essential container.";
  if (containers.length > QUOTAS.containers) yield "Too many containers.";
  const seen = new Set<string>();
  for (const { name } of containers) {
    if (!name) yield "Container.name should not be null or empty.";
    else if (!NAME.test(name)) yield `Container name '${name}' contains invalid characters.`;
    else if (seen.has(name)) yield `Container names should be unique: '${name}' is used more than once.`;
    seen.add(name ?? "");
  }
}

function* settingProblems(request: RegistrationRequest): Problems {
  const { pidMode, ipcMode, requiresCompatibilities, placementConstraints, proxyConfiguration } = request;
  const networkMode = networkModeOf(request);
  if (!VALUES.networkMode.has(networkMode)) yield `Invalid network mode '${networkMode}'.`;
  if (pidMode !== undefined && !VALUES.pidMode.has(pidMode)) yield `Invalid PID mode '${pidMode}'.`;
  if (ipcMode !== undefined && !VALUES.ipcMode.has(ipcMode)) yield `Invalid IPC mode '${ipcMode}'.`;
  for (const one of requiresCompatibilities)
    if (!VALUES.compatibility.has(one)) yield `Invalid compatibility '${one}'.`;
  if (placementConstraints.length > QUOTAS.placementConstraints)
    yield `Too many placement constraints: a task has at most ${QUOTAS.placementConstraints}.`;
  if ((proxyConfiguration?.type ?? "APPMESH") !== "APPMESH") yield "Proxy type must be APPMESH.";
}

/** The restrictions that RegisterTaskDefinition's `tags` names; a prefix `aws:` has any upper and lower case. */
function* tagProblems({ tags }: RegistrationRequest): Problems {
  if (!tags) return;
  if (tags.length === 0) yield "Tags can not be empty.";
  const keys = tags.map(({ key = "" }) => key);
  if (keys.length > 50) yield "Too many tags: a resource has at most 50.";
  if (new Set(keys).size < keys.length) yield "Tag keys should be unique.";
  for (const { key = "", value = "" } of tags) {
    if (key === "" || [...key].length > 128) yield "A tag key has 1 to 128 characters.";
    if (/^aws:/i.test(key)) yield "Tag keys that start with aws: are reserved.";
    if ([...value].length > 256) yield "A tag value has at most 256 characters.";
  }
}

function* lengthProblems(definition: JsonObject): Problems {
  const bytes = Buffer.byteLength(JSON.stringify(definition));
  if (bytes > QUOTAS.bytes) yield `Actual length: '${bytes}'. Max allowed length is '${QUOTAS.bytes}' bytes.`;
}
