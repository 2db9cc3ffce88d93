import { isServerError, isThrottlingError, isTransientError } from "@smithy/core/retry";
import type { SdkError } from "@smithy/types";
import { AutopilotError, asAutopilotError, type FailureCode } from "../../base/errors.ts";

/** The error's name as AWS gives it, such as `ThrottlingException`; `undefined` for what is not an error. */
export function errorNameOf(error: unknown): string | undefined {
  return error instanceof Error ? error.name : undefined;
}

/** True if the error has one of the names. */
export function isNamed(error: unknown, ...names: readonly string[]): boolean {
  const name = errorNameOf(error);
  return name !== undefined && names.includes(name);
}

/** True for a quota that is used up. The SDK counts it as throttling, yet waiting does not help. */
export function isQuotaReached(error: unknown): boolean {
  return isNamed(error, "LimitExceededException");
}

/**
 * Refusals that another call's end makes go away, by their names and, where a name says nothing, by their messages.
 * ECS refuses concurrent registrations of one family with a `ClientException`; the others are modeled errors of
 * EventBridge and DynamoDB. ECS's `ConflictException` is not one of them: it says that a token was used for something
 * else.
 */
const BUSY: readonly { readonly name: string; readonly message?: RegExp }[] = [
  { name: "ClientException", message: /^Too many concurrent attempts\b/ },
  // IAM's role for ECS may be new:
  // https://docs.aws.amazon.com/AmazonECS/latest/developerguide/using-service-linked-roles.html
  { name: "InvalidParameterException", message: /^Unable to assume the service linked role\b/ },
  { name: "ConcurrentModificationException" },
  { name: "TransactionConflictException" },
  { name: "ReplicatedWriteConflictException" },
];

/** True if AWS refused the call because another one was under way. The call has had no effect. */
export function isBusy(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return BUSY.some(({ name, message }) => error.name === name && (message?.test(error.message) ?? true));
}

/** True if AWS asked the caller to slow down, or to come back when another call has ended. */
export function isThrottled(error: unknown): boolean {
  return (isSdkError(error) && isThrottlingError(error) && !isQuotaReached(error)) || isBusy(error);
}

/** True if AWS, or the way to it, failed: a later attempt may succeed. */
export function isUnavailable(error: unknown): boolean {
  return isSdkError(error) && !isQuotaReached(error) && (isTransientError(error) || isServerError(error));
}

/** True if trying the same call again can help. */
export function isRetryable(error: unknown): boolean {
  return error instanceof AutopilotError ? error.retryable : isThrottled(error) || isUnavailable(error);
}

/** True if the named thing does not exist. */
export function isNotFound(error: unknown): boolean {
  return isNamed(
    error,
    "ResourceNotFoundException",
    "ServiceNotFoundException",
    "ClusterNotFoundException",
    "ParameterNotFound",
    "ExecutionDoesNotExist",
  );
}

/** True if the caller lacks a permission, or has no valid credentials. */
export function isAccessDenied(error: unknown): boolean {
  return isNamed(
    error,
    "AccessDenied",
    "AccessDeniedException",
    "UnauthorizedException",
    "UnrecognizedClientException",
    "InvalidClientTokenId",
    "ExpiredTokenException",
    "CredentialsProviderError",
  );
}

/**
 * The error as an `AutopilotError` whose detail names the call, with the original as its cause. `rejected` is the code
 * for a call that AWS understood and refused (default `aws-rejected`). An `AutopilotError` is returned as it is.
 */
export function asFailure(error: unknown, what: string, rejected: FailureCode = "aws-rejected"): AutopilotError {
  if (error instanceof AutopilotError) return error;
  if (!(error instanceof Error)) return asAutopilotError(error);
  return new AutopilotError(codeOf(error, rejected), `${what}: ${error.name}: ${error.message}`, { cause: error });
}

/** Errors of reading an answer that is not as AWS documents it: a proxy's page, another shape. */
const UNREADABLE = ["UnreadableAnswer", "SyntaxError", "ZodError"];

/** Throws the error of an answer that can't be read. */
export function unreadable(message: string): never {
  throw Object.assign(new Error(message), { name: "UnreadableAnswer" });
}

function codeOf(error: Error, rejected: FailureCode): FailureCode {
  if (isThrottled(error)) return "throttled";
  if (isAccessDenied(error)) return "access-denied";
  if (isUnavailable(error) || isNamed(error, ...UNREADABLE)) return "aws-unavailable";
  if (isNamed(error, "ServiceNotFoundException", "ClusterNotFoundException")) return "service-not-found";
  return "$metadata" in error ? rejected : "unexpected-error";
}

/** Runs a call. Throws its errors as `asFailure` returns them. */
export async function call<T>(what: string, run: () => Promise<T>, rejected?: FailureCode): Promise<T> {
  try {
    return await run();
  } catch (error) {
    throw asFailure(error, what, rejected);
  }
}

/** The classification reads members that any error may have or lack; it only needs one to be an error. */
function isSdkError(error: unknown): error is SdkError {
  return error instanceof Error;
}
