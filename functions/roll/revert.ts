import { serviceRef } from "../../shared/base/arn.ts";
import { AutopilotError } from "../../shared/base/errors.ts";
import { revertRoll } from "../../shared/use-cases/roll/revert-roll.ts";
import { revertInput } from "../../shared/use-cases/roll/steps.ts";
import { environmentContext, type FunctionContext } from "../context.ts";
import { type ControlPlanes, environmentControlPlanes } from "../control-planes.ts";
import { parsed } from "../input.ts";
import { lambda, type Step } from "../middleware.ts";
import { environmentSecrets, type Secrets } from "../secrets.ts";

/** Reverts the service to its pinned revision after a failure, and finds the cause. */
export function revert(context: FunctionContext, controlPlane: ControlPlanes, secrets: Secrets): Step {
  return async (event, { log }) => {
    const { serviceArn, executionName, plan, watch, failure, cause } = parsed(revertInput, event);
    log.appendKeys({ serviceArn, executionName });
    if (plan.action !== "apply") throw new AutopilotError("malformed-event", "The plan has nothing to revert.");
    const ref = serviceRef(serviceArn);
    const reverting = await revertRoll(
      ref,
      executionName,
      { plan, watch, failure, cause },
      { ...context, ecs: context.ecs(ref), secrets: secrets(ref), controlPlane, log },
    );
    const { outcome } = reverting;
    log.warn(outcome, { outcome, code: reverting.cause.code, cause: reverting.cause });
    return reverting;
  };
}

export const handler = lambda("roll-revert", () =>
  revert(environmentContext(), environmentControlPlanes(), environmentSecrets()),
);
