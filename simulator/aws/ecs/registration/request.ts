import * as z from "zod";
import type { JsonObject } from "../../../base/json.ts";

/** A member that may be left out. AWS's JSON protocol takes null for the same. */
function optional<T extends z.ZodType>(schema: T) {
  return schema.nullish().transform((value) => value ?? undefined);
}

/** A list that may be left out, which is an empty one. */
function listOf<T extends z.ZodType>(item: T) {
  return z
    .array(item)
    .nullish()
    .transform((items) => items ?? []);
}

const text = optional(z.string());
const number = optional(z.number());
const flag = optional(z.boolean());
const texts = listOf(z.string());
const texted = optional(z.record(z.string(), z.string()));
const named = z.looseObject({ name: text });
const anything = optional(z.looseObject({}));

/** https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDefinition.html */
const containerSchema = z.looseObject({
  name: text,
  image: text,
  cpu: number,
  memory: number,
  memoryReservation: number,
  essential: flag,
  links: texts,
  hostname: text,
  portMappings: listOf(
    z.looseObject({ containerPort: number, hostPort: number, containerPortRange: text, name: text }),
  ),
  environment: listOf(named),
  secrets: listOf(z.looseObject({ name: text, valueFrom: text })),
  mountPoints: listOf(z.looseObject({ sourceVolume: text })),
  volumesFrom: listOf(z.looseObject({ sourceContainer: text })),
  dependsOn: listOf(z.looseObject({ containerName: text, condition: text })),
  startTimeout: number,
  stopTimeout: number,
  healthCheck: optional(
    z.looseObject({ command: texts, interval: number, timeout: number, retries: number, startPeriod: number }),
  ),
  logConfiguration: optional(z.looseObject({ logDriver: text, options: texted })),
  firelensConfiguration: optional(z.looseObject({ type: text })),
  restartPolicy: optional(z.looseObject({ ignoredExitCodes: listOf(z.number()), restartAttemptPeriod: number })),
  linuxParameters: optional(
    z.looseObject({
      capabilities: optional(z.looseObject({ add: texts })),
      devices: listOf(z.looseObject({})),
      tmpfs: listOf(z.looseObject({})),
      sharedMemorySize: number,
      maxSwap: number,
      swappiness: number,
    }),
  ),
  dockerLabels: texted,
  dnsServers: texts,
  dnsSearchDomains: texts,
  dockerSecurityOptions: texts,
  extraHosts: listOf(z.looseObject({})),
  disableNetworking: flag,
  privileged: flag,
  resourceRequirements: listOf(z.looseObject({ type: text })),
});

/** https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RegisterTaskDefinition.html */
const requestSchema = z.looseObject({
  family: text,
  networkMode: text,
  containerDefinitions: listOf(containerSchema),
  requiresCompatibilities: texts,
  cpu: text,
  memory: text,
  executionRoleArn: text,
  pidMode: text,
  ipcMode: text,
  ephemeralStorage: optional(z.looseObject({ sizeInGiB: number })),
  placementConstraints: listOf(z.looseObject({})),
  proxyConfiguration: optional(z.looseObject({ type: text })),
  volumes: listOf(
    z.looseObject({
      name: text,
      host: optional(z.looseObject({ sourcePath: text })),
      dockerVolumeConfiguration: anything,
    }),
  ),
  // An empty list is refused, none at all is not.
  tags: optional(z.array(z.looseObject({ key: text, value: text }))),
});

/** The members of RegisterTaskDefinition's request that a rule reads, absent lists as empty ones. */
export type RegistrationRequest = z.output<typeof requestSchema>;
export type ContainerRequest = z.output<typeof containerSchema>;

/** What a rule finds, each in a sentence: ECS's own where reports of users give it. */
export type Problems = Iterable<string>;

/** Reads a request. `unreadable` names the members that have another type than the API's. */
export function readRequest(
  definition: JsonObject,
): { readonly request: RegistrationRequest } | { readonly unreadable: readonly string[] } {
  const { success, data, error } = requestSchema.safeParse(definition);
  if (success) return { request: data };
  return { unreadable: error.issues.map(({ path }) => `Invalid type for parameter '${path.join(".")}'.`) };
}

/**
 * True when the definition is validated for Fargate, also beside other launch types.
 * https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-cpu-memory-error.html
 */
export function isForFargate({ requiresCompatibilities }: RegistrationRequest): boolean {
  return requiresCompatibilities.includes("FARGATE");
}

/** The network mode; `bridge` is the default (RegisterTaskDefinition, `networkMode`). */
export function networkModeOf({ networkMode }: RegistrationRequest): string {
  return networkMode ?? "bridge";
}
