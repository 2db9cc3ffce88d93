import type { ServiceRef } from "../../base/arn.ts";
import { clusterArnOf } from "../../base/arn.ts";
import { asAutopilotError } from "../../base/errors.ts";
import { findSidecar } from "../../data-plane/ztunnel/index.ts";
import { attemptKeyOf } from "../../deployment/attempts.ts";
import { primaryOf } from "../../deployment/primary.ts";
import { hasCompleted } from "../../deployment/verdict.ts";
import type { RolloutTarget } from "../../enrollment/decide.ts";
import { assignedImage } from "../../enrollment/desired.ts";
import { derivedPorts } from "../../enrollment/ports.ts";
import { mayBeDiscovered } from "../../enrollment/tag-room.ts";
import { requestOf, tokenIdentityOf } from "../../enrollment/wish.ts";
import type { Rollout, RolloutService } from "../../model/rollout.ts";
import type { ObservedService } from "../../model/service.ts";
import type { ServiceState } from "../../model/service-state.ts";
import type { RolloutLedger } from "../../ports/ledger.ts";
import { isStopped } from "../../rollout/failures.ts";
import type { RollOrder } from "../../rollout/steps.ts";
import { currentState } from "../observe/current-state.ts";
import { cutOffBy } from "../observe/cut-off-secret.ts";
import { type PlanCalls, planRoll, supersededPlan, takeLease } from "./plan-roll.ts";
import { imageOfRevision, secretOfRevision } from "./secrets-in-use.ts";
import type { Plan } from "./steps.ts";

export interface PlanInRolloutCalls extends PlanCalls {
  readonly ledger: PlanCalls["ledger"] & Pick<RolloutLedger, "getRollout" | "getRolloutService">;
}

/**
 * First step of a roll that belongs to a rollout: plans what the rollout brings, or the rollback from it. Starts
 * nothing once the rollout has stopped.
 */
export async function planInRollout(
  ref: ServiceRef,
  executionName: string,
  order: RollOrder,
  calls: PlanInRolloutCalls,
): Promise<Plan> {
  const [rollout, service] = await Promise.all([
    calls.ledger.getRollout(order.id),
    calls.ledger.getRolloutService(order.id, order.ordinal),
  ]);
  if (!rollout || service?.serviceArn !== ref.serviceArn) return supersededPlan("unknown-rollout");
  try {
    switch (order.phase) {
      case "rollback":
        return await planRollback(ref, executionName, { rollout, rolled: service }, calls);
      case "forward":
        if (isStopped(rollout, calls.config)) return supersededPlan("rollout-stopped");
        return await planRoll(ref, executionName, calls, targetOf(rollout));
    }
  } catch (error) {
    // A service that was deleted after the rollout began has not failed.
    if (asAutopilotError(error).code === "service-not-found") return supersededPlan("service-not-found");
    throw error;
  }
}

function targetOf({ kind, target }: Rollout): RolloutTarget {
  return { ...(target.image !== undefined && { image: target.image }), leave: kind === "unenroll" };
}

async function planRollback(
  ref: ServiceRef,
  executionName: string,
  { rollout, rolled }: { readonly rollout: Rollout; readonly rolled: RolloutService },
  calls: PlanInRolloutCalls,
): Promise<Plan> {
  const leased = await takeLease(ref, executionName, calls);
  if (!leased) return supersededPlan("roll-in-progress");
  const { fromRevisionArn, toRevisionArn } = rolled;
  if (fromRevisionArn === undefined || toRevisionArn === undefined) return supersededPlan("already-as-desired");
  const service = await calls.ecs.describeService(ref);
  const state = await currentState(service, leased, calls.ledger);
  const needless = reasonAgainstRollback(service, rolled);
  if (needless === "changed-since" && isOwn(service, state)) {
    return planReturn(ref, executionName, { rollout, rolled }, calls);
  }
  if (needless !== undefined) return supersededPlan(needless);
  const [{ raw }, { tags: clusterTags }] = await Promise.all([
    calls.ecs.describeTaskDefinition(fromRevisionArn),
    calls.ecs.describeCluster(clusterArnOf(ref)),
  ]);
  const request = requestOf({ service, clusterTags, config: calls.config });
  const pinnedSecret = secretOfRevision(raw);
  // What the rollout gave to the service is better than a revision with which no task joins the mesh.
  if (await cutOffBy(ref, calls)(pinnedSecret)) return supersededPlan("root-cut-off");
  const asked = findSidecar(raw).kind !== "none" && "ok" in request ? request.ok : undefined;
  // The tags may ask for another identity since.
  const enrolled = tokenIdentityOf(pinnedSecret) ?? asked;
  const ports = enrolled ? (asked?.ports ?? derivedPorts(raw) ?? null) : null;
  return {
    action: "apply",
    outcome: "planned",
    change: "rollback",
    drift: [],
    taskTagsTried: null,
    observedRevisionArn: service.taskDefinitionArn,
    pinnedRevisionArn: fromRevisionArn,
    pinnedSecret,
    serviceCreatedAtMs: service.createdAtMs ?? null,
    clusterTags: {},
    isDiscovered: mayBeDiscovered(clusterTags),
    namespace: enrolled?.namespace ?? null,
    serviceAccount: enrolled?.serviceAccount ?? null,
    image: imageOfRevision(raw),
    ports,
    isBound: false,
    identityConflict: null,
    startedAtMs: calls.now(),
    attemptKey: attemptKeyOf(service.taskDefinitionArn, fromRevisionArn),
    content: null,
    rollout: { image: null, leave: false },
  };
}

/** True where the autopilot itself has registered what the service runs, as in a rotation since. */
function isOwn({ taskDefinitionArn }: ObservedService, { registered, registeredBefore }: ServiceState): boolean {
  return [registered, registeredBefore].some((own) => own?.taskDefinitionArn === taskDefinitionArn);
}

/**
 * The service has got more than this rollout's target since, as a newer root CA: it keeps that, and its earlier image
 * or settings replace the target. Nothing is to be done where it lacks the target by now.
 */
async function planReturn(
  ref: ServiceRef,
  executionName: string,
  { rollout, rolled }: { readonly rollout: Rollout; readonly rolled: RolloutService },
  calls: PlanInRolloutCalls,
): Promise<Plan> {
  if (rollout.kind !== "upgrade" && rollout.kind !== "reconfigure") return supersededPlan("changed-since");
  const { image: fleets } = await calls.ledger.getFleet();
  const image = rollout.kind === "upgrade" ? assignedImage(rolled.imageBefore ?? undefined, fleets) : undefined;
  const plan = await planRoll(ref, executionName, calls, { ...(image !== undefined && { image }) });
  return plan.action === "apply" && plan.change === "update" ? plan : supersededPlan("changed-since");
}

/** Why the service is not to be rolled back; undefined when it is. */
function reasonAgainstRollback(
  service: ObservedService,
  { fromRevisionArn, toRevisionArn, finishedAt }: RolloutService,
): "already-as-desired" | "changed-since" | undefined {
  // The service that the rollout changed is gone: this one was created since under its name.
  const changedAtMs = finishedAt === undefined ? Number.POSITIVE_INFINITY : Date.parse(finishedAt);
  if (service.createdAtMs !== undefined && service.createdAtMs > changedAtMs) return "changed-since";
  const primary = primaryOf(service);
  switch (service.taskDefinitionArn) {
    case fromRevisionArn:
      return primary && hasCompleted(primary) ? "already-as-desired" : undefined;
    case toRevisionArn:
      return undefined;
    default:
      return "changed-since";
  }
}
