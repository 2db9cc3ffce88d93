import type { ServiceRef } from "../../base/arn.ts";
import { minutesToMs } from "../../base/durations.ts";
import { asAutopilotError } from "../../base/errors.ts";
import { DISCOVERY_TAG } from "../../base/vocabulary.ts";
import type { Config } from "../../config/config.ts";
import { attemptKeyOf } from "../../deployment/attempts.ts";
import { pinnedRevision } from "../../deployment/pinned.ts";
import { awaitsVerification, VERIFICATION } from "../../deployment/verification.ts";
import type { RolloutTarget } from "../../enrollment/decide.ts";
import type { Decision } from "../../enrollment/decision.ts";
import { desiredContent } from "../../enrollment/definition.ts";
import { familyRefusal } from "../../enrollment/families.ts";
import { mayBeDiscovered } from "../../enrollment/tag-room.ts";
import { effectiveTags } from "../../enrollment/tags.ts";
import { taskTagsKey } from "../../enrollment/task-tags.ts";
import { tokenIdentityOf } from "../../enrollment/wish.ts";
import type { Refusal } from "../../model/reasons.ts";
import type { ObservedService, Tags } from "../../model/service.ts";
import type { ServiceState } from "../../model/service-state.ts";
import type { Ledger, RolloutLedger } from "../../ports/ledger.ts";
import type { ControlPlaneCalls } from "../../ports/ports.ts";
import { currentState } from "../observe/current-state.ts";
import { decideObserved, type ObserveCalls, type ObservedState, observeDescribed } from "../observe/observe.ts";
import { type Decided, decideWithTasks, type TaskReads } from "../observe/observe-tasks.ts";
import { type ClaimCalls, claimIdentity } from "./claim-identity.ts";
import { type FamilyCalls, familyUse } from "./family-use.ts";
import { freshReads } from "./fresh-reads.ts";
import { imageOfRevision, secretOfRevision } from "./secrets-in-use.ts";
import type { ApplyPlan, Plan } from "./steps.ts";

export interface PlanCalls {
  readonly config: Config;
  readonly ecs: ObserveCalls & TaskReads["ecs"] & FamilyCalls["ecs"];
  readonly ledger: Pick<Ledger, "takeLease" | "changeMesh" | "getMesh" | "getService" | "forgetService"> &
    Pick<RolloutLedger, "getFleet"> &
    ClaimCalls["ledger"];
  readonly controlPlane: (
    name: string,
  ) => Pick<ControlPlaneCalls, "readMeshFacts"> & ReturnType<ClaimCalls["controlPlane"]>;
  readonly ecsOf: ClaimCalls["ecsOf"];
  readonly log: ClaimCalls["log"];
  readonly now: () => number;
}

/**
 * First step of a roll: takes the service's lease, reads service and mesh again and decides again, since either may
 * have changed. Writes to the ledger alone. Throws what the reads throw: the state machine's Retry knows which are
 * retryable.
 */
export async function planRoll(
  ref: ServiceRef,
  executionName: string,
  calls: PlanCalls,
  rollout?: RolloutTarget,
): Promise<Plan> {
  const leased = await takeLease(ref, executionName, calls);
  if (!leased) return supersededPlan("roll-in-progress");
  const service = await calls.ecs.describeService(ref);
  const state = await currentState(service, leased, calls.ledger);
  const { observed, decision } = await observeAndDecide(service, state, calls, rollout);
  switch (decision.action) {
    case "none":
      return awaitsVerification(service, state) && !rollout
        ? planVerification(observed, state, calls)
        : supersededPlan("already-as-desired");
    case "refuse":
      return refusedPlan(decision.refusals);
    case "unenroll":
      return planChange(observed, state, { decision, rollout, isBound: false }, calls);
    case "enroll":
    case "update": {
      const shared = decision.action === "enroll" ? await sharedFamily(service, calls) : undefined;
      if (shared) return refusedPlan([shared]);
      const claim = await claimIdentity({ observed, state, desired: decision.desired }, executionName, calls);
      if (claim.refusal) return planKept(observed, state, { conflict: claim.refusal, rollout, executionName }, calls);
      const isBound = claim.isBound && decision.action === "update";
      return planChange(observed, state, { decision, rollout, isBound }, calls);
    }
  }
}

/** A new service's revision must not become that of others. What is enrolled already stays. */
async function sharedFamily(service: ObservedService, { ecs, config }: PlanCalls): Promise<Refusal | undefined> {
  if (config.policy.sharedFamilies) return undefined;
  return familyRefusal(await familyUse(service, { ecs }), config);
}

/**
 * A service in the mesh whose tags ask for an identity that another role has goes on with the one that it runs with:
 * it must not miss a rotation, nor stay without its sidecar. Refused where it needs nothing else.
 */
async function planKept(
  observed: ObservedState,
  state: ServiceState,
  asked: {
    readonly conflict: Refusal;
    readonly rollout: RolloutTarget | undefined;
    readonly executionName: string;
  },
  calls: PlanCalls,
): Promise<Plan> {
  const { config } = calls;
  const { conflict, rollout, executionName } = asked;
  const decision = await decideObserved(observed, config, freshReads(state.enrolled, calls), rollout, conflict);
  if (decision.action !== "update") return refusedPlan([conflict]);
  const claim = await claimIdentity({ observed, state, desired: decision.desired }, executionName, calls);
  if (claim.refusal) return refusedPlan([conflict]);
  return planChange(observed, state, { decision, rollout, isBound: claim.isBound, conflict }, calls);
}

/** Nothing is to be changed: the first tasks of a revision that was deployed while none ran are to be verified. */
function planVerification(
  { service, definition, clusterTags }: ObservedState,
  { unverified }: ServiceState,
  { now }: Pick<PlanCalls, "now">,
): Plan {
  const identity = tokenIdentityOf(definition && secretOfRevision(definition.raw));
  if (!unverified || !identity) return supersededPlan("already-as-desired");
  const { namespace, serviceAccount } = identity;
  return {
    action: "apply",
    outcome: "planned",
    change: "verify",
    drift: [],
    taskTagsTried: null,
    observedRevisionArn: service.taskDefinitionArn,
    pinnedRevisionArn: unverified.pinnedRevisionArn,
    pinnedSecret: unverified.pinnedSecret,
    serviceCreatedAtMs: service.createdAtMs ?? null,
    clusterTags: {},
    isDiscovered: mayBeDiscovered(clusterTags),
    namespace,
    serviceAccount,
    image: definition ? imageOfRevision(definition.raw) : null,
    ports: null,
    isBound: true,
    identityConflict: null,
    startedAtMs: now(),
    attemptKey: attemptKeyOf(service.taskDefinitionArn, VERIFICATION),
    content: unverified.content ?? null,
    rollout: null,
  };
}

/** The service's state with the lease taken; undefined while another roll holds it. */
export function takeLease(
  { serviceArn }: ServiceRef,
  executionName: string,
  { config, ledger, now }: Pick<PlanCalls, "config" | "now"> & { readonly ledger: Pick<Ledger, "takeLease"> },
): Promise<ServiceState | undefined> {
  const leaseUntil = now() + minutesToMs(config.policy.leaseMinutes);
  return ledger.takeLease(serviceArn, { executionName, leaseUntil }, now());
}

/** A plan that ends the roll without a change. */
export function supersededPlan(reason: string): Plan {
  return { action: "finish", outcome: "superseded", reason, refusals: [] };
}

function refusedPlan(refusals: readonly { reason: string; detail: string }[]): Plan {
  return { action: "finish", outcome: "refused", reason: refusals[0]?.reason ?? "", refusals: [...refusals] };
}

async function observeAndDecide(
  service: ObservedService,
  state: ServiceState,
  calls: PlanCalls,
  rollout: RolloutTarget | undefined,
): Promise<Decided> {
  const reads = freshReads(state.enrolled, calls);
  // A rollout brings a deployment to each of its services anyway.
  const budget = { servicesLeft: rollout ? 0 : 2 };
  const decideBy = async (tags: { readonly fresh: boolean }): Promise<Decided> => {
    const described = await observeDescribed(service, state, { ...calls, ...tags, thorough: true });
    const decide = (seen: ObservedState) => decideObserved(seen, calls.config, reads, rollout);
    return decideWithTasks(described, decide, { ...calls, budget });
  };
  const byCachedTags = await decideBy({ fresh: false });
  return needsFreshTags(byCachedTags) ? decideBy({ fresh: true }) : byCachedTags;
}

/** The cluster's cached tags may be older than the event that led here, or lack the tag that another roll has set. */
function needsFreshTags({ observed, decision }: Decided): boolean {
  const enrolls = decision.action === "enroll" || decision.action === "update";
  return !enrolls || observed.clusterTags[DISCOVERY_TAG] !== "true";
}

/** A change that was decided. */
interface Change {
  readonly decision: Extract<Decision, { action: "enroll" | "update" | "unenroll" }>;
  readonly rollout: RolloutTarget | undefined;
  /** An update whose service account is bound to its role already. */
  readonly isBound: boolean;
  /** Set where the service goes on with the identity that it runs with. */
  readonly conflict?: Refusal;
}

async function planChange(
  observed: ObservedState,
  state: ServiceState,
  change: Change,
  { config, now, ecs }: Pick<PlanCalls, "config" | "now" | "ecs">,
): Promise<Plan> {
  const pinnedRevisionArn = pinnedRevision({ service: observed.service, state });
  const pinnedSecret = await secretOf(pinnedRevisionArn, observed, ecs);
  return applyPlan(observed, change, { pinnedRevisionArn, pinnedSecret, startedAtMs: now() }, config);
}

function applyPlan(
  { service, clusterTags, definition }: ObservedState,
  { decision, rollout, isBound, conflict }: Change,
  start: Pick<ApplyPlan, "pinnedRevisionArn" | "pinnedSecret" | "startedAtMs">,
  config: Config,
): ApplyPlan {
  const observedRevisionArn = service.taskDefinitionArn;
  const desired = decision.action === "unenroll" ? undefined : decision.desired;
  const content = desiredContent(decision, config);
  const drift = decision.action === "unenroll" ? [] : [...decision.drift];
  return {
    ...start,
    action: "apply",
    outcome: "planned",
    change: decision.action,
    drift,
    taskTagsTried: definition && drift.includes("task-tags") ? taskTagsKey(service, definition) : null,
    observedRevisionArn,
    serviceCreatedAtMs: service.createdAtMs ?? null,
    clusterTags: decisiveTags(clusterTags, config),
    isDiscovered: mayBeDiscovered(clusterTags),
    namespace: desired?.identity.namespace ?? null,
    serviceAccount: desired?.identity.serviceAccount ?? null,
    image: desired?.image ?? null,
    ports: null,
    isBound,
    identityConflict: conflict?.detail ?? null,
    attemptKey: attemptKeyOf(observedRevisionArn, content),
    content,
    rollout: rollout ? { image: rollout.image ?? null, leave: rollout.leave ?? false } : null,
  };
}

/** The secret version that a revision starts from; null also for a revision that no longer exists. */
async function secretOf(
  revisionArn: string,
  { definition, state }: Pick<ObservedState, "definition" | "state">,
  ecs: Pick<ObserveCalls, "describeTaskDefinition">,
): Promise<string | null> {
  if (state?.lastGoodRevisionArn === revisionArn && state.lastGoodSecret !== undefined) return state.lastGoodSecret;
  if (definition?.taskDefinitionArn === revisionArn) return secretOfRevision(definition.raw);
  try {
    return secretOfRevision((await ecs.describeTaskDefinition(revisionArn)).raw);
  } catch (error) {
    if (asAutopilotError(error).code === "task-definition-not-found") return null;
    throw error;
  }
}

/** The cluster's tags that decisions depend on: others may hold anything, and have no place in a state machine. */
function decisiveTags(clusterTags: Tags, { enrollTagKey, keys }: Config): Record<string, string> {
  const intent = clusterTags[enrollTagKey];
  return { ...effectiveTags({}, clusterTags, keys), ...(intent !== undefined && { [enrollTagKey]: intent }) };
}
