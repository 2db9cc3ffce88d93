import type { ObservedService } from "../model/service.ts";
import type { ServiceState } from "../model/service-state.ts";
import { primaryOf } from "./primary.ts";
import { hasCompleted } from "./verdict.ts";

/** True where the last roll could not be reverted, and the service still does not run as it is meant to. */
export function isStranded(
  service: Pick<ObservedService, "status" | "desiredCount" | "deployments">,
  state: Pick<ServiceState, "lastOutcome" | "roll"> | undefined,
): boolean {
  if (state?.lastOutcome?.outcome !== "revert-failed" || state.roll || service.status !== "ACTIVE") return false;
  const primary = primaryOf(service);
  if (!primary || service.desiredCount === 0) return false;
  return !hasCompleted(primary) || primary.runningCount < service.desiredCount;
}
