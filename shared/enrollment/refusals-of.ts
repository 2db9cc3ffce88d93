import { sameRole } from "../base/arn.ts";
import type { JsonObject } from "../base/json.ts";
import { isSet, objectAt, objectsAt, textAt } from "../base/json-fields.ts";
import { counted } from "../base/plural.ts";
import { type Config, controlPlaneFor, isSystemNamespace } from "../config/config.ts";
import { isAllowedImage } from "../config/images.ts";
import type { SidecarSpec } from "../data-plane/ztunnel/index.ts";
import { inject, isReaderOf, portCollisions } from "../data-plane/ztunnel/index.ts";
import type { Refusal } from "../model/reasons.ts";
import type { DescribedTaskDefinition, ObservedService, RoleBinding, WorkloadIdentity } from "../model/service.ts";
import type { TagRequest } from "./decision.ts";
import { rolesOf } from "./desired.ts";
import { meshNameProblems } from "./mesh-names.ts";

/** The refusals that forbid any change to the service. */
export function serviceRefusals(service: ObservedService): readonly Refusal[] {
  const found: Refusal[] = [];
  if (service.status !== "ACTIVE") found.push({ reason: "service-not-active", detail: `It is ${service.status}.` });
  if (service.deploymentController !== "ECS") {
    found.push({ reason: "deployment-controller", detail: `The controller is ${service.deploymentController}.` });
  }
  return found;
}

/** Why the service can't be taken into the mesh as it is, apart from its tags; most fundamental first. */
export function enrollRefusals(
  service: ObservedService,
  definition: DescribedTaskDefinition,
  config: Config,
): readonly Refusal[] {
  const { raw } = definition;
  const { account, region } = service.ref;
  const found: Refusal[] = [];
  if (!controlPlaneFor(config, service.ref))
    found.push({ reason: "no-control-plane", detail: `${account}, ${region}` });
  const windows = windowsOf(service, raw);
  if (windows) found.push({ reason: "windows", detail: windows });
  const networkMode = textAt(raw, "networkMode") ?? "bridge";
  if (networkMode !== "awsvpc") found.push({ reason: "network-mode", detail: `The network mode is ${networkMode}.` });
  if (isSet(raw, "proxyConfiguration")) {
    const container = textAt(objectAt(raw, "proxyConfiguration"), "containerName") ?? "of no name";
    found.push({ reason: "app-mesh", detail: `The proxy is container ${container}.` });
  }
  if (isOldPlatform(service)) {
    found.push({ reason: "platform-version", detail: `It is ${service.platformVersion ?? ""}.` });
  }
  return [...found, ...roleObstacles(service, definition, config), ...deploymentObstacles(service)];
}

/** The Windows family that the definition names, or the placement constraint that asks for Windows instances. */
function windowsOf({ placementExpressions }: ObservedService, raw: JsonObject): string | undefined {
  const family = textAt(objectAt(raw, "runtimePlatform"), "operatingSystemFamily") ?? "LINUX";
  if (family.startsWith("WINDOWS")) return family;
  const ofDefinition = objectsAt(raw, "placementConstraints").flatMap((one) => textAt(one, "expression") ?? []);
  return [...placementExpressions, ...ofDefinition].find(asksForWindows);
}

/**
 * By the attributes that ECS gives to instances. An expression with a negation or an alternative may mean the opposite:
 * it counts as none. https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-placement-constraints.html
 */
function asksForWindows(expression: string): boolean {
  if (/!|\|\||\b(not|or)\b/i.test(expression)) return false;
  return /attribute:ecs\.os-(type|family)\s*(==|=~|in)\s*\[?\s*["']?windows/i.test(expression);
}

/** What keeps ECS from deploying a revision of ours. */
function deploymentObstacles(service: ObservedService): readonly Refusal[] {
  const found: Refusal[] = [];
  if (service.resourceManagement === "ECS") {
    found.push({ reason: "express-mode", detail: "Its resourceManagementType is ECS." });
  }
  const { desiredCount, deploymentPercents, deploymentStrategy } = service;
  if (deploymentStrategy === "ROLLING" && desiredCount > 0 && !hasRoom(service)) {
    const { minimumHealthy, maximum } = deploymentPercents;
    const detail = `${counted(desiredCount, "task")}, minimumHealthyPercent ${minimumHealthy}, maximumPercent ${maximum}.`;
    found.push({ reason: "no-deployment-room", detail });
  }
  return found;
}

/**
 * True when ECS may stop an old task first or start a new one beside the old ones. It rounds the lower bound up and the
 * upper one down: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DeploymentConfiguration.html
 */
function hasRoom({ desiredCount, deploymentPercents, schedulingStrategy }: ObservedService): boolean {
  const atLeast = Math.ceil((desiredCount * deploymentPercents.minimumHealthy) / 100);
  const atMost = Math.floor((desiredCount * deploymentPercents.maximum) / 100);
  return atLeast < desiredCount || (schedulingStrategy !== "DAEMON" && atMost > desiredCount);
}

/** Why istiod could not know the service by what its tags and its names ask for. */
export function requestRefusals(
  { ref }: ObservedService,
  { hostname }: TagRequest,
  { policy }: Config,
): readonly Refusal[] {
  if (policy.nameRules === "warn") return [];
  return meshNameProblems({ ref, hostname }).map((detail): Refusal => ({ reason: "mesh-name", detail }));
}

/** ztunnel as a daemon of the instance is not what the autopilot brings. */
export function platformRefusals({ platform }: TagRequest, { keys }: Pick<Config, "keys">): readonly Refusal[] {
  return platform === "ecs-ec2" ? [{ reason: "node-daemon", detail: `${keys.tags.platform} is ecs-ec2.` }] : [];
}

function roleObstacles(
  service: ObservedService,
  definition: DescribedTaskDefinition,
  { identityRole }: Config,
): readonly Refusal[] {
  const { taskRoleArn, executionRoleArn } = rolesOf(service, definition);
  const detail = definition.taskDefinitionArn;
  const found: Refusal[] = [];
  if (!taskRoleArn) found.push({ reason: "no-task-role", detail });
  if (!executionRoleArn) found.push({ reason: "no-execution-role", detail });
  if (identityRole === "execution" && taskRoleArn && executionRoleArn && !sameRole(taskRoleArn, executionRoleArn)) {
    found.push({ reason: "roles-differ", detail: `${taskRoleArn} and ${executionRoleArn}` });
  }
  const foreign = Object.entries({ taskRoleArn, executionRoleArn }).filter(
    ([, role]) => role !== undefined && !isReaderOf(service.ref.account, role),
  );
  if (foreign.length > 0) {
    found.push({ reason: "foreign-role", detail: foreign.map(([member, role]) => `${member}: ${role}`).join(", ") });
  }
  return found;
}

/** Why the sidecar has no place in the definition (in registerable form). `enrollRefusals` reports a missing role. */
export function sidecarRefusals(registerable: JsonObject, spec: SidecarSpec): readonly Refusal[] {
  const collisions = portCollisions(registerable).map(
    ({ container, port, use }): Refusal => ({
      reason: "port-collision",
      detail: `Container ${container} uses port ${port} (ztunnel: ${use}).`,
    }),
  );
  const withRole = isSet(registerable, "executionRoleArn")
    ? registerable
    : { ...registerable, executionRoleArn: "arn:aws:iam::000000000000:role/none" };
  const trial = inject(withRole, spec);
  return trial.ok ? collisions : [{ reason: trial.refusal, detail: trial.detail }, ...collisions];
}

/** A person who may tag a service must not choose what runs beside it with its role's credentials. */
export function imageRefusals(image: string | undefined, { ztunnel }: Config): readonly Refusal[] {
  if (image === undefined || isAllowedImage(image, ztunnel)) return [];
  return [{ reason: "image-not-allowed", detail: image }];
}

/** The identity's namespace against the configuration's `allowedNamespaces`, and those that no service gets. */
export function namespaceRefusals(namespace: string, allowedNamespaces: readonly string[]): readonly Refusal[] {
  const allowed = allowedNamespaces.some((pattern) =>
    pattern.endsWith("*") ? namespace.startsWith(pattern.slice(0, -1)) : namespace === pattern,
  );
  return allowed && !isSystemNamespace(namespace)
    ? []
    : [{ reason: "namespace-not-allowed", detail: `The namespace is ${namespace}.` }];
}

/** A refusal when the service account is bound to another role than the service's, by one of its annotations. */
export function identityRefusal(bindings: readonly RoleBinding[], identity: WorkloadIdentity): Refusal | undefined {
  const { namespace, serviceAccount, roleArn } = identity;
  const other = bindings.find((binding) => !sameRole(binding.roleArn, roleArn));
  if (!other) return undefined;
  return {
    reason: "identity-conflict",
    detail: `${namespace}/${serviceAccount} is bound to ${other.roleArn} by ${other.annotation}, the service has ${roleArn}.`,
  };
}

/**
 * True for a Fargate platform version below 1.4.0: these can't read one version of a secret.
 * https://docs.aws.amazon.com/AmazonECS/latest/developerguide/secrets-envvar-secrets-manager.html
 */
function isOldPlatform({ launchType, platformVersion }: ObservedService): boolean {
  if (launchType === "EC2" || launchType === "EXTERNAL") return false;
  const [, major, minor] = /^(\d+)\.(\d+)/.exec(platformVersion ?? "") ?? [];
  if (major === undefined || minor === undefined) return false;
  return Number(major) < 1 || (Number(major) === 1 && Number(minor) < 4);
}
