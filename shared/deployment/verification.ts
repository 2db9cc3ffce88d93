import type { ObservedService } from "../model/service.ts";
import type { ServiceState } from "../model/service-state.ts";

/** What a roll that only verifies brings, for its attempt key. */
export const VERIFICATION = "verification";

/**
 * True where the service runs a revision that was deployed while it ran no task, and wants tasks now: these have yet to
 * show that the revision works.
 */
export function awaitsVerification(
  { taskDefinitionArn, desiredCount }: Pick<ObservedService, "taskDefinitionArn" | "desiredCount">,
  state: Pick<ServiceState, "unverified"> | undefined,
): boolean {
  return state?.unverified?.revisionArn === taskDefinitionArn && desiredCount > 0;
}
