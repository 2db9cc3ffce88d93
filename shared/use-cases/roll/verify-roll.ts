import { clusterArnOf, type ServiceRef } from "../../base/arn.ts";
import { AutopilotError, asAutopilotError } from "../../base/errors.ts";
import { type Config, controlPlaneFor } from "../../config/config.ts";
import { type Verification, verifyTasks } from "../../data-plane/ztunnel/index.ts";
import type { ControlPlaneCalls, EcsCalls } from "../../ports/ports.ts";
import type { Watch } from "./steps.ts";

export interface VerifyCalls {
  readonly config: Config;
  readonly ecs: Pick<EcsCalls, "listTasks" | "describeTasks" | "describeService">;
  readonly controlPlane: (name: string) => Pick<ControlPlaneCalls, "listWorkloadEntryAddresses">;
  readonly now: () => number;
  readonly pause: (ms: number) => Promise<void>;
}

/** The mesh knows a new task some seconds after it runs: it is asked so often before the whole step is tried again. */
const MESH_LOOKS = 4;
const BETWEEN_MESH_LOOKS_MS = 2000;

/**
 * Whether the tasks that a completed deployment has left running are in the mesh (or, after unenrolling, out of it).
 * Throws a retryable error while time can help, and `not-verified` once `policy.verifyDeadlineMinutes` have passed
 * since `sinceMs`.
 */
export async function verifyRoll(
  ref: ServiceRef,
  watch: Watch,
  sinceMs: number,
  calls: VerifyCalls,
): Promise<"succeeded" | "superseded"> {
  try {
    return await look(ref, watch, calls);
  } catch (error) {
    const failure = asAutopilotError(error);
    const deadlineMs = sinceMs + calls.config.policy.verifyDeadlineMinutes * 60_000;
    if (!failure.retryable || calls.now() < deadlineMs) throw failure;
    throw new AutopilotError("not-verified", failure.message, { cause: failure });
  }
}

async function look(ref: ServiceRef, watch: Watch, calls: VerifyCalls): Promise<"succeeded" | "superseded"> {
  const { targetRevisionArn, desiredCount, namespace } = watch;
  const [taskArns, workloadAddresses] = await Promise.all([
    calls.ecs.listTasks(ref, "RUNNING"),
    // A namespace may have thousands: those of the service are enough nearly always.
    namespace === null ? undefined : workloads(namespace, ref, calls, ref.serviceName),
  ]);
  const tasks = await calls.ecs.describeTasks(clusterArnOf(ref), taskArns);
  const seen = { tasks, targetRevisionArn, workloadAddresses };
  let first = verifyTasks({ ...seen, desiredCount });
  for (let looks = 0; lacksEntry(first) && namespace !== null && looks < MESH_LOOKS; looks += 1) {
    // The namespace's other entries count, too: not every istiod need label them.
    if (looks > 0) await calls.pause(BETWEEN_MESH_LOOKS_MS);
    first = verifyTasks({ ...seen, desiredCount, workloadAddresses: await workloads(namespace, ref, calls) });
  }
  if (first.verified) return "succeeded";
  // Perhaps the service was scaled or deployed meanwhile: only now is that worth a call.
  const service = await calls.ecs.describeService(ref);
  if (service.taskDefinitionArn !== targetRevisionArn) return "superseded";
  const second: Verification =
    service.desiredCount === desiredCount ? first : verifyTasks({ ...seen, desiredCount: service.desiredCount });
  if (second.verified) return "succeeded";
  throw new AutopilotError("mesh-not-converged", second.detail);
}

function lacksEntry(verification: Verification): boolean {
  return !verification.verified && verification.code === "workload-entry-missing";
}

async function workloads(
  namespace: string,
  ref: ServiceRef,
  calls: VerifyCalls,
  serviceName?: string,
): Promise<ReadonlySet<string>> {
  const plane = controlPlaneFor(calls.config, ref);
  if (!plane) throw new AutopilotError("no-control-plane", ref.serviceArn);
  return calls.controlPlane(plane.name).listWorkloadEntryAddresses(namespace, serviceName);
}
