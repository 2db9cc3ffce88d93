/**
 * Names that several parts of the project share, so that each is written once: events on the buses, tags, resources.
 * stacks/definitions imports this file, and it imports nothing.
 */

/** Sources of events. AWS refuses PutEvents for a source that begins with `aws.`: those are AWS's own. */
export const eventSources = {
  autopilot: "ztunnel-autopilot",
  /** Shows that events of a region are forwarded. Other accounts may send it, and nothing else of ours. */
  heartbeat: "ztunnel-autopilot.heartbeat",
  /** Operators and pipelines that ask for something. */
  operator: "ztunnel-autopilot.operator",
  cloudWatch: "aws.cloudwatch",
  ecs: "aws.ecs",
  secretsManager: "aws.secretsmanager",
  ssm: "aws.ssm",
  tag: "aws.tag",
} as const;

/** Detail types of AWS's events. https://docs.aws.amazon.com/eventbridge/latest/ref/welcome.html */
export const awsDetailTypes = {
  alarm: "CloudWatch Alarm State Change",
  apiCall: "AWS API Call via CloudTrail",
  deployment: "ECS Deployment State Change",
  parameter: "Parameter Store Change",
  secretLabel: "Secret Label Updated",
  tag: "Tag Change on Resource",
  task: "ECS Task State Change",
} as const;

/**
 * Names of deployment events.
 * https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs_service_deployment_events.html
 */
export const deploymentEventNames = {
  started: "SERVICE_DEPLOYMENT_IN_PROGRESS",
  completed: "SERVICE_DEPLOYMENT_COMPLETED",
  failed: "SERVICE_DEPLOYMENT_FAILED",
} as const;
export type DeploymentEventName = (typeof deploymentEventNames)[keyof typeof deploymentEventNames];

/** The detail type of the heartbeat. */
export const HEARTBEAT = "Heartbeat";

/** Detail types of the operators' events. */
export const operatorDetailTypes = {
  request: "Rollout Requested",
  control: "Rollout Control",
  release: "Release Requested",
  rootCaRotated: "Root CA Rotated",
} as const;
export type OperatorDetailType = (typeof operatorDetailTypes)[keyof typeof operatorDetailTypes];

/** What follows from one of the autopilot's own events. */
interface AutopilotEvent {
  /** How people read it: a message of its own in the operations channel, or the message of the rollout. */
  readonly audience: "channel" | "rollout-message";
  /** True: when a rollout made it, the rollout's message counts it, and it gets no message of its own. */
  readonly countedInRollout: boolean;
  /**
   * Whether it ends a roll, and if so, when the service is reconciled once more: its tags may have changed while the
   * roll held the lease. Rollouts end rolls by the thousand: most of them need no second look.
   */
  readonly endsRoll: EndOfRoll | "no";
}

/**
 * When the service is reconciled after the roll: `reconcile` always, `reconcile-if-requested` if something asked for it
 * meanwhile, `reconcile-if-overtaken` if somebody else's deployment ended the roll.
 */
export type EndOfRoll = "reconcile" | "reconcile-if-requested" | "reconcile-if-overtaken";

/** The rows of events that say nothing about the end of a roll. */
const news = { audience: "channel", countedInRollout: false, endsRoll: "no" } as const;
const rolloutNews = { audience: "rollout-message", countedInRollout: false, endsRoll: "no" } as const;

/**
 * The autopilot's own events by their detail types. Event patterns, parsers and Slack messages follow from these rows.
 */
export const autopilotEvents = {
  "Service Enrolled": { audience: "channel", countedInRollout: true, endsRoll: "reconcile" },
  "Service Updated": { audience: "channel", countedInRollout: true, endsRoll: "reconcile-if-requested" },
  "Service Unenrolled": { audience: "channel", countedInRollout: true, endsRoll: "reconcile" },
  "Service Refused": { audience: "channel", countedInRollout: false, endsRoll: "reconcile-if-requested" },
  "Service Warned": news,
  "Service Roll Failed": { audience: "channel", countedInRollout: false, endsRoll: "reconcile" },
  "Service Unhealthy": news,
  "Service Contested": news,
  "Service Throttled": news,
  "Service Roll Superseded": { audience: "channel", countedInRollout: true, endsRoll: "reconcile-if-overtaken" },
  "Drift Corrected": { audience: "channel", countedInRollout: true, endsRoll: "reconcile" },
  "Root CA Changed": news,
  "Root CA Emergency": news,
  "Root CA Stage": news,
  "Root CA Retirable": news,
  "Root CA Expiring": news,
  "Mesh Gateway Ambiguous": news,
  "Mesh Shape Unknown": news,
  "Mesh Identity Warned": news,
  "Services Orphaned": news,
  "Ledger Restored": news,
  "Fleet Contested": news,
  "Rollout Refused": news,
  "Rollout Started": rolloutNews,
  "Rollout Wave Completed": rolloutNews,
  "Rollout Paused": rolloutNews,
  "Rollout Completed": rolloutNews,
  "Rollout Rolled Back": rolloutNews,
} as const satisfies Readonly<Record<string, AutopilotEvent>>;
export type AutopilotDetailType = keyof typeof autopilotEvents;

/** True for the detail type of one of the autopilot's own events. */
export function isAutopilotDetailType(detailType: string): detailType is AutopilotDetailType {
  return Object.hasOwn(autopilotEvents, detailType);
}

/** All detail types of the autopilot's own events. */
export const autopilotDetailTypes: readonly AutopilotDetailType[] =
  Object.keys(autopilotEvents).filter(isAutopilotDetailType);

/** The detail types of the autopilot's own events whose row meets the condition. */
export function detailTypesWhere(condition: (event: AutopilotEvent) => boolean): readonly AutopilotDetailType[] {
  return autopilotDetailTypes.filter((detailType) => condition(autopilotEvents[detailType]));
}

/** What a deployment's names begin with, unless the configuration says otherwise. */
export const DEFAULT_NAME = "ztunnel-autopilot";

/** What the lab is called where a stage is named. No stage is deployed under this name. */
export const LAB_STAGE = "lab";

/** Stages that serve a mesh which people rely on. Like the lab, they have no stage in their keys. */
export const productionStages: readonly string[] = ["prod", "production"];

/** True for a stage that has its own keys, so that it may be tried beside another one. */
export function hasOwnKeys(stage: string | undefined): stage is string {
  return stage !== undefined && stage !== LAB_STAGE && !productionStages.includes(stage);
}

/** What the keys of istiod's tags begin with. */
export const ISTIOD_TAG_PREFIX = "ecs.solo.io/";
/** istiod looks for services in clusters that have this tag with the value `true`. The autopilot sets it. */
export const DISCOVERY_TAG = "ecs.solo.io/discovery-enabled";

/** The keys of istiod's tags of services, which are the same in every stage. */
const istiodTagKeys = {
  namespace: "ecs.solo.io/namespace",
  serviceAccount: "ecs.solo.io/service-account",
  hostname: "ecs.solo.io/hostname",
  ports: "ecs.solo.io/ports",
} as const;

/** The keys by which a stage and its services know each other: no other stage reads or writes them. */
export interface StageKeys {
  /**
   * What the keys of the stage's tags and the names of its secrets begin with. A tag's key that begins so and has no
   * meaning is a mistake; a sidecar that reads such a secret is the stage's own.
   */
  readonly prefix: string;
  /** The tag that enrolls a service, unless the configuration names another. */
  readonly enroll: string;
  /** The keys of the tags of services and clusters that ask for something, besides the enroll tag. */
  readonly tags: typeof istiodTagKeys & Readonly<Record<OwnTagName, string>>;
}

type OwnTagName = "platform" | "external" | "proxyEnv" | "image" | "wave" | "alarms";
export type TagName = keyof StageKeys["tags"];

export const tagNames = [
  "namespace",
  "serviceAccount",
  "hostname",
  "ports",
  "platform",
  "external",
  "proxyEnv",
  "image",
  "wave",
  "alarms",
] as const satisfies readonly TagName[];

/** The keys of a stage; undefined: of the lab. */
export function stageKeys(stage: string | undefined): StageKeys {
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
      alarms: `${prefix}alarms`,
    },
  };
}

/** The keys of the stages without any of their own, and of the lab. */
export const commonKeys = stageKeys(undefined);
export const AUTOPILOT_TAG_PREFIX = commonKeys.prefix;
export const DEFAULT_ENROLL_TAG = commonKeys.enroll;
export const tagKeys = commonKeys.tags;

/** What the names of the secrets of all stages begin with: a sidecar that reads one of them is an autopilot's. */
export const ANY_STAGE_PREFIX = new RegExp(`^${DEFAULT_NAME}(-[A-Za-z0-9-]+)?/`);

/** The enroll tag of a stage that has not chosen another key for it. */
export const ENROLL_TAG_OF_ANY_STAGE = new RegExp(`^${DEFAULT_NAME}(-[A-Za-z0-9-]+)?/enroll$`);

/**
 * The name of the role in other accounts, with its path: a stage with its own keys has its own role as well, since two
 * stages can't have one role that trusts the functions of both.
 */
export function stageRoleName(name: string, stage: string | undefined): string {
  if (!hasOwnKeys(stage)) return name;
  const [, path = "", own = name] = /^(.*\/)?([^/]*)$/.exec(name) ?? [];
  const rest = own.startsWith(`${DEFAULT_NAME}-`) ? own.slice(DEFAULT_NAME.length + 1) : undefined;
  return `${path}${rest === undefined ? `${stage}-${own}` : `${DEFAULT_NAME}-${stage}-${rest}`}`;
}

/** The name of the sidecar's container, as Solo's guide and istioctl give it. */
export const ZTUNNEL = "ztunnel";

/** AWS allows as many characters in the names of functions, roles, rules and schedules. */
export const MAX_NAME_LENGTH = 64;

/** What a deployment's resources are called, behind the configuration's name and the stage. */
export const resourceEndings = { ledger: "ledger", rollService: "roll-service", rollFleet: "roll-fleet" } as const;

/** The parameter in the home region that has the mark beside a stage's ledger. `prefix`: of the stage's resources. */
export function ledgerMarkName(prefix: string): string {
  return `/${DEFAULT_NAME}/ledger-marks/${prefix}`;
}

/** The ending of the name of the alarm on the silence of an account and region. */
export function silenceEnding({ account, region }: { readonly account: string; readonly region: string }): string {
  return `events-not-forwarded-${account}-${region}`;
}

/** The ending of the name of the alarm on sweeps that do not read all of an account and region. */
export function sweepEnding({ account, region }: { readonly account: string; readonly region: string }): string {
  return `sweep-incomplete-${account}-${region}`;
}

/** Variables of every function's environment: names and ARNs, never a secret. */
export const environmentVariables = [
  "AUTOPILOT_STAGE",
  "AUTOPILOT_TABLE",
  "AUTOPILOT_BUS",
  "ROLL_SERVICE_ARN",
  "ROLL_FLEET_ARN",
] as const;
export type EnvironmentVariable = (typeof environmentVariables)[number];

/** The functions, by their file below `functions/`. */
export const functionNames = [
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
  "rollout/finish",
] as const;
export type FunctionName = (typeof functionNames)[number];

/** The functions that call a Kubernetes API: their roles need an access entry there. */
export const kubernetesFunctions = [
  "watch-root-ca",
  "sweep-services",
  "roll/plan",
  "roll/apply",
  "roll/verify",
  "roll/revert",
] as const;
export type KubernetesFunctionName = (typeof kubernetesFunctions)[number];
