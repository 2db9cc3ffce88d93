import type { Place } from "../../shared/base/arn.ts";
import type { Faults } from "../../simulator/faults.ts";

/**
 * The name under which Step Functions reports that a state could not start an execution, when a rule of `throttle` or
 * `api-error` strikes the call; undefined when none does.
 */
export function nestedStartError(faults: Faults, home: Place, state: string): string | undefined {
  const subject = { account: home.account, region: home.region, call: "states.StartExecution", state };
  if (faults.strike("throttle", subject)) return "StepFunctions.ThrottlingException";
  const fault = faults.strike("api-error", subject);
  if (!fault) return undefined;
  // An error that the API does not model has the name of the SDK's base class.
  return fault.error.startsWith("StepFunctions.") ? fault.error : "StepFunctions.SfnException";
}
