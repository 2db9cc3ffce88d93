import type { Listed } from "../listed.ts";

/** Differences from botocore's models that are accepted. */
export const listed: readonly Listed[] = [
  {
    what: "no call of states.SendTask* has succeeded",
    reason: "Nothing is left waiting for a task's failure or heartbeat. Their answers have no members by AWS's model.",
  },
];
