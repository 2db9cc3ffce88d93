import { ledgerMarkName } from "../../shared/base/vocabulary.ts";
import { namePrefixOf } from "../../shared/config/names.ts";
import { operatorEvent } from "../../shared/events/operator.ts";
import { parametersGateway } from "../../shared/gateways/aws/parameters.ts";
import type { ParameterCalls } from "../../shared/ports/ports.ts";
import { followLedger } from "../../shared/use-cases/rollout/follow-ledger.ts";
import { handleRequest } from "../../shared/use-cases/rollout/handle-request.ts";
import { requestPending, wishedImage } from "../../shared/use-cases/rollout/pending.ts";
import { environmentContext, type FunctionContext } from "../context.ts";
import { lambda, type Step } from "../middleware.ts";

/**
 * Queues a rollout: the one that an operator requests; at any other event, and on its schedule, those that changes of
 * the fleet's image, settings or mesh facts call for.
 */
export function request(context: FunctionContext, parameters: ParameterCalls): Step {
  return async (event, { log, measure }) => {
    const asked = operatorEvent(event, "Rollout Requested");
    if (asked) {
      const result = await handleRequest(asked.detail, asked.eventId, { ...context, log });
      log.info(result.did, { ...result });
      return { ...result };
    }
    const markName = ledgerMarkName(namePrefixOf(context.config, context.stage));
    const calls = { ...context, parameters, log, markName };
    if (!(await followLedger(() => wishedImage(calls), calls))) return { rollouts: [] };
    const rollouts = await requestPending(calls);
    if (rollouts.length > 0) log.info("requested", { rollouts: [...rollouts] });
    measure.count("ScheduledRuns", { function: "rollout-request" });
    return { rollouts: [...rollouts] };
  };
}

/** The parameters of the home region. */
export function homeParameters({ clients }: Pick<FunctionContext, "clients">): ParameterCalls {
  return parametersGateway(clients.home);
}

export const handler = lambda("rollout-request", () =>
  request(environmentContext(), homeParameters(environmentContext())),
);
