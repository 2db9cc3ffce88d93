import type { ServiceRef } from "../../base/arn.ts";
import { asAutopilotError } from "../../base/errors.ts";
import { DISCOVERY_TAG } from "../../base/vocabulary.ts";
import { type Config, controlPlaneFor } from "../../config/config.ts";
import { findSidecar } from "../../data-plane/ztunnel/task-definition/sidecar.ts";
import { attemptKeyOf } from "../../deployment/attempts.ts";
import { pinnedRevision } from "../../deployment/pinned.ts";
import { identityRefusal, type RolloutTarget } from "../../enrollment/decide.ts";
import type { Decision } from "../../enrollment/decision.ts";
import { desiredContent } from "../../enrollment/definition.ts";
import { effectiveTags } from "../../enrollment/tags.ts";
import type { MeshState } from "../../model/mesh.ts";
import type { Tags } from "../../model/service.ts";
import type { ServiceState } from "../../model/service-state.ts";
import type { Ledger, RolloutLedger } from "../../ports/ledger.ts";
import type { ControlPlaneCalls } from "../../ports/ports.ts";
import { freshMesh } from "../observe/fresh-mesh.ts";
import { decideObserved, type ObserveCalls, type ObservedState, observeDescribed } from "../observe/observe.ts";
import type { Plan } from "./steps.ts";

export interface PlanCalls {
  readonly config: Config;
  readonly ecs: ObserveCalls;
  readonly ledger: Pick<Ledger, "takeLease" | "changeMesh"> & Pick<RolloutLedger, "getFleet">;
  readonly controlPlane: (name: string) => Pick<ControlPlaneCalls, "readMeshFacts" | "boundRole">;
  readonly now: () => number;
}

/**
 * First step of a roll: takes the service's lease, reads service and mesh again and decides again, since the world may
 * have moved. Changes nothing but the ledger. Throws what the reads throw; the caller's Retry tells which are retryable.
 */
export async function planRoll(
  ref: ServiceRef,
  executionName: string,
  calls: PlanCalls,
  rollout?: RolloutTarget,
): Promise<Plan> {
  const state = await lease(ref, executionName, calls);
  if (!state) return superseded("roll-in-progress");
  const service = await calls.ecs.describeService(ref);
  let read: Promise<MeshState | undefined> | undefined;
  const mesh = (name: string) => {
    read ??= freshMesh(name, calls);
    return read;
  };
  const reads = { mesh, fleet: () => calls.ledger.getFleet() };
  let observed = await observeDescribed(service, state, { ...calls, thorough: true });
  let decision = await decideObserved(observed, calls.config, reads, rollout);
  const enrolls = decision.action === "enroll" || decision.action === "update";
  if (!enrolls || observed.clusterTags[DISCOVERY_TAG] !== "true") {
    // The cluster's cached tags may be older than the event that led here, or than another roll that has set its tag.
    observed = await observeDescribed(service, state, { ...calls, thorough: true, fresh: true });
    decision = await decideObserved(observed, calls.config, reads, rollout);
  }
  switch (decision.action) {
    case "none":
      return superseded("already-as-desired");
    case "refuse":
      return refused(decision.refusals);
    case "enroll":
    case "update": {
      const bound = await boundRole(ref, decision, calls);
      const refusal = identityRefusal(bound, decision.desired.identity);
      if (refusal) return refused([refusal]);
      return apply(observed, state, { decision, rollout, isBound: bound !== undefined }, calls);
    }
    case "unenroll":
      return apply(observed, state, { decision, rollout, isBound: false }, calls);
  }
}

/** The service's state with the lease taken; undefined while another roll holds it. */
export function lease(
  { serviceArn }: ServiceRef,
  executionName: string,
  { config, ledger, now }: Pick<PlanCalls, "config" | "now"> & { readonly ledger: Pick<Ledger, "takeLease"> },
): Promise<ServiceState | undefined> {
  const leaseUntil = now() + config.policy.leaseMinutes * 60_000;
  return ledger.takeLease(serviceArn, { executionName, leaseUntil }, now());
}

/** The roll ends without a change: the reason is a code of `failures`. */
export function superseded(reason: string): Plan {
  return { action: "finish", outcome: "superseded", reason, refusals: [] };
}

function refused(refusals: readonly { reason: string; detail: string }[]): Plan {
  return { action: "finish", outcome: "refused", reason: refusals[0]?.reason ?? "", refusals: [...refusals] };
}

/** What a roll is to bring, and whether the identity that it needs is there. */
interface Brought {
  readonly decision: Extract<Decision, { action: "enroll" | "update" | "unenroll" }>;
  readonly rollout: RolloutTarget | undefined;
  readonly isBound: boolean;
}

async function apply(
  observed: ObservedState,
  state: ServiceState,
  { decision, rollout, isBound }: Brought,
  { config, now, ecs }: Pick<PlanCalls, "config" | "now" | "ecs">,
): Promise<Plan> {
  const { service, clusterTags } = observed;
  const observedRevisionArn = service.taskDefinitionArn;
  const pinnedRevisionArn = pinnedRevision({ service, state });
  const desired = decision.action === "unenroll" ? undefined : decision.desired;
  return {
    action: "apply",
    outcome: "planned",
    change: decision.action,
    drift: decision.action === "unenroll" ? [] : [...decision.drift],
    observedRevisionArn,
    pinnedRevisionArn,
    pinnedSecret: await secretOf(pinnedRevisionArn, observed, ecs),
    clusterTags: meaningful(clusterTags, config),
    namespace: desired?.identity.namespace ?? null,
    serviceAccount: desired?.identity.serviceAccount ?? null,
    image: desired?.image ?? null,
    isBound: isBound && decision.action === "update",
    startedAtMs: now(),
    attemptKey: attemptKeyOf(observedRevisionArn, desiredContent(decision, config)),
    rollout: rollout ? { image: rollout.image ?? null, leave: rollout.leave ?? false } : null,
  };
}

/** The secret version that a revision starts from; null also for a revision that is gone. */
async function secretOf(
  revisionArn: string,
  { definition, state }: Pick<ObservedState, "definition" | "state">,
  ecs: Pick<ObserveCalls, "describeTaskDefinition">,
): Promise<string | null> {
  if (state?.lastGoodRevisionArn === revisionArn && state.lastGoodSecret !== undefined) return state.lastGoodSecret;
  try {
    const known = definition?.taskDefinitionArn === revisionArn ? definition : undefined;
    const sidecar = findSidecar((known ?? (await ecs.describeTaskDefinition(revisionArn))).raw);
    return "secretValueFrom" in sidecar ? sidecar.secretValueFrom : null;
  } catch (error) {
    if (asAutopilotError(error).code === "task-definition-not-found") return null;
    throw error;
  }
}

function meaningful(clusterTags: Tags, { enrollTagKey }: Config): Record<string, string> {
  const intent = clusterTags[enrollTagKey];
  return { ...effectiveTags({}, clusterTags), ...(intent !== undefined && { [enrollTagKey]: intent }) };
}

async function boundRole(
  ref: ServiceRef,
  { desired }: Extract<Decision, { action: "enroll" | "update" }>,
  calls: PlanCalls,
): Promise<string | undefined> {
  const plane = controlPlaneFor(calls.config, ref);
  if (!plane) return undefined; // decide has refused it already
  const { namespace, serviceAccount } = desired.identity;
  return calls.controlPlane(plane.name).boundRole(namespace, serviceAccount);
}
