import type { ContainerSpec } from "./container-spec.ts";
import type { ContainerPlan, TaskPlan } from "./model.ts";

/** What ends a task first of what its containers do; undefined if nothing does. */
export function earliestFailure(
  specs: readonly ContainerSpec[],
  plans: ReadonlyMap<string, ContainerPlan>,
  runningAtMs: number,
): TaskPlan["failure"] {
  const essential = specs.filter((spec) => spec.essential).flatMap(({ name }) => plans.get(name) ?? []);
  const failures = [
    ...essential.filter(({ exitsAtMs }) => exitsAtMs < Infinity).map((plan) => exitFailure(plan, runningAtMs)),
    ...essential
      .filter(({ unhealthyAtMs }) => unhealthyAtMs < Infinity)
      .map((plan) => healthFailure(plan, runningAtMs)),
  ];
  return failures.sort((a, b) => a.atMs - b.atMs)[0];
}

type Failure = NonNullable<TaskPlan["failure"]>;

/** The first of two failures. */
export function earlier(one: Failure | undefined, other: Failure | undefined): Failure | undefined {
  return one && other ? (other.atMs < one.atMs ? other : one) : (one ?? other);
}

/**
 * AWS takes a Spot task's capacity back.
 * https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-capacity-providers.html
 */
export function interruption(interruptedAfterMs: number | undefined, runningAtMs: number): Failure | undefined {
  if (interruptedAfterMs === undefined) return undefined;
  const stoppedReason = "Your Spot Task was interrupted.";
  return { atMs: runningAtMs + interruptedAfterMs, stopCode: "SpotInterruption", stoppedReason, failed: false };
}

/**
 * A task that ran before its container exited does not count as a failed task of its deployment: it is replaced at
 * once. https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Deployment.html (failedTasks)
 */
function exitFailure({ name, exitsAtMs, reason }: ContainerPlan, runningAtMs: number): Failure {
  return {
    atMs: exitsAtMs,
    stopCode: "EssentialContainerExited",
    stoppedReason: "Essential container in task exited",
    ...(reason === undefined ? {} : { containerReasons: { [name]: reason } }),
    failed: exitsAtMs <= runningAtMs,
  };
}

/**
 * The service scheduler stops an unhealthy task once it runs; a task that is still PENDING only waits.
 * https://github.com/aws/containers-roadmap/issues/2379
 */
function healthFailure({ unhealthyAtMs }: ContainerPlan, runningAtMs: number): Failure {
  return {
    atMs: Math.max(unhealthyAtMs, runningAtMs),
    stopCode: "ServiceSchedulerInitiated",
    stoppedReason: "Task failed container health checks",
    failed: true,
  };
}
