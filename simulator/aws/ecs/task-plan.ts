import type { Random } from "../../base/random.ts";
import type { ContainerSpec, TaskDefinitionSpec } from "./container-spec.ts";
import { isCircular, logRouterOf, logsThroughRouter, withImpliedOrder } from "./implied-order.ts";
import type { ContainerPlan, TaskPlan } from "./model.ts";
import { earlier, earliestFailure, interruption } from "./task-failures.ts";
import { durationMs, type Timings } from "./timings.ts";

/** What goes wrong with a task beyond what its definition says. */
export interface TaskFate {
  /** Why a secret can't be read, in the agent's words. */
  readonly secretProblem: string | undefined;
  /** Containers whose health checks never pass. */
  readonly unhealthy: ReadonlySet<string>;
  /** It runs on an instance, where docker runs the health checks. */
  readonly isOnInstance: boolean;
  /** Containers that exit with code 1 soon after their start. */
  readonly exiting: ReadonlySet<string>;
  /** Containers that AWS added and that don't start, with the reason. */
  readonly unstarted: ReadonlyMap<string, string>;
  /** Containers that exit when their task has been RUNNING for a while. */
  readonly dying: ReadonlyMap<string, { readonly afterMs: number; readonly exitCode: number }>;
  /** AWS takes its Spot capacity back this long after it began to run. */
  readonly interruptedAfterMs?: number;
  /** AWS moves it to another availability zone this long after it began to run. */
  readonly misplacedAfterMs?: number;
}

interface PlanContext {
  readonly fate: TaskFate;
  readonly random: Random;
  readonly timings: Timings;
  readonly containers: ReadonlyMap<string, ContainerSpec>;
  readonly pulledAtMs: number;
  readonly waitedForExit: ReadonlySet<string>;
  readonly router: ContainerSpec | undefined;
}

/**
 * Lays out a task's life from `startMs` (epoch milliseconds). Containers start in the order of their `dependsOn` and
 * of what the agent adds to it.
 * Health checks pass at their first interval.
 * https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDependency.html
 */
export function planTask(
  definition: TaskDefinitionSpec,
  fate: TaskFate,
  options: {
    readonly random: Random;
    readonly timings: Timings;
    readonly startMs: number;
    readonly taskArn: string;
  },
): TaskPlan {
  const { random, timings, startMs, taskArn } = options;
  const specs = withImpliedOrder(definition.containerDefinitions);
  const pulledAtMs = startMs + durationMs(random, timings.pullMs);
  const failedStart = startFailure(specs, fate, pulledAtMs) ?? orderFailure(specs, taskArn, pulledAtMs);
  const pull = { pullStartedAtMs: startMs, pullStoppedAtMs: pulledAtMs };
  if (failedStart) {
    const containers = new Map(
      specs.map(({ name }) => [name, neverStarted(name, failedStart.containerReasons?.[name])]),
    );
    return { ...pull, containers, runningAtMs: Infinity, healthyAtMs: Infinity, failure: failedStart };
  }
  const context: PlanContext = {
    fate,
    random,
    timings,
    pulledAtMs,
    containers: new Map(specs.map((spec) => [spec.name, spec])),
    waitedForExit: namesWaitedFor(specs),
    router: logRouterOf(specs),
  };
  const plans = new Map<string, ContainerPlan>();
  for (const spec of specs) planContainer(spec, context, plans);
  const runningAtMs = Math.max(startMs, ...[...plans.values()].map(settledAtMs)) + timings.runningReportMs;
  for (const [name, death] of fate.dying) dieLater(name, runningAtMs, death, plans);
  const failure = earlier(
    earliestFailure(specs, plans, runningAtMs),
    interruption(fate.interruptedAfterMs, runningAtMs),
  );
  const passAtMs = Math.max(
    runningAtMs,
    ...specs.filter(decidesHealth).map(({ name }) => plans.get(name)?.healthyAtMs ?? 0),
  );
  const healthyAtMs = failure && failure.atMs < passAtMs ? Infinity : passAtMs;
  return { ...pull, containers: plans, runningAtMs, healthyAtMs, failure };
}

/** Only essential containers with a health check decide a task's health. */
export function decidesHealth(spec: ContainerSpec): boolean {
  return spec.essential && spec.healthCheck !== undefined;
}

/** A container that its dependencies keep from starting does not keep the task from running, unless it is essential. */
function settledAtMs(plan: ContainerPlan): number {
  return plan.startsAtMs === Infinity ? plan.exitsAtMs : plan.startsAtMs;
}

function startFailure(specs: readonly ContainerSpec[], fate: TaskFate, atMs: number): TaskPlan["failure"] {
  if (fate.secretProblem !== undefined) {
    const stoppedReason = `ResourceInitializationError: unable to pull secrets or registry auth: ${fate.secretProblem}`;
    return { atMs, stopCode: "TaskFailedToStart", stoppedReason, failed: true };
  }
  const broken = specs.find(({ image }) => image.includes(":broken"));
  if (!broken) return undefined;
  const stoppedReason = `CannotPullContainerError: pull image manifest has been retried 1 time(s): failed to resolve ref ${broken.image}: not found`;
  const containerReasons = { [broken.name]: stoppedReason };
  return { atMs, stopCode: "TaskFailedToStart", stoppedReason, containerReasons, failed: true };
}

/** The agent's error for an order that registration does not see. */
function orderFailure(specs: readonly ContainerSpec[], taskArn: string, atMs: number): TaskPlan["failure"] {
  if (!isCircular(specs)) return undefined;
  const stoppedReason = `TaskDependencyError: Task dependencies cannot be resolved, taskArn: ${taskArn}`;
  return { atMs, stopCode: "TaskFailedToStart", stoppedReason, failed: true };
}

function neverStarted(name: string, reason: string | undefined): ContainerPlan {
  const never = {
    startsAtMs: Infinity,
    healthyAtMs: Infinity,
    unhealthyAtMs: Infinity,
    exitsAtMs: Infinity,
    exitCode: 0,
  };
  return { name, ...never, ...(reason === undefined ? {} : { reason }) };
}

function namesWaitedFor(specs: readonly ContainerSpec[]): Set<string> {
  const exits = specs.flatMap(({ dependsOn }) =>
    dependsOn.filter(({ condition }) => condition === "COMPLETE" || condition === "SUCCESS"),
  );
  return new Set(exits.map(({ containerName }) => containerName));
}

function planContainer(spec: ContainerSpec, context: PlanContext, plans: Map<string, ContainerPlan>): ContainerPlan {
  const known = plans.get(spec.name);
  if (known) return known;
  const plan = buildPlan(spec, context, plans);
  plans.set(spec.name, plan);
  return plan;
}

function buildPlan(spec: ContainerSpec, context: PlanContext, plans: Map<string, ContainerPlan>): ContainerPlan {
  const { random, timings, fate } = context;
  const unstarted = fate.unstarted.get(spec.name);
  if (unstarted !== undefined) {
    return { ...neverStarted(spec.name, unstarted), exitsAtMs: context.pulledAtMs, exitCode: undefined };
  }
  let readyAtMs = context.pulledAtMs;
  for (const { containerName, condition } of spec.dependsOn) {
    const dependency = context.containers.get(containerName);
    // Registration refuses unknown names and cycles.
    if (!dependency) continue;
    const plan = planContainer(dependency, context, plans);
    const metAtMs = conditionMetAtMs(condition, plan);
    const givenUp = givenUpAtMs(condition, dependency, plan, timings);
    if (metAtMs > givenUp.atMs) {
      const target = `[${spec.name}]`;
      const reason = `CannotStartContainerError: dependency graph: container ordering dependency [${containerName}] for target ${target} ${givenUp.why}`;
      return { ...neverStarted(spec.name, reason), exitsAtMs: givenUp.atMs, exitCode: 143 };
    }
    readyAtMs = Math.max(readyAtMs, metAtMs);
  }
  const startsAtMs = readyAtMs + durationMs(random, timings.containerStartMs);
  if (isBeforeRouter(spec, startsAtMs, context, plans))
    return { ...neverStarted(spec.name, NO_LOG_ROUTER), exitsAtMs: startsAtMs, exitCode: undefined };
  return { name: spec.name, startsAtMs, ...healthTimes(spec, startsAtMs, fate), ...exit(spec, startsAtMs, context) };
}

const NO_LOG_ROUTER =
  "CannotStartContainerError: Error response from daemon: failed to initialize logging driver: " +
  "dial unix /var/run/fluent.sock: connect: no such file or directory";

/** The log driver finds the log router's socket only once the router runs. */
function isBeforeRouter(
  spec: ContainerSpec,
  startsAtMs: number,
  context: PlanContext,
  plans: Map<string, ContainerPlan>,
): boolean {
  const { router } = context;
  if (!router || router.name === spec.name || !logsThroughRouter(spec)) return false;
  // A router that waits for this very container comes after it.
  if (comesAfter(router, spec.name, context)) return true;
  return planContainer(router, context, plans).startsAtMs > startsAtMs;
}

function comesAfter(spec: ContainerSpec, name: string, context: PlanContext): boolean {
  return spec.dependsOn.some(({ containerName }) => {
    const dependency = context.containers.get(containerName);
    return containerName === name || (dependency !== undefined && comesAfter(dependency, name, context));
  });
}

function conditionMetAtMs(condition: string, plan: ContainerPlan): number {
  switch (condition) {
    case "HEALTHY":
      return plan.healthyAtMs;
    case "COMPLETE":
      return plan.exitsAtMs;
    case "SUCCESS":
      return plan.exitCode === 0 ? plan.exitsAtMs : Infinity;
    default:
      return plan.startsAtMs;
  }
}

/** `startTimeout` belongs to the container that is waited for. Without it, a task stays PENDING for hours. */
function givenUpAtMs(
  condition: string,
  dependency: ContainerSpec,
  plan: ContainerPlan,
  timings: Timings,
): { atMs: number; why: string } {
  const exitedWrong = plan.exitCode !== 0 && condition === "SUCCESS";
  if (exitedWrong) return { atMs: plan.exitsAtMs, why: "did not exit successfully." };
  if (plan.startsAtMs === Infinity) return { atMs: plan.exitsAtMs, why: "could not be resolved." };
  const timeoutMs =
    dependency.startTimeout === undefined ? timings.unresolvedDependencyMs : dependency.startTimeout * 1000;
  return { atMs: plan.startsAtMs + timeoutMs, why: "has timed out." };
}

/**
 * The agent hands a command to docker as it is, and docker runs none that begins otherwise: the container's health
 * stays unknown (moby, `getProbe` in daemon/health.go). Fargate runs any command.
 */
const DOCKER_CHECKS = ["CMD", "CMD-SHELL"];

function healthTimes(
  { name, healthCheck }: ContainerSpec,
  startsAtMs: number,
  fate: TaskFate,
): { healthyAtMs: number; unhealthyAtMs: number } {
  const isRun = healthCheck && (!fate.isOnInstance || DOCKER_CHECKS.includes(healthCheck.command[0] ?? ""));
  if (!isRun) return { healthyAtMs: Infinity, unhealthyAtMs: Infinity };
  const { interval, retries, startPeriod } = healthCheck;
  return fate.unhealthy.has(name)
    ? { healthyAtMs: Infinity, unhealthyAtMs: startsAtMs + (startPeriod + retries * interval) * 1000 }
    : { healthyAtMs: startsAtMs + interval * 1000, unhealthyAtMs: Infinity };
}

function exit(
  { name }: ContainerSpec,
  startsAtMs: number,
  { fate, random, timings, waitedForExit }: PlanContext,
): { exitsAtMs: number; exitCode: number } {
  if (fate.exiting.has(name)) {
    return { exitsAtMs: startsAtMs + durationMs(random, timings.failingContainerMs), exitCode: 1 };
  }
  if (!waitedForExit.has(name)) return { exitsAtMs: Infinity, exitCode: 0 };
  return { exitsAtMs: startsAtMs + durationMs(random, timings.initContainerMs), exitCode: 0 };
}

const OUT_OF_MEMORY = 137;

/** https://docs.aws.amazon.com/AmazonECS/latest/developerguide/stopped-task-error-codes.html */
function dieLater(
  name: string,
  runningAtMs: number,
  { afterMs, exitCode }: { readonly afterMs: number; readonly exitCode: number },
  plans: Map<string, ContainerPlan>,
): void {
  const plan = plans.get(name);
  if (!plan || plan.exitsAtMs < Infinity) return;
  const reason = "OutOfMemoryError: Container killed due to memory usage";
  const because = exitCode === OUT_OF_MEMORY ? { reason } : {};
  plans.set(name, { ...plan, exitsAtMs: runningAtMs + afterMs, exitCode, ...because });
}
