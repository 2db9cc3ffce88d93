import { clusterArnOf, type ServiceRef } from "../../base/arn.ts";
import { minutesToMs } from "../../base/durations.ts";
import { AutopilotError, asAutopilotError } from "../../base/errors.ts";
import { tasksRun } from "../../base/plural.ts";
import { type Config, controlPlaneFor } from "../../config/config.ts";
import {
  type Lack,
  type Unverified,
  unknownShape,
  type Verification,
  verifyTasks,
} from "../../data-plane/ztunnel/index.ts";
import { meshShapeUnknown } from "../../events/mesh-events.ts";
import type { ObservedTask } from "../../model/task.ts";
import type { WorkloadEntry } from "../../model/workload-entry.ts";
import type { Ledger } from "../../ports/ledger.ts";
import type { BusCalls, ControlPlaneCalls, EcsCalls } from "../../ports/ports.ts";
import type { Watch } from "./steps.ts";

export interface VerifyCalls {
  readonly config: Config;
  readonly ecs: Pick<EcsCalls, "listTasks" | "describeTasks" | "describeService">;
  readonly controlPlane: (name: string) => Pick<ControlPlaneCalls, "listWorkloadEntries">;
  readonly ledger: Pick<Ledger, "changeMesh">;
  readonly bus: BusCalls;
  readonly now: () => number;
  readonly pause: (ms: number) => Promise<void>;
}

/** The mesh knows a task some seconds after it has started. It is read this often before the whole step is retried. */
const MESH_READS = 4;
const BETWEEN_MESH_READS_MS = 2000;

/**
 * `unverified`: nothing can show whether the revision works in the mesh. The service is to run no task, no entry of the
 * control plane has a mark that proves one, or the cluster has no room for the tag by which istiod finds its tasks.
 */
export type Verified = "succeeded" | "unverified" | "superseded";

/**
 * Whether the tasks that a completed deployment has left running are in the mesh (or, after unenrolling, out of it).
 * Throws a retryable error while time can help. Once `policy.verifyDeadlineMinutes` have passed since `sinceMs`, throws
 * what the mesh lacks of running tasks (`workload-entry-missing`, `workload-identity-differs`,
 * `workload-not-redirected`), else `not-verified`.
 */
export async function verifyRoll(
  ref: ServiceRef,
  {
    watch,
    sinceMs,
    executionName,
  }: { readonly watch: Watch; readonly sinceMs: number; readonly executionName: string },
  calls: VerifyCalls,
): Promise<Verified> {
  const deadlineMs = sinceMs + minutesToMs(calls.config.policy.verifyDeadlineMinutes);
  const found = await beforeDeadline(deadlineMs, calls, () => verifyOnce(ref, watch, calls));
  if (typeof found === "string") return found;
  const { code, detail, lacks } = found;
  const isLate = calls.now() >= deadlineMs;
  if (lacks && isLate && (!watch.isDiscovered || (await reportUnknownShape(ref, lacks, executionName, calls))))
    return "unverified";
  if (calls.now() < deadlineMs) throw new AutopilotError("mesh-not-converged", detail);
  const isProof = code !== "mesh-not-converged" && code !== "ztunnel-unhealthy";
  throw new AutopilotError(isProof ? code : "not-verified", detail);
}

/** Runs the check. An error that time can help is `not-verified` after the deadline. */
async function beforeDeadline(deadlineMs: number, { now }: VerifyCalls, run: () => Promise<Found>): Promise<Found> {
  try {
    return await run();
  } catch (error) {
    const failure = asAutopilotError(error);
    if (!failure.retryable || now() < deadlineMs) throw failure;
    throw new AutopilotError("not-verified", failure.message, { cause: failure });
  }
}

type Found = Verified | Unverified;

async function verifyOnce(ref: ServiceRef, watch: Watch, calls: VerifyCalls): Promise<Found> {
  const { targetRevisionArn, desiredCount, namespace } = watch;
  const [taskArns, entries] = await Promise.all([
    calls.ecs.listTasks(ref, "RUNNING"),
    // A namespace may have thousands of entries. The service's own are nearly always enough.
    namespace === null ? undefined : readEntries({ namespace, serviceName: ref.serviceName }, ref, calls),
  ]);
  const tasks = await calls.ecs.describeTasks(clusterArnOf(ref), taskArns);
  if (namespace !== null && !tasks.some((task) => runs(task, targetRevisionArn)))
    return withoutTasks(ref, watch, calls);
  const proof = entries && { rule: calls.config.policy.verify, serviceAccount: watch.serviceAccount, entries };
  const observed = { tasks, targetRevisionArn, proof };
  const asDeployed = await verifyInMesh(ref, { ...observed, desiredCount }, namespace, calls);
  if (asDeployed.verified) return "succeeded";
  // Somebody may have scaled or deployed the service since: only now is that worth a call.
  const service = await calls.ecs.describeService(ref);
  if (service.taskDefinitionArn !== targetRevisionArn) return "superseded";
  const isScaled = service.desiredCount !== desiredCount && !lacksProof(asDeployed);
  const asScaled = { ...observed, desiredCount: service.desiredCount };
  const verification = isScaled ? await verifyInMesh(ref, asScaled, namespace, calls) : asDeployed;
  return verification.verified ? "succeeded" : verification;
}

/** No task of the revision runs. That is desired only where none is to run. */
async function withoutTasks(
  ref: ServiceRef,
  { targetRevisionArn }: Watch,
  calls: Pick<VerifyCalls, "ecs">,
): Promise<Verified> {
  const { taskDefinitionArn, desiredCount } = await calls.ecs.describeService(ref);
  if (taskDefinitionArn !== targetRevisionArn) return "superseded";
  if (desiredCount === 0) return "unverified";
  throw new AutopilotError("mesh-not-converged", `${tasksRun(0, desiredCount)} ${targetRevisionArn}.`);
}

function runs({ taskDefinitionArn, lastStatus }: ObservedTask, targetRevisionArn: string): boolean {
  return taskDefinitionArn === targetRevisionArn && lastStatus === "RUNNING";
}

/** Where all that is missing is a proof, the namespace's other entries count, too: not every istiod labels them. */
async function verifyInMesh(
  ref: ServiceRef,
  observed: Parameters<typeof verifyTasks>[0],
  namespace: string | null,
  calls: VerifyCalls,
): Promise<Verification> {
  const { proof } = observed;
  let verification = verifyTasks(observed);
  if (namespace === null || !proof) return verification;
  for (let reads = 0; lacksProof(verification) && reads < MESH_READS; reads += 1) {
    if (reads > 0) await calls.pause(BETWEEN_MESH_READS_MS);
    const entries = await readEntries({ namespace }, ref, calls);
    verification = verifyTasks({ ...observed, proof: { ...proof, entries } });
  }
  return verification;
}

function lacksProof(verification: Verification): boolean {
  return !verification.verified && verification.code.startsWith("workload-");
}

async function readEntries(
  selection: { readonly namespace: string; readonly serviceName?: string },
  ref: ServiceRef,
  calls: VerifyCalls,
): Promise<readonly WorkloadEntry[]> {
  return calls.controlPlane(controlPlaneOf(ref, calls)).listWorkloadEntries(selection);
}

function controlPlaneOf(ref: ServiceRef, { config }: Pick<VerifyCalls, "config">): string {
  const plane = controlPlaneFor(config, ref);
  if (!plane) throw new AutopilotError("no-control-plane", ref.serviceArn);
  return plane.name;
}

/**
 * Whether the proof lacks a mark that no entry of the control plane has. That is the control plane's, not the
 * service's: the first roll that finds it records it and notifies of it, the others find the record.
 */
async function reportUnknownShape(
  ref: ServiceRef,
  lack: Lack,
  executionName: string,
  calls: VerifyCalls,
): Promise<boolean> {
  const controlPlane = controlPlaneOf(ref, calls);
  const shape = unknownShape(lack, await calls.controlPlane(controlPlane).listWorkloadEntries({}));
  if (!shape) return false;
  const found = { ...shape, since: new Date(calls.now()).toISOString(), by: executionName };
  const { stored } = await calls.ledger.changeMesh(controlPlane, (mesh) =>
    mesh && !mesh.unknownShape ? { next: { ...mesh, unknownShape: found } } : {},
  );
  // A crash after the record leaves the event to this execution's next try.
  if (stored?.unknownShape?.by === executionName)
    await calls.bus.putEvents([meshShapeUnknown({ controlPlane, ...shape })]);
  return true;
}
