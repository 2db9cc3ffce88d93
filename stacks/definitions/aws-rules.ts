import { awsDetailTypes, deploymentEventNames, eventSources, ZTUNNEL } from "../../shared/base/vocabulary.ts";
import type { EventPattern } from "./event-pattern.ts";
import type { EventPatternOptions, HomeRule } from "./event-rules.ts";
import { apiCall, tagChange } from "./tag-patterns.ts";

const deployment = { source: [eventSources.ecs], "detail-type": [awsDetailTypes.deployment] };
const { started, completed, failed } = deploymentEventNames;

/** Why a task stopped stands only in this event for long: DescribeTasks forgets a stopped task after an hour. */
const stoppedMeshDetail: EventPattern = {
  lastStatus: ["STOPPED"],
  group: [{ prefix: "service:" }],
  containers: { name: [ZTUNNEL] },
};
const stoppedMeshTask: EventPattern = {
  source: [eventSources.ecs],
  "detail-type": [awsDetailTypes.task],
  detail: stoppedMeshDetail,
};

/** Every deployment and every scale-in stops tasks too: such a stop says nothing about the service. */
const failedMeshTask: EventPattern = {
  ...stoppedMeshTask,
  detail: { ...stoppedMeshDetail, stopCode: ["TaskFailedToStart", "EssentialContainerExited"] },
};

/** The home bus's rules for AWS's events. Their patterns forward these events to the home bus, too. */
export function awsRules(options: EventPatternOptions): HomeRule[] {
  const { imageParameterName, rootCaSecret, alarmNamePrefix } = options;
  return [
    {
      name: "deployment-started-or-completed",
      description: "A deployment of a service, also its first one: the revision may lack the sidecar.",
      pattern: { ...deployment, detail: { eventName: [started, completed] } },
      functions: ["reconcile-service"],
    },
    {
      name: "deployment-changed",
      description: "A deployment of a service: a roll may wait for it.",
      pattern: { ...deployment, detail: { eventName: [started, completed, failed] } },
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
      description: "A task with a ztunnel failed: its service may need to be reconciled.",
      pattern: failedMeshTask,
      functions: ["reconcile-service"],
    },
    {
      name: "tag-changed",
      description: "A tag that asks for something changed on a service or a cluster.",
      pattern: tagChange(options),
      functions: ["reconcile-service"],
    },
    {
      name: "service-api-called",
      description: "A service was created, updated or tagged by an API call (needs a CloudTrail trail).",
      pattern: apiCall(options),
      functions: ["reconcile-service"],
    },
    ...imageParameterRules(imageParameterName),
    ...rootCaSecretRules(rootCaSecret),
    ...alarmRules(alarmNamePrefix),
  ];
}

function imageParameterRules(name: string | undefined): HomeRule[] {
  if (name === undefined) return [];
  return [
    {
      name: "image-parameter-changed",
      description: "The fleet's ztunnel image changed.",
      pattern: {
        source: [eventSources.ssm],
        "detail-type": [awsDetailTypes.parameter],
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
        source: [eventSources.secretsManager],
        "detail-type": [awsDetailTypes.secretLabel],
        ...(isArn && { resources: [secret] }),
        detail: { ...(!isArn && { name: [secret] }), labelUpdated: ["AWSCURRENT"] },
      },
      functions: ["watch-root-ca"],
    },
  ];
}

/** A new alarm changes from insufficient data to OK: nobody needs to read that. */
function alarmRules(prefix: string | undefined): HomeRule[] {
  if (prefix === undefined) return [];
  return [
    {
      name: "alarm-changed",
      description: "An alarm of the autopilot went off, or is OK again.",
      pattern: {
        source: [eventSources.cloudWatch],
        "detail-type": [awsDetailTypes.alarm],
        detail: {
          alarmName: [{ prefix }],
          $or: [{ state: { value: ["ALARM"] } }, { state: { value: ["OK"] }, previousState: { value: ["ALARM"] } }],
        },
      },
      functions: ["notify-slack"],
    },
  ];
}
