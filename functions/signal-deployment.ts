import { parseIncoming } from "../shared/events/incoming.ts";
import { noteStoppedTask } from "../shared/use-cases/reconcile/note-stopped-task.ts";
import { signalDeployment } from "../shared/use-cases/roll/signal-deployment.ts";
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
    else if (incoming.kind === "task-stopped" && (await noteStoppedTask(incoming, context))) {
      log.warn("a task died", { taskArn: incoming.taskArn, taskDefinitionArn: incoming.taskDefinitionArn });
    }
    return { did };
  };
}

export const handler = lambda("signal-deployment", () => signalWaitingRoll(environmentContext()));
