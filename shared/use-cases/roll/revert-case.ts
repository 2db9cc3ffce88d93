import { isAnotherService } from "../../deployment/memory.ts";
import { primaryOf } from "../../deployment/primary.ts";
import { hasCompleted } from "../../deployment/verdict.ts";
import type { ObservedService } from "../../model/service.ts";
import type { Roll } from "../../model/service-state.ts";
import type { ApplyPlan, Watch } from "./steps.ts";

/** The facts that decide whether a failed roll has to revert its service. */
export interface FailedRoll {
  readonly executionName: string;
  readonly plan: ApplyPlan;
  /** The deployment that the roll waited for, its own or that of a return; null when it never came to wait. */
  readonly watch: Watch | null;
  /** True where the service was returned already, and the deployment of that has failed. */
  readonly wasReturned: boolean;
  readonly service: ObservedService;
  /** The roll that has the service's lease, if one has. */
  readonly leaseholder: Roll | undefined;
}

/** What a failed roll may find. */
type Finding =
  /** Another roll has the lease: what it deploys is its own to judge. */
  | "lease-lost"
  /** The roll was a rollback that has deployed nothing: somebody has to act. */
  | "stuck"
  /** The roll failed before it updated the service. */
  | "unchanged"
  /** What could not be verified is all that there is to return to: the service runs on with it. */
  | "alone"
  /** ECS's circuit breaker, or an earlier attempt of this step, has reverted the service. */
  | "reverted"
  /** The same, and the deployment of that revision is still in progress. */
  | "reverting"
  /** Somebody has deployed another revision since, deleted the service, or created it again. */
  | "superseded"
  /** The service runs the revision that failed, or a return to it that failed, too. */
  | "revert";

export interface RevertCase {
  readonly case: Finding;
  /** The revision whose tasks show why the roll failed. Undefined where this roll has started none. */
  readonly failedRevisionArn: string | undefined;
}

/** What is left to do for the service of a failed roll. */
export function revertCase(failed: FailedRoll): RevertCase {
  const { executionName, plan, watch, service, leaseholder } = failed;
  if (leaseholder && leaseholder.executionName !== executionName) {
    return { case: "lease-lost", failedRevisionArn: undefined };
  }
  if (service.status !== "ACTIVE" || isAnotherService(service, plan.serviceCreatedAtMs))
    return { case: "superseded", failedRevisionArn: undefined };
  // An apply step that crashed after UpdateService has left no watch: its target is in the ledger.
  const targetRevisionArn = watch?.targetRevisionArn ?? leaseholder?.targetRevisionArn;
  if (failed.wasReturned) return { case: afterReturn(failed, targetRevisionArn), failedRevisionArn: targetRevisionArn };
  const current = service.taskDefinitionArn;
  const wasDeployed = watch !== null || leaseholder?.deploymentId !== undefined;
  const hasUpdated = wasDeployed || (current === targetRevisionArn && current !== plan.observedRevisionArn);
  const failedRevisionArn = hasUpdated ? targetRevisionArn : undefined;
  if (!hasUpdated) return { case: plan.change === "rollback" ? "stuck" : "unchanged", failedRevisionArn };
  // A rollback has deployed its pinned revision.
  const back = plan.change === "rollback" ? plan.observedRevisionArn : plan.pinnedRevisionArn;
  if (plan.change === "verify" && current === back && hasSettled(service)) {
    return { case: "alone", failedRevisionArn };
  }
  if (current === back || current === leaseholder?.revertRevisionArn) {
    return { case: hasSettled(service) ? "reverted" : "reverting", failedRevisionArn };
  }
  return { case: current === targetRevisionArn ? "revert" : "superseded", failedRevisionArn };
}

/**
 * The service runs the revision whose return failed, or the roll's own, as after a circuit breaker; or it is on its way
 * to another one: that of an earlier attempt of this step, or of ECS's circuit breaker.
 */
function afterReturn(
  { plan, service, leaseholder }: FailedRoll,
  returnedRevisionArn: string | undefined,
): Extract<Finding, "revert" | "reverting" | "reverted" | "superseded"> {
  const current = service.taskDefinitionArn;
  const rolled = plan.change === "rollback" ? plan.pinnedRevisionArn : leaseholder?.targetRevisionArn;
  if (current === returnedRevisionArn || current === rolled) return "revert";
  const returns = [leaseholder?.revertRevisionArn, plan.observedRevisionArn, plan.pinnedRevisionArn];
  if (!returns.includes(current)) return "superseded";
  return hasSettled(service) ? "reverted" : "reverting";
}

function hasSettled(service: ObservedService): boolean {
  const primary = primaryOf(service);
  return primary === undefined || hasCompleted(primary);
}
