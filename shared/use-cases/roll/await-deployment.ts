import type { ServiceRef } from "../../base/arn.ts";
import { minutesToMs } from "../../base/durations.ts";
import { failures } from "../../base/errors.ts";
import { deploymentEventNames } from "../../base/vocabulary.ts";
import type { Config } from "../../config/config.ts";
import { judge } from "../../deployment/verdict.ts";
import type { Signal } from "../../model/service-state.ts";
import type { Ledger } from "../../ports/ledger.ts";
import type { EcsCalls, ExecutionCalls } from "../../ports/ports.ts";
import type { Ended, Watch } from "./steps.ts";

export interface AwaitCalls {
  readonly config: Config;
  readonly ecs: Pick<EcsCalls, "describeService">;
  readonly ledger: Pick<Ledger, "updateRoll">;
  readonly executions: Pick<ExecutionCalls, "sendTaskSuccess">;
  readonly now: () => number;
}

/**
 * Leaves the task token in the ledger, where `signalDeployment` finds it when the deployment's event comes. The event
 * may have come before: then the same ledger item has it, and the atomic write that stores the token returns it. A
 * repeated wait is a poll, as no event came in time, and asks ECS itself. Returns how the deployment ended, if it has.
 */
export async function awaitDeployment(
  ref: ServiceRef,
  roll: {
    readonly executionName: string;
    readonly taskToken: string;
    readonly watch: Watch;
    readonly pollCount: number;
  },
  calls: AwaitCalls,
): Promise<Ended | undefined> {
  const { watch, taskToken } = roll;
  const { deploymentId, targetRevisionArn, revisionBeforeArn } = watch;
  // A deployment whose strategy takes days is not to outlast the lease: every poll extends that.
  const leaseUntil = calls.now() + minutesToMs(calls.config.policy.leaseMinutes);
  const patch = { taskToken, deploymentId, targetRevisionArn, revisionBeforeArn, leaseUntil };
  const state = await calls.ledger.updateRoll(ref.serviceArn, roll.executionName, patch);
  if (!state) return deliver(taskToken, leaseLost, calls);
  const signal = state.roll?.signal;
  const signaled = signal?.deploymentId === deploymentId ? endedBy(signal) : undefined;
  if (signaled) return deliver(taskToken, signaled, calls);
  if (roll.pollCount === 0) return undefined;
  const ended = await checkDeployment(ref, watch, calls);
  return ended && deliver(taskToken, ended, calls);
}

const leaseLost: Ended = { verdict: "superseded", code: "roll-in-progress", detail: "Another roll took the lease." };

/** How the watched deployment has ended by what ECS says now, or `undefined` while it progresses. One ECS call. */
export async function checkDeployment(
  ref: ServiceRef,
  watch: Pick<Watch, "deploymentId" | "targetRevisionArn" | "revisionBeforeArn" | "deadlineMs">,
  calls: Pick<AwaitCalls, "config" | "ecs" | "now">,
): Promise<Ended | undefined> {
  const service = await calls.ecs.describeService(ref);
  const { deploymentId, targetRevisionArn, revisionBeforeArn, deadlineMs } = watch;
  const verdict = judge({
    service,
    deploymentId,
    targetRevisionArn,
    ...(revisionBeforeArn !== null && { revisionBeforeArn }),
    deadlineMs,
    nowMs: calls.now(),
    policy: calls.config.policy,
  });
  switch (verdict.state) {
    case "progressing":
      return undefined;
    case "succeeded":
      return { verdict: "succeeded", code: null, detail: "" };
    case "superseded":
      return { verdict: "superseded", code: "superseded", detail: verdict.detail };
    case "failed":
      return {
        verdict: "failed",
        code: verdict.code,
        detail: `${failures[verdict.code].sentence} ${verdict.detail}`.trim(),
      };
  }
}

/**
 * What the event means that ended the awaited deployment; undefined for one that a later version has recorded and this
 * one doesn't know: then only ECS says how the deployment is.
 */
export function endedBy({ eventName, reason }: Signal): Ended | undefined {
  if (eventName === deploymentEventNames.completed) return { verdict: "succeeded", code: null, detail: "" };
  if (eventName !== deploymentEventNames.failed) return undefined;
  return { verdict: "failed", code: "deployment-failed", detail: reason };
}

async function deliver(taskToken: string, ended: Ended, calls: Pick<AwaitCalls, "executions">): Promise<Ended> {
  await calls.executions.sendTaskSuccess(taskToken, ended);
  return ended;
}
