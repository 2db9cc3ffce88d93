import { serviceRef } from "../../shared/base/arn.ts";
import { verifyInput } from "../../shared/use-cases/roll/steps.ts";
import { verifyRoll } from "../../shared/use-cases/roll/verify-roll.ts";
import { environmentContext, type FunctionContext } from "../context.ts";
import { type ControlPlanes, environmentControlPlanes } from "../control-planes.ts";
import { parsed } from "../input.ts";
import { lambda, type Step } from "../middleware.ts";

/** Looks whether the running tasks are in the mesh. Throws a retryable error while they are not all. */
export function verify(context: FunctionContext, controlPlane: ControlPlanes): Step {
  return async (event, { log }) => {
    const { serviceArn, executionName, watch, since } = parsed(verifyInput, event);
    log.appendKeys({ serviceArn, executionName });
    const ref = serviceRef(serviceArn);
    const outcome = await verifyRoll(
      ref,
      { watch, sinceMs: Date.parse(since), executionName },
      {
        ...context,
        ecs: context.ecs(ref),
        controlPlane,
      },
    );
    log.info("verified", { outcome });
    return { outcome };
  };
}

export const handler = lambda("roll-verify", () => verify(environmentContext(), environmentControlPlanes()));
