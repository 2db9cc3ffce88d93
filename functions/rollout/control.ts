import { AutopilotError } from "../../shared/base/errors.ts";
import { operatorEvent } from "../../shared/events/operator.ts";
import { handleControl } from "../../shared/use-cases/rollout/handle-request.ts";
import { environmentContext, type FunctionContext } from "../context.ts";
import { lambda, type Step } from "../middleware.ts";

/** What an operator asks of a rollout: pause, resume, approve, abort, rollback. */
export function control(context: FunctionContext): Step {
  return async (event, { log }) => {
    const asked = operatorEvent(event, "Rollout Control");
    if (!asked) throw new AutopilotError("malformed-event", "It is not a Rollout Control event.");
    const taken = await handleControl(asked.detail, asked.eventId, { ...context, log });
    log.info(taken ? "taken" : "refused");
    return { taken };
  };
}

export const handler = lambda("rollout-control", () => control(environmentContext()));
