import { type Rate, type RateTable, rates } from "../../http/throttle.ts";

/** https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html */
const LARGE: RateTable = {
  ...rates("start", 1_300, 300, "StartExecution"),
  ...rates("describe", 300, 15, "DescribeExecution"),
  ...rates("send-task", 3_000, 500, "SendTaskSuccess", "SendTaskFailure", "SendTaskHeartbeat"),
  ...rates("stop", 1_000, 200, "StopExecution"),
};
const OTHERS: RateTable = {
  ...rates("start", 800, 150, "StartExecution"),
  ...rates("describe", 250, 10, "DescribeExecution"),
  ...rates("send-task", 1_500, 300, "SendTaskSuccess", "SendTaskFailure", "SendTaskHeartbeat"),
  ...rates("stop", 500, 25, "StopExecution"),
};
const LARGE_REGIONS = new Set(["us-east-1", "us-west-2", "eu-west-1"]);

/** The default rate of an operation: three regions have larger ones. */
export function stepFunctionsRate(operation: string, region: string): Rate | undefined {
  return (LARGE_REGIONS.has(region) ? LARGE : OTHERS)[operation];
}
