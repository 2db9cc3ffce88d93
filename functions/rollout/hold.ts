import { holdInput } from "../../shared/rollout/steps.ts";
import { holdRollout } from "../../shared/use-cases/rollout/hold-rollout.ts";
import { environmentContext, type FunctionContext } from "../context.ts";
import { parsed } from "../input.ts";
import { lambda, type Step } from "../middleware.ts";

/** Stores the task token of a hold or a bake, so that the function which ends it can send the result. */
export function hold(context: FunctionContext): Step {
  return async (event, { log }) => {
    const { rolloutId, taskToken } = parsed(holdInput, event);
    log.appendKeys({ rolloutId });
    await holdRollout(rolloutId, taskToken, { ledger: context.ledger, executions: context.fleetExecutions });
    return {};
  };
}

export const handler = lambda("rollout-hold", () => hold(environmentContext()));
