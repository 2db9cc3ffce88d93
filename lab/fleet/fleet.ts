import * as z from "zod";
import { isJsonObject, type Json, type JsonObject } from "../../shared/base/json.ts";

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
  /** The service has a strategy of these, with equal weights, instead of the launch type. */
  capacityProviders: z.array(z.string().min(1)).default([]),
  deploymentController: z.enum(["ECS", "CODE_DEPLOY", "EXTERNAL"]).default("ECS"),
  circuitBreaker: z.boolean().default(false),
  /** Where its tasks run, with the network mode `awsvpc`. One that begins with `subnet-ipv6` has IPv6 alone. */
  subnets: z.array(z.string().min(1)).min(1).default(["subnet-0a1b2c3d"]),
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

/** ECS takes a cluster or a service of the fleet no more than AWS would. */
export class FleetRefused extends Error {
  override readonly name = "FleetRefused";
}

/**
 * Creates the fleet by ECS's own API, so that ECS refuses here what it refuses there.
 * @throws FleetRefused that names the cluster or service
 */
export async function createFleet(fleet: Fleet, call: OperatorCall): Promise<void> {
  for (const [index, { name, tags: clusterTags, ...at }] of fleet.clusters.entries()) {
    const input = { clusterName: name, tags: tagList(clusterTags) };
    await call(at, "CreateCluster", input).catch(refusedAt(`clusters[${index}] (${name})`));
  }
  for (const [index, service] of fleet.services.entries()) {
    await createService(service, call).catch(refusedAt(`services[${index}] (${service.name})`));
  }
}

function refusedAt(where: string): (cause: unknown) => never {
  return (cause) => {
    throw new FleetRefused(`${where}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  };
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
    ...capacity(service),
    deploymentController: { type: service.deploymentController },
    ...(service.circuitBreaker && { deploymentConfiguration: { deploymentCircuitBreaker: rollback } }),
    ...(awsvpc && { networkConfiguration: { awsvpcConfiguration: { subnets: service.subnets } } }),
    ...(Object.keys(service.tags).length > 0 && { tags: tagList(service.tags) }),
  };
}

function capacity({ launchType, capacityProviders }: FleetService): JsonObject {
  if (capacityProviders.length === 0) return { launchType };
  return { capacityProviderStrategy: capacityProviders.map((capacityProvider) => ({ capacityProvider, weight: 1 })) };
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
