import { parseIncoming } from "../shared/events/incoming.ts";
import { signalDeployment } from "../shared/use-cases/roll/signal-deployment.ts";
import { lambda, type Step } from "./middleware.ts";
import { environmentWorld, type World } from "./world.ts";

/** Passes the end of a deployment, or signs of trouble, on to the roll that waits for it. */
export function signalWaitingRoll(world: World): Step {
  return async (event, { log }) => {
    const incoming = parseIncoming(event);
    if (incoming.kind !== "deployment" && incoming.kind !== "task-stopped") {
      log.info("nothing to signal", incoming.kind === "ignored" ? { why: incoming.why } : { kind: incoming.kind });
      return { did: "unheard" };
    }
    log.appendKeys({ serviceArn: incoming.serviceArn });
    const did = await signalDeployment(incoming, world);
    if (did !== "unheard") log.info(did, { kind: incoming.kind });
    return { did };
  };
}

export const handler = lambda("signal-deployment", () => signalWaitingRoll(environmentWorld()));
