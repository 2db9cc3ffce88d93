import { clusterArnOf, type ServiceRef } from "../../base/arn.ts";
import { asAutopilotError } from "../../base/errors.ts";
import { type Diagnosis, diagnose, diagnosePlacement } from "../../deployment/diagnose.ts";
import { purposeInWords, purposeOf } from "../../deployment/ended-on-purpose.ts";
import { evidenceOf } from "../../deployment/evidence.ts";
import type { ObservedTask } from "../../model/task.ts";
import type { EcsCalls, Log } from "../../ports/ports.ts";
import { type Cause, failureOf, type StepFailure } from "./steps.ts";

export interface CauseCalls {
  readonly ecs: Pick<
    EcsCalls,
    "listTasks" | "describeTasks" | "describeTaskDefinition" | "describeServiceEvents" | "describeServiceDeployments"
  >;
  readonly log: Pick<Log, "warn">;
}

/** The deployment that a failed roll has made. */
export interface FailedDeployment {
  readonly revisionArn: string;
  /** The roll's own, and one of the same revision that took its place. */
  readonly deploymentIds: readonly string[];
  /** When the roll began, epoch milliseconds. */
  readonly sinceMs: number;
}

/**
 * Why a roll failed: an alarm or a person that has ended its deployment, else what the stopped and running tasks of
 * that deployment show, else why ECS placed none, else what the failed step said. Reads no tasks without a deployment.
 * Throws only what a retry can cure: reverting must not wait for a cause that nobody can read.
 */
export async function failureCause(
  ref: ServiceRef,
  deployment: FailedDeployment | undefined,
  failed: { readonly failure: StepFailure | null; readonly desiredCount: number },
  calls: CauseCalls,
): Promise<Cause> {
  const { code, detail } = failureOf(failed.failure);
  if (deployment === undefined) return { code: purposeInWords(detail) ?? code, sentence: detail };
  const stated = await statedCause(ref, { code, detail }, deployment.sinceMs, calls);
  if (stated.code === "deployment-stopped") return stated;
  try {
    const shown = await shownByTasks(ref, deployment, { code, desiredCount: failed.desiredCount }, calls);
    if (stated.code === "deployment-alarm") return withEvidence(stated, shown);
    return shown ?? diagnosePlacement(await calls.ecs.describeServiceEvents(ref), deployment.sinceMs) ?? stated;
  } catch (error) {
    const { retryable, message } = asAutopilotError(error);
    if (retryable) throw error;
    return { code: stated.code, sentence: `${detail} The tasks could not be read: ${message}`.trim() };
  }
}

/** What ECS says of the deployment's end: of the deployment itself where that can be read, else in its words. */
async function statedCause(
  ref: ServiceRef,
  { code, detail }: { readonly code: string; readonly detail: string },
  sinceMs: number,
  { ecs, log }: CauseCalls,
): Promise<Cause> {
  const inWords = { code: purposeInWords(detail) ?? code, sentence: detail };
  try {
    const ended = purposeOf(await ecs.describeServiceDeployments(ref, sinceMs - 60_000), sinceMs);
    if (ended === "other") return { code, sentence: detail };
    if (!ended) return inWords;
    const alarms = ended.alarms.length > 0 ? `In ALARM: ${ended.alarms.join(", ")}.` : "";
    return { code: ended.purpose, sentence: [detail, alarms].filter(Boolean).join(" ") };
  } catch (error) {
    const { code: why, message, retryable } = asAutopilotError(error);
    if (retryable) throw error;
    // The member role of an earlier template may not read it.
    log.warn("how the deployment ended can't be read: ECS's words count", { code: why, why: message });
    return inWords;
  }
}

/** The alarm is the cause. What the tasks show may be why it went off. */
function withEvidence({ code, sentence }: Cause, shown: Diagnosis | undefined): Cause {
  return { code, sentence: [sentence, shown?.sentence].filter(Boolean).join(" ") };
}

async function shownByTasks(
  ref: ServiceRef,
  { revisionArn, deploymentIds, sinceMs }: FailedDeployment,
  failed: { readonly code: string; readonly desiredCount: number },
  calls: CauseCalls,
): Promise<Diagnosis | undefined> {
  const [stopped, running, definition] = await Promise.all([
    tasksOf(ref, "STOPPED", calls),
    tasksOf(ref, "RUNNING", calls),
    definitionOf(revisionArn, calls),
  ]);
  const suspects = { targetRevisionArn: revisionArn, deploymentIds, sinceMs, definition };
  const runningTasks = evidenceOf(running, suspects);
  // All desired tasks run and only the mesh lacked them: the stopped ones were replaced, and show nothing.
  const onlyMesh = failed.code === "not-verified" || failed.code.startsWith("workload-");
  const replaced = onlyMesh && runningTasks.length >= failed.desiredCount;
  return diagnose({ stoppedTasks: replaced ? [] : evidenceOf(stopped, suspects), runningTasks });
}

async function tasksOf(
  ref: ServiceRef,
  status: "RUNNING" | "STOPPED",
  { ecs }: CauseCalls,
): Promise<readonly ObservedTask[]> {
  return ecs.describeTasks(clusterArnOf(ref), await ecs.listTasks(ref, status));
}

/** Undefined for a revision that can't be read: its tasks show enough without it. */
async function definitionOf(revisionArn: string, { ecs }: CauseCalls) {
  try {
    return (await ecs.describeTaskDefinition(revisionArn)).raw;
  } catch (error) {
    if (asAutopilotError(error).retryable) throw error;
    return undefined;
  }
}
