import { takeInput } from "../../shared/rollout/steps.ts";
import { takeService } from "../../shared/use-cases/rollout/take-service.ts";
import { parsed } from "../input.ts";
import { lambda, type Step } from "../middleware.ts";
import { environmentWorld, type World } from "../world.ts";

/** Takes one service of a wave: its roll's name, and when AWS's quotas let it start. */
export function take(world: World): Step {
  return async (event, { log, measure }) => {
    const { rolloutId, ...order } = parsed(takeInput, event);
    log.appendKeys({ rolloutId, ordinal: order.ordinal });
    const taken = await takeService({ ...order, id: rolloutId }, world);
    measure.record("QuotaWait", taken.waitSeconds, {});
    return taken;
  };
}

export const handler = lambda("rollout-take", () => take(environmentWorld()));
