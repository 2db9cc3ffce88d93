import type { ServiceRef } from "../../base/arn.ts";
import { clusterArnOf } from "../../base/arn.ts";
import { asAutopilotError } from "../../base/errors.ts";
import { findSidecar } from "../../data-plane/ztunnel/index.ts";
import { attemptKeyOf } from "../../deployment/attempts.ts";
import { hasCompleted } from "../../deployment/verdict.ts";
import { requestOf } from "../../enrollment/decide.ts";
import type { RolloutService } from "../../model/rollout.ts";
import type { RolloutLedger } from "../../ports/ledger.ts";
import { isStopped } from "../../rollout/failures.ts";
import type { RollOrder } from "../../rollout/steps.ts";
import { lease, type PlanCalls, planRoll, superseded } from "./plan-roll.ts";
import type { Plan } from "./steps.ts";

export interface PlanInRolloutCalls extends PlanCalls {
  readonly ledger: PlanCalls["ledger"] & Pick<RolloutLedger, "getRollout" | "getRolloutService">;
}

/**
 * First step of a roll that belongs to a rollout: what the rollout brings, or the way back from it. Nothing is begun once
 * the rollout has stopped.
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
  if (!rollout || service?.serviceArn !== ref.serviceArn) return superseded("unknown-rollout");
  const isBack = order.phase === "rollback";
  if (!isBack && isStopped(rollout, calls.config)) return superseded("rollout-stopped");
  const { image } = rollout.target;
  const brings = { ...(image !== undefined && { image }), leave: rollout.kind === "unenroll" };
  try {
    if (isBack) return await planWayBack(ref, executionName, service, calls);
    return await planRoll(ref, executionName, calls, brings);
  } catch (error) {
    // Deleted since the rollout began: nobody has failed.
    if (asAutopilotError(error).code === "service-not-found") return superseded("service-not-found");
    throw error;
  }
}

async function planWayBack(
  ref: ServiceRef,
  executionName: string,
  { fromRevisionArn, toRevisionArn }: RolloutService,
  calls: PlanInRolloutCalls,
): Promise<Plan> {
  const state = await lease(ref, executionName, calls);
  if (!state) return superseded("roll-in-progress");
  if (fromRevisionArn === undefined || toRevisionArn === undefined) return superseded("already-as-desired");
  const service = await calls.ecs.describeService(ref);
  const { taskDefinitionArn: current } = service;
  const primary = service.deployments.find(({ status }) => status === "PRIMARY");
  if (current === fromRevisionArn && primary && hasCompleted(primary)) return superseded("already-as-desired");
  if (current !== fromRevisionArn && current !== toRevisionArn) return superseded("changed-since");
  const [{ raw }, { tags: clusterTags }] = await Promise.all([
    calls.ecs.describeTaskDefinition(fromRevisionArn),
    calls.ecs.describeCluster(clusterArnOf(ref)),
  ]);
  const request = requestOf({ service, clusterTags, config: calls.config });
  const sidecar = findSidecar(raw);
  const meshed = sidecar.kind !== "none" && "ok" in request ? request.ok : undefined;
  return {
    action: "apply",
    outcome: "planned",
    change: "rollback",
    drift: [],
    observedRevisionArn: current,
    pinnedRevisionArn: fromRevisionArn,
    pinnedSecret: "secretValueFrom" in sidecar ? sidecar.secretValueFrom : null,
    clusterTags: {},
    namespace: meshed?.namespace ?? null,
    serviceAccount: meshed?.serviceAccount ?? null,
    image: null,
    isBound: false,
    startedAtMs: calls.now(),
    attemptKey: attemptKeyOf(current, fromRevisionArn),
    rollout: { image: null, leave: false },
  };
}
