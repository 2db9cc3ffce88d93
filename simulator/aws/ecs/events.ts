import { isJsonObject, type Json, type JsonObject } from "../../base/json.ts";
import { randomUuid } from "../../base/random-id.ts";
import type { CallContext } from "../../core/service.ts";
import type { EcsEnvironment } from "./environment.ts";
import { listMember } from "./input.ts";
import type { EcsCluster, EcsDeployment, EcsService, EcsTask, Tags } from "./model.ts";
import { taskView } from "./task-view.ts";

interface EventParts {
  readonly source: string;
  readonly detailType: string;
  readonly resources: readonly string[];
  readonly detail: JsonObject;
}

/** Emits the events that AWS sends about ECS. */
export class EcsEvents {
  readonly #environment: EcsEnvironment;

  constructor(environment: EcsEnvironment) {
    this.#environment = environment;
  }

  /** https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs_service_deployment_events.html */
  deploymentStateChange(
    deployment: EcsDeployment,
    eventName: "SERVICE_DEPLOYMENT_IN_PROGRESS" | "SERVICE_DEPLOYMENT_COMPLETED" | "SERVICE_DEPLOYMENT_FAILED",
    reason: string,
  ): void {
    const { service } = deployment;
    this.#emit(service.cluster, {
      source: "aws.ecs",
      detailType: "ECS Deployment State Change",
      resources: [service.arn],
      detail: {
        eventType: eventName === "SERVICE_DEPLOYMENT_FAILED" ? "ERROR" : "INFO",
        eventName,
        deploymentId: deployment.id,
        updatedAt: this.#isoNow(),
        reason,
      },
    });
  }

  /**
   * https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs_service_events.html
   * https://docs.aws.amazon.com/AmazonECS/latest/developerguide/track-service-rebalancing.html
   */
  serviceAction(
    service: EcsService,
    eventName: "SERVICE_STEADY_STATE" | "SERVICE_REBALANCING_STARTED" | "SERVICE_REBALANCING_COMPLETED",
  ): void {
    this.#emit(service.cluster, {
      source: "aws.ecs",
      detailType: "ECS Service Action",
      resources: [service.arn],
      detail: {
        eventType: "INFO",
        eventName,
        clusterArn: service.cluster.arn,
        createdAt: this.#isoNow(),
      },
    });
  }

  /** https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs_service_events.html */
  placementFailure(service: EcsService, reason: string): void {
    this.#emit(service.cluster, {
      source: "aws.ecs",
      detailType: "ECS Service Action",
      resources: [service.arn],
      detail: {
        eventType: "ERROR",
        eventName: "SERVICE_TASK_PLACEMENT_FAILURE",
        clusterArn: service.cluster.arn,
        createdAt: this.#isoNow(),
        reason,
      },
    });
  }

  /** https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs_task_events.html */
  taskStateChange(task: EcsTask): void {
    const nowMs = this.#environment.clock.now();
    // Health and tags are not in the event.
    const view = taskView(task, nowMs, iso, { tags: false });
    const { healthStatus: _health, tags: _tags, ...detail } = view;
    this.#emit(task.cluster, {
      source: "aws.ecs",
      detailType: "ECS Task State Change",
      resources: [task.arn],
      detail: { ...detail, attachments: asEni(view), containers: withoutHealth(view), updatedAt: iso(nowMs) },
    });
  }

  /** https://docs.aws.amazon.com/tag-editor/latest/userguide/tag-monitor.html */
  tagChange(resource: EcsService | EcsCluster, changedKeys: readonly string[], tags: Tags): void {
    if (changedKeys.length === 0) return;
    resource.tagVersion += 1;
    const isService = "cluster" in resource;
    this.#emit(isService ? resource.cluster : resource, {
      source: "aws.tag",
      detailType: "Tag Change on Resource",
      resources: [resource.arn],
      detail: {
        "changed-tag-keys": changedKeys,
        tags: Object.fromEntries(tags),
        service: "ecs",
        "resource-type": isService ? "service" : "cluster",
        version: resource.tagVersion,
      },
    });
  }

  /** https://docs.aws.amazon.com/AmazonECS/latest/developerguide/logging-using-cloudtrail.html */
  apiCall(eventName: string, input: JsonObject, responseElements: Json, context: CallContext): void {
    if (!this.#environment.cloudTrail) return;
    const { account, region, invocation } = context;
    const user = invocation === undefined ? "operator/cli" : `lambda/${invocation}`;
    this.#emit(
      { scope: { account, region } },
      {
        source: "aws.ecs",
        detailType: "AWS API Call via CloudTrail",
        resources: [],
        detail: {
          eventVersion: "1.09",
          userIdentity: {
            type: "AssumedRole",
            arn: `arn:aws:sts::${account}:assumed-role/${user}`,
            accountId: account,
          },
          eventTime: wholeSeconds(this.#environment.clock.now()),
          eventSource: "ecs.amazonaws.com",
          eventName,
          awsRegion: region,
          requestParameters: input,
          responseElements,
          requestID: randomUuid(this.#environment.random),
          eventID: randomUuid(this.#environment.random),
          readOnly: false,
          eventType: "AwsApiCall",
          managementEvent: true,
          recipientAccountId: account,
          eventCategory: "Management",
        },
      },
    );
  }

  #emit({ scope }: { readonly scope: { readonly account: string; readonly region: string } }, parts: EventParts): void {
    this.#environment.events.publish({
      version: "0",
      id: randomUuid(this.#environment.random),
      "detail-type": parts.detailType,
      source: parts.source,
      account: scope.account,
      time: wholeSeconds(this.#environment.clock.now()),
      region: scope.region,
      resources: parts.resources,
      detail: parts.detail,
    });
  }

  #isoNow(): string {
    return iso(this.#environment.clock.now());
  }
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}

function wholeSeconds(ms: number): string {
  return iso(ms).replace(/\.\d+Z$/, "Z");
}

function withoutHealth(view: JsonObject): Json[] {
  return listMember(view, "containers").map((container) => {
    if (!isJsonObject(container)) return container;
    const { healthStatus: _health, ...rest } = container;
    return rest;
  });
}

/** Events call a network interface `eni`, where DescribeTasks says `ElasticNetworkInterface`. */
function asEni(view: JsonObject): Json[] {
  return listMember(view, "attachments").map((attachment) =>
    isJsonObject(attachment) ? { ...attachment, type: "eni" } : attachment,
  );
}
