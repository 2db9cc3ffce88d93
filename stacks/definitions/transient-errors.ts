/**
 * The errors of a Lambda task after which the same invocation may succeed, regardless of the function: the four
 * transient errors of the Lambda service that AWS advises to retry
 * (https://docs.aws.amazon.com/step-functions/latest/dg/bp-lambda-serviceexception.html), and an execution environment
 * that ended before it answered (https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html).
 * Throttling is not among them: `Lambda.TooManyRequestsException` is waited for like ECS's own.
 */
const transientLambdaErrors = [
  "Lambda.ClientExecutionTimeoutException",
  "Lambda.ServiceException",
  "Lambda.AWSLambdaException",
  "Lambda.SdkClientException",
  "Lambda.Unknown",
  "Runtime.ExitError",
  "Sandbox.Timedout",
] as const;

/** Lambda has no room for the invocation: the function's reserved concurrency, or the account's, is used up. */
const throttledLambdaErrors = ["Lambda.TooManyRequestsException"] as const;

/**
 * The errors of a task that starts an execution after which the same start may succeed: quotas, and failures of Step
 * Functions or on the way to it. An error that the API does not model, throttling above all, comes under the name of an
 * SDK's base class. https://docs.aws.amazon.com/step-functions/latest/apireference/CommonErrors.html
 */
const transientStartErrors = [
  "StepFunctions.ThrottlingException",
  "StepFunctions.ExecutionLimitExceededException",
  "StepFunctions.ServiceUnavailableException",
  "StepFunctions.InternalServerException",
  "StepFunctions.AWSStepFunctionsException",
  "StepFunctions.SfnException",
  "StepFunctions.SdkClientException",
] as const;

/** Lists of error names, by the token that stands for all of them in an `ErrorEquals` of a state machine. */
export const transientErrors = {
  TransientLambdaErrors: transientLambdaErrors,
  ThrottledLambdaErrors: throttledLambdaErrors,
  TransientStartErrors: transientStartErrors,
} as const satisfies Readonly<Record<string, readonly string[]>>;
