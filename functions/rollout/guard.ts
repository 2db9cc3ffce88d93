import { guardRollout } from "../../shared/use-cases/rollout/guard-rollout.ts";
import { type Alarms, environmentAlarms } from "../alarms.ts";
import { environmentContext, type FunctionContext } from "../context.ts";
import { lambda, type Step } from "../middleware.ts";

/** Every minute: the rollout that is under way has an execution, and no alarm has fired. */
export function guard(context: FunctionContext, alarms: Alarms): Step {
  return async (_event, { log, measure }) => {
    const { progress, ...result } = await guardRollout({ ...context, alarms, log });
    if (progress) {
      measure.record("RolloutDone", 100 * progress.done, {});
      measure.record("RolloutFailed", progress.failed, {});
      measure.record("RolloutStuck", progress.stuck, {});
    }
    measure.record("RolloutsUnresolved", result.unresolved, {});
    measure.count("ScheduledRuns", { function: "rollout-guard" });
    if (result.stopped) log.warn("rollout stopped by an alarm", { ...result });
    return { ...result };
  };
}

export const handler = lambda("rollout-guard", () => guard(environmentContext(), environmentAlarms()));
