import type { FailureCode } from "../../../base/errors.ts";
import { tasksRun } from "../../../base/plural.ts";
import { ZTUNNEL } from "../../../base/vocabulary.ts";
import { addressesOf, type ObservedTask, taskIdOf } from "../../../model/task.ts";
import type { WorkloadEntry } from "../../../model/workload-entry.ts";
import { EntriesByTask, type Mark, marksOf } from "./entries.ts";

export type Verification = { readonly verified: true } | Unverified;

export interface Unverified {
  readonly verified: false;
  readonly code: Extract<FailureCode, "mesh-not-converged" | "ztunnel-unhealthy"> | ProofFailure;
  readonly detail: string;
  /** What the entries of these tasks lack; absent where they say something else, or are not the reason. */
  readonly lacks?: Lack | undefined;
}

/** Why a running, healthy task is not in the mesh. */
export type ProofFailure = Extract<
  FailureCode,
  "workload-entry-missing" | "workload-identity-differs" | "workload-not-redirected"
>;

/** A mark that tasks' entries lack, or the entries themselves. */
export interface Lack {
  readonly mark: Mark;
  readonly tasks: readonly ObservedTask[];
}

/** What the mesh is asked for as a proof, and what it knows. */
export interface Proof {
  /** `strict`: an entry that names the task, with our service account and HBONE. `name-only`: one that names it. */
  readonly rule: "strict" | "name-only";
  /** The identity that the tasks shall have; null where it is not known. */
  readonly serviceAccount: string | null;
  /** The entries of the service's namespace. */
  readonly entries: readonly WorkloadEntry[];
}

/**
 * Whether a completed deployment is what it should be. Enrolling: enough tasks of the revision run, ztunnel is HEALTHY
 * in every one of them, and the mesh proves each: an entry of another workload with the same address proves nothing.
 * Unenrolling (`proof` undefined): enough tasks of the revision run, and none has a ztunnel. What only needs time is
 * `mesh-not-converged` or a `ProofFailure`: check again until the deadline.
 */
export function verifyTasks(observed: {
  readonly tasks: readonly ObservedTask[];
  readonly desiredCount: number;
  readonly targetRevisionArn: string;
  readonly proof: Proof | undefined;
}): Verification {
  const { desiredCount, targetRevisionArn, proof } = observed;
  const running = observed.tasks.filter(
    (task) => task.taskDefinitionArn === targetRevisionArn && task.lastStatus === "RUNNING",
  );
  if (running.length < desiredCount) {
    return not("mesh-not-converged", `${tasksRun(running.length, desiredCount)} ${targetRevisionArn}.`);
  }
  if (!proof) return verifyWithout(running);
  return verifyZtunnel(running) ?? verifyProof(running, proof) ?? { verified: true };
}

function verifyZtunnel(running: readonly ObservedTask[]): Verification | undefined {
  const unhealthy = running.filter((task) => healthOf(task) === "UNHEALTHY");
  if (unhealthy.length > 0) return not("ztunnel-unhealthy", `Unhealthy in ${list(unhealthy)}.`);
  const unknown = running.filter((task) => healthOf(task) !== "HEALTHY");
  if (unknown.length > 0) return not("mesh-not-converged", `ztunnel is not healthy yet in ${list(unknown)}.`);
  return undefined;
}

function verifyProof(
  running: readonly ObservedTask[],
  { rule, serviceAccount, entries }: Proof,
): Verification | undefined {
  const byTask = new EntriesByTask(entries);
  const withoutEntry = (holds: (entry: WorkloadEntry) => boolean) =>
    unless(running, (task) => byTask.of(task).some(holds));
  const isOurs = (entry: WorkloadEntry) =>
    serviceAccount === null ||
    entry.serviceAccount === serviceAccount ||
    (rule === "name-only" && !entry.serviceAccount);
  const unnamed = withoutEntry(() => true);
  if (unnamed) {
    const detail = `No WorkloadEntry for ${list(unnamed)}.`;
    return { ...not("workload-entry-missing", detail), lacks: { mark: "task", tasks: unnamed } };
  }
  const others = withoutEntry(isOurs);
  if (others) {
    const found = byTask.of(others[0])[0]?.serviceAccount;
    const detail = `${list(others)}: service account ${found || "none"}, not ${serviceAccount}.`;
    const lacks = found ? undefined : ({ mark: "service account", tasks: others } as const);
    return { ...not("workload-identity-differs", detail), lacks };
  }
  const plain =
    rule === "strict" ? withoutEntry((entry) => isOurs(entry) && marksOf(entry).includes("HBONE")) : undefined;
  return (
    plain && {
      ...not("workload-not-redirected", `No HBONE to ${list(plain)}.`),
      lacks: { mark: "HBONE", tasks: plain },
    }
  );
}

type Some<T> = readonly [T, ...T[]];

/** The tasks that do not meet the condition, if there are any. */
function unless(tasks: readonly ObservedTask[], met: (task: ObservedTask) => boolean): Some<ObservedTask> | undefined {
  const [first, ...others] = tasks.filter((task) => !met(task));
  return first && [first, ...others];
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
  const names = tasks.slice(0, 3).map((task) => `task ${taskIdOf(task)} (${addressesOf(task).join() || "no address"})`);
  return tasks.length > 3 ? `${names.join(", ")} and ${tasks.length - 3} more` : names.join(", ");
}

function not(code: Unverified["code"], detail: string): Unverified {
  return { verified: false, code, detail };
}
