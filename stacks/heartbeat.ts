import type { Context } from "./context.ts";
import { resourceName } from "./definitions/deployment.ts";
import {
  defaultBusArn,
  heartbeatEvent,
  heartbeatGroupName,
  heartbeatPolicy,
  heartbeatRoleName,
  heartbeatSchedule,
  heartbeatsOf,
  heartbeatTrust,
} from "./definitions/heartbeat.ts";

/** The role by which the home account's schedules send heartbeats. */
export function heartbeatRole({ deployment }: Context): aws.iam.Role {
  const { account } = deployment.home;
  return new aws.iam.Role("HeartbeatRole", {
    name: heartbeatRoleName(deployment),
    assumeRolePolicy: heartbeatTrust(deployment, account),
    inlinePolicies: [{ name: "send", policy: heartbeatPolicy(deployment, account) }],
  });
}

/** The schedule that sends the heartbeat of a region of the home account. */
export function heartbeat(
  { deployment }: Context,
  region: string,
  at: { readonly sender: aws.iam.Role; readonly suffix?: string; readonly options?: $util.CustomResourceOptions },
): void {
  const { sender, suffix = "", options } = at;
  const { source, detailType, detail } = heartbeatEvent(heartbeatsOf(deployment));
  const group = new aws.scheduler.ScheduleGroup(
    `HeartbeatGroup${suffix}`,
    { name: heartbeatGroupName(deployment) },
    options,
  );
  new aws.scheduler.Schedule(
    `Heartbeat${suffix}`,
    {
      name: resourceName(deployment, heartbeatSchedule.name),
      groupName: group.name,
      scheduleExpression: `rate(${heartbeatSchedule.everyMinutes} minutes)`,
      flexibleTimeWindow: { mode: "OFF" },
      target: {
        arn: defaultBusArn({ account: deployment.home.account, region }),
        roleArn: sender.arn,
        input: JSON.stringify(detail),
        eventbridgeParameters: { detailType, source },
      },
    },
    options,
  );
}
