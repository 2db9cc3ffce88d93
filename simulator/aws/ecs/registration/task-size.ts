import { type ContainerRequest, isForFargate, type Problems, type RegistrationRequest } from "./request.ts";

const PER_UNIT = 1024;

/** CPU units of RegisterTaskDefinition's `cpu`: `1024`, `1 vCPU`, `.5 vcpu`; undefined for any other text. */
export function cpuUnitsIn(text: string): number | undefined {
  return amountIn(text, "vcpu");
}

/** MiB of RegisterTaskDefinition's `memory`: `2048`, `2GB`, `0.5 GB`; undefined for any other text. */
export function mebibytesIn(text: string): number | undefined {
  return amountIn(text, "gb");
}

function amountIn(text: string, unit: string): number | undefined {
  const [, digits, suffix] = /^\s*(\d+|\d*\.\d+)\s*([a-z]*)\s*$/i.exec(text) ?? [];
  if (digits === undefined) return undefined;
  if (suffix?.toLowerCase() === unit) return Number(digits) * PER_UNIT;
  return suffix === "" && !digits.includes(".") ? Number(digits) : undefined;
}

/**
 * vCPUs and the gigabytes of memory that Fargate has for them.
 * https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-tasks-services.html#fargate-tasks-size
 */
const FARGATE_SIZES: readonly {
  readonly vCpus: number;
  readonly gigabytes: readonly number[] | { readonly from: number; readonly to: number; readonly step: number };
}[] = [
  { vCpus: 0.25, gigabytes: [0.5, 1, 2] },
  { vCpus: 0.5, gigabytes: { from: 1, to: 4, step: 1 } },
  { vCpus: 1, gigabytes: { from: 2, to: 8, step: 1 } },
  { vCpus: 2, gigabytes: { from: 4, to: 16, step: 1 } },
  { vCpus: 4, gigabytes: { from: 8, to: 30, step: 1 } },
  { vCpus: 8, gigabytes: { from: 16, to: 60, step: 4 } },
  { vCpus: 16, gigabytes: { from: 32, to: 120, step: 8 } },
  { vCpus: 32, gigabytes: [60, 120, 244] },
];

/** True when Fargate has tasks of this size, in CPU units and MiB. */
export function isFargateSize(cpuUnits: number, mebibytes: number): boolean {
  const size = FARGATE_SIZES.find(({ vCpus }) => vCpus * PER_UNIT === cpuUnits);
  if (!size) return false;
  const gigabytes = mebibytes / PER_UNIT;
  if ("step" in size.gigabytes) {
    const { from, to, step } = size.gigabytes;
    return gigabytes >= from && gigabytes <= to && (gigabytes - from) % step === 0;
  }
  return size.gigabytes.includes(gigabytes);
}

/** "Between 128 CPU units (0.125 vCPUs) and 196608 CPU units (192 vCPUs)" (RegisterTaskDefinition, `cpu`). */
const EC2_CPU_UNITS = { min: 128, max: 196_608 };

/** "Don't specify less than 6 MiB of memory for your containers" (ContainerDefinition, `memory`). */
const MIN_CONTAINER_MIB = 6;

/** What ECS refuses in the size of the task and in what its containers take of it. */
export function* sizeProblems(request: RegistrationRequest): Problems {
  yield* isForFargate(request) ? fargateSizeProblems(request) : ec2SizeProblems(request);
  const taskCpu = request.cpu === undefined ? undefined : cpuUnitsIn(request.cpu);
  const taskMemory = request.memory === undefined ? undefined : mebibytesIn(request.memory);
  const containers = request.containerDefinitions;
  if (taskCpu !== undefined && total(containers, ({ cpu }) => cpu) > taskCpu)
    yield "The sum of all container 'cpu' values cannot be greater than the value of the task 'cpu'.";
  // "If you specify memoryReservation, then that value is subtracted […]. Otherwise, the value of memory is used."
  if (taskMemory !== undefined && total(containers, (one) => one.memoryReservation ?? one.memory) > taskMemory)
    yield "The sum of all container 'memoryReservation' values cannot be greater than the value of the task 'memory'.";
  for (const container of containers) yield* memoryProblems(container, taskMemory);
}

function total(containers: readonly ContainerRequest[], of: (container: ContainerRequest) => number | undefined) {
  return containers.reduce((sum, container) => sum + (of(container) ?? 0), 0);
}

function* fargateSizeProblems({ cpu, memory }: RegistrationRequest): Problems {
  if (cpu === undefined) yield "Fargate requires that 'cpu' be defined at the task level.";
  if (memory === undefined) yield "Fargate requires that 'memory' be defined at the task level.";
  if (cpu === undefined || memory === undefined) return;
  if (!isFargateSize(cpuUnitsIn(cpu) ?? 0, mebibytesIn(memory) ?? 0))
    yield "No Fargate configuration exists for given values.";
}

function* ec2SizeProblems({ cpu, memory }: RegistrationRequest): Problems {
  const units = cpu === undefined ? EC2_CPU_UNITS.min : (cpuUnitsIn(cpu) ?? 0);
  if (units < EC2_CPU_UNITS.min || units > EC2_CPU_UNITS.max) yield "Invalid 'cpu' setting for task.";
  if (memory !== undefined && mebibytesIn(memory) === undefined) yield "Invalid 'memory' setting for task.";
}

/**
 * `memory` and `memoryReservation` in
 * https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_definition_parameters_ec2.html
 */
function* memoryProblems(container: ContainerRequest, taskMemory: number | undefined): Problems {
  const { name = "", memory, memoryReservation } = container;
  const invalid = `Invalid setting for container '${name}'.`;
  if (taskMemory === undefined && !memory && !memoryReservation)
    yield `${invalid} At least one of 'memory' or 'memoryReservation' must be specified.`;
  if (Math.min(memory ?? MIN_CONTAINER_MIB, memoryReservation ?? MIN_CONTAINER_MIB) < MIN_CONTAINER_MIB)
    yield `${invalid} Memory must be at least ${MIN_CONTAINER_MIB} MiB.`;
  // The guide says "greater than"; equal values are taken (awsdocs/amazon-ecs-developer-guide, pull request 242).
  if (memory !== undefined && memoryReservation !== undefined && memory < memoryReservation)
    yield `${invalid} 'memory' must be greater than or equal to 'memoryReservation'.`;
  if (memory !== undefined && taskMemory !== undefined && memory > taskMemory)
    yield `The 'memory' setting for container '${name}' is greater than for the task.`;
}
