import type { Faults } from "../../base/faults.ts";

/**
 * The name under which Step Functions reports that a state could not start an execution, when a rule of `throttle` or
 * `api-error` strikes the call; undefined when none does.
 */
export function nestedStartError(faults: Faults, stateName: string, executionArn: string): string | undefined {
  const [, , , region = "", account = ""] = executionArn.split(":");
  const subject = { account, region, call: "states.StartExecution", state: stateName };
  if (faults.strike("throttle", subject)) return "StepFunctions.ThrottlingException";
  const fault = faults.strike("api-error", subject);
  if (!fault) return undefined;
  // An error that the API does not model has the name of the SDK's base class.
  return fault.error.startsWith("StepFunctions.") ? fault.error : "StepFunctions.SfnException";
}
