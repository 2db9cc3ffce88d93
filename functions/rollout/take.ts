import { takeInput } from "../../shared/rollout/steps.ts";
import { takeService } from "../../shared/use-cases/rollout/take-service.ts";
import { environmentContext, type FunctionContext } from "../context.ts";
import { parsed } from "../input.ts";
import { lambda, type Step } from "../middleware.ts";

/** Takes one service of a wave: returns its roll's name, and when AWS's quotas let it start. */
export function take(context: FunctionContext): Step {
  return async (event, { log, measure }) => {
    const { rolloutId, ...order } = parsed(takeInput, event);
    log.appendKeys({ rolloutId, ordinal: order.ordinal });
    const taken = await takeService({ ...order, id: rolloutId }, context);
    measure.record("QuotaWait", taken.waitSeconds, {});
    return taken;
  };
}

export const handler = lambda("rollout-take", () => take(environmentContext()));
