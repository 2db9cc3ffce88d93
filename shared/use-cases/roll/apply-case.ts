import { AutopilotError } from "../../base/errors.ts";
import type { Config } from "../../config/config.ts";
import { attemptKeyOf } from "../../deployment/attempts.ts";
import type { RolloutTarget } from "../../enrollment/decide.ts";
import type { Decision, DesiredEnrollment } from "../../enrollment/decision.ts";
import { desiredContent } from "../../enrollment/definition.ts";
import type { MeshFacts } from "../../model/mesh.ts";
import type { Refusal } from "../../model/reasons.ts";
import type { ObservedService, Tags } from "../../model/service.ts";
import type { Roll, ServiceState } from "../../model/service-state.ts";
import { newestOf } from "../../trust/record.ts";
import { decideWith, type FleetFacts, type ObservedState } from "../observe/observe.ts";
import type { ApplyPlan } from "./steps.ts";

/** Where the second step of a roll begins, or goes on after a crash. */
export type Resume =
  /** An earlier attempt has updated the service: its deployment is all that is left to watch. */
  | { readonly from: "updated"; readonly targetRevisionArn: string }
  /** The service runs the revision that the plan was made for. */
  | { readonly from: "observed" }
  /** Somebody has deployed another revision since. */
  | { readonly from: "superseded" };

/** Where to begin. Where only tags differ the revision stays, and a recorded deployment shows that it was updated. */
export function resumeOf(
  { targetRevisionArn, deploymentId }: Roll,
  { taskDefinitionArn }: Pick<ObservedService, "taskDefinitionArn">,
  { observedRevisionArn }: Pick<ApplyPlan, "observedRevisionArn">,
): Resume {
  const runsObserved = taskDefinitionArn === observedRevisionArn;
  if (targetRevisionArn === taskDefinitionArn && (!runsObserved || deploymentId !== undefined)) {
    return { from: "updated", targetRevisionArn };
  }
  return { from: runsObserved ? "observed" : "superseded" };
}

/** What to apply to a service that runs the observed revision. */
export type ApplyCase =
  | { readonly case: "enroll"; readonly desired: DesiredEnrollment; readonly facts: MeshFacts }
  | { readonly case: "unenroll" }
  /** Tags, mesh or fleet no longer ask for what was planned. */
  | { readonly case: "superseded" };

/** What to apply: what is decided now, if it is what was planned. Throws what `decide` throws. */
export function applyCase(
  observed: ObservedState & { readonly state: ServiceState },
  plan: ApplyPlan,
  fleetFacts: FleetFacts | undefined,
  config: Config,
): ApplyCase {
  const decision = decisionOf(observed, plan, fleetFacts, config);
  if (decision.action === "none" || decision.action === "refuse") return { case: "superseded" };
  const attemptKey = attemptKeyOf(observed.service.taskDefinitionArn, desiredContent(decision, config));
  if (attemptKey !== plan.attemptKey) return { case: "superseded" };
  if (decision.action === "unenroll") return { case: "unenroll" };
  if (!fleetFacts) throw new AutopilotError("mesh-facts-missing", `For ${observed.service.ref.serviceArn}.`);
  return { case: "enroll", desired: decision.desired, facts: newestOf(fleetFacts.mesh).facts };
}

function decisionOf(
  seen: ObservedState & { readonly state: ServiceState },
  plan: ApplyPlan,
  fleetFacts: FleetFacts | undefined,
  config: Config,
): Decision {
  const { service, state } = seen;
  const observed = plan.drift.includes("task-tags") ? { ...seen, tasks: "stale" as const } : seen;
  const rollout = targetOf(plan);
  const conflict = conflictOf(plan);
  const decision = decideWith(observed, config, fleetFacts, rollout, conflict);
  if (decision.action !== "none" || !mayHaveSetTags(plan, state.roll)) return decision;
  // An earlier attempt has set the missing tags: the tasks have yet to start with them.
  const untagged = { ...service, tags: withoutKeys(service.tags, state.addedTagKeys) };
  return decideWith({ ...observed, service: untagged }, config, fleetFacts, rollout, conflict);
}

function conflictOf({ identityConflict: detail }: ApplyPlan): Refusal | undefined {
  return detail === null ? undefined : { reason: "identity-conflict", detail };
}

function mayHaveSetTags({ drift }: ApplyPlan, roll: Roll | undefined): boolean {
  return roll?.applyStartedAt !== undefined && (drift.includes("identity") || drift.includes("ports"));
}

/** What the plan's rollout brings, if the roll belongs to one. */
export function targetOf({ rollout }: ApplyPlan): RolloutTarget | undefined {
  return rollout ? { ...(rollout.image !== null && { image: rollout.image }), leave: rollout.leave } : undefined;
}

function withoutKeys(tags: Tags, keys: readonly string[]): Tags {
  return Object.fromEntries(Object.entries(tags).filter(([key]) => !keys.includes(key)));
}
