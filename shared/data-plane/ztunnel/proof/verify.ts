import type { FailureCode } from "../../../base/errors.ts";
import { ZTUNNEL } from "../../../base/vocabulary.ts";
import { type ObservedTask, taskIdOf } from "../../../model/task.ts";

export type Verification =
  | { readonly verified: true }
  | {
      readonly verified: false;
      readonly code: Extract<FailureCode, "mesh-not-converged" | "ztunnel-unhealthy" | "workload-entry-missing">;
      readonly detail: string;
    };

/**
 * Whether a completed deployment is what it should be. Enrolling: enough tasks of the revision run, ztunnel is HEALTHY
 * in every one of them, and the mesh has a WorkloadEntry for every one's address. Unenrolling (`workloadAddresses`
 * undefined): enough tasks of the revision run, and none has a ztunnel. What only needs time is
 * `mesh-not-converged` or `workload-entry-missing`: check again until the deadline.
 */
export function verifyTasks(observed: {
  readonly tasks: readonly ObservedTask[];
  readonly desiredCount: number;
  readonly targetRevisionArn: string;
  readonly workloadAddresses: ReadonlySet<string> | undefined;
}): Verification {
  const { desiredCount, targetRevisionArn, workloadAddresses } = observed;
  const running = observed.tasks.filter(
    (task) => task.taskDefinitionArn === targetRevisionArn && task.lastStatus === "RUNNING",
  );
  if (running.length < desiredCount) {
    return not("mesh-not-converged", `${running.length} of ${desiredCount} tasks run ${targetRevisionArn}.`);
  }
  if (!workloadAddresses) return verifyWithout(running);
  return verifyZtunnel(running) ?? verifyWorkloadEntries(running, workloadAddresses) ?? { verified: true };
}

function verifyZtunnel(running: readonly ObservedTask[]): Verification | undefined {
  const unhealthy = running.filter((task) => healthOf(task) === "UNHEALTHY");
  if (unhealthy.length > 0) return not("ztunnel-unhealthy", `Unhealthy in ${list(unhealthy)}.`);
  const unknown = running.filter((task) => healthOf(task) !== "HEALTHY");
  if (unknown.length > 0) return not("mesh-not-converged", `ztunnel is not healthy yet in ${list(unknown)}.`);
  return undefined;
}

function verifyWorkloadEntries(running: readonly ObservedTask[], addresses: ReadonlySet<string>) {
  const missing = running.filter(
    ({ privateIpv4Address }) => privateIpv4Address === undefined || !addresses.has(privateIpv4Address),
  );
  return missing.length > 0 ? not("workload-entry-missing", `No WorkloadEntry for ${list(missing)}.`) : undefined;
}

function verifyWithout(running: readonly ObservedTask[]): Verification {
  const left = running.filter(({ containers }) => containers.some(({ name }) => name === ZTUNNEL));
  return left.length > 0
    ? not("mesh-not-converged", `A ztunnel container still runs in ${list(left)}.`)
    : { verified: true };
}

function healthOf(task: ObservedTask): string | undefined {
  return task.containers.find(({ name }) => name === ZTUNNEL)?.healthStatus;
}

/** The tasks by id and address, at most three of them. */
function list(tasks: readonly ObservedTask[]): string {
  const names = tasks.slice(0, 3).map((task) => `task ${taskIdOf(task)} (${task.privateIpv4Address ?? "no address"})`);
  return tasks.length > 3 ? `${names.join(", ")} and ${tasks.length - 3} more` : names.join(", ");
}

function not(code: Extract<Verification, { verified: false }>["code"], detail: string): Verification {
  return { verified: false, code, detail };
}
