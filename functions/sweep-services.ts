import type { Place } from "../shared/base/arn.ts";
import { targetsOf } from "../shared/config/config.ts";
import { placeName } from "../shared/enrollment/needs.ts";
import type { Measure } from "../shared/ports/ports.ts";
import { knownPolicies } from "../shared/use-cases/reconcile/known-policies.ts";
import { settledServices } from "../shared/use-cases/reconcile/settled.ts";
import { sweep } from "../shared/use-cases/reconcile/sweep.ts";
import type { SweepResult } from "../shared/use-cases/reconcile/sweep-tally.ts";
import { environmentContext, type FunctionContext } from "./context.ts";
import { type ControlPlanes, environmentControlPlanes } from "./control-planes.ts";
import { lambda, type Step } from "./middleware.ts";
import { environmentSecrets, type Secrets } from "./secrets.ts";

/** On a schedule: reconciles every service, because events can be lost. */
export function sweepServices(context: FunctionContext, controlPlane: ControlPlanes, secrets: Secrets): Step {
  const settled = settledServices(context.now);
  const policies = knownPolicies();
  return async (_event, { log, measure }) => {
    const result = await sweep({ ...context, controlPlane, secrets, log, settled, policies });
    measureSweep(result, measure, targetsOf(context.config));
    const swept = { ...result, complete: [...result.complete] };
    log.info("swept", swept);
    return swept;
  };
}

function measureSweep(result: SweepResult, { record }: Measure, places: readonly Place[]): void {
  record("SweptServices", result.seen, {});
  record("SweepStarted", result.started, {});
  record("SweepRefused", result.refused, {});
  record("SweepFailed", result.failed, {});
  record("SweepPostponed", result.postponed, {});
  record("UnenrollsPostponed", result.postponedUnenrolls, {});
  record("TokenSecretsGone", result.secretsGone, {});
  record("ServicesStranded", result.stranded, {});
  for (const place of places) {
    const isComplete = result.complete.includes(placeName(place));
    record("SweptPlaces", isComplete ? 1 : 0, { place: `${place.account}-${place.region}` });
  }
  record("ServicesEnrolled", result.enrolled, {});
  record("ServicesWithDrift", result.drifted, {});
  for (const [reason, services] of Object.entries(result.refusals)) record("ServicesRefused", services, { reason });
}

export const handler = lambda("sweep-services", () =>
  sweepServices(environmentContext(), environmentControlPlanes(), environmentSecrets()),
);
