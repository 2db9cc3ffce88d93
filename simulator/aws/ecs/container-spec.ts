import * as z from "zod";
import type { JsonObject } from "../../base/json.ts";
import { clientException } from "./errors.ts";

const containerSchema = z.looseObject({
  name: z.string(),
  image: z.string().default(""),
  essential: z.boolean().default(true),
  startTimeout: z.number().optional(),
  dependsOn: z.array(z.looseObject({ containerName: z.string(), condition: z.string() })).default([]),
  logConfiguration: z.looseObject({ logDriver: z.string().optional() }).nullish(),
  firelensConfiguration: z.looseObject({}).nullish(),
  volumesFrom: z.array(z.looseObject({ sourceContainer: z.string().default("") })).default([]),
  links: z.array(z.string()).default([]),
  healthCheck: z
    .looseObject({
      command: z.array(z.string()).default([]),
      interval: z.number().default(30),
      retries: z.number().default(3),
      startPeriod: z.number().default(0),
    })
    .optional(),
  secrets: z.array(z.looseObject({ name: z.string(), valueFrom: z.string() })).default([]),
  environment: z.array(z.looseObject({ name: z.string().default(""), value: z.string().default("") })).default([]),
  portMappings: z
    .array(z.looseObject({ containerPort: z.number().optional(), name: z.string().optional() }))
    .default([]),
  cpu: z.number().optional(),
  memory: z.number().optional(),
  memoryReservation: z.number().optional(),
});

const definitionSchema = z.looseObject({
  containerDefinitions: z.array(containerSchema),
  networkMode: z.string().optional(),
  volumes: z
    .array(z.looseObject({ name: z.string().optional(), configuredAtLaunch: z.boolean().nullish() }))
    .default([]),
  executionRoleArn: z.string().optional(),
  taskRoleArn: z.string().optional(),
  cpu: z.string().optional(),
  memory: z.string().optional(),
});

export type ContainerSpec = z.infer<typeof containerSchema>;
/** What of a task definition decides how its tasks run. */
export type TaskDefinitionSpec = z.infer<typeof definitionSchema>;

/**
 * Reads a task definition as far as running its tasks needs it.
 * @throws AwsError `ClientException` that names the member which is missing or of another type.
 */
export function taskDefinitionSpec(definition: JsonObject): TaskDefinitionSpec {
  const { success, data, error } = definitionSchema.safeParse(definition);
  if (success) return data;
  throw clientException(`Invalid type for parameter '${error.issues[0]?.path.join(".") ?? ""}'.`);
}

/** A container that ECS itself puts beside those of the definition, by its name and image. */
export function addedContainerSpec(name: string, image: string): ContainerSpec {
  return containerSchema.parse({ name, image, essential: false });
}
