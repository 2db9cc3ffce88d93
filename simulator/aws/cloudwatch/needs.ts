import type { NeedsOf, NeedsTable } from "../../core/service.ts";
import { onResource, textMember } from "../needs.ts";

/**
 * What CloudWatch's operations on alarms need to be allowed. DescribeAlarms takes no single alarm: who may describe
 * only some gets no composite ones.
 * https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_DescribeAlarms.html
 */
export const cloudWatchNeeds: NeedsTable = {
  DescribeAlarms: onResource("cloudwatch:DescribeAlarms", (_input, { account, region }) =>
    alarmArn(account, region, "*"),
  ),
  PutMetricAlarm: onAlarm("PutMetricAlarm"),
  PutCompositeAlarm: onAlarm("PutCompositeAlarm"),
  SetAlarmState: onAlarm("SetAlarmState"),
  DeleteAlarms: (input, { account, region }) => {
    const names = Object.entries(input).filter(([member]) => member.startsWith("AlarmNames.member."));
    return names.map(([, name]) => ({
      action: "cloudwatch:DeleteAlarms",
      resource: alarmArn(account, region, String(name)),
    }));
  },
};

function onAlarm(operation: string): NeedsOf {
  return onResource(`cloudwatch:${operation}`, (input, { account, region }) =>
    alarmArn(account, region, textMember(input, "AlarmName")),
  );
}

function alarmArn(account: string, region: string, name: string): string {
  return `arn:aws:cloudwatch:${region}:${account}:alarm:${name}`;
}
