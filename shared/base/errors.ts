/** For what lasts until somebody acts, and for what passes: trying again can help. */
const lasting = (sentence: string) => ({ sentence, retryable: false });
const passing = (sentence: string) => ({ sentence, retryable: true });

/**
 * Everything that can go wrong outside of a refusal (`shared/model/reason-texts.ts`): a closed set of codes, each with
 * a sentence and whether trying again can help. Their fixes are in `failure-fixes.ts`.
 */
export const failures = {
  "malformed-event": lasting("The event does not have the shape that its source documents."),
  "invalid-config": lasting("autopilot.config.ts is not valid."),
  "invalid-environment": lasting("A variable of the function's environment is missing or empty."),
  "invalid-kubeconfig": lasting("The secret of the control plane holds no kubeconfig that can be used."),
  "invalid-slack-secret": lasting("Slack's secret does not hold what it must."),
  "unknown-account": lasting("The account or region is not in autopilot.config.ts."),
  "no-control-plane": lasting("No control plane serves this account and region."),
  "control-plane-unreachable": passing("The Kubernetes API of the control plane did not answer."),
  "control-plane-incomplete": lasting("The control plane's answer lacks what a ztunnel needs to start."),
  "control-plane-refused": lasting("The Kubernetes API refused the call."),
  "control-plane-busy": passing(
    "The Kubernetes API can't take the call now: the object, its namespace or the list is changing.",
  ),
  "mesh-facts-missing": passing("The ledger has no mesh facts for this control plane yet."),
  "invalid-pem": lasting("The root CA bundle is not a list of PEM certificates."),
  "invalid-token": lasting("The BOOTSTRAP_TOKEN could not be decoded."),
  "ledger-item-unreadable": lasting("An item of the ledger does not have the shape that this version reads."),
  "service-not-found": lasting("ECS does not know the service."),
  "task-definition-not-found": lasting("ECS does not know the task definition."),
  "registration-refused": lasting("ECS refused the task definition with the sidecar."),
  "update-refused": lasting("ECS refused to update the service."),
  "secret-unavailable": lasting("The bootstrap token's secret cannot be used."),
  "secret-version-foreign": lasting("A secret version has a bootstrap token's name and another content."),
  "identity-conflict": lasting("The service account of the revision's identity has another role by now."),
  "reader-refused": lasting("The execution role is not of the service's account: it can't read the token's secret."),
  "access-denied": lasting("AWS denied the call."),
  throttled: passing("AWS throttled the call."),
  "aws-unavailable": passing("AWS answered with an error of its own."),
  "aws-rejected": lasting("AWS rejected the call."),
  "slack-unavailable": passing("Slack did not take the message."),
  "mesh-not-converged": passing("The new tasks are not all in the mesh yet."),
  "unexpected-error": passing("Something failed that has no name yet."),
  // How a roll ends without success.
  "deployment-failed": lasting("ECS reported the deployment as failed."),
  "no-way-back": lasting("No revision that the service could return to starts or can be had."),
  "deployment-deadline": lasting("The deployment did not complete before the deadline."),
  "tasks-stopping": lasting("The new revision's tasks keep stopping."),
  "tasks-not-placed": lasting("ECS found no place for the new tasks."),
  "deployment-alarm": lasting("An alarm of the service's deployment configuration ended the deployment."),
  "deployment-stopped": lasting("Somebody stopped the deployment."),
  "ztunnel-unhealthy": lasting("ztunnel did not get healthy."),
  "secret-denied": lasting("The tasks could not read the bootstrap token's secret."),
  "secret-kms-denied": lasting("The tasks may read the bootstrap token's secret, but not use its key."),
  "secret-unreachable": lasting("The tasks have no route to Secrets Manager."),
  "log-unavailable": lasting("ECS can't write a container's log, and starts no task without it."),
  "image-unavailable": lasting("The tasks could not pull an image."),
  "application-failed": lasting("An application container stopped."),
  "not-verified": lasting("The roll could not be verified before the deadline."),
  "workload-entry-missing": lasting("Tasks run, but the mesh has no WorkloadEntry for them."),
  "workload-identity-differs": lasting("Tasks run, but the mesh knows them under another service account."),
  "workload-not-redirected": lasting("The tasks' WorkloadEntries do not say that they take HBONE."),
  "mesh-shape-unknown": lasting(
    "No WorkloadEntry of the control plane has a mark that proves that a task is in the mesh.",
  ),
  // Why a rollout is refused, held, rolled back or ends early.
  "invalid-request": lasting("The request for a rollout is not valid."),
  "invalid-image": lasting("The image is not an image reference."),
  "ledger-behind": lasting("The ledger was emptied or restored: nothing is rolled yet."),
  "image-parameter-missing": lasting("The parameter with the fleet's image is gone: the fleet keeps its image."),
  "image-not-allowed": lasting("The image is not among the allowed ones."),
  "version-skew": lasting("The image is of a newer version than istiod, which Istio does not support."),
  "scope-empty": lasting("No enrolled service is in the rollout's scope."),
  "unknown-rollout": lasting("There is no rollout of this id."),
  "root-ca-untrusted": lasting("A rotation can't be rolled back to a root CA that nobody signs with any more."),
  "wrong-phase": lasting("The rollout is not in a phase in which this can be done."),
  frozen: lasting("A freeze window is open."),
  "budget-exceeded": lasting("More services failed than the failure budget allows."),
  "alarm-fired": lasting("A CloudWatch alarm that guards the rollout is in ALARM."),
  "bake-failed": lasting("Services of a finished wave did not stay healthy and as desired."),
  "operator-request": lasting("An operator asked for it."),
  "wish-moved-on": lasting("The value that the rollout brings is not the newest any more."),
  "wish-contested": lasting("Two writers change in turns what it brings."),
  "wish-withdrawn": lasting("What it brings is no longer wished."),
  "roll-unaccounted": lasting("A service's roll ended without an outcome."),
  superseded: lasting("Somebody deployed the service during the roll."),
  "service-deleted": lasting("Somebody deleted the service during the roll."),
  // What `autopilot inject` answers.
  "injection-refused": lasting("The sidecar can't be put into the task definition."),
  "secret-version-missing": lasting("There is no secret version with this identity's bootstrap token yet."),
  "roll-in-progress": lasting("Another roll holds the service's lease."),
  "rollout-stopped": lasting("The rollout stopped before the service's turn."),
  "changed-since": lasting("Somebody has deployed the service since the rollout changed it."),
  "root-cut-off": lasting("The revision's token has a root CA that nobody trusts any more."),
  "already-as-desired": lasting("The service already is as its tags ask for."),
} as const satisfies Readonly<Record<string, { sentence: string; retryable: boolean }>>;

export type FailureCode = keyof typeof failures;

/** Names that a state machine's Retry and Catch may match: the name of the thrown error decides there. */
export const RETRYABLE_ERROR = "Autopilot.Retryable";
/** Retryable as well, for longer: AWS's quotas are shared, and waiting for a turn is not a failure. */
export const THROTTLED_ERROR = "Autopilot.Throttled";
export const TERMINAL_ERROR = "Autopilot.Terminal";

/** A message in Slack has 3000 characters, and a text in it takes its share: the smallest of what carries an error. */
const MAX_TEXT_LENGTH = 2000;

/** A text that a stranger may have made long, as short as what carries an error needs it. */
export function shortened(text: string): string {
  if (text.length <= MAX_TEXT_LENGTH) return text;
  return `${text.slice(0, MAX_TEXT_LENGTH).replace(/[\ud800-\udbff]$/, "")}… (${text.length} characters)`;
}

/**
 * The one error class of the product. `code` names the reason, `detail` the thing, `retryable` whether trying again
 * can help; the name follows from it, so that a state machine can distinguish the two. A long detail is shortened.
 */
export class AutopilotError extends Error {
  readonly code: FailureCode;
  readonly detail: string;
  readonly retryable: boolean;

  constructor(code: FailureCode, detail: string, options: { readonly cause?: unknown } = {}) {
    const short = shortened(detail);
    super(`${code}: ${failures[code].sentence} ${short}`.trim(), options);
    this.code = code;
    this.detail = short;
    this.retryable = failures[code].retryable;
    this.name = code === "throttled" ? THROTTLED_ERROR : this.retryable ? RETRYABLE_ERROR : TERMINAL_ERROR;
  }
}

/** The failure code that a text begins with, as `AutopilotError` writes its message; else `undefined`. */
export function failureCodeOf(message: string): FailureCode | undefined {
  const [, code = ""] = /^([a-z-]+):/.exec(message) ?? [];
  return isFailureCode(code) ? code : undefined;
}

function isFailureCode(text: string): text is FailureCode {
  return Object.hasOwn(failures, text);
}

/** The error as an `AutopilotError`: itself, or `unexpected-error` with the original as its cause. */
export function asAutopilotError(error: unknown): AutopilotError {
  if (error instanceof AutopilotError) return error;
  const detail = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return new AutopilotError("unexpected-error", detail, { cause: error });
}
