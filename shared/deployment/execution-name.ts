import { canonicalJson, sha256 } from "../base/json.ts";

/**
 * The name of the RollService execution for an attempt: the same change and attempt number give the same name, so that
 * Step Functions starts it once. At most 80 characters of `[0-9A-Za-z_-]`: the service's name, the attempt, a hash.
 * https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html
 */
export function executionName(attemptKey: {
  readonly serviceArn: string;
  readonly observedRevisionArn: string;
  /** The desired content, or a hash of it. */
  readonly desiredContent: string;
  readonly attempt: number;
}): string {
  const { serviceArn, observedRevisionArn, desiredContent, attempt } = attemptKey;
  const service = serviceArn.slice(serviceArn.lastIndexOf("/") + 1).replace(/[^0-9A-Za-z_-]/g, "_");
  const hash = sha256(canonicalJson([serviceArn, observedRevisionArn, desiredContent, attempt]));
  return `${service.slice(0, 36)}-${Math.trunc(attempt).toString(36).slice(0, 10)}-${hash.slice(0, 32)}`;
}
