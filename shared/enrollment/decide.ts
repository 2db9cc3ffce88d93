import { AutopilotError } from "../base/errors.ts";
import { DISCOVERY_TAG, tagKeys } from "../base/vocabulary.ts";
import type { Config } from "../config/config.ts";
import { driftOf, type Sidecar } from "../data-plane/ztunnel/index.ts";
import type { MeshFacts, MeshGeneration } from "../model/mesh.ts";
import {
  type DriftReason,
  keptRefusals,
  type Refusal,
  type RefusalReason,
  type RepairReason,
} from "../model/reasons.ts";
import type { FleetState } from "../model/rollout.ts";
import type { DescribedTaskDefinition, ObservedService, Tags } from "../model/service.ts";
import type { ServiceState } from "../model/service-state.ts";
import { containersOf, registerable } from "../model/task-definition.ts";
import type { Decision, DesiredEnrollment, TagRequest, UnenrollReason } from "./decision.ts";
import { comparableValueFrom, pinsSecret } from "./definition.ts";
import { desiredEnrollment, desiredImage, missingTags } from "./desired.ts";
import { knownFamilyRefusals } from "./families.ts";
import { otherStageRefusals } from "./other-stages.ts";
import { enrollRefusals, requestRefusals, serviceRefusals, sidecarRefusals } from "./refusals-of.ts";
import { immediateDrift } from "./rollout-deferral.ts";
import { sidecarSpec } from "./sidecar-spec.ts";
import { mayBeDiscovered, tagRoomRefusals } from "./tag-room.ts";
import { effectiveTags, enrollIntent, unknownTags } from "./tags.ts";
import { type ReadTasks, staleWords, taskTagsKey } from "./task-tags.ts";
import { skewRefusals } from "./version-skew.ts";
import { keptWarning, warningsOf } from "./warnings-of.ts";
import { isInMesh, ownSidecar, runningOf, type Wish, type WishState, wishOf } from "./wish.ts";

export { identityRefusal } from "./refusals-of.ts";

/** All that a decision is made of. */
export interface DecisionInput {
  readonly service: ObservedService;
  readonly clusterTags: Tags;
  /** The task definition of the service's PRIMARY deployment. */
  readonly definition: DescribedTaskDefinition;
  /** The newest ones. Undefined only where no control plane serves the service. */
  readonly facts: MeshFacts | undefined;
  /** Earlier ones that a service may still have while it waits for a rollout of the newest. */
  readonly older: readonly MeshGeneration[];
  readonly fleet: Pick<FleetState, "image" | "settings" | "unenrolledBy">;
  readonly config: Config;
  readonly state:
    | (WishState & Pick<ServiceState, "image" | "taskTagsTried" | "sharedFamily" | "secretGone">)
    | undefined;
  /**
   * Set when a rollout rolls the service: what changed for the whole fleet comes now, with this image if it has one.
   */
  readonly rollout?: RolloutTarget;
  readonly tasks?: ReadTasks;
  /** The identity that its tags ask for is another role's. */
  readonly conflict?: Refusal;
  /** The token secret's full ARN, where it is known. */
  readonly secretArn?: string;
}

/** What a rollout brings to each of its services beside the newest mesh facts and the present settings. */
export interface RolloutTarget {
  readonly image?: string;
  /** The service leaves the mesh, even if its tags enroll it. */
  readonly leave?: boolean;
}

/**
 * What to do with a service, and why. A change of the whole fleet (root CA and other mesh facts, image, sidecar
 * settings by configuration or by release) is left to a rollout as long as it is all that differs; any other drift is
 * corrected at once. By content alone: what the task definition, the secret version and the tags are, never who made
 * them. Throws `AutopilotError` when something that a decision needs is missing, as an absence must not be taken for
 * "remove all": `task-definition-not-found`, `mesh-facts-missing`, `invalid-pem`.
 */
export function decide(observed: DecisionInput): Decision {
  const { service, clusterTags, definition, config } = observed;
  assertComplete(observed);
  const intent = enrollIntent(service.tags, clusterTags, config.enrollTagKey);
  const sidecar = ownSidecar(definition.raw, config.keys);
  if (observed.rollout?.leave) return hasZtunnel(sidecar) ? decideUnenroll(service, "fleet-unenrolled") : notEnrolled;
  if (typeof intent === "object") return decideMistaken(observed, sidecar, [intent.bad]);
  switch (intent) {
    case "in":
      return decideTagged(observed, sidecar);
    case "out":
      return hasZtunnel(sidecar) ? decideUnenroll(service, "tag-false") : notEnrolled;
    case "absent":
      return decideUntagged(observed, sidecar);
  }
}

function decideTagged(observed: DecisionInput, sidecar: Sidecar, mistakes: readonly Refusal[] = []): Decision {
  if (observed.fleet.unenrolledBy && !observed.rollout)
    return { action: "none", reason: "fleet-unenrolled", warnings: [], repairs: [] };
  return decideEnrolled(observed, sidecar, mistakes);
}

/** A mistake in the tags that enroll enrolls nobody, and takes nobody out of the mesh. */
function decideMistaken(observed: DecisionInput, sidecar: Sidecar, mistakes: readonly Refusal[]): Decision {
  if (runningOf(observed, sidecar)) return decideTagged(observed, sidecar, mistakes);
  return refuse(mistakes) ?? notEnrolled;
}

const notEnrolled: Decision = { action: "none", reason: "not-enrolled", warnings: [], repairs: [] };

function assertComplete({ service, definition }: DecisionInput): void {
  if (containersOf(definition.raw).length === 0) {
    throw new AutopilotError("task-definition-not-found", `${definition.taskDefinitionArn} has no containers.`);
  }
  if (definition.taskDefinitionArn !== service.taskDefinitionArn) {
    throw new AutopilotError("task-definition-not-found", `${service.taskDefinitionArn} was not what was described.`);
  }
}

/** A sidecar that somebody made without the autopilot, and without a tag, is theirs. */
function decideUntagged(observed: DecisionInput, sidecar: Sidecar): Decision {
  const { service, clusterTags, config } = observed;
  const typos = unknownTags(effectiveTags(service.tags, clusterTags, config.keys), config.enrollTagKey, config.keys);
  if (typos.length > 0) return decideMistaken(observed, sidecar, typos);
  return sidecar.kind === "ours" ? decideUnenroll(service, "tag-removed") : notEnrolled;
}

function decideUnenroll(service: ObservedService, reason: UnenrollReason): Decision {
  if (service.status !== "ACTIVE") return notEnrolled;
  return refuse(serviceRefusals(service)) ?? { action: "unenroll", reason };
}

function decideEnrolled(observed: DecisionInput, sidecar: Sidecar, mistakes: readonly Refusal[]): Decision {
  const { service, definition, facts, config } = observed;
  const conflicts = observed.conflict ? [observed.conflict] : [];
  const running = runningOf(observed, sidecar);
  const wish = wishOf(observed, running, [...mistakes, ...conflicts]);
  const chosen = imageOf(observed, wish.request, running?.image, isInMesh(observed, sidecar));
  const found = [...obstacles(observed, wish, chosen.image), ...chosen.refusals];
  const kept = found.filter(({ reason }) => isKept(reason, observed, sidecar));
  const refused = refuse(found.filter((refusal) => !kept.includes(refusal)));
  if (refused) return refused;
  if (!facts) throw new AutopilotError("mesh-facts-missing", `For ${service.ref.serviceArn}.`);
  const { request } = wish;
  if (!request) throw new AutopilotError("unexpected-error", "Bad tags were not refused.");
  const desired = desiredEnrollment({ service, definition, request, facts, image: chosen.image, config });
  const observedValueFrom = "secretValueFrom" in sidecar ? sidecar.secretValueFrom : undefined;
  const valueFrom = comparableValueFrom(service, desired.secret, observedValueFrom, observed.secretArn);
  const spec = sidecarSpec(desired, valueFrom, config);
  const stale = staleWords(observed.tasks, service, definition);
  const { taskTags } = config.policy;
  // ECS may give tasks no tags at all, as by an account's settings: a second deployment would show that once more.
  const isTried = observed.state?.taskTagsTried === taskTagsKey(service, definition);
  const isLeft = taskTags === "next-deployment" || (taskTags === "deploy" && isTried);
  const warnings = [
    ...[...wish.kept, ...chosen.kept, ...kept].map(keptWarning),
    ...(stale && isLeft ? [{ code: "task-tags", detail: stale } as const] : []),
    ...warningsOf({ service, definition, request, facts, spec, config }),
  ];
  const lacking = tagDrift(desired, wish);
  const drift: readonly DriftReason[] = [
    ...driftOf(registerable(definition.raw, definition.tags), spec),
    // Written again it has another ARN, which is for a revision to name.
    ...(pinsSecret(observedValueFrom, observed.state?.secretGone) ? (["secret"] as const) : []),
    ...lacking,
    // Tasks get the service's tags: those come first.
    ...(stale && taskTags === "deploy" && !isTried && lacking.length === 0 ? (["task-tags"] as const) : []),
  ];
  const repairs = [...repairsOf(observed), ...(stale && taskTags === "tag" ? (["task-tags"] as const) : [])];
  if (drift.length === 0) return { action: "none", reason: "as-desired", warnings, repairs };
  const { older, fleet, rollout } = observed;
  const { secret } = desired;
  const wanted = { service, request, valueFrom: observedValueFrom, secret, older, fleet, config };
  if (!rollout && immediateDrift(drift, wanted).length === 0)
    return { action: "none", reason: "awaits-rollout", warnings, repairs };
  const isNew = sidecar.kind === "none" && observed.state?.enrolled !== true;
  return { action: isNew ? "enroll" : "update", drift, desired, warnings, repairs: isNew ? [] : repairs };
}

/** Of two stages, the one goes on whose sidecar the service has, or had last. */
function isKept(reason: RefusalReason, observed: DecisionInput, sidecar: Sidecar): boolean {
  if (reason === "other-stage" && sidecar.kind === "by-hand") return false;
  return keptRefusals.includes(reason) && isInMesh(observed, sidecar);
}

/** The tags of an identity that is kept come with the next roll, and do not start one. */
function tagDrift({ missingTags }: DesiredEnrollment, { keepsIdentity }: Pick<Wish, "keepsIdentity">): DriftReason[] {
  const { [tagKeys.ports]: ports, ...identity } = missingTags;
  return [
    ...(Object.keys(identity).length > 0 && !keepsIdentity ? (["identity"] as const) : []),
    ...(ports === undefined ? [] : (["ports"] as const)),
  ];
}

/** What istiod needs outside of the task definition. Other deployments than ours, and other tools, take it away. */
function repairsOf({ service, clusterTags, config }: DecisionInput): readonly RepairReason[] {
  const found: RepairReason[] = [];
  if (clusterTags[DISCOVERY_TAG] !== "true" && mayBeDiscovered(clusterTags)) found.push("discovery");
  if (config.policy.propagateTags && service.propagateTags !== "SERVICE") found.push("propagate-tags");
  return found;
}

/** The image that the service shall run, and what speaks against the one that it should have. */
interface ChosenImage {
  readonly image: string;
  readonly refusals: readonly Refusal[];
  /** Why the service goes on with its present image. */
  readonly kept: readonly Refusal[];
}

/**
 * An image that is newer than istiod is refused. A service in the mesh goes on with the image that it runs, and follows
 * rotations, unless a rollout brings it that very image.
 */
function imageOf(
  { rollout, state, fleet, config, facts }: DecisionInput,
  request: TagRequest | undefined,
  running: string | undefined,
  isIn: boolean,
): ChosenImage {
  const image = desiredImage({ tagged: request?.image, rollout, given: state?.image, fleet: fleet.image, config });
  const refusals = skewRefusals(image, facts, config);
  if (!isIn || rollout?.image === image) return { image, refusals, kept: [] };
  return { image: refusals.length > 0 ? (running ?? image) : image, refusals: [], kept: refusals };
}

/** Every refusal that applies, most fundamental first. */
function obstacles(observed: DecisionInput, { request, refusals }: Wish, image: string): readonly Refusal[] {
  const { service, clusterTags, definition, config } = observed;
  const wanted = { image, request: { proxyEnv: request?.proxyEnv ?? false } };
  const placeholder = { secretName: "ztunnel-autopilot/network/namespace/service-account", versionId: "0".repeat(64) };
  const spec = sidecarSpec(wanted, comparableValueFrom(service, placeholder, undefined), config);
  return [
    ...serviceRefusals(service),
    ...otherStageRefusals(service, clusterTags, config),
    ...enrollRefusals(service, definition, config),
    ...knownFamilyRefusals(service, observed.state, config),
    ...(request === undefined ? [] : requestRefusals(service, request, config)),
    ...(request === undefined
      ? []
      : tagRoomRefusals(service, clusterTags, missingTags(service.tags, request, definition))),
    ...refusals,
    ...sidecarRefusals(registerable(definition.raw, definition.tags), spec),
  ];
}

function refuse(refusals: readonly Refusal[]): Decision | undefined {
  const [first, ...others] = refusals;
  return first ? { action: "refuse", refusals: [first, ...others] } : undefined;
}

function hasZtunnel(sidecar: Sidecar): boolean {
  return sidecar.kind !== "none" && sidecar.kind !== "foreign";
}
