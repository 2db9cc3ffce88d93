import { nextWaveInput } from "../../shared/rollout/steps.ts";
import { nextWave } from "../../shared/use-cases/rollout/next-wave.ts";
import { parsed } from "../input.ts";
import { lambda, type Step } from "../middleware.ts";
import { environmentWorld, type World } from "../world.ts";

/** What RollFleet does next: a wave, a hold, the way back, the end. */
export function next(world: World): Step {
  return async (event, { log }) => {
    const input = parsed(nextWaveInput, event);
    log.appendKeys({ rolloutId: input.rolloutId });
    const step = await nextWave(input, world);
    log.info("next", { do: step.do, phase: step.phase, wave: step.wave });
    return step;
  };
}

export const handler = lambda("rollout-next-wave", () => next(environmentWorld()));
