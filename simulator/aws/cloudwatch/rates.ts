import { type RateTable, rates } from "../../http/throttle.ts";

/** https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch_limits.html */
export const cloudWatchRates: RateTable = {
  ...rates("describe-alarms", 9, 9, "DescribeAlarms"),
  ...rates("put-metric-alarm", 3, 3, "PutMetricAlarm"),
  ...rates("put-composite-alarm", 3, 3, "PutCompositeAlarm"),
  ...rates("set-alarm-state", 3, 3, "SetAlarmState"),
  ...rates("delete-alarms", 3, 3, "DeleteAlarms"),
};
