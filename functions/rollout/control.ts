import { AutopilotError } from "../../shared/base/errors.ts";
import { operatorEvent } from "../../shared/events/operator.ts";
import { releaseServices } from "../../shared/use-cases/reconcile/release-services.ts";
import { handleControl, releaseRequestOf } from "../../shared/use-cases/rollout/handle-request.ts";
import { environmentContext, type FunctionContext } from "../context.ts";
import { lambda, type Step } from "../middleware.ts";

/** What an operator asks of a rollout: pause, resume, approve, abort, rollback; and of services: to release them. */
export function control(context: FunctionContext): Step {
  return async (event, { log }) => {
    const release = operatorEvent(event, "Release Requested");
    if (release) {
      const request = await releaseRequestOf(release.detail, release.eventId, context);
      if (!request) return { taken: false };
      const { released, refused } = await releaseServices(request, context);
      log.info("released", { released: [...released], refused: [...refused] });
      return { taken: refused.length === 0 };
    }
    const asked = operatorEvent(event, "Rollout Control");
    if (!asked) throw new AutopilotError("malformed-event", "It is not a Rollout Control event.");
    const taken = await handleControl(asked.detail, asked.eventId, { ...context, log });
    log.info(taken ? "taken" : "refused");
    return { taken };
  };
}

export const handler = lambda("rollout-control", () => control(environmentContext()));
