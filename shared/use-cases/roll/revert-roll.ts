import type { ServiceRef } from "../../base/arn.ts";
import { AutopilotError, asAutopilotError, type FailureCode, failureCodeOf, failures } from "../../base/errors.ts";
import { primaryOf } from "../../deployment/primary.ts";
import type { ObservedService } from "../../model/service.ts";
import { type ServiceState, serviceStateSchema } from "../../model/service-state.ts";
import type { Ledger } from "../../ports/ledger.ts";
import type { EcsCalls } from "../../ports/ports.ts";
import { progressRecorder, type RecordProgress } from "./apply-context.ts";
import { type CauseCalls, type FailedDeployment, failureCause } from "./failure-cause.ts";
import { giveTagsBack, propagateTagsBefore } from "./give-back.ts";
import { regain } from "./regain.ts";
import { type FailedRoll, type RevertCase, revertCase } from "./revert-case.ts";
import {
  type ApplyPlan,
  type Cause,
  causeInWords,
  failedOf,
  failureOf,
  type StepFailure,
  type Watch,
} from "./steps.ts";
import { watchOf } from "./watching.ts";
import { type Returned, returnService, type WayBackCalls } from "./way-back.ts";

export interface RevertCalls extends Pick<WayBackCalls, "config" | "secrets" | "controlPlane" | "log"> {
  readonly ecs: Pick<EcsCalls, "describeService" | "updateService" | "untagResource"> &
    CauseCalls["ecs"] &
    WayBackCalls["ecs"];
  readonly ledger: Pick<Ledger, "getService" | "updateRoll"> & WayBackCalls["ledger"];
  readonly now: () => number;
}

/** Characters that the message has for one failed return. */
const MOST_OF_A_RETURN = 400;

export type Reverting = {
  /** `failed`: the roll has deployed nothing, or has nothing to return to. */
  readonly outcome: "reverting" | "reverted" | "superseded" | "failed";
  readonly watch: Watch | null;
  readonly cause: { readonly [K in keyof Cause]: Cause[K] };
};

/**
 * Reverts the service of a failed roll to the revision that the plan pinned, or to the next choice where that can't be
 * had, and gives back the tags and the setting that the roll changed. Finds the cause in the tasks before they have
 * gone. Safe to run again after a crash. Throws the cause, not retryable, when there is nothing to revert to: the
 * service is stuck.
 */
export async function revertRoll(
  ref: ServiceRef,
  executionName: string,
  roll: {
    readonly plan: ApplyPlan;
    readonly watch: Watch | null;
    readonly failure: StepFailure | null;
    /** Why the roll failed, where the service was returned since and that has failed, too: the next choice follows. */
    readonly cause: Cause | null;
  },
  calls: RevertCalls,
): Promise<Reverting> {
  const { plan, watch, failure } = roll;
  const wasReturned = roll.cause !== null;
  const service = await describedUnlessDeleted(ref, calls);
  if (!service) return { outcome: "superseded", watch: null, cause: roll.cause ?? deletedCause };
  const state = await calls.ledger.getService(ref.serviceArn);
  const leaseholder = state?.roll;
  const found = revertCase({ executionName, plan, watch, wasReturned, service, leaseholder });
  const failed = { failure, desiredCount: service.desiredCount };
  const shown = await failureCause(ref, failedDeployment(found, { plan, watch, service, leaseholder }), failed, calls);
  const cause = roll.cause ? afterReturn(roll.cause, watch, shown) : shown;
  switch (found.case) {
    case "lease-lost":
    case "superseded":
      return { outcome: "superseded", watch: null, cause };
    case "stuck":
      throw stuckError(cause);
    case "unchanged":
    case "alone":
      await giveBack(service, { plan, state, executionName }, calls);
      return { outcome: "failed", watch: null, cause };
    case "reverted":
      await giveBack(service, { plan, state, executionName }, calls);
      return { outcome: "reverted", watch: otherWatch(service, { plan, state, executionName }, calls), cause };
    case "reverting":
      await giveBack(service, { plan, state, executionName }, calls);
      return { outcome: "reverting", watch: revertWatch(revertedOf(service, { plan, state }), calls), cause };
    case "revert":
      return goBack(
        service,
        {
          plan,
          state,
          executionName,
          cause,
          returned: wasReturned ? watch : null,
          failedCode: failureOf(failure).code,
        },
        calls,
      );
  }
}

const deletedCause: Cause = { code: "service-deleted", sentence: failures["service-deleted"].sentence };

async function describedUnlessDeleted(ref: ServiceRef, { ecs }: RevertCalls): Promise<ObservedService | undefined> {
  try {
    return await ecs.describeService(ref);
  } catch (error) {
    if (asAutopilotError(error).code === "service-not-found") return undefined;
    throw error;
  }
}

/** The failed revision's deployment, and one of the same revision by somebody else that was judged in its place. */
function failedDeployment(
  { failedRevisionArn }: RevertCase,
  { plan, watch, service, leaseholder }: Pick<FailedRoll, "plan" | "watch" | "service" | "leaseholder">,
): FailedDeployment | undefined {
  if (failedRevisionArn === undefined) return undefined;
  const primary = primaryOf(service);
  const ids = [
    watch?.deploymentId,
    leaseholder?.deploymentId,
    primary?.taskDefinitionArn === failedRevisionArn ? primary.id : undefined,
  ];
  return {
    revisionArn: failedRevisionArn,
    deploymentIds: ids.filter((id) => id !== undefined),
    sinceMs: plan.startedAtMs,
  };
}

/** The first cause stays the cause. */
function afterReturn(first: Cause, watch: Watch | null, { code, sentence }: Cause): Cause {
  const revision = watch?.targetRevisionArn.split("/").at(-1) ?? "";
  const why = `${revision}: ${code}: ${sentence}`.slice(0, MOST_OF_A_RETURN);
  return { ...first, failedReturns: [...(first.failedReturns ?? []), why] };
}

/** The cause as an error that is not retryable, since another attempt would find the same. */
function stuckError(cause: Cause): AutopilotError {
  return new AutopilotError(terminal(cause.code) ?? "deployment-failed", causeInWords(cause));
}

function terminal(code: string): FailureCode | undefined {
  const known = failureCodeOf(`${code}:`);
  return known && !failures[known].retryable ? known : undefined;
}

interface Failed {
  readonly plan: ApplyPlan;
  readonly state: ServiceState | undefined;
  readonly executionName: string;
}

interface Failing extends Failed {
  readonly cause: Cause;
  /** The return that has failed, if it is one that has, and the code with which it ended. */
  readonly returned: Watch | null;
  readonly failedCode: string;
}

/** Updates the service. Adds the first cause to what that fails of: nobody would learn it otherwise. */
async function goBack(service: ObservedService, failed: Failing, calls: RevertCalls): Promise<Reverting> {
  const { ref } = service;
  const { plan, state, executionName, cause, returned: failedReturn } = failed;
  // Nothing would remember what was tried.
  if (failedReturn && !state?.roll) throw new AutopilotError("no-way-back", failedOf(cause));
  // A lease that is gone leaves nothing to record. The service has to be returned nevertheless.
  const record: RecordProgress = state?.roll ? progressRecorder(ref, executionName, calls) : async () => {};
  const known = state ?? serviceStateSchema.parse({ shape: 1, serviceArn: ref.serviceArn });
  const propagateTags = propagateTagsBefore(known.roll?.propagateTagsBefore);
  try {
    const returned = await returnService(
      service,
      { plan, state: known, failedReturn: failedReturn?.targetRevisionArn, propagateTags, record },
      calls,
    );
    // Only now: a service that stays on the new revision keeps its tags, or they would be drift at once.
    await giveTagsBack(ref, known, record, calls);
    return { outcome: "reverting", watch: revertWatch(returned, calls), cause };
  } catch (error) {
    const failure = asAutopilotError(error);
    if (failure.code === "roll-in-progress") return { outcome: "superseded", watch: null, cause };
    if (failure.retryable) throw error;
    throw noChoiceLeft(failure, failed);
  }
}

/** A return that failed in ECS says more than that no choice is left. */
function noChoiceLeft(failure: AutopilotError, { cause, failedCode }: Pick<Failing, "cause" | "failedCode">) {
  if (failure.detail !== "") {
    return new AutopilotError(failure.code, `${failedOf(cause)} Tried: ${failure.detail}`, { cause: failure });
  }
  return new AutopilotError(terminal(failedCode) ?? failure.code, failedOf(cause), { cause: failure });
}

/** The same where the revision is back already, by ECS's circuit breaker or an earlier attempt. */
async function giveBack(service: ObservedService, { state, executionName }: Failed, calls: RevertCalls): Promise<void> {
  const { ref } = service;
  if (state?.roll?.executionName !== executionName) return;
  const record = progressRecorder(ref, executionName, calls);
  await giveTagsBack(ref, state, record, calls);
  await keepIdentity(service, { state, record }, calls);
  const before = propagateTagsBefore(state.roll.propagateTagsBefore);
  if (!before || service.propagateTags === before || service.status !== "ACTIVE") return;
  await calls.ecs.updateService(ref, { propagateTags: before });
}

/** It is on its way to that revision, or there: what speaks against it shows in its tasks. */
async function keepIdentity(
  service: ObservedService,
  { state, record }: { readonly state: ServiceState; readonly record: RecordProgress },
  calls: RevertCalls,
): Promise<void> {
  const { taskDefinitionArn: arn } = service;
  try {
    const { raw } = await calls.ecs.describeTaskDefinition(arn);
    await regain(service, { arn, raw }, { held: state.held, record }, calls);
  } catch (error) {
    const { code, message, retryable } = asAutopilotError(error);
    if (retryable) throw error;
    calls.log.warn(`not made sure of: what ${arn} needs`, { code, why: message });
  }
}

/** What the service was returned to: what it runs now. */
function revertedOf(service: ObservedService, { plan, state }: Pick<Failed, "plan" | "state">): Returned {
  const { pinnedRevisionArn, pinnedSecret } = plan;
  const revisionArn = service.taskDefinitionArn;
  const secretInUse = revisionArn === pinnedRevisionArn ? pinnedSecret : (state?.roll?.revertSecret ?? null);
  return { service, revisionArn, secretInUse };
}

/** Where another revision than the pinned one is back, the end of the roll has to know it. */
function otherWatch(service: ObservedService, failed: Failed, calls: RevertCalls): Watch | null {
  const isPinned = service.taskDefinitionArn === failed.plan.pinnedRevisionArn;
  return isPinned ? null : revertWatch(revertedOf(service, failed), calls);
}

/** The deployment of that revision is watched like any other, but nothing verifies it in the mesh. */
function revertWatch(
  { service, revisionArn, secretInUse }: Returned,
  calls: Pick<RevertCalls, "config" | "now">,
): Watch {
  const outside = { namespace: null, serviceAccount: null, isDiscovered: true, secretInUse };
  const target = { targetRevisionArn: revisionArn, revisionBeforeArn: null, ...outside };
  return watchOf(service, { ...target, deploymentId: primaryOf(service)?.id ?? "" }, calls);
}
