import * as z from "zod";
import { isSameJson, type JsonObject } from "../../base/json.ts";
import type { CallContext, Operation } from "../../core/service.ts";
import { enums } from "../enums.ts";
import { configurationSchema } from "./circuit-breaker.ts";
import { invalidParameter, serviceNotActive } from "./errors.ts";
import { objectMember, parseEcsInput, pick } from "./input.ts";
import type { DeploymentController, EcsCluster, EcsService } from "./model.ts";
import type { EcsParts } from "./parts.ts";
import { checkControllerAllows, checkFits } from "./service-rules.ts";
import { serviceView } from "./service-view.ts";
import { serviceArn } from "./store.ts";
import { tagListSchema, withTags } from "./tag-rules.ts";

/** Members that are kept and returned as they came. */
const STORED = [
  "launchType",
  "capacityProviderStrategy",
  "platformVersion",
  "networkConfiguration",
  "loadBalancers",
  "serviceRegistries",
  "serviceConnectConfiguration",
  "volumeConfigurations",
  "vpcLatticeConfigurations",
  "placementConstraints",
  "placementStrategy",
  "healthCheckGracePeriodSeconds",
  "schedulingStrategy",
  "enableECSManagedTags",
  "propagateTags",
  "enableExecuteCommand",
  "availabilityZoneRebalancing",
];

/** A change of one of these starts a deployment; the others only change the service. */
const DEPLOYED = [
  "launchType",
  "platformVersion",
  "networkConfiguration",
  "loadBalancers",
  "serviceRegistries",
  "serviceConnectConfiguration",
  "volumeConfigurations",
  "vpcLatticeConfigurations",
];

const DEFAULT_DEPLOYMENT = {
  deploymentCircuitBreaker: { enable: false, rollback: false },
  maximumPercent: 200,
  minimumHealthyPercent: 100,
  strategy: "ROLLING",
};

const countSchema = z.int().nonnegative();
const createSchema = z.looseObject({
  cluster: z.string().optional(),
  serviceName: z.string().regex(/^[A-Za-z0-9_-]{1,255}$/),
  taskDefinition: z.string().optional(),
  desiredCount: countSchema.optional(),
  clientToken: z.string().max(36).optional(),
  deploymentController: z.looseObject({ type: z.enum(enums.ecs.DeploymentControllerType) }).default({ type: "ECS" }),
  deploymentConfiguration: configurationSchema.nullish(),
  tags: tagListSchema,
});
const updateSchema = z.looseObject({
  cluster: z.string().optional(),
  service: z.string(),
  taskDefinition: z.string().optional(),
  desiredCount: countSchema.optional(),
  forceNewDeployment: z.boolean().default(false),
  deploymentConfiguration: configurationSchema.nullish(),
});
const deleteSchema = z.looseObject({
  cluster: z.string().optional(),
  service: z.string(),
  force: z.boolean().default(false),
});

/** CreateService, UpdateService, DeleteService. */
export function serviceOperations(parts: EcsParts): Record<string, Operation> {
  const { store, events, scheduler } = parts;
  const find = (input: { cluster?: string | undefined; service: string }, context: CallContext) =>
    store.serviceIn(store.cluster(store.scope(context), input.cluster), input.service);
  return {
    CreateService(input, context) {
      const request = parseEcsInput(createSchema, input);
      const cluster = store.cluster(store.scope(context), request.cluster);
      const known = cluster.services.get(request.serviceName);
      if (known?.status === "ACTIVE") {
        if (request.clientToken === undefined || request.clientToken !== known.clientToken) {
          throw invalidParameter("Creation of service was not idempotent.");
        }
        return { service: serviceView(known, ["TAGS"]) };
      }
      if (known?.status === "DRAINING") throw invalidParameter("Unable to Start a service that is still Draining.");
      const service = create(parts, cluster, request, input);
      const view = serviceView(service, ["TAGS"]);
      events.apiCall("CreateService", input, { service: view }, context);
      return { service: view };
    },

    UpdateService(input, context) {
      const request = parseEcsInput(updateSchema, input);
      const service = find(request, context);
      if (service.status !== "ACTIVE") throw serviceNotActive();
      update(parts, service, request, input);
      const view = serviceView(service, ["TAGS"]);
      events.apiCall("UpdateService", input, { service: view }, context);
      return { service: view };
    },

    DeleteService(input, context) {
      const request = parseEcsInput(deleteSchema, input);
      const service = find(request, context);
      if (service.status !== "ACTIVE") throw serviceNotActive();
      if (service.desiredCount > 0 && !request.force) {
        throw invalidParameter("The service cannot be stopped while it is scaled above 0.");
      }
      service.status = "DRAINING";
      service.desiredCount = 0;
      scheduler.advance(service);
      const view = serviceView(service, ["TAGS"]);
      if (service.tasks.size === 0) service.status = "INACTIVE";
      events.apiCall("DeleteService", input, { service: view }, context);
      return { service: view };
    },
  };
}

function create(
  { environment, store, events, scheduler }: EcsParts,
  cluster: EcsCluster,
  request: z.infer<typeof createSchema>,
  input: JsonObject,
): EcsService {
  const controller: DeploymentController = request.deploymentController.type;
  const settings = newSettings(input);
  const revision =
    controller === "EXTERNAL" ? undefined : store.activeRevision(cluster.scope, request.taskDefinition ?? "");
  if (revision) checkFits(settings, revision);
  if (request.desiredCount === undefined && revision && settings.schedulingStrategy !== "DAEMON") {
    throw invalidParameter("desiredCount is required when schedulingStrategy is REPLICA.");
  }
  const service: EcsService = {
    sequence: store.nextSequence(),
    arn: serviceArn(cluster, request.serviceName),
    name: request.serviceName,
    cluster,
    controller,
    clientToken: request.clientToken,
    createdAtMs: environment.clock.now(),
    tags: withTags(new Map(), request.tags),
    tagVersion: 0,
    status: "ACTIVE",
    desiredCount: request.desiredCount ?? (revision ? 1 : 0),
    settings,
    deployments: [],
    lastCompleted: undefined,
    tasks: new Set(),
    stopped: new Map(),
    history: [],
    messages: [],
  };
  // A service that was deleted makes room at the end of the list for its successor.
  cluster.services.delete(service.name);
  store.addService(service);
  events.tagChange(service, [...service.tags.keys()], service.tags);
  if (revision) scheduler.deploy(service, revision, pick(settings, DEPLOYED));
  return service;
}

function newSettings(input: JsonObject): JsonObject {
  const launchType = input.capacityProviderStrategy === undefined ? { launchType: input.launchType ?? "EC2" } : {};
  return {
    schedulingStrategy: "REPLICA",
    enableECSManagedTags: false,
    propagateTags: "NONE",
    enableExecuteCommand: false,
    placementConstraints: [],
    placementStrategy: [],
    ...(launchType.launchType === "FARGATE" ? { platformVersion: "LATEST" } : {}),
    ...pick(input, STORED),
    ...launchType,
    deploymentConfiguration: { ...DEFAULT_DEPLOYMENT, ...objectMember(input, "deploymentConfiguration") },
  };
}

function update(
  { store, scheduler }: EcsParts,
  service: EcsService,
  request: z.infer<typeof updateSchema>,
  input: JsonObject,
): void {
  checkControllerAllows(service.controller, input);
  const [primary] = service.deployments;
  const settings: JsonObject = {
    ...service.settings,
    ...pick(input, STORED),
    deploymentConfiguration: {
      ...objectMember(service.settings, "deploymentConfiguration"),
      ...objectMember(input, "deploymentConfiguration"),
    },
  };
  const revision =
    request.taskDefinition === undefined
      ? primary?.revision
      : store.activeRevision(service.cluster.scope, request.taskDefinition);
  if (revision) checkFits(settings, revision);
  service.settings = settings;
  service.desiredCount = request.desiredCount ?? service.desiredCount;
  const deployed = pick(settings, DEPLOYED);
  const changed = revision !== primary?.revision || !isSameJson(deployed, primary?.settings ?? deployed);
  if (revision && (changed || request.forceNewDeployment)) scheduler.deploy(service, revision, deployed);
  else scheduler.advance(service);
}
