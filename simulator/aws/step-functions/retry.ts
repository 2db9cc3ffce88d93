import type { Retrier } from "./schema.ts";

/** Errors that a catch-all does not match: AWS ends the execution. */
const NOT_CAUGHT_BY_ALL: ReadonlySet<string> = new Set(["States.DataLimitExceeded", "States.Runtime"]);

/**
 * True if an `ErrorEquals` matches an error. `States.TaskFailed` stands for every failure of a Task but timeouts;
 * `States.Timeout` covers `States.HeartbeatTimeout`; `States.Runtime` is never matched.
 * Source: https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html
 */
export function matchesError(errorEquals: readonly string[], error: string, stateType: string): boolean {
  if (error === "States.Runtime") return false;
  return errorEquals.some((name) => {
    if (name === error) return true;
    if (NOT_CAUGHT_BY_ALL.has(error)) return false;
    if (name === "States.ALL") return true;
    if (name === "States.Timeout") return error === "States.HeartbeatTimeout";
    return (
      name === "States.TaskFailed" &&
      stateType === "Task" &&
      error !== "States.Timeout" &&
      error !== "States.HeartbeatTimeout"
    );
  });
}

/** How long to wait before a retrier's next try, in milliseconds; `retries` of it have been made before. */
export function retryDelayMs(retrier: Retrier, retries: number, random: () => number): number {
  const seconds = Math.min(
    retrier.IntervalSeconds * retrier.BackoffRate ** retries,
    retrier.MaxDelaySeconds ?? Number.POSITIVE_INFINITY,
  );
  return retrier.JitterStrategy === "FULL" ? Math.floor(random() * seconds * 1000) : seconds * 1000;
}
