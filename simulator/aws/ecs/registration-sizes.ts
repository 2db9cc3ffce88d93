import {
  containersOf,
  isSet,
  nameOf,
  numberAt,
  requiresFargate,
} from "../../../shared/data-plane/ztunnel/task-definition/fields.ts";
import { fargateSizes, taskCpuUnits, taskMemoryMiB } from "../../../shared/data-plane/ztunnel/task-definition/sizes.ts";
import type { JsonObject } from "../../json.ts";

/** Docker reserves at least this for a container. */
const MIN_CONTAINER_MEMORY_MIB = 6;

/** The limits of the task's CPU on EC2, in CPU units (RegisterTaskDefinition's `cpu`). */
const EC2_CPU_UNITS = { min: 128, max: 196_608 };

function fargateSizeProblems(definition: JsonObject): readonly string[] {
  const missing = (["cpu", "memory"] as const).filter((key) => !isSet(definition, key));
  if (missing.length > 0) return missing.map((key) => `Fargate requires that '${key}' be defined at the task level.`);
  const memories = fargateSizes.get(taskCpuUnits(definition) ?? 0) ?? [];
  return memories.includes(taskMemoryMiB(definition) ?? 0) ? [] : ["No Fargate configuration exists for given values."];
}

function ec2SizeProblems(definition: JsonObject): readonly string[] {
  const cpu = taskCpuUnits(definition);
  const { min, max } = EC2_CPU_UNITS;
  const badCpu = isSet(definition, "cpu") && (cpu === undefined || cpu < min || cpu > max);
  const badMemory = isSet(definition, "memory") && taskMemoryMiB(definition) === undefined;
  return [
    ...(badCpu ? ["Invalid 'cpu' setting for task."] : []),
    ...(badMemory ? ["Invalid 'memory' setting for task."] : []),
  ];
}

function memoryProblems(container: JsonObject, taskMemory: number | undefined): readonly string[] {
  const name = nameOf(container);
  const memory = numberAt(container, "memory");
  const reservation = numberAt(container, "memoryReservation");
  const tooSmall = [memory, reservation].some((size) => size !== undefined && size < MIN_CONTAINER_MEMORY_MIB);
  const bare = memory === undefined && reservation === undefined;
  return [
    ...(bare && taskMemory === undefined
      ? [`Invalid setting for container '${name}'. At least one of 'memory' or 'memoryReservation' must be specified.`]
      : []),
    ...(tooSmall ? [`Invalid setting for container '${name}'. Memory must be at least 6 MiB.`] : []),
    ...(memory !== undefined && reservation !== undefined && memory < reservation
      ? [`Invalid setting for container '${name}'. 'memory' must be greater than or equal to 'memoryReservation'.`]
      : []),
    ...(memory !== undefined && taskMemory !== undefined && memory > taskMemory
      ? [`The 'memory' setting for container '${name}' is greater than for the task.`]
      : []),
  ];
}

/** What ECS refuses in the sizes of the task and of its containers. */
export function sizeProblems(definition: JsonObject): readonly string[] {
  const containers = containersOf(definition);
  const taskCpu = taskCpuUnits(definition);
  const taskMemory = taskMemoryMiB(definition);
  const cpu = containers.reduce((sum, container) => sum + (numberAt(container, "cpu") ?? 0), 0);
  const reserved = containers.reduce(
    (sum, container) => sum + (numberAt(container, "memoryReservation") ?? numberAt(container, "memory") ?? 0),
    0,
  );
  return [
    ...(requiresFargate(definition) ? fargateSizeProblems(definition) : ec2SizeProblems(definition)),
    ...(taskCpu !== undefined && cpu > taskCpu
      ? ["The sum of all container 'cpu' values cannot be greater than the value of the task 'cpu'."]
      : []),
    ...(taskMemory !== undefined && reserved > taskMemory
      ? ["The sum of all container memory reservations cannot be greater than the value of the task 'memory'."]
      : []),
    ...containers.flatMap((container) => memoryProblems(container, taskMemory)),
  ];
}
