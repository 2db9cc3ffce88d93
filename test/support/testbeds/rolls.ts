import type { ServiceRef } from "../../../shared/base/arn.ts";
import { applyRoll } from "../../../shared/use-cases/roll/apply-roll.ts";
import { planRoll } from "../../../shared/use-cases/roll/plan-roll.ts";
import type { ApplyPlan, Plan, Watch } from "../../../shared/use-cases/roll/steps.ts";
import { NAME, web } from "../arns.ts";
import type { RollTestbed } from "./roll.ts";

/** A plan that has something to apply. */
export function applyPlan(plan: Plan): ApplyPlan {
  if (plan.action !== "apply") throw new Error(`the plan is ${plan.outcome}: ${plan.reason}`);
  return plan;
}

export async function planned(testbed: RollTestbed, ref: ServiceRef = web): Promise<ApplyPlan> {
  return applyPlan(await planRoll(ref, NAME, testbed));
}

/** A roll whose deployment has just been started. */
export async function applied(
  testbed: RollTestbed,
  ref: ServiceRef = web,
): Promise<{ readonly plan: ApplyPlan; readonly watch: Watch }> {
  const plan = await planned(testbed, ref);
  const { watch } = await applyRoll(ref, NAME, plan, testbed);
  if (!watch) throw new Error("the roll was superseded");
  return { plan, watch };
}

/** The service as an earlier roll has left it: in the mesh, its deployment completed, no lease held. */
export async function enroll(testbed: RollTestbed, ref: ServiceRef = web): Promise<void> {
  const { plan, watch } = await applied(testbed, ref);
  testbed.ecs.complete(ref);
  const { secretInUse, targetRevisionArn } = watch;
  await testbed.ledger.finishRoll(ref.serviceArn, NAME, {
    enrolled: true,
    attemptNumber: 1,
    createdAtMs: plan.serviceCreatedAtMs,
    lastGoodRevisionArn: targetRevisionArn,
    secretsInUse: secretInUse === null ? [] : [secretInUse],
  });
}
