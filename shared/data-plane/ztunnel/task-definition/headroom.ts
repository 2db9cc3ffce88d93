import type { JsonObject } from "../../../base/json.ts";
import { numberAt } from "../../../base/json-fields.ts";
import { otherContainers } from "./containers.ts";
import { taskCpuUnits, taskMemoryMiB } from "./sizes.ts";

/** What is left for ztunnel; `undefined` where the task has no size of its own. */
export interface Headroom {
  readonly cpuUnits: number | undefined;
  readonly memoryMiB: number | undefined;
}

/**
 * What the limits of the other containers (`cpu`, `memory`), and what ECS itself adds to the task at run time, leave of
 * the task's size, never below 0. The definitions of Solo's guide leave nothing: ztunnel then lives on what the
 * application doesn't use.
 */
export function headroom(
  definition: JsonObject,
  addedByEcs: { readonly cpuUnits: number; readonly memoryMiB: number } = { cpuUnits: 0, memoryMiB: 0 },
): Headroom {
  const taken = (key: "cpu" | "memory", added: number): number =>
    otherContainers(definition).reduce((sum, container) => sum + (numberAt(container, key) ?? 0), added);
  const left = (size: number | undefined, used: number): number | undefined =>
    size === undefined ? undefined : Math.max(0, size - used);
  return {
    cpuUnits: left(taskCpuUnits(definition), taken("cpu", addedByEcs.cpuUnits)),
    memoryMiB: left(taskMemoryMiB(definition), taken("memory", addedByEcs.memoryMiB)),
  };
}
