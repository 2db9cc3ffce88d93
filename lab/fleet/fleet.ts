import * as z from "zod";
import { isJsonObject, type Json, type JsonObject } from "../../shared/json.ts";

const place = { account: z.string().regex(/^\d{12}$/), region: z.string().min(1) };
const tags = z.record(z.string(), z.string()).default({});
const definition = z.custom<JsonObject>((value) => isJsonObject(value), "a task definition in registerable form");

const serviceSchema = z.strictObject({
  ...place,
  cluster: z.string().min(1),
  name: z.string().min(1),
  /** Registered for the service: raw, as RegisterTaskDefinition takes it. */
  taskDefinition: definition,
  desiredCount: z.int().nonnegative().default(1),
  launchType: z.enum(["FARGATE", "EC2"]).default("FARGATE"),
  deploymentController: z.enum(["ECS", "CODE_DEPLOY", "EXTERNAL"]).default("ECS"),
  circuitBreaker: z.boolean().default(false),
  tags,
});

const clusterSchema = z.strictObject({ ...place, name: z.string().min(1), tags });

/** What a fleet file (`npm run lab -- --fleet FILE`) holds. */
export const fleetSchema = z.strictObject({ clusters: z.array(clusterSchema), services: z.array(serviceSchema) });
export type Fleet = z.output<typeof fleetSchema>;
export type FleetService = z.output<typeof serviceSchema>;

/** Makes one ECS call in an account and region, as an operator would. */
export type OperatorCall = (
  place: { readonly account: string; readonly region: string },
  call: string,
  input: JsonObject,
) => Promise<JsonObject>;

/** Creates the fleet by ECS's own API, so that ECS refuses here what it refuses there. */
export async function createFleet(fleet: Fleet, call: OperatorCall): Promise<void> {
  for (const { name, tags: clusterTags, ...at } of fleet.clusters) {
    await call(at, "CreateCluster", { clusterName: name, tags: tagList(clusterTags) });
  }
  for (const service of fleet.services) await createService(service, call);
}

/** Registers the service's task definition and creates the service. Returns the service's ARN. */
export async function createService(service: FleetService, call: OperatorCall): Promise<string> {
  const registered = await call(service, "RegisterTaskDefinition", service.taskDefinition);
  const created = await call(service, "CreateService", createServiceInput(service, revisionArn(registered)));
  return textIn(created, "service", "serviceArn");
}

function createServiceInput(service: FleetService, taskDefinition: string): JsonObject {
  const awsvpc = service.taskDefinition.networkMode === "awsvpc";
  const rollback = { enable: service.circuitBreaker, rollback: service.circuitBreaker };
  return {
    cluster: service.cluster,
    serviceName: service.name,
    taskDefinition,
    desiredCount: service.desiredCount,
    launchType: service.launchType,
    deploymentController: { type: service.deploymentController },
    ...(service.circuitBreaker && { deploymentConfiguration: { deploymentCircuitBreaker: rollback } }),
    ...(awsvpc && { networkConfiguration: { awsvpcConfiguration: { subnets: ["subnet-0a1b2c3d"] } } }),
    ...(Object.keys(service.tags).length > 0 && { tags: tagList(service.tags) }),
  };
}

/** The ARN in RegisterTaskDefinition's answer. */
export function revisionArn(registered: JsonObject): string {
  return textIn(registered, "taskDefinition", "taskDefinitionArn");
}

function textIn(answer: JsonObject, member: string, name: string): string {
  const inner = answer[member];
  const value = isJsonObject(inner) ? inner[name] : undefined;
  if (typeof value !== "string") throw new Error(`the lab's answer lacks ${member}.${name}`);
  return value;
}

function tagList(byKey: Readonly<Record<string, string>>): Json {
  return Object.entries(byKey).map(([key, value]) => ({ key, value }));
}
