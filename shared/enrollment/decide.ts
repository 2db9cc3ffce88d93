import { type Config, targetsOf } from "../config.ts";
import { AutopilotError } from "../errors.ts";
import type { ServiceState } from "../ledger.ts";
import { driftOf } from "../task-definition/differences.ts";
import { containersOf } from "../task-definition/fields.ts";
import { registerable } from "../task-definition/registerable.ts";
import { findSidecar, type Sidecar } from "../task-definition/sidecar.ts";
import { cautions } from "./cautions.ts";
import { comparableValueFrom, sidecarSpec } from "./definition.ts";
import { desiredEnrollment } from "./desired.ts";
import type { Decision, DescribedTaskDefinition, MeshFacts, ObservedService, TagRequest, Tags } from "./model.ts";
import { enrollObstacles, namespaceObstacles, serviceObstacles, sidecarObstacles } from "./obstacles.ts";
import type { DriftReason, Refusal } from "./reasons.ts";
import { effectiveTags, enrollIntent, parseRequest, unknownTags } from "./tags.ts";

export { identityRefusal } from "./obstacles.ts";

/** All that a decision is made of. */
export interface Observed {
  readonly service: ObservedService;
  readonly clusterTags: Tags;
  /** The task definition of the service's PRIMARY deployment. */
  readonly definition: DescribedTaskDefinition;
  /** Undefined only where no control plane serves the service. */
  readonly facts: MeshFacts | undefined;
  readonly config: Config;
  readonly state: Pick<ServiceState, "enrolled"> | undefined;
  /** The token secret's full ARN, where it is known. */
  readonly secretArn?: string;
}

/**
 * What to do with a service, and why. By content alone: what the task definition, the secret version and the tags are,
 * never who made them. Throws `AutopilotError` when something that a decision needs is missing, as an absence must not
 * be taken for "remove all": `task-definition-not-found`, `mesh-facts-missing`, `invalid-pem`.
 */
export function decide(observed: Observed): Decision {
  const { service, clusterTags, definition, config } = observed;
  assertComplete(observed);
  const intent = enrollIntent(service.tags, clusterTags, config.enrollTagKey);
  const sidecar = findSidecar(definition.raw);
  if (typeof intent === "object") return refuse([intent.bad]) ?? notEnrolled;
  switch (intent) {
    case "in":
      return decideEnrolled(observed, sidecar);
    case "out":
      return hasZtunnel(sidecar) ? decideUnenroll(service, "tag-false") : notEnrolled;
    case "absent":
      return decideUntagged(observed, sidecar);
  }
}

const notEnrolled: Decision = { action: "none", reason: "not-enrolled", warnings: [] };

function assertComplete({ service, definition }: Observed): void {
  if (containersOf(definition.raw).length === 0) {
    throw new AutopilotError("task-definition-not-found", `${definition.taskDefinitionArn} has no containers.`);
  }
  if (definition.taskDefinitionArn !== service.taskDefinitionArn) {
    throw new AutopilotError("task-definition-not-found", `${service.taskDefinitionArn} was not what was described.`);
  }
}

/** A sidecar that somebody made without the autopilot, and without a tag, is theirs. */
function decideUntagged({ service, clusterTags, config }: Observed, sidecar: Sidecar): Decision {
  const typos = unknownTags(effectiveTags(service.tags, clusterTags), config.enrollTagKey);
  const refused = refuse(typos);
  if (refused) return refused;
  return sidecar.kind === "ours" ? decideUnenroll(service, "tag-removed") : notEnrolled;
}

function decideUnenroll(service: ObservedService, reason: "tag-removed" | "tag-false"): Decision {
  if (service.status !== "ACTIVE") return notEnrolled;
  return refuse(serviceObstacles(service)) ?? { action: "unenroll", reason };
}

function decideEnrolled(observed: Observed, sidecar: Sidecar): Decision {
  const { service, definition, facts, config } = observed;
  const request = requestOf(observed);
  const refused = refuse(obstacles(observed, request));
  if (refused) return refused;
  if (!facts) throw new AutopilotError("mesh-facts-missing", `For ${service.ref.serviceArn}.`);
  if ("refusals" in request) throw new AutopilotError("unexpected-error", "Bad tags were not refused.");
  const desired = desiredEnrollment({ service, definition, request: request.ok, facts, config });
  const warnings = cautions({ service, definition, facts, image: desired.image, config });
  const observedValueFrom = "secretValueFrom" in sidecar ? sidecar.secretValueFrom : undefined;
  const valueFrom = comparableValueFrom(service, desired.secret, observedValueFrom, observed.secretArn);
  const drift: readonly DriftReason[] = [
    ...driftOf(registerable(definition.raw, definition.tags), sidecarSpec(desired, valueFrom, config)),
    ...(Object.keys(desired.missingTags).length > 0 ? (["identity"] as const) : []),
  ];
  if (drift.length === 0) return { action: "none", reason: "as-desired", warnings };
  const isNew = sidecar.kind === "none" && observed.state?.enrolled !== true;
  return { action: isNew ? "enroll" : "update", drift, desired, warnings };
}

function requestOf({ service, clusterTags, config }: Observed): ReturnType<typeof parseRequest> {
  const { account, region, clusterName, serviceName } = service.ref;
  const target = targetsOf(config).find((one) => one.account === account && one.region === region);
  return parseRequest(effectiveTags(service.tags, clusterTags), {
    clusterName,
    serviceName,
    // Without a target there is no control plane either, which is refused.
    domain: target?.domain ?? "",
    enrollTagKey: config.enrollTagKey,
  });
}

/** Every refusal that applies, most fundamental first. */
function obstacles(
  { service, definition, config }: Observed,
  request: { readonly ok: TagRequest } | { readonly refusals: readonly Refusal[] },
): readonly Refusal[] {
  const parsed = "ok" in request ? request.ok : undefined;
  const wanted = { image: parsed?.image ?? config.ztunnel.image, request: { proxyEnv: parsed?.proxyEnv ?? false } };
  const placeholder = { secretName: "ztunnel-autopilot/network/namespace/service-account", versionId: "0".repeat(64) };
  const spec = sidecarSpec(wanted, comparableValueFrom(service, placeholder, undefined), config);
  return [
    ...serviceObstacles(service),
    ...enrollObstacles(service, definition, config),
    ...("refusals" in request ? request.refusals : namespaceObstacles(request.ok.namespace, config.allowedNamespaces)),
    ...sidecarObstacles(registerable(definition.raw, definition.tags), spec),
  ];
}

function refuse(refusals: readonly Refusal[]): Decision | undefined {
  const [first, ...others] = refusals;
  return first ? { action: "refuse", refusals: [first, ...others] } : undefined;
}

function hasZtunnel(sidecar: Sidecar): boolean {
  return sidecar.kind !== "none" && sidecar.kind !== "foreign";
}
