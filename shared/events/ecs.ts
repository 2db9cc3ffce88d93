import * as z from "zod";
import { deploymentEventNames } from "../base/vocabulary.ts";
import { clusterArnSchema, type Envelope, forService, type Incoming, ignored, reconcileRequest } from "./envelope.ts";

const resourcesSchema = z.tuple([z.string()], z.string());

const deploymentSchema = z.object({
  eventName: z.string(),
  deploymentId: z.string().min(1),
  reason: z.string().default(""),
});
const knownEventName = z.enum(deploymentEventNames);

/**
 * A deployment of a service started, completed or failed.
 * https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs_service_deployment_events.html
 */
export function deploymentEvent(event: Envelope): Incoming {
  const { eventName, deploymentId, reason } = deploymentSchema.parse(event.detail);
  const [resource] = resourcesSchema.parse(event.resources);
  const known = knownEventName.safeParse(eventName);
  if (!known.success) return ignored("unknown-event-name", eventName);
  return forService(resource, (serviceArn) => ({
    kind: "deployment",
    serviceArn,
    deploymentId,
    eventName: known.data,
    reason,
  }));
}

const taskSchema = z.object({
  clusterArn: clusterArnSchema,
  taskArn: z.string().min(1),
  taskDefinitionArn: z.string().min(1),
  lastStatus: z.string(),
  group: z.string().optional(),
  stopCode: z.string().optional(),
  stoppedReason: z.string().optional(),
  containers: z.array(
    z.object({
      name: z.string(),
      lastStatus: z.string(),
      exitCode: z.number().optional(),
      reason: z.string().optional(),
    }),
  ),
});

/**
 * A task of a service stopped.
 * https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs_task_events.html
 */
export function taskEvent(event: Envelope): Incoming {
  const { clusterArn, group, lastStatus, taskArn, ...task } = taskSchema.parse(event.detail);
  if (lastStatus !== "STOPPED") return ignored("task-not-stopped", `${taskArn} is ${lastStatus}`);
  if (!group?.startsWith("service:")) return ignored("not-a-service-task", taskArn);
  const service = `${clusterArn.replace(":cluster/", ":service/")}/${group.slice("service:".length)}`;
  return forService(service, (serviceArn) => ({
    kind: "task-stopped",
    serviceArn,
    taskArn,
    taskDefinitionArn: task.taskDefinitionArn,
    containers: task.containers,
    stopCode: task.stopCode,
    stoppedReason: task.stoppedReason,
  }));
}

const tagSchema = z.object({ service: z.string() });

/**
 * A tag of a service or a cluster changed. `resource-type` is not read: it is undocumented for ECS.
 * https://docs.aws.amazon.com/tag-editor/latest/userguide/tag-monitor.html
 */
export function tagEvent(event: Envelope): Incoming {
  const { service } = tagSchema.parse(event.detail);
  const [resource] = resourcesSchema.parse(event.resources);
  return service === "ecs" ? reconcileRequest(resource, "tag-change") : ignored("not-a-service", resource);
}
