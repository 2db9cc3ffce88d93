import { holdInput } from "../../shared/rollout/steps.ts";
import { holdRollout } from "../../shared/use-cases/rollout/hold-rollout.ts";
import { parsed } from "../input.ts";
import { lambda, type Step } from "../middleware.ts";
import { environmentWorld, type World } from "../world.ts";

/** Keeps the token of a hold or a bake for whoever ends it. */
export function hold(world: World): Step {
  return async (event, { log }) => {
    const { rolloutId, taskToken } = parsed(holdInput, event);
    log.appendKeys({ rolloutId });
    await holdRollout(rolloutId, taskToken, { ledger: world.ledger, executions: world.fleetExecutions });
    return {};
  };
}

export const handler = lambda("rollout-hold", () => hold(environmentWorld()));
