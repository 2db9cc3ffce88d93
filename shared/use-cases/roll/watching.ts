import { AutopilotError } from "../../base/errors.ts";
import type { Config } from "../../config/config.ts";
import type { ObservedService } from "../../model/service.ts";
import type { ApplyPlan, Watch } from "./steps.ts";

/** What the second step of a roll has come to. */
export type Applied =
  | { readonly outcome: "applied"; readonly watch: Watch }
  | { readonly outcome: "superseded"; readonly watch: null };

/** What the deployment is watched for. Throws `update-refused` when the service has none. */
export function watching(
  service: ObservedService,
  targetRevisionArn: string,
  plan: ApplyPlan,
  secretInUse: string | null,
  { config, now }: { readonly config: Config; readonly now: () => number },
): Applied & { readonly outcome: "applied" } {
  const primary = service.deployments.find(({ status }) => status === "PRIMARY");
  if (!primary) throw new AutopilotError("update-refused", `${service.ref.serviceArn} has no PRIMARY deployment.`);
  return {
    outcome: "applied",
    watch: {
      deploymentId: primary.id,
      targetRevisionArn,
      revisionBeforeArn: plan.pinnedRevisionArn,
      deadlineMs: now() + config.policy.deploymentDeadlineMinutes * 60_000,
      pollIntervalSeconds: Math.ceil(config.policy.pollIntervalMinutes * 60),
      desiredCount: service.desiredCount,
      namespace: plan.namespace,
      secretInUse,
    },
  };
}
