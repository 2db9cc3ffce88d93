import type { ServiceRef } from "../../base/arn.ts";
import { isAnotherService } from "../../deployment/memory.ts";
import { removedDefinition } from "../../enrollment/definition.ts";
import type { DescribedTaskDefinition, ObservedService } from "../../model/service.ts";
import type { ServiceState } from "../../model/service-state.ts";
import { readFleetFacts } from "../observe/observe.ts";
import { applyCase, resumeOf, targetOf } from "./apply-case.ts";
import { type ApplyCalls, type ApplyContext, progressRecorder, startedAt } from "./apply-context.ts";
import { deployDefinition, deployRevision } from "./deploy-revision.ts";
import { enrollService } from "./enroll-service.ts";
import { freshReads } from "./fresh-reads.ts";
import { rollBackService } from "./roll-back-service.ts";
import { secretOfRevision } from "./secrets-in-use.ts";
import type { ApplyPlan } from "./steps.ts";
import { type Applied, superseded, watching } from "./watching.ts";

/**
 * Second step of a roll: identity, secret version, revision, tags, UpdateService. Safe to run again after a crash at
 * any call: the ledger's record of the roll and the resources that exist show how far an earlier attempt came. Ends
 * as superseded when the service, its tags or the mesh are no longer what the plan was made for.
 */
export async function applyRoll(
  ref: ServiceRef,
  executionName: string,
  plan: ApplyPlan,
  calls: ApplyCalls,
): Promise<Applied> {
  const state = await calls.ledger.getService(ref.serviceArn);
  if (state?.roll?.executionName !== executionName) return superseded;
  const service = await calls.ecs.describeService(ref);
  if (isAnotherService(service, plan.serviceCreatedAtMs)) return superseded;
  const context = { plan, state, recordProgress: progressRecorder(ref, executionName, calls), calls };
  if (plan.change === "rollback") return rollBackService(service, context);
  if (plan.change === "verify") return watchUnchanged(service, context);
  const resume = resumeOf(state.roll, service, plan);
  switch (resume.from) {
    case "superseded":
      return superseded;
    case "updated":
      return watching(service, resume.targetRevisionArn, plan, secretOfUpdate(context), calls);
    case "observed":
      return applyPlan(service, context);
  }
}

/**
 * What runs is all that is to be verified: its deployment has completed, and nothing is changed. Where that has failed
 * once and there is nothing to return to, it is deployed again: istiod may have missed its tasks.
 */
async function watchUnchanged(service: ObservedService, context: ApplyContext): Promise<Applied> {
  const { plan, state, calls } = context;
  const revisionArn = plan.observedRevisionArn;
  if (service.taskDefinitionArn !== revisionArn) return superseded;
  const { raw } = await calls.ecs.describeTaskDefinition(revisionArn);
  if (isDeployedAgain(plan, state)) return deployRevision(service.ref, revisionArn, secretOfRevision(raw), context);
  const applied = watching(service, revisionArn, plan, secretOfRevision(raw), calls);
  await context.recordProgress({ targetRevisionArn: revisionArn, deploymentId: applied.watch.deploymentId });
  return applied;
}

function isDeployedAgain(
  { pinnedRevisionArn, observedRevisionArn, attemptKey }: ApplyPlan,
  { failedAttemptKey, consecutiveFailures }: ServiceState,
): boolean {
  return pinnedRevisionArn === observedRevisionArn && failedAttemptKey === attemptKey && consecutiveFailures === 1;
}

/** The secret version that the update has recorded last. */
function secretOfUpdate({ plan, state }: ApplyContext): string | null {
  return plan.namespace === null ? null : (state.secretsInUse.at(-1) ?? null);
}

async function applyPlan(service: ObservedService, context: ApplyContext): Promise<Applied> {
  const { plan, state, calls } = context;
  const definition = await calls.ecs.describeTaskDefinition(service.taskDefinitionArn);
  const observed = { service, state, definition, clusterTags: plan.clusterTags };
  const fleetFacts = await readFleetFacts(observed, calls.config, freshReads(state.enrolled, calls), targetOf(plan));
  const found = applyCase(observed, plan, fleetFacts, calls.config);
  switch (found.case) {
    case "superseded":
      return superseded;
    case "unenroll":
      return unenrollService(service.ref, definition, context);
    case "enroll":
      return enrollService(service, definition, found, context);
  }
}

async function unenrollService(
  ref: ServiceRef,
  current: DescribedTaskDefinition,
  context: ApplyContext,
): Promise<Applied> {
  await context.recordProgress(startedAt(context.calls));
  return deployDefinition(ref, { definition: removedDefinition(current), current, secretInUse: null }, context);
}
