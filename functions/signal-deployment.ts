import { type Incoming, parseIncoming } from "../shared/events/incoming.ts";
import type { Log } from "../shared/ports/ports.ts";
import { noteStoppedTask } from "../shared/use-cases/reconcile/note-stopped-task.ts";
import { signalDeployment } from "../shared/use-cases/roll/signal-deployment.ts";
import { judgeDeaths } from "../shared/use-cases/rollout/judge-deaths.ts";
import { environmentContext, type FunctionContext } from "./context.ts";
import { lambda, type Step } from "./middleware.ts";

/** Passes the end of a deployment, or signs of trouble, on to the roll that waits for it. */
export function signalWaitingRoll(context: FunctionContext): Step {
  return async (event, { log }) => {
    const incoming = parseIncoming(event);
    if (incoming.kind !== "deployment" && incoming.kind !== "task-stopped") {
      log.info("nothing to signal", incoming.kind === "ignored" ? { why: incoming.reason } : { kind: incoming.kind });
      return { did: "unheard" };
    }
    log.appendKeys({ serviceArn: incoming.serviceArn });
    const did = await signalDeployment(incoming, context);
    if (did !== "unheard") log.info(did, { kind: incoming.kind });
    else if (incoming.kind === "task-stopped") await noteDeath(incoming, context, log);
    return { did };
  };
}

/** A task that died outside of a roll counts for its service, and for the rollout that has changed the service. */
async function noteDeath(incoming: Extract<Incoming, { kind: "task-stopped" }>, context: FunctionContext, log: Log) {
  const recorded = await noteStoppedTask(incoming, context);
  if (recorded === "ignored") return;
  const { serviceArn, taskArn, taskDefinitionArn } = incoming;
  if (recorded === "counted") log.warn("a task died", { taskArn, taskDefinitionArn });
  if (await judgeDeaths(serviceArn, context)) log.warn("failed after its roll: its tasks die", { taskDefinitionArn });
}

export const handler = lambda("signal-deployment", () => signalWaitingRoll(environmentContext()));
