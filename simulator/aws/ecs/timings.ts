import type { Random } from "../../base/random.ts";

/** The shortest and the longest time that a step takes, in milliseconds. */
export type RangeMs = readonly [number, number];

/** How long things take. The defaults make a deployment of one task last 30 to 60 seconds. */
export interface Timings {
  /** A task's network interface is attached. */
  readonly provisioningMs: RangeMs;
  /** Secrets are read and images pulled. */
  readonly pullMs: RangeMs;
  /** A container starts, once what it waits for is there. */
  readonly containerStartMs: RangeMs;
  /** A container that others wait for to complete does its work. */
  readonly initContainerMs: RangeMs;
  /** From the start of the last container until the task is reported as RUNNING. */
  readonly runningReportMs: number;
  /** A container that a fault stops lives this long: less than `runningReportMs`, so that its task never runs. */
  readonly failingContainerMs: RangeMs;
  /** A task is stopped. */
  readonly stopMs: RangeMs;
  /** The wait before a failed task is tried again: doubles with every failure in a row. */
  readonly firstRetryMs: number;
  /** https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-throttle-logic.html */
  readonly longestRetryMs: number;
  /** How long a task stays PENDING when a dependency without `startTimeout` never gets healthy. */
  readonly unresolvedDependencyMs: number;
  /** How long stopped tasks can be described. */
  readonly stoppedTaskRetentionMs: number;
  /** How long deleted clusters and services can be described as INACTIVE. AWS says only that it may end. */
  readonly deletedRetentionMs: number;
  /**
   * How long a deleted revision without tasks and deployments can be described.
   * https://docs.aws.amazon.com/AmazonECS/latest/developerguide/delete-task-definition-v2.html
   */
  readonly definitionDeletionMs: number;
}

export const defaultTimings: Timings = {
  provisioningMs: [6_000, 12_000],
  pullMs: [4_000, 10_000],
  containerStartMs: [500, 1_500],
  initContainerMs: [1_000, 4_000],
  runningReportMs: 1_000,
  failingContainerMs: [200, 800],
  stopMs: [3_000, 8_000],
  firstRetryMs: 5_000,
  longestRetryMs: 27 * 60_000,
  unresolvedDependencyMs: 3 * 3_600_000,
  stoppedTaskRetentionMs: 3_600_000,
  deletedRetentionMs: 24 * 3_600_000,
  definitionDeletionMs: 3_600_000,
};

/** A duration within the range, in whole tenths of a second: fewer distinct times are cheaper in virtual time. */
export function durationMs(random: Random, [shortest, longest]: RangeMs): number {
  return Math.round((shortest + random() * (longest - shortest)) / 100) * 100;
}
