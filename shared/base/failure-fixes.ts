import { type FailureCode, failures } from "./errors.ts";

/** What helps against each failure, for messages to people. Functions that notify nobody do not carry these texts. */
export const failureFixes: Readonly<Record<FailureCode, string>> = {
  "malformed-event":
    "Look at the event in the dead-letter queue. If AWS changed its shape, update shared/events/incoming.ts.",
  "invalid-config": "Correct the fields that the message names.",
  "invalid-environment": "Deploy the stage again: every variable comes from there.",
  "invalid-kubeconfig": "Write one with an https server and a token, or a client certificate, into the named secret.",
  "invalid-slack-secret": 'Write {"token": "…"} or {"webhookUrl": "https://…"} into the named secret.',
  "unknown-account":
    "Add the account to `accounts` (and the region to its `regions`), or take away its forwarding rule.",
  "no-control-plane": "Add the account and region to the `serves` of a control plane.",
  "control-plane-unreachable":
    "Check the cluster's endpoint, its access entry for the autopilot's role and the network between them.",
  "control-plane-incomplete": "Compare the named object with Solo's installation guide for ECS and complete it.",
  "control-plane-refused": "Give the autopilot's Kubernetes user the permissions that docs/deploy.md lists.",
  "control-plane-busy":
    "Nothing to do at first: it is tried again. If it lasts, check the named object and its namespace.",
  "mesh-facts-missing": "Run the function watch-root-ca once, and read its log if it fails.",
  "invalid-pem": "Look at the ConfigMap istio-ca-root-cert of the control plane.",
  "invalid-token": "Run the enrollment again: the autopilot writes a new token.",
  "ledger-item-unreadable":
    "See docs/operations.md#ledger-item-unreadable before anything is deleted: `autopilot status` says what it is worth.",
  "service-not-found": "Nothing to do when it was deleted. Else check the account and region.",
  "task-definition-not-found": "Deploy the service with a revision that exists.",
  "registration-refused": "Read ECS's message. The service runs on unchanged.",
  "update-refused": "Read ECS's message. The service runs on unchanged.",
  "secret-unavailable":
    "If it is gone, deploy the service again. If it has 20 labels or 100 versions, remove old ones.",
  "secret-version-foreign":
    "Somebody else wrote it: see CloudTrail. Delete the secret without a recovery window, then enroll again.",
  "identity-conflict": "Give the service account back to the service's role, or the service another one by its tag.",
  "reader-refused": "Set executionRoleArn to the ARN of a role of that account.",
  "access-denied": "Compare the role's policy, and the organization's, with docs/security.md.",
  throttled: "Nothing to do: it is tried again.",
  "aws-unavailable": "Nothing to do: it is tried again.",
  "aws-rejected": "Read AWS's message.",
  "slack-unavailable": "Check the token, the channel's name and that the app is a member of the channel.",
  "mesh-not-converged": "Nothing to do: the autopilot checks again until the deadline.",
  "unexpected-error": "Look at the cause, and report it.",
  "deployment-failed": "See the stopped task's reason. Then deploy again, or change the tag.",
  "no-way-back": "Deploy a revision that works, or remove the cause that the message names first and deploy again.",
  "deployment-deadline": "See what keeps the tasks from getting healthy, or raise policy.deploymentDeadlineMinutes.",
  "tasks-stopping": "See the named container's reason. Then deploy again.",
  "tasks-not-placed":
    "See ECS's message: add capacity, widen the placement constraints, or let the deployment stop an old task first.",
  "deployment-alarm": "Look at the alarm. If it went off for another reason, the next attempt may succeed.",
  "deployment-stopped": "Ask who stopped it and why. To keep the service as it is, set its enroll tag to false.",
  "ztunnel-unhealthy": "Check the ztunnel image and that the tasks can reach istiod.",
  "secret-denied":
    "Allow the execution role to read it: no boundary, organization policy or other statement may deny it.",
  "secret-kms-denied":
    "Allow the execution role kms:Decrypt on the secret's key, or encrypt it with aws/secretsmanager again.",
  "secret-unreachable":
    "Give their subnets a VPC endpoint for Secrets Manager or a NAT gateway; check their security groups.",
  "log-unavailable":
    "Create the container's log group in that region, and let the execution role write to it. For ztunnel's, see ztunnel.logs.",
  "image-unavailable": "Check the image's name and the execution role's permission to pull it.",
  "application-failed": "Read the application's log. If it fails with the sidecar only, check its proxy settings.",
  "not-verified": "See the detail: either the mesh does not know the tasks, or its control plane does not answer.",
  "workload-entry-missing":
    "Check that istiod watches this account and region, and that it may read the cluster and the service.",
  "workload-identity-differs":
    "Compare the tag `ecs.solo.io/service-account` of the tasks with the service's, and see whether anything but " +
    "istiod writes WorkloadEntries.",
  "workload-not-redirected":
    "See istiod's log for these tasks. An istiod that says so in another way needs `policy.verify: name-only`.",
  "mesh-shape-unknown":
    "See whether istiod gives tasks a tunnel at all (its log, its version). If it does and writes entries in another " +
    "way, set `policy.verify: name-only`, and report what was seen.",
  "invalid-request":
    "Correct the fields that the message names; `npm run autopilot -- rollout request --help` lists them.",
  "invalid-image": "Give a name with a tag, a digest or both, as in example.com/ztunnel:1.28.2.",
  "ledger-behind": "Nothing to do at first: see docs/operations.md#ledger-emptied-or-restored.",
  "image-parameter-missing":
    "Write the parameter again. If the configuration's image is wanted, take ztunnel.imageParameter out of the " +
    "configuration.",
  "image-not-allowed": "Use an image of the fleet's repository, or add this one to ztunnel.allowedImages.",
  "version-skew":
    "Upgrade istiod first: the fleet's image is then asked for by itself. Or narrow the scope, or see policy.versionSkew.",
  "scope-empty": "Look at the inventory (`npm run autopilot -- status`) and widen the scope.",
  "unknown-rollout": "See `npm run autopilot -- rollout list`.",
  "root-ca-untrusted": "Abort it to stop it where it is. Put the old root CA back into the bundle to return to it.",
  "wrong-phase": "See `npm run autopilot -- rollout status` for its phase.",
  frozen: "Wait until it ends, or request with --override: who did so is recorded.",
  "budget-exceeded": "See the failed services' reasons, correct the cause, then request the rollout again.",
  "alarm-fired": "Look at the alarm. When it is OK again, request the rollout again.",
  "bake-failed": "Look at the named services' tasks, then request the rollout again.",
  "operator-request": "Nothing to do.",
  "wish-moved-on": "Nothing to do: a newer rollout takes the services from where they are.",
  "wish-contested": "Find both and leave it to one of them. A rollout of what remains starts by itself when they rest.",
  "wish-withdrawn": "Nothing to do.",
  "roll-unaccounted": "Look at its RollService execution and at the service in ECS.",
  superseded: "Nothing to do: that deployment's own event reconciles the service.",
  "injection-refused": "See the reason; the tags are in the README.",
  "secret-version-missing":
    "Enroll one service of this identity first: tag it and wait. Or use --dry-run, which writes a placeholder.",
  "roll-in-progress": "Nothing to do: the service is reconciled again when that roll ends.",
  "rollout-stopped": "Nothing to do: the service runs on as it was.",
  "changed-since": "Nothing to do: that deployment's own event reconciles the service.",
  "service-deleted": "Nothing to do. One that is created again under its name is enrolled by its own tags.",
  "root-cut-off": "Nothing to do where a rotation goes on. Else mend what failed, and let the service roll again.",
  "already-as-desired": "Nothing to do.",
};

/** The sentence and the fix of a failure's code. Undefined where the text is none. */
export function failureText(text: string): { readonly sentence: string; readonly fix: string } | undefined {
  return isFailureCode(text) ? { sentence: failures[text].sentence, fix: failureFixes[text] } : undefined;
}

function isFailureCode(text: string): text is FailureCode {
  return Object.hasOwn(failures, text);
}
