import type { Json, JsonObject } from "../../base/json.ts";
import { epochSeconds } from "../input.ts";
import type { EcsDeployment, EcsService, EcsTask } from "./model.ts";
import { counts } from "./service-view.ts";
import type { EcsStore } from "./store.ts";
import { taskView } from "./task-view.ts";

/** All clusters and services with their deployments, tasks and containers, for people and reports. */
export function ecsState(store: EcsStore, nowMs: number): JsonObject {
  const clusters = [...store.scopes()].flatMap((scope) => [...scope.clusters.values()]);
  const services = [...store.services()].filter(({ status }) => status !== "INACTIVE");
  return {
    clusters: clusters.map(({ arn, status, tags }) => ({ clusterArn: arn, status, tags: Object.fromEntries(tags) })),
    services: services.map((service) => serviceState(service, nowMs)),
  };
}

function serviceState(service: EcsService, nowMs: number): Json {
  const [primary] = service.deployments;
  return {
    serviceArn: service.arn,
    status: service.status,
    deploymentController: service.controller,
    tags: Object.fromEntries(service.tags),
    desiredCount: service.desiredCount,
    ...counts(service.tasks),
    taskDefinition: primary?.revision.arn ?? null,
    containers: primary?.revision.spec.containerDefinitions.map(({ name }) => name) ?? [],
    deployments: service.deployments.map(deploymentState),
    tasks: [...service.tasks].map((task) => taskState(task, nowMs)),
  };
}

function deploymentState(deployment: EcsDeployment): Json {
  const { id, status, revision, rolloutState, rolloutStateReason, failedTasks } = deployment;
  return { id, status, taskDefinition: revision.arn, rolloutState, rolloutStateReason, failedTasks };
}

function taskState(task: EcsTask, nowMs: number): Json {
  const view = taskView(task, nowMs, epochSeconds, { tags: true });
  const names = [
    "taskArn",
    "taskDefinitionArn",
    "lastStatus",
    "desiredStatus",
    "healthStatus",
    "stoppedReason",
    "tags",
  ];
  return {
    ...Object.fromEntries(names.flatMap((name) => (view[name] === undefined ? [] : [[name, view[name]]]))),
    containers: view.containers ?? [],
  };
}
