import { AwsError } from "../../base/aws-error.ts";

// https://docs.aws.amazon.com/AmazonECS/latest/APIReference/CommonErrors.html and each operation's page

export function clientException(message: string): AwsError {
  return new AwsError("ClientException", message);
}

export function invalidParameter(message: string): AwsError {
  return new AwsError("InvalidParameterException", message);
}

export function clusterNotFound(): AwsError {
  return new AwsError("ClusterNotFoundException", "Cluster not found.");
}

export function serviceNotFound(): AwsError {
  return new AwsError("ServiceNotFoundException", "Service not found.");
}

export function serviceNotActive(): AwsError {
  return new AwsError("ServiceNotActiveException", "Service was not ACTIVE.");
}

export function resourceNotFound(): AwsError {
  return new AwsError("ResourceNotFoundException", "The specified resource could not be found.");
}

export function serviceDeploymentNotFound(): AwsError {
  return new AwsError("ServiceDeploymentNotFoundException", "Service deployment not found.");
}

export function conflict(message: string): AwsError {
  return new AwsError("ConflictException", message);
}
