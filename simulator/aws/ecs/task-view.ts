import { isJsonObject, type Json, type JsonObject } from "../../base/json.ts";
import { isOnFargate } from "./capacity.ts";
import type { ContainerSpec } from "./container-spec.ts";
import { defined } from "./input.ts";
import type { ContainerPlan, EcsTask, TaskNetwork } from "./model.ts";
import { tagList } from "./tag-rules.ts";
import { decidesHealth } from "./task-plan.ts";

export type TimeFormat = (ms: number) => Json;

type HealthStatus = "HEALTHY" | "UNHEALTHY" | "UNKNOWN";

/** A task as DescribeTasks returns it; task events carry the same with other times and without health. */
export function taskView(task: EcsTask, nowMs: number, time: TimeFormat, options: { tags: boolean }): JsonObject {
  const { deployment, plan, revision, stop } = task;
  const { platformVersion } = deployment.settings;
  const launchType = launchTypeOf(task);
  const fargate = launchType === "FARGATE";
  const at = (ms: number | undefined) => (ms === undefined || ms > nowMs ? undefined : time(ms));
  return defined({
    attachments: task.network ? [attachment(task)] : [],
    attributes: [{ name: "ecs.cpu-architecture", value: "x86_64" }],
    availabilityZone: `${task.cluster.scope.region}${task.zone}`,
    capacityProviderName: task.capacityProvider ?? (fargate ? "FARGATE" : undefined),
    clusterArn: task.cluster.arn,
    connectivity: plan ? "CONNECTED" : undefined,
    connectivityAt: at(plan?.pullStartedAtMs),
    containers: [...revision.spec.containerDefinitions, ...task.added.specs].map((spec) =>
      containerView(task, spec, nowMs),
    ),
    cpu: revision.spec.cpu,
    createdAt: time(task.createdAtMs),
    desiredStatus: task.desiredStatus,
    enableExecuteCommand: task.service.settings.enableExecuteCommand === true,
    executionStoppedAt: at(stop ? task.stoppingAtMs : undefined),
    group: `service:${task.service.name}`,
    healthStatus: taskHealth(task, nowMs),
    lastStatus: task.lastStatus,
    launchType,
    memory: revision.spec.memory,
    overrides: { containerOverrides: revision.spec.containerDefinitions.map(({ name }) => ({ name })) },
    platformVersion: fargate ? actualPlatform(platformVersion) : undefined,
    platformFamily: fargate ? "Linux" : undefined,
    pullStartedAt: at(plan?.pullStartedAtMs),
    pullStoppedAt: at(plan?.pullStoppedAtMs),
    startedAt: at(task.startedAtMs),
    startedBy: deployment.id,
    stopCode: stop?.stopCode,
    stoppedAt: at(task.stoppedAtMs),
    stoppedReason: stop?.stoppedReason,
    stoppingAt: at(task.stoppingAtMs),
    tags: options.tags ? tagList(task.tags) : [],
    taskArn: task.arn,
    taskDefinitionArn: revision.arn,
    version: task.version,
  });
}

/** A task has a launch type also where its service has a strategy instead, as events that users have shown. */
export function launchTypeOf({ deployment }: Pick<EcsTask, "deployment">): string {
  const { settings } = deployment;
  if (isOnFargate(settings)) return "FARGATE";
  return typeof settings.launchType === "string" ? settings.launchType : "EC2";
}

/** The platform version that runs: `LATEST` is 1.4.0. */
export function actualPlatform(platformVersion: Json | undefined): string {
  return typeof platformVersion === "string" && platformVersion !== "LATEST" ? platformVersion : "1.4.0";
}

/**
 * One UNHEALTHY essential container makes the task UNHEALTHY, else one UNKNOWN makes it UNKNOWN; containers without a
 * health check don't count. https://docs.aws.amazon.com/AmazonECS/latest/developerguide/healthcheck.html
 */
export function taskHealth(task: EcsTask, nowMs: number): HealthStatus {
  const deciding = task.revision.spec.containerDefinitions.filter(decidesHealth);
  const states = deciding.map((spec) => containerHealth(task, spec, nowMs));
  if (states.includes("UNHEALTHY")) return "UNHEALTHY";
  return states.length === 0 || states.includes("UNKNOWN") ? "UNKNOWN" : "HEALTHY";
}

/** What a container's health check says at a time (epoch milliseconds). */
export function containerHealth(task: EcsTask, { name }: ContainerSpec, nowMs: number): HealthStatus {
  const plan = task.plan?.containers.get(name);
  const atMs = Math.min(nowMs, task.stoppingAtMs ?? nowMs);
  if (!plan) return "UNKNOWN";
  if (atMs >= plan.unhealthyAtMs) return "UNHEALTHY";
  return atMs >= plan.healthyAtMs ? "HEALTHY" : "UNKNOWN";
}

function containerView(task: EcsTask, spec: ContainerSpec, nowMs: number): JsonObject {
  const plan = task.plan?.containers.get(spec.name);
  const suffix = Buffer.from(spec.name).toString("hex").slice(0, 8).padEnd(8, "0");
  return defined({
    containerArn: task.arn.replace(":task/", ":container/").concat(`/${suffix}`),
    taskArn: task.arn,
    name: spec.name,
    image: spec.image,
    runtimeId: plan && plan.startsAtMs <= nowMs ? `${task.id}-${suffix}` : undefined,
    ...containerStatus(task, plan, nowMs),
    networkInterfaces: task.network ? [interfaceView(task.network)] : [],
    healthStatus: containerHealth(task, spec, nowMs),
    cpu: String(spec.cpu ?? 0),
    memory: spec.memory === undefined ? undefined : String(spec.memory),
    memoryReservation: spec.memoryReservation === undefined ? undefined : String(spec.memoryReservation),
  });
}

/** 143: stopped by SIGTERM, as the containers are that a stopping task still has. */
const TERMINATED = 143;

function containerStatus(
  task: EcsTask,
  plan: ContainerPlan | undefined,
  nowMs: number,
): Record<string, Json | undefined> {
  const reason = task.stop?.containerReasons?.[plan?.name ?? ""];
  const endsAtMs = task.stoppingAtMs ?? Infinity;
  const started = plan !== undefined && plan.startsAtMs <= Math.min(nowMs, endsAtMs);
  const exited = plan !== undefined && plan.exitsAtMs <= Math.min(nowMs, endsAtMs);
  if (exited) return { lastStatus: "STOPPED", exitCode: plan.exitCode, reason: reason ?? plan.reason };
  if (task.lastStatus === "STOPPED") {
    return { lastStatus: "STOPPED", exitCode: started ? TERMINATED : undefined, reason };
  }
  return { lastStatus: started ? "RUNNING" : "PENDING", reason };
}

function interfaceView({ attachmentId, address, ipv6 }: TaskNetwork): Json {
  return ipv6 ? { attachmentId, ipv6Address: address } : { attachmentId, privateIpv4Address: address };
}

function attachment({ network, lastStatus }: EcsTask): Json {
  const details = {
    subnetId: network?.subnetId,
    networkInterfaceId: network?.networkInterfaceId,
    macAddress: network?.macAddress,
    [network?.ipv6 ? "privateIPv6Address" : "privateIPv4Address"]: network?.address,
  };
  const status = lastStatus === "PROVISIONING" ? "ATTACHING" : lastStatus === "STOPPED" ? "DELETED" : "ATTACHED";
  return {
    id: network?.attachmentId ?? "",
    type: "ElasticNetworkInterface",
    status,
    details: Object.entries(details).map(([name, value]) => ({ name, value: value ?? "" })),
  };
}

/** The subnets that a service's network configuration names. */
export function subnetsOf(networkConfiguration: Json | undefined): readonly string[] {
  if (!isJsonObject(networkConfiguration)) return [];
  const { awsvpcConfiguration } = networkConfiguration;
  if (!isJsonObject(awsvpcConfiguration) || !Array.isArray(awsvpcConfiguration.subnets)) return [];
  return awsvpcConfiguration.subnets.filter((subnet) => typeof subnet === "string");
}
