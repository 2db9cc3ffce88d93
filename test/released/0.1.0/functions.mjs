// Made of version 0.1.0 by `npm run record-release`.

// shared/gateways/aws/alarms.ts
import { CloudWatchClient, DescribeAlarmsCommand } from "@aws-sdk/client-cloudwatch";
import * as z from "zod";

// shared/gateways/aws/errors.ts
import { isServerError, isThrottlingError, isTransientError } from "@smithy/core/retry";

// shared/base/errors.ts
var failures = {
  "malformed-event": {
    sentence: "The event does not have the shape that its source documents.",
    retryable: false
  },
  "invalid-config": {
    sentence: "autopilot.config.ts is not valid.",
    retryable: false
  },
  "invalid-environment": {
    sentence: "A variable of the function's environment is missing or empty.",
    retryable: false
  },
  "invalid-kubeconfig": {
    sentence: "The secret of the control plane holds no kubeconfig that can be used.",
    retryable: false
  },
  "invalid-slack-secret": {
    sentence: "Slack's secret does not hold what it must.",
    retryable: false
  },
  "unknown-account": {
    sentence: "The account or region is not in autopilot.config.ts.",
    retryable: false
  },
  "no-control-plane": {
    sentence: "No control plane in autopilot.config.ts serves this account and region.",
    retryable: false
  },
  "control-plane-unreachable": {
    sentence: "The Kubernetes API of the control plane did not answer.",
    retryable: true
  },
  "control-plane-incomplete": {
    sentence: "The control plane's answer lacks what a ztunnel needs to start.",
    retryable: false
  },
  "control-plane-refused": {
    sentence: "The Kubernetes API refused the call.",
    retryable: false
  },
  "control-plane-busy": {
    sentence: "The Kubernetes API can't take the call now: the object, its namespace or the list is changing.",
    retryable: true
  },
  "mesh-facts-missing": {
    sentence: "The ledger has no mesh facts for this control plane yet.",
    retryable: true
  },
  "invalid-pem": {
    sentence: "The root CA bundle is not a list of PEM certificates.",
    retryable: false
  },
  "invalid-token": {
    sentence: "The BOOTSTRAP_TOKEN could not be decoded.",
    retryable: false
  },
  "ledger-item-unreadable": {
    sentence: "An item of the ledger does not have the shape that this version reads.",
    retryable: false
  },
  "service-not-found": {
    sentence: "ECS does not know the service.",
    retryable: false
  },
  "task-definition-not-found": {
    sentence: "ECS does not know the task definition.",
    retryable: false
  },
  "registration-refused": {
    sentence: "ECS refused the task definition with the sidecar.",
    retryable: false
  },
  "update-refused": {
    sentence: "ECS refused to update the service.",
    retryable: false
  },
  "secret-unavailable": {
    sentence: "The bootstrap token's secret cannot be used.",
    retryable: false
  },
  "secret-version-foreign": {
    sentence: "The secret has a version by the bootstrap token's name whose content is not that token.",
    retryable: false
  },
  "reader-refused": {
    sentence: "The execution role is not a role of the service's own account, so it can't read the token's secret.",
    retryable: false
  },
  "access-denied": {
    sentence: "AWS denied the call.",
    retryable: false
  },
  throttled: {
    sentence: "AWS throttled the call.",
    retryable: true
  },
  "aws-unavailable": {
    sentence: "AWS answered with an error of its own.",
    retryable: true
  },
  "aws-rejected": {
    sentence: "AWS rejected the call.",
    retryable: false
  },
  "slack-unavailable": {
    sentence: "Slack did not take the message.",
    retryable: true
  },
  "mesh-not-converged": {
    sentence: "The new tasks are not all in the mesh yet.",
    retryable: true
  },
  "unexpected-error": {
    sentence: "Something failed that has no name yet.",
    retryable: true
  },
  // How a roll ends without success.
  "deployment-failed": {
    sentence: "ECS reported the deployment as failed.",
    retryable: false
  },
  "no-way-back": {
    sentence: "No revision that the service could return to starts or can be had.",
    retryable: false
  },
  "deployment-deadline": {
    sentence: "The deployment did not complete before the deadline.",
    retryable: false
  },
  "tasks-stopping": {
    sentence: "The new revision's tasks keep stopping.",
    retryable: false
  },
  "tasks-not-placed": {
    sentence: "ECS found no place for the new tasks.",
    retryable: false
  },
  "deployment-alarm": {
    sentence: "A CloudWatch alarm of the service's own deployment configuration ended the deployment.",
    retryable: false
  },
  "deployment-stopped": {
    sentence: "Somebody stopped the deployment.",
    retryable: false
  },
  "ztunnel-unhealthy": {
    sentence: "ztunnel did not get healthy.",
    retryable: false
  },
  "secret-denied": {
    sentence: "The tasks could not read the bootstrap token's secret.",
    retryable: false
  },
  "secret-kms-denied": {
    sentence: "The tasks may read the bootstrap token's secret, but not use the key that it is encrypted with.",
    retryable: false
  },
  "secret-unreachable": {
    sentence: "The tasks have no route to Secrets Manager.",
    retryable: false
  },
  "image-unavailable": {
    sentence: "The tasks could not pull an image.",
    retryable: false
  },
  "application-failed": {
    sentence: "An application container stopped.",
    retryable: false
  },
  "not-verified": {
    sentence: "The roll could not be verified before the deadline.",
    retryable: false
  },
  "workload-entry-missing": {
    sentence: "Tasks run, but the mesh has no WorkloadEntry for them.",
    retryable: false
  },
  "workload-identity-differs": {
    sentence: "Tasks run, but the mesh knows them under another service account.",
    retryable: false
  },
  "workload-not-redirected": {
    sentence: "Tasks run, but their WorkloadEntries do not say that they take HBONE: the mesh sends them plain text.",
    retryable: false
  },
  "mesh-shape-unknown": {
    sentence: "No WorkloadEntry of the control plane has a mark that proves that a task is in the mesh.",
    retryable: false
  },
  // Why a rollout is refused, held, rolled back or ends early.
  "invalid-request": {
    sentence: "The request for a rollout is not valid.",
    retryable: false
  },
  "invalid-image": {
    sentence: "The image is not an image reference.",
    retryable: false
  },
  "image-parameter-missing": {
    sentence: "The parameter with the fleet's image is gone. The fleet keeps the image that it has.",
    retryable: false
  },
  "image-not-allowed": {
    sentence: "The image is not among the allowed ones.",
    retryable: false
  },
  "version-skew": {
    sentence: "The image is of a newer version than istiod, which Istio does not support.",
    retryable: false
  },
  "scope-empty": {
    sentence: "No enrolled service is in the rollout's scope.",
    retryable: false
  },
  "unknown-rollout": {
    sentence: "There is no rollout of this id.",
    retryable: false
  },
  "root-ca-untrusted": {
    sentence: "This rotation can't be rolled back: services would trust a root CA that nobody signs with any more.",
    retryable: false
  },
  "wrong-phase": {
    sentence: "The rollout is not in a phase in which this can be done.",
    retryable: false
  },
  frozen: {
    sentence: "A freeze window is open.",
    retryable: false
  },
  "budget-exceeded": {
    sentence: "More services failed than the failure budget allows.",
    retryable: false
  },
  "alarm-fired": {
    sentence: "A CloudWatch alarm that guards the rollout is in ALARM.",
    retryable: false
  },
  "bake-failed": {
    sentence: "Services of a finished wave did not stay healthy and as desired.",
    retryable: false
  },
  "operator-request": {
    sentence: "An operator asked for it.",
    retryable: false
  },
  "wish-moved-on": {
    sentence: "The value that the rollout brings is not the newest any more.",
    retryable: false
  },
  "wish-contested": {
    sentence: "Two writers change in turns what it brings.",
    retryable: false
  },
  "wish-withdrawn": {
    sentence: "What it brings is no longer wished.",
    retryable: false
  },
  "roll-unaccounted": {
    sentence: "A service's roll ended without an outcome.",
    retryable: false
  },
  superseded: {
    sentence: "Somebody deployed the service during the roll.",
    retryable: false
  },
  // What `autopilot inject` answers.
  "injection-refused": {
    sentence: "The sidecar can't be put into the task definition.",
    retryable: false
  },
  "secret-version-missing": {
    sentence: "There is no secret version with this identity's bootstrap token yet.",
    retryable: false
  },
  "roll-in-progress": {
    sentence: "Another roll holds the service's lease.",
    retryable: false
  },
  "rollout-stopped": {
    sentence: "The rollout stopped before the service's turn.",
    retryable: false
  },
  "changed-since": {
    sentence: "Somebody has deployed the service since the rollout changed it.",
    retryable: false
  },
  "already-as-desired": {
    sentence: "The service already is as its tags ask for.",
    retryable: false
  }
};
var RETRYABLE_ERROR = "Autopilot.Retryable";
var THROTTLED_ERROR = "Autopilot.Throttled";
var TERMINAL_ERROR = "Autopilot.Terminal";
var AutopilotError = class extends Error {
  code;
  detail;
  retryable;
  constructor(code2, detail, options = {}) {
    super(`${code2}: ${failures[code2].sentence} ${detail}`.trim(), options);
    this.code = code2;
    this.detail = detail;
    this.retryable = failures[code2].retryable;
    this.name = code2 === "throttled" ? THROTTLED_ERROR : this.retryable ? RETRYABLE_ERROR : TERMINAL_ERROR;
  }
};
function failureCodeOf(message) {
  const [, code2 = ""] = /^([a-z-]+):/.exec(message) ?? [];
  return isFailureCode(code2) ? code2 : void 0;
}
function isFailureCode(text3) {
  return Object.hasOwn(failures, text3);
}
function asAutopilotError(error) {
  if (error instanceof AutopilotError) return error;
  const detail = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return new AutopilotError("unexpected-error", detail, { cause: error });
}

// shared/gateways/aws/errors.ts
function errorNameOf(error) {
  return error instanceof Error ? error.name : void 0;
}
function isNamed(error, ...names2) {
  const name = errorNameOf(error);
  return name !== void 0 && names2.includes(name);
}
function isQuotaReached(error) {
  return isNamed(error, "LimitExceededException");
}
var BUSY = [
  { name: "ClientException", message: /^Too many concurrent attempts\b/ },
  // IAM's role for ECS may be new:
  // https://docs.aws.amazon.com/AmazonECS/latest/developerguide/using-service-linked-roles.html
  { name: "InvalidParameterException", message: /^Unable to assume the service linked role\b/ },
  { name: "ConcurrentModificationException" },
  { name: "TransactionConflictException" },
  { name: "ReplicatedWriteConflictException" }
];
function isBusy(error) {
  if (!(error instanceof Error)) return false;
  return BUSY.some(({ name, message }) => error.name === name && (message?.test(error.message) ?? true));
}
function isThrottled(error) {
  return isSdkError(error) && isThrottlingError(error) && !isQuotaReached(error) || isBusy(error);
}
function isUnavailable(error) {
  return isSdkError(error) && !isQuotaReached(error) && (isTransientError(error) || isServerError(error));
}
function isAccessDenied(error) {
  return isNamed(
    error,
    "AccessDenied",
    "AccessDeniedException",
    "UnauthorizedException",
    "UnrecognizedClientException",
    "InvalidClientTokenId",
    "ExpiredTokenException",
    "CredentialsProviderError"
  );
}
function asFailure(error, what, rejected = "aws-rejected") {
  if (error instanceof AutopilotError) return error;
  if (!(error instanceof Error)) return asAutopilotError(error);
  return new AutopilotError(codeOf(error, rejected), `${what}: ${error.name}: ${error.message}`, { cause: error });
}
function codeOf(error, rejected) {
  if (isThrottled(error)) return "throttled";
  if (isAccessDenied(error)) return "access-denied";
  if (isUnavailable(error)) return "aws-unavailable";
  if (isNamed(error, "ServiceNotFoundException", "ClusterNotFoundException")) return "service-not-found";
  return "$metadata" in error ? rejected : "unexpected-error";
}
async function call(what, run, rejected) {
  try {
    return await run();
  } catch (error) {
    throw asFailure(error, what, rejected);
  }
}
function isSdkError(error) {
  return error instanceof Error;
}

// shared/gateways/aws/alarms.ts
var NAMES_PER_CALL = 100;
var alarms = z.array(
  z.object({
    AlarmName: z.string(),
    StateValue: z.string(),
    StateReason: z.string().default("")
  }).transform(({ AlarmName, StateValue, StateReason }) => {
    return { name: AlarmName, state: StateValue, reason: StateReason };
  })
).default([]);
var answerSchema = z.object({ MetricAlarms: alarms, CompositeAlarms: alarms, NextToken: z.string().optional() });
function alarmsGateway(clients) {
  const client = clients(CloudWatchClient);
  async function describeSome(names2) {
    const what = `DescribeAlarms ${names2.slice(0, 3).join(" ")}${names2.length > 3 ? " \u2026" : ""}`;
    const found = [];
    let token2;
    do {
      const { MetricAlarms, CompositeAlarms, NextToken } = await call(what, async () => {
        const command = new DescribeAlarmsCommand({
          AlarmNames: [...names2],
          // Without it, CloudWatch leaves composite alarms out.
          AlarmTypes: ["MetricAlarm", "CompositeAlarm"],
          MaxRecords: NAMES_PER_CALL,
          NextToken: token2
        });
        return answerSchema.parse(await client.send(command));
      });
      found.push(...MetricAlarms, ...CompositeAlarms);
      token2 = NextToken;
    } while (token2);
    return found;
  }
  return {
    describeAlarms: async (names2) => {
      const found = [];
      for (let start2 = 0; start2 < names2.length; start2 += NAMES_PER_CALL) {
        found.push(...await describeSome(names2.slice(start2, start2 + NAMES_PER_CALL)));
      }
      return found;
    }
  };
}

// functions/context.ts
import { setTimeout } from "node:timers/promises";
import * as z16 from "zod";

// shared/config/config.ts
import * as z5 from "zod";

// shared/base/arn.ts
import * as z2 from "zod";
var accountIdSchema = z2.string().regex(/^\d{12}$/, "an account id of 12 digits");
var regionSchema = z2.string().regex(/^[a-z]{2}(-[a-z]+)+-\d$/, "a region such as eu-west-1");
function partitionOf(region) {
  if (region.startsWith("cn-")) return "aws-cn";
  return region.startsWith("us-gov-") ? "aws-us-gov" : "aws";
}
function sameRole(a, b) {
  const [, , , , accountA, nameA = ""] = a.split(":");
  const [, , , , accountB, nameB = ""] = b.split(":");
  return accountA === accountB && nameA.split("/").at(-1) === nameB.split("/").at(-1);
}
var SERVICE_ARN = /^arn:aws[\w-]*:ecs:([a-z0-9-]+):(\d{12}):service\/([\w-]{1,255})\/([\w-]{1,255})$/;
function parseServiceArn(arn) {
  const [, region, account, clusterName, serviceName2] = SERVICE_ARN.exec(arn) ?? [];
  if (!region || !account || !clusterName || !serviceName2) return void 0;
  return { serviceArn: arn, account, region, clusterName, serviceName: serviceName2 };
}
var serviceArnSchema = z2.string().refine((arn) => parseServiceArn(arn) !== void 0, "a service's ARN");
function serviceRef(arn) {
  const ref = parseServiceArn(serviceArnSchema.parse(arn));
  if (!ref) throw new Error(`not a service's ARN: ${arn}`);
  return ref;
}
function clusterArnOf(service) {
  return service.serviceArn.replace(
    `:service/${service.clusterName}/${service.serviceName}`,
    `:cluster/${service.clusterName}`
  );
}
var CLUSTER_ARN = /^arn:aws[\w-]*:ecs:([a-z0-9-]+):(\d{12}):cluster\/[\w-]{1,255}$/;
function parseClusterArn(clusterArn) {
  const [, region, account] = CLUSTER_ARN.exec(clusterArn) ?? [];
  return region && account ? { clusterArn, account, region } : void 0;
}

// shared/base/vocabulary.ts
var eventSources = {
  autopilot: "ztunnel-autopilot",
  /** Shows that events of a region are forwarded. Other accounts may send it, and nothing else of ours. */
  heartbeat: "ztunnel-autopilot.heartbeat",
  /** Operators and pipelines that ask for something. */
  operator: "ztunnel-autopilot.operator",
  cloudWatch: "aws.cloudwatch",
  ecs: "aws.ecs",
  secretsManager: "aws.secretsmanager",
  ssm: "aws.ssm",
  tag: "aws.tag"
};
var awsDetailTypes = {
  alarm: "CloudWatch Alarm State Change",
  apiCall: "AWS API Call via CloudTrail",
  deployment: "ECS Deployment State Change",
  parameter: "Parameter Store Change",
  secretLabel: "Secret Label Updated",
  tag: "Tag Change on Resource",
  task: "ECS Task State Change"
};
var deploymentEventNames = {
  started: "SERVICE_DEPLOYMENT_IN_PROGRESS",
  completed: "SERVICE_DEPLOYMENT_COMPLETED",
  failed: "SERVICE_DEPLOYMENT_FAILED"
};
var operatorDetailTypes = {
  request: "Rollout Requested",
  control: "Rollout Control",
  rootCaRotated: "Root CA Rotated"
};
var autopilotEvents = {
  "Service Enrolled": { audience: "channel", countedInRollout: true, endsRoll: "reconcile" },
  "Service Updated": { audience: "channel", countedInRollout: true, endsRoll: "reconcile-if-requested" },
  "Service Unenrolled": { audience: "channel", countedInRollout: true, endsRoll: "reconcile" },
  "Service Refused": { audience: "channel", countedInRollout: false, endsRoll: "no" },
  "Service Warned": { audience: "channel", countedInRollout: false, endsRoll: "no" },
  "Service Roll Failed": { audience: "channel", countedInRollout: false, endsRoll: "reconcile" },
  "Service Unhealthy": { audience: "channel", countedInRollout: false, endsRoll: "no" },
  "Service Contested": { audience: "channel", countedInRollout: false, endsRoll: "no" },
  "Service Roll Superseded": { audience: "channel", countedInRollout: true, endsRoll: "reconcile-if-overtaken" },
  "Drift Corrected": { audience: "channel", countedInRollout: true, endsRoll: "reconcile" },
  "Root CA Changed": { audience: "channel", countedInRollout: false, endsRoll: "no" },
  "Root CA Emergency": { audience: "channel", countedInRollout: false, endsRoll: "no" },
  "Root CA Retirable": { audience: "channel", countedInRollout: false, endsRoll: "no" },
  "Root CA Expiring": { audience: "channel", countedInRollout: false, endsRoll: "no" },
  "Mesh Gateway Ambiguous": { audience: "channel", countedInRollout: false, endsRoll: "no" },
  "Mesh Shape Unknown": { audience: "channel", countedInRollout: false, endsRoll: "no" },
  "Mesh Identity Warned": { audience: "channel", countedInRollout: false, endsRoll: "no" },
  "Fleet Contested": { audience: "channel", countedInRollout: false, endsRoll: "no" },
  "Rollout Refused": { audience: "channel", countedInRollout: false, endsRoll: "no" },
  "Rollout Started": { audience: "rollout-message", countedInRollout: false, endsRoll: "no" },
  "Rollout Wave Completed": { audience: "rollout-message", countedInRollout: false, endsRoll: "no" },
  "Rollout Paused": { audience: "rollout-message", countedInRollout: false, endsRoll: "no" },
  "Rollout Completed": { audience: "rollout-message", countedInRollout: false, endsRoll: "no" },
  "Rollout Rolled Back": { audience: "rollout-message", countedInRollout: false, endsRoll: "no" }
};
function isAutopilotDetailType(detailType) {
  return Object.hasOwn(autopilotEvents, detailType);
}
var autopilotDetailTypes = Object.keys(autopilotEvents).filter(isAutopilotDetailType);
function detailTypesWhere(condition) {
  return autopilotDetailTypes.filter((detailType) => condition(autopilotEvents[detailType]));
}
var DEFAULT_NAME = "ztunnel-autopilot";
var LAB_STAGE = "lab";
var productionStages = ["prod", "production"];
function hasOwnKeys(stage) {
  return stage !== void 0 && stage !== LAB_STAGE && !productionStages.includes(stage);
}
var ISTIOD_TAG_PREFIX = "ecs.solo.io/";
var DISCOVERY_TAG = "ecs.solo.io/discovery-enabled";
var istiodTagKeys = {
  namespace: "ecs.solo.io/namespace",
  serviceAccount: "ecs.solo.io/service-account",
  hostname: "ecs.solo.io/hostname",
  ports: "ecs.solo.io/ports"
};
var tagNames = [
  "namespace",
  "serviceAccount",
  "hostname",
  "ports",
  "platform",
  "external",
  "proxyEnv",
  "image",
  "wave",
  "alarms"
];
function stageKeys(stage) {
  const prefix = `${hasOwnKeys(stage) ? `${DEFAULT_NAME}-${stage}` : DEFAULT_NAME}/`;
  return {
    prefix,
    enroll: `${prefix}enroll`,
    tags: {
      ...istiodTagKeys,
      platform: `${prefix}platform`,
      external: `${prefix}external`,
      proxyEnv: `${prefix}proxy-env`,
      image: `${prefix}image`,
      wave: `${prefix}wave`,
      alarms: `${prefix}alarms`
    }
  };
}
var commonKeys = stageKeys(void 0);
var AUTOPILOT_TAG_PREFIX = commonKeys.prefix;
var DEFAULT_ENROLL_TAG = commonKeys.enroll;
var tagKeys = commonKeys.tags;
var ANY_STAGE_PREFIX = new RegExp(`^${DEFAULT_NAME}(-[A-Za-z0-9-]+)?/`);
function stageRoleName(name, stage) {
  if (!hasOwnKeys(stage)) return name;
  const [, path = "", own = name] = /^(.*\/)?([^/]*)$/.exec(name) ?? [];
  const rest = own.startsWith(`${DEFAULT_NAME}-`) ? own.slice(DEFAULT_NAME.length + 1) : void 0;
  return `${path}${rest === void 0 ? `${stage}-${own}` : `${DEFAULT_NAME}-${stage}-${rest}`}`;
}
var ZTUNNEL = "ztunnel";
var resourceEndings = { ledger: "ledger", rollService: "roll-service", rollFleet: "roll-fleet" };
var functionNames = [
  "reconcile-service",
  "sweep-services",
  "signal-deployment",
  "watch-root-ca",
  "notify-slack",
  "roll/plan",
  "roll/apply",
  "roll/await-deployment",
  "roll/verify",
  "roll/revert",
  "roll/finish",
  "rollout/request",
  "rollout/control",
  "rollout/guard",
  "rollout/report",
  "rollout/start",
  "rollout/next-wave",
  "rollout/take",
  "rollout/hold",
  "rollout/assess-wave",
  "rollout/finish"
];

// shared/config/cron.ts
import { Cron } from "croner";
var fields = ["minute", "hour", "day of the month", "month", "day of the week"];
var PART = /^(\*|\d{1,2}|[a-z]{3})(-(\d{1,2}|[a-z]{3}))?(\/\d{1,2})?$/i;
function parseCron(expression) {
  const texts3 = expression.split(" ");
  if (texts3.length !== fields.length || texts3.includes("")) return { problems: ["five fields, as in `0 18 * * FRI`"] };
  const problems = texts3.flatMap(
    (text3, index) => text3.split(",").filter((part) => !PART.test(part) || !isUnderstood(part, index)).map((part) => `${fields[index]}: ${part === "" ? "an empty part" : part} is not understood`)
  );
  if (problems.length > 0) return { problems };
  const [, , day = "", , weekday = ""] = texts3;
  const cron = cronOf(expression, day.startsWith("*") || weekday.startsWith("*"));
  if (!cron.nextRun(/* @__PURE__ */ new Date(0))) return { problems: ["there is no such date"] };
  return { times: { lastMatch: (wallMs) => cron.previousRuns(1, new Date(wallMs + 1))[0]?.getTime() } };
}
function isUnderstood(part, index) {
  try {
    return cronOf(fields.map((_, at) => at === index ? part : "*").join(" "), true) !== void 0;
  } catch {
    return false;
  }
}
function cronOf(expression, bothDays) {
  return new Cron(expression, { mode: "5-part", utcOffset: 0, domAndDow: bothDays });
}

// shared/config/freeze.ts
var MINUTE_MS = 6e4;
var DAY_MS = 24 * 60 * MINUTE_MS;
var HORIZON_MS = 31 * DAY_MS;
function openWindow(windows, nowMs) {
  const clocks = windows.map((window2) => freezeClock(window2, nowMs));
  let open2 = lastToEnd(clocks, nowMs);
  if (!open2) return void 0;
  const { window } = open2;
  const horizonMs = nowMs + HORIZON_MS;
  let until = open2.endMs;
  while (open2 && until < horizonMs) {
    until = open2.endMs;
    open2 = lastToEnd(clocks, until);
  }
  return { until: Math.min(until, horizonMs), window };
}
function freezeClock(window, nowMs) {
  const parsed4 = parseCron(window.cron);
  if ("problems" in parsed4) throw new RangeError(`${window.cron}: ${parsed4.problems.join(", ")}`);
  const fromMs = nowMs - window.durationMinutes * MINUTE_MS - DAY_MS;
  return { window, times: parsed4.times, spans: spansOf(window.timeZone, fromMs, nowMs + HORIZON_MS + DAY_MS) };
}
function lastToEnd(clocks, atMs) {
  let last;
  for (const clock of clocks) {
    const startMs = lastStart(clock, atMs);
    const endMs = (startMs ?? Number.NEGATIVE_INFINITY) + clock.window.durationMinutes * MINUTE_MS;
    if (endMs > Math.max(atMs, last?.endMs ?? atMs)) last = { window: clock.window, endMs };
  }
  return last;
}
function lastStart({ times, spans }, atMs) {
  for (const [index, { fromMs, offsetMs }] of [...spans.entries()].reverse()) {
    if (fromMs > atMs) continue;
    const untilMs = Math.min(atMs, (spans[index + 1]?.fromMs ?? Number.POSITIVE_INFINITY) - 1);
    const wallMs = lastMatch(times, fromMs + offsetMs, untilMs + offsetMs);
    if (wallMs !== void 0) return wallMs - offsetMs;
    const skippedMs = fromMs + (spans[index - 1]?.offsetMs ?? offsetMs);
    if (lastMatch(times, skippedMs, fromMs + offsetMs - 1) !== void 0) return fromMs;
  }
  return void 0;
}
function lastMatch(times, fromMs, toMs) {
  const matchMs = times.lastMatch(toMs);
  return matchMs !== void 0 && matchMs >= fromMs ? matchMs : void 0;
}
function spansOf(timeZone, fromMs, toMs) {
  const offsetAt = offsetsOf(timeZone);
  const startMs = Math.floor(fromMs / MINUTE_MS) * MINUTE_MS;
  const spans = [{ fromMs: startMs, offsetMs: offsetAt(startMs) }];
  for (let dayMs = startMs; dayMs < toMs; dayMs += DAY_MS) {
    const before = spans.at(-1)?.offsetMs;
    if (offsetAt(dayMs + DAY_MS) === before) continue;
    let low = dayMs;
    let high = dayMs + DAY_MS;
    while (high - low > MINUTE_MS) {
      const middle = low + Math.floor((high - low) / MINUTE_MS / 2) * MINUTE_MS;
      if (offsetAt(middle) === before) low = middle;
      else high = middle;
    }
    spans.push({ fromMs: high, offsetMs: offsetAt(high) });
  }
  return spans;
}
function offsetsOf(timeZone) {
  const format = new Intl.DateTimeFormat("en-US", {
    timeZone,
    hourCycle: "h23",
    year: "numeric",
    month: "numeric",
    day: "numeric",
    hour: "numeric",
    minute: "numeric",
    second: "numeric"
  });
  return (atMs) => {
    const parts2 = new Map(format.formatToParts(atMs).map(({ type, value }) => [type, Number(value)]));
    const part = (type) => parts2.get(type) ?? 0;
    const wallMs = Date.UTC(part("year"), part("month") - 1, part("day"), part("hour"), part("minute"), part("second"));
    return wallMs - Math.floor(atMs / 1e3) * 1e3;
  };
}

// shared/base/wildcard.ts
function matches(pattern2, text3) {
  const [head = "", ...pieces] = pattern2.split("*");
  const tail = pieces.pop();
  if (tail === void 0) return pattern2 === text3;
  if (!text3.startsWith(head)) return false;
  let at = head.length;
  for (const piece of pieces) {
    const found = text3.indexOf(piece, at);
    if (found < 0) return false;
    at = found + piece.length;
  }
  return text3.length - tail.length >= at && text3.endsWith(tail);
}

// shared/config/images.ts
function isAllowedImage(image, { image: own, allowedImages }) {
  const parts2 = partsOf(image);
  if (allowedImages) return allowedImages.some((pattern2) => matchesImage(partsOf(pattern2), parts2));
  const { registry, repository } = partsOf(own);
  return parts2.registry === registry && parts2.repository === repository;
}
function partsOf(reference2) {
  const [name = "", digest] = reference2.split("@", 2);
  const slash = name.indexOf("/");
  const host = name.slice(0, Math.max(slash, 0));
  const registry = /[.:]|^localhost$/.test(host) ? host : void 0;
  const [repository = "", tag] = (registry === void 0 ? name : name.slice(slash + 1)).split(":", 2);
  return { registry, repository, tag, digest };
}
function matchesImage(pattern2, image) {
  return matchesRegistry(pattern2.registry, image.registry) && matchesPath(pattern2.repository.split("/"), image.repository.split("/")) && matchesVersion(pattern2, image);
}
function matchesRegistry(pattern2, registry) {
  if (pattern2 === void 0 || registry === void 0) return pattern2 === registry;
  const [host = "", port] = pattern2.split(":");
  const [ownHost = "", ownPort] = registry.split(":");
  return matchesOptional(port, ownPort) && matchesEach(host.split("."), ownHost.split("."));
}
function matchesPath(pattern2, path) {
  const before = pattern2.slice(0, -1);
  if (pattern2.at(-1) !== "*") return matchesEach(pattern2, path);
  return path.length > before.length && matchesEach(before, path.slice(0, before.length));
}
function matchesVersion(pattern2, image) {
  if (pattern2.digest !== void 0) {
    const tagged2 = pattern2.tag === void 0 || matchesOptional(pattern2.tag, image.tag);
    return tagged2 && matchesOptional(pattern2.digest, image.digest);
  }
  if (pattern2.tag === void 0) return true;
  return matchesOptional(pattern2.tag, image.tag) && (image.digest === void 0 || pattern2.tag === "*");
}
function matchesOptional(pattern2, text3) {
  return pattern2 === void 0 || text3 === void 0 ? pattern2 === text3 : matches(pattern2, text3);
}
function matchesEach(patterns, texts3) {
  return patterns.length === texts3.length && patterns.every((pattern2, index) => matches(pattern2, texts3[index] ?? ""));
}

// shared/config/names.ts
function resourceNames({ name }, stage, environment = {}) {
  const prefix = stage === void 0 ? name : `${name}-${stage}`;
  return {
    tableName: environment.AUTOPILOT_TABLE || `${prefix}-${resourceEndings.ledger}`,
    busName: environment.AUTOPILOT_BUS || prefix
  };
}
function namePrefixOf({ name }, stage) {
  return stage === LAB_STAGE ? name : `${name}-${stage}`;
}
function operatorReadRole({ memberRoleName }) {
  return `${memberRoleName}-read`;
}

// shared/config/rollout-policy.ts
import * as z3 from "zod";
var percent = z3.number().positive().max(100);
var failureLimitSchema = z3.strictObject({ count: z3.int().nonnegative().optional(), percent: percent.optional() }).refine(({ count: count2, percent: share2 }) => count2 !== void 0 || share2 !== void 0, "give count, percent or both");
var freezeWindowSchema = z3.strictObject({
  /** When it begins: minute, hour, day of the month, month, day of the week. */
  cron: z3.string().min(1).max(200),
  durationMinutes: z3.int().positive().max(31 * 24 * 60),
  /** IANA name, as in `Europe/Berlin`. */
  timeZone: z3.string().min(1).default("UTC")
});
var paceSchema = {
  /** Cumulative percentages of a region's services: `[10, 50, 100]` makes three waves of each region. */
  waves: z3.array(percent).min(1).refine((shares2) => shares2.at(-1) === 100 && shares2.every((share2, i) => i === 0 || share2 > (shares2[i - 1] ?? 0)), {
    message: "rising, the last one 100"
  }),
  regionsTogether: z3.boolean(),
  /** Concurrent rolls in one account and region; 0: as many as AWS's quotas allow. */
  concurrency: z3.int().nonnegative().max(1e3),
  /** How long a wave is left alone before it is judged again. */
  bakeMinutes: z3.number().nonnegative().max(7 * 24 * 60)
};
var rolloutPolicySchema = z3.strictObject({
  /** How many canaries the rollout chooses itself, beside the services that are tagged as canaries; 0: none. */
  canaryCount: z3.int().nonnegative().max(100).default(3),
  waves: paceSchema.waves.default([10, 50, 100]),
  /** All regions at once; else one after the other, in the order of `accounts`. */
  regionsTogether: paceSchema.regionsTogether.default(false),
  concurrency: paceSchema.concurrency.default(20),
  bakeMinutes: paceSchema.bakeMinutes.default(10),
  /** An operator approves every rollout after its canary wave. */
  approveAfterCanary: z3.boolean().default(false),
  failureBudget: z3.strictObject({ perWave: failureLimitSchema.optional(), inAll: failureLimitSchema.optional() }).default({ perWave: { percent: 10 }, inAll: { count: 20, percent: 5 } }),
  /** Services that did not run well before the rollout: roll them last, or not at all. */
  unfit: z3.enum(["last", "skip"]).default("last"),
  freezeWindows: z3.array(freezeWindowSchema).default([]),
  /** CloudWatch alarms, read in the given account and region (default: home), that stop a rollout. */
  alarms: z3.array(
    z3.strictObject({
      name: z3.string().min(1).max(255),
      account: accountIdSchema.optional(),
      region: regionSchema.optional()
    })
  ).default([]),
  /** The pace for an emergency: a root CA was dropped while tasks trust it alone. Default: the ordinary pace. */
  emergency: z3.strictObject({
    waves: paceSchema.waves.default([100]),
    regionsTogether: paceSchema.regionsTogether.default(true),
    concurrency: paceSchema.concurrency.default(0),
    bakeMinutes: paceSchema.bakeMinutes.default(0)
  }).optional(),
  /** How long the ledger keeps a rollout's record. */
  retentionDays: z3.int().positive().max(3650).default(90)
});

// shared/config/ztunnel-settings.ts
import * as z4 from "zod";
var imageSchema = z4.string().max(512).regex(
  /^[a-z0-9][\w.-]*(:\d+)?(\/[a-z0-9][\w.-]*)*(:[\w][\w.-]{0,127})?(@sha256:[0-9a-f]{64})?$/,
  "an image reference"
);
var imagePatternSchema = z4.string().max(512).regex(
  /^[a-z0-9*][\w.*-]*(:[\d*]+)?(\/[a-z0-9*][\w.*-]*)*(:[\w*][\w.*-]{0,127})?(@(\*|sha256:[0-9a-f*]{1,64}))?$/,
  "an image reference with * for characters of one part"
);
var ztunnelSchema = z4.strictObject({
  /** The fleet's image, until the parameter below has one. */
  image: imageSchema,
  /**
   * Images that a tag, an operator or the parameter may name; `*` stands for characters of one part, as in
   * `*.dkr.ecr.*.amazonaws.com/mesh/ztunnel:1.28.*`, and a path that ends with `/*` for any rest of it. Without a tag:
   * any tag and digest. Without it all: any image of the repository of `image`.
   */
  allowedImages: z4.array(imagePatternSchema).min(1).optional(),
  /**
   * SSM parameter in the home region that holds the fleet's image: changing it requests an upgrade. Parameter Store
   * makes no other names: a path begins with a slash and has 15 levels at most, and `aws` and `ssm` are reserved.
   * https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_PutParameter.html
   */
  imageParameter: z4.string().regex(/^(?!\/?(aws|ssm))([\w.-]+|(\/[\w.-]+){1,15})$/i, "a parameter's name").max(1011).optional(),
  healthCheckCommand: z4.array(z4.string().min(1)).min(1).default(["ztunnel", "healthcheck"]),
  startTimeoutSeconds: z4.int().min(2).max(120).default(120),
  /** Reserved for ztunnel on EC2 where the task definition has no memory of its own. */
  memoryReservationMiB: z4.int().min(6).default(128),
  /** CPU units of ztunnel's container, as far as the task has them left. */
  cpu: z4.int().nonnegative().default(0),
  /** ztunnel's hard limit, where the task has room for it. */
  memoryMiB: z4.int().min(6).optional(),
  user: z4.string().min(1).optional(),
  readonlyRootFilesystem: z4.boolean().optional(),
  stopTimeoutSeconds: z4.int().min(2).max(120).optional(),
  /** Variables of ztunnel's container. */
  environment: z4.record(z4.string().regex(/^[A-Za-z_]\w*$/, "a variable's name"), z4.string()).refine((variables) => !Object.hasOwn(variables, "BOOTSTRAP_TOKEN"), {
    message: "BOOTSTRAP_TOKEN is the autopilot's: it comes from a secret"
  }).optional(),
  /** For an image of a private registry: a secret, which the execution roles must be allowed to read. */
  repositoryCredentials: z4.strictObject({ credentialsParameter: z4.string().min(1) }).optional(),
  /** CloudWatch log groups by region, for ztunnel in tasks that have no log that it could use. */
  logs: z4.record(regionSchema, z4.string().regex(/^[\w./#-]{1,512}$/, "a log group's name")).optional()
});
function memoryProblems({ memoryMiB, memoryReservationMiB }) {
  if (memoryMiB === void 0 || memoryMiB >= memoryReservationMiB) return [];
  return [`ztunnel.memoryMiB is less than ztunnel.memoryReservationMiB, which is ${memoryReservationMiB}`];
}

// shared/config/config.ts
var roleArn = z5.string().regex(/^arn:aws[\w-]*:iam::\d{12}:role\/[\w+=,.@/-]+$/, "the ARN of an IAM role");
var accountSchema = z5.strictObject({
  /** The role that istiod assumes in this account: the same entry as in istiod's Helm values. */
  role: roleArn,
  /** Domain of the services' default hostname. */
  domain: z5.string().regex(/^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/, "a DNS domain"),
  /** Target regions; none means the home region. */
  regions: z5.array(regionSchema).default([])
});
var controlPlaneSchema = z5.strictObject({
  name: z5.string().regex(/^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$/, "lower-case letters, digits and hyphens"),
  eks: z5.strictObject({ cluster: z5.string().min(1), region: regionSchema, account: accountIdSchema }).optional(),
  /** Name or ARN of a secret in the home region that holds a kubeconfig. */
  kubeconfigSecret: z5.string().min(1).optional(),
  serves: z5.array(z5.strictObject({ account: accountIdSchema, regions: z5.array(regionSchema).min(1) })).min(1)
}).refine((plane) => plane.eks === void 0 !== (plane.kubeconfigSecret === void 0), {
  message: "give either eks or kubeconfigSecret"
});
function longestRollMinutes(policy) {
  return 2 * policy.deploymentDeadlineMinutes + policy.verifyDeadlineMinutes;
}
var MAX_DELAY_MINUTES = 30 * 24 * 60;
var MAX_LEASE_MINUTES = 7 * 24 * 60;
function isSystemNamespace(namespace) {
  return /^(kube|istio)-/.test(namespace) && namespace !== "istio-system";
}
var policySchema = z5.strictObject({
  /** A user's deployment in flight: inject at once, or let it complete first. */
  inFlight: z5.enum(["replace", "wait"]).default("replace"),
  /** A deployment that has not completed by then is reverted. */
  deploymentDeadlineMinutes: z5.number().min(1).max(1440).default(30),
  /** Without an event, the deployment is polled after this long. */
  pollIntervalMinutes: z5.number().min(1).max(60).default(5),
  /** How many stopped tasks of the new revision mean that it failed. */
  failedTasksLimit: z5.int().min(1).default(3),
  /** How long the mesh may take to discover the new tasks. */
  verifyDeadlineMinutes: z5.number().min(1).max(120).default(10),
  /**
   * What proves that a task is in the mesh: its WorkloadEntry with our service account and HBONE; or, for an istiod
   * that writes these in another way, the entry alone.
   */
  verify: z5.enum(["strict", "name-only"]).default("strict"),
  /** The wait before the second, third … attempt with the same attempt key; the last one repeats. */
  attemptDelaysMinutes: z5.array(z5.number().min(1).max(MAX_DELAY_MINUTES)).min(1).default([15, 60, 360, 1440]),
  /** Less than this left for ztunnel is a warning. */
  minHeadroom: z5.strictObject({ cpuUnits: z5.number().nonnegative(), memoryMiB: z5.number().nonnegative() }).default({ cpuUnits: 64, memoryMiB: 128 }),
  /** A service whose names Kubernetes can't hold: refuse it, or enroll it with a warning. */
  nameRules: z5.enum(["refuse", "warn"]).default("refuse"),
  /** EKS's own annotation of a service account, which istiod reads too: another role there is a conflict or not. */
  eksRoleAnnotation: z5.enum(["conflict", "ignore"]).default("conflict"),
  /** One role on two service accounts, whose certificates carry both names: refuse, or enroll with a warning. */
  sharedRoles: z5.enum(["refuse", "warn"]).default("refuse"),
  /** Enroll also services whose task definition family others use, who then get revisions with its identity. */
  sharedFamilies: z5.boolean().default(false),
  /** Put existing namespaces into the mesh, too, instead of refusing services that name one outside of it. */
  labelNamespaces: z5.boolean().default(false),
  /** An identity that no service has had for this long is unbound, and its secrets are scheduled for deletion. */
  identityGraceDays: z5.number().min(1).max(365).default(7),
  /** A ztunnel image of a newer minor version than istiod: refuse it, or take it with a warning. */
  versionSkew: z5.enum(["refuse", "warn"]).default("refuse"),
  /** After more changes of one value of the fleet within an hour, two writers change it: nothing is rolled out. */
  maxChangesPerHour: z5.int().positive().max(60).default(3),
  maxUnenrollPerSweep: z5.int().nonnegative().default(5),
  /** One sweep starts at most this many enrollments and updates; the next ones follow. */
  maxRollsPerSweep: z5.int().positive().default(50),
  /** Tasks carry the service's tags, as istiod reads them there. */
  propagateTags: z5.boolean().default(true),
  /** Tags that tasks start with have changed: deploy the service, tag its tasks, or leave it to a deployment. */
  taskTags: z5.enum(["deploy", "tag", "next-deployment"]).default("deploy"),
  /** Waves, budget and pace of a rollout. */
  rollout: rolloutPolicySchema.prefault({}),
  /** A lease that was not released expires after this long. The default is longer than the longest roll. */
  leaseMinutes: z5.number().min(1).max(MAX_LEASE_MINUTES).optional()
}).transform((policy) => ({
  ...policy,
  leaseMinutes: policy.leaseMinutes ?? Math.max(120, longestRollMinutes(policy) + 30)
}));
var configSchema = z5.strictObject({
  name: z5.string().regex(/^[a-z][a-z0-9-]{0,30}$/).default(DEFAULT_NAME),
  homeRegion: regionSchema,
  homeAccount: accountIdSchema,
  accounts: z5.array(accountSchema).min(1),
  /** The role that the autopilot assumes in every account but the home account. */
  memberRoleName: z5.string().regex(/^[\w+=,.@/-]+$/).default(`${DEFAULT_NAME}-member`),
  /**
   * Roles of the home account whose holders run the operator's command: in the other accounts they may take on a role
   * that only reads, called as the member role with `-read` behind.
   */
  operatorRoles: z5.array(roleArn).default([]),
  /**
   * Names of the task and execution roles that registered task definitions may have, with their path and with `*` for
   * any rest: `ecs/*`. The default allows every role that ECS tasks can take on at all: narrow it.
   */
  passRoles: z5.array(z5.string().regex(/^[\w+=,.@/*-]+$/, "a role's name, with its path and * where anything may stand")).min(1).default(["*"]),
  /** Functions that talk to a control plane run here: for Kubernetes APIs with private endpoints. */
  vpc: z5.strictObject({
    subnetIds: z5.array(z5.string().regex(/^subnet-[0-9a-f]+$/, "a subnet's id")).min(1).max(16),
    securityGroupIds: z5.array(z5.string().regex(/^sg-[0-9a-f]+$/, "a security group's id")).min(1).max(5)
  }).optional(),
  controlPlanes: z5.array(controlPlaneSchema).min(1),
  ztunnel: ztunnelSchema,
  /**
   * A secret in the home region that holds the mesh's root CA: a new version makes the autopilot read the mesh facts at
   * once.
   */
  rootCaSecret: z5.string().min(1).optional(),
  /**
   * Kubernetes namespaces that a tag may name; `*` at the end stands for any rest. A person who may tag a service may
   * bind a service account there. `kube-` and `istio-` namespaces other than `istio-system` are never allowed.
   */
  allowedNamespaces: z5.array(
    z5.string().min(1).refine((pattern2) => !isSystemNamespace(pattern2), "no namespace of Kubernetes or Istio but istio-system")
  ).min(1),
  /** Whose credentials prove the workload's identity. Containers can only use the task role's. */
  identityRole: z5.enum(["task", "execution"]).default("task"),
  /** The key of the enroll tag alone. Default: `enroll` behind the stage's prefix. */
  enrollTagKey: z5.string().min(1).max(128).optional(),
  policy: policySchema.prefault({}),
  slack: z5.strictObject({
    /** Secret in the home region: `{"token": "xoxb-…"}` or `{"webhookUrl": "https://hooks.slack.com/…"}`. */
    secretName: z5.string().min(1),
    channel: z5.string().min(1)
  })
});
function parseDeployedConfig(input, stage) {
  return checkedConfig(input, stage, crossReferenceProblems);
}
function checkedConfig(input, stage, problemsOf) {
  const parsed4 = configSchema.safeParse(input);
  if (!parsed4.success) {
    throw new AutopilotError("invalid-config", z5.prettifyError(parsed4.error), { cause: parsed4.error });
  }
  const keys = stageKeys(stage);
  const config = {
    ...parsed4.data,
    stage,
    keys,
    enrollTagKey: parsed4.data.enrollTagKey ?? keys.enroll,
    memberRoleName: stageRoleName(parsed4.data.memberRoleName, stage)
  };
  const problems = problemsOf(config);
  if (problems.length > 0) throw new AutopilotError("invalid-config", problems.join("; "));
  return config;
}
function crossReferenceProblems(config) {
  const targets = targetsOf(config).map(({ account, region: name }) => `${account}/${name}`);
  return [
    ...repeated(targets).map((target) => `accounts name ${target} twice`),
    ...repeated(config.controlPlanes.map(({ name }) => name)).map((name) => `two controlPlanes are called ${name}`),
    ...servingProblems(config, new Set(targets)),
    ...leaseProblems(config.policy),
    ...operatorProblems(config),
    ...isAllowedImage(config.ztunnel.image, config.ztunnel) ? [] : ["ztunnel.image is none of allowedImages"],
    ...memoryProblems(config.ztunnel)
  ];
}
var MAX_ROLE_NAME_LENGTH = 64;
function operatorProblems(config) {
  const { homeAccount, operatorRoles } = config;
  if (operatorRoles.length === 0) return [];
  const readRole = operatorReadRole(config).split("/").at(-1) ?? "";
  return [
    ...operatorRoles.filter((arn) => arn.split(":")[4] !== homeAccount).map((arn) => `operatorRoles names ${arn}, which is not a role of the home account`),
    ...readRole.length > MAX_ROLE_NAME_LENGTH ? [`memberRoleName is too long: ${readRole} has more than ${MAX_ROLE_NAME_LENGTH} characters`] : []
  ];
}
function repeated(names2) {
  return [...new Set(names2.filter((name, index) => names2.indexOf(name) < index))];
}
function leaseProblems(policy) {
  const longest = longestRollMinutes(policy);
  if (policy.leaseMinutes > longest) return [];
  return [
    `policy.leaseMinutes must be more than ${longest}: a deployment, its verification and the revert take up to that`
  ];
}
function servingProblems(config, targets) {
  const problems = [];
  const served = /* @__PURE__ */ new Map();
  for (const plane of config.controlPlanes) {
    for (const { account, regions } of plane.serves) {
      for (const name of regions) {
        const key = `${account}/${name}`;
        if (!targets.has(key)) problems.push(`controlPlanes.${plane.name} serves ${key}, which is not in accounts`);
        const other = served.get(key);
        if (other) problems.push(`${key} is served by both ${other} and ${plane.name}`);
        served.set(key, plane.name);
      }
    }
  }
  return problems;
}
function targetsOf(config) {
  return config.accounts.flatMap(
    ({ role, domain, regions }) => (regions.length > 0 ? regions : [config.homeRegion]).map((name) => ({
      account: role.split(":")[4] ?? "",
      region: name,
      domain
    }))
  );
}
function controlPlaneFor(config, target) {
  return config.controlPlanes.find(
    (plane) => plane.serves.some(({ account, regions }) => account === target.account && regions.includes(target.region))
  );
}
function defineConfig(config) {
  return config;
}

// autopilot.config.ts
var autopilot_config_default = defineConfig({
  name: "ztunnel-autopilot",
  homeRegion: "us-east-1",
  homeAccount: "123456789012",
  // The same entries as in istiod's Helm values.
  accounts: [
    { role: "arn:aws:iam::123456789012:role/istiod-role", domain: "ecs.internal", regions: ["us-east-1"] },
    {
      role: "arn:aws:iam::210987654321:role/istiod-role",
      domain: "ecs.internal",
      regions: ["eu-west-1", "eu-central-1"]
    }
  ],
  controlPlanes: [
    {
      name: "mesh-us",
      eks: { cluster: "ambient-us", region: "us-east-1", account: "123456789012" },
      serves: [{ account: "123456789012", regions: ["us-east-1"] }]
    },
    {
      name: "mesh-eu",
      eks: { cluster: "ambient-eu", region: "eu-west-1", account: "210987654321" },
      serves: [{ account: "210987654321", regions: ["eu-west-1", "eu-central-1"] }]
    }
  ],
  ztunnel: { image: "us-docker.pkg.dev/soloio-img/istio/ztunnel:1.28.1-solo-distroless" },
  allowedNamespaces: ["istio-system", "ecs-*"],
  slack: { secretName: "ztunnel-autopilot-slack", channel: "#mesh-ops" }
});

// shared/gateways/aws/aws-clients.ts
import { AssumeRoleCommand, STSClient } from "@aws-sdk/client-sts";
import * as z6 from "zod";

// shared/gateways/aws/retry.ts
import { setTimeout as sleep } from "node:timers/promises";
var DEFAULT_MAX_ATTEMPTS = { throttled: 8, other: 4 };
var BASE_MS = 200;
var THROTTLED_BASE_MS = 1e3;
var CAP_MS = 2e4;
var notRepeatable = /* @__PURE__ */ new WeakSet();
function markNotRepeatable(error) {
  if (typeof error === "object" && error !== null) notRepeatable.add(error);
}
function pacedRetryStrategy(pacing = {}) {
  const { pause = sleep, random = Math.random, maxAttempts = DEFAULT_MAX_ATTEMPTS } = pacing;
  return {
    acquireInitialRetryToken: async () => retryToken(0),
    refreshRetryTokenForRetry: async (token2, info) => {
      const retry = token2.getRetryCount() + 1;
      const limit = attemptLimit(info, maxAttempts);
      if (retry >= limit) throw new Error(`no attempt left after ${retry}`, { cause: info.error });
      await pause(waitMs(info, retry, random));
      return retryToken(retry);
    },
    recordSuccess: () => void 0
  };
}
function attemptLimit(info, max) {
  if (isToldToWait(info)) return max.throttled;
  if (isQuotaReached(info.error) || info.errorType === "CLIENT_ERROR") return 1;
  return info.error !== void 0 && notRepeatable.has(info.error) ? 1 : max.other;
}
function isToldToWait({ error, errorType }) {
  return !isQuotaReached(error) && (errorType === "THROTTLING" || isBusy(error));
}
function waitMs(info, retry, random) {
  const base = isToldToWait(info) ? THROTTLED_BASE_MS : BASE_MS;
  return Math.floor(random() * Math.min(CAP_MS, base * 2 ** (retry - 1)));
}
function retryToken(count2) {
  return { getRetryCount: () => count2, getRetryDelay: () => 0 };
}

// shared/gateways/aws/aws-clients.ts
var TIMEOUTS = { connectionTimeout: 3e3, socketTimeout: 2e4 };
var REFRESH_BEFORE_END_MS = 5 * 6e4;
var LOGGER_MIDDLEWARE = "loggerMiddleware";
var assumedSchema = z6.object({
  AccessKeyId: z6.string().min(1),
  SecretAccessKey: z6.string().min(1),
  SessionToken: z6.string().min(1),
  Expiration: z6.date()
});
function awsClients(options) {
  const { config, now = Date.now, caller = () => "" } = options;
  const home = { account: config.homeAccount, region: config.homeRegion };
  const common = {
    maxAttempts: options.maxAttempts?.throttled ?? DEFAULT_MAX_ATTEMPTS.throttled,
    retryStrategy: pacedRetryStrategy(options),
    requestHandler: options.requestHandler ?? TIMEOUTS,
    ...options.endpoint && { endpoint: options.endpoint }
  };
  const placed = (region, credentials) => {
    const signer = credentials && options.signer?.(credentials, region);
    const settings = { ...common, region, ...credentials && { credentials }, ...signer && { signer } };
    return byClass(settings, (client) => {
      client.middlewareStack.remove(LOGGER_MIDDLEWARE);
      options.onClient?.(client, region, credentials);
    });
  };
  const atHome = placed(home.region, options.credentials);
  const assumed = keyed((account) => {
    const byCaller = keyed(() => renewed(() => assumeRole(atHome(STSClient), config, account), now));
    return Object.assign(() => byCaller(caller())(), { memoized: true });
  });
  const inAccount = keyed((account) => keyed((region) => placed(region, assumed(account))));
  const inHomeAccount = keyed((region) => region === home.region ? atHome : placed(region, options.credentials));
  return {
    home: atHome,
    at: ({ account, region }) => account === home.account ? inHomeAccount(region) : inAccount(account)(region),
    credentialsFor: (account) => account === home.account ? atHome(STSClient).config.credentials : assumed(account)
  };
}
async function assumeRole(sts, config, account) {
  const roleArn2 = `arn:${partitionOf(config.homeRegion)}:iam::${account}:role/${config.memberRoleName}`;
  return call(`AssumeRole ${roleArn2}`, async () => {
    const { Credentials } = await sts.send(
      new AssumeRoleCommand({ RoleArn: roleArn2, RoleSessionName: config.name, ExternalId: config.name })
    );
    const { AccessKeyId, SecretAccessKey, SessionToken, Expiration } = assumedSchema.parse(Credentials);
    return {
      accessKeyId: AccessKeyId,
      secretAccessKey: SecretAccessKey,
      sessionToken: SessionToken,
      expiration: Expiration
    };
  });
}
function renewed(assume, now) {
  let current;
  let endsAt = Number.POSITIVE_INFINITY;
  const provider = async () => {
    if (!current || endsAt - now() <= REFRESH_BEFORE_END_MS) {
      endsAt = Number.POSITIVE_INFINITY;
      current = assume();
    }
    const pending2 = current;
    try {
      const credentials = await pending2;
      if (current === pending2) endsAt = credentials.expiration.getTime();
      return credentials;
    } catch (error) {
      if (current === pending2) current = void 0;
      throw error;
    }
  };
  return Object.assign(provider, { memoized: true });
}
function byClass(settings, onClient) {
  const made = /* @__PURE__ */ new Map();
  return (ClientClass) => {
    const known3 = made.get(ClientClass);
    if (known3 instanceof ClientClass) return known3;
    const client = new ClientClass(settings);
    onClient(client);
    made.set(ClientClass, client);
    return client;
  };
}
function keyed(make) {
  const made = /* @__PURE__ */ new Map();
  return (key) => {
    const value = made.get(key) ?? make(key);
    made.set(key, value);
    return value;
  };
}

// shared/gateways/aws/bus.ts
import { EventBridgeClient, PutEventsCommand } from "@aws-sdk/client-eventbridge";
var ENTRIES_PER_CALL = 10;
function busGateway(clients, options) {
  const client = clients(EventBridgeClient);
  const { busName, source = eventSources.autopilot } = options;
  return {
    putEvents: async (events) => {
      for (let start2 = 0; start2 < events.length; start2 += ENTRIES_PER_CALL) {
        await putChunk(client, { busName, source }, events.slice(start2, start2 + ENTRIES_PER_CALL));
      }
    }
  };
}
async function putChunk(client, { busName, source }, events) {
  const { FailedEntryCount = 0, Entries = [] } = await call(
    `PutEvents to ${busName}`,
    () => client.send(
      new PutEventsCommand({
        Entries: events.map(({ detailType, detail, resources }) => ({
          EventBusName: busName,
          Source: source,
          DetailType: detailType,
          Detail: JSON.stringify(detail),
          Resources: [...resources]
        }))
      })
    )
  );
  if (FailedEntryCount === 0) return;
  const codes = Entries.map(({ ErrorCode }) => ErrorCode).filter((code2) => code2 !== void 0);
  const throttled = codes.every((code2) => code2 === "ThrottlingException");
  throw new AutopilotError(
    throttled ? "throttled" : "aws-unavailable",
    `PutEvents to ${busName}: ${FailedEntryCount} of ${events.length} events not taken: ${codes.join(", ")}`
  );
}

// shared/gateways/aws/ecs.ts
import {
  DescribeClustersCommand,
  DescribeServicesCommand,
  DescribeTaskDefinitionCommand,
  DescribeTasksCommand,
  ECSClient,
  ListClustersCommand,
  ListServicesCommand,
  ListTasksCommand,
  RegisterTaskDefinitionCommand,
  TagResourceCommand,
  UntagResourceCommand,
  UpdateServiceCommand
} from "@aws-sdk/client-ecs";

// shared/base/chunk.ts
function chunk(items, size) {
  return Array.from(
    { length: Math.ceil(items.length / size) },
    (_, index) => items.slice(index * size, (index + 1) * size)
  );
}
async function* chunkAsync(items, size) {
  let group = [];
  for await (const item of items) {
    group.push(item);
    if (group.length < size) continue;
    yield group;
    group = [];
  }
  if (group.length > 0) yield group;
}

// shared/base/expiring-cache.ts
function expiringCache(options) {
  const entries = /* @__PURE__ */ new Map();
  return {
    get: (key) => {
      const entry2 = entries.get(key);
      if (!entry2) return void 0;
      entries.delete(key);
      if (entry2.until <= options.now()) return void 0;
      entries.set(key, entry2);
      return entry2.value;
    },
    set: (key, value) => {
      entries.delete(key);
      entries.set(key, { value, until: options.now() + options.ttlMs });
      if (entries.size <= options.size) return;
      const [oldest] = entries.keys();
      if (oldest !== void 0) entries.delete(oldest);
    },
    delete: (key) => {
      entries.delete(key);
    }
  };
}

// shared/gateways/aws/ecs-shapes.ts
import * as z8 from "zod";

// shared/base/json.ts
import { hash } from "node:crypto";
function isJsonObject(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
function canonicalJson(value) {
  return JSON.stringify(sorted(value));
}
function sorted(value) {
  if (Array.isArray(value)) return value.map(sorted);
  if (!isJsonObject(value)) return value;
  const members = [];
  for (const key of Object.keys(value).sort()) {
    const member = value[key];
    if (member !== void 0) members.push([key, sorted(member)]);
  }
  return Object.fromEntries(members);
}
function isSameJson(a, b) {
  if (a === b) return true;
  if (Array.isArray(a)) {
    return Array.isArray(b) && a.length === b.length && a.every((value, index) => isSameJson(value, b[index]));
  }
  if (!isJsonObject(a) || !isJsonObject(b)) return false;
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => Object.hasOwn(b, key) && isSameJson(a[key], b[key]));
}
function sha256(text3) {
  return hash("sha256", text3, "hex");
}

// shared/gateways/aws/ecs-strategy.ts
import * as z7 from "zod";
var strategyShape = {
  strategy: z7.string().optional(),
  bakeTimeInMinutes: z7.number().optional(),
  linearConfiguration: z7.object({ stepPercent: z7.number().optional(), stepBakeTimeInMinutes: z7.number().optional() }).optional(),
  canaryConfiguration: z7.object({ canaryBakeTimeInMinutes: z7.number().optional() }).optional(),
  lifecycleHooks: z7.array(
    z7.object({
      targetType: z7.string().optional(),
      timeoutConfiguration: z7.object({ timeoutInMinutes: z7.number().optional() }).optional()
    })
  ).default([])
};
var strategySchema = z7.object(strategyShape);
var STEP_PERCENT = 10;
var STEP_BAKE_MINUTES = 6;
var CANARY_BAKE_MINUTES = 10;
var PAUSE_MINUTES = 1440;
function strategyMinutes(configuration) {
  const { bakeTimeInMinutes = 0, lifecycleHooks } = configuration;
  const hooks = lifecycleHooks.map(({ targetType, timeoutConfiguration }) => {
    return timeoutConfiguration?.timeoutInMinutes ?? (targetType === "PAUSE" ? PAUSE_MINUTES : 0);
  });
  return bakeTimeInMinutes + stepMinutes(configuration) + hooks.reduce((sum2, minutes) => sum2 + minutes, 0);
}
function stepMinutes({ strategy, linearConfiguration, canaryConfiguration }) {
  switch (strategy) {
    case "LINEAR": {
      const { stepPercent = STEP_PERCENT, stepBakeTimeInMinutes = STEP_BAKE_MINUTES } = linearConfiguration ?? {};
      return Math.ceil(100 / Math.max(1, stepPercent)) * stepBakeTimeInMinutes;
    }
    case "CANARY":
      return canaryConfiguration?.canaryBakeTimeInMinutes ?? CANARY_BAKE_MINUTES;
    default:
      return 0;
  }
}

// shared/gateways/aws/ecs-shapes.ts
var tagsSchema = z8.array(z8.object({ key: z8.string(), value: z8.string().default("") })).default([]).transform((tags) => Object.fromEntries(tags.map(({ key, value }) => [key, value])));
var deploymentSchema = z8.object({
  id: z8.string(),
  status: z8.string(),
  taskDefinition: z8.string().default(""),
  // Absent for other controllers than ECS.
  rolloutState: z8.string().optional(),
  rolloutStateReason: z8.string().optional(),
  failedTasks: z8.number().default(0),
  desiredCount: z8.number().default(0),
  runningCount: z8.number().default(0),
  serviceConnectConfiguration: z8.object({ enabled: z8.boolean().default(false) }).optional()
}).transform(({ taskDefinition, rolloutState, rolloutStateReason, ...rest }) => ({
  ...rest,
  taskDefinitionArn: taskDefinition,
  rolloutState,
  rolloutStateReason
}));
var serviceSchema = z8.object({
  serviceArn: z8.string(),
  status: z8.string(),
  /** Epoch seconds, with fractions. */
  createdAt: z8.number().optional(),
  taskDefinition: z8.string().optional(),
  taskSets: z8.array(z8.object({ status: z8.string().optional(), taskDefinition: z8.string().optional() })).default([]),
  deploymentController: z8.object({ type: z8.string().optional() }).optional(),
  deploymentConfiguration: z8.object({
    ...strategyShape,
    minimumHealthyPercent: z8.number().optional(),
    maximumPercent: z8.number().optional()
  }).optional(),
  launchType: z8.string().optional(),
  capacityProviderStrategy: z8.array(z8.object({ capacityProvider: z8.string().default("") })).default([]),
  platformVersion: z8.string().optional(),
  schedulingStrategy: z8.string().default("REPLICA"),
  placementConstraints: z8.array(z8.object({ expression: z8.string().optional() })).default([]),
  resourceManagementType: z8.string().default("CUSTOMER"),
  // Absent where it is NONE.
  propagateTags: z8.string().default("NONE"),
  desiredCount: z8.number().default(0),
  deployments: z8.array(deploymentSchema).default([]),
  tags: tagsSchema
});
function observedService(service) {
  const shape = serviceSchema.parse(service);
  const ref = parseServiceArn(shape.serviceArn);
  const taskDefinitionArn = primaryTaskDefinition(shape);
  if (!ref || !taskDefinitionArn) return void 0;
  return {
    ref,
    status: shape.status,
    createdAtMs: shape.createdAt === void 0 ? void 0 : Math.round(shape.createdAt * 1e3),
    taskDefinitionArn,
    deploymentController: shape.deploymentController?.type ?? "ECS",
    deploymentStrategy: shape.deploymentConfiguration?.strategy ?? "ROLLING",
    hasPauseHook: shape.deploymentConfiguration?.lifecycleHooks.some(({ targetType }) => targetType === "PAUSE") ?? false,
    strategyMinutes: shape.deploymentConfiguration ? strategyMinutes(shape.deploymentConfiguration) : 0,
    schedulingStrategy: shape.schedulingStrategy,
    deploymentPercents: percentsOf(shape),
    placementExpressions: shape.placementConstraints.flatMap(({ expression }) => expression ?? []),
    resourceManagement: shape.resourceManagementType,
    usesServiceConnect: primaryDeployment(shape)?.serviceConnectConfiguration?.enabled ?? false,
    launchType: launchTypeOf(shape),
    platformVersion: shape.platformVersion,
    desiredCount: shape.desiredCount,
    propagateTags: shape.propagateTags,
    deployments: shape.deployments.map(({ serviceConnectConfiguration: _, ...deployment }) => deployment),
    tags: shape.tags
  };
}
function primaryDeployment({ deployments }) {
  return deployments.find(({ status }) => status === "PRIMARY");
}
function percentsOf({
  deploymentConfiguration,
  schedulingStrategy
}) {
  const isDaemon = schedulingStrategy === "DAEMON";
  return {
    minimumHealthy: deploymentConfiguration?.minimumHealthyPercent ?? (isDaemon ? 0 : 100),
    maximum: deploymentConfiguration?.maximumPercent ?? (isDaemon ? 100 : 200)
  };
}
function primaryTaskDefinition(shape) {
  const { taskSets, taskDefinition } = shape;
  const primary = primaryDeployment(shape)?.taskDefinitionArn;
  const taskSet = taskSets.find(({ status }) => status === "PRIMARY") ?? taskSets[0];
  return primary || taskDefinition || taskSet?.taskDefinition || void 0;
}
function launchTypeOf({ launchType, capacityProviderStrategy }) {
  if (launchType === "FARGATE" || launchType === "EC2" || launchType === "EXTERNAL") return launchType;
  if (launchType !== void 0) return "EC2";
  const [first] = capacityProviderStrategy;
  if (!first) return void 0;
  return /^FARGATE(_SPOT)?$/.test(first.capacityProvider) ? "FARGATE" : "EC2";
}
var failuresSchema = z8.array(z8.object({ arn: z8.string().optional(), reason: z8.string().optional(), detail: z8.string().optional() })).default([]);
function failuresOf(failures3) {
  const all2 = failuresSchema.parse(failures3);
  return {
    missing: all2.filter(({ reason }) => reason === "MISSING"),
    other: all2.filter(({ reason }) => reason !== "MISSING")
  };
}
var describedTags = z8.array(z8.object({ key: z8.string(), value: z8.string().default("") })).default([]);
var definitionBodySchema = z8.object({
  taskDefinition: z8.custom(isJsonObject, "a JSON object"),
  tags: describedTags
});
var definitionSchema = z8.object({ taskDefinitionArn: z8.string().min(1) });
function describedTaskDefinition(body) {
  const { taskDefinition, tags } = definitionBodySchema.parse(body);
  const { taskDefinitionArn } = definitionSchema.parse(taskDefinition);
  return { taskDefinitionArn, raw: taskDefinition, tags };
}
var failures2 = z8.unknown().optional();
var listed = z8.array(z8.string()).default([]);
var servicesAnswer = z8.object({ services: z8.array(z8.unknown()).default([]), failures: failures2 });
var serviceEventsAnswer = z8.object({
  services: z8.array(z8.object({ events: z8.array(z8.object({ createdAt: z8.number(), message: z8.string() })).default([]) })).default([])
});
var updateAnswer = z8.object({ service: z8.unknown().optional() });
var tasksAnswer = z8.object({ tasks: z8.array(z8.unknown()).default([]), failures: failures2 });
var listAnswer = z8.object({
  clusterArns: listed,
  serviceArns: listed,
  taskArns: listed,
  nextToken: z8.string().optional()
});
var clusterSchema = z8.object({ clusterArn: z8.string(), tags: tagsSchema });
var clustersAnswer = z8.object({ clusters: z8.array(clusterSchema).default([]), failures: failures2 });
var containerSchema = () => z8.object({
  name: z8.string(),
  lastStatus: z8.string().default("UNKNOWN"),
  exitCode: z8.number().optional(),
  reason: z8.string().optional(),
  healthStatus: z8.string().optional(),
  networkInterfaces: z8.array(z8.object({ privateIpv4Address: z8.string().optional(), ipv6Address: z8.string().optional() })).default([])
});
var taskSchema = z8.lazy(
  () => z8.object({
    taskArn: z8.string(),
    taskDefinitionArn: z8.string(),
    lastStatus: z8.string(),
    group: z8.string().optional(),
    startedBy: z8.string().optional(),
    createdAt: z8.number().optional(),
    stopCode: z8.string().optional(),
    stoppedReason: z8.string().optional(),
    healthStatus: z8.string().optional(),
    attachments: z8.array(
      z8.object({
        type: z8.string().optional(),
        details: z8.array(z8.object({ name: z8.string().optional(), value: z8.string().optional() })).default([])
      })
    ).default([]),
    containers: z8.array(containerSchema()).default([]),
    tags: tagsSchema
  })
);
function observedTask(task) {
  const { attachments, containers, createdAt, ...rest } = taskSchema.parse(task);
  const details = attachments.flatMap((attachment) => attachment.details);
  const [networkInterface] = containers.flatMap(({ networkInterfaces }) => networkInterfaces);
  const detail = (key) => details.find(({ name }) => name === key)?.value;
  const ipv6Address = networkInterface?.ipv6Address;
  return {
    ...rest,
    createdAtMs: createdAt === void 0 ? void 0 : Math.round(createdAt * 1e3),
    privateIpv4Address: detail("privateIPv4Address") ?? networkInterface?.privateIpv4Address,
    ...ipv6Address !== void 0 && { ipv6Address },
    containers: containers.map(({ networkInterfaces: _, ...container }) => container)
  };
}

// shared/gateways/aws/raw-json.ts
import { collectBody, HttpRequest, HttpResponse } from "@smithy/core/protocols";

// shared/base/json-text.ts
var SUSPICIOUS = /\d{16}|\d[eE][+-]?\d|-0|\d\.\d{14}/;
var MAX_EXACT_DIGITS = 15;
function parseJson(text3) {
  if (!SUSPICIOUS.test(text3)) return JSON.parse(text3);
  const json2 = JSON;
  return json2.parse(
    text3,
    (_key, value, { source }) => typeof value === "number" && source !== void 0 && !isExact(value, source) ? json2.rawJSON(source) : value
  );
}
function isExact(value, source) {
  if (!Number.isFinite(value) || Object.is(value, -0)) return false;
  if (/^-?\d+$/.test(source)) return BigInt(source) === BigInt(value);
  const digits = source.replace(/[eE].*$/, "").replace(/\D/g, "").replace(/^0+/, "");
  return digits.length <= MAX_EXACT_DIGITS && (value !== 0 || digits === "");
}

// shared/gateways/aws/raw-json.ts
var NOTHING = new Uint8Array(0);
function keepRawResponse(command, { streamCollector }) {
  let kept2;
  command.middlewareStack.add(
    (next2) => async (args) => {
      const result = await next2(args);
      const { response } = result;
      if (HttpResponse.isInstance(response) && response.statusCode < 300) {
        const bytes = await collectBody(response.body, { streamCollector });
        response.body = NOTHING;
        kept2 = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("utf8");
      }
      return result;
    },
    // Low in its step: closer to the wire than the SDK's own parsing.
    { name: "keepRawResponse", step: "deserialize", priority: "low" }
  );
  const raw = () => {
    const parsed4 = kept2 === void 0 ? void 0 : parseJson(kept2);
    if (!isJsonObject(parsed4)) throw new Error("the response had no JSON object as its body");
    return parsed4;
  };
  return { raw, withoutNulls: () => kept2?.includes("null") ? withoutNulls(raw()) : raw() };
}
function withoutNulls(object32) {
  const kept2 = Object.entries(object32).filter(([, value]) => value !== null);
  return Object.fromEntries(kept2.map(([key, value]) => [key, withoutNullsIn(value)]));
}
function withoutNullsIn(value) {
  if (Array.isArray(value)) return value.filter((item) => item !== null).map(withoutNullsIn);
  return isJsonObject(value) ? withoutNulls(value) : value;
}
function sendRawRequest(command, body) {
  const text3 = JSON.stringify(body);
  command.middlewareStack.add(
    (next2) => (args) => {
      if (!HttpRequest.isInstance(args.request)) throw new Error("the request is not an HTTP request");
      args.request.body = text3;
      return next2(args);
    },
    // Low in its step: after the SDK has written the body that is replaced, before length and signature.
    { name: "sendRawRequest", step: "serialize", priority: "low" }
  );
}
function sendAtMostOnce(command) {
  command.middlewareStack.add(
    (next2) => async (args) => {
      try {
        return await next2(args);
      } catch (error) {
        if (!isThrottled(error)) markNotRepeatable(error);
        throw error;
      }
    },
    { name: "sendAtMostOnce", step: "finalizeRequest", priority: "low" }
  );
}

// shared/gateways/aws/ecs.ts
var PAGE = 100;
var TASKS_PER_CALL = 100;
function ecsGateway(clients, options) {
  const client = clients(ECSClient);
  const { now, taskDefinitionCacheSize = 50, clusterTtlMs = 5 * 6e4 } = options;
  const taskDefinitions = expiringCache({
    size: taskDefinitionCacheSize,
    ttlMs: Number.POSITIVE_INFINITY,
    now
  });
  const clusters = expiringCache({
    size: 1e3,
    ttlMs: clusterTtlMs,
    now
  });
  async function ask(command, schema) {
    const response = keepRawResponse(command, client.config);
    await client.send(command);
    return schema.parse(response.withoutNulls());
  }
  async function describeServices(cluster2, names2) {
    return call(`DescribeServices ${names2.join(" ")}`, async () => {
      const { services: services2, failures: failures3 } = await ask(
        new DescribeServicesCommand({ cluster: cluster2, services: [...names2], include: ["TAGS"] }),
        servicesAnswer
      );
      rejectOther("DescribeServices", failures3);
      return services2.map(observedService).filter((service) => service !== void 0);
    });
  }
  async function describeDefinition(nameOrArn) {
    const command = new DescribeTaskDefinitionCommand({ taskDefinition: nameOrArn, include: ["TAGS"] });
    const response = keepRawResponse(command, client.config);
    const definition = await call(`DescribeTaskDefinition ${nameOrArn}`, async () => {
      await client.send(command).catch(rethrowMissingDefinition(nameOrArn));
      return describedTaskDefinition(response.raw());
    });
    taskDefinitions.set(definition.taskDefinitionArn, definition);
    return definition;
  }
  return {
    describeServices,
    describeService: async (ref) => {
      const [service] = await describeServices(clusterArnOf(ref), [ref.serviceName]);
      if (!service) throw new AutopilotError("service-not-found", ref.serviceArn);
      return service;
    },
    describeServiceEvents: (ref) => call(`DescribeServices ${ref.serviceName}`, async () => {
      const command = new DescribeServicesCommand({ cluster: clusterArnOf(ref), services: [ref.serviceName] });
      const { services: services2 } = await ask(command, serviceEventsAnswer);
      const events = services2.flatMap((service) => service.events);
      return events.map(({ createdAt, message }) => ({ createdAtMs: Math.round(createdAt * 1e3), message }));
    }),
    describeTaskDefinition: async (arn, { fresh = false } = {}) => (fresh ? void 0 : taskDefinitions.get(arn)) ?? describeDefinition(arn),
    describeLatestTaskDefinition: async (family) => {
      try {
        return await describeDefinition(family);
      } catch (error) {
        if (error instanceof AutopilotError && error.code === "task-definition-not-found") return void 0;
        throw error;
      }
    },
    registerTaskDefinition: async (definition) => {
      const family = String(definition.family);
      const command = new RegisterTaskDefinitionCommand({ family, containerDefinitions: [] });
      sendRawRequest(command, definition);
      sendAtMostOnce(command);
      const response = keepRawResponse(command, client.config);
      const registered = await call(
        `RegisterTaskDefinition ${family}`,
        async () => {
          await client.send(command);
          return describedTaskDefinition(response.raw());
        },
        "registration-refused"
      );
      taskDefinitions.set(registered.taskDefinitionArn, registered);
      return registered.taskDefinitionArn;
    },
    updateService: async (ref, { taskDefinitionArn, propagateTags = false, forceNewDeployment = false }) => call(
      `UpdateService ${ref.serviceArn}`,
      async () => {
        const { service } = await ask(
          new UpdateServiceCommand({
            cluster: clusterArnOf(ref),
            service: ref.serviceName,
            taskDefinition: taskDefinitionArn,
            ...propagateTags && { propagateTags: propagateTags === true ? "SERVICE" : propagateTags },
            ...forceNewDeployment && { forceNewDeployment: true }
          }),
          updateAnswer
        );
        const updated = observedService(service);
        if (!updated) throw new AutopilotError("service-not-found", ref.serviceArn);
        return updated;
      },
      "update-refused"
    ),
    describeCluster: async (clusterArn, { fresh = false } = {}) => {
      const known3 = fresh ? void 0 : clusters.get(clusterArn);
      if (known3) return known3;
      const described2 = await call(`DescribeClusters ${clusterArn}`, async () => {
        const command = new DescribeClustersCommand({ clusters: [clusterArn], include: ["TAGS"] });
        const { clusters: found, failures: failures3 } = await ask(command, clustersAnswer);
        rejectOther("DescribeClusters", failures3);
        const [cluster2] = found;
        if (!cluster2) throw new AutopilotError("service-not-found", `ECS does not know the cluster ${clusterArn}`);
        return cluster2;
      });
      clusters.set(clusterArn, described2);
      return described2;
    },
    listClusters: () => pages("ListClusters", async (nextToken) => {
      const page = await ask(new ListClustersCommand({ maxResults: PAGE, nextToken }), listAnswer);
      return { items: page.clusterArns, nextToken: page.nextToken };
    }),
    listServices: (clusterArn) => pages(`ListServices ${clusterArn}`, async (nextToken) => {
      const command = new ListServicesCommand({ cluster: clusterArn, maxResults: PAGE, nextToken });
      const page = await ask(command, listAnswer);
      return { items: page.serviceArns, nextToken: page.nextToken };
    }),
    listTasks: async (of, desiredStatus) => {
      const selection = "serviceArn" in of ? { cluster: clusterArnOf(of), serviceName: of.serviceName } : { cluster: of.clusterArn, ..."family" in of && { family: of.family } };
      const listed2 = pages(`ListTasks ${selection.cluster}`, async (nextToken) => {
        const command = new ListTasksCommand({ ...selection, desiredStatus, maxResults: PAGE, nextToken });
        const page = await ask(command, listAnswer);
        return { items: page.taskArns, nextToken: page.nextToken };
      });
      return all(listed2, "most" in of ? of.most : Number.POSITIVE_INFINITY);
    },
    describeTasks: async (clusterArn, taskArns) => {
      const described2 = [];
      for (const ofCall of chunk(taskArns, TASKS_PER_CALL)) {
        await call(`DescribeTasks in ${clusterArn}`, async () => {
          const command = new DescribeTasksCommand({ cluster: clusterArn, tasks: [...ofCall], include: ["TAGS"] });
          const { tasks, failures: failures3 } = await ask(command, tasksAnswer);
          rejectOther("DescribeTasks", failures3);
          described2.push(...tasks.map(observedTask));
        });
      }
      return described2;
    },
    tagResource: async (arn, tags) => {
      const list2 = Object.entries(tags).map(([key, value]) => ({ key, value }));
      await call(`TagResource ${arn}`, () => client.send(new TagResourceCommand({ resourceArn: arn, tags: list2 })));
      clusters.delete(arn);
    },
    untagResource: async (arn, tagKeys2) => {
      await call(
        `UntagResource ${arn}`,
        () => client.send(new UntagResourceCommand({ resourceArn: arn, tagKeys: [...tagKeys2] }))
      );
      clusters.delete(arn);
    }
  };
}
function rethrowMissingDefinition(nameOrArn) {
  return (error) => {
    if (error instanceof Error && isNamed(error, "ClientException") && MISSING_DEFINITION.test(error.message))
      throw new AutopilotError("task-definition-not-found", `${nameOrArn}: ${error.message}`, { cause: error });
    throw asFailure(error, `DescribeTaskDefinition ${nameOrArn}`);
  };
}
var MISSING_DEFINITION = /^Unable to describe task definition\b/;
function rejectOther(operation, failures3) {
  const { other } = failuresOf(failures3);
  if (other.length === 0) return;
  const what = other.map(({ arn = "?", reason = "?", detail = "" }) => `${arn} ${reason} ${detail}`.trim());
  throw new AutopilotError("aws-rejected", `${operation}: ${what.join("; ")}`);
}
async function all(items, most) {
  const collected = [];
  for await (const item of items) {
    collected.push(item);
    if (collected.length >= most) break;
  }
  return collected;
}
async function* pages(what, read2) {
  let nextToken;
  do {
    const page = await call(what, () => read2(nextToken));
    yield* page.items;
    nextToken = page.nextToken;
  } while (nextToken);
}

// shared/gateways/aws/executions.ts
import {
  DescribeExecutionCommand,
  SendTaskSuccessCommand,
  SFNClient,
  StartExecutionCommand
} from "@aws-sdk/client-sfn";
import * as z9 from "zod";
var statusSchema = z9.string();
function executionsGateway(clients, options) {
  const { stateMachineArn } = options;
  const client = clients(SFNClient);
  async function describeExecution(name) {
    const executionArn = `${stateMachineArn.replace(":stateMachine:", ":execution:")}:${name}`;
    return call(`DescribeExecution ${name}`, async () => {
      try {
        const { status } = await client.send(new DescribeExecutionCommand({ executionArn }));
        return statusSchema.parse(status);
      } catch (error) {
        if (isNamed(error, "ExecutionDoesNotExist")) return void 0;
        throw error;
      }
    });
  }
  return {
    describeExecution,
    startExecution: async ({ name, input }) => call(`StartExecution ${name}`, async () => {
      try {
        await client.send(new StartExecutionCommand({ stateMachineArn, name, input: JSON.stringify(input) }));
        return { started: true };
      } catch (error) {
        if (!isNamed(error, "ExecutionAlreadyExists")) throw error;
        const status = await describeExecution(name);
        if (status === void 0) throw error;
        return { started: false, status };
      }
    }),
    sendTaskSuccess: async (taskToken, output) => call("SendTaskSuccess", async () => {
      try {
        await client.send(new SendTaskSuccessCommand({ taskToken, output: JSON.stringify(output) }));
        return true;
      } catch (error) {
        if (isNamed(error, "TaskDoesNotExist", "TaskTimedOut")) return false;
        throw error;
      }
    })
  };
}

// shared/model/channel.ts
import * as z10 from "zod";
var placeSchema = z10.looseObject({ channel: z10.string(), ts: z10.string() });
var lineSchema = z10.union([z10.string(), z10.looseObject({ lead: z10.string(), quote: z10.string(), tail: z10.string() })]);
var newsSchema = z10.looseObject({
  /** The event's: the same event is announced once, even if it comes again. */
  id: z10.string().min(1),
  /** What it is about: news of one topic is announced together. */
  topic: z10.string().min(1),
  /** Why it happened; empty where that announces nothing. */
  cause: z10.string().default(""),
  /** A service's ARN, or the name of an alarm. */
  subject: z10.string(),
  /** The rollout to whose thread it belongs. */
  rolloutId: z10.string().optional(),
  /** When it came, epoch milliseconds: what is announced late still joins the message of its time. */
  atMs: z10.int().nonnegative().default(0),
  /** The message that announces this news alone. */
  story: z10.looseObject({
    icon: z10.string(),
    headline: z10.string(),
    lines: z10.array(lineSchema).default([]),
    context: z10.array(z10.string()).default([])
  }),
  /** Further news of the same topic and cause for which there was no room: it is counted. */
  further: z10.int().nonnegative().default(0)
});
var groupSchema = z10.looseObject({
  topic: z10.string(),
  rolloutId: z10.string().optional(),
  openedMs: z10.int().nonnegative(),
  /** When news joined it last. */
  lastMs: z10.int().nonnegative(),
  updates: z10.int().nonnegative().default(0),
  /** Where it is. Absent where a message can't be updated, as a webhook's. */
  place: placeSchema.optional(),
  /** How many subjects it announces of. */
  count: z10.int().positive(),
  causes: z10.array(z10.looseObject({ cause: z10.string(), count: z10.int().nonnegative() })).default([]),
  /** Marks of its subjects, so that none counts twice. */
  marks: z10.array(z10.string()).default([]),
  /** The first subjects. */
  named: z10.array(z10.string()).default([]),
  /** The news that the message itself announces, until news about another subject joins it. */
  alone: newsSchema.optional()
});
var channelSchema = z10.looseObject({
  shape: z10.literal(1),
  /** Rises with every write. */
  version: z10.int().nonnegative(),
  /** Somebody is writing to the channel until then: nobody else does. */
  claimedUntilMs: z10.int().nonnegative().optional(),
  pending: z10.array(newsSchema).default([]),
  groups: z10.array(groupSchema).default([]),
  /** Ids of what was announced last. */
  announced: z10.array(z10.string()).default([])
});
var newChannel = { shape: 1, version: 0, pending: [], groups: [], announced: [] };

// shared/model/mesh.ts
import * as z11 from "zod";
var meshFactsSchema = z11.strictObject({
  controlPlane: z11.string().min(1),
  istiodUrl: z11.url(),
  /** The root CA bundle: one PEM certificate or, during a rotation, several. */
  rootCaPem: z11.string().min(1),
  network: z11.string().min(1),
  istiodVersion: z11.string().optional(),
  /** Services of Kubernetes that expose istiod beside the one whose address is taken: `namespace/name`. */
  otherGateways: z11.array(z11.string()).optional(),
  readAt: z11.iso.datetime()
});
var MAX_GENERATIONS = 10;
var meshStateSchema = z11.strictObject({
  shape: z11.literal(2),
  /** Rises with every write. */
  version: z11.int().nonnegative(),
  controlPlane: z11.string().min(1),
  /** The oldest first, the newest last: that is what new tokens are made of. At most `MAX_GENERATIONS`. */
  generations: z11.array(z11.strictObject({ id: z11.string().min(1), facts: meshFactsSchema })).min(1).max(MAX_GENERATIONS),
  /** How many times the newest facts have changed. Facts that return after others count as a change. */
  changeCount: z11.int().nonnegative().default(0),
  /**
   * The generation that every enrolled service should have by now; services with it or a later one wait for a rollout.
   */
  releasedId: z11.string().optional(),
  /**
   * Set while no WorkloadEntry of the control plane has a mark that proves a task: nothing can be verified then. The
   * execution that has found it, `by`, notifies of it.
   */
  unknownShape: z11.strictObject({ mark: z11.string().min(1), seen: z11.string(), since: z11.iso.datetime(), by: z11.string().min(1) }).optional(),
  /** Set while tasks trust none of the newest bundle's certificates: rotations are repeated until none does. */
  emergency: z11.strictObject({
    since: z11.iso.datetime(),
    /** The services that were cut off when they were counted last, and their running tasks. */
    serviceArns: z11.array(z11.string()),
    services: z11.int().nonnegative(),
    tasks: z11.int().nonnegative(),
    countedAt: z11.iso.datetime(),
    /** The rotation that was requested last, and how many were. The first one's Slack thread has the details. */
    rolloutId: z11.string().optional(),
    firstRolloutId: z11.string().optional(),
    attempts: z11.int().nonnegative().default(0),
    /** The notice that people got last. */
    notified: z11.string().optional()
  }).optional(),
  /** What was notified already: each of these is notified once. */
  notified: z11.strictObject({
    /** Fingerprints of the bundle that was notified last. */
    fingerprints: z11.array(z11.string()).optional(),
    /** The other gateways that were notified last. */
    otherGateways: z11.array(z11.string()).optional(),
    /** The generation for which `Root CA Retirable` was emitted. */
    retirableId: z11.string().optional(),
    /** The smallest number of days notified for a certificate, by its fingerprint. */
    expiryDays: z11.record(z11.string(), z11.int()).default({})
  }).default({ expiryDays: {} })
});

// shared/trust/bundle.ts
import { X509Certificate } from "node:crypto";
var CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;
var KEPT_BUNDLES = 16;
var parsed = /* @__PURE__ */ new Map();
function parseBundle(text3) {
  const known3 = parsed.get(text3);
  if (known3) return known3;
  const bundle = parse(text3);
  const [oldest] = parsed.keys();
  if (oldest !== void 0 && parsed.size >= KEPT_BUNDLES) parsed.delete(oldest);
  parsed.set(text3, bundle);
  return bundle;
}
function parse(text3) {
  const rest = text3.replace(CERTIFICATE, "").replace(/^\s*#.*$/gm, "");
  if (rest.trim() !== "") throw new AutopilotError("invalid-pem", "It holds more than certificates.");
  const byFingerprint = new Map(
    (text3.match(CERTIFICATE) ?? []).map((block, index) => {
      const certificate = parseCertificate(block, index + 1);
      return [certificate.fingerprint256, certificate];
    })
  );
  const [first, ...others] = [...byFingerprint.entries()].sort(([a], [b]) => a < b ? -1 : 1).map(([, one]) => one);
  if (!first) throw new AutopilotError("invalid-pem", "It is empty.");
  return {
    pem: [first, ...others].map((certificate) => certificate.toString()).join(""),
    certificates: [describe(first), ...others.map(describe)]
  };
}
function anchorsIn(text3) {
  return [...new Set(parseBundle(text3).certificates.map(({ anchor }) => anchor))];
}
function isBundle(text3) {
  try {
    parseBundle(text3);
    return true;
  } catch (error) {
    if (error instanceof AutopilotError && error.code === "invalid-pem") return false;
    throw error;
  }
}
function parseCertificate(block, position) {
  try {
    return new X509Certificate(block);
  } catch (cause) {
    throw new AutopilotError("invalid-pem", `Certificate ${position} of it cannot be read.`, { cause });
  }
}
function describe(certificate) {
  return {
    fingerprint256: certificate.fingerprint256,
    anchor: anchorOf(certificate),
    subject: certificate.subject.replaceAll("\n", ", "),
    notAfter: certificate.validToDate.toISOString()
  };
}
function anchorOf({ subject, publicKey }) {
  return sha256(`${subject}
${publicKey.export({ type: "spki", format: "pem" }).toString()}`);
}

// shared/trust/generations.ts
function factsIdOf({ istiodUrl, rootCaPem, network }) {
  return sha256(canonicalJson({ istiodUrl, rootCaPem: normalized(rootCaPem), network })).slice(0, 16);
}
function withFacts(mesh, facts) {
  const { controlPlane: controlPlane3 } = facts;
  const id = factsIdOf(facts);
  if (!mesh)
    return {
      shape: 2,
      version: 0,
      changeCount: 0,
      controlPlane: controlPlane3,
      generations: [{ id, facts }],
      notified: { expiryDays: {} }
    };
  const known3 = mesh.generations.find((generation) => generation.id === id);
  const others = mesh.generations.filter((generation) => generation.id !== id);
  return {
    ...mesh,
    changeCount: mesh.changeCount + (mesh.generations.at(-1)?.id === id ? 0 : 1),
    generations: [...pruned(others, mesh.releasedId), known3 ? refreshed(known3, facts) : { id, facts }]
  };
}
function pruned(generations, releasedId) {
  if (generations.length < MAX_GENERATIONS) return generations;
  const oldest = generations.findIndex(({ id }) => id !== releasedId);
  return generations.toSpliced(oldest, 1);
}
function refreshed({ id, facts }, { readAt, istiodVersion, otherGateways }) {
  const { istiodVersion: _, otherGateways: __, ...kept2 } = facts;
  const found = { ...istiodVersion !== void 0 && { istiodVersion }, ...otherGateways && { otherGateways } };
  return { id, facts: { ...kept2, readAt, ...found } };
}
function normalized(rootCaPem) {
  try {
    return parseBundle(rootCaPem).pem;
  } catch (error) {
    if (error instanceof AutopilotError && error.code === "invalid-pem") return rootCaPem;
    throw error;
  }
}

// shared/gateways/ledger/ledger-items.ts
import * as z15 from "zod";

// shared/model/claim.ts
import * as z12 from "zod";

// shared/model/reasons.ts
var driftReasonNames = [
  "sidecar-missing",
  "image",
  "token",
  "token-in-plain-text",
  "health-check",
  "log-configuration",
  "container-settings",
  "dependency",
  "proxy-env",
  "identity",
  "ports",
  "discovery",
  "propagate-tags",
  "task-tags",
  "binding",
  "secret",
  "readers"
];
var refusalNames = [
  "network-mode",
  "windows",
  "deployment-controller",
  "app-mesh",
  "foreign-ztunnel",
  "port-collision",
  "no-execution-role",
  "no-task-role",
  "foreign-role",
  "platform-version",
  "too-many-containers",
  "definition-too-large",
  "dependency-cycle",
  "bad-tag",
  "namespace-not-allowed",
  "image-not-allowed",
  "roles-differ",
  "version-skew",
  "identity-conflict",
  "role-shared",
  "namespace-not-ambient",
  "service-not-active",
  "mesh-name",
  "node-daemon",
  "express-mode",
  "no-deployment-room",
  "shared-family",
  "no-control-plane"
];
var keptRefusals = [
  "mesh-name",
  "express-mode",
  "no-deployment-room",
  "roles-differ",
  "shared-family"
];
var refusedWishes = [
  "bad-tag",
  "namespace-not-allowed",
  "image-not-allowed",
  "identity-conflict",
  "role-shared",
  "namespace-not-ambient",
  "node-daemon"
];
var warningNames = [
  "headroom",
  "no-log",
  "proxy-env",
  "slow-deployment",
  "kept",
  "mesh-name",
  "service-connect",
  "ports",
  "task-tags",
  "version-skew"
];
var sharedProblemNames = ["role-shared", "identity-conflict", "namespace-not-ambient"];

// shared/model/claim.ts
var holderSchema = z12.strictObject({
  /** Some of the services that need it, for people; no more than `MAX_NAMED_SERVICES`. */
  services: z12.array(z12.string()).default([]),
  /** Since when no service needs it, epoch milliseconds: a sweep has recorded it. Absent while one does. */
  unneededSinceMs: z12.int().nonnegative().optional()
});
var problemSchema = z12.strictObject({
  code: z12.enum(sharedProblemNames),
  detail: z12.string(),
  sinceMs: z12.int().nonnegative(),
  /** Somebody is about to notify people of it until then, epoch milliseconds. Absent once they are notified. */
  notifyUntilMs: z12.int().nonnegative().optional()
});
var claimSchema = z12.strictObject({
  shape: z12.literal(1),
  /** Rises with every write. */
  version: z12.int().nonnegative(),
  /** As the functions below write it. */
  subject: z12.string().min(1),
  holders: z12.record(z12.string(), holderSchema).default({}),
  /** Of a secret: the versions (`valueFrom`) whose content the autopilot has written or proven. The oldest first. */
  proven: z12.array(z12.string()).default([]),
  /** Of a secret: the readers that its policy had before the ledger knew them are among the holders. */
  adopted: z12.boolean().default(false),
  /** Of a secret that nobody needs: when Secrets Manager deletes it, as the autopilot has asked, epoch milliseconds. */
  deletesAtMs: z12.int().nonnegative().optional(),
  problem: problemSchema.optional()
});
var MAX_NAMED_SERVICES = 20;
var MAX_PROVEN = 40;
function secretSubject({ account, region }, secretName2) {
  return `secret ${account} ${region} ${secretName2}`;
}
function newClaim(subject) {
  return { shape: 1, version: 0, subject, holders: {}, proven: [], adopted: false };
}
function withHolder(claim, holder, serviceArn) {
  const known3 = Object.hasOwn(claim.holders, holder) ? claim.holders[holder] : void 0;
  const services2 = known3?.services ?? [];
  const isNamed2 = services2.includes(serviceArn) || services2.length >= MAX_NAMED_SERVICES;
  if (known3 && isNamed2 && known3.unneededSinceMs === void 0) return void 0;
  const named2 = isNamed2 ? services2 : [...services2, serviceArn];
  const { deletesAtMs: _, ...needed } = claim;
  return { ...needed, holders: { ...claim.holders, [holder]: { services: named2 } } };
}
function withAdopted(claim, readers) {
  const found = Object.fromEntries(readers.map((reader) => [reader, { services: [] }]));
  return { ...claim, holders: { ...found, ...claim.holders }, adopted: true };
}
function withProven(claim, valueFrom) {
  const others = claim.proven.filter((known3) => known3 !== valueFrom);
  return { ...claim, proven: [...others, valueFrom].slice(-MAX_PROVEN) };
}

// shared/model/rollout.ts
import * as z13 from "zod";
var rolloutKinds = ["rotate", "endpoint", "upgrade", "reconfigure", "unenroll"];
var requestedKinds = rolloutKinds.filter((kind) => kind !== "endpoint");
var pattern = z13.string().min(1).max(255);
var scopeSchema = z13.lazy(
  () => z13.strictObject({
    controlPlane: z13.string().min(1).optional(),
    accounts: z13.array(z13.string().regex(/^\d{12}$/)).min(1).optional(),
    regions: z13.array(pattern).min(1).optional(),
    /** Cluster names or ARNs. */
    clusters: z13.array(pattern).min(1).optional(),
    /** Service names or ARNs. */
    services: z13.array(pattern).min(1).optional()
  })
);
var { shape: policyShape } = rolloutPolicySchema;
var overridesSchema = z13.lazy(
  () => z13.strictObject({
    canaryCount: policyShape.canaryCount.unwrap().optional(),
    waves: policyShape.waves.unwrap().optional(),
    regionsTogether: z13.boolean().optional(),
    concurrency: policyShape.concurrency.unwrap().optional(),
    bakeMinutes: policyShape.bakeMinutes.unwrap().optional(),
    approveAfterCanary: z13.boolean().optional(),
    failureBudget: policyShape.failureBudget.unwrap().optional(),
    /** Go on although a freeze window is open. Recorded with who asked for it. */
    ignoreFreeze: z13.boolean().optional()
  })
);
var rolloutStatuses = [
  "waiting",
  "running",
  "paused",
  "awaiting-approval",
  "frozen",
  "rolling-back",
  "completed",
  "rolled-back",
  "aborted",
  "superseded",
  "refused",
  "failed"
];
var endedStatuses = [
  "completed",
  "rolled-back",
  "aborted",
  "superseded",
  "refused",
  "failed"
];
var heldStatuses = ["paused", "awaiting-approval", "frozen"];
var laneSchema = z13.strictObject({
  account: z13.string(),
  region: z13.string(),
  first: z13.int().nonnegative(),
  last: z13.int().nonnegative()
});
var waveSchema = z13.lazy(
  () => z13.strictObject({
    /** `canary`, or the region and the share: `eu-west-1 50%`. */
    name: z13.string(),
    canary: z13.boolean().default(false),
    /** The canaries of the rollout's own choice; the others of the wave asked for it by their tags. */
    chosenOrdinals: z13.array(z13.int().nonnegative()).optional(),
    /** Ordinals of a wave's services are contiguous, those of a lane too. */
    lanes: z13.array(laneSchema),
    state: z13.enum(["waiting", "rolling", "baking", "done", "rolling-back", "rolled-back"]).default("waiting"),
    startedAt: z13.iso.datetime().optional(),
    finishedAt: z13.iso.datetime().optional()
  })
);
var rolloutIdSchema = z13.string().regex(/^[a-z][a-z0-9-]{2,59}$/, "a rollout's id");
var rolloutSchema = z13.lazy(
  () => z13.strictObject({
    shape: z13.literal(1),
    id: rolloutIdSchema,
    /** Rises with every write. */
    version: z13.int().nonnegative(),
    kind: z13.enum(rolloutKinds),
    scope: scopeSchema,
    /** The change that asked for it, or the operator's words. */
    why: z13.string().max(500),
    requestedBy: z13.string().max(200),
    requestedAt: z13.iso.datetime(),
    overrides: overridesSchema.default({}),
    /** Somebody's tasks are cut off: the policy's emergency pace holds, where there is one. */
    emergency: z13.boolean().default(false),
    /** The rollout of the same emergency that came first: this one is quiet, people are reminded once a day. */
    repeats: rolloutIdSchema.optional(),
    /** What it gives to services. `factsId`: the mesh facts' generation of the control plane. */
    target: z13.strictObject({
      image: imageSchema.optional(),
      controlPlane: z13.string().optional(),
      factsId: z13.string().optional(),
      settings: z13.string().optional()
    }),
    /** What had been released before: a completed rollout can be rolled back to it. */
    before: z13.strictObject({ image: imageSchema.optional(), factsId: z13.string().optional(), settings: z13.string().optional() }).default({}),
    status: z13.enum(rolloutStatuses),
    /** Why it is refused, held, rolled back or failed. */
    reason: z13.strictObject({ code: z13.string(), detail: z13.string() }).optional(),
    /** An operator's request that the next step has not acted on yet. */
    control: z13.strictObject({ action: z13.enum(["pause", "abort", "rollback"]), by: z13.string(), at: z13.iso.datetime() }).optional(),
    /** When the wish that started it moved on: a newer rollout goes on where it stops. `reason` says why. */
    supersededAt: z13.iso.datetime().optional(),
    /** Its turn went to a more urgent one while it was on hold: it starts nothing until its turn comes again. */
    parked: z13.boolean().optional(),
    /** It took over the services of a rollout that stopped so: not all of them had what was released before. */
    takesOver: z13.boolean().optional(),
    approved: z13.strictObject({ by: z13.string(), at: z13.iso.datetime() }).optional(),
    /** Operator's words on what they did, the oldest first. */
    journal: z13.array(z13.strictObject({ at: z13.iso.datetime(), by: z13.string(), did: z13.string() })).default([]),
    waves: z13.array(waveSchema).default([]),
    /** The wave that is next or under way. */
    nextWaveIndex: z13.int().nonnegative().default(0),
    serviceCount: z13.int().nonnegative().default(0),
    /** Ordinals of services that failed, and of those that could not be rolled back. */
    failedOrdinals: z13.array(z13.int().nonnegative()).default([]),
    stuckOrdinals: z13.array(z13.int().nonnegative()).default([]),
    /** Since when it is on hold, and when people were reminded of that last. */
    heldSince: z13.iso.datetime().optional(),
    remindedAt: z13.iso.datetime().optional(),
    /** When a hold ends by itself, epoch milliseconds. */
    holdUntilMs: z13.int().nonnegative().optional(),
    /** Step Functions' token of the hold. Never shown. */
    holdToken: z13.string().optional(),
    /** Tokens of other tries to hold: any of them may be the one that is waited for. */
    otherHoldTokens: z13.array(z13.string()).optional(),
    /** Name of the RollFleet execution that carries it, and how many there were. */
    executionName: z13.string().optional(),
    executionCount: z13.int().nonnegative().default(0),
    /** How often its first step was tried. The last try alone writes its services and its waves. */
    startTryCount: z13.int().nonnegative().default(0),
    startedAt: z13.iso.datetime().optional(),
    finishedAt: z13.iso.datetime().optional(),
    /** Its one Slack message; `claimedUntilMs` while a function is posting it. */
    slack: z13.strictObject({
      channel: z13.string().optional(),
      ts: z13.string().optional(),
      claimedUntilMs: z13.int().nonnegative().optional(),
      /** The status that the message shows, and a hash of its content: equal content is not sent again. */
      shown: z13.string().optional(),
      /** Events that its thread has already: a duplicate event is posted once. */
      notified: z13.array(z13.string()).optional()
    }).optional(),
    /** When DynamoDB may delete it, epoch seconds: the table's attribute for the time to live. */
    expiresAt: z13.int().positive()
  })
);
var rolloutServiceStatuses = [
  "waiting",
  "rolling",
  "succeeded",
  "unverified",
  "skipped",
  "superseded",
  "refused",
  "reverted",
  "failed",
  "revert-failed",
  "rolling-back",
  "rolled-back",
  "left",
  "stuck"
];
var failedStatuses = ["reverted", "failed", "revert-failed"];
var assignedImageSchema = z13.strictObject({ image: imageSchema, assignedAtMs: z13.int().nonnegative() });
var rolloutServiceSchema = z13.lazy(
  () => z13.strictObject({
    shape: z13.literal(1),
    rolloutId: rolloutIdSchema,
    /** Its place in the rollout: services of a wave, and in it of a lane, are neighbors. */
    ordinal: z13.int().nonnegative(),
    serviceArn: z13.string().min(1),
    waveIndex: z13.int().nonnegative(),
    /** The try of the rollout's first step that has written it. */
    startTry: z13.int().nonnegative().default(0),
    status: z13.enum(rolloutServiceStatuses).default("waiting"),
    /** CloudWatch alarms that its tag names. */
    alarms: z13.array(z13.string()).optional(),
    /** Why it did not run well before the rollout, in words: its failure does not count. */
    unfit: z13.string().optional(),
    /** Its own tag names its image: a roll that fails by that is its owner's. */
    ownImage: z13.boolean().optional(),
    /** The RollService execution that rolls it, or rolls it back. */
    executionName: z13.string().optional(),
    /** How often a roll was started for it. */
    tryCount: z13.int().nonnegative().default(0),
    /** The pinned revision that a rollback returns it to, and the revision that it was given. */
    fromRevisionArn: z13.string().optional(),
    toRevisionArn: z13.string().optional(),
    /** The image that it had been given by an earlier rollout; null: none. */
    imageBefore: assignedImageSchema.nullable().optional(),
    /** A failure's code or a refusal's reason, and its words. */
    reason: z13.string().optional(),
    detail: z13.string().optional(),
    startedAt: z13.iso.datetime().optional(),
    finishedAt: z13.iso.datetime().optional(),
    durationSeconds: z13.number().nonnegative().optional(),
    expiresAt: z13.int().positive()
  })
);
var fleetSightingSchema = z13.strictObject({
  value: z13.string(),
  /** It and the one before it, for people. */
  shown: z13.string(),
  shownBefore: z13.string().optional(),
  /** The changes of the last hour, epoch milliseconds. */
  changedAtMs: z13.array(z13.int().nonnegative()),
  /** Two writers change it in turns: nothing is rolled out until they rest. */
  contestedSince: z13.iso.datetime().optional()
});
var fleetStateSchema = z13.strictObject({
  shape: z13.literal(1),
  /** Rises with every write. */
  version: z13.int().nonnegative(),
  /** The image that a service gets which no rollout has given one since. Absent until first seen. */
  image: assignedImageSchema.optional(),
  /** Hash of the sidecar settings that every service should have by now. */
  settings: z13.string().optional(),
  /** What a rollout was asked for already, so that the same change starts no second one. */
  requestedFor: z13.strictObject({
    image: z13.string().optional(),
    settings: z13.string().optional(),
    /** The parameter that a value was read from: that it is gone does not mean that its value is not wanted. */
    imageParameter: z13.string().optional(),
    /** Generation of the mesh facts by control plane. */
    factsIds: z13.record(z13.string(), z13.string()).default({}),
    /** How many changes were seen. Part of the next rollout's id, since a value may return. */
    changeCount: z13.int().nonnegative().default(0)
  }).default({ factsIds: {}, changeCount: 0 }),
  /** What the fleet should have, as it was seen last: by `image`, `settings` or `facts` and a control plane. */
  sightings: z13.record(z13.string(), fleetSightingSchema).optional(),
  /** The rollout that unenrolled the whole fleet: no tag enrolls until it is rolled back. */
  unenrolledBy: z13.strictObject({ rolloutId: rolloutIdSchema, at: z13.iso.datetime() }).optional(),
  /** The one rollout that is under way, and those behind it, the next one first. */
  currentRolloutId: rolloutIdSchema.optional(),
  queuedRolloutIds: z13.array(rolloutIdSchema).default([]),
  /** Rollouts that a function is about to queue. After a crash, the next caller that advances the queue queues them. */
  announcedRolloutIds: z13.array(rolloutIdSchema).default([])
});
var newFleetState = {
  shape: 1,
  version: 0,
  requestedFor: { factsIds: {}, changeCount: 0 },
  queuedRolloutIds: [],
  announcedRolloutIds: []
};

// shared/model/service-state.ts
import * as z14 from "zod";
var rollOutcomes = [
  "succeeded",
  "unverified",
  "reverted",
  "superseded",
  "revert-failed",
  "failed",
  "refused"
];
var signalSchema = z14.strictObject({
  deploymentId: z14.string().min(1),
  eventName: z14.enum([deploymentEventNames.completed, deploymentEventNames.failed]),
  reason: z14.string()
});
var rollSchema = z14.strictObject({
  executionName: z14.string().min(1),
  /** Lease's end, epoch milliseconds. */
  leaseUntil: z14.int().nonnegative(),
  /** Set before the first call that changes something, so that a retry checks the effects of the earlier attempt. */
  applyStartedAt: z14.iso.datetime().optional(),
  /** The deployment that is waited for, and its revision. */
  deploymentId: z14.string().optional(),
  targetRevisionArn: z14.string().optional(),
  /** The revision that a failed roll reverts to. A deployment of it during the roll is ECS's own rollback. */
  revisionBeforeArn: z14.string().optional(),
  /** The revision that a failed roll returns to: the pinned one, its copy, or a next choice. Set before it is tried. */
  revertRevisionArn: z14.string().optional(),
  /** The secret version that it pins, if it pins one. */
  revertSecret: z14.string().optional(),
  /** Which of the choices it is. */
  revertChoice: z14.string().optional(),
  /** The choices whose deployments failed, too. */
  failedChoices: z14.array(z14.string()).optional(),
  /** The tags that this roll has put on the service, and the service's `propagateTags` before it. */
  addedTagKeys: z14.array(z14.string()).optional(),
  propagateTagsBefore: z14.string().optional(),
  taskToken: z14.string().optional(),
  signal: signalSchema.optional()
});
var heldSchema = z14.strictObject({
  namespace: z14.string(),
  serviceAccount: z14.string(),
  /** The role that the service account is bound to. */
  roleArn: z14.string(),
  /** The secret of its token, and the role that reads it. */
  secretName: z14.string(),
  executionRoleArn: z14.string()
});
var stopsSchema = z14.strictObject({
  revisionArn: z14.string(),
  count: z14.int().positive(),
  sinceMs: z14.int().nonnegative(),
  lastMs: z14.int().nonnegative(),
  /** Why the last one died. */
  code: z14.string(),
  sentence: z14.string(),
  /** The tasks that were counted last, so that none counts twice. */
  taskIds: z14.array(z14.string())
});
var sharedFamilySchema = z14.strictObject({
  family: z14.string(),
  /** Some of the other services whose current revision is of the family, as `cluster/service`. */
  services: z14.array(z14.string()).default([]),
  /** A revision that somebody else has registered after the one that the service ran. */
  newer: z14.string().optional()
});
var registeredSchema = z14.strictObject({ contentHash: z14.string(), taskDefinitionArn: z14.string() });
var correctionsSchema = z14.strictObject({
  /** What was deployed, as a hash. */
  content: z14.string(),
  /** Epoch milliseconds, those of an hour. */
  atMs: z14.array(z14.int().nonnegative()),
  /** Another controller puts the content back: how many waits there were, and the end of the last one. */
  waits: z14.int().nonnegative(),
  untilMs: z14.int().nonnegative().optional()
});
var serviceStateSchema = z14.strictObject({
  shape: z14.literal(1),
  serviceArn: z14.string().min(1),
  /** When ECS created the service, epoch milliseconds: one of the same name that is created later is another one. */
  createdAtMs: z14.int().nonnegative().optional(),
  /** True once the autopilot has put (or found) its sidecar; false after unenrolling. */
  enrolled: z14.boolean().default(false),
  /** Number of the next roll: rises when one ends. Part of the execution's name. */
  attemptNumber: z14.int().nonnegative().default(0),
  /** What the failed rolls tried: observed revision and desired content, hashed. */
  failedAttemptKey: z14.string().optional(),
  consecutiveFailures: z14.int().nonnegative().default(0),
  /** The same situation is not tried again before this time, epoch milliseconds. */
  notBefore: z14.int().nonnegative().optional(),
  roll: rollSchema.optional(),
  lastGoodRevisionArn: z14.string().optional(),
  /** The secret version that it pins. Absent where it pins none, or where that was not recorded. */
  lastGoodSecret: z14.string().optional(),
  /** The image of the sidecar that the last good revision in the mesh has. Absent where that was not recorded. */
  lastGoodImage: z14.string().optional(),
  /**
   * A revision that was deployed while the service ran no task, and the revision to return to if its first tasks fail.
   * They are verified once there are any.
   */
  unverified: z14.strictObject({
    revisionArn: z14.string(),
    pinnedRevisionArn: z14.string(),
    pinnedSecret: z14.string().nullable(),
    /** The content that its roll brought, as a hash. Absent where an earlier version deployed it. */
    content: z14.string().optional()
  }).optional(),
  /** Secret versions that the running and the last good revision pin: `secret-arn:::version-id`. */
  secretsInUse: z14.array(z14.string()).default([]),
  /**
   * What its revisions hold outside of their task definitions, the latest last. It is recorded before it is given.
   * Absent where an earlier version enrolled the service and no sweep has seen it since.
   */
  held: z14.array(heldSchema).optional(),
  lastOutcome: z14.strictObject({
    outcome: z14.enum(rollOutcomes),
    reason: z14.string(),
    executionName: z14.string(),
    at: z14.iso.datetime()
  }).optional(),
  /** Its last change could not be reverted: since when, and why. What ends without a change leaves it so. */
  stranded: z14.strictObject({ since: z14.iso.datetime(), reason: z14.string() }).optional(),
  /** The refusals that were notified last, so that each is notified once. */
  notifiedRefusals: z14.string().optional(),
  notifiedWarnings: z14.string().optional(),
  /** The series of deaths, or the day without anybody's action, that was notified last. */
  notifiedUnhealthy: z14.string().optional(),
  /** The content that another controller puts back, which was notified last. */
  notifiedContested: z14.string().optional(),
  corrections: correctionsSchema.optional(),
  stops: stopsSchema.optional(),
  /** The rollout that has given it its revision: tasks that die are that rollout's failures while it runs. */
  rolledBy: z14.strictObject({ id: z14.string(), ordinal: z14.int().nonnegative() }).optional(),
  /** What somebody is about to notify people of: nobody else does the same until then, epoch milliseconds. */
  notice: z14.strictObject({ member: z14.string(), text: z14.string(), by: z14.string().optional(), untilMs: z14.int().nonnegative() }).optional(),
  /** Something asked for a reconcile while a roll held the lease: the end of the roll leads to one. */
  recheckRequested: z14.literal(true).optional(),
  /** Tags that istiod reads and that the autopilot has added: unenrolling takes them away. */
  addedTagKeys: z14.array(z14.string()).default([]),
  /** The service's `propagateTags` before its enrollment has set it: unenrolling gives it back. */
  propagateTagsBefore: z14.string().optional(),
  /** Its tasks were read and carry the tags of this `taskTagsMark`. */
  taskTags: z14.string().optional(),
  /** What the last deployment for the tasks' tags was to bring (`taskTagsKey`), until tasks are read that carry it. */
  taskTagsTried: z14.string().optional(),
  /** When a sweep last found that somebody had changed the tags of running tasks themselves, epoch milliseconds. */
  taskTagsChangedMs: z14.int().nonnegative().optional(),
  /** As sweeps have found it. Absent where nobody else uses the family. */
  sharedFamily: sharedFamilySchema.optional(),
  /** The value of the ports tag that the autopilot has added: another one is somebody else's. */
  givenPorts: z14.string().optional(),
  /** The image that a rollout has given it. Counts until the whole fleet is given one later. */
  image: assignedImageSchema.optional(),
  /** A revision that was registered for a content: registering it again is not needed. */
  registered: registeredSchema.optional(),
  /** The one before it, for tags that alternate. */
  registeredBefore: registeredSchema.optional(),
  /** When rolls were started for other wishes, within an hour: epoch milliseconds, the oldest first. */
  wishRolls: z14.array(z14.int().nonnegative()).optional()
});
function holdsLease(state, nowMs) {
  return state?.roll !== void 0 && state.roll.leaseUntil > nowMs;
}

// shared/gateways/ledger/ledger-items.ts
var STATE = "STATE";
var META = "META";
var SERVICE_PREFIX = "SERVICE#";
var ROLLOUT_PREFIX = "ROLLOUT#";
var CLAIM_PREFIX = "CLAIM#";
function serviceKey(serviceArn) {
  return { pk: `${SERVICE_PREFIX}${serviceArn}`, sk: STATE };
}
function meshKey(controlPlane3) {
  return { pk: `MESH#${controlPlane3}`, sk: "FACTS" };
}
function claimKey(subject) {
  return { pk: `${CLAIM_PREFIX}${subject}`, sk: STATE };
}
var fleetKey = { pk: "FLEET", sk: STATE };
var channelKey = { pk: "CHANNEL", sk: STATE };
function rolloutKey(id) {
  return { pk: `${ROLLOUT_PREFIX}${id}`, sk: META };
}
function rolloutServiceKey(rolloutId, ordinal) {
  return { pk: `${ROLLOUT_PREFIX}${rolloutId}`, sk: `${SERVICE_PREFIX}${String(ordinal).padStart(6, "0")}` };
}
var MAX_ORDINAL = 999999;
function paceKey(lane) {
  return { pk: `PACE#${lane}`, sk: STATE };
}
function readService(item) {
  return readLasting(serviceStateSchema, item);
}
function readMesh(item) {
  return readLasting(meshStateSchema, item);
}
function readClaim(item) {
  return readLasting(claimSchema, item);
}
function readFleet(item) {
  return readLasting(fleetStateSchema, item);
}
function readChannel(item) {
  return readLasting(channelSchema, item);
}
function readRollout(item) {
  return read(rolloutSchema, item);
}
function readRolloutService(item) {
  return read(rolloutServiceSchema, item);
}
var paceStateSchema = z15.strictObject({ tatMs: z15.number() });
function readPace(item) {
  return readLasting(paceStateSchema, item);
}
function storedCopy(item) {
  const copy = JSON.parse(JSON.stringify(item));
  return copy;
}
function unlessUnreadable(read2) {
  try {
    return read2();
  } catch (error) {
    if (error instanceof AutopilotError && error.code === "ledger-item-unreadable") return void 0;
    throw error;
  }
}
var keySchema = z15.object({ pk: z15.string().default("?"), sk: z15.string().default("?") });
function readLasting(schema, item) {
  const { expiresAt: _, ...lasting } = item;
  return read(schema, lasting);
}
function read(schema, item) {
  const { pk, sk, ...content } = item;
  const parsed4 = schema.safeParse(content);
  if (parsed4.success) return parsed4.data;
  const key = keySchema.safeParse({ pk, sk }).data;
  const wrong = parsed4.error.issues.map(({ path, message }) => `${path.join(".") || "item"}: ${message}`).join("; ");
  throw new AutopilotError("ledger-item-unreadable", `${key?.pk} / ${key?.sk}: ${wrong}`, { cause: parsed4.error });
}

// shared/gateways/ledger/ledger-change.ts
function attemptOf({ key, before, read: read2 }, change2) {
  const { next: next2, result } = change2(structuredClone(before));
  if (!next2) return { answer: { stored: before, result } };
  const stored = read2(storedCopy({ ...key, ...next2, version: (before?.version ?? 0) + 1 }));
  return { write: stored, answer: { stored, result } };
}

// shared/gateways/ledger/ledger-table.ts
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import {
  DynamoDBDocumentClient,
  GetCommand,
  PutCommand,
  QueryCommand,
  ScanCommand,
  UpdateCommand
} from "@aws-sdk/lib-dynamodb";
var MAX_TRIES = 20;
var WRITES_AT_ONCE = 50;
function ledgerTable(clients, options) {
  const { tableName: TableName } = options;
  const documents = DynamoDBDocumentClient.from(clients(DynamoDBClient), {
    marshallOptions: { removeUndefinedValues: true }
  });
  async function get(key) {
    return call(`GetItem ${key.pk}`, async () => {
      const { Item } = await documents.send(new GetCommand({ TableName, Key: key, ConsistentRead: true }));
      return Item;
    });
  }
  async function put2(item, condition) {
    return call(`PutItem ${item.pk}`, async () => {
      const put3 = documents.send(new PutCommand({ TableName, Item: item, ...condition }));
      return await unlessFailed(put3) !== void 0;
    });
  }
  return {
    get,
    update: (key, update) => call(`UpdateItem ${key.pk}`, async () => {
      const updated = await unlessFailed(documents.send(new UpdateCommand({ TableName, Key: key, ...update })));
      return updated && (updated.Attributes ?? {});
    }),
    create: (item) => put2(item, { ConditionExpression: "attribute_not_exists(pk)" }),
    change: async (key, attempt) => {
      for (let tries = 0; tries < MAX_TRIES; tries += 1) {
        const item = await get(key);
        const { write: write4, answer } = attempt(item);
        if (!write4 || await put2({ ...key, ...write4 }, unchangedSince(item))) return answer;
      }
      throw new AutopilotError("throttled", `PutItem ${key.pk}: others wrote it first ${MAX_TRIES} times.`);
    },
    scan: (selection) => paged(
      (ExclusiveStartKey) => call(
        `Scan ${TableName}`,
        () => documents.send(new ScanCommand({ TableName, ConsistentRead: true, ...selection, ExclusiveStartKey }))
      )
    ),
    query: (selection) => paged(
      (ExclusiveStartKey) => call(
        `Query ${TableName}`,
        () => documents.send(new QueryCommand({ TableName, ConsistentRead: true, ...selection, ExclusiveStartKey }))
      )
    ),
    putAll: async (items, condition) => {
      for (const together of chunk(items, WRITES_AT_ONCE)) {
        await Promise.all(together.map((item) => put2(item, condition(item))));
      }
    }
  };
}
function unchangedSince(item) {
  const ExpressionAttributeNames = { "#version": "version" };
  return item && "version" in item ? {
    ConditionExpression: "#version = :version",
    ExpressionAttributeNames,
    ExpressionAttributeValues: { ":version": item.version }
  } : { ConditionExpression: "attribute_not_exists(#version)", ExpressionAttributeNames };
}
async function unlessFailed(answer) {
  try {
    return await answer;
  } catch (error) {
    if (isNamed(error, "ConditionalCheckFailedException")) return void 0;
    throw error;
  }
}
async function* paged(page) {
  let from;
  do {
    const { Items = [], LastEvaluatedKey } = await page(from);
    yield* Items;
    from = LastEvaluatedKey;
  } while (from);
}

// shared/gateways/ledger/ledger-update.ts
function updateExpression(changes, options) {
  const { condition, defaults } = options;
  const given = Object.entries(changes).filter(([, value]) => value !== void 0);
  const values = [...Object.entries(defaults), ...given.filter(([, value]) => value !== null)];
  const removals = given.filter(([, value]) => value === null).map(([path]) => placeholder(path));
  const sets = values.map(([path], index) => {
    const value = path in defaults ? `if_not_exists(${placeholder(path)}, :v${index})` : `:v${index}`;
    return `${placeholder(path)} = ${value}`;
  });
  const clauses = [
    sets.length > 0 ? `SET ${sets.join(", ")}` : "",
    removals.length > 0 ? `REMOVE ${removals.join(", ")}` : ""
  ];
  const expression = clauses.filter(Boolean).join(" ");
  return {
    UpdateExpression: expression,
    ...condition && { ConditionExpression: condition },
    ExpressionAttributeNames: namesIn(`${expression} ${condition ?? ""}`),
    ExpressionAttributeValues: Object.fromEntries(values.map(([, value], index) => [`:v${index}`, value]))
  };
}
function placeholder(path) {
  return path.split(".").map((part) => `#${part}`).join(".");
}
function namesIn(expression) {
  return Object.fromEntries([...expression.matchAll(/#(\w+)/g)].map(([name, attribute = ""]) => [name, attribute]));
}

// shared/gateways/aws/pace.ts
function costMs({ intervalMs, count: count2 = 1 }) {
  return count2 * Math.ceil(intervalMs);
}
function firstStartMs(tatMs, nowMs, pace) {
  const paidMs = tatMs - costMs(pace);
  return Math.max(nowMs, paidMs - (pace.burst - 1) * Math.ceil(pace.intervalMs));
}

// shared/gateways/ledger/rollouts-dynamodb.ts
function dynamoDbRollouts(table) {
  const newFleet = () => structuredClone(newFleetState);
  return {
    getFleet: async () => {
      const item = await table.get(fleetKey);
      return item ? readFleet(item) : newFleet();
    },
    changeFleet: (change2) => table.change(fleetKey, (item) => {
      const before = item ? readFleet(item) : newFleet();
      return attemptOf({ key: fleetKey, before, read: readFleet }, change2);
    }),
    createRollout: async (rollout3) => {
      const key = rolloutKey(rollout3.id);
      return table.create({ ...key, ...readRollout({ ...key, ...rollout3 }) });
    },
    getRollout: async (id) => {
      const item = await table.get(rolloutKey(id));
      return item && readRollout(item);
    },
    changeRollout: (id, change2) => {
      const key = rolloutKey(id);
      return table.change(
        key,
        (item) => item ? attemptOf({ key, before: readRollout(item), read: readRollout }, change2) : { answer: void 0 }
      );
    },
    listRollouts: async function* () {
      const items = table.scan({
        FilterExpression: "#sk = :meta AND begins_with(#pk, :rollout)",
        ExpressionAttributeNames: { "#pk": "pk", "#sk": "sk" },
        ExpressionAttributeValues: { ":meta": META, ":rollout": ROLLOUT_PREFIX }
      });
      for await (const item of items) yield readRollout(item);
    },
    putRolloutServices: async (services2) => {
      const items = services2.map((service) => {
        const key = rolloutServiceKey(service.rolloutId, service.ordinal);
        return { ...key, ...readRolloutService({ ...key, ...service }) };
      });
      await table.putAll(items, ({ startTry }) => ({
        ConditionExpression: "attribute_not_exists(startTry) OR startTry <= :try",
        ExpressionAttributeValues: { ":try": startTry }
      }));
    },
    getRolloutService: async (rolloutId, ordinal) => {
      const item = await table.get(rolloutServiceKey(rolloutId, ordinal));
      return item && readRolloutService(item);
    },
    patchRolloutService: async (rolloutId, ordinal, expected, patch) => {
      const key = rolloutServiceKey(rolloutId, ordinal);
      const given = Object.entries(patch).filter(([, value]) => value !== void 0);
      const item = await table.update(key, setIf(Object.entries(expected), given));
      if (item) return readRolloutService(item);
      if (!await table.get(key)) throw new AutopilotError("unknown-rollout", `${key.pk} / ${key.sk}`);
      return void 0;
    },
    listRolloutServices: async function* (rolloutId, { first, last } = { first: 0, last: MAX_ORDINAL }) {
      const from = rolloutServiceKey(rolloutId, first);
      const to = rolloutServiceKey(rolloutId, Math.min(last, MAX_ORDINAL));
      if (from.sk > to.sk) return;
      const items = table.query({
        KeyConditionExpression: "#pk = :pk AND #sk BETWEEN :from AND :to",
        ExpressionAttributeNames: { "#pk": "pk", "#sk": "sk" },
        ExpressionAttributeValues: { ":pk": from.pk, ":from": from.sk, ":to": to.sk }
      });
      for await (const item of items) yield readRolloutService(item);
    },
    reserveStart: async (lane, nowMs, pace) => {
      const key = paceKey(lane);
      for (let tries = 0; tries < MAX_TRIES; tries += 1) {
        const moved = await table.update(key, addToPace(nowMs, costMs(pace))) ?? await table.update(key, restartPace(nowMs, costMs(pace)));
        if (moved) return firstStartMs(readPace({ ...key, ...moved }).tatMs, nowMs, pace);
      }
      throw new AutopilotError("throttled", `UpdateItem ${key.pk}: others wrote it first ${MAX_TRIES} times.`);
    }
  };
}
function setIf(expected, given) {
  const set2 = given.map(([name, value], index) => ({ name, value, key: `n${index}` }));
  const known3 = expected.map(([name, value], index) => ({ name, value, key: `e${index}` }));
  const conditions = known3.map(
    ({ key, value }) => value === void 0 ? `attribute_not_exists(#${key})` : `#${key} = :${key}`
  );
  const values = [...set2, ...known3].filter(({ value }) => value !== void 0);
  return {
    UpdateExpression: `SET ${set2.map(({ key }) => `#${key} = :${key}`).join(", ")}`,
    ConditionExpression: ["attribute_exists(pk)", ...conditions].join(" AND "),
    ExpressionAttributeNames: Object.fromEntries([...set2, ...known3].map(({ key, name }) => [`#${key}`, name])),
    ExpressionAttributeValues: Object.fromEntries(values.map(({ key, value }) => [`:${key}`, value])),
    ReturnValues: "ALL_NEW"
  };
}
function addToPace(nowMs, cost) {
  return {
    UpdateExpression: "ADD tatMs :cost",
    ConditionExpression: "tatMs >= :now",
    ExpressionAttributeValues: { ":cost": cost, ":now": nowMs },
    ReturnValues: "UPDATED_NEW"
  };
}
function restartPace(nowMs, cost) {
  return {
    UpdateExpression: "SET tatMs = :tat",
    ConditionExpression: "attribute_not_exists(tatMs) OR tatMs < :now",
    ExpressionAttributeValues: { ":tat": nowMs + cost, ":now": nowMs },
    ReturnValues: "UPDATED_NEW"
  };
}

// shared/gateways/ledger/ledger-dynamodb.ts
var HELD_BY = { expression: "#roll.#executionName = :holder" };
function dynamoDbLedger(clients, options) {
  const table = ledgerTable(clients, options);
  return {
    ...dynamoDbServices(table),
    ...dynamoDbMeshes(table),
    ...dynamoDbClaims(table),
    ...dynamoDbRollouts(table),
    ...dynamoDbChannel(table)
  };
}
function dynamoDbServices(table) {
  async function update(serviceArn, changes, condition) {
    const expression = updateExpression(changes, {
      condition: condition?.expression,
      // An item of an older shape keeps it, so that reading it below fails by name.
      defaults: { shape: 1, serviceArn }
    });
    const item = await table.update(serviceKey(serviceArn), {
      ...expression,
      ExpressionAttributeValues: { ...expression.ExpressionAttributeValues, ...condition?.values },
      ReturnValues: "ALL_NEW"
    });
    return item && readService(item);
  }
  const heldBy2 = (executionName2) => ({ ...HELD_BY, values: { ":holder": executionName2 } });
  async function getService(serviceArn) {
    const item = await table.get(serviceKey(serviceArn));
    return item && readService(item);
  }
  return {
    getService,
    listServices: async function* () {
      const items = table.scan({
        FilterExpression: "#sk = :state AND begins_with(#pk, :service)",
        ExpressionAttributeNames: { "#pk": "pk", "#sk": "sk" },
        ExpressionAttributeValues: { ":state": STATE, ":service": SERVICE_PREFIX }
      });
      for await (const item of items) yield readService(item);
    },
    takeLease: async (serviceArn, { executionName: executionName2, leaseUntil }, nowMs) => {
      const free = {
        expression: "attribute_not_exists(#roll) OR (#roll.#leaseUntil <= :now AND #roll.#executionName <> :holder)",
        values: { ":now": nowMs, ":holder": executionName2 }
      };
      const taken = await update(serviceArn, { roll: { executionName: executionName2, leaseUntil } }, free);
      return taken ?? update(serviceArn, { "roll.leaseUntil": leaseUntil }, heldBy2(executionName2));
    },
    updateRoll: (serviceArn, executionName2, roll, service = {}) => {
      const rollChanges = Object.fromEntries(Object.entries(roll).map(([name, value]) => [`roll.${name}`, value]));
      return update(serviceArn, { ...service, ...rollChanges }, heldBy2(executionName2));
    },
    recordSignal: async (serviceArn, signal) => {
      const recorded2 = await update(
        serviceArn,
        { "roll.signal": signal },
        {
          expression: "attribute_exists(#roll) AND (attribute_not_exists(#roll.#deploymentId) OR #roll.#deploymentId = :awaited)",
          values: { ":awaited": signal.deploymentId }
        }
      );
      if (recorded2) return recorded2;
      const state = await getService(serviceArn);
      return state?.roll && state;
    },
    finishRoll: (serviceArn, executionName2, service) => update(serviceArn, { ...service, roll: null }, heldBy2(executionName2)),
    patchService: async (serviceArn, service) => {
      const patched2 = await update(serviceArn, service);
      if (!patched2) throw new Error("an unconditional update has no condition that could fail");
      return patched2;
    },
    forgetService: (serviceArn, createdAtMs, service) => update(
      serviceArn,
      service,
      createdAtMs === void 0 ? { expression: "attribute_not_exists(#createdAtMs)" } : { expression: "#createdAtMs = :read", values: { ":read": createdAtMs } }
    ),
    claimNotice: async (serviceArn, notice, nowMs) => {
      const { member, text: text3, by: by2 = "" } = notice;
      const isNew = `(attribute_not_exists(#${member}) OR #${member} <> :text)`;
      const isOther = "#notice.#member <> :member OR #notice.#text <> :text";
      const isFree = `attribute_not_exists(#notice) OR ${isOther} OR #notice.#by = :by OR #notice.#untilMs <= :now`;
      const values = { ":member": member, ":text": text3, ":by": by2, ":now": nowMs };
      const condition = { expression: `${isNew} AND (${isFree})`, values };
      return await update(serviceArn, { notice: { ...notice } }, condition) !== void 0;
    },
    countStops: async (serviceArn, before, next2) => {
      const unchanged = before ? {
        expression: "#stops.#count = :count AND #stops.#lastMs = :last",
        values: { ":count": before.count, ":last": before.lastMs }
      } : { expression: "attribute_not_exists(#stops)" };
      return await update(serviceArn, { stops: { ...next2 } }, unchanged) !== void 0;
    },
    raiseAttempt: async (serviceArn, from) => {
      const raised = await update(
        serviceArn,
        { attemptNumber: from + 1 },
        {
          expression: `#attemptNumber = :from${from === 0 ? " OR attribute_not_exists(#attemptNumber)" : ""}`,
          values: { ":from": from }
        }
      );
      return raised !== void 0;
    }
  };
}
function dynamoDbMeshes(table) {
  async function getMesh(controlPlane3) {
    const item = await table.get(meshKey(controlPlane3));
    return item && readMesh(item);
  }
  return {
    getMesh,
    changeMesh: (controlPlane3, change2) => {
      const key = meshKey(controlPlane3);
      return table.change(key, (item) => attemptOf({ key, before: item && readMesh(item), read: readMesh }, change2));
    },
    getMeshFacts: async (controlPlane3) => (await getMesh(controlPlane3))?.generations.at(-1)?.facts,
    putMeshFacts: async (facts) => {
      const key = meshKey(facts.controlPlane);
      await table.change(key, (item) => {
        const before = item && unlessUnreadable(() => readMesh(item));
        return attemptOf({ key, before, read: readMesh }, (mesh) => ({ next: withFacts(mesh, facts) }));
      });
    }
  };
}
function dynamoDbClaims(table) {
  return {
    getClaim: async (subject) => {
      const item = await table.get(claimKey(subject));
      return item && readClaim(item);
    },
    changeClaim: (subject, change2) => {
      const key = claimKey(subject);
      return table.change(key, (item) => attemptOf({ key, before: item && readClaim(item), read: readClaim }, change2));
    },
    listClaims: async function* () {
      const items = table.scan({
        FilterExpression: "#sk = :state AND begins_with(#pk, :claim)",
        ExpressionAttributeNames: { "#pk": "pk", "#sk": "sk" },
        ExpressionAttributeValues: { ":state": STATE, ":claim": CLAIM_PREFIX }
      });
      for await (const item of items) yield readClaim(item);
    }
  };
}
function dynamoDbChannel(table) {
  const readable2 = (item) => (item && unlessUnreadable(() => readChannel(item))) ?? structuredClone(newChannel);
  return {
    getChannel: async () => readable2(await table.get(channelKey)),
    changeChannel: (change2) => table.change(
      channelKey,
      (item) => attemptOf({ key: channelKey, before: readable2(item), read: readChannel }, change2)
    )
  };
}

// functions/context.ts
function connect(connections) {
  const { config, stage, now, pause, clients, ledger, busName, rollServiceArn, rollFleetArn } = connections;
  return {
    config,
    stage,
    now,
    pause,
    clients,
    ledger,
    bus: busGateway(clients.home, { busName }),
    executions: executionsGateway(clients.home, { stateMachineArn: rollServiceArn }),
    fleetExecutions: executionsGateway(clients.home, { stateMachineArn: rollFleetArn }),
    ecs: perPlace((place) => ecsGateway(clients.at(place), { now }))
  };
}
function perPlace(make) {
  const made = /* @__PURE__ */ new Map();
  return ({ account, region }) => {
    const key = `${account}/${region}`;
    const value = made.get(key) ?? make({ account, region });
    made.set(key, value);
    return value;
  };
}
var environmentSchema = z16.object({
  AUTOPILOT_STAGE: z16.string().min(1),
  AUTOPILOT_TABLE: z16.string().min(1),
  AUTOPILOT_BUS: z16.string().min(1),
  ROLL_SERVICE_ARN: z16.string().min(1),
  ROLL_FLEET_ARN: z16.string().min(1)
});
var known;
function environmentContext() {
  known ??= readEnvironment();
  return known;
}
function readEnvironment() {
  const parsed4 = environmentSchema.safeParse(process.env);
  if (!parsed4.success) throw new AutopilotError("invalid-environment", z16.prettifyError(parsed4.error));
  const { AUTOPILOT_STAGE, AUTOPILOT_TABLE, AUTOPILOT_BUS, ROLL_SERVICE_ARN, ROLL_FLEET_ARN } = parsed4.data;
  const config = parseDeployedConfig(autopilot_config_default, AUTOPILOT_STAGE);
  const clients = awsClients({ config });
  return connect({
    config,
    stage: AUTOPILOT_STAGE,
    now: Date.now,
    pause: (ms) => setTimeout(ms),
    clients,
    ledger: dynamoDbLedger(clients.home, { tableName: AUTOPILOT_TABLE }),
    busName: AUTOPILOT_BUS,
    rollServiceArn: ROLL_SERVICE_ARN,
    rollFleetArn: ROLL_FLEET_ARN
  });
}

// functions/alarms.ts
function placedAlarms({ clients }) {
  return (place) => alarmsGateway(clients.at(place));
}
function environmentAlarms() {
  return placedAlarms(environmentContext());
}

// shared/gateways/aws/secrets.ts
import {
  CreateSecretCommand,
  DeleteResourcePolicyCommand,
  DeleteSecretCommand,
  DescribeSecretCommand,
  GetResourcePolicyCommand,
  GetSecretValueCommand,
  ListSecretsCommand,
  PutResourcePolicyCommand,
  PutSecretValueCommand,
  RestoreSecretCommand,
  SecretsManagerClient,
  UpdateSecretVersionStageCommand
} from "@aws-sdk/client-secrets-manager";
import * as z17 from "zod";
var tagList = z17.array(z17.object({ Key: z17.string(), Value: z17.string().default("") })).default([]).transform((tags) => Object.fromEntries(tags.map(({ Key, Value }) => [Key, Value])));
var secretSchema = z17.object({
  ARN: z17.string(),
  Name: z17.string(),
  DeletedDate: z17.date().optional(),
  Tags: tagList,
  VersionIdsToStages: z17.record(z17.string(), z17.array(z17.string())).default({})
});
var listedSchema = secretSchema.omit({ VersionIdsToStages: true }).extend({ SecretVersionsToStages: z17.record(z17.string(), z17.array(z17.string())).default({}) });
function secretsGateway(clients) {
  const client = clients(SecretsManagerClient);
  const refused2 = (what, run) => call(what, run, "secret-unavailable");
  async function describeSecret(nameOrArn) {
    return refused2(`DescribeSecret ${nameOrArn}`, async () => {
      try {
        const secret = secretSchema.parse(await client.send(new DescribeSecretCommand({ SecretId: nameOrArn })));
        return describedSecret(secret, secret.VersionIdsToStages);
      } catch (error) {
        if (isNamed(error, "ResourceNotFoundException")) return void 0;
        throw error;
      }
    });
  }
  return {
    describeSecret,
    createSecret: async ({ name, description, value, versionId, tags }) => refused2(`CreateSecret ${name}`, async () => {
      try {
        const { ARN } = await client.send(
          new CreateSecretCommand({
            Name: name,
            Description: description,
            SecretString: value,
            ClientRequestToken: versionId,
            Tags: tagsOf(tags)
          })
        );
        return { arn: z17.string().parse(ARN), created: true };
      } catch (error) {
        if (!isNamed(error, "ResourceExistsException")) throw error;
        const existing = await describeSecret(name);
        if (!existing || existing.scheduledForDeletion) throw error;
        return { arn: existing.arn, created: false };
      }
    }),
    putSecretValue: async ({ secretArn, value, versionId, labels: labels2 }) => refused2(`PutSecretValue ${secretArn} ${versionId}`, async () => {
      const put2 = new PutSecretValueCommand({
        SecretId: secretArn,
        SecretString: value,
        ClientRequestToken: versionId,
        ...labels2.length > 0 && { VersionStages: [...labels2] }
      });
      try {
        return (await client.send(put2)).VersionStages ?? [];
      } catch (error) {
        if (!isNamed(error, "ResourceExistsException")) throw error;
        throw new AutopilotError("secret-version-foreign", `${secretArn} ${versionId}`, { cause: error });
      }
    }),
    getResourcePolicy: async (secretArn) => refused2(`GetResourcePolicy ${secretArn}`, async () => {
      const { ResourcePolicy } = await client.send(new GetResourcePolicyCommand({ SecretId: secretArn }));
      return ResourcePolicy;
    }),
    putResourcePolicy: async (secretArn, policy) => {
      await refused2(
        `PutResourcePolicy ${secretArn}`,
        () => client.send(
          new PutResourcePolicyCommand({ SecretId: secretArn, ResourcePolicy: policy, BlockPublicPolicy: true })
        )
      );
    },
    deleteResourcePolicy: async (secretArn) => {
      await refused2(
        `DeleteResourcePolicy ${secretArn}`,
        () => client.send(new DeleteResourcePolicyCommand({ SecretId: secretArn }))
      );
    },
    scheduleDeletion: async (secretArn, RecoveryWindowInDays) => {
      const found = await describeSecret(secretArn);
      if (!found || found.scheduledForDeletion) return;
      await refused2(
        `DeleteSecret ${secretArn}`,
        () => client.send(new DeleteSecretCommand({ SecretId: secretArn, RecoveryWindowInDays }))
      );
    },
    restoreSecret: async (secretArn) => {
      await refused2(`RestoreSecret ${secretArn}`, () => client.send(new RestoreSecretCommand({ SecretId: secretArn })));
    },
    moveLabel: async (secretArn, label, toVersionId, fromVersionId) => {
      await refused2(
        `UpdateSecretVersionStage ${secretArn} ${label}`,
        () => client.send(
          new UpdateSecretVersionStageCommand({
            SecretId: secretArn,
            VersionStage: label,
            MoveToVersionId: toVersionId,
            ...fromVersionId && { RemoveFromVersionId: fromVersionId }
          })
        )
      );
    },
    removeLabel: async (secretArn, label, fromVersionId) => {
      await refused2(
        `UpdateSecretVersionStage ${secretArn} ${label}`,
        () => client.send(
          new UpdateSecretVersionStageCommand({
            SecretId: secretArn,
            VersionStage: label,
            RemoveFromVersionId: fromVersionId
          })
        )
      );
    },
    listSecrets: (namePrefix) => listSecrets(client, namePrefix),
    getSecretValue: (nameOrArn, rejected) => {
      const value = async () => {
        const { SecretString } = await client.send(new GetSecretValueCommand({ SecretId: nameOrArn }));
        if (SecretString === void 0) throw new AutopilotError(rejected, `${nameOrArn} holds no text`);
        return SecretString;
      };
      return call(`GetSecretValue ${nameOrArn}`, value, rejected);
    }
  };
}
async function* listSecrets(client, namePrefix) {
  let token2;
  do {
    const { SecretList = [], NextToken } = await call(
      `ListSecrets ${namePrefix}`,
      () => client.send(
        new ListSecretsCommand({ Filters: [{ Key: "name", Values: [namePrefix] }], MaxResults: 100, NextToken: token2 })
      )
    );
    for (const item of SecretList) {
      const secret = await call(`ListSecrets ${namePrefix}`, async () => listedSchema.parse(item));
      if (secret.Name.startsWith(namePrefix)) yield describedSecret(secret, secret.SecretVersionsToStages);
    }
    token2 = NextToken;
  } while (token2);
}
function describedSecret({ ARN, Name, DeletedDate, Tags: tags }, versions) {
  return { arn: ARN, name: Name, versions, tags, scheduledForDeletion: DeletedDate !== void 0 };
}
function tagsOf(tags) {
  return Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
}

// shared/gateways/kubernetes/control-plane.ts
import * as z22 from "zod";

// shared/gateways/kubernetes/gateway-address.ts
import * as z18 from "zod";
var EXPOSES = "istio.io/expose-istiod";
var MODE = "istio.io/expose-istiod-mode";
var GUIDE = "istio-eastwest";
var address = z18.object({ hostname: z18.string().nullish(), ip: z18.string().nullish() });
var serviceSchema2 = z18.object({
  metadata: z18.object({
    name: z18.string().default(GUIDE),
    namespace: z18.string().default(GUIDE),
    creationTimestamp: z18.date().nullish(),
    labels: z18.record(z18.string(), z18.string()).default({})
  }),
  spec: z18.object({ externalIPs: z18.array(z18.string()).nullish() }).nullish(),
  status: z18.object({ loadBalancer: z18.object({ ingress: z18.array(address).nullish() }).nullish() }).nullish()
});
var listSchema = z18.object({ items: z18.array(z18.unknown()) });
async function readGateway(controlPlane3, asking) {
  const services2 = (await exposing(asking)).flatMap((item) => {
    const parsed4 = serviceSchema2.safeParse(item);
    return parsed4.success && parsed4.data.metadata.labels[EXPOSES] !== void 0 ? [parsed4.data] : [];
  });
  const usable2 = services2.filter((service) => urlOf(service) !== void 0);
  const open2 = usable2.filter(({ metadata }) => metadata.labels[MODE] !== "internal");
  const [taken, ...others] = (open2.length > 0 ? open2 : usable2).sort(byPrecedence);
  const istiodUrl = taken && urlOf(taken);
  if (istiodUrl === void 0)
    throw new AutopilotError("control-plane-incomplete", `${controlPlane3}: ${lacking(services2)}`);
  return { istiodUrl, others: others.map(nameOf) };
}
async function exposing({ find, need }) {
  try {
    const list2 = await find("Services", ({ core }) => core.listServiceForAllNamespaces({ labelSelector: EXPOSES }));
    return need(listSchema, list2, "Services").items;
  } catch (error) {
    if (!(error instanceof AutopilotError) || error.code !== "control-plane-refused") throw error;
    const guide = { namespace: GUIDE, name: GUIDE };
    const service = await find(`Service ${GUIDE}/${GUIDE}`, ({ core }) => core.readNamespacedService(guide));
    return service ? [service] : [];
  }
}
function urlOf(service) {
  const port = portOf(service);
  const [host] = hostsOf(service);
  if (port === void 0 || host === void 0) return void 0;
  return `https://${host.includes(":") ? `[${host}]` : host}:${port}`;
}
function portOf({ metadata }) {
  const text3 = metadata.labels[EXPOSES] ?? "";
  const port = /^\d{1,5}$/.test(text3) ? Number(text3) : 0;
  return port >= 1 && port <= 65535 ? port : void 0;
}
function hostsOf({ spec, status }) {
  const ingress = (status?.loadBalancer?.ingress ?? []).flatMap(({ hostname, ip }) => hostname || ip || []);
  return (ingress.length > 0 ? ingress : spec?.externalIPs ?? []).toSorted();
}
function byPrecedence(one, other) {
  const isGuide = (service) => Number(nameOf(service) === `${GUIDE}/${GUIDE}`);
  const createdMs = ({ metadata }) => metadata.creationTimestamp?.getTime() ?? 0;
  return isGuide(other) - isGuide(one) || createdMs(one) - createdMs(other) || nameOf(one).localeCompare(nameOf(other), "en");
}
function lacking(services2) {
  const [first] = services2;
  if (!first) return `no Service has the label ${EXPOSES}`;
  const what = portOf(first) === void 0 ? `a port from 1 to 65535 in its label ${EXPOSES}` : "an address";
  return `Service ${nameOf(first)} lacks ${what}`;
}
function nameOf({ metadata }) {
  return `${metadata.namespace}/${metadata.name}`;
}

// shared/gateways/kubernetes/identities.ts
import { PatchStrategy, setHeaderOptions } from "@kubernetes/client-node";
import * as z20 from "zod";

// shared/gateways/kubernetes/kubernetes-client.ts
import {
  ApiException,
  AppsV1Api,
  CoreV1Api,
  CustomObjectsApi,
  createConfiguration,
  HttpMethod,
  KubeConfig,
  RequestContext,
  ResponseContext,
  ServerConfiguration,
  wrapHttpLibrary
} from "@kubernetes/client-node";
import * as z19 from "zod";

// shared/base/redaction.ts
var REDACTED = "[redacted]";
var SECRET_PART_LENGTH = 8;
function redactor(secrets) {
  const forms = [...new Set(secrets.flatMap(formsOf))].filter((form) => form !== "");
  forms.sort((one, other) => other.length - one.length);
  return (text3) => forms.reduce((redacted, form) => redacted.replaceAll(form, REDACTED), text3);
}
function formsOf(secret) {
  const json2 = JSON.stringify(secret).slice(1, -1);
  return [secret, encodeURIComponent(secret), json2, json2.replaceAll("/", "\\/")];
}
function secretsOfUrl(url6) {
  const { pathname, search, searchParams } = new URL(url6);
  const path = `${pathname}${search}`;
  const paths = [path, pathname].flatMap((one) => [one, one.replace(/^\//, "")]).filter((one) => /\w/.test(one));
  const parts2 = [...pathname.split("/"), ...searchParams.values()].filter((one) => one.length >= SECRET_PART_LENGTH);
  return [url6, ...paths, ...parts2];
}

// shared/gateways/kubernetes/kubernetes-client.ts
async function kubernetesApis(connection2, options) {
  const redaction = tokenRedaction(connection2);
  const configuration = createConfiguration({
    // The client appends paths as they are; the API server redirects those that begin with two slashes.
    baseServer: new ServerConfiguration(connection2.server.replace(/\/+$/, ""), {}),
    authMethods: { default: await authentication(redaction.connection, options.httpApi === void 0) },
    promiseMiddleware: [
      {
        pre: async (request2) => {
          request2.setSignal(AbortSignal.timeout(options.deadlineMs));
          return request2;
        },
        post: redaction.redacted
      }
    ],
    ...options.httpApi && { httpApi: options.httpApi }
  });
  return {
    core: new CoreV1Api(configuration),
    apps: new AppsV1Api(configuration),
    custom: new CustomObjectsApi(configuration)
  };
}
function fetchHttpApi(fetch) {
  return wrapHttpLibrary({
    send: async (request2) => {
      const body = request2.getBody();
      const signal = request2.getSignal();
      const response = await fetch(request2.getUrl(), {
        method: request2.getHttpMethod(),
        headers: request2.getHeaders(),
        ...body !== void 0 && { body: String(body) },
        ...signal && { signal }
      });
      const text3 = await response.text();
      return new ResponseContext(response.status, Object.fromEntries(response.headers), bodyOf(text3));
    }
  });
}
var TOKENS_KEPT = 2;
function tokenRedaction(connection2) {
  const { user } = connection2;
  let given = [];
  const bearerToken = async () => {
    const token2 = "bearerToken" in user ? await user.bearerToken() : "";
    given = [token2, ...given.filter((one) => one !== token2)].slice(0, TOKENS_KEPT);
    return token2;
  };
  return {
    connection: "bearerToken" in user ? { ...connection2, user: { bearerToken } } : connection2,
    redacted: async (response) => {
      if (response.httpStatusCode < 400) return response;
      const redact = redactor(given);
      const headers = Object.entries(response.headers).map(([name, value]) => [name, redact(value)]);
      const text3 = redact(await response.body.text());
      return new ResponseContext(response.httpStatusCode, Object.fromEntries(headers), bodyOf(text3));
    }
  };
}
function bodyOf(text3) {
  return {
    text: async () => text3,
    binary: async () => Buffer.from(text3, "utf8"),
    stream: () => new Blob([text3]).stream()
  };
}
async function authentication(connection2, ownTransport) {
  const { user } = connection2;
  const dispatcher = ownTransport ? await tlsDispatcher(connection2) : void 0;
  return {
    getName: () => "control-plane",
    applySecurityAuthentication: async (request2) => {
      if (dispatcher) request2.setDispatcher(dispatcher);
      if ("bearerToken" in user) request2.setHeaderParam("Authorization", `Bearer ${await user.bearerToken()}`);
    }
  };
}
async function tlsDispatcher({ server, caData, user }) {
  const config = new KubeConfig();
  const certificate = "certData" in user ? { certData: user.certData, keyData: user.keyData } : {};
  config.loadFromClusterAndUser(
    { name: "control-plane", server, skipTLSVerify: false, ...caData && { caData } },
    { name: "ztunnel-autopilot", ...certificate }
  );
  const probe = new RequestContext(server, HttpMethod.GET);
  await config.applySecurityAuthentication(probe);
  return probe.getDispatcher();
}
var statusBody = z19.object({
  message: z19.string(),
  details: z19.object({ causes: z19.array(z19.object({ reason: z19.string().optional() })).default([]) }).optional()
});
function kubernetesStatus(error) {
  return error instanceof ApiException ? error.code : void 0;
}
function kubernetesFailure(error, what) {
  if (error instanceof AutopilotError) return error;
  const code2 = kubernetesCode(error);
  return new AutopilotError(code2, `${what}: ${messageOf(error)}`, { cause: error });
}
function kubernetesCode(error) {
  const status = kubernetesStatus(error);
  if (isPassing(error)) return "control-plane-busy";
  const refused2 = status !== void 0 && status >= 400 && status < 500 && status !== 408 && status !== 429;
  return refused2 ? "control-plane-refused" : "control-plane-unreachable";
}
function isStale(error) {
  return error instanceof ApiException && error.code === 409 && isPassing(error);
}
function isPassing(error) {
  if (!(error instanceof ApiException)) return false;
  const causes = statusOf(error.body)?.details?.causes.map(({ reason }) => reason) ?? [];
  switch (error.code) {
    case 403:
      return causes.includes("NamespaceTerminating");
    case 409:
      return !causes.includes("FieldManagerConflict");
    case 410:
      return true;
    default:
      return false;
  }
}
function messageOf(error) {
  if (error instanceof ApiException) return `HTTP ${error.code}: ${bodyMessage(error.body)}`;
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause instanceof Error ? `: ${error.cause.message}` : "";
  return `${error.name}: ${error.message}${cause}`;
}
function bodyMessage(body) {
  return statusOf(body)?.message ?? "no message";
}
function statusOf(body) {
  try {
    const parsed4 = typeof body === "string" ? JSON.parse(body) : body;
    return statusBody.safeParse(parsed4).data;
  } catch {
    return void 0;
  }
}

// shared/gateways/kubernetes/whole-list.ts
var LIST_ATTEMPTS = 3;
async function wholeList(read2) {
  for (let attempt = 1; ; attempt++) {
    try {
      return await read2();
    } catch (error) {
      if (!isExpiredList(error) || attempt === LIST_ATTEMPTS) throw error;
    }
  }
}
function isExpiredList(error) {
  return error instanceof AutopilotError && kubernetesStatus(error.cause) === 410;
}

// shared/gateways/kubernetes/identities.ts
var ISTIO = "istio-system";
var ROLE_ANNOTATION = "ecs.solo.io/role-arn";
var EKS_ROLE_ANNOTATION = "eks.amazonaws.com/role-arn";
var MODE_LABEL = "istio.io/dataplane-mode";
var AMBIENT = "ambient";
var FIELD_MANAGER = "ztunnel-autopilot";
var APPLY = setHeaderOptions("Content-Type", PatchStrategy.ServerSideApply);
var MERGE = setHeaderOptions("Content-Type", PatchStrategy.MergePatch);
var KEPT_NAMES = 1e3;
var PAGE2 = 500;
var MOST_TRIES = 4;
var texts = z20.record(z20.string(), z20.string()).nullish();
var versionedMetadata = z20.object({ name: z20.string(), resourceVersion: z20.string() });
var serviceAccountSchema = z20.object({
  kind: z20.literal("ServiceAccount"),
  metadata: versionedMetadata.extend({ annotations: texts })
});
var namespaceSchema = z20.object({
  kind: z20.literal("Namespace"),
  metadata: versionedMetadata.extend({ labels: texts })
});
var listSchema2 = z20.object({
  items: z20.array(z20.object({ metadata: z20.object({ name: z20.string(), annotations: texts }) })),
  metadata: z20.object({ _continue: z20.string().optional() }).default({})
});
function identityCalls(asking, options) {
  const { find, ask, need } = asking;
  const { name, eksRoleAnnotation = "conflict", labelNamespaces = false, now, keptMs } = options;
  const ensured = expiringCache({ size: KEPT_NAMES, ttlMs: keptMs, now });
  const bound = expiringCache({ size: KEPT_NAMES, ttlMs: keptMs, now });
  async function readNamespace(namespace) {
    const what = `Namespace ${namespace}`;
    const found = await find(what, ({ core }) => core.readNamespace({ name: namespace }));
    return found === void 0 ? void 0 : need(namespaceSchema, found, what).metadata;
  }
  async function readAccount(namespace, serviceAccount) {
    const what = accountName(namespace, serviceAccount);
    const found = await find(
      what,
      ({ core }) => core.readNamespacedServiceAccount({ namespace, name: serviceAccount })
    );
    return found === void 0 ? void 0 : need(serviceAccountSchema, found, what).metadata;
  }
  function bindingsOf(annotations) {
    const keys = eksRoleAnnotation === "ignore" ? [ROLE_ANNOTATION] : [ROLE_ANNOTATION, EKS_ROLE_ANNOTATION];
    return keys.flatMap((annotation) => {
      const roleArn2 = annotations?.[annotation] ?? "";
      return roleArn2.trim() === "" ? [] : [{ annotation, roleArn: roleArn2 }];
    });
  }
  function refuseOthers(what, bindings, roleArn2) {
    const other = bindings.find((binding) => !sameRole(binding.roleArn, roleArn2));
    if (!other) return;
    const detail = `${name}: ${what} is bound to ${other.roleArn} by ${other.annotation}, not to ${roleArn2}`;
    throw new AutopilotError("control-plane-refused", detail);
  }
  async function written(what, write4) {
    return ask(what, async (apis) => {
      try {
        await write4(apis);
        return true;
      } catch (error) {
        if (isStale(error)) return false;
        throw error;
      }
    });
  }
  async function createNamespace(namespace) {
    const metadata = { name: namespace, labels: { [MODE_LABEL]: AMBIENT } };
    const body = { apiVersion: "v1", kind: "Namespace", metadata };
    return written(`Namespace ${namespace}`, ({ core }) => core.createNamespace({ body, fieldManager: FIELD_MANAGER }));
  }
  async function labelNamespace(namespace, resourceVersion) {
    const labels2 = { [MODE_LABEL]: AMBIENT };
    const body = { apiVersion: "v1", kind: "Namespace", metadata: { name: namespace, resourceVersion, labels: labels2 } };
    return written(
      `Namespace ${namespace}`,
      ({ core }) => core.patchNamespace({ name: namespace, body, fieldManager: FIELD_MANAGER }, APPLY)
    );
  }
  async function createAccount({ namespace, serviceAccount, roleArn: roleArn2 }) {
    const metadata = { name: serviceAccount, namespace, annotations: { [ROLE_ANNOTATION]: roleArn2 } };
    const body = { apiVersion: "v1", kind: "ServiceAccount", metadata };
    return written(
      accountName(namespace, serviceAccount),
      ({ core }) => core.createNamespacedServiceAccount({ namespace, body, fieldManager: FIELD_MANAGER })
    );
  }
  async function bindAccount(identity, resourceVersion) {
    const { namespace, serviceAccount, roleArn: roleArn2 } = identity;
    const annotations = { [ROLE_ANNOTATION]: roleArn2 };
    const metadata = { name: serviceAccount, namespace, resourceVersion, annotations };
    const body = { apiVersion: "v1", kind: "ServiceAccount", metadata };
    const at = { namespace, name: serviceAccount, body, fieldManager: FIELD_MANAGER, force: true };
    return written(accountName(namespace, serviceAccount), ({ core }) => core.patchNamespacedServiceAccount(at, APPLY));
  }
  async function listBindings(namespace) {
    const what = `ServiceAccounts of ${namespace}`;
    const all2 = /* @__PURE__ */ new Map();
    let next2;
    do {
      const from = next2 === void 0 ? {} : { _continue: next2 };
      const page = await find(
        what,
        ({ core }) => core.listNamespacedServiceAccount({ namespace, limit: PAGE2, ...from })
      );
      if (page === void 0) return all2;
      const { items, metadata } = need(listSchema2, page, what);
      for (const one of items) all2.set(one.metadata.name, bindingsOf(one.metadata.annotations));
      next2 = metadata._continue || void 0;
    } while (next2);
    return all2;
  }
  return {
    readNamespace: async (namespace) => {
      if (namespace === ISTIO || ensured.get(namespace)) return "ambient";
      const metadata = await readNamespace(namespace);
      if (!metadata) return "absent";
      return metadata.labels?.[MODE_LABEL] === AMBIENT ? "ambient" : "not-ambient";
    },
    ensureNamespace: async (namespace) => {
      if (namespace === ISTIO || ensured.get(namespace)) return;
      for (let tries = 0; tries < MOST_TRIES; tries += 1) {
        const found = await readNamespace(namespace);
        const isAmbient = found?.labels?.[MODE_LABEL] === AMBIENT;
        if (found && (isAmbient || !labelNamespaces)) {
          if (isAmbient) ensured.set(namespace, true);
          return;
        }
        if (found) await labelNamespace(namespace, found.resourceVersion);
        else await createNamespace(namespace);
      }
      throw new AutopilotError("control-plane-busy", `${name}: Namespace ${namespace} changes again and again.`);
    },
    readBindings: async (namespace, serviceAccount) => {
      const what = accountName(namespace, serviceAccount);
      const known3 = bound.get(what);
      if (known3) return known3;
      const bindings = bindingsOf((await readAccount(namespace, serviceAccount))?.annotations);
      if (bindings.length > 0) bound.set(what, bindings);
      return bindings;
    },
    ensureServiceAccount: async (identity) => {
      const { namespace, serviceAccount, roleArn: roleArn2 } = identity;
      const what = accountName(namespace, serviceAccount);
      const known3 = bound.get(what);
      if (known3?.every((binding) => sameRole(binding.roleArn, roleArn2))) return;
      for (let tries = 0; tries < MOST_TRIES; tries += 1) {
        const found = await readAccount(namespace, serviceAccount);
        const bindings = bindingsOf(found?.annotations);
        refuseOthers(what, bindings, roleArn2);
        if (bindings.length > 0) {
          bound.set(what, bindings);
          return;
        }
        if (found) await bindAccount(identity, found.resourceVersion);
        else await createAccount(identity);
      }
      throw new AutopilotError("control-plane-busy", `${name}: ${what} loses its binding again and again.`);
    },
    unbind: async ({ namespace, serviceAccount, roleArn: roleArn2 }) => {
      const what = accountName(namespace, serviceAccount);
      for (let tries = 0; tries < MOST_TRIES; tries += 1) {
        const found = await readAccount(namespace, serviceAccount);
        const present2 = found?.annotations?.[ROLE_ANNOTATION] ?? "";
        if (!found || present2 === "" || !sameRole(present2, roleArn2)) return;
        const { resourceVersion } = found;
        const body = { metadata: { resourceVersion, annotations: { [ROLE_ANNOTATION]: null } } };
        const at = { namespace, name: serviceAccount, body, fieldManager: FIELD_MANAGER };
        await written(what, ({ core }) => core.patchNamespacedServiceAccount(at, MERGE));
      }
      throw new AutopilotError("control-plane-busy", `${name}: ${what} gets its binding again and again.`);
    },
    listBindings: (namespace) => wholeList(() => listBindings(namespace))
  };
}
function accountName(namespace, serviceAccount) {
  return `ServiceAccount ${namespace}/${serviceAccount}`;
}

// shared/gateways/kubernetes/workload-entries.ts
import * as z21 from "zod";
var SERVICE_LABEL = "ecs.solo.io/service";
var LABEL_VALUE = /^[A-Za-z0-9]([\w.-]{0,61}[A-Za-z0-9])?$/;
var PAGE3 = 500;
var texts2 = z21.record(z21.string(), z21.string()).nullish();
var entrySchema = z21.object({
  metadata: z21.object({ name: z21.string(), namespace: z21.string(), annotations: texts2, labels: texts2 }),
  spec: z21.object({ address: z21.string().nullish(), serviceAccount: z21.string().nullish(), labels: texts2 }).nullish()
});
var listSchema3 = z21.object({
  items: z21.array(z21.unknown()),
  metadata: z21.object({ continue: z21.string().optional() }).default({})
});
async function listWorkloadEntries({ namespace, serviceName: serviceName2 = "" }, asking) {
  const labelSelector = LABEL_VALUE.test(serviceName2) ? `${SERVICE_LABEL}=${serviceName2}` : void 0;
  return wholeList(() => listPages({ namespace, labelSelector }, asking));
}
async function listPages({ namespace, labelSelector }, { find, need }) {
  const what = namespace === void 0 ? "WorkloadEntries" : `WorkloadEntries of ${namespace}`;
  const resource = { group: "networking.istio.io", version: "v1", plural: "workloadentries" };
  const entries = [];
  let next2;
  do {
    const page = { limit: PAGE3, ...labelSelector && { labelSelector }, ...next2 && { _continue: next2 } };
    const answer = await find(
      what,
      ({ custom: custom3 }) => namespace === void 0 ? custom3.listCustomObjectForAllNamespaces({ ...resource, resourcePlural: resource.plural, ...page }) : custom3.listNamespacedCustomObject({ ...resource, namespace, ...page })
    );
    const { items, metadata } = need(listSchema3, answer, what);
    for (const item of items) entries.push(...readEntry(item));
    next2 = metadata.continue;
  } while (next2);
  return entries;
}
function readEntry(item) {
  const parsed4 = entrySchema.safeParse(item);
  if (!parsed4.success) return [];
  const { metadata, spec } = parsed4.data;
  return [
    {
      namespace: metadata.namespace,
      name: metadata.name,
      annotations: metadata.annotations ?? {},
      labels: { ...metadata.labels, ...spec?.labels },
      address: spec?.address || void 0,
      serviceAccount: spec?.serviceAccount || void 0
    }
  ];
}

// shared/gateways/kubernetes/control-plane.ts
var ISTIO2 = "istio-system";
var CONNECTION_KEPT_MS = 15 * 6e4;
function controlPlane(options) {
  const { name, now, deadlineMs = 1e4, keptMs = 0 } = options;
  const httpApi = options.fetch && fetchHttpApi(options.fetch);
  let facts;
  let connected;
  function connection2() {
    if (!connected || connected.until <= now()) {
      const apis = options.connect().then((cluster2) => kubernetesApis(cluster2, { deadlineMs, httpApi }));
      connected = { apis, until: now() + CONNECTION_KEPT_MS };
    }
    return connected.apis;
  }
  async function ask(what, run) {
    try {
      return await onConnection(run);
    } catch (error) {
      if (kubernetesStatus(error) !== 401) throw kubernetesFailure(error, `${name}: ${what}`);
    }
    try {
      return await onConnection(run);
    } catch (error) {
      throw kubernetesFailure(error, `${name}: ${what}`);
    }
  }
  async function onConnection(run) {
    const apis = connection2();
    try {
      return await run(await apis);
    } catch (error) {
      const isWrong = kubernetesStatus(error) === void 0 || kubernetesStatus(error) === 401;
      if (isWrong && connected?.apis === apis) connected = void 0;
      throw error;
    }
  }
  async function find(what, run) {
    return ask(what, async (apis) => {
      try {
        return await run(apis);
      } catch (error) {
        if (kubernetesStatus(error) === 404) return void 0;
        throw error;
      }
    });
  }
  function need(schema, object32, what) {
    const parsed4 = schema.safeParse(object32 ?? {});
    if (parsed4.success) return parsed4.data;
    const fields2 = parsed4.error.issues.map(({ path }) => path.join(".")).join(", ");
    const lacks = object32 === void 0 ? "does not exist" : `lacks ${fields2}`;
    throw new AutopilotError("control-plane-incomplete", `${name}: ${what} ${lacks}`, { cause: parsed4.error });
  }
  async function readFacts() {
    const readAt = new Date(now()).toISOString();
    const [bundle, network, gateway, istiodVersion] = await Promise.all([
      readRootCa(find, need),
      readNetwork(find, need),
      readGateway(name, { find, need }),
      readIstiodVersion(find)
    ]);
    return {
      controlPlane: name,
      istiodUrl: gateway.istiodUrl,
      rootCaPem: bundle,
      network,
      readAt,
      ...istiodVersion && { istiodVersion },
      ...gateway.others.length > 0 && { otherGateways: [...gateway.others] }
    };
  }
  return {
    ...identityCalls({ find, ask, need }, { ...options, keptMs }),
    readMeshFacts: async () => {
      if (!facts || facts.until <= now()) {
        const reading = { facts: readFacts(), until: now() + keptMs };
        facts = reading;
        reading.facts.catch(() => {
          if (facts === reading) facts = void 0;
        });
      }
      return facts.facts;
    },
    listWorkloadEntries: async (selection) => listWorkloadEntries(selection, { find, need })
  };
}
var text = z22.string().min(1);
var rootCaSchema = z22.object({ data: z22.object({ "root-cert.pem": text }) });
var namespaceSchema2 = z22.object({ metadata: z22.object({ labels: z22.object({ "topology.istio.io/network": text }) }) });
async function readRootCa(find, need) {
  const name = "istio-ca-root-cert";
  const what = `ConfigMap ${ISTIO2}/${name}`;
  const map = await find(what, ({ core }) => core.readNamespacedConfigMap({ namespace: ISTIO2, name }));
  return need(rootCaSchema, map, what).data["root-cert.pem"];
}
async function readNetwork(find, need) {
  const what = `Namespace ${ISTIO2}`;
  const namespace = await find(what, ({ core }) => core.readNamespace({ name: ISTIO2 }));
  return need(namespaceSchema2, namespace, what).metadata.labels["topology.istio.io/network"];
}
async function readIstiodVersion(find) {
  try {
    const deployment = await find(
      `Deployment ${ISTIO2}/istiod`,
      ({ apps }) => apps.readNamespacedDeployment({ namespace: ISTIO2, name: "istiod" })
    );
    const containers = deployment?.spec?.template.spec?.containers ?? [];
    const { image = "" } = containers.find(({ name }) => name === "discovery") ?? containers[0] ?? {};
    return /^[^@]*:(\w[\w.-]*)(?:@.*)?$/.exec(image)?.[1];
  } catch (error) {
    if (error instanceof AutopilotError && error.code === "control-plane-refused") return void 0;
    throw error;
  }
}

// shared/gateways/kubernetes/control-plane-connection.ts
import { DescribeClusterCommand, EKSClient } from "@aws-sdk/client-eks";
import * as z24 from "zod";

// shared/gateways/kubernetes/eks-token.ts
import { Sha256 } from "@smithy/core/checksum";
import { HttpRequest as HttpRequest2 } from "@smithy/core/protocols";
import { SignatureV4 } from "@smithy/signature-v4";
var KEPT_FOR_MS = 14 * 6e4;
var EXPIRES_IN_SECONDS = 60;
function eksToken(options) {
  let kept2;
  return async () => {
    const nowMs = options.now();
    if (!kept2 || kept2.until <= nowMs) {
      const credentials = options.credentials();
      const token2 = presign(options, () => credentials, new Date(nowMs));
      const entry2 = { token: token2, until: nowMs + KEPT_FOR_MS };
      kept2 = entry2;
      credentials.then(
        ({ expiration }) => {
          if (expiration !== void 0) entry2.until = Math.min(entry2.until, expiration.getTime());
        },
        () => void 0
        // the caller gets the error, by the token
      );
      token2.catch(() => {
        if (kept2 === entry2) kept2 = void 0;
      });
    }
    return kept2.token;
  };
}
async function presign({ cluster: cluster2, region }, credentials, signingDate) {
  const host = `sts.${region}.amazonaws.com${region.startsWith("cn-") ? ".cn" : ""}`;
  const signer = new SignatureV4({ service: "sts", region, credentials, sha256: Sha256 });
  const { query = {} } = await signer.presign(
    new HttpRequest2({
      method: "GET",
      protocol: "https:",
      hostname: host,
      path: "/",
      headers: { host, "x-k8s-aws-id": cluster2 },
      query: { Action: "GetCallerIdentity", Version: "2011-06-15" }
    }),
    { expiresIn: EXPIRES_IN_SECONDS, signingDate }
  );
  const parameters = Object.entries(query).map(
    ([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(String(value))}`
  );
  return `k8s-aws-v1.${Buffer.from(`https://${host}/?${parameters.join("&")}`).toString("base64url")}`;
}

// shared/gateways/kubernetes/kubeconfig.ts
import { KubeConfig as KubeConfig2 } from "@kubernetes/client-node";
import * as z23 from "zod";
var clusterSchema2 = z23.object({ server: z23.url({ protocol: /^https$/ }), caData: z23.string().optional() });
var tokenSchema = z23.object({
  token: z23.string().trim().regex(/^[\x21-\x7e]+$/)
});
var certificateSchema = z23.object({ certData: z23.string().min(1), keyData: z23.string().min(1) });
function parseKubeconfig(text3, secretName2) {
  const refuse5 = (why) => new AutopilotError("invalid-kubeconfig", `the kubeconfig in ${secretName2} ${why}`);
  const config = new KubeConfig2();
  try {
    config.loadFromString(text3);
  } catch {
    throw refuse5("is not a kubeconfig");
  }
  const cluster2 = clusterSchema2.safeParse(config.getCurrentCluster()).data;
  if (!cluster2) throw refuse5("has no current context with a cluster whose server is an https URL");
  const user = config.getCurrentUser();
  const token2 = tokenSchema.safeParse(user).data?.token;
  if (token2) return { ...cluster2, user: { bearerToken: async () => token2 } };
  const certificate = certificateSchema.safeParse(user).data;
  if (!certificate) throw refuse5("has neither a token nor client certificate data for its user");
  return { ...cluster2, user: certificate };
}

// shared/gateways/kubernetes/control-plane-connection.ts
var clusterSchema3 = z24.object({
  endpoint: z24.url(),
  certificateAuthority: z24.object({ data: z24.string().min(1) })
});
function eksConnection(options) {
  const { cluster: name } = options;
  const client = options.clients(EKSClient);
  return async () => {
    const described2 = await call(`DescribeCluster ${name}`, () => client.send(new DescribeClusterCommand({ name })));
    const parsed4 = clusterSchema3.safeParse(described2.cluster);
    if (!parsed4.success) {
      throw new AutopilotError("control-plane-unreachable", `the EKS cluster ${name} has no endpoint yet`, {
        cause: parsed4.error
      });
    }
    const { endpoint, certificateAuthority } = parsed4.data;
    const bearerToken = eksToken({ ...options, cluster: name });
    return { server: endpoint, caData: certificateAuthority.data, user: { bearerToken } };
  };
}
function kubeconfigConnection(options) {
  return async () => parseKubeconfig(await options.read(), options.secretName);
}

// functions/control-planes.ts
var ROLL_KEPT_MS = 1e4;
function controlPlanes(context, options = {}) {
  const made = /* @__PURE__ */ new Map();
  return (name) => {
    const known3 = made.get(name);
    if (known3) return known3;
    const plane = context.config.controlPlanes.find((one) => one.name === name);
    if (!plane) throw new AutopilotError("no-control-plane", name);
    const { eksRoleAnnotation, labelNamespaces } = context.config.policy;
    const connect2 = connection(plane, context);
    const gateway = controlPlane({ name, connect: connect2, now: context.now, eksRoleAnnotation, labelNamespaces, ...options });
    made.set(name, gateway);
    return gateway;
  };
}
function connection({ name, eks, kubeconfigSecret }, context) {
  const { clients, now } = context;
  if (eks) {
    const { cluster: cluster2, account, region } = eks;
    const credentials = clients.credentialsFor(account);
    return eksConnection({ clients: clients.at({ account, region }), cluster: cluster2, region, credentials, now });
  }
  if (!kubeconfigSecret) throw new AutopilotError("invalid-config", `The control plane ${name} has no cluster.`);
  const secrets = secretsGateway(clients.home);
  const read2 = () => secrets.getSecretValue(kubeconfigSecret, "invalid-kubeconfig");
  return kubeconfigConnection({ secretName: kubeconfigSecret, read: read2 });
}
function environmentControlPlanes(options = {}) {
  return controlPlanes(environmentContext(), options);
}

// functions/middleware.ts
import { injectLambdaContext } from "@aws-lambda-powertools/logger/middleware";
import middy from "@middy/core";

// functions/observability.ts
import { Logger } from "@aws-lambda-powertools/logger";
import { Metrics } from "@aws-lambda-powertools/metrics";

// shared/base/metrics.ts
var METRICS_NAMESPACE = "ZtunnelAutopilot";
var metrics = {
  /** Decisions of single reconciles: enroll, update, unenroll, none, refuse. */
  Decisions: { unit: "Count", dimensions: ["action"] },
  /** Refusals found by single reconciles. */
  Refusals: { unit: "Count", dimensions: ["reason"] },
  /** What the last sweep saw, by service: in the mesh, not as its tags ask for, and refused (by reason). */
  ServicesEnrolled: { unit: "Count", dimensions: [] },
  ServicesWithDrift: { unit: "Count", dimensions: [] },
  ServicesRefused: { unit: "Count", dimensions: ["reason"] },
  /** What a sweep did. `SweptServices` has a value for every completed sweep. */
  SweptServices: { unit: "Count", dimensions: [] },
  SweepStarted: { unit: "Count", dimensions: [] },
  SweepRefused: { unit: "Count", dimensions: [] },
  SweepFailed: { unit: "Count", dimensions: [] },
  SweepPostponed: { unit: "Count", dimensions: [] },
  /** Of the postponed services, those that leave the mesh: `policy.maxUnenrollPerSweep` limits them. */
  UnenrollsPostponed: { unit: "Count", dimensions: [] },
  /** Token secrets that running services pin and that somebody has deleted: their next tasks can't start. */
  TokenSecretsGone: { unit: "Count", dimensions: [] },
  Rolls: { unit: "Count", dimensions: ["outcome"] },
  RollDuration: { unit: "Seconds", dimensions: ["outcome"] },
  /** Rollouts that ended, by how. */
  Rollouts: { unit: "Count", dimensions: ["status"] },
  /** The current rollout: its completed share, and its services that failed or could not be rolled back. */
  RolloutDone: { unit: "Percent", dimensions: [] },
  RolloutFailed: { unit: "Count", dimensions: [] },
  RolloutStuck: { unit: "Count", dimensions: [] },
  /** How long a service of a rollout waits for its turn in AWS's quotas. */
  QuotaWait: { unit: "Seconds", dimensions: [] },
  ControlPlanesRead: { unit: "Count", dimensions: [] },
  RootCaChanges: { unit: "Count", dimensions: [] },
  /** Days until the first certificate of the root CA bundle expires; negative when it has expired. */
  RootCaDaysLeft: { unit: "None", dimensions: ["controlPlane"] },
  /** Steps that failed, including those that are tried again. AWS's throttling is the code `throttled`. */
  Failures: { unit: "Count", dimensions: ["code"] }
};

// functions/observability.ts
function createInstruments(functionName, deployment) {
  return {
    logger: new Logger({ serviceName: functionName }),
    metrics: new Metrics({ namespace: METRICS_NAMESPACE, serviceName: deployment })
  };
}
function toolsOf({ logger, metrics: emf }) {
  return {
    log: {
      info: (message, extra = {}) => logger.info(message, extra),
      warn: (message, extra = {}) => logger.warn(message, extra),
      error: (message, extra = {}) => logger.error(message, extra),
      appendKeys: (keys) => logger.appendKeys(keys)
    },
    measure: measureWith(emf)
  };
}
function measureWith(emf) {
  const record14 = (metric, value, dimensions) => {
    const own = Object.keys(dimensions).length > 0;
    if (own) {
      if (emf.hasStoredMetrics()) emf.publishStoredMetrics();
      emf.addDimensions({ ...dimensions });
    }
    emf.addMetric(metric, metrics[metric].unit, value);
    if (own) emf.publishStoredMetrics();
  };
  return { count: (metric, dimensions) => record14(metric, 1, dimensions), record: record14 };
}

// functions/middleware.ts
function instrument(instruments, step2) {
  const tools = toolsOf(instruments);
  const chain = middy().use(injectLambdaContext(instruments.logger, { resetKeys: true })).use(publishMetrics(instruments.metrics)).use(logFailure(tools)).handler((event) => step2(event, tools));
  return (event, context) => chain(event, context);
}
function logFailure({ log, measure }) {
  return {
    onError: (request2) => {
      const failure = asAutopilotError(request2.error);
      const { code: code2, message, retryable } = failure;
      measure.count("Failures", { code: code2 });
      log[retryable ? "warn" : "error"](message, { code: code2, retryable });
      request2.error = failure;
    }
  };
}
function publishMetrics(metrics2) {
  const publish = () => {
    if (metrics2.hasStoredMetrics()) metrics2.publishStoredMetrics();
  };
  return { after: publish, onError: publish };
}
var NO_DEPLOYMENT = "none";
function lambda(name, connect2) {
  let step2;
  return instrument(createInstruments(name, process.env.AUTOPILOT_BUS || NO_DEPLOYMENT), (event, tools) => {
    step2 ??= connect2();
    return step2(event, tools);
  });
}

// functions/notify-slack.ts
import * as z35 from "zod";

// shared/events/alarms.ts
import * as z25 from "zod";
var kindSchema = z25.object({
  source: z25.literal(eventSources.cloudWatch),
  "detail-type": z25.literal(awsDetailTypes.alarm)
});
var changeSchema = z25.object({
  account: z25.string().regex(/^\d{12}$/),
  region: z25.string().regex(/^[a-z0-9-]+$/),
  detail: z25.object({
    alarmName: z25.string().min(1),
    configuration: z25.object({ description: z25.string().default("") }).prefault({}),
    previousState: z25.object({ value: z25.string() }).optional(),
    state: z25.object({ value: z25.string(), reason: z25.string().default(""), timestamp: z25.string().optional() })
  })
}).transform(({ account, region, detail: { alarmName, configuration, state, previousState } }) => ({
  account,
  region,
  name: alarmName,
  /** What the alarm means, and where its runbook is. */
  description: configuration.description,
  state: state.value,
  previousState: previousState?.value,
  /** CloudWatch's own reason. */
  reason: state.reason
}));
function readAlarmChange(event) {
  if (!kindSchema.safeParse(event).success) return void 0;
  const parsed4 = changeSchema.safeParse(event);
  if (parsed4.success) return parsed4.data;
  throw new AutopilotError("malformed-event", `${awsDetailTypes.alarm}: ${z25.prettifyError(parsed4.error)}`);
}

// shared/events/outgoing.ts
import * as z32 from "zod";

// shared/events/emitted.ts
import * as z26 from "zod";
function eventSchema(detailType, detail) {
  return z26.object({ detailType: z26.literal(detailType), detail: z26.lazy(detail) });
}
function emitted(schema, detailType, detail) {
  const parsed4 = schema.safeParse({ detailType, detail });
  if (!parsed4.success) {
    const members2 = parsed4.error.issues.map(({ code: code2, path }) => `${path.join(".")} (${code2})`);
    throw new AutopilotError("unexpected-error", `${detailType} cannot be emitted: ${members2.join(", ")}`);
  }
  const members = Object.fromEntries(
    Object.entries(parsed4.data.detail).filter(([, value]) => value !== void 0)
  );
  if (!isJsonObject(members)) throw new AutopilotError("unexpected-error", `${detailType} has no detail.`);
  const { serviceArn } = members;
  return { detailType, detail: members, resources: typeof serviceArn === "string" ? [serviceArn] : [] };
}

// shared/events/mesh-details.ts
import * as z28 from "zod";

// shared/events/fields.ts
import * as z27 from "zod";
var MAX_TEXT = 1e3;
var text2 = z27.string().overwrite((value) => value.length > MAX_TEXT ? `${value.slice(0, MAX_TEXT - 1)}\u2026` : value);
function keyOf(set2) {
  return z27.custom((value) => typeof value === "string" && Object.hasOwn(set2, value), "a reason of the closed set");
}
var failureCode = keyOf(failures).catch("unexpected-error");
var version = z27.literal(1).default(1);
var count = z27.int().nonnegative();

// shared/events/mesh-details.ts
var meshGatewayAmbiguousDetail = () => z28.strictObject({ version, controlPlane: z28.string(), istiodUrl: z28.string(), others: z28.array(z28.string()).min(1) });
var meshShapeUnknownDetail = () => z28.strictObject({ version, controlPlane: z28.string(), mark: z28.string(), seen: text2 });
var meshIdentityWarnedDetail = () => z28.strictObject({
  version,
  controlPlane: z28.string(),
  code: z28.enum(sharedProblemNames),
  detail: text2,
  /** Some of the services. */
  services: z28.array(z28.string())
});
var fleetContestedDetail = () => z28.strictObject({
  version,
  of: z28.enum(["image", "settings", "mesh-facts"]),
  controlPlane: z28.string().optional(),
  /** Both values, the newest last. */
  values: z28.array(text2).min(1).max(2),
  /** Within an hour. */
  changes: count
});

// shared/events/rollout-details.ts
import * as z29 from "zod";
var rolloutFields = { version, rolloutId: z29.string(), kind: z29.enum(rolloutKinds) };
var countFields = {
  services: count,
  succeeded: count,
  /** Has it, and nothing has shown yet that it works. Left out where there is none. */
  unverified: count.optional(),
  failed: count,
  /** Already as desired, refused, or changed by somebody else meanwhile. */
  skipped: count
};
var rolloutStartedDetail = () => z29.strictObject({ ...rolloutFields, why: text2, requestedBy: text2, services: count, waves: count });
var rolloutRefusedDetail = () => z29.strictObject({
  version,
  rolloutId: z29.string(),
  kind: text2,
  requestedBy: text2,
  code: failureCode,
  detail: text2
});
var waveCompletedDetail = () => z29.strictObject({
  ...rolloutFields,
  wave: z29.string(),
  /** From 1. */
  number: z29.int().positive(),
  waves: z29.int().positive(),
  ...countFields
});
var rolloutPausedDetail = () => z29.strictObject({
  ...rolloutFields,
  hold: z29.enum(["operator", "approval", "freeze"]),
  detail: text2,
  nextWave: z29.string().optional(),
  until: z29.iso.datetime().optional()
});
var rolloutCompletedDetail = () => z29.strictObject({
  ...rolloutFields,
  outcome: z29.enum(["completed", "aborted", "superseded", "failed"]),
  code: failureCode.optional(),
  detail: text2,
  ...countFields,
  durationSeconds: z29.number().nonnegative()
});
var rolledBackDetail = () => z29.strictObject({
  ...rolloutFields,
  code: failureCode,
  detail: text2,
  rolledBack: count,
  /** Changed by somebody else since: left alone. */
  left: count,
  stuck: count,
  /** The first of those that could not be rolled back. */
  stuckServices: z29.array(z29.string()).max(20),
  durationSeconds: z29.number().nonnegative()
});

// shared/events/root-ca-details.ts
import * as z30 from "zod";
var rootCaFields = { version, controlPlane: z30.string(), network: z30.string().optional() };
var rootCaChangedDetail = () => z30.strictObject({
  ...rootCaFields,
  fingerprints: z30.array(z30.string()).min(1),
  previousFingerprints: z30.array(z30.string()),
  /** Running tasks that trust none of the bundle's certificates any more: they lose the mesh. */
  cutOff: z30.strictObject({ services: count, tasks: count }).optional()
});
var rootCaEmergencyDetail = () => z30.strictObject({
  ...rootCaFields,
  /** `goes-on`: rotations are repeated. `stopped`: an operator has stopped them. `over`: nobody is cut off. */
  state: z30.enum(["goes-on", "stopped", "over"]),
  services: count,
  tasks: count,
  since: z30.iso.datetime(),
  attempts: count,
  /** The last rotation. */
  rolloutId: z30.string().optional(),
  /** Who has stopped it. */
  by: text2.optional()
});
var rootCaRetirableDetail = () => z30.strictObject({
  ...rootCaFields,
  fingerprints: z30.array(z30.string()).min(1),
  remaining: z30.array(z30.string()).min(1)
});
var rootCaExpiringDetail = () => z30.strictObject({
  ...rootCaFields,
  fingerprint: z30.string(),
  subject: text2,
  notAfter: z30.iso.datetime(),
  daysLeft: z30.int()
});

// shared/events/service-details.ts
import * as z31 from "zod";
var serviceFields = {
  version,
  serviceArn: serviceArnSchema,
  clusterArn: z31.string(),
  account: z31.string(),
  region: z31.string()
};
var inRollout = { rolloutId: z31.string().optional() };
var changeFields = {
  ...serviceFields,
  executionName: z31.string(),
  ...inRollout,
  /** The revision that the service runs now, and the one before. */
  taskDefinitionArn: z31.string(),
  previousTaskDefinitionArn: z31.string().optional(),
  /**
   * `pending`: the service runs no task that could show whether its revision works. `late`: its first tasks since have
   * shown that. Absent: verified by the roll that deployed it.
   */
  verification: z31.enum(["pending", "late"]).optional()
};
var sidecarFields = {
  namespace: z31.string().optional(),
  serviceAccount: z31.string().optional(),
  image: z31.string().optional(),
  secretVersionId: z31.string().optional()
};
var drift = z31.enum(driftReasonNames);
var enrolledDetail = () => z31.strictObject({ ...changeFields, ...sidecarFields });
var updatedDetail = () => z31.strictObject({
  ...changeFields,
  ...sidecarFields,
  drift: z31.array(drift),
  /** Something asked to reconcile the service during the roll. */
  recheckRequested: z31.literal(true).optional()
});
var unenrolledDetail = () => z31.strictObject({ ...changeFields, reason: z31.enum(["tag-removed", "tag-false"]).optional() });
var refusedDetail = () => z31.strictObject({
  ...serviceFields,
  executionName: z31.string().optional(),
  ...inRollout,
  /** The service is in the mesh, and stays there as it is. */
  enrolled: z31.literal(true).optional(),
  refusals: z31.array(z31.strictObject({ reason: z31.enum(refusalNames), detail: text2 })).min(1)
});
var warnedDetail = () => z31.strictObject({
  ...serviceFields,
  warnings: z31.array(z31.strictObject({ code: z31.enum(warningNames), detail: text2 })).min(1)
});
var rollFailedDetail = () => z31.strictObject({
  ...serviceFields,
  executionName: z31.string(),
  ...inRollout,
  code: failureCode,
  /** Which container of which task failed, and how. */
  sentence: text2,
  /** True: the service runs `revertedTo` again. False: it does not, and somebody has to check it. */
  reverted: z31.boolean(),
  /** The roll has deployed nothing: the service runs on as it was. */
  unchanged: z31.literal(true).optional(),
  failedTaskDefinitionArn: z31.string().optional(),
  revertedTo: z31.string().optional(),
  consecutiveFailures: z31.int().positive().optional(),
  /** The same change is not tried again before. */
  nextAttemptAt: z31.iso.datetime().optional()
});
var unhealthyDetail = () => z31.strictObject({
  ...serviceFields,
  taskDefinitionArn: z31.string(),
  code: failureCode,
  /** Which container of which task died last, and how; or how many tasks run. */
  sentence: text2,
  since: z31.iso.datetime(),
  /** How many have died since; absent where the last roll could not be reverted. */
  stoppedTasks: z31.int().positive().optional()
});
var contestedDetail = () => z31.strictObject({
  ...serviceFields,
  /** The revision that the other controller deploys, and the autopilot's own. */
  taskDefinitionArn: z31.string(),
  ownRevisionArn: z31.string().optional(),
  /** How often it was corrected. */
  corrections: z31.int().positive(),
  /** The next correction. */
  until: z31.iso.datetime()
});
var rollSupersededDetail = () => z31.strictObject({ ...serviceFields, executionName: z31.string(), ...inRollout, reason: text2 });
var driftCorrectedDetail = () => z31.strictObject({ ...changeFields, executionName: z31.string().optional(), drift: z31.array(drift).min(1) });

// shared/events/service-schemas.ts
var serviceSchemas = {
  "Service Enrolled": eventSchema("Service Enrolled", enrolledDetail),
  "Service Updated": eventSchema("Service Updated", updatedDetail),
  "Service Unenrolled": eventSchema("Service Unenrolled", unenrolledDetail),
  "Service Refused": eventSchema("Service Refused", refusedDetail),
  "Service Warned": eventSchema("Service Warned", warnedDetail),
  "Service Roll Failed": eventSchema("Service Roll Failed", rollFailedDetail),
  "Service Unhealthy": eventSchema("Service Unhealthy", unhealthyDetail),
  "Service Contested": eventSchema("Service Contested", contestedDetail),
  "Service Roll Superseded": eventSchema("Service Roll Superseded", rollSupersededDetail),
  "Drift Corrected": eventSchema("Drift Corrected", driftCorrectedDetail)
};

// shared/events/outgoing.ts
var schemas = {
  ...serviceSchemas,
  "Root CA Changed": eventSchema("Root CA Changed", rootCaChangedDetail),
  "Root CA Emergency": eventSchema("Root CA Emergency", rootCaEmergencyDetail),
  "Root CA Retirable": eventSchema("Root CA Retirable", rootCaRetirableDetail),
  "Root CA Expiring": eventSchema("Root CA Expiring", rootCaExpiringDetail),
  "Mesh Gateway Ambiguous": eventSchema("Mesh Gateway Ambiguous", meshGatewayAmbiguousDetail),
  "Mesh Shape Unknown": eventSchema("Mesh Shape Unknown", meshShapeUnknownDetail),
  "Mesh Identity Warned": eventSchema("Mesh Identity Warned", meshIdentityWarnedDetail),
  "Fleet Contested": eventSchema("Fleet Contested", fleetContestedDetail),
  "Rollout Refused": eventSchema("Rollout Refused", rolloutRefusedDetail),
  "Rollout Started": eventSchema("Rollout Started", rolloutStartedDetail),
  "Rollout Wave Completed": eventSchema("Rollout Wave Completed", waveCompletedDetail),
  "Rollout Paused": eventSchema("Rollout Paused", rolloutPausedDetail),
  "Rollout Completed": eventSchema("Rollout Completed", rolloutCompletedDetail),
  "Rollout Rolled Back": eventSchema("Rollout Rolled Back", rolledBackDetail)
};
function outgoing(detailType, detail) {
  return emitted(schemas[detailType], detailType, detail);
}
var envelopeSchema = z32.object({
  source: z32.literal(eventSources.autopilot),
  "detail-type": z32.string(),
  detail: z32.unknown()
});
function readOutgoing(event) {
  const envelope = envelopeSchema.safeParse(event);
  if (!envelope.success) throw new AutopilotError("malformed-event", "The event is not one of the autopilot's.");
  const { detail, "detail-type": detailType } = envelope.data;
  if (!isAutopilotDetailType(detailType)) {
    throw new AutopilotError("malformed-event", `The autopilot emits no event of the type ${detailType}.`);
  }
  const parsed4 = schemas[detailType].safeParse({ detailType, detail });
  if (parsed4.success) return parsed4.data;
  throw new AutopilotError("malformed-event", `${detailType}: ${z32.prettifyError(parsed4.error)}`);
}

// shared/slack/calls.ts
function postedOf({ slack }) {
  if (slack?.channel === void 0 || slack.ts === void 0) return void 0;
  return { channel: slack.channel, ts: slack.ts };
}
var CREDENTIALS_REFUSED = /* @__PURE__ */ new Set([
  ...["not_authed", "invalid_auth", "token_revoked", "token_expired", "account_inactive"],
  ...["invalid_token", "no_service", "no_service_id", "no_team", "team_disabled"]
]);
var CONTENT_REFUSED = /* @__PURE__ */ new Set([
  ...["invalid_blocks", "invalid_blocks_format", "msg_blocks_too_long", "msg_too_long", "no_text", "too_many_blocks"]
]);
var SlackUnavailable = class extends AutopilotError {
  /** How long Slack asks to wait, if it asks. */
  retryAfterSeconds;
  /** Slack's error code, such as `message_not_found`. */
  refusal;
  constructor(detail, options) {
    super("slack-unavailable", detail, { cause: options.cause });
    this.retryAfterSeconds = options.retryAfterSeconds;
    this.refusal = options.refusal;
  }
  /** True when Slack does not accept the credentials: the secret may hold others by now. */
  get isUnauthorized() {
    return this.refusal !== void 0 && CREDENTIALS_REFUSED.has(this.refusal);
  }
  /** True when Slack does not take the message because of what is in it. */
  get isContentRefused() {
    return this.refusal !== void 0 && CONTENT_REFUSED.has(this.refusal);
  }
  /** True when the message to update is gone, or belongs to another app. */
  get isLost() {
    return this.refusal === "message_not_found" || this.refusal === "cant_update_message";
  }
};
var LONGEST_WAIT_SECONDS = 5;
var LONGEST_WAITS_SECONDS = 30;
async function atSlacksPace(pause, call2) {
  for (let waited = 0; ; ) {
    try {
      return await call2();
    } catch (error) {
      const wait = error instanceof SlackUnavailable ? error.retryAfterSeconds : void 0;
      if (wait === void 0 || wait > LONGEST_WAIT_SECONDS || waited + wait > LONGEST_WAITS_SECONDS) throw error;
      waited += wait;
      await pause(wait * 1e3);
    }
  }
}

// shared/base/failure-fixes.ts
var failureFixes = {
  "malformed-event": "Look at the event in the dead-letter queue. If AWS changed its shape, update shared/events/incoming.ts.",
  "invalid-config": "Correct the fields that the message names.",
  "invalid-environment": "Deploy the stage again: every variable comes from there.",
  "invalid-kubeconfig": "Write one with an https server and a token, or a client certificate, into the named secret.",
  "invalid-slack-secret": 'Write {"token": "\u2026"} or {"webhookUrl": "https://\u2026"} into the named secret.',
  "unknown-account": "Add the account to `accounts` (and the region to its `regions`), or take away its forwarding rule.",
  "no-control-plane": "Add the account and region to the `serves` of a control plane.",
  "control-plane-unreachable": "Check the cluster's endpoint, its access entry for the autopilot's role and the network between them.",
  "control-plane-incomplete": "Compare the named object with Solo's installation guide for ECS and complete it.",
  "control-plane-refused": "Give the autopilot's Kubernetes user the permissions that docs/deploy.md lists.",
  "control-plane-busy": "Nothing to do at first: it is tried again. If it lasts, check the named object and its namespace.",
  "mesh-facts-missing": "Run the function watch-root-ca once, and read its log if it fails.",
  "invalid-pem": "Look at the ConfigMap istio-ca-root-cert of the control plane.",
  "invalid-token": "Run the enrollment again: the autopilot writes a new token.",
  "ledger-item-unreadable": "Delete the named item: the next sweep writes it again from what runs.",
  "service-not-found": "Nothing to do when it was deleted. Else check the account and region.",
  "task-definition-not-found": "Deploy the service with a revision that exists.",
  "registration-refused": "Read ECS's message. The service runs on unchanged.",
  "update-refused": "Read ECS's message. The service runs on unchanged.",
  "secret-unavailable": "If it is gone, deploy the service again. If it has 20 labels or 100 versions, remove old ones.",
  "secret-version-foreign": "Somebody else wrote it: see CloudTrail. Delete the secret without a recovery window, then enroll again.",
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
  "tasks-not-placed": "See ECS's message: add capacity, widen the placement constraints, or let the deployment stop an old task first.",
  "deployment-alarm": "Look at the alarm. If it went off for another reason, the next attempt may succeed.",
  "deployment-stopped": "Ask who stopped it and why. To keep the service as it is, set its enroll tag to false.",
  "ztunnel-unhealthy": "Check the ztunnel image and that the tasks can reach istiod.",
  "secret-denied": "Allow the execution role to read it: no boundary, organization policy or other statement may deny it.",
  "secret-kms-denied": "Allow the execution role kms:Decrypt on the secret's key, or encrypt it with aws/secretsmanager again.",
  "secret-unreachable": "Give their subnets a VPC endpoint for Secrets Manager or a NAT gateway; check their security groups.",
  "image-unavailable": "Check the image's name and the execution role's permission to pull it.",
  "application-failed": "Read the application's log. If it fails with the sidecar only, check its proxy settings.",
  "not-verified": "See the detail: either the mesh does not know the tasks, or its control plane does not answer.",
  "workload-entry-missing": "Check that istiod watches this account and region, and that it may read the cluster and the service.",
  "workload-identity-differs": "Compare the tag `ecs.solo.io/service-account` of the tasks with the service's, and see whether anything but istiod writes WorkloadEntries.",
  "workload-not-redirected": "See istiod's log for these tasks. An istiod that says so in another way needs `policy.verify: name-only`.",
  "mesh-shape-unknown": "See whether istiod gives tasks a tunnel at all (its log, its version). If it does and writes entries in another way, set `policy.verify: name-only`, and report what was seen.",
  "invalid-request": "Correct the fields that the message names; `npm run autopilot -- rollout request --help` lists them.",
  "invalid-image": "Give a name with a tag, a digest or both, as in example.com/ztunnel:1.28.2.",
  "image-parameter-missing": "Write the parameter again. If the configuration's image is wanted, take ztunnel.imageParameter out of the configuration.",
  "image-not-allowed": "Use an image of the fleet's repository, or add this one to ztunnel.allowedImages.",
  "version-skew": "Upgrade istiod first: the fleet's image is then asked for by itself. Or narrow the scope, or see policy.versionSkew.",
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
  "secret-version-missing": "Enroll one service of this identity first: tag it and wait. Or use --dry-run, which writes a placeholder.",
  "roll-in-progress": "Nothing to do: the service is reconciled again when that roll ends.",
  "rollout-stopped": "Nothing to do: the service runs on as it was.",
  "changed-since": "Nothing to do: that deployment's own event reconciles the service.",
  "already-as-desired": "Nothing to do."
};
function failureText(text3) {
  return isFailureCode2(text3) ? { sentence: failures[text3].sentence, fix: failureFixes[text3] } : void 0;
}
function isFailureCode2(text3) {
  return Object.hasOwn(failures, text3);
}

// shared/model/reason-texts.ts
var driftReasons = {
  "sidecar-missing": "The task definition has no ztunnel container.",
  image: "The ztunnel container runs another image.",
  token: "The ztunnel container starts from another bootstrap token.",
  "token-in-plain-text": "The bootstrap token stands in plain text in the task definition.",
  "health-check": "The ztunnel container's health check or start timeout differs.",
  "log-configuration": "The ztunnel container's log configuration differs.",
  "container-settings": "Another setting of the ztunnel container differs.",
  dependency: "A container does not wait until ztunnel is healthy.",
  "proxy-env": "The proxy environment differs from the tag proxy-env.",
  identity: "The tags that istiod reads differ from the identity in the token.",
  ports: "The service lacks the tag ecs.solo.io/ports, or it differs from the task definition or the cluster's tag.",
  discovery: "The cluster had lost the tag ecs.solo.io/discovery-enabled, so istiod knew none of its tasks.",
  "task-tags": "Running tasks carried other tags than istiod is to read of them.",
  binding: "The service account had lost its binding, so istiod gave its tasks no certificate.",
  secret: "The bootstrap token's secret was scheduled for deletion, so no task could have started.",
  readers: "Somebody had edited who may read the bootstrap token's secret.",
  "propagate-tags": "The service no longer gave its tags to the tasks that it starts."
};
var refusals = {
  "network-mode": {
    sentence: "The task definition's network mode is not awsvpc.",
    fix: "Register a revision with networkMode awsvpc and give the service a network configuration."
  },
  windows: {
    sentence: "The task definition is for Windows, ztunnel runs on Linux only.",
    fix: "Keep the service out of the mesh: take away its enroll tag."
  },
  "deployment-controller": {
    sentence: "The service's deployments are controlled by CodeDeploy or an external controller.",
    fix: "Change the service to the ECS deployment controller (its BLUE_GREEN strategy replaces CodeDeploy)."
  },
  "app-mesh": {
    sentence: "The task definition has an App Mesh proxy configuration.",
    fix: "Take App Mesh's proxyConfiguration and Envoy container out of the task definition first."
  },
  "foreign-ztunnel": {
    sentence: "The task definition has a container called ztunnel that is not a ztunnel sidecar.",
    fix: "Give that container another name."
  },
  "port-collision": {
    sentence: "An application container uses a port that ztunnel needs.",
    fix: "Move the application away from the named port."
  },
  "no-execution-role": {
    sentence: "The task definition has no execution role, so ECS cannot read the bootstrap token.",
    fix: "Set executionRoleArn. The autopilot allows that role to read the one secret."
  },
  "no-task-role": {
    sentence: "The task definition has no task role, and ztunnel proves its identity with it.",
    fix: "Set taskRoleArn. It needs no permissions."
  },
  "foreign-role": {
    sentence: "A role of the task definition is not an IAM role of the service's own account.",
    fix: "Set taskRoleArn and executionRoleArn to ARNs of roles of that account."
  },
  "platform-version": {
    sentence: "The service's Fargate platform version is below 1.4.0.",
    fix: "Update the service to platform version LATEST or 1.4.0."
  },
  "too-many-containers": {
    sentence: "The task definition has ten containers already, ECS allows no more.",
    fix: "Merge or remove a container."
  },
  "definition-too-large": {
    sentence: "With the sidecar the task definition would be over 64 KB.",
    fix: "Shorten it: move environment variables to an environment file or to parameters."
  },
  "dependency-cycle": {
    sentence: "The containers' dependencies leave no place for ztunnel.",
    fix: "Break the named cycle in dependsOn."
  },
  "bad-tag": {
    sentence: "A tag's value is not valid.",
    fix: "Correct the named tag."
  },
  "namespace-not-allowed": {
    sentence: "The Kubernetes namespace is not among the allowed ones.",
    fix: "Use an allowed namespace, or have the platform team add this one to allowedNamespaces."
  },
  "image-not-allowed": {
    sentence: "The image that the tag names is not among the allowed ones.",
    fix: "Use an image of the fleet's repository, or have the platform team add this one to ztunnel.allowedImages."
  },
  "roles-differ": {
    sentence: "Task role and execution role differ, and the configuration takes the identity from the execution role.",
    fix: "Set identityRole to task: a ztunnel proves its identity with the task role's credentials. Or use one role."
  },
  "version-skew": {
    sentence: "The ztunnel image is of a newer version than istiod, which Istio does not support.",
    fix: "Upgrade istiod first, use an image of its version, or set policy.versionSkew to warn."
  },
  "identity-conflict": {
    sentence: "The service account belongs to another role.",
    fix: "Use another service account, or the same role for all services of this one."
  },
  "role-shared": {
    sentence: "The role belongs to another service account already, and certificates would carry both names.",
    fix: "Use a role of its own, or the same service account; or set policy.sharedRoles to warn."
  },
  "namespace-not-ambient": {
    sentence: "The Kubernetes namespace exists and is not in the ambient mesh.",
    fix: "Label it by the named command, or set policy.labelNamespaces to have the autopilot do it."
  },
  "service-not-active": {
    sentence: "The service is not ACTIVE.",
    fix: "Nothing to do when it is being deleted."
  },
  "mesh-name": {
    sentence: "Kubernetes refuses a name that istiod makes of the service, so istiod would not know its tasks.",
    fix: "Change the named name, or set policy.nameRules to warn if your version of istiod writes other names."
  },
  "node-daemon": {
    sentence: "The tag for the platform asks for ztunnel as a daemon of the instance, which the autopilot does not do.",
    fix: "Set the tag to ecs, or take it away."
  },
  "express-mode": {
    sentence: "The service is one of Express Mode: ECS itself writes its task definitions.",
    fix: "Keep it out of the mesh, or create it as an ordinary service."
  },
  "no-deployment-room": {
    sentence: "The deployment configuration lets ECS neither stop nor start a task.",
    fix: "Raise maximumPercent or lower minimumHealthyPercent of the service."
  },
  "shared-family": {
    sentence: "Others use the service's task definition family: a revision with the service's identity would become their latest.",
    fix: "Give the service a family of its own, or have the platform team set policy.sharedFamilies."
  },
  "no-control-plane": {
    sentence: "No control plane serves this account and region.",
    fix: "Have the platform team add the account and region to autopilot.config.ts."
  }
};
var warnings = {
  headroom: "The other containers leave ztunnel less CPU or memory than policy.minHeadroom. ztunnel.cpu gives it a share of its own.",
  "no-log": "ztunnel logs nowhere: no container of the task has a log that it could use.",
  "proxy-env": "Not all outbound traffic of the application goes through the mesh, though its tag proxy-env asks for it.",
  "slow-deployment": "The deployment strategy or a pause hook makes each roll of the service slow: its deadline is longer by that time.",
  kept: "The service is in the mesh and stays there, but it would be refused today.",
  "mesh-name": "Kubernetes may refuse a name that istiod makes of the service.",
  "service-connect": "Tasks have the proxy of Service Connect beside ztunnel.",
  ports: "The mesh may lead to ports on which no container listens.",
  "task-tags": "Running tasks carry other tags than istiod is to read of them: they get them by the next deployment.",
  "version-skew": "The ztunnel image's version differs from istiod's."
};
var sharedProblems = {
  "role-shared": {
    sentence: "A role has several service accounts, so certificates carry all of their names.",
    fix: "Give each service account a role of its own."
  },
  "identity-conflict": {
    sentence: "A service account is bound to another role as well, so istiod may refuse its tasks' certificates.",
    fix: "Take away the named annotation."
  },
  "namespace-not-ambient": {
    sentence: "A namespace of services in the mesh is not in the ambient mesh any more.",
    fix: "Label it by the named command, or set policy.labelNamespaces to have the autopilot do it."
  }
};

// shared/slack/mrkdwn.ts
var ENTITIES = { "&": "&amp;", "<": "&lt;", ">": "&gt;" };
var CONTROLS = (
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters to replace
  /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]+/g
);
function escapeText(text3, maxLength) {
  const line = withoutControls(text3);
  let escaped = "";
  let fitting = "";
  for (const character of line) {
    escaped += ENTITIES[character] ?? character;
    if (escaped.length > maxLength) return `${fitting}\u2026`;
    if (escaped.length < maxLength) fitting = escaped;
  }
  return escaped;
}
function cleanText(text3, maxLength) {
  const line = withoutControls(text3);
  if (line.length <= maxLength) return line;
  return `${line.slice(0, maxLength - 1).replace(/[\ud800-\udbff]$/, "")}\u2026`;
}
function withoutControls(text3) {
  return text3.replace(CONTROLS, " ").trim();
}
function code(text3, maxLength) {
  return `\`${escapeText(text3.replaceAll("`", "'"), maxLength - 2)}\``;
}
function link(url6, text3) {
  return `<${url6}|${escapeText(text3.replaceAll("|", "/"), 200)}>`;
}
var STYLING = /[*~`]|(?<![\p{L}\p{N}])_|_(?![\p{L}\p{N}])|(?<![\p{L}\p{N}:]):[\w+'-]+:(?![\p{L}\p{N}:])|^\s*(?:>|[-•])/u;
function nameText(name, maxLength = 200) {
  return STYLING.test(name) ? code(name, maxLength) : escapeText(name, maxLength);
}

// shared/slack/layout.ts
var DETAIL_LIMIT = 400;
var MAX_LINES = 6;
function layOut({ icon, headline, lines, context }, stage) {
  const rest = lines.length > MAX_LINES ? [`\u2026 and ${lines.length - MAX_LINES} more`] : [];
  const body = [...lines.slice(0, MAX_LINES), ...rest].map((line) => forStage(line, stage));
  const where2 = [...context, ...stage === void 0 ? [] : [`stage ${stage}`]];
  return {
    text: [`${icon} ${headline}`, ...body.map(lineText), ...stage === void 0 ? [] : [`stage ${stage}`]].join("\n"),
    blocks: [
      section(`${icon} *${headline}*`),
      ...body.flatMap(lineBlocks),
      ...where2.length > 0 ? [contextOf(where2)] : []
    ]
  };
}
function quoted(lead, text3, { tail = "", maxLength = DETAIL_LIMIT } = {}) {
  return { lead, quote: cleanText(withTimes(text3), maxLength), tail };
}
function forStage(line, stage) {
  if (stage === void 0) return line;
  if (typeof line === "string") return line.replace(OWN_COMMAND, `$1 --stage ${stage}\``);
  const { lead, quote: quote3, tail } = line;
  return { lead: String(forStage(lead, stage)), quote: quote3, tail: String(forStage(tail, stage)) };
}
var OWN_COMMAND = /(`npm run autopilot -- [^`]+)`/g;
function lineText(line) {
  if (typeof line === "string") return line;
  const { lead, quote: quote3, tail } = line;
  const escaped = nameText(quote3, Math.max(quote3.length, DETAIL_LIMIT));
  return [lead, escaped, tail].filter(Boolean).join(" ").replaceAll(" \n", "\n");
}
function lineBlocks(line) {
  if (typeof line === "string") return [section(line)];
  const { lead, quote: quote3, tail } = line;
  const plain = { type: "section", text: { type: "plain_text", text: quote3, emoji: false } };
  return [...lead ? [section(lead)] : [], ...quote3 ? [plain] : [], ...tail ? [section(tail.trim())] : []];
}
function section(text3) {
  return { type: "section", text: verbatim(text3) };
}
function contextOf(texts3) {
  return { type: "context", elements: texts3.map(verbatim) };
}
function verbatim(text3) {
  return { type: "mrkdwn", text: text3, verbatim: true };
}
function timeText(time) {
  return `${new Date(time).toISOString().slice(0, 16).replace("T", " ")} UTC`;
}
function durationText(seconds) {
  if (seconds < 90) return `${Math.round(seconds)} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 120) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? parts(hours, "h", minutes % 60, "min") : parts(Math.floor(hours / 24), "d", hours % 24, "h");
}
function parts(large, largeUnit, small, smallUnit) {
  return small === 0 ? `${large} ${largeUnit}` : `${large} ${largeUnit} ${small} ${smallUnit}`;
}
function withTimes(text3) {
  return text3.replace(/\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z/g, readable);
}
function readable(time) {
  return Number.isNaN(Date.parse(time)) ? time : timeText(time);
}
function counted(count2, what) {
  return `${count2} ${what}${count2 === 1 ? "" : "s"}`;
}

// shared/slack/contested-story.ts
var words = {
  image: "the fleet's image",
  settings: "the sidecar's settings",
  "mesh-facts": "the root CA or the address"
};
function contestedStory(detail) {
  const { of, controlPlane: controlPlane3, changes, values } = detail;
  const whose = controlPlane3 === void 0 ? "" : ` of ${nameText(controlPlane3, 100)}`;
  return {
    icon: ":crossed_swords:",
    headline: `Two writers change ${words[of]}${whose} in turns`,
    lines: [
      `${counted(changes, "change")} within an hour, between:`,
      ...values.map((value) => quoted("", value)),
      "Nothing of it is rolled out until they rest.",
      `_Fix:_ ${failureFixes["wish-contested"]}`
    ],
    context: []
  };
}

// shared/slack/rollout-stories.ts
function isRolloutEvent(event) {
  return event.detailType.startsWith("Rollout ");
}
var kindWords = {
  rotate: "Root CA rotation",
  endpoint: "Rollout of istiod's address",
  upgrade: "ztunnel upgrade",
  reconfigure: "Reconfiguration",
  unenroll: "Unenrollment"
};
var SHOWN_STUCK = 10;
function rolloutStory({ detailType, detail }) {
  switch (detailType) {
    case "Rollout Started":
      return {
        icon: ":rocket:",
        headline: `${kindWords[detail.kind]} has started`,
        lines: [
          quoted(
            `${counted(detail.services, "service")} in ${counted(detail.waves, "wave")}, requested by ${nameText(detail.requestedBy)}:`,
            detail.why
          )
        ],
        context: [idOf(detail)]
      };
    case "Rollout Refused":
      return refusedStory(detail);
    case "Rollout Wave Completed":
      return {
        icon: detail.failed > 0 ? ":large_orange_circle:" : ":large_green_circle:",
        headline: `Wave ${detail.number} of ${detail.waves} is done: ${nameText(detail.wave, 100)}`,
        lines: [countsText(detail)],
        context: [idOf(detail)]
      };
    case "Rollout Paused":
      return {
        icon: holdIcons[detail.hold],
        headline: `${kindWords[detail.kind]} waits${detail.nextWave === void 0 ? "" : ` before wave ${nameText(detail.nextWave, 100)}`}`,
        lines: [quoted("", detail.detail, { tail: holdFix(detail) })],
        context: [idOf(detail)]
      };
    case "Rollout Completed":
      return completedStory(detail);
    case "Rollout Rolled Back":
      return rolledBackStory(detail);
  }
}
function reasonLines({ code: name, detail }) {
  const known3 = failureText(name);
  if (!known3) return [quoted("*Why:*", `${name} ${detail}`)];
  const reason = detail.includes(known3.sentence) ? detail : `${known3.sentence} ${detail}`;
  return [quoted("*Why:*", reason), ...known3.fix === "Nothing to do." ? [] : [`*Fix:* ${known3.fix}`]];
}
function commandFor(action, rolloutId) {
  return code(`npm run autopilot -- rollout ${action} ${rolloutId}`, 200);
}
var holdIcons = {
  operator: ":double_vertical_bar:",
  approval: ":raised_hand:",
  freeze: ":snowflake:"
};
function holdFix({ hold: hold2, rolloutId, until }) {
  switch (hold2) {
    case "operator":
      return `Resume with ${commandFor("resume", rolloutId)}.`;
    case "approval":
      return `Approve with ${commandFor("approve", rolloutId)}.`;
    case "freeze":
      return until === void 0 ? "" : `It resumes by itself at ${timeText(until)}.`;
  }
}
function refusedStory(detail) {
  const kind = rolloutKinds.find((one) => one === detail.kind);
  const what = kind ? kindWords[kind] : `${code(detail.kind, 60)} of a rollout`;
  return {
    icon: ":no_entry:",
    headline: `${what} was refused: nothing was changed`,
    lines: reasonLines(detail),
    context: [`requested by ${nameText(detail.requestedBy)}`, idOf(detail)]
  };
}
function completedStory(detail) {
  const { outcome, kind } = detail;
  const endings = {
    completed: [":checkered_flag:", "is done"],
    aborted: [":octagonal_sign:", "was aborted: what was rolled stays"],
    superseded: [":leftwards_arrow_with_hook:", supersededWords(detail.code)],
    failed: [":rotating_light:", "could NOT continue: somebody has to check it"]
  };
  const [icon, words2] = endings[outcome];
  const reason = detail.code === void 0 ? void 0 : { code: detail.code, detail: detail.detail };
  const plain = detail.detail === "" ? [] : [quoted("", detail.detail)];
  return {
    icon,
    headline: `${kindWords[kind]} ${words2}`,
    lines: [countsText(detail), ...reason ? reasonLines(reason) : plain],
    context: [`took ${durationText(detail.durationSeconds)}`, idOf(detail)]
  };
}
function supersededWords(reason) {
  const isReplaced2 = reason !== "wish-contested" && reason !== "wish-withdrawn";
  return isReplaced2 ? "was superseded by a newer change" : "was stopped: what was rolled stays";
}
function rolledBackStory(detail) {
  const { rolledBack: rolledBack2, left, stuck, stuckServices } = detail;
  const names2 = stuckServices.slice(0, SHOWN_STUCK).map((arn) => code(serviceName(arn), 120));
  const more = stuck - names2.length;
  return {
    icon: stuck > 0 ? ":rotating_light:" : ":rewind:",
    headline: stuck > 0 ? `${kindWords[detail.kind]} was rolled back, but ${counted(stuck, "service")} could NOT be` : `${kindWords[detail.kind]} was rolled back`,
    lines: [
      `${rolledBack2 === 0 ? "No service had to be reverted" : `${counted(rolledBack2, "service")} back on the pinned revision`}${left === 0 ? "" : `, ${left} left alone: somebody else deployed since`}.`,
      ...stuck > 0 ? [`*Check:* ${names2.join(", ")}${more > 0 ? ` and ${more} more` : ""}`] : [],
      ...reasonLines(detail)
    ],
    context: [`took ${durationText(detail.durationSeconds)}`, idOf(detail)]
  };
}
function serviceName(arn) {
  const ref = parseServiceArn(arn);
  return ref ? `${ref.account} ${ref.region} ${ref.clusterName}/${ref.serviceName}` : arn;
}
function countsText(counts) {
  const { services: services2, succeeded, unverified = 0, failed: failed2, skipped } = counts;
  const also = [
    unverified > 0 ? `, ${unverified} unverified` : "",
    failed2 > 0 ? `, *${failed2} failed*` : "",
    skipped > 0 ? `, ${skipped} skipped` : ""
  ].join("");
  return `${succeeded} of ${counted(services2, "service")} succeeded${also}.`;
}
function idOf({ rolloutId }) {
  return `rollout ${code(rolloutId, 80)}`;
}

// shared/slack/messages.ts
function messageFor(event, stage) {
  return layOut(isRolloutEvent(event) ? rolloutStory(event) : storyOf(event, stage), stage);
}
function storyOf({ detailType, detail }, stage) {
  switch (detailType) {
    case "Service Enrolled":
      return {
        icon: ":white_check_mark:",
        headline: changed(detail, "is in the mesh", "is enrolled"),
        lines: [...identityLines(detail), ...reachLines(detail, stage), ...verificationLines(detail)],
        context: [...where(detail), ...revision(detail)]
      };
    case "Service Updated":
      return {
        icon: ":arrows_counterclockwise:",
        headline: changed(detail, "is up to date in the mesh", "has its update"),
        lines: [...detail.drift.map((reason) => `\u2022 ${driftReasons[reason]}`), ...verificationLines(detail)],
        context: [...where(detail), ...revision(detail)]
      };
    case "Drift Corrected":
      return {
        icon: ":wrench:",
        headline: detail.executionName ? changed(detail, "is back in the mesh", "has its sidecar again") : `${nameOf2(detail)} lacked what the mesh needs: it has it again`,
        lines: [...detail.drift.map((reason) => `\u2022 ${driftReasons[reason]}`), ...verificationLines(detail)],
        context: [...where(detail), ...revision(detail)]
      };
    case "Service Unenrolled":
      return {
        icon: ":wave:",
        headline: `${nameOf2(detail)} is out of the mesh`,
        lines: detail.reason === void 0 ? [] : [unenrollSentences[detail.reason]],
        context: [...where(detail), ...revision(detail)]
      };
    case "Service Refused":
      return {
        icon: ":no_entry:",
        headline: detail.enrolled ? `${nameOf2(detail)} stays in the mesh as it is, its tags can't be followed: nothing was changed` : `${nameOf2(detail)} can't join the mesh: nothing was changed`,
        lines: detail.refusals.map(({ reason, detail: found }) => {
          const { sentence, fix } = refusals[reason];
          return quoted(`\u2022 ${sentence}`, found, { tail: `
   _Fix:_ ${fix}` });
        }),
        context: where(detail)
      };
    case "Service Warned":
      return {
        icon: ":warning:",
        headline: `${nameOf2(detail)} has the enroll tag, and a warning`,
        lines: detail.warnings.map((one) => quoted(`\u2022 ${warnings[one.code]}`, one.detail)),
        context: where(detail)
      };
    case "Service Roll Failed":
      return rollFailedStory(detail);
    case "Service Unhealthy":
      return unhealthyStory(detail);
    case "Service Contested":
      return {
        icon: ":crossed_swords:",
        headline: `${nameOf2(detail)}: another controller puts its revision back after each correction`,
        lines: [
          `It was corrected ${detail.corrections === 1 ? "once" : `${detail.corrections} times`}. The other's revision: ${nameText(detail.taskDefinitionArn)}`,
          ...detail.ownRevisionArn === void 0 ? [] : [`The autopilot's: ${nameText(detail.ownRevisionArn)}`],
          `*Fix:* Let the other controller keep the revision that runs, or set the enroll tag to false. The next correction is at ${timeText(detail.until)}.`
        ],
        context: where(detail)
      };
    case "Service Roll Superseded":
      return {
        icon: ":leftwards_arrow_with_hook:",
        headline: `${nameOf2(detail)}: the roll was superseded, it changed nothing more`,
        lines: [reasonOf(detail.reason)],
        context: where(detail)
      };
    case "Root CA Changed":
      return rootCaChangedStory(detail);
    case "Root CA Emergency":
      return emergencyStory(detail);
    case "Root CA Retirable":
      return {
        icon: ":unlock:",
        headline: `${controlPlane2(detail)}: no running task needs ${detail.fingerprints.length === 1 ? "the old root CA" : "the old root CAs"} any more`,
        lines: [
          `*Now:* remove ${detail.fingerprints.length === 1 ? "it" : "them"} from the root CA bundle. The services are then rolled once more, to trust the remaining ones alone.`
        ],
        context: [
          ...detail.fingerprints.slice(0, 4).map((fingerprint) => `remove: ${code(fingerprint, 120)}`),
          ...detail.remaining.slice(0, 4).map((fingerprint) => `keep: ${code(fingerprint, 120)}`)
        ]
      };
    case "Root CA Expiring":
      return {
        icon: ":hourglass:",
        headline: `A root CA of ${controlPlane2(detail)} expires in ${counted(detail.daysLeft, "day")}`,
        lines: [quoted("", detail.subject, { tail: `is valid until ${timeText(detail.notAfter)}.` })],
        context: [code(detail.fingerprint, 120)]
      };
    case "Mesh Gateway Ambiguous":
      return {
        icon: ":twisted_rightwards_arrows:",
        headline: `${controlPlane2(detail)}: several Services expose istiod`,
        lines: [
          `Tokens name ${nameText(detail.istiodUrl, 300)}. Also exposed: ${nameText(detail.others.join(", "), 400)}`,
          "_Fix:_ Take the label `istio.io/expose-istiod` from those that tasks must not use. Nothing changes until then."
        ],
        context: []
      };
    case "Mesh Identity Warned":
      return {
        icon: ":warning:",
        headline: `${controlPlane2(detail)}: services in the mesh share something that is wrong`,
        lines: [
          quoted(sharedProblems[detail.code].sentence, detail.detail),
          `_Fix:_ ${sharedProblems[detail.code].fix}`
        ],
        context: detail.services.slice(0, 4).map((serviceArn) => code(serviceArn, 200))
      };
    case "Fleet Contested":
      return contestedStory(detail);
    case "Mesh Shape Unknown":
      return {
        icon: ":mag:",
        headline: `${controlPlane2(detail)}: its WorkloadEntries can't prove that a task is in the mesh`,
        lines: [
          quoted(`No entry shows ${markWords[detail.mark] ?? nameText(detail.mark)}. One of them:`, detail.seen),
          "Rolls stay as they are and end unverified until an entry shows it.",
          `_Fix:_ ${failureFixes["mesh-shape-unknown"]}`
        ],
        context: []
      };
  }
}
var markWords = {
  task: "the ECS task that it belongs to",
  "service account": "a service account",
  HBONE: "that its task takes HBONE"
};
function changed(detail, is, was) {
  return `${nameOf2(detail)} ${detail.verification === "pending" ? `${was}, not verified` : is}`;
}
function verificationLines({ verification }) {
  if (verification === void 0) return [];
  return verification === "late" ? ["The first tasks since its last change are verified."] : [
    "Nothing can show whether it works: it runs no task, or no entry of its control plane can prove one.",
    "It is verified when it first has tasks."
  ];
}
function rootCaChangedStory(detail) {
  const { fingerprints, previousFingerprints, cutOff } = detail;
  const contents = `It has ${counted(fingerprints.length, "certificate")} now, and had ${previousFingerprints.length} before.`;
  const context = fingerprints.slice(0, 5).map((fingerprint) => code(fingerprint, 120));
  const headline = `The root CA bundle of ${controlPlane2(detail)} has changed`;
  if (cutOff === void 0 || cutOff.tasks === 0) return { icon: ":key:", headline, lines: [contents], context };
  const { tasks, services: services2 } = cutOff;
  return {
    icon: ":rotating_light:",
    headline: `${headline}: ${counted(tasks, "running task")} in ${counted(services2, "service")} CUT OFF`,
    lines: [
      `${contents} These tasks trust none of them: they lose the mesh.`,
      "*Now:* put the old root CA back into the bundle until no running task needs it, or let the rotation continue at once."
    ],
    context
  };
}
function emergencyStory(detail) {
  const { state, services: services2, tasks, since, attempts, rolloutId, by: by2 = "" } = detail;
  if (state === "over") {
    return {
      icon: ":white_check_mark:",
      headline: `${controlPlane2(detail)}: no task is cut off from its root CA any more`,
      lines: [`It was so since ${timeText(since)}, and took ${counted(attempts, "rotation")}.`],
      context: []
    };
  }
  const again = `npm run autopilot -- rollout request rotate --control-plane ${detail.controlPlane}`;
  return {
    icon: ":rotating_light:",
    headline: `${controlPlane2(detail)}: ${counted(services2, "service")} with ${counted(tasks, "running task")} still CUT OFF`,
    lines: [
      `They trust none of its root CAs, since ${timeText(since)}. There ${attempts === 1 ? "was" : "were"} ${counted(attempts, "rotation")}.`,
      ...state === "stopped" ? [
        `*Stopped* by ${nameText(by2)}: the rotation is not repeated.`,
        `*Now:* let the rotation go on: ${code(again, 300)}`
      ] : [
        "It is tried again by itself, at least once an hour, until no task is cut off.",
        "*Now:* put the old root CA back into the bundle until no running task needs it, or mend what fails.",
        ...rolloutId === void 0 ? [] : [`Stop it with ${commandFor("abort", rolloutId)}.`]
      ]
    ],
    context: rolloutId === void 0 ? [] : [`last rotation: ${code(rolloutId, 100)}`]
  };
}
function reasonOf(reason) {
  const known3 = Object.entries(failures).find(([code2]) => code2 === reason)?.[1];
  return known3 ? known3.sentence : quoted("", reason);
}
function controlPlane2({ controlPlane: name }) {
  return nameText(name, 100);
}
var unenrollSentences = {
  "tag-removed": "The enroll tag was removed.",
  "tag-false": "The enroll tag is false."
};
function unhealthyStory(detail) {
  const { code: failure, sentence: found, since, stoppedTasks } = detail;
  const { sentence } = failures[failure];
  const fix = failureFixes[failure];
  return {
    icon: ":broken_heart:",
    headline: `${nameOf2(detail)} ${stoppedTasks === void 0 ? "still does not run: somebody has to act" : "is in the mesh, and its tasks keep dying"}`,
    lines: [
      quoted("*Cause:*", found.includes(sentence) ? found : `${sentence} ${found}`, { maxLength: 1e3 }),
      `*Fix:* ${fix}`,
      stoppedTasks === void 0 ? `It is so since ${timeText(since)}.` : `${counted(stoppedTasks, "task")} died since ${timeText(since)}. No roll was under way.`
    ],
    context: [...where(detail), ...revision(detail)]
  };
}
function failedWords({ reverted, unchanged }) {
  if (unchanged) return "the roll failed before it deployed anything";
  return reverted ? "the roll failed and was reverted to the last good revision" : "the roll failed and could NOT be reverted";
}
function rollFailedStory(detail) {
  const { sentence } = failures[detail.code];
  const fix = failureFixes[detail.code];
  const name = nameOf2(detail);
  const cause = detail.sentence.includes(sentence) ? detail.sentence : `${sentence} ${detail.sentence}`;
  return {
    icon: detail.reverted ? ":rewind:" : ":rotating_light:",
    headline: `${name}: ${failedWords(detail)}`,
    lines: [
      quoted("*Cause:*", cause, { maxLength: 1e3 }),
      `*Fix:* ${fix}`,
      ...detail.reverted ? [] : ["*Now:* check the service in ECS. The autopilot does not blindly try again."],
      // A rollout does not come again for the service, and what could not be reverted waits for somebody.
      ...detail.nextAttemptAt === void 0 || detail.rolloutId !== void 0 || !detail.reverted ? [] : [`The same change is not tried again before ${timeText(detail.nextAttemptAt)}.`]
    ],
    context: [
      ...where(detail),
      ...detail.revertedTo === void 0 ? [] : [`runs ${code(shortRevision(detail.revertedTo), 250)}`]
    ]
  };
}
function reachLines({ verification }, stage) {
  if (verification === "pending") return [];
  const tag = code(stageKeys(stage).tags.proxyEnv, 150);
  return [
    `Without the tag ${tag}, outbound traffic is not in the mesh. The application's own port stays reachable in plain text.`
  ];
}
function identityLines({
  namespace,
  serviceAccount
}) {
  if (namespace === void 0 || serviceAccount === void 0) return [];
  return [`As ${code(`${namespace}/${serviceAccount}`, 350)}`];
}
function nameOf2({ serviceArn }) {
  const ref = parseServiceArn(serviceArn);
  return ref ? `${ref.clusterName}/${ref.serviceName}` : escapeText(serviceArn, 300);
}
function where({ serviceArn }) {
  const { account, region, clusterName, serviceName: serviceName2 } = serviceRef(serviceArn);
  const host = region.startsWith("cn-") ? "console.amazonaws.cn" : `${region}.console.aws.amazon.com`;
  const url6 = `https://${host}/ecs/v2/clusters/${clusterName}/services/${serviceName2}?region=${region}`;
  return [`account ${account}, ${region}, cluster ${clusterName}`, link(url6, "open in ECS")];
}
function revision({ taskDefinitionArn }) {
  return [`runs ${code(shortRevision(taskDefinitionArn), 250)}`];
}
function shortRevision(arn) {
  return arn.slice(arn.lastIndexOf("/") + 1);
}

// shared/slack/topics.ts
function isServiceEvent(event) {
  return event.detailType.startsWith("Service ") || event.detailType === "Drift Corrected";
}
var services = (words2) => (count2) => `${counted(count2, "service")} ${words2}`;
var rolls = (words2) => (count2) => `${counted(count2, "roll")} ${words2}`;
var topics = {
  enrolled: { icon: ":white_check_mark:", headline: services("are in the mesh") },
  "enrolled-unverified": { icon: ":white_check_mark:", headline: services("are enrolled, not verified") },
  updated: { icon: ":arrows_counterclockwise:", headline: services("are up to date in the mesh") },
  "updated-unverified": { icon: ":arrows_counterclockwise:", headline: services("have their update, not verified") },
  corrected: { icon: ":wrench:", headline: services("lacked what the mesh needs: they have it again") },
  unenrolled: { icon: ":wave:", headline: services("are out of the mesh") },
  superseded: {
    icon: ":leftwards_arrow_with_hook:",
    headline: rolls("were superseded, they changed nothing more")
  },
  refused: { icon: ":no_entry:", headline: services("can't join the mesh: nothing was changed") },
  "refused-in-mesh": {
    icon: ":no_entry:",
    headline: services("stay in the mesh as they are, their tags can't be followed: nothing was changed")
  },
  warned: { icon: ":warning:", headline: services("have the enroll tag, and a warning"), lasting: true },
  reverted: {
    icon: ":rewind:",
    headline: rolls("failed and were reverted to the last good revision"),
    lasting: true
  },
  unchanged: { icon: ":rewind:", headline: rolls("failed before they deployed anything"), lasting: true },
  stuck: {
    icon: ":rotating_light:",
    headline: rolls("failed and could NOT be reverted"),
    urgent: true,
    lasting: true
  },
  dying: {
    icon: ":broken_heart:",
    headline: services("are in the mesh, and their tasks keep dying"),
    urgent: true,
    lasting: true
  },
  contested: {
    icon: ":crossed_swords:",
    headline: services("are deployed again and again by another controller, without what the mesh needs"),
    urgent: true
  },
  stranded: {
    icon: ":broken_heart:",
    headline: services("still do not run: somebody has to act"),
    urgent: true,
    lasting: true
  }
};
var ALARM = "alarm ";
var alarmRules = {
  icon: ":rotating_light:",
  headline: (count2) => `${counted(count2, "alarm")} changed`,
  urgent: true
};
function topicOfAlarm(alarm) {
  return `${ALARM}${alarm}`;
}
function rulesOf(topic) {
  if (topic.startsWith(ALARM)) return alarmRules;
  return isTopic(topic) ? topics[topic] : { icon: ":information_source:", headline: services("have news") };
}
function isTopic(topic) {
  return Object.hasOwn(topics, topic);
}
function topicOf(event) {
  switch (event.detailType) {
    case "Service Enrolled":
      return { topic: event.detail.verification === "pending" ? "enrolled-unverified" : "enrolled", cause: "" };
    case "Service Updated":
      return { topic: event.detail.verification === "pending" ? "updated-unverified" : "updated", cause: "" };
    case "Drift Corrected":
      return { topic: "corrected", cause: "" };
    case "Service Unenrolled":
      return { topic: "unenrolled", cause: "" };
    case "Service Roll Superseded":
      return { topic: "superseded", cause: "" };
    case "Service Refused":
      return {
        topic: event.detail.enrolled ? "refused-in-mesh" : "refused",
        cause: joined(event.detail.refusals.map(({ reason }) => reason))
      };
    case "Service Warned":
      return { topic: "warned", cause: joined(event.detail.warnings.map(({ code: code2 }) => code2)) };
    case "Service Roll Failed": {
      const { unchanged, reverted, code: code2 } = event.detail;
      if (unchanged) return { topic: "unchanged", cause: code2 };
      return { topic: reverted ? "reverted" : "stuck", cause: code2 };
    }
    case "Service Contested":
      return { topic: "contested", cause: "" };
    case "Service Unhealthy": {
      const { stoppedTasks, code: code2 } = event.detail;
      return { topic: stoppedTasks === void 0 ? "stranded" : "dying", cause: code2 };
    }
  }
}
function joined(codes) {
  return [...new Set(codes)].sort().join("+");
}
function causeText(topic, cause) {
  const codes = cause.split("+");
  switch (topic) {
    case "refused":
    case "refused-in-mesh": {
      const found = refusalNames.filter((name) => codes.includes(name)).map((name) => refusals[name]);
      const [only, ...others] = found;
      if (!only) return void 0;
      return {
        sentence: found.map(({ sentence }) => sentence).join(" "),
        fix: others.length > 0 ? void 0 : only.fix
      };
    }
    case "warned": {
      const found = warningNames.filter((name) => codes.includes(name)).map((name) => warnings[name]);
      return found.length > 0 ? { sentence: found.join(" ") } : void 0;
    }
    case "reverted":
    case "unchanged":
    case "stuck":
    case "dying":
    case "stranded":
      return failureText(cause);
    default:
      return void 0;
  }
}

// shared/slack/group-message.ts
var SHOWN_CAUSES = 3;
var SHOWN_NAMES = 3;
var STORIES_A_REPLY = 4;
var STORY_BYTES = 2400;
function groupMessage(group, { stage, threads }) {
  return layOut(group.alone?.story ?? groupStory(group, threads), stage);
}
function headlineMessage(group, stage) {
  const { icon, headline } = group.alone?.story ?? groupStory(group, false);
  return layOut({ icon, headline, lines: [], context: [] }, stage);
}
function groupStory({ topic, count: count2, causes, named: named2, openedMs }, threads) {
  const { icon, headline } = rulesOf(topic);
  const sorted2 = causes.toSorted((one, other) => other.count - one.count);
  const texts3 = sorted2.flatMap((one) => {
    const text3 = causeText(topic, one.cause);
    return text3 ? [{ ...text3, count: one.count }] : [];
  });
  const rest = texts3.length - SHOWN_CAUSES;
  return {
    icon,
    headline: headline(count2),
    lines: [
      ...texts3.slice(0, SHOWN_CAUSES).map(causeLine),
      ...rest > 0 ? [`\u2022 and ${rest} more causes`] : [],
      namesLine(named2, count2),
      `${threads ? "The details are in the thread. " : ""}List them with ${code("npm run autopilot -- status", 100)}.`
    ],
    context: [`since ${timeText(openedMs)}`]
  };
}
function causeLine({ count: count2, sentence, fix }) {
  return `\u2022 ${count2}: ${sentence}${fix === void 0 ? "" : `
   _Fix:_ ${fix}`}`;
}
function namesLine(named2, count2) {
  const names2 = named2.slice(0, SHOWN_NAMES).map(nameOf3);
  const more = count2 - names2.length;
  return `${names2.join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
}
function nameOf3(subject) {
  const ref = parseServiceArn(subject);
  return code(ref ? `${ref.clusterName}/${ref.serviceName}` : subject, 200);
}
function detailMessages(news, stage) {
  const replies = [];
  for (let from = 0; from < news.length; from += STORIES_A_REPLY) {
    const messages = news.slice(from, from + STORIES_A_REPLY).map(({ story }) => layOut(story, stage));
    replies.push({
      text: messages.map(({ text: text3 }) => text3).join("\n\n"),
      blocks: messages.flatMap(({ blocks }) => blocks)
    });
  }
  return replies;
}
function keptStory(story) {
  let kept2 = story;
  while (Buffer.byteLength(JSON.stringify(kept2)) > STORY_BYTES && kept2.lines.length > 0) {
    kept2 = { ...kept2, lines: kept2.lines.slice(0, -1) };
  }
  return kept2;
}

// shared/slack/grouping.ts
var INTERVAL_MS = 6e4;
var LASTING_MS = 15 * 6e4;
var OLDEST_MS = 6 * 36e5;
var UPDATE_EVERY_MS = 1e4;
var EAGER_UPDATES = 3;
var MANY = 40;
var MAX_AT_ONCE = 60;
var MAX_PENDING = 80;
var MAX_GROUPS = 20;
var MAX_MARKS = 200;
var MAX_NAMED = 5;
var MAX_CAUSES = 12;
var MAX_ANNOUNCED = 300;
function withNews(channel, news) {
  if (channel.announced.includes(news.id)) return void 0;
  if (channel.pending.some(({ id }) => id === news.id)) return channel;
  const repeated2 = channel.pending.find((one) => isOf(one, news) && one.subject === news.subject);
  const others = channel.pending.filter((one) => one !== repeated2);
  if (others.length < MAX_PENDING) {
    const announced = repeated2 ? announcedWith(channel, [repeated2.id]) : channel.announced;
    return { ...channel, announced, pending: [...others, { ...news, further: repeated2?.further ?? 0 }] };
  }
  const counted3 = others.find((one) => isOf(one, news)) ?? others.find(({ topic }) => topic === news.topic);
  if (!counted3) return { ...channel, pending: [...withRoom(others), news] };
  const pending2 = others.map((one) => one === counted3 ? withFurther(one, 1) : one);
  return { ...channel, pending: pending2, announced: announcedWith(channel, [news.id]) };
}
function withRoom(pending2) {
  for (const one of pending2) {
    const other = pending2.findLast(({ topic }) => topic === one.topic);
    if (!other || other === one) continue;
    const kept2 = withFurther(one, 1 + other.further);
    return pending2.flatMap((each) => each === other ? [] : [each === one ? kept2 : each]);
  }
  return [...pending2];
}
function withFurther(news, more) {
  return { ...news, further: news.further + more };
}
function nextAct(channel, updates, nowMs) {
  const seen = /* @__PURE__ */ new Set();
  for (const { topic, rolloutId } of channel.pending) {
    const key = `${topic} ${rolloutId}`;
    if (seen.has(key)) continue;
    seen.add(key);
    const isIn = (one) => one.topic === topic && one.rolloutId === rolloutId;
    const act2 = actOf(channel.pending.filter(isIn), channel.groups.filter(isIn), updates, nowMs);
    if (act2) return { ...act2, news: act2.news.slice(0, MAX_AT_ONCE) };
  }
  return void 0;
}
function actOf(pending2, groups, updates, nowMs) {
  const joined2 = pending2.map((news) => ({ news, group: updates ? joinable(news, groups, nowMs) : void 0 }));
  for (const group of groups) {
    const news = joined2.flatMap((one) => one.group === group ? [one.news] : []);
    if (news.length > 0 && isUpdateDue(group, news.length, nowMs)) return { act: "join", news, group };
  }
  const fresh = joined2.flatMap((one) => one.group ? [] : [one.news]);
  const due = fresh.filter((news) => !hasToWait(news, groups, updates, nowMs));
  const first = due[0];
  if (!first) return void 0;
  return { act: "post", news: rulesOf(first.topic).urgent ? due.filter(({ cause }) => cause === first.cause) : due };
}
function joinable(news, groups, nowMs) {
  const { urgent, lasting } = rulesOf(news.topic);
  const open2 = groups.filter(({ place, openedMs }) => place !== void 0 && nowMs - openedMs < OLDEST_MS);
  const mark = markOf(news.subject);
  const ofItsCause = open2.find(
    ({ causes, marks: marks2, lastMs }) => causes.some(({ cause }) => cause === news.cause) && news.atMs - lastMs < LASTING_MS && (lasting || marks2.includes(mark))
  );
  if (ofItsCause) return ofItsCause;
  return urgent ? void 0 : open2.find(({ openedMs }) => news.atMs - openedMs < INTERVAL_MS);
}
function isUpdateDue({ updates, lastMs }, count2, nowMs) {
  return updates < EAGER_UPDATES || count2 >= MANY || nowMs - lastMs >= UPDATE_EVERY_MS;
}
function hasToWait({ topic, cause }, groups, updates, nowMs) {
  const { urgent, lasting } = rulesOf(topic);
  const isAnnouncedIn = (group) => group.causes.some((one) => one.cause === cause);
  if (!updates && lasting && groups.some((one) => isAnnouncedIn(one) && nowMs - one.openedMs < LASTING_MS)) return true;
  return !urgent && groups.some(({ openedMs }) => nowMs - openedMs < INTERVAL_MS);
}
function groupAfter(act2, nowMs) {
  const [first, ...rest] = act2.news;
  if (act2.act === "join" || !first) return joinedBy(act2.act === "join" ? act2.group : void 0, act2.news, nowMs);
  return joinedBy(joinedBy(void 0, [first], nowMs), rest, nowMs);
}
function joinedBy(before, news, nowMs) {
  const { topic = "", rolloutId } = news[0] ?? before ?? {};
  let group = before ?? {
    topic,
    rolloutId,
    openedMs: nowMs,
    lastMs: nowMs,
    updates: 0,
    count: 0,
    causes: [],
    marks: [],
    named: []
  };
  for (const one of news) group = withOne(group, one);
  return { ...group, lastMs: nowMs };
}
function withOne(group, news) {
  const mark = markOf(news.subject);
  const isNew = !group.marks.includes(mark);
  const more = (isNew ? 1 : 0) + news.further;
  const known3 = group.causes.find(({ cause }) => cause === news.cause);
  const causes = known3 ? group.causes.map((one) => one === known3 ? { ...one, count: one.count + more } : one) : [...group.causes, { cause: news.cause, count: 1 + news.further }].slice(0, MAX_CAUSES);
  const count2 = group.count + more;
  return {
    ...group,
    count: count2,
    causes,
    marks: isNew ? [...group.marks, mark].slice(-MAX_MARKS) : group.marks,
    named: isNew && group.named.length < MAX_NAMED ? [...group.named, news.subject] : group.named,
    alone: count2 === 1 ? news : void 0
  };
}
function afterAct(channel, { act: act2, group, place }, nowMs) {
  const ids = act2.news.map(({ id }) => id);
  const before = act2.act === "join" ? act2.group : void 0;
  const isSame2 = (one) => before?.place !== void 0 && one.place?.ts === before.place.ts;
  const updates = before ? before.updates + 1 : 0;
  const others = channel.groups.filter((one) => !isSame2(one) && isRemembered(one, nowMs));
  const groups = [{ ...group, updates, place: place && { ...place } }, ...others].sort(
    (one, other) => other.openedMs - one.openedMs
  );
  return {
    ...channel,
    pending: channel.pending.filter(({ id }) => !ids.includes(id)),
    groups: groups.slice(0, MAX_GROUPS),
    announced: announcedWith(channel, ids)
  };
}
function isRemembered({ lastMs, openedMs }, nowMs) {
  return nowMs - Math.max(lastMs, openedMs) < LASTING_MS;
}
function announcedWith({ announced }, ids) {
  return [...announced, ...ids].slice(-MAX_ANNOUNCED);
}
function isOf(one, { topic, cause, rolloutId }) {
  return one.topic === topic && one.cause === cause && one.rolloutId === rolloutId;
}
function markOf(subject) {
  return sha256(subject).slice(0, 10);
}

// shared/use-cases/notify/announce.ts
var CLAIM_MS = 6e4;
var MAX_ACTS = 10;
async function announceNews(news, calls) {
  const { stored, result } = await calls.ledger.changeChannel((channel) => {
    const next2 = withNews(channel, news);
    if (!next2) return { result: "repeated" };
    if (isClaimed(channel, calls.now())) return { next: next2, result: "left" };
    return { next: claimed(next2, calls), result: "posted" };
  });
  if (result === "posted") await write(stored, calls);
  return result === "posted" || result === "left" ? result : "repeated";
}
async function announcePending(calls) {
  if ((await calls.ledger.getChannel()).pending.length === 0) return 0;
  const slack = await calls.slack();
  const due = (channel) => !isClaimed(channel, calls.now()) && nextAct(channel, slack.updates, calls.now()) !== void 0;
  const { stored, result } = await calls.ledger.changeChannel(
    (channel) => due(channel) ? { next: claimed(channel, calls), result: true } : { result: false }
  );
  return result === true ? write(stored, calls) : 0;
}
function isClaimed({ claimedUntilMs = 0 }, nowMs) {
  return claimedUntilMs > nowMs;
}
function claimed(channel, { now }) {
  return { ...channel, claimedUntilMs: now() + CLAIM_MS };
}
function released({ claimedUntilMs: _, ...channel }) {
  return channel;
}
async function write(from, calls) {
  const { ledger, now } = calls;
  let acts = 0;
  let channel = from;
  try {
    const slack = await calls.slack();
    for (; ; ) {
      const act2 = acts < MAX_ACTS ? nextAct(channel, slack.updates, now()) : void 0;
      if (!act2) {
        const { stored: stored2, result } = await ledger.changeChannel((newest) => {
          const isDue2 = acts < MAX_ACTS && nextAct(newest, slack.updates, now()) !== void 0;
          return { next: isDue2 ? claimed(newest, calls) : released(newest), result: isDue2 };
        });
        if (result !== true) return acts;
        channel = stored2;
        continue;
      }
      acts += 1;
      const group = groupAfter(act2, now());
      const place = await carryOutOrShorten(act2, group, slack, calls);
      const done = { act: act2, group, place };
      const { stored } = await ledger.changeChannel((newest) => ({
        next: claimed(afterAct(newest, done, now()), calls)
      }));
      channel = stored;
    }
  } catch (error) {
    await ledger.changeChannel((newest) => ({ next: released(newest) }));
    throw error;
  }
}
async function carryOutOrShorten(act2, group, slack, calls) {
  const { stage, log } = calls;
  try {
    return await carryOut(act2, groupMessage(group, { stage, threads: slack.updates }), slack, calls);
  } catch (error) {
    if (!(error instanceof SlackUnavailable) || !error.isContentRefused) throw error;
    log.warn(error.message, { code: error.code });
    return send(headlineMessage(group, stage), void 0, slack, calls);
  }
}
async function carryOut(act2, message, slack, calls) {
  const alone = act2.act === "join" && act2.group.alone ? [act2.group.alone] : [];
  const isWhole = act2.act === "post" && act2.news.length === 1;
  const details = isWhole || !slack.updates ? [] : detailMessages([...alone, ...act2.news], calls.stage);
  const thread = slack.updates ? await threadOf(act2, calls) : void 0;
  const before = act2.act === "join" ? act2.group.place : void 0;
  if (before) {
    const under = thread ?? before;
    const isDone = await unlessRefused(calls, async () => {
      for (const detail of details) await send(detail, under, slack, calls);
      await atSlacksPace(calls.pause, () => slack.updateMessage(before, message));
    });
    if (isDone) return before;
  }
  const place = await post(message, thread, slack, calls);
  for (const detail of details) await post(detail, thread ?? place, slack, calls);
  return place;
}
async function post(message, under, slack, calls) {
  let place;
  const inThread = async () => {
    place = await send(message, under, slack, calls);
  };
  if (under && await unlessRefused(calls, inThread)) return place;
  return send(message, void 0, slack, calls);
}
async function unlessRefused({ log }, write4) {
  try {
    await write4();
    return true;
  } catch (error) {
    if (!(error instanceof SlackUnavailable) || error.refusal === void 0) throw error;
    log.warn(error.message, { code: error.code });
    return false;
  }
}
async function send(message, under, slack, { pause }) {
  return whole(await atSlacksPace(pause, () => slack.postMessage(message, { under })));
}
function whole({ channel, ts }) {
  return channel === void 0 || ts === void 0 ? void 0 : { channel, ts };
}
async function threadOf({ news }, { ledger }) {
  const rolloutId = news[0]?.rolloutId;
  const rollout3 = rolloutId === void 0 ? void 0 : await ledger.getRollout(rolloutId);
  return rollout3 && postedOf(rollout3);
}

// shared/base/own-alarms.ts
var RUNBOOKS = "docs/operations.md";
var ROOT_CA_DAYS = 14;
var machines = ["roll-service", "roll-fleet"];
var queues = ["undelivered-events", "failed-invocations"];
var FORWARDING_ALARM = "undelivered-events-not-empty";
var alarms2 = {
  "roll-not-reverted": "A roll failed and its service could not be reverted to its last good revision.",
  "rollout-services-stuck": "A rollout could not roll services back.",
  "rollout-rolled-back": "A rollout was rolled back.",
  "rollout-failed": "A rollout could not continue: what it did stays.",
  "sweep-not-run": "No sweep has completed for an hour.",
  "unenrolls-postponed": "A sweep has postponed the unenrollment of services, because there are too many: were tags lost?",
  "token-secrets-gone": "Somebody has deleted a secret that running services pin: their next tasks can't start.",
  "root-ca-not-watched": "Not all control planes could be read for half an hour."
};
var ledgerAlarms = {
  "ledger-reads-throttled": "DynamoDB holds up reads.",
  "ledger-writes-throttled": "DynamoDB holds up writes."
};
function ownAlarms({ controlPlanes: controlPlanes2 }) {
  const named2 = Object.entries(alarms2).map(([ending, sentence]) => entry(ending, sentence));
  const ledger = Object.entries(ledgerAlarms).map(([ending, sentence]) => entry(ending, sentence, "ledger-throttled"));
  const planes = controlPlanes2.map(
    (name) => entry(
      `root-ca-ends-soon-${name}`,
      `A root CA certificate of the control plane ${name} ends in less than ${ROOT_CA_DAYS} days.`,
      "root-ca-ends-soon"
    )
  );
  const executions = machines.flatMap((name) => [
    entry(`${name}-executions-failed`, `An execution of ${name} failed.`, "executions-failed"),
    entry(`${name}-executions-timed-out`, `An execution of ${name} took too long.`, "executions-failed")
  ]);
  const functions = functionNames.flatMap((name) => [
    entry(functionEnding(name, "failing"), `The function ${name} has failed again and again.`, "functions-failing"),
    entry(
      functionEnding(name, "throttled"),
      `The function ${name} was kept from running again and again.`,
      "functions-throttled"
    )
  ]);
  const letters = queues.map((name) => [`${name}-not-empty`, DEAD_LETTERS]);
  return new Map([...named2, ...ledger, ...planes, ...executions, ...functions, ...letters]);
}
function functionEnding(functionName, trouble) {
  return `${functionName.replaceAll("/", "-")}-${trouble}`;
}
function entry(ending, sentence, runbook = ending) {
  return [ending, { sentence, runbook }];
}
var DEAD_LETTERS = {
  sentence: "A dead letter waits in the queue of the same name.",
  runbook: "dead-letters"
};
function alarmDescription({ sentence, runbook }) {
  return `${sentence} What to do: ${RUNBOOKS}#${runbook}`;
}

// shared/slack/alarm-message.ts
function alarmStory({ account, region, name, state }, own) {
  const { icon, words: words2 } = standingOf(state);
  return {
    icon,
    headline: `${nameText(name, 300)} ${words2}`,
    lines: state === "OK" ? [] : [alarmDescription(own)],
    context: [`account ${account}, ${region}`, link(consoleUrl(region, name), "open in CloudWatch")]
  };
}
var standings = {
  ALARM: { icon: ":rotating_light:", words: "is in ALARM" },
  // Not green: an alarm on a single event ends by itself, while its cause may still need a person.
  OK: { icon: ":white_circle:", words: "is no longer in ALARM" },
  INSUFFICIENT_DATA: { icon: ":grey_question:", words: "has insufficient data" }
};
function standingOf(state) {
  if (state === "ALARM" || state === "OK" || state === "INSUFFICIENT_DATA") return standings[state];
  return { icon: ":grey_question:", words: `is in a state that is new to the autopilot: ${nameText(state, 50)}` };
}
function consoleUrl(region, name) {
  const host = region.startsWith("cn-") ? "console.amazonaws.cn" : `${region}.console.aws.amazon.com`;
  return `https://${host}/cloudwatch/home?region=${region}#alarmsV2:alarm/${encodeURIComponent(name)}`;
}

// shared/use-cases/notify/news.ts
function newsOfService(event, id, nowMs, reportedBy) {
  const { topic, cause } = topicOf(event);
  const { detail } = event;
  const rolloutId = reportedBy ?? ("rolloutId" in detail ? detail.rolloutId : void 0);
  return {
    id: id ?? sha256(JSON.stringify(event)),
    topic,
    cause,
    subject: detail.serviceArn,
    ...rolloutId !== void 0 && { rolloutId },
    atMs: nowMs,
    story: kept(storyOf(event)),
    further: 0
  };
}
function newsOfAlarm(change2, { config, prefix, id, nowMs }) {
  const own = ownAlarmOf(change2, prefix, config);
  if (!own) return void 0;
  const { account, region, name, state } = change2;
  return {
    id: id ?? sha256(JSON.stringify([change2, nowMs])),
    topic: topicOfAlarm(`${account} ${region} ${name}`),
    cause: state.slice(0, 50),
    subject: `${account} ${region} ${name}`,
    atMs: nowMs,
    story: kept(alarmStory(change2, own)),
    further: 0
  };
}
function ownAlarmOf({ account, region, name }, prefix, config) {
  if (!name.startsWith(`${prefix}-`)) return void 0;
  const ending = name.slice(prefix.length + 1);
  const isHome = account === config.homeAccount && region === config.homeRegion;
  const isTarget = targetsOf(config).some((place) => place.account === account && place.region === region);
  if (!isHome && !(isTarget && ending === FORWARDING_ALARM)) return void 0;
  return ownAlarms({ controlPlanes: config.controlPlanes.map((plane) => plane.name) }).get(ending);
}
function kept(story) {
  const { icon, headline, lines, context } = keptStory(story);
  return {
    icon,
    headline,
    lines: lines.map((line) => typeof line === "string" ? line : { ...line }),
    context: [...context]
  };
}

// functions/input.ts
import * as z33 from "zod";
function parsed2(schema, input) {
  const result = schema.safeParse(input);
  if (result.success) return result.data;
  throw new AutopilotError("malformed-event", z33.prettifyError(result.error), { cause: result.error });
}

// shared/gateways/slack/slack.ts
import {
  LogLevel,
  WebAPIPlatformError,
  WebAPIRateLimitedError,
  WebClient
} from "@slack/web-api";
import * as z34 from "zod";
var credentialsSchema = z34.union([
  z34.strictObject({ token: z34.string().min(1) }),
  z34.strictObject({ webhookUrl: z34.url({ protocol: /^https$/ }) })
]);
var DEADLINE_MS = 1e4;
function parseSlackCredentials(text3, secretName2) {
  let json2;
  try {
    json2 = JSON.parse(text3);
  } catch {
    json2 = void 0;
  }
  const parsed4 = credentialsSchema.safeParse(json2);
  if (parsed4.success) return parsed4.data;
  throw new AutopilotError(
    "invalid-slack-secret",
    `${secretName2} must hold {"token": "\u2026"} or {"webhookUrl": "https://\u2026"}`
  );
}
function slackGateway(options) {
  const { credentials, channel } = options;
  const [secrets, calls] = "token" in credentials ? [[credentials.token], botCalls(credentials.token, options)] : [secretsOfUrl(credentials.webhookUrl), webhookCalls(credentials.webhookUrl, options)];
  const redact = redactor(secrets);
  const guarded = async (call2) => {
    try {
      return await call2();
    } catch (error) {
      throw unavailable(error, channel, redact);
    }
  };
  return {
    updates: calls.updates,
    postMessage: (...args) => guarded(() => calls.postMessage(...args)),
    updateMessage: (...args) => guarded(() => calls.updateMessage(...args))
  };
}
var NOTHING_MORE = { unfurl_links: false, unfurl_media: false };
var postedSchema = z34.object({ ts: z34.string(), channel: z34.string() });
function botCalls(token2, { channel, fetch, slackApiUrl }) {
  const client = new WebClient(token2, {
    retryConfig: { retries: 0 },
    rejectRateLimitedCalls: true,
    timeout: DEADLINE_MS,
    logger: silent,
    ...fetch && { fetch },
    ...slackApiUrl && { slackApiUrl }
  });
  return {
    updates: true,
    postMessage: async ({ text: text3, blocks }, { under } = {}) => {
      const place = under ? { channel: under.channel, thread_ts: under.ts } : { channel };
      const content = { text: text3, blocks, ...NOTHING_MORE };
      return postedSchema.parse(await client.apiCall("chat.postMessage", { ...place, ...content }));
    },
    // The channel's id: a name is not taken here. https://docs.slack.dev/reference/methods/chat.update
    updateMessage: async ({ channel: channelId, ts }, { text: text3, blocks }) => {
      await client.apiCall("chat.update", { channel: channelId, ts, text: text3, blocks });
    }
  };
}
function webhookCalls(webhookUrl, { fetch = globalThis.fetch }) {
  const redact = redactor(secretsOfUrl(webhookUrl));
  return {
    updates: false,
    postMessage: async ({ text: text3, blocks }) => {
      const response = await fetch(webhookUrl, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ text: text3, blocks, ...NOTHING_MORE }),
        redirect: "error",
        signal: AbortSignal.timeout(DEADLINE_MS)
      });
      if (response.ok) return {};
      const said = redact(await response.text()).slice(0, 200);
      const answer = `HTTP ${response.status}: ${said}`;
      if (response.status === 429) throw new RateLimited(answer, Number(response.headers.get("retry-after")));
      throw response.status < 500 ? new WebhookRefused(answer, said.trim()) : new Error(answer);
    },
    updateMessage: async () => {
      throw new Error("A webhook can't update a message.");
    }
  };
}
var RateLimited = class extends Error {
  retryAfter;
  constructor(message, retryAfter) {
    super(message);
    this.retryAfter = retryAfter;
  }
};
var WebhookRefused = class extends Error {
  /** Slack's name for why. */
  refusal;
  constructor(message, refusal) {
    super(message);
    this.refusal = refusal;
  }
};
function refusalOf(error) {
  if (error instanceof WebAPIPlatformError) return error.data.error;
  return error instanceof WebhookRefused ? error.refusal : void 0;
}
function unavailable(error, channel, redact) {
  const limited = error instanceof WebAPIRateLimitedError || error instanceof RateLimited;
  const retryAfterSeconds = limited && error.retryAfter > 0 ? error.retryAfter : void 0;
  const message = redact(error instanceof Error ? error.message : String(error));
  const cause = new Error(message);
  if (error instanceof Error) {
    cause.name = error.name;
    cause.stack = redact(error.stack ?? "");
  }
  const refusal = refusalOf(error);
  return new SlackUnavailable(`${channel}: ${message}`, {
    cause,
    retryAfterSeconds,
    refusal: refusal && redact(refusal)
  });
}
var silent = {
  debug: () => void 0,
  info: () => void 0,
  warn: () => void 0,
  error: () => void 0,
  setLevel: () => void 0,
  getLevel: () => LogLevel.ERROR,
  setName: () => void 0
};

// functions/slack.ts
function slackChannel({ config, clients }, transport = {}) {
  let known3;
  const connect2 = async () => {
    const { secretName: secretName2, channel } = config.slack;
    const secrets = secretsGateway(clients.home);
    const credentials = parseSlackCredentials(
      await secrets.getSecretValue(secretName2, "invalid-slack-secret"),
      secretName2
    );
    return forgetful(slackGateway({ credentials, channel, ...transport }));
  };
  const forgetful = ({ updates, postMessage, updateMessage }) => {
    const forgetting = (error) => {
      if (error instanceof SlackUnavailable && error.isUnauthorized) known3 = void 0;
      throw error;
    };
    return {
      updates,
      postMessage: (...args) => postMessage(...args).catch(forgetting),
      updateMessage: (...args) => updateMessage(...args).catch(forgetting)
    };
  };
  return async () => {
    known3 ??= connect2();
    try {
      return await known3;
    } catch (error) {
      known3 = void 0;
      throw error;
    }
  };
}

// functions/notify-slack.ts
var eventSchema2 = z35.object({ id: z35.string().min(1).optional() });
function notifySlack({ config, stage, pause, ledger, now }, slack) {
  const prefix = namePrefixOf(config, stage);
  const calls = (log) => ({ ledger, slack, stage, now, pause, log });
  const post2 = async (message) => {
    const channel = await slack();
    await atSlacksPace(pause, () => channel.postMessage(message));
    return { did: "posted" };
  };
  return async (event, { log }) => {
    const alarm = readAlarmChange(event);
    if (alarm) {
      log.appendKeys({ alarm: alarm.name });
      const news2 = newsOfAlarm(alarm, { config, prefix, id: parsed2(eventSchema2, event).id, nowMs: now() });
      return news2 ? { did: await announceNews(news2, calls(log)) } : { did: "not-ours" };
    }
    const outgoing3 = readOutgoing(event);
    log.appendKeys({ detailType: outgoing3.detailType });
    if (isCounted(outgoing3)) return { did: "left-to-rollout" };
    if (!isServiceEvent(outgoing3)) return post2(messageFor(outgoing3, stage));
    const { rollout: rollout3, isQuiet } = await reportedRollout(outgoing3, ledger);
    if (isQuiet && !((await slack()).updates && rollout3 && postedOf(rollout3))) return { did: "left-to-rollout" };
    const news = newsOfService(outgoing3, parsed2(eventSchema2, event).id, now(), rollout3?.id);
    const did = await announceNews(news, calls(log));
    log.info(did);
    return { did };
  };
}
function isCounted(event) {
  return rolloutOf(event) !== void 0 && autopilotEvents[event.detailType].countedInRollout;
}
async function reportedRollout(event, ledger) {
  const rolloutId = rolloutOf(event);
  const own = rolloutId === void 0 ? void 0 : await ledger.getRollout(rolloutId);
  const rollout3 = own?.repeats === void 0 ? own : await ledger.getRollout(own.repeats);
  return { rollout: rollout3, isQuiet: own?.repeats !== void 0 };
}
function rolloutOf({ detail }) {
  return "rolloutId" in detail ? detail.rolloutId : void 0;
}
var handler = lambda(
  "notify-slack",
  () => notifySlack(environmentContext(), slackChannel(environmentContext()))
);

// shared/events/incoming.ts
import * as z41 from "zod";

// shared/events/autopilot-events.ts
import * as z37 from "zod";

// shared/events/envelope.ts
import * as z36 from "zod";
var envelopeSchema2 = z36.object({
  source: z36.string().min(1),
  "detail-type": z36.string().min(1),
  account: z36.string().regex(/^\d{12}$/, "an account id of 12 digits"),
  region: z36.string().min(1),
  resources: z36.array(z36.string()).default([]),
  detail: z36.record(z36.string(), z36.unknown())
});
function ignored(reason, detail) {
  return { kind: "ignored", reason, detail };
}
function forService(arn, found) {
  if (parseServiceArn(arn)) return found(arn);
  return ignored(/:service\/[^/]+$/.test(arn) ? "short-service-arn" : "not-a-service", arn);
}
function reconcileRequest(arn, cause) {
  if (CLUSTER_ARN2.test(arn)) return { kind: "reconcile-cluster", clusterArn: arn, cause };
  return forService(arn, (serviceArn) => ({ kind: "reconcile-service", serviceArn, cause }));
}
var CLUSTER_ARN2 = /^arn:aws[\w-]*:ecs:[a-z0-9-]+:\d{12}:cluster\/[\w-]{1,255}$/;
var clusterArnSchema = z36.string().regex(CLUSTER_ARN2, "a cluster's ARN");

// shared/events/autopilot-events.ts
var rollEndedSchema = z37.object({ serviceArn: z37.string().min(1) });
function rollEndedEvent(event) {
  const cause = event["detail-type"];
  return forService(rollEndedSchema.parse(event.detail).serviceArn, (serviceArn) => ({
    kind: "reconcile-service",
    serviceArn,
    cause
  }));
}
var rotatedSchema = z37.object({ controlPlane: z37.string().min(1).optional() });
function rootCaRotatedEvent(event) {
  return { kind: "root-ca-rotated", controlPlane: rotatedSchema.parse(event.detail).controlPlane };
}

// shared/events/aws-config-events.ts
import * as z38 from "zod";
var secretSchema2 = z38.object({ name: z38.string().min(1), labelUpdated: z38.string() });
function secretEvent(event) {
  const { name, labelUpdated } = secretSchema2.parse(event.detail);
  return labelUpdated === "AWSCURRENT" ? { kind: "root-ca-rotated", controlPlane: void 0 } : ignored("other-secret-label", `${name}: ${labelUpdated}`);
}
var parameterSchema = z38.object({ operation: z38.string(), name: z38.string().min(1) });
function parameterEvent(event) {
  const { operation, name } = parameterSchema.parse(event.detail);
  if (operation === "Delete") return ignored("parameter-deleted", name);
  return { kind: "image-parameter-changed", account: event.account, region: event.region, parameterName: name };
}

// shared/events/cloudtrail.ts
import * as z39 from "zod";
var callSchema = z39.object({
  eventName: z39.string(),
  errorCode: z39.string().optional(),
  requestParameters: z39.record(z39.string(), z39.unknown()).nullish()
});
var cluster = z39.string().min(1).nullish();
var createSchema = z39.object({ cluster, serviceName: z39.string().min(1) });
var updateSchema = z39.object({ cluster, service: z39.string().min(1) });
var tagSchema = z39.object({ resourceArn: z39.string().min(1) });
function cloudTrailEvent(event) {
  const { eventName, errorCode, requestParameters } = callSchema.parse(event.detail);
  if (errorCode !== void 0) return ignored("call-failed", `${eventName}: ${errorCode}`);
  switch (eventName) {
    case "CreateService": {
      const request2 = createSchema.parse(requestParameters);
      return reconcileNamed(request2.serviceName, request2.cluster, event, eventName);
    }
    case "UpdateService": {
      const request2 = updateSchema.parse(requestParameters);
      return reconcileNamed(request2.service, request2.cluster, event, eventName);
    }
    case "TagResource":
    case "UntagResource":
      return reconcileRequest(tagSchema.parse(requestParameters).resourceArn, eventName);
    default:
      return ignored("unknown-event-name", eventName);
  }
}
function reconcileNamed(service, clusterNameOrArn, { account, region }, cause) {
  const clusterName = (clusterNameOrArn ?? "default").replace(/^arn:.*:cluster\//, "");
  const arn = service.startsWith("arn:") ? service : `arn:${partitionOf(region)}:ecs:${region}:${account}:service/${clusterName}/${service}`;
  return forService(arn, (serviceArn) => ({ kind: "reconcile-service", serviceArn, cause }));
}

// shared/events/ecs.ts
import * as z40 from "zod";
var resourcesSchema = z40.tuple([z40.string()], z40.string());
var deploymentSchema2 = z40.object({
  eventName: z40.string(),
  deploymentId: z40.string().min(1),
  reason: z40.string().default("")
});
var knownEventName = z40.enum(deploymentEventNames);
function deploymentEvent(event) {
  const { eventName, deploymentId, reason } = deploymentSchema2.parse(event.detail);
  const [resource] = resourcesSchema.parse(event.resources);
  const known3 = knownEventName.safeParse(eventName);
  if (!known3.success) return ignored("unknown-event-name", eventName);
  return forService(resource, (serviceArn) => ({
    kind: "deployment",
    serviceArn,
    deploymentId,
    eventName: known3.data,
    reason
  }));
}
var taskSchema2 = z40.object({
  clusterArn: clusterArnSchema,
  taskArn: z40.string().min(1),
  taskDefinitionArn: z40.string().min(1),
  lastStatus: z40.string(),
  group: z40.string().optional(),
  stopCode: z40.string().optional(),
  stoppedReason: z40.string().optional(),
  containers: z40.array(
    z40.object({
      name: z40.string(),
      lastStatus: z40.string(),
      exitCode: z40.number().optional(),
      reason: z40.string().optional()
    })
  )
});
function taskEvent(event) {
  const { clusterArn, group, lastStatus, taskArn, ...task } = taskSchema2.parse(event.detail);
  if (lastStatus !== "STOPPED") return ignored("task-not-stopped", `${taskArn} is ${lastStatus}`);
  if (!group?.startsWith("service:")) return ignored("not-a-service-task", taskArn);
  const service = `${clusterArn.replace(":cluster/", ":service/")}/${group.slice("service:".length)}`;
  return forService(service, (serviceArn) => ({
    kind: "task-stopped",
    serviceArn,
    taskArn,
    taskDefinitionArn: task.taskDefinitionArn,
    containers: task.containers,
    stopCode: task.stopCode,
    stoppedReason: task.stoppedReason
  }));
}
var tagSchema2 = z40.object({ service: z40.string() });
function tagEvent(event) {
  const { service } = tagSchema2.parse(event.detail);
  const [resource] = resourcesSchema.parse(event.resources);
  return service === "ecs" ? reconcileRequest(resource, "tag-change") : ignored("not-a-service", resource);
}

// shared/events/incoming.ts
var parsers = new Map([
  [kindOf(eventSources.ecs, awsDetailTypes.deployment), deploymentEvent],
  [kindOf(eventSources.ecs, awsDetailTypes.task), taskEvent],
  [kindOf(eventSources.ecs, awsDetailTypes.apiCall), cloudTrailEvent],
  [kindOf(eventSources.tag, awsDetailTypes.tag), tagEvent],
  [kindOf(eventSources.ssm, awsDetailTypes.parameter), parameterEvent],
  [kindOf(eventSources.secretsManager, awsDetailTypes.secretLabel), secretEvent],
  [kindOf(eventSources.operator, operatorDetailTypes.rootCaRotated), rootCaRotatedEvent],
  ...detailTypesWhere(({ endsRoll }) => endsRoll !== "no").map((detailType) => [
    kindOf(eventSources.autopilot, detailType),
    rollEndedEvent
  ])
]);
function kindOf(source, detailType) {
  return `${source}|${detailType}`;
}
function parseIncoming(event) {
  const parsed4 = envelopeSchema2.safeParse(event);
  if (!parsed4.success) throw malformed("an event", parsed4.error);
  const envelope = parsed4.data;
  const kind = kindOf(envelope.source, envelope["detail-type"]);
  const parser = parsers.get(kind);
  if (!parser) return ignored("unknown-event-kind", kind);
  try {
    return parser(envelope);
  } catch (error) {
    if (error instanceof z41.ZodError) throw malformed(`${envelope["detail-type"]} (${envelope.source})`, error);
    throw error;
  }
}
function malformed(what, cause) {
  return new AutopilotError("malformed-event", `In ${what}: ${z41.prettifyError(cause)}`, { cause });
}

// shared/deployment/memory.ts
var SAME_MS = 1e3;
function isOfEarlierService({ createdAtMs: remembered2, lastOutcome }, { createdAtMs }) {
  if (createdAtMs === void 0) return false;
  if (remembered2 !== void 0) return Math.abs(createdAtMs - remembered2) >= SAME_MS;
  return lastOutcome !== void 0 && createdAtMs - Date.parse(lastOutcome.at) >= SAME_MS;
}
function isAnotherService({ createdAtMs }, plannedAtMs) {
  return createdAtMs !== void 0 && plannedAtMs !== null && Math.abs(createdAtMs - plannedAtMs) >= SAME_MS;
}
function newMemory({ createdAtMs }) {
  return {
    ...nothing,
    ...createdAtMs !== void 0 && { createdAtMs }
  };
}
var nothing = {
  enrolled: null,
  failedAttemptKey: null,
  consecutiveFailures: null,
  notBefore: null,
  lastGoodRevisionArn: null,
  lastGoodSecret: null,
  lastGoodImage: null,
  unverified: null,
  notice: null,
  secretsInUse: null,
  held: null,
  lastOutcome: null,
  stranded: null,
  notifiedRefusals: null,
  notifiedWarnings: null,
  notifiedUnhealthy: null,
  notifiedContested: null,
  corrections: null,
  stops: null,
  rolledBy: null,
  addedTagKeys: null,
  propagateTagsBefore: null,
  givenPorts: null,
  sharedFamily: null,
  taskTags: null,
  taskTagsTried: null,
  taskTagsChangedMs: null,
  image: null,
  registered: null,
  registeredBefore: null,
  wishRolls: null
};

// shared/use-cases/observe/current-state.ts
async function currentState(service, state, ledger) {
  if (!state || !isOfEarlierService(state, service)) return state;
  const { serviceArn } = service.ref;
  const forgotten = await ledger.forgetService(serviceArn, state.createdAtMs, newMemory(service));
  return forgotten ?? await ledger.getService(serviceArn) ?? state;
}

// shared/data-plane/ztunnel/bootstrap-token/secret-policy.ts
import * as z42 from "zod";
var ROLE_ARN = /^arn:aws[\w-]*:iam::(\d{12}):role\/[\w+=,.@/-]+$/;
var ACTION = "secretsmanager:GetSecretValue";
var SID = "ExecutionRolesReadBootstrapToken";
var oneOrMore = z42.union([z42.string().transform((text3) => [text3]), z42.array(z42.string())]);
var ownSchema = z42.object({ Principal: z42.object({ AWS: oneOrMore }) });
var documentSchema = z42.record(z42.string(), z42.json()).and(z42.object({ Statement: z42.json() }));
var denySchema = z42.object({ Effect: z42.literal("Deny"), Action: oneOrMore });
function isReaderOf(account, principal) {
  return ROLE_ARN.exec(principal)?.[1] === account;
}
function readersIn(policy) {
  return statementsOf(policy).filter(isOwn).flatMap((statement) => ownSchema.safeParse(statement).data?.Principal.AWS ?? []);
}
function withReaders(policy, readers) {
  const statements = statementsOf(policy);
  const own = statements.filter(isOwn);
  const wanted = readers.length > 0 ? [ownStatement(readers)] : [];
  const isSame2 = own.length === wanted.length && own.every((one, index) => isSameJson(normalized2(one), wanted[index]));
  if (isSame2) return { policy, changed: false };
  const merged = [...statements.filter((one) => !isOwn(one)), ...wanted];
  if (merged.length === 0) return { policy: void 0, changed: true };
  const document = documentOf(policy) ?? { Version: "2012-10-17" };
  return { policy: canonicalJson({ ...document, Statement: merged }), changed: true };
}
function hasForeignDeny(policy) {
  return statementsOf(policy).some((statement) => {
    const deny = isOwn(statement) ? void 0 : denySchema.safeParse(statement).data;
    return deny?.Action.some((action) => /^(\*|secretsmanager:(\*|get.*))$/i.test(action)) ?? false;
  });
}
function ownStatement(readers) {
  return {
    Sid: SID,
    Effect: "Allow",
    Principal: { AWS: [...new Set(readers)].sort() },
    Action: ACTION,
    Resource: "*"
  };
}
function normalized2(statement) {
  const principals = ownSchema.safeParse(statement).data?.Principal.AWS;
  const one = (value) => (Array.isArray(value) && value.length === 1 ? value[0] ?? "" : value) ?? "";
  const { Principal = {}, Action, Resource } = statement;
  const others = isJsonObject(Principal) ? Principal : {};
  return {
    ...statement,
    Principal: principals ? { ...others, AWS: [...new Set(principals)].sort() } : Principal,
    Action: one(Action),
    Resource: one(Resource)
  };
}
function isOwn(statement) {
  return statement.Sid === SID;
}
function statementsOf(policy) {
  const statements = documentOf(policy)?.Statement;
  return (Array.isArray(statements) ? statements : [statements]).filter(isJsonObject);
}
function documentOf(policy) {
  if (policy === void 0) return void 0;
  try {
    return documentSchema.safeParse(JSON.parse(policy)).data;
  } catch {
    return void 0;
  }
}

// shared/data-plane/ztunnel/bootstrap-token/token.ts
import * as z43 from "zod";
var bootstrapTokenSchema = z43.object({
  /** istiod's URL. */
  url: z43.url(),
  /** The mesh's root CA bundle in PEM. */
  caCert: z43.string().min(1),
  namespace: z43.string().min(1),
  serviceAccount: z43.string().min(1),
  platform: z43.enum(["ecs", "ecs-ec2"]),
  network: z43.string().min(1),
  /** True: the mesh is reached through the east-west gateway. */
  remote: z43.boolean()
});
function encodeToken(token2) {
  const { url: url6, caCert, namespace, serviceAccount, platform, network, remote } = token2;
  const json2 = JSON.stringify({ url: url6, caCert, namespace, serviceAccount, platform, network, remote });
  return toBase64(toBase64(json2));
}
function toBase64(text3) {
  return Buffer.from(text3, "utf8").toString("base64");
}

// shared/data-plane/ztunnel/bootstrap-token/secret-version.ts
var SEGMENT = /^[\w+=.@-]+$/;
function secretName({ network, namespace, serviceAccount, platform, remote }, prefix = commonKeys.prefix) {
  const variant = remote ? platform : `${platform}-local`;
  const name = [
    segment(network, 63),
    segment(namespace, 63),
    segment(serviceAccount, 253),
    ...variant === "ecs" ? [] : [variant]
  ].join("/");
  return `${prefix}${name}${/-.{6}$/.test(name) ? "/identity" : ""}`;
}
function tokenScopeOf(name) {
  const prefix = stagePrefixOf(name);
  if (prefix === void 0) return void 0;
  const [, namespace, serviceAccount, variant] = name.slice(prefix.length).split("/");
  if (!namespace || !serviceAccount || namespace.includes("=") || serviceAccount.includes("=")) return void 0;
  const platform = variant?.startsWith("ecs-ec2") ? "ecs-ec2" : "ecs";
  return { namespace, serviceAccount, platform, remote: !variant?.endsWith("-local") };
}
function stagePrefixOf(name) {
  return ANY_STAGE_PREFIX.exec(name)?.[0];
}
function segment(text3, maxLength) {
  if (text3.length <= maxLength && SEGMENT.test(text3)) return text3;
  return `${text3.replace(/[^\w+=.@-]/g, "_").slice(0, maxLength - 17)}=${sha256(text3).slice(0, 16)}`;
}
function versionIdOf(token2) {
  return sha256(encodeToken(token2));
}
function pinnedValueFrom(secretArn, versionId) {
  return `${secretArn}:::${versionId}`;
}
var VALUE_FROM = /^(arn:aws[\w-]*:secretsmanager:([a-z0-9-]+):(\d{12}):secret:([\w/+=.@-]+))(?::([^:]*):([^:]*):([^:]*))?$/;
function parseValueFrom(valueFrom) {
  const [, secretArn, region, account, resource, jsonKey, stage, versionId] = VALUE_FROM.exec(valueFrom) ?? [];
  if (!secretArn || !region || !account || !resource) return void 0;
  return {
    region,
    account,
    secretArn,
    secretName: resource.replace(/-[A-Za-z0-9]{6}$/, ""),
    jsonKey: jsonKey || void 0,
    stage: stage || void 0,
    versionId: versionId || void 0
  };
}
var LABEL_PREFIX = "zt-";
var MAX_LABELS = 20;
function labelOf(versionId) {
  return `${LABEL_PREFIX}${versionId.slice(0, 16)}`;
}
function retirableVersions(secret) {
  return Object.entries(secret.versions).flatMap(([versionId, labels2]) => {
    const kept2 = secret.inUse.has(versionId) || versionId === secret.newestAlwaysKept || labels2.includes("AWSCURRENT");
    if (kept2) return [];
    return labels2.filter((label) => label.startsWith(LABEL_PREFIX)).map((label) => ({ versionId, label }));
  });
}
function hasRoomForVersion(versions) {
  const labels2 = /* @__PURE__ */ new Set([...Object.values(versions).flat(), "AWSCURRENT", "AWSPREVIOUS"]);
  return labels2.size < MAX_LABELS;
}
function secretTags(scope, prefix = commonKeys.prefix) {
  return [
    { key: `${prefix}managed`, value: "true" },
    { key: `${prefix}network`, value: scope.network },
    { key: tagKeys.namespace, value: scope.namespace },
    { key: tagKeys.serviceAccount, value: scope.serviceAccount }
  ];
}

// shared/model/task.ts
function taskIdOf(task) {
  return task.taskArn.slice(task.taskArn.lastIndexOf("/") + 1);
}
function addressesOf({ privateIpv4Address, ipv6Address }) {
  return [privateIpv4Address, ipv6Address].filter((address2) => address2 !== void 0);
}

// shared/data-plane/ztunnel/proof/entries.ts
var marks = ["task", "service account", "HBONE"];
var TASK = "ecs.solo.io/arn";
var REDIRECTION = "ambient.istio.io/redirection";
var TUNNEL = "networking.istio.io/tunnel";
var TASK_NAME = /^ecs-task-\d{12}-/;
function namesTask({ name, annotations }) {
  return annotations[TASK] !== void 0 || TASK_NAME.test(name);
}
function takesHbone({ annotations, labels: labels2 }) {
  return annotations[REDIRECTION] === "enabled" || (labels2[TUNNEL] ?? "").split(",").includes("http");
}
function marksOf(entry2) {
  const has = { task: namesTask(entry2), "service account": Boolean(entry2.serviceAccount), HBONE: takesHbone(entry2) };
  return marks.filter((mark) => has[mark]);
}
function hasMark(entries, mark) {
  return entries.some((entry2) => marksOf(entry2).includes(mark));
}
var EntriesByTask = class {
  #byArn = /* @__PURE__ */ new Map();
  #byName = /* @__PURE__ */ new Map();
  constructor(entries) {
    for (const entry2 of entries) {
      const arn = entry2.annotations[TASK];
      if (arn === void 0) this.#byName.set(entry2.name, entry2);
      else this.#byArn.set(arn, [...this.#byArn.get(arn) ?? [], entry2]);
    }
  }
  /** By the annotation; by the name, where the entry has no such annotation. */
  of(task) {
    const named2 = this.#byName.get(entryName(task));
    return [...this.#byArn.get(task.taskArn) ?? [], ...named2 ? [named2] : []];
  }
};
function entryName(task) {
  const [, , , region, account, resource = ""] = task.taskArn.split(":");
  return `ecs-task-${account}-${region}-${resource.split("/")[1]}-${taskIdOf(task)}`;
}

// shared/data-plane/ztunnel/proof/shape.ts
function unknownShape({ mark, tasks }, entries) {
  if (hasMark(entries, mark)) return void 0;
  const addresses = new Set(tasks.flatMap(addressesOf));
  const byTask = new EntriesByTask(entries);
  const theirs = mark === "task" ? entries.filter(({ address: address2 }) => address2 !== void 0 && addresses.has(address2)) : tasks.flatMap((task) => byTask.of(task));
  return theirs[0] && { mark, seen: described(theirs[0]) };
}
var SHOWN_KEYS = 12;
function described({ namespace, name, annotations, labels: labels2, serviceAccount }) {
  const keys = (of) => Object.keys(of).sort().slice(0, SHOWN_KEYS).join(", ") || "none";
  return `${namespace}/${name}: service account ${serviceAccount ?? "none"}; annotations ${keys(annotations)}; labels ${keys(labels2)}`;
}

// shared/data-plane/ztunnel/proof/verify.ts
function verifyTasks(observed) {
  const { desiredCount, targetRevisionArn, proof } = observed;
  const running = observed.tasks.filter(
    (task) => task.taskDefinitionArn === targetRevisionArn && task.lastStatus === "RUNNING"
  );
  if (running.length < desiredCount) {
    return not("mesh-not-converged", `${running.length} of ${desiredCount} tasks run ${targetRevisionArn}.`);
  }
  if (!proof) return verifyWithout(running);
  return verifyZtunnel(running) ?? verifyProof(running, proof) ?? { verified: true };
}
function verifyZtunnel(running) {
  const unhealthy = running.filter((task) => healthOf(task) === "UNHEALTHY");
  if (unhealthy.length > 0) return not("ztunnel-unhealthy", `Unhealthy in ${list(unhealthy)}.`);
  const unknown8 = running.filter((task) => healthOf(task) !== "HEALTHY");
  if (unknown8.length > 0) return not("mesh-not-converged", `ztunnel is not healthy yet in ${list(unknown8)}.`);
  return void 0;
}
function verifyProof(running, { rule, serviceAccount, entries }) {
  const byTask = new EntriesByTask(entries);
  const withoutEntry = (holds2) => unless(running, (task) => byTask.of(task).some(holds2));
  const isOurs3 = (entry2) => serviceAccount === null || entry2.serviceAccount === serviceAccount || rule === "name-only" && !entry2.serviceAccount;
  const unnamed = withoutEntry(() => true);
  if (unnamed) {
    const detail = `No WorkloadEntry for ${list(unnamed)}.`;
    return { ...not("workload-entry-missing", detail), lacks: { mark: "task", tasks: unnamed } };
  }
  const others = withoutEntry(isOurs3);
  if (others) {
    const found = byTask.of(others[0])[0]?.serviceAccount;
    const detail = `${list(others)}: service account ${found || "none"}, not ${serviceAccount}.`;
    const lacks = found ? void 0 : { mark: "service account", tasks: others };
    return { ...not("workload-identity-differs", detail), lacks };
  }
  const plain = rule === "strict" ? withoutEntry((entry2) => isOurs3(entry2) && marksOf(entry2).includes("HBONE")) : void 0;
  return plain && {
    ...not("workload-not-redirected", `No HBONE to ${list(plain)}.`),
    lacks: { mark: "HBONE", tasks: plain }
  };
}
function unless(tasks, met) {
  const [first, ...others] = tasks.filter((task) => !met(task));
  return first && [first, ...others];
}
function verifyWithout(running) {
  const left = running.filter(({ containers }) => containers.some(({ name }) => name === ZTUNNEL));
  return left.length > 0 ? not("mesh-not-converged", `A ztunnel container still runs in ${list(left)}.`) : { verified: true };
}
function healthOf(task) {
  return task.containers.find(({ name }) => name === ZTUNNEL)?.healthStatus;
}
function list(tasks) {
  const names2 = tasks.slice(0, 3).map((task) => `task ${taskIdOf(task)} (${addressesOf(task).join() || "no address"})`);
  return tasks.length > 3 ? `${names2.join(", ")} and ${tasks.length - 3} more` : names2.join(", ");
}
function not(code2, detail) {
  return { verified: false, code: code2, detail };
}

// shared/base/json-fields.ts
function textAt(object32, key) {
  const value = object32[key];
  return typeof value === "string" ? value : void 0;
}
function numberAt(object32, key) {
  const value = object32[key];
  return typeof value === "number" ? value : void 0;
}
function objectAt(object32, key) {
  const value = object32[key];
  return isJsonObject(value) ? value : {};
}
function listAt(object32, key) {
  const value = object32[key];
  return Array.isArray(value) ? value : [];
}
function objectsAt(object32, key) {
  return listAt(object32, key).filter(isJsonObject);
}
function textsAt(object32, key) {
  return listAt(object32, key).filter((item) => typeof item === "string");
}
function isSet(object32, key) {
  return object32[key] !== void 0 && object32[key] !== null;
}
function without(object32, key) {
  if (!Object.hasOwn(object32, key)) return object32;
  return Object.fromEntries(Object.entries(object32).filter(([name]) => name !== key));
}

// shared/model/task-definition.ts
var READ_ONLY_FIELDS = /* @__PURE__ */ new Set([
  "taskDefinitionArn",
  "revision",
  "status",
  "requiresAttributes",
  "compatibilities",
  "registeredAt",
  "deregisteredAt",
  "deleteRequestedAt",
  "registeredBy"
]);
function registerable(described2, tags) {
  const given = tags.filter(isOwn2).map(({ key, value }) => ({ key, value }));
  const keys = new Set(given.map(({ key }) => key));
  const inside = listAt(described2, "tags").filter(
    (tag) => !isJsonObject(tag) || isOwn2(tag) && !keys.has(`${tag.key}`)
  );
  const all2 = [...inside, ...given];
  const fields2 = Object.entries(described2).filter(
    ([name]) => !READ_ONLY_FIELDS.has(name) && (name !== "tags" || all2.length > 0)
  );
  const copy = Object.fromEntries(fields2);
  return all2.length === 0 ? copy : { ...copy, tags: all2 };
}
function isOwn2({ key }) {
  return typeof key !== "string" || !key.toLowerCase().startsWith("aws:");
}
function containersOf(definition) {
  return objectsAt(definition, "containerDefinitions");
}
function nameOf4(container) {
  return textAt(container, "name") ?? "";
}
function isLogRouter(container) {
  return isSet(container, "firelensConfiguration");
}

// shared/data-plane/ztunnel/task-definition/added.ts
import * as z44 from "zod";
var ADDED_LABEL = "ztunnel-autopilot/added";
var addedSchema = z44.strictObject({
  container: z44.string(),
  /** Environment variables that we added. They count as ours only while they have our value. */
  env: z44.array(z44.enum(["ALL_PROXY", "NO_PROXY"])).optional(),
  /** What `environment` was before; an empty list when left out. */
  environment: z44.enum(["absent", "null"]).optional(),
  /** What `dependsOn` was before, should nothing remain in it; absent when left out. */
  dependsOn: z44.enum(["empty", "null"]).optional()
});
var labelSchema = z44.array(addedSchema);
function parseLabel(label) {
  if (label === void 0) return [];
  try {
    return labelSchema.safeParse(JSON.parse(label)).data ?? [];
  } catch {
    return [];
  }
}
function addedBefore(ztunnel) {
  const label = ztunnel === void 0 ? void 0 : textAt(objectAt(ztunnel, "dockerLabels"), ADDED_LABEL);
  return new Map(parseLabel(label).map((added) => [added.container, added]));
}
function labelOf2(added) {
  const sorted2 = [...added.values()].sort((a, b) => a.container < b.container ? -1 : 1);
  const entries = sorted2.map(({ container, env, environment, dependsOn }) => ({
    container,
    ...env !== void 0 && env.length > 0 && { env, ...environment !== void 0 && { environment } },
    ...dependsOn !== void 0 && { dependsOn }
  }));
  return JSON.stringify(entries.filter((entry2) => Object.keys(entry2).length > 1));
}
var NOTHING2 = "[]";
function withAdded(ztunnel, added) {
  const label = labelOf2(added);
  if (label === labelOf2(addedBefore(ztunnel))) return ztunnel;
  const labels2 = objectAt(ztunnel, "dockerLabels");
  if (label !== NOTHING2) return { ...ztunnel, dockerLabels: { ...labels2, [ADDED_LABEL]: label } };
  const rest = without(labels2, ADDED_LABEL);
  return Object.keys(rest).length > 0 ? { ...ztunnel, dockerLabels: rest } : without(ztunnel, "dockerLabels");
}

// shared/data-plane/ztunnel/task-definition/claims.ts
import * as z45 from "zod";
var CLAIMS_LABEL = "ztunnel-autopilot/set";
var THEIRS = "theirs";
var labelSchema2 = z45.record(z45.string(), z45.string());
function claimsOf(container) {
  const label = textAt(objectAt(container, "dockerLabels"), CLAIMS_LABEL);
  if (label === void 0) return /* @__PURE__ */ new Map();
  try {
    return new Map(Object.entries(labelSchema2.safeParse(JSON.parse(label)).data ?? {}));
  } catch {
    return /* @__PURE__ */ new Map();
  }
}
function digestOf(value) {
  return sha256(canonicalJson(value)).slice(0, 16);
}
function withClaim(claims, member, claim) {
  return claims.get(member) === claim ? claims : new Map([...claims, [member, claim]]);
}
function withoutClaim(claims, member) {
  return claims.has(member) ? new Map([...claims].filter(([name]) => name !== member)) : claims;
}
var noProxyOf = (container) => `no-proxy.${container}.`;
function appendedTo(container, claims) {
  const prefix = noProxyOf(container);
  return new Map(
    [...claims].flatMap(
      ([member, claim]) => member.startsWith(prefix) ? [[member.slice(prefix.length), claim]] : []
    )
  );
}
function withAppended(claims, appended) {
  const others = [...claims].filter(([member]) => !member.startsWith("no-proxy."));
  const now = [...appended].flatMap(
    ([container, lists]) => [...lists].map(([name, suffix]) => [`${noProxyOf(container)}${name}`, suffix])
  );
  return new Map([...others, ...now]);
}
var NOTHING3 = "{}";
var textOf = (claims) => canonicalJson(Object.fromEntries(claims));
function withClaims(container, claims) {
  const labels2 = objectAt(container, "dockerLabels");
  const text3 = textOf(claims);
  const present2 = textAt(labels2, CLAIMS_LABEL);
  if (text3 === (present2 ?? NOTHING3)) return container;
  if (text3 !== NOTHING3) return { ...container, dockerLabels: { ...labels2, [CLAIMS_LABEL]: text3 } };
  const rest = without(labels2, CLAIMS_LABEL);
  return Object.keys(rest).length > 0 ? { ...container, dockerLabels: rest } : without(container, "dockerLabels");
}

// shared/data-plane/ztunnel/task-definition/containers.ts
function ztunnelOf(definition) {
  return containersOf(definition).find((container) => nameOf4(container) === ZTUNNEL);
}
function otherContainers(definition) {
  return containersOf(definition).filter((container) => nameOf4(container) !== ZTUNNEL);
}

// shared/data-plane/ztunnel/task-definition/logs.ts
var AWSLOGS = "awslogs";
var FIRELENS = "awsfirelens";
var NOT_COPIED = ["none", FIRELENS];
var STREAM_PREFIX = "awslogs-stream-prefix";
var LINE_FORMAT_OPTIONS = ["awslogs-datetime-format", "awslogs-multiline-pattern"];
var driverOf = (configuration) => textAt(configuration, "logDriver");
function looksLikeOurs(configuration) {
  return driverOf(configuration) === AWSLOGS && textAt(objectAt(configuration, "options"), STREAM_PREFIX) === ZTUNNEL;
}
function startsFirst(router2) {
  const waits3 = objectsAt(router2, "dependsOn").some((entry2) => textAt(entry2, "containerName") !== ZTUNNEL);
  return !waits3 && listAt(router2, "volumesFrom").length === 0 && listAt(router2, "links").length === 0;
}
function awslogs(options) {
  const own = LINE_FORMAT_OPTIONS.reduce(without, options);
  return { logDriver: AWSLOGS, options: { ...own, [STREAM_PREFIX]: ZTUNNEL } };
}
function copied(logDriver, configuration) {
  if (logDriver === AWSLOGS) return awslogs(objectAt(configuration, "options"));
  const { options, secretOptions } = configuration;
  return {
    logDriver,
    ...isSet(configuration, "options") && options !== void 0 && { options },
    ...listAt(configuration, "secretOptions").length > 0 && secretOptions !== void 0 && { secretOptions }
  };
}
function sidecarLogs(definition, groups, region) {
  const others = otherContainers(definition);
  const ofApplication = logsOf(others.filter((container) => !isLogRouter(container)));
  const routers = others.filter(isLogRouter);
  const source = (routers.some(startsFirst) ? ofApplication.find(({ driver }) => driver === FIRELENS) : void 0) ?? ofApplication.find(({ driver }) => driver === AWSLOGS) ?? [...ofApplication, ...logsOf(routers)].find(({ driver }) => !NOT_COPIED.includes(driver));
  if (source !== void 0) return copied(source.driver, source.configuration);
  const group = region !== void 0 && Object.hasOwn(groups, region) ? groups[region] : void 0;
  if (region === void 0 || group === void 0) return void 0;
  return awslogs({ "awslogs-group": group, "awslogs-region": region });
}
function logsOf(containers) {
  return containers.flatMap((container) => {
    const configuration = objectAt(container, "logConfiguration");
    const driver = driverOf(configuration);
    return driver === void 0 ? [] : [{ driver, configuration }];
  });
}

// shared/data-plane/ztunnel/task-definition/owned-members.ts
function isClaimed2({ container, claims }, member) {
  const value = container[member];
  return value !== void 0 && claims.get(member) === digestOf(value);
}
var withSetting = (member, value) => (draft) => {
  const { container, claims } = draft;
  const wasOurs = isClaimed2(draft, member);
  if (value === void 0) {
    return {
      ...draft,
      container: wasOurs ? without(container, member) : container,
      claims: withoutClaim(claims, member)
    };
  }
  if (isSameJson(container[member], value)) {
    return wasOurs ? draft : { ...draft, claims: withoutClaim(claims, member) };
  }
  return {
    ...draft,
    container: { ...container, [member]: value },
    claims: withClaim(claims, member, digestOf(value))
  };
};
var withSize = (member, value) => (draft) => {
  const { container, claims, isOurs: isOurs3 } = draft;
  const present2 = numberAt(container, member) ?? 0;
  const unclaimed = member === "memoryReservation" && isOurs3 && !claims.has(member);
  const wasOurs = isClaimed2(draft, member) || unclaimed;
  if (present2 > 0 && !wasOurs && present2 >= (value ?? 0)) {
    const kept2 = member === "memoryReservation" ? withClaim(claims, member, THEIRS) : withoutClaim(claims, member);
    return { ...draft, claims: kept2 };
  }
  if (value === void 0 || value === 0) {
    const rest = present2 === 0 ? container : member === "cpu" ? { ...container, cpu: 0 } : without(container, member);
    return { ...draft, container: rest, claims: withoutClaim(claims, member) };
  }
  return {
    ...draft,
    container: present2 === value ? container : { ...container, [member]: value },
    claims: withClaim(claims, member, digestOf(value))
  };
};
var withReservation = (value, limit) => (draft) => value !== void 0 && limit === void 0 && isSet(draft.container, "memory") ? draft : withSize("memoryReservation", value)(draft);
var withLogs = (derived) => (draft) => {
  const { container, claims, isOurs: isOurs3 } = draft;
  const current = objectAt(container, "logConfiguration");
  const claim = claims.get("logConfiguration");
  const wasOurs = claim === void 0 ? isOurs3 && looksLikeOurs(current) : claim === driverOf(current);
  if (derived === void 0) {
    if (!isSet(container, "logConfiguration")) return { ...draft, claims: withoutClaim(claims, "logConfiguration") };
    if (wasOurs) {
      const rest = without(container, "logConfiguration");
      return { ...draft, container: rest, claims: withoutClaim(claims, "logConfiguration") };
    }
    const kept2 = looksLikeOurs(current) ? withClaim(claims, "logConfiguration", THEIRS) : withoutClaim(claims, "logConfiguration");
    return { ...draft, claims: kept2 };
  }
  const isSameDriver = driverOf(current) === derived.logDriver;
  const wanted = { ...isSameDriver ? withoutFilled(current, ["options", "secretOptions"]) : {}, ...derived };
  const isSame2 = isSameJson(current, wanted);
  const isTold = looksLikeOurs(derived) || isSame2 && !wasOurs;
  return {
    ...draft,
    container: isSame2 ? container : { ...container, logConfiguration: wanted },
    claims: isTold ? withoutClaim(claims, "logConfiguration") : withClaim(claims, "logConfiguration", derived.logDriver)
  };
};
var withoutFilled = (object32, members) => members.reduce((rest, member) => {
  const isEmpty = Object.keys(objectAt(rest, member)).length === 0 && listAt(rest, member).length === 0;
  return isEmpty ? rest : without(rest, member);
}, object32);
var claimOf = (name) => `environment.${name}`;
function claimsOfVariables(variables) {
  return new Map(variables.map((one) => [claimOf(one.name), digestOf({ ...one })]));
}
var withEnvironment = (variables) => (draft) => {
  const { container, claims } = draft;
  const secrets = new Set(objectsAt(container, "secrets").map(nameOf4));
  const wanted = variables.filter(({ name }) => !secrets.has(name)).map((one) => ({ ...one }));
  const present2 = listAt(container, "environment");
  const isOurs3 = (entry2) => claims.get(claimOf(nameOf4(entry2))) === digestOf(entry2);
  const isWanted = (entry2) => wanted.some(({ name }) => name === nameOf4(entry2));
  const isThere = (variable) => present2.some((entry2) => isSameJson(entry2, variable));
  const rest = [...claims].filter(([member]) => !member.startsWith(claimOf("")));
  const now = new Map([...rest, ...claimsOfVariables(wanted.filter((one) => !isThere(one) || isOurs3(one)))]);
  const isStale2 = (entry2) => isJsonObject(entry2) && isOurs3(entry2) && !isWanted(entry2);
  if (!present2.some(isStale2) && wanted.every(isThere)) return { ...draft, claims: now };
  const others = present2.filter((entry2) => !isJsonObject(entry2) || !(isOurs3(entry2) || isWanted(entry2)));
  const environment = [...others, ...wanted];
  return {
    ...draft,
    container: environment.length > 0 ? { ...container, environment } : without(container, "environment"),
    claims: now
  };
};

// shared/data-plane/ztunnel/task-definition/sizes.ts
var MIB_PER_GB = 1024;
var UNITS_PER_VCPU = 1024;
function parse2(value, unit, factor) {
  if (typeof value === "number") return value;
  if (typeof value !== "string") return void 0;
  if (/^\s*\d+\s*$/.test(value)) return Number(value);
  const amount = unit.exec(value)?.[1];
  return amount === void 0 ? void 0 : Number(amount) * factor;
}
function taskCpuUnits(definition) {
  return parse2(definition.cpu, /^\s*(\d*\.?\d+)\s*vcpu\s*$/i, UNITS_PER_VCPU);
}
function taskMemoryMiB(definition) {
  return parse2(definition.memory, /^\s*(\d*\.?\d+)\s*gb\s*$/i, MIB_PER_GB);
}

// shared/data-plane/ztunnel/task-definition/sidecar.ts
var BOOTSTRAP_TOKEN = "BOOTSTRAP_TOKEN";
var isToken = (entry2) => textAt(entry2, "name") === BOOTSTRAP_TOKEN;
function isOurSecret(valueFrom) {
  const [arn, , service, , , type, name] = valueFrom.split(":");
  return arn === "arn" && service === "secretsmanager" && type === "secret" && name !== void 0 && ANY_STAGE_PREFIX.test(name);
}
function findSidecar(definition) {
  const container = ztunnelOf(definition);
  if (container === void 0) return { kind: "none" };
  const image = textAt(container, "image") ?? "";
  const plain = objectsAt(container, "environment").find(isToken);
  if (plain !== void 0) return { kind: "istioctl", image, plainTextToken: textAt(plain, "value") ?? "" };
  const secretValueFrom = objectsAt(container, "secrets").filter(isToken).map((secret) => textAt(secret, "valueFrom"))[0];
  if (secretValueFrom === void 0) {
    return { kind: "foreign", why: `container ${ZTUNNEL} (image ${image}) has no ${BOOTSTRAP_TOKEN}` };
  }
  return { kind: isOurSecret(secretValueFrom) ? "ours" : "by-hand", image, secretValueFrom };
}
var HEALTH_COMMANDS = ["CMD", "CMD-SHELL", "NONE"];
function healthCommand(command, definition) {
  const compatibilities = textsAt(definition, "requiresCompatibilities");
  const isFargateAlone = compatibilities.length > 0 && compatibilities.every((one) => one === "FARGATE");
  return isFargateAlone || HEALTH_COMMANDS.some((word) => word === command[0]) ? [...command] : ["CMD", ...command];
}
var sum = (containers, of) => containers.reduce((total, container) => total + (of(container) ?? 0), 0);
function fittingCpu(units, definition) {
  const size = taskCpuUnits(definition) ?? Infinity;
  return Math.max(0, Math.min(units, size - sum(otherContainers(definition), (one) => numberAt(one, "cpu"))));
}
function fittingLimit(limitMiB, definition) {
  const size = taskMemoryMiB(definition) ?? Infinity;
  const taken = sum(
    otherContainers(definition),
    (one) => numberAt(one, "memoryReservation") ?? numberAt(one, "memory")
  );
  return limitMiB !== void 0 && limitMiB <= size - taken ? limitMiB : void 0;
}
function ztunnelContainer(spec, definition) {
  const logConfiguration = sidecarLogs(definition, spec.logs ?? {}, spec.secretValueFrom.split(":")[3]);
  const memory = fittingLimit(spec.memoryMiB, definition);
  const { cpu = 0, user, readonlyRootFilesystem, stopTimeoutSeconds: stopTimeout, repositoryCredentials } = spec;
  const environment = Object.entries(spec.environment ?? {}).sort().map(([name, value]) => ({ name, value }));
  return {
    name: ZTUNNEL,
    image: spec.image,
    cpu: fittingCpu(cpu, definition),
    ...memory !== void 0 && { memory },
    ...!isSet(definition, "memory") && { memoryReservation: spec.memoryReservationMiB },
    portMappings: [],
    essential: true,
    ...environment.length > 0 && { environment },
    secrets: [{ name: BOOTSTRAP_TOKEN, valueFrom: spec.secretValueFrom }],
    startTimeout: spec.startTimeoutSeconds,
    ...stopTimeout !== void 0 && { stopTimeout },
    ...user !== void 0 && { user },
    ...readonlyRootFilesystem !== void 0 && { readonlyRootFilesystem },
    ...repositoryCredentials !== void 0 && { repositoryCredentials: { ...repositoryCredentials } },
    ...logConfiguration !== void 0 && { logConfiguration },
    healthCheck: {
      command: healthCommand(spec.healthCheckCommand, definition),
      interval: 5,
      timeout: 5,
      retries: 3,
      startPeriod: 10
    }
  };
}

// shared/data-plane/ztunnel/task-definition/corrections.ts
var ofContainer = (edit) => (draft) => {
  const container = edit(draft.container);
  return container === draft.container ? draft : { ...draft, container };
};
var set = (key, value) => (container) => isSameJson(container[key] ?? null, value) ? container : { ...container, [key]: value };
var isToken2 = (entry2) => isJsonObject(entry2) && entry2.name === BOOTSTRAP_TOKEN;
var withoutPlainToken = (container) => {
  const environment = listAt(container, "environment");
  const rest = environment.filter((entry2) => !isToken2(entry2));
  return rest.length === environment.length ? container : { ...container, environment: rest };
};
var withSecret = ([token2]) => (container) => {
  const secrets = listAt(container, "secrets");
  const first = secrets.findIndex(isToken2);
  if (first < 0) return { ...container, secrets: [...secrets, token2] };
  const updated = secrets.flatMap((entry2, index) => {
    if (!isJsonObject(entry2) || !isToken2(entry2)) return [entry2];
    return index === first ? [{ ...entry2, ...token2 }] : [];
  });
  return set("secrets", updated)(container);
};
var withHealthCheck = (healthCheck) => (container) => set("healthCheck", { ...objectAt(container, "healthCheck"), ...healthCheck })(container);
var corrections = {
  name: "kept",
  image: { reason: "image", edit: ({ image }) => ofContainer(set("image", image)) },
  secrets: {
    reason: "token",
    edit: ({ secrets }) => ofContainer((container) => withSecret(secrets)(withoutPlainToken(container)))
  },
  healthCheck: { reason: "health-check", edit: ({ healthCheck }) => ofContainer(withHealthCheck(healthCheck)) },
  startTimeout: { reason: "health-check", edit: ({ startTimeout }) => ofContainer(set("startTimeout", startTimeout)) },
  logConfiguration: { reason: "log-configuration", edit: ({ logConfiguration }) => withLogs(logConfiguration) },
  // ECS takes a container that doesn't say so for an essential one.
  essential: {
    reason: "container-settings",
    edit: ({ essential }) => ofContainer((container) => container.essential === !essential ? { ...container, essential } : container)
  },
  cpu: { reason: "container-settings", edit: ({ cpu }) => withSize("cpu", cpu) },
  memory: { reason: "container-settings", edit: ({ memory }) => withSize("memory", memory) },
  memoryReservation: {
    reason: "container-settings",
    edit: ({ memoryReservation, memory }) => withReservation(memoryReservation, memory)
  },
  environment: { reason: "container-settings", edit: ({ environment }) => withEnvironment(environment ?? []) },
  stopTimeout: { reason: "container-settings", edit: ({ stopTimeout }) => withSetting("stopTimeout", stopTimeout) },
  user: { reason: "container-settings", edit: ({ user }) => withSetting("user", user) },
  readonlyRootFilesystem: {
    reason: "container-settings",
    edit: ({ readonlyRootFilesystem }) => withSetting("readonlyRootFilesystem", readonlyRootFilesystem)
  },
  repositoryCredentials: {
    reason: "container-settings",
    edit: ({ repositoryCredentials }) => withSetting("repositoryCredentials", repositoryCredentials)
  },
  portMappings: "kept"
};
var SETTINGS = ["memory", "memoryReservation", "stopTimeout", "user", "readonlyRootFilesystem"];
function claimsOfNew(built) {
  const { cpu, environment = [], repositoryCredentials, logConfiguration } = built;
  const claims = new Map(claimsOfVariables(environment));
  if (cpu > 0) claims.set("cpu", digestOf(cpu));
  for (const member of SETTINGS) {
    const value = built[member];
    if (value !== void 0) claims.set(member, digestOf(value));
  }
  if (repositoryCredentials !== void 0) claims.set("repositoryCredentials", digestOf(repositoryCredentials));
  if (logConfiguration !== void 0 && !looksLikeOurs(logConfiguration)) {
    claims.set("logConfiguration", logConfiguration.logDriver);
  }
  return claims;
}

// shared/data-plane/ztunnel/task-definition/dependencies.ts
function startDependencies(definition) {
  const containers = containersOf(definition);
  const router2 = containers.find((container) => isLogRouter(container) && listAt(container, "dependsOn").length === 0);
  return new Map(
    containers.map((container) => {
      const logsThroughRouter = textAt(objectAt(container, "logConfiguration"), "logDriver") === "awsfirelens";
      const names2 = [
        ...objectsAt(container, "dependsOn").map((entry2) => textAt(entry2, "containerName")),
        ...objectsAt(container, "volumesFrom").map((entry2) => textAt(entry2, "sourceContainer")),
        ...textsAt(container, "links").map((link2) => link2.split(":")[0]),
        router2 !== void 0 && router2 !== container && logsThroughRouter ? nameOf4(router2) : void 0
      ];
      return [nameOf4(container), new Set(names2.filter((name) => name !== void 0))];
    })
  );
}
function dependenciesOf(name, dependencies) {
  const found = /* @__PURE__ */ new Set();
  const open2 = [...dependencies.get(name) ?? []];
  for (let next2 = open2.pop(); next2 !== void 0; next2 = open2.pop()) {
    if (found.has(next2)) continue;
    found.add(next2);
    open2.push(...dependencies.get(next2) ?? []);
  }
  return found;
}
function findCycle(dependencies) {
  const done = /* @__PURE__ */ new Set();
  const walk = (name, path) => {
    const start2 = path.indexOf(name);
    if (start2 >= 0) return [...path.slice(start2), name];
    if (done.has(name)) return void 0;
    for (const next2 of dependencies.get(name) ?? []) {
      const cycle = walk(next2, [...path, name]);
      if (cycle !== void 0) return cycle;
    }
    done.add(name);
    return void 0;
  };
  for (const name of dependencies.keys()) {
    const cycle = walk(name, []);
    if (cycle !== void 0) return cycle;
  }
  return void 0;
}

// shared/data-plane/ztunnel/task-definition/no-proxy.ts
var isNamedLike = (entry2, name) => nameOf4(entry2).toUpperCase() === name;
var hostsIn = (value) => value.toLowerCase().split(/[\s,]+/);
var excludesAll = (value) => hostsIn(value).includes("*");
function suffixFor(value, hosts) {
  const present2 = hostsIn(value);
  const missing = hosts.split(",").filter((host) => !present2.includes(host));
  if (missing.length === 0) return "";
  return `${value === "" ? "" : ","}${missing.join(",")}`;
}
function ownLists(container) {
  const lists = objectsAt(container, "environment").filter((entry2) => isNamedLike(entry2, "NO_PROXY"));
  return [...new Map(lists.map((entry2) => [nameOf4(entry2), textAt(entry2, "value") ?? ""]))];
}
var replaced = (environment, name, value) => {
  const last = environment.findLastIndex((entry2) => isJsonObject(entry2) && entry2.name === name);
  return environment.map((entry2, index) => index === last && isJsonObject(entry2) ? { ...entry2, value } : entry2);
};
function withHosts(container, hosts) {
  const appended = /* @__PURE__ */ new Map();
  let environment = listAt(container, "environment");
  for (const [name, value] of ownLists(container)) {
    const suffix = suffixFor(value, hosts);
    if (suffix === "") continue;
    appended.set(name, suffix);
    environment = replaced(environment, name, value + suffix);
  }
  return [appended.size > 0 ? { ...container, environment } : container, appended];
}
function withoutHosts(container, appended) {
  const lists = new Map(ownLists(container));
  const before = listAt(container, "environment");
  let environment = before;
  for (const [name, suffix] of appended) {
    const value = lists.get(name);
    if (!value?.endsWith(suffix)) continue;
    environment = replaced(environment, name, value.slice(0, value.length - suffix.length));
  }
  return environment === before ? container : { ...container, environment };
}

// shared/data-plane/ztunnel/task-definition/proxy-environment.ts
var proxyEnvironment = {
  ALL_PROXY: ["socks5h://127.0.0.1:15080"],
  NO_PROXY: ["169.254.170.2,169.254.169.254,localhost,127.0.0.1"]
};
var PROXY_VARIABLES = ["ALL_PROXY", "NO_PROXY"];
var isOurs = (entry2, name, values) => isJsonObject(entry2) && entry2.name === name && typeof entry2.value === "string" && values.includes(entry2.value);
function hasVariable(container, name) {
  return variablesOf(container).some((entry2) => isNamedLike(entry2, name));
}
var variablesOf = (container) => [
  ...objectsAt(container, "environment"),
  ...objectsAt(container, "secrets")
];
function standing(container, added, values) {
  const claimed2 = added.env ?? [];
  const environment = listAt(container, "environment");
  return PROXY_VARIABLES.filter(
    (name) => claimed2.includes(name) && environment.some((entry2) => isOurs(entry2, name, values[name]))
  );
}
function stateOf(environment) {
  if (environment === void 0) return "absent";
  return environment === null ? "null" : void 0;
}
function obstacleOf(bare, values) {
  const name = nameOf4(bare);
  const elsewhere = variablesOf(bare).find(
    (entry2) => isNamedLike(entry2, "ALL_PROXY") && textAt(entry2, "value") !== values.ALL_PROXY[0]
  );
  if (elsewhere) return `Container ${name} has its own ${nameOf4(elsewhere)}: its outbound traffic is not in the mesh.`;
  const secret = objectsAt(bare, "secrets").find((entry2) => isNamedLike(entry2, "NO_PROXY"));
  if (secret) return `Container ${name} has ${nameOf4(secret)} as a secret, which can't be completed: it gets no proxy.`;
  const closed = objectsAt(bare, "environment").find(
    (entry2) => isNamedLike(entry2, "NO_PROXY") && excludesAll(textAt(entry2, "value") ?? "")
  );
  return closed && `Container ${name} lets nothing through a proxy by its ${nameOf4(closed)}: it gets none.`;
}
function rivalsOf(bare) {
  const name = nameOf4(bare);
  const names2 = variablesOf(bare).map(nameOf4).filter((one) => /^https?_proxy$/i.test(one));
  const hasFiles = listAt(bare, "environmentFiles").length > 0;
  return [
    ...names2.length > 0 ? [`Container ${name} has its own ${names2.join(" and ")}, before ALL_PROXY.`] : [],
    ...hasFiles ? [`Container ${name} has environment files: ALL_PROXY and NO_PROXY go before theirs.`] : []
  ];
}
function proxyProblems(container, added, appended, values = proxyEnvironment) {
  const bare = bareOf(container, added, appended, values);
  const obstacle2 = obstacleOf(bare, values);
  return obstacle2 === void 0 ? rivalsOf(bare) : [obstacle2];
}
var NOTHING4 = /* @__PURE__ */ new Map();
function bareOf(container, added, appended, values) {
  const own = withoutHosts(container, appended);
  const ours2 = standing(own, added, values);
  if (ours2.length === 0) return own;
  const environment = ours2.reduce(
    (entries, name) => entries.toSpliced(
      entries.findLastIndex((entry2) => isOurs(entry2, name, values[name])),
      1
    ),
    listAt(own, "environment")
  );
  if (environment.length > 0 || added.environment === void 0) return { ...own, environment };
  return added.environment === "null" ? { ...own, environment: null } : without(own, "environment");
}
var isSameSet = (some, others) => some.length === others.length && isSameJson(some.map(canonicalJson).toSorted(), others.map(canonicalJson).toSorted());
function withProxyEnvironment(container, added, appended = NOTHING4, values = proxyEnvironment) {
  const bare = bareOf(container, added, appended, values);
  if (obstacleOf(bare, values) !== void 0) return withoutProxyEnvironment(container, added, appended, values);
  const [completed, now] = withHosts(bare, values.NO_PROXY[0]);
  const missing = PROXY_VARIABLES.filter((name) => !hasVariable(bare, name));
  const environment = [
    ...listAt(completed, "environment"),
    ...missing.map((name) => ({ name, value: values[name][0] }))
  ];
  const hadOurs = standing(container, added, values).length > 0;
  return {
    container: isSameSet(environment, listAt(container, "environment")) ? container : { ...container, environment },
    added: { ...added, env: missing, environment: hadOurs ? added.environment : stateOf(container.environment) },
    appended: now
  };
}
function withoutProxyEnvironment(container, added, appended = NOTHING4, values = proxyEnvironment) {
  return {
    container: bareOf(container, added, appended, values),
    added: { ...added, env: void 0, environment: void 0 },
    appended: NOTHING4
  };
}

// shared/data-plane/ztunnel/task-definition/waiting.ts
var namesZtunnel = (entry2) => isJsonObject(entry2) && entry2.containerName === ZTUNNEL;
function waitsForZtunnel(container) {
  return listAt(container, "dependsOn").some(namesZtunnel);
}
function stateOf2(dependsOn) {
  if (dependsOn === null) return "null";
  return Array.isArray(dependsOn) && dependsOn.length === 0 ? "empty" : void 0;
}
function withWait(container, added) {
  const entries = listAt(container, "dependsOn");
  const first = entries.findIndex(namesZtunnel);
  if (first < 0) {
    const dependsOn = [...entries, { containerName: ZTUNNEL, condition: "HEALTHY" }];
    return [
      { ...container, dependsOn },
      { ...added, dependsOn: stateOf2(container.dependsOn) }
    ];
  }
  const kept2 = entries.flatMap((entry2, index) => {
    if (!namesZtunnel(entry2) || !isJsonObject(entry2)) return [entry2];
    if (index !== first) return [];
    return [entry2.condition === "HEALTHY" ? entry2 : { ...entry2, condition: "HEALTHY" }];
  });
  const same = kept2.length === entries.length && kept2[first] === entries[first];
  return [same ? container : { ...container, dependsOn: kept2 }, added];
}
function withoutWait(container, added) {
  const volumes = listAt(container, "volumesFrom");
  const ownVolumes = volumes.filter((entry2) => !isJsonObject(entry2) || entry2.sourceContainer !== ZTUNNEL);
  const rest = ownVolumes.length === volumes.length ? container : { ...container, volumesFrom: ownVolumes };
  if (!waitsForZtunnel(rest)) return rest;
  const dependsOn = listAt(rest, "dependsOn").filter((entry2) => !namesZtunnel(entry2));
  if (dependsOn.length > 0 || added.dependsOn === "empty") return { ...rest, dependsOn };
  return added.dependsOn === "null" ? { ...rest, dependsOn: null } : without(rest, "dependsOn");
}
function withoutRouterWait(container, added) {
  if (!waitsForZtunnel(container)) return [container, added];
  const dependsOn = listAt(container, "dependsOn").filter((entry2) => !namesZtunnel(entry2));
  const rest = dependsOn.length > 0 ? { ...container, dependsOn } : without(container, "dependsOn");
  return [rest, { ...added, dependsOn: void 0 }];
}

// shared/data-plane/ztunnel/task-definition/reconcile-sidecar.ts
function amendSidecar(container, built, definition, reasons) {
  const { kind } = findSidecar(definition);
  const draft = { container, claims: claimsOf(container), isOurs: kind === "ours" };
  const corrected = Object.values(corrections).reduce((before, correction) => {
    if (correction === "kept") return before;
    const after = correction.edit(built)(before);
    if (after.container !== before.container) {
      reasons.add(correction.reason === "token" && kind === "istioctl" ? "token-in-plain-text" : correction.reason);
    }
    return after;
  }, draft);
  const labeled = withClaims(corrected.container, corrected.claims);
  if (labeled !== corrected.container && reasons.size === 0) reasons.add("container-settings");
  return labeled;
}
function sidecarIn(definition, spec, reasons = /* @__PURE__ */ new Set()) {
  const existing = ztunnelOf(definition);
  const built = ztunnelContainer(spec, definition);
  if (existing !== void 0) return amendSidecar(existing, built, definition, reasons);
  return withClaims(built, claimsOfNew(built));
}
function mustWait(container, beforeZtunnel) {
  return !isLogRouter(container) && !beforeZtunnel.has(nameOf4(container));
}
function othersOf(definition) {
  const existing = ztunnelOf(definition);
  const before = addedBefore(existing);
  const claims = claimsOf(existing ?? {});
  const beforeZtunnel = dependenciesOf(ZTUNNEL, startDependencies(definition));
  return otherContainers(definition).map((container) => {
    const name = nameOf4(container);
    const added = before.get(name) ?? { container: name };
    return { container, added, appended: appendedTo(name, claims), waits: mustWait(container, beforeZtunnel) };
  });
}
function amendOther({ container, added, appended, waits: waits3 }, proxyEnv, reasons) {
  const [waiting, waitingAdded] = waits3 ? withWait(container, added) : isLogRouter(container) ? withoutRouterWait(container, added) : [container, added];
  if (waiting !== container) reasons.add("dependency");
  const amended = (proxyEnv && waits3 ? withProxyEnvironment : withoutProxyEnvironment)(waiting, waitingAdded, appended);
  if (amended.container !== waiting) reasons.add("proxy-env");
  return amended;
}
function proxyProblemsIn(definition) {
  return othersOf(definition).filter(({ waits: waits3 }) => waits3).flatMap(({ container, added, appended }) => proxyProblems(container, added, appended));
}
function reconcileSidecar(definition, spec) {
  const reasons = /* @__PURE__ */ new Set();
  const existing = ztunnelOf(definition);
  const sidecar = sidecarIn(definition, spec, reasons);
  const others = new Map(
    othersOf(definition).map((other) => [other.container, amendOther(other, spec.proxyEnv, reasons)])
  );
  const containers = listAt(definition, "containerDefinitions").map(
    (container) => isJsonObject(container) ? others.get(container)?.container ?? container : container
  );
  const byName = (of) => new Map([...others].map(([one, now]) => [nameOf4(one), of(now)]));
  const claimed2 = withClaims(
    sidecar,
    withAppended(
      claimsOf(sidecar),
      byName(({ appended }) => appended)
    )
  );
  const labeled = withAdded(
    claimed2,
    byName(({ added }) => added)
  );
  if (labeled !== sidecar && reasons.size === 0) reasons.add("proxy-env");
  if (existing === void 0) {
    return {
      definition: { ...definition, containerDefinitions: [...containers, labeled] },
      reasons: ["sidecar-missing"]
    };
  }
  if (reasons.size === 0) return { definition, reasons: [] };
  const containerDefinitions = containers.map((container) => container === existing ? labeled : container);
  return { definition: { ...definition, containerDefinitions }, reasons: [...reasons] };
}

// shared/data-plane/ztunnel/task-definition/drift.ts
function driftOf(definition, spec) {
  const { kind } = findSidecar(definition);
  if (kind === "foreign") return [];
  return kind === "none" ? ["sidecar-missing"] : reconcileSidecar(definition, spec).reasons;
}

// shared/data-plane/ztunnel/task-definition/headroom.ts
var MIN_SHARES = 2;
var sharesOf = (cpu) => Math.max(MIN_SHARES, cpu ?? 0);
function headroom(definition, addedByEcs = { cpuUnits: 0, memoryMiB: 0 }, sidecar = ztunnelOf(definition) ?? {}) {
  const others = otherContainers(definition);
  const left = (size, used) => size === void 0 ? void 0 : Math.max(0, size - used);
  const own = sharesOf(numberAt(sidecar, "cpu"));
  const shares2 = others.reduce((sum2, container) => sum2 + sharesOf(numberAt(container, "cpu")), own);
  const cpuUnits = left(taskCpuUnits(definition), addedByEcs.cpuUnits);
  const limits = others.reduce((sum2, container) => sum2 + (numberAt(container, "memory") ?? 0), addedByEcs.memoryMiB);
  return {
    cpuUnits: cpuUnits === void 0 ? void 0 : Math.floor(cpuUnits * own / shares2),
    memoryMiB: left(taskMemoryMiB(definition), limits)
  };
}

// shared/data-plane/ztunnel/task-definition/quotas.ts
var MAX_CONTAINERS = 10;
var MAX_DEFINITION_BYTES = 65536;
function definitionBytes(definition) {
  return Buffer.byteLength(JSON.stringify(definition));
}

// shared/data-plane/ztunnel/task-definition/inject.ts
var refuse = (refusal, detail) => ({ ok: false, refusal, detail });
function obstacle(definition) {
  const sidecar = findSidecar(definition);
  if (sidecar.kind === "foreign") return refuse("foreign-ztunnel", sidecar.why);
  if (!isSet(definition, "executionRoleArn")) return refuse("no-execution-role", "executionRoleArn is not set");
  const count2 = containersOf(definition).length;
  if (sidecar.kind === "none" && count2 >= MAX_CONTAINERS) return refuse("too-many-containers", `${count2} containers`);
  const cycle = findCycle(startDependencies(definition));
  return cycle === void 0 ? void 0 : refuse("dependency-cycle", cycle.join(" \u2192 "));
}
function inject(definition, spec) {
  const refusal = obstacle(definition);
  if (refusal !== void 0) return refusal;
  const injected = reconcileSidecar(definition, spec).definition;
  const bytes = definitionBytes(injected);
  if (bytes > MAX_DEFINITION_BYTES) return refuse("definition-too-large", `${bytes} bytes with the sidecar`);
  return { ok: true, definition: injected };
}

// shared/data-plane/ztunnel/task-definition/ports.ts
var ztunnelPorts = [
  { port: 15e3, use: "admin", udp: false },
  { port: 15001, use: "outbound", udp: false },
  { port: 15006, use: "inbound plaintext", udp: false },
  { port: 15008, use: "inbound HBONE", udp: false },
  { port: 15020, use: "metrics", udp: false },
  { port: 15021, use: "readiness", udp: false },
  { port: 15053, use: "DNS", udp: true },
  { port: 15080, use: "SOCKS5", udp: false }
];
function rangeOf(mapping) {
  const port = numberAt(mapping, "containerPort");
  if (port !== void 0) return [port, port];
  const range = /^(\d+)-(\d+)$/.exec(textAt(mapping, "containerPortRange") ?? "");
  return range === null ? void 0 : [Number(range[1]), Number(range[2])];
}
function applicationPorts(definition) {
  return otherContainers(definition).flatMap(
    (container) => objectsAt(container, "portMappings").flatMap((mapping) => {
      const range = rangeOf(mapping);
      if (range === void 0) return [];
      const protocol = textAt(mapping, "protocol") === "udp" ? "udp" : "tcp";
      const appProtocol = textAt(mapping, "appProtocol");
      return [{ container: nameOf4(container), protocol, first: range[0], last: range[1], appProtocol }];
    })
  );
}
function portCollisions(definition) {
  return applicationPorts(definition).flatMap(
    ({ container, protocol, first, last }) => ztunnelPorts.filter(({ port, udp }) => first <= port && port <= last && (protocol === "tcp" || udp)).map(({ port, use }) => ({ container, port, use }))
  );
}

// shared/data-plane/ztunnel/task-definition/remove.ts
function remove(definition) {
  const ztunnel = ztunnelOf(definition);
  const { kind } = findSidecar(definition);
  if (ztunnel === void 0 || kind === "none" || kind === "foreign") return definition;
  const added = addedBefore(ztunnel);
  const claims = claimsOf(ztunnel);
  const containerDefinitions = listAt(definition, "containerDefinitions").filter((container) => container !== ztunnel).map((container) => {
    if (!isJsonObject(container)) return container;
    const name = nameOf4(container);
    const ours2 = added.get(name) ?? { container: name };
    const bare = withoutProxyEnvironment(container, ours2, appendedTo(name, claims)).container;
    return withoutWait(bare, ours2);
  });
  return { ...definition, containerDefinitions };
}

// shared/data-plane/ztunnel/task-definition/reference-definitions.ts
var executionRoleArn = "arn:aws:iam::123456789012:role/reference";
var TOKEN = "BOOTSTRAP_TOKEN";
var SECRET = "arn:aws:secretsmanager:us-east-1:123456789012:secret:";
var awslogs2 = (options) => ({
  logDriver: "awslogs",
  options: { "awslogs-group": "/ecs/web", "awslogs-region": "us-east-1", ...options }
});
var firelens = { logDriver: "awsfirelens", options: { Name: "http" } };
var waits = (containerName, condition) => ({ containerName, condition });
var fargate = {
  executionRoleArn,
  requiresCompatibilities: ["FARGATE"],
  memory: "1024",
  containerDefinitions: [
    { name: "init", image: "init:1", essential: false, dependsOn: null, environment: null },
    {
      name: "web",
      image: "web:1",
      dependsOn: [waits("init", "SUCCESS")],
      environment: [{ name: "all_proxy", value: "http://proxy:3128" }],
      logConfiguration: awslogs2({
        "awslogs-stream-prefix": "web",
        "awslogs-datetime-format": "%Y",
        "awslogs-multiline-pattern": "^x",
        mode: "non-blocking"
      })
    },
    { name: "cache", image: "cache:1", dependsOn: [], secrets: [{ name: "NO_PROXY", valueFrom: "/no-proxy" }] }
  ]
};
var ec2 = {
  executionRoleArn,
  containerDefinitions: [{ name: "web", image: "web:1", memory: 128, environment: [] }]
};
var router = { name: "router", image: "fluent-bit:1", firelensConfiguration: { type: "fluentbit" } };
var logRouter = {
  executionRoleArn,
  memory: "1024",
  containerDefinitions: [
    { ...router, logConfiguration: awslogs2({}) },
    { name: "web", image: "web:1", logConfiguration: firelens }
  ]
};
var waitingRouter = {
  executionRoleArn,
  memory: "1024",
  containerDefinitions: [
    { name: "init", image: "init:1", essential: false },
    { ...router, dependsOn: [waits("init", "SUCCESS")], logConfiguration: awslogs2({}) },
    { name: "web", image: "web:1", logConfiguration: firelens }
  ]
};
var splunk = {
  logDriver: "splunk",
  options: { "splunk-url": "https://splunk:8088" },
  secretOptions: [{ name: "splunk-token", valueFrom: "/splunk" }]
};
var otherDriver = {
  executionRoleArn,
  cpu: "256",
  memory: "512",
  containerDefinitions: [{ name: "web", image: "web:1", cpu: 256, memory: 512, logConfiguration: splunk }]
};
var unlogged = {
  executionRoleArn,
  memory: "1024",
  containerDefinitions: [{ name: "web", image: "web:1", logConfiguration: { logDriver: "none" } }]
};
var token = (name) => ({ name: TOKEN, valueFrom: `${SECRET}${name}-AbCdEf` });
var labels = (added, others = {}) => ({
  "ztunnel-autopilot/added": added,
  ...others
});
var byIstioctl = {
  executionRoleArn,
  memory: "1024",
  containerDefinitions: [
    {
      name: "ztunnel",
      image: "ztunnel:1",
      cpu: 256,
      environment: [
        { name: TOKEN, value: "" },
        { name: "RUST_LOG", value: "info" }
      ],
      logConfiguration: { logDriver: "json-file" },
      dockerLabels: labels('[{"container":"web","env":["ALL_PROXY"]}]')
    },
    { name: "web", image: "web:1", dependsOn: [waits("ztunnel", "START")], logConfiguration: awslogs2({}) }
  ]
};
var byHand = {
  executionRoleArn,
  containerDefinitions: [
    { name: "init", image: "init:1", memory: 64, essential: false },
    {
      name: "ztunnel",
      image: "ztunnel:0",
      memory: 64,
      essential: false,
      secrets: [
        { name: "OTHER", valueFrom: "/other" },
        { ...token("team/token"), futureField: 1 }
      ],
      dependsOn: [waits("init", "SUCCESS")],
      healthCheck: { command: ["true"], timeout: 2, futureField: 1 },
      logConfiguration: { ...awslogs2({ "awslogs-group": "/ecs/ztunnel" }), secretOptions: [] },
      dockerLabels: labels('[{"container":"web","env":["NO_PROXY"]}]', { team: "web" })
    },
    { ...router, memory: 64, dependsOn: [waits("ztunnel", "HEALTHY")] },
    {
      name: "web",
      image: "web:1",
      memory: 64,
      dependsOn: [waits("ztunnel", "HEALTHY"), waits("ztunnel", "START"), waits("init", "SUCCESS")],
      logConfiguration: awslogs2({})
    }
  ]
};
var proxied = (...variables) => ({
  image: "web:1",
  memory: 64,
  dependsOn: [waits("ztunnel", "HEALTHY")],
  environment: variables.map(([name, value]) => ({ name, value }))
});
var ALL_PROXY = ["ALL_PROXY", "socks5h://127.0.0.1:15080"];
var NO_PROXY = ["NO_PROXY", "169.254.170.2,169.254.169.254,localhost,127.0.0.1"];
var ours = {
  executionRoleArn,
  containerDefinitions: [
    {
      name: "ztunnel",
      image: "ztunnel:0",
      secrets: [token("ztunnel-autopilot/a/b/c"), token("ztunnel-autopilot/a/b/c")],
      dockerLabels: labels(
        JSON.stringify([
          { container: "web", env: ["ALL_PROXY", "NO_PROXY"], environment: "absent" },
          { container: "job", env: ["ALL_PROXY"], environment: "null", dependsOn: "null" },
          { container: "api", env: ["ALL_PROXY"], dependsOn: "empty" },
          { container: "own", env: ["ALL_PROXY"] }
        ])
      )
    },
    { name: "web", ...proxied(ALL_PROXY, NO_PROXY) },
    { name: "job", ...proxied(ALL_PROXY) },
    { name: "api", ...proxied(ALL_PROXY, ["HOME", "/"]) },
    { name: "own", ...proxied(["ALL_PROXY", "http://proxy:3128"]) }
  ]
};
var adopted = {
  executionRoleArn,
  memory: "1024",
  containerDefinitions: [
    { name: "init", image: "init:1", essential: false },
    { ...router, dependsOn: [waits("init", "SUCCESS"), waits("ztunnel", "HEALTHY")] },
    {
      name: "ztunnel",
      image: "ztunnel:0",
      secrets: [token("team/token"), { name: "RUST_LOG", valueFrom: "/level" }],
      logConfiguration: { logDriver: "json-file" },
      dockerLabels: { "ztunnel-autopilot/set": "no JSON" }
    },
    { name: "web", image: "web:1" }
  ]
};
var ownLists2 = {
  executionRoleArn,
  memory: "1024",
  containerDefinitions: [
    {
      name: "ztunnel",
      image: "ztunnel:0",
      secrets: [token("ztunnel-autopilot/a/b/c")],
      dockerLabels: {
        "ztunnel-autopilot/set": JSON.stringify({
          "no-proxy.web.NO_PROXY": ",localhost",
          "no-proxy.job.NO_PROXY": ",localhost"
        })
      }
    },
    { name: "web", ...proxied(["NO_PROXY", "a,localhost"], ["no_proxy", ""]) },
    { name: "job", ...proxied(["NO_PROXY", "b"]) },
    { name: "api", ...proxied(["NO_PROXY", NO_PROXY[1]]) },
    { name: "closed", ...proxied(["NO_PROXY", "*"]) }
  ]
};
var relabelled = (label, claims, logConfiguration) => ({
  executionRoleArn,
  containerDefinitions: [
    {
      name: "ztunnel",
      image: "ztunnel:0",
      memoryReservation: 65536,
      secrets: [token("ztunnel-autopilot/a/b/c")],
      logConfiguration,
      dockerLabels: labels(label, { "ztunnel-autopilot/set": claims })
    },
    { name: "web", ...proxied(), logConfiguration: splunk }
  ]
});
var configured = (claims, logConfiguration) => ({
  executionRoleArn,
  memory: "1024",
  containerDefinitions: [
    {
      name: "ztunnel",
      image: "ztunnel:0",
      cpu: 64,
      memory: 256,
      memoryReservation: 128,
      user: "1000",
      environment: [{ name: "RUST_LOG", value: "debug" }],
      secrets: [token("ztunnel-autopilot/a/b/c")],
      logConfiguration,
      dockerLabels: { "ztunnel-autopilot/set": JSON.stringify(claims), team: "web" }
    },
    { name: "web", image: "web:1" }
  ]
});
var formerly = configured(
  {
    cpu: digestOf(64),
    memory: digestOf(256),
    memoryReservation: digestOf(128),
    user: digestOf("1000"),
    "environment.RUST_LOG": digestOf({ name: "RUST_LOG", value: "debug" }),
    logConfiguration: "splunk"
  },
  splunk
);
var changedSince = configured(
  { cpu: "other", memory: "other", memoryReservation: "other", user: "other", logConfiguration: "theirs" },
  awslogs2({ "awslogs-stream-prefix": "ztunnel" })
);
var referenceDefinitions = {
  fargate,
  ec2,
  logRouter,
  waitingRouter,
  otherDriver,
  unlogged,
  formerly,
  changedSince,
  adopted,
  ownLists: ownLists2,
  byIstioctl,
  byHand,
  ours,
  noJson: relabelled("no JSON", '{"cpu":1}', splunk),
  noLabel: relabelled("{}", "{}", null)
};

// shared/data-plane/ztunnel/task-definition/sidecar-settings.ts
var reference = (region) => ({
  image: "ztunnel:1",
  secretValueFrom: `arn:aws:secretsmanager:${region}:123456789012:secret:ztunnel-autopilot/a/b/c-AbCdEf:::${"0".repeat(64)}`
});
var REGION = "us-east-1";
function sidecarSettings(spec, build = inject) {
  const parts2 = {};
  const note = (found, ...where2) => {
    for (const { reason, container, member, value } of found) {
      const part = parts2[reason] ?? {};
      parts2[reason] = part;
      part[[...where2, container, member].join("/")] = value;
    }
  };
  for (const [name, definition] of Object.entries(referenceDefinitions)) {
    for (const proxyEnv of [false, true]) {
      const injection = build(definition, { ...spec, ...reference(REGION), proxyEnv });
      note(injection.ok ? partsOf2(injection.definition) : [refused(injection)], name, proxyEnv);
    }
  }
  for (const region of Object.keys(spec.logs ?? {})) {
    const injection = build(referenceDefinitions.unlogged, { ...spec, ...reference(region), proxyEnv: false });
    const found = injection.ok ? partsOf2(injection.definition) : [];
    note(
      found.filter(({ reason }) => reason === "log-configuration"),
      region
    );
  }
  return Object.fromEntries(
    Object.entries(parts2).map(([reason, part]) => [reason, sha256(canonicalJson(part)).slice(0, 16)])
  );
}
function partsOf2(definition) {
  const rest = without(definition, "containerDefinitions");
  return [
    { reason: "container-settings", container: "", member: "", value: rest },
    ...containersOf(definition).flatMap(
      (one) => Object.entries(one).map(([member, value]) => {
        const container = nameOf4(one);
        return { reason: reasonOf2(container, member), container, member, value };
      })
    )
  ];
}
function refused({ refusal }) {
  return { reason: "container-settings", container: "", member: "refusal", value: refusal };
}
function reasonOf2(container, member) {
  const reasons = container === ZTUNNEL ? ztunnelReasons : otherReasons;
  return reasons.get(member) ?? "container-settings";
}
var ztunnelReasons = new Map(
  Object.entries(corrections).flatMap(
    ([member, correction]) => correction === "kept" ? [] : [[member, correction.reason]]
  )
);
var otherReasons = /* @__PURE__ */ new Map([
  ["dependsOn", "dependency"],
  ["environment", "proxy-env"]
]);

// shared/enrollment/tag-values.ts
var LABEL = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;
var SUBDOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
var HOST_LABEL = /^[A-Za-z0-9]([-A-Za-z0-9]{0,61}[A-Za-z0-9])?$/;
var portProtocols = ["http", "http2", "https", "grpc", "grpc-web", "tcp", "tls", "mongo", "mysql", "redis"];
var namespaceCheck = (value) => LABEL.test(value) ? void 0 : "expected at most 63 lower-case letters, digits and hyphens";
var serviceAccountCheck = (value) => value.length <= 253 && SUBDOMAIN.test(value) ? void 0 : "expected at most 253 lower-case letters, digits, hyphens and dots";
var hostnameCheck = (value) => value.length <= 253 && value.split(".").every((label) => HOST_LABEL.test(label)) ? void 0 : "expected a DNS name";
var portsCheck = (value) => {
  const seen = /* @__PURE__ */ new Set();
  for (const pair of value.split("/")) {
    const [protocol = "", port = "", targetPort, ...rest] = pair.split(":");
    if (!portProtocols.includes(protocol)) return `expected protocol ${portProtocols.join(", ")}`;
    if (rest.length > 0 || !isPort(port) || targetPort !== void 0 && !isPort(targetPort)) {
      return "expected protocol:port[:targetPort] pairs joined by /, ports from 1 to 65535";
    }
    if (seen.has(port)) return `port ${port} is there twice`;
    seen.add(port);
  }
  return void 0;
};
function isPort(text3) {
  return /^[1-9]\d{0,4}$/.test(text3) && Number(text3) <= 65535;
}
function oneOf(...words2) {
  return (value) => words2.includes(value) ? void 0 : `expected ${words2.join(" or ")}`;
}
var alarmsCheck = (value) => value.split("+").every((name) => name.trim() !== "") ? void 0 : "expected names of CloudWatch alarms joined by +";
var imageCheck = (value) => imageSchema.safeParse(value).success ? void 0 : "expected an image reference";

// shared/enrollment/ports.ts
var PORTS_RULE = "1";
var SERVICE_PORT = 80;
function derivedPorts(definition) {
  const [first, ...others] = tcpPorts(definition);
  if (!first || first.first !== first.last || others.some((one) => one.first !== first.first || one.last !== first.last))
    return void 0;
  return `${protocolOf(first)}:${SERVICE_PORT}:${first.first}`;
}
function portsProblems(definition, tag) {
  const ports = tcpPorts(definition);
  const listed2 = ports.map(({ first, last }) => first === last ? `${first}` : `${first}-${last}`).join(", ");
  const [example] = ports;
  if (tag === void 0) {
    if (!example) return [];
    const value = `${protocolOf(example)}:${SERVICE_PORT}:${example.first}`;
    return [`Containers have the ports ${listed2}. Set the tag ecs.solo.io/ports, such as ${value}.`];
  }
  const missed = targetsOf2(tag).filter((port) => !ports.some(({ first, last }) => first <= port && port <= last));
  if (missed.length === 0) return [];
  const declared = listed2 === "" ? "no container has a TCP port" : `containers have ${listed2}`;
  return [`The tag ecs.solo.io/ports leads to ${missed.join(", ")}, and ${declared}.`];
}
function tcpPorts(definition) {
  return applicationPorts(definition).filter(({ protocol }) => protocol === "tcp");
}
function protocolOf({ appProtocol }) {
  return appProtocol !== void 0 && portProtocols.includes(appProtocol) ? appProtocol : "http";
}
function targetsOf2(tag) {
  return tag.split("/").map((pair) => {
    const [, port, target] = pair.split(":");
    return Number(target ?? port);
  }).filter(Number.isInteger);
}

// shared/enrollment/sidecar-spec.ts
function configuredSidecar({
  ztunnel
}) {
  const { image, imageParameter, allowedImages, ...sidecar } = ztunnel;
  return sidecar;
}
function sidecarSpec(desired, secretValueFrom, config) {
  const { image, request: request2 } = desired;
  return { ...configuredSidecar(config), image, secretValueFrom, proxyEnv: request2.proxyEnv };
}

// shared/enrollment/settings-hash.ts
var known2 = /* @__PURE__ */ new WeakMap();
function settingsHash(config, build = inject) {
  if (build !== inject) return hashOf(config, build);
  const hash2 = known2.get(config.ztunnel) ?? hashOf(config, build);
  known2.set(config.ztunnel, hash2);
  return hash2;
}
function hashOf(config, build) {
  return Object.entries({ ...sidecarSettings(configuredSidecar(config), build), ports: PORTS_RULE }).map(([reason, hash2]) => `${reason}=${hash2}`).sort().join(" ");
}
function changedSettings(from, to) {
  const [before, now] = [parse3(from), parse3(to)];
  return (reason) => before.get(reason) !== now.get(reason);
}
function parse3(hash2) {
  return new Map(
    hash2.split(" ").map((entry2) => {
      const [reason = "", part] = entry2.split("=");
      return [reason, part];
    })
  );
}

// shared/enrollment/definition.ts
function desiredDefinition(definition, desired, secretValueFrom, config) {
  return inject(registerable(definition.raw, definition.tags), sidecarSpec(desired, secretValueFrom, config));
}
function removedDefinition(definition) {
  return remove(registerable(definition.raw, definition.tags));
}
function comparableValueFrom(service, secret, observedValueFrom, secretArn) {
  if (secretArn !== void 0) return pinnedValueFrom(secretArn, secret.versionId);
  const { serviceArn, account, region } = service.ref;
  if (observedValueFrom !== void 0 && pinsVersion(service, secret, observedValueFrom)) return observedValueFrom;
  const partition = serviceArn.split(":")[1] ?? "aws";
  const arn = `arn:${partition}:secretsmanager:${region}:${account}:secret:${secret.secretName}-??????`;
  return pinnedValueFrom(arn, secret.versionId);
}
function stagePrefixOfToken(valueFrom) {
  return stagePrefixOf(parseValueFrom(valueFrom)?.secretName ?? "");
}
function pinsVersion({ ref }, secret, valueFrom) {
  const pinned = parseValueFrom(valueFrom);
  return pinned !== void 0 && pinned.account === ref.account && pinned.region === ref.region && pinned.secretName === secret.secretName && pinned.versionId === secret.versionId && pinned.stage === void 0 && pinned.jsonKey === void 0;
}
function contentHash(desired, config, build) {
  if (desired === "removed") return sha256("removed");
  const { identity, secret, image, executionRoleArn: executionRoleArn2, request: request2 } = desired;
  return sha256(
    canonicalJson({
      identity: { ...identity },
      secret: { ...secret },
      image,
      executionRoleArn: executionRoleArn2,
      proxyEnv: request2.proxyEnv,
      settings: settingsHash(config, build)
    })
  );
}
function desiredContent(decision, config) {
  return contentHash(decision.action === "unenroll" ? "removed" : decision.desired, config);
}

// shared/enrollment/desired.ts
function rolesOf(service, definition) {
  const partition = service.ref.serviceArn.split(":")[1] ?? "aws";
  const arnOf = (role) => {
    if (!role || role.startsWith("arn:")) return role || void 0;
    return `arn:${partition}:iam::${service.ref.account}:role/${role}`;
  };
  return {
    taskRoleArn: arnOf(textAt(definition.raw, "taskRoleArn")),
    executionRoleArn: arnOf(textAt(definition.raw, "executionRoleArn"))
  };
}
function provingRole({ taskRoleArn, executionRoleArn: executionRoleArn2 }, { identityRole }) {
  return identityRole === "execution" && sameRole(taskRoleArn, executionRoleArn2) ? executionRoleArn2 : taskRoleArn;
}
function desiredToken(request2, facts) {
  return {
    url: facts.istiodUrl,
    caCert: parseBundle(facts.rootCaPem).pem,
    namespace: request2.namespace,
    serviceAccount: request2.serviceAccount,
    platform: request2.platform,
    network: facts.network,
    remote: request2.external
  };
}
function desiredSecret(request2, facts, prefix) {
  const token2 = desiredToken(request2, facts);
  return { secretName: secretName(token2, prefix), versionId: versionIdOf(token2) };
}
function desiredImage(wanted) {
  const { tagged: tagged2, rollout: rollout3, given, fleet, config } = wanted;
  const own = given !== void 0 && given.assignedAtMs > (fleet?.assignedAtMs ?? -1) ? given.image : void 0;
  return tagged2 ?? rollout3?.image ?? own ?? fleet?.image ?? config.ztunnel.image;
}
function desiredEnrollment(input) {
  const { service, definition, request: request2, facts, image, config } = input;
  const { taskRoleArn, executionRoleArn: executionRoleArn2 } = rolesOf(service, definition);
  if (!taskRoleArn || !executionRoleArn2) {
    throw new AutopilotError("unexpected-error", `${definition.taskDefinitionArn} lacks a role.`);
  }
  const { namespace, serviceAccount } = request2;
  return {
    identity: { namespace, serviceAccount, roleArn: provingRole({ taskRoleArn, executionRoleArn: executionRoleArn2 }, config) },
    request: request2,
    secret: desiredSecret(request2, facts, config.keys.prefix),
    image,
    executionRoleArn: executionRoleArn2,
    missingTags: missingTags(service.tags, request2, definition)
  };
}
function missingTags(serviceTags, request2, { raw }) {
  const ports = request2.ports ?? derivedPorts(raw);
  const wanted = {
    [tagKeys.namespace]: request2.namespace,
    [tagKeys.serviceAccount]: request2.serviceAccount,
    ...ports !== void 0 && { [tagKeys.ports]: ports }
  };
  return Object.fromEntries(Object.entries(wanted).filter(([key, value]) => serviceTags[key] !== value));
}

// shared/enrollment/families.ts
var MOST_NAMED = 3;
function familyOf(taskDefinitionArn) {
  return taskDefinitionArn.replace(/^.*\//, "").replace(/:\d+$/, "");
}
function familyRefusal({ family, services: services2, newer }, { policy }) {
  if (policy.sharedFamilies || services2.length === 0 && newer === void 0) return void 0;
  const users = services2.slice(0, MOST_NAMED).join(", ");
  const detail = services2.length > 0 ? `${family} is also that of ${users}.` : `${newer?.split("/").at(-1)} is newer.`;
  return { reason: "shared-family", detail };
}
function knownFamilyRefusals({ taskDefinitionArn }, state, config) {
  const known3 = state?.sharedFamily;
  if (known3?.family !== familyOf(taskDefinitionArn)) return [];
  const { newer, ...others } = known3;
  const isNewer = newer !== void 0 && revisionOf(newer) > revisionOf(taskDefinitionArn);
  const refusal = familyRefusal({ ...others, ...isNewer && { newer } }, config);
  return refusal ? [refusal] : [];
}
function newerRevision(latest, { taskDefinitionArn }) {
  if (!latest || revisionOf(latest.taskDefinitionArn) <= revisionOf(taskDefinitionArn)) return void 0;
  return findSidecar(latest.raw).kind === "ours" ? void 0 : latest.taskDefinitionArn;
}
function sharedFamily({ taskDefinitionArn }, { services: services2, newer }) {
  if (services2.length === 0 && newer === void 0) return void 0;
  return { family: familyOf(taskDefinitionArn), services: services2, ...newer !== void 0 && { newer } };
}
var FamilyUsers = class {
  #byFamily = /* @__PURE__ */ new Map();
  see({ ref, status, taskDefinitionArn }) {
    if (status !== "ACTIVE") return;
    const family = familyOf(taskDefinitionArn);
    const users = this.#byFamily.get(family) ?? [];
    this.#byFamily.set(family, users);
    if (users.length <= MOST_NAMED) users.push(nameOf5({ ref }));
  }
  /** Some of the other services that have the service's family, as `cluster/service`. */
  othersOf({ ref, taskDefinitionArn }) {
    const users = this.#byFamily.get(familyOf(taskDefinitionArn)) ?? [];
    return users.filter((name) => name !== nameOf5({ ref })).slice(0, MOST_NAMED).sort();
  }
};
function nameOf5({ ref }) {
  return `${ref.clusterName}/${ref.serviceName}`;
}
function revisionOf(taskDefinitionArn) {
  return Number(taskDefinitionArn.split(":").at(-1));
}

// shared/enrollment/mesh-names.ts
var SUBDOMAIN2 = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
var LABEL_VALUE2 = /^[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$/;
var HOST_PART = /^[A-Za-z0-9]([-A-Za-z0-9]*[A-Za-z0-9])?$/;
var ANOTHER_HOSTNAME = "set another one by the tag ecs.solo.io/hostname";
var MAX_NAME_LENGTH = 253;
var MAX_LABEL_LENGTH = 63;
var TASK_ID = "0".repeat(32);
function meshNameProblems({ ref, hostname }) {
  const { account, region, clusterName, serviceName: serviceName2 } = ref;
  return [
    ...objectName(`Cluster ${clusterName}`, clusterName, `ecs-task-${account}-${region}-${clusterName}-${TASK_ID}`),
    ...objectName(`Service ${serviceName2}`, serviceName2, serviceName2),
    ...labelValue(`Service ${serviceName2}`, serviceName2, "the service needs a shorter or another name"),
    ...labelValue(`Hostname ${hostname}`, hostname, ANOTHER_HOSTNAME),
    ...hostParts(hostname)
  ];
}
function hostParts(hostname) {
  const wrong = hostname.split(".").find((part) => !HOST_PART.test(part));
  if (wrong === void 0 || !LABEL_VALUE2.test(hostname)) return [];
  return [
    `Hostname ${hostname}: its part ${wrong} does not begin and end with a letter or digit; ${ANOTHER_HOSTNAME}.`
  ];
}
function objectName(what, part, name) {
  if (name.length > MAX_NAME_LENGTH) {
    return [`${what}: ${name.length} characters in an object's name, Kubernetes allows ${MAX_NAME_LENGTH}.`];
  }
  if (SUBDOMAIN2.test(name)) return [];
  const wrong = /[A-Z]/.test(part) ? "upper-case letters" : part.includes("_") ? "underscores" : "a hyphen at an end";
  return [`${what}: ${wrong} in an object's name, Kubernetes allows lower-case letters, digits and inner hyphens.`];
}
function labelValue(what, value, fix) {
  if (value.length > MAX_LABEL_LENGTH) {
    return [`${what}: ${value.length} characters in a label, Kubernetes allows ${MAX_LABEL_LENGTH}; ${fix}.`];
  }
  if (LABEL_VALUE2.test(value)) return [];
  return [`${what}: a label's value begins and ends with a letter or a digit; ${fix}.`];
}

// shared/enrollment/refusals-of.ts
function serviceRefusals(service) {
  const found = [];
  if (service.status !== "ACTIVE") found.push({ reason: "service-not-active", detail: `It is ${service.status}.` });
  if (service.deploymentController !== "ECS") {
    found.push({ reason: "deployment-controller", detail: `The controller is ${service.deploymentController}.` });
  }
  return found;
}
function enrollRefusals(service, definition, config) {
  const { raw } = definition;
  const { account, region } = service.ref;
  const found = [];
  if (!controlPlaneFor(config, service.ref))
    found.push({ reason: "no-control-plane", detail: `${account}, ${region}` });
  const windows = windowsOf(service, raw);
  if (windows) found.push({ reason: "windows", detail: windows });
  const networkMode = textAt(raw, "networkMode") ?? "bridge";
  if (networkMode !== "awsvpc") found.push({ reason: "network-mode", detail: `The network mode is ${networkMode}.` });
  if (isSet(raw, "proxyConfiguration")) {
    const container = textAt(objectAt(raw, "proxyConfiguration"), "containerName") ?? "of no name";
    found.push({ reason: "app-mesh", detail: `The proxy is container ${container}.` });
  }
  if (isOldPlatform(service)) {
    found.push({ reason: "platform-version", detail: `It is ${service.platformVersion ?? ""}.` });
  }
  return [...found, ...roleObstacles(service, definition, config), ...deploymentObstacles(service)];
}
function windowsOf({ placementExpressions }, raw) {
  const family = textAt(objectAt(raw, "runtimePlatform"), "operatingSystemFamily") ?? "LINUX";
  if (family.startsWith("WINDOWS")) return family;
  const ofDefinition = objectsAt(raw, "placementConstraints").flatMap((one) => textAt(one, "expression") ?? []);
  return [...placementExpressions, ...ofDefinition].find(asksForWindows);
}
function asksForWindows(expression) {
  if (/!|\|\||\b(not|or)\b/i.test(expression)) return false;
  return /attribute:ecs\.os-(type|family)\s*(==|=~|in)\s*\[?\s*["']?windows/i.test(expression);
}
function deploymentObstacles(service) {
  const found = [];
  if (service.resourceManagement === "ECS") {
    found.push({ reason: "express-mode", detail: "Its resourceManagementType is ECS." });
  }
  const { desiredCount, deploymentPercents, deploymentStrategy } = service;
  if (deploymentStrategy === "ROLLING" && desiredCount > 0 && !hasRoom(service)) {
    const { minimumHealthy, maximum } = deploymentPercents;
    const detail = `${desiredCount} tasks, minimumHealthyPercent ${minimumHealthy}, maximumPercent ${maximum}.`;
    found.push({ reason: "no-deployment-room", detail });
  }
  return found;
}
function hasRoom({ desiredCount, deploymentPercents, schedulingStrategy }) {
  const atLeast = Math.ceil(desiredCount * deploymentPercents.minimumHealthy / 100);
  const atMost = Math.floor(desiredCount * deploymentPercents.maximum / 100);
  return atLeast < desiredCount || schedulingStrategy !== "DAEMON" && atMost > desiredCount;
}
function requestRefusals({ ref }, { hostname }, { policy }) {
  if (policy.nameRules === "warn") return [];
  return meshNameProblems({ ref, hostname }).map((detail) => ({ reason: "mesh-name", detail }));
}
function platformRefusals({ platform }, { keys }) {
  return platform === "ecs-ec2" ? [{ reason: "node-daemon", detail: `${keys.tags.platform} is ecs-ec2.` }] : [];
}
function roleObstacles(service, definition, { identityRole }) {
  const { taskRoleArn, executionRoleArn: executionRoleArn2 } = rolesOf(service, definition);
  const detail = definition.taskDefinitionArn;
  const found = [];
  if (!taskRoleArn) found.push({ reason: "no-task-role", detail });
  if (!executionRoleArn2) found.push({ reason: "no-execution-role", detail });
  if (identityRole === "execution" && taskRoleArn && executionRoleArn2 && !sameRole(taskRoleArn, executionRoleArn2)) {
    found.push({ reason: "roles-differ", detail: `${taskRoleArn} and ${executionRoleArn2}` });
  }
  const foreign = Object.entries({ taskRoleArn, executionRoleArn: executionRoleArn2 }).filter(
    ([, role]) => role !== void 0 && !isReaderOf(service.ref.account, role)
  );
  if (foreign.length > 0) {
    found.push({ reason: "foreign-role", detail: foreign.map(([member, role]) => `${member}: ${role}`).join(", ") });
  }
  return found;
}
function sidecarRefusals(registerable2, spec) {
  const collisions = portCollisions(registerable2).map(
    ({ container, port, use }) => ({
      reason: "port-collision",
      detail: `Container ${container} uses port ${port} (ztunnel: ${use}).`
    })
  );
  const withRole = isSet(registerable2, "executionRoleArn") ? registerable2 : { ...registerable2, executionRoleArn: "arn:aws:iam::000000000000:role/none" };
  const trial = inject(withRole, spec);
  return trial.ok ? collisions : [{ reason: trial.refusal, detail: trial.detail }, ...collisions];
}
function imageRefusals(image, { ztunnel }) {
  if (image === void 0 || isAllowedImage(image, ztunnel)) return [];
  return [{ reason: "image-not-allowed", detail: image }];
}
function namespaceRefusals(namespace, allowedNamespaces) {
  const allowed = allowedNamespaces.some(
    (pattern2) => pattern2.endsWith("*") ? namespace.startsWith(pattern2.slice(0, -1)) : namespace === pattern2
  );
  return allowed && !isSystemNamespace(namespace) ? [] : [{ reason: "namespace-not-allowed", detail: `The namespace is ${namespace}.` }];
}
function identityRefusal(bindings, identity) {
  const { namespace, serviceAccount, roleArn: roleArn2 } = identity;
  const other = bindings.find((binding) => !sameRole(binding.roleArn, roleArn2));
  if (!other) return void 0;
  return {
    reason: "identity-conflict",
    detail: `${namespace}/${serviceAccount} is bound to ${other.roleArn} by ${other.annotation}, the service has ${roleArn2}.`
  };
}
function isOldPlatform({ launchType, platformVersion }) {
  if (launchType === "EC2" || launchType === "EXTERNAL") return false;
  const [, major, minor] = /^(\d+)\.(\d+)/.exec(platformVersion ?? "") ?? [];
  if (major === void 0 || minor === void 0) return false;
  return Number(major) < 1 || Number(major) === 1 && Number(minor) < 4;
}

// shared/enrollment/rollout-deferral.ts
var comesOfSettings = {
  "sidecar-missing": false,
  image: false,
  token: false,
  "token-in-plain-text": false,
  "health-check": true,
  "log-configuration": true,
  "container-settings": true,
  dependency: true,
  "proxy-env": true,
  identity: false,
  ports: true,
  discovery: false,
  "propagate-tags": false,
  "task-tags": false,
  binding: false,
  secret: false,
  readers: false
};
function immediateDrift(drift2, wanted) {
  const settings = settingsHash(wanted.config);
  const hasChanged = changedSettings(wanted.fleet.settings ?? settings, settings);
  return drift2.filter((reason) => {
    if (reason === "token") return !pinsOlder(wanted) && !(hasChanged(reason) && pinsNewest(wanted));
    return !comesOfSettings[reason] || !hasChanged(reason);
  });
}
function pinsOlder({ service, request: request2, valueFrom, older }) {
  if (valueFrom === void 0) return false;
  return older.some(
    ({ facts }) => pinsVersion(service, desiredSecret(request2, facts, stagePrefixOfToken(valueFrom)), valueFrom)
  );
}
function pinsNewest({ service, secret, valueFrom }) {
  return valueFrom !== void 0 && pinsVersion(service, secret, valueFrom);
}

// shared/base/nearest.ts
import { distance } from "fastest-levenshtein";
function nearest(text3, known3, compared = (whole2) => whole2) {
  const { length } = compared(text3);
  const edits = Math.min(Math.max(2, length / 3), length / 2);
  return known3.map((one) => ({ one, distance: distance(compared(text3), compared(one)) })).filter((candidate) => candidate.distance <= edits).sort((a, b) => a.distance - b.distance)[0]?.one;
}

// shared/enrollment/tags.ts
var checks = {
  namespace: namespaceCheck,
  serviceAccount: serviceAccountCheck,
  hostname: hostnameCheck,
  ports: portsCheck,
  platform: oneOf("ecs", "ecs-ec2"),
  external: oneOf("true", "false"),
  proxyEnv: oneOf("true", "false"),
  image: imageCheck,
  wave: oneOf("canary"),
  alarms: alarmsCheck
};
function effectiveTags(serviceTags, clusterTags, { prefix } = commonKeys) {
  const { [tagKeys.hostname]: _, ...defaults } = clusterTags;
  const ours2 = Object.entries({ ...defaults, ...serviceTags }).filter(
    ([key]) => key.startsWith(prefix) || key.startsWith(ISTIOD_TAG_PREFIX)
  );
  return Object.fromEntries(ours2);
}
function alarmNames(value) {
  const names2 = (value ?? "").split("+").flatMap((name) => name.trim() || []);
  return names2.length > 0 ? names2 : void 0;
}
function enrollIntent(serviceTags, clusterTags, enrollTagKey) {
  const value = serviceTags[enrollTagKey] ?? clusterTags[enrollTagKey];
  if (value === void 0) return "absent";
  if (value === "true") return "in";
  if (value === "false") return "out";
  return { bad: badTag(enrollTagKey, value, "expected true or false") };
}
function asksToLeave(serviceTags, clusterTags, enrollTagKey, keys = commonKeys) {
  const intent = enrollIntent(serviceTags, clusterTags, enrollTagKey);
  if (intent !== "absent") return intent === "out";
  return unknownTags(effectiveTags(serviceTags, clusterTags, keys), enrollTagKey, keys).length === 0;
}
function soundTags(tags, enrollTagKey, keys = commonKeys) {
  return Object.fromEntries(
    Object.entries(tags).filter(
      ([key, value]) => unknownTags({ [key]: value }, enrollTagKey, keys).length === 0 && badValues({ [key]: value }, keys).length === 0
    )
  );
}
function sharedHostname(serviceTags, clusterTags) {
  const value = clusterTags[tagKeys.hostname];
  if (value === void 0 || serviceTags[tagKeys.hostname] !== void 0) return [];
  const problem = "it is on the cluster, where it means nothing to istiod; tag the service";
  return [badTag(tagKeys.hostname, value, problem)];
}
function parseRequest(tags, defaults) {
  const { keys = commonKeys } = defaults;
  const [first, ...others] = [...badValues(tags, keys), ...unknownTags(tags, defaults.enrollTagKey, keys)];
  if (first) return { refusals: [first, ...others] };
  const { clusterName, serviceName: serviceName2, domain } = defaults;
  const { tags: own } = keys;
  return {
    ok: {
      namespace: tags[own.namespace] ?? "istio-system",
      serviceAccount: tags[own.serviceAccount] ?? "default",
      hostname: tags[own.hostname] ?? `${serviceName2}.${clusterName}.${domain}`,
      ports: tags[own.ports],
      platform: tags[own.platform] === "ecs-ec2" ? "ecs-ec2" : "ecs",
      external: tags[own.external] !== "false",
      proxyEnv: tags[own.proxyEnv] === "true",
      image: tags[own.image],
      canary: tags[own.wave] === "canary"
    }
  };
}
function unknownTags(tags, enrollTagKey, { prefix, tags: keys } = commonKeys) {
  const known3 = [enrollTagKey, ...Object.values(keys)];
  return Object.keys(tags).filter((key) => key.startsWith(prefix) && !known3.includes(key)).map((key) => {
    const meant = nearest(key, known3, nameIn);
    return {
      reason: "bad-tag",
      detail: `${quote(key)} is not a known tag${meant ? `, did you mean ${meant}?` : ""}`
    };
  });
}
function badValues(tags, { tags: keys }) {
  const byKey = tagNames.map((name) => [keys[name], checks[name]]);
  return byKey.flatMap(([key, check2]) => {
    const value = tags[key];
    const problem = value === void 0 ? void 0 : check2(value);
    return value === void 0 || problem === void 0 ? [] : [badTag(key, value, problem)];
  });
}
function badTag(key, value, problem) {
  return { reason: "bad-tag", detail: `${key} is ${quote(value)}: ${problem}` };
}
function quote(text3) {
  return JSON.stringify(text3.length > 100 ? `${text3.slice(0, 99)}\u2026` : text3);
}
function nameIn(key) {
  return key.slice(key.indexOf("/") + 1);
}

// shared/enrollment/wish.ts
function ownSidecar(definition, { prefix }) {
  const sidecar = findSidecar(definition);
  if (sidecar.kind !== "ours" || stagePrefixOfToken(sidecar.secretValueFrom) === prefix) return sidecar;
  return { ...sidecar, kind: "by-hand" };
}
function isInMesh({ state }, sidecar) {
  return sidecar.kind === "ours" || state?.enrolled === true;
}
function runningOf(observed, sidecar) {
  if (!isInMesh(observed, sidecar)) return void 0;
  const valueFrom = sidecar.kind === "ours" ? sidecar.secretValueFrom : observed.state?.lastGoodSecret;
  const identity = tokenIdentityOf(valueFrom);
  return identity && { ...identity, image: sidecar.kind === "ours" ? sidecar.image : observed.state?.lastGoodImage };
}
function tokenIdentityOf(valueFrom) {
  const scope = tokenScopeOf(parseValueFrom(valueFrom ?? "")?.secretName ?? "");
  if (!scope) return void 0;
  const { remote: external, ...identity } = scope;
  return { ...identity, external };
}
function hasProxyEnv({ definition, config }, { image }) {
  if (image === void 0) return false;
  const spec = sidecarSpec({ image, request: { proxyEnv: true } }, "", config);
  return !driftOf(registerable(definition.raw, definition.tags), spec).includes("proxy-env");
}
function wishOf(observed, running, mistakes) {
  const { service, clusterTags, config } = observed;
  const asked = requestOf(observed);
  const refusals2 = [
    ...mistakes,
    ...sharedHostname(service.tags, clusterTags),
    ..."refusals" in asked ? asked.refusals.filter((one) => !isAmong(mistakes, one)) : refusedOf(asked.ok, config)
  ];
  const canBeKept = running && refusals2.every(({ reason }) => refusedWishes.includes(reason));
  if (refusals2.length === 0 || !canBeKept) {
    return { request: "ok" in asked ? asked.ok : void 0, refusals: refusals2, kept: [], keepsIdentity: false };
  }
  return { ...instead(observed, running, mistakes), refusals: [], kept: refusals2 };
}
function isAmong(refusals2, { reason, detail }) {
  return refusals2.some((one) => one.reason === reason && one.detail === detail);
}
function requestOf(tagged2) {
  return parseRequest(askingTags(tagged2), defaultsOf(tagged2.service, tagged2.config));
}
function askingTags({ service, clusterTags, state, config }) {
  const { [tagKeys.ports]: ports, ...others } = service.tags;
  const isGiven = ports !== void 0 && ports === state?.givenPorts;
  return effectiveTags(isGiven ? others : service.tags, clusterTags, config.keys);
}
function defaultsOf({ ref }, config) {
  const { account, region, clusterName, serviceName: serviceName2 } = ref;
  const target = targetsOf(config).find((one) => one.account === account && one.region === region);
  return {
    clusterName,
    serviceName: serviceName2,
    domain: target?.domain ?? "",
    enrollTagKey: config.enrollTagKey,
    keys: config.keys
  };
}
function refusedOf(request2, config) {
  return [
    ...platformRefusals(request2, config),
    ...namespaceRefusals(request2.namespace, config.allowedNamespaces),
    ...imageRefusals(request2.image, config)
  ];
}
var identityTags = ["namespace", "serviceAccount", "platform", "external"];
function instead(observed, running, mistakes) {
  const { service, config, rollout: rollout3 } = observed;
  const tags = askingTags(observed);
  const sound = soundTags(tags, config.enrollTagKey, config.keys);
  const parsed4 = parseRequest(sound, defaultsOf(service, config));
  if ("refusals" in parsed4) throw new Error("sound tags were refused");
  const request2 = parsed4.ok;
  const { tags: keys } = config.keys;
  const lost = (name) => tags[keys[name]] !== void 0 && sound[keys[name]] === void 0;
  const keepsIdentity = mistakes.length > 0 || identityTags.some(lost) || platformRefusals(request2, config).length > 0 || namespaceRefusals(request2.namespace, config.allowedNamespaces).length > 0;
  const { namespace, serviceAccount, platform, external } = running;
  const isImageRefused = lost("image") || imageRefusals(request2.image, config).length > 0;
  const keepsImage = running.image === tags[keys.image] || rollout3?.image === void 0;
  const kept2 = {
    ...request2,
    ...keepsIdentity && { namespace, serviceAccount, platform, external },
    ...lost("proxyEnv") && { proxyEnv: hasProxyEnv(observed, running) },
    // A tag of people stays as it is.
    ...lost("ports") && { ports: service.tags[tagKeys.ports] },
    ...isImageRefused && { image: keepsImage ? running.image : void 0 }
  };
  return { request: kept2, keepsIdentity };
}

// shared/enrollment/task-tags.ts
var taskKeys = [tagKeys.namespace, tagKeys.serviceAccount, tagKeys.hostname, tagKeys.ports];
function taskTagsMark(service) {
  const primary = service.deployments.find(({ status }) => status === "PRIMARY");
  if (primary?.rolloutState !== "COMPLETED" || primary.runningCount === 0) return void 0;
  if (primary.runningCount < service.desiredCount) return void 0;
  if (service.propagateTags !== "SERVICE") return void 0;
  return sha256(JSON.stringify([primary.id, taskKeys.map((key) => service.tags[key] ?? null)])).slice(0, 16);
}
function needsTaskTags(service, state, { policy }) {
  const mark = taskTagsMark(service);
  return policy.propagateTags && mark !== void 0 && state?.enrolled === true && state.taskTags !== mark;
}
function wantedTaskTags({ tags }, { raw }) {
  const sidecar = findSidecar(raw);
  return taskTagsOf(tags, sidecar.kind === "ours" ? sidecar.secretValueFrom : void 0);
}
function taskTagsOf(tags, valueFrom) {
  const identity = tokenIdentityOf(valueFrom);
  const wanted = {
    ...tags,
    ...identity && {
      [tagKeys.namespace]: identity.namespace,
      [tagKeys.serviceAccount]: identity.serviceAccount
    }
  };
  return Object.fromEntries(taskKeys.flatMap((key) => wanted[key] === void 0 ? [] : [[key, wanted[key]]]));
}
function taskTagsKey(service, definition) {
  return sha256(canonicalJson(wantedTaskTags(service, definition))).slice(0, 16);
}
function staleTasks(tasks, wanted) {
  return tasks.filter(({ tags }) => taskKeys.some((key) => tags[key] !== wanted[key]));
}
function staleWords(tasks, service, definition) {
  if (tasks === void 0 || tasks === "stale") return tasks && "Its tasks.";
  const stale = staleTasks(tasks, wantedTaskTags(service, definition)).length;
  return stale === 0 ? void 0 : `${stale} of ${tasks.length} running tasks.`;
}
function surplusTaskKeys({ tags }, wanted) {
  return taskKeys.filter((key) => tags[key] !== void 0 && wanted[key] === void 0);
}

// shared/enrollment/version-skew.ts
function versionSkew(image, istiodVersion) {
  const ztunnel = minorVersion(image.replace(/@.*$/, "").match(/:([^/:]+)$/)?.[1]);
  const istiod = minorVersion(istiodVersion);
  if (ztunnel === void 0 || istiod === void 0 || ztunnel.text === istiod.text) return void 0;
  const isNewer = ztunnel.major > istiod.major || ztunnel.major === istiod.major && ztunnel.minor > istiod.minor;
  return { ztunnel: ztunnel.text, istiod: istiod.text, isNewer };
}
function refusedSkew(image, istiodVersion, { policy }) {
  const skew = policy.versionSkew === "refuse" ? versionSkew(image, istiodVersion) : void 0;
  return skew?.isNewer ? skew : void 0;
}
function skewRefusals(image, facts, config) {
  const skew = refusedSkew(image, facts?.istiodVersion, config);
  return skew ? [{ reason: "version-skew", detail: `${wordsOf(skew)} The image is ${image}.` }] : [];
}
function skewWarnings(image, { istiodVersion }) {
  const skew = versionSkew(image, istiodVersion);
  return skew ? [{ code: "version-skew", detail: wordsOf(skew) }] : [];
}
function wordsOf({ ztunnel, istiod }) {
  return `ztunnel ${ztunnel}, istiod ${istiod}.`;
}
function minorVersion(version2) {
  const [, major, minor] = version2?.match(/^v?(\d+)\.(\d+)(?:\D|$)/) ?? [];
  if (major === void 0 || minor === void 0) return void 0;
  return { text: `${Number(major)}.${Number(minor)}`, major: Number(major), minor: Number(minor) };
}

// shared/enrollment/warnings-of.ts
function warningsOf(input) {
  const { service, definition, request: request2, facts, spec, config } = input;
  const sidecar = sidecarIn(definition.raw, spec);
  return [
    ...nameWarnings(service, request2, config),
    ...headroomWarnings(definition, sidecar, service, config),
    ...proxyWarnings(definition, request2),
    ...isSet(sidecar, "logConfiguration") ? [] : [{ code: "no-log", detail: `ztunnel.logs has no log group for ${service.ref.region}.` }],
    ...deploymentWarnings(service),
    ...portsProblems(definition.raw, request2.ports ?? derivedPorts(definition.raw)).map(
      (detail) => ({ code: "ports", detail })
    ),
    ...service.usesServiceConnect ? [{ code: "service-connect", detail: "Calls by Service Connect's names bypass ztunnel." }] : [],
    ...skewWarnings(spec.image, facts)
  ];
}
function proxyWarnings({ raw }, { proxyEnv }) {
  const problems = proxyEnv ? proxyProblemsIn(raw) : [];
  return problems.length > 0 ? [{ code: "proxy-env", detail: problems.join(" ") }] : [];
}
function keptWarning({ reason, detail }) {
  return { code: "kept", detail: `${reason}: ${detail}` };
}
function nameWarnings({ ref }, { hostname }, { policy }) {
  if (policy.nameRules !== "warn") return [];
  return meshNameProblems({ ref, hostname }).map((detail) => ({ code: "mesh-name", detail }));
}
var SERVICE_CONNECT_PROXY = { cpuUnits: 256, memoryMiB: 64 };
function headroomWarnings({ raw }, sidecar, { usesServiceConnect }, { policy }) {
  const { cpuUnits, memoryMiB } = headroom(raw, usesServiceConnect ? SERVICE_CONNECT_PROXY : void 0, sidecar);
  const left = [];
  if (cpuUnits !== void 0 && cpuUnits < policy.minHeadroom.cpuUnits) left.push(`${cpuUnits} CPU units under load`);
  if (memoryMiB !== void 0 && memoryMiB < policy.minHeadroom.memoryMiB) left.push(`${memoryMiB} MiB of memory`);
  return left.length > 0 ? [{ code: "headroom", detail: `Left for ztunnel: ${left.join(" and ")}.` }] : [];
}
function deploymentWarnings({
  deploymentStrategy,
  hasPauseHook,
  strategyMinutes: strategyMinutes2
}) {
  const causes = [
    ...deploymentStrategy === "ROLLING" ? [] : [`strategy ${deploymentStrategy}`],
    ...hasPauseHook ? ["a pause hook"] : []
  ];
  if (causes.length === 0) return [];
  const detail = `The service has ${causes.join(" and ")}: up to ${strategyMinutes2} minutes more.`;
  return [{ code: "slow-deployment", detail }];
}

// shared/enrollment/decide.ts
function decide(observed) {
  const { service, clusterTags, definition, config } = observed;
  assertComplete(observed);
  const intent = enrollIntent(service.tags, clusterTags, config.enrollTagKey);
  const sidecar = ownSidecar(definition.raw, config.keys);
  if (observed.rollout?.leave) return hasZtunnel(sidecar) ? decideUnenroll(service, "fleet-unenrolled") : notEnrolled;
  if (typeof intent === "object") return decideMistaken(observed, sidecar, [intent.bad]);
  switch (intent) {
    case "in":
      return decideTagged(observed, sidecar);
    case "out":
      return hasZtunnel(sidecar) ? decideUnenroll(service, "tag-false") : notEnrolled;
    case "absent":
      return decideUntagged(observed, sidecar);
  }
}
function decideTagged(observed, sidecar, mistakes = []) {
  if (observed.fleet.unenrolledBy && !observed.rollout)
    return { action: "none", reason: "fleet-unenrolled", warnings: [], repairs: [] };
  return decideEnrolled(observed, sidecar, mistakes);
}
function decideMistaken(observed, sidecar, mistakes) {
  if (runningOf(observed, sidecar)) return decideTagged(observed, sidecar, mistakes);
  return refuse2(mistakes) ?? notEnrolled;
}
var notEnrolled = { action: "none", reason: "not-enrolled", warnings: [], repairs: [] };
function assertComplete({ service, definition }) {
  if (containersOf(definition.raw).length === 0) {
    throw new AutopilotError("task-definition-not-found", `${definition.taskDefinitionArn} has no containers.`);
  }
  if (definition.taskDefinitionArn !== service.taskDefinitionArn) {
    throw new AutopilotError("task-definition-not-found", `${service.taskDefinitionArn} was not what was described.`);
  }
}
function decideUntagged(observed, sidecar) {
  const { service, clusterTags, config } = observed;
  const typos = unknownTags(effectiveTags(service.tags, clusterTags, config.keys), config.enrollTagKey, config.keys);
  if (typos.length > 0) return decideMistaken(observed, sidecar, typos);
  return sidecar.kind === "ours" ? decideUnenroll(service, "tag-removed") : notEnrolled;
}
function decideUnenroll(service, reason) {
  if (service.status !== "ACTIVE") return notEnrolled;
  return refuse2(serviceRefusals(service)) ?? { action: "unenroll", reason };
}
function decideEnrolled(observed, sidecar, mistakes) {
  const { service, definition, facts, config } = observed;
  const conflicts = observed.conflict ? [observed.conflict] : [];
  const running = runningOf(observed, sidecar);
  const wish = wishOf(observed, running, [...mistakes, ...conflicts]);
  const chosen = imageOf(observed, wish.request, running?.image, isInMesh(observed, sidecar));
  const found = [...obstacles(observed, wish, chosen.image), ...chosen.refusals];
  const kept2 = found.filter(({ reason }) => keptRefusals.includes(reason) && isInMesh(observed, sidecar));
  const refused2 = refuse2(found.filter((refusal) => !kept2.includes(refusal)));
  if (refused2) return refused2;
  if (!facts) throw new AutopilotError("mesh-facts-missing", `For ${service.ref.serviceArn}.`);
  const { request: request2 } = wish;
  if (!request2) throw new AutopilotError("unexpected-error", "Bad tags were not refused.");
  const desired = desiredEnrollment({ service, definition, request: request2, facts, image: chosen.image, config });
  const observedValueFrom = "secretValueFrom" in sidecar ? sidecar.secretValueFrom : void 0;
  const valueFrom = comparableValueFrom(service, desired.secret, observedValueFrom, observed.secretArn);
  const spec = sidecarSpec(desired, valueFrom, config);
  const stale = staleWords(observed.tasks, service, definition);
  const { taskTags } = config.policy;
  const isTried = observed.state?.taskTagsTried === taskTagsKey(service, definition);
  const isLeft = taskTags === "next-deployment" || taskTags === "deploy" && isTried;
  const warnings2 = [
    ...[...wish.kept, ...chosen.kept, ...kept2].map(keptWarning),
    ...stale && isLeft ? [{ code: "task-tags", detail: stale }] : [],
    ...warningsOf({ service, definition, request: request2, facts, spec, config })
  ];
  const lacking2 = tagDrift(desired, wish);
  const drift2 = [
    ...driftOf(registerable(definition.raw, definition.tags), spec),
    ...lacking2,
    // Tasks get the service's tags: those come first.
    ...stale && taskTags === "deploy" && !isTried && lacking2.length === 0 ? ["task-tags"] : []
  ];
  const repairs = [...repairsOf(observed), ...stale && taskTags === "tag" ? ["task-tags"] : []];
  if (drift2.length === 0) return { action: "none", reason: "as-desired", warnings: warnings2, repairs };
  const { older, fleet, rollout: rollout3 } = observed;
  const { secret } = desired;
  const wanted = { service, request: request2, valueFrom: observedValueFrom, secret, older, fleet, config };
  if (!rollout3 && immediateDrift(drift2, wanted).length === 0)
    return { action: "none", reason: "awaits-rollout", warnings: warnings2, repairs };
  const isNew = sidecar.kind === "none" && observed.state?.enrolled !== true;
  return { action: isNew ? "enroll" : "update", drift: drift2, desired, warnings: warnings2, repairs: isNew ? [] : repairs };
}
function tagDrift({ missingTags: missingTags3 }, { keepsIdentity }) {
  const { [tagKeys.ports]: ports, ...identity } = missingTags3;
  return [
    ...Object.keys(identity).length > 0 && !keepsIdentity ? ["identity"] : [],
    ...ports === void 0 ? [] : ["ports"]
  ];
}
function repairsOf({ service, clusterTags, config }) {
  const found = [];
  if (clusterTags[DISCOVERY_TAG] !== "true") found.push("discovery");
  if (config.policy.propagateTags && service.propagateTags !== "SERVICE") found.push("propagate-tags");
  return found;
}
function imageOf({ rollout: rollout3, state, fleet, config, facts }, request2, running, isIn) {
  const image = desiredImage({ tagged: request2?.image, rollout: rollout3, given: state?.image, fleet: fleet.image, config });
  const refusals2 = skewRefusals(image, facts, config);
  if (!isIn || rollout3?.image === image) return { image, refusals: refusals2, kept: [] };
  return { image: refusals2.length > 0 ? running ?? image : image, refusals: [], kept: refusals2 };
}
function obstacles(observed, { request: request2, refusals: refusals2 }, image) {
  const { service, definition, config } = observed;
  const wanted = { image, request: { proxyEnv: request2?.proxyEnv ?? false } };
  const placeholder2 = { secretName: "ztunnel-autopilot/network/namespace/service-account", versionId: "0".repeat(64) };
  const spec = sidecarSpec(wanted, comparableValueFrom(service, placeholder2, void 0), config);
  return [
    ...serviceRefusals(service),
    ...enrollRefusals(service, definition, config),
    ...knownFamilyRefusals(service, observed.state, config),
    ...request2 === void 0 ? [] : requestRefusals(service, request2, config),
    ...refusals2,
    ...sidecarRefusals(registerable(definition.raw, definition.tags), spec)
  ];
}
function refuse2(refusals2) {
  const [first, ...others] = refusals2;
  return first ? { action: "refuse", refusals: [first, ...others] } : void 0;
}
function hasZtunnel(sidecar) {
  return sidecar.kind !== "none" && sidecar.kind !== "foreign";
}

// shared/trust/record.ts
function newestOf({ generations, controlPlane: controlPlane3 }) {
  const newest = generations.at(-1);
  if (!newest) throw new RangeError(`${controlPlane3} has no generation`);
  return newest;
}
function acceptableOf({ generations, releasedId }) {
  const released3 = generations.findIndex(({ id }) => id === releasedId);
  return generations.slice(Math.max(released3, 0), -1);
}
function withReading(stored, facts) {
  const mesh = usable(stored);
  if (mesh && Date.parse(facts.readAt) < Date.parse(newestOf(mesh).facts.readAt)) return void 0;
  const after = withFacts(mesh && { ...mesh, ...releasedOf(mesh, facts) }, facts);
  return { ...after, releasedId: after.releasedId ?? after.generations[0]?.id };
}
function usable(mesh) {
  const generations = mesh?.generations.filter(({ facts }) => isBundle(facts.rootCaPem)) ?? [];
  return mesh && generations.length > 0 ? { ...mesh, generations } : void 0;
}
function releasedOf({ generations, releasedId }, facts) {
  const released3 = Math.max(
    generations.findIndex(({ id }) => id === releasedId),
    0
  );
  const comesBack = generations[released3]?.id === factsIdOf(facts);
  return { releasedId: generations[comesBack ? Math.min(released3 + 1, generations.length - 1) : released3]?.id };
}
function withNewFacts(mesh, facts) {
  const known3 = mesh && newestOf(mesh);
  const same = known3?.id === factsIdOf(facts) && known3.facts.istiodVersion === facts.istiodVersion;
  return same ? void 0 : withReading(mesh, facts);
}

// shared/use-cases/observe/observe.ts
async function observeDescribed(service, state, calls) {
  const { fresh = false } = calls;
  const { tags: clusterTags } = await calls.ecs.describeCluster(clusterArnOf(service.ref), { fresh });
  const intent = enrollIntent(service.tags, clusterTags, calls.config.enrollTagKey);
  const refused2 = state?.notifiedRefusals !== void 0;
  const touched = state !== void 0 && (state.enrolled || state.addedTagKeys.length > 0 || refused2);
  const needed = intent !== "absent" || touched || calls.thorough === true;
  const definition = needed ? await calls.ecs.describeTaskDefinition(service.taskDefinitionArn) : void 0;
  return { service, clusterTags, state, definition };
}
function fleetOf(ledger) {
  return { mesh: (controlPlane3) => ledger.getMesh(controlPlane3), fleet: () => ledger.getFleet() };
}
async function readFleetFacts(observed, config, reads, rollout3) {
  const { service, definition } = observed;
  const plane = controlPlaneFor(config, service.ref);
  if (!definition || !plane || rollout3?.leave || !mayBeIn({ ...observed, definition }, config)) return void 0;
  const [mesh, fleet] = await Promise.all([reads.mesh(plane.name), reads.fleet()]);
  if (!mesh) throw new AutopilotError("mesh-facts-missing", plane.name);
  return { mesh, fleet };
}
function mayBeIn({ service, clusterTags, definition, state }, { enrollTagKey, keys }) {
  if (enrollIntent(service.tags, clusterTags, enrollTagKey) === "in") return true;
  return !asksToLeave(service.tags, clusterTags, enrollTagKey, keys) && isInMesh({ state }, ownSidecar(definition.raw, keys));
}
function decideWith({ service, clusterTags, definition, state, tasks }, config, facts, rollout3, conflict) {
  if (!definition) return { action: "none", reason: "not-enrolled", warnings: [], repairs: [] };
  const given = {
    service,
    clusterTags,
    definition,
    config,
    state,
    ...rollout3 && { rollout: rollout3 },
    ...conflict && { conflict },
    ...tasks && { tasks }
  };
  if (!facts) return decide({ ...given, facts: void 0, older: [], fleet: {} });
  const { mesh, fleet } = facts;
  const decision = decide({ ...given, facts: newestOf(mesh).facts, older: acceptableOf(mesh), fleet });
  return decision.action === "none" && mesh.unknownShape ? { ...decision, unprovable: true } : decision;
}
async function decideObserved(observed, config, reads, rollout3, conflict) {
  return decideWith(observed, config, await readFleetFacts(observed, config, reads, rollout3), rollout3, conflict);
}

// shared/use-cases/observe/observe-tasks.ts
async function decideWithTasks(observed, decideFor, reads) {
  const decision = await decideFor(observed);
  const seen = decision.action === "none" ? await withTasks(observed, reads) : observed;
  return seen.tasks ? { observed: seen, decision: await decideFor(seen) } : { observed, decision };
}
async function withTasks(observed, { ecs, config, budget }) {
  const { service, state, definition } = observed;
  if (!definition || budget.servicesLeft <= 0 || !needsTaskTags(service, state, config)) return observed;
  budget.servicesLeft -= 1;
  const taskArns = await ecs.listTasks(service.ref, "RUNNING");
  const described2 = await ecs.describeTasks(clusterArnOf(service.ref), taskArns);
  const tasks = described2.flatMap(
    ({ taskArn, lastStatus, tags }) => lastStatus === "RUNNING" && tags ? [{ taskArn, tags }] : []
  );
  return tasks.length < service.desiredCount ? observed : { ...observed, tasks };
}

// shared/base/durations.ts
function minutesToMs(minutes) {
  return Math.round(minutes * 6e4);
}

// shared/deployment/attempts.ts
function attemptKeyOf(observedRevisionArn, desiredContent2) {
  return sha256(canonicalJson([observedRevisionArn, desiredContent2]));
}
function nextAttempt(state, attemptKey, nowMs) {
  if (state?.failedAttemptKey !== attemptKey || state.notBefore === void 0) return { start: true };
  return nowMs >= state.notBefore ? { start: true } : { start: false, notBeforeMs: state.notBefore };
}
function afterFailure(state, attemptKey, nowMs, policy) {
  const consecutiveFailures = state?.failedAttemptKey === attemptKey ? state.consecutiveFailures + 1 : 1;
  const delays = policy.attemptDelaysMinutes;
  const delayMinutes = delays[consecutiveFailures - 1] ?? delays.at(-1) ?? 0;
  return { failedAttemptKey: attemptKey, consecutiveFailures, notBefore: nowMs + minutesToMs(delayMinutes) };
}
function afterSuccess() {
  return { failedAttemptKey: null, consecutiveFailures: 0, notBefore: null };
}

// shared/deployment/execution-name.ts
function executionName(attemptKey) {
  const { serviceArn, observedRevisionArn, desiredContent: desiredContent2, attempt } = attemptKey;
  const service = serviceArn.slice(serviceArn.lastIndexOf("/") + 1).replace(/[^0-9A-Za-z_-]/g, "_");
  const hash2 = sha256(canonicalJson([serviceArn, observedRevisionArn, desiredContent2, attempt]));
  return `${service.slice(0, 36)}-${Math.trunc(attempt).toString(36).slice(0, 10)}-${hash2.slice(0, 32)}`;
}

// shared/deployment/verification.ts
var VERIFICATION = "verification";
function awaitsVerification({ taskDefinitionArn, desiredCount }, state) {
  return state?.unverified?.revisionArn === taskDefinitionArn && desiredCount > 0;
}

// shared/deployment/wish-rate.ts
var MAX_ROLLS = 6;
var HOUR_MS = 36e5;
function wishRate(state, { taskDefinitionArn, attemptKey }, nowMs) {
  if (state?.lastGoodRevisionArn !== taskDefinitionArn) return { case: "unlimited" };
  if (state.failedAttemptKey === attemptKey) return { case: "unlimited" };
  const lately = (state.wishRolls ?? []).filter((startedMs) => startedMs > nowMs - HOUR_MS);
  const [oldest = nowMs] = lately;
  if (lately.length >= MAX_ROLLS) return { case: "later", notBeforeMs: oldest + HOUR_MS };
  return { case: "start", wishRolls: [...lately, nowMs] };
}

// shared/events/service-events.ts
function outgoing2(detailType, detail) {
  return emitted(serviceSchemas[detailType], detailType, detail);
}
function about(ref) {
  const { serviceArn, account, region } = ref;
  return { serviceArn, clusterArn: clusterArnOf(ref), account, region };
}
function serviceEnrolled(ref, detail) {
  return outgoing2("Service Enrolled", { ...about(ref), ...detail });
}
function serviceUpdated(ref, detail) {
  return outgoing2("Service Updated", { ...about(ref), ...detail });
}
function serviceUnenrolled(ref, detail) {
  return outgoing2("Service Unenrolled", { ...about(ref), ...detail });
}
function serviceRefused(ref, refusals2, also = {}) {
  const listed2 = refusals2.map((refusal) => ({ ...refusal }));
  return outgoing2("Service Refused", { ...about(ref), ...also, refusals: listed2 });
}
function serviceWarned(ref, warnings2) {
  return outgoing2("Service Warned", { ...about(ref), warnings: warnings2.map((warning) => ({ ...warning })) });
}
function rollFailed(ref, { code: code2, ...detail }) {
  return outgoing2("Service Roll Failed", { ...about(ref), ...detail, code: failureCode.parse(code2) });
}
function serviceUnhealthy(ref, { code: code2, ...detail }) {
  return outgoing2("Service Unhealthy", { ...about(ref), ...detail, code: failureCode.parse(code2) });
}
function serviceContested(ref, detail) {
  return outgoing2("Service Contested", { ...about(ref), ...detail });
}
function rollSuperseded(ref, detail) {
  return outgoing2("Service Roll Superseded", { ...about(ref), ...detail });
}
function driftCorrected(ref, detail) {
  return outgoing2("Drift Corrected", { ...about(ref), ...detail });
}

// shared/model/execution-status.ts
var ENDED = ["SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED", "PENDING_REDRIVE"];
function hasEndedExecution(status) {
  return ENDED.includes(status);
}

// shared/use-cases/observe/notify-once.ts
var NOTICE_MS = 6e4;
function claimNotice({ serviceArn }, notice, { ledger, now }) {
  return ledger.claimNotice(serviceArn, { ...notice, untilMs: now() + NOTICE_MS }, now());
}
async function notifyOnce(ref, notice, event, calls) {
  const claimed2 = await claimNotice(ref, notice, calls);
  if (claimed2) await calls.bus.putEvents([event]);
  return claimed2;
}

// shared/use-cases/observe/remove-added-tags.ts
async function removeAddedTags({ serviceArn }, addedTagKeys, { ecs, log }) {
  if (addedTagKeys.length === 0) return [];
  try {
    await ecs.untagResource(serviceArn, addedTagKeys);
    return [];
  } catch (error) {
    const { code: code2, message, retryable } = asAutopilotError(error);
    if (retryable) throw error;
    const tagKeys2 = [...addedTagKeys];
    log.warn("tags left on the service", { code: code2, why: message, tagKeys: tagKeys2 });
    return tagKeys2;
  }
}

// shared/deployment/contest.ts
var HOUR_MS2 = 36e5;
var LONGEST_WAIT_HOURS = 24;
var OVER_AFTER_MS = 24 * HOUR_MS2;
function deployedContent(definition) {
  return sha256(canonicalJson(registerable(definition.raw, definition.tags)));
}
function judgeCorrection(before, content, { maxPerHour, nowMs }) {
  const known3 = before?.content === content && !isOver(before, nowMs) ? before : { content, atMs: [], waits: 0 };
  const { waits: waits3, untilMs } = known3;
  if (untilMs !== void 0 && nowMs < untilMs) return { case: "wait", untilMs };
  const lately = known3.atMs.filter((at) => at > nowMs - HOUR_MS2);
  const last = known3.atMs.at(-1) ?? 0;
  const isPutBack = untilMs === void 0 ? lately.length >= maxPerHour : last >= untilMs;
  if (!isPutBack) return { case: "correct", corrections: { ...known3, atMs: [...lately, nowMs] } };
  const next2 = nowMs + Math.min(2 ** waits3, LONGEST_WAIT_HOURS) * HOUR_MS2;
  return { case: "wait", untilMs: next2, waits: { ...known3, waits: waits3 + 1, untilMs: next2 } };
}
function isOver({ atMs, untilMs = 0 }, nowMs) {
  return nowMs > Math.max(atMs.at(-1) ?? 0, untilMs) + OVER_AFTER_MS;
}

// shared/use-cases/reconcile/contested-service.ts
async function admitCorrection({ service, state }, definition, calls) {
  const maxPerHour = calls.config.policy.maxChangesPerHour;
  const content = deployedContent(definition);
  const found = judgeCorrection(state?.corrections, content, { maxPerHour, nowMs: calls.now() });
  if (found.case === "correct") return found.corrections;
  const { ref, taskDefinitionArn } = service;
  const { serviceArn } = ref;
  if (found.waits) await calls.ledger.patchService(serviceArn, { corrections: found.waits });
  if (state?.notifiedContested === content) return void 0;
  const event = serviceContested(ref, {
    taskDefinitionArn,
    ...state?.lastGoodRevisionArn !== void 0 && { ownRevisionArn: state.lastGoodRevisionArn },
    corrections: state?.corrections?.atMs.length ?? maxPerHour,
    until: new Date(found.untilMs).toISOString()
  });
  if (await notifyOnce(ref, { member: "notifiedContested", text: content }, event, calls))
    await calls.ledger.patchService(serviceArn, { notifiedContested: content, notice: null });
  return void 0;
}

// shared/deployment/primary.ts
function primaryOf({ deployments }) {
  return deployments.find(({ status }) => status === "PRIMARY");
}

// shared/deployment/verdict.ts
function judge(watched) {
  const { service, deploymentId, targetRevisionArn } = watched;
  const own = service.deployments.find(({ id }) => id === deploymentId);
  const primary = primaryOf(service);
  if (own?.rolloutState === "FAILED") return failed("deployment-failed", own.rolloutStateReason ?? "");
  if (service.status !== "ACTIVE") return { state: "superseded", detail: `The service is ${service.status}.` };
  if (!primary) return { state: "superseded", detail: "The service has no primary deployment." };
  if (primary.id !== deploymentId && isCircuitBreakers(primary, watched)) {
    return failed("deployment-failed", primary.rolloutStateReason ?? "");
  }
  if (primary.taskDefinitionArn !== targetRevisionArn) {
    return { state: "superseded", detail: `Deployment ${primary.id} brings ${primary.taskDefinitionArn}.` };
  }
  return judgeProgress(primary, watched);
}
function judgeProgress(deployment, { deadlineMs, nowMs, policy }) {
  if (deployment.rolloutState === "FAILED") return failed("deployment-failed", deployment.rolloutStateReason ?? "");
  if (hasCompleted(deployment)) return { state: "succeeded" };
  if (deployment.failedTasks >= policy.failedTasksLimit) {
    return failed("tasks-stopping", `${deployment.failedTasks} tasks failed in a row.`);
  }
  if (nowMs >= deadlineMs) {
    const { runningCount, desiredCount } = deployment;
    return failed("deployment-deadline", `${runningCount} of ${desiredCount} tasks run.`);
  }
  return { state: "progressing" };
}
function hasCompleted(deployment) {
  if (deployment.rolloutState !== void 0) return deployment.rolloutState === "COMPLETED";
  return deployment.runningCount >= deployment.desiredCount;
}
function isCircuitBreakers(deployment, { targetRevisionArn, revisionBeforeArn }) {
  if (/\broll(ing|ed) back\b/i.test(deployment.rolloutStateReason ?? "")) return true;
  return deployment.taskDefinitionArn === revisionBeforeArn && revisionBeforeArn !== targetRevisionArn;
}
function failed(code2, detail) {
  return { state: "failed", code: code2, detail };
}

// shared/enrollment/held.ts
var MOST_HELD = 10;
function heldOf({ identity, secret, executionRoleArn: executionRoleArn2 }) {
  const { namespace, serviceAccount, roleArn: roleArn2 } = identity;
  return { namespace, serviceAccount, roleArn: roleArn2, secretName: secret.secretName, executionRoleArn: executionRoleArn2 };
}
function heldBy(service, definition, config) {
  const sidecar = findSidecar(definition.raw);
  const secretName2 = sidecar.kind === "ours" ? parseValueFrom(sidecar.secretValueFrom)?.secretName : void 0;
  const scope = secretName2 === void 0 ? void 0 : tokenScopeOf(secretName2);
  const { taskRoleArn, executionRoleArn: executionRoleArn2 } = rolesOf(service, definition);
  if (secretName2 === void 0 || !scope || !taskRoleArn || !executionRoleArn2) return void 0;
  const { namespace, serviceAccount } = scope;
  const roleArn2 = provingRole({ taskRoleArn, executionRoleArn: executionRoleArn2 }, config);
  return { namespace, serviceAccount, roleArn: roleArn2, secretName: secretName2, executionRoleArn: executionRoleArn2 };
}
function withHeld(held2, entry2) {
  const before = held2 ?? [];
  const last = before.at(-1);
  if (last && isSameHeld(last, entry2)) return void 0;
  return [...before.filter((one) => !isSameHeld(one, entry2)), entry2].slice(-MOST_HELD);
}
function isSameHeld(a, b) {
  return isSameIdentity(a, b) && a.secretName === b.secretName && a.executionRoleArn === b.executionRoleArn;
}
function isSameIdentity(a, b) {
  return a.namespace === b.namespace && a.serviceAccount === b.serviceAccount && sameRole(a.roleArn, b.roleArn);
}
function hasIdentity(observed, identity) {
  const { service, definition, state } = observed;
  if (!state?.enrolled) return false;
  const runs2 = definition && heldBy(service, definition, { identityRole: "task" });
  const { namespace, serviceAccount } = identity;
  if (runs2 && runs2.namespace === namespace && runs2.serviceAccount === serviceAccount) return true;
  return state.held?.some((one) => isSameIdentity(one, identity)) ?? false;
}
function heldNow(observed, config) {
  const { service, definition, state } = observed;
  const runs2 = definition && state?.enrolled && !state.roll ? heldBy(service, definition, config) : void 0;
  if (!runs2 || !state) return void 0;
  const known3 = state.held ?? [];
  const isKnown = known3.some((one) => isSameHeld(one, runs2));
  const hasSettled2 = state.unverified === void 0 && state.lastGoodRevisionArn === service.taskDefinitionArn && service.deployments.length === 1;
  if (hasSettled2) return isKnown && known3.length === 1 ? void 0 : [runs2];
  return isKnown ? void 0 : [runs2, ...known3].slice(-MOST_HELD);
}

// shared/use-cases/reconcile/notes.ts
function notesOf(observed, decision) {
  const { state } = observed;
  const enrolled = decision.reason === "as-desired" || decision.reason === "awaits-rollout";
  if (!enrolled && !state) return {};
  const notes = {};
  if (state?.notifiedRefusals !== void 0) notes.notifiedRefusals = null;
  if (enrolled) return { ...notes, ...inTheMesh(observed, decision) };
  if (!state || !hasLeft(observed, state)) return notes;
  const left = {
    enrolled: false,
    addedTagKeys: [],
    givenPorts: null,
    secretsInUse: [],
    notifiedWarnings: null,
    unverified: null
  };
  return { ...notes, ...left, ...lastGood(observed) };
}
function inTheMesh(observed, { warnings: warnings2 }) {
  const { state } = observed;
  const notes = {};
  const primary = primaryOf(observed.service);
  if (state?.enrolled !== true) notes.enrolled = true;
  const { createdAtMs } = observed.service;
  if (state?.createdAtMs === void 0 && createdAtMs !== void 0) notes.createdAtMs = createdAtMs;
  const hasRun = primary?.rolloutState === "COMPLETED" && primary.runningCount > 0;
  const unverifiedArn = state?.unverified?.revisionArn;
  if (hasRun && primary.taskDefinitionArn !== unverifiedArn) {
    if (state?.lastGoodRevisionArn !== primary.taskDefinitionArn) Object.assign(notes, lastGood(observed));
    if (unverifiedArn !== void 0) notes.unverified = null;
  }
  if (state?.failedAttemptKey !== void 0)
    Object.assign(notes, { failedAttemptKey: null, consecutiveFailures: 0, notBefore: null });
  const text3 = warningText(warnings2);
  const mark = readTags(observed);
  if (mark !== void 0 && mark !== state?.taskTags) notes.taskTags = mark;
  if (mark !== void 0 && state?.taskTagsTried !== void 0) notes.taskTagsTried = null;
  if (text3 !== (state?.notifiedWarnings ?? "")) notes.notifiedWarnings = text3 === "" ? null : text3;
  return notes;
}
function warningText(warnings2) {
  return warnings2.map(({ code: code2, detail }) => `${code2}: ${detail}`).join("\n");
}
function readTags({ service, definition, tasks }) {
  if (!definition || !tasks || tasks === "stale") return void 0;
  return staleTasks(tasks, wantedTaskTags(service, definition)).length === 0 ? taskTagsMark(service) : void 0;
}
function lastGood({ service, definition }) {
  const sidecar = definition && findSidecar(definition.raw);
  const secret = sidecar && "secretValueFrom" in sidecar ? sidecar.secretValueFrom : null;
  const image = sidecar?.kind === "ours" ? { lastGoodImage: sidecar.image } : {};
  return { lastGoodRevisionArn: service.taskDefinitionArn, lastGoodSecret: secret, ...image };
}
function hasLeft({ service, definition }, { enrolled, addedTagKeys }) {
  if (!definition || !enrolled && addedTagKeys.length === 0) return false;
  const primary = primaryOf(service);
  return primary !== void 0 && hasCompleted(primary) && findSidecar(definition.raw).kind === "none";
}
async function noteHeld(observed, { config, ledger }) {
  const held2 = heldNow(observed, config);
  if (held2) await ledger.patchService(observed.service.ref.serviceArn, { held: held2 });
}

// shared/use-cases/reconcile/repair.ts
async function repair(observed, repairs, calls) {
  const { ref, taskDefinitionArn } = observed.service;
  const done = [];
  for (const reason of repairs) if (await tried(observed, reason, calls)) done.push(reason);
  if (done.includes("propagate-tags"))
    await calls.ledger.patchService(ref.serviceArn, { taskTags: null, taskTagsTried: null });
  if (done.length > 0) await calls.bus.putEvents([driftCorrected(ref, { taskDefinitionArn, drift: done })]);
}
async function tried(observed, reason, calls) {
  try {
    return await putRight(observed, reason, calls);
  } catch (error) {
    const { code: code2, message, retryable } = asAutopilotError(error);
    if (retryable) throw error;
    calls.log.error(`not repaired: ${reason} of ${observed.service.ref.serviceArn}`, {
      code: code2,
      why: message
    });
    return false;
  }
}
async function putRight(observed, reason, calls) {
  const { ref } = observed.service;
  const { ecs, repairedClusters } = calls;
  switch (reason) {
    case "task-tags":
      return tagTasks(observed, calls);
    case "propagate-tags":
      await ecs.updateService(ref, { propagateTags: true });
      return true;
    case "discovery": {
      const clusterArn = clusterArnOf(ref);
      if (repairedClusters?.has(clusterArn)) return false;
      repairedClusters?.add(clusterArn);
      const { tags } = await ecs.describeCluster(clusterArn, { fresh: true });
      if (tags[DISCOVERY_TAG] === "true") return false;
      await ecs.tagResource(clusterArn, { [DISCOVERY_TAG]: "true" });
      return true;
    }
  }
}
async function tagTasks({ service, definition, tasks }, { ecs }) {
  if (!definition || !tasks || tasks === "stale") return false;
  const wanted = wantedTaskTags(service, definition);
  for (const task of staleTasks(tasks, wanted)) {
    await ecs.tagResource(task.taskArn, wanted);
    const surplus = surplusTaskKeys(task, wanted);
    if (surplus.length > 0) await ecs.untagResource(task.taskArn, surplus);
  }
  return true;
}

// shared/use-cases/reconcile/act-on-decision.ts
async function actOnDecision(observed, decision, calls) {
  const { service, state } = observed;
  if (holdsLease(state, calls.now())) {
    if (decision.action !== "none" && !state?.recheckRequested)
      await calls.ledger.patchService(service.ref.serviceArn, { recheckRequested: true });
    return { did: "nothing", why: "roll-in-progress" };
  }
  switch (decision.action) {
    case "none":
      if (decision.reason !== "not-enrolled" && !decision.unprovable && awaitsVerification(service, state)) {
        await repair(observed, decision.repairs, calls);
        return startRoll(observed, { action: "verify", content: VERIFICATION }, calls);
      }
      await recordUnchanged(observed, decision, calls);
      await repair(observed, decision.repairs, calls);
      return { did: "nothing", why: decision.reason };
    case "refuse":
      await notifyRefusals(service, state, decision.refusals, calls);
      return { did: "refused", refusals: decision.refusals };
    case "enroll":
    case "update":
      return startOrRepair(observed, decision, calls);
    case "unenroll":
      return startRoll(observed, wishOf2(decision, calls.config), calls);
  }
}
function wishOf2(decision, config) {
  return { action: decision.action, content: desiredContent(decision, config) };
}
async function startOrRepair(observed, decision, calls) {
  const waits3 = calls.config.policy.inFlight === "wait" && primaryInProgress(observed.service);
  const done = waits3 ? { did: "nothing", why: "deployment-in-flight" } : await startUncontested(observed, decision, calls);
  if (done.did === "started" && decision.action === "enroll") await warnBefore(observed, decision.warnings, calls);
  if (done.did === "nothing") await repair(observed, decision.repairs, calls);
  return done;
}
async function startUncontested(observed, decision, calls) {
  const { service, state, definition } = observed;
  const wish = wishOf2(decision, calls.config);
  if (!definition || !state?.enrolled || state.lastGoodRevisionArn === service.taskDefinitionArn) {
    return startRoll(observed, wish, calls);
  }
  const corrections2 = await admitCorrection(observed, definition, calls);
  if (!corrections2) return { did: "nothing", why: "contested" };
  const done = await startRoll(observed, wish, calls);
  if (done.did === "started") await calls.ledger.patchService(service.ref.serviceArn, { corrections: corrections2 });
  return done;
}
async function warnBefore({ service, state }, warnings2, calls) {
  const text3 = warningText(warnings2);
  if (!warnings2.some(({ code: code2 }) => code2 === "slow-deployment") || state?.notifiedWarnings === text3) return;
  const patch = await notifyWarnings(service, text3, { warnings: warnings2 }, calls);
  if (patch.notice === null) {
    await calls.ledger.patchService(service.ref.serviceArn, { ...patch, notifiedWarnings: text3 });
  }
}
async function startRoll({ service, state }, { action, content }, calls) {
  const attemptKey = attemptKeyOf(service.taskDefinitionArn, content);
  const next2 = nextAttempt(state, attemptKey, calls.now());
  if (!next2.start) return { did: "nothing", why: "backing-off" };
  const { taskDefinitionArn } = service;
  const rate = wishRate(state, { taskDefinitionArn, attemptKey }, calls.now());
  if (rate.case === "later") {
    const until = new Date(rate.notBeforeMs).toISOString();
    calls.log.warn("tags change too often: what they ask for then is done later", { until });
    return { did: "nothing", why: "too-many-changes" };
  }
  const done = await startAttempt(service, { action, content, attemptKey, attempt: state?.attemptNumber ?? 0 }, calls);
  if (done.did === "started" && rate.case === "start")
    await calls.ledger.patchService(service.ref.serviceArn, { wishRolls: rate.wishRolls });
  return done;
}
async function startAttempt(service, { action, content, attemptKey, attempt }, calls) {
  const { serviceArn } = service.ref;
  const name = (n) => executionName({ serviceArn, observedRevisionArn: service.taskDefinitionArn, desiredContent: content, attempt: n });
  const input = { serviceArn, attemptKey };
  const first = await calls.executions.startExecution({ name: name(attempt), input });
  if (first.started) return { did: "started", executionName: name(attempt), action };
  if (!hasEndedExecution(first.status)) return { did: "nothing", why: "already-started" };
  if (!await calls.ledger.raiseAttempt(serviceArn, attempt)) return { did: "nothing", why: "already-started" };
  const second = await calls.executions.startExecution({ name: name(attempt + 1), input });
  if (!second.started) return { did: "nothing", why: "already-started" };
  return { did: "started", executionName: name(attempt + 1), action };
}
function primaryInProgress(service) {
  return service.deployments.some(({ status, rolloutState }) => status === "PRIMARY" && rolloutState === "IN_PROGRESS");
}
async function recordUnchanged(observed, decision, calls) {
  const { service, state } = observed;
  const notes = notesOf(observed, decision);
  if (Object.keys(notes).length === 0) return;
  const said = notes.notifiedWarnings ? await notifyWarnings(service, notes.notifiedWarnings, decision, calls) : {};
  const kept2 = notes.addedTagKeys && state ? await removeAddedTags(service.ref, state.addedTagKeys, calls) : void 0;
  const patch = { ...notes, ...said, ...kept2 && { addedTagKeys: kept2 } };
  await calls.ledger.patchService(service.ref.serviceArn, patch);
}
async function notifyWarnings({ ref }, text3, { warnings: warnings2 }, calls) {
  const notice = { member: "notifiedWarnings", text: text3 };
  const emitted2 = await notifyOnce(ref, notice, serviceWarned(ref, warnings2), calls);
  return emitted2 ? { notice: null } : { notifiedWarnings: void 0 };
}
async function notifyRefusals(service, state, refusals2, calls) {
  const text3 = refusals2.map(({ reason, detail }) => `${reason}: ${detail}`).join("\n");
  if (state?.notifiedRefusals === text3) return;
  const notice = { member: "notifiedRefusals", text: text3 };
  const inMesh = state?.enrolled ? { enrolled: true } : {};
  if (await notifyOnce(service.ref, notice, serviceRefused(service.ref, refusals2, inMesh), calls))
    await calls.ledger.patchService(service.ref.serviceArn, { notifiedRefusals: text3, notice: null });
}

// shared/use-cases/reconcile/reconcile-service.ts
async function reconcileService(ref, calls, because = {}) {
  let state = await calls.ledger.getService(ref.serviceArn);
  if (state && holdsLease(state, calls.now())) {
    const isOwn3 = because.deploymentId !== void 0 && because.deploymentId === state.roll?.deploymentId;
    if (isOwn3 || state.recheckRequested) return { did: "nothing", why: "roll-in-progress" };
    state = await calls.ledger.patchService(ref.serviceArn, { recheckRequested: true });
    if (holdsLease(state, calls.now())) return { did: "nothing", why: "roll-in-progress" };
  }
  if (state?.recheckRequested) state = await calls.ledger.patchService(ref.serviceArn, { recheckRequested: null });
  const service = await calls.ecs.describeService(ref);
  state = await currentState(service, state, calls.ledger);
  const reads = fleetOf(calls.ledger);
  const decide2 = (described3) => decideObserved(described3, calls.config, reads);
  const taskReads = { ...calls, budget: { servicesLeft: 2 } };
  const described2 = await observeDescribed(service, state, calls);
  let { observed, decision } = await decideWithTasks(described2, decide2, taskReads);
  if (decision.action !== "none" && decision.action !== "refuse") {
    const fresh = await observeDescribed(service, state, { ...calls, fresh: true });
    ({ observed, decision } = await decideWithTasks(fresh, decide2, taskReads));
  }
  return { ...await actOnDecision(observed, decision, calls), decided: decision.action };
}

// shared/enrollment/claims.ts
function accountSubject(controlPlane3, namespace, serviceAccount) {
  return `service-account ${controlPlane3} ${namespace} ${serviceAccount}`;
}
function roleSubject(controlPlane3, roleArn2) {
  return `role ${controlPlane3} ${roleArn2.replace(/:role\/.*\//, ":role/")}`;
}
function claimedAccount(claim, wanted) {
  const { subject, roleArn: roleArn2, serviceArn } = wanted;
  const before = claim ?? newClaim(subject);
  const mine = Object.entries(before.holders).filter(([role]) => sameRole(role, roleArn2));
  const others = Object.entries(before.holders).filter(([role]) => !sameRole(role, roleArn2));
  const [owner] = others.find(([, holder]) => isOfAnother(holder, serviceArn)) ?? [];
  if (owner !== void 0) return { owner };
  const [key = roleArn2] = mine[0] ?? [];
  const alone = others.length === 0 ? before : { ...before, holders: Object.fromEntries(mine) };
  return { next: withHolder(alone, key, serviceArn) ?? (others.length === 0 ? void 0 : alone) };
}
function claimedRole(claim, wanted) {
  const { subject, account, serviceArn, shared } = wanted;
  const before = claim ?? newClaim(subject);
  const [owner] = Object.entries(before.holders).find(
    ([other, holder]) => other !== account && !holder.unneededSinceMs && isOfAnother(holder, serviceArn)
  ) ?? [];
  if (owner !== void 0 && !shared) return { owner };
  return { next: withHolder(before, account, serviceArn) };
}
function givenBack(claim, holder, serviceArn) {
  const found = claim?.holders[holder];
  if (!claim || !found || isOfAnother(found, serviceArn)) return void 0;
  const { [holder]: _, ...holders } = claim.holders;
  return { ...claim, holders };
}
function reviewed(claim, needed, at) {
  const ripe = [];
  const holders = {};
  for (const [name, holder] of Object.entries(claim.holders)) {
    const services2 = servicesOf(needed, name);
    if (services2.length > 0) holders[name] = { services: named(holder.services, services2) };
    else if (!at.knowsAll) holders[name] = holder;
    else holders[name] = { services: [], unneededSinceMs: holder.unneededSinceMs ?? at.nowMs };
    const since = holders[name]?.unneededSinceMs;
    if (at.knowsAll && since !== void 0 && since < at.nowMs && since + at.graceMs <= at.nowMs) ripe.push(name);
  }
  for (const [name, services2] of needed) {
    const isKnown = Object.keys(holders).some((holder) => isOne(holder, name));
    if (!isKnown && mayJoin(claim, holders)) holders[name] = { services: named([], [...services2]) };
  }
  const next2 = isSameJson(holders, claim.holders) ? void 0 : { ...claim, holders };
  return { next: next2, ripe };
}
function withoutHolders(claim, names2) {
  const kept2 = Object.entries(claim.holders).filter(([name]) => !names2.includes(name));
  return { ...claim, holders: Object.fromEntries(kept2) };
}
function mayJoin({ subject }, holders) {
  return !subject.startsWith("service-account ") || Object.keys(holders).length === 0;
}
function servicesOf(needed, name) {
  return [...needed].flatMap(([other, services2]) => isOne(other, name) ? [...services2] : []);
}
function isOne(a, b) {
  return a === b || a.startsWith("arn:") && b.startsWith("arn:") && sameRole(a, b);
}
function named(before, services2) {
  const there = new Set(services2);
  const kept2 = before.filter((service) => there.has(service));
  const others = services2.filter((service) => !kept2.includes(service));
  return [...kept2, ...others].slice(0, MAX_NAMED_SERVICES);
}
function isOfAnother({ services: services2 }, serviceArn) {
  return services2.some((service) => service !== serviceArn);
}

// shared/enrollment/needs.ts
function needsOf(states, config, seen) {
  const bySubject = /* @__PURE__ */ new Map();
  const unknownIn = /* @__PURE__ */ new Set();
  const unknownFor = /* @__PURE__ */ new Set();
  const users = new Set(seen.users);
  const need = (subject, holder, serviceArn) => {
    const holders = bySubject.get(subject) ?? /* @__PURE__ */ new Map();
    bySubject.set(subject, holders);
    holders.set(holder, (holders.get(holder) ?? /* @__PURE__ */ new Set()).add(serviceArn));
  };
  const unknown8 = (place) => {
    unknownIn.add(placeName(place));
    const plane = controlPlaneFor(config, place)?.name;
    if (plane !== void 0) unknownFor.add(plane);
  };
  for (const state of states) {
    const { serviceArn } = state;
    const ref = parseServiceArn(serviceArn);
    if (!ref || !holds(state, seen)) continue;
    users.delete(serviceArn);
    const plane = controlPlaneFor(config, ref)?.name;
    if (!state.held || state.held.length === 0) unknown8(ref);
    for (const { namespace, serviceAccount, roleArn: roleArn2, secretName: secretName2, executionRoleArn: executionRoleArn2 } of state.held ?? []) {
      need(secretSubject(ref, secretName2), executionRoleArn2, serviceArn);
      if (plane === void 0) continue;
      need(accountSubject(plane, namespace, serviceAccount), roleArn2, serviceArn);
      need(roleSubject(plane, roleArn2), `${namespace}/${serviceAccount}`, serviceArn);
    }
  }
  for (const serviceArn of users) {
    const ref = parseServiceArn(serviceArn);
    if (ref) unknown8(ref);
  }
  return { bySubject, unknownIn, unknownFor };
}
function placeName({ account, region }) {
  return `${account}/${region}`;
}
function holds({ serviceArn, roll, enrolled, secretsInUse, lastOutcome }, { isGone }) {
  if (roll?.applyStartedAt !== void 0) return true;
  const mayReturn = secretsInUse.length > 0 && lastOutcome?.outcome === "succeeded";
  return (enrolled || mayReturn) && !isGone(serviceArn);
}

// shared/use-cases/reconcile/abandoned.ts
async function withoutAbandonedRoll(state, calls) {
  const { serviceArn, roll } = state;
  if (!roll || roll.leaseUntil > calls.now()) return state;
  const { executionName: executionName2 } = roll;
  const status = await calls.executions.describeExecution(executionName2);
  if (status !== void 0 && !hasEndedExecution(status)) return state;
  const at = new Date(calls.now()).toISOString();
  const lastOutcome = { outcome: "failed", reason: "roll-unaccounted", executionName: executionName2, at };
  return await calls.ledger.finishRoll(serviceArn, executionName2, { lastOutcome }) ?? state;
}

// shared/deployment/stranded.ts
function strandedOf(service, state) {
  if (!state || state.roll || service.status !== "ACTIVE") return void 0;
  const primary = primaryOf(service);
  if (!primary || service.desiredCount === 0) return void 0;
  const runs2 = hasCompleted(primary) && primary.runningCount >= service.desiredCount;
  return runs2 ? void 0 : state.stranded ?? byOutcome(state);
}
function byOutcome({ lastOutcome }) {
  return lastOutcome?.outcome === "revert-failed" ? { since: lastOutcome.at, reason: lastOutcome.reason } : void 0;
}

// shared/use-cases/reconcile/remind-stranded.ts
var DAY_MS2 = 24 * 36e5;
async function remindStranded(service, state, calls) {
  const stranded = strandedOf(service, state);
  if (!stranded) return;
  const day = Math.floor((calls.now() - Date.parse(stranded.since)) / DAY_MS2);
  const text3 = `${stranded.since}: day ${day}`;
  if (day < 1 || state?.notifiedUnhealthy === text3) return;
  const { ref, taskDefinitionArn } = service;
  const event = serviceUnhealthy(ref, {
    taskDefinitionArn,
    code: stranded.reason,
    sentence: `${primaryOf(service)?.runningCount ?? 0} of ${service.desiredCount} tasks run. The last roll could not be reverted.`,
    since: stranded.since
  });
  if (await notifyOnce(ref, { member: "notifiedUnhealthy", text: text3 }, event, calls))
    await calls.ledger.patchService(ref.serviceArn, { notifiedUnhealthy: text3, notice: null });
}

// shared/use-cases/reconcile/secret-references.ts
function secretReferences(definition, prefix = commonKeys.prefix) {
  if (definition === void 0) return [];
  const pinned = new RegExp(`arn:aws[\\w-]*:secretsmanager:[^"]*?:secret:${prefix}[^"]*`, "g");
  const references = JSON.stringify(definition).match(pinned) ?? [];
  return references.map((reference2) => Buffer.from(reference2).toString());
}

// shared/use-cases/reconcile/settled.ts
var MOST_SERVICES = 5e4;
var KEPT_MS = 6 * 36e5;
function settledServices(now) {
  const known3 = expiringCache({
    size: MOST_SERVICES,
    ttlMs: KEPT_MS,
    now
  });
  return {
    find: (serviceArn, judgedOn2) => {
      const settled = known3.get(serviceArn);
      return settled?.judgedOn === judgedOn2 ? settled : void 0;
    },
    note: (serviceArn, judgedOn2, { decision, secrets }) => known3.set(serviceArn, { judgedOn: judgedOn2, decision, secrets })
  };
}
function judgedOn(seen) {
  const { service, clusterTags, state, fleet } = seen;
  return sha256(JSON.stringify([service, clusterTags, state ?? null, fleet]));
}
function fleetFingerprint(mesh, { image, settings, unenrolledBy: out }) {
  const generations = mesh ? [newestOf(mesh), ...acceptableOf(mesh)] : [];
  const facts = generations.map(({ facts: { readAt: _, ...lasting } }) => lasting);
  return sha256(JSON.stringify([facts, { image, settings, out }]));
}

// shared/use-cases/reconcile/sweep-service.ts
var NO_TASKS = { servicesLeft: 0 };
async function sweepService(service, calls) {
  const { tally, sighting, config } = calls;
  const { serviceArn } = service.ref;
  tally.seen += 1;
  sighting.see(service);
  try {
    const state = await currentState(service, await calls.states.get(serviceArn), calls.ledger);
    sighting.remember(service, state, config);
    await remindStranded(service, state, calls);
    const settled = await knownSettled(service, state, calls);
    if (settled) {
      sighting.use(service, settled.secrets);
      tally.see(state, settled.decision);
      return true;
    }
    await reconcile(service, state, calls);
    return true;
  } catch (error) {
    tellFailure(serviceArn, error, calls);
    return false;
  }
}
async function sweepAgain(ref, calls) {
  const [service] = await calls.ecs.describeServices(clusterArnOf(ref), [ref.serviceName]);
  if (service) await reconcile(service, await calls.ledger.getService(ref.serviceArn), calls, { isSeen: true });
}
async function reconcile(service, state, calls, { isSeen = false } = {}) {
  const { config, reads, ecs, sighting, waiting } = calls;
  const described2 = await observeDescribed(service, state, { ecs, config, thorough: true });
  const secrets = secretReferences(described2.definition?.raw, config.keys.prefix);
  sighting.use(service, secrets);
  const budget = state?.roll ? NO_TASKS : calls.taskReads;
  const decide2 = (seen) => decideObserved(seen, config, reads);
  const { observed, decision } = await decideWithTasks(described2, decide2, { ecs, config, budget });
  await noteHeld(observed, calls);
  if (decision.action === "none") await noteSettled(observed, { decision, secrets }, calls);
  if (decision.action === "enroll" && !config.policy.sharedFamilies) waiting.push({ observed, decision, isSeen });
  else await act({ observed, decision, isSeen }, calls);
}
async function act({ observed, decision, isSeen }, calls) {
  const { tally } = calls;
  if (!isSeen) tally.see(observed.state, decision);
  if (tally.admits(decision.action)) tally.note(decision.action, await actOnDecision(observed, decision, calls));
}
async function enrollWaiting(calls) {
  const { waiting, sighting, ledger, config, reads } = calls;
  for (const one of waiting.splice(0)) {
    const { service } = one.observed;
    const { serviceArn } = service.ref;
    try {
      const shared = sharedFamily(service, { services: sighting.families.othersOf(service) });
      if (!shared) {
        await act(one, calls);
        continue;
      }
      const observed = { ...one.observed, state: await ledger.patchService(serviceArn, { sharedFamily: shared }) };
      await act({ ...one, observed, decision: await decideObserved(observed, config, reads) }, calls);
    } catch (error) {
      tellFailure(serviceArn, error, calls);
    }
  }
}
async function knownSettled(service, state, { ecs, reads, settled }) {
  if (!settled || state?.roll) return void 0;
  const { tags: clusterTags } = await ecs.describeCluster(clusterArnOf(service.ref));
  const fleet = await reads.mark(service.ref);
  return settled.find(service.ref.serviceArn, judgedOn({ service, clusterTags, state, fleet }));
}
async function noteSettled(observed, found, { config, reads, settled }) {
  const { service, state } = observed;
  if (!settled || state?.roll || awaitsVerification(service, state)) return;
  if (found.decision.repairs.length > 0 || needsTaskTags(service, state, config)) return;
  if (Object.keys(notesOf(observed, found.decision)).length > 0) return;
  const fleet = await reads.mark(service.ref);
  settled.note(service.ref.serviceArn, judgedOn({ ...observed, fleet }), found);
}
function tellFailure(what, cause, calls) {
  const { code: code2, message } = asAutopilotError(cause);
  calls.tally.failed += 1;
  calls.log.error(`not swept: ${what}`, { code: code2, why: message });
}

// shared/use-cases/reconcile/check-in-turns.ts
async function checkInTurns(calls, isComplete) {
  const { policy } = calls.config;
  if (!policy.sharedFamilies) await trying("task definition families", calls, () => reviewFamilies(calls, isComplete));
  await enrollWaiting(calls);
  if (isComplete) await trying("tags of running tasks", calls, () => reviewTasks(calls));
}
async function trying(what, calls, part) {
  try {
    await part();
  } catch (error) {
    tellFailure(what, error, calls);
  }
}
var SWEEP_MS = 15 * 6e4;
var FAMILY_TURNS = 1e3;
var SMALL_FLEET = 50;
function turnOf({ now }) {
  return Math.floor(now() / SWEEP_MS);
}
async function reviewFamilies(calls, isComplete) {
  const { sighting } = calls;
  const { size } = sighting.remembered;
  const turns = size <= SMALL_FLEET ? Math.max(1, size) : FAMILY_TURNS;
  let nth = 0;
  for (const [serviceArn, service] of sighting.remembered) {
    const isTurn = service.enrolled && Math.floor(nth * turns / size) === turnOf(calls) % turns;
    nth += 1;
    await trying(serviceArn, calls, () => reviewFamily(service, { isTurn, isComplete }, calls));
  }
}
async function reviewFamily(service, { isTurn, isComplete }, calls) {
  const { ref, taskDefinitionArn } = service;
  const family = familyOf(taskDefinitionArn);
  const before = service.sharedFamily?.family === family ? service.sharedFamily : void 0;
  const others = calls.sighting.families.othersOf(service);
  const services2 = others.length > 0 || isComplete ? others : before?.services ?? [];
  const newer = isTurn ? newerRevision(await calls.ecs.describeLatestTaskDefinition(family), service) : before?.newer;
  const found = sharedFamily(service, { services: services2, ...newer !== void 0 && { newer } });
  if (isSame(found, service.sharedFamily)) return;
  await calls.ledger.patchService(ref.serviceArn, { sharedFamily: found ?? null });
  await sweepAgain(ref, calls);
}
function isSame(a, b) {
  if (a === void 0 || b === void 0) return a === b;
  return a.family === b.family && a.newer === b.newer && isSameJson(a.services, b.services);
}
var TASKS_A_READ = 100;
var CALLS_A_READ = 2;
var CALLS_A_SERVICE = 0.01;
async function reviewTasks(calls) {
  const { sighting } = calls;
  const services2 = [...sighting.remembered.values()].filter(({ tasksWereRead }) => tasksWereRead);
  const clusters = [...Map.groupBy(services2, ({ ref }) => clusterArnOf(ref))].toSorted(([a], [b]) => a < b ? -1 : 1);
  const costs = clusters.map(([arn]) => CALLS_A_READ * Math.ceil((sighting.running.get(arn) ?? 1) / TASKS_A_READ));
  const aSweep = Math.max(CALLS_A_READ, CALLS_A_SERVICE * sighting.services.size);
  const turns = Math.max(1, Math.ceil(costs.reduce((sum2, cost) => sum2 + cost, 0) / aSweep));
  let before = 0;
  for (const [index, [clusterArn, ofCluster]] of clusters.entries()) {
    const isTurn = Math.floor(before / aSweep) % turns === turnOf(calls) % turns;
    before += costs[index] ?? 0;
    if (isTurn) await trying(`tasks of ${clusterArn}`, calls, () => reviewCluster(clusterArn, ofCluster, calls));
  }
}
async function reviewCluster(clusterArn, services2, calls) {
  const byGroup = await tasksOf(clusterArn, services2, calls);
  for (const service of services2) {
    const tasks = byGroup.get(`service:${service.ref.serviceName}`) ?? [];
    const secrets = calls.sighting.users.get(service.ref.serviceArn) ?? [];
    if (secrets.length !== 1 || tasks.length === 0) continue;
    if (staleTasks(tasks, taskTagsOf(service.tags, secrets[0])).length > 0) await mendTasks(service, calls);
  }
}
async function tasksOf(clusterArn, services2, calls) {
  const { ecs, sighting } = calls;
  const most = (Math.ceil((sighting.running.get(clusterArn) ?? 1) / TASKS_A_READ) + 1) * TASKS_A_READ;
  let taskArns = await ecs.listTasks({ clusterArn, most }, "RUNNING");
  const one = services2[turnOf(calls) % services2.length];
  if (taskArns.length >= most && one) taskArns = await ecs.listTasks(one.ref, "RUNNING");
  const tasks = (await ecs.describeTasks(clusterArn, taskArns)).filter(({ lastStatus }) => lastStatus === "RUNNING");
  return new Map(
    [...Map.groupBy(tasks, ({ group }) => group ?? "")].map(([group, own]) => [group, own.flatMap(tagged)])
  );
}
function tagged({ taskArn, tags }) {
  return tags ? [{ taskArn, tags }] : [];
}
var DAY_MS3 = 24 * 36e5;
async function mendTasks({ ref, taskDefinitionArn, tags, taskTagsChangedMs }, calls) {
  const { ecs, ledger, now } = calls;
  const isAgain = taskTagsChangedMs !== void 0 && now() - taskTagsChangedMs < DAY_MS3;
  const definition = await ecs.describeTaskDefinition(taskDefinitionArn);
  const recorded2 = isAgain ? { taskTagsTried: taskTagsKey({ tags }, definition) } : { taskTagsChangedMs: now() };
  await ledger.patchService(ref.serviceArn, { taskTags: null, ...recorded2 });
  await sweepAgain(ref, calls);
}

// shared/enrollment/shared-problems.ts
var NOTIFY_MS = 6e4;
function namespaceSubject(controlPlane3, namespace) {
  return `namespace ${controlPlane3} ${namespace}`;
}
function withProblem(claim, {
  subject,
  found,
  nowMs
}) {
  const { problem, ...others } = claim ?? newClaim(subject);
  if (!found) return { next: problem && others, isNew: false };
  const isKnown = problem?.code === found.code && problem.detail === found.detail;
  if (isKnown && (problem.notifyUntilMs ?? Number.POSITIVE_INFINITY) > nowMs) return { next: void 0, isNew: false };
  const sinceMs = isKnown ? problem.sinceMs : nowMs;
  return { next: { ...others, problem: { ...found, sinceMs, notifyUntilMs: nowMs + NOTIFY_MS } }, isNew: true };
}
function withNotified(claim, found) {
  const { problem } = claim ?? {};
  if (!claim || problem?.detail !== found.detail || problem.notifyUntilMs === void 0) return void 0;
  const { notifyUntilMs: _, ...notified } = problem;
  return { ...claim, problem: notified };
}
function bindingProblem(bindings, identity) {
  const { namespace, serviceAccount, roleArn: roleArn2 } = identity;
  const other = bindings.find((binding) => !sameRole(binding.roleArn, roleArn2));
  if (!other) return void 0;
  const bound = `${namespace}/${serviceAccount} is bound to ${other.roleArn} by ${other.annotation}`;
  return { code: "identity-conflict", detail: `${bound}, its services have ${roleArn2}.` };
}
function sharedRolesOf(states, {
  controlPlane: controlPlane3,
  config,
  isGone
}) {
  const byRole = /* @__PURE__ */ new Map();
  for (const { serviceArn, enrolled, held: held2 } of states) {
    const [only, ...others] = held2 ?? [];
    const ref = parseServiceArn(serviceArn);
    if (!ref || !enrolled || !only || others.length > 0 || isGone(serviceArn)) continue;
    if (controlPlaneFor(config, ref)?.name !== controlPlane3) continue;
    const { namespace, serviceAccount, roleArn: roleArn2 } = only;
    const subject = roleSubject(controlPlane3, roleArn2);
    const role = byRole.get(subject) ?? { roleArn: roleArn2, accounts: /* @__PURE__ */ new Map() };
    byRole.set(subject, role);
    const account = `${namespace}/${serviceAccount}`;
    role.accounts.set(account, [...role.accounts.get(account) ?? [], serviceArn]);
  }
  return [...byRole].flatMap(([subject, { roleArn: roleArn2, accounts }]) => {
    if (accounts.size < 2) return [];
    const detail = `${roleArn2} is that of ${[...accounts.keys()].sort().join(" and ")}.`;
    return [
      { subject, found: { code: "role-shared", detail }, services: [...accounts.values()].flat().sort() }
    ];
  });
}

// shared/use-cases/observe/write-readers.ts
async function writeReaders(secretArn, known3, { secrets, ledger }, { account, executionRoleArn: executionRoleArn2 }) {
  const present2 = await secrets.getResourcePolicy(secretArn);
  const inPolicy = readersIn(present2).filter((principal) => isReaderOf(account, principal));
  const claim = known3.adopted ? known3 : await adopt(known3, inPolicy, ledger);
  const readers = Object.keys(claim.holders);
  const { policy, changed: changed2 } = withReaders(present2, readers);
  if (!changed2) return "agrees";
  try {
    await write2(secretArn, policy, secrets);
    return "written";
  } catch (error) {
    if (asAutopilotError(error).code !== "secret-unavailable") throw error;
    const alive = readers.filter((role) => role === executionRoleArn2 || inPolicy.includes(role));
    const without3 = withReaders(present2, alive);
    if (alive.length === readers.length) throw error;
    if (without3.changed) await write2(secretArn, without3.policy, secrets);
    return "agrees";
  }
}
async function adopt(known3, readers, { changeClaim }) {
  const { stored } = await changeClaim(known3.subject, (claim) => ({ next: withAdopted(claim ?? known3, readers) }));
  return stored ?? known3;
}
async function write2(secretArn, policy, secrets) {
  if (policy === void 0) await secrets.deleteResourcePolicy(secretArn);
  else await secrets.putResourcePolicy(secretArn, policy);
}

// shared/use-cases/reconcile/keeping.ts
async function reportDrift({ holders }, reason, { sightings, calls }) {
  const services2 = Object.values(holders).flatMap((holder) => holder.services);
  for (const sighting of sightings.values()) {
    const found = services2.map((serviceArn) => sighting.services.get(serviceArn)).find((one) => one !== void 0);
    if (!found) continue;
    const { ref, taskDefinitionArn } = found;
    await calls.bus.putEvents([driftCorrected(ref, { taskDefinitionArn, drift: [reason] })]);
    return;
  }
}
async function trying2(what, calls, part) {
  try {
    await part();
  } catch (error) {
    reportFailure(what, error, calls);
  }
}
function reportFailure(what, cause, { log }) {
  const { code: code2, message } = asAutopilotError(cause);
  log.error(`not kept: ${what}`, { code: code2, why: message, fix: failureFixes[code2] });
}
function ownerOf({ holders }) {
  const needed = Object.entries(holders).filter(([, { unneededSinceMs }]) => unneededSinceMs === void 0);
  const [first] = needed;
  return first && needed.every(([role]) => sameRole(role, first[0])) ? first[0] : void 0;
}

// shared/events/mesh-events.ts
function meshGatewayAmbiguous(detail) {
  return outgoing("Mesh Gateway Ambiguous", detail);
}
function meshShapeUnknown(detail) {
  return outgoing("Mesh Shape Unknown", detail);
}
function meshIdentityWarned(detail) {
  return outgoing("Mesh Identity Warned", detail);
}
function fleetContested(detail) {
  return outgoing("Fleet Contested", detail);
}

// shared/use-cases/reconcile/report-problems.ts
var MOST_SERVICES2 = 20;
async function reportProblem({ controlPlane: controlPlane3, subject, found, services: services2 }, { claims, calls }) {
  if (!found && !claims.get(subject)?.problem) return;
  const { result: isNew } = await calls.ledger.changeClaim(subject, (claim) => {
    const { next: next2, isNew: isNew2 } = withProblem(claim, { subject, found, nowMs: calls.now() });
    return { next: next2, result: isNew2 };
  });
  if (!found || !isNew) return;
  const named2 = services2.slice(0, MOST_SERVICES2);
  await calls.bus.putEvents([meshIdentityWarned({ controlPlane: controlPlane3, ...found, services: named2 })]);
  await calls.ledger.changeClaim(subject, (claim) => ({ next: withNotified(claim, found) }));
}

// shared/use-cases/reconcile/restore-bindings.ts
async function restoreBindings(controlPlane3, keeping) {
  const prefix = `service-account ${controlPlane3} `;
  const owned = [...keeping.claims.values()].flatMap((claim) => {
    const [namespace = "", serviceAccount = ""] = claim.subject.slice(prefix.length).split(" ");
    const roleArn2 = claim.subject.startsWith(prefix) ? ownerOf(claim) : void 0;
    return roleArn2 === void 0 ? [] : [{ claim, identity: { namespace, serviceAccount, roleArn: roleArn2 } }];
  });
  const { calls } = keeping;
  const plane = calls.controlPlane(controlPlane3);
  for (const [namespace, ofNamespace] of Map.groupBy(owned, ({ identity }) => identity.namespace)) {
    await trying2(`namespace ${namespace} of ${controlPlane3}`, calls, async () => {
      const services2 = ofNamespace.flatMap(({ claim }) => servicesOf2(claim));
      const subject = namespaceSubject(controlPlane3, namespace);
      const lost = await keepNamespace(namespace, controlPlane3, keeping);
      await reportProblem({ controlPlane: controlPlane3, subject, found: lost, services: services2 }, keeping);
      const bindings = await plane.listBindings(namespace);
      for (const { claim, identity } of ofNamespace) {
        const found = bindings.get(identity.serviceAccount) ?? [];
        const problem = bindingProblem(found, identity);
        if (problem) calls.log.error("an identity is bound to another role", { ...problem, fix: fixOf(problem) });
        const { subject: subject2 } = claim;
        await reportProblem({ controlPlane: controlPlane3, subject: subject2, found: problem, services: servicesOf2(claim) }, keeping);
        if (found.length > 0) continue;
        await plane.ensureServiceAccount(identity);
        await reportDrift(claim, "binding", keeping);
      }
    });
  }
}
async function keepNamespace(namespace, controlPlane3, { calls }) {
  const plane = calls.controlPlane(controlPlane3);
  const state = await plane.readNamespace(namespace);
  if (state === "ambient") return void 0;
  await plane.ensureNamespace(namespace);
  if (state === "absent" || calls.config.policy.labelNamespaces) return void 0;
  const command = `kubectl label namespace ${namespace} istio.io/dataplane-mode=ambient`;
  calls.log.error("a namespace of the mesh is not ambient", { controlPlane: controlPlane3, namespace, fix: command });
  return { code: "namespace-not-ambient", detail: command };
}
function servicesOf2({ holders }) {
  return Object.values(holders).flatMap(({ services: services2 }) => services2);
}
function fixOf({ code: code2 }) {
  return sharedProblems[code2].fix;
}

// shared/use-cases/reconcile/keep-identities.ts
var DAY_MS4 = 24 * 36e5;
var RECOVERY_DAYS = 30;
var POLICIES_A_SWEEP = 5;
var MOST_WRITES = 3;
var NO_ONE = /* @__PURE__ */ new Map();
async function keepIdentities(sightings, calls) {
  try {
    const claims = new Map((await Array.fromAsync(calls.ledger.listClaims())).map((claim) => [claim.subject, claim]));
    const states = await statesOf(calls);
    const seen = seenIn(sightings);
    const needs = needsOf(states, calls.config, seen);
    const versions = new Map([...claims.values()].map(({ subject, version: version2 }) => [subject, version2]));
    const keeping = { claims, versions, needs, sightings, calls };
    for (const subject of /* @__PURE__ */ new Set([...claims.keys(), ...needs.bySubject.keys()])) await review(subject, keeping);
    for (const { name } of calls.config.controlPlanes) {
      await trying2(`the identities of ${name}`, calls, () => restoreBindings(name, keeping));
      const shared = sharedRolesOf(states, { controlPlane: name, config: calls.config, isGone: seen.isGone });
      await trying2(`the roles of ${name}`, calls, () => reportRoles(name, shared, keeping));
    }
    for (const target of targetsOf(calls.config)) {
      await trying2(`the readers of ${placeName(target)}`, calls, () => keepReaders(target, keeping));
    }
  } catch (error) {
    reportFailure("the identities", error, calls);
  }
}
async function reportRoles(controlPlane3, shared, keeping) {
  for (const role of shared) await reportProblem({ controlPlane: controlPlane3, ...role }, keeping);
  const subjects = new Set(shared.map(({ subject }) => subject));
  for (const { subject, problem } of keeping.claims.values()) {
    const [kind, plane, namespace = ""] = subject.split(" ");
    if (!problem || plane !== controlPlane3 || subjects.has(subject)) continue;
    const isInUse = kind !== "role" && isOwned(kind === "namespace" ? namespace : subject, controlPlane3, keeping);
    if (!isInUse) await reportProblem({ controlPlane: controlPlane3, subject, found: void 0, services: [] }, keeping);
  }
}
function isOwned(subjectOrNamespace, controlPlane3, { claims }) {
  const prefix = `service-account ${controlPlane3} ${subjectOrNamespace} `;
  return [...claims.values()].some(
    (claim) => (claim.subject === subjectOrNamespace || claim.subject.startsWith(prefix)) && ownerOf(claim) !== void 0
  );
}
async function statesOf({ ledger }) {
  return Array.fromAsync(ledger.listServices());
}
function seenIn(sightings) {
  return {
    users: [...sightings.values()].flatMap(({ users }) => [...users.keys()]),
    isGone: (serviceArn) => {
      const [, , , region = "", account = ""] = serviceArn.split(":");
      const sighting = sightings.get(placeName({ account, region }));
      return sighting?.complete === true && !sighting.services.has(serviceArn);
    }
  };
}
async function review(subject, keeping) {
  const { claims, needs, calls } = keeping;
  await trying2(subject, calls, async () => {
    const listed2 = claims.get(subject);
    const needed = needs.bySubject.get(subject) ?? NO_ONE;
    const at = { nowMs: calls.now(), graceMs: graceOf(subject, calls.config), knowsAll: knowsAll(subject, keeping) };
    const first = reviewed(listed2 ?? newClaim(subject), needed, at);
    if (first.next) await change(keeping, subject, () => first.next);
    const ripe = first.ripe.length > 0 ? await giveBack(subject, first.ripe, keeping) : [];
    if (ripe.length > 0) await change(keeping, subject, (claim) => withoutHolders(claim, ripe));
  });
}
async function change({ claims, calls }, subject, to) {
  const known3 = claims.get(subject);
  const { stored } = await calls.ledger.changeClaim(
    subject,
    (claim) => claim?.version === known3?.version ? { next: to(claim ?? newClaim(subject)) } : {}
  );
  if (stored) claims.set(subject, stored);
}
function graceOf(subject, { policy }) {
  return subject.startsWith("secret ") ? 0 : policy.identityGraceDays * DAY_MS4;
}
function knowsAll(subject, { needs, sightings, calls }) {
  const [kind, first = "", second = ""] = subject.split(" ");
  const isKnown = (place) => sightings.get(placeName(place))?.complete === true && !needs.unknownIn.has(placeName(place));
  if (kind === "secret") return isKnown({ account: first, region: second });
  const plane = calls.config.controlPlanes.find(({ name }) => name === first);
  return plane?.serves.every(({ account, regions }) => regions.every((region) => isKnown({ account, region }))) ?? false;
}
async function giveBack(subject, ripe, keeping) {
  const [kind, controlPlane3 = "", namespace = "", serviceAccount = ""] = subject.split(" ");
  if (kind !== "service-account") return ripe;
  const { calls } = keeping;
  for (const roleArn2 of ripe) {
    await calls.controlPlane(controlPlane3).unbind({ namespace, serviceAccount, roleArn: roleArn2 });
    calls.log.info("an identity that no service has was unbound", { controlPlane: controlPlane3, namespace, serviceAccount, roleArn: roleArn2 });
  }
  const isFree = Object.keys(keeping.claims.get(subject)?.holders ?? {}).every((role) => ripe.includes(role));
  if (isFree) await scheduleDeletions({ controlPlane: controlPlane3, namespace, serviceAccount }, keeping);
  return ripe;
}
async function scheduleDeletions(identity, { sightings, needs, calls }) {
  for (const target of targetsOf(calls.config)) {
    if (controlPlaneFor(calls.config, target)?.name !== identity.controlPlane) continue;
    const { listed: listed2 = [], secrets = [] } = sightings.get(placeName(target)) ?? {};
    const named2 = new Set([...secrets].map((valueFrom) => parseValueFrom(valueFrom)?.secretArn));
    for (const [name, arn] of listed2) {
      const scope = tokenScopeOf(name);
      const isIts = scope?.namespace === identity.namespace && scope.serviceAccount === identity.serviceAccount;
      const isNeeded = named2.has(arn) || needs.bySubject.has(secretSubject(target, name));
      if (!isIts || isNeeded) continue;
      await calls.secrets(target).scheduleDeletion(arn, RECOVERY_DAYS);
      const deletesAtMs = calls.now() + RECOVERY_DAYS * DAY_MS4;
      const subject = secretSubject(target, name);
      await calls.ledger.changeClaim(subject, (claim) => ({ next: { ...claim ?? newClaim(subject), deletesAtMs } }));
      calls.log.info("a secret that no service needs was scheduled for deletion", {
        secretArn: arn,
        days: RECOVERY_DAYS
      });
    }
  }
}
async function keepReaders(target, keeping) {
  const { claims, versions, sightings, calls } = keeping;
  const prefix = `secret ${target.account} ${target.region} `;
  const listed2 = sightings.get(placeName(target))?.listed;
  const all2 = [...claims.values()].filter((claim) => claim.subject.startsWith(prefix) && isOurs2(claim));
  const changed2 = all2.filter(({ subject, version: version2 }) => version2 !== versions.get(subject));
  const startedMs = calls.now();
  const others = all2.filter((claim) => !changed2.includes(claim)).map((claim) => ({ claim, order: sha256(`${claim.subject} ${startedMs}`) })).toSorted((a, b) => a.order < b.order ? -1 : 1).slice(0, POLICIES_A_SWEEP);
  for (const claim of [...changed2, ...others.map((one) => one.claim)]) {
    const secretArn = listed2?.get(claim.subject.slice(prefix.length));
    if (secretArn === void 0) continue;
    await trying2(secretArn, calls, async () => {
      const isWritten = await keepPolicy(secretArn, claim, target, calls);
      if (isWritten && !changed2.includes(claim)) await reportDrift(claim, "readers", keeping);
    });
  }
}
function isOurs2({ adopted: adopted2, holders }) {
  return adopted2 || Object.values(holders).some(({ unneededSinceMs }) => unneededSinceMs === void 0);
}
async function keepPolicy(secretArn, known3, target, calls) {
  const secrets = calls.secrets(target);
  const present2 = await secrets.getResourcePolicy(secretArn);
  if (hasForeignDeny(present2))
    calls.log.warn("a statement of somebody else denies reads of a token's secret", { secretArn });
  if (known3.adopted && !withReaders(present2, Object.keys(known3.holders)).changed) return false;
  for (let writes = 0; writes < MOST_WRITES; writes += 1) {
    const { stored = known3 } = await calls.ledger.changeClaim(known3.subject, () => ({}));
    const { account } = target;
    const done = await writeReaders(secretArn, stored, { secrets, ledger: calls.ledger }, { account });
    if (done === "agrees") return writes > 0;
  }
  return true;
}

// shared/use-cases/reconcile/sighting.ts
var Sighting = class {
  /** Every reference to one of our secrets. */
  secrets = /* @__PURE__ */ new Set();
  /** The services that ECS has, by their ARNs, with what they run. */
  services = /* @__PURE__ */ new Map();
  remembered = /* @__PURE__ */ new Map();
  families = new FamilyUsers();
  /** Tasks that services run, by cluster. */
  running = /* @__PURE__ */ new Map();
  /** Those whose task definitions name secrets of ours, and how. */
  users = /* @__PURE__ */ new Map();
  /** Our secrets that are not scheduled for deletion, by name. */
  listed = /* @__PURE__ */ new Map();
  /** Every service has been read, and every secret listed. */
  complete = false;
  see(service) {
    const { ref, taskDefinitionArn, deployments } = service;
    this.services.set(ref.serviceArn, { ref, taskDefinitionArn });
    this.families.see(service);
    const clusterArn = clusterArnOf(ref);
    const own = deployments.reduce((sum2, { runningCount }) => sum2 + runningCount, 0);
    this.running.set(clusterArn, (this.running.get(clusterArn) ?? 0) + own);
  }
  remember(service, state, { policy }) {
    const { enrolled, sharedFamily: sharedFamily3, roll, taskTags, taskTagsChangedMs } = state ?? { enrolled: false };
    if (roll || !enrolled && !sharedFamily3) return;
    const { ref, taskDefinitionArn, tags } = service;
    const tasksWereRead = policy.propagateTags && taskTags !== void 0 && taskTags === taskTagsMark(service);
    const known3 = { enrolled, sharedFamily: sharedFamily3, tasksWereRead, taskTagsChangedMs };
    this.remembered.set(ref.serviceArn, { ref, taskDefinitionArn, tags, ...known3 });
  }
  use({ ref }, valueFroms) {
    for (const valueFrom of valueFroms) this.secrets.add(valueFrom);
    if (valueFroms.length > 0) this.users.set(ref.serviceArn, valueFroms);
  }
  /** A service whose task definition names the secret, and what it runs. */
  userOf(secretArn) {
    for (const [serviceArn, valueFroms] of this.users) {
      const found = this.services.get(serviceArn);
      if (found && valueFroms.some((valueFrom) => valueFrom.startsWith(secretArn))) {
        return { ref: found.ref, runs: { taskDefinitionArn: found.taskDefinitionArn } };
      }
    }
    return void 0;
  }
  /** Notes each secret as it is listed. */
  async *noting(secrets) {
    for await (const secret of secrets) {
      this.listed.set(secret.name, secret.arn);
      yield secret;
    }
  }
};

// shared/use-cases/reconcile/sweep-reads.ts
function readOnce(ledger, config) {
  const of = fleetOf(ledger);
  const mesh = memoized(of.mesh);
  const fleetAt = memoized((_) => of.fleet());
  const fleet = () => fleetAt("");
  const markAt = memoized(
    async (plane) => fleetFingerprint(plane === "" ? void 0 : await mesh(plane), await fleet())
  );
  return { mesh, fleet, mark: (place) => markAt(controlPlaneFor(config, place)?.name ?? "") };
}
function memoized(read2) {
  const known3 = /* @__PURE__ */ new Map();
  return (key) => {
    const value = known3.get(key) ?? read2(key);
    known3.set(key, value);
    return value;
  };
}

// shared/use-cases/reconcile/retire.ts
async function retireSecretVersions(secrets, references, states, prefix = commonKeys.prefix) {
  const inUse = /* @__PURE__ */ new Set();
  const bySecret = /* @__PURE__ */ new Map();
  const note = (valueFrom) => {
    const { secretArn, versionId } = parseValueFrom(valueFrom) ?? {};
    if (!secretArn || !versionId) return;
    inUse.add(versionId);
    bySecret.set(secretArn, (bySecret.get(secretArn) ?? /* @__PURE__ */ new Set()).add(versionId));
  };
  for (const valueFrom of references) note(valueFrom);
  const pinned = new Set(bySecret.keys());
  for await (const state of states) for (const valueFrom of neededBy(state)) note(valueFrom);
  for await (const secret of secrets.listSecrets(prefix)) {
    if (secret.scheduledForDeletion) continue;
    pinned.delete(secret.arn);
    const { versions } = secret;
    for (const { label, versionId } of retirableVersions({ versions, inUse, newestAlwaysKept: void 0 })) {
      await secrets.removeLabel(secret.arn, label, versionId);
    }
    await labelAgain(secret, bySecret.get(secret.arn) ?? [], secrets);
  }
  return gone(pinned, secrets);
}
function neededBy({ secretsInUse, enrolled, lastGoodSecret, unverified }) {
  const returns = enrolled ? [lastGoodSecret, unverified?.pinnedSecret] : [];
  return [...secretsInUse, ...returns.filter((valueFrom) => valueFrom != null)];
}
async function gone(secretArns, secrets) {
  const found = [];
  for (const secretArn of secretArns) {
    const secret = await secrets.describeSecret(secretArn);
    if (!secret || secret.scheduledForDeletion) found.push(secretArn);
  }
  return found;
}
async function labelAgain({ arn, versions }, versionsInUse, secrets) {
  for (const versionId of versionsInUse) {
    if ((versions[versionId] ?? []).length > 0 || !hasRoomForVersion(versions)) continue;
    try {
      await secrets.moveLabel(arn, labelOf(versionId), versionId);
    } catch (error) {
      if (asAutopilotError(error).code !== "secret-unavailable") throw error;
    }
  }
}

// shared/use-cases/reconcile/sweep-secrets.ts
async function sweepSecrets(secrets, sighting, calls) {
  const noting = {
    describeSecret: secrets.describeSecret.bind(secrets),
    removeLabel: secrets.removeLabel.bind(secrets),
    moveLabel: secrets.moveLabel.bind(secrets),
    listSecrets: (prefix) => sighting.noting(secrets.listSecrets(prefix))
  };
  const gone2 = await retireSecretVersions(
    noting,
    sighting.secrets,
    calls.ledger.listServices(),
    calls.config.keys.prefix
  );
  for (const secretArn of gone2) {
    const secret = await secrets.describeSecret(secretArn);
    if (secret?.scheduledForDeletion) {
      await secrets.restoreSecret(secretArn);
      const user = sighting.userOf(secretArn);
      if (user) await calls.bus.putEvents([driftCorrected(user.ref, { ...user.runs, drift: ["secret"] })]);
    } else reportGone(secretArn, calls);
  }
}
function reportGone(secretArn, { log, tally }) {
  tally.secretsGone += 1;
  const fix = failureFixes["secret-unavailable"];
  log.error(`token secret gone: ${secretArn}`, { code: "secret-unavailable", fix });
}

// shared/use-cases/reconcile/sweep-tally.ts
var Tally = class {
  seen = 0;
  failed = 0;
  secretsGone = 0;
  #started = 0;
  #refused = 0;
  #postponed = 0;
  #postponedUnenrolls = 0;
  #enrolled = 0;
  #drifted = 0;
  #refusals = {};
  #rolls;
  #unenrolls;
  constructor({ policy }) {
    this.#rolls = policy.maxRollsPerSweep;
    this.#unenrolls = policy.maxUnenrollPerSweep;
  }
  /** Counts how the service stands. */
  see(state, decision) {
    if (state?.enrolled) this.#enrolled += 1;
    if (isRoll(decision.action)) this.#drifted += 1;
    if (decision.action !== "refuse") return;
    for (const { reason } of decision.refusals) this.#refusals[reason] = (this.#refusals[reason] ?? 0) + 1;
  }
  /** Counts one more start. False when this sweep has started enough of this kind; accounts are swept side by side. */
  admits(action) {
    const left = action === "unenroll" ? this.#unenrolls : this.#rolls;
    if (isRoll(action) && left <= 0) return this.#postpone(action);
    this.#begin(action, 1);
    return true;
  }
  #begin(action, count2) {
    if (action === "unenroll") this.#unenrolls -= count2;
    else if (isRoll(action)) this.#rolls -= count2;
  }
  #postpone(action) {
    this.#postponed += 1;
    if (action === "unenroll") this.#postponedUnenrolls += 1;
    return false;
  }
  note(admitted, done) {
    if (done.did === "refused") this.#refused += 1;
    if (done.did === "started") this.#started += 1;
    else this.#begin(admitted, -1);
  }
  result() {
    return {
      seen: this.seen,
      started: this.#started,
      refused: this.#refused,
      failed: this.failed,
      postponed: this.#postponed,
      postponedUnenrolls: this.#postponedUnenrolls,
      secretsGone: this.secretsGone,
      enrolled: this.#enrolled,
      drifted: this.#drifted,
      refusals: this.#refusals
    };
  }
};
function isRoll(action) {
  return action === "enroll" || action === "update" || action === "unenroll";
}

// shared/use-cases/reconcile/sweep.ts
async function sweep(calls) {
  const tally = new Tally(calls.config);
  const states = await readStates({ ...calls, tally });
  const reads = readOnce(calls.ledger, calls.config);
  const taskReads = { servicesLeft: TASK_READS };
  const known3 = { ...calls, states, reads, tally, taskReads, repairedClusters: /* @__PURE__ */ new Set() };
  const sightings = /* @__PURE__ */ new Map();
  await Promise.all(
    targetsOf(calls.config).map(async (target) => {
      sightings.set(placeName(target), await sweepTarget(target, known3));
    })
  );
  await keepIdentities(sightings, calls);
  return tally.result();
}
async function sweepCluster(cluster2, calls) {
  const tally = new Tally(calls.config);
  const reads = readOnce(calls.ledger, calls.config);
  const states = { get: (serviceArn) => calls.ledger.getService(serviceArn) };
  const ecs = calls.ecs(cluster2);
  await ecs.describeCluster(cluster2.clusterArn, { fresh: true });
  const taskReads = { servicesLeft: TASK_READS };
  const known3 = { ...calls, states, reads, tally, taskReads, repairedClusters: /* @__PURE__ */ new Set() };
  const place = { ...known3, ecs, sighting: new Sighting(), waiting: [] };
  await sweepServicesOf(cluster2.clusterArn, place);
  await enrollWaiting(place);
  return tally.result();
}
async function readStates(calls) {
  const states = /* @__PURE__ */ new Map();
  try {
    for await (const state of calls.ledger.listServices()) {
      states.set(state.serviceArn, await withoutAbandonedRoll(state, calls));
    }
    return states;
  } catch (error) {
    if (asAutopilotError(error).code !== "ledger-item-unreadable") throw error;
    tellFailure("the ledger as a whole", error, calls);
    return { get: (serviceArn) => calls.ledger.getService(serviceArn) };
  }
}
var TASK_READS = 200;
async function sweepTarget(target, calls) {
  const sighting = new Sighting();
  const place = { ...calls, ecs: calls.ecs(target), sighting, waiting: [] };
  let complete = true;
  try {
    for await (const clusterArn of place.ecs.listClusters()) {
      complete = await sweepListed(clusterArn, place) && complete;
    }
  } catch (error) {
    complete = false;
    tellFailure(`sweep of ${target.account}/${target.region}`, error, calls);
  }
  await checkInTurns(place, complete);
  if (complete) {
    try {
      await sweepSecrets(calls.secrets(target), sighting, calls);
      sighting.complete = true;
    } catch (error) {
      tellFailure(`retiring secret versions of ${target.account}/${target.region}`, error, calls);
    }
  }
  return sighting;
}
async function sweepListed(clusterArn, calls) {
  try {
    return await sweepServicesOf(clusterArn, calls);
  } catch (error) {
    const { code: code2, retryable } = asAutopilotError(error);
    if (retryable) throw error;
    if (code2 !== "service-not-found") tellFailure(clusterArn, error, calls);
    return false;
  }
}
async function sweepServicesOf(clusterArn, calls) {
  const { ecs } = calls;
  let complete = true;
  const shortArns = [];
  for await (const names2 of chunkAsync(serviceNames(ecs.listServices(clusterArn), shortArns), 10)) {
    for (const service of await ecs.describeServices(clusterArn, names2)) {
      complete = await sweepService(service, calls) && complete;
    }
  }
  const [example] = shortArns;
  if (example !== void 0) calls.log.warn(SHORT_ARNS, { clusterArn, services: shortArns.length, example });
  return complete;
}
var SHORT_ARNS = "not swept: services with short ARNs, which can have no tags. Create them again, then they have long ones.";
async function* serviceNames(arns, shortArns) {
  for await (const arn of arns) {
    const ref = parseServiceArn(arn);
    if (ref) yield ref.serviceName;
    else shortArns.push(arn);
  }
}

// functions/reconcile-service.ts
function reconcile2(context) {
  return async (event, { log, measure }) => {
    const incoming = parseIncoming(event);
    if (incoming.kind === "reconcile-cluster") return reconcileCluster(incoming.clusterArn, context, log);
    if (!("serviceArn" in incoming)) {
      log.info(
        "nothing to reconcile",
        incoming.kind === "ignored" ? { why: incoming.reason } : { kind: incoming.kind }
      );
      return { did: "nothing" };
    }
    const ref = serviceRef(incoming.serviceArn);
    log.appendKeys({ serviceArn: ref.serviceArn });
    assertTarget(ref, context.config);
    const because = "deploymentId" in incoming ? incoming : {};
    const { decided, ...done } = await reconcileService(ref, { ...context, log, ecs: context.ecs(ref) }, because);
    if (decided) measure.count("Decisions", { action: decided });
    if (done.did === "refused") for (const { reason } of done.refusals) measure.count("Refusals", { reason });
    log.info(done.did, { ...done, because: incoming.kind });
    return { ...done };
  };
}
async function reconcileCluster(clusterArn, context, log) {
  const cluster2 = parseClusterArn(clusterArn);
  if (!cluster2) throw new AutopilotError("malformed-event", `No cluster's ARN: ${clusterArn}`);
  assertTarget(cluster2, context.config);
  const result = await sweepCluster(cluster2, { ...context, log });
  log.info("reconciled the cluster", { clusterArn, ...result });
  return { ...result };
}
function assertTarget({ account, region }, config) {
  const known3 = targetsOf(config).some((target) => target.account === account && target.region === region);
  if (!known3) throw new AutopilotError("unknown-account", `${account}/${region}`);
}
var handler2 = lambda("reconcile-service", () => reconcile2(environmentContext()));

// shared/use-cases/roll/apply-case.ts
function resumeOf({ targetRevisionArn, deploymentId }, { taskDefinitionArn }, { observedRevisionArn }) {
  const runsObserved = taskDefinitionArn === observedRevisionArn;
  if (targetRevisionArn === taskDefinitionArn && (!runsObserved || deploymentId !== void 0)) {
    return { from: "updated", targetRevisionArn };
  }
  return { from: runsObserved ? "observed" : "superseded" };
}
function applyCase(observed, plan2, fleetFacts, config) {
  const decision = decisionOf(observed, plan2, fleetFacts, config);
  if (decision.action === "none" || decision.action === "refuse") return { case: "superseded" };
  const attemptKey = attemptKeyOf(observed.service.taskDefinitionArn, desiredContent(decision, config));
  if (attemptKey !== plan2.attemptKey) return { case: "superseded" };
  if (decision.action === "unenroll") return { case: "unenroll" };
  if (!fleetFacts) throw new AutopilotError("mesh-facts-missing", `For ${observed.service.ref.serviceArn}.`);
  return { case: "enroll", desired: decision.desired, facts: newestOf(fleetFacts.mesh).facts };
}
function decisionOf(seen, plan2, fleetFacts, config) {
  const { service, state } = seen;
  const observed = plan2.drift.includes("task-tags") ? { ...seen, tasks: "stale" } : seen;
  const rollout3 = targetOf(plan2);
  const conflict = conflictOf(plan2);
  const decision = decideWith(observed, config, fleetFacts, rollout3, conflict);
  if (decision.action !== "none" || !mayHaveSetTags(plan2, state.roll)) return decision;
  const untagged = { ...service, tags: withoutKeys(service.tags, state.addedTagKeys) };
  return decideWith({ ...observed, service: untagged }, config, fleetFacts, rollout3, conflict);
}
function conflictOf({ identityConflict: detail }) {
  return detail === null ? void 0 : { reason: "identity-conflict", detail };
}
function mayHaveSetTags({ drift: drift2 }, roll) {
  return roll?.applyStartedAt !== void 0 && (drift2.includes("identity") || drift2.includes("ports"));
}
function targetOf({ rollout: rollout3 }) {
  return rollout3 ? { ...rollout3.image !== null && { image: rollout3.image }, leave: rollout3.leave } : void 0;
}
function withoutKeys(tags, keys) {
  return Object.fromEntries(Object.entries(tags).filter(([key]) => !keys.includes(key)));
}

// shared/use-cases/roll/apply-context.ts
function progressRecorder({ serviceArn }, executionName2, { ledger }) {
  return async (roll, service) => {
    const recorded2 = await ledger.updateRoll(serviceArn, executionName2, roll, service);
    if (!recorded2) throw new AutopilotError("roll-in-progress", `${serviceArn}: the lease is gone.`);
  };
}
function startedAt({ now }) {
  return { applyStartedAt: new Date(now()).toISOString() };
}

// shared/rollout/pace.ts
var REGISTER = { intervalMs: 1e3, burst: 20 };
var UPDATE = { intervalMs: 200, burst: 50 };
function resolvedPolicy(rollout3, policy) {
  const { overrides } = rollout3;
  const pace = rollout3.emergency && policy.emergency ? policy.emergency : policy;
  return {
    canaryCount: overrides.canaryCount ?? policy.canaryCount,
    waves: overrides.waves ?? pace.waves,
    regionsTogether: overrides.regionsTogether ?? pace.regionsTogether,
    concurrency: overrides.concurrency ?? pace.concurrency,
    bakeMinutes: overrides.bakeMinutes ?? pace.bakeMinutes,
    approveAfterCanary: overrides.approveAfterCanary ?? policy.approveAfterCanary,
    failureBudget: overrides.failureBudget ?? policy.failureBudget
  };
}

// shared/use-cases/roll/give-back.ts
function propagateTagsBefore(value) {
  return value === "NONE" || value === "TASK_DEFINITION" ? value : void 0;
}
function changedBeside({ propagateTags }, missingTagKeys, { roll, addedTagKeys, propagateTagsBefore: known3 }, policy) {
  const before = policy.propagateTags ? propagateTagsBefore(propagateTags) : void 0;
  return {
    roll: {
      addedTagKeys: union4(roll?.addedTagKeys ?? [], missingTagKeys),
      ...before && roll?.propagateTagsBefore === void 0 && { propagateTagsBefore: before }
    },
    service: {
      addedTagKeys: union4(addedTagKeys, missingTagKeys),
      ...before && known3 === void 0 && { propagateTagsBefore: before }
    }
  };
}
async function giveTagsBack(ref, { roll, addedTagKeys }, record14, calls) {
  const given = roll?.addedTagKeys ?? [];
  if (given.length === 0) return;
  const kept2 = await removeAddedTags(ref, given, calls);
  const gone2 = given.filter((key) => !kept2.includes(key));
  await record14({ addedTagKeys: kept2 }, { addedTagKeys: addedTagKeys.filter((key) => !gone2.includes(key)) });
}
function union4(one, other) {
  return [.../* @__PURE__ */ new Set([...one, ...other])];
}

// shared/use-cases/roll/register-once.ts
async function registerOnce(definition, current, state, ecs) {
  const content = comparable(definition);
  const contentHash2 = sha256(content);
  const found = (taskDefinitionArn) => ({ taskDefinitionArn, contentHash: contentHash2 });
  const { registered, registeredBefore, roll } = state;
  const known3 = [
    ...contentOf(current) === content ? [current.taskDefinitionArn] : [],
    ...[registered, registeredBefore].flatMap(
      (one) => one?.contentHash === contentHash2 ? [one.taskDefinitionArn] : []
    )
  ];
  for (const revisionArn of new Set(known3)) if (await isActive(revisionArn, ecs)) return found(revisionArn);
  if (roll?.applyStartedAt !== void 0) {
    const latest = await ecs.describeLatestTaskDefinition(textAt(definition, "family") ?? "");
    if (latest && contentOf(latest) === content) return found(latest.taskDefinitionArn);
  }
  return found(await ecs.registerTaskDefinition(definition));
}
async function isActive(taskDefinitionArn, ecs) {
  try {
    const { raw } = await ecs.describeTaskDefinition(taskDefinitionArn, { fresh: true });
    return textAt(raw, "status") === "ACTIVE";
  } catch (error) {
    if (error instanceof AutopilotError && error.code === "task-definition-not-found") return false;
    throw error;
  }
}
function contentOf({ raw, tags }) {
  return comparable(registerable(raw, tags));
}
function comparable(definition) {
  return canonicalJson(withoutEmptyLists(definition));
}
function withoutEmptyLists(node) {
  if (isList(node)) return node.map(withoutEmptyLists);
  if (!isJsonObject(node)) return node;
  const kept2 = Object.entries(node).filter(([, value]) => !(isList(value) && value.length === 0));
  return Object.fromEntries(kept2.map(([key, value]) => [key, withoutEmptyLists(value)]));
}
function isList(node) {
  return Array.isArray(node);
}

// shared/use-cases/roll/secrets-in-use.ts
function withDesiredSecret(secretsInUse, { serviceArn, account, region }, { secretName: secretName2, versionId }) {
  if (secretsInUse.some((used) => versionOf(used) === versionId)) return [...secretsInUse];
  const partition = serviceArn.split(":")[1] ?? "aws";
  const secretArn = `arn:${partition}:secretsmanager:${region}:${account}:secret:${secretName2}`;
  return [...secretsInUse, pinnedValueFrom(secretArn, versionId)];
}
function withPinnedSecret(secretsInUse, valueFrom) {
  if (valueFrom === null) return [...secretsInUse];
  return [...secretsInUse.filter((used) => versionOf(used) !== versionOf(valueFrom)), valueFrom];
}
function secretOfRevision(raw) {
  const sidecar = findSidecar(raw);
  return "secretValueFrom" in sidecar ? sidecar.secretValueFrom : null;
}
function imageOfRevision(raw) {
  const sidecar = findSidecar(raw);
  return sidecar.kind === "ours" ? sidecar.image ?? null : null;
}
function versionOf(valueFrom) {
  return parseValueFrom(valueFrom)?.versionId;
}

// shared/use-cases/roll/watching.ts
var superseded = { outcome: "superseded", watch: null };
function watching(service, targetRevisionArn, { pinnedRevisionArn, namespace, serviceAccount }, secretInUse, context) {
  const primary = primaryOf(service);
  if (!primary) throw new AutopilotError("update-refused", `${service.ref.serviceArn} has no PRIMARY deployment.`);
  const target = { targetRevisionArn, revisionBeforeArn: pinnedRevisionArn, namespace, serviceAccount, secretInUse };
  return { outcome: "applied", watch: watchOf(service, { ...target, deploymentId: primary.id }, context) };
}
function watchOf({ desiredCount, strategyMinutes: strategyMinutes2 }, target, { config, now }) {
  return {
    ...target,
    deadlineMs: now() + minutesToMs(config.policy.deploymentDeadlineMinutes + strategyMinutes2),
    pollIntervalSeconds: Math.ceil(config.policy.pollIntervalMinutes * 60),
    desiredCount
  };
}

// shared/use-cases/roll/deploy-revision.ts
var GIVE_WAY_STARTS = 5;
async function deployDefinition(ref, change2, context) {
  const { plan: plan2, state, recordProgress, calls } = context;
  const { definition, current, secretInUse } = change2;
  const { taskDefinitionArn, contentHash: contentHash2 } = await registerOnce(definition, current, state, calls.ecs).catch(
    (error) => delayLane(error, ref, calls)
  );
  await recordProgress(
    { targetRevisionArn: taskDefinitionArn, revisionBeforeArn: plan2.pinnedRevisionArn },
    {
      secretsInUse: withPinnedSecret(state.secretsInUse, secretInUse),
      ...remembered(state, { contentHash: contentHash2, taskDefinitionArn })
    }
  );
  return deployRevision(ref, taskDefinitionArn, secretInUse, context);
}
function remembered({ registered }, next2) {
  const isNew = registered !== void 0 && registered.contentHash !== next2.contentHash;
  return { registered: next2, ...isNew && { registeredBefore: registered } };
}
async function deployRevision(ref, taskDefinitionArn, secretInUse, context) {
  const { plan: plan2, recordProgress, calls } = context;
  const updated = await calls.ecs.updateService(ref, {
    taskDefinitionArn,
    ...tagsOfTasks(context),
    // Only tags differ: the tasks must start again to carry them.
    ...taskDefinitionArn === plan2.observedRevisionArn && { forceNewDeployment: true }
  });
  const applied = watching(updated, taskDefinitionArn, plan2, secretInUse, calls);
  await recordProgress({ deploymentId: applied.watch.deploymentId });
  return applied;
}
function tagsOfTasks({ plan: plan2, state, calls }) {
  if (plan2.namespace !== null) return calls.config.policy.propagateTags ? { propagateTags: true } : {};
  const before = propagateTagsBefore(state.propagateTagsBefore);
  return before ? { propagateTags: before } : {};
}
async function delayLane(error, { account, region }, { ledger, now }) {
  if (error instanceof AutopilotError && error.code === "throttled") {
    await ledger.reserveStart(`${account}/${region}/register`, now(), { ...REGISTER, count: GIVE_WAY_STARTS });
  }
  throw error;
}

// shared/use-cases/roll/ensure-readers.ts
var MOST_WRITES2 = 5;
async function claimReader({ subject, serviceArn, account, executionRoleArn: executionRoleArn2 }, { changeClaim }) {
  if (!isReaderOf(account, executionRoleArn2)) throw new AutopilotError("reader-refused", executionRoleArn2);
  const { stored } = await changeClaim(subject, (claim) => ({
    next: withHolder(claim ?? newClaim(subject), executionRoleArn2, serviceArn)
  }));
  return stored ?? newClaim(subject);
}
async function ensureReaders(secretArn, reader, calls) {
  for (let writes = 0; writes <= MOST_WRITES2; writes += 1) {
    const claim = await claimReader(reader, calls.ledger);
    if (await writeReaders(secretArn, claim, calls, reader) === "agrees") return;
  }
  throw new AutopilotError("throttled", `${secretArn}: others wrote its policy ${MOST_WRITES2} times.`);
}

// shared/use-cases/roll/ensure-secret.ts
async function ensureSecret(token2, { ref, executionRoleArn: executionRoleArn2, prefix = commonKeys.prefix }, { secrets, ledger }) {
  const subject = secretSubject(ref, secretName(token2, prefix));
  const reader = { subject, serviceArn: ref.serviceArn, account: ref.account, executionRoleArn: executionRoleArn2 };
  const { proven } = await claimReader(reader, ledger);
  const secretArn = await ensureVersion(token2, { subject, proven, prefix }, { secrets, ledger });
  await ensureReaders(secretArn, reader, { secrets, ledger });
  return pinnedValueFrom(secretArn, versionIdOf(token2));
}
async function ensureVersion(token2, known3, calls) {
  const name = secretName(token2, known3.prefix);
  const versionId = versionIdOf(token2);
  const found = await calls.secrets.describeSecret(name);
  if (found) return inSecret(found, token2, known3, calls);
  const { arn, created } = await calls.secrets.createSecret({
    name,
    description: `Bootstrap tokens of ${token2.namespace}/${token2.serviceAccount}, written by ztunnel-autopilot`,
    value: encodeToken(token2),
    versionId,
    tags: Object.fromEntries(secretTags(token2, known3.prefix).map(({ key, value }) => [key, value]))
  });
  if (!created) {
    const existing = await calls.secrets.describeSecret(arn);
    if (!existing) throw new AutopilotError("secret-unavailable", `${name} was deleted just now.`);
    return inSecret(existing, token2, known3, calls);
  }
  await calls.secrets.moveLabel(arn, labelOf(versionId), versionId);
  await noteProven(pinnedValueFrom(arn, versionId), known3, calls);
  return arn;
}
async function inSecret(secret, token2, known3, calls) {
  const { secrets } = calls;
  const versionId = versionIdOf(token2);
  const label = labelOf(versionId);
  const valueFrom = pinnedValueFrom(secret.arn, versionId);
  const isProven = known3.proven.includes(valueFrom);
  if (secret.scheduledForDeletion) await secrets.restoreSecret(secret.arn);
  const labels2 = secret.versions[versionId] ?? [];
  if (isProven && labels2.includes(label)) return secret.arn;
  if (!labels2.includes(label) && !hasRoomForVersion(secret.versions)) {
    throw new AutopilotError("secret-unavailable", `${secret.name} has 20 staging labels.`);
  }
  const attached = isProven && labels2.length > 0 ? labels2 : await put(secret.arn, token2, calls);
  if (!attached.includes(label)) await secrets.moveLabel(secret.arn, label, versionId);
  if (!isProven) await noteProven(valueFrom, known3, calls);
  return secret.arn;
}
function put(secretArn, token2, { secrets }) {
  const versionId = versionIdOf(token2);
  const labels2 = ["AWSCURRENT", labelOf(versionId)];
  return secrets.putSecretValue({ secretArn, value: encodeToken(token2), versionId, labels: labels2 });
}
async function noteProven(valueFrom, { subject }, { ledger }) {
  await ledger.changeClaim(subject, (claim) => ({ next: withProven(claim ?? newClaim(subject), valueFrom) }));
}

// shared/use-cases/roll/enroll-service.ts
async function enrollService(service, current, { desired, facts }, context) {
  const { state, recordProgress, calls } = context;
  const { ref } = service;
  const isAdded = (key) => service.tags[key] === void 0 || state.addedTagKeys.includes(key);
  const added = Object.keys(desired.missingTags).filter(isAdded);
  const beside = changedBeside(service, added, state, calls.config.policy);
  const ports = desired.missingTags[tagKeys.ports];
  const given = ports === void 0 ? {} : { givenPorts: ports };
  await recordProgress(
    { ...startedAt(calls), ...beside.roll },
    { ...beside.service, ...given, secretsInUse: withDesiredSecret(state.secretsInUse, ref, desired.secret) }
  );
  await ensureIdentity(ref, desired.identity, context);
  const token2 = desiredToken(desired.request, facts);
  const { executionRoleArn: executionRoleArn2 } = desired;
  const secretInUse = await ensureSecret(token2, { ref, executionRoleArn: executionRoleArn2, prefix: calls.config.keys.prefix }, calls);
  const definition = withSidecar(current, desired, secretInUse, calls.config);
  await ensureTags(ref, desired, context);
  return deployDefinition(ref, { definition, current, secretInUse }, context);
}
async function ensureIdentity(ref, identity, { plan: plan2, calls }) {
  const { namespace, serviceAccount } = identity;
  if (plan2.isBound && plan2.namespace === namespace && plan2.serviceAccount === serviceAccount) return;
  const plane = controlPlaneFor(calls.config, ref);
  if (!plane) throw new AutopilotError("no-control-plane", `${ref.account}/${ref.region}`);
  const controlPlane3 = calls.controlPlane(plane.name);
  await controlPlane3.ensureNamespace(namespace);
  await controlPlane3.ensureServiceAccount(identity);
}
function withSidecar(current, desired, secretInUse, config) {
  const injection = desiredDefinition(current, desired, secretInUse, config);
  if (!injection.ok) throw new AutopilotError("registration-refused", `${injection.refusal}: ${injection.detail}`);
  return injection.definition;
}
async function ensureTags(ref, { missingTags: missingTags3 }, { plan: plan2, calls }) {
  if (plan2.clusterTags[DISCOVERY_TAG] !== "true") {
    await calls.ecs.tagResource(clusterArnOf(ref), { [DISCOVERY_TAG]: "true" });
  }
  if (Object.keys(missingTags3).length > 0) await calls.ecs.tagResource(ref.serviceArn, missingTags3);
}

// shared/use-cases/observe/fresh-mesh.ts
async function freshMesh(name, calls) {
  const facts = await calls.controlPlane(name).readMeshFacts();
  parseBundle(facts.rootCaPem);
  return (await calls.ledger.changeMesh(name, (mesh) => ({ next: withNewFacts(mesh, facts) }))).stored;
}
async function lastGoodMesh(name, calls) {
  try {
    return await freshMesh(name, calls);
  } catch (error) {
    if (!(error instanceof AutopilotError) || error.retryable) throw error;
    const known3 = await calls.ledger.getMesh(name);
    if (!known3) throw error;
    return known3;
  }
}

// shared/use-cases/roll/fresh-reads.ts
function freshReads(isEnrolled, calls) {
  const meshes = /* @__PURE__ */ new Map();
  return {
    mesh: (name) => {
      const mesh = meshes.get(name) ?? (isEnrolled ? lastGoodMesh : freshMesh)(name, calls);
      meshes.set(name, mesh);
      return mesh;
    },
    fleet: () => calls.ledger.getFleet()
  };
}

// shared/use-cases/roll/way-back.ts
async function returnService(ref, back, calls) {
  const { plan: plan2, state, propagateTags, record: record14 } = back;
  const failed2 = failedChoices(state, back.failedReturn);
  const refused2 = [];
  for (const choice of choicesOf(plan2, state).filter((one) => !failed2.includes(one))) {
    try {
      const usable2 = await revisionOf2(choice, plan2, state, calls.ecs);
      if (usable2 === void 0 || failed2.includes(usable2.revisionArn)) continue;
      const { revisionArn, secretInUse } = usable2;
      const progress = { revertRevisionArn: revisionArn, revertChoice: choice, failedChoices: failed2 };
      await record14({ ...progress, revertSecret: secretInUse });
      const change2 = { taskDefinitionArn: revisionArn, ...propagateTags && { propagateTags } };
      return { service: await calls.ecs.updateService(ref, change2), revisionArn, secretInUse };
    } catch (error) {
      const { code: code2, detail } = asAutopilotError(error);
      if (!asksForAnother.includes(code2)) throw error;
      refused2.push(`${choice.split("/").at(-1)}: ${code2}: ${detail}`);
    }
  }
  throw new AutopilotError("no-way-back", refused2.join("; "));
}
var asksForAnother = ["task-definition-not-found", "registration-refused", "update-refused"];
var WITHOUT_SIDECAR = "without the sidecar";
function choicesOf({ change: change2, pinnedRevisionArn, observedRevisionArn }, { lastGoodRevisionArn, roll }) {
  const wanted = change2 === "rollback" ? [] : [pinnedRevisionArn];
  const others = [lastGoodRevisionArn, observedRevisionArn].filter(
    (arn) => arn !== void 0 && arn !== roll?.targetRevisionArn && (change2 !== "rollback" || arn !== pinnedRevisionArn)
  );
  const last = change2 === "unenroll" ? [] : [WITHOUT_SIDECAR];
  return [.../* @__PURE__ */ new Set([...wanted, ...others, ...last])].filter((one) => one !== void 0);
}
function failedChoices({ roll }, failedReturn) {
  const before = roll?.failedChoices ?? [];
  if (failedReturn === void 0) return [...before];
  const latest = roll?.revertRevisionArn === failedReturn && roll.revertChoice !== void 0 ? [roll.revertChoice] : [];
  return [.../* @__PURE__ */ new Set([...before, failedReturn, ...latest])];
}
async function revisionOf2(choice, plan2, state, ecs) {
  if (choice !== WITHOUT_SIDECAR) return usableRevision(choice, state, ecs);
  const described2 = await ecs.describeTaskDefinition(plan2.observedRevisionArn, { fresh: true });
  if (findSidecar(described2.raw).kind === "none") return void 0;
  const { taskDefinitionArn } = await registerOnce(removedDefinition(described2), described2, state, ecs);
  return { revisionArn: taskDefinitionArn, secretInUse: null };
}
async function usableRevision(revisionArn, state, ecs) {
  const described2 = await ecs.describeTaskDefinition(revisionArn, { fresh: true });
  const { raw, tags } = described2;
  const secretInUse = secretOfRevision(raw);
  if (textAt(raw, "status") === "ACTIVE") return { revisionArn, secretInUse };
  const { taskDefinitionArn } = await registerOnce(registerable(raw, tags), described2, state, ecs);
  return { revisionArn: taskDefinitionArn, secretInUse };
}

// shared/use-cases/roll/roll-back-service.ts
async function rollBackService(service, context) {
  const { plan: plan2, state, recordProgress, calls } = context;
  const { ref, taskDefinitionArn } = service;
  const { pinnedRevisionArn } = plan2;
  if (taskDefinitionArn === pinnedRevisionArn || taskDefinitionArn === state.roll?.targetRevisionArn) {
    const { raw } = await calls.ecs.describeTaskDefinition(taskDefinitionArn);
    return watching(service, taskDefinitionArn, plan2, secretOfRevision(raw), calls);
  }
  if (taskDefinitionArn !== plan2.observedRevisionArn) return superseded;
  const { revisionArn: targetRevisionArn, secretInUse } = await usableRevision(pinnedRevisionArn, state, calls.ecs);
  const missing = missingTags2(service, plan2);
  const isAdded = (key) => service.tags[key] === void 0 || state.addedTagKeys.includes(key);
  const propagates = calls.config.policy.propagateTags && plan2.namespace !== null;
  const beside = changedBeside(service, Object.keys(missing).filter(isAdded), state, { propagateTags: propagates });
  const ports = missing[tagKeys.ports];
  const others = state.secretsInUse.filter((used) => used !== secretInUse);
  await recordProgress(
    { ...startedAt(calls), ...beside.roll, targetRevisionArn },
    {
      ...beside.service,
      ...ports !== void 0 && { givenPorts: ports },
      secretsInUse: secretInUse === null ? others : [...others, secretInUse]
    }
  );
  if (Object.keys(missing).length > 0) await calls.ecs.tagResource(ref.serviceArn, missing);
  return deployRevision(ref, targetRevisionArn, secretInUse, context);
}
function missingTags2({ tags }, { namespace, serviceAccount, ports }) {
  const desired = { [tagKeys.namespace]: namespace, [tagKeys.serviceAccount]: serviceAccount };
  const missing = Object.entries(desired).flatMap(
    ([key, value]) => value === null || tags[key] === value ? [] : [[key, value]]
  );
  const needsPorts = ports !== null && tags[tagKeys.ports] === void 0;
  return Object.fromEntries(needsPorts ? [...missing, [tagKeys.ports, ports]] : missing);
}

// shared/use-cases/roll/apply-roll.ts
async function applyRoll(ref, executionName2, plan2, calls) {
  const state = await calls.ledger.getService(ref.serviceArn);
  if (state?.roll?.executionName !== executionName2) return superseded;
  const service = await calls.ecs.describeService(ref);
  if (isAnotherService(service, plan2.serviceCreatedAtMs)) return superseded;
  const context = { plan: plan2, state, recordProgress: progressRecorder(ref, executionName2, calls), calls };
  if (plan2.change === "rollback") return rollBackService(service, context);
  if (plan2.change === "verify") return watchUnchanged(service, context);
  const resume = resumeOf(state.roll, service, plan2);
  switch (resume.from) {
    case "superseded":
      return superseded;
    case "updated":
      return watching(service, resume.targetRevisionArn, plan2, secretOfUpdate(context), calls);
    case "observed":
      return applyPlan(service, context);
  }
}
async function watchUnchanged(service, context) {
  const { plan: plan2, calls } = context;
  const revisionArn = plan2.observedRevisionArn;
  if (service.taskDefinitionArn !== revisionArn) return superseded;
  const { raw } = await calls.ecs.describeTaskDefinition(revisionArn);
  const applied = watching(service, revisionArn, plan2, secretOfRevision(raw), calls);
  await context.recordProgress({ targetRevisionArn: revisionArn, deploymentId: applied.watch.deploymentId });
  return applied;
}
function secretOfUpdate({ plan: plan2, state }) {
  return plan2.namespace === null ? null : state.secretsInUse.at(-1) ?? null;
}
async function applyPlan(service, context) {
  const { plan: plan2, state, calls } = context;
  const definition = await calls.ecs.describeTaskDefinition(service.taskDefinitionArn);
  const observed = { service, state, definition, clusterTags: plan2.clusterTags };
  const fleetFacts = await readFleetFacts(observed, calls.config, freshReads(state.enrolled, calls), targetOf(plan2));
  const found = applyCase(observed, plan2, fleetFacts, calls.config);
  switch (found.case) {
    case "superseded":
      return superseded;
    case "unenroll":
      return unenrollService(service.ref, definition, context);
    case "enroll":
      return enrollService(service, definition, found, context);
  }
}
async function unenrollService(ref, current, context) {
  await context.recordProgress(startedAt(context.calls));
  return deployDefinition(ref, { definition: removedDefinition(current), current, secretInUse: null }, context);
}

// shared/use-cases/roll/steps.ts
import * as z47 from "zod";

// shared/rollout/steps.ts
import * as z46 from "zod";
var rollout = { rolloutId: rolloutIdSchema };
var phaseSchema = z46.enum(["forward", "rollback"]);
var startInput = z46.object(rollout);
var nextWaveInput = z46.object({ ...rollout, executionName: z46.string().min(1), passes: z46.int().nonnegative() });
var nextWaveSchema = z46.object({
  do: z46.enum(["roll", "hold", "continue", "finish", "end"]),
  phase: phaseSchema,
  wave: z46.int().nonnegative(),
  /** `concurrency` 0: as many as start. */
  lanes: z46.array(z46.object({ ...laneSchema.shape, concurrency: z46.int().nonnegative() })),
  holdSeconds: z46.int().positive(),
  /** The execution that goes on where this one ends. */
  executionName: z46.string()
});
var takeInput = z46.object({
  ...rollout,
  phase: phaseSchema,
  ordinal: z46.int().nonnegative(),
  /** The execution of its last try has ended. */
  retake: z46.boolean().default(false)
});
var takenSchema = z46.object({
  do: z46.enum(["roll", "skip"]),
  /** When AWS's quotas let its roll start. */
  waitSeconds: z46.int().nonnegative(),
  executionName: z46.string(),
  serviceArn: z46.string()
});
var holdInput = z46.object({ ...rollout, taskToken: z46.string().min(1) });
var laneFailureSchema = z46.object({
  error: z46.string(),
  cause: z46.string(),
  lane: z46.object({ first: z46.int(), last: z46.int() }).optional()
});
var assessInput = z46.object({
  ...rollout,
  phase: phaseSchema,
  wave: z46.int().nonnegative(),
  after: z46.enum(["roll", "bake"]),
  /** None in an execution of an earlier version. */
  laneFailures: z46.array(laneFailureSchema).default([])
});
var assessedSchema = z46.object({ bakeSeconds: z46.int().nonnegative() });
var finishRolloutInput = z46.object({
  ...rollout,
  failure: z46.object({ error: z46.string(), cause: z46.string() }).nullable()
});
var rollOrderSchema = z46.object({ id: rolloutIdSchema, ordinal: z46.int().nonnegative(), phase: phaseSchema });

// shared/use-cases/roll/steps.ts
var driftKeys = driftReasonNames;
var changeSchema2 = z47.enum(["enroll", "update", "unenroll", "rollback", "verify"]);
var refusalSchema = z47.object({ reason: z47.string(), detail: z47.string() });
var planSchema = z47.discriminatedUnion("action", [
  z47.object({
    action: z47.literal("apply"),
    outcome: z47.literal("planned"),
    change: changeSchema2,
    drift: z47.array(z47.string().refine((key) => driftKeys.includes(key), "a drift reason")),
    observedRevisionArn: z47.string(),
    /** The revision that a failed roll reverts to. */
    pinnedRevisionArn: z47.string(),
    /** The secret version that the pinned revision starts from, if it has one. */
    pinnedSecret: z47.string().nullable().default(null),
    /** When the service was created that this plan is for; null where that is not known. */
    serviceCreatedAtMs: z47.int().nullable().default(null),
    /** What it is to bring to the tags of tasks, where that is why it deploys. */
    taskTagsTried: z47.string().nullable().default(null),
    /** The cluster's tags that decisions depend on, so that the next step need not read them again. */
    clusterTags: z47.record(z47.string(), z47.string()),
    /**
     * The workload's Kubernetes namespace and service account, and its ztunnel's image; null when it leaves the mesh.
     */
    namespace: z47.string().nullable(),
    serviceAccount: z47.string().nullable(),
    image: z47.string().nullable(),
    /** The ports tag that a rollback gives the service where it has none; null where it needs none. */
    ports: z47.string().nullable().default(null),
    /** An update whose service account is bound to its role already: namespace and binding stay as they are. */
    isBound: z47.boolean().default(false),
    /** Why the service goes on with the identity that it runs with, instead of the one that its tags ask for. */
    identityConflict: z47.string().nullable().default(null),
    startedAtMs: z47.int(),
    /** What failed attempts at this change are counted under. */
    attemptKey: z47.string(),
    /** The content that the roll brings or verifies, as a hash; null where there is none, or by an older plan. */
    content: z47.string().nullable().default(null),
    /** What its rollout brings to the service beside the newest mesh facts; null: it belongs to none. */
    rollout: z47.object({ image: z47.string().nullable(), leave: z47.boolean() }).nullable().default(null)
  }),
  z47.object({
    action: z47.literal("finish"),
    outcome: z47.enum(["superseded", "refused"]),
    reason: z47.string(),
    refusals: z47.array(refusalSchema).default([])
  })
]);
var watchSchema = z47.object({
  deploymentId: z47.string(),
  targetRevisionArn: z47.string(),
  /** ECS's circuit breaker returns to this revision; null where the watched deployment itself is a revert. */
  revisionBeforeArn: z47.string().nullable(),
  deadlineMs: z47.int(),
  pollIntervalSeconds: z47.int().positive(),
  desiredCount: z47.int().nonnegative(),
  /** Where the mesh must know the tasks; null when they leave the mesh. */
  namespace: z47.string().nullable(),
  /** As whom the mesh must know them. */
  serviceAccount: z47.string().nullable().default(null),
  /** The secret version that the target revision pins, if it has one. */
  secretInUse: z47.string().nullable()
});
var endedSchema = z47.object({
  verdict: z47.enum(["succeeded", "failed", "superseded"]),
  code: z47.string().nullable(),
  detail: z47.string()
});
var failureSchema = z47.union([z47.object({ error: z47.string(), cause: z47.string() }), endedSchema]);
var lambdaErrorSchema = z47.object({ errorMessage: z47.string() });
function failureOf(failure) {
  if (failure === null) return { code: "unexpected-error", detail: "" };
  if ("verdict" in failure) return { code: failure.code ?? "unexpected-error", detail: failure.detail };
  const message = lambdaMessage(failure.cause) ?? failure.cause;
  const code2 = failureCodeOf(message);
  if (code2 === void 0) return { code: "unexpected-error", detail: `${failure.error}: ${message}` };
  return { code: code2, detail: message.slice(code2.length + 1).trimStart() };
}
function lambdaMessage(cause) {
  if (!cause.startsWith("{")) return void 0;
  try {
    return lambdaErrorSchema.safeParse(JSON.parse(cause)).data?.errorMessage;
  } catch {
    return void 0;
  }
}
var step = { serviceArn: serviceArnSchema, executionName: z47.string().min(1).max(80) };
var causeSchema = z47.object({ code: z47.string(), sentence: z47.string(), failedReturns: z47.array(z47.string()).optional() }).transform(({ failedReturns, ...cause }) => ({ ...cause, ...failedReturns && { failedReturns } }));
function causeInWords({ sentence, failedReturns = [] }) {
  if (failedReturns.length === 0) return sentence;
  return `${sentence} The revert failed, too: ${failedReturns.join("; ")}`;
}
var FAILED_OF = "The roll had failed:";
function failedOf(cause) {
  return `${FAILED_OF} ${cause.code}: ${causeInWords(cause)}`;
}
function saysFailedOf(detail) {
  return detail.includes(FAILED_OF);
}
var rollout2 = rollOrderSchema.nullable().default(null);
var planInput = z47.object({ ...step, rollout: rollout2 });
var applyInput = z47.object({ ...step, plan: planSchema });
var awaitInput = z47.object({ ...step, taskToken: z47.string().min(1), watch: watchSchema, pollCount: z47.int() });
var verifyInput = z47.object({ ...step, plan: planSchema, watch: watchSchema, since: z47.iso.datetime() });
var revertInput = z47.object({
  ...step,
  plan: planSchema,
  watch: watchSchema.nullable(),
  failure: failureSchema.nullable(),
  /** Set where the service was returned, and the deployment of that failed: why the roll had failed. */
  cause: causeSchema.nullable().default(null)
});
var finishInput = z47.object({
  ...step,
  /** What a failure is counted under, by what was observed when the roll was started. */
  attemptKey: z47.string(),
  rollout: rollout2,
  plan: planSchema.nullable(),
  watch: watchSchema.nullable(),
  outcome: z47.string(),
  failure: failureSchema.nullable(),
  /** The failure of the roll itself, where its revert failed before it could say so. */
  firstFailure: failureSchema.nullable().default(null),
  cause: causeSchema.nullable()
});

// functions/secrets.ts
function placedSecrets({ clients }) {
  return (place) => secretsGateway(clients.at(place));
}
function environmentSecrets() {
  return placedSecrets(environmentContext());
}

// functions/roll/apply.ts
function apply(context, controlPlane3, secrets) {
  return async (event, { log }) => {
    const { serviceArn, executionName: executionName2, plan: plan2 } = parsed2(applyInput, event);
    log.appendKeys({ serviceArn, executionName: executionName2 });
    if (plan2.action !== "apply") throw new AutopilotError("malformed-event", "The plan has nothing to apply.");
    const ref = serviceRef(serviceArn);
    const calls = { ...context, ecs: context.ecs(ref), secrets: secrets(ref), controlPlane: controlPlane3 };
    const applied = await applyRoll(ref, executionName2, plan2, calls);
    log.info(applied.outcome, { watch: applied.watch });
    return applied;
  };
}
var handler3 = lambda(
  "roll-apply",
  () => apply(environmentContext(), environmentControlPlanes({ keptMs: ROLL_KEPT_MS }), environmentSecrets())
);

// shared/use-cases/roll/await-deployment.ts
async function awaitDeployment(ref, roll, calls) {
  const { watch, taskToken } = roll;
  const { deploymentId, targetRevisionArn, revisionBeforeArn } = watch;
  const leaseUntil = calls.now() + minutesToMs(calls.config.policy.leaseMinutes);
  const patch = { taskToken, deploymentId, targetRevisionArn, revisionBeforeArn, leaseUntil };
  const state = await calls.ledger.updateRoll(ref.serviceArn, roll.executionName, patch);
  if (!state) return deliver(taskToken, leaseLost, calls);
  const signal = state.roll?.signal;
  if (signal?.deploymentId === deploymentId) return deliver(taskToken, endedBy(signal), calls);
  if (roll.pollCount === 0) return void 0;
  const ended2 = await checkDeployment(ref, watch, calls);
  return ended2 && deliver(taskToken, ended2, calls);
}
var leaseLost = { verdict: "superseded", code: "roll-in-progress", detail: "Another roll took the lease." };
async function checkDeployment(ref, watch, calls) {
  const service = await calls.ecs.describeService(ref);
  const { deploymentId, targetRevisionArn, revisionBeforeArn, deadlineMs } = watch;
  const verdict = judge({
    service,
    deploymentId,
    targetRevisionArn,
    ...revisionBeforeArn !== null && { revisionBeforeArn },
    deadlineMs,
    nowMs: calls.now(),
    policy: calls.config.policy
  });
  switch (verdict.state) {
    case "progressing":
      return void 0;
    case "succeeded":
      return { verdict: "succeeded", code: null, detail: "" };
    case "superseded":
      return { verdict: "superseded", code: "superseded", detail: verdict.detail };
    case "failed":
      return {
        verdict: "failed",
        code: verdict.code,
        detail: `${failures[verdict.code].sentence} ${verdict.detail}`.trim()
      };
  }
}
function endedBy(signal) {
  return signal.eventName === "SERVICE_DEPLOYMENT_COMPLETED" ? { verdict: "succeeded", code: null, detail: "" } : { verdict: "failed", code: "deployment-failed", detail: signal.reason };
}
async function deliver(taskToken, ended2, calls) {
  await calls.executions.sendTaskSuccess(taskToken, ended2);
  return ended2;
}

// functions/roll/await-deployment.ts
function awaitItsDeployment(context) {
  return async (event, { log }) => {
    const { serviceArn, ...roll } = parsed2(awaitInput, event);
    log.appendKeys({ serviceArn, executionName: roll.executionName });
    const ref = serviceRef(serviceArn);
    const ended2 = await awaitDeployment(ref, roll, { ...context, ecs: context.ecs(ref) });
    log.info(ended2 ? ended2.verdict : "waiting", { deploymentId: roll.watch.deploymentId, pollCount: roll.pollCount });
    return ended2 ?? null;
  };
}
var handler4 = lambda("roll-await-deployment", () => awaitItsDeployment(environmentContext()));

// shared/use-cases/roll/ending.ts
function endingOf(input) {
  const { executionName: executionName2, rollout: rollout3, watch } = input;
  const plan2 = input.plan?.action === "apply" ? input.plan : void 0;
  const end2 = resultOf(input, plan2);
  const back = end2.outcome === "reverted" && plan2 ? revertedTo(plan2, watch) : void 0;
  return {
    executionName: executionName2,
    ...end2,
    attemptKey: attemptKeyAfter(input, plan2, back),
    rollout: rollout3,
    plan: plan2,
    deployed: isDeployed(end2.outcome) && plan2 && watch ? { plan: plan2, watch } : void 0,
    revertedTo: back,
    refusals: end2.outcome === "refused" && input.plan?.action === "finish" ? input.plan.refusals : void 0
  };
}
function attemptKeyAfter({ rollout: rollout3, attemptKey }, plan2, back) {
  if (plan2 && back && plan2.content !== null && isTriedAgain(plan2, back)) {
    return attemptKeyOf(back.revisionArn, plan2.content);
  }
  return rollout3 && plan2 ? plan2.attemptKey : attemptKey;
}
function isTriedAgain({ change: change2, pinnedRevisionArn, observedRevisionArn }, back) {
  return change2 === "verify" || pinnedRevisionArn === observedRevisionArn && back.revisionArn !== observedRevisionArn;
}
function revertedTo({ pinnedRevisionArn, pinnedSecret }, watch) {
  return watch?.revisionBeforeArn === null && watch.targetRevisionArn !== pinnedRevisionArn ? { revisionArn: watch.targetRevisionArn, secretInUse: watch.secretInUse } : { revisionArn: pinnedRevisionArn, secretInUse: pinnedSecret };
}
function isDeployed(outcome) {
  return outcome === "succeeded" || outcome === "unverified";
}
function resultOf({ outcome, plan: plan2, failure, firstFailure, cause }, applied) {
  const { code: code2, detail } = failureOf(failure);
  const words2 = cause ? causeInWords(cause) : void 0;
  const first = words2 ?? (firstFailure ? failureOf(firstFailure).detail : "");
  const isSaid = saysFailedOf(detail) || detail.includes(first);
  const planned = plan2?.action === "finish" ? plan2.reason : void 0;
  switch (outcome) {
    case "succeeded":
    case "unverified":
      return { outcome, reason: applied?.change ?? "", sentence: "" };
    case "refused":
      return { outcome, reason: planned ?? "", sentence: "" };
    case "superseded":
      return { outcome, reason: planned ?? "superseded", sentence: "" };
    case "reverted":
      return { outcome, reason: cause?.code ?? code2, sentence: words2 ?? detail };
    case "revert-failed":
      return { outcome, reason: code2, sentence: [isSaid ? "" : first, detail].filter(Boolean).join(" ") };
    default:
      return { outcome: "failed", reason: cause?.code ?? code2, sentence: words2 ?? detail };
  }
}

// shared/use-cases/roll/ending-case.ts
function endingCase(state, { executionName: executionName2, plan: plan2 }) {
  if (!state) return { case: "stray", state };
  const { roll, lastOutcome } = state;
  if (roll?.executionName === executionName2) return { case: "release", state };
  if (lastOutcome?.executionName === executionName2) return { case: "repeat", state };
  const overtaken = lastOutcome && plan2 && Date.parse(lastOutcome.at) >= plan2.startedAtMs;
  return { case: overtaken ? "overtaken" : "stray", state };
}

// shared/use-cases/roll/ending-patches.ts
function releasePatch(state, ending, timing) {
  return {
    attemptNumber: state.attemptNumber + 1,
    lastOutcome: outcomeOf(ending, timing),
    ...strandedPatch(ending, timing),
    ...ending.plan?.serviceCreatedAtMs != null && { createdAtMs: ending.plan.serviceCreatedAtMs },
    ...resultPatch(ending, state),
    ...isFailure(ending.outcome) && afterFailure(state, ending.attemptKey, timing.nowMs, timing.policy)
  };
}
function strayPatch(state, ending, timing) {
  if (!isFailure(ending.outcome)) return {};
  return {
    lastOutcome: outcomeOf(ending, timing),
    ...afterFailure(state, ending.attemptKey, timing.nowMs, timing.policy)
  };
}
function outcomeOf({ outcome, reason, executionName: executionName2 }, { nowMs }) {
  return { outcome, reason, executionName: executionName2, at: new Date(nowMs).toISOString() };
}
function strandedPatch({ outcome, reason }, { nowMs }) {
  switch (outcome) {
    case "revert-failed":
      return { stranded: { since: new Date(nowMs).toISOString(), reason } };
    case "succeeded":
    case "unverified":
    case "reverted":
      return { stranded: null };
    case "failed":
    case "refused":
    case "superseded":
      return {};
  }
}
function isFailure(outcome) {
  return outcome !== "succeeded" && outcome !== "unverified" && outcome !== "superseded";
}
function resultPatch({ outcome, deployed, refusals: refusals2, revertedTo: revertedTo2, rollout: rollout3 }, state) {
  if (deployed) {
    const rolledBy = rollout3?.phase === "forward" ? { id: rollout3.id, ordinal: rollout3.ordinal } : null;
    return { ...deployedPatch(deployed, rollout3 !== null), ...goodPatch(deployed, outcome, state), rolledBy };
  }
  if (refusals2) return { notifiedRefusals: refusalText({ refusals: refusals2 }), notice: null };
  if (!revertedTo2) return {};
  return { lastGoodRevisionArn: revertedTo2.revisionArn, lastGoodSecret: revertedTo2.secretInUse };
}
function goodPatch({ plan: plan2, watch }, outcome, state) {
  const { pinnedRevisionArn, pinnedSecret } = plan2;
  const { targetRevisionArn: revisionArn, secretInUse } = watch;
  const image = plan2.image === null ? {} : { lastGoodImage: plan2.image };
  const good = { lastGoodRevisionArn: revisionArn, lastGoodSecret: secretInUse, ...image };
  if (outcome !== "unverified") return { ...good, unverified: null };
  return {
    ...pinnedRevisionArn === state.lastGoodRevisionArn && { lastGoodSecret: pinnedSecret },
    ...plan2.change === "rollback" && good,
    unverified: {
      revisionArn,
      pinnedRevisionArn,
      pinnedSecret,
      ...plan2.content !== null && { content: plan2.content }
    }
  };
}
function deployedPatch({ plan: plan2, watch }, inRollout2) {
  const { change: change2, pinnedSecret } = plan2;
  const { secretInUse } = watch;
  const tried2 = plan2.taskTagsTried === null ? {} : { taskTagsTried: plan2.taskTagsTried };
  const patch = { ...afterSuccess(), ...tried2, notifiedRefusals: null, stops: null };
  const kept2 = pinnedSecret === null || pinnedSecret === secretInUse ? [] : [pinnedSecret];
  const secretsInUse = secretInUse === null ? kept2 : [...kept2, secretInUse];
  switch (change2) {
    case "enroll":
    case "update":
    case "verify":
      return { ...patch, enrolled: true, secretsInUse };
    case "unenroll":
      return {
        ...patch,
        enrolled: false,
        addedTagKeys: [],
        givenPorts: null,
        propagateTagsBefore: null,
        lastGoodImage: null,
        secretsInUse: inRollout2 ? kept2 : []
      };
    case "rollback":
      return { ...patch, ...secretInUse === null ? { enrolled: false } : { enrolled: true, secretsInUse } };
  }
}
function refusalText({ refusals: refusals2 }) {
  return refusals2?.map(({ reason, detail }) => `${reason}: ${detail}`).join("\n");
}

// shared/rollout/counted.ts
var OWN_ALARM = "alarm-fired";
var IMAGE_FAILURES = ["image-unavailable", "ztunnel-unhealthy"];
function countsAsFailed({
  status,
  unfit,
  ownImage,
  reason
}) {
  if (!failedStatuses.includes(status) || unfit !== void 0 || reason === OWN_ALARM) return false;
  return !(ownImage === true && reason !== void 0 && IMAGE_FAILURES.includes(reason));
}

// shared/use-cases/roll/rollout-record.ts
function rolloutStatus(phase, ending, { adopted: adopted2, unverified }) {
  if (phase === "rollback") return rollbackStatus(ending);
  const status = adopted2 ? "succeeded" : forwardStatus(ending);
  return unverified && isAsDesired(ending) ? "unverified" : status;
}
function isAsDesired({ outcome, reason }) {
  return outcome === "superseded" && reason === "already-as-desired";
}
function forwardStatus({ outcome, reason }) {
  if (outcome !== "superseded") return outcome;
  switch (reason) {
    case "already-as-desired":
    case "service-not-found":
      return "skipped";
    case "rollout-stopped":
      return "waiting";
    default:
      return "superseded";
  }
}
function rollbackStatus({ outcome, reason }) {
  if (outcome === "succeeded" || outcome === "unverified") return "rolled-back";
  if (outcome !== "superseded") return "stuck";
  switch (reason) {
    case "already-as-desired":
      return "rolled-back";
    case "roll-in-progress":
      return "succeeded";
    default:
      return "left";
  }
}
function rolloutServicePatch(phase, status, { reason, sentence, plan: plan2, deployed }, state, nowMs) {
  return {
    status,
    reason,
    ...sentence && { detail: sentence.slice(0, 1e3) },
    finishedAt: new Date(nowMs).toISOString(),
    ...plan2 && {
      startedAt: new Date(plan2.startedAtMs).toISOString(),
      durationSeconds: Math.max(0, (nowMs - plan2.startedAtMs) / 1e3)
    },
    ...deployed && phase === "forward" && {
      fromRevisionArn: deployed.plan.pinnedRevisionArn,
      toRevisionArn: deployed.watch.targetRevisionArn,
      imageBefore: state?.image ?? null
    }
  };
}
function ordinalsJoined(phase, service) {
  if (service.status === "stuck") return "stuckOrdinals";
  return phase === "forward" && countsAsFailed(service) ? "failedOrdinals" : void 0;
}
function imagePatch(status, image, { imageBefore }, nowMs) {
  switch (status) {
    case "succeeded":
    case "unverified":
      return image ? { image: { image, assignedAtMs: nowMs } } : {};
    case "rolled-back":
    case "left":
    case "stuck":
      return { image: imageBefore ?? null };
    default:
      return {};
  }
}

// shared/use-cases/roll/record-in-rollout.ts
async function recordInRollout(ending, state, { ledger, now }) {
  const { rollout: rollout3, plan: plan2 } = ending;
  if (!rollout3) return {};
  const { id, ordinal, phase } = rollout3;
  const adopted2 = await isAdopted(rollout3, ending, ledger);
  const status = rolloutStatus(phase, ending, { adopted: adopted2, unverified: state?.unverified !== void 0 });
  const patch = rolloutServicePatch(phase, status, ending, state, now());
  const service = await ledger.patchRolloutService(id, ordinal, { executionName: ending.executionName }, patch);
  if (!service) return {};
  await joinOrdinals(rollout3, ordinalsJoined(phase, service), ledger);
  const image = adopted2 ? (await ledger.getRollout(id))?.target.image : plan2?.rollout?.image;
  return imagePatch(status, image, service, now());
}
async function isRecorded({ rollout: rollout3 }, ledger) {
  const service = rollout3 && await ledger.getRolloutService(rollout3.id, rollout3.ordinal);
  return service?.status !== "rolling" && service?.status !== "rolling-back";
}
async function isAdopted({ id, ordinal, phase }, { reason }, ledger) {
  if (phase === "rollback" || reason !== "already-as-desired") return false;
  return (await ledger.getRolloutService(id, ordinal))?.toRevisionArn !== void 0;
}
async function joinOrdinals({ id, ordinal }, list2, ledger) {
  if (list2 === void 0) return;
  await ledger.changeRollout(
    id,
    (rollout3) => rollout3[list2].includes(ordinal) ? {} : { next: { ...rollout3, [list2]: [...rollout3[list2], ordinal].sort((a, b) => a - b) } }
  );
}

// shared/use-cases/roll/roll-events.ts
function rollEvent(ref, ending, recorded2) {
  const { outcome, reason, deployed } = ending;
  switch (outcome) {
    case "succeeded":
    case "unverified":
      return deployed ? changeEvent(ref, ending, deployed, recorded2) : rollSuperseded(ref, { ...rollOf(ending), reason });
    case "superseded":
      return rollSuperseded(ref, { ...rollOf(ending), reason });
    case "refused":
      return serviceRefused(ref, ending.refusals?.filter(isRefusal) ?? [], {
        ...rolloutOf2(ending),
        ...recorded2.enrolled && { enrolled: true }
      });
    case "reverted":
    case "revert-failed":
    case "failed":
      return failureEvent(ref, ending, recorded2);
  }
}
function failureEvent(ref, ending, { consecutiveFailures, notBefore }) {
  const { outcome, reason, sentence, revertedTo: revertedTo2 } = ending;
  return rollFailed(ref, {
    ...rollOf(ending),
    code: reason,
    sentence,
    reverted: outcome !== "revert-failed",
    ...outcome === "failed" && { unchanged: true },
    ...revertedTo2 && { revertedTo: revertedTo2.revisionArn },
    ...consecutiveFailures && { consecutiveFailures },
    ...notBefore && { nextAttemptAt: new Date(notBefore).toISOString() }
  });
}
function changeEvent(ref, ending, { plan: plan2, watch }, { recheckRequested }) {
  const change2 = {
    ...rollOf(ending),
    taskDefinitionArn: watch.targetRevisionArn,
    previousTaskDefinitionArn: plan2.observedRevisionArn,
    ...verificationOf(ending.outcome, plan2)
  };
  const drift2 = plan2.drift.filter(isDriftReason);
  switch (plan2.change) {
    case "enroll":
      return serviceEnrolled(ref, { ...change2, ...sidecarOf(plan2, watch) });
    case "unenroll":
      return serviceUnenrolled(ref, change2);
    case "update":
    case "rollback":
    case "verify":
      if (drift2.includes("sidecar-missing")) return driftCorrected(ref, { ...change2, drift: drift2 });
      return serviceUpdated(ref, {
        ...change2,
        ...sidecarOf(plan2, watch),
        drift: drift2,
        ...recheckRequested && { recheckRequested }
      });
  }
}
function verificationOf(outcome, { change: change2 }) {
  if (outcome === "unverified") return { verification: "pending" };
  return change2 === "verify" ? { verification: "late" } : {};
}
function sidecarOf({ namespace, serviceAccount, image }, { secretInUse }) {
  const secretVersionId = secretInUse === null ? void 0 : parseValueFrom(secretInUse)?.versionId;
  return {
    ...namespace !== null && { namespace },
    ...serviceAccount !== null && { serviceAccount },
    ...image !== null && { image },
    ...secretVersionId && { secretVersionId }
  };
}
function rollOf(ending) {
  return { executionName: ending.executionName, ...rolloutOf2(ending) };
}
function rolloutOf2({ rollout: rollout3 }) {
  return rollout3 ? { rolloutId: rollout3.id } : {};
}
function isDriftReason(text3) {
  return driftReasonNames.some((name) => name === text3);
}
function isRefusal(refusal) {
  return refusalNames.some((name) => name === refusal.reason);
}

// shared/use-cases/roll/finish-roll.ts
async function finishRoll(ref, input, calls) {
  const ending = endingOf(input);
  const found = endingCase(await calls.ledger.getService(ref.serviceArn), ending);
  const notified = found.case === "release" && await isNotified(ref, ending, calls);
  const recorded2 = await recordEnding(ref, ending, found, calls);
  if (!notified)
    await calls.bus.putEvents([rollEvent(ref, ending, { ...recorded2, enrolled: found.state?.enrolled ?? false })]);
  const { outcome, reason, plan: plan2 } = ending;
  return { outcome, reason, durationSeconds: plan2 && (calls.now() - plan2.startedAtMs) / 1e3 };
}
async function isNotified(ref, ending, calls) {
  const text3 = refusalText(ending);
  if (text3 === void 0) return false;
  return !await claimNotice(ref, { member: "notifiedRefusals", text: text3, by: ending.executionName }, calls);
}
async function recordEnding(ref, ending, found, calls) {
  switch (found.case) {
    case "release":
      return release(ref, ending, found.state, calls);
    case "repeat":
      return found.state;
    case "overtaken":
      if (!await isRecorded(ending, calls.ledger)) await recordInRollout(ending, found.state, calls);
      return { recheckRequested: found.state.recheckRequested };
    case "stray":
      return recordStray(ref, ending, found.state, calls);
  }
}
async function release(ref, ending, state, calls) {
  const leaves = ending.outcome === "succeeded" && ending.plan?.change === "unenroll";
  const keptTagKeys = leaves ? await removeAddedTags(ref, state.addedTagKeys, calls) : [];
  const rolloutPatch = await recordInRollout(ending, state, calls);
  const tagsPatch = keptTagKeys.length > 0 ? { addedTagKeys: keptTagKeys } : {};
  const patch = { ...releasePatch(state, ending, timingOf(calls)), ...tagsPatch, ...rolloutPatch };
  const released3 = await calls.ledger.finishRoll(ref.serviceArn, ending.executionName, patch);
  return { ...patch, recheckRequested: released3?.recheckRequested };
}
async function recordStray(ref, ending, state, calls) {
  await recordInRollout(ending, state, calls);
  const patch = strayPatch(state, ending, timingOf(calls));
  const writes = Object.keys(patch).length > 0;
  const recorded2 = writes ? await calls.ledger.patchService(ref.serviceArn, patch) : state;
  return { ...patch, recheckRequested: recorded2?.recheckRequested };
}
function timingOf({ config, now }) {
  return { nowMs: now(), policy: config.policy };
}

// functions/roll/finish.ts
function finish(context) {
  return async (event, { log, measure }) => {
    const input = parsed2(finishInput, event);
    log.appendKeys({ serviceArn: input.serviceArn, executionName: input.executionName });
    const ref = serviceRef(input.serviceArn);
    const { outcome, reason, durationSeconds } = await finishRoll(ref, input, {
      ...context,
      ecs: context.ecs(ref),
      log
    });
    measure.count("Rolls", { outcome });
    if (durationSeconds !== void 0) measure.record("RollDuration", durationSeconds, { outcome });
    log.info("finished", { outcome, reason });
    return { outcome, reason };
  };
}
var handler5 = lambda("roll-finish", () => finish(environmentContext()));

// shared/rollout/budget.ts
var FEW = 10;
function exceeded(budget, counts) {
  const { wave, waveSize, waveFailed, chosenFailed = 0, total, totalFailed } = counts;
  const hasBudget = budget.perWave !== void 0 || budget.inAll !== void 0;
  const detail = (hasBudget && chosenFailed > 0 ? `${chosenFailed} of the canaries that the rollout chose failed` : void 0) ?? overLimit(budget.perWave, waveFailed, waveSize, `services of wave ${wave}`) ?? overLimit(budget.inAll, totalFailed, total, "services");
  return detail === void 0 ? void 0 : { code: "budget-exceeded", detail };
}
function overLimit(limit, failed2, size, of) {
  const prefix = `${failed2} of ${size} ${of} failed, the budget allows`;
  if (limit?.count !== void 0 && failed2 > limit.count) return `${prefix} ${limit.count}`;
  if (limit?.percent !== void 0 && size < FEW) return failed2 > 1 ? `${prefix} 1 of fewer than ${FEW}` : void 0;
  if (limit?.percent !== void 0 && failed2 * 100 > limit.percent * size + 1e-6) return `${prefix} ${limit.percent} %`;
  return void 0;
}

// shared/rollout/stopping.ts
function isRollingBack({ status, control: control2 }) {
  return status === "rolling-back" || control2?.action === "rollback";
}
function isSuperseded({ status, control: control2, supersededAt }) {
  return supersededAt !== void 0 && status !== "paused" && control2?.action !== "pause";
}
function isStopping(rollout3) {
  return isRollingBack(rollout3) || rollout3.control?.action === "abort" || isSuperseded(rollout3);
}

// shared/rollout/failures.ts
function budgetExceeded(rollout3, waveIndex, { policy }) {
  const wave = rollout3.waves[waveIndex];
  if (!wave || rollout3.emergency) return void 0;
  const { lanes, name, chosenOrdinals = [] } = wave;
  const inWave = (ordinal) => lanes.some(({ first, last }) => ordinal >= first && ordinal <= last);
  return exceeded(resolvedPolicy(rollout3, policy.rollout).failureBudget, {
    wave: name,
    waveSize: lanes.reduce((size, { first, last }) => size + last - first + 1, 0),
    waveFailed: rollout3.failedOrdinals.filter(inWave).length,
    chosenFailed: rollout3.failedOrdinals.filter((ordinal) => chosenOrdinals.includes(ordinal)).length,
    total: rollout3.serviceCount,
    totalFailed: rollout3.failedOrdinals.length
  });
}
function isStopped(rollout3, config) {
  if (rollout3.status !== "running" || isStopping(rollout3)) return true;
  return budgetExceeded(rollout3, rollout3.nextWaveIndex, config) !== void 0;
}

// shared/deployment/pinned.ts
function pinnedRevision(observed) {
  const { service, state } = observed;
  const primaryFirst = service.deployments.toSorted(
    (a, b) => Number(b.status === "PRIMARY") - Number(a.status === "PRIMARY")
  );
  const completed = primaryFirst.find(hasCompleted);
  const { unverified } = state ?? {};
  if (unverified && completed?.taskDefinitionArn === unverified.revisionArn) return unverified.pinnedRevisionArn;
  return completed?.taskDefinitionArn ?? state?.lastGoodRevisionArn ?? service.taskDefinitionArn;
}

// shared/use-cases/roll/claim-identity.ts
async function claimIdentity({ observed, state, desired }, executionName2, calls) {
  const { ref } = observed.service;
  const { identity } = desired;
  const plane = controlPlaneFor(calls.config, ref);
  if (!plane) return { isBound: false };
  const isKept = hasIdentity(observed, identity);
  const { bindings, refusal } = await seenByKubernetes(identity, isKept, calls.controlPlane(plane.name), calls);
  if (refusal) return { refusal };
  const held2 = withHeld(state.held, heldOf(desired));
  if (held2) await calls.ledger.updateRoll(ref.serviceArn, executionName2, {}, { held: held2 });
  const taken = await claimInLedger({ ref, controlPlane: plane.name, identity, isKept }, calls);
  if (!taken) return { isBound: bindings.length > 0 };
  if (held2) await calls.ledger.updateRoll(ref.serviceArn, executionName2, {}, { held: state.held ?? null });
  return { refusal: taken };
}
async function seenByKubernetes(identity, isKept, kubernetes, { config, log }) {
  const { namespace, serviceAccount } = identity;
  const bindings = await kubernetes.readBindings(namespace, serviceAccount);
  const conflict = identityRefusal(bindings, identity);
  if (conflict && !(isKept && !identityRefusal(bindings.slice(0, 1), identity))) return { bindings, refusal: conflict };
  if (conflict) log.warn("an identity has a second role", { detail: conflict.detail });
  if (isKept || config.policy.labelNamespaces) return { bindings };
  if (await kubernetes.readNamespace(namespace) !== "not-ambient") return { bindings };
  const detail = `kubectl label namespace ${namespace} istio.io/dataplane-mode=ambient`;
  return { bindings, refusal: { reason: "namespace-not-ambient", detail } };
}
async function claimInLedger({ ref, controlPlane: controlPlane3, identity, isKept }, { config, ledger, log }) {
  const { namespace, serviceAccount, roleArn: roleArn2 } = identity;
  const { serviceArn } = ref;
  const account = `${namespace}/${serviceAccount}`;
  const subject = accountSubject(controlPlane3, namespace, serviceAccount);
  const claimed2 = await ledger.changeClaim(subject, (claim) => {
    const { next: next2, owner } = claimedAccount(claim, { subject, roleArn: roleArn2, serviceArn });
    return { next: next2, result: owner };
  });
  if (claimed2.result !== void 0) {
    const detail = `${account} belongs to ${claimed2.result}, the service has ${roleArn2}.`;
    return { reason: "identity-conflict", detail };
  }
  const ofRole = roleSubject(controlPlane3, roleArn2);
  const shared = isKept || config.policy.sharedRoles === "warn";
  const owned = await ledger.changeClaim(ofRole, (claim) => {
    const { next: next2, owner } = claimedRole(claim, { subject: ofRole, account, serviceArn, shared });
    return { next: next2, result: owner };
  });
  if (owned.result === void 0) {
    const others = Object.keys(owned.stored?.holders ?? {}).filter((one) => one !== account);
    if (others.length > 0) log.warn("a role has several service accounts", { roleArn: roleArn2, accounts: [account, ...others] });
    return void 0;
  }
  await ledger.changeClaim(subject, (claim) => ({ next: givenBack(claim, roleArn2, serviceArn) }));
  return { reason: "role-shared", detail: `${roleArn2} belongs to ${owned.result}, the service asks for ${account}.` };
}

// shared/use-cases/roll/family-use.ts
async function familyUse(service, calls) {
  const { taskDefinitionArn } = service;
  const family = familyOf(taskDefinitionArn);
  const [latest, services2] = await Promise.all([
    calls.ecs.describeLatestTaskDefinition(family),
    otherServices(service, family, calls)
  ]);
  const newer = newerRevision(latest, service);
  return { family, services: [...services2], ...newer !== void 0 && { newer } };
}
async function otherServices({ ref, deployments }, family, { ecs }) {
  const ownTasks = deployments.filter(({ taskDefinitionArn }) => familyOf(taskDefinitionArn) === family).reduce((sum2, { runningCount }) => sum2 + runningCount, 0);
  const own = `${clusterArnOf(ref)} service:${ref.serviceName}`;
  const found = /* @__PURE__ */ new Set();
  for await (const clusterArn of ecs.listClusters()) {
    const taskArns = await ecs.listTasks({ clusterArn, family }, "RUNNING");
    if (clusterArn === clusterArnOf(ref) && taskArns.length === ownTasks) continue;
    for (const { group } of await ecs.describeTasks(clusterArn, taskArns)) {
      if (group?.startsWith("service:")) found.add(`${clusterArn} ${group}`);
    }
  }
  found.delete(own);
  return [...found].map((one) => one.replace(/^.*:cluster\//, "").replace(" service:", "/")).sort();
}

// shared/use-cases/roll/plan-roll.ts
async function planRoll(ref, executionName2, calls, rollout3) {
  const leased = await takeLease(ref, executionName2, calls);
  if (!leased) return supersededPlan("roll-in-progress");
  const service = await calls.ecs.describeService(ref);
  const state = await currentState(service, leased, calls.ledger);
  const { observed, decision } = await observeAndDecide(service, state, calls, rollout3);
  switch (decision.action) {
    case "none":
      return awaitsVerification(service, state) && !rollout3 ? planVerification(observed, state, calls) : supersededPlan("already-as-desired");
    case "refuse":
      return refusedPlan(decision.refusals);
    case "unenroll":
      return planChange(observed, state, { decision, rollout: rollout3, isBound: false }, calls);
    case "enroll":
    case "update": {
      const shared = decision.action === "enroll" ? await sharedFamily2(service, calls) : void 0;
      if (shared) return refusedPlan([shared]);
      const claim = await claimIdentity({ observed, state, desired: decision.desired }, executionName2, calls);
      if (claim.refusal) return planKept(observed, state, { conflict: claim.refusal, rollout: rollout3, executionName: executionName2 }, calls);
      const isBound = claim.isBound && decision.action === "update";
      return planChange(observed, state, { decision, rollout: rollout3, isBound }, calls);
    }
  }
}
async function sharedFamily2(service, { ecs, config }) {
  if (config.policy.sharedFamilies) return void 0;
  return familyRefusal(await familyUse(service, { ecs }), config);
}
async function planKept(observed, state, asked, calls) {
  const { config } = calls;
  const { conflict, rollout: rollout3, executionName: executionName2 } = asked;
  const decision = await decideObserved(observed, config, freshReads(state.enrolled, calls), rollout3, conflict);
  if (decision.action !== "update") return refusedPlan([conflict]);
  const claim = await claimIdentity({ observed, state, desired: decision.desired }, executionName2, calls);
  if (claim.refusal) return refusedPlan([conflict]);
  return planChange(observed, state, { decision, rollout: rollout3, isBound: claim.isBound, conflict }, calls);
}
function planVerification({ service, definition }, { unverified }, { now }) {
  const identity = tokenIdentityOf(definition && secretOfRevision(definition.raw));
  if (!unverified || !identity) return supersededPlan("already-as-desired");
  const { namespace, serviceAccount } = identity;
  return {
    action: "apply",
    outcome: "planned",
    change: "verify",
    drift: [],
    taskTagsTried: null,
    observedRevisionArn: service.taskDefinitionArn,
    pinnedRevisionArn: unverified.pinnedRevisionArn,
    pinnedSecret: unverified.pinnedSecret,
    serviceCreatedAtMs: service.createdAtMs ?? null,
    clusterTags: {},
    namespace,
    serviceAccount,
    image: definition ? imageOfRevision(definition.raw) : null,
    ports: null,
    isBound: true,
    identityConflict: null,
    startedAtMs: now(),
    attemptKey: attemptKeyOf(service.taskDefinitionArn, VERIFICATION),
    content: unverified.content ?? null,
    rollout: null
  };
}
function takeLease({ serviceArn }, executionName2, { config, ledger, now }) {
  const leaseUntil = now() + minutesToMs(config.policy.leaseMinutes);
  return ledger.takeLease(serviceArn, { executionName: executionName2, leaseUntil }, now());
}
function supersededPlan(reason) {
  return { action: "finish", outcome: "superseded", reason, refusals: [] };
}
function refusedPlan(refusals2) {
  return { action: "finish", outcome: "refused", reason: refusals2[0]?.reason ?? "", refusals: [...refusals2] };
}
async function observeAndDecide(service, state, calls, rollout3) {
  const reads = freshReads(state.enrolled, calls);
  const budget = { servicesLeft: rollout3 ? 0 : 2 };
  const decideBy = async (tags) => {
    const described2 = await observeDescribed(service, state, { ...calls, ...tags, thorough: true });
    const decide2 = (seen) => decideObserved(seen, calls.config, reads, rollout3);
    return decideWithTasks(described2, decide2, { ...calls, budget });
  };
  const byCachedTags = await decideBy({ fresh: false });
  return needsFreshTags(byCachedTags) ? decideBy({ fresh: true }) : byCachedTags;
}
function needsFreshTags({ observed, decision }) {
  const enrolls = decision.action === "enroll" || decision.action === "update";
  return !enrolls || observed.clusterTags[DISCOVERY_TAG] !== "true";
}
async function planChange(observed, state, change2, { config, now, ecs }) {
  const pinnedRevisionArn = pinnedRevision({ service: observed.service, state });
  const pinnedSecret = await secretOf(pinnedRevisionArn, observed, ecs);
  return applyPlan2(observed, change2, { pinnedRevisionArn, pinnedSecret, startedAtMs: now() }, config);
}
function applyPlan2({ service, clusterTags, definition }, { decision, rollout: rollout3, isBound, conflict }, start2, config) {
  const observedRevisionArn = service.taskDefinitionArn;
  const desired = decision.action === "unenroll" ? void 0 : decision.desired;
  const content = desiredContent(decision, config);
  const drift2 = decision.action === "unenroll" ? [] : [...decision.drift];
  return {
    ...start2,
    action: "apply",
    outcome: "planned",
    change: decision.action,
    drift: drift2,
    taskTagsTried: definition && drift2.includes("task-tags") ? taskTagsKey(service, definition) : null,
    observedRevisionArn,
    serviceCreatedAtMs: service.createdAtMs ?? null,
    clusterTags: decisiveTags(clusterTags, config),
    namespace: desired?.identity.namespace ?? null,
    serviceAccount: desired?.identity.serviceAccount ?? null,
    image: desired?.image ?? null,
    ports: null,
    isBound,
    identityConflict: conflict?.detail ?? null,
    attemptKey: attemptKeyOf(observedRevisionArn, content),
    content,
    rollout: rollout3 ? { image: rollout3.image ?? null, leave: rollout3.leave ?? false } : null
  };
}
async function secretOf(revisionArn, { definition, state }, ecs) {
  if (state?.lastGoodRevisionArn === revisionArn && state.lastGoodSecret !== void 0) return state.lastGoodSecret;
  if (definition?.taskDefinitionArn === revisionArn) return secretOfRevision(definition.raw);
  try {
    return secretOfRevision((await ecs.describeTaskDefinition(revisionArn)).raw);
  } catch (error) {
    if (asAutopilotError(error).code === "task-definition-not-found") return null;
    throw error;
  }
}
function decisiveTags(clusterTags, { enrollTagKey, keys }) {
  const intent = clusterTags[enrollTagKey];
  return { ...effectiveTags({}, clusterTags, keys), ...intent !== void 0 && { [enrollTagKey]: intent } };
}

// shared/use-cases/roll/plan-in-rollout.ts
async function planInRollout(ref, executionName2, order, calls) {
  const [rollout3, service] = await Promise.all([
    calls.ledger.getRollout(order.id),
    calls.ledger.getRolloutService(order.id, order.ordinal)
  ]);
  if (!rollout3 || service?.serviceArn !== ref.serviceArn) return supersededPlan("unknown-rollout");
  try {
    switch (order.phase) {
      case "rollback":
        return await planRollback(ref, executionName2, service, calls);
      case "forward":
        if (isStopped(rollout3, calls.config)) return supersededPlan("rollout-stopped");
        return await planRoll(ref, executionName2, calls, targetOf2(rollout3));
    }
  } catch (error) {
    if (asAutopilotError(error).code === "service-not-found") return supersededPlan("service-not-found");
    throw error;
  }
}
function targetOf2({ kind, target }) {
  return { ...target.image !== void 0 && { image: target.image }, leave: kind === "unenroll" };
}
async function planRollback(ref, executionName2, rolled, calls) {
  const leased = await takeLease(ref, executionName2, calls);
  if (!leased) return supersededPlan("roll-in-progress");
  const { fromRevisionArn, toRevisionArn } = rolled;
  if (fromRevisionArn === void 0 || toRevisionArn === void 0) return supersededPlan("already-as-desired");
  const service = await calls.ecs.describeService(ref);
  await currentState(service, leased, calls.ledger);
  const needless = reasonAgainstRollback(service, rolled);
  if (needless !== void 0) return supersededPlan(needless);
  const [{ raw }, { tags: clusterTags }] = await Promise.all([
    calls.ecs.describeTaskDefinition(fromRevisionArn),
    calls.ecs.describeCluster(clusterArnOf(ref))
  ]);
  const request2 = requestOf({ service, clusterTags, config: calls.config });
  const pinnedSecret = secretOfRevision(raw);
  const asked = findSidecar(raw).kind !== "none" && "ok" in request2 ? request2.ok : void 0;
  const enrolled = tokenIdentityOf(pinnedSecret) ?? asked;
  const ports = enrolled ? asked?.ports ?? derivedPorts(raw) ?? null : null;
  return {
    action: "apply",
    outcome: "planned",
    change: "rollback",
    drift: [],
    taskTagsTried: null,
    observedRevisionArn: service.taskDefinitionArn,
    pinnedRevisionArn: fromRevisionArn,
    pinnedSecret,
    serviceCreatedAtMs: service.createdAtMs ?? null,
    clusterTags: {},
    namespace: enrolled?.namespace ?? null,
    serviceAccount: enrolled?.serviceAccount ?? null,
    image: imageOfRevision(raw),
    ports,
    isBound: false,
    identityConflict: null,
    startedAtMs: calls.now(),
    attemptKey: attemptKeyOf(service.taskDefinitionArn, fromRevisionArn),
    content: null,
    rollout: { image: null, leave: false }
  };
}
function reasonAgainstRollback(service, { fromRevisionArn, toRevisionArn, finishedAt }) {
  const changedAtMs = finishedAt === void 0 ? Number.POSITIVE_INFINITY : Date.parse(finishedAt);
  if (service.createdAtMs !== void 0 && service.createdAtMs > changedAtMs) return "changed-since";
  const primary = primaryOf(service);
  switch (service.taskDefinitionArn) {
    case fromRevisionArn:
      return primary && hasCompleted(primary) ? "already-as-desired" : void 0;
    case toRevisionArn:
      return void 0;
    default:
      return "changed-since";
  }
}

// functions/roll/plan.ts
function plan(context, controlPlane3) {
  return async (event, { log }) => {
    const { serviceArn, executionName: executionName2, rollout: rollout3 } = parsed2(planInput, event);
    log.appendKeys({ serviceArn, executionName: executionName2, ...rollout3 && { rolloutId: rollout3.id } });
    const ref = serviceRef(serviceArn);
    const calls = { ...context, ecs: context.ecs(ref), controlPlane: controlPlane3, log };
    const planned = rollout3 ? await planInRollout(ref, executionName2, rollout3, calls) : await planRoll(ref, executionName2, calls);
    log.info("planned", { ...planned });
    return planned;
  };
}
var handler6 = lambda(
  "roll-plan",
  () => plan(environmentContext(), environmentControlPlanes({ keptMs: ROLL_KEPT_MS }))
);

// shared/deployment/diagnose.ts
function diagnose(observed) {
  const stopped2 = observed.stoppedTasks.map(diagnoseStopped);
  const running = observed.runningTasks.map(diagnoseRunning);
  return mostFrequent(present(stopped2)) ?? mostFrequent(present(running));
}
function diagnosePlacement(events, sinceMs) {
  const found = events.filter(({ createdAtMs, message }) => createdAtMs >= sinceMs && NOT_PLACED.test(message)).toSorted((a, b) => b.createdAtMs - a.createdAtMs)[0];
  return found && { code: "tasks-not-placed", sentence: `ECS: ${quote2(found.message)}.` };
}
var NOT_PLACED = /unable to place a task|failed to launch a task|capacity is unavailable/i;
var INNOCENT_STOP_CODES = ["UserInitiated", "SpotInterruption", "TerminationNotice", "InfrastructureHealth"];
function diagnoseStopped(task) {
  if (task.stopCode !== void 0 && INNOCENT_STOP_CODES.includes(task.stopCode)) return void 0;
  const container = culprit(task);
  return startFailure(task) ?? (container && containerFailure(task, container)) ?? (isScaling(task) ? void 0 : unexplained(task));
}
function isScaling({ stopCode, stoppedReason = "" }) {
  return stopCode === "ServiceSchedulerInitiated" && !/health check/i.test(stoppedReason);
}
function startFailure(task) {
  const sources = [
    ...task.containers.map(({ name, reason }) => ({ who: `Container ${name}`, reason })),
    { who: "It", reason: task.stoppedReason }
  ];
  for (const { who, reason } of sources) {
    const code2 = reason === void 0 ? void 0 : startFailureCode(reason);
    if (code2) return say(code2, task, `${who} could not start: ${quote2(reason)}.`);
  }
  return void 0;
}
function startFailureCode(reason) {
  if (/dependenc\w*\b.*\[?\bztunnel\b/i.test(reason)) return "ztunnel-unhealthy";
  const secretArn = /:secretsmanager:[a-z0-9-]+:\d{12}:secret:(\S+)/.exec(reason)?.[1];
  if (/retriev\w* secret|secret data|from asm|secretsmanager|:ssm:|from ssm/i.test(reason)) {
    const isOthers = secretArn !== void 0 && !ANY_STAGE_PREFIX.test(secretArn) || /\bssm\b/i.test(reason);
    return isOthers ? "application-failed" : secretFailureCode(reason);
  }
  if (/CannotPull|pull image|ImagePull|registry auth|ecr registry/i.test(reason)) return "image-unavailable";
  if (/capacity is unavailable|network interface provisioning|^RESOURCE:/i.test(reason)) return "tasks-not-placed";
  return void 0;
}
function secretFailureCode(reason) {
  if (/access to kms|\bkms:|KMSAccessDenied|kms (key|access)/i.test(reason)) return "secret-kms-denied";
  if (/AccessDenied|not authorized/i.test(reason)) return "secret-denied";
  if (UNREACHABLE.test(reason)) return "secret-unreachable";
  const isGone = /ResourceNotFound|can't find the specified secret|marked (for|as) delet|scheduled for deletion/i;
  return isGone.test(reason) ? "secret-unavailable" : "secret-denied";
}
var UNREACHABLE = /connection issue|network configuration|deadline exceeded|timeout|timed out|RequestCanceled|request canceled|dial tcp|no such host|connection (refused|reset)|RequestError|send request failed/i;
function culprit({ containers, stopCode }) {
  const essential = containers.filter((container) => container.essential !== false);
  const others = containers.filter((container) => container.essential === false);
  return failedAmong(essential, stopCode) ?? neverHealthy(containers) ?? failedAmong(others, void 0);
}
function failedAmong(containers, stopCode) {
  const failedByItself = ({ exitCode, reason }) => reason !== void 0 || exitCode !== void 0 && ![0, 137, 143].includes(exitCode);
  const unhealthy = containers.find(({ healthStatus }) => healthStatus === "UNHEALTHY");
  const exitedAtAll = stopCode === "EssentialContainerExited" ? containers.find(({ exitCode }) => exitCode === 0) : void 0;
  return containers.find(failedByItself) ?? unhealthy ?? exitedAtAll;
}
function neverHealthy(containers) {
  const ztunnel = containers.find(({ name }) => name === ZTUNNEL);
  const others = containers.filter((container) => container !== ztunnel);
  const nobodyStarted = others.length > 0 && others.every(({ exitCode }) => exitCode === void 0);
  return ztunnel?.exitCode !== void 0 && nobodyStarted ? ztunnel : void 0;
}
function containerFailure(task, container) {
  const { name, exitCode, reason, healthStatus } = container;
  const facts = [
    ...exitCode === void 0 ? [] : [`exit code ${exitCode}`],
    ...healthStatus === "UNHEALTHY" ? ["unhealthy"] : [],
    ...reason === void 0 ? [] : [quote2(reason)],
    ...reason === void 0 && task.stoppedReason !== void 0 ? [quote2(task.stoppedReason)] : []
  ];
  return say(codeFor(name), task, `Container ${name} stopped: ${facts.join(", ") || "no reason given"}.`);
}
function unexplained(task) {
  if (task.stoppedReason === void 0) return void 0;
  const code2 = /(ELB|load balancer|target-group).*health check|health check.*(ELB|target-group)/i.test(
    task.stoppedReason
  ) ? "application-failed" : "tasks-stopping";
  return say(code2, task, `It stopped: ${quote2(task.stoppedReason)}.`);
}
function diagnoseRunning(task) {
  const ztunnel = task.containers.find(({ name }) => name === ZTUNNEL);
  const waiting = task.lastStatus !== "RUNNING" && ztunnel?.lastStatus === "RUNNING";
  if (ztunnel && (ztunnel.healthStatus === "UNHEALTHY" || waiting && ztunnel.healthStatus !== "HEALTHY")) {
    return say("ztunnel-unhealthy", task, `Container ztunnel is ${ztunnel.healthStatus ?? "UNKNOWN"}.`);
  }
  const unhealthy = task.containers.find(({ healthStatus }) => healthStatus === "UNHEALTHY");
  return unhealthy && say("application-failed", task, `Container ${unhealthy.name} is UNHEALTHY.`);
}
function codeFor(container) {
  return container === ZTUNNEL ? "ztunnel-unhealthy" : "application-failed";
}
function say(code2, task, sentence) {
  return { code: code2, sentence: `Task ${taskIdOf(task)}: ${sentence}` };
}
function quote2(text3 = "") {
  const line = text3.replace(/\s+/g, " ").trim();
  return `"${line.length > 500 ? `${line.slice(0, 499)}\u2026` : line}"`;
}
function present(diagnoses) {
  return diagnoses.filter((diagnosis) => diagnosis !== void 0);
}
function mostFrequent(diagnoses) {
  const count2 = ({ code: code2 }) => diagnoses.filter((other) => other.code === code2).length;
  return diagnoses.toSorted((a, b) => count2(b) - count2(a))[0];
}

// shared/deployment/ended-on-purpose.ts
function endedOnPurpose(reason) {
  if (/circuit breaker/i.test(reason)) return void 0;
  if (/\balarms?\b/i.test(reason)) return "deployment-alarm";
  return STOPPED_BY_PERSON.test(reason) ? "deployment-stopped" : void 0;
}
var STOPPED_BY_PERSON = /stopped by (a )?(user|person)|by user request|StopServiceDeployment|manual(ly)? (rollback|stopped)/i;

// shared/deployment/evidence.ts
function evidenceOf(tasks, suspects) {
  return tasks.filter((task) => isOf2(task, suspects)).map((task) => withoutGuests(task, suspects.definition));
}
function isOf2({ taskDefinitionArn, startedBy, createdAtMs }, { targetRevisionArn, deploymentIds, sinceMs }) {
  if (taskDefinitionArn !== targetRevisionArn) return false;
  if (startedBy !== void 0 && deploymentIds.length > 0) return deploymentIds.includes(startedBy);
  return createdAtMs === void 0 || createdAtMs >= sinceMs;
}
var AWS_CONTAINER = /^(aws-guardduty-agent-|ecs-service-connect-)/;
function withoutGuests(task, definition) {
  const essential = new Map(
    containersOf(definition ?? {}).map((container) => [nameOf4(container), container.essential !== false])
  );
  const own = task.containers.filter(({ name }) => essential.size === 0 ? !AWS_CONTAINER.test(name) : essential.has(name)).map((container) => ({ ...container, essential: essential.get(container.name) ?? true }));
  return { ...task, containers: own.toSorted((a, b) => Number(b.essential) - Number(a.essential)) };
}

// shared/use-cases/roll/failure-cause.ts
async function failureCause(ref, deployment, failed2, calls) {
  const { code: code2, detail } = failureOf(failed2.failure);
  const stated = { code: endedOnPurpose(detail) ?? code2, sentence: detail };
  if (deployment === void 0 || stated.code === "deployment-stopped") return stated;
  try {
    const shown = await shownByTasks(ref, deployment, { code: code2, desiredCount: failed2.desiredCount }, calls);
    if (stated.code === "deployment-alarm") return withEvidence(stated, shown);
    return shown ?? diagnosePlacement(await calls.ecs.describeServiceEvents(ref), deployment.sinceMs) ?? stated;
  } catch (error) {
    const { retryable, message } = asAutopilotError(error);
    if (retryable) throw error;
    return { code: stated.code, sentence: `${detail} The tasks could not be read: ${message}`.trim() };
  }
}
function withEvidence({ code: code2, sentence }, shown) {
  return { code: code2, sentence: [sentence, shown?.sentence].filter(Boolean).join(" ") };
}
async function shownByTasks(ref, { revisionArn, deploymentIds, sinceMs }, failed2, calls) {
  const [stopped2, running, definition] = await Promise.all([
    tasksOf2(ref, "STOPPED", calls),
    tasksOf2(ref, "RUNNING", calls),
    definitionOf(revisionArn, calls)
  ]);
  const suspects = { targetRevisionArn: revisionArn, deploymentIds, sinceMs, definition };
  const runningTasks = evidenceOf(running, suspects);
  const onlyMesh = failed2.code === "not-verified" || failed2.code.startsWith("workload-");
  const replaced2 = onlyMesh && runningTasks.length >= failed2.desiredCount;
  return diagnose({ stoppedTasks: replaced2 ? [] : evidenceOf(stopped2, suspects), runningTasks });
}
async function tasksOf2(ref, status, { ecs }) {
  return ecs.describeTasks(clusterArnOf(ref), await ecs.listTasks(ref, status));
}
async function definitionOf(revisionArn, { ecs }) {
  try {
    return (await ecs.describeTaskDefinition(revisionArn)).raw;
  } catch (error) {
    if (asAutopilotError(error).retryable) throw error;
    return void 0;
  }
}

// shared/use-cases/roll/revert-case.ts
function revertCase(failed2) {
  const { executionName: executionName2, plan: plan2, watch, service, leaseholder } = failed2;
  if (leaseholder && leaseholder.executionName !== executionName2) {
    return { case: "lease-lost", failedRevisionArn: void 0 };
  }
  if (isAnotherService(service, plan2.serviceCreatedAtMs)) return { case: "superseded", failedRevisionArn: void 0 };
  const targetRevisionArn = watch?.targetRevisionArn ?? leaseholder?.targetRevisionArn;
  if (failed2.wasReturned) return { case: afterReturn(failed2, targetRevisionArn), failedRevisionArn: targetRevisionArn };
  const current = service.taskDefinitionArn;
  const wasDeployed = watch !== null || leaseholder?.deploymentId !== void 0;
  const hasUpdated = wasDeployed || current === targetRevisionArn && current !== plan2.observedRevisionArn;
  const failedRevisionArn = hasUpdated ? targetRevisionArn : void 0;
  if (!hasUpdated) return { case: plan2.change === "rollback" ? "stuck" : "unchanged", failedRevisionArn };
  const back = plan2.change === "rollback" ? plan2.observedRevisionArn : plan2.pinnedRevisionArn;
  if (current === back || current === leaseholder?.revertRevisionArn) {
    return { case: hasSettled(service) ? "reverted" : "reverting", failedRevisionArn };
  }
  return { case: current === targetRevisionArn ? "revert" : "superseded", failedRevisionArn };
}
function afterReturn({ plan: plan2, service, leaseholder }, returnedRevisionArn) {
  const current = service.taskDefinitionArn;
  const rolled = plan2.change === "rollback" ? plan2.pinnedRevisionArn : leaseholder?.targetRevisionArn;
  if (current === returnedRevisionArn || current === rolled) return "revert";
  const returns = [leaseholder?.revertRevisionArn, plan2.observedRevisionArn, plan2.pinnedRevisionArn];
  if (!returns.includes(current)) return "superseded";
  return hasSettled(service) ? "reverted" : "reverting";
}
function hasSettled(service) {
  const primary = primaryOf(service);
  return primary === void 0 || hasCompleted(primary);
}

// shared/use-cases/roll/revert-roll.ts
var MOST_OF_A_RETURN = 400;
async function revertRoll(ref, executionName2, roll, calls) {
  const { plan: plan2, watch, failure } = roll;
  const wasReturned = roll.cause !== null;
  const service = await calls.ecs.describeService(ref);
  const state = await calls.ledger.getService(ref.serviceArn);
  const leaseholder = state?.roll;
  const found = revertCase({ executionName: executionName2, plan: plan2, watch, wasReturned, service, leaseholder });
  const failed2 = { failure, desiredCount: service.desiredCount };
  const shown = await failureCause(ref, failedDeployment(found, { plan: plan2, watch, service, leaseholder }), failed2, calls);
  const cause = roll.cause ? afterReturn2(roll.cause, watch, shown) : shown;
  switch (found.case) {
    case "lease-lost":
    case "superseded":
      return { outcome: "superseded", watch: null, cause };
    case "stuck":
      throw stuckError(cause);
    case "unchanged":
      await giveBack2(service, { plan: plan2, state, executionName: executionName2 }, calls);
      return { outcome: "failed", watch: null, cause };
    case "reverted":
      await giveBack2(service, { plan: plan2, state, executionName: executionName2 }, calls);
      return { outcome: "reverted", watch: otherWatch(service, { plan: plan2, state, executionName: executionName2 }, calls), cause };
    case "reverting":
      await giveBack2(service, { plan: plan2, state, executionName: executionName2 }, calls);
      return { outcome: "reverting", watch: revertWatch(revertedOf(service, { plan: plan2, state }), calls), cause };
    case "revert":
      return goBack(
        ref,
        {
          plan: plan2,
          state,
          executionName: executionName2,
          cause,
          returned: wasReturned ? watch : null,
          failedCode: failureOf(failure).code
        },
        calls
      );
  }
}
function failedDeployment({ failedRevisionArn }, { plan: plan2, watch, service, leaseholder }) {
  if (failedRevisionArn === void 0) return void 0;
  const primary = primaryOf(service);
  const ids = [
    watch?.deploymentId,
    leaseholder?.deploymentId,
    primary?.taskDefinitionArn === failedRevisionArn ? primary.id : void 0
  ];
  return {
    revisionArn: failedRevisionArn,
    deploymentIds: ids.filter((id) => id !== void 0),
    sinceMs: plan2.startedAtMs
  };
}
function afterReturn2(first, watch, { code: code2, sentence }) {
  const revision2 = watch?.targetRevisionArn.split("/").at(-1) ?? "";
  const why = `${revision2}: ${code2}: ${sentence}`.slice(0, MOST_OF_A_RETURN);
  return { ...first, failedReturns: [...first.failedReturns ?? [], why] };
}
function stuckError(cause) {
  return new AutopilotError(terminal(cause.code) ?? "deployment-failed", causeInWords(cause));
}
function terminal(code2) {
  const known3 = failureCodeOf(`${code2}:`);
  return known3 && !failures[known3].retryable ? known3 : void 0;
}
async function goBack(ref, failed2, calls) {
  const { plan: plan2, state, executionName: executionName2, cause, returned: failedReturn } = failed2;
  if (failedReturn && !state?.roll) throw new AutopilotError("no-way-back", failedOf(cause));
  const record14 = state?.roll ? progressRecorder(ref, executionName2, calls) : async () => {
  };
  const known3 = state ?? serviceStateSchema.parse({ shape: 1, serviceArn: ref.serviceArn });
  const propagateTags = propagateTagsBefore(known3.roll?.propagateTagsBefore);
  try {
    const returned = await returnService(
      ref,
      { plan: plan2, state: known3, failedReturn: failedReturn?.targetRevisionArn, propagateTags, record: record14 },
      calls
    );
    await giveTagsBack(ref, known3, record14, calls);
    return { outcome: "reverting", watch: revertWatch(returned, calls), cause };
  } catch (error) {
    const failure = asAutopilotError(error);
    if (failure.code === "roll-in-progress") return { outcome: "superseded", watch: null, cause };
    if (failure.retryable) throw error;
    throw noChoiceLeft(failure, failed2);
  }
}
function noChoiceLeft(failure, { cause, failedCode }) {
  if (failure.detail !== "") {
    return new AutopilotError(failure.code, `${failedOf(cause)} Tried: ${failure.detail}`, { cause: failure });
  }
  return new AutopilotError(terminal(failedCode) ?? failure.code, failedOf(cause), { cause: failure });
}
async function giveBack2(service, { state, executionName: executionName2 }, calls) {
  const { ref } = service;
  if (state?.roll?.executionName !== executionName2) return;
  await giveTagsBack(ref, state, progressRecorder(ref, executionName2, calls), calls);
  const before = propagateTagsBefore(state.roll.propagateTagsBefore);
  if (!before || service.propagateTags === before || service.status !== "ACTIVE") return;
  await calls.ecs.updateService(ref, { propagateTags: before });
}
function revertedOf(service, { plan: plan2, state }) {
  const { pinnedRevisionArn, pinnedSecret } = plan2;
  const revisionArn = service.taskDefinitionArn;
  const secretInUse = revisionArn === pinnedRevisionArn ? pinnedSecret : state?.roll?.revertSecret ?? null;
  return { service, revisionArn, secretInUse };
}
function otherWatch(service, failed2, calls) {
  const isPinned = service.taskDefinitionArn === failed2.plan.pinnedRevisionArn;
  return isPinned ? null : revertWatch(revertedOf(service, failed2), calls);
}
function revertWatch({ service, revisionArn, secretInUse }, calls) {
  const outside = { namespace: null, serviceAccount: null, secretInUse };
  const target = { targetRevisionArn: revisionArn, revisionBeforeArn: null, ...outside };
  return watchOf(service, { ...target, deploymentId: primaryOf(service)?.id ?? "" }, calls);
}

// functions/roll/revert.ts
function revert(context) {
  return async (event, { log }) => {
    const { serviceArn, executionName: executionName2, plan: plan2, watch, failure, cause } = parsed2(revertInput, event);
    log.appendKeys({ serviceArn, executionName: executionName2 });
    if (plan2.action !== "apply") throw new AutopilotError("malformed-event", "The plan has nothing to revert.");
    const ref = serviceRef(serviceArn);
    const reverting = await revertRoll(
      ref,
      executionName2,
      { plan: plan2, watch, failure, cause },
      { ...context, ecs: context.ecs(ref), log }
    );
    log.warn(reverting.outcome, { cause: reverting.cause });
    return reverting;
  };
}
var handler7 = lambda("roll-revert", () => revert(environmentContext()));

// shared/use-cases/roll/verify-roll.ts
var MESH_READS = 4;
var BETWEEN_MESH_READS_MS = 2e3;
async function verifyRoll(ref, {
  watch,
  sinceMs,
  executionName: executionName2
}, calls) {
  const deadlineMs = sinceMs + minutesToMs(calls.config.policy.verifyDeadlineMinutes);
  const found = await beforeDeadline(deadlineMs, calls, () => verifyOnce(ref, watch, calls));
  if (typeof found === "string") return found;
  const { code: code2, detail, lacks } = found;
  if (lacks && calls.now() >= deadlineMs && await reportUnknownShape(ref, lacks, executionName2, calls))
    return "unverified";
  if (calls.now() < deadlineMs) throw new AutopilotError("mesh-not-converged", detail);
  const isProof = code2 !== "mesh-not-converged" && code2 !== "ztunnel-unhealthy";
  throw new AutopilotError(isProof ? code2 : "not-verified", detail);
}
async function beforeDeadline(deadlineMs, { now }, run) {
  try {
    return await run();
  } catch (error) {
    const failure = asAutopilotError(error);
    if (!failure.retryable || now() < deadlineMs) throw failure;
    throw new AutopilotError("not-verified", failure.message, { cause: failure });
  }
}
async function verifyOnce(ref, watch, calls) {
  const { targetRevisionArn, desiredCount, namespace } = watch;
  const [taskArns, entries] = await Promise.all([
    calls.ecs.listTasks(ref, "RUNNING"),
    // A namespace may have thousands of entries. The service's own are nearly always enough.
    namespace === null ? void 0 : readEntries({ namespace, serviceName: ref.serviceName }, ref, calls)
  ]);
  const tasks = await calls.ecs.describeTasks(clusterArnOf(ref), taskArns);
  if (namespace !== null && !tasks.some((task) => runs(task, targetRevisionArn)))
    return withoutTasks(ref, watch, calls);
  const proof = entries && { rule: calls.config.policy.verify, serviceAccount: watch.serviceAccount, entries };
  const observed = { tasks, targetRevisionArn, proof };
  const asDeployed = await verifyInMesh(ref, { ...observed, desiredCount }, namespace, calls);
  if (asDeployed.verified) return "succeeded";
  const service = await calls.ecs.describeService(ref);
  if (service.taskDefinitionArn !== targetRevisionArn) return "superseded";
  const isScaled = service.desiredCount !== desiredCount && !lacksProof(asDeployed);
  const asScaled = { ...observed, desiredCount: service.desiredCount };
  const verification = isScaled ? await verifyInMesh(ref, asScaled, namespace, calls) : asDeployed;
  return verification.verified ? "succeeded" : verification;
}
async function withoutTasks(ref, { targetRevisionArn }, calls) {
  const { taskDefinitionArn, desiredCount } = await calls.ecs.describeService(ref);
  if (taskDefinitionArn !== targetRevisionArn) return "superseded";
  if (desiredCount === 0) return "unverified";
  throw new AutopilotError("mesh-not-converged", `0 of ${desiredCount} tasks run ${targetRevisionArn}.`);
}
function runs({ taskDefinitionArn, lastStatus }, targetRevisionArn) {
  return taskDefinitionArn === targetRevisionArn && lastStatus === "RUNNING";
}
async function verifyInMesh(ref, observed, namespace, calls) {
  const { proof } = observed;
  let verification = verifyTasks(observed);
  if (namespace === null || !proof) return verification;
  for (let reads = 0; lacksProof(verification) && reads < MESH_READS; reads += 1) {
    if (reads > 0) await calls.pause(BETWEEN_MESH_READS_MS);
    const entries = await readEntries({ namespace }, ref, calls);
    verification = verifyTasks({ ...observed, proof: { ...proof, entries } });
  }
  return verification;
}
function lacksProof(verification) {
  return !verification.verified && verification.code.startsWith("workload-");
}
async function readEntries(selection, ref, calls) {
  return calls.controlPlane(controlPlaneOf(ref, calls)).listWorkloadEntries(selection);
}
function controlPlaneOf(ref, { config }) {
  const plane = controlPlaneFor(config, ref);
  if (!plane) throw new AutopilotError("no-control-plane", ref.serviceArn);
  return plane.name;
}
async function reportUnknownShape(ref, lack, executionName2, calls) {
  const controlPlane3 = controlPlaneOf(ref, calls);
  const shape = unknownShape(lack, await calls.controlPlane(controlPlane3).listWorkloadEntries({}));
  if (!shape) return false;
  const found = { ...shape, since: new Date(calls.now()).toISOString(), by: executionName2 };
  const { stored } = await calls.ledger.changeMesh(
    controlPlane3,
    (mesh) => mesh && !mesh.unknownShape ? { next: { ...mesh, unknownShape: found } } : {}
  );
  if (stored?.unknownShape?.by === executionName2)
    await calls.bus.putEvents([meshShapeUnknown({ controlPlane: controlPlane3, ...shape })]);
  return true;
}

// functions/roll/verify.ts
function verify(context, controlPlane3) {
  return async (event, { log }) => {
    const { serviceArn, executionName: executionName2, watch, since } = parsed2(verifyInput, event);
    log.appendKeys({ serviceArn, executionName: executionName2 });
    const ref = serviceRef(serviceArn);
    const outcome = await verifyRoll(
      ref,
      { watch, sinceMs: Date.parse(since), executionName: executionName2 },
      {
        ...context,
        ecs: context.ecs(ref),
        controlPlane: controlPlane3
      }
    );
    log.info("verified", { outcome });
    return { outcome };
  };
}
var handler8 = lambda("roll-verify", () => verify(environmentContext(), environmentControlPlanes()));

// shared/events/rollout-events.ts
function rolloutStarted(rollout3) {
  const { why, requestedBy, serviceCount: services2, waves } = rollout3;
  return outgoing("Rollout Started", { ...about2(rollout3), why, requestedBy, services: services2, waves: waves.length });
}
function rolloutRefused(detail) {
  return outgoing("Rollout Refused", detail);
}
function waveCompleted(rollout3, index, services2) {
  const tally = Object.fromEntries(
    rolloutServiceStatuses.map((status) => [status, services2.filter((one) => one.status === status).length])
  );
  return outgoing("Rollout Wave Completed", {
    ...about2(rollout3),
    wave: rollout3.waves[index]?.name ?? String(index),
    number: index + 1,
    waves: rollout3.waves.length,
    ...counted2(tally, services2.length)
  });
}
function rolloutPaused(rollout3, hold2) {
  const next2 = rollout3.waves[rollout3.nextWaveIndex];
  const by2 = rollout3.control?.by ?? "an operator";
  const details = {
    operator: `Paused by ${by2}.`,
    approval: "The canary wave is done. An operator has to approve the rest.",
    freeze: "A freeze window is open."
  };
  return outgoing("Rollout Paused", {
    ...about2(rollout3),
    hold: hold2.why,
    detail: `${details[hold2.why]}${hold2.reminder ? reminderText(hold2.reminder) : ""}`,
    ...next2 && { nextWave: next2.name },
    ...hold2.untilMs !== void 0 && { until: new Date(hold2.untilMs).toISOString() }
  });
}
function reminderText({ days, others }) {
  const behind = others === 0 ? "" : ` ${others === 1 ? "Another rollout waits" : `${others} other rollouts wait`}, too.`;
  return ` It has waited for ${days === 1 ? "a day" : `${days} days`}.${behind}`;
}
function rolloutCompleted(rollout3, { counts, durationSeconds, sentence }) {
  const { status, serviceCount: services2, reason } = rollout3;
  return outgoing("Rollout Completed", {
    ...about2(rollout3),
    outcome: status === "completed" || status === "aborted" || status === "superseded" ? status : "failed",
    ...reason && { code: codeOf2(reason.code) },
    detail: sentence,
    ...counted2(counts, services2),
    durationSeconds
  });
}
function rolledBack(rollout3, end2) {
  const { counts, stuckServices, durationSeconds } = end2;
  return outgoing("Rollout Rolled Back", {
    ...about2(rollout3),
    code: codeOf2(rollout3.reason?.code ?? "operator-request"),
    detail: rollout3.reason?.detail ?? "",
    rolledBack: counts["rolled-back"],
    left: counts.left,
    stuck: stuckServices.length,
    stuckServices: stuckServices.slice(0, 20),
    durationSeconds
  });
}
function about2({ id, kind }) {
  return { rolloutId: id, kind };
}
function codeOf2(text3) {
  return failureCode.parse(text3);
}
function counted2(counts, services2) {
  const sum2 = (statuses) => statuses.reduce((total, status) => total + (counts[status] ?? 0), 0);
  return {
    services: services2,
    succeeded: sum2(["succeeded"]),
    ...sum2(["unverified"]) > 0 && { unverified: sum2(["unverified"]) },
    failed: sum2(failedStatuses),
    skipped: sum2(["skipped", "superseded", "refused", "left"])
  };
}

// shared/rollout/needs-rollback.ts
var ended = ["rolled-back", "left", "stuck"];
function needsRollback({ status, toRevisionArn }) {
  if (status === "rolling-back" || status === "rolling") return true;
  return toRevisionArn !== void 0 && !ended.includes(status);
}

// shared/rollout/wave-failures.ts
function unaccountedFailures(rollout3, services2, { policy, laneFailures = [] }) {
  const stopped2 = isStopped(rollout3, { policy });
  const unaccounted = services2.filter(({ status }) => {
    if (status === "rolling") return !isRollingBack(rollout3);
    return status === "waiting" && !stopped2;
  });
  return unaccounted.map(({ ordinal }) => ({
    ordinal,
    reason: "roll-unaccounted",
    detail: laneFailureOf(ordinal, laneFailures)
  }));
}
function laneFailureOf(ordinal, laneFailures) {
  const own = laneFailures.filter(({ lane }) => !lane || lane.first <= ordinal && ordinal <= lane.last);
  return own.map(({ error, cause }) => cause ? `${error}: ${cause}` : error).join("; ");
}
function degradedFailures(services2, observed) {
  const byArn2 = new Map(succeededServices(services2).map((service) => [service.serviceArn, service]));
  return observed.flatMap((one) => {
    const service = byArn2.get(one.ref.serviceArn);
    const detail = service && degradationOf(one, service);
    return service && detail !== void 0 ? [{ ordinal: service.ordinal, reason: "bake-failed", detail }] : [];
  });
}
function alarmFailures(services2, alarmed) {
  return guardedServices(services2).flatMap(({ ordinal, serviceArn }) => {
    const detail = alarmed.get(serviceArn);
    return detail === void 0 ? [] : [{ ordinal, reason: OWN_ALARM, detail }];
  });
}
function guardedServices(services2) {
  return services2.filter(
    ({ status, toRevisionArn }) => toRevisionArn !== void 0 && (status === "succeeded" || status === "unverified")
  );
}
function succeededServices(services2) {
  return services2.filter(({ status }) => status === "succeeded");
}
function withFailures(services2, failures3) {
  const byOrdinal = new Map(failures3.map((failure) => [failure.ordinal, failure]));
  return services2.map((service) => {
    const failure = byOrdinal.get(service.ordinal);
    return failure ? { ...service, status: "failed", reason: failure.reason, detail: failure.detail } : service;
  });
}
function degradationOf(observed, { toRevisionArn }) {
  const primary = observed.deployments.find(({ status }) => status === "PRIMARY");
  if (!primary || primary.taskDefinitionArn !== toRevisionArn || observed.desiredCount === 0) return void 0;
  const { runningCount, failedTasks, rolloutState, rolloutStateReason } = primary;
  const isShort = runningCount < observed.desiredCount;
  if (rolloutState === "FAILED") return `ECS reports its deployment as failed. ${rolloutStateReason ?? ""}`.trim();
  if (runningCount === 0) return `None of its ${observed.desiredCount} tasks runs.`;
  if (isShort && failedTasks > 0) {
    return `${runningCount} of ${observed.desiredCount} tasks run, ${failedTasks} have failed.`;
  }
  return void 0;
}

// shared/rollout/wave-verdict.ts
function judgeWave(rollout3, findings, config) {
  if (isStopping(rollout3)) return { case: "stopping" };
  const { waveIndex, after, services: services2, alarm } = findings;
  const failed2 = services2.filter(countsAsFailed).map(({ ordinal }) => ordinal);
  const failedOrdinals = union6(rollout3.failedOrdinals, failed2);
  const over = budgetExceeded({ ...rollout3, failedOrdinals }, waveIndex, config);
  if (over) {
    const isDegraded = after === "bake" && services2.some(({ reason }) => reason === "bake-failed");
    return { case: "roll-back", failedOrdinals, reason: isDegraded ? { ...over, code: "bake-failed" } : over };
  }
  if (alarm !== void 0 && !rollout3.emergency) {
    return { case: "roll-back", failedOrdinals, reason: { code: "alarm-fired", detail: alarm } };
  }
  const { bakeMinutes } = resolvedPolicy(rollout3, config.policy.rollout);
  const isPast = rollout3.nextWaveIndex > waveIndex;
  if (after === "roll" && bakeMinutes > 0 && services2.some(wasChanged) && !isPast) {
    return { case: "bake", failedOrdinals, seconds: Math.ceil(bakeMinutes * 60) };
  }
  return { case: rollout3.nextWaveIndex > waveIndex + 1 ? "passed" : "complete", failedOrdinals };
}
function wasChanged({ status, toRevisionArn }) {
  return status === "succeeded" || status === "unverified" && toRevisionArn !== void 0;
}
function afterVerdict(rollout3, waveIndex, verdict, at) {
  switch (verdict.case) {
    case "stopping":
      return void 0;
    case "roll-back": {
      const { failedOrdinals, reason } = verdict;
      return { ...rollout3, failedOrdinals, status: "rolling-back", reason };
    }
    case "bake":
      return { ...withWave(rollout3, waveIndex, { state: "baking" }), failedOrdinals: verdict.failedOrdinals };
    case "complete":
    case "passed":
      return {
        ...withWave(rollout3, waveIndex, { state: "done", finishedAt: at }),
        failedOrdinals: verdict.failedOrdinals,
        nextWaveIndex: Math.max(rollout3.nextWaveIndex, waveIndex + 1)
      };
  }
}
function afterRollback(rollout3, waveIndex, stuck, at) {
  return {
    ...withWave(rollout3, waveIndex, { state: "rolled-back", finishedAt: at }),
    stuckOrdinals: union6(rollout3.stuckOrdinals, stuck)
  };
}
function withWave(rollout3, waveIndex, change2) {
  return { ...rollout3, waves: rollout3.waves.map((wave, at) => at === waveIndex ? { ...wave, ...change2 } : wave) };
}
function union6(some, others) {
  return [.../* @__PURE__ */ new Set([...some, ...others])].sort((a, b) => a - b);
}

// shared/use-cases/rollout/alarms.ts
async function firedAlarm({ config, alarms: alarms3, log }) {
  const named2 = new Named();
  for (const { name, account, region } of config.policy.rollout.alarms) {
    named2.add({ account: account ?? config.homeAccount, region: region ?? config.homeRegion }, name, true);
  }
  for (const { place, names: names2 } of named2.places()) {
    const described2 = await alarms3(place).describeAlarms([...names2.keys()]);
    const fired = described2.find(isFiring);
    if (fired) return sentenceOf(fired, place);
    logUnknown(place, names2.keys(), described2, log);
  }
  return void 0;
}
async function alarmedServices(services2, { alarms: alarms3, log }) {
  const named2 = new Named();
  for (const { serviceArn, alarms: own = [] } of services2) {
    for (const name of own) named2.add(serviceRef(serviceArn), name, serviceArn);
  }
  const alarmed = /* @__PURE__ */ new Map();
  for (const { place, names: names2 } of named2.places()) {
    const note = (name, why) => {
      for (const serviceArn of names2.get(name) ?? []) if (!alarmed.has(serviceArn)) alarmed.set(serviceArn, why);
    };
    try {
      const described2 = await alarms3(place).describeAlarms([...names2.keys()]);
      for (const fired of described2.filter(isFiring)) note(fired.name, sentenceOf(fired, place));
      logUnknown(place, names2.keys(), described2, log);
    } catch (error) {
      const { message, retryable } = asAutopilotError(error);
      if (retryable) throw error;
      for (const name of names2.keys())
        note(name, `${name} in ${place.account}/${place.region} can't be read: ${message}`);
    }
  }
  return alarmed;
}
var Named = class {
  #byPlace = /* @__PURE__ */ new Map();
  add({ account, region }, name, guarded) {
    const key = `${account}/${region}`;
    const known3 = this.#byPlace.get(key) ?? { place: { account, region }, names: /* @__PURE__ */ new Map() };
    this.#byPlace.set(key, known3);
    known3.names.set(name, [...known3.names.get(name) ?? [], guarded]);
  }
  places() {
    return this.#byPlace.values();
  }
};
function isFiring({ state }) {
  return state === "ALARM";
}
function sentenceOf({ name, reason }, { account, region }) {
  return `${name} in ${account}/${region}: ${reason}`;
}
function logUnknown(place, names2, described2, log) {
  const unknown8 = [...names2].filter((name) => !described2.some((one) => one.name === name));
  if (unknown8.length > 0) log.warn("alarms that CloudWatch does not know", { ...place, names: unknown8.join(", ") });
}

// shared/rollout/execution-names.ts
function fleetExecutionName(rolloutId, n) {
  return `${rolloutId}-${n}`;
}
function serviceExecutionName(rolloutId, service, phase, tries) {
  const name = service.serviceArn.slice(service.serviceArn.lastIndexOf("/") + 1).replace(/[^0-9A-Za-z_-]/g, "_");
  const hash2 = sha256([rolloutId, service.serviceArn, String(service.ordinal), phase, String(tries)].join("\n"));
  return `${name.slice(0, 36)}-${phase}-${tries.toString(36)}-${hash2.slice(0, 24)}`;
}

// shared/rollout/take-case.ts
var MAX_TRIES2 = 4;
var MAX_ROLLS2 = 20;
function takeCase(service, phase, retake) {
  if (!isDue(service, phase)) return "skip";
  const { status, tryCount } = service;
  if (status !== rollingStatus[phase]) return status === "rolling" ? "take-over" : "begin";
  if (!retake) return "repeat";
  return tryCount >= MAX_ROLLS2 ? "skip" : "retry";
}
var rollingStatus = { forward: "rolling", rollback: "rolling-back" };
function isDue(service, phase) {
  if (phase === "rollback") return needsRollback(service);
  const { status, tryCount } = service;
  return status === "waiting" || status === "rolling" || status === "superseded" && tryCount < MAX_TRIES2;
}

// shared/use-cases/rollout/take-service.ts
var MAX_TRIES3 = 5;
async function takeService(order, calls) {
  for (let tries = 0; tries < MAX_TRIES3; tries += 1) {
    const taken = await tryToTake(order, calls);
    if (taken) return taken;
  }
  throw new AutopilotError(
    "throttled",
    `${order.id}: service ${order.ordinal} was written ${MAX_TRIES3} times meanwhile.`
  );
}
async function tryToTake({ id: rolloutId, ordinal, phase, retake = false }, { config, ledger, now }) {
  const service = await ledger.getRolloutService(rolloutId, ordinal);
  if (!service) throw new AutopilotError("unknown-rollout", `${rolloutId} has no service ${ordinal}.`);
  const { serviceArn } = service;
  const skip = { do: "skip", waitSeconds: 0, executionName: "", serviceArn };
  const found = takeCase(service, phase, retake);
  if (found === "skip") return skip;
  if (found === "begin" && phase === "forward") {
    const rollout3 = await ledger.getRollout(rolloutId);
    if (!rollout3 || isStopped(rollout3, config)) return skip;
  }
  if (found === "retry" || found === "take-over") await settleOrphanedRoll(service, { ledger });
  const tryCount = found === "repeat" ? service.tryCount : service.tryCount + 1;
  const executionName2 = serviceExecutionName(rolloutId, service, phase, tryCount);
  if (found !== "repeat") {
    const taken = { status: rollingStatus[phase], tryCount, executionName: executionName2 };
    if (!await ledger.patchRolloutService(rolloutId, ordinal, asRead(service), taken)) return void 0;
  }
  const { account, region } = serviceRef(serviceArn);
  const [call2, pace] = phase === "forward" ? ["register", REGISTER] : ["update", UPDATE];
  const startMs = await ledger.reserveStart(`${account}/${region}/${call2}`, now(), pace);
  const waitSeconds = Math.max(0, Math.ceil((startMs - now()) / 1e3));
  return { do: "roll", waitSeconds, executionName: executionName2, serviceArn };
}
async function settleOrphanedRoll(service, { ledger }) {
  const { rolloutId, ordinal, serviceArn, executionName: executionName2 } = service;
  const state = await ledger.getService(serviceArn);
  const roll = state?.roll;
  if (!roll || roll.executionName !== executionName2) return;
  const { targetRevisionArn: toRevisionArn, revisionBeforeArn: fromRevisionArn } = roll;
  if (toRevisionArn !== void 0 && fromRevisionArn !== void 0) {
    const imageBefore = state.image ?? null;
    const revisions = { fromRevisionArn, toRevisionArn, imageBefore };
    if (!await ledger.patchRolloutService(rolloutId, ordinal, asRead(service), revisions)) return;
  }
  await ledger.finishRoll(serviceArn, roll.executionName, {});
}
function asRead({ status, tryCount, executionName: executionName2 }) {
  return { status, tryCount, executionName: executionName2 };
}

// shared/use-cases/rollout/assess-wave.ts
async function assessWave(assessment, calls) {
  const { rolloutId, phase, wave: waveIndex } = assessment;
  const rollout3 = await calls.ledger.getRollout(rolloutId);
  if (!rollout3) throw new AutopilotError("unknown-rollout", rolloutId);
  const wave = rollout3.waves[waveIndex];
  if (!wave) throw new AutopilotError("unknown-rollout", `${rollout3.id} has no wave ${waveIndex}.`);
  const services2 = await servicesOf3(rolloutId, wave, calls);
  const assessed = { rollout: rollout3, wave, services: services2 };
  return phase === "rollback" ? assessRollback(assessed, assessment, calls) : assessRolls(assessed, assessment, calls);
}
async function assessRolls({ rollout: rollout3, wave, services: services2 }, { rolloutId, wave: waveIndex, after, laneFailures = [] }, calls) {
  const { config, ledger, bus, now } = calls;
  const unaccounted = unaccountedFailures(rollout3, services2, { ...config, laneFailures });
  await recordFailures(services2, unaccounted, calls);
  const degraded = after === "bake" ? degradedFailures(services2, await observe(services2, calls)) : [];
  await recordFailures(services2, degraded, calls);
  const alarmed = await revertAlarmed(rollout3, services2, calls);
  const alarm = isStopping(rollout3) ? void 0 : await firedAlarm(calls);
  const failures3 = [...unaccounted, ...degraded, ...alarmed];
  const findings = { waveIndex, after, services: withFailures(services2, failures3), alarm };
  const changed2 = await ledger.changeRollout(rolloutId, (current) => {
    const verdict2 = judgeWave(current, findings, config);
    return { next: afterVerdict(current, waveIndex, verdict2, new Date(now()).toISOString()), result: verdict2 };
  });
  if (!changed2) throw new AutopilotError("unknown-rollout", rolloutId);
  const { stored, result: verdict } = changed2;
  switch (verdict.case) {
    case "bake":
      return { bakeSeconds: verdict.seconds };
    case "complete":
      await bus.putEvents([waveCompleted(stored, waveIndex, await servicesOf3(rolloutId, wave, calls))]);
      return { bakeSeconds: 0 };
    case "passed":
    case "roll-back":
    case "stopping":
      return { bakeSeconds: 0 };
  }
}
async function revertAlarmed(rollout3, services2, calls) {
  if (isStopping(rollout3) || rollout3.emergency) return [];
  const failures3 = alarmFailures(services2, await alarmedServices(guardedServices(services2), calls));
  await recordFailures(services2, failures3, calls);
  const earlier = services2.filter(({ status, reason }) => status === "failed" && reason === OWN_ALARM);
  for (const { ordinal } of [...failures3, ...earlier]) {
    const order = { id: rollout3.id, ordinal, phase: "rollback" };
    const taken = await takeService(order, calls);
    if (taken.do === "skip") continue;
    const input = { serviceArn: taken.serviceArn, attemptKey: rollout3.id, rollout: order };
    await calls.executions.startExecution({ name: taken.executionName, input });
  }
  return failures3;
}
async function assessRollback({ rollout: rollout3, services: services2 }, { wave: waveIndex, laneFailures = [] }, { ledger, now }) {
  const left = services2.filter(needsRollback);
  for (const service of left) {
    const detail = laneFailureOf(service.ordinal, laneFailures);
    const patch = { status: "stuck", reason: "roll-unaccounted", ...detail && { detail } };
    await patchAsRead(service, patch, ledger);
  }
  const stuck = [...services2.filter(({ status }) => status === "stuck"), ...left].map(({ ordinal }) => ordinal);
  await ledger.changeRollout(rollout3.id, (current) => ({
    next: afterRollback(current, waveIndex, stuck, new Date(now()).toISOString())
  }));
  return { bakeSeconds: 0 };
}
async function recordFailures(services2, failures3, { ledger }) {
  const byOrdinal = new Map(services2.map((service) => [service.ordinal, service]));
  for (const { ordinal, reason, detail } of failures3) {
    const service = byOrdinal.get(ordinal);
    if (service) await patchAsRead(service, { status: "failed", reason, detail }, ledger);
  }
}
async function patchAsRead({ rolloutId, ordinal, status, tryCount }, patch, ledger) {
  if (await ledger.patchRolloutService(rolloutId, ordinal, { status, tryCount }, patch)) return;
  throw new AutopilotError("throttled", `${rolloutId}: service ${ordinal} was written since it was read.`);
}
async function servicesOf3(rolloutId, { lanes }, { ledger }) {
  const first = Math.min(...lanes.map((lane) => lane.first));
  const last = Math.max(...lanes.map((lane) => lane.last));
  return lanes.length === 0 ? [] : Array.fromAsync(ledger.listRolloutServices(rolloutId, { first, last }));
}
async function observe(services2, { ecs }) {
  const refs = succeededServices(services2).map(({ serviceArn }) => serviceRef(serviceArn));
  const observed = [];
  for (const [clusterArn, ofCluster] of Map.groupBy(refs, clusterArnOf)) {
    for (const group of chunk(ofCluster, 10)) {
      const [ref] = group;
      if (!ref) continue;
      const names2 = group.map(({ serviceName: serviceName2 }) => serviceName2);
      observed.push(...await ecs(ref).describeServices(clusterArn, names2));
    }
  }
  return observed;
}

// functions/rollout/assess-wave.ts
function assess(context, alarms3) {
  return async (event, { log }) => {
    const input = parsed2(assessInput, event);
    log.appendKeys({ rolloutId: input.rolloutId });
    if (input.laneFailures.length > 0)
      log.warn("lanes failed", {
        laneFailures: input.laneFailures.map(({ error, cause }) => ({ error, cause }))
      });
    const assessed = await assessWave(input, { ...context, alarms: alarms3, log });
    log.info("assessed", { wave: input.wave, phase: input.phase, after: input.after, ...assessed });
    return assessed;
  };
}
var handler9 = lambda("rollout-assess-wave", () => assess(environmentContext(), environmentAlarms()));

// shared/events/operator.ts
import * as z48 from "zod";
var by = z48.string().min(1).max(200).default("an operator");
var requestedSchema = z48.strictObject({
  /** The rollout's id, where the requester chooses one. Without it, one is made of the event's id. */
  rolloutId: rolloutIdSchema.optional(),
  kind: z48.enum(requestedKinds),
  scope: scopeSchema.default({}),
  image: z48.string().max(512).optional(),
  why: z48.string().max(500).default(""),
  requestedBy: by,
  overrides: overridesSchema.default({})
});
var rollbackSchema = z48.strictObject({
  kind: z48.literal("rollback"),
  rolloutId: rolloutIdSchema,
  why: z48.string().max(500).default(""),
  requestedBy: by,
  overrides: z48.strictObject({ ignoreFreeze: z48.boolean().optional() }).default({})
});
var rolloutRequestSchema = z48.union([requestedSchema, rollbackSchema]);
var controlActions = ["pause", "resume", "approve", "abort", "rollback"];
var rolloutControlSchema = z48.strictObject({
  rolloutId: rolloutIdSchema,
  action: z48.enum(controlActions),
  requestedBy: by
});
var eventSchema3 = z48.object({
  id: z48.string().min(1),
  source: z48.literal(eventSources.operator),
  "detail-type": z48.string(),
  detail: z48.unknown()
});
function operatorEvent(event, detailType) {
  const parsed4 = eventSchema3.safeParse(event).data;
  return parsed4?.["detail-type"] === detailType ? { detail: parsed4.detail, eventId: parsed4.id } : void 0;
}

// shared/use-cases/rollout/hold-rollout.ts
async function holdRollout(rolloutId, taskToken, calls) {
  const changed2 = await calls.ledger.changeRollout(
    rolloutId,
    (rollout3) => waits2(rollout3) ? { next: withToken(rollout3, taskToken), result: "wait" } : { result: "go-on" }
  );
  if (!changed2) throw new AutopilotError("unknown-rollout", rolloutId);
  if (changed2.result === "go-on") await calls.executions.sendTaskSuccess(taskToken, {});
}
var MAX_TOKENS = 20;
function withToken(rollout3, taskToken) {
  const others = tokensOf(rollout3).filter((token2) => token2 !== taskToken);
  return { ...rollout3, holdToken: taskToken, otherHoldTokens: others.slice(-MAX_TOKENS) };
}
function tokensOf({ holdToken, otherHoldTokens = [] }) {
  return holdToken === void 0 ? otherHoldTokens : [...otherHoldTokens, holdToken];
}
async function wake(tokens, executions) {
  for (const token2 of tokens) await executions.sendTaskSuccess(token2, {});
}
function waits2(rollout3) {
  if (isStopping(rollout3)) return false;
  const { status, waves } = rollout3;
  return heldStatuses.includes(status) || status === "running" && waves.some(({ state }) => state === "baking");
}

// shared/use-cases/rollout/validate.ts
function parseRolloutRequest(detail) {
  const [requested2, rollback] = rolloutRequestSchema.options;
  const kind = kindOf2(detail);
  if (kind === rollback.shape.kind.value) return parsed3(rollback, detail);
  if (!requested2.shape.kind.safeParse(kind).success) {
    throw new AutopilotError("invalid-request", `kind: one of ${[...requestedKinds, "rollback"].join(", ")}.`);
  }
  const request2 = parsed3(requested2, detail);
  if (request2.image === void 0) return request2;
  if (request2.kind !== "upgrade") throw new AutopilotError("invalid-request", "image: only an upgrade brings one.");
  return { ...request2, image: checkedImage(request2.image) };
}
function parseControl(detail) {
  return parsed3(rolloutControlSchema, detail);
}
function checkedImage(text3) {
  const image = imageSchema.safeParse(text3);
  if (image.success) return image.data;
  throw new AutopilotError("invalid-image", JSON.stringify(text3.slice(0, 200)), { cause: image.error });
}
function allowedImage(text3, { ztunnel }) {
  const image = checkedImage(text3);
  if (isAllowedImage(image, ztunnel)) return image;
  throw new AutopilotError("image-not-allowed", image);
}
function kindOf2(detail) {
  return typeof detail === "object" && detail !== null ? Reflect.get(detail, "kind") : void 0;
}
function parsed3(schema, detail) {
  const result = schema.safeParse(detail);
  if (result.success) return result.data;
  const problems = result.error.issues.map(
    ({ path, message }) => path.length > 0 ? `${path.join(".")}: ${message}` : message
  );
  throw new AutopilotError("invalid-request", `${problems.join("; ")}.`, { cause: result.error });
}
var phases = {
  pause: { from: ["running", "awaiting-approval", "frozen"], done: ["paused"] },
  resume: { from: ["paused"], done: ["running"] },
  approve: { from: ["awaiting-approval"], done: [] },
  abort: { from: ["waiting", "running", "paused", "awaiting-approval", "frozen"], done: ["aborted"] },
  rollback: {
    from: ["running", "paused", "awaiting-approval", "frozen", "completed", "aborted", "failed"],
    done: ["rolling-back", "rolled-back"]
  }
};
var repeatedAfter = ["completed", "failed", "rolled-back"];
function allowedControl(rollout3, action) {
  if (action === "rollback" && rollout3.emergency) {
    return new AutopilotError(
      "root-ca-untrusted",
      `${rollout3.id} has replaced a root CA that istiod no longer signs with.`
    );
  }
  const phase = phaseOf(rollout3);
  const { from } = phases[action];
  if (action === "abort" && rollout3.emergency && repeatedAfter.includes(phase)) return void 0;
  if (from.includes(phase) || repeatsControl(rollout3, action)) return void 0;
  return new AutopilotError("wrong-phase", `${rollout3.id} is ${phase}; ${action} needs ${from.join(", ")}.`);
}
function repeatsControl(rollout3, action) {
  const phase = phaseOf(rollout3);
  if (action === "abort" && rollout3.control?.action === "abort") return true;
  if (action === "approve") return rollout3.approved !== void 0 && phase !== "awaiting-approval";
  return phases[action].done.includes(phase);
}
var pending = { pause: "paused", abort: "aborted", rollback: "rolling-back" };
function phaseOf({ status, control: control2 }) {
  if (!control2 || status === "rolling-back" || status === "rolled-back") return status;
  return control2.action === "rollback" || !endedStatuses.includes(status) ? pending[control2.action] : status;
}

// shared/use-cases/rollout/decide-control.ts
var MAX_JOURNAL = 100;
function decideControl(rollout3, control2, given) {
  const { action, requestedBy: by2 } = control2;
  const failure = allowedControl(rollout3, action);
  if (failure) return { result: { case: "refuse", failure } };
  const holdTokens = action === "pause" ? [] : tokensOf(rollout3);
  const result = { case: "accept", holdTokens };
  if (repeatsControl(rollout3, action)) return { result };
  const journal = [...rollout3.journal, { at: given.at, by: by2, did: action }].slice(-MAX_JOURNAL);
  return { next: { ...controlled(rollout3, control2, given), journal }, result };
}
function controlled(rollout3, { action, requestedBy: by2 }, { at, hasTurn }) {
  const { control: _, holdUntilMs: __, ...woken } = rollout3;
  switch (action) {
    case "pause":
      return { ...rollout3, control: { action, by: by2, at } };
    case "resume":
      return rollout3.status === "paused" ? { ...woken, status: "running" } : withoutControl(rollout3);
    case "approve":
      return {
        ...woken,
        ...rollout3.control && { control: rollout3.control },
        status: "running",
        approved: { by: by2, at }
      };
    case "abort":
      if (rollout3.status === "waiting" && !hasTurn) return { ...woken, status: "aborted", finishedAt: at };
      return { ...woken, control: { action, by: by2, at } };
    case "rollback":
      return {
        ...woken,
        control: { action, by: by2, at },
        reason: { code: "operator-request", detail: `by ${by2}` }
      };
  }
}
function withoutControl({ control: _, ...rollout3 }) {
  return rollout3;
}

// shared/rollout/urgency.ts
function urgencyOf(rollout3) {
  if (isRollingBack(rollout3)) return 3;
  if (rollout3.emergency) return 2;
  return rollout3.kind === "endpoint" ? 1 : 0;
}
function turnOf2(current, waiting) {
  const [first, ...others] = waiting;
  const next2 = first && others.reduce((best, one) => urgencyOf(one) > urgencyOf(best) ? one : best, first);
  if (!current || !next2) return current ?? next2;
  return yields(current) && urgencyOf(next2) > urgencyOf(current) ? next2 : current;
}
function yields(rollout3) {
  return heldStatuses.includes(rollout3.status) && !isRollingBack(rollout3);
}

// shared/use-cases/rollout/queue.ts
function hasEnded({ status, control: control2 }) {
  return endedStatuses.includes(status) && control2?.action !== "rollback";
}
function openIds({ currentRolloutId, queuedRolloutIds, announcedRolloutIds }) {
  const current = currentRolloutId === void 0 ? [] : [currentRolloutId];
  return [.../* @__PURE__ */ new Set([...current, ...queuedRolloutIds, ...announcedRolloutIds])];
}
var MAX_ANNOUNCED2 = 10;
async function announce(rolloutId, { ledger }) {
  await ledger.changeFleet((fleet) => {
    const announced = [...without2(fleet.announcedRolloutIds, rolloutId), rolloutId];
    return { next: { ...fleet, announcedRolloutIds: announced.slice(-MAX_ANNOUNCED2) } };
  });
}
async function enqueue(rolloutId, calls) {
  await changeTogether(rolloutId, calls, (fleet, rollout3) => ({
    ...fleet,
    announcedRolloutIds: without2(fleet.announcedRolloutIds, rolloutId),
    queuedRolloutIds: rollout3 ? queueWith(rollout3, fleet) : fleet.queuedRolloutIds
  }));
}
var MAX_RACES = 50;
async function changeTogether(rolloutId, { ledger }, change2) {
  for (let races = 0; races < MAX_RACES; races += 1) {
    const { version: version2 } = await ledger.getFleet();
    const rollout3 = await ledger.getRollout(rolloutId);
    const { result } = await ledger.changeFleet(
      (fleet) => fleet.version === version2 ? { next: change2(fleet, rollout3), result: "done" } : { result: "written-since" }
    );
    if (result === "done") return;
  }
  throw new AutopilotError("throttled", `The fleet's state was written ${MAX_RACES} times meanwhile.`);
}
function queueWith(rollout3, { currentRolloutId, queuedRolloutIds: queue }) {
  if (hasEnded(rollout3) || currentRolloutId === rollout3.id) return queue;
  if (rollout3.control?.action === "rollback") return [rollout3.id, ...without2(queue, rollout3.id)];
  return queue.includes(rollout3.id) ? queue : [...queue, rollout3.id];
}
function without2(ids, id) {
  return ids.filter((one) => one !== id);
}
async function leaveQueue(rolloutId, calls) {
  await changeTogether(
    rolloutId,
    calls,
    (fleet, rollout3) => fleet.queuedRolloutIds.includes(rolloutId) && isOver2(rollout3) ? { ...fleet, queuedRolloutIds: without2(fleet.queuedRolloutIds, rolloutId) } : void 0
  );
}
function isOver2(rollout3) {
  return rollout3 === void 0 || hasEnded(rollout3);
}
async function queueAnnounced({ announcedRolloutIds }, calls) {
  for (const id of announcedRolloutIds) {
    if (await calls.ledger.getRollout(id)) await enqueue(id, calls);
  }
}
async function advanceQueue(calls) {
  await queueAnnounced(await calls.ledger.getFleet(), calls);
  for (let races = 0; races < MAX_RACES; races += 1) {
    const current = await takeTurn(calls);
    if (current === "changed") continue;
    if (current !== void 0) await ensureExecution(current, calls);
    return current?.id;
  }
  throw new AutopilotError("throttled", `The queue has changed ${MAX_RACES} times meanwhile.`);
}
async function takeTurn(calls) {
  const { currentRolloutId, queuedRolloutIds, version: version2 } = await calls.ledger.getFleet();
  const current = currentRolloutId === void 0 ? void 0 : await calls.ledger.getRollout(currentRolloutId);
  if (currentRolloutId !== void 0 && isOver2(current)) {
    await makeRoom(currentRolloutId, calls);
    return "changed";
  }
  const waiting = [];
  for (const id of queuedRolloutIds) {
    const rollout3 = await calls.ledger.getRollout(id);
    if (rollout3 && !isOver2(rollout3)) waiting.push(rollout3);
    else await leaveQueue(id, calls);
  }
  const turn = turnOf2(current, waiting);
  if (turn === void 0) return void 0;
  if (turn.id === currentRolloutId) return unparked(turn, calls);
  if (current && !await park(current.id, calls)) return "changed";
  await calls.ledger.changeFleet((fleet) => fleet.version === version2 ? { next: withTurn(fleet, turn.id) } : {});
  return "changed";
}
function withTurn({ currentRolloutId, ...fleet }, id) {
  const parked = currentRolloutId === void 0 ? [] : [currentRolloutId];
  return { ...fleet, currentRolloutId: id, queuedRolloutIds: [...parked, ...without2(fleet.queuedRolloutIds, id)] };
}
async function park(id, { ledger }) {
  const changed2 = await ledger.changeRollout(
    id,
    (rollout3) => yields(rollout3) ? { next: { ...rollout3, parked: true }, result: true } : { result: false }
  );
  return changed2?.result ?? false;
}
async function unparked(rollout3, { ledger }) {
  if (!rollout3.parked) return rollout3;
  const changed2 = await ledger.changeRollout(rollout3.id, ({ parked: _, ...current }) => ({ next: current }));
  return changed2?.stored ?? rollout3;
}
async function makeRoom(rolloutId, calls) {
  await changeTogether(
    rolloutId,
    calls,
    ({ currentRolloutId, ...rest }, rollout3) => currentRolloutId === rolloutId && isOver2(rollout3) ? rest : void 0
  );
}
async function ensureExecution(rollout3, calls) {
  const { id, executionName: executionName2 } = rollout3;
  const status = executionName2 === void 0 ? void 0 : await calls.fleetExecutions.describeExecution(executionName2);
  if (status !== void 0 && !hasEndedExecution(status)) return;
  const number9 = status === void 0 ? Math.max(1, rollout3.executionCount) : rollout3.executionCount + 1;
  const name = fleetExecutionName(id, number9);
  if (status !== void 0) calls.log.warn("rollout goes on in a new execution", { rolloutId: id, status });
  await calls.fleetExecutions.startExecution({ name, input: { rolloutId: id } });
  await calls.ledger.changeRollout(
    id,
    (current) => current.executionCount >= number9 ? {} : { next: { ...current, executionName: name, executionCount: number9 } }
  );
}

// shared/use-cases/rollout/control-rollout.ts
async function controlRollout(control2, calls) {
  const { rolloutId, action } = control2;
  const at = new Date(calls.now()).toISOString();
  const hasTurn = (await calls.ledger.getFleet()).currentRolloutId === rolloutId;
  if (action === "rollback" && await calls.ledger.getRollout(rolloutId)) await announce(rolloutId, calls);
  const changed2 = await calls.ledger.changeRollout(
    rolloutId,
    (rollout4) => decideControl(rollout4, control2, { at, hasTurn })
  );
  if (!changed2) return refuse3(control2, new AutopilotError("unknown-rollout", rolloutId), calls);
  const { stored: rollout3, result: decision } = changed2;
  if (decision.case === "refuse") return refuse3(control2, decision.failure, calls);
  await wake(decision.holdTokens, calls.fleetExecutions);
  if (rollout3.status === "aborted") await leaveQueue(rolloutId, calls);
  if (action === "rollback") {
    await enqueue(rolloutId, calls);
    await advanceQueue(calls);
  }
  return true;
}
async function refuse3({ rolloutId, action, requestedBy }, { code: code2, detail }, { bus }) {
  await bus.putEvents([rolloutRefused({ rolloutId, kind: action, requestedBy, code: code2, detail: `${action}: ${detail}` })]);
  return false;
}

// shared/rollout/kinds.ts
function bringsFacts(kind) {
  return kind === "rotate" || kind === "endpoint";
}
function factsKindOf(mesh) {
  const { id, facts } = newestOf(mesh);
  const { istiodUrl } = facts;
  const earlier = acceptableOf(mesh).filter((one) => one.id !== id);
  const hasRest = earlier.every((one) => factsIdOf({ ...one.facts, istiodUrl }) === id);
  return hasRest && earlier.length > 0 ? "endpoint" : "rotate";
}

// shared/rollout/identity.ts
function rolloutIdOf(change2) {
  return `${change2.kind}-${sha256(change2.key).slice(0, 10)}`;
}
function matchesScope(scope, service, controlPlaneOf2) {
  const ref = parseServiceArn(service.serviceArn);
  if (!ref) return false;
  return (scope.controlPlane === void 0 || scope.controlPlane === controlPlaneOf2(ref)) && (scope.accounts?.includes(ref.account) ?? true) && (scope.regions?.some((pattern2) => matches(pattern2, ref.region)) ?? true) && names(scope.clusters, ref.clusterName, clusterArnOf(ref)) && names(scope.services, ref.serviceName, ref.serviceArn);
}
function names(patterns, name, arn) {
  return patterns?.some((pattern2) => matches(pattern2, pattern2.startsWith("arn:") ? arn : name)) ?? true;
}
function rotates({ kind, target, scope }, plane) {
  const planes = [target.controlPlane, scope.controlPlane].filter((name) => name !== void 0);
  return bringsFacts(kind) && (planes.length === 0 || planes.includes(plane));
}

// shared/rollout/wish.ts
import { isDeepStrictEqual } from "node:util";

// shared/rollout/fleet-value.ts
function fleetValueOf(kind, given) {
  const { image, settings } = given;
  if (kind === "upgrade" && image !== void 0) return { member: "image", value: image };
  if (kind === "reconfigure" && settings !== void 0) return { member: "settings", value: settings };
  return void 0;
}
function currentValue(fleet, member) {
  return member === "image" ? fleet.image?.image : fleet.settings;
}
function withValue(fleet, { member, value }, nowMs) {
  return member === "image" ? { ...fleet, image: { image: value, assignedAtMs: nowMs } } : { ...fleet, settings: value };
}

// shared/rollout/wish.ts
var AUTOPILOT = "ztunnel-autopilot";
function hasOtherWish(rollout3, { member, value }) {
  const target = fleetValueOf(rollout3.kind, rollout3.target);
  const isOther = target?.member === member && target.value !== value;
  return isOther && canBeStopped(rollout3) && isDeepStrictEqual(rollout3.scope, {});
}
function hasMovedOn(newer, older) {
  return newer.requestedBy === AUTOPILOT && canBeStopped(older) && isOfSameSort(newer, older);
}
function isReplaced(newer, older) {
  return older.status === "waiting" && older.control === void 0 && !hasBegun(older) && isOfSameSort(newer, older);
}
function isOfSameSort(newer, older) {
  const isOfKind = older.kind === newer.kind || bringsFacts(older.kind) && bringsFacts(newer.kind);
  return isOfKind && isDeepStrictEqual(older.scope, newer.scope);
}
var open = ["waiting", "running", "paused", "awaiting-approval", "frozen"];
function canBeStopped(rollout3) {
  const { requestedBy, status, supersededAt } = rollout3;
  return requestedBy === AUTOPILOT && open.includes(status) && supersededAt === void 0 && !isStopping(rollout3);
}
function hasBegun({ startedAt: startedAt2 }) {
  return startedAt2 !== void 0;
}
function afterMovedOn(rollout3, change2) {
  return stopped(rollout3, change2, "wish-moved-on");
}
function afterContest(rollout3, change2) {
  return canBeStopped(rollout3) ? stopped(rollout3, change2, "wish-contested") : void 0;
}
function afterWithdrawal(rollout3, change2) {
  if (!hasBegun(rollout3)) return stopped(rollout3, change2, "wish-withdrawn");
  const { why: detail, at } = change2;
  const control2 = { action: "rollback", by: AUTOPILOT, at };
  return { ...rollout3, control: control2, reason: { code: "wish-withdrawn", detail } };
}
function stopped(rollout3, { why: detail, at, hasTurn }, code2) {
  const reason = { code: code2, detail };
  if (hasTurn || hasBegun(rollout3)) return { ...rollout3, supersededAt: at, reason };
  return { ...rollout3, status: "superseded", reason, finishedAt: at };
}

// shared/use-cases/rollout/record-attempt.ts
async function recordAttempt(controlPlane3, { id: rolloutId, isFirst = false }, { ledger, now }) {
  const at = new Date(now()).toISOString();
  const unknown8 = { since: at, serviceArns: [], services: 0, tasks: 0, countedAt: at, attempts: 0 };
  await ledger.changeMesh(controlPlane3, (mesh) => {
    if (!mesh || mesh.emergency?.rolloutId === rolloutId) return {};
    const before = { ...unknown8, ...mesh.emergency };
    const attempts = isFirst ? 1 : before.attempts + 1;
    const firstRolloutId = isFirst ? rolloutId : before.firstRolloutId ?? rolloutId;
    return { next: { ...mesh, emergency: { ...before, rolloutId, firstRolloutId, attempts } } };
  });
}

// shared/use-cases/rollout/request-rollout.ts
async function requestRollout(request2, eventId, calls) {
  if (request2.kind === "rollback") throw new AutopilotError("invalid-request", "A rollback is a matter of control.");
  const rolloutId = request2.rolloutId ?? rolloutIdOf({ kind: request2.kind, key: eventId });
  const { kind, scope, why, requestedBy, overrides } = request2;
  const asked = { id: rolloutId, kind, scope, why, requestedBy, overrides, emergency: false };
  try {
    const target = await targetOf3(request2, calls);
    const window = openWindow(calls.config.policy.rollout.freezeWindows, calls.now());
    if (window && !overrides.ignoreFreeze) {
      throw new AutopilotError("frozen", `It ends at ${new Date(window.until).toISOString()}.`);
    }
    return await queueAsked({ ...asked, target }, calls);
  } catch (error) {
    const failure = asAutopilotError(error);
    if (failure.retryable) throw failure;
    return refuse4({ ...asked, target: {} }, failure, calls);
  }
}
async function queueAsked(wanted, calls) {
  const { controlPlane: controlPlane3 } = wanted.target;
  if (wanted.kind !== "rotate" || controlPlane3 === void 0) return queueRollout(wanted, calls);
  if (!(await calls.ledger.getMesh(controlPlane3))?.emergency) return queueRollout(wanted, calls);
  if (!await calls.ledger.getRollout(wanted.id)) await recordAttempt(controlPlane3, wanted, calls);
  return queueRollout({ ...wanted, emergency: true }, calls);
}
async function queueRollout(wanted, calls) {
  await announce(wanted.id, calls);
  const created = await calls.ledger.createRollout(rolloutOf3(wanted, "waiting", calls));
  const rollout3 = await calls.ledger.getRollout(wanted.id);
  if (rollout3 && !hasEnded(rollout3)) await supersedeOlder(rollout3, calls);
  if (rollout3) await enqueue(rollout3.id, calls);
  await advanceQueue(calls);
  return { did: created ? "queued" : "exists", rolloutId: wanted.id };
}
async function supersedeOlder(newer, calls) {
  const at = new Date(calls.now()).toISOString();
  const fleet = await calls.ledger.getFleet();
  for (const id of openIds(fleet).filter((one) => one !== newer.id)) {
    const hasTurn = id === fleet.currentRolloutId;
    const changed2 = await calls.ledger.changeRollout(id, (older) => {
      if (!hasTurn && isReplaced(newer, older)) {
        const reason = { code: "superseded", detail: `by ${newer.id}` };
        return { next: { ...older, status: "superseded", reason, finishedAt: at } };
      }
      if (!hasMovedOn(newer, older)) return {};
      const next2 = afterMovedOn(older, { why: newer.why, at, hasTurn });
      return { next: next2, result: waits2(next2) ? [] : tokensOf(older) };
    });
    await wake(changed2?.result ?? [], calls.fleetExecutions);
    if (!hasTurn && (!changed2 || hasEnded(changed2.stored))) await leaveQueue(id, calls);
  }
}
async function targetOf3(request2, calls) {
  const { kind, image, scope } = request2;
  if (kind !== "upgrade" && image !== void 0) {
    throw new AutopilotError("invalid-request", `An image goes with an upgrade, not with ${kind}.`);
  }
  if (scope.controlPlane !== void 0 && !isControlPlane(scope.controlPlane, calls.config)) {
    throw new AutopilotError("invalid-request", `There is no control plane called ${scope.controlPlane}.`);
  }
  switch (kind) {
    case "upgrade":
      if (image === void 0) throw new AutopilotError("invalid-request", "An upgrade needs an image.");
      return { image: await runnableImage(allowedImage(image, calls.config), scope, calls) };
    case "rotate": {
      if (scope.controlPlane === void 0) return {};
      const mesh = await calls.ledger.getMesh(scope.controlPlane);
      const factsId = mesh?.generations.at(-1)?.id;
      return { controlPlane: scope.controlPlane, ...factsId !== void 0 && { factsId } };
    }
    case "reconfigure":
      return { settings: settingsHash(calls.config) };
    case "unenroll":
      if (Object.keys(scope).length > 0) {
        throw new AutopilotError("invalid-request", "Only the whole fleet leaves by a rollout: untag single services.");
      }
      return {};
  }
}
async function runnableImage(image, scope, { config, ledger }) {
  for (const plane of config.controlPlanes.filter((one) => mayServe(one, scope))) {
    const mesh = await ledger.getMesh(plane.name);
    const skew = refusedSkew(image, mesh?.generations.at(-1)?.facts.istiodVersion, config);
    if (skew) throw new AutopilotError("version-skew", `${image} in ${plane.name}: ${wordsOf(skew)}`);
  }
  return image;
}
function mayServe({ name, serves }, { controlPlane: controlPlane3, accounts, regions }) {
  if (controlPlane3 !== void 0) return controlPlane3 === name;
  return serves.some(
    (one) => (accounts?.includes(one.account) ?? true) && (regions?.some((pattern2) => one.regions.some((region) => matches(pattern2, region))) ?? true)
  );
}
function isControlPlane(name, { controlPlanes: controlPlanes2 }) {
  return controlPlanes2.some((plane) => plane.name === name);
}
async function refuse4(wanted, failure, calls) {
  const { id: rolloutId, kind, requestedBy } = wanted;
  const { code: code2, detail } = failure;
  const reason = { code: code2, detail };
  const refused2 = { ...rolloutOf3(wanted, "refused", calls), reason, finishedAt: new Date(calls.now()).toISOString() };
  if (!await calls.ledger.getRollout(rolloutId)) {
    await calls.bus.putEvents([rolloutRefused({ rolloutId, kind, requestedBy, code: code2, detail })]);
    await calls.ledger.createRollout(refused2);
  }
  return { did: "refused", rolloutId, code: code2 };
}
function rolloutOf3(wanted, status, { now, config }) {
  const { retentionDays } = config.policy.rollout;
  return rolloutSchema.parse({
    shape: 1,
    version: 0,
    ...wanted,
    requestedAt: new Date(now()).toISOString(),
    status,
    expiresAt: Math.floor(now() / 1e3) + retentionDays * 86400
  });
}

// shared/use-cases/rollout/handle-request.ts
async function handleRequest(detail, eventId, calls) {
  const asked = await parsedOrRefused(() => parseRolloutRequest(detail), eventId, calls);
  if (asked === void 0) return { did: "refused", rolloutId: eventId, code: "invalid-request" };
  if (asked.kind !== "rollback") return requestRollout(asked, eventId, calls);
  const { rolloutId, requestedBy } = asked;
  const accepted = await controlRollout({ rolloutId, action: "rollback", requestedBy }, calls);
  return accepted ? { did: "queued", rolloutId } : { did: "refused", rolloutId, code: "wrong-phase" };
}
async function handleControl(detail, eventId, calls) {
  const asked = await parsedOrRefused(() => parseControl(detail), eventId, calls);
  return asked === void 0 ? false : controlRollout(asked, calls);
}
async function parsedOrRefused(parse4, eventId, { bus }) {
  try {
    return parse4();
  } catch (error) {
    const { code: code2, detail } = asAutopilotError(error);
    if (code2 !== "invalid-request" && code2 !== "invalid-image") throw error;
    await bus.putEvents([
      rolloutRefused({ rolloutId: eventId, kind: "request", requestedBy: "an operator", code: code2, detail })
    ]);
    return void 0;
  }
}

// functions/rollout/control.ts
function control(context) {
  return async (event, { log }) => {
    const asked = operatorEvent(event, "Rollout Control");
    if (!asked) throw new AutopilotError("malformed-event", "It is not a Rollout Control event.");
    const taken = await handleControl(asked.detail, asked.eventId, { ...context, log });
    log.info(taken ? "taken" : "refused");
    return { taken };
  };
}
var handler10 = lambda("rollout-control", () => control(environmentContext()));

// shared/rollout/next-step.ts
function nextStep(rollout3, { approveAfterCanary, frozenUntilMs }) {
  const { status, control: control2, waves, nextWaveIndex: wave, approved, overrides } = rollout3;
  if (isRollingBack(rollout3)) {
    const newest = waves.findLastIndex(wasTouched);
    return newest < 0 ? { do: "finish", as: "rolled-back" } : { do: "roll", phase: "rollback", wave: newest };
  }
  if (endedStatuses.includes(status)) return { do: "end" };
  if (control2?.action === "abort") return { do: "finish", as: "aborted" };
  if (isSuperseded(rollout3)) return { do: "finish", as: "superseded" };
  if (wave >= waves.length) return { do: "finish", as: "completed" };
  if (control2?.action === "pause") return { do: "hold", why: "operator", untilMs: void 0 };
  if (approveAfterCanary && !approved && wave === (waves[0]?.canary ? 1 : 0)) {
    return { do: "hold", why: "approval", untilMs: void 0 };
  }
  if (frozenUntilMs !== void 0 && !overrides.ignoreFreeze) {
    return { do: "hold", why: "freeze", untilMs: frozenUntilMs };
  }
  return { do: "roll", phase: "forward", wave };
}
function wasTouched({ state }) {
  return state !== "waiting" && state !== "rolled-back";
}

// shared/rollout/progress.ts
var columns = {
  waiting: "waiting",
  rolling: "rolling",
  succeeded: "succeeded",
  unverified: "unverified",
  skipped: "skipped",
  superseded: "skipped",
  refused: "skipped",
  reverted: "failed",
  failed: "failed",
  "revert-failed": "failed",
  "rolling-back": "rolling",
  "rolled-back": "rolledBack",
  left: "skipped",
  stuck: "stuck"
};
function progressOf(rollout3, services2) {
  const counts = countsOfNone();
  const tallies = rollout3.waves.map(newTally);
  let seen = 0;
  for (const service of services2) {
    if (service.ordinal >= rollout3.serviceCount) continue;
    seen += 1;
    counts[service.status] += 1;
    const tally = tallies[service.waveIndex];
    if (tally) add(tally, service);
  }
  const total = rollout3.serviceCount;
  counts.waiting += total - seen;
  return {
    status: rollout3.status,
    total,
    counts,
    waves: rollout3.waves.map((wave, index) => waveProgress(wave, tallies[index] ?? newTally())),
    done: doneShare(rollout3.status, counts, total)
  };
}
function countsOfNone() {
  const none = rolloutServiceStatuses.map((status) => [status, 0]);
  return Object.fromEntries(none);
}
function newTally() {
  return {
    seen: 0,
    columns: { succeeded: 0, unverified: 0, failed: 0, skipped: 0, rolling: 0, waiting: 0, rolledBack: 0, stuck: 0 },
    firstStartMs: Number.POSITIVE_INFINITY,
    lastEndMs: Number.NEGATIVE_INFINITY
  };
}
function add(tally, service) {
  tally.seen += 1;
  tally.columns[columns[service.status]] += 1;
  if (service.startedAt) tally.firstStartMs = Math.min(tally.firstStartMs, Date.parse(service.startedAt));
  if (service.finishedAt) tally.lastEndMs = Math.max(tally.lastEndMs, Date.parse(service.finishedAt));
}
function waveProgress(wave, tally) {
  const size = Math.max(
    wave.lanes.reduce((sum2, { first, last }) => sum2 + last - first + 1, 0),
    tally.seen
  );
  return {
    name: wave.name,
    state: wave.state,
    size,
    ...tally.columns,
    waiting: tally.columns.waiting + size - tally.seen,
    ...Number.isFinite(tally.firstStartMs) ? { firstStartMs: tally.firstStartMs } : {},
    ...Number.isFinite(tally.lastEndMs) ? { lastEndMs: tally.lastEndMs } : {}
  };
}
function doneShare(status, counts, total) {
  if (status === "rolling-back" || status === "rolled-back") {
    const gone2 = counts["rolled-back"] + counts.left + counts.stuck;
    return share(gone2, gone2 + counts.succeeded + counts.unverified + counts.rolling + counts["rolling-back"], true);
  }
  return share(total - counts.waiting - counts.rolling, total, endedStatuses.includes(status));
}
function share(part, whole2, ofNothing) {
  return whole2 > 0 ? part / whole2 : Number(ofNothing);
}
function etaMs(progress, policy, nowMs) {
  if (progress.status !== "running") return void 0;
  const { rolled, spentMs } = paceOf(progress.waves, nowMs);
  if (rolled === 0) return void 0;
  const left = progress.counts.waiting + progress.counts.rolling;
  return Math.round(left * spentMs / rolled + bakeLeftMs(progress.waves, policy.bakeMinutes * 6e4, nowMs));
}
function paceOf(waves, nowMs) {
  let rolled = 0;
  let spentMs = 0;
  for (const wave of waves) {
    const ended2 = wave.succeeded + wave.unverified + wave.failed;
    if (wave.firstStartMs === void 0 || wave.lastEndMs === void 0 || ended2 === 0) continue;
    rolled += ended2;
    spentMs += Math.max(0, (wave.state === "rolling" ? nowMs : wave.lastEndMs) - wave.firstStartMs);
  }
  return { rolled, spentMs };
}
function bakeLeftMs(waves, bakeMs, nowMs) {
  return waves.reduce((sum2, { state, lastEndMs }) => {
    if (state === "waiting" || state === "rolling") return sum2 + bakeMs;
    if (state === "baking") return sum2 + Math.max(0, (lastEndMs ?? nowMs) + bakeMs - nowMs);
    return sum2;
  }, 0);
}

// shared/use-cases/rollout/release.ts
async function releaseToFleet(rollout3, calls) {
  if (!coversEverything(rollout3)) return;
  if (bringsFacts(rollout3.kind)) return releaseFacts(rollout3, calls);
  const target = fleetValueOf(rollout3.kind, rollout3.target);
  if (target) await releaseValue(rollout3, target, calls);
}
async function withdrawFromFleet({ id, kind, target, before }, calls) {
  const { ledger, now } = calls;
  const earlier = fleetValueOf(kind, before);
  await ledger.changeFleet(
    (fleet) => earlier && fleet.currentRolloutId === id && currentValue(fleet, earlier.member) === target[earlier.member] ? { next: withValue(fleet, earlier, now()) } : {}
  );
  const { factsId } = before;
  if (bringsFacts(kind) && target.controlPlane !== void 0 && factsId !== void 0) {
    await changeWhileCurrent(
      id,
      target.controlPlane,
      calls,
      (mesh) => mesh.releasedId === target.factsId ? released2(mesh, factsId) : void 0
    );
  }
}
function coversEverything({ kind, scope }) {
  const { controlPlane: controlPlane3, ...narrower } = scope;
  return Object.values(narrower).every((given) => given === void 0) && (bringsFacts(kind) || !controlPlane3);
}
async function releaseValue(rollout3, target, { ledger, now }) {
  const { member, value } = target;
  const before = currentValue(await ledger.getFleet(), member);
  if (before !== void 0 && before !== value) await recordBefore(rollout3, { [member]: before }, ledger);
  await ledger.changeFleet(
    (fleet) => currentValue(fleet, member) === value || fleet.currentRolloutId !== rollout3.id ? {} : { next: withValue(fleet, target, now()) }
  );
}
async function releaseFacts(rollout3, calls) {
  const { config, ledger } = calls;
  const { scope, target } = rollout3;
  const planes = scope.controlPlane ? [scope.controlPlane] : config.controlPlanes.map(({ name }) => name);
  for (const plane of planes) {
    const mesh = await ledger.getMesh(plane);
    const before = mesh?.releasedId;
    const id = target.factsId ?? mesh?.generations.at(-1)?.id;
    if (id === void 0 || before === id) continue;
    if (before !== void 0 && scope.controlPlane) await recordBefore(rollout3, { factsId: before }, ledger);
    await changeWhileCurrent(rollout3.id, plane, calls, (current) => released2(current, id));
  }
}
var MAX_RACES2 = 50;
async function changeWhileCurrent(rolloutId, controlPlane3, { ledger }, change2) {
  for (let races = 0; races < MAX_RACES2; races += 1) {
    const before = await ledger.getMesh(controlPlane3);
    if (!before || (await ledger.getFleet()).currentRolloutId !== rolloutId) return;
    const { result } = await ledger.changeMesh(
      controlPlane3,
      (mesh) => mesh?.version === before.version ? { next: change2(mesh), result: "done" } : { result: "written-since" }
    );
    if (result === "done") return;
  }
  throw new AutopilotError("throttled", `The mesh of ${controlPlane3} was written ${MAX_RACES2} times meanwhile.`);
}
async function recordBefore({ id }, before, ledger) {
  await ledger.changeRollout(id, (current) => ({ next: { ...current, before: { ...before, ...current.before } } }));
}
function released2(mesh, id) {
  const known3 = mesh.generations.some((generation) => generation.id === id);
  return known3 && mesh.releasedId !== id ? { ...mesh, releasedId: id } : void 0;
}

// shared/use-cases/rollout/finish-rollout.ts
async function finishRollout(rolloutId, failure, calls) {
  const rollout3 = await calls.ledger.getRollout(rolloutId);
  if (!rollout3) return { status: "unknown", stuck: 0 };
  if ((await calls.ledger.getFleet()).currentRolloutId !== rolloutId) {
    await advanceQueue(calls);
    return { status: rollout3.status, stuck: rollout3.stuckOrdinals.length };
  }
  const status = outcomeOf2(rollout3, failure);
  if (status === void 0) return { status: rollout3.status, stuck: rollout3.stuckOrdinals.length };
  if (status === "completed") await releaseToFleet(rollout3, calls);
  if (status === "rolled-back") {
    await withdrawFromFleet(rollout3, calls);
    await allowEnrolling(rollout3, calls);
  }
  const changed2 = await calls.ledger.changeRollout(rolloutId, (current) => {
    if (current.status === status && current.finishedAt !== void 0) return {};
    if (current.status !== rollout3.status) return {};
    const { control: control2, holdToken: _, otherHoldTokens: __, holdUntilMs: ___, ...rest } = current;
    const isLate = control2?.action === "rollback" && rollout3.control?.action !== "rollback";
    const isStopped2 = control2?.action === "abort" && current.emergency && status !== "aborted";
    const next2 = {
      ...rest,
      ...(isLate || isStopped2) && { control: control2 },
      status,
      finishedAt: new Date(calls.now()).toISOString(),
      ...failure && { reason: reasonOf3(failure) }
    };
    return { next: next2 };
  });
  if (changed2 && hasEnded(changed2.stored)) {
    await notify(changed2.stored, calls);
    await makeRoom(rolloutId, calls);
  }
  await advanceQueue(calls);
  return { status, stuck: rollout3.stuckOrdinals.length };
}
function outcomeOf2(rollout3, failure) {
  if (failure) return "failed";
  const step2 = nextStep(rollout3, { approveAfterCanary: false, frozenUntilMs: void 0 });
  if (step2.do === "finish") return step2.as;
  return endedStatuses.includes(rollout3.status) ? rollout3.status : void 0;
}
function reasonOf3({ error, cause }) {
  const [, message = cause] = /"errorMessage":"((?:[^"\\]|\\.)*)"/.exec(cause) ?? [];
  return { code: failureCodeOf(message) ?? "unexpected-error", detail: `${error}: ${message}`.slice(0, 1e3) };
}
async function allowEnrolling({ id, kind }, { ledger }) {
  if (kind !== "unenroll") return;
  await ledger.changeFleet(({ unenrolledBy, ...fleet }) => unenrolledBy?.rolloutId === id ? { next: fleet } : {});
}
async function notify(rollout3, { bus, ledger, now }) {
  const services2 = await Array.fromAsync(ledger.listRolloutServices(rollout3.id));
  const { counts } = progressOf(rollout3, services2);
  const startedMs = Date.parse(rollout3.startedAt ?? rollout3.requestedAt);
  const durationSeconds = Math.max(0, (now() - startedMs) / 1e3);
  if (rollout3.status === "rolled-back") {
    const stuckServices = services2.filter(({ status }) => isAstray(status)).map(({ serviceArn }) => serviceArn);
    await bus.putEvents([rolledBack(rollout3, { counts, stuckServices, durationSeconds })]);
    return;
  }
  await bus.putEvents([rolloutCompleted(rollout3, { counts, durationSeconds, sentence: sentenceOf2(rollout3) })]);
}
function sentenceOf2({ reason }) {
  if (!reason) return "";
  const known3 = Object.entries(failures).find(([code2]) => code2 === reason.code)?.[1];
  return `${known3?.sentence ?? ""} ${reason.detail}`.trim();
}
function isAstray(status) {
  return status === "stuck" || status === "revert-failed";
}

// functions/rollout/finish.ts
function finishRolloutStep(context) {
  return async (event, { log, measure }) => {
    const { rolloutId, failure } = parsed2(finishRolloutInput, event);
    log.appendKeys({ rolloutId });
    const { status, stuck } = await finishRollout(rolloutId, failure, { ...context, log });
    measure.count("Rollouts", { status });
    measure.record("RolloutStuck", stuck, {});
    log.info("finished", { status });
    return { rolloutId, status };
  };
}
var handler11 = lambda("rollout-finish", () => finishRolloutStep(environmentContext()));

// shared/rollout/reminder.ts
var DAY_MS5 = 864e5;
function dueReminder({ status, heldSince, remindedAt }, nowMs) {
  const why = status === "paused" ? "operator" : status === "awaiting-approval" ? "approval" : void 0;
  if (why === void 0 || heldSince === void 0) return void 0;
  if (nowMs < Date.parse(remindedAt ?? heldSince) + DAY_MS5) return void 0;
  return { why, days: Math.floor((nowMs - Date.parse(heldSince)) / DAY_MS5) };
}

// shared/use-cases/rollout/remind-held.ts
async function remindHeld({ ledger, bus, now }) {
  const ids = openIds(await ledger.getFleet());
  for (const id of ids) {
    const rollout3 = await ledger.getRollout(id);
    if (!rollout3 || !dueReminder(rollout3, now())) continue;
    const changed2 = await ledger.changeRollout(id, (current) => {
      const due = dueReminder(current, now());
      return due ? { next: { ...current, remindedAt: new Date(now()).toISOString() }, result: due } : {};
    });
    const reminder = changed2?.result;
    if (!changed2 || !reminder) continue;
    const { why, days } = reminder;
    await bus.putEvents([
      rolloutPaused(changed2.stored, { why, untilMs: void 0, reminder: { days, others: ids.length - 1 } })
    ]);
  }
}

// shared/use-cases/rollout/guard-rollout.ts
async function guardRollout(calls) {
  const rolloutId = await advanceQueue(calls);
  await remindHeld(calls);
  if (rolloutId === void 0) return { rolloutId: null, stopped: false };
  const rollout3 = await calls.ledger.getRollout(rolloutId);
  if (rollout3 && !waits2(rollout3)) await wake(tokensOf(rollout3), calls.fleetExecutions);
  if (rollout3?.status !== "running" && rollout3?.status !== "rolling-back") return { rolloutId, stopped: false };
  const begun2 = await begunServices(rollout3, calls.ledger);
  if (begun2.length === 0) return { rolloutId, stopped: false };
  const { done, waves } = progressOf(rollout3, begun2);
  const failed2 = waves.reduce((sum2, wave) => sum2 + wave.failed, 0);
  const progress = { done, failed: failed2, stuck: waves.reduce((sum2, { stuck }) => sum2 + stuck, 0) };
  if (!canBeStopped2(rollout3) || rollout3.nextWaveIndex >= rollout3.waves.length) {
    return { rolloutId, stopped: false, progress };
  }
  const alarm = await firedAlarm(calls);
  if (alarm === void 0) return { rolloutId, stopped: false, progress };
  const changed2 = await calls.ledger.changeRollout(rolloutId, (current) => {
    if (!canBeStopped2(current)) return { result: void 0 };
    const reason = { code: "alarm-fired", detail: alarm };
    return { next: { ...current, status: "rolling-back", reason }, result: tokensOf(current) };
  });
  await wake(changed2?.result ?? [], calls.fleetExecutions);
  return { rolloutId, stopped: changed2?.stored.status === "rolling-back", progress };
}
async function begunServices({ id, waves, nextWaveIndex }, ledger) {
  const [first] = waves[0]?.lanes ?? [];
  const last = waves[Math.min(nextWaveIndex, waves.length - 1)]?.lanes.at(-1);
  if (!first || !last) return [];
  return Array.fromAsync(ledger.listRolloutServices(id, { first: first.first, last: last.last }));
}
function canBeStopped2(rollout3) {
  return rollout3.status === "running" && !isStopping(rollout3) && !rollout3.emergency;
}

// functions/rollout/guard.ts
function guard(context, alarms3) {
  return async (_event, { log, measure }) => {
    const { progress, ...result } = await guardRollout({ ...context, alarms: alarms3, log });
    if (progress) {
      measure.record("RolloutDone", 100 * progress.done, {});
      measure.record("RolloutFailed", progress.failed, {});
      measure.record("RolloutStuck", progress.stuck, {});
    }
    if (result.stopped) log.warn("rollout stopped by an alarm", { ...result });
    return result;
  };
}
var handler12 = lambda("rollout-guard", () => guard(environmentContext(), environmentAlarms()));

// functions/rollout/hold.ts
function hold(context) {
  return async (event, { log }) => {
    const { rolloutId, taskToken } = parsed2(holdInput, event);
    log.appendKeys({ rolloutId });
    await holdRollout(rolloutId, taskToken, { ledger: context.ledger, executions: context.fleetExecutions });
    return {};
  };
}
var handler13 = lambda("rollout-hold", () => hold(environmentContext()));

// shared/rollout/execution-step.ts
var heldStatus = { operator: "paused", approval: "awaiting-approval", freeze: "frozen" };
function executionStep(rollout3, execution, conditions) {
  const step2 = nextStep(rollout3, conditions);
  if (rollout3.parked) return { do: "end" };
  if (step2.do === "end" || step2.do === "finish") return step2;
  if (execution.isFull) return { do: "continue", ...successorOf(rollout3, execution) };
  if (step2.do === "roll") return step2;
  const isHeld = rollout3.status === heldStatus[step2.why] && rollout3.holdToken !== void 0;
  return { ...step2, do: isHeld ? "still-held" : "hold" };
}
function successorOf(rollout3, { executionName: current }) {
  const { id, executionName: executionName2, executionCount } = rollout3;
  if (executionName2 !== void 0 && executionName2 !== current) return { executionName: executionName2, executionCount };
  return { executionName: fleetExecutionName(id, executionCount + 1), executionCount: executionCount + 1 };
}
function afterStep(rollout3, step2, at) {
  switch (step2.do) {
    case "end":
    case "finish":
      return void 0;
    case "continue": {
      const { executionName: executionName2, executionCount } = step2;
      return executionCount === rollout3.executionCount ? void 0 : { ...rollout3, executionName: executionName2, executionCount };
    }
    case "hold":
      return held(withoutHold(rollout3), step2, at);
    case "still-held":
      return held(rollout3, step2, at);
    case "roll":
      return {
        ...withoutHold(rollout3),
        status: step2.phase === "rollback" ? "rolling-back" : "running",
        waves: rollout3.waves.map((wave, index) => index === step2.wave ? begun(wave, step2.phase, at) : wave)
      };
  }
}
function withoutHold({
  holdUntilMs: _,
  holdToken: __,
  otherHoldTokens: ___,
  heldSince: ____,
  remindedAt: _____,
  ...rollout3
}) {
  return rollout3;
}
function held({ holdUntilMs: _, ...rollout3 }, { why, untilMs }, at) {
  return {
    ...rollout3,
    status: heldStatus[why],
    heldSince: rollout3.heldSince ?? at,
    ...untilMs !== void 0 && { holdUntilMs: Math.ceil(untilMs) }
  };
}
function begun(wave, phase, at) {
  if (phase === "rollback") return { ...wave, state: "rolling-back" };
  return { ...wave, state: "rolling", startedAt: wave.startedAt ?? at };
}

// shared/use-cases/rollout/next-wave.ts
var MAX_WEIGHT = 400;
var LONGEST_HOLD_SECONDS = 7 * 86400;
async function nextWave(input, { config, ledger, bus, now }) {
  const policy = config.policy.rollout;
  const execution = { executionName: input.executionName, isFull: input.passes >= MAX_WEIGHT };
  const frozenUntilMs = openWindow(policy.freezeWindows, now())?.until;
  const changed2 = await ledger.changeRollout(input.rolloutId, (rollout4) => {
    const { approveAfterCanary } = resolvedPolicy(rollout4, policy);
    const step3 = executionStep(rollout4, execution, { approveAfterCanary, frozenUntilMs });
    return { next: afterStep(rollout4, step3, new Date(now()).toISOString()), result: step3 };
  });
  if (!changed2) throw new AutopilotError("unknown-rollout", input.rolloutId);
  const { stored: rollout3, result: step2 } = changed2;
  switch (step2.do) {
    case "end":
    case "finish":
      return { ...nothing2, do: step2.do };
    case "continue":
      return { ...nothing2, do: "continue", executionName: step2.executionName };
    case "hold":
      await bus.putEvents([rolloutPaused(rollout3, step2)]);
      return { ...nothing2, do: "hold", holdSeconds: holdSeconds(step2, now()) };
    case "still-held":
      return { ...nothing2, do: "hold", holdSeconds: holdSeconds(step2, now()) };
    case "roll": {
      const { concurrency } = resolvedPolicy(rollout3, policy);
      const lanes = (rollout3.waves[step2.wave]?.lanes ?? []).map((lane) => ({ ...lane, concurrency }));
      return { ...nothing2, do: "roll", phase: step2.phase, wave: step2.wave, lanes };
    }
  }
}
var nothing2 = { do: "end", phase: "forward", wave: 0, lanes: [], holdSeconds: 1, executionName: "" };
function holdSeconds({ untilMs }, nowMs) {
  const seconds = untilMs === void 0 ? LONGEST_HOLD_SECONDS : Math.ceil((untilMs - nowMs) / 1e3);
  return Math.min(Math.max(seconds, 1), LONGEST_HOLD_SECONDS);
}

// functions/rollout/next-wave.ts
function next(context) {
  return async (event, { log }) => {
    const input = parsed2(nextWaveInput, event);
    log.appendKeys({ rolloutId: input.rolloutId });
    const step2 = await nextWave(input, context);
    log.info("next", { do: step2.do, phase: step2.phase, wave: step2.wave });
    return step2;
  };
}
var handler14 = lambda("rollout-next-wave", () => next(environmentContext()));

// functions/rollout/report.ts
import * as z49 from "zod";

// shared/slack/rollout-message.ts
var BAR_CELLS = 20;
var ETA_STEP_MS = 5 * 6e4;
function rolloutMessage(rollout3, progress, nowMs, { leftMs, stage } = {}) {
  const { icon, words: usual } = standings2[rollout3.status];
  const words2 = rollout3.status === "superseded" ? supersededWords(rollout3.reason?.code) : usual;
  const stuck = progress.counts.stuck;
  const loud = stuck > 0 ? `, ${counted(stuck, "service")} could NOT be rolled back` : "";
  return layOut(
    {
      icon: stuck > 0 ? ":rotating_light:" : icon,
      headline: `${titleOf(rollout3)} ${words2}${loud}`,
      lines: [
        [barText(progress), waveText(rollout3, progress), etaText(nowMs, leftMs)].filter(Boolean).join("  \xB7  "),
        countsText2(rollout3, progress),
        ...stuck > 0 ? [`*Check them:* ${commandFor("status", rollout3.id)}`] : [],
        ...statusLines(rollout3),
        ...requestLines(rollout3)
      ],
      context: contextOf2(rollout3)
    },
    stage
  );
}
function barText({ done, counts }) {
  const some = counts.succeeded + counts.unverified + counts["rolled-back"] > 0;
  return done >= 1 && !some ? "" : progressBar(done);
}
function progressBar(done) {
  const share2 = Math.min(1, Math.max(0, done));
  const full = Math.floor(share2 * BAR_CELLS + 1e-9);
  return `\`${"\u2588".repeat(full)}${"\u2591".repeat(BAR_CELLS - full)}\` ${Math.floor(share2 * 100 + 1e-9)}%`;
}
var standings2 = {
  waiting: { icon: ":hourglass:", words: "waits for the rollout ahead of it" },
  running: { icon: ":arrows_counterclockwise:", words: "is in progress" },
  paused: { icon: ":double_vertical_bar:", words: "is paused" },
  "awaiting-approval": { icon: ":raised_hand:", words: "waits for approval" },
  frozen: { icon: ":snowflake:", words: "waits for the end of a freeze window" },
  "rolling-back": { icon: ":rewind:", words: "is being rolled back" },
  completed: { icon: ":white_check_mark:", words: "is done" },
  "rolled-back": { icon: ":rewind:", words: "was rolled back" },
  aborted: { icon: ":octagonal_sign:", words: "was aborted: what was rolled stays" },
  superseded: { icon: ":leftwards_arrow_with_hook:", words: "was superseded by a newer change" },
  refused: { icon: ":no_entry:", words: "was refused: nothing was changed" },
  failed: { icon: ":rotating_light:", words: "could NOT continue: somebody has to check it" }
};
function titleOf({ kind, target }) {
  const of = target.controlPlane === void 0 ? "" : ` of ${nameText(target.controlPlane, 100)}`;
  const to = target.image === void 0 ? "" : ` to ${code(target.image, 300)}`;
  return `${kindWords[kind]}${bringsFacts(kind) ? of : ""}${kind === "upgrade" ? to : ""}`;
}
function waveText({ status, nextWaveIndex: wave, waves }, progress) {
  if (endedStatuses.includes(status)) return waves.length === 0 ? "" : counted(waves.length, "wave");
  const back = waves.findIndex(({ state }) => state === "rolling-back");
  const index = status === "rolling-back" && back >= 0 ? back : wave;
  const current = waves[index];
  if (!current) return "";
  const does = waveWords[progress.waves[index]?.state ?? current.state];
  return `wave ${index + 1} of ${waves.length}: ${nameText(current.name, 100)}${does}`;
}
var waveWords = {
  waiting: "",
  rolling: "",
  baking: ", baking",
  done: "",
  "rolling-back": ", rolling back",
  "rolled-back": ""
};
function etaText(nowMs, leftMs) {
  if (leftMs === void 0) return "";
  return `done at about ${timeText(Math.ceil((nowMs + leftMs) / ETA_STEP_MS) * ETA_STEP_MS)}`;
}
function countsText2({ kind, status }, { counts, total }) {
  const failed2 = failedStatuses.reduce((sum2, one) => sum2 + counts[one], 0);
  const skipped = counts.skipped + counts.superseded + counts.refused + counts.left;
  const open2 = counts.waiting + counts.rolling + counts["rolling-back"];
  const isRollingBack2 = status === "rolling-back";
  const parts2 = [
    isRollingBack2 ? `${counts.succeeded + counts.unverified + counts.rolling + counts["rolling-back"]} to roll back` : `${counts.succeeded} ${kind === "unenroll" ? "out of the mesh" : "done"}`,
    failed2 > 0 && `*${failed2} failed*`,
    !isRollingBack2 && counts.unverified > 0 && `${counts.unverified} unverified`,
    skipped > 0 && `${skipped} skipped`,
    counts["rolled-back"] > 0 && `${counts["rolled-back"]} rolled back`,
    counts.stuck > 0 && `*${counts.stuck} stuck*`,
    endedStatuses.includes(status) || isRollingBack2 ? counts.waiting > 0 && `${counts.waiting} not started` : open2 > 0 && `${open2} to go`
  ];
  return `${counted(total, "service")}: ${parts2.filter(Boolean).join(", ")}`;
}
function statusLines(rollout3) {
  const { id, status, reason, holdUntilMs, control: control2 } = rollout3;
  switch (status) {
    case "paused":
      return [`*Paused* by ${nameText(pausedBy(rollout3))}. Resume with ${commandFor("resume", id)}.`];
    case "awaiting-approval":
      return [`*The canary wave is done.* Approve the rest with ${commandFor("approve", id)}.`];
    case "frozen":
      return [
        `*Frozen*${holdUntilMs === void 0 ? "" : ` until ${timeText(holdUntilMs)}`}. It resumes by itself then.`
      ];
    case "waiting":
    case "running":
      return control2 === void 0 ? [] : [requested[control2.action](nameText(control2.by))];
    default:
      return reason === void 0 ? [] : reasonLines(reason);
  }
}
var requested = {
  pause: (by2) => `*Pause* requested by ${by2}: before the next wave.`,
  abort: (by2) => `*Abort* requested by ${by2}: after the rolls in progress.`,
  rollback: (by2) => `*Rollback* requested by ${by2}: after the rolls in progress.`
};
function pausedBy({ control: control2, journal }) {
  if (control2?.action === "pause") return control2.by;
  return journal.findLast(({ did }) => did === "pause")?.by ?? "an operator";
}
function requestLines({ why, requestedBy }) {
  const by2 = `Requested by ${nameText(requestedBy)}`;
  return [why === "" ? by2 : quoted(`${by2}:`, why)];
}
function contextOf2(rollout3) {
  const { id, status, startedAt: startedAt2, requestedAt, emergency, overrides, approved } = rollout3;
  const startTime = startedAt2 ?? requestedAt;
  const finishedAt = endedStatuses.includes(status) ? rollout3.finishedAt : void 0;
  return [
    `rollout ${code(id, 80)}`,
    `${startedAt2 === void 0 ? "requested" : "started"} ${timeText(startTime)}`,
    ...approved ? [`approved by ${nameText(approved.by)}`] : [],
    ...emergency ? ["emergency"] : [],
    ...overrides.ignoreFreeze === true ? ["freeze windows overridden"] : [],
    ...finishedAt === void 0 ? [] : [
      `ended ${timeText(finishedAt)}, took ${durationText((Date.parse(finishedAt) - Date.parse(startTime)) / 1e3)}`
    ]
  ];
}

// shared/use-cases/rollout/report-calls.ts
function recordUnavailable({ code: code2, message }, rolloutId, { log, measure }) {
  log.warn(message, { code: code2, rolloutId });
  measure.count("Failures", { code: code2 });
}

// shared/use-cases/rollout/report-claim.ts
var CLAIM_MS2 = 6e4;
function reportCase(rollout3, updates, nowMs) {
  if (!isReported(rollout3)) return "none";
  if (!mayLag(rollout3, updates)) return "unchanged";
  return (rollout3.slack?.claimedUntilMs ?? 0) > nowMs ? "claimed" : "due";
}
function isReported({ slack, startedAt: startedAt2, serviceCount, status, repeats }) {
  if (repeats !== void 0 && slack?.shown === void 0) return heldStatuses.includes(status);
  return slack?.shown !== void 0 || status === "failed" || startedAt2 !== void 0 && serviceCount > 0;
}
function mayLag({ slack, status }, updates) {
  if (endedStatuses.includes(status)) return slack?.shown?.startsWith(`${status}:`) !== true;
  return updates || slack?.shown === void 0;
}
async function claimMessage(rolloutId, updates, { ledger, now }) {
  const changed2 = await ledger.changeRollout(rolloutId, (rollout3) => {
    const found = reportCase(rollout3, updates, now());
    if (found !== "due") return { result: found };
    return { next: { ...rollout3, slack: { ...rollout3.slack, claimedUntilMs: now() + CLAIM_MS2 } }, result: found };
  });
  if (!changed2) return "none";
  return changed2.result === "due" ? changed2.stored : changed2.result;
}

// shared/use-cases/rollout/report.ts
var ROUNDS = 3;
async function reportRollout(rolloutId, calls) {
  const slack = await calls.slack();
  for (let round = 1; ; round += 1) {
    const claimed2 = await claimMessage(rolloutId, slack.updates, calls);
    if (typeof claimed2 === "string") return claimed2;
    const { did, state } = await write3(claimed2, slack, calls);
    const after = await calls.ledger.changeRollout(rolloutId, (rollout3) => ({ next: { ...rollout3, slack: state } }));
    switch (did) {
      case "unavailable":
        return did;
      case "lost":
        if (round >= ROUNDS) return "unavailable";
        break;
      default:
        if (after?.stored.status === claimed2.status || round >= ROUNDS) return did;
    }
  }
}
async function write3(rollout3, slack, calls) {
  const { claimedUntilMs: _, ...before } = rollout3.slack ?? {};
  const message = await messageOf2(rollout3, calls);
  const shown = `${rollout3.status}:${sha256(JSON.stringify(message)).slice(0, 16)}`;
  if (before.shown === shown) return { did: "unchanged", state: before };
  const posted = slack.updates ? postedOf(rollout3) : void 0;
  try {
    if (posted) {
      await atSlacksPace(calls.pause, () => slack.updateMessage(posted, message));
      return { did: "updated", state: { ...before, shown } };
    }
    const place = await atSlacksPace(calls.pause, () => slack.postMessage(message));
    return { did: "posted", state: { ...before, ...place, shown } };
  } catch (error) {
    if (!(error instanceof SlackUnavailable)) throw error;
    recordUnavailable(error, rollout3.id, calls);
    if (!error.isLost) return { did: "unavailable", state: before };
    return { did: "lost", state: { notified: before.notified ?? [] } };
  }
}
async function messageOf2(rollout3, { config, ledger, now, stage }) {
  const progress = progressOf(rollout3, await Array.fromAsync(ledger.listRolloutServices(rollout3.id)));
  const nowMs = now();
  const leftMs = etaMs(progress, resolvedPolicy(rollout3, config.policy.rollout), nowMs);
  return rolloutMessage(rollout3, progress, nowMs, { leftMs, stage });
}

// shared/use-cases/rollout/report-schedule.ts
var SERVICES_PER_MINUTE = 2e3;
var ENDED_EVERY_MINUTES = 15;
var ENDED_WITHIN_MS = 60 * 6e4;
var MINUTE_MS2 = 6e4;
async function reportOpenRollouts(calls) {
  const did = {};
  for (const id of await dueRollouts(calls)) did[id] = await reportRollout(id, calls);
  return did;
}
async function dueRollouts({ ledger, now }) {
  const minute = Math.floor(now() / MINUTE_MS2);
  const { currentRolloutId } = await ledger.getFleet();
  const ids = /* @__PURE__ */ new Set();
  if (currentRolloutId !== void 0) {
    const services2 = (await ledger.getRollout(currentRolloutId))?.serviceCount ?? 0;
    if (minute % Math.max(1, Math.ceil(services2 / SERVICES_PER_MINUTE)) === 0) ids.add(currentRolloutId);
  }
  if (minute % ENDED_EVERY_MINUTES !== 0) return ids;
  for await (const { id, finishedAt } of ledger.listRollouts()) {
    if (finishedAt !== void 0 && Date.parse(finishedAt) > now() - ENDED_WITHIN_MS) ids.add(id);
  }
  return ids;
}

// shared/use-cases/rollout/report-thread.ts
var MAX_NOTIFIED = 200;
async function reportDetail(event, eventId, calls) {
  const { ledger, pause } = calls;
  const { rolloutId } = event.detail;
  const key = detailKey(event, eventId);
  const slack = await calls.slack();
  if (key === void 0 || !slack.updates) return false;
  const changed2 = await ledger.changeRollout(rolloutId, (rollout3) => {
    const notified = rollout3.slack?.notified ?? [];
    const under2 = notified.includes(key) ? void 0 : postedOf(rollout3);
    if (!under2) return { result: void 0 };
    const slackState = { ...rollout3.slack, notified: [...notified, key].slice(-MAX_NOTIFIED) };
    return { next: { ...rollout3, slack: slackState }, result: under2 };
  });
  const under = changed2?.result;
  if (!under) return false;
  try {
    await atSlacksPace(pause, () => slack.postMessage(layOut(rolloutStory(event), calls.stage), { under }));
    return true;
  } catch (error) {
    if (!(error instanceof SlackUnavailable)) throw error;
    recordUnavailable(error, rolloutId, calls);
    return false;
  }
}
function detailKey({ detailType, detail }, eventId) {
  switch (detailType) {
    case "Rollout Wave Completed":
      return `wave-${detail.number}`;
    case "Rollout Completed":
      return detail.outcome;
    case "Rollout Rolled Back":
      return "rolled-back";
    case "Rollout Paused":
      return eventId;
    default:
      return void 0;
  }
}

// functions/rollout/report.ts
var eventSchema4 = z49.object({ source: z49.string().optional(), id: z49.string().optional() });
function report({ config, stage, ledger, now, pause }, slack) {
  return async (input, { log, measure }) => {
    const calls = { config, stage, ledger, now, pause, slack, log, measure };
    const { source, id = "" } = parsed2(eventSchema4, input);
    if (source !== eventSources.autopilot) {
      const rollouts = await reportOpenRollouts(calls);
      const announced = await announceLeft(calls);
      return { rollouts, ...announced > 0 && { announced } };
    }
    const event = readOutgoing(input);
    if (!isRolloutEvent(event)) return { did: "none" };
    const { rolloutId } = event.detail;
    log.appendKeys({ detailType: event.detailType, rolloutId });
    const did = await reportRollout(rolloutId, calls);
    const replied = await reportDetail(event, id, calls);
    log.info("reported", { did, replied });
    return { did, replied };
  };
}
async function announceLeft(calls) {
  try {
    return await announcePending(calls);
  } catch (error) {
    if (!(error instanceof SlackUnavailable)) throw error;
    calls.log.warn(error.message, { code: error.code });
    calls.measure.count("Failures", { code: error.code });
    return 0;
  }
}
var handler15 = lambda("rollout-report", () => report(environmentContext(), slackChannel(environmentContext())));

// shared/gateways/aws/parameters.ts
import { GetParameterCommand, SSMClient } from "@aws-sdk/client-ssm";
import * as z50 from "zod";
var answerSchema2 = z50.object({ Parameter: z50.object({ Value: z50.string() }) });
function parametersGateway(clients) {
  const client = clients(SSMClient);
  return {
    getParameter: (name) => call(`GetParameter ${name}`, async () => {
      try {
        const command = new GetParameterCommand({ Name: name, WithDecryption: true });
        return answerSchema2.parse(await client.send(command)).Parameter.Value;
      } catch (error) {
        if (isNamed(error, "ParameterNotFound")) return void 0;
        throw error;
      }
    })
  };
}

// shared/rollout/contested.ts
var HOUR_MS3 = 36e5;
var MAX_CHANGES = 60;
function afterSighting(before, { value, shown }, nowMs) {
  if (!before) return { value, shown, changedAtMs: [] };
  const recent = before.changedAtMs.filter((at) => at > nowMs - HOUR_MS3);
  if (before.value === value) return { ...before, changedAtMs: recent };
  const shownBefore = before.shown === shown ? before.shownBefore : before.shown;
  return {
    ...before,
    value,
    shown,
    ...shownBefore !== void 0 && { shownBefore },
    changedAtMs: [...recent, nowMs].slice(-MAX_CHANGES)
  };
}
function standingOf2({ changedAtMs, contestedSince }, maxChangesPerHour) {
  if (changedAtMs.length > maxChangesPerHour) return "contested";
  return contestedSince === void 0 ? "settled" : "rests";
}
function factsSubject(controlPlane3) {
  return `facts ${controlPlane3}`;
}

// shared/trust/dropped.ts
function dropsReleased({ generations, releasedId }) {
  const released3 = generations.find(({ id }) => id === releasedId);
  const newest = generations.at(-1);
  if (!released3 || !newest) return false;
  const trusted = new Set(anchorsIn(released3.facts.rootCaPem));
  return !anchorsIn(newest.facts.rootCaPem).some((anchor) => trusted.has(anchor));
}

// shared/use-cases/rollout/contested.ts
async function sight({ key, ...subject }, seen, rollouts, calls) {
  const { ledger, config, bus, now } = calls;
  const since = new Date(now()).toISOString();
  const { stored, result } = await ledger.changeFleet((fleet) => {
    const before = fleet.sightings?.[key];
    const after = afterSighting(before, seen, now());
    const standing3 = standingOf2(after, config.policy.maxChangesPerHour);
    const isNew2 = standing3 === "contested" && after.contestedSince === void 0;
    const isSame2 = before?.value === after.value && !isNew2;
    const next2 = {
      ...fleet,
      sightings: { ...fleet.sightings, [key]: { ...after, ...isNew2 && { contestedSince: since } } }
    };
    return { ...!isSame2 && { next: next2 }, result: { standing: standing3, isNew: isNew2 } };
  });
  const { standing: standing2 = "settled", isNew = false } = result ?? {};
  if (standing2 !== "contested") return standing2;
  const { shown = "", shownBefore, changedAtMs = [] } = stored.sightings?.[key] ?? {};
  const values = shownBefore === void 0 ? [shown] : [shownBefore, shown];
  for (const { id } of rollouts) await stop(id, `Two writers change it in turns: ${values.join(" and ")}.`, calls);
  if (isNew) await bus.putEvents([fleetContested({ ...subject, values, changes: changedAtMs.length })]);
  return standing2;
}
async function stop(id, why, calls) {
  const hasTurn = (await calls.ledger.getFleet()).currentRolloutId === id;
  const change2 = { why, at: new Date(calls.now()).toISOString(), hasTurn };
  const changed2 = await calls.ledger.changeRollout(id, (rollout3) => {
    const next2 = afterContest(rollout3, change2);
    return next2 ? { next: next2, result: waits2(next2) ? [] : tokensOf(rollout3) } : {};
  });
  await wake(changed2?.result ?? [], calls.fleetExecutions);
  if (!changed2 || hasEnded(changed2.stored)) await leaveQueue(id, calls);
}

// shared/rollout/emergency.ts
var FIRST_DELAY_MINUTES = 5;
var LONGEST_DELAY_MINUTES = 60;
var DAY_MS6 = 864e5;
function emergencyStep(emergency, last, { isRotating: isRotating2, nowMs }) {
  if (emergency.rolloutId === void 0) return isRotating2 ? { do: "wait" } : { do: "repeat", attempt: 1 };
  if (!last) return { do: "wait" };
  const stopped2 = stoppedBy(last);
  if (stopped2) return isRotating2 ? { do: "wait" } : { do: "stopped", ...stopped2 };
  if (isRotating2 || !endedStatuses.includes(last.status)) return { do: "wait" };
  const endedMs = Date.parse(last.finishedAt ?? "");
  const isDue2 = nowMs >= endedMs + delayMs(emergency.attempts);
  const isCounted2 = Date.parse(emergency.countedAt) > endedMs;
  return isDue2 && isCounted2 ? { do: "repeat", attempt: emergency.attempts + 1 } : { do: "wait" };
}
function stoppedBy({ status, control: control2, finishedAt, journal }) {
  if (control2?.action === "abort") return { by: control2.by, atMs: Date.parse(control2.at) };
  if (status !== "aborted") return void 0;
  const abort = journal.findLast(({ did }) => did === "abort");
  return { by: abort?.by ?? "an operator", atMs: Date.parse(abort?.at ?? finishedAt ?? "") };
}
function delayMs(attempts) {
  return minutesToMs(Math.min(FIRST_DELAY_MINUTES * 2 ** Math.max(0, attempts - 1), LONGEST_DELAY_MINUTES));
}
function emergencyNotice(emergency, last, nowMs) {
  if (emergency.services === 0) return void 0;
  const stopped2 = last && stoppedBy(last);
  if (stopped2) {
    const key2 = `${emergency.rolloutId} stopped, day ${daysSince(stopped2.atMs, nowMs)}`;
    return key2 === emergency.notified ? void 0 : { state: "stopped", key: key2, by: stopped2.by };
  }
  const day = daysSince(Date.parse(emergency.since), nowMs);
  const hasFailed = last?.finishedAt !== void 0 && endedStatuses.includes(last.status);
  const key = `goes on, day ${day}`;
  if (day === 0 && !hasFailed || key === emergency.notified) return void 0;
  return { state: "goes-on", key };
}
function daysSince(sinceMs, nowMs) {
  return Math.floor((nowMs - sinceMs) / DAY_MS6);
}

// shared/use-cases/rollout/withdraw.ts
async function openRollouts(fleet, ledger) {
  const found = await Promise.all(openIds(fleet).map((id) => ledger.getRollout(id)));
  return found.flatMap((one) => one === void 0 || hasEnded(one) ? [] : [one]);
}
async function withdraw(rollouts, why, calls) {
  let isWithdrawn = true;
  for (const { id } of rollouts) {
    const hasTurn = (await calls.ledger.getFleet()).currentRolloutId === id;
    const change2 = { why, at: new Date(calls.now()).toISOString(), hasTurn };
    const changed2 = await calls.ledger.changeRollout(id, (rollout3) => {
      if (hasEnded(rollout3)) return { result: void 0 };
      return { ...!isStopping(rollout3) && { next: afterWithdrawal(rollout3, change2) }, result: rollout3 };
    });
    if (changed2?.result === void 0) isWithdrawn = false;
    if (changed2?.result) await wake(tokensOf(changed2.result), calls.fleetExecutions);
    if (!changed2 || hasEnded(changed2.stored)) await leaveQueue(id, calls);
    else await enqueue(id, calls);
  }
  return isWithdrawn;
}

// shared/use-cases/rollout/repeat-emergency.ts
async function repeatEmergency(controlPlane3, calls) {
  const { ledger, now } = calls;
  const mesh = await ledger.getMesh(controlPlane3);
  const { emergency } = mesh ?? {};
  const fleet = await ledger.getFleet();
  const { unenrolledBy, sightings } = fleet;
  const isContested = sightings?.[factsSubject(controlPlane3)]?.contestedSince !== void 0;
  if (!mesh || !emergency || unenrolledBy || isContested) return void 0;
  const wanted = repetition(mesh, emergency, emergency.attempts + 1);
  if (await ledger.getRollout(wanted.id)) {
    await recordAttempt(controlPlane3, wanted, calls);
    return void 0;
  }
  const last = emergency.rolloutId === void 0 ? void 0 : await ledger.getRollout(emergency.rolloutId);
  const isRotating2 = (await openRollouts(fleet, ledger)).some((rollout3) => rotates(rollout3, controlPlane3));
  const known3 = { isRotating: isRotating2, nowMs: now() };
  const step2 = emergencyStep(emergency, last, known3);
  if (step2.do !== "repeat") return void 0;
  await queueRollout(wanted, calls);
  await recordAttempt(controlPlane3, wanted, calls);
  return wanted.id;
}
function repetition(mesh, emergency, attempt) {
  const { controlPlane: controlPlane3 } = mesh;
  const { services: services2, serviceArns, since, firstRolloutId } = emergency;
  const { id: factsId } = newestOf(mesh);
  const someOf = serviceArns.length > 0 && !dropsReleased(mesh) ? { services: [...serviceArns] } : {};
  return {
    id: rolloutIdOf({ kind: "rotate", key: [controlPlane3, factsId, since, `attempt ${attempt}`].join("\n") }),
    kind: "rotate",
    scope: { controlPlane: controlPlane3, ...someOf },
    target: { controlPlane: controlPlane3, factsId },
    why: `${services2} services of ${controlPlane3} trust none of its root CAs: attempt ${attempt}.`,
    requestedBy: AUTOPILOT,
    overrides: {},
    emergency: true,
    ...firstRolloutId !== void 0 && { repeats: firstRolloutId }
  };
}

// shared/use-cases/rollout/pending.ts
async function requestPending(calls) {
  const requested2 = [];
  await adoptFirstSeen(calls);
  for (const find of [newImage, newSettings, ...calls.config.controlPlanes.map(({ name }) => newFacts(name))]) {
    const fleet = await calls.ledger.getFleet();
    const change2 = await find(fleet, calls);
    if (!change2) continue;
    if (change2.wanted) {
      await queueRollout(change2.wanted, calls);
      requested2.push(change2.wanted.id);
      const { id, emergency, target } = change2.wanted;
      if (emergency && target.controlPlane !== void 0)
        await recordAttempt(target.controlPlane, { id, isFirst: true }, calls);
    }
    await calls.ledger.changeFleet((current) => ({
      next: {
        ...withoutContest(current, change2.rests),
        requestedFor: {
          ...current.requestedFor,
          ...change2.seen(current),
          changeCount: current.requestedFor.changeCount + 1
        }
      }
    }));
  }
  for (const { name } of calls.config.controlPlanes) {
    const repeated2 = await repeatEmergency(name, calls);
    if (repeated2 !== void 0) requested2.push(repeated2);
  }
  await advanceQueue(calls);
  return requested2;
}
function withoutContest(fleet, key) {
  const sighting = key === void 0 ? void 0 : fleet.sightings?.[key];
  if (key === void 0 || !sighting) return fleet;
  const { contestedSince: _, ...settled } = sighting;
  return { ...fleet, sightings: { ...fleet.sightings, [key]: settled } };
}
async function adoptFirstSeen(calls) {
  const { image, settings } = await calls.ledger.getFleet();
  if (image !== void 0 && settings !== void 0) return;
  const wanted = await fleetImage(calls);
  const first = "image" in wanted ? wanted.image : calls.config.ztunnel.image;
  const hash2 = settingsHash(calls.config);
  await calls.ledger.changeFleet((fleet) => ({
    next: {
      ...fleet,
      image: fleet.image ?? { image: first, assignedAtMs: calls.now() },
      settings: fleet.settings ?? hash2,
      requestedFor: {
        ...fleet.requestedFor,
        image: fleet.requestedFor.image ?? first,
        settings: fleet.requestedFor.settings ?? hash2
      }
    }
  }));
}
async function fleetImage(calls) {
  const { config, parameters } = calls;
  const { imageParameter, image } = config.ztunnel;
  if (imageParameter === void 0) return { image };
  const text3 = (await parameters.getParameter(imageParameter))?.trim();
  const isSeen = (await calls.ledger.getFleet()).requestedFor.imageParameter === imageParameter;
  if (text3 === void 0) {
    if (!isSeen) return { image };
    const failure = new AutopilotError("image-parameter-missing", imageParameter);
    return { rejected: `no parameter ${imageParameter}`, failure };
  }
  if (!isSeen) {
    await calls.ledger.changeFleet((fleet) => ({
      next: { ...fleet, requestedFor: { ...fleet.requestedFor, imageParameter } }
    }));
  }
  try {
    return { image: allowedImage(text3, config) };
  } catch (error) {
    return { rejected: text3, failure: asAutopilotError(error) };
  }
}
async function newFleetImage(current, calls) {
  const found = await fleetImage(calls);
  if (!("image" in found) || found.image === current) return found;
  try {
    return { image: await runnableImage(found.image, {}, calls) };
  } catch (error) {
    const failure = asAutopilotError(error);
    if (failure.code !== "version-skew") throw failure;
    return { rejected: failure.detail, failure };
  }
}
var newImage = async (fleet, calls) => {
  const found = await newFleetImage(fleet.image?.image, calls);
  if ("image" in found) {
    const why = `The fleet's image is ${found.image} now.`;
    return newValue({ member: "image", value: found.image }, why, fleet, calls);
  }
  const seenText = { value: found.rejected, shown: found.rejected };
  const standing2 = await sight({ key: "image", of: "image" }, seenText, [], calls);
  if (standing2 === "contested") return void 0;
  const rested = standing2 === "rests" && { rests: "image" };
  const seen = () => ({ image: found.rejected });
  if (found.rejected === fleet.requestedFor.image) return rested ? { wanted: void 0, seen, ...rested } : void 0;
  const { code: code2, detail } = found.failure;
  const id = rolloutIdOf({ kind: "upgrade", key: [found.rejected, fleet.requestedFor.changeCount].join("\n") });
  await calls.bus.putEvents([rolloutRefused({ rolloutId: id, kind: "upgrade", requestedBy: AUTOPILOT, code: code2, detail })]);
  return { wanted: void 0, seen, ...rested };
};
var newSettings = async (fleet, calls) => {
  const why = "The sidecar's settings have changed, by the configuration or by a release of the autopilot.";
  return newValue({ member: "settings", value: settingsHash(calls.config) }, why, fleet, calls);
};
async function newValue(wished, why, fleet, calls) {
  const { member, value } = wished;
  const open2 = (await openRollouts(fleet, calls.ledger)).filter(
    ({ kind: kind2, target }) => fleetValueOf(kind2, target)?.member === member
  );
  const standing2 = await sight({ key: member, of: member }, { value, shown: value }, open2, calls);
  if (standing2 === "contested") return void 0;
  const rests = standing2 === "rests";
  const others = open2.filter((one) => hasOtherWish(one, wished));
  if (!rests && value === fleet.requestedFor[member] && others.length === 0) return void 0;
  const seen = () => ({ [member]: value });
  const takesOver = rests || others.some(hasBegun);
  const canReturn = !rests && value === currentValue(fleet, member) && !others.some((one) => one.takesOver);
  if (canReturn && await withdraw(others, why, calls)) {
    const now = await calls.ledger.getFleet();
    const isSettled = value === currentValue(now, member) && !await isUnderWay(wished, now, calls);
    if (isSettled) return { wanted: void 0, seen };
  }
  const kind = member === "image" ? "upgrade" : "reconfigure";
  const id = rolloutIdOf({ kind, key: [value, fleet.requestedFor.changeCount].join("\n") });
  return {
    wanted: { ...automatic(id, why), kind, target: { [member]: value }, ...takesOver && { takesOver } },
    seen,
    ...rests && { rests: member }
  };
}
async function isUnderWay({ member, value }, fleet, { ledger }) {
  const open2 = await openRollouts(fleet, ledger);
  return open2.some(({ kind, target, requestedBy }) => {
    const brought = fleetValueOf(kind, target);
    return requestedBy !== AUTOPILOT && brought?.member === member && brought.value !== value;
  });
}
function newFacts(controlPlane3) {
  return async (fleet, calls) => {
    const mesh = await calls.ledger.getMesh(controlPlane3);
    const newest = mesh?.generations.at(-1);
    const before = fleet.requestedFor.factsIds[controlPlane3];
    if (!mesh || !newest) return void 0;
    const now = mesh.changeCount > 0 ? `${newest.id} ${mesh.changeCount}` : newest.id;
    const open2 = (await openRollouts(fleet, calls.ledger)).filter((one) => one.target.controlPlane === controlPlane3);
    const subject = { key: factsSubject(controlPlane3), of: "mesh-facts", controlPlane: controlPlane3 };
    const standing2 = await sight(subject, { value: now, shown: factsWords(newest.facts) }, open2, calls);
    if (standing2 === "contested") return void 0;
    const rests = standing2 === "rests";
    if (!rests && now === before) return void 0;
    const seen = ({ requestedFor: { factsIds } }) => ({ factsIds: { ...factsIds, [controlPlane3]: now } });
    if (before === void 0 && mesh.generations.length === 1) return { wanted: void 0, seen };
    const kind = factsKindOf(mesh);
    const id = rolloutIdOf({
      kind,
      key: [controlPlane3, newest.id, fleet.requestedFor.changeCount].join("\n")
    });
    const wanted = {
      ...automatic(id, whyOf(kind, controlPlane3, newest.facts)),
      kind,
      scope: { controlPlane: controlPlane3 },
      target: { controlPlane: controlPlane3, factsId: newest.id },
      emergency: dropsReleased(mesh)
    };
    return { wanted, seen, ...rests && { rests: subject.key } };
  };
}
function factsWords({ rootCaPem, istiodUrl }) {
  const roots = parseBundle(rootCaPem).certificates.map(({ subject, fingerprint256 }) => {
    return `${subject} (${fingerprint256.slice(0, 11)})`;
  });
  return `${roots.join(", ")}, ${istiodUrl}`;
}
function whyOf(kind, plane, { istiodUrl }) {
  if (kind === "rotate") return `The root CA or another fact of ${plane} has changed.`;
  return `istiod of ${plane} has the address ${istiodUrl} now: tasks that start with the old one can't reach it.`;
}
function automatic(id, why) {
  return { id, why, scope: {}, requestedBy: AUTOPILOT, overrides: {}, emergency: false };
}

// functions/rollout/request.ts
function request(context, parameters) {
  return async (event, { log }) => {
    const asked = operatorEvent(event, "Rollout Requested");
    if (asked) {
      const result = await handleRequest(asked.detail, asked.eventId, { ...context, log });
      log.info(result.did, { ...result });
      return { ...result };
    }
    const rollouts = await requestPending({ ...context, parameters, log });
    if (rollouts.length > 0) log.info("requested", { rollouts: [...rollouts] });
    return { rollouts: [...rollouts] };
  };
}
function homeParameters({ clients }) {
  return parametersGateway(clients.home);
}
var handler16 = lambda(
  "rollout-request",
  () => request(environmentContext(), homeParameters(environmentContext()))
);

// shared/rollout/unfit.ts
var UNFIT = "unfit";
function believed(candidates) {
  const unfit = candidates.filter((one) => one.unfit !== void 0).length;
  if (unfit * 2 <= candidates.length) return candidates;
  return candidates.map(({ unfit: _, ...fit }) => fit);
}

// shared/rollout/canaries.ts
function canariesOf(candidates, count2, regions) {
  const able = candidates.filter(({ idle, unfit }) => !idle && unfit === void 0);
  const known3 = able.map((candidate) => ({ candidate, cluster: clusterArnOf(serviceRef(candidate.serviceArn)) }));
  const rank = new Map(regions.map((region, index) => [region, index]));
  const seen = /* @__PURE__ */ new Map();
  const chosen = /* @__PURE__ */ new Set();
  const keysOf = ({ candidate, cluster: cluster2 }) => [
    `plane ${candidate.controlPlane ?? ""}`,
    `launch ${candidate.launchType ?? ""}`,
    `cluster ${cluster2}`
  ];
  const weigh = (one) => {
    const [plane = 0, launch = 0, cluster2 = 0] = keysOf(one).map((key) => seen.get(key) ?? 0);
    return [plane, launch, rank.get(one.candidate.region) ?? regions.length, cluster2];
  };
  while (chosen.size < Math.min(count2, able.length)) {
    const next2 = known3.filter(({ candidate }) => !chosen.has(candidate)).map((one) => ({ one, weight: weigh(one) })).reduce((best, other) => isLighter(other, best) ? other : best);
    chosen.add(next2.one.candidate);
    for (const key of keysOf(next2.one)) seen.set(key, (seen.get(key) ?? 0) + 1);
  }
  return { chosen: [...chosen], tagged: able.filter((one) => one.canary && !chosen.has(one)) };
}
function isLighter(some, other) {
  const differs = some.weight.findIndex((value, index) => value !== other.weight[index]);
  if (differs >= 0) return (some.weight[differs] ?? 0) < (other.weight[differs] ?? 0);
  return some.one.candidate.serviceArn < other.one.candidate.serviceArn;
}

// shared/rollout/waves.ts
function cutWaves(services2, policy, regionOrder) {
  const unique = [...new Map(services2.map((service) => [service.serviceArn, service])).values()];
  const regions = sortedRegions(unique, regionOrder);
  const { chosen, tagged: tagged2 } = canariesOf(unique, policy.canaryCount, regions);
  const canary = /* @__PURE__ */ new Set([...chosen, ...tagged2]);
  const unfit = unique.filter((one) => one.unfit !== void 0);
  const others = unique.filter((one) => one.unfit === void 0 && !canary.has(one));
  const byRegion = regions.map((region) => spread(others.filter((service) => service.region === region)));
  const groups = policy.regionsTogether ? [{ name: "all regions", services: byRegion.flat() }] : byRegion.map((ofRegion) => ({ name: ofRegion[0]?.region ?? "", services: ofRegion }));
  const cuts = [
    { name: "canary", canary: true, services: [...canary] },
    ...groups.flatMap(
      ({ name, services: ofGroup }) => shares(name, policy.regionsTogether ? spread(ofGroup) : ofGroup, policy.waves)
    ),
    { name: UNFIT, canary: false, services: unfit }
  ];
  return numbered(
    cuts.filter((cut) => cut.services.length > 0),
    regions,
    new Set(chosen.map(({ serviceArn }) => serviceArn))
  );
}
function sortedRegions(services2, regionOrder) {
  const present2 = new Set(services2.map(({ region }) => region));
  const known3 = [...new Set(regionOrder)].filter((region) => present2.has(region));
  return [...known3, ...[...present2].filter((region) => !known3.includes(region)).sort()];
}
function spread(services2) {
  const byPlace = Map.groupBy(services2.toSorted(byArn), ({ account, region }) => `${account}/${region}`);
  return [...byPlace.values()].flatMap((own) => own.map((service, index) => ({ service, at: (index + 0.5) / own.length }))).sort((a, b) => a.at - b.at || byArn(a.service, b.service)).map(({ service }) => service);
}
function shares(of, services2, percentages) {
  const ends = percentages.map((percent2) => Math.ceil(services2.length * percent2 / 100 - 1e-9));
  return percentages.flatMap((percent2, index) => {
    const end2 = ends[index] ?? 0;
    const from = ends.findLast((other) => other < end2) ?? 0;
    if (services2.length === 0 || ends[index + 1] === end2) return [];
    return [{ name: `${of} ${percent2}%`, canary: false, services: services2.slice(from, end2) }];
  });
}
function numbered(cuts, regions, chosen) {
  const ordered = [];
  const waves = cuts.map(({ name, canary, services: services2 }) => {
    const lanes = [];
    const chosenOrdinals = [];
    for (const { serviceArn, account, region } of inLanes(services2, regions)) {
      const ordinal = ordered.push(serviceArn) - 1;
      if (chosen.has(serviceArn)) chosenOrdinals.push(ordinal);
      const lane = lanes.at(-1);
      if (lane?.account === account && lane.region === region) lane.last = ordinal;
      else lanes.push({ account, region, first: ordinal, last: ordinal });
    }
    return { name, canary, lanes, state: "waiting", ...canary && { chosenOrdinals } };
  });
  return { waves, ordered };
}
function inLanes(services2, regions) {
  const rank = new Map(regions.map((region, index) => [region, index]));
  return services2.toSorted(
    (a, b) => (rank.get(a.region) ?? 0) - (rank.get(b.region) ?? 0) || compare(a.account, b.account) || byArn(a, b)
  );
}
function byArn(a, b) {
  return compare(a.serviceArn, b.serviceArn);
}
function compare(a, b) {
  return a < b ? -1 : a > b ? 1 : 0;
}

// shared/use-cases/rollout/candidates.ts
async function findCandidates({ scope }, calls) {
  const planeOf = (place) => controlPlaneFor(calls.config, place)?.name;
  const states = /* @__PURE__ */ new Map();
  for await (const state of calls.ledger.listServices()) {
    if (state.enrolled && matchesScope(scope, state, planeOf)) states.set(state.serviceArn, state);
  }
  const clusters = Map.groupBy([...states.keys()].map(serviceRef), clusterArnOf);
  const places = Map.groupBy(clusters, ([, [ref]]) => `${ref?.account}/${ref?.region}`);
  const found = await Promise.all(
    [...places.values()].map(async (ofPlace) => {
      const candidates = [];
      for (const [clusterArn, refs] of ofPlace) {
        const [ref] = refs;
        if (!ref) continue;
        const ecs = calls.ecs(ref);
        const clusterTags = await tagsOf2(clusterArn, ecs);
        if (!clusterTags) continue;
        const names2 = refs.map(({ serviceName: serviceName2 }) => serviceName2);
        for (const group of chunk(names2, 10)) {
          for (const service of await ecs.describeServices(clusterArn, group)) {
            const state = states.get(service.ref.serviceArn);
            const candidate = candidateOf(service, state, clusterTags, calls.config);
            if (candidate) candidates.push(candidate);
          }
        }
      }
      return candidates;
    })
  );
  return found.flat();
}
async function tagsOf2(clusterArn, ecs) {
  try {
    return (await ecs.describeCluster(clusterArn)).tags;
  } catch (error) {
    if (asAutopilotError(error).code === "service-not-found") return void 0;
    throw error;
  }
}
function candidateOf(service, state, clusterTags, config) {
  const { enrollTagKey, keys } = config;
  const { serviceArn, account, region } = service.ref;
  if (service.status !== "ACTIVE" || asksToLeave(service.tags, clusterTags, enrollTagKey, keys)) return void 0;
  const tags = effectiveTags(service.tags, clusterTags, keys);
  const alarms3 = alarmNames(tags[keys.tags.alarms]);
  const controlPlane3 = controlPlaneFor(config, service.ref)?.name;
  const ownImage = tags[keys.tags.image] !== void 0;
  const unfit = unfitnessOf(service, state, ownImage);
  return {
    serviceArn,
    account,
    region,
    canary: tags[keys.tags.wave] === "canary",
    idle: service.desiredCount === 0,
    ...controlPlane3 !== void 0 && { controlPlane: controlPlane3 },
    ...service.launchType && { launchType: service.launchType },
    ...unfit !== void 0 && { unfit },
    ...ownImage && { ownImage },
    ...alarms3 && { alarms: alarms3 }
  };
}
var APPLICATION_FAILURES = ["application-failed"];
function unfitnessOf({ deployments, desiredCount }, state, ownImage) {
  if (desiredCount === 0) return void 0;
  const primary = deployments.find(({ status }) => status === "PRIMARY");
  if (!primary || primary.rolloutState === "FAILED") return "ECS reports its deployment as failed.";
  const running = deployments.reduce((sum2, { runningCount }) => sum2 + runningCount, 0);
  if (running < desiredCount) return `${running} of ${desiredCount} tasks run.`;
  const { consecutiveFailures = 0, lastOutcome } = state ?? {};
  const reasons = ownImage ? [...APPLICATION_FAILURES, ...IMAGE_FAILURES] : APPLICATION_FAILURES;
  const isOwners = consecutiveFailures > 0 && lastOutcome !== void 0 && reasons.includes(lastOutcome.reason);
  return isOwners ? `Its last roll failed: ${lastOutcome.reason}.` : void 0;
}

// shared/use-cases/rollout/start-rollout.ts
async function startRollout(rolloutId, calls) {
  const rollout3 = await calls.ledger.getRollout(rolloutId);
  if (!rollout3 || hasEnded(rollout3)) return;
  if (rollout3.control?.action === "rollback") await withdrawFromFleet(rollout3, calls);
  if (rollout3.startedAt !== void 0) return notifyAgain(rollout3, calls);
  const { config, ledger, log, now } = calls;
  const tryNumber = await beginTry(rolloutId, calls);
  if (tryNumber === void 0) return;
  const candidates = await findCandidates(rollout3, calls);
  if (candidates.length === 0 && rollout3.requestedBy !== AUTOPILOT) return refuseEmpty(rollout3, calls);
  const mustGo = rollout3.emergency || rollout3.kind === "unenroll";
  const alarmed = mustGo ? /* @__PURE__ */ new Map() : await alarmedServices(candidates, calls);
  const regionOrder = targetsOf(config).map(({ region }) => region);
  const judged = believed(candidates).map((one) => withAlarm(one, alarmed.get(one.serviceArn)));
  const cut = cutWaves(judged, resolvedPolicy(rollout3, config.policy.rollout), regionOrder);
  const services2 = servicesIn(rollout3, cut, judged, mustGo ? "last" : config.policy.rollout.unfit);
  await ledger.putRolloutServices(services2.map((service) => ({ ...service, startTry: tryNumber })));
  if (rollout3.kind === "unenroll") {
    await ledger.changeFleet(
      (fleet) => fleet.unenrolledBy || fleet.currentRolloutId !== rolloutId ? {} : { next: { ...fleet, unenrolledBy: { rolloutId, at: new Date(now()).toISOString() } } }
    );
  }
  const { waves } = cut;
  const serviceCount = cut.ordered.length;
  const started = await ledger.changeRollout(rolloutId, (current) => {
    if (current.startedAt !== void 0 || current.startTryCount !== tryNumber || hasEnded(current)) return {};
    return { next: { ...current, status: "running", startedAt: new Date(now()).toISOString(), waves, serviceCount } };
  });
  log.info("rollout started", { rolloutId, services: serviceCount, waves: waves.length });
  if (started) await calls.bus.putEvents([rolloutStarted(started.stored)]);
}
async function beginTry(rolloutId, { ledger }) {
  const changed2 = await ledger.changeRollout(
    rolloutId,
    (current) => current.startedAt !== void 0 || hasEnded(current) ? {} : { next: { ...current, startTryCount: current.startTryCount + 1 }, result: current.startTryCount + 1 }
  );
  return changed2?.result;
}
function withAlarm(candidate, alarm) {
  return alarm === void 0 ? candidate : { ...candidate, unfit: alarm, isHeldBack: true };
}
function servicesIn({ id: rolloutId, expiresAt }, { waves, ordered }, candidates, unfitGo) {
  const byArn2 = new Map(candidates.map((candidate) => [candidate.serviceArn, candidate]));
  const waveOf = (ordinal) => waves.findIndex(({ lanes }) => lanes.some(({ first, last }) => ordinal >= first && ordinal <= last));
  return ordered.map((serviceArn, ordinal) => {
    const { alarms: alarms3, unfit, ownImage, isHeldBack } = byArn2.get(serviceArn) ?? {};
    const isSkipped = isHeldBack || unfit !== void 0 && unfitGo === "skip";
    return rolloutServiceSchema.parse({
      shape: 1,
      rolloutId,
      ordinal,
      serviceArn,
      waveIndex: waveOf(ordinal),
      alarms: alarms3,
      unfit,
      ownImage,
      ...isSkipped && { status: "skipped", reason: isHeldBack ? OWN_ALARM : UNFIT, detail: unfit },
      expiresAt
    });
  });
}
async function notifyAgain(rollout3, { bus }) {
  const begun2 = rollout3.status !== "running" || rollout3.waves.some(({ state }) => state !== "waiting");
  if (!begun2) await bus.putEvents([rolloutStarted(rollout3)]);
}
async function refuseEmpty(rollout3, { ledger, bus, now }) {
  const reason = { code: "scope-empty", detail: JSON.stringify(rollout3.scope) };
  const { id: rolloutId, kind, requestedBy } = rollout3;
  await bus.putEvents([rolloutRefused({ rolloutId, kind, requestedBy, ...reason })]);
  await ledger.changeRollout(rollout3.id, (current) => ({
    next: { ...current, status: "refused", reason, finishedAt: new Date(now()).toISOString() }
  }));
}

// functions/rollout/start.ts
function start(context, alarms3) {
  return async (event, { log }) => {
    const { rolloutId } = parsed2(startInput, event);
    log.appendKeys({ rolloutId });
    await startRollout(rolloutId, { ...context, alarms: alarms3, log });
    return {};
  };
}
var handler17 = lambda("rollout-start", () => start(environmentContext(), environmentAlarms()));

// functions/rollout/take.ts
function take(context) {
  return async (event, { log, measure }) => {
    const { rolloutId, ...order } = parsed2(takeInput, event);
    log.appendKeys({ rolloutId, ordinal: order.ordinal });
    const taken = await takeService({ ...order, id: rolloutId }, context);
    measure.record("QuotaWait", taken.waitSeconds, {});
    return taken;
  };
}
var handler18 = lambda("rollout-take", () => take(environmentContext()));

// shared/deployment/stops.ts
var SERIES_MS = 36e5;
var KNOWN_TASKS = 10;
function deathOf(task) {
  if (isScaling(task)) return void 0;
  const containers = task.containers.toSorted((a, b) => Number(b.name === ZTUNNEL) - Number(a.name === ZTUNNEL));
  const suspects = { targetRevisionArn: task.taskDefinitionArn, deploymentIds: [], sinceMs: 0, definition: void 0 };
  return diagnose({ stoppedTasks: evidenceOf([{ ...task, containers }], suspects), runningTasks: [] });
}
function countedDeath({ stops }, task, { code: code2, sentence }, nowMs) {
  const taskId = taskIdOf(task);
  if (stops?.taskIds.includes(taskId)) return void 0;
  const { taskDefinitionArn: revisionArn } = task;
  const goesOn = stops?.revisionArn === revisionArn && nowMs - stops.lastMs < SERIES_MS;
  const before = goesOn ? stops : { count: 0, sinceMs: nowMs, taskIds: [] };
  return {
    revisionArn,
    count: before.count + 1,
    sinceMs: before.sinceMs,
    lastMs: nowMs,
    code: code2,
    sentence,
    taskIds: [...before.taskIds, taskId].slice(-KNOWN_TASKS)
  };
}

// shared/use-cases/reconcile/note-stopped-task.ts
var ATTEMPTS = 5;
async function noteStoppedTask(event, calls) {
  const { serviceArn, kind: _, ...detail } = event;
  const task = { ...detail, lastStatus: "STOPPED" };
  const death = deathOf(task);
  if (!death) return "ignored";
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const state = await calls.ledger.getService(serviceArn);
    if (!state?.enrolled || state.roll || state.lastOutcome?.outcome === "revert-failed") return "ignored";
    const next2 = countedDeath(state, task, death, calls.now());
    if (!next2) {
      await report2(serviceArn, state.stops, calls);
      return "known";
    }
    if (await calls.ledger.countStops(serviceArn, state.stops, next2)) {
      await report2(serviceArn, next2, calls);
      return "counted";
    }
  }
  return "ignored";
}
async function report2(serviceArn, stops, calls) {
  if (!stops || stops.count < calls.config.policy.failedTasksLimit) return;
  const text3 = `${stops.revisionArn} since ${stops.sinceMs}`;
  const ref = serviceRef(serviceArn);
  const notice = { member: "notifiedUnhealthy", text: text3 };
  const { code: code2, sentence, count: stoppedTasks, revisionArn: taskDefinitionArn, sinceMs } = stops;
  const since = new Date(sinceMs).toISOString();
  const emitted2 = await notifyOnce(
    ref,
    notice,
    serviceUnhealthy(ref, { taskDefinitionArn, code: code2, sentence, since, stoppedTasks }),
    calls
  );
  if (emitted2) await calls.ledger.patchService(serviceArn, { notifiedUnhealthy: text3, notice: null });
}

// shared/use-cases/roll/signal-deployment.ts
async function signalDeployment(event, calls) {
  const ref = serviceRef(event.serviceArn);
  if (event.kind === "deployment" && event.eventName !== "SERVICE_DEPLOYMENT_IN_PROGRESS") {
    const { deploymentId, eventName, reason } = event;
    const signal = { deploymentId, eventName, reason };
    const roll2 = (await calls.ledger.recordSignal(ref.serviceArn, signal))?.roll;
    if (!roll2) return "unheard";
    if (roll2.deploymentId === deploymentId) return pass(roll2, endedBy(signal), calls);
    return check(ref, roll2, calls);
  }
  const roll = (await calls.ledger.getService(ref.serviceArn))?.roll;
  if (!roll) return "unheard";
  const concerns = event.kind === "deployment" ? event.deploymentId !== roll.deploymentId : event.taskDefinitionArn === roll.targetRevisionArn;
  return concerns ? check(ref, roll, calls) : "unheard";
}
async function check(ref, roll, calls) {
  const { taskToken, deploymentId, targetRevisionArn, revisionBeforeArn = null } = roll;
  if (!taskToken || !deploymentId || !targetRevisionArn) return "deferred";
  const watch = { deploymentId, targetRevisionArn, revisionBeforeArn, deadlineMs: Number.POSITIVE_INFINITY };
  const ended2 = await checkDeployment(ref, watch, { ...calls, ecs: calls.ecs(ref) });
  return ended2 ? pass(roll, ended2, calls) : "deferred";
}
async function pass(roll, ended2, calls) {
  if (!roll.taskToken) return "deferred";
  return await calls.executions.sendTaskSuccess(roll.taskToken, ended2) ? "delivered" : "deferred";
}

// shared/rollout/deaths.ts
function deathsCase(rollout3, service, stops, config) {
  if (endedStatuses.includes(rollout3.status) || isStopping(rollout3)) return "none";
  if (service.toRevisionArn !== stops.revisionArn || stops.count < deathsLimit(rollout3, config)) return "none";
  if (service.status === "failed" && service.reason === "bake-failed") return "known";
  return service.status === "succeeded" || service.status === "unverified" ? "failed" : "none";
}
function deathsLimit(rollout3, { policy }) {
  const { bakeMinutes } = resolvedPolicy(rollout3, policy.rollout);
  const { failedTasksLimit: limit } = policy;
  return bakeMinutes > 0 ? Math.max(1, Math.min(limit, Math.floor(bakeMinutes))) : limit;
}
function deathsPatch({ count: count2, sinceMs, sentence }) {
  const since = new Date(sinceMs).toISOString();
  return { status: "failed", reason: "bake-failed", detail: `${count2} tasks died since ${since}. ${sentence}` };
}
function afterDeaths(rollout3, service, config) {
  if (endedStatuses.includes(rollout3.status) || isStopping(rollout3) || !countsAsFailed(service)) return void 0;
  if (rollout3.failedOrdinals.includes(service.ordinal)) return void 0;
  const failedOrdinals = [...rollout3.failedOrdinals, service.ordinal].sort((a, b) => a - b);
  const next2 = { ...rollout3, failedOrdinals };
  const over = budgetExceeded(next2, service.waveIndex, config);
  return over ? { ...next2, status: "rolling-back", reason: { ...over, code: "bake-failed" } } : next2;
}

// shared/use-cases/rollout/judge-deaths.ts
async function judgeDeaths(serviceArn, calls) {
  const { ledger, config } = calls;
  const { stops, rolledBy } = await ledger.getService(serviceArn) ?? {};
  if (!stops || !rolledBy) return false;
  const { id, ordinal } = rolledBy;
  const [rollout3, service] = await Promise.all([ledger.getRollout(id), ledger.getRolloutService(id, ordinal)]);
  if (!rollout3 || service?.serviceArn !== serviceArn) return false;
  const found = deathsCase(rollout3, service, stops, config);
  if (found === "none") return false;
  const { status, tryCount } = service;
  const failed2 = found === "failed" ? await ledger.patchRolloutService(id, ordinal, { status, tryCount }, deathsPatch(stops)) : service;
  if (!failed2) return false;
  const changed2 = await ledger.changeRollout(id, (current) => {
    const next2 = afterDeaths(current, failed2, config);
    return { ...next2 && { next: next2 }, result: next2?.status === "rolling-back" ? tokensOf(current) : [] };
  });
  await wake(changed2?.result ?? [], calls.executions);
  return found === "failed";
}

// functions/signal-deployment.ts
function signalWaitingRoll(context) {
  return async (event, { log }) => {
    const incoming = parseIncoming(event);
    if (incoming.kind !== "deployment" && incoming.kind !== "task-stopped") {
      log.info("nothing to signal", incoming.kind === "ignored" ? { why: incoming.reason } : { kind: incoming.kind });
      return { did: "unheard" };
    }
    log.appendKeys({ serviceArn: incoming.serviceArn });
    const did = await signalDeployment(incoming, context);
    if (did !== "unheard") log.info(did, { kind: incoming.kind });
    else if (incoming.kind === "task-stopped") await noteDeath(incoming, context, log);
    return { did };
  };
}
async function noteDeath(incoming, context, log) {
  const recorded2 = await noteStoppedTask(incoming, context);
  if (recorded2 === "ignored") return;
  const { serviceArn, taskArn, taskDefinitionArn } = incoming;
  if (recorded2 === "counted") log.warn("a task died", { taskArn, taskDefinitionArn });
  if (await judgeDeaths(serviceArn, context)) log.warn("failed after its roll: its tasks die", { taskDefinitionArn });
}
var handler19 = lambda("signal-deployment", () => signalWaitingRoll(environmentContext()));

// functions/sweep-services.ts
function sweepServices(context, controlPlane3, secrets) {
  const settled = settledServices(context.now);
  return async (_event, { log, measure }) => {
    const result = await sweep({ ...context, controlPlane: controlPlane3, secrets, log, settled });
    measureSweep(result, measure);
    log.info("swept", { ...result });
    return { ...result };
  };
}
function measureSweep(result, { record: record14 }) {
  record14("SweptServices", result.seen, {});
  record14("SweepStarted", result.started, {});
  record14("SweepRefused", result.refused, {});
  record14("SweepFailed", result.failed, {});
  record14("SweepPostponed", result.postponed, {});
  record14("UnenrollsPostponed", result.postponedUnenrolls, {});
  record14("TokenSecretsGone", result.secretsGone, {});
  record14("ServicesEnrolled", result.enrolled, {});
  record14("ServicesWithDrift", result.drifted, {});
  for (const [reason, services2] of Object.entries(result.refusals)) record14("ServicesRefused", services2, { reason });
}
var handler20 = lambda(
  "sweep-services",
  () => sweepServices(environmentContext(), environmentControlPlanes(), environmentSecrets())
);

// shared/trust/expiry.ts
var DAY_MS7 = 864e5;
var thresholdsDays = [90, 30, 14, 7, 1];
function expiringSince({ certificates }, notified, nowMs) {
  return certificates.flatMap((certificate) => {
    const daysLeft = daysUntilEnd(certificate, nowMs);
    const thresholdDays = thresholdsDays.findLast((days) => daysLeft <= days);
    const before = notified[certificate.fingerprint256] ?? Number.POSITIVE_INFINITY;
    return thresholdDays !== void 0 && thresholdDays < before ? [{ certificate, thresholdDays, daysLeft }] : [];
  });
}
function daysUntilFirstEnd({ certificates }, nowMs) {
  return Math.min(...certificates.map((certificate) => daysUntilEnd(certificate, nowMs)));
}
function daysUntilEnd({ notAfter }, nowMs) {
  return Math.ceil((Date.parse(notAfter) - nowMs) / DAY_MS7);
}

// shared/events/root-ca-events.ts
function rootCaChanged(detail) {
  return outgoing("Root CA Changed", detail);
}
function rootCaEmergency(detail) {
  return outgoing("Root CA Emergency", detail);
}
function rootCaRetirable(detail) {
  return outgoing("Root CA Retirable", detail);
}
function rootCaExpiring(detail) {
  return outgoing("Root CA Expiring", detail);
}

// shared/use-cases/rotation/root-rotation.ts
function trustOf(observed, generations) {
  const sidecar = findSidecar(observed.definition.raw);
  if (sidecar.kind === "none" || sidecar.kind === "foreign") return "none";
  const pinned = sidecar.kind === "ours" && pinnedGeneration(observed, sidecar.secretValueFrom, generations);
  return pinned ? { factsId: pinned.id } : "unknown";
}
function pinnedGeneration({ service }, valueFrom, generations) {
  const identity = tokenIdentityOf(valueFrom);
  if (!identity) return void 0;
  return generations.findLast(
    ({ facts }) => pinsVersion(service, desiredSecret(identity, facts, stagePrefixOfToken(valueFrom)), valueFrom)
  );
}
function countOf(all2) {
  return {
    services: new Set(all2.map(({ serviceArn }) => serviceArn)).size,
    tasks: all2.reduce((sum2, { runningTasks }) => sum2 + runningTasks, 0)
  };
}
function fingerprintsOf({ facts }) {
  return parseBundle(facts.rootCaPem).certificates.map(({ fingerprint256 }) => fingerprint256);
}
function anchorsOf({ facts }) {
  return anchorsIn(facts.rootCaPem);
}
function cutOffGenerations(mesh) {
  const newest = new Set(anchorsOf(newestOf(mesh)));
  const cut = mesh.generations.filter((one) => !anchorsOf(one).some((anchor) => newest.has(anchor)));
  return new Set(cut.map(({ id }) => id));
}
function cutOffArns(mesh, all2) {
  const cut = cutOffGenerations(mesh);
  const found = all2.filter(({ trust }) => typeof trust === "object" && cut.has(trust.factsId));
  return [...new Set(found.map(({ serviceArn }) => serviceArn))].sort();
}
function cutOffOf(mesh, all2) {
  const cut = cutOffGenerations(mesh);
  return countOf(
    all2.filter(({ trust, runningTasks }) => runningTasks > 0 && typeof trust === "object" && cut.has(trust.factsId))
  );
}
function rotationOf(mesh) {
  const bundles = mesh.generations.map(anchorsOf);
  const cameWith = (anchor) => bundles.findIndex((bundle) => bundle.includes(anchor));
  const { certificates } = parseBundle(newestOf(mesh).facts.rootCaPem);
  const last = Math.max(...certificates.map(({ anchor }) => cameWith(anchor)));
  const earlier = Map.groupBy(certificates, ({ anchor }) => cameWith(anchor) < last);
  const [retiring, remaining] = [true, false].map((isEarlier) => earlier.get(isEarlier) ?? []);
  if (!retiring?.length || !remaining) return void 0;
  return { retiring: fingerprintsIn(retiring), remaining: fingerprintsIn(remaining) };
}
function fingerprintsIn(certificates) {
  return certificates.map(({ fingerprint256 }) => fingerprint256);
}
function needsRetiring({ trust }, { remaining }, mesh) {
  if (trust === "none") return false;
  if (trust === "unknown") return true;
  const generation = mesh.generations.find(({ id }) => id === trust.factsId);
  if (!generation) return true;
  const trusted = anchorsOf(generation);
  const { certificates } = parseBundle(newestOf(mesh).facts.rootCaPem);
  return !certificates.some((one) => remaining.includes(one.fingerprint256) && trusted.includes(one.anchor));
}

// shared/use-cases/rotation/gate.ts
async function retirableRotation(mesh, calls) {
  const rotation = rotationOf(mesh);
  if (!rotation || await isRotating(mesh.controlPlane, calls.ledger)) return void 0;
  const end2 = await forEachTrust(mesh, calls, (tasks) => needsRetiring(tasks, rotation, mesh) ? "stop" : "go-on");
  return end2 === "complete" ? rotation : void 0;
}
async function isRotating(controlPlane3, ledger) {
  const { currentRolloutId, queuedRolloutIds } = await ledger.getFleet();
  for (const id of [...currentRolloutId === void 0 ? [] : [currentRolloutId], ...queuedRolloutIds]) {
    const rollout3 = await ledger.getRollout(id);
    if (rollout3 && rotates(rollout3, controlPlane3)) return true;
  }
  return false;
}
async function cutOffServices(mesh, calls) {
  if (cutOffGenerations(mesh).size === 0) {
    return { services: [], tasks: 0, running: { services: 0, tasks: 0 }, isComplete: true };
  }
  const { tasks, complete: isComplete } = await trustingTasks(mesh, calls);
  const running = cutOffOf(mesh, tasks);
  return { services: cutOffArns(mesh, tasks), tasks: running.tasks, running, isComplete };
}
async function trustingTasks(mesh, calls) {
  const tasks = [];
  const end2 = await forEachTrust(mesh, calls, (one) => {
    tasks.push(one);
    return "go-on";
  });
  return { tasks, complete: end2 === "complete" };
}
async function forEachTrust(mesh, calls, visit) {
  const stop2 = new AbortController();
  const visitUntilStop = (tasks) => {
    if (!stop2.signal.aborted && visit(tasks) === "stop") stop2.abort();
  };
  const scan = { mesh, calls, signal: stop2.signal, visit: visitUntilStop };
  const clusters = await enrolledByCluster(mesh.controlPlane, calls);
  const places = Map.groupBy(clusters.values(), ([first]) => `${first?.account}/${first?.region}`);
  const read2 = await Promise.all([...places.values()].map((ofPlace) => scanClusters(ofPlace, scan)));
  if (stop2.signal.aborted) return "stopped";
  return read2.every((complete) => complete) ? "complete" : "incomplete";
}
async function enrolledByCluster(controlPlane3, { config, ledger }) {
  const refs = [];
  for await (const state of ledger.listServices()) {
    const ref = serviceRef(state.serviceArn);
    if (mayHaveTasks(state) && controlPlaneFor(config, ref)?.name === controlPlane3) refs.push(ref);
  }
  return Map.groupBy(refs, clusterArnOf);
}
function mayHaveTasks({ enrolled, roll, secretsInUse }) {
  return enrolled || roll !== void 0 || secretsInUse.length > 0;
}
async function scanClusters(clusters, scan) {
  let complete = true;
  for (const refs of clusters) {
    for (let first = 0; first < refs.length && !scan.signal.aborted; first += 10) {
      complete = await scanServices(refs.slice(first, first + 10), scan) && complete;
    }
  }
  return complete;
}
async function scanServices(refs, { mesh, calls, visit }) {
  const [ref] = refs;
  if (!ref) return true;
  const clusterArn = clusterArnOf(ref);
  try {
    const ecs = calls.ecs(ref);
    const services2 = await ecs.describeServices(
      clusterArn,
      refs.map(({ serviceName: serviceName2 }) => serviceName2)
    );
    const tasks = await Promise.all(
      services2.flatMap(
        (service) => service.deployments.filter(hasTasks).map(async (deployment) => ({
          serviceArn: service.ref.serviceArn,
          runningTasks: deployment.runningCount,
          trust: await trustOfDeployment(service, deployment, mesh, ecs)
        }))
      )
    );
    for (const one of tasks) visit(one);
    return true;
  } catch (error) {
    const { code: code2, message } = asAutopilotError(error);
    if (code2 === "service-not-found") return true;
    calls.log.error(`not counted: services of ${clusterArn}`, { code: code2, why: message });
    return false;
  }
}
function hasTasks({ status, runningCount, desiredCount }) {
  return runningCount > 0 || status === "PRIMARY" && desiredCount > 0;
}
async function trustOfDeployment(service, { taskDefinitionArn }, mesh, ecs) {
  try {
    const definition = await ecs.describeTaskDefinition(taskDefinitionArn);
    return trustOf({ service, definition }, mesh.generations);
  } catch (error) {
    if (asAutopilotError(error).code === "task-definition-not-found") return "unknown";
    throw error;
  }
}

// shared/use-cases/rotation/emergency.ts
var MAX_NAMED2 = 50;
async function followEmergency(mesh, counted3, calls) {
  if (!mesh.emergency && !counted3?.services.length) return;
  const cutOff = counted3 ?? await cutOffServices(mesh, calls);
  if (cutOff.services.length === 0 && cutOff.isComplete && !dropsReleased(mesh)) return end(mesh, calls);
  const { stored } = await calls.ledger.changeMesh(mesh.controlPlane, (current) => ({
    next: current && {
      ...current,
      emergency: { ...current.emergency, ...recorded(current.emergency, cutOff, calls.now()) }
    }
  }));
  if (stored?.emergency) await notify2(stored, stored.emergency, calls);
}
function recorded(before, { services: services2, tasks, isComplete }, nowMs) {
  const at = new Date(nowMs).toISOString();
  const { since = at, attempts = 0 } = before ?? {};
  if (!isComplete && before && services2.length === 0) return before;
  const serviceArns = services2.length <= MAX_NAMED2 ? [...services2] : [];
  return { since, attempts, serviceArns, services: services2.length, tasks, countedAt: at };
}
async function notify2(mesh, emergency, calls) {
  const { rolloutId } = emergency;
  const last = rolloutId === void 0 ? void 0 : await calls.ledger.getRollout(rolloutId);
  const notice = emergencyNotice(emergency, last, calls.now());
  if (!notice) return;
  const by2 = notice.state === "stopped" ? { by: notice.by } : {};
  await calls.bus.putEvents([rootCaEmergency({ ...detailOf(mesh, emergency), state: notice.state, ...by2 })]);
  await calls.ledger.changeMesh(mesh.controlPlane, (current) => ({
    next: current?.emergency && { ...current, emergency: { ...current.emergency, notified: notice.key } }
  }));
}
async function end(mesh, calls) {
  const { emergency, controlPlane: controlPlane3 } = mesh;
  if (!emergency) return;
  if (emergency.notified !== void 0) {
    const none = { ...emergency, services: 0, tasks: 0 };
    await calls.bus.putEvents([rootCaEmergency({ ...detailOf(mesh, none), state: "over" })]);
  }
  await calls.ledger.changeMesh(controlPlane3, (current) => {
    if (!current?.emergency || current.emergency.rolloutId !== emergency.rolloutId) return {};
    const { emergency: _, ...next2 } = current;
    return { next: next2 };
  });
}
function detailOf(mesh, { services: services2, tasks, since, attempts, rolloutId }) {
  const { network } = newestOf(mesh).facts;
  const of = { controlPlane: mesh.controlPlane, network, services: services2, tasks, since, attempts };
  return { ...of, ...rolloutId !== void 0 && { rolloutId } };
}

// shared/use-cases/rotation/watch.ts
async function watchMeshFacts(calls) {
  const results = await Promise.allSettled(calls.config.controlPlanes.map(({ name }) => watchOne(name, calls)));
  const failures3 = results.flatMap((result) => result.status === "rejected" ? [asAutopilotError(result.reason)] : []);
  for (const { code: code2, message } of failures3) calls.log.error("control plane not watched", { code: code2, why: message });
  if (failures3[0]) throw failures3[0];
  const watched = results.flatMap((result) => result.status === "fulfilled" ? [result.value] : []);
  return {
    read: watched.length,
    changed: watched.filter(({ changed: changed2 }) => changed2).length,
    expiring: watched.reduce((sum2, { expiring }) => sum2 + expiring, 0),
    retirable: watched.filter(({ retirable }) => retirable).length
  };
}
async function watchOne(name, calls) {
  const mesh = await recordFacts(name, calls).catch((error) => followByLastGood(name, error, calls));
  if (!mesh) return { changed: false, expiring: 0, retirable: false };
  if (mesh.unknownShape) await checkShape(mesh, calls);
  const news = await settledNews(mesh, newsOf(mesh, calls.now()), calls);
  const cutOff = news.previous === void 0 ? void 0 : await cutOffServices(mesh, calls);
  const events = [
    ...changedEvents(mesh, news.previous, cutOff),
    ...news.expiring.map((one) => expiringEvent(mesh, one)),
    ...news.otherGateways.length > 0 ? [ambiguousEvent(mesh, news.otherGateways)] : []
  ];
  if (events.length > 0) await calls.bus.putEvents(events);
  await followEmergency(mesh, cutOff, calls);
  await recordNotified(mesh, news, calls);
  return {
    changed: news.previous !== void 0,
    expiring: news.expiring.length,
    retirable: await notifyRetirable(mesh, calls)
  };
}
async function followByLastGood(name, error, calls) {
  const mesh = await calls.ledger.getMesh(name).catch(() => void 0);
  if (mesh?.emergency) await followEmergency(mesh, void 0, calls);
  throw error;
}
async function checkShape({ controlPlane: controlPlane3, unknownShape: unknownShape2 }, calls) {
  const mark = marks.find((one) => one === unknownShape2?.mark);
  const isNeeded = mark === "task" || mark !== void 0 && calls.config.policy.verify === "strict";
  if (isNeeded && !hasMark(await calls.controlPlane(controlPlane3).listWorkloadEntries({}), mark)) return;
  await calls.ledger.changeMesh(controlPlane3, (current) => {
    if (!current || current.unknownShape?.since !== unknownShape2?.since) return {};
    const { unknownShape: _, ...next2 } = current;
    return { next: next2 };
  });
}
async function recordFacts(name, { controlPlane: controlPlane3, ledger, log }) {
  const facts = await controlPlane3(name).readMeshFacts();
  parseBundle(facts.rootCaPem);
  const write4 = async () => (await ledger.changeMesh(name, (mesh) => ({ next: withReading(mesh, facts) }))).stored;
  try {
    return await write4();
  } catch (error) {
    const { code: code2, message } = asAutopilotError(error);
    if (code2 !== "ledger-item-unreadable") throw error;
    log.warn("stored mesh facts replaced", { code: code2, why: message });
    await ledger.putMeshFacts(facts);
    return write4();
  }
}
function newsOf(mesh, nowMs) {
  const fingerprints = fingerprintsOf(newestOf(mesh));
  const [first = newestOf(mesh)] = mesh.generations;
  const before = mesh.notified.fingerprints ?? fingerprintsOf(first);
  return {
    fingerprints,
    previous: before.join() === fingerprints.join() ? void 0 : before,
    expiring: expiringSince(parseBundle(newestOf(mesh).facts.rootCaPem), mesh.notified.expiryDays, nowMs),
    otherGateways: newGateways(mesh)
  };
}
async function settledNews(mesh, news, { ledger }) {
  if (news.previous === void 0) return news;
  const { sightings } = await ledger.getFleet();
  if (sightings?.[factsSubject(mesh.controlPlane)]?.contestedSince === void 0) return news;
  return { ...news, previous: void 0, fingerprints: news.previous };
}
function changedEvents(mesh, previous, cutOff) {
  if (previous === void 0) return [];
  const newest = newestOf(mesh);
  return [
    rootCaChanged({
      controlPlane: mesh.controlPlane,
      network: newest.facts.network,
      fingerprints: [...fingerprintsOf(newest)],
      previousFingerprints: [...previous],
      ...cutOff && cutOff.tasks > 0 && { cutOff: cutOff.running }
    })
  ];
}
function newGateways(mesh) {
  const { otherGateways = [] } = newestOf(mesh).facts;
  return otherGateways.some((name) => !mesh.notified.otherGateways?.includes(name)) ? otherGateways : [];
}
function ambiguousEvent(mesh, others) {
  const { istiodUrl } = newestOf(mesh).facts;
  return meshGatewayAmbiguous({ controlPlane: mesh.controlPlane, istiodUrl, others: [...others] });
}
function expiringEvent(mesh, { certificate, daysLeft }) {
  const { fingerprint256, subject, notAfter } = certificate;
  const { controlPlane: controlPlane3 } = mesh;
  const { network } = newestOf(mesh).facts;
  return rootCaExpiring({ controlPlane: controlPlane3, network, fingerprint: fingerprint256, subject, notAfter, daysLeft });
}
async function recordNotified(mesh, { fingerprints, expiring, otherGateways }, { ledger }) {
  const isRecorded2 = mesh.notified.fingerprints?.join() === fingerprints.join();
  if (isRecorded2 && expiring.length === 0 && otherGateways.length === 0) return;
  const days = expiring.map(({ certificate, thresholdDays }) => [certificate.fingerprint256, thresholdDays]);
  await ledger.changeMesh(mesh.controlPlane, (current) => ({
    next: current && {
      ...current,
      notified: {
        ...current.notified,
        fingerprints: [...fingerprints],
        ...otherGateways.length > 0 && { otherGateways: [...otherGateways] },
        expiryDays: { ...current.notified.expiryDays, ...Object.fromEntries(days) }
      }
    }
  }));
}
async function notifyRetirable(mesh, calls) {
  const { id, facts } = newestOf(mesh);
  if (mesh.notified.retirableId === id) return false;
  const rotation = await retirableRotation(mesh, calls);
  if (!rotation) return false;
  const { retiring, remaining } = rotation;
  const { controlPlane: controlPlane3 } = mesh;
  const { network } = facts;
  await calls.bus.putEvents([
    rootCaRetirable({ controlPlane: controlPlane3, network, fingerprints: [...retiring], remaining: [...remaining] })
  ]);
  await calls.ledger.changeMesh(controlPlane3, (current) => ({
    next: current && { ...current, notified: { ...current.notified, retirableId: id } }
  }));
  return true;
}

// functions/watch-root-ca.ts
function watchRootCa(context, controlPlane3) {
  return async (_event, { log, measure }) => {
    try {
      const result = await watchMeshFacts({ ...context, controlPlane: controlPlane3, log });
      measure.record("ControlPlanesRead", result.read, {});
      measure.record("RootCaChanges", result.changed, {});
      log.info("watched", { ...result });
      return { ...result };
    } finally {
      await measureDaysLeft(context, measure);
    }
  };
}
async function measureDaysLeft({ config, ledger, now }, measure) {
  for (const { name } of config.controlPlanes) {
    const facts = await knownFacts(name, ledger);
    if (!facts || !isBundle(facts.rootCaPem)) continue;
    const days = daysUntilFirstEnd(parseBundle(facts.rootCaPem), now());
    measure.record("RootCaDaysLeft", days, { controlPlane: name });
  }
}
async function knownFacts(controlPlane3, ledger) {
  try {
    return await ledger.getMeshFacts(controlPlane3);
  } catch (error) {
    if (asAutopilotError(error).code === "ledger-item-unreadable") return void 0;
    throw error;
  }
}
var handler21 = lambda("watch-root-ca", () => watchRootCa(environmentContext(), environmentControlPlanes()));

// lab/lambda/functions.ts
var steps = {
  "reconcile-service": (context) => reconcile2(context),
  "sweep-services": (context, { kubernetesFetch: fetch }) => sweepServices(context, controlPlanes(context, { fetch }), placedSecrets(context)),
  "signal-deployment": (context) => signalWaitingRoll(context),
  "watch-root-ca": (context, { kubernetesFetch: fetch }) => watchRootCa(context, controlPlanes(context, { fetch })),
  "notify-slack": (context, { fetch, slackApiUrl }) => notifySlack(context, slackChannel(context, { fetch, slackApiUrl })),
  "roll/plan": (context, { kubernetesFetch: fetch }) => plan(context, controlPlanes(context, { fetch, keptMs: ROLL_KEPT_MS })),
  "roll/apply": (context, { kubernetesFetch: fetch }) => apply(context, controlPlanes(context, { fetch, keptMs: ROLL_KEPT_MS }), placedSecrets(context)),
  "roll/await-deployment": (context) => awaitItsDeployment(context),
  "roll/verify": (context, { kubernetesFetch: fetch }) => verify(context, controlPlanes(context, { fetch })),
  "roll/revert": (context) => revert(context),
  "roll/finish": (context) => finish(context),
  "rollout/request": (context) => request(context, homeParameters(context)),
  "rollout/control": (context) => control(context),
  "rollout/guard": (context) => guard(context, placedAlarms(context)),
  "rollout/start": (context) => start(context, placedAlarms(context)),
  "rollout/next-wave": (context) => next(context),
  "rollout/take": (context) => take(context),
  "rollout/hold": (context) => hold(context),
  "rollout/assess-wave": (context) => assess(context, placedAlarms(context)),
  "rollout/finish": (context) => finishRolloutStep(context),
  "rollout/report": (context, { fetch, slackApiUrl }) => report(context, slackChannel(context, { fetch, slackApiUrl }))
};
function functionFactories(platform) {
  const factory = (create) => {
    return (sandbox) => {
      const context = connect({
        config: platform.config,
        now: () => platform.clock.now(),
        pause: (ms) => platform.clock.sleep(ms),
        clients: platform.clients,
        ledger: platform.ledgerFor(sandbox),
        busName: resourceNames(platform.config).busName,
        stage: LAB_STAGE,
        rollServiceArn: platform.rollServiceArn,
        rollFleetArn: platform.rollFleetArn
      });
      return instrument(platform.instruments(sandbox.functionName), create(context, platform));
    };
  };
  return Object.fromEntries(Object.entries(steps).map(([name, create]) => [name, factory(create)]));
}

// lab/ledger/memory-items.ts
function shelf(items, read2) {
  const written = /* @__PURE__ */ new WeakMap();
  const contentOf2 = (item) => written.get(item) ?? frozen(read2(copyOf(item)));
  return {
    get: (key) => {
      const item = items.get(itemName(key));
      return item && contentOf2(item);
    },
    put: (key, content) => {
      const kept2 = frozen(read2(copyOf({ ...key, ...content })));
      const item = { ...key, ...kept2 };
      items.set(itemName(key), item);
      written.set(item, kept2);
      return kept2;
    },
    list: function* (holds2) {
      const there = [];
      for (const [name, item] of items) if (holds2(name)) there.push(item);
      for (const item of there) yield contentOf2(item);
    }
  };
}
function frozen(value) {
  if (typeof value !== "object" || value === null || Object.isFrozen(value)) return value;
  for (const member of Object.values(value)) frozen(member);
  return Object.freeze(value);
}
function changeShelved({ on, key, before }, change2) {
  const { next: next2, result } = change2(before);
  return { stored: next2 ? on.put(key, { ...next2, version: (before?.version ?? 0) + 1 }) : before, result };
}
function itemName({ pk, sk }) {
  return `${pk} ${sk}`;
}
function copyOf(value) {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map((item) => copyOf(item));
  const copy = {};
  for (const key in value) {
    const member = value[key];
    if (member !== void 0) setMember(copy, key, copyOf(member));
  }
  return copy;
}
function setMember(object32, key, value) {
  if (key === "__proto__")
    Object.defineProperty(object32, key, { value, enumerable: true, writable: true, configurable: true });
  else object32[key] = value;
}

// lab/ledger/rollouts-memory.ts
function memoryRollouts(items) {
  const fleets = shelf(items, readFleet);
  const rollouts = shelf(items, readRollout);
  const services2 = shelf(items, readRolloutService);
  const paces = shelf(items, readPace);
  const lastOrdinals = lastOrdinalsIn(items);
  const newFleet = frozen(copyOf(newFleetState));
  const getFleet = () => fleets.get(fleetKey) ?? newFleet;
  const existing = (rolloutId, ordinal) => {
    const key = rolloutServiceKey(rolloutId, ordinal);
    const service = services2.get(key);
    if (!service) throw new AutopilotError("unknown-rollout", `${key.pk} / ${key.sk}`);
    return service;
  };
  const patchService = (rolloutId, ordinal, patch) => {
    const given = Object.entries(patch).filter(([, value]) => value !== void 0);
    const next2 = { ...existing(rolloutId, ordinal), ...Object.fromEntries(given) };
    return services2.put(rolloutServiceKey(rolloutId, ordinal), next2);
  };
  return {
    getFleet: async () => getFleet(),
    changeFleet: async (change2) => changeShelved({ on: fleets, key: fleetKey, before: getFleet() }, change2),
    createRollout: async (rollout3) => {
      const key = rolloutKey(rollout3.id);
      if (rollouts.get(key)) return false;
      rollouts.put(key, rollout3);
      return true;
    },
    getRollout: async (id) => rollouts.get(rolloutKey(id)),
    changeRollout: async (id, change2) => {
      const key = rolloutKey(id);
      const before = rollouts.get(key);
      return before && changeShelved({ on: rollouts, key, before }, change2);
    },
    listRollouts: async function* () {
      yield* rollouts.list((name) => name.startsWith(ROLLOUT_PREFIX) && name.endsWith(` ${META}`));
    },
    putRolloutServices: async (written) => {
      for (const service of written) {
        const { rolloutId, ordinal, startTry } = service;
        if ((services2.get(rolloutServiceKey(rolloutId, ordinal))?.startTry ?? 0) > startTry) continue;
        services2.put(rolloutServiceKey(rolloutId, ordinal), service);
        lastOrdinals.set(rolloutId, Math.max(ordinal, lastOrdinals.get(rolloutId) ?? 0));
      }
    },
    getRolloutService: async (rolloutId, ordinal) => services2.get(rolloutServiceKey(rolloutId, ordinal)),
    patchRolloutService: async (rolloutId, ordinal, expected, patch) => {
      const before = existing(rolloutId, ordinal);
      const members = new Map(Object.entries(before));
      const isAsExpected = Object.entries(expected).every(([name, value]) => members.get(name) === value);
      return isAsExpected ? patchService(rolloutId, ordinal, patch) : void 0;
    },
    listRolloutServices: async function* (rolloutId, { first, last } = { first: 0, last: Number.POSITIVE_INFINITY }) {
      for (let ordinal = first; ordinal <= Math.min(last, lastOrdinals.get(rolloutId) ?? -1); ordinal += 1) {
        const service = services2.get(rolloutServiceKey(rolloutId, ordinal));
        if (service) yield service;
      }
    },
    reserveStart: async (lane, nowMs, pace) => {
      const key = paceKey(lane);
      const { tatMs = nowMs } = paces.get(key) ?? {};
      const after = paces.put(key, { tatMs: Math.max(tatMs, nowMs) + costMs(pace) });
      return firstStartMs(after.tatMs, nowMs, pace);
    }
  };
}
var SERVICE_NAME = new RegExp(`^${ROLLOUT_PREFIX}(\\S+) ${SERVICE_PREFIX}(\\d+)$`);
function lastOrdinalsIn(items) {
  const last = /* @__PURE__ */ new Map();
  for (const name of items.keys()) {
    const [, rolloutId, ordinal] = SERVICE_NAME.exec(name) ?? [];
    if (rolloutId) last.set(rolloutId, Math.max(Number(ordinal), last.get(rolloutId) ?? 0));
  }
  return last;
}

// lab/ledger/ledger-memory.ts
function memoryLedger(items = /* @__PURE__ */ new Map()) {
  return {
    ...memoryServices(items),
    ...memoryMeshes(items),
    ...memoryClaims(items),
    ...memoryRollouts(items),
    ...memoryChannel(items)
  };
}
function memoryServices(items) {
  const services2 = shelf(items, readService);
  const state = (serviceArn) => services2.get(serviceKey(serviceArn));
  const change2 = (serviceArn, changes) => services2.put(serviceKey(serviceArn), patched(state(serviceArn) ?? { shape: 1, serviceArn }, changes));
  const held2 = (serviceArn, executionName2) => {
    const roll = state(serviceArn)?.roll;
    return roll?.executionName === executionName2 ? roll : void 0;
  };
  return {
    getService: async (serviceArn) => state(serviceArn),
    listServices: async function* () {
      yield* services2.list((name) => name.startsWith(SERVICE_PREFIX) && name.endsWith(` ${STATE}`));
    },
    takeLease: async (serviceArn, lease, nowMs) => {
      const roll = state(serviceArn)?.roll;
      const own = roll?.executionName === lease.executionName;
      if (roll && !own && roll.leaseUntil > nowMs) return void 0;
      const { executionName: executionName2, leaseUntil } = lease;
      return change2(serviceArn, { roll: { ...own ? roll : {}, executionName: executionName2, leaseUntil } });
    },
    updateRoll: async (serviceArn, executionName2, roll, service = {}) => {
      const current = held2(serviceArn, executionName2);
      return current && change2(serviceArn, { ...service, roll: patched(current, roll) });
    },
    recordSignal: async (serviceArn, signal) => {
      const current = state(serviceArn);
      if (!current?.roll) return void 0;
      const { deploymentId = signal.deploymentId } = current.roll;
      if (deploymentId !== signal.deploymentId) return current;
      return change2(serviceArn, { roll: { ...current.roll, signal } });
    },
    finishRoll: async (serviceArn, executionName2, service) => held2(serviceArn, executionName2) && change2(serviceArn, { ...service, roll: null }),
    patchService: async (serviceArn, service) => change2(serviceArn, service),
    forgetService: async (serviceArn, createdAtMs, service) => state(serviceArn)?.createdAtMs === createdAtMs ? change2(serviceArn, service) : void 0,
    claimNotice: async (serviceArn, notice, nowMs) => {
      const { member, text: text3, by: by2 } = notice;
      const current = state(serviceArn);
      const held3 = current?.notice;
      const isOther = held3?.member !== member || held3.text !== text3;
      const isFree = !held3 || isOther || by2 !== void 0 && held3.by === by2 || held3.untilMs <= nowMs;
      if (current?.[member] === text3 || !isFree) return false;
      change2(serviceArn, { notice });
      return true;
    },
    countStops: async (serviceArn, before, next2) => {
      const current = state(serviceArn)?.stops;
      if (current?.count !== before?.count || current?.lastMs !== before?.lastMs) return false;
      change2(serviceArn, { stops: next2 });
      return true;
    },
    raiseAttempt: async (serviceArn, from) => {
      if ((state(serviceArn)?.attemptNumber ?? 0) !== from) return false;
      change2(serviceArn, { attemptNumber: from + 1 });
      return true;
    }
  };
}
function memoryMeshes(items) {
  const meshes = shelf(items, readMesh);
  const getMesh = async (controlPlane3) => meshes.get(meshKey(controlPlane3));
  return {
    getMesh,
    changeMesh: async (controlPlane3, change2) => {
      const key = meshKey(controlPlane3);
      return changeShelved({ on: meshes, key, before: meshes.get(key) }, change2);
    },
    getMeshFacts: async (controlPlane3) => (await getMesh(controlPlane3))?.generations.at(-1)?.facts,
    putMeshFacts: async (facts) => {
      const key = meshKey(facts.controlPlane);
      const before = unlessUnreadable(() => meshes.get(key));
      meshes.put(key, { ...withFacts(before, facts), version: (before?.version ?? 0) + 1 });
    }
  };
}
function memoryClaims(items) {
  const claims = shelf(items, readClaim);
  return {
    getClaim: async (subject) => claims.get(claimKey(subject)),
    changeClaim: async (subject, change2) => {
      const key = claimKey(subject);
      return changeShelved({ on: claims, key, before: claims.get(key) }, change2);
    },
    listClaims: async function* () {
      yield* claims.list((name) => name.startsWith(CLAIM_PREFIX));
    }
  };
}
function memoryChannel(items) {
  const channels = shelf(items, readChannel);
  const empty = frozen(copyOf(newChannel));
  const getChannel = () => unlessUnreadable(() => channels.get(channelKey)) ?? empty;
  return {
    getChannel: async () => getChannel(),
    changeChannel: async (change2) => changeShelved({ on: channels, key: channelKey, before: getChannel() }, change2)
  };
}
function patched(before, changes) {
  const changed2 = Object.entries(changes).filter(([, value]) => value !== void 0);
  return Object.fromEntries(
    Object.entries({ ...before, ...Object.fromEntries(changed2) }).filter(([, value]) => value !== null)
  );
}
export {
  functionFactories,
  memoryLedger
};
