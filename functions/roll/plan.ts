import { serviceRef } from "../../shared/base/arn.ts";
import { AutopilotError } from "../../shared/base/errors.ts";
import { ledgerMarkName } from "../../shared/base/vocabulary.ts";
import { namePrefixOf } from "../../shared/config/names.ts";
import { parametersGateway } from "../../shared/gateways/aws/parameters.ts";
import { ledgerFence } from "../../shared/use-cases/observe/ledger-fence.ts";
import { planInRollout } from "../../shared/use-cases/roll/plan-in-rollout.ts";
import { planRoll, supersededPlan } from "../../shared/use-cases/roll/plan-roll.ts";
import { planInput } from "../../shared/use-cases/roll/steps.ts";
import { environmentContext, type FunctionContext } from "../context.ts";
import { type ControlPlanes, environmentControlPlanes, ROLL_KEPT_MS } from "../control-planes.ts";
import { parsed } from "../input.ts";
import { lambda, type Step } from "../middleware.ts";

/** First step of RollService: takes the lease, observes, decides again. */
export function plan(context: FunctionContext, controlPlane: ControlPlanes): Step {
  const { config, stage, clients } = context;
  const markName = ledgerMarkName(namePrefixOf(config, stage));
  const isBehind = ledgerFence({ ...context, parameters: parametersGateway(clients.home), markName });
  return async (event, { log }) => {
    const { serviceArn, executionName, rollout } = parsed(planInput, event);
    log.appendKeys({ serviceArn, executionName, ...(rollout && { rolloutId: rollout.id }) });
    const ref = serviceRef(serviceArn);
    const calls = { ...context, ecs: context.ecs(ref), ecsOf: context.ecs, controlPlane, log };
    if (await isBehind()) {
      // A rollout tries it again: it is ended once the ledger is known to be behind.
      if (!rollout) throw new AutopilotError("ledger-behind", ref.serviceArn);
      return supersededPlan("ledger-behind");
    }
    const planned = rollout
      ? await planInRollout(ref, executionName, rollout, calls)
      : await planRoll(ref, executionName, calls);
    log.info("planned", { ...planned });
    return planned;
  };
}

export const handler = lambda("roll-plan", () =>
  plan(environmentContext(), environmentControlPlanes({ keptMs: ROLL_KEPT_MS })),
);
