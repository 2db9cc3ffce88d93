import type { ServiceRef } from "../../base/arn.ts";
import { AutopilotError, failureCodeOf, failures } from "../../base/errors.ts";
import type { Config } from "../../config/config.ts";
import { primaryOf } from "../../deployment/primary.ts";
import type { ObservedService } from "../../model/service.ts";
import type { Ledger } from "../../ports/ledger.ts";
import type { EcsCalls } from "../../ports/ports.ts";
import { failureCause } from "./failure-cause.ts";
import { revertCase } from "./revert-case.ts";
import type { ApplyPlan, Cause, StepFailure, Watch } from "./steps.ts";
import { watchOf } from "./watching.ts";

export interface RevertCalls {
  readonly config: Config;
  readonly ecs: Pick<EcsCalls, "describeService" | "updateService" | "listTasks" | "describeTasks">;
  readonly ledger: Pick<Ledger, "getService">;
  readonly now: () => number;
}

export type Reverting = {
  readonly outcome: "reverting" | "reverted" | "superseded";
  readonly watch: Watch | null;
  readonly cause: Cause;
};

/**
 * Reverts the service of a failed roll to the revision that the plan pinned, and to no other. Finds the cause in the
 * tasks before they are gone. Safe to run again after a crash. Throws the cause, not retryable, when there is nothing
 * to revert to: the service is stuck.
 */
export async function revertRoll(
  ref: ServiceRef,
  executionName: string,
  roll: { readonly plan: ApplyPlan; readonly watch: Watch | null; readonly failure: StepFailure | null },
  calls: RevertCalls,
): Promise<Reverting> {
  const { plan, watch, failure } = roll;
  const service = await calls.ecs.describeService(ref);
  const leaseholder = (await calls.ledger.getService(ref.serviceArn))?.roll;
  const found = revertCase({ executionName, plan, watch, service, leaseholder });
  const { desiredCount } = service;
  const cause = await failureCause(ref, found.failedRevisionArn, { failure, desiredCount }, calls);
  switch (found.case) {
    case "lease-lost":
    case "superseded":
      return { outcome: "superseded", watch: null, cause };
    case "stuck":
      throw stuckError(cause);
    case "unchanged":
    case "reverted":
      return { outcome: "reverted", watch: null, cause };
    case "reverting":
      return { outcome: "reverting", watch: revertWatch(service, plan, calls), cause };
    case "revert": {
      const updated = await calls.ecs.updateService(ref, { taskDefinitionArn: plan.pinnedRevisionArn });
      return { outcome: "reverting", watch: revertWatch(updated, plan, calls), cause };
    }
  }
}

/** The cause as an error that is not retryable, since another attempt would find the same. */
function stuckError({ code, sentence }: Cause): AutopilotError {
  const known = failureCodeOf(`${code}:`);
  return new AutopilotError(known && !failures[known].retryable ? known : "deployment-failed", sentence);
}

/** The deployment of the pinned revision is watched like any other, but nothing verifies it in the mesh. */
function revertWatch(
  service: ObservedService,
  { pinnedRevisionArn }: ApplyPlan,
  calls: Pick<RevertCalls, "config" | "now">,
): Watch {
  const outside = { namespace: null, serviceAccount: null, secretInUse: null };
  const target = { targetRevisionArn: pinnedRevisionArn, revisionBeforeArn: null, ...outside };
  return watchOf(service, { ...target, deploymentId: primaryOf(service)?.id ?? "" }, calls);
}
