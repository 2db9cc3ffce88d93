import * as z from "zod";
import { isSameJson, type JsonObject } from "../../base/json.ts";
import type { CallContext, Operation } from "../../core/service.ts";
import { enums } from "../enums.ts";
import { ecsArn } from "./arns.ts";
import { capacityOf, isOnFargate } from "./capacity.ts";
import { configurationSchema } from "./circuit-breaker.ts";
import { checkFits } from "./definition-fit.ts";
import { invalidParameter, serviceNotActive } from "./errors.ts";
import { defined, objectMember, parseEcsInput, pick } from "./input.ts";
import type { DeploymentController, EcsCluster, EcsService } from "./model.ts";
import type { EcsParts } from "./parts.ts";
import { announceService } from "./service-changes.ts";
import { checkControllerAllows, checkPlatform, checkTagging } from "./service-rules.ts";
import { serviceView } from "./service-view.ts";
import { longServiceArn, retire } from "./store.ts";
import { tagListSchema, withTags } from "./tag-rules.ts";

/** Members that are kept and returned as they came. */
const STORED = [
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
  "capacityProviderStrategy",
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

/** https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DeploymentConfiguration.html */
const DEFAULT_OF_DAEMONS = { ...DEFAULT_DEPLOYMENT, maximumPercent: 100, minimumHealthyPercent: 0 };

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
  const { environment, store, events, scheduler } = parts;
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
      announceService(environment, service);
      scheduler.advance(service);
      const view = serviceView(service, ["TAGS"]);
      if (service.tasks.size === 0) retire(service, environment.clock.now());
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
  const settings = newSettings(input, cluster);
  const revision =
    controller === "EXTERNAL" ? undefined : store.activeRevision(cluster.scope, request.taskDefinition ?? "");
  if (revision) checkFits(settings, revision);
  checkPlatform(settings);
  if (request.desiredCount === undefined && revision && settings.schedulingStrategy !== "DAEMON") {
    throw invalidParameter("desiredCount is required when schedulingStrategy is REPLICA.");
  }
  const arn = newServiceArn(cluster, request.serviceName, environment);
  checkTagging(arn, request.tags.length, settings);
  const service: EcsService = {
    sequence: store.nextSequence(),
    arn,
    name: request.serviceName,
    cluster,
    controller,
    clientToken: request.clientToken,
    createdAtMs: environment.clock.now(),
    tags: withTags(new Map(), request.tags),
    tagVersion: 0,
    status: "ACTIVE",
    deletedAtMs: undefined,
    desiredCount: request.desiredCount ?? (revision ? 1 : 0),
    settings,
    deployments: [],
    lastCompleted: undefined,
    tasks: new Set(),
    stopped: new Map(),
    rebalancing: new Map(),
    history: [],
    messages: [],
  };
  // A service that was deleted makes room at the end of the list for its successor.
  cluster.services.delete(service.name);
  store.addService(service);
  events.tagChange(service, [...service.tags.keys()], service.tags);
  announceService(environment, service);
  if (revision) scheduler.deploy(service, revision, pick(settings, DEPLOYED));
  return service;
}

function newServiceArn(cluster: EcsCluster, name: string, { shortArns }: EcsParts["environment"]): string {
  const { account, region } = cluster.scope;
  const isShort = shortArns({ account, region, cluster: cluster.name, name });
  return isShort ? ecsArn(cluster.scope, `service/${name}`) : longServiceArn(cluster, name);
}

function newSettings(input: JsonObject, cluster: EcsCluster): JsonObject {
  const capacity = capacityOf(input, cluster);
  const settings = {
    schedulingStrategy: "REPLICA",
    enableECSManagedTags: false,
    propagateTags: "NONE",
    enableExecuteCommand: false,
    placementConstraints: [],
    placementStrategy: [],
    ...(isOnFargate(capacity) ? { platformVersion: "LATEST" } : {}),
    ...pick(input, STORED),
    ...capacity,
    deploymentConfiguration: {
      ...(input.schedulingStrategy === "DAEMON" ? DEFAULT_OF_DAEMONS : DEFAULT_DEPLOYMENT),
      ...objectMember(input, "deploymentConfiguration"),
    },
  };
  return { availabilityZoneRebalancing: canRebalance(settings) ? "ENABLED" : "DISABLED", ...settings };
}

/**
 * A new service is rebalanced unless it can't be.
 * https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-rebalancing.html
 */
function canRebalance({ schedulingStrategy, launchType, deploymentConfiguration }: JsonObject): boolean {
  const { maximumPercent } = configurationSchema.parse(deploymentConfiguration);
  return schedulingStrategy === "REPLICA" && launchType !== "EXTERNAL" && maximumPercent > 100;
}

/**
 * The capacity after an update that names a strategy, which takes the place of a launch type.
 * @throws AwsError when it differs and no deployment is forced, as UpdateService does.
 */
function updatedCapacity(service: EcsService, input: JsonObject, forced: boolean): JsonObject {
  const { launchType, capacityProviderStrategy } = service.settings;
  const current = defined({ launchType, capacityProviderStrategy });
  if (input.capacityProviderStrategy === undefined || input.capacityProviderStrategy === null) return current;
  const asked = capacityOf({ capacityProviderStrategy: input.capacityProviderStrategy }, service.cluster);
  if (!forced && !isSameJson(asked, current)) {
    throw invalidParameter(
      "When switching from launch type to capacity provider strategy on an existing service, or making a change to a capacity provider strategy on a service that is already using one, you must force a new deployment.",
    );
  }
  return asked;
}

function update(
  { store, scheduler }: EcsParts,
  service: EcsService,
  request: z.infer<typeof updateSchema>,
  input: JsonObject,
): void {
  checkControllerAllows(service.controller, input);
  const [primary] = service.deployments;
  const { launchType: _type, capacityProviderStrategy: _strategy, ...kept } = service.settings;
  const settings: JsonObject = {
    ...kept,
    ...updatedCapacity(service, input, request.forceNewDeployment),
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
  checkPlatform(settings);
  checkTagging(service.arn, 0, settings);
  service.settings = settings;
  service.desiredCount = request.desiredCount ?? service.desiredCount;
  const deployed = pick(settings, DEPLOYED);
  const changed = revision !== primary?.revision || !isSameJson(deployed, primary?.settings ?? deployed);
  if (revision && (changed || request.forceNewDeployment)) scheduler.deploy(service, revision, deployed);
  else scheduler.advance(service);
}
