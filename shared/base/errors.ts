/**
 * Everything that can go wrong outside of a refusal (`shared/model/reason-texts.ts`): a closed set of codes, each with
 * a sentence, a fix and whether trying again can help.
 */
export const failures = {
  "malformed-event": {
    sentence: "The event does not have the shape that its source documents.",
    fix: "Look at the event in the dead-letter queue. If AWS changed its shape, update shared/events/incoming.ts.",
    retryable: false,
  },
  "invalid-config": {
    sentence: "autopilot.config.ts is not valid.",
    fix: "Correct the fields that the message names.",
    retryable: false,
  },
  "invalid-environment": {
    sentence: "A variable of the function's environment is missing or empty.",
    fix: "Deploy the stage again: every variable comes from there.",
    retryable: false,
  },
  "invalid-kubeconfig": {
    sentence: "The secret of the control plane holds no kubeconfig that can be used.",
    fix: "Write one with an https server and a token, or a client certificate, into the named secret.",
    retryable: false,
  },
  "invalid-slack-secret": {
    sentence: "Slack's secret does not hold what it must.",
    fix: 'Write {"token": "…"} or {"webhookUrl": "https://…"} into the named secret.',
    retryable: false,
  },
  "unknown-account": {
    sentence: "The account or region is not in autopilot.config.ts.",
    fix: "Add the account to `accounts` (and the region to its `regions`), or take away its forwarding rule.",
    retryable: false,
  },
  "no-control-plane": {
    sentence: "No control plane in autopilot.config.ts serves this account and region.",
    fix: "Add the account and region to the `serves` of a control plane.",
    retryable: false,
  },
  "control-plane-unreachable": {
    sentence: "The Kubernetes API of the control plane did not answer.",
    fix: "Check the cluster's endpoint, its access entry for the autopilot's role and the network between them.",
    retryable: true,
  },
  "control-plane-incomplete": {
    sentence: "The control plane's answer lacks what a ztunnel needs to start.",
    fix: "Compare the named object with Solo's installation guide for ECS and complete it.",
    retryable: false,
  },
  "control-plane-refused": {
    sentence: "The Kubernetes API refused the call.",
    fix: "Give the autopilot's Kubernetes user the permissions that docs/deploy.md lists.",
    retryable: false,
  },
  "control-plane-busy": {
    sentence: "The Kubernetes API can't take the call now: the object, its namespace or the list is changing.",
    fix: "Nothing to do at first: it is tried again. If it lasts, check the named object and its namespace.",
    retryable: true,
  },
  "mesh-facts-missing": {
    sentence: "The ledger has no mesh facts for this control plane yet.",
    fix: "Run the function watch-root-ca once, and read its log if it fails.",
    retryable: true,
  },
  "invalid-pem": {
    sentence: "The root CA bundle is not a list of PEM certificates.",
    fix: "Look at the ConfigMap istio-ca-root-cert of the control plane.",
    retryable: false,
  },
  "invalid-token": {
    sentence: "The BOOTSTRAP_TOKEN could not be decoded.",
    fix: "Run the enrollment again: the autopilot writes a new token.",
    retryable: false,
  },
  "ledger-item-unreadable": {
    sentence: "An item of the ledger does not have the shape that this version reads.",
    fix: "Delete the named item: the next sweep writes it again from what runs.",
    retryable: false,
  },
  "service-not-found": {
    sentence: "ECS does not know the service.",
    fix: "Nothing to do when it was deleted. Else check the account and region.",
    retryable: false,
  },
  "task-definition-not-found": {
    sentence: "ECS does not know the task definition.",
    fix: "Deploy the service with a revision that exists.",
    retryable: false,
  },
  "registration-refused": {
    sentence: "ECS refused the task definition with the sidecar.",
    fix: "Read ECS's message. The service runs on unchanged.",
    retryable: false,
  },
  "update-refused": {
    sentence: "ECS refused to update the service.",
    fix: "Read ECS's message. The service runs on unchanged.",
    retryable: false,
  },
  "secret-unavailable": {
    sentence: "The bootstrap token's secret cannot be used.",
    fix: "If it is gone, deploy the service again. If it has 20 labels or 100 versions, remove old ones.",
    retryable: false,
  },
  "secret-version-foreign": {
    sentence: "The secret has a version by the bootstrap token's name whose content is not that token.",
    fix: "Somebody else wrote it: see CloudTrail. Delete the secret without a recovery window, then enroll again.",
    retryable: false,
  },
  "reader-refused": {
    sentence: "The execution role is not a role of the service's own account, so it can't read the token's secret.",
    fix: "Set executionRoleArn to the ARN of a role of that account.",
    retryable: false,
  },
  "access-denied": {
    sentence: "AWS denied the call.",
    fix: "Compare the role's policy, and the organization's, with docs/security.md.",
    retryable: false,
  },
  throttled: {
    sentence: "AWS throttled the call.",
    fix: "Nothing to do: it is tried again.",
    retryable: true,
  },
  "aws-unavailable": {
    sentence: "AWS answered with an error of its own.",
    fix: "Nothing to do: it is tried again.",
    retryable: true,
  },
  "aws-rejected": {
    sentence: "AWS rejected the call.",
    fix: "Read AWS's message.",
    retryable: false,
  },
  "slack-unavailable": {
    sentence: "Slack did not take the message.",
    fix: "Check the token, the channel's name and that the app is a member of the channel.",
    retryable: true,
  },
  "mesh-not-converged": {
    sentence: "The new tasks are not all in the mesh yet.",
    fix: "Nothing to do: the autopilot checks again until the deadline.",
    retryable: true,
  },
  "unexpected-error": {
    sentence: "Something failed that has no name yet.",
    fix: "Look at the cause, and report it.",
    retryable: true,
  },
  // How a roll ends without success.
  "deployment-failed": {
    sentence: "ECS reported the deployment as failed.",
    fix: "See the stopped task's reason. Then deploy again, or change the tag.",
    retryable: false,
  },
  "no-way-back": {
    sentence: "No revision that the service could return to starts or can be had.",
    fix: "Deploy a revision that works, or remove the cause that the message names first and deploy again.",
    retryable: false,
  },
  "deployment-deadline": {
    sentence: "The deployment did not complete before the deadline.",
    fix: "See what keeps the tasks from getting healthy, or raise policy.deploymentDeadlineMinutes.",
    retryable: false,
  },
  "tasks-stopping": {
    sentence: "The new revision's tasks keep stopping.",
    fix: "See the named container's reason. Then deploy again.",
    retryable: false,
  },
  "tasks-not-placed": {
    sentence: "ECS found no place for the new tasks.",
    fix: "See ECS's message: add capacity, widen the placement constraints, or let the deployment stop an old task first.",
    retryable: false,
  },
  "deployment-alarm": {
    sentence: "A CloudWatch alarm of the service's own deployment configuration ended the deployment.",
    fix: "Look at the alarm. If it went off for another reason, the next attempt may succeed.",
    retryable: false,
  },
  "deployment-stopped": {
    sentence: "Somebody stopped the deployment.",
    fix: "Ask who stopped it and why. To keep the service as it is, set its enroll tag to false.",
    retryable: false,
  },
  "ztunnel-unhealthy": {
    sentence: "ztunnel did not get healthy.",
    fix: "Check the ztunnel image and that the tasks can reach istiod.",
    retryable: false,
  },
  "secret-denied": {
    sentence: "The tasks could not read the bootstrap token's secret.",
    fix: "Allow the execution role to read it: no boundary, organization policy or other statement may deny it.",
    retryable: false,
  },
  "secret-kms-denied": {
    sentence: "The tasks may read the bootstrap token's secret, but not use the key that it is encrypted with.",
    fix: "Allow the execution role kms:Decrypt on the secret's key, or encrypt it with aws/secretsmanager again.",
    retryable: false,
  },
  "secret-unreachable": {
    sentence: "The tasks have no route to Secrets Manager.",
    fix: "Give their subnets a VPC endpoint for Secrets Manager or a NAT gateway; check their security groups.",
    retryable: false,
  },
  "image-unavailable": {
    sentence: "The tasks could not pull an image.",
    fix: "Check the image's name and the execution role's permission to pull it.",
    retryable: false,
  },
  "application-failed": {
    sentence: "An application container stopped.",
    fix: "Read the application's log. If it fails with the sidecar only, check its proxy settings.",
    retryable: false,
  },
  "not-verified": {
    sentence: "The roll could not be verified before the deadline.",
    fix: "See the detail: either the mesh does not know the tasks, or its control plane does not answer.",
    retryable: false,
  },
  "workload-entry-missing": {
    sentence: "Tasks run, but the mesh has no WorkloadEntry for them.",
    fix: "Check that istiod watches this account and region, and that it may read the cluster and the service.",
    retryable: false,
  },
  "workload-identity-differs": {
    sentence: "Tasks run, but the mesh knows them under another service account.",
    fix:
      "Compare the tag `ecs.solo.io/service-account` of the tasks with the service's, and see whether anything but " +
      "istiod writes WorkloadEntries.",
    retryable: false,
  },
  "workload-not-redirected": {
    sentence: "Tasks run, but their WorkloadEntries do not say that they take HBONE: the mesh sends them plain text.",
    fix: "See istiod's log for these tasks. An istiod that says so in another way needs `policy.verify: name-only`.",
    retryable: false,
  },
  "mesh-shape-unknown": {
    sentence: "No WorkloadEntry of the control plane has a mark that proves that a task is in the mesh.",
    fix:
      "See whether istiod gives tasks a tunnel at all (its log, its version). If it does and writes entries in another " +
      "way, set `policy.verify: name-only`, and report what was seen.",
    retryable: false,
  },
  // Why a rollout is refused, held, rolled back or ends early.
  "invalid-request": {
    sentence: "The request for a rollout is not valid.",
    fix: "Correct the fields that the message names; `npm run autopilot -- rollout request --help` lists them.",
    retryable: false,
  },
  "invalid-image": {
    sentence: "The image is not an image reference.",
    fix: "Give a name with a tag, a digest or both, as in example.com/ztunnel:1.28.2.",
    retryable: false,
  },
  "image-parameter-missing": {
    sentence: "The parameter with the fleet's image is gone. The fleet keeps the image that it has.",
    fix:
      "Write the parameter again. If the configuration's image is wanted, take ztunnel.imageParameter out of the " +
      "configuration.",
    retryable: false,
  },
  "image-not-allowed": {
    sentence: "The image is not among the allowed ones.",
    fix: "Use an image of the fleet's repository, or add this one to ztunnel.allowedImages.",
    retryable: false,
  },
  "version-skew": {
    sentence: "The image is of a newer version than istiod, which Istio does not support.",
    fix: "Upgrade istiod first: the fleet's image is then asked for by itself. Or narrow the scope, or see policy.versionSkew.",
    retryable: false,
  },
  "scope-empty": {
    sentence: "No enrolled service is in the rollout's scope.",
    fix: "Look at the inventory (`npm run autopilot -- status`) and widen the scope.",
    retryable: false,
  },
  "unknown-rollout": {
    sentence: "There is no rollout of this id.",
    fix: "See `npm run autopilot -- rollout list`.",
    retryable: false,
  },
  "root-ca-untrusted": {
    sentence: "This rotation can't be rolled back: services would trust a root CA that nobody signs with any more.",
    fix: "Abort it to stop it where it is. Put the old root CA back into the bundle to return to it.",
    retryable: false,
  },
  "wrong-phase": {
    sentence: "The rollout is not in a phase in which this can be done.",
    fix: "See `npm run autopilot -- rollout status` for its phase.",
    retryable: false,
  },
  frozen: {
    sentence: "A freeze window is open.",
    fix: "Wait until it ends, or request with --override: who did so is recorded.",
    retryable: false,
  },
  "budget-exceeded": {
    sentence: "More services failed than the failure budget allows.",
    fix: "See the failed services' reasons, correct the cause, then request the rollout again.",
    retryable: false,
  },
  "alarm-fired": {
    sentence: "A CloudWatch alarm that guards the rollout is in ALARM.",
    fix: "Look at the alarm. When it is OK again, request the rollout again.",
    retryable: false,
  },
  "bake-failed": {
    sentence: "Services of a finished wave did not stay healthy and as desired.",
    fix: "Look at the named services' tasks, then request the rollout again.",
    retryable: false,
  },
  "operator-request": {
    sentence: "An operator asked for it.",
    fix: "Nothing to do.",
    retryable: false,
  },
  "wish-moved-on": {
    sentence: "The value that the rollout brings is not the newest any more.",
    fix: "Nothing to do: a newer rollout takes the services from where they are.",
    retryable: false,
  },
  "wish-contested": {
    sentence: "Two writers change in turns what it brings.",
    fix: "Find both and leave it to one of them. A rollout of what remains starts by itself when they rest.",
    retryable: false,
  },
  "wish-withdrawn": {
    sentence: "What it brings is no longer wished.",
    fix: "Nothing to do.",
    retryable: false,
  },
  "roll-unaccounted": {
    sentence: "A service's roll ended without an outcome.",
    fix: "Look at its RollService execution and at the service in ECS.",
    retryable: false,
  },
  superseded: {
    sentence: "Somebody deployed the service during the roll.",
    fix: "Nothing to do: that deployment's own event reconciles the service.",
    retryable: false,
  },
  // What `autopilot inject` answers.
  "injection-refused": {
    sentence: "The sidecar can't be put into the task definition.",
    fix: "See the reason; the tags are in the README.",
    retryable: false,
  },
  "secret-version-missing": {
    sentence: "There is no secret version with this identity's bootstrap token yet.",
    fix: "Enroll one service of this identity first: tag it and wait. Or use --dry-run, which writes a placeholder.",
    retryable: false,
  },
  "roll-in-progress": {
    sentence: "Another roll holds the service's lease.",
    fix: "Nothing to do: the service is reconciled again when that roll ends.",
    retryable: false,
  },
  "rollout-stopped": {
    sentence: "The rollout stopped before the service's turn.",
    fix: "Nothing to do: the service runs on as it was.",
    retryable: false,
  },
  "changed-since": {
    sentence: "Somebody has deployed the service since the rollout changed it.",
    fix: "Nothing to do: that deployment's own event reconciles the service.",
    retryable: false,
  },
  "already-as-desired": {
    sentence: "The service already is as its tags ask for.",
    fix: "Nothing to do.",
    retryable: false,
  },
} as const satisfies Readonly<Record<string, { sentence: string; fix: string; retryable: boolean }>>;

export type FailureCode = keyof typeof failures;

/** Names that a state machine's Retry and Catch may match: the name of the thrown error decides there. */
export const RETRYABLE_ERROR = "Autopilot.Retryable";
/** Retryable as well, for longer: AWS's quotas are shared, and waiting for a turn is not a failure. */
export const THROTTLED_ERROR = "Autopilot.Throttled";
export const TERMINAL_ERROR = "Autopilot.Terminal";

/**
 * The one error class of the product. `code` names the reason, `detail` the thing, `retryable` whether trying again
 * can help; the name follows from it, so that a state machine can distinguish the two.
 */
export class AutopilotError extends Error {
  readonly code: FailureCode;
  readonly detail: string;
  readonly retryable: boolean;

  constructor(code: FailureCode, detail: string, options: { readonly cause?: unknown } = {}) {
    super(`${code}: ${failures[code].sentence} ${detail}`.trim(), options);
    this.code = code;
    this.detail = detail;
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
