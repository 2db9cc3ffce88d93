import { clusterArnOf, type ServiceRef } from "../arn.ts";
import type { Config } from "../config.ts";
import type { Deployment, ObservedService } from "../enrollment/model.ts";
import type { Ledger } from "../ledger.ts";
import type { EcsCalls } from "../ports.ts";
import { diagnose } from "./diagnose.ts";
import { type ApplyPlan, type Cause, failureOf, type StepFailure, type Watch } from "./steps.ts";
import type { ObservedTask } from "./task.ts";
import { hasCompleted } from "./verdict.ts";

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
 * circuit breaker went back by itself) or somebody else has deployed. Finds the cause in the tasks before they are gone.
 */
export async function revertRoll(
  ref: ServiceRef,
  roll: { readonly plan: ApplyPlan; readonly watch: Watch | null; readonly failure: StepFailure | null },
  calls: RevertCalls,
): Promise<Reverting> {
  const { plan } = roll;
  const service = await calls.ecs.describeService(ref);
  const noted = (await calls.ledger.getService(ref.serviceArn))?.roll;
  // An apply step that crashed after UpdateService has no watch to show, but its target is in the ledger.
  const ours = roll.watch?.targetRevisionArn ?? noted?.targetRevisionArn;
  const current = service.taskDefinitionArn;
  const changed = current === ours || roll.watch !== null || noted?.deploymentId !== undefined;
  const cause = await causeOf(ref, changed ? ours : undefined, roll.failure, calls);
  if (!changed) return { outcome: "reverted", watch: null, cause };
  if (current === plan.pinnedRevisionArn) return backAlready(service, plan, cause, calls);
  if (current !== ours) return { outcome: "superseded", watch: null, cause };
  const updated = await calls.ecs.updateService(ref, { taskDefinitionArn: plan.pinnedRevisionArn });
  return { outcome: "reverting", watch: watchOf(updated, plan, calls), cause };
}

/** ECS's circuit breaker, or a first try of this step, has gone back already: its deployment is watched like any other. */
function backAlready(service: ObservedService, plan: ApplyPlan, cause: Cause, calls: RevertCalls): Reverting {
  const primary = primaryOf(service);
  if (primary === undefined || hasCompleted(primary)) return { outcome: "reverted", watch: null, cause };
  return { outcome: "reverting", watch: watchOf(service, plan, calls), cause };
}

function primaryOf(service: ObservedService): Deployment | undefined {
  return service.deployments.find(({ status }) => status === "PRIMARY");
}

function watchOf(service: ObservedService, plan: ApplyPlan, calls: Pick<RevertCalls, "config" | "now">): Watch {
  const { deploymentDeadlineMinutes, lookAgainMinutes } = calls.config.policy;
  return {
    deploymentId: primaryOf(service)?.id ?? "",
    targetRevisionArn: plan.pinnedRevisionArn,
    revisionBeforeArn: null,
    deadlineMs: calls.now() + deploymentDeadlineMinutes * 60_000,
    lookAgainSeconds: Math.ceil(lookAgainMinutes * 60),
    desiredCount: service.desiredCount,
    namespace: null,
    secretInUse: null,
  };
}

/** What the stopped and running tasks of the new revision tell; else what the failed step said. */
async function causeOf(
  ref: ServiceRef,
  targetRevisionArn: string | undefined,
  failure: StepFailure | null,
  calls: Pick<RevertCalls, "ecs">,
): Promise<Cause> {
  const { code, detail } = failureOf(failure);
  if (!targetRevisionArn) return { code, sentence: detail };
  const [stoppedTasks, runningTasks] = await Promise.all([tasks(ref, "STOPPED", calls), tasks(ref, "RUNNING", calls)]);
  const found = diagnose({ stoppedTasks, runningTasks, targetRevisionArn });
  return found ? { code: found.code, sentence: found.sentence } : { code, sentence: detail };
}

async function tasks(
  ref: ServiceRef,
  status: "RUNNING" | "STOPPED",
  calls: Pick<RevertCalls, "ecs">,
): Promise<readonly ObservedTask[]> {
  return calls.ecs.describeTasks(clusterArnOf(ref), await calls.ecs.listTasks(ref, status));
}
