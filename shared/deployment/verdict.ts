import type { FailureCode } from "../base/errors.ts";
import { counted, tasksRun } from "../base/plural.ts";
import type { Policy } from "../config/config.ts";
import type { Deployment, ObservedService } from "../model/service.ts";
import { primaryOf } from "./primary.ts";

/** The state of a watched deployment. */
export type Verdict =
  | { readonly state: "progressing" }
  | { readonly state: "succeeded" }
  | {
      readonly state: "failed";
      readonly code: Extract<FailureCode, "deployment-failed" | "deployment-deadline" | "tasks-stopping">;
      readonly detail: string;
    }
  | { readonly state: "superseded"; readonly detail: string };

export interface WatchedDeployment {
  readonly service: ObservedService;
  readonly deploymentId: string;
  readonly targetRevisionArn: string;
  /**
   * The revision that ECS's circuit breaker would return to. Once that has completed, its reason no longer sets it
   * apart from somebody's deployment of the same revision. Both count as failed: a superseded roll would be tried again
   * at once.
   */
  readonly revisionBeforeArn?: string;
  /** Epoch milliseconds. */
  readonly deadlineMs: number;
  readonly nowMs: number;
  readonly policy: Pick<Policy, "failedTasksLimit">;
}

/**
 * Judges the deployment that a roll has started by what ECS says of the service now. "Stable" is not "succeeded": this
 * deployment's rolloutState counts. A deployment of the same revision by somebody else (a forced one, say) is judged in
 * its place; one of another revision supersedes it, unless the circuit breaker has started it.
 * https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-circuit-breaker.html
 */
export function judge(watched: WatchedDeployment): Verdict {
  const { service, deploymentId, targetRevisionArn } = watched;
  const own = service.deployments.find(({ id }) => id === deploymentId);
  const primary = primaryOf(service);
  if (own?.rolloutState === "FAILED") return failed("deployment-failed", own.rolloutStateReason ?? "");
  if (service.status !== "ACTIVE") return { state: "superseded", detail: `The service is ${service.status}.` };
  if (!primary) return { state: "superseded", detail: "The service has no primary deployment." };
  if (primary.id !== deploymentId && isCircuitBreakers(primary, watched)) {
    return failed("deployment-failed", primary.rolloutStateReason ?? "");
  }
  if (primary.taskDefinitionArn !== targetRevisionArn) {
    return { state: "superseded", detail: `Deployment ${primary.id} brings ${primary.taskDefinitionArn}.` };
  }
  return judgeProgress(primary, watched);
}

function judgeProgress(deployment: Deployment, { deadlineMs, nowMs, policy }: WatchedDeployment): Verdict {
  if (deployment.rolloutState === "FAILED") return failed("deployment-failed", deployment.rolloutStateReason ?? "");
  if (hasCompleted(deployment)) return { state: "succeeded" };
  if (deployment.failedTasks >= policy.failedTasksLimit) {
    return failed("tasks-stopping", `${counted(deployment.failedTasks, "task")} failed in a row.`);
  }
  if (nowMs >= deadlineMs) {
    const { runningCount, desiredCount } = deployment;
    return failed("deployment-deadline", `${tasksRun(runningCount, desiredCount)}.`);
  }
  return { state: "progressing" };
}

/**
 * True if the deployment has completed. Services behind a Classic Load Balancer have no rolloutState: there the running
 * tasks are counted.
 */
export function hasCompleted(deployment: Deployment): boolean {
  if (deployment.rolloutState !== undefined) return deployment.rolloutState === "COMPLETED";
  return deployment.runningCount >= deployment.desiredCount;
}

/** Only its reason marks a deployment as the circuit breaker's own: "… circuit breaker: rolling back to …". */
function isCircuitBreakers(
  deployment: Deployment,
  { targetRevisionArn, revisionBeforeArn }: WatchedDeployment,
): boolean {
  if (/\broll(ing|ed) back\b/i.test(deployment.rolloutStateReason ?? "")) return true;
  return deployment.taskDefinitionArn === revisionBeforeArn && revisionBeforeArn !== targetRevisionArn;
}

function failed(code: Extract<Verdict, { state: "failed" }>["code"], detail: string): Verdict {
  return { state: "failed", code, detail };
}
