import { sweep } from "../shared/reconcile/sweep.ts";
import { lambda, type Step } from "./middleware.ts";
import { environmentSecrets, type Secrets } from "./secrets.ts";
import { environmentWorld, type World } from "./world.ts";

/** On a schedule: looks at every service, for the events that were lost. */
export function sweepServices(world: World, secrets: Secrets): Step {
  return async (_event, { log, measure }) => {
    const result = await sweep({ ...world, secrets, log });
    measure.count("SweptServices", {}, result.seen);
    measure.count("SweepStarted", {}, result.started);
    measure.count("SweepFailed", {}, result.failed);
    log.info("swept", { ...result });
    return { ...result };
  };
}

export const handler = lambda("sweep-services", () => sweepServices(environmentWorld(), environmentSecrets()));
