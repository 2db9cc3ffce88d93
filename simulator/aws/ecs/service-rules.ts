import { AwsError } from "../../base/aws-error.ts";
import { isJsonObject, type Json, type JsonObject } from "../../base/json.ts";
import { compatibilitiesOf } from "./definition-defaults.ts";
import { invalidParameter } from "./errors.ts";
import type { DeploymentController, EcsRevision } from "./model.ts";
import { subnetsOf } from "./task-view.ts";

const PLATFORM_VERSIONS = ["LATEST", "1.4.0", "1.3.0", "1.2.0", "1.1.0", "1.0.0"];

/**
 * Refuses a service whose settings don't fit its task definition.
 * @throws AwsError as CreateService and UpdateService do.
 */
export function checkFits(settings: JsonObject, revision: EcsRevision): void {
  const { launchType, networkConfiguration, platformVersion } = settings;
  const awsvpc = revision.spec.networkMode === "awsvpc";
  if (awsvpc && subnetsOf(networkConfiguration).length === 0) {
    throw invalidParameter("Network Configuration must be provided when networkMode 'awsvpc' is specified.");
  }
  if (!awsvpc && isJsonObject(networkConfiguration)) {
    throw invalidParameter("Network Configuration is not valid for the given networkMode of this task definition.");
  }
  if (launchType === "FARGATE" && !compatibilitiesOf(revision.spec).includes("FARGATE")) {
    throw invalidParameter("Task definition does not support launch_type FARGATE.");
  }
  checkPlatform(platformVersion, launchType);
}

/**
 * Refuses what UpdateService can't change under a deployment controller.
 * https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_UpdateService.html
 */
export function checkControllerAllows(controller: DeploymentController, input: JsonObject): void {
  if (controller === "ECS") return;
  const remedy =
    controller === "CODE_DEPLOY"
      ? "Use AWS CodeDeploy to trigger a new deployment."
      : "Use CreateTaskSet to deploy a task definition.";
  const services = `services with ${controller === "CODE_DEPLOY" ? "a" : "an"} ${controller} deployment controller`;
  if (given(input.taskDefinition)) throw invalidParameter(`Unable to update task definition on ${services}. ${remedy}`);
  if (input.forceNewDeployment === true)
    throw invalidParameter(`Cannot force a new deployment on ${services}. ${remedy}`);
  const fixed = ["networkConfiguration", "platformVersion", "loadBalancers", "serviceRegistries"];
  const named = fixed.find((member) => given(input[member]));
  if (named !== undefined) throw invalidParameter(`Unable to update ${named} on ${services}. ${remedy}`);
}

function checkPlatform(platformVersion: Json | undefined, launchType: Json | undefined): void {
  if (!given(platformVersion)) return;
  if (launchType !== "FARGATE") {
    throw invalidParameter("The platform version must be null when specifying an EC2 launch type.");
  }
  if (typeof platformVersion !== "string" || !PLATFORM_VERSIONS.includes(platformVersion)) {
    throw new AwsError("PlatformUnknownException", "The specified platform does not exist.");
  }
}

function given(value: Json | undefined): boolean {
  return value !== undefined && value !== null;
}
