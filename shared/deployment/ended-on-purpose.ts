import type { ServiceDeployment } from "../model/service.ts";

/** How a deployment was ended on purpose. */
export type Purpose = "deployment-alarm" | "deployment-stopped";

/** ECS's clock may be behind ours. */
const SKEW_MS = 2_000;

/**
 * What has ended the latest deployment since the roll began, as ECS keeps it: an alarm of its deployment configuration,
 * with the alarms' names, or a person with StopServiceDeployment, which leaves a deployment that neither the circuit
 * breaker nor a hook has ended. `other`: one of these has. `undefined`: it has not ended so. An earlier one says
 * nothing: ECS stops it when a later one takes its place.
 * https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ServiceDeployment.html
 */
export function purposeOf(
  deployments: readonly ServiceDeployment[],
  sinceMs: number,
): { readonly purpose: Purpose; readonly alarms: readonly string[] } | "other" | undefined {
  const latest = deployments
    .filter(({ createdAtMs }) => createdAtMs >= sinceMs - SKEW_MS)
    .toSorted((a, b) => b.createdAtMs - a.createdAtMs)[0];
  if (!latest || !/^(STOP|ROLLBACK)/.test(latest.status)) return undefined;
  const { triggeredAlarms: alarms, isBroken, hasFailedHook } = latest;
  if (alarms.length > 0) return { purpose: "deployment-alarm", alarms };
  return isBroken || hasFailedHook ? "other" : { purpose: "deployment-stopped", alarms };
}

/**
 * The same by ECS's words for it in `rolloutStateReason`, where the deployment itself can't be read.
 * https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-alarm-failure.html
 */
export function purposeInWords(reason: string): Purpose | undefined {
  if (/circuit breaker/i.test(reason)) return undefined;
  if (/\balarms?\b/i.test(reason)) return "deployment-alarm";
  return STOPPED_BY_PERSON.test(reason) ? "deployment-stopped" : undefined;
}

const STOPPED_BY_PERSON =
  /stopped by (a )?(user|person)|by user request|StopServiceDeployment|manual(ly)? (rollback|stopped)/i;
