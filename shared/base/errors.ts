/**
 * Everything that can go wrong outside of a refusal (`shared/model/reason-texts.ts`): a closed set of codes, each with
 * a sentence and whether trying again can help. Their fixes are in `failure-fixes.ts`.
 */
export const failures = {
  "malformed-event": {
    sentence: "The event does not have the shape that its source documents.",
    retryable: false,
  },
  "invalid-config": {
    sentence: "autopilot.config.ts is not valid.",
    retryable: false,
  },
  "invalid-environment": {
    sentence: "A variable of the function's environment is missing or empty.",
    retryable: false,
  },
  "invalid-kubeconfig": {
    sentence: "The secret of the control plane holds no kubeconfig that can be used.",
    retryable: false,
  },
  "invalid-slack-secret": {
    sentence: "Slack's secret does not hold what it must.",
    retryable: false,
  },
  "unknown-account": {
    sentence: "The account or region is not in autopilot.config.ts.",
    retryable: false,
  },
  "no-control-plane": {
    sentence: "No control plane in autopilot.config.ts serves this account and region.",
    retryable: false,
  },
  "control-plane-unreachable": {
    sentence: "The Kubernetes API of the control plane did not answer.",
    retryable: true,
  },
  "control-plane-incomplete": {
    sentence: "The control plane's answer lacks what a ztunnel needs to start.",
    retryable: false,
  },
  "control-plane-refused": {
    sentence: "The Kubernetes API refused the call.",
    retryable: false,
  },
  "control-plane-busy": {
    sentence: "The Kubernetes API can't take the call now: the object, its namespace or the list is changing.",
    retryable: true,
  },
  "mesh-facts-missing": {
    sentence: "The ledger has no mesh facts for this control plane yet.",
    retryable: true,
  },
  "invalid-pem": {
    sentence: "The root CA bundle is not a list of PEM certificates.",
    retryable: false,
  },
  "invalid-token": {
    sentence: "The BOOTSTRAP_TOKEN could not be decoded.",
    retryable: false,
  },
  "ledger-item-unreadable": {
    sentence: "An item of the ledger does not have the shape that this version reads.",
    retryable: false,
  },
  "service-not-found": {
    sentence: "ECS does not know the service.",
    retryable: false,
  },
  "task-definition-not-found": {
    sentence: "ECS does not know the task definition.",
    retryable: false,
  },
  "registration-refused": {
    sentence: "ECS refused the task definition with the sidecar.",
    retryable: false,
  },
  "update-refused": {
    sentence: "ECS refused to update the service.",
    retryable: false,
  },
  "secret-unavailable": {
    sentence: "The bootstrap token's secret cannot be used.",
    retryable: false,
  },
  "secret-version-foreign": {
    sentence: "The secret has a version by the bootstrap token's name whose content is not that token.",
    retryable: false,
  },
  "identity-conflict": {
    sentence: "The service account of the revision's identity has another role by now.",
    retryable: false,
  },
  "reader-refused": {
    sentence: "The execution role is not a role of the service's own account, so it can't read the token's secret.",
    retryable: false,
  },
  "access-denied": {
    sentence: "AWS denied the call.",
    retryable: false,
  },
  throttled: {
    sentence: "AWS throttled the call.",
    retryable: true,
  },
  "aws-unavailable": {
    sentence: "AWS answered with an error of its own.",
    retryable: true,
  },
  "aws-rejected": {
    sentence: "AWS rejected the call.",
    retryable: false,
  },
  "slack-unavailable": {
    sentence: "Slack did not take the message.",
    retryable: true,
  },
  "mesh-not-converged": {
    sentence: "The new tasks are not all in the mesh yet.",
    retryable: true,
  },
  "unexpected-error": {
    sentence: "Something failed that has no name yet.",
    retryable: true,
  },
  // How a roll ends without success.
  "deployment-failed": {
    sentence: "ECS reported the deployment as failed.",
    retryable: false,
  },
  "no-way-back": {
    sentence: "No revision that the service could return to starts or can be had.",
    retryable: false,
  },
  "deployment-deadline": {
    sentence: "The deployment did not complete before the deadline.",
    retryable: false,
  },
  "tasks-stopping": {
    sentence: "The new revision's tasks keep stopping.",
    retryable: false,
  },
  "tasks-not-placed": {
    sentence: "ECS found no place for the new tasks.",
    retryable: false,
  },
  "deployment-alarm": {
    sentence: "A CloudWatch alarm of the service's own deployment configuration ended the deployment.",
    retryable: false,
  },
  "deployment-stopped": {
    sentence: "Somebody stopped the deployment.",
    retryable: false,
  },
  "ztunnel-unhealthy": {
    sentence: "ztunnel did not get healthy.",
    retryable: false,
  },
  "secret-denied": {
    sentence: "The tasks could not read the bootstrap token's secret.",
    retryable: false,
  },
  "secret-kms-denied": {
    sentence: "The tasks may read the bootstrap token's secret, but not use the key that it is encrypted with.",
    retryable: false,
  },
  "secret-unreachable": {
    sentence: "The tasks have no route to Secrets Manager.",
    retryable: false,
  },
  "log-unavailable": {
    sentence: "ECS can't write a container's log, and starts no task without it.",
    retryable: false,
  },
  "image-unavailable": {
    sentence: "The tasks could not pull an image.",
    retryable: false,
  },
  "application-failed": {
    sentence: "An application container stopped.",
    retryable: false,
  },
  "not-verified": {
    sentence: "The roll could not be verified before the deadline.",
    retryable: false,
  },
  "workload-entry-missing": {
    sentence: "Tasks run, but the mesh has no WorkloadEntry for them.",
    retryable: false,
  },
  "workload-identity-differs": {
    sentence: "Tasks run, but the mesh knows them under another service account.",
    retryable: false,
  },
  "workload-not-redirected": {
    sentence: "Tasks run, but their WorkloadEntries do not say that they take HBONE: the mesh sends them plain text.",
    retryable: false,
  },
  "mesh-shape-unknown": {
    sentence: "No WorkloadEntry of the control plane has a mark that proves that a task is in the mesh.",
    retryable: false,
  },
  // Why a rollout is refused, held, rolled back or ends early.
  "invalid-request": {
    sentence: "The request for a rollout is not valid.",
    retryable: false,
  },
  "invalid-image": {
    sentence: "The image is not an image reference.",
    retryable: false,
  },
  "image-parameter-missing": {
    sentence: "The parameter with the fleet's image is gone. The fleet keeps the image that it has.",
    retryable: false,
  },
  "image-not-allowed": {
    sentence: "The image is not among the allowed ones.",
    retryable: false,
  },
  "version-skew": {
    sentence: "The image is of a newer version than istiod, which Istio does not support.",
    retryable: false,
  },
  "scope-empty": {
    sentence: "No enrolled service is in the rollout's scope.",
    retryable: false,
  },
  "unknown-rollout": {
    sentence: "There is no rollout of this id.",
    retryable: false,
  },
  "root-ca-untrusted": {
    sentence: "This rotation can't be rolled back: services would trust a root CA that nobody signs with any more.",
    retryable: false,
  },
  "wrong-phase": {
    sentence: "The rollout is not in a phase in which this can be done.",
    retryable: false,
  },
  frozen: {
    sentence: "A freeze window is open.",
    retryable: false,
  },
  "budget-exceeded": {
    sentence: "More services failed than the failure budget allows.",
    retryable: false,
  },
  "alarm-fired": {
    sentence: "A CloudWatch alarm that guards the rollout is in ALARM.",
    retryable: false,
  },
  "bake-failed": {
    sentence: "Services of a finished wave did not stay healthy and as desired.",
    retryable: false,
  },
  "operator-request": {
    sentence: "An operator asked for it.",
    retryable: false,
  },
  "wish-moved-on": {
    sentence: "The value that the rollout brings is not the newest any more.",
    retryable: false,
  },
  "wish-contested": {
    sentence: "Two writers change in turns what it brings.",
    retryable: false,
  },
  "wish-withdrawn": {
    sentence: "What it brings is no longer wished.",
    retryable: false,
  },
  "roll-unaccounted": {
    sentence: "A service's roll ended without an outcome.",
    retryable: false,
  },
  superseded: {
    sentence: "Somebody deployed the service during the roll.",
    retryable: false,
  },
  "service-deleted": {
    sentence: "Somebody deleted the service during the roll.",
    retryable: false,
  },
  // What `autopilot inject` answers.
  "injection-refused": {
    sentence: "The sidecar can't be put into the task definition.",
    retryable: false,
  },
  "secret-version-missing": {
    sentence: "There is no secret version with this identity's bootstrap token yet.",
    retryable: false,
  },
  "roll-in-progress": {
    sentence: "Another roll holds the service's lease.",
    retryable: false,
  },
  "rollout-stopped": {
    sentence: "The rollout stopped before the service's turn.",
    retryable: false,
  },
  "changed-since": {
    sentence: "Somebody has deployed the service since the rollout changed it.",
    retryable: false,
  },
  "root-cut-off": {
    sentence: "The revision's token has a root CA that nobody trusts any more: no task joins the mesh with it.",
    retryable: false,
  },
  "already-as-desired": {
    sentence: "The service already is as its tags ask for.",
    retryable: false,
  },
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
