import type { Listed } from "../listed.ts";

const timeout =
  "cfn-lint's schema of the states language has numbers alone here; with JSONata they may be expressions: " +
  "https://states-language.net/spec.html#timeouts";
const alarmsOfAnyName =
  "AWS wants the permission for all alarms to tell composite ones: " +
  "https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_DescribeAlarms.html";
const listTasks =
  "ListTasks knows no resource but a container instance, which the calls don't name: " +
  "https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonelasticcontainerservice.html";

/** Findings that are accepted. */
export const listed: readonly Listed[] = [
  { what: "cfn-lint: E3601 home.json *TimeoutSeconds: *", reason: timeout },
  {
    what: "cfn-lint: E3601 home.json *MaxConcurrency: *",
    reason:
      "cfn-lint's schema of the states language has a number alone here; with JSONata it may be an expression: " +
      "https://docs.aws.amazon.com/step-functions/latest/dg/state-map-distributed.html",
  },
  {
    what: "checkov: CKV_AWS_26 *",
    reason:
      "An alarm can't publish to a topic with AWS's own key, and a key of one's own costs more than the alarms' names " +
      "are worth: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Notify_Users_Alarm_Changes.html",
  },
  {
    what: "checkov: CKV_AWS_27 *",
    reason:
      "SQS encrypts every new queue by keys of its own: " +
      "https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-server-side-encryption.html",
  },
  {
    what: 'parliament: RESOURCE_MISMATCH *"states:DescribeExecution", "required_format": *:express:*',
    reason:
      "parliament wants every kind of resource that the action knows; the machines are of type STANDARD, and have no " +
      "express executions: https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsstepfunctions.html",
  },
  { what: 'parliament: RESOURCE_STAR * ["cloudwatch:DescribeAlarms"]', reason: alarmsOfAnyName },
  { what: 'parliament: RESOURCE_STAR * ["ecs:ListTasks"]', reason: listTasks },
];
