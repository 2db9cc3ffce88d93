import type { Config } from "../shared/config/config.ts";
import { operatorReadRole } from "../shared/config/names.ts";
import { operatorReadStatements } from "../shared/config/operator-policy.ts";
import { alarmKey, alarmKeyPolicy } from "./definitions/alarm-key.ts";
import { deliveryRetries, undeliveredRetentionSeconds } from "./definitions/delivery.ts";
import {
  type AccountRegion,
  type AutopilotDeployment,
  arnPartition,
  forwardedRegions,
  homeBusArn,
  memberAccounts,
  resourceName,
  roleArn,
} from "./definitions/deployment.ts";
import { eventPatterns } from "./definitions/event-patterns.ts";
import { forwardingRules, forwardingStatements, forwardingTrust } from "./definitions/event-permissions.ts";
import {
  heartbeatEvent,
  heartbeatGroupName,
  heartbeatPolicy,
  heartbeatRoleName,
  heartbeatSchedule,
  heartbeatsOf,
  heartbeatTrust,
} from "./definitions/heartbeat.ts";
import { logicalName } from "./definitions/logical-name.ts";
import { ownershipRecord } from "./definitions/ownership.ts";
import { memberRoleUsers, memberStatements, roleTrust } from "./definitions/permissions.ts";
import { deploymentOf, patternOptionsOf } from "./deployment.ts";
import { type AlarmDefinition, deadLetterDefinition } from "./observability/alarm-definitions.ts";

/** A CloudFormation template. */
export interface Template {
  readonly AWSTemplateFormatVersion: "2010-09-09";
  readonly Description: string;
  readonly Conditions: Readonly<Record<string, object>>;
  readonly Resources: Readonly<Record<string, TemplateResource>>;
  readonly Outputs: Readonly<Record<string, object>>;
}

export interface TemplateResource {
  readonly Type: string;
  readonly Condition?: string;
  readonly Properties: Readonly<Record<string, unknown>>;
}

const ONLY_ONCE = "IsFirstRegion";

/**
 * What the owner of another account deploys there once, in each of its regions, the first one before the others: the
 * role that the autopilot takes on, the one that operators take on, and the rules that forward to the home bus. The
 * home stage and the operators' roles come before it, since IAM takes only roles that exist as principals. Throws when
 * the account is none of the configuration's other accounts.
 */
export function memberAccountTemplate(config: Config, stage: string, account: string): Template {
  const deployment = deploymentOf(config, stage);
  if (!memberAccounts(deployment).includes(account)) {
    const known = memberAccounts(deployment).join(", ") || "none";
    throw new Error(`${account} is not a member account of the configuration, which has: ${known}`);
  }
  const regions = forwardedRegions(deployment, account);
  const firstRegion = regions[0] ?? deployment.home.region;
  return {
    AWSTemplateFormatVersion: "2010-09-09",
    Description: `${config.name} ${stage} in account ${account}. Deploy it in ${[firstRegion, ...regions.slice(1)].join(", then ")}.`,
    Conditions: { [ONLY_ONCE]: { "Fn::Equals": [{ Ref: "AWS::Region" }, firstRegion] } },
    Resources: {
      MemberRole: memberRole(deployment, account),
      ...operatorRole(config, account),
      ...(regions.length > 0 && forwarding(config, deployment, account)),
    },
    Outputs: { MemberRoleArn: { Condition: ONLY_ONCE, Value: { "Fn::GetAtt": ["MemberRole", "Arn"] } } },
  };
}

function memberRole(deployment: AutopilotDeployment, account: string): TemplateResource {
  return trustingRole(deployment.memberRoleName, {
    description: "What the autopilot's functions may do with this account's services.",
    trusted: memberRoleUsers(deployment),
    externalId: deployment.name,
    statements: memberStatements(account, deployment),
  });
}

/** The role that only reads, where there are operators and services. */
function operatorRole(config: Config, account: string): Record<string, TemplateResource> {
  const statements = operatorReadStatements(config, account);
  if (config.operatorRoles.length === 0 || statements.length === 0) return {};
  const description = "What operators of the autopilot may read of this account's services.";
  const trusted = [...new Set(config.operatorRoles)].sort();
  return {
    OperatorRole: trustingRole(operatorReadRole(config), { description, trusted, externalId: config.name, statements }),
  };
}

interface Trusting {
  readonly description: string;
  /** ARNs of roles. */
  readonly trusted: readonly string[];
  readonly externalId: string;
  readonly statements: readonly object[];
}

/** A role by its name with its path, which only the trusted ones take on, by the external id. */
function trustingRole(name: string, { description, trusted, externalId, statements }: Trusting): TemplateResource {
  const parts = name.split("/");
  return {
    Type: "AWS::IAM::Role",
    Condition: ONLY_ONCE,
    Properties: {
      RoleName: parts.at(-1),
      Path: ["", ...parts.slice(0, -1), ""].join("/"),
      Description: description,
      AssumeRolePolicyDocument: roleTrust(trusted, externalId),
      Policies: [inlinePolicy("calls", statements)],
    },
  };
}

function forwarding(
  config: Config,
  deployment: AutopilotDeployment,
  account: string,
): Record<string, TemplateResource> {
  const place = { account, region: deployment.home.region };
  const roleName = resourceName(deployment, "forwarding");
  const rules = forwardingRules(deployment, account);
  const { forwardedRules } = eventPatterns(patternOptionsOf(config, deployment.stage));
  return {
    ForwardingRole: {
      Type: "AWS::IAM::Role",
      Condition: ONLY_ONCE,
      Properties: {
        RoleName: roleName,
        AssumeRolePolicyDocument: JSON.parse(forwardingTrust(deployment, account)),
        Policies: [inlinePolicy("forward", forwardingStatements(deployment))],
      },
    },
    ...heartbeat(deployment, place),
    ...ownership(deployment),
    ...alarmTopic(deployment, place),
    ...deadLetters(deployment, rules),
    ...Object.fromEntries(
      forwardedRules.map(({ name, description, pattern }) => [
        `Forward${logicalName(name)}`,
        {
          Type: "AWS::Events::Rule",
          Properties: {
            Name: resourceName(deployment, name),
            Description: description,
            State: "ENABLED",
            EventPattern: pattern,
            Targets: [
              {
                Id: "home-bus",
                Arn: homeBusArn(deployment),
                RoleArn: roleArn(place, roleName),
                RetryPolicy: {
                  MaximumRetryAttempts: deliveryRetries.maximumRetryAttempts,
                  MaximumEventAgeInSeconds: deliveryRetries.maximumEventAgeInSeconds,
                },
                DeadLetterConfig: { Arn: { "Fn::GetAtt": ["UndeliveredEvents", "Arn"] } },
              },
            ],
          },
        },
      ]),
    ),
  };
}

/** The schedule of the region's heartbeat, and the role of all of the account's. */
function heartbeat(deployment: AutopilotDeployment, place: AccountRegion): Record<string, TemplateResource> {
  const roleName = heartbeatRoleName(deployment);
  const { source, detailType, detail } = heartbeatEvent(heartbeatsOf(deployment));
  return {
    HeartbeatRole: {
      Type: "AWS::IAM::Role",
      Condition: ONLY_ONCE,
      Properties: {
        RoleName: roleName,
        AssumeRolePolicyDocument: JSON.parse(heartbeatTrust(deployment, place.account)),
        Policies: [{ PolicyName: "send", PolicyDocument: JSON.parse(heartbeatPolicy(deployment, place.account)) }],
      },
    },
    HeartbeatGroup: {
      Type: "AWS::Scheduler::ScheduleGroup",
      Properties: { Name: heartbeatGroupName(deployment) },
    },
    Heartbeat: {
      Type: "AWS::Scheduler::Schedule",
      Properties: {
        Name: resourceName(deployment, heartbeatSchedule.name),
        GroupName: { Ref: "HeartbeatGroup" },
        ScheduleExpression: `rate(${heartbeatSchedule.everyMinutes} minutes)`,
        FlexibleTimeWindow: { Mode: "OFF" },
        Target: {
          Arn: {
            "Fn::Join": [
              ":",
              [`arn:${arnPartition(place.region)}:events`, { Ref: "AWS::Region" }, place.account, "event-bus/default"],
            ],
          },
          RoleArn: roleArn(place, roleName),
          Input: JSON.stringify(detail),
          EventBridgeParameters: { DetailType: detailType, Source: source },
        },
      },
    },
  };
}

/** Fails where another stage has the key: the whole stack is rolled back then, with the role. */
function ownership(deployment: AutopilotDeployment): Record<string, TemplateResource> {
  const { name, value, description } = ownershipRecord(deployment);
  return {
    Ownership: {
      Type: "AWS::SSM::Parameter",
      Properties: { Name: name, Type: "String", Value: value, Description: description },
    },
  };
}

function alarmTopic(deployment: AutopilotDeployment, place: AccountRegion): Record<string, TemplateResource> {
  return {
    AlarmsKey: {
      Type: "AWS::KMS::Key",
      Properties: {
        Description: alarmKey.description,
        KeyPolicy: alarmKeyPolicy(place),
        EnableKeyRotation: true,
        PendingWindowInDays: alarmKey.deletionDays,
      },
    },
    Alarms: {
      Type: "AWS::SNS::Topic",
      Properties: {
        TopicName: resourceName(deployment, "alarms"),
        KmsMasterKeyId: { "Fn::GetAtt": ["AlarmsKey", "Arn"] },
      },
    },
  };
}

function deadLetters(deployment: AutopilotDeployment, rules: string): Record<string, TemplateResource> {
  const name = resourceName(deployment, "undelivered-events");
  return {
    UndeliveredEvents: {
      Type: "AWS::SQS::Queue",
      Properties: {
        QueueName: name,
        MessageRetentionPeriod: undeliveredRetentionSeconds,
        SqsManagedSseEnabled: true,
      },
    },
    UndeliveredEventsPolicy: {
      Type: "AWS::SQS::QueuePolicy",
      Properties: {
        Queues: [{ Ref: "UndeliveredEvents" }],
        PolicyDocument: {
          Version: "2012-10-17",
          Statement: [
            {
              Effect: "Allow",
              Principal: { Service: "events.amazonaws.com" },
              Action: "sqs:SendMessage",
              Resource: { "Fn::GetAtt": ["UndeliveredEvents", "Arn"] },
              Condition: {
                ArnLike: { "aws:SourceArn": rules },
              },
            },
          ],
        },
      },
    },
    UndeliveredEventsNotEmpty: alarmOf(deadLetterDefinition(name)),
  };
}

/**
 * The alarm, which notifies the template's own topic. The home account's ops channel receives it as a forwarded event.
 */
function alarmOf(definition: AlarmDefinition): TemplateResource {
  return {
    Type: "AWS::CloudWatch::Alarm",
    Properties: {
      AlarmName: definition.name,
      AlarmDescription: definition.description,
      Namespace: definition.namespace,
      MetricName: definition.metricName,
      Dimensions: Object.entries(definition.dimensions).map(([Name, Value]) => ({ Name, Value })),
      Statistic: definition.statistic,
      Period: definition.periodSeconds,
      EvaluationPeriods: definition.periods,
      Threshold: definition.threshold,
      ComparisonOperator: definition.comparison,
      TreatMissingData: definition.missingData,
      AlarmActions: [{ Ref: "Alarms" }],
      OKActions: [{ Ref: "Alarms" }],
    },
  };
}

function inlinePolicy(name: string, statements: readonly object[]): object {
  return { PolicyName: name, PolicyDocument: { Version: "2012-10-17", Statement: statements } };
}
