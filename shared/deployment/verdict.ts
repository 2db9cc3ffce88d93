import type { FailureCode } from "../base/errors.ts";
import type { Policy } from "../config/config.ts";
import type { Deployment, ObservedService } from "../model/service.ts";
import { primaryOf } from "./primary.ts";

/** How a watched deployment stands. */
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
   * Where ECS's circuit breaker would go back to. Once it has arrived there its reason no longer tells it from somebody's
   * deployment of that revision: both count as failed then, since a superseded roll would be tried again at once.
   */
  readonly revisionBeforeArn?: string;
  /** Epoch milliseconds. */
  readonly deadlineMs: number;
  readonly nowMs: number;
  readonly policy: Pick<Policy, "failedTasksLimit">;
}

/**
 * Judges the deployment that a roll has started by what ECS says of the service now. "Stable" is not "succeeded": it is
 * this deployment's rolloutState that counts. A deployment of the same revision by somebody else (a forced one, say) is
 * judged in its place; one of another revision supersedes it, unless it is the circuit breaker's way back.
 * https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-circuit-breaker.html
 */
export function judge(watched: WatchedDeployment): Verdict {
  const { service, deploymentId, targetRevisionArn } = watched;
  const own = service.deployments.find(({ id }) => id === deploymentId);
  const primary = primaryOf(service);
  if (own?.rolloutState === "FAILED") return failed("deployment-failed", own.rolloutStateReason ?? "");
  if (service.status !== "ACTIVE") return { state: "superseded", detail: `The service is ${service.status}.` };
  if (!primary) return { state: "superseded", detail: "The service has no primary deployment." };
  if (primary.id !== deploymentId && isWayBack(primary, watched)) {
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
    return failed("tasks-stopping", `${deployment.failedTasks} tasks failed in a row.`);
  }
  if (nowMs >= deadlineMs) {
    const { runningCount, desiredCount } = deployment;
    return failed("deployment-deadline", `${runningCount} of ${desiredCount} tasks run.`);
  }
  return { state: "progressing" };
}

/**
 * True if the deployment has completed. ECS gives no rolloutState for services behind a Classic Load Balancer: there
 * the running tasks are counted.
 */
export function hasCompleted(deployment: Deployment): boolean {
  if (deployment.rolloutState !== undefined) return deployment.rolloutState === "COMPLETED";
  return deployment.runningCount >= deployment.desiredCount;
}

/** ECS tells a rollback from any other deployment by its reason alone: "… circuit breaker: rolling back to …". */
function isWayBack(deployment: Deployment, { targetRevisionArn, revisionBeforeArn }: WatchedDeployment): boolean {
  if (/\broll(ing|ed) back\b/i.test(deployment.rolloutStateReason ?? "")) return true;
  return deployment.taskDefinitionArn === revisionBeforeArn && revisionBeforeArn !== targetRevisionArn;
}

function failed(code: Extract<Verdict, { state: "failed" }>["code"], detail: string): Verdict {
  return { state: "failed", code, detail };
}
