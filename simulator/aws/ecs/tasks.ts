import * as z from "zod";
import type { Operation } from "../../core/service.ts";
import { enums } from "../enums.ts";
import { epochSeconds } from "../input.ts";
import { ecsArn } from "./arns.ts";
import { invalidParameter } from "./errors.ts";
import { includeSchema, parseEcsInput } from "./input.ts";
import type { EcsTask } from "./model.ts";
import { hasNewValues, withNewTaskStatus } from "./new-values.ts";
import { pageByKey } from "./paging.ts";
import type { EcsParts } from "./parts.ts";
import { launchTypeOf, taskView } from "./task-view.ts";

const MAX_DESCRIBED = 100;
const listSchema = z.looseObject({
  cluster: z.string().optional(),
  serviceName: z.string().optional(),
  family: z.string().optional(),
  startedBy: z.string().optional(),
  launchType: z.string().optional(),
  desiredStatus: z.enum(enums.ecs.DesiredStatus).default("RUNNING"),
  maxResults: z.number().optional(),
  nextToken: z.string().optional(),
});
const describeSchema = z.looseObject({
  cluster: z.string().optional(),
  tasks: z.array(z.string()),
  include: includeSchema,
});
const stopSchema = z.looseObject({
  cluster: z.string().optional(),
  task: z.string(),
  reason: z.string().max(1024).default("Task stopped by user"),
});

/** ListTasks, DescribeTasks, StopTask. */
export function taskOperations({ environment, store, scheduler }: EcsParts): Record<string, Operation> {
  const { clock, timings } = environment;
  const remembered = ({ stoppedAtMs }: EcsTask) =>
    stoppedAtMs === undefined || clock.now() - stoppedAtMs < timings.stoppedTaskRetentionMs;
  return {
    ListTasks(input, context) {
      const request = parseEcsInput(listSchema, input);
      const { desiredStatus, family, startedBy, launchType } = request;
      const cluster = store.cluster(store.scope(context), request.cluster);
      const service = request.serviceName === undefined ? undefined : store.serviceIn(cluster, request.serviceName);
      const source = service ?? cluster;
      const pool =
        desiredStatus === "STOPPED" ? [...source.tasks.values(), ...source.stopped.values()] : source.tasks.values();
      const tasks = [...pool]
        .filter((task) => task.desiredStatus === desiredStatus && remembered(task))
        .filter(({ revision }) => family === undefined || revision.family === family)
        .filter(({ deployment }) => startedBy === undefined || deployment.id === startedBy)
        .filter((task) => launchType === undefined || launchTypeOf(task) === launchType)
        .sort((a, b) => a.sequence - b.sequence);
      const limits = { defaultResults: 100, maxResults: 100 };
      const { items, nextToken } = pageByKey(tasks, ({ sequence }) => sequence, request, limits);
      return { taskArns: items.map(({ arn }) => arn), ...(nextToken === undefined ? {} : { nextToken }) };
    },

    DescribeTasks(input, context) {
      const { cluster: name, tasks, include } = parseEcsInput(describeSchema, input);
      if (tasks.length === 0) throw invalidParameter("Tasks cannot be empty.");
      if (tasks.length > MAX_DESCRIBED)
        throw invalidParameter(`Tasks cannot have more than ${MAX_DESCRIBED} elements.`);
      const scope = store.scope(context);
      const cluster = store.cluster(scope, name);
      const nowMs = clock.now();
      const options = { tags: include?.includes("TAGS") ?? false };
      const found = tasks.map((identifier) => ({ identifier, task: store.findTask(cluster, identifier) }));
      const missing = found.filter(({ task }) => !task || !remembered(task));
      return {
        tasks: found.flatMap(({ task }) => {
          if (!task || !remembered(task)) return [];
          const view = taskView(task, nowMs, epochSeconds, options);
          return [hasNewValues(environment, task.service) ? withNewTaskStatus(view) : view];
        }),
        failures: missing.map(({ identifier }) => ({
          arn: identifier.startsWith("arn:") ? identifier : ecsArn(scope, `task/${cluster.name}/${identifier}`),
          reason: "MISSING",
        })),
      };
    },

    StopTask(input, context) {
      const { cluster: name, task: identifier, reason } = parseEcsInput(stopSchema, input);
      const cluster = store.cluster(store.scope(context), name);
      const task = store.findTask(cluster, identifier);
      if (!task || !remembered(task)) throw invalidParameter("The referenced task was not found.");
      scheduler.stopTask(task, reason);
      return { task: taskView(task, clock.now(), epochSeconds, { tags: false }) };
    },
  };
}
