import { clusterArnOf } from "../../base/arn.ts";
import { asAutopilotError } from "../../base/errors.ts";
import { DISCOVERY_TAG } from "../../base/vocabulary.ts";
import { staleTasks, surplusTaskKeys, wantedTaskTags } from "../../enrollment/task-tags.ts";
import { driftCorrected } from "../../events/service-events.ts";
import type { DriftReason, RepairReason } from "../../model/reasons.ts";
import type { ObservedService } from "../../model/service.ts";
import type { Ledger } from "../../ports/ledger.ts";
import type { BusCalls, EcsCalls, Log } from "../../ports/ports.ts";
import type { ObservedState } from "../observe/observe.ts";

export interface ReportCorrectedCalls {
  readonly ledger: Pick<Ledger, "claimRepair">;
  readonly bus: BusCalls;
  readonly now: () => number;
}

export interface RepairCalls extends ReportCorrectedCalls {
  readonly ecs: Pick<EcsCalls, "describeCluster" | "tagResource" | "untagResource" | "updateService">;
  readonly ledger: Pick<Ledger, "patchService" | "claimRepair">;
  readonly log: Pick<Log, "error">;
  readonly repairedClusters?: Set<string>;
}

/** What is at work at the same time ends within it. */
const REPORT_MS = 60_000;

/** Reports what was corrected without a deployment, once where two have corrected the same at once. */
export async function reportCorrected(
  { ref, taskDefinitionArn }: Pick<ObservedService, "ref" | "taskDefinitionArn">,
  drift: readonly DriftReason[],
  { ledger, bus, now }: ReportCorrectedCalls,
): Promise<void> {
  const repaired = { text: drift.join(), untilMs: now() + REPORT_MS };
  if (!(await ledger.claimRepair(ref.serviceArn, repaired, now()))) return;
  await bus.putEvents([driftCorrected(ref, { taskDefinitionArn, drift: [...drift] })]);
}

/**
 * Gives the service back what it lacks outside of its task definition, without a deployment, and reports it. What ECS
 * refuses is logged, and comes again with the next reconcile. Throws a retryable error.
 */
export async function repair(
  observed: ObservedState,
  repairs: readonly RepairReason[],
  calls: RepairCalls,
): Promise<void> {
  const { ref } = observed.service;
  const done: RepairReason[] = [];
  for (const reason of repairs) if (await tried(observed, reason, calls)) done.push(reason);
  // Tasks have started without the service's tags.
  if (done.includes("propagate-tags"))
    await calls.ledger.patchService(ref.serviceArn, { taskTags: null, taskTagsTried: null });
  if (done.length === 0) return;
  await reportCorrected(observed.service, done, calls);
}

async function tried(observed: ObservedState, reason: RepairReason, calls: RepairCalls): Promise<boolean> {
  try {
    return await putRight(observed, reason, calls);
  } catch (error) {
    const { code, message, retryable } = asAutopilotError(error);
    if (retryable) throw error;
    calls.log.error(`not repaired: ${reason} of ${observed.service.ref.serviceArn}`, {
      code,
      why: message,
    });
    return false;
  }
}

/** False when there was nothing to correct after all. */
async function putRight(observed: ObservedState, reason: RepairReason, calls: RepairCalls): Promise<boolean> {
  const { ref } = observed.service;
  const { ecs, repairedClusters } = calls;
  switch (reason) {
    case "task-tags":
      return tagTasks(observed, calls);
    case "propagate-tags":
      await ecs.updateService(ref, { propagateTags: true });
      return true;
    case "discovery": {
      const clusterArn = clusterArnOf(ref);
      if (repairedClusters?.has(clusterArn)) return false;
      repairedClusters?.add(clusterArn);
      // A roll, or another service's look, may have set the tag since the cluster's tags were cached.
      const { tags } = await ecs.describeCluster(clusterArn, { fresh: true });
      if (tags[DISCOVERY_TAG] === "true") return false;
      await ecs.tagResource(clusterArn, { [DISCOVERY_TAG]: "true" });
      return true;
    }
  }
}

/** The next reconcile reads the tasks again, which shows that they carry the tags. */
async function tagTasks({ service, definition, tasks }: ObservedState, { ecs }: RepairCalls): Promise<boolean> {
  if (!definition || !tasks || tasks === "stale") return false;
  const wanted = wantedTaskTags(service, definition);
  for (const task of staleTasks(tasks, wanted)) {
    await ecs.tagResource(task.taskArn, wanted);
    const surplus = surplusTaskKeys(task, wanted);
    if (surplus.length > 0) await ecs.untagResource(task.taskArn, surplus);
  }
  return true;
}
