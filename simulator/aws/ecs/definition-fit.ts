import * as z from "zod";
import { isJsonObject, type JsonObject } from "../../base/json.ts";
import { isOnFargate } from "./capacity.ts";
import { compatibilitiesOf } from "./definition-defaults.ts";
import { invalidParameter } from "./errors.ts";
import type { EcsRevision } from "./model.ts";
import { subnetsOf } from "./task-view.ts";

/** What of a service's settings names parts of its task definition. */
const namingSchema = z.looseObject({
  loadBalancers: z
    .array(z.looseObject({ containerName: z.string().nullish(), containerPort: z.number().nullish() }))
    .default([]),
  serviceConnectConfiguration: z
    .looseObject({
      enabled: z.boolean().default(false),
      services: z.array(z.looseObject({ portName: z.string() })).nullish(),
    })
    .optional(),
  volumeConfigurations: z.array(z.looseObject({ name: z.string() })).default([]),
});
type Naming = z.infer<typeof namingSchema>;
type Spec = EcsRevision["spec"];

/**
 * Refuses a service whose settings do not fit its task definition, in the words that users of the API, of
 * CloudFormation and of Terraform have reported.
 * @throws AwsError as CreateService and UpdateService do.
 */
export function checkFits(settings: JsonObject, { spec }: Pick<EcsRevision, "spec">): void {
  checkNetwork(settings, spec);
  checkLaunchType(settings, spec);
  const { success, data, error } = namingSchema.safeParse(settings);
  if (!success) throw invalidParameter(`Invalid '${error.issues[0]?.path.join(".") ?? ""}'.`);
  checkLoadBalancers(data, spec);
  checkServiceConnect(data, spec);
  checkVolumes(data, spec);
}

function checkNetwork({ networkConfiguration }: JsonObject, { networkMode }: Spec): void {
  const awsvpc = networkMode === "awsvpc";
  if (awsvpc && subnetsOf(networkConfiguration).length === 0) {
    throw invalidParameter("Network Configuration must be provided when networkMode 'awsvpc' is specified.");
  }
  if (!awsvpc && isJsonObject(networkConfiguration)) {
    throw invalidParameter("Network Configuration is not valid for the given networkMode of this task definition.");
  }
}

function checkLaunchType(settings: JsonObject, spec: Spec): void {
  const wanted = isOnFargate(settings) ? "FARGATE" : settings.launchType;
  if (wanted !== "FARGATE" && wanted !== "EXTERNAL") return;
  if (!compatibilitiesOf(spec).includes(wanted)) {
    throw invalidParameter(`Task definition does not support launch_type ${wanted}.`);
  }
}

/** https://github.com/aws/amazon-ecs-agent/issues/1276 has the first message. */
function checkLoadBalancers({ loadBalancers }: Naming, { containerDefinitions }: Spec): void {
  for (const { containerName, containerPort } of loadBalancers) {
    if (!containerName) throw invalidParameter("Container Name can not be blank.");
    const container = containerDefinitions.find(({ name }) => name === containerName);
    if (!container) throw invalidParameter(`The container ${containerName} does not exist in the task definition.`);
    if (!container.portMappings.some((mapping) => mapping.containerPort === containerPort)) {
      throw invalidParameter(`The container ${containerName} did not have a container port ${containerPort} defined.`);
    }
  }
}

/** https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ServiceConnectService.html (`portName`) */
function checkServiceConnect({ serviceConnectConfiguration: connect }: Naming, { containerDefinitions }: Spec): void {
  if (!connect?.enabled) return;
  const named = new Set(containerDefinitions.flatMap(({ portMappings }) => portMappings.map(({ name }) => name)));
  for (const { portName } of connect.services ?? []) {
    if (named.has(portName)) continue;
    throw invalidParameter(
      `portName(${portName}) does not refer to any named PortMapping in the container definitions`,
    );
  }
}

/** https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ServiceVolumeConfiguration.html (`name`) */
function checkVolumes({ volumeConfigurations: given }: Naming, { volumes }: Spec): void {
  const atLaunch = volumes.filter(({ configuredAtLaunch }) => configuredAtLaunch === true).map(({ name }) => name);
  if (given.some(({ name }) => !atLaunch.includes(name))) {
    throw invalidParameter(
      "Volume configuration provided but no matching configuredAtLaunch volume found in task definition.",
    );
  }
  if (given.length < atLaunch.length) {
    throw invalidParameter(
      "Task definition has configuredAtLaunch volume but no volume configuration provided at runtime.",
    );
  }
}
