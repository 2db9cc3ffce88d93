import { clusterArnOf, type ServiceRef } from "../../base/arn.ts";
import { asAutopilotError } from "../../base/errors.ts";
import { diagnose } from "../../deployment/diagnose.ts";
import type { ObservedTask } from "../../model/task.ts";
import type { EcsCalls } from "../../ports/ports.ts";
import { type Cause, failureOf, type StepFailure } from "./steps.ts";

export interface CauseCalls {
  readonly ecs: Pick<EcsCalls, "listTasks" | "describeTasks">;
}

/**
 * Why a roll failed: what the stopped and running tasks of the failed revision show, else what the failed step said.
 * Reads no tasks without a revision. Throws only what a retry can cure: reverting must not wait for a cause that nobody
 * can read.
 */
export async function failureCause(
  ref: ServiceRef,
  failedRevisionArn: string | undefined,
  failed: { readonly failure: StepFailure | null; readonly desiredCount: number },
  calls: CauseCalls,
): Promise<Cause> {
  const { code, detail } = failureOf(failed.failure);
  const stated: Cause = { code, sentence: detail };
  if (failedRevisionArn === undefined) return stated;
  try {
    const [stoppedTasks, runningTasks] = await Promise.all([
      tasksOf(ref, "STOPPED", calls),
      tasksOf(ref, "RUNNING", calls),
    ]);
    const ofTarget = runningTasks.filter((task) => task.taskDefinitionArn === failedRevisionArn);
    // All desired tasks run and only the mesh lacked them: the stopped ones were replaced, and show nothing.
    const onlyMesh = code === "not-verified" || code.startsWith("workload-");
    const replaced = onlyMesh && ofTarget.length >= failed.desiredCount;
    return (
      diagnose({
        stoppedTasks: replaced ? [] : stoppedTasks,
        runningTasks,
        targetRevisionArn: failedRevisionArn,
      }) ?? stated
    );
  } catch (error) {
    const { retryable, message } = asAutopilotError(error);
    if (retryable) throw error;
    return { code, sentence: `${detail} The tasks could not be read: ${message}`.trim() };
  }
}

async function tasksOf(
  ref: ServiceRef,
  status: "RUNNING" | "STOPPED",
  { ecs }: CauseCalls,
): Promise<readonly ObservedTask[]> {
  return ecs.describeTasks(clusterArnOf(ref), await ecs.listTasks(ref, status));
}
