/**
 * The actions that policies may name, by service, as the service authorization reference has them: all of those that
 * the simulator performs, and the others that its users' policies need. An action that is not here is an error in a
 * policy, as a misspelled one would otherwise grant nothing, silently.
 * https://docs.aws.amazon.com/service-authorization/latest/reference/
 */
const actions: Readonly<Record<string, string>> = {
  cloudwatch:
    "DeleteAlarms DescribeAlarmHistory DescribeAlarms DescribeAlarmsForMetric GetMetricData GetMetricStatistics ListMetrics PutCompositeAlarm PutMetricAlarm PutMetricData SetAlarmState TagResource UntagResource",
  dynamodb:
    "BatchGetItem BatchWriteItem ConditionCheckItem CreateTable DeleteItem DeleteTable DescribeTable DescribeTimeToLive GetItem PutItem Query Scan UpdateItem UpdateTable UpdateTimeToLive",
  ec2: "AssignPrivateIpAddresses CreateNetworkInterface DeleteNetworkInterface DescribeNetworkInterfaces DescribeSubnets DescribeSecurityGroups DescribeVpcs UnassignPrivateIpAddresses",
  ecs: "CreateCluster CreateService CreateTaskSet DeleteCluster DeleteService DeleteTaskDefinitions DeregisterTaskDefinition DescribeClusters DescribeServiceDeployments DescribeServiceRevisions DescribeServices DescribeTaskDefinition DescribeTasks ExecuteCommand ListClusters ListServiceDeployments ListServices ListServicesByNamespace ListTagsForResource ListTaskDefinitionFamilies ListTaskDefinitions ListTasks PutClusterCapacityProviders RegisterTaskDefinition RunTask StartTask StopServiceDeployment StopTask TagResource UntagResource UpdateCluster UpdateService",
  eks: "AccessKubernetesApi DescribeCluster ListClusters",
  events:
    "CreateEventBus DeleteRule DescribeEventBus DescribeRule ListEventBuses ListRules ListTargetsByRule PutEvents PutRule PutTargets RemoveTargets TestEventPattern",
  iam: "CreateRole GetRole GetRolePolicy ListRoles PassRole PutRolePolicy",
  kms: "CreateGrant Decrypt DescribeKey Encrypt GenerateDataKey GenerateDataKeyWithoutPlaintext",
  lambda: "GetFunction InvokeFunction InvokeFunctionUrl ListFunctions",
  logs: "CreateLogDelivery CreateLogGroup CreateLogStream DeleteLogDelivery DescribeLogGroups DescribeLogStreams DescribeResourcePolicies FilterLogEvents GetLogDelivery ListLogDeliveries PutLogEvents PutResourcePolicy UpdateLogDelivery",
  scheduler: "CreateSchedule DeleteSchedule GetSchedule ListSchedules UpdateSchedule",
  secretsmanager:
    "BatchGetSecretValue CreateSecret DeleteResourcePolicy DeleteSecret DescribeSecret GetRandomPassword GetResourcePolicy GetSecretValue ListSecretVersionIds ListSecrets PutResourcePolicy PutSecretValue RestoreSecret RotateSecret TagResource UntagResource UpdateSecret UpdateSecretVersionStage ValidateResourcePolicy",
  sns: "Publish Subscribe",
  sqs: "DeleteMessage GetQueueAttributes GetQueueUrl ReceiveMessage SendMessage",
  ssm: "DeleteParameter DescribeParameters GetParameter GetParameterHistory GetParameters GetParametersByPath LabelParameterVersion PutParameter UnlabelParameterVersion",
  states:
    "DescribeExecution DescribeMapRun DescribeStateMachine DescribeStateMachineForExecution GetExecutionHistory ListExecutions ListMapRuns ListStateMachines RedriveExecution SendTaskFailure SendTaskHeartbeat SendTaskSuccess StartExecution StartSyncExecution StopExecution",
  sts: "AssumeRole GetCallerIdentity SetSourceIdentity TagSession",
  xray: "PutTelemetryRecords PutTraceSegments",
};

const known: ReadonlyMap<string, ReadonlySet<string>> = new Map(
  Object.entries(actions).map(([service, names]) => [
    service,
    new Set(names.split(" ").map((name) => name.toLowerCase())),
  ]),
);

/** The actions that a policy's action, in lower case, stands for: none for one that there is not. */
export function knownActions(service: string, matches: (name: string) => boolean): readonly string[] {
  return [...(known.get(service) ?? [])].filter(matches);
}

/** How a condition key is written in a request's context. */
export type KeyKind = "single" | "multi";

/** Keys that the simulator gives to every request where AWS would, or that its requests never have. */
const globalKeys: Readonly<Record<string, KeyKind>> = {
  "aws:currenttime": "single",
  "aws:epochtime": "single",
  "aws:principalaccount": "single",
  "aws:principalarn": "single",
  "aws:principalisawsservice": "single",
  "aws:principalservicename": "single",
  "aws:principaltype": "single",
  "aws:requestedregion": "single",
  "aws:securetransport": "single",
  "aws:sourceaccount": "single",
  "aws:sourcearn": "single",
  "aws:tagkeys": "multi",
  // Its accounts are in no organization, its callers in no VPC, and nobody calls by way of another service.
  "aws:principalorgid": "single",
  "aws:sourcevpc": "single",
  "aws:sourcevpce": "single",
  "aws:viaawsservice": "single",
};

const serviceKeys: Readonly<Record<string, Readonly<Record<string, KeyKind>>>> = {
  ecs: { "ecs:cluster": "single", "ecs:createaction": "single", "ecs:service": "single", "ecs:task": "single" },
  events: { "events:detail-type": "multi", "events:source": "multi" },
  iam: { "iam:passedtoservice": "single" },
  lambda: { "lambda:sourcefunctionarn": "single" },
  secretsmanager: { "secretsmanager:blockpublicpolicy": "single", "secretsmanager:name": "single" },
  sts: { "sts:externalid": "single", "sts:rolesessionname": "single" },
};

/** What is known of a condition key, in lower case; undefined for one that there is not. */
export function keyKind(key: string): KeyKind | undefined {
  if (/^aws:(request|resource|principal)tag\/.+$/.test(key)) return "single";
  return globalKeys[key] ?? serviceKeys[key.slice(0, key.indexOf(":"))]?.[key];
}
