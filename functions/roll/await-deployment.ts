import { serviceRef } from "../../shared/base/arn.ts";
import { awaitDeployment } from "../../shared/use-cases/roll/await-deployment.ts";
import { awaitInput } from "../../shared/use-cases/roll/steps.ts";
import { environmentContext, type FunctionContext } from "../context.ts";
import { parsed } from "../input.ts";
import { lambda, type Step } from "../middleware.ts";

/** Waits for a deployment: leaves the task token where the deployment's event finds it. */
export function awaitItsDeployment(context: FunctionContext): Step {
  return async (event, { log }) => {
    const { serviceArn, ...roll } = parsed(awaitInput, event);
    log.appendKeys({ serviceArn, executionName: roll.executionName });
    const ref = serviceRef(serviceArn);
    const ended = await awaitDeployment(ref, roll, { ...context, ecs: context.ecs(ref) });
    log.info(ended ? ended.verdict : "waiting", { deploymentId: roll.watch.deploymentId, pollCount: roll.pollCount });
    return ended ?? null;
  };
}

export const handler = lambda("roll-await-deployment", () => awaitItsDeployment(environmentContext()));
