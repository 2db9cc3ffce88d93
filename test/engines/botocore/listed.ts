import type { Listed } from "../listed.ts";

/** Differences from botocore's models that are accepted. */
export const listed: readonly Listed[] = [
  {
    what: "no call of states.SendTask* has succeeded",
    reason: "Nothing is left waiting for a task's failure or heartbeat. Their answers have no members by AWS's model.",
  },
  {
    what: "no call of ecs.StopServiceDeployment has succeeded",
    reason: "All deployments of the story have ended. The simulator's own tests stop some that are under way.",
  },
  {
    what: "no call of ecs.ContinueServiceDeployment has succeeded",
    reason: "No deployment of the story waits for a lifecycle hook. The simulator's own tests let some go on.",
  },
];
