import { serviceRef } from "../../shared/base/arn.ts";
import { AutopilotError } from "../../shared/base/errors.ts";
import { applyRoll } from "../../shared/use-cases/roll/apply-roll.ts";
import { applyInput } from "../../shared/use-cases/roll/steps.ts";
import { environmentContext, type FunctionContext } from "../context.ts";
import { type ControlPlanes, environmentControlPlanes, ROLL_KEPT_MS } from "../control-planes.ts";
import { parsed } from "../input.ts";
import { lambda, type Step } from "../middleware.ts";
import { environmentSecrets, type Secrets } from "../secrets.ts";

/** Second step of RollService: identity, secret version, revision, UpdateService. */
export function apply(context: FunctionContext, controlPlane: ControlPlanes, secrets: Secrets): Step {
  return async (event, { log }) => {
    const { serviceArn, executionName, plan } = parsed(applyInput, event);
    log.appendKeys({ serviceArn, executionName });
    if (plan.action !== "apply") throw new AutopilotError("malformed-event", "The plan has nothing to apply.");
    const ref = serviceRef(serviceArn);
    const calls = { ...context, ecs: context.ecs(ref), secrets: secrets(ref), controlPlane, log };
    const applied = await applyRoll(ref, executionName, plan, calls);
    log.info(applied.outcome, { watch: applied.watch });
    return applied;
  };
}

export const handler = lambda("roll-apply", () =>
  apply(environmentContext(), environmentControlPlanes({ keptMs: ROLL_KEPT_MS }), environmentSecrets()),
);
