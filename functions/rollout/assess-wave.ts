import { assessInput } from "../../shared/rollout/steps.ts";
import { assessWave } from "../../shared/use-cases/rollout/assess-wave.ts";
import { type Alarms, environmentAlarms } from "../alarms.ts";
import { environmentContext, type FunctionContext } from "../context.ts";
import { parsed } from "../input.ts";
import { lambda, type Step } from "../middleware.ts";

/** Judges a wave after its rolls, and again after it has been left alone. */
export function assess(context: FunctionContext, alarms: Alarms): Step {
  return async (event, { log }) => {
    const input = parsed(assessInput, event);
    log.appendKeys({ rolloutId: input.rolloutId });
    if (input.laneFailures.length > 0)
      log.warn("lanes failed", {
        laneFailures: input.laneFailures.map(({ error, cause }) => ({ error, cause })),
      });
    const assessed = await assessWave(input, { ...context, alarms, log });
    log.info("assessed", { wave: input.wave, phase: input.phase, after: input.after, ...assessed });
    return assessed;
  };
}

export const handler = lambda("rollout-assess-wave", () => assess(environmentContext(), environmentAlarms()));
