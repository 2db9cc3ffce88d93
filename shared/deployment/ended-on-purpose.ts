import type { ServiceDeployment } from "../model/service.ts";

/** How a deployment was ended on purpose. */
export type Purpose = "deployment-alarm" | "deployment-stopped";

/** ECS's clock may be behind ours. */
const SKEW_MS = 2_000;

/**
 * What has ended the deployment of a roll, as ECS keeps it: an alarm of its deployment configuration, with the alarms'
 * names, or a person with StopServiceDeployment, which leaves a deployment that neither the circuit breaker nor a hook
 * has ended; `undefined` for any other end.
 * https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ServiceDeployment.html
 */
export function endOnPurpose(
  deployments: readonly ServiceDeployment[],
  sinceMs: number,
): { readonly purpose: Purpose; readonly alarms: readonly string[] } | undefined {
  const ended = deployments
    .filter(({ createdAtMs, status }) => createdAtMs >= sinceMs - SKEW_MS && /^(STOP|ROLLBACK)/.test(status))
    .toSorted((a, b) => a.createdAtMs - b.createdAtMs)[0];
  if (!ended) return undefined;
  const { triggeredAlarms: alarms, isBroken, hasFailedHook } = ended;
  if (alarms.length > 0) return { purpose: "deployment-alarm", alarms };
  return isBroken || hasFailedHook ? undefined : { purpose: "deployment-stopped", alarms };
}

/**
 * The same by ECS's words for it in `rolloutStateReason`, where the deployment itself can't be read.
 * https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-alarm-failure.html
 */
export function endedOnPurpose(reason: string): Purpose | undefined {
  if (/circuit breaker/i.test(reason)) return undefined;
  if (/\balarms?\b/i.test(reason)) return "deployment-alarm";
  return STOPPED_BY_PERSON.test(reason) ? "deployment-stopped" : undefined;
}

const STOPPED_BY_PERSON =
  /stopped by (a )?(user|person)|by user request|StopServiceDeployment|manual(ly)? (rollback|stopped)/i;
