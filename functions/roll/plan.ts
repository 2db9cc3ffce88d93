import { serviceRef } from "../../shared/arn.ts";
import { planRoll } from "../../shared/roll/plan-roll.ts";
import { planInput } from "../../shared/roll/steps.ts";
import { type ControlPlanes, environmentControlPlanes } from "../control-planes.ts";
import { parsed } from "../input.ts";
import { lambda, type Step } from "../middleware.ts";
import { environmentWorld, type World } from "../world.ts";

/** First step of RollService: lease, look, decide again. */
export function plan(world: World, controlPlane: ControlPlanes): Step {
  return async (event, { log }) => {
    const { serviceArn, executionName } = parsed(planInput, event);
    log.appendKeys({ serviceArn, executionName });
    const ref = serviceRef(serviceArn);
    const planned = await planRoll(ref, executionName, { ...world, ecs: world.ecs(ref), controlPlane });
    log.info("planned", { ...planned });
    return planned;
  };
}

export const handler = lambda("roll-plan", () => plan(environmentWorld(), environmentControlPlanes()));
