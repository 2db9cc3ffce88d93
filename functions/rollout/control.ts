import { AutopilotError } from "../../shared/base/errors.ts";
import { operatorEvent } from "../../shared/events/operator.ts";
import { handleControl } from "../../shared/use-cases/rollout/handle-request.ts";
import { lambda, type Step } from "../middleware.ts";
import { environmentWorld, type World } from "../world.ts";

/** What an operator asks of a rollout: pause, resume, approve, abort, rollback. */
export function control(world: World): Step {
  return async (event, { log }) => {
    const asked = operatorEvent(event, "Rollout Control");
    if (!asked) throw new AutopilotError("malformed-event", "It is no Rollout Control event.");
    const taken = await handleControl(asked.detail, asked.eventId, { ...world, log });
    log.info(taken ? "taken" : "refused");
    return { taken };
  };
}

export const handler = lambda("rollout-control", () => control(environmentWorld()));
