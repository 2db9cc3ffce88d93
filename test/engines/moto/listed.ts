import type { Listed } from "../listed.ts";
import { listedEcs } from "./listed-ecs.ts";

const secrets = "https://docs.aws.amazon.com/secretsmanager/latest/apireference";
const events = "https://docs.aws.amazon.com/eventbridge/latest/APIReference";
const sts = "https://docs.aws.amazon.com/STS/latest/APIReference";
const dynamo = "https://docs.aws.amazon.com/amazondynamodb/latest/APIReference";
const cloudwatch = "https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference";

/** Each whole difference's words, with the same reason. */
function because(reason: string, ...whats: readonly string[]): readonly Listed[] {
  return whats.map((what) => ({ what, reason }));
}

/** The names of the scenario's secrets. */
const names = ["one", "two/three", "binary"];
const notFound = "lab ResourceNotFoundException (400), moto ResourceNotFoundException (404)";

const secretsManager: readonly Listed[] = [
  ...because(
    `moto's fault: a name has letters, digits and /_+=.@- alone (${secrets}/API_CreateSecret.html); moto's ` +
      "secretsmanager/models.py: SecretsManagerBackend.create_secret takes any",
    "secretsmanager.create_secret (create bad name!): lab InvalidParameterException (400), moto succeeds",
  ),
  ...because(
    "moto's fault: errors of the caller have the status 400 in this protocol " +
      `(${secrets}/API_GetSecretValue.html, "Errors"); moto's secretsmanager/exceptions.py: SecretNotFoundException ` +
      "has 404",
    ...names.flatMap((name) => [
      `secretsmanager.get_secret_value (AWSPREVIOUS of ${name}): ${notFound}`,
      `secretsmanager.get_secret_value (AWSPENDING of ${name}): ${notFound}`,
      `secretsmanager.describe_secret (describe ${name} that is gone): ${notFound}`,
    ]),
  ),
  ...because(
    `moto's fault: the member is the secret's ARN (${secrets}/API_ListSecretVersionIds.html); moto's ` +
      "secretsmanager/models.py: SecretsManagerBackend.list_secret_version_ids answers what the secret is kept under",
    ...names.map(
      (name) =>
        "secretsmanager.list_secret_version_ids ARN: lab " +
        `"arn:aws:secretsmanager:us-east-1:123456789012:secret:${name}-<suffix>", moto "${name}"`,
    ),
  ),
  ...because(
    "moto's fault: there is a token only where there is more, and a date of access only once there was one " +
      `(${secrets}/API_ListSecretVersionIds.html, API_SecretVersionsListEntry.html); moto's ` +
      "secretsmanager/models.py: SecretsManagerBackend.list_secret_version_ids writes an empty token and the time of now",
    "secretsmanager.list_secret_version_ids NextToken: only moto has it",
    "secretsmanager.list_secret_version_ids Versions[].LastAccessedDate: only moto has it",
  ),
  ...because(
    `moto's fault: a secret that is scheduled for deletion takes no value (${secrets}/API_PutSecretValue.html, ` +
      '"InvalidRequestException"); moto\'s secretsmanager/models.py: SecretsManagerBackend.put_secret_value does not ask',
    ...names.map(
      (name) =>
        `secretsmanager.put_secret_value (put deleted ${name}): lab InvalidRequestException (400), moto succeeds`,
    ),
  ),
];

const parameters: readonly Listed[] = [
  ...because(
    "moto's fault: a name has letters, digits and .-_/ alone " +
      "(https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_PutParameter.html); moto's ssm/models.py: " +
      "SimpleSystemManagerBackend.put_parameter checks its beginning alone",
    "ssm.put_parameter (put bad name): lab ValidationException (400), moto succeeds",
  ),
  ...because(
    "moto's fault: a parameter that is selected by its version has the selector " +
      "(https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_Parameter.html); moto's ssm/models.py: " +
      "Parameter.response_object has no such member",
    "ssm.get_parameter Parameter.Selector: only the lab has it",
  ),
];

const noPattern = "lab InvalidEventPatternException (400), moto succeeds";

const eventBridge: readonly Listed[] = [
  ...because(
    "Not known: the lab refuses the entry, moto the call, with an error that botocore's model does not declare for it " +
      `(events/2015-10-07/service-2.json.gz, PutEvents); the reference says nothing: ${events}/API_PutEvents.html. ` +
      "moto's events/models.py: EventsBackend.put_events asks for the bus once it has the entry's id",
    "events.put_events (put to no bus): lab succeeds, moto ResourceNotFoundException (400)",
    "events.put_events (put to no bus beside another): lab succeeds, moto ResourceNotFoundException (400)",
  ),
  ...because(
    `moto's fault: a detail is a JSON object (${events}/API_PutEventsRequestEntry.html), and what is not fails the ` +
      "entry; moto's events/models.py: EventsBackend.put_events takes a list with a warning",
    "events.put_events Entries[].ErrorCode: only the lab has it",
    "events.put_events Entries[].ErrorMessage: only the lab has it",
    "events.put_events Entries[].EventId: only moto has it",
    "events.put_events FailedEntryCount: lab 1, moto 0",
  ),
  ...because(
    `moto's fault: a call has one entry at least (${events}/API_PutEvents.html); moto's events/models.py: ` +
      "EventsBackend.put_events counts from ten on",
    "events.put_events (put nothing): lab ValidationException (400), moto succeeds",
  ),
  ...because(
    `moto's fault: the answer says whether the pattern matches (${events}/API_TestEventPattern.html); moto's ` +
      "events/responses.py: test_event_pattern does nothing",
    "events.test_event_pattern Result: only the lab has it",
    `events.test_event_pattern (pattern {"source": "aws.ecs"}): ${noPattern}`,
    `events.test_event_pattern (pattern {"source": []}): ${noPattern}`,
    `events.test_event_pattern (pattern {"source": [{"nope": 1}]}): ${noPattern}`,
    `events.test_event_pattern (pattern {}): ${noPattern}`,
    `events.test_event_pattern (pattern that is not JSON): ${noPattern}`,
    `events.test_event_pattern (event that is not JSON): ${noPattern}`,
  ),
];

const identities: readonly Listed[] = [
  ...because(
    `Neither's: the lab's key is the account's root, with its ARN and the account's number (${sts}/` +
      "API_GetCallerIdentity.html); moto's sts/models.py: STSBackend.get_caller_identity knows the key for nobody's, and " +
      "gives the user moto",
    'sts.get_caller_identity Arn: lab "arn:aws:iam::123456789012:root", moto "arn:aws:sts::123456789012:user/moto"',
    'sts.get_caller_identity UserId: lab "123456789012", moto "AKIAIOSFODNN7EXAMPLE"',
  ),
  ...because(
    "moto's fault: a role must be there and trust the caller, and root may assume none " +
      `(${sts}/API_AssumeRole.html); moto's sts/models.py: STSBackend.assume_role says that the role need not exist. ` +
      "Whether AWS refuses a bad name or duration before it asks IAM is not known",
    "sts.assume_role (assume short name): lab AccessDenied (403), moto succeeds",
    "sts.assume_role (assume bad name): lab AccessDenied (403), moto succeeds",
    "sts.assume_role (assume too short): lab AccessDenied (403), moto succeeds",
    "sts.assume_role (assume no ARN): lab AccessDenied (403), moto no answer that boto3 can read (500)",
  ),
];

const machines: readonly Listed[] = because(
  "moto's fault: a token that nobody waits for is TaskDoesNotExist " +
    "(https://docs.aws.amazon.com/step-functions/latest/apireference/API_SendTaskSuccess.html); moto's " +
    "stepfunctions/models.py: StepFunctionBackend.send_task_success and its like do nothing",
  "stepfunctions.send_task_success (success of no task): lab TaskDoesNotExist (400), moto succeeds",
  "stepfunctions.send_task_failure (failure of no task): lab TaskDoesNotExist (400), moto succeeds",
  "stepfunctions.send_task_heartbeat (heartbeat of no task): lab TaskDoesNotExist (400), moto succeeds",
);

const tables: readonly Listed[] = [
  ...because(
    `moto's fault: a table is CREATING at first, and has an id (${dynamo}/API_TableDescription.html); moto's ` +
      "dynamodb/models/table.py: Table.describe has it ACTIVE, without one",
    'dynamodb.create_table TableDescription.TableStatus: lab "CREATING", moto "ACTIVE"',
    "dynamodb.create_table TableDescription.TableId: only the lab has it",
  ),
  ...because(
    "The lab's fault: its DynamoDB is dynalite, which has one account and knows neither deletion protection nor warm " +
      `throughput (${dynamo}/API_TableDescription.html); the product asks for none of them`,
    'dynamodb.create_table TableDescription.TableArn: lab "arn:aws:dynamodb:us-east-1:000000000000:table/tour", moto ' +
      '"arn:aws:dynamodb:us-east-1:123456789012:table/tour"',
    "dynamodb.create_table TableDescription.DeletionProtectionEnabled: only moto has it",
    "dynamodb.create_table TableDescription.WarmThroughput: only moto has it",
  ),
  ...because(
    "Not known: the reference does not say whether a table without indexes has empty lists of them " +
      `(${dynamo}/API_TableDescription.html); moto's dynamodb/models/table.py: Table.describe has them`,
    "dynamodb.create_table TableDescription.GlobalSecondaryIndexes: only moto has it",
    "dynamodb.create_table TableDescription.LocalSecondaryIndexes: only moto has it",
  ),
  ...because(
    `moto's fault: capacity is answered on request alone (${dynamo}/API_UpdateItem.html); moto's ` +
      "dynamodb/responses.py: DynamoHandler.update_item always writes it",
    "dynamodb.update_item ConsumedCapacity: only moto has it",
  ),
];

const alarms: readonly Listed[] = [
  ...because(
    "moto's fault: an alarm of a metric has both " +
      `(${cloudwatch}/API_PutMetricAlarm.html, "Required"); moto's cloudwatch/responses.py: put_metric_alarm reads ` +
      "them without a check",
    "cloudwatch.put_metric_alarm (put alarm without EvaluationPeriods): lab ValidationError (400), moto succeeds",
    "cloudwatch.put_metric_alarm (put alarm without ComparisonOperator): lab ValidationError (400), moto succeeds",
  ),
  ...because(
    `moto's fault: a composite alarm is of other alarms (${cloudwatch}/API_PutCompositeAlarm.html); moto's ` +
      "cloudwatch/responses.py has no put_composite_alarm, which fails the call",
    "cloudwatch.put_composite_alarm (put composite): lab succeeds, moto 500 (500)",
  ),
  ...because(
    "moto's fault: an alarm has its operator and the time of its last change, queries only if it is of several metrics, " +
      `and data of its state if there are any (${cloudwatch}/API_MetricAlarm.html); moto's cloudwatch/models.py: Alarm ` +
      "has an alarm without an operator, no such time, and always a list and a text for the others",
    "cloudwatch.describe_alarms MetricAlarms[].ComparisonOperator: only the lab has it",
    "cloudwatch.describe_alarms MetricAlarms[].StateTransitionedTimestamp: only the lab has it",
    "cloudwatch.describe_alarms MetricAlarms[].Metrics: only moto has it",
    "cloudwatch.describe_alarms MetricAlarms[].StateReasonData: only moto has it",
  ),
  ...because(
    `moto's fault: a new alarm is INSUFFICIENT_DATA (${cloudwatch}/API_PutMetricAlarm.html); moto's ` +
      "cloudwatch/models.py: Alarm.__init__ says that it is OK",
    'cloudwatch.describe_alarms MetricAlarms[].StateValue: lab "INSUFFICIENT_DATA", moto "OK"',
  ),
];

/** Differences that are accepted: whose fault it is, by AWS's reference and by moto's source (5.2.5). */
export const listed: readonly Listed[] = [
  ...listedEcs,
  ...secretsManager,
  ...parameters,
  ...eventBridge,
  ...identities,
  ...machines,
  ...tables,
  ...alarms,
];
