import type { RolloutPolicy } from "../config/rollout-policy.ts";
import type { Rollout } from "../model/rollout.ts";

/** A token bucket: one more call every `intervalMs`, at most `burst` at once. Per account and region. */
export interface CallRate {
  readonly intervalMs: number;
  readonly burst: number;
}

/**
 * What ECS lets an account and region register and update, shared with everybody else there.
 * https://docs.aws.amazon.com/AmazonECS/latest/APIReference/request-throttling.html
 */
export const REGISTER: CallRate = { intervalMs: 1000, burst: 20 };
export const UPDATE: CallRate = { intervalMs: 200, burst: 50 };

export type ResolvedPolicy = Pick<
  RolloutPolicy,
  "canaryCount" | "waves" | "regionsTogether" | "concurrency" | "bakeMinutes" | "approveAfterCanary" | "failureBudget"
> & {
  /** No freeze window holds it. */
  readonly ignoreFreeze: boolean;
};

/**
 * The policy that holds for this rollout: what its request overrides, else the policy's emergency pace where the
 * rollout is an emergency and the policy has such a pace, else the policy. An emergency waits for approval and
 * for the end of a freeze window only where the policy or the request says so.
 */
export function resolvedPolicy(
  rollout: Pick<Rollout, "overrides" | "emergency">,
  policy: RolloutPolicy,
): ResolvedPolicy {
  const { overrides } = rollout;
  const waitsFor = (what: RolloutPolicy["emergencyWaitsFor"][number]) =>
    !rollout.emergency || policy.emergencyWaitsFor.includes(what);
  const pace = rollout.emergency && policy.emergency ? policy.emergency : policy;
  return {
    canaryCount: overrides.canaryCount ?? policy.canaryCount,
    waves: overrides.waves ?? pace.waves,
    regionsTogether: overrides.regionsTogether ?? pace.regionsTogether,
    concurrency: overrides.concurrency ?? pace.concurrency,
    bakeMinutes: overrides.bakeMinutes ?? pace.bakeMinutes,
    approveAfterCanary: overrides.approveAfterCanary ?? (policy.approveAfterCanary && waitsFor("approval")),
    failureBudget: overrides.failureBudget ?? policy.failureBudget,
    ignoreFreeze: overrides.ignoreFreeze ?? !waitsFor("freeze"),
  };
}
