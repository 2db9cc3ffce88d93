import { finishRolloutInput } from "../../shared/rollout/steps.ts";
import { finishRollout } from "../../shared/use-cases/rollout/finish-rollout.ts";
import { environmentContext, type FunctionContext } from "../context.ts";
import { parsed } from "../input.ts";
import { lambda, type Step } from "../middleware.ts";

/** Last step of RollFleet: outcome, event, the next rollout. */
export function finishRolloutStep(context: FunctionContext): Step {
  return async (event, { log, measure }) => {
    const { rolloutId, failure } = parsed(finishRolloutInput, event);
    log.appendKeys({ rolloutId });
    const { status, stuck } = await finishRollout(rolloutId, failure, { ...context, log });
    measure.count("Rollouts", { status });
    measure.record("RolloutStuck", stuck, {});
    log.info("finished", { status });
    return { rolloutId, status };
  };
}

export const handler = lambda("rollout-finish", () => finishRolloutStep(environmentContext()));
