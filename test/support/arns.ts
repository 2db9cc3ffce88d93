import { type ServiceRef, serviceRef } from "../../shared/base/arn.ts";

/** The account of nearly every test, and one beside it. */
export const ACCOUNT = "123456789012";
export const OTHER_ACCOUNT = "210987654321";

/** A service of the cluster `prod`. */
export function serviceArn(name: string): string {
  return `arn:aws:ecs:us-east-1:${ACCOUNT}:service/prod/${name}`;
}

export function serviceNamed(name: string): ServiceRef {
  return serviceRef(serviceArn(name));
}

export function revisionArn(family: string, number: number): string {
  return `arn:aws:ecs:us-east-1:${ACCOUNT}:task-definition/${family}:${number}`;
}

/** A secret's ARN, which ends in six characters that Secrets Manager chooses. */
export function secretArn(name: string, suffix = "AbCdEf"): string {
  return `arn:aws:secretsmanager:us-east-1:${ACCOUNT}:secret:${name}-${suffix}`;
}

/** The service that most tests are about, and the revision that it runs at first. */
export const web = serviceNamed("web");
export const OBSERVED = revisionArn("web", 7);
/** The execution that rolls it. */
export const NAME = "web-0-roll";
