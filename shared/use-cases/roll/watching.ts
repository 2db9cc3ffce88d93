import { minutesToMs } from "../../base/durations.ts";
import { AutopilotError } from "../../base/errors.ts";
import type { Config } from "../../config/config.ts";
import { primaryOf } from "../../deployment/primary.ts";
import type { ObservedService } from "../../model/service.ts";
import type { ApplyPlan, Watch } from "./steps.ts";

/** What the second step of a roll has come to. */
export type Applied =
  | { readonly outcome: "applied"; readonly watch: Watch }
  | { readonly outcome: "superseded"; readonly watch: null };

export interface WatchContext {
  readonly config: Config;
  readonly now: () => number;
}

/** A roll that has nothing left to apply: the service is no longer what it was planned for. */
export const superseded: Applied = { outcome: "superseded", watch: null };

/** A roll whose deployment is to be waited for. Throws `update-refused` when the service has no PRIMARY deployment. */
export function watching(
  service: ObservedService,
  targetRevisionArn: string,
  { pinnedRevisionArn, namespace, serviceAccount, isDiscovered }: ApplyPlan,
  secretInUse: string | null,
  context: WatchContext,
): Applied & { readonly outcome: "applied" } {
  const primary = primaryOf(service);
  if (!primary) throw new AutopilotError("update-refused", `${service.ref.serviceArn} has no PRIMARY deployment.`);
  const where = { namespace, serviceAccount, isDiscovered };
  const target = { targetRevisionArn, revisionBeforeArn: pinnedRevisionArn, ...where, secretInUse };
  return { outcome: "applied", watch: watchOf(service, { ...target, deploymentId: primary.id }, context) };
}

/**
 * What a deployment is watched for: its deadline by the policy and the service's strategy, and the number of tasks that
 * the service wants now.
 */
export function watchOf(
  { desiredCount, strategyMinutes }: ObservedService,
  target: Omit<Watch, "deadlineMs" | "pollIntervalSeconds" | "desiredCount">,
  { config, now }: WatchContext,
): Watch {
  return {
    ...target,
    deadlineMs: now() + minutesToMs(config.policy.deploymentDeadlineMinutes + strategyMinutes),
    pollIntervalSeconds: Math.ceil(config.policy.pollIntervalMinutes * 60),
    desiredCount,
  };
}
