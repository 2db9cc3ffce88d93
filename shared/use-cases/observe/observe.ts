import { clusterArnOf } from "../../base/arn.ts";
import { AutopilotError } from "../../base/errors.ts";
import { type Config, controlPlaneFor } from "../../config/config.ts";
import { attemptKeyOf } from "../../deployment/attempts.ts";
import { decide, type RolloutTarget } from "../../enrollment/decide.ts";
import type { Decision } from "../../enrollment/decision.ts";
import { desiredContent } from "../../enrollment/definition.ts";
import { mayBeDiscovered } from "../../enrollment/tag-room.ts";
import { asksToLeave, enrollIntent } from "../../enrollment/tags.ts";
import type { ReadTasks } from "../../enrollment/task-tags.ts";
import { isInMesh, ownSidecar } from "../../enrollment/wish.ts";
import type { MeshState } from "../../model/mesh.ts";
import type { Refusal } from "../../model/reasons.ts";
import type { FleetState } from "../../model/rollout.ts";
import type { DescribedTaskDefinition, ObservedService, Tags } from "../../model/service.ts";
import type { ServiceState } from "../../model/service-state.ts";
import type { Ledger, RolloutLedger } from "../../ports/ledger.ts";
import type { EcsCalls } from "../../ports/ports.ts";
import { acceptableOf, newestOf } from "../../trust/record.ts";

export interface ObservedState {
  readonly service: ObservedService;
  readonly clusterTags: Tags;
  readonly state: ServiceState | undefined;
  /** Absent when the service is not enrolled and never was, since nothing needs it then. */
  readonly definition: DescribedTaskDefinition | undefined;
  /** Read where nobody has done so since the last change of what they start with. */
  readonly tasks?: ReadTasks;
}

export type ObserveCalls = Pick<EcsCalls, "describeService" | "describeCluster" | "describeTaskDefinition">;

/**
 * What decides about a service, around its description. The task definition is read only where it can matter: the
 * service is enrolled, or the ledger says that it was, was refused or has tags of ours, or `thorough` asks for it.
 */
export async function observeDescribed(
  service: ObservedService,
  state: ServiceState | undefined,
  calls: {
    readonly ecs: Omit<ObserveCalls, "describeService">;
    readonly config: Config;
    readonly thorough?: boolean;
    /** Read the cluster's tags again instead of taking cached ones. */
    readonly fresh?: boolean;
  },
): Promise<ObservedState> {
  const { fresh = false } = calls;
  const { tags: clusterTags } = await calls.ecs.describeCluster(clusterArnOf(service.ref), { fresh });
  const intent = enrollIntent(service.tags, clusterTags, calls.config.enrollTagKey);
  // A sweep reads more than an event does: its refusal must not be cleared by an event that reads less.
  const refused = state?.notifiedRefusals !== undefined;
  const touched = state !== undefined && (state.enrolled || state.addedTagKeys.length > 0 || refused);
  const needed = intent !== "absent" || touched || calls.thorough === true;
  const definition = needed ? await calls.ecs.describeTaskDefinition(service.taskDefinitionArn) : undefined;
  return { service, clusterTags, state, definition };
}

/** The state of the mesh and of the whole fleet, read only for a service that should be enrolled. */
export interface FleetReads {
  readonly mesh: (controlPlane: string) => Promise<MeshState | undefined>;
  readonly fleet: () => Promise<FleetState>;
}

/** The same, read from the ledger. */
export function fleetOf(ledger: Pick<Ledger, "getMesh"> & Pick<RolloutLedger, "getFleet">): FleetReads {
  return { mesh: (controlPlane) => ledger.getMesh(controlPlane), fleet: () => ledger.getFleet() };
}

/** The state of the mesh and of the whole fleet, as read for one decision. */
export interface FleetFacts {
  readonly mesh: MeshState;
  readonly fleet: FleetState;
}

/**
 * What `decideWith` needs beyond the service itself: undefined for a service that is not to be enrolled, as unenrolling
 * works without a control plane. Throws `mesh-facts-missing` when the mesh is not known.
 */
export async function readFleetFacts(
  observed: ObservedState,
  config: Config,
  reads: FleetReads,
  rollout?: RolloutTarget,
): Promise<FleetFacts | undefined> {
  const { service, definition } = observed;
  const plane = controlPlaneFor(config, service.ref);
  if (!definition || !plane || rollout?.leave || !mayBeIn({ ...observed, definition }, config)) return undefined;
  const [mesh, fleet] = await Promise.all([reads.mesh(plane.name), reads.fleet()]);
  if (!mesh) throw new AutopilotError("mesh-facts-missing", plane.name);
  return { mesh, fleet };
}

/** True for a service that its tags enroll, and for one in the mesh whose tags are mistaken. */
function mayBeIn(
  { service, clusterTags, definition, state }: ObservedState & { readonly definition: DescribedTaskDefinition },
  { enrollTagKey, keys }: Config,
): boolean {
  if (enrollIntent(service.tags, clusterTags, enrollTagKey) === "in") return true;
  return (
    !asksToLeave(service.tags, clusterTags, enrollTagKey, keys) && isInMesh({ state }, ownSidecar(definition.raw, keys))
  );
}

/** The decision for what was observed. `rollout` is set for a rollout's own roll. Throws what `decide` throws. */
export function decideWith(
  { service, clusterTags, definition, state, tasks }: ObservedState,
  config: Config,
  facts: FleetFacts | undefined,
  rollout?: RolloutTarget,
  conflict?: Refusal,
): Decision {
  if (!definition) return { action: "none", reason: "not-enrolled", warnings: [], repairs: [] };
  const given = {
    service,
    clusterTags,
    definition,
    config,
    state,
    ...(rollout && { rollout }),
    ...(conflict && { conflict }),
    ...(tasks && { tasks }),
  };
  if (!facts) return decide({ ...given, facts: undefined, older: [], fleet: {} });
  const { mesh, fleet } = facts;
  const decision = decide({ ...given, facts: newestOf(mesh).facts, older: acceptableOf(mesh), fleet });
  const isUnprovable = mesh.unknownShape !== undefined || !mayBeDiscovered(clusterTags);
  return decision.action === "none" && isUnprovable ? { ...decision, unprovable: true } : decision;
}

/**
 * Both in one: reads what the decision needs, and decides. `reads` answer for the control plane that serves the
 * service. Throws `mesh-facts-missing` when the mesh is not known, and what `decide` throws.
 */
export async function decideObserved(
  observed: ObservedState,
  config: Config,
  reads: FleetReads,
  rollout?: RolloutTarget,
  conflict?: Refusal,
): Promise<Decision> {
  const facts = await readFleetFacts(observed, config, reads, rollout);
  const decision = decideWith(observed, config, facts, rollout, conflict);
  if (facts && (decision.action === "enroll" || decision.action === "update"))
    return unlessAdopted(observed, decision, { config, fleet: facts.fleet, inRollout: rollout !== undefined });
  if (decision.action !== "unenroll" || decision.reason !== "tag-removed") return decision;
  // A tag that nobody has removed: the configuration looks for another key than the one that the services have.
  const { enrollTagKey = config.enrollTagKey, adopting } = await reads.fleet();
  if (enrollTagKey === config.enrollTagKey && !adopting) return decision;
  return { action: "none", reason: "tag-key-changed", warnings: [], repairs: [] };
}

type Change = Extract<Decision, { action: "enroll" | "update" }>;

/**
 * Nothing is brought while a ledger that was emptied or restored adopts what runs: nobody knows what is missing in it.
 * The change that a service lacked then is left to a rollout afterwards.
 */
function unlessAdopted(
  { service, state }: ObservedState,
  decision: Change,
  { config, fleet, inRollout }: { readonly config: Config; readonly fleet: FleetState; readonly inRollout: boolean },
): Decision {
  const { warnings, repairs } = decision;
  const waits = { action: "none", reason: "awaits-rollout", warnings, repairs } as const;
  if (fleet.adopting)
    return decision.action === "update" ? { ...waits, waiting: decision } : { ...waits, reason: "fleet-adopting" };
  return !inRollout && state?.adopted === adoptionKey(service, decision, config) ? waits : decision;
}

/** What a service lacks, as a hash: the same while neither it nor what it should have changes. */
export function adoptionKey({ taskDefinitionArn }: ObservedService, decision: Change, config: Config): string {
  return attemptKeyOf(taskDefinitionArn, desiredContent(decision, config));
}
