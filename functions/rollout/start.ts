import { startInput } from "../../shared/rollout/steps.ts";
import { startRollout } from "../../shared/use-cases/rollout/start-rollout.ts";
import { type Alarms, environmentAlarms } from "../alarms.ts";
import { environmentContext, type FunctionContext } from "../context.ts";
import { parsed } from "../input.ts";
import { lambda, type Step } from "../middleware.ts";

/** First step of RollFleet: services and waves into the ledger. */
export function start(context: FunctionContext, alarms: Alarms): Step {
  return async (event, { log }) => {
    const { rolloutId } = parsed(startInput, event);
    log.appendKeys({ rolloutId });
    await startRollout(rolloutId, { ...context, alarms, log });
    return {};
  };
}

export const handler = lambda("rollout-start", () => start(environmentContext(), environmentAlarms()));
