import { eventSources, HEARTBEAT } from "../../shared/base/vocabulary.ts";
import {
  type AccountRegion,
  type AutopilotDeployment,
  anywhereArn,
  arn,
  forwardedRegions,
  homeBusName,
  memberAccounts,
  namePrefix,
  resourceName,
} from "./deployment.ts";
import type { ForwardedRule, HeartbeatOptions, HomeRule } from "./event-rules.ts";
import { policy, serviceTrust } from "./permissions.ts";

/*
 * Every account and region whose events are forwarded sends a heartbeat to its own default bus, from where a rule like
 * those of AWS's events takes it to the home bus. There, a rule without targets counts it: AWS/Events has the number of
 * events that a rule has matched. An alarm goes off when none comes: the place's events don't arrive either.
 */

/** The schedule of the heartbeats. */
export const heartbeatSchedule = { name: "heartbeat", everyMinutes: 5 } as const;

/** The heartbeats of a deployment. */
export function heartbeatsOf(deployment: AutopilotDeployment): HeartbeatOptions {
  const accounts = [deployment.home.account, ...memberAccounts(deployment)];
  const places = accounts.flatMap((account) =>
    forwardedRegions(deployment, account).map((region) => ({ account, region })),
  );
  return { deployment: namePrefix(deployment), places };
}

/** The event that a place sends. EventBridge sets account and region itself. */
export function heartbeatEvent({ deployment }: Pick<HeartbeatOptions, "deployment">) {
  return { source: eventSources.heartbeat, detailType: HEARTBEAT, detail: { version: 1, deployment } } as const;
}

function heartbeatPattern(deployment: string) {
  const { source, detailType } = heartbeatEvent({ deployment });
  return { source: [source], "detail-type": [detailType], detail: { deployment: [deployment] } };
}

/** The rule of every place that forwards its heartbeat. */
export function forwardedHeartbeat({ deployment }: HeartbeatOptions): ForwardedRule {
  return {
    name: "heartbeat",
    description: "Shows that the events of this region reach the home bus.",
    pattern: heartbeatPattern(deployment),
  };
}

/** The rules of the home bus that count the heartbeats, one for each place. They have no targets. */
export function heartbeatRules({ deployment, places }: HeartbeatOptions): readonly HomeRule[] {
  return places.map(({ account, region }) => ({
    name: heartbeatRuleName({ account, region }),
    description: `Heartbeats of ${account} in ${region}: its own metric is all that they reach.`,
    pattern: { ...heartbeatPattern(deployment), account: [account], region: [region] },
    functions: [],
  }));
}

/** The name of the rule that counts a place's heartbeats. */
export function heartbeatRuleName({ account, region }: AccountRegion): string {
  return `heartbeat-${account}-${region}`;
}

/**
 * The metric of a place's heartbeats, by AWS's names for a rule of another bus than the default one, and when its
 * silence sets off the alarm: also while CloudWatch knows no such metric, as it begins with the first heartbeat.
 * https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-monitoring.html
 */
export function silenceOf(deployment: AutopilotDeployment, place: AccountRegion) {
  return {
    metric: {
      namespace: "AWS/Events",
      metricName: "MatchedEvents",
      dimensions: { EventBusName: homeBusName(deployment), RuleName: heartbeatRuleName(place) },
    },
    rule: {
      statistic: "Sum",
      periodSeconds: heartbeatSchedule.everyMinutes * 60,
      periods: 3,
      comparison: "LessThanThreshold",
      threshold: 1,
      missingData: "breaching",
    },
  } as const;
}

/** The default bus of a place, to which its schedule sends. */
export function defaultBusArn(place: AccountRegion): string {
  return arn("events", place, "event-bus/default");
}

/** The schedule group of the heartbeat, in each place. */
export function heartbeatGroupName(deployment: AutopilotDeployment): string {
  return resourceName(deployment, heartbeatSchedule.name);
}

/** The role by which an account's schedules send heartbeats. */
export function heartbeatRoleName(deployment: AutopilotDeployment): string {
  return resourceName(deployment, "heartbeat");
}

/** Its trust policy: for the schedules in the deployment's own groups. */
export function heartbeatTrust(deployment: AutopilotDeployment, account: string): string {
  const place = { account, region: deployment.home.region };
  const groups = anywhereArn("scheduler", place, `schedule-group/${heartbeatGroupName(deployment)}`);
  return serviceTrust("scheduler.amazonaws.com", account, groups);
}

/** What it may do: send heartbeats to the account's default buses. */
export function heartbeatPolicy(deployment: AutopilotDeployment, account: string): string {
  const place = { account, region: deployment.home.region };
  return policy([
    {
      Effect: "Allow",
      Action: ["events:PutEvents"],
      Resource: [anywhereArn("events", place, "event-bus/default")],
      Condition: {
        "ForAllValues:StringEquals": { "events:source": eventSources.heartbeat },
        Null: { "events:source": "false" },
      },
    },
  ]);
}
