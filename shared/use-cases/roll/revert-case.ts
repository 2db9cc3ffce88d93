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
  /** The deployment that the roll waited for; null when it never came to wait. */
  readonly watch: Watch | null;
  readonly service: ObservedService;
  /** The roll that has the service's lease, if one has. */
  readonly leaseholder: Roll | undefined;
}

/** What a failed roll may find. */
type Finding =
  /** Another roll has the lease: what it deploys is its own to judge. */
  | "lease-lost"
  /** The roll was a rollback: no revision is left to revert to, and somebody has to act. */
  | "stuck"
  /** The roll failed before it updated the service. */
  | "unchanged"
  /** ECS's circuit breaker, or an earlier attempt of this step, has reverted the service. */
  | "reverted"
  /** The same, and the deployment of that revision is still in progress. */
  | "reverting"
  /** Somebody has deployed another revision since, or created the service again. */
  | "superseded"
  /** The service runs the revision that failed. */
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
  if (isAnotherService(service, plan.serviceCreatedAtMs)) return { case: "superseded", failedRevisionArn: undefined };
  // An apply step that crashed after UpdateService has left no watch: its target is in the ledger.
  const targetRevisionArn = watch?.targetRevisionArn ?? leaseholder?.targetRevisionArn;
  const current = service.taskDefinitionArn;
  const wasDeployed = watch !== null || leaseholder?.deploymentId !== undefined;
  const hasUpdated = wasDeployed || (current === targetRevisionArn && current !== plan.observedRevisionArn);
  const failedRevisionArn = hasUpdated ? targetRevisionArn : undefined;
  if (plan.change === "rollback") return { case: "stuck", failedRevisionArn };
  if (!hasUpdated) return { case: "unchanged", failedRevisionArn };
  if (current === plan.pinnedRevisionArn || current === leaseholder?.revertRevisionArn) {
    return { case: hasSettled(service) ? "reverted" : "reverting", failedRevisionArn };
  }
  return { case: current === targetRevisionArn ? "revert" : "superseded", failedRevisionArn };
}

function hasSettled(service: ObservedService): boolean {
  const primary = primaryOf(service);
  return primary === undefined || hasCompleted(primary);
}
