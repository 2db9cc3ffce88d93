import { sameRole } from "../base/arn.ts";
import { AutopilotError } from "../base/errors.ts";
import { textAt } from "../base/json-fields.ts";
import { tagKeys } from "../base/vocabulary.ts";
import type { Config } from "../config/config.ts";
import type { BootstrapToken } from "../data-plane/ztunnel/index.ts";
import { secretName, versionIdOf } from "../data-plane/ztunnel/index.ts";
import type { MeshFacts } from "../model/mesh.ts";
import type { AssignedImage } from "../model/rollout.ts";
import type { DescribedTaskDefinition, ObservedService, Tags } from "../model/service.ts";
import { parseBundle } from "../trust/bundle.ts";
import type { DesiredEnrollment, DesiredSecret, TagRequest } from "./decision.ts";
import { derivedPorts } from "./ports.ts";
import { fittingTags } from "./tag-room.ts";

/** The roles of a task definition as ARNs. */
export interface TaskRoles {
  readonly taskRoleArn: string | undefined;
  readonly executionRoleArn: string | undefined;
}

/**
 * The roles of the service's task definition. A task definition may name a role without its ARN: it is then in the
 * service's account. https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RegisterTaskDefinition.html
 */
export function rolesOf(service: ObservedService, definition: DescribedTaskDefinition): TaskRoles {
  const partition = service.ref.serviceArn.split(":")[1] ?? "aws";
  const arnOf = (role: string | undefined): string | undefined => {
    if (!role || role.startsWith("arn:")) return role || undefined;
    return `arn:${partition}:iam::${service.ref.account}:role/${role}`;
  };
  return {
    taskRoleArn: arnOf(textAt(definition.raw, "taskRoleArn")),
    executionRoleArn: arnOf(textAt(definition.raw, "executionRoleArn")),
  };
}

/**
 * The role whose credentials prove the identity. A ztunnel has the task role's alone: where the configuration asks for
 * an execution role that is another one, a service that is in the mesh already goes on with its task role.
 */
export function provingRole(
  { taskRoleArn, executionRoleArn }: { readonly taskRoleArn: string; readonly executionRoleArn: string },
  { identityRole }: Pick<Config, "identityRole">,
): string {
  return identityRole === "execution" && sameRole(taskRoleArn, executionRoleArn) ? executionRoleArn : taskRoleArn;
}

/** What a token takes from a request. */
type TokenRequest = Pick<TagRequest, "namespace" | "serviceAccount" | "platform" | "external">;

/**
 * The bootstrap token that a service shall start from. A credential: it must not leave the function that writes it.
 * Throws `AutopilotError` `invalid-pem` when the facts' root CA bundle is invalid.
 */
export function desiredToken(request: TokenRequest, facts: MeshFacts): BootstrapToken {
  return {
    url: facts.istiodUrl,
    caCert: parseBundle(facts.rootCaPem).pem,
    namespace: request.namespace,
    serviceAccount: request.serviceAccount,
    platform: request.platform,
    network: facts.network,
    remote: request.external,
  };
}

/** Where the bootstrap token of these facts lies, for a stage with this prefix. Throws like `desiredToken`. */
export function desiredSecret(request: TokenRequest, facts: MeshFacts, prefix?: string): DesiredSecret {
  const token = desiredToken(request, facts);
  return { secretName: secretName(token, prefix), versionId: versionIdOf(token) };
}

/**
 * The ztunnel image that a service shall run: its tag's; else that of the rollout which rolls it; else the one that was
 * assigned last, to the service by a rollout or to the fleet; else the configuration's.
 */
export function desiredImage(wanted: {
  readonly tagged: string | undefined;
  readonly rollout: { readonly image?: string } | undefined;
  readonly given: AssignedImage | undefined;
  readonly fleet: AssignedImage | undefined;
  readonly config: Config;
}): string {
  const { tagged, rollout, given, fleet, config } = wanted;
  return tagged ?? rollout?.image ?? assignedImage(given, fleet) ?? config.ztunnel.image;
}

/** The image that was assigned last: to the service, or to the fleet. */
export function assignedImage(given: AssignedImage | undefined, fleet: AssignedImage | undefined): string | undefined {
  const own = given !== undefined && given.assignedAtMs > (fleet?.assignedAtMs ?? -1) ? given.image : undefined;
  return own ?? fleet?.image;
}

/**
 * What the enrolled service should be, by its tags, the mesh facts and the configuration. Throws `AutopilotError`
 * `invalid-pem`, or `unexpected-error` when a role is missing: `decide` refuses such a service before.
 */
export function desiredEnrollment(input: {
  readonly service: ObservedService;
  readonly definition: DescribedTaskDefinition;
  readonly request: TagRequest;
  readonly facts: MeshFacts;
  readonly image: string;
  readonly config: Config;
}): DesiredEnrollment {
  const { service, definition, request, facts, image, config } = input;
  const { taskRoleArn, executionRoleArn } = rolesOf(service, definition);
  if (!taskRoleArn || !executionRoleArn) {
    throw new AutopilotError("unexpected-error", `${definition.taskDefinitionArn} lacks a role.`);
  }
  const { namespace, serviceAccount } = request;
  return {
    identity: { namespace, serviceAccount, roleArn: provingRole({ taskRoleArn, executionRoleArn }, config) },
    request,
    secret: desiredSecret(request, facts, config.keys.prefix),
    image,
    executionRoleArn,
    missingTags: fittingTags(service.tags, missingTags(service.tags, request, definition)),
  };
}

/**
 * The tags that istiod takes the workload's identity and its ports from, where the service itself lacks them: a
 * cluster's tags and the defaults don't reach the tasks.
 */
export function missingTags(serviceTags: Tags, request: TagRequest, { raw }: DescribedTaskDefinition): Tags {
  const ports = request.ports ?? derivedPorts(raw);
  const wanted = {
    [tagKeys.namespace]: request.namespace,
    [tagKeys.serviceAccount]: request.serviceAccount,
    ...(ports !== undefined && { [tagKeys.ports]: ports }),
  };
  return Object.fromEntries(Object.entries(wanted).filter(([key, value]) => serviceTags[key] !== value));
}
