import { serviceRef } from "../../shared/base/arn.ts";
import type { RollOutcome } from "../../shared/model/service-state.ts";
import { finishRoll } from "../../shared/use-cases/roll/finish-roll.ts";
import { finishInput } from "../../shared/use-cases/roll/steps.ts";
import { environmentContext, type FunctionContext } from "../context.ts";
import { parsed } from "../input.ts";
import { lambda, type Step } from "../middleware.ts";

/** Last step of RollService: writes the outcome, releases the lease, emits the event. */
export function finish(context: FunctionContext): Step {
  return async (event, { log, measure }) => {
    const input = parsed(finishInput, event);
    log.appendKeys({ serviceArn: input.serviceArn, executionName: input.executionName });
    const ref = serviceRef(input.serviceArn);
    const { outcome, reason, durationSeconds } = await finishRoll(ref, input, {
      ...context,
      ecs: context.ecs(ref),
      log,
    });
    measure.count("Rolls", { outcome });
    // Sweeps count them, and come later.
    if (outcome === "revert-failed") measure.record("ServicesStranded", 1, {});
    if (durationSeconds !== undefined) measure.record("RollDuration", durationSeconds, { outcome });
    log[levelOf(outcome)]("finished", { outcome, reason, ...(reason && { code: reason }) });
    return { outcome, reason };
  };
}

/** An error where a person has to check the service, a warning where it runs its earlier revision again. */
function levelOf(outcome: RollOutcome): "info" | "warn" | "error" {
  if (outcome === "revert-failed") return "error";
  return outcome === "reverted" || outcome === "failed" ? "warn" : "info";
}

export const handler = lambda("roll-finish", () => finish(environmentContext()));
