import { nextWaveInput } from "../../shared/rollout/steps.ts";
import { nextWave } from "../../shared/use-cases/rollout/next-wave.ts";
import { environmentContext, type FunctionContext } from "../context.ts";
import { parsed } from "../input.ts";
import { lambda, type Step } from "../middleware.ts";

/** What RollFleet does next: a wave, a hold, the rollback, the end. */
export function next(context: FunctionContext): Step {
  return async (event, { log }) => {
    const input = parsed(nextWaveInput, event);
    log.appendKeys({ rolloutId: input.rolloutId });
    const step = await nextWave(input, context);
    log.info("next", { do: step.do, phase: step.phase, wave: step.wave });
    return step;
  };
}

export const handler = lambda("rollout-next-wave", () => next(environmentContext()));
