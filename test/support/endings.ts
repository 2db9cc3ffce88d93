import { type ServiceState, serviceStateSchema } from "../../shared/model/service-state.ts";
import { type Ending, endingOf } from "../../shared/use-cases/roll/ending.ts";
import type { ApplyPlan, FinishInput, Plan, Watch } from "../../shared/use-cases/roll/steps.ts";
import { NAME, OBSERVED, secretArn, web } from "./arns.ts";
import { TARGET } from "./deployments.ts";
import { NOW } from "./times.ts";

const SECRET_ARN = secretArn("ztunnel-autopilot/shop/web");
/** The secret versions that the pinned and the target revision start from. */
export const PINNED_SECRET = `${SECRET_ARN}:::${"a".repeat(64)}`;
export const TARGET_SECRET = `${SECRET_ARN}:::${"b".repeat(64)}`;

/** The plan of an enrollment, with the given members. */
export function planOf(given: Partial<ApplyPlan> = {}): ApplyPlan {
  return {
    action: "apply",
    outcome: "planned",
    change: "enroll",
    drift: ["sidecar-missing"],
    observedRevisionArn: OBSERVED,
    pinnedRevisionArn: OBSERVED,
    pinnedSecret: null,
    serviceCreatedAtMs: null,
    taskTagsTried: null,
    clusterTags: {},
    isDiscovered: true,
    namespace: "shop",
    serviceAccount: "web",
    image: "registry.example.com/ztunnel:1",
    ports: null,
    isBound: false,
    identityConflict: null,
    startedAtMs: NOW,
    attemptKey: "planned-attempt",
    content: null,
    rollout: null,
    ...given,
  };
}

type FinishPlan = Extract<Plan, { action: "finish" }>;

/** A plan that ends the roll without a change. */
export function finishPlan(
  outcome: FinishPlan["outcome"],
  reason: string,
  refusals: FinishPlan["refusals"] = [],
): FinishPlan {
  return { action: "finish", outcome, reason, refusals };
}

/** The deployment of the target revision, with the given members. */
export function watchOf(given: Partial<Watch> = {}): Watch {
  return {
    deploymentId: "ecs-svc/8",
    targetRevisionArn: TARGET,
    revisionBeforeArn: OBSERVED,
    deadlineMs: NOW + 60_000,
    pollIntervalSeconds: 60,
    desiredCount: 2,
    namespace: "shop",
    serviceAccount: "web",
    isDiscovered: true,
    secretInUse: TARGET_SECRET,
    ...given,
  };
}

/** The input of a roll's last step: a failure before anything was planned, with the given members. */
export function finishInputOf(given: Partial<FinishInput> = {}): FinishInput {
  return {
    serviceArn: web.serviceArn,
    executionName: NAME,
    attemptKey: "started-attempt",
    rollout: null,
    plan: null,
    watch: null,
    outcome: "failed",
    failure: null,
    firstFailure: null,
    cause: null,
    ...given,
  };
}

/** How a roll with this input ended. */
export function endingWith(given: Partial<FinishInput> = {}): Ending {
  return endingOf(finishInputOf(given));
}

/** How a roll ended that succeeded. */
export function success(plan: Partial<ApplyPlan> = {}, watch: Partial<Watch> = {}, given: Partial<FinishInput> = {}) {
  return endingWith({ outcome: "succeeded", plan: planOf(plan), watch: watchOf(watch), ...given });
}

/** The service's state in the ledger, with the given members. */
export function stateOf(given: Partial<ServiceState> = {}): ServiceState {
  return serviceStateSchema.parse({ shape: 1, serviceArn: web.serviceArn, ...given });
}
