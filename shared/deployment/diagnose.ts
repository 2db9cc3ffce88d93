import type { FailureCode } from "../base/errors.ts";
import { ANY_STAGE_PREFIX, ZTUNNEL } from "../base/vocabulary.ts";
import type { ServiceEvent } from "../model/service.ts";
import { type ObservedContainer, type ObservedTask, taskIdOf } from "../model/task.ts";

/** Why a revision's tasks fail: one code, and a sentence that names the task and the container. */
export interface Diagnosis {
  readonly code: Extract<
    FailureCode,
    | "secret-denied"
    | "secret-kms-denied"
    | "secret-unreachable"
    | "secret-unavailable"
    | "log-unavailable"
    | "image-unavailable"
    | "ztunnel-unhealthy"
    | "application-failed"
    | "tasks-stopping"
    | "tasks-not-placed"
  >;
  readonly sentence: string;
}

/**
 * The cause that most of these tasks show, or `undefined` when they show none: ztunnel, its secret, an image, the
 * application, or no place for them. Stopped tasks count first, then running ones, both as DescribeTasks describes them
 * and `evidenceOf` has chosen them.
 * https://docs.aws.amazon.com/AmazonECS/latest/developerguide/stopped-task-error-codes.html
 */
export function diagnose(observed: {
  readonly stoppedTasks: readonly ObservedTask[];
  readonly runningTasks: readonly ObservedTask[];
}): Diagnosis | undefined {
  const stopped = observed.stoppedTasks.map(inShort).map(diagnoseStopped);
  const running = observed.runningTasks.map(inShort).map(diagnoseRunning);
  return mostFrequent(present(stopped)) ?? mostFrequent(present(running));
}

/** ECS's reasons have 1024 characters at most; what is looked for in a text takes much longer in a long one. */
const MAX_REASON_LENGTH = 2048;

function inShort(task: ObservedTask): ObservedTask {
  return {
    ...task,
    stoppedReason: task.stoppedReason?.slice(0, MAX_REASON_LENGTH),
    containers: task.containers.map((one) => ({ ...one, reason: one.reason?.slice(0, MAX_REASON_LENGTH) })),
  };
}

/**
 * The cause that ECS's own service events name, in its words, where it found no place for the tasks; else `undefined`.
 * The newest event counts. https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-event-messages-list.html
 */
export function diagnosePlacement(events: readonly ServiceEvent[], sinceMs: number): Diagnosis | undefined {
  const found = events
    .filter(({ createdAtMs, message }) => createdAtMs >= sinceMs && NOT_PLACED.test(message))
    .toSorted((a, b) => b.createdAtMs - a.createdAtMs)[0];
  return found && { code: "tasks-not-placed", sentence: `ECS: ${quote(found.message)}.` };
}

const NOT_PLACED = /unable to place a task|failed to launch a task|capacity is unavailable/i;

/** Stop codes that say nothing about the revision. */
const INNOCENT_STOP_CODES = ["UserInitiated", "SpotInterruption", "TerminationNotice", "InfrastructureHealth"];

function diagnoseStopped(task: ObservedTask): Diagnosis | undefined {
  if (task.stopCode !== undefined && INNOCENT_STOP_CODES.includes(task.stopCode)) return undefined;
  const container = culprit(task);
  return (
    startFailure(task) ??
    (container && containerFailure(task, container)) ??
    (isScaling(task) ? undefined : unexplained(task))
  );
}

/** The scheduler stops tasks that are no longer needed, as in every deployment. */
export function isScaling({ stopCode, stoppedReason = "" }: ObservedTask): boolean {
  return stopCode === "ServiceSchedulerInitiated" && !/health check/i.test(stoppedReason);
}

function startFailure(task: ObservedTask): Diagnosis | undefined {
  const sources = [
    ...task.containers.map(({ name, reason }) => ({ who: `Container ${name}`, reason })),
    { who: "It", reason: task.stoppedReason },
  ];
  for (const { who, reason } of sources) {
    const code = reason === undefined ? undefined : startFailureCode(reason);
    if (code) return say(code, task, `${who} could not start: ${quote(reason)}.`);
  }
  return undefined;
}

function startFailureCode(reason: string): Diagnosis["code"] | undefined {
  // The container that waited for ztunnel has the reason, not ztunnel itself.
  if (/dependenc\w*\b.*\[?\bztunnel\b/i.test(reason)) return "ztunnel-unhealthy";
  const secretArn = /:secretsmanager:[a-z0-9-]+:\d{12}:secret:(\S+)/.exec(reason)?.[1];
  if (/retriev\w* secret|secret data|from asm|secretsmanager|:ssm:|from ssm/i.test(reason)) {
    const isOthers = (secretArn !== undefined && !ANY_STAGE_PREFIX.test(secretArn)) || /\bssm\b/i.test(reason);
    return isOthers ? "application-failed" : secretFailureCode(reason);
  }
  if (NO_LOG.test(reason)) return "log-unavailable";
  if (/CannotPull|pull image|ImagePull|registry auth|ecr registry/i.test(reason)) return "image-unavailable";
  if (/capacity is unavailable|network interface provisioning|^RESOURCE:/i.test(reason)) return "tasks-not-placed";
  return undefined;
}

/** https://docs.aws.amazon.com/AmazonECS/latest/developerguide/resource-initialization-error.html */
const NO_LOG = /validate logger args|initialize logging driver|create Cloudwatch log (stream|group)/i;

/**
 * Why our own secret could not be read, by the words of Secrets Manager, KMS and of ECS's agent, which has no other
 * names for them. Where nothing says more it was denied.
 */
function secretFailureCode(reason: string): Diagnosis["code"] {
  if (/access to kms|\bkms:|KMSAccessDenied|kms (key|access)/i.test(reason)) return "secret-kms-denied";
  if (/AccessDenied|not authorized/i.test(reason)) return "secret-denied";
  if (UNREACHABLE.test(reason)) return "secret-unreachable";
  const isGone = /ResourceNotFound|can't find the specified secret|marked (for|as) delet|scheduled for deletion/i;
  return isGone.test(reason) ? "secret-unavailable" : "secret-denied";
}

/** https://repost.aws/knowledge-center/ecs-unable-to-pull-secrets */
const UNREACHABLE =
  /connection issue|network configuration|deadline exceeded|timeout|timed out|RequestCanceled|request canceled|dial tcp|no such host|connection (refused|reset)|RequestError|send request failed/i;

/**
 * The container that made the task stop. When one stops, ECS stops the others, which then exit with 143 or 137: these
 * two codes count only with a reason of their own, such as OutOfMemoryError.
 */
function culprit({ containers, stopCode }: ObservedTask): ObservedContainer | undefined {
  const essential = containers.filter((container) => container.essential !== false);
  const others = containers.filter((container) => container.essential === false);
  return failedAmong(essential, stopCode) ?? neverHealthy(containers) ?? failedAmong(others, undefined);
}

function failedAmong(
  containers: readonly ObservedContainer[],
  stopCode: string | undefined,
): ObservedContainer | undefined {
  const failedByItself = ({ exitCode, reason }: ObservedContainer): boolean =>
    reason !== undefined || (exitCode !== undefined && ![0, 137, 143].includes(exitCode));
  const unhealthy = containers.find(({ healthStatus }) => healthStatus === "UNHEALTHY");
  const exitedAtAll =
    stopCode === "EssentialContainerExited" ? containers.find(({ exitCode }) => exitCode === 0) : undefined;
  return containers.find(failedByItself) ?? unhealthy ?? exitedAtAll;
}

/** ztunnel, if it ran and no container that waits for it ever started. */
function neverHealthy(containers: readonly ObservedContainer[]): ObservedContainer | undefined {
  const ztunnel = containers.find(({ name }) => name === ZTUNNEL);
  const others = containers.filter((container) => container !== ztunnel);
  const nobodyStarted = others.length > 0 && others.every(({ exitCode }) => exitCode === undefined);
  return ztunnel?.exitCode !== undefined && nobodyStarted ? ztunnel : undefined;
}

function containerFailure(task: ObservedTask, container: ObservedContainer): Diagnosis {
  const { name, exitCode, reason, healthStatus } = container;
  const facts = [
    ...(exitCode === undefined ? [] : [`exit code ${exitCode}`]),
    ...(healthStatus === "UNHEALTHY" ? ["unhealthy"] : []),
    ...(reason === undefined ? [] : [quote(reason)]),
    ...(reason === undefined && task.stoppedReason !== undefined ? [quote(task.stoppedReason)] : []),
  ];
  return say(codeFor(name), task, `Container ${name} stopped: ${facts.join(", ") || "no reason given"}.`);
}

/** A failed health check of a load balancer, or a reason that is not known yet. */
function unexplained(task: ObservedTask): Diagnosis | undefined {
  if (task.stoppedReason === undefined) return undefined;
  const code = /(ELB|load balancer|target-group).*health check|health check.*(ELB|target-group)/i.test(
    task.stoppedReason,
  )
    ? "application-failed"
    : "tasks-stopping";
  return say(code, task, `It stopped: ${quote(task.stoppedReason)}.`);
}

function diagnoseRunning(task: ObservedTask): Diagnosis | undefined {
  const ztunnel = task.containers.find(({ name }) => name === ZTUNNEL);
  const waiting = task.lastStatus !== "RUNNING" && ztunnel?.lastStatus === "RUNNING";
  if (ztunnel && (ztunnel.healthStatus === "UNHEALTHY" || (waiting && ztunnel.healthStatus !== "HEALTHY"))) {
    return say("ztunnel-unhealthy", task, `Container ztunnel is ${ztunnel.healthStatus ?? "UNKNOWN"}.`);
  }
  const unhealthy = task.containers.find(({ healthStatus }) => healthStatus === "UNHEALTHY");
  return unhealthy && say("application-failed", task, `Container ${unhealthy.name} is UNHEALTHY.`);
}

function codeFor(container: string): "ztunnel-unhealthy" | "application-failed" {
  return container === ZTUNNEL ? "ztunnel-unhealthy" : "application-failed";
}

function say(code: Diagnosis["code"], task: ObservedTask, sentence: string): Diagnosis {
  return { code, sentence: `Task ${taskIdOf(task)}: ${sentence}` };
}

/** The text on one line, in quotes, at most 500 characters of it. */
function quote(text = ""): string {
  const line = text.replace(/\s+/g, " ").trim();
  return `"${line.length > 500 ? `${line.slice(0, 499)}…` : line}"`;
}

function present(diagnoses: readonly (Diagnosis | undefined)[]): readonly Diagnosis[] {
  return diagnoses.filter((diagnosis) => diagnosis !== undefined);
}

function mostFrequent(diagnoses: readonly Diagnosis[]): Diagnosis | undefined {
  const count = ({ code }: Diagnosis): number => diagnoses.filter((other) => other.code === code).length;
  return diagnoses.toSorted((a, b) => count(b) - count(a))[0];
}
