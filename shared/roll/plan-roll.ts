import type { ServiceRef } from "../arn.ts";
import { type Config, controlPlaneFor } from "../config.ts";
import { identityRefusal } from "../enrollment/decide.ts";
import type { Decision, MeshFacts, Tags } from "../enrollment/model.ts";
import { DISCOVERY_TAG, effectiveTags } from "../enrollment/tags.ts";
import type { Ledger, ServiceState } from "../ledger.ts";
import type { ControlPlaneCalls } from "../ports.ts";
import { decideObserved, type ObserveCalls, type Observed, observeDescribed } from "../reconcile/observe.ts";
import { desiredContent } from "../reconcile/reconcile.ts";
import { parseBundle } from "../trust/bundle.ts";
import { situationOf } from "./attempts.ts";
import { pinnedRevision } from "./pinned.ts";
import type { Plan } from "./steps.ts";

export interface PlanCalls {
  readonly config: Config;
  readonly ecs: ObserveCalls;
  readonly ledger: Pick<Ledger, "takeLease" | "getMeshFacts" | "putMeshFacts">;
  readonly controlPlane: (name: string) => Pick<ControlPlaneCalls, "readMeshFacts" | "boundRole">;
  readonly now: () => number;
}

/**
 * First step of a roll: takes the service's lease, reads service and mesh again and decides again, since the world may
 * have moved. Changes nothing but the ledger. Throws what the reads throw; the caller's Retry tells which are retryable.
 */
export async function planRoll(ref: ServiceRef, executionName: string, calls: PlanCalls): Promise<Plan> {
  const leaseUntil = calls.now() + calls.config.policy.leaseMinutes * 60_000;
  const state = await calls.ledger.takeLease(ref.serviceArn, { executionName, leaseUntil }, calls.now());
  if (!state) return superseded("roll-in-progress");
  const service = await calls.ecs.describeService(ref);
  let read: Promise<MeshFacts> | undefined;
  const facts = (name: string) => {
    read ??= freshFacts(name, calls);
    return read;
  };
  let observed = await observeDescribed(service, state, { ...calls, thorough: true });
  let decision = await decideObserved(observed, calls.config, facts);
  const enrolls = decision.action === "enroll" || decision.action === "update";
  if (!enrolls || observed.clusterTags[DISCOVERY_TAG] !== "true") {
    // The cluster's cached tags may be older than the event that led here, or than another roll that has set its tag.
    observed = await observeDescribed(service, state, { ...calls, thorough: true, fresh: true });
    decision = await decideObserved(observed, calls.config, facts);
  }
  switch (decision.action) {
    case "none":
      return superseded("already-as-desired");
    case "refuse":
      return refused(decision.refusals);
    case "enroll":
    case "update": {
      const refusal = await boundElsewhere(ref, decision, calls);
      return refusal ? refused([refusal]) : apply(observed, state, decision, calls);
    }
    case "unenroll":
      return apply(observed, state, decision, calls);
  }
}

function superseded(reason: string): Plan {
  return { action: "finish", outcome: "superseded", reason, refusals: [] };
}

function refused(refusals: readonly { reason: string; detail: string }[]): Plan {
  return { action: "finish", outcome: "refused", reason: refusals[0]?.reason ?? "", refusals: [...refusals] };
}

function apply(
  { service, clusterTags }: Observed,
  state: ServiceState,
  decision: Extract<Decision, { action: "enroll" | "update" | "unenroll" }>,
  { config, now }: Pick<PlanCalls, "config" | "now">,
): Plan {
  const observedRevisionArn = service.taskDefinitionArn;
  const desired = decision.action === "unenroll" ? undefined : decision.desired;
  return {
    action: "apply",
    outcome: "planned",
    change: decision.action,
    drift: decision.action === "unenroll" ? [] : [...decision.drift],
    observedRevisionArn,
    pinnedRevisionArn: pinnedRevision({ service, state }),
    clusterTags: meaningful(clusterTags, config),
    namespace: desired?.identity.namespace ?? null,
    serviceAccount: desired?.identity.serviceAccount ?? null,
    image: desired?.image ?? null,
    startedAtMs: now(),
    situation: situationOf(observedRevisionArn, desiredContent(decision, config)),
  };
}

function meaningful(clusterTags: Tags, { enrollTagKey }: Config): Record<string, string> {
  const intent = clusterTags[enrollTagKey];
  return { ...effectiveTags({}, clusterTags), ...(intent !== undefined && { [enrollTagKey]: intent }) };
}

/**
 * The control plane's own answer; the ledger gets it too, so that reconciles decide from the same facts. Throws
 * `invalid-pem` and keeps what the ledger has when the root CA is no list of certificates.
 */
export async function freshFacts(
  name: string,
  calls: {
    readonly ledger: Pick<Ledger, "getMeshFacts" | "putMeshFacts">;
    readonly controlPlane: (name: string) => Pick<ControlPlaneCalls, "readMeshFacts">;
  },
): Promise<MeshFacts> {
  const [facts, known] = await Promise.all([calls.controlPlane(name).readMeshFacts(), calls.ledger.getMeshFacts(name)]);
  parseBundle(facts.rootCaPem);
  if (!known || !sameFacts(facts, known)) await calls.ledger.putMeshFacts(facts);
  return facts;
}

/** Equal in everything but the time of reading. */
export function sameFacts(a: MeshFacts, b: MeshFacts): boolean {
  return (
    a.istiodUrl === b.istiodUrl &&
    a.rootCaPem === b.rootCaPem &&
    a.network === b.network &&
    a.istiodVersion === b.istiodVersion
  );
}

async function boundElsewhere(
  ref: ServiceRef,
  { desired }: Extract<Decision, { action: "enroll" | "update" }>,
  calls: PlanCalls,
) {
  const plane = controlPlaneFor(calls.config, ref);
  if (!plane) return undefined; // decide has refused it already
  const { namespace, serviceAccount } = desired.identity;
  const bound = await calls.controlPlane(plane.name).boundRole(namespace, serviceAccount);
  return identityRefusal(bound, desired.identity);
}
