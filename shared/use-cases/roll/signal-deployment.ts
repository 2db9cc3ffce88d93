import { type ServiceRef, serviceRef } from "../../base/arn.ts";
import type { Config } from "../../config/config.ts";
import type { Incoming } from "../../events/incoming.ts";
import type { Roll } from "../../model/service-state.ts";
import type { Ledger } from "../../ports/ledger.ts";
import type { EcsCalls, ExecutionCalls } from "../../ports/ports.ts";
import { checkDeployment, endedBy } from "./await-deployment.ts";
import type { Ended } from "./steps.ts";

export interface SignalCalls {
  readonly config: Config;
  readonly ecs: (ref: ServiceRef) => Pick<EcsCalls, "describeService">;
  readonly ledger: Pick<Ledger, "getService" | "recordSignal">;
  readonly executions: Pick<ExecutionCalls, "sendTaskSuccess">;
  readonly now: () => number;
}

/**
 * `unheard`: no roll waits for this; `deferred`: the roll finds it when it polls; `delivered`: the roll continues with
 * it.
 */
export type Signaled = "unheard" | "deferred" | "delivered";

/**
 * Signals a waiting roll that its deployment ended. The event of the awaited deployment is passed on as it is; any
 * other sign (a deployment by somebody else, a stopped task of the new revision) makes one check of the service.
 */
export async function signalDeployment(
  event: Extract<Incoming, { kind: "deployment" | "task-stopped" }>,
  calls: SignalCalls,
): Promise<Signaled> {
  const ref = serviceRef(event.serviceArn);
  if (event.kind === "deployment" && event.eventName !== "SERVICE_DEPLOYMENT_IN_PROGRESS") {
    const { deploymentId, eventName, reason } = event;
    const signal = { deploymentId, eventName, reason };
    const roll = (await calls.ledger.recordSignal(ref.serviceArn, signal))?.roll;
    if (!roll) return "unheard";
    const ended = roll.deploymentId === deploymentId ? endedBy(signal) : undefined;
    return ended ? pass(roll, ended, calls) : check(ref, roll, calls);
  }
  const roll = (await calls.ledger.getService(ref.serviceArn))?.roll;
  if (!roll) return "unheard";
  const concerns =
    event.kind === "deployment"
      ? event.deploymentId !== roll.deploymentId
      : event.taskDefinitionArn === roll.targetRevisionArn;
  return concerns ? check(ref, roll, calls) : "unheard";
}

async function check(ref: ServiceRef, roll: Roll, calls: SignalCalls): Promise<Signaled> {
  const { taskToken, deploymentId, targetRevisionArn, revisionBeforeArn = null } = roll;
  if (!taskToken || !deploymentId || !targetRevisionArn) return "deferred";
  // The step that waits judges the deadline.
  const watch = { deploymentId, targetRevisionArn, revisionBeforeArn, deadlineMs: Number.POSITIVE_INFINITY };
  const ended = await checkDeployment(ref, watch, { ...calls, ecs: calls.ecs(ref) });
  return ended ? pass(roll, ended, calls) : "deferred";
}

async function pass(roll: Roll, ended: Ended, calls: Pick<SignalCalls, "executions">): Promise<Signaled> {
  if (!roll.taskToken) return "deferred";
  return (await calls.executions.sendTaskSuccess(roll.taskToken, ended)) ? "delivered" : "deferred";
}
