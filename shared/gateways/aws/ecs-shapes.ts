/** What the autopilot depends on in ECS's answers. */
import * as z from "zod";
import { parseServiceArn } from "../../base/arn.ts";
import { isJsonObject, type JsonObject } from "../../base/json.ts";
import type { DescribedTaskDefinition, ObservedService, ServiceDeployment, Tags } from "../../model/service.ts";
import type { ObservedTask } from "../../model/task.ts";
import { strategyMinutes, strategyShape } from "./ecs-strategy.ts";

const tagsSchema = z
  .array(z.object({ key: z.string(), value: z.string().default("") }))
  .default([])
  .transform((tags): Tags => Object.fromEntries(tags.map(({ key, value }) => [key, value])));

const deploymentSchema = z
  .object({
    id: z.string(),
    status: z.string(),
    taskDefinition: z.string().default(""),
    // Absent for other controllers than ECS.
    rolloutState: z.string().optional(),
    rolloutStateReason: z.string().optional(),
    failedTasks: z.number().default(0),
    desiredCount: z.number().default(0),
    runningCount: z.number().default(0),
    serviceConnectConfiguration: z.object({ enabled: z.boolean().default(false) }).optional(),
  })
  .transform(({ taskDefinition, rolloutState, rolloutStateReason, ...rest }) => ({
    ...rest,
    taskDefinitionArn: taskDefinition,
    rolloutState,
    rolloutStateReason,
  }));

const serviceSchema = z.object({
  serviceArn: z.string(),
  status: z.string(),
  /** Epoch seconds, with fractions. */
  createdAt: z.number().optional(),
  taskDefinition: z.string().optional(),
  taskSets: z.array(z.object({ status: z.string().optional(), taskDefinition: z.string().optional() })).default([]),
  deploymentController: z.object({ type: z.string().optional() }).optional(),
  deploymentConfiguration: z
    .object({
      ...strategyShape,
      minimumHealthyPercent: z.number().optional(),
      maximumPercent: z.number().optional(),
    })
    .optional(),
  launchType: z.string().optional(),
  capacityProviderStrategy: z.array(z.object({ capacityProvider: z.string().default("") })).default([]),
  platformVersion: z.string().optional(),
  schedulingStrategy: z.string().default("REPLICA"),
  placementConstraints: z.array(z.object({ expression: z.string().optional() })).default([]),
  resourceManagementType: z.string().default("CUSTOMER"),
  // Absent where it is NONE.
  propagateTags: z.string().default("NONE"),
  desiredCount: z.number().default(0),
  deployments: z.array(deploymentSchema).default([]),
  tags: tagsSchema,
});
type ServiceShape = z.infer<typeof serviceSchema>;

/**
 * A service of a response. `undefined` for one without a long-format ARN, which can have no tags, and for one that has
 * no task definition yet: neither can be enrolled, nor can it have been. Throws a ZodError for any other shape.
 */
export function observedService(service: unknown): ObservedService | undefined {
  const shape = serviceSchema.parse(service);
  const ref = parseServiceArn(shape.serviceArn);
  const taskDefinitionArn = primaryTaskDefinition(shape);
  if (!ref || !taskDefinitionArn) return undefined;
  return {
    ref,
    status: shape.status,
    createdAtMs: shape.createdAt === undefined ? undefined : Math.round(shape.createdAt * 1000),
    taskDefinitionArn,
    deploymentController: shape.deploymentController?.type ?? "ECS",
    deploymentStrategy: shape.deploymentConfiguration?.strategy ?? "ROLLING",
    hasPauseHook:
      shape.deploymentConfiguration?.lifecycleHooks.some(({ targetType }) => targetType === "PAUSE") ?? false,
    strategyMinutes: shape.deploymentConfiguration ? strategyMinutes(shape.deploymentConfiguration) : 0,
    schedulingStrategy: shape.schedulingStrategy,
    deploymentPercents: percentsOf(shape),
    placementExpressions: shape.placementConstraints.flatMap(({ expression }) => expression ?? []),
    resourceManagement: shape.resourceManagementType,
    usesServiceConnect: primaryDeployment(shape)?.serviceConnectConfiguration?.enabled ?? false,
    launchType: launchTypeOf(shape),
    platformVersion: shape.platformVersion,
    desiredCount: shape.desiredCount,
    propagateTags: shape.propagateTags,
    deployments: shape.deployments.map(({ serviceConnectConfiguration: _, ...deployment }) => deployment),
    tags: shape.tags,
  };
}

function primaryDeployment({ deployments }: ServiceShape) {
  return deployments.find(({ status }) => status === "PRIMARY");
}

/**
 * ECS's defaults where the service has none of its own.
 * https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DeploymentConfiguration.html
 */
function percentsOf({
  deploymentConfiguration,
  schedulingStrategy,
}: ServiceShape): ObservedService["deploymentPercents"] {
  const isDaemon = schedulingStrategy === "DAEMON";
  return {
    minimumHealthy: deploymentConfiguration?.minimumHealthyPercent ?? (isDaemon ? 0 : 100),
    maximum: deploymentConfiguration?.maximumPercent ?? (isDaemon ? 100 : 200),
  };
}

function primaryTaskDefinition(shape: ServiceShape): string | undefined {
  const { taskSets, taskDefinition } = shape;
  const primary = primaryDeployment(shape)?.taskDefinitionArn;
  const taskSet = taskSets.find(({ status }) => status === "PRIMARY") ?? taskSets[0];
  return primary || taskDefinition || taskSet?.taskDefinition || undefined;
}

/** A service with a capacity provider strategy has no launch type; FARGATE and FARGATE_SPOT are AWS's own providers. */
function launchTypeOf({ launchType, capacityProviderStrategy }: ServiceShape): ObservedService["launchType"] {
  if (launchType === "FARGATE" || launchType === "EC2" || launchType === "EXTERNAL") return launchType;
  if (launchType !== undefined) return "EC2"; // MANAGED_INSTANCES: EC2 instances that AWS runs
  const [first] = capacityProviderStrategy;
  if (!first) return undefined;
  return /^FARGATE(_SPOT)?$/.test(first.capacityProvider) ? "FARGATE" : "EC2";
}

const failuresSchema = z
  .array(z.object({ arn: z.string().optional(), reason: z.string().optional(), detail: z.string().optional() }))
  .default([]);
/** What a call that describes several things could not describe. */
export type Failure = z.infer<typeof failuresSchema>[number];

/** The `failures` member of a response, split into what is missing and what went wrong. */
export function failuresOf(failures: unknown): {
  readonly missing: readonly Failure[];
  readonly other: readonly Failure[];
} {
  const all = failuresSchema.parse(failures);
  return {
    missing: all.filter(({ reason }) => reason === "MISSING"),
    other: all.filter(({ reason }) => reason !== "MISSING"),
  };
}

const describedTags = z.array(z.object({ key: z.string(), value: z.string().default("") })).default([]);

const definitionBodySchema = z.object({
  taskDefinition: z.custom<JsonObject>(isJsonObject, "a JSON object"),
  tags: describedTags,
});
const definitionSchema = z.object({ taskDefinitionArn: z.string().min(1) });

/** A task definition from the raw body of DescribeTaskDefinition or RegisterTaskDefinition. Throws a ZodError. */
export function describedTaskDefinition(body: JsonObject): DescribedTaskDefinition {
  const { taskDefinition, tags } = definitionBodySchema.parse(body);
  const { taskDefinitionArn } = definitionSchema.parse(taskDefinition);
  return { taskDefinitionArn, raw: taskDefinition, tags };
}

const failures = z.unknown().optional();
const listed = z.array(z.string()).default([]);

/** DescribeServices' answer, and UpdateService's: services that are read by `observedService`. */
export const servicesAnswer = z.object({ services: z.array(z.unknown()).default([]), failures });
export const serviceEventsAnswer = z.object({
  services: z
    .array(z.object({ events: z.array(z.object({ createdAt: z.number(), message: z.string() })).default([]) }))
    .default([]),
});
/** ListServiceDeployments' answer. */
export const deploymentsListed = z.object({
  serviceDeployments: z.array(z.object({ serviceDeploymentArn: z.string() })).default([]),
});
/** DescribeServiceDeployments' answer. */
export const deploymentsAnswer = z.object({
  serviceDeployments: z
    .array(
      z.object({
        createdAt: z.number(),
        status: z.string(),
        alarms: z.object({ triggeredAlarmNames: z.array(z.string()).default([]) }).optional(),
        deploymentCircuitBreaker: z.object({ status: z.string().optional() }).optional(),
        lifecycleHookDetails: z.array(z.object({ status: z.string().optional() })).default([]),
      }),
    )
    .default([]),
  failures,
});
export const updateAnswer = z.object({ service: z.unknown().optional() });
/** DescribeTasks' answer: tasks that are read by `observedTask`. */
export const tasksAnswer = z.object({ tasks: z.array(z.unknown()).default([]), failures });
/** A page of ListClusters, ListServices or ListTasks. */
export const listAnswer = z.object({
  clusterArns: listed,
  serviceArns: listed,
  taskArns: listed,
  nextToken: z.string().optional(),
});

const clusterSchema = z.object({ clusterArn: z.string(), tags: tagsSchema });

/** DescribeClusters' answer: the tags of each cluster. */
export const clustersAnswer = z.object({ clusters: z.array(clusterSchema).default([]), failures });

const containerSchema = () =>
  z.object({
    name: z.string(),
    lastStatus: z.string().default("UNKNOWN"),
    exitCode: z.number().optional(),
    reason: z.string().optional(),
    healthStatus: z.string().optional(),
    networkInterfaces: z
      .array(z.object({ privateIpv4Address: z.string().optional(), ipv6Address: z.string().optional() }))
      .default([]),
  });

// Built at its first use: most functions read no task.
const taskSchema = z.lazy(() =>
  z.object({
    taskArn: z.string(),
    taskDefinitionArn: z.string(),
    lastStatus: z.string(),
    group: z.string().optional(),
    startedBy: z.string().optional(),
    createdAt: z.number().optional(),
    stopCode: z.string().optional(),
    stoppedReason: z.string().optional(),
    healthStatus: z.string().optional(),
    attachments: z
      .array(
        z.object({
          type: z.string().optional(),
          details: z.array(z.object({ name: z.string().optional(), value: z.string().optional() })).default([]),
        }),
      )
      .default([]),
    containers: z.array(containerSchema()).default([]),
    tags: tagsSchema,
  }),
);

/** A task of a DescribeTasks response. Throws a ZodError for any other shape. */
export function observedTask(task: unknown): ObservedTask {
  const { attachments, containers, createdAt, ...rest } = taskSchema.parse(task);
  const details = attachments.flatMap((attachment) => attachment.details);
  const [networkInterface] = containers.flatMap(({ networkInterfaces }) => networkInterfaces);
  const detail = (key: string) => details.find(({ name }) => name === key)?.value;
  const ipv6Address = networkInterface?.ipv6Address;
  return {
    ...rest,
    createdAtMs: createdAt === undefined ? undefined : Math.round(createdAt * 1000),
    privateIpv4Address: detail("privateIPv4Address") ?? networkInterface?.privateIpv4Address,
    ...(ipv6Address !== undefined && { ipv6Address }),
    containers: containers.map(({ networkInterfaces: _, ...container }) => container),
  };
}

/** A service deployment of `deploymentsAnswer`. */
export function serviceDeployment(
  answer: z.output<typeof deploymentsAnswer>["serviceDeployments"][number],
): ServiceDeployment {
  const { createdAt, status, alarms, deploymentCircuitBreaker: breaker, lifecycleHookDetails: hooks } = answer;
  return {
    createdAtMs: Math.round(createdAt * 1000),
    status,
    triggeredAlarms: alarms?.triggeredAlarmNames ?? [],
    isBroken: breaker?.status === "TRIGGERED",
    hasFailedHook: hooks.some((hook) => hook.status === "FAILED" || hook.status === "TIMED_OUT"),
  };
}
