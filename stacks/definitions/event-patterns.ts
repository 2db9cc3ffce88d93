import type { EventPattern, PatternNode } from "./event-pattern.ts";
import { apiCall, tagChange } from "./tag-patterns.ts";

/** The names of the bus and of who writes to it. AWS's own events come from `aws.*`. */
export const busName = "ztunnel-autopilot";
export const sources = { autopilot: "ztunnel-autopilot", operator: "ztunnel-autopilot.operator" } as const;

/** A rule on the default bus of every target account and region; its one target is the home bus. */
export interface ForwardedRule {
  readonly name: string;
  readonly description: string;
  readonly pattern: EventPattern;
}

/** A rule on the home bus; its targets are functions, named by their file below `functions/`. */
export interface HomeRule extends ForwardedRule {
  readonly functions: readonly string[];
}

/** A function that runs by the clock. */
export interface Schedule {
  readonly name: string;
  readonly functionName: string;
  readonly everyMinutes: number;
}

export interface EventPatternOptions {
  /** Operators speak from this account alone. */
  readonly homeAccount: string;
  /** The key of the tag that enrolls a service. */
  readonly enrollTagKey: string;
  /** The SSM parameter that holds the fleet's image. Without it there is no rule for it. */
  readonly imageParameterName?: string;
  /** Name or ARN of the secret that holds the mesh's root CA. Without it there is no rule for it. */
  readonly rootCaSecret?: string;
  /** What the names of the deployment's own alarms begin with. Without it there is no rule for them. */
  readonly alarmNamePrefix?: string;
}

export interface EventRules {
  readonly forwardedRules: readonly ForwardedRule[];
  readonly homeRules: readonly HomeRule[];
}

const deployment = { source: ["aws.ecs"], "detail-type": ["ECS Deployment State Change"] };

/** Tasks say what stopped them only in this event: DescribeTasks forgets a stopped task after an hour. */
const stoppedMeshDetail: EventPattern = {
  lastStatus: ["STOPPED"],
  group: [{ prefix: "service:" }],
  containers: { name: ["ztunnel"] },
};
const stoppedMeshTask: EventPattern = {
  source: ["aws.ecs"],
  "detail-type": ["ECS Task State Change"],
  detail: stoppedMeshDetail,
};

/** Every deployment and every scale-in stops tasks too: those say nothing of the service. */
const failedMeshTask: EventPattern = {
  ...stoppedMeshTask,
  detail: { ...stoppedMeshDetail, stopCode: ["TaskFailedToStart", "EssentialContainerExited"] },
};

/** Events of ours after which the tags may ask for something else than what runs: a roll that ended had the lease. */
const endOfRoll = ["Service Enrolled", "Service Unenrolled", "Service Roll Failed", "Drift Corrected"];
/** Rollouts bring these by the thousand: only where something called for a look meanwhile is there anything to see. */
const endOfUpdate: EventPattern = { "detail-type": ["Service Updated"], detail: { recheckRequested: [true] } };

/** What the message of a rollout counts: it is told one by one only where no rollout brought it. */
const countedInRollouts = [
  "Service Enrolled",
  "Service Updated",
  "Service Unenrolled",
  "Drift Corrected",
  "Service Roll Superseded",
];
const forPeople = [
  "Service Roll Failed",
  "Service Refused",
  "Service Warned",
  "Root CA Changed",
  "Root CA Retirable",
  "Root CA Expiring",
  "Rollout Refused",
];
/** A rollout has one message, which these bring up to date. */
const rolloutNews = [
  "Rollout Started",
  "Rollout Wave Completed",
  "Rollout Paused",
  "Rollout Completed",
  "Rollout Rolled Back",
];

/**
 * The rules of a deployment. Each pattern has at most 2,048 characters, as EventBridge wants it.
 * What an event says is never trusted: it only names what to look at again.
 */
export function eventPatterns(options: EventPatternOptions): EventRules {
  const tagChanged = tagChange(options.enrollTagKey);
  const apiCalled = apiCall(options.enrollTagKey);
  // Whose event it is, EventBridge says itself: PutEvents takes no account.
  const operator = { source: [sources.operator], account: [options.homeAccount] };
  const homeRules: HomeRule[] = [
    {
      name: "deployment-started-or-completed",
      description: "A deployment of a service, its first one too: it may lack the sidecar.",
      pattern: {
        ...deployment,
        detail: { eventName: ["SERVICE_DEPLOYMENT_IN_PROGRESS", "SERVICE_DEPLOYMENT_COMPLETED"] },
      },
      functions: ["reconcile-service"],
    },
    {
      name: "deployment-changed",
      description: "A roll may wait for this deployment.",
      pattern: {
        ...deployment,
        detail: {
          eventName: ["SERVICE_DEPLOYMENT_IN_PROGRESS", "SERVICE_DEPLOYMENT_COMPLETED", "SERVICE_DEPLOYMENT_FAILED"],
        },
      },
      functions: ["signal-deployment"],
    },
    {
      name: "mesh-task-stopped",
      description: "A task with a ztunnel stopped: a roll may be failing.",
      pattern: stoppedMeshTask,
      functions: ["signal-deployment"],
    },
    {
      name: "mesh-task-failed",
      description: "A task with a ztunnel failed by itself: its service may need another look.",
      pattern: failedMeshTask,
      functions: ["reconcile-service"],
    },
    {
      name: "tag-changed",
      description: "A tag of ours changed on a service or a cluster.",
      pattern: tagChanged,
      functions: ["reconcile-service"],
    },
    {
      name: "service-api-called",
      description: "Somebody created, updated or tagged a service (needs a CloudTrail trail).",
      pattern: apiCalled,
      functions: ["reconcile-service"],
    },
    ...imageParameterRules(options.imageParameterName),
    ...rootCaSecretRules(options.rootCaSecret),
    ...alarmRules(options.alarmNamePrefix),
    {
      name: "roll-ended",
      description: "A roll ended: tags that changed meanwhile are looked at now.",
      pattern: { source: [sources.autopilot], $or: [{ "detail-type": endOfRoll }, endOfUpdate] },
      functions: ["reconcile-service"],
    },
    {
      name: "roll-superseded",
      description: "A roll gave way to somebody's deployment, which came while it had the lease.",
      pattern: {
        source: [sources.autopilot],
        "detail-type": ["Service Roll Superseded"],
        detail: { reason: [{ "anything-but": "already-as-desired" }] },
      },
      functions: ["reconcile-service"],
    },
    {
      name: "news-for-people",
      description: "What the operations channel reads.",
      pattern: {
        source: [sources.autopilot],
        $or: [
          { "detail-type": forPeople },
          { "detail-type": countedInRollouts, detail: { rolloutId: [{ exists: false }] } },
        ],
      },
      functions: ["notify-slack"],
    },
    {
      name: "rollout-news",
      description: "A rollout went on: its message in the operations channel is brought up to date.",
      pattern: { source: [sources.autopilot], "detail-type": rolloutNews },
      functions: ["rollout/report"],
    },
    {
      name: "root-ca-changed",
      description: "A control plane has another root CA bundle: a rotation is due.",
      pattern: { source: [sources.autopilot], "detail-type": ["Root CA Changed"] },
      functions: ["rollout/request"],
    },
    {
      name: "rollout-requested",
      description: "An operator requests a rollout.",
      pattern: { ...operator, "detail-type": ["Rollout Requested"] },
      functions: ["rollout/request"],
    },
    {
      name: "rollout-controlled",
      description: "An operator pauses, resumes, approves, aborts or takes back a rollout.",
      pattern: { ...operator, "detail-type": ["Rollout Control"] },
      functions: ["rollout/control"],
    },
    {
      name: "root-ca-rotated",
      description: "A pipeline says that the mesh's root CA was rotated.",
      pattern: { ...operator, "detail-type": ["Root CA Rotated"] },
      functions: ["watch-root-ca"],
    },
  ];
  return { forwardedRules: forwarded(homeRules), homeRules };
}

/** Functions that run by the clock: events can be lost. */
export const schedules: readonly Schedule[] = [
  { name: "sweep-services", functionName: "sweep-services", everyMinutes: 15 },
  { name: "watch-root-ca", functionName: "watch-root-ca", everyMinutes: 5 },
  { name: "request-rollouts", functionName: "rollout/request", everyMinutes: 5 },
  { name: "guard-rollout", functionName: "rollout/guard", everyMinutes: 1 },
  { name: "report-rollouts", functionName: "rollout/report", everyMinutes: 1 },
];

/** Rules whose events a wider rule forwards already: an event must not be forwarded twice. */
const narrowerRules: readonly string[] = ["deployment-started-or-completed", "mesh-task-failed"];

/** AWS's events are forwarded by the very pattern that the home bus's rules have. */
function forwarded(homeRules: readonly HomeRule[]): ForwardedRule[] {
  return homeRules
    .filter(({ name }) => !narrowerRules.includes(name))
    .filter(({ pattern }) => !isOwn(pattern.source))
    .map(({ name, description, pattern }) => ({ name, description, pattern }));
}

function isOwn(source: PatternNode | undefined): boolean {
  return Array.isArray(source) && source.some((name) => name === sources.autopilot || name === sources.operator);
}

function imageParameterRules(name: string | undefined): HomeRule[] {
  if (name === undefined) return [];
  return [
    {
      name: "image-parameter-changed",
      description: "The fleet's ztunnel image changed.",
      pattern: {
        source: ["aws.ssm"],
        "detail-type": ["Parameter Store Change"],
        detail: { name: [name], operation: ["Create", "Update"] },
      },
      functions: ["rollout/request"],
    },
  ];
}

/** https://docs.aws.amazon.com/secretsmanager/latest/userguide/event-detail-secret-label-updated-secretsmanager.html */
function rootCaSecretRules(secret: string | undefined): HomeRule[] {
  if (secret === undefined) return [];
  const isArn = secret.startsWith("arn:");
  return [
    {
      name: "root-ca-secret-changed",
      description: "The secret that holds the mesh's root CA has a new version.",
      pattern: {
        source: ["aws.secretsmanager"],
        "detail-type": ["Secret Label Updated"],
        ...(isArn && { resources: [secret] }),
        detail: { ...(!isArn && { name: [secret] }), labelUpdated: ["AWSCURRENT"] },
      },
      functions: ["watch-root-ca"],
    },
  ];
}

/** A new alarm goes from too little data to OK: that is no news. */
function alarmRules(prefix: string | undefined): HomeRule[] {
  if (prefix === undefined) return [];
  return [
    {
      name: "alarm-changed",
      description: "An alarm of the autopilot went off, or is OK again.",
      pattern: {
        source: ["aws.cloudwatch"],
        "detail-type": ["CloudWatch Alarm State Change"],
        detail: {
          alarmName: [{ prefix }],
          $or: [{ state: { value: ["ALARM"] } }, { state: { value: ["OK"] }, previousState: { value: ["ALARM"] } }],
        },
      },
      functions: ["notify-slack"],
    },
  ];
}
