import { type ObservedTask, taskIdOf } from "../../../model/task.ts";
import type { WorkloadEntry } from "../../../model/workload-entry.ts";

/**
 * What an entry must say of a task. Solo's istiod writes all three: the task by an annotation and by the entry's
 * name, the service account in the spec, and that ztunnel takes HBONE.
 */
export const marks = ["task", "service account", "HBONE"] as const;
export type Mark = (typeof marks)[number];

const TASK = "ecs.solo.io/arn";
/** What istiod reads as HBONE: the annotation of a redirected workload, and Istio's label for tunnels. */
const REDIRECTION = "ambient.istio.io/redirection";
const TUNNEL = "networking.istio.io/tunnel";
const TASK_NAME = /^ecs-task-\d{12}-/;

/** True when the entry says which ECS task it belongs to, no matter which. */
function namesTask({ name, annotations }: WorkloadEntry): boolean {
  return annotations[TASK] !== undefined || TASK_NAME.test(name);
}

/** True when the mesh sends the workload HBONE. */
function takesHbone({ annotations, labels }: WorkloadEntry): boolean {
  return annotations[REDIRECTION] === "enabled" || (labels[TUNNEL] ?? "").split(",").includes("http");
}

/** The marks that an entry has, with any values. */
export function marksOf(entry: WorkloadEntry): readonly Mark[] {
  const has = { task: namesTask(entry), "service account": Boolean(entry.serviceAccount), HBONE: takesHbone(entry) };
  return marks.filter((mark) => has[mark]);
}

/** True when one of the entries has the mark. */
export function hasMark(entries: readonly WorkloadEntry[], mark: Mark): boolean {
  return entries.some((entry) => marksOf(entry).includes(mark));
}

/** The entries by the task that they name. An address names none: tasks of two networks may have the same one. */
export class EntriesByTask {
  readonly #byArn = new Map<string, WorkloadEntry[]>();
  readonly #byName = new Map<string, WorkloadEntry>();

  constructor(entries: readonly WorkloadEntry[]) {
    for (const entry of entries) {
      const arn = entry.annotations[TASK];
      if (arn === undefined) this.#byName.set(entry.name, entry);
      else this.#byArn.set(arn, [...(this.#byArn.get(arn) ?? []), entry]);
    }
  }

  /** By the annotation; by the name, where the entry has no such annotation. */
  of(task: ObservedTask): readonly WorkloadEntry[] {
    const named = this.#byName.get(entryName(task));
    return [...(this.#byArn.get(task.taskArn) ?? []), ...(named ? [named] : [])];
  }
}

/** The name that Solo's guide shows for a task's entry. */
function entryName(task: ObservedTask): string {
  const [, , , region, account, resource = ""] = task.taskArn.split(":");
  return `ecs-task-${account}-${region}-${resource.split("/")[1]}-${taskIdOf(task)}`;
}
