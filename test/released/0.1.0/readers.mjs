// Made of version 0.1.0 by `npm run record-release`.

// shared/gateways/ledger/ledger-items.ts
import * as z10 from "zod";

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
  constructor(code, detail, options = {}) {
    super(`${code}: ${failures[code].sentence} ${detail}`.trim(), options);
    this.code = code;
    this.detail = detail;
    this.retryable = failures[code].retryable;
    this.name = code === "throttled" ? THROTTLED_ERROR : this.retryable ? RETRYABLE_ERROR : TERMINAL_ERROR;
  }
};
function failureCodeOf(message) {
  const [, code = ""] = /^([a-z-]+):/.exec(message) ?? [];
  return isFailureCode(code) ? code : void 0;
}
function isFailureCode(text) {
  return Object.hasOwn(failures, text);
}

// shared/model/channel.ts
import * as z from "zod";
var placeSchema = z.looseObject({ channel: z.string(), ts: z.string() });
var lineSchema = z.union([z.string(), z.looseObject({ lead: z.string(), quote: z.string(), tail: z.string() })]);
var newsSchema = z.looseObject({
  /** The event's: the same event is announced once, even if it comes again. */
  id: z.string().min(1),
  /** What it is about: news of one topic is announced together. */
  topic: z.string().min(1),
  /** Why it happened; empty where that announces nothing. */
  cause: z.string().default(""),
  /** A service's ARN, or the name of an alarm. */
  subject: z.string(),
  /** The rollout to whose thread it belongs. */
  rolloutId: z.string().optional(),
  /** When it came, epoch milliseconds: what is announced late still joins the message of its time. */
  atMs: z.int().nonnegative().default(0),
  /** The message that announces this news alone. */
  story: z.looseObject({
    icon: z.string(),
    headline: z.string(),
    lines: z.array(lineSchema).default([]),
    context: z.array(z.string()).default([])
  }),
  /** Further news of the same topic and cause for which there was no room: it is counted. */
  further: z.int().nonnegative().default(0)
});
var groupSchema = z.looseObject({
  topic: z.string(),
  rolloutId: z.string().optional(),
  openedMs: z.int().nonnegative(),
  /** When news joined it last. */
  lastMs: z.int().nonnegative(),
  updates: z.int().nonnegative().default(0),
  /** Where it is. Absent where a message can't be updated, as a webhook's. */
  place: placeSchema.optional(),
  /** How many subjects it announces of. */
  count: z.int().positive(),
  causes: z.array(z.looseObject({ cause: z.string(), count: z.int().nonnegative() })).default([]),
  /** Marks of its subjects, so that none counts twice. */
  marks: z.array(z.string()).default([]),
  /** The first subjects. */
  named: z.array(z.string()).default([]),
  /** The news that the message itself announces, until news about another subject joins it. */
  alone: newsSchema.optional()
});
var channelSchema = z.looseObject({
  shape: z.literal(1),
  /** Rises with every write. */
  version: z.int().nonnegative(),
  /** Somebody is writing to the channel until then: nobody else does. */
  claimedUntilMs: z.int().nonnegative().optional(),
  pending: z.array(newsSchema).default([]),
  groups: z.array(groupSchema).default([]),
  /** Ids of what was announced last. */
  announced: z.array(z.string()).default([])
});

// shared/model/claim.ts
import * as z2 from "zod";

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
var sharedProblemNames = ["role-shared", "identity-conflict", "namespace-not-ambient"];

// shared/model/claim.ts
var holderSchema = z2.strictObject({
  /** Some of the services that need it, for people; no more than `MAX_NAMED_SERVICES`. */
  services: z2.array(z2.string()).default([]),
  /** Since when no service needs it, epoch milliseconds: a sweep has recorded it. Absent while one does. */
  unneededSinceMs: z2.int().nonnegative().optional()
});
var problemSchema = z2.strictObject({
  code: z2.enum(sharedProblemNames),
  detail: z2.string(),
  sinceMs: z2.int().nonnegative(),
  /** Somebody is about to notify people of it until then, epoch milliseconds. Absent once they are notified. */
  notifyUntilMs: z2.int().nonnegative().optional()
});
var claimSchema = z2.strictObject({
  shape: z2.literal(1),
  /** Rises with every write. */
  version: z2.int().nonnegative(),
  /** As the functions below write it. */
  subject: z2.string().min(1),
  holders: z2.record(z2.string(), holderSchema).default({}),
  /** Of a secret: the versions (`valueFrom`) whose content the autopilot has written or proven. The oldest first. */
  proven: z2.array(z2.string()).default([]),
  /** Of a secret: the readers that its policy had before the ledger knew them are among the holders. */
  adopted: z2.boolean().default(false),
  /** Of a secret that nobody needs: when Secrets Manager deletes it, as the autopilot has asked, epoch milliseconds. */
  deletesAtMs: z2.int().nonnegative().optional(),
  problem: problemSchema.optional()
});

// shared/model/mesh.ts
import * as z3 from "zod";
var meshFactsSchema = z3.strictObject({
  controlPlane: z3.string().min(1),
  istiodUrl: z3.url(),
  /** The root CA bundle: one PEM certificate or, during a rotation, several. */
  rootCaPem: z3.string().min(1),
  network: z3.string().min(1),
  istiodVersion: z3.string().optional(),
  /** Services of Kubernetes that expose istiod beside the one whose address is taken: `namespace/name`. */
  otherGateways: z3.array(z3.string()).optional(),
  readAt: z3.iso.datetime()
});
var MAX_GENERATIONS = 10;
var meshStateSchema = z3.strictObject({
  shape: z3.literal(2),
  /** Rises with every write. */
  version: z3.int().nonnegative(),
  controlPlane: z3.string().min(1),
  /** The oldest first, the newest last: that is what new tokens are made of. At most `MAX_GENERATIONS`. */
  generations: z3.array(z3.strictObject({ id: z3.string().min(1), facts: meshFactsSchema })).min(1).max(MAX_GENERATIONS),
  /** How many times the newest facts have changed. Facts that return after others count as a change. */
  changeCount: z3.int().nonnegative().default(0),
  /**
   * The generation that every enrolled service should have by now; services with it or a later one wait for a rollout.
   */
  releasedId: z3.string().optional(),
  /**
   * Set while no WorkloadEntry of the control plane has a mark that proves a task: nothing can be verified then. The
   * execution that has found it, `by`, notifies of it.
   */
  unknownShape: z3.strictObject({ mark: z3.string().min(1), seen: z3.string(), since: z3.iso.datetime(), by: z3.string().min(1) }).optional(),
  /** Set while tasks trust none of the newest bundle's certificates: rotations are repeated until none does. */
  emergency: z3.strictObject({
    since: z3.iso.datetime(),
    /** The services that were cut off when they were counted last, and their running tasks. */
    serviceArns: z3.array(z3.string()),
    services: z3.int().nonnegative(),
    tasks: z3.int().nonnegative(),
    countedAt: z3.iso.datetime(),
    /** The rotation that was requested last, and how many were. The first one's Slack thread has the details. */
    rolloutId: z3.string().optional(),
    firstRolloutId: z3.string().optional(),
    attempts: z3.int().nonnegative().default(0),
    /** The notice that people got last. */
    notified: z3.string().optional()
  }).optional(),
  /** What was notified already: each of these is notified once. */
  notified: z3.strictObject({
    /** Fingerprints of the bundle that was notified last. */
    fingerprints: z3.array(z3.string()).optional(),
    /** The other gateways that were notified last. */
    otherGateways: z3.array(z3.string()).optional(),
    /** The generation for which `Root CA Retirable` was emitted. */
    retirableId: z3.string().optional(),
    /** The smallest number of days notified for a certificate, by its fingerprint. */
    expiryDays: z3.record(z3.string(), z3.int()).default({})
  }).default({ expiryDays: {} })
});

// shared/model/rollout.ts
import * as z8 from "zod";

// shared/config/config.ts
import * as z7 from "zod";

// shared/base/arn.ts
import * as z4 from "zod";
var accountIdSchema = z4.string().regex(/^\d{12}$/, "an account id of 12 digits");
var regionSchema = z4.string().regex(/^[a-z]{2}(-[a-z]+)+-\d$/, "a region such as eu-west-1");
var SERVICE_ARN = /^arn:aws[\w-]*:ecs:([a-z0-9-]+):(\d{12}):service\/([\w-]{1,255})\/([\w-]{1,255})$/;
function parseServiceArn(arn) {
  const [, region, account, clusterName, serviceName] = SERVICE_ARN.exec(arn) ?? [];
  if (!region || !account || !clusterName || !serviceName) return void 0;
  return { serviceArn: arn, account, region, clusterName, serviceName };
}
var serviceArnSchema = z4.string().refine((arn) => parseServiceArn(arn) !== void 0, "a service's ARN");

// shared/base/vocabulary.ts
var deploymentEventNames = {
  started: "SERVICE_DEPLOYMENT_IN_PROGRESS",
  completed: "SERVICE_DEPLOYMENT_COMPLETED",
  failed: "SERVICE_DEPLOYMENT_FAILED"
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
var DEFAULT_NAME = "ztunnel-autopilot";
var LAB_STAGE = "lab";
var productionStages = ["prod", "production"];
function hasOwnKeys(stage) {
  return stage !== void 0 && stage !== LAB_STAGE && !productionStages.includes(stage);
}
var istiodTagKeys = {
  namespace: "ecs.solo.io/namespace",
  serviceAccount: "ecs.solo.io/service-account",
  hostname: "ecs.solo.io/hostname",
  ports: "ecs.solo.io/ports"
};
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

// shared/config/rollout-policy.ts
import * as z5 from "zod";
var percent = z5.number().positive().max(100);
var failureLimitSchema = z5.strictObject({ count: z5.int().nonnegative().optional(), percent: percent.optional() }).refine(({ count, percent: share }) => count !== void 0 || share !== void 0, "give count, percent or both");
var freezeWindowSchema = z5.strictObject({
  /** When it begins: minute, hour, day of the month, month, day of the week. */
  cron: z5.string().min(1).max(200),
  durationMinutes: z5.int().positive().max(31 * 24 * 60),
  /** IANA name, as in `Europe/Berlin`. */
  timeZone: z5.string().min(1).default("UTC")
});
var paceSchema = {
  /** Cumulative percentages of a region's services: `[10, 50, 100]` makes three waves of each region. */
  waves: z5.array(percent).min(1).refine((shares) => shares.at(-1) === 100 && shares.every((share, i) => i === 0 || share > (shares[i - 1] ?? 0)), {
    message: "rising, the last one 100"
  }),
  regionsTogether: z5.boolean(),
  /** Concurrent rolls in one account and region; 0: as many as AWS's quotas allow. */
  concurrency: z5.int().nonnegative().max(1e3),
  /** How long a wave is left alone before it is judged again. */
  bakeMinutes: z5.number().nonnegative().max(7 * 24 * 60)
};
var rolloutPolicySchema = z5.strictObject({
  /** How many canaries the rollout chooses itself, beside the services that are tagged as canaries; 0: none. */
  canaryCount: z5.int().nonnegative().max(100).default(3),
  waves: paceSchema.waves.default([10, 50, 100]),
  /** All regions at once; else one after the other, in the order of `accounts`. */
  regionsTogether: paceSchema.regionsTogether.default(false),
  concurrency: paceSchema.concurrency.default(20),
  bakeMinutes: paceSchema.bakeMinutes.default(10),
  /** An operator approves every rollout after its canary wave. */
  approveAfterCanary: z5.boolean().default(false),
  failureBudget: z5.strictObject({ perWave: failureLimitSchema.optional(), inAll: failureLimitSchema.optional() }).default({ perWave: { percent: 10 }, inAll: { count: 20, percent: 5 } }),
  /** Services that did not run well before the rollout: roll them last, or not at all. */
  unfit: z5.enum(["last", "skip"]).default("last"),
  freezeWindows: z5.array(freezeWindowSchema).default([]),
  /** CloudWatch alarms, read in the given account and region (default: home), that stop a rollout. */
  alarms: z5.array(
    z5.strictObject({
      name: z5.string().min(1).max(255),
      account: accountIdSchema.optional(),
      region: regionSchema.optional()
    })
  ).default([]),
  /** The pace for an emergency: a root CA was dropped while tasks trust it alone. Default: the ordinary pace. */
  emergency: z5.strictObject({
    waves: paceSchema.waves.default([100]),
    regionsTogether: paceSchema.regionsTogether.default(true),
    concurrency: paceSchema.concurrency.default(0),
    bakeMinutes: paceSchema.bakeMinutes.default(0)
  }).optional(),
  /** How long the ledger keeps a rollout's record. */
  retentionDays: z5.int().positive().max(3650).default(90)
});

// shared/config/ztunnel-settings.ts
import * as z6 from "zod";
var imageSchema = z6.string().max(512).regex(
  /^[a-z0-9][\w.-]*(:\d+)?(\/[a-z0-9][\w.-]*)*(:[\w][\w.-]{0,127})?(@sha256:[0-9a-f]{64})?$/,
  "an image reference"
);
var imagePatternSchema = z6.string().max(512).regex(
  /^[a-z0-9*][\w.*-]*(:[\d*]+)?(\/[a-z0-9*][\w.*-]*)*(:[\w*][\w.*-]{0,127})?(@(\*|sha256:[0-9a-f*]{1,64}))?$/,
  "an image reference with * for characters of one part"
);
var ztunnelSchema = z6.strictObject({
  /** The fleet's image, until the parameter below has one. */
  image: imageSchema,
  /**
   * Images that a tag, an operator or the parameter may name; `*` stands for characters of one part, as in
   * `*.dkr.ecr.*.amazonaws.com/mesh/ztunnel:1.28.*`, and a path that ends with `/*` for any rest of it. Without a tag:
   * any tag and digest. Without it all: any image of the repository of `image`.
   */
  allowedImages: z6.array(imagePatternSchema).min(1).optional(),
  /**
   * SSM parameter in the home region that holds the fleet's image: changing it requests an upgrade. Parameter Store
   * makes no other names: a path begins with a slash and has 15 levels at most, and `aws` and `ssm` are reserved.
   * https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_PutParameter.html
   */
  imageParameter: z6.string().regex(/^(?!\/?(aws|ssm))([\w.-]+|(\/[\w.-]+){1,15})$/i, "a parameter's name").max(1011).optional(),
  healthCheckCommand: z6.array(z6.string().min(1)).min(1).default(["ztunnel", "healthcheck"]),
  startTimeoutSeconds: z6.int().min(2).max(120).default(120),
  /** Reserved for ztunnel on EC2 where the task definition has no memory of its own. */
  memoryReservationMiB: z6.int().min(6).default(128),
  /** CPU units of ztunnel's container, as far as the task has them left. */
  cpu: z6.int().nonnegative().default(0),
  /** ztunnel's hard limit, where the task has room for it. */
  memoryMiB: z6.int().min(6).optional(),
  user: z6.string().min(1).optional(),
  readonlyRootFilesystem: z6.boolean().optional(),
  stopTimeoutSeconds: z6.int().min(2).max(120).optional(),
  /** Variables of ztunnel's container. */
  environment: z6.record(z6.string().regex(/^[A-Za-z_]\w*$/, "a variable's name"), z6.string()).refine((variables) => !Object.hasOwn(variables, "BOOTSTRAP_TOKEN"), {
    message: "BOOTSTRAP_TOKEN is the autopilot's: it comes from a secret"
  }).optional(),
  /** For an image of a private registry: a secret, which the execution roles must be allowed to read. */
  repositoryCredentials: z6.strictObject({ credentialsParameter: z6.string().min(1) }).optional(),
  /** CloudWatch log groups by region, for ztunnel in tasks that have no log that it could use. */
  logs: z6.record(regionSchema, z6.string().regex(/^[\w./#-]{1,512}$/, "a log group's name")).optional()
});

// shared/config/config.ts
var roleArn = z7.string().regex(/^arn:aws[\w-]*:iam::\d{12}:role\/[\w+=,.@/-]+$/, "the ARN of an IAM role");
var accountSchema = z7.strictObject({
  /** The role that istiod assumes in this account: the same entry as in istiod's Helm values. */
  role: roleArn,
  /** Domain of the services' default hostname. */
  domain: z7.string().regex(/^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/, "a DNS domain"),
  /** Target regions; none means the home region. */
  regions: z7.array(regionSchema).default([])
});
var controlPlaneSchema = z7.strictObject({
  name: z7.string().regex(/^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$/, "lower-case letters, digits and hyphens"),
  eks: z7.strictObject({ cluster: z7.string().min(1), region: regionSchema, account: accountIdSchema }).optional(),
  /** Name or ARN of a secret in the home region that holds a kubeconfig. */
  kubeconfigSecret: z7.string().min(1).optional(),
  serves: z7.array(z7.strictObject({ account: accountIdSchema, regions: z7.array(regionSchema).min(1) })).min(1)
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
var policySchema = z7.strictObject({
  /** A user's deployment in flight: inject at once, or let it complete first. */
  inFlight: z7.enum(["replace", "wait"]).default("replace"),
  /** A deployment that has not completed by then is reverted. */
  deploymentDeadlineMinutes: z7.number().min(1).max(1440).default(30),
  /** Without an event, the deployment is polled after this long. */
  pollIntervalMinutes: z7.number().min(1).max(60).default(5),
  /** How many stopped tasks of the new revision mean that it failed. */
  failedTasksLimit: z7.int().min(1).default(3),
  /** How long the mesh may take to discover the new tasks. */
  verifyDeadlineMinutes: z7.number().min(1).max(120).default(10),
  /**
   * What proves that a task is in the mesh: its WorkloadEntry with our service account and HBONE; or, for an istiod
   * that writes these in another way, the entry alone.
   */
  verify: z7.enum(["strict", "name-only"]).default("strict"),
  /** The wait before the second, third … attempt with the same attempt key; the last one repeats. */
  attemptDelaysMinutes: z7.array(z7.number().min(1).max(MAX_DELAY_MINUTES)).min(1).default([15, 60, 360, 1440]),
  /** Less than this left for ztunnel is a warning. */
  minHeadroom: z7.strictObject({ cpuUnits: z7.number().nonnegative(), memoryMiB: z7.number().nonnegative() }).default({ cpuUnits: 64, memoryMiB: 128 }),
  /** A service whose names Kubernetes can't hold: refuse it, or enroll it with a warning. */
  nameRules: z7.enum(["refuse", "warn"]).default("refuse"),
  /** EKS's own annotation of a service account, which istiod reads too: another role there is a conflict or not. */
  eksRoleAnnotation: z7.enum(["conflict", "ignore"]).default("conflict"),
  /** One role on two service accounts, whose certificates carry both names: refuse, or enroll with a warning. */
  sharedRoles: z7.enum(["refuse", "warn"]).default("refuse"),
  /** Enroll also services whose task definition family others use, who then get revisions with its identity. */
  sharedFamilies: z7.boolean().default(false),
  /** Put existing namespaces into the mesh, too, instead of refusing services that name one outside of it. */
  labelNamespaces: z7.boolean().default(false),
  /** An identity that no service has had for this long is unbound, and its secrets are scheduled for deletion. */
  identityGraceDays: z7.number().min(1).max(365).default(7),
  /** A ztunnel image of a newer minor version than istiod: refuse it, or take it with a warning. */
  versionSkew: z7.enum(["refuse", "warn"]).default("refuse"),
  /** After more changes of one value of the fleet within an hour, two writers change it: nothing is rolled out. */
  maxChangesPerHour: z7.int().positive().max(60).default(3),
  maxUnenrollPerSweep: z7.int().nonnegative().default(5),
  /** One sweep starts at most this many enrollments and updates; the next ones follow. */
  maxRollsPerSweep: z7.int().positive().default(50),
  /** Tasks carry the service's tags, as istiod reads them there. */
  propagateTags: z7.boolean().default(true),
  /** Tags that tasks start with have changed: deploy the service, tag its tasks, or leave it to a deployment. */
  taskTags: z7.enum(["deploy", "tag", "next-deployment"]).default("deploy"),
  /** Waves, budget and pace of a rollout. */
  rollout: rolloutPolicySchema.prefault({}),
  /** A lease that was not released expires after this long. The default is longer than the longest roll. */
  leaseMinutes: z7.number().min(1).max(MAX_LEASE_MINUTES).optional()
}).transform((policy) => ({
  ...policy,
  leaseMinutes: policy.leaseMinutes ?? Math.max(120, longestRollMinutes(policy) + 30)
}));
var configSchema = z7.strictObject({
  name: z7.string().regex(/^[a-z][a-z0-9-]{0,30}$/).default(DEFAULT_NAME),
  homeRegion: regionSchema,
  homeAccount: accountIdSchema,
  accounts: z7.array(accountSchema).min(1),
  /** The role that the autopilot assumes in every account but the home account. */
  memberRoleName: z7.string().regex(/^[\w+=,.@/-]+$/).default(`${DEFAULT_NAME}-member`),
  /**
   * Roles of the home account whose holders run the operator's command: in the other accounts they may take on a role
   * that only reads, called as the member role with `-read` behind.
   */
  operatorRoles: z7.array(roleArn).default([]),
  /**
   * Names of the task and execution roles that registered task definitions may have, with their path and with `*` for
   * any rest: `ecs/*`. The default allows every role that ECS tasks can take on at all: narrow it.
   */
  passRoles: z7.array(z7.string().regex(/^[\w+=,.@/*-]+$/, "a role's name, with its path and * where anything may stand")).min(1).default(["*"]),
  /** Functions that talk to a control plane run here: for Kubernetes APIs with private endpoints. */
  vpc: z7.strictObject({
    subnetIds: z7.array(z7.string().regex(/^subnet-[0-9a-f]+$/, "a subnet's id")).min(1).max(16),
    securityGroupIds: z7.array(z7.string().regex(/^sg-[0-9a-f]+$/, "a security group's id")).min(1).max(5)
  }).optional(),
  controlPlanes: z7.array(controlPlaneSchema).min(1),
  ztunnel: ztunnelSchema,
  /**
   * A secret in the home region that holds the mesh's root CA: a new version makes the autopilot read the mesh facts at
   * once.
   */
  rootCaSecret: z7.string().min(1).optional(),
  /**
   * Kubernetes namespaces that a tag may name; `*` at the end stands for any rest. A person who may tag a service may
   * bind a service account there. `kube-` and `istio-` namespaces other than `istio-system` are never allowed.
   */
  allowedNamespaces: z7.array(
    z7.string().min(1).refine((pattern2) => !isSystemNamespace(pattern2), "no namespace of Kubernetes or Istio but istio-system")
  ).min(1),
  /** Whose credentials prove the workload's identity. Containers can only use the task role's. */
  identityRole: z7.enum(["task", "execution"]).default("task"),
  /** The key of the enroll tag alone. Default: `enroll` behind the stage's prefix. */
  enrollTagKey: z7.string().min(1).max(128).optional(),
  policy: policySchema.prefault({}),
  slack: z7.strictObject({
    /** Secret in the home region: `{"token": "xoxb-…"}` or `{"webhookUrl": "https://hooks.slack.com/…"}`. */
    secretName: z7.string().min(1),
    channel: z7.string().min(1)
  })
});

// shared/model/rollout.ts
var rolloutKinds = ["rotate", "endpoint", "upgrade", "reconfigure", "unenroll"];
var requestedKinds = rolloutKinds.filter((kind) => kind !== "endpoint");
var pattern = z8.string().min(1).max(255);
var scopeSchema = z8.lazy(
  () => z8.strictObject({
    controlPlane: z8.string().min(1).optional(),
    accounts: z8.array(z8.string().regex(/^\d{12}$/)).min(1).optional(),
    regions: z8.array(pattern).min(1).optional(),
    /** Cluster names or ARNs. */
    clusters: z8.array(pattern).min(1).optional(),
    /** Service names or ARNs. */
    services: z8.array(pattern).min(1).optional()
  })
);
var { shape: policyShape } = rolloutPolicySchema;
var overridesSchema = z8.lazy(
  () => z8.strictObject({
    canaryCount: policyShape.canaryCount.unwrap().optional(),
    waves: policyShape.waves.unwrap().optional(),
    regionsTogether: z8.boolean().optional(),
    concurrency: policyShape.concurrency.unwrap().optional(),
    bakeMinutes: policyShape.bakeMinutes.unwrap().optional(),
    approveAfterCanary: z8.boolean().optional(),
    failureBudget: policyShape.failureBudget.unwrap().optional(),
    /** Go on although a freeze window is open. Recorded with who asked for it. */
    ignoreFreeze: z8.boolean().optional()
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
var laneSchema = z8.strictObject({
  account: z8.string(),
  region: z8.string(),
  first: z8.int().nonnegative(),
  last: z8.int().nonnegative()
});
var waveSchema = z8.lazy(
  () => z8.strictObject({
    /** `canary`, or the region and the share: `eu-west-1 50%`. */
    name: z8.string(),
    canary: z8.boolean().default(false),
    /** The canaries of the rollout's own choice; the others of the wave asked for it by their tags. */
    chosenOrdinals: z8.array(z8.int().nonnegative()).optional(),
    /** Ordinals of a wave's services are contiguous, those of a lane too. */
    lanes: z8.array(laneSchema),
    state: z8.enum(["waiting", "rolling", "baking", "done", "rolling-back", "rolled-back"]).default("waiting"),
    startedAt: z8.iso.datetime().optional(),
    finishedAt: z8.iso.datetime().optional()
  })
);
var rolloutIdSchema = z8.string().regex(/^[a-z][a-z0-9-]{2,59}$/, "a rollout's id");
var rolloutSchema = z8.lazy(
  () => z8.strictObject({
    shape: z8.literal(1),
    id: rolloutIdSchema,
    /** Rises with every write. */
    version: z8.int().nonnegative(),
    kind: z8.enum(rolloutKinds),
    scope: scopeSchema,
    /** The change that asked for it, or the operator's words. */
    why: z8.string().max(500),
    requestedBy: z8.string().max(200),
    requestedAt: z8.iso.datetime(),
    overrides: overridesSchema.default({}),
    /** Somebody's tasks are cut off: the policy's emergency pace holds, where there is one. */
    emergency: z8.boolean().default(false),
    /** The rollout of the same emergency that came first: this one is quiet, people are reminded once a day. */
    repeats: rolloutIdSchema.optional(),
    /** What it gives to services. `factsId`: the mesh facts' generation of the control plane. */
    target: z8.strictObject({
      image: imageSchema.optional(),
      controlPlane: z8.string().optional(),
      factsId: z8.string().optional(),
      settings: z8.string().optional()
    }),
    /** What had been released before: a completed rollout can be rolled back to it. */
    before: z8.strictObject({ image: imageSchema.optional(), factsId: z8.string().optional(), settings: z8.string().optional() }).default({}),
    status: z8.enum(rolloutStatuses),
    /** Why it is refused, held, rolled back or failed. */
    reason: z8.strictObject({ code: z8.string(), detail: z8.string() }).optional(),
    /** An operator's request that the next step has not acted on yet. */
    control: z8.strictObject({ action: z8.enum(["pause", "abort", "rollback"]), by: z8.string(), at: z8.iso.datetime() }).optional(),
    /** When the wish that started it moved on: a newer rollout goes on where it stops. `reason` says why. */
    supersededAt: z8.iso.datetime().optional(),
    /** Its turn went to a more urgent one while it was on hold: it starts nothing until its turn comes again. */
    parked: z8.boolean().optional(),
    /** It took over the services of a rollout that stopped so: not all of them had what was released before. */
    takesOver: z8.boolean().optional(),
    approved: z8.strictObject({ by: z8.string(), at: z8.iso.datetime() }).optional(),
    /** Operator's words on what they did, the oldest first. */
    journal: z8.array(z8.strictObject({ at: z8.iso.datetime(), by: z8.string(), did: z8.string() })).default([]),
    waves: z8.array(waveSchema).default([]),
    /** The wave that is next or under way. */
    nextWaveIndex: z8.int().nonnegative().default(0),
    serviceCount: z8.int().nonnegative().default(0),
    /** Ordinals of services that failed, and of those that could not be rolled back. */
    failedOrdinals: z8.array(z8.int().nonnegative()).default([]),
    stuckOrdinals: z8.array(z8.int().nonnegative()).default([]),
    /** Since when it is on hold, and when people were reminded of that last. */
    heldSince: z8.iso.datetime().optional(),
    remindedAt: z8.iso.datetime().optional(),
    /** When a hold ends by itself, epoch milliseconds. */
    holdUntilMs: z8.int().nonnegative().optional(),
    /** Step Functions' token of the hold. Never shown. */
    holdToken: z8.string().optional(),
    /** Tokens of other tries to hold: any of them may be the one that is waited for. */
    otherHoldTokens: z8.array(z8.string()).optional(),
    /** Name of the RollFleet execution that carries it, and how many there were. */
    executionName: z8.string().optional(),
    executionCount: z8.int().nonnegative().default(0),
    /** How often its first step was tried. The last try alone writes its services and its waves. */
    startTryCount: z8.int().nonnegative().default(0),
    startedAt: z8.iso.datetime().optional(),
    finishedAt: z8.iso.datetime().optional(),
    /** Its one Slack message; `claimedUntilMs` while a function is posting it. */
    slack: z8.strictObject({
      channel: z8.string().optional(),
      ts: z8.string().optional(),
      claimedUntilMs: z8.int().nonnegative().optional(),
      /** The status that the message shows, and a hash of its content: equal content is not sent again. */
      shown: z8.string().optional(),
      /** Events that its thread has already: a duplicate event is posted once. */
      notified: z8.array(z8.string()).optional()
    }).optional(),
    /** When DynamoDB may delete it, epoch seconds: the table's attribute for the time to live. */
    expiresAt: z8.int().positive()
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
var assignedImageSchema = z8.strictObject({ image: imageSchema, assignedAtMs: z8.int().nonnegative() });
var rolloutServiceSchema = z8.lazy(
  () => z8.strictObject({
    shape: z8.literal(1),
    rolloutId: rolloutIdSchema,
    /** Its place in the rollout: services of a wave, and in it of a lane, are neighbors. */
    ordinal: z8.int().nonnegative(),
    serviceArn: z8.string().min(1),
    waveIndex: z8.int().nonnegative(),
    /** The try of the rollout's first step that has written it. */
    startTry: z8.int().nonnegative().default(0),
    status: z8.enum(rolloutServiceStatuses).default("waiting"),
    /** CloudWatch alarms that its tag names. */
    alarms: z8.array(z8.string()).optional(),
    /** Why it did not run well before the rollout, in words: its failure does not count. */
    unfit: z8.string().optional(),
    /** Its own tag names its image: a roll that fails by that is its owner's. */
    ownImage: z8.boolean().optional(),
    /** The RollService execution that rolls it, or rolls it back. */
    executionName: z8.string().optional(),
    /** How often a roll was started for it. */
    tryCount: z8.int().nonnegative().default(0),
    /** The pinned revision that a rollback returns it to, and the revision that it was given. */
    fromRevisionArn: z8.string().optional(),
    toRevisionArn: z8.string().optional(),
    /** The image that it had been given by an earlier rollout; null: none. */
    imageBefore: assignedImageSchema.nullable().optional(),
    /** A failure's code or a refusal's reason, and its words. */
    reason: z8.string().optional(),
    detail: z8.string().optional(),
    startedAt: z8.iso.datetime().optional(),
    finishedAt: z8.iso.datetime().optional(),
    durationSeconds: z8.number().nonnegative().optional(),
    expiresAt: z8.int().positive()
  })
);
var fleetSightingSchema = z8.strictObject({
  value: z8.string(),
  /** It and the one before it, for people. */
  shown: z8.string(),
  shownBefore: z8.string().optional(),
  /** The changes of the last hour, epoch milliseconds. */
  changedAtMs: z8.array(z8.int().nonnegative()),
  /** Two writers change it in turns: nothing is rolled out until they rest. */
  contestedSince: z8.iso.datetime().optional()
});
var fleetStateSchema = z8.strictObject({
  shape: z8.literal(1),
  /** Rises with every write. */
  version: z8.int().nonnegative(),
  /** The image that a service gets which no rollout has given one since. Absent until first seen. */
  image: assignedImageSchema.optional(),
  /** Hash of the sidecar settings that every service should have by now. */
  settings: z8.string().optional(),
  /** What a rollout was asked for already, so that the same change starts no second one. */
  requestedFor: z8.strictObject({
    image: z8.string().optional(),
    settings: z8.string().optional(),
    /** The parameter that a value was read from: that it is gone does not mean that its value is not wanted. */
    imageParameter: z8.string().optional(),
    /** Generation of the mesh facts by control plane. */
    factsIds: z8.record(z8.string(), z8.string()).default({}),
    /** How many changes were seen. Part of the next rollout's id, since a value may return. */
    changeCount: z8.int().nonnegative().default(0)
  }).default({ factsIds: {}, changeCount: 0 }),
  /** What the fleet should have, as it was seen last: by `image`, `settings` or `facts` and a control plane. */
  sightings: z8.record(z8.string(), fleetSightingSchema).optional(),
  /** The rollout that unenrolled the whole fleet: no tag enrolls until it is rolled back. */
  unenrolledBy: z8.strictObject({ rolloutId: rolloutIdSchema, at: z8.iso.datetime() }).optional(),
  /** The one rollout that is under way, and those behind it, the next one first. */
  currentRolloutId: rolloutIdSchema.optional(),
  queuedRolloutIds: z8.array(rolloutIdSchema).default([]),
  /** Rollouts that a function is about to queue. After a crash, the next caller that advances the queue queues them. */
  announcedRolloutIds: z8.array(rolloutIdSchema).default([])
});

// shared/model/service-state.ts
import * as z9 from "zod";
var rollOutcomes = [
  "succeeded",
  "unverified",
  "reverted",
  "superseded",
  "revert-failed",
  "failed",
  "refused"
];
var signalSchema = z9.strictObject({
  deploymentId: z9.string().min(1),
  eventName: z9.enum([deploymentEventNames.completed, deploymentEventNames.failed]),
  reason: z9.string()
});
var rollSchema = z9.strictObject({
  executionName: z9.string().min(1),
  /** Lease's end, epoch milliseconds. */
  leaseUntil: z9.int().nonnegative(),
  /** Set before the first call that changes something, so that a retry checks the effects of the earlier attempt. */
  applyStartedAt: z9.iso.datetime().optional(),
  /** The deployment that is waited for, and its revision. */
  deploymentId: z9.string().optional(),
  targetRevisionArn: z9.string().optional(),
  /** The revision that a failed roll reverts to. A deployment of it during the roll is ECS's own rollback. */
  revisionBeforeArn: z9.string().optional(),
  /** The revision that a failed roll returns to: the pinned one, its copy, or a next choice. Set before it is tried. */
  revertRevisionArn: z9.string().optional(),
  /** The secret version that it pins, if it pins one. */
  revertSecret: z9.string().optional(),
  /** Which of the choices it is. */
  revertChoice: z9.string().optional(),
  /** The choices whose deployments failed, too. */
  failedChoices: z9.array(z9.string()).optional(),
  /** The tags that this roll has put on the service, and the service's `propagateTags` before it. */
  addedTagKeys: z9.array(z9.string()).optional(),
  propagateTagsBefore: z9.string().optional(),
  taskToken: z9.string().optional(),
  signal: signalSchema.optional()
});
var heldSchema = z9.strictObject({
  namespace: z9.string(),
  serviceAccount: z9.string(),
  /** The role that the service account is bound to. */
  roleArn: z9.string(),
  /** The secret of its token, and the role that reads it. */
  secretName: z9.string(),
  executionRoleArn: z9.string()
});
var stopsSchema = z9.strictObject({
  revisionArn: z9.string(),
  count: z9.int().positive(),
  sinceMs: z9.int().nonnegative(),
  lastMs: z9.int().nonnegative(),
  /** Why the last one died. */
  code: z9.string(),
  sentence: z9.string(),
  /** The tasks that were counted last, so that none counts twice. */
  taskIds: z9.array(z9.string())
});
var sharedFamilySchema = z9.strictObject({
  family: z9.string(),
  /** Some of the other services whose current revision is of the family, as `cluster/service`. */
  services: z9.array(z9.string()).default([]),
  /** A revision that somebody else has registered after the one that the service ran. */
  newer: z9.string().optional()
});
var registeredSchema = z9.strictObject({ contentHash: z9.string(), taskDefinitionArn: z9.string() });
var correctionsSchema = z9.strictObject({
  /** What was deployed, as a hash. */
  content: z9.string(),
  /** Epoch milliseconds, those of an hour. */
  atMs: z9.array(z9.int().nonnegative()),
  /** Another controller puts the content back: how many waits there were, and the end of the last one. */
  waits: z9.int().nonnegative(),
  untilMs: z9.int().nonnegative().optional()
});
var serviceStateSchema = z9.strictObject({
  shape: z9.literal(1),
  serviceArn: z9.string().min(1),
  /** When ECS created the service, epoch milliseconds: one of the same name that is created later is another one. */
  createdAtMs: z9.int().nonnegative().optional(),
  /** True once the autopilot has put (or found) its sidecar; false after unenrolling. */
  enrolled: z9.boolean().default(false),
  /** Number of the next roll: rises when one ends. Part of the execution's name. */
  attemptNumber: z9.int().nonnegative().default(0),
  /** What the failed rolls tried: observed revision and desired content, hashed. */
  failedAttemptKey: z9.string().optional(),
  consecutiveFailures: z9.int().nonnegative().default(0),
  /** The same situation is not tried again before this time, epoch milliseconds. */
  notBefore: z9.int().nonnegative().optional(),
  roll: rollSchema.optional(),
  lastGoodRevisionArn: z9.string().optional(),
  /** The secret version that it pins. Absent where it pins none, or where that was not recorded. */
  lastGoodSecret: z9.string().optional(),
  /** The image of the sidecar that the last good revision in the mesh has. Absent where that was not recorded. */
  lastGoodImage: z9.string().optional(),
  /**
   * A revision that was deployed while the service ran no task, and the revision to return to if its first tasks fail.
   * They are verified once there are any.
   */
  unverified: z9.strictObject({
    revisionArn: z9.string(),
    pinnedRevisionArn: z9.string(),
    pinnedSecret: z9.string().nullable(),
    /** The content that its roll brought, as a hash. Absent where an earlier version deployed it. */
    content: z9.string().optional()
  }).optional(),
  /** Secret versions that the running and the last good revision pin: `secret-arn:::version-id`. */
  secretsInUse: z9.array(z9.string()).default([]),
  /**
   * What its revisions hold outside of their task definitions, the latest last. It is recorded before it is given.
   * Absent where an earlier version enrolled the service and no sweep has seen it since.
   */
  held: z9.array(heldSchema).optional(),
  lastOutcome: z9.strictObject({
    outcome: z9.enum(rollOutcomes),
    reason: z9.string(),
    executionName: z9.string(),
    at: z9.iso.datetime()
  }).optional(),
  /** Its last change could not be reverted: since when, and why. What ends without a change leaves it so. */
  stranded: z9.strictObject({ since: z9.iso.datetime(), reason: z9.string() }).optional(),
  /** The refusals that were notified last, so that each is notified once. */
  notifiedRefusals: z9.string().optional(),
  notifiedWarnings: z9.string().optional(),
  /** The series of deaths, or the day without anybody's action, that was notified last. */
  notifiedUnhealthy: z9.string().optional(),
  /** The content that another controller puts back, which was notified last. */
  notifiedContested: z9.string().optional(),
  corrections: correctionsSchema.optional(),
  stops: stopsSchema.optional(),
  /** The rollout that has given it its revision: tasks that die are that rollout's failures while it runs. */
  rolledBy: z9.strictObject({ id: z9.string(), ordinal: z9.int().nonnegative() }).optional(),
  /** What somebody is about to notify people of: nobody else does the same until then, epoch milliseconds. */
  notice: z9.strictObject({ member: z9.string(), text: z9.string(), by: z9.string().optional(), untilMs: z9.int().nonnegative() }).optional(),
  /** Something asked for a reconcile while a roll held the lease: the end of the roll leads to one. */
  recheckRequested: z9.literal(true).optional(),
  /** Tags that istiod reads and that the autopilot has added: unenrolling takes them away. */
  addedTagKeys: z9.array(z9.string()).default([]),
  /** The service's `propagateTags` before its enrollment has set it: unenrolling gives it back. */
  propagateTagsBefore: z9.string().optional(),
  /** Its tasks were read and carry the tags of this `taskTagsMark`. */
  taskTags: z9.string().optional(),
  /** What the last deployment for the tasks' tags was to bring (`taskTagsKey`), until tasks are read that carry it. */
  taskTagsTried: z9.string().optional(),
  /** When a sweep last found that somebody had changed the tags of running tasks themselves, epoch milliseconds. */
  taskTagsChangedMs: z9.int().nonnegative().optional(),
  /** As sweeps have found it. Absent where nobody else uses the family. */
  sharedFamily: sharedFamilySchema.optional(),
  /** The value of the ports tag that the autopilot has added: another one is somebody else's. */
  givenPorts: z9.string().optional(),
  /** The image that a rollout has given it. Counts until the whole fleet is given one later. */
  image: assignedImageSchema.optional(),
  /** A revision that was registered for a content: registering it again is not needed. */
  registered: registeredSchema.optional(),
  /** The one before it, for tags that alternate. */
  registeredBefore: registeredSchema.optional(),
  /** When rolls were started for other wishes, within an hour: epoch milliseconds, the oldest first. */
  wishRolls: z9.array(z9.int().nonnegative()).optional()
});

// shared/gateways/ledger/ledger-items.ts
var STATE = "STATE";
var META = "META";
var SERVICE_PREFIX = "SERVICE#";
var ROLLOUT_PREFIX = "ROLLOUT#";
var CLAIM_PREFIX = "CLAIM#";
function serviceKey(serviceArn) {
  return { pk: `${SERVICE_PREFIX}${serviceArn}`, sk: STATE };
}
function meshKey(controlPlane) {
  return { pk: `MESH#${controlPlane}`, sk: "FACTS" };
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
var paceStateSchema = z10.strictObject({ tatMs: z10.number() });
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
var keySchema = z10.object({ pk: z10.string().default("?"), sk: z10.string().default("?") });
function readLasting(schema, item) {
  const { expiresAt: _, ...lasting } = item;
  return read(schema, lasting);
}
function read(schema, item) {
  const { pk, sk, ...content } = item;
  const parsed = schema.safeParse(content);
  if (parsed.success) return parsed.data;
  const key = keySchema.safeParse({ pk, sk }).data;
  const wrong = parsed.error.issues.map(({ path, message }) => `${path.join(".") || "item"}: ${message}`).join("; ");
  throw new AutopilotError("ledger-item-unreadable", `${key?.pk} / ${key?.sk}: ${wrong}`, { cause: parsed.error });
}

// shared/use-cases/roll/steps.ts
import * as z12 from "zod";

// shared/rollout/steps.ts
import * as z11 from "zod";
var rollout = { rolloutId: rolloutIdSchema };
var phaseSchema = z11.enum(["forward", "rollback"]);
var startInput = z11.object(rollout);
var nextWaveInput = z11.object({ ...rollout, executionName: z11.string().min(1), passes: z11.int().nonnegative() });
var nextWaveSchema = z11.object({
  do: z11.enum(["roll", "hold", "continue", "finish", "end"]),
  phase: phaseSchema,
  wave: z11.int().nonnegative(),
  /** `concurrency` 0: as many as start. */
  lanes: z11.array(z11.object({ ...laneSchema.shape, concurrency: z11.int().nonnegative() })),
  holdSeconds: z11.int().positive(),
  /** The execution that goes on where this one ends. */
  executionName: z11.string()
});
var takeInput = z11.object({
  ...rollout,
  phase: phaseSchema,
  ordinal: z11.int().nonnegative(),
  /** The execution of its last try has ended. */
  retake: z11.boolean().default(false)
});
var takenSchema = z11.object({
  do: z11.enum(["roll", "skip"]),
  /** When AWS's quotas let its roll start. */
  waitSeconds: z11.int().nonnegative(),
  executionName: z11.string(),
  serviceArn: z11.string()
});
var holdInput = z11.object({ ...rollout, taskToken: z11.string().min(1) });
var laneFailureSchema = z11.object({
  error: z11.string(),
  cause: z11.string(),
  lane: z11.object({ first: z11.int(), last: z11.int() }).optional()
});
var assessInput = z11.object({
  ...rollout,
  phase: phaseSchema,
  wave: z11.int().nonnegative(),
  after: z11.enum(["roll", "bake"]),
  /** None in an execution of an earlier version. */
  laneFailures: z11.array(laneFailureSchema).default([])
});
var assessedSchema = z11.object({ bakeSeconds: z11.int().nonnegative() });
var finishRolloutInput = z11.object({
  ...rollout,
  failure: z11.object({ error: z11.string(), cause: z11.string() }).nullable()
});
var rollOrderSchema = z11.object({ id: rolloutIdSchema, ordinal: z11.int().nonnegative(), phase: phaseSchema });

// shared/use-cases/roll/steps.ts
var driftKeys = driftReasonNames;
var changeSchema = z12.enum(["enroll", "update", "unenroll", "rollback", "verify"]);
var refusalSchema = z12.object({ reason: z12.string(), detail: z12.string() });
var planSchema = z12.discriminatedUnion("action", [
  z12.object({
    action: z12.literal("apply"),
    outcome: z12.literal("planned"),
    change: changeSchema,
    drift: z12.array(z12.string().refine((key) => driftKeys.includes(key), "a drift reason")),
    observedRevisionArn: z12.string(),
    /** The revision that a failed roll reverts to. */
    pinnedRevisionArn: z12.string(),
    /** The secret version that the pinned revision starts from, if it has one. */
    pinnedSecret: z12.string().nullable().default(null),
    /** When the service was created that this plan is for; null where that is not known. */
    serviceCreatedAtMs: z12.int().nullable().default(null),
    /** What it is to bring to the tags of tasks, where that is why it deploys. */
    taskTagsTried: z12.string().nullable().default(null),
    /** The cluster's tags that decisions depend on, so that the next step need not read them again. */
    clusterTags: z12.record(z12.string(), z12.string()),
    /**
     * The workload's Kubernetes namespace and service account, and its ztunnel's image; null when it leaves the mesh.
     */
    namespace: z12.string().nullable(),
    serviceAccount: z12.string().nullable(),
    image: z12.string().nullable(),
    /** The ports tag that a rollback gives the service where it has none; null where it needs none. */
    ports: z12.string().nullable().default(null),
    /** An update whose service account is bound to its role already: namespace and binding stay as they are. */
    isBound: z12.boolean().default(false),
    /** Why the service goes on with the identity that it runs with, instead of the one that its tags ask for. */
    identityConflict: z12.string().nullable().default(null),
    startedAtMs: z12.int(),
    /** What failed attempts at this change are counted under. */
    attemptKey: z12.string(),
    /** The content that the roll brings or verifies, as a hash; null where there is none, or by an older plan. */
    content: z12.string().nullable().default(null),
    /** What its rollout brings to the service beside the newest mesh facts; null: it belongs to none. */
    rollout: z12.object({ image: z12.string().nullable(), leave: z12.boolean() }).nullable().default(null)
  }),
  z12.object({
    action: z12.literal("finish"),
    outcome: z12.enum(["superseded", "refused"]),
    reason: z12.string(),
    refusals: z12.array(refusalSchema).default([])
  })
]);
var watchSchema = z12.object({
  deploymentId: z12.string(),
  targetRevisionArn: z12.string(),
  /** ECS's circuit breaker returns to this revision; null where the watched deployment itself is a revert. */
  revisionBeforeArn: z12.string().nullable(),
  deadlineMs: z12.int(),
  pollIntervalSeconds: z12.int().positive(),
  desiredCount: z12.int().nonnegative(),
  /** Where the mesh must know the tasks; null when they leave the mesh. */
  namespace: z12.string().nullable(),
  /** As whom the mesh must know them. */
  serviceAccount: z12.string().nullable().default(null),
  /** The secret version that the target revision pins, if it has one. */
  secretInUse: z12.string().nullable()
});
var endedSchema = z12.object({
  verdict: z12.enum(["succeeded", "failed", "superseded"]),
  code: z12.string().nullable(),
  detail: z12.string()
});
var failureSchema = z12.union([z12.object({ error: z12.string(), cause: z12.string() }), endedSchema]);
var lambdaErrorSchema = z12.object({ errorMessage: z12.string() });
function failureOf(failure) {
  if (failure === null) return { code: "unexpected-error", detail: "" };
  if ("verdict" in failure) return { code: failure.code ?? "unexpected-error", detail: failure.detail };
  const message = lambdaMessage(failure.cause) ?? failure.cause;
  const code = failureCodeOf(message);
  if (code === void 0) return { code: "unexpected-error", detail: `${failure.error}: ${message}` };
  return { code, detail: message.slice(code.length + 1).trimStart() };
}
function lambdaMessage(cause) {
  if (!cause.startsWith("{")) return void 0;
  try {
    return lambdaErrorSchema.safeParse(JSON.parse(cause)).data?.errorMessage;
  } catch {
    return void 0;
  }
}
var step = { serviceArn: serviceArnSchema, executionName: z12.string().min(1).max(80) };
var causeSchema = z12.object({ code: z12.string(), sentence: z12.string(), failedReturns: z12.array(z12.string()).optional() }).transform(({ failedReturns, ...cause }) => ({ ...cause, ...failedReturns && { failedReturns } }));
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
var planInput = z12.object({ ...step, rollout: rollout2 });
var applyInput = z12.object({ ...step, plan: planSchema });
var awaitInput = z12.object({ ...step, taskToken: z12.string().min(1), watch: watchSchema, pollCount: z12.int() });
var verifyInput = z12.object({ ...step, plan: planSchema, watch: watchSchema, since: z12.iso.datetime() });
var revertInput = z12.object({
  ...step,
  plan: planSchema,
  watch: watchSchema.nullable(),
  failure: failureSchema.nullable(),
  /** Set where the service was returned, and the deployment of that failed: why the roll had failed. */
  cause: causeSchema.nullable().default(null)
});
var finishInput = z12.object({
  ...step,
  /** What a failure is counted under, by what was observed when the roll was started. */
  attemptKey: z12.string(),
  rollout: rollout2,
  plan: planSchema.nullable(),
  watch: watchSchema.nullable(),
  outcome: z12.string(),
  failure: failureSchema.nullable(),
  /** The failure of the roll itself, where its revert failed before it could say so. */
  firstFailure: failureSchema.nullable().default(null),
  cause: causeSchema.nullable()
});
export {
  CLAIM_PREFIX,
  MAX_ORDINAL,
  META,
  ROLLOUT_PREFIX,
  SERVICE_PREFIX,
  STATE,
  applyInput,
  assessInput,
  assessedSchema,
  awaitInput,
  causeInWords,
  causeSchema,
  changeSchema,
  channelKey,
  claimKey,
  endedSchema,
  failedOf,
  failureOf,
  failureSchema,
  finishInput,
  finishRolloutInput,
  fleetKey,
  holdInput,
  meshKey,
  nextWaveInput,
  nextWaveSchema,
  paceKey,
  phaseSchema,
  planInput,
  planSchema,
  readChannel,
  readClaim,
  readFleet,
  readMesh,
  readPace,
  readRollout,
  readRolloutService,
  readService,
  revertInput,
  rollOrderSchema,
  rolloutKey,
  rolloutServiceKey,
  saysFailedOf,
  serviceKey,
  startInput,
  storedCopy,
  takeInput,
  takenSchema,
  unlessUnreadable,
  verifyInput,
  watchSchema
};
