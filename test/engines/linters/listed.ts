import type { Listed } from "../listed.ts";

/** Each whole finding's words, with the same reason. */
function because(reason: string, ...whats: readonly string[]): readonly Listed[] {
  return whats.map((what) => ({ what, reason }));
}

const machines = "cfn-lint: E3601 home.json Resources";
const schema =
  "cfn-lint's fault: data/schemas/other/step_functions/statemachine.json of 1.58.0 has a number alone here. With " +
  "JSONata it may be an expression: ";

const hold = "{% $next.holdSeconds %}";

/** Findings that are accepted. */
export const listed: readonly Listed[] = [
  ...because(
    `${schema}https://states-language.net/spec.html#timeouts`,
    `${machines}/MachineRollFleet/Properties/Definition/States/Bake/TimeoutSeconds: '{% $bakeSeconds %}' is not of ` +
      "type 'number'",
    `${machines}/MachineRollFleet/Properties/Definition/States/Hold/TimeoutSeconds: '${hold}' is not of type 'number'`,
    `${machines}/MachineRollService/Properties/Definition/States/AwaitDeployment/TimeoutSeconds: ` +
      "'{% $watch.pollIntervalSeconds %}' is not of type 'number'",
    `${machines}/MachineRollService/Properties/Definition/States/AwaitRevert/TimeoutSeconds: ` +
      "'{% $watch.pollIntervalSeconds %}' is not of type 'number'",
  ),
  ...because(
    `${schema}https://docs.aws.amazon.com/step-functions/latest/dg/state-map-distributed.html`,
    `${machines}/MachineRollFleet/Properties/Definition/States/RollWave/ItemProcessor/States/RollLane/MaxConcurrency: ` +
      "'{% $states.input.lane.concurrency %}' is not of type 'number'",
  ),
  ...because(
    "checkov's fault: its SQSQueueEncryption of 3.3.30 knows keys of KMS alone; SQS encrypts every new queue by keys of " +
      "its own: " +
      "https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-server-side-encryption.html",
    "checkov: CKV_AWS_27 member-*.json AWS::SQS::Queue.UndeliveredEvents: Ensure all data stored in the SQS queue is " +
      "encrypted",
  ),
  ...because(
    "parliament's fault: it wants every kind of resource that the action knows; the machines are of type STANDARD, and " +
      "have no express executions: " +
      "https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsstepfunctions.html",
    "parliament: RESOURCE_MISMATCH calls of *: " +
      '[{"action": "states:DescribeExecution", "required_format": "arn:*:states:*:*:express:*:*:*"}]',
  ),
  ...because(
    "AWS wants the permission for all alarms to show composite ones: " +
      "https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_DescribeAlarms.html",
    'parliament: RESOURCE_STAR calls of *: ["cloudwatch:DescribeAlarms"]',
  ),
  ...because(
    "ListTasks knows no resource but a container instance, which the calls don't name: " +
      "https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonelasticcontainerservice.html",
    'parliament: RESOURCE_STAR calls of *: ["ecs:ListTasks"]',
  ),
];
