import { ZTUNNEL } from "../base/vocabulary.ts";
import type { ServiceState, Stops } from "../model/service-state.ts";
import type { ObservedTask } from "../model/task.ts";
import { taskIdOf } from "../model/task.ts";
import { type Diagnosis, diagnose, isScaling } from "./diagnose.ts";
import { evidenceOf } from "./evidence.ts";

/** Stops that are further apart are not of one series. */
export const SERIES_MS = 3_600_000;
/** An event may come twice: the tasks that were counted last are known. */
const KNOWN_TASKS = 10;

/**
 * Why a task of a service at rest died, ztunnel's container first; `undefined` for one that was stopped on purpose, as
 * by scaling, by a person, or by AWS. Scaling says nothing about the revision, and the exit codes that it leads to say
 * as little: an application that was still waiting for ztunnel looks like one whose ztunnel never got healthy.
 */
export function deathOf(task: ObservedTask): Diagnosis | undefined {
  if (isScaling(task)) return undefined;
  const containers = task.containers.toSorted((a, b) => Number(b.name === ZTUNNEL) - Number(a.name === ZTUNNEL));
  const suspects = { targetRevisionArn: task.taskDefinitionArn, deploymentIds: [], sinceMs: 0, definition: undefined };
  return diagnose({ stoppedTasks: evidenceOf([{ ...task, containers }], suspects), runningTasks: [] });
}

/**
 * The series with one more death: of the same revision, within an hour of the last one. Else a new series begins.
 * `undefined` for a task that is counted already.
 */
export function countedDeath(
  { stops }: Pick<ServiceState, "stops">,
  task: ObservedTask,
  { code, sentence }: Diagnosis,
  nowMs: number,
): Stops | undefined {
  const taskId = taskIdOf(task);
  if (stops?.taskIds.includes(taskId)) return undefined;
  const { taskDefinitionArn: revisionArn } = task;
  const goesOn = stops?.revisionArn === revisionArn && nowMs - stops.lastMs < SERIES_MS;
  const before = goesOn ? stops : { count: 0, sinceMs: nowMs, taskIds: [] };
  return {
    ...before,
    revisionArn,
    count: before.count + 1,
    lastMs: nowMs,
    code,
    sentence,
    taskIds: [...before.taskIds, taskId].slice(-KNOWN_TASKS),
  };
}
