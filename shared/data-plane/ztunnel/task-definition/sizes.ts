import type { JsonObject } from "../../../base/json.ts";

const MIB_PER_GB = 1024;
const UNITS_PER_VCPU = 1024;

function parse(value: unknown, unit: RegExp, factor: number): number | undefined {
  if (typeof value === "number") return value;
  if (typeof value !== "string") return undefined;
  if (/^\s*\d+\s*$/.test(value)) return Number(value);
  const amount = unit.exec(value)?.[1];
  return amount === undefined ? undefined : Number(amount) * factor;
}

/**
 * The task's CPU in CPU units: `256`, `".25 vCPU"` (RegisterTaskDefinition's `cpu`); `undefined` when unset or
 * unreadable.
 */
export function taskCpuUnits(definition: JsonObject): number | undefined {
  return parse(definition.cpu, /^\s*(\d+(?:\.\d+)?|\.\d+)\s*vcpu\s*$/i, UNITS_PER_VCPU);
}

/**
 * The task's memory in MiB: `512`, `"0.5 GB"` (RegisterTaskDefinition's `memory`); `undefined` when unset or
 * unreadable.
 */
export function taskMemoryMiB(definition: JsonObject): number | undefined {
  return parse(definition.memory, /^\s*(\d+(?:\.\d+)?|\.\d+)\s*gb\s*$/i, MIB_PER_GB);
}
