import { clusterArnOf, type ServiceRef } from "../../base/arn.ts";
import { AutopilotError, asAutopilotError, failureCodeOf, failures } from "../../base/errors.ts";
import type { Config } from "../../config/config.ts";
import { diagnose } from "../../deployment/diagnose.ts";
import { hasCompleted } from "../../deployment/verdict.ts";
import type { Deployment, ObservedService } from "../../model/service.ts";
import type { ObservedTask } from "../../model/task.ts";
import type { Ledger } from "../../ports/ledger.ts";
import type { EcsCalls } from "../../ports/ports.ts";
import { type ApplyPlan, type Cause, failureOf, type StepFailure, type Watch } from "./steps.ts";

export interface RevertCalls {
  readonly config: Config;
  readonly ecs: Pick<EcsCalls, "describeService" | "updateService" | "listTasks" | "describeTasks">;
  readonly ledger: Pick<Ledger, "getService">;
  readonly now: () => number;
}

export type Reverting = {
  readonly outcome: "reverting" | "reverted" | "superseded";
  readonly watch: Watch | null;
  readonly cause: Cause;
};

/**
 * Takes the service back to the revision that the plan pinned, unless it is there already (nothing was changed, or ECS's
 * circuit breaker went back by itself), or somebody else has deployed or has the lease. Finds the cause in the tasks
 * before they are gone.
 */
export async function revertRoll(
  ref: ServiceRef,
  executionName: string,
  roll: { readonly plan: ApplyPlan; readonly watch: Watch | null; readonly failure: StepFailure | null },
  calls: RevertCalls,
): Promise<Reverting> {
  const { plan } = roll;
  const service = await calls.ecs.describeService(ref);
  const noted = (await calls.ledger.getService(ref.serviceArn))?.roll;
  if (noted !== undefined && noted.executionName !== executionName) {
    // What that roll has deployed is its own to judge.
    return { outcome: "superseded", watch: null, cause: causeFromStep(roll.failure) };
  }
  // An apply step that crashed after UpdateService has no watch to show, but its target is in the ledger.
  const ours = roll.watch?.targetRevisionArn ?? noted?.targetRevisionArn;
  const current = service.taskDefinitionArn;
  const brought = current === ours && current !== plan.observedRevisionArn;
  const changed = brought || roll.watch !== null || noted?.deploymentId !== undefined;
  const cause = await causeOf(
    ref,
    changed ? ours : undefined,
    { failure: roll.failure, desiredCount: service.desiredCount },
    calls,
  );
  if (plan.change === "rollback") throw noWayBack(cause);
  if (!changed) return { outcome: "reverted", watch: null, cause };
  if (current === plan.pinnedRevisionArn) return alreadyReverted(service, plan, cause, calls);
  if (current !== ours) return { outcome: "superseded", watch: null, cause };
  const updated = await calls.ecs.updateService(ref, { taskDefinitionArn: plan.pinnedRevisionArn });
  return { outcome: "reverting", watch: watchOf(updated, plan, calls), cause };
}

/** What was on its way back already has nowhere to go: somebody has to look. */
function noWayBack({ code, sentence }: Cause): AutopilotError {
  const known = failureCodeOf(`${code}:`);
  return new AutopilotError(known && !failures[known].retryable ? known : "deployment-failed", sentence);
}

/** ECS's circuit breaker, or a first try of this step, has gone back already: its deployment is watched like any other. */
function alreadyReverted(service: ObservedService, plan: ApplyPlan, cause: Cause, calls: RevertCalls): Reverting {
  const primary = primaryOf(service);
  if (primary === undefined || hasCompleted(primary)) return { outcome: "reverted", watch: null, cause };
  return { outcome: "reverting", watch: watchOf(service, plan, calls), cause };
}

function primaryOf(service: ObservedService): Deployment | undefined {
  return service.deployments.find(({ status }) => status === "PRIMARY");
}

function watchOf(service: ObservedService, plan: ApplyPlan, calls: Pick<RevertCalls, "config" | "now">): Watch {
  const { deploymentDeadlineMinutes, pollIntervalMinutes } = calls.config.policy;
  return {
    deploymentId: primaryOf(service)?.id ?? "",
    targetRevisionArn: plan.pinnedRevisionArn,
    revisionBeforeArn: null,
    deadlineMs: calls.now() + deploymentDeadlineMinutes * 60_000,
    pollIntervalSeconds: Math.ceil(pollIntervalMinutes * 60),
    desiredCount: service.desiredCount,
    namespace: null,
    secretInUse: null,
  };
}

/** What the stopped and running tasks of the new revision tell; else what the failed step said. */
async function causeOf(
  ref: ServiceRef,
  targetRevisionArn: string | undefined,
  { failure, desiredCount }: { readonly failure: StepFailure | null; readonly desiredCount: number },
  calls: Pick<RevertCalls, "ecs">,
): Promise<Cause> {
  const told = causeFromStep(failure);
  if (!targetRevisionArn) return told;
  try {
    const [stoppedTasks, runningTasks] = await Promise.all([
      tasks(ref, "STOPPED", calls),
      tasks(ref, "RUNNING", calls),
    ]);
    const ofTarget = runningTasks.filter((task) => task.taskDefinitionArn === targetRevisionArn);
    // Where all wanted tasks run and only the mesh was missing, those that others took the place of are not to blame.
    const replaced = told.code === "not-verified" && ofTarget.length >= desiredCount;
    const found = diagnose({ stoppedTasks: replaced ? [] : stoppedTasks, runningTasks, targetRevisionArn });
    return found ? { code: found.code, sentence: found.sentence } : told;
  } catch (error) {
    const { retryable, message } = asAutopilotError(error);
    if (retryable) throw error;
    // The way back must not wait for a reason that nobody can read.
    return { code: told.code, sentence: `${told.sentence} The tasks could not be read: ${message}`.trim() };
  }
}

function causeFromStep(failure: StepFailure | null): Cause {
  const { code, detail } = failureOf(failure);
  return { code, sentence: detail };
}

async function tasks(
  ref: ServiceRef,
  status: "RUNNING" | "STOPPED",
  calls: Pick<RevertCalls, "ecs">,
): Promise<readonly ObservedTask[]> {
  return calls.ecs.describeTasks(clusterArnOf(ref), await calls.ecs.listTasks(ref, status));
}
