import { finishInput } from "../../shared/rollout/steps.ts";
import { finishRollout } from "../../shared/use-cases/rollout/finish-rollout.ts";
import { parsed } from "../input.ts";
import { lambda, type Step } from "../middleware.ts";
import { environmentWorld, type World } from "../world.ts";

/** Last step of RollFleet: outcome, event, the next rollout. */
export function finish(world: World): Step {
  return async (event, { log, measure }) => {
    const { rolloutId, failure } = parsed(finishInput, event);
    log.appendKeys({ rolloutId });
    const { status, stuck } = await finishRollout(rolloutId, failure, { ...world, log });
    measure.count("Rollouts", { status });
    measure.record("RolloutStuck", stuck, {});
    log.info("finished", { status });
    return { rolloutId, status };
  };
}

export const handler = lambda("rollout-finish", () => finish(environmentWorld()));
