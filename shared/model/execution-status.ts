/** The statuses of an execution that does not go on by itself. */
const ENDED: readonly string[] = ["SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED", "PENDING_REDRIVE"];

/**
 * True if an execution of this status has ended. Of a status that is not known here nothing follows: starting another
 * execution beside one that runs would be worse than waiting for the next check.
 */
export function hasEndedExecution(status: string): boolean {
  return ENDED.includes(status);
}
