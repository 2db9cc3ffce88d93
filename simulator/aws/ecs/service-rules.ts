import { AwsError } from "../../base/aws-error.ts";
import type { Json, JsonObject } from "../../base/json.ts";
import { isShortArn } from "./arns.ts";
import { isOnFargate } from "./capacity.ts";
import { invalidParameter } from "./errors.ts";
import type { DeploymentController } from "./model.ts";

const PLATFORM_VERSIONS = ["LATEST", "1.4.0", "1.3.0", "1.2.0", "1.1.0", "1.0.0"];

/**
 * Refuses a platform version beside other capacity than Fargate, and one that does not exist.
 * @throws AwsError as CreateService and UpdateService do.
 */
export function checkPlatform(settings: JsonObject): void {
  const { platformVersion } = settings;
  if (!given(platformVersion)) return;
  if (!isOnFargate(settings)) {
    throw invalidParameter("The platform version must be null when specifying an EC2 launch type.");
  }
  if (typeof platformVersion !== "string" || !PLATFORM_VERSIONS.includes(platformVersion)) {
    throw new AwsError("PlatformUnknownException", "The specified platform does not exist.");
  }
}

/**
 * Refuses tags of a service with a short ARN, its own and those that it hands on, in words that users have reported.
 * @throws AwsError as CreateService and UpdateService do.
 */
export function checkTagging(arn: string, tags: number, { propagateTags }: JsonObject): void {
  if (!isShortArn(arn)) return;
  const what =
    tags > 0
      ? "add tags to the service"
      : given(propagateTags) && propagateTags !== "NONE"
        ? "propagate tags"
        : undefined;
  if (what === undefined) return;
  throw invalidParameter(
    `The new ARN and resource ID format must be enabled to ${what}. Opt in to the new format and try again.`,
  );
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

function given(value: Json | undefined): boolean {
  return value !== undefined && value !== null;
}
