import {
  type AccountRegion,
  type AutopilotDeployment,
  anywhereArn,
  arn,
  functionArn,
  homeBusArn,
  homeBusName,
  namePrefix,
} from "./deployment.ts";
import type { HomeRule } from "./event-rules.ts";
import { policy, type Statement, serviceTrust } from "./permissions.ts";

const EVENT_BRIDGE = "events.amazonaws.com";

/** The trust policy of the role that takes an account's events to the home bus: for the deployment's rules there. */
export function forwardingTrust(deployment: AutopilotDeployment, account: string): string {
  return serviceTrust(EVENT_BRIDGE, account, forwardingRules(deployment, account));
}

/** The deployment's rules on the default buses of an account. */
export function forwardingRules(deployment: AutopilotDeployment, account: string): string {
  const place = { account, region: deployment.home.region };
  return anywhereArn("events", place, `rule/${namePrefix(deployment)}-*`);
}

/** What that role may do. */
export function forwardingStatements(deployment: AutopilotDeployment): readonly Statement[] {
  return [{ Effect: "Allow", Action: ["events:PutEvents"], Resource: [homeBusArn(deployment)] }];
}

/** The ARN of a rule on the home bus. */
export function homeRuleArn(deployment: AutopilotDeployment, { name }: Pick<HomeRule, "name">): string {
  return arn("events", deployment.home, `rule/${homeBusName(deployment)}/${name}`);
}

/** The statement of a function's own policy for the rules that invoke it, as Lambda's AddPermission writes it. */
export function invocationPolicy(functionArn: string, ruleArns: readonly string[]): string {
  return policy(
    ruleArns.map((ruleArn) => ({
      Effect: "Allow",
      Principal: { Service: EVENT_BRIDGE },
      Action: "lambda:InvokeFunction",
      Resource: functionArn,
      Condition: { ArnLike: { "AWS:SourceArn": ruleArn } },
    })),
  );
}

/** The policy of a queue that takes what EventBridge could not hand over, for these rules. */
export function undeliveredPolicy(queueArn: string, ruleArns: readonly string[]): string {
  return policy([
    {
      Effect: "Allow",
      Principal: { Service: EVENT_BRIDGE },
      Action: "sqs:SendMessage",
      Resource: queueArn,
      Condition: { ArnLike: { "aws:SourceArn": ruleArns } },
    },
  ]);
}

/** The rules whose events a region's queue takes: of the deployment on the default bus, and of the home bus. */
export function undeliveredRules(deployment: AutopilotDeployment, place: AccountRegion): readonly string[] {
  const own = arn("events", place, `rule/${namePrefix(deployment)}-*`);
  return place.region === deployment.home.region
    ? [own, arn("events", place, `rule/${homeBusName(deployment)}/*`)]
    : [own];
}

/** The group that a deployment's schedules are in, and nobody else's. */
export function scheduleGroupName(deployment: AutopilotDeployment): string {
  return namePrefix(deployment);
}

/** The ARN of that group. */
export function scheduleGroupArn(deployment: AutopilotDeployment): string {
  return arn("scheduler", deployment.home, `schedule-group/${scheduleGroupName(deployment)}`);
}

/**
 * The trust policy of the schedules' roles: for their group, as Scheduler gives no other source than a group:
 * https://docs.aws.amazon.com/scheduler/latest/UserGuide/cross-service-confused-deputy-prevention.html
 */
export function scheduleTrust(deployment: AutopilotDeployment): string {
  return serviceTrust("scheduler.amazonaws.com", deployment.home.account, scheduleGroupArn(deployment));
}

/** What the role of a function's schedule may do besides handing over to the queue. */
export function scheduleStatements(deployment: AutopilotDeployment, functionName: string): readonly Statement[] {
  return [{ Effect: "Allow", Action: ["lambda:InvokeFunction"], Resource: [functionArn(deployment, functionName)] }];
}
