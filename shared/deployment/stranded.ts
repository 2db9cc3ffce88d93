import type { ObservedService } from "../model/service.ts";
import type { ServiceState } from "../model/service-state.ts";
import { primaryOf } from "./primary.ts";
import { hasCompleted } from "./verdict.ts";

/**
 * Since when and why a service is stranded: its last change could not be reverted, and it still does not run as it is
 * meant to. What rolls have found since without a change, as a refusal, does not end it. Else `undefined`.
 */
export function strandedOf(
  service: Pick<ObservedService, "status" | "desiredCount" | "deployments">,
  state: Pick<ServiceState, "lastOutcome" | "stranded" | "roll"> | undefined,
): ServiceState["stranded"] {
  if (!state || state.roll || service.status !== "ACTIVE") return undefined;
  const primary = primaryOf(service);
  if (!primary || service.desiredCount === 0) return undefined;
  const runs = hasCompleted(primary) && primary.runningCount >= service.desiredCount;
  return runs ? undefined : (state.stranded ?? byOutcome(state));
}

/** Earlier versions have recorded the outcome alone. */
function byOutcome({ lastOutcome }: Pick<ServiceState, "lastOutcome">): ServiceState["stranded"] {
  return lastOutcome?.outcome === "revert-failed" ? { since: lastOutcome.at, reason: lastOutcome.reason } : undefined;
}
