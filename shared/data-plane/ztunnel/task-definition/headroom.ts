import type { JsonObject } from "../../../base/json.ts";
import { numberAt } from "../../../base/json-fields.ts";
import { otherContainers, ztunnelOf } from "./containers.ts";
import { taskCpuUnits, taskMemoryMiB } from "./sizes.ts";

/** What is left for ztunnel; `undefined` where the task has no size of its own. */
export interface Headroom {
  /** What the kernel gives it while the other containers take all that they can get. */
  readonly cpuUnits: number | undefined;
  readonly memoryMiB: number | undefined;
}

/**
 * The kernel's least CPU share of a container, which one with CPU 0 has (ContainerDefinition, `cpu`):
 * https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDefinition.html
 */
const MIN_SHARES = 2;
const sharesOf = (cpu: number | undefined): number => Math.max(MIN_SHARES, cpu ?? 0);

/**
 * ztunnel's part of the task's CPU by its share, as `sidecar` has one beside the others, and what the limits of
 * the other containers leave of the task's memory; of both without what ECS itself adds to the task at run time, never
 * below 0. With CPU 0, what is left of the size is not its own: the kernel divides by shares. The
 * definitions of Solo's guide leave next to nothing: ztunnel then lives on what the application doesn't use.
 */
export function headroom(
  definition: JsonObject,
  addedByEcs: { readonly cpuUnits: number; readonly memoryMiB: number } = { cpuUnits: 0, memoryMiB: 0 },
  sidecar: JsonObject = ztunnelOf(definition) ?? {},
): Headroom {
  const others = otherContainers(definition);
  const left = (size: number | undefined, used: number): number | undefined =>
    size === undefined ? undefined : Math.max(0, size - used);
  const own = sharesOf(numberAt(sidecar, "cpu"));
  const shares = others.reduce((sum, container) => sum + sharesOf(numberAt(container, "cpu")), own);
  const cpuUnits = left(taskCpuUnits(definition), addedByEcs.cpuUnits);
  const limits = others.reduce((sum, container) => sum + (numberAt(container, "memory") ?? 0), addedByEcs.memoryMiB);
  return {
    cpuUnits: cpuUnits === undefined ? undefined : Math.floor((cpuUnits * own) / shares),
    memoryMiB: left(taskMemoryMiB(definition), limits),
  };
}
