import { addressesOf } from "../../../model/task.ts";
import type { WorkloadEntry } from "../../../model/workload-entry.ts";
import { EntriesByTask, hasMark, type Mark } from "./entries.ts";
import type { Lack } from "./verify.ts";

/** A mark that no entry of a control plane has. */
export interface UnknownShape {
  readonly mark: Mark;
  /** One of these entries, for people. */
  readonly seen: string;
}

/**
 * The shape is unknown if there are entries of these tasks, and not one entry of the control plane, of any task, has
 * the mark: then istiod writes entries in another way. Else it does not know the tasks, and the result is undefined.
 * Without the name of a task, an entry with a task's address counts as the task's.
 */
export function unknownShape({ mark, tasks }: Lack, entries: readonly WorkloadEntry[]): UnknownShape | undefined {
  if (hasMark(entries, mark)) return undefined;
  const addresses = new Set(tasks.flatMap(addressesOf));
  const byTask = new EntriesByTask(entries);
  const theirs =
    mark === "task"
      ? entries.filter(({ address }) => address !== undefined && addresses.has(address))
      : tasks.flatMap((task) => byTask.of(task));
  return theirs[0] && { mark, seen: described(theirs[0]) };
}

const SHOWN_KEYS = 12;

function described({ namespace, name, annotations, labels, serviceAccount }: WorkloadEntry): string {
  const keys = (of: Readonly<Record<string, string>>) =>
    Object.keys(of).sort().slice(0, SHOWN_KEYS).join(", ") || "none";
  return (
    `${namespace}/${name}: service account ${serviceAccount ?? "none"}; annotations ${keys(annotations)}; ` +
    `labels ${keys(labels)}`
  );
}
