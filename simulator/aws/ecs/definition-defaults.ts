import { isJsonObject, type Json, type JsonObject } from "../../base/json.ts";
import type { TaskDefinitionSpec } from "./container-spec.ts";
import { listMember } from "./input.ts";
import { cpuUnitsIn, mebibytesIn } from "./registration/task-size.ts";

/**
 * A definition as DescribeTaskDefinition returns it: what was registered, unknown members included, with the members
 * that ECS adds.
 */
export function withDefaults(request: JsonObject): JsonObject {
  const { tags: _tags, ...definition } = request;
  return {
    volumes: [],
    placementConstraints: [],
    ...definition,
    ...inUnits("cpu", definition.cpu, cpuUnitsIn),
    ...inUnits("memory", definition.memory, mebibytesIn),
    containerDefinitions: listMember(definition, "containerDefinitions").map((container) =>
      isJsonObject(container) ? containerWithDefaults(container, definition.networkMode) : container,
    ),
  };
}

/** The launch types that a definition can run on. */
export function compatibilitiesOf({ networkMode, cpu, memory }: TaskDefinitionSpec): string[] {
  if (networkMode !== "awsvpc") return ["EXTERNAL", "EC2"];
  return cpu !== undefined && memory !== undefined ? ["EC2", "FARGATE"] : ["EC2"];
}

/** The capabilities that a container instance needs, as far as a definition asks for any that is known here. */
export function requiredAttributes(definition: JsonObject, spec: TaskDefinitionSpec): JsonObject[] {
  const containers = spec.containerDefinitions;
  const asks: readonly (readonly [boolean, string])[] = [
    [true, "com.amazonaws.ecs.capability.docker-remote-api.1.18"],
    [spec.networkMode === "awsvpc", "ecs.capability.task-eni"],
    [definition.taskRoleArn !== undefined, "com.amazonaws.ecs.capability.task-iam-role"],
    [containers.some(({ secrets }) => secrets.length > 0), "ecs.capability.secrets.asm.environment-variables"],
    [containers.some(({ healthCheck }) => healthCheck !== undefined), "ecs.capability.container-health-check"],
    [containers.some(({ dependsOn }) => dependsOn.length > 0), "ecs.capability.container-ordering"],
    [containers.some(logsToCloudWatch), "com.amazonaws.ecs.capability.logging-driver.awslogs"],
  ];
  return asks.flatMap(([asked, name]) => (asked ? [{ name }] : []));
}

function containerWithDefaults(container: JsonObject, networkMode: Json | undefined): JsonObject {
  const { healthCheck } = container;
  return {
    cpu: 0,
    essential: true,
    environment: [],
    mountPoints: [],
    volumesFrom: [],
    systemControls: [],
    ...container,
    portMappings: listMember(container, "portMappings").map((mapping) =>
      isJsonObject(mapping) ? mappingWithDefaults(mapping, networkMode) : mapping,
    ),
    ...(isJsonObject(healthCheck) ? { healthCheck: { interval: 30, timeout: 5, retries: 3, ...healthCheck } } : {}),
  };
}

function mappingWithDefaults(mapping: JsonObject, networkMode: Json | undefined): JsonObject {
  const samePort = networkMode === "awsvpc" || networkMode === "host";
  const hostPort = samePort ? (mapping.containerPort ?? 0) : 0;
  return { ...(mapping.containerPort === undefined ? {} : { hostPort }), protocol: "tcp", ...mapping };
}

function logsToCloudWatch({ logConfiguration }: TaskDefinitionSpec["containerDefinitions"][number]): boolean {
  return isJsonObject(logConfiguration) && logConfiguration.logDriver === "awslogs";
}

/** `1 vCPU` is stored as `1024`, `3GB` as `3072`. */
function inUnits(name: string, value: Json | undefined, amountIn: (text: string) => number | undefined): JsonObject {
  return typeof value === "string" ? { [name]: String(amountIn(value) ?? value) } : {};
}
