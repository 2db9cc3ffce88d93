import type { Listed } from "../listed.ts";

const ecs = "https://docs.aws.amazon.com/AmazonECS/latest/APIReference";
const secrets = "https://docs.aws.amazon.com/secretsmanager/latest/apireference";
const events = "https://docs.aws.amazon.com/eventbridge/latest/APIReference";

/** Each whole difference's words, with the same reason. */
function because(reason: string, ...whats: readonly string[]): readonly Listed[] {
  return whats.map((what) => ({ what, reason }));
}

/** Differences from moto that are accepted. */
export const listed: readonly Listed[] = [
  ...because(
    `moto does not check the names of clusters, and what it takes is listed later: ${ecs}/API_CreateCluster.html`,
    "ecs.create_cluster (cluster name *",
    "ecs.list_clusters clusterArns: *",
  ),
  ...because(
    `moto does not page clusters: ${ecs}/API_ListClusters.html`,
    "ecs.list_clusters nextToken: only the lab has it",
  ),
  ...because(
    `moto leaves out members that ECS's clusters have: ${ecs}/API_Cluster.html`,
    "ecs.create_cluster cluster.*: only the lab has it",
    "ecs.describe_clusters clusters[].*: only the lab has it",
    "ecs.delete_cluster cluster.*: only the lab has it",
  ),
  ...because(
    "The lab's clusters have no settings, for the product asks for none; ECS would tell containerInsights: " +
      `${ecs}/API_ClusterSetting.html`,
    "ecs.create_cluster cluster.settings: *",
    "ecs.describe_clusters clusters[].settings: *",
    "ecs.delete_cluster cluster.settings: *",
  ),
  ...because(
    `The lab answers a deletion without tags; the reference names none for it: ${ecs}/API_DeleteCluster.html`,
    "ecs.delete_cluster cluster.tags: lab has 0 items, moto 1",
  ),
  ...because(
    `moto does not fill in what ECS does, and finds out fewer launch types: ${ecs}/API_TaskDefinition.html`,
    "ecs.*task_definition *: only the lab has it",
    "ecs.*task_definition taskDefinition.compatibilities: lab has 2 items, moto 1",
  ),
  ...because(
    "moto writes a network mode that was not given; ECS says it is bridge by default on Linux, and leaves it out: " +
      `${ecs}/API_RegisterTaskDefinition.html`,
    "ecs.*task_definition taskDefinition.networkMode: only moto has it",
  ),
  ...because(
    `moto does not check task definitions, and has what it took: ${ecs}/API_RegisterTaskDefinition.html`,
    "ecs.register_task_definition (register *): lab ClientException (400), moto succeeds",
    "ecs.describe_task_definition (describe *): lab ClientException (400), moto succeeds",
  ),
  ...because(
    `moto does not sort by the order that was asked for: ${ecs}/API_ListTaskDefinitions.html`,
    "ecs.list_task_definitions taskDefinitionArns[]: *",
  ),
  ...because(
    `moto ignores the status of a family: ${ecs}/API_ListTaskDefinitionFamilies.html`,
    "ecs.list_task_definition_families families: lab has 0 items, moto 1",
  ),
  ...because(
    `moto deploys nothing, and leaves out members of services: ${ecs}/API_Service.html`,
    "ecs.*_service* service*: only the lab has it",
    "ecs.*_service* service*.events: *",
    "ecs.update_service service.deployments[].taskDefinition: *",
    "ecs.update_service service.taskDefinition: *",
  ),
  ...because(
    `moto writes members of services without platform, network and task sets: ${ecs}/API_Service.html`,
    "ecs.*_service* service*.deployments[].platformFamily: only moto has it",
    "ecs.*_service* service*.networkConfiguration: only moto has it",
    "ecs.*_service* service*.taskSets: only moto has it",
  ),
  ...because(
    `The reference promises no order: ${ecs}/API_ListServices.html`,
    "ecs.list_services serviceArns[]: *",
    "ecs.list_tags_for_resource tags[].*",
  ),
  ...because(
    `moto makes a second service of the same name: ${ecs}/API_CreateService.html`,
    "ecs.create_service (service again): *",
  ),
  ...because(
    `moto's failures have ARNs without the cluster: ${ecs}/API_Failure.html`,
    "ecs.describe_services failures[].arn: *",
  ),
  ...because(
    "AWS's model declares neither error for this operation; what AWS does is not written: " +
      `${ecs}/API_ListTagsForResource.html`,
    "ecs.list_tags_for_resource (tags of nobody): *",
  ),
  ...because(`A deleted service drains first: ${ecs}/API_DeleteService.html`, "ecs.delete_service service.status: *"),
  ...because(
    `moto deletes a cluster that still has services: ${ecs}/API_DeleteCluster.html`,
    "ecs.delete_cluster (delete a cluster with services): *",
  ),
  ...because(
    `moto does not tell tasks that are missing, or breaks: ${ecs}/API_DescribeTasks.html`,
    "ecs.describe_tasks failures: *",
    "ecs.stop_task (stop no task): *",
  ),
  ...because(
    "Errors of this protocol have the status 400 except for faults of the server: " +
      "https://smithy.io/2.0/aws/protocols/aws-json-1_1-protocol.html",
    "secretsmanager.get_secret_value (*): lab ResourceNotFoundException (400), moto ResourceNotFoundException (404)",
  ),
  ...because(
    `moto answers the name where the ARN belongs, and members without a value: ${secrets}/API_ListSecretVersionIds.html`,
    "secretsmanager.list_secret_version_ids *",
  ),
  ...because(
    "AWS's model declares moto's error, but the reference does not say that a second deletion has it: not known. " +
      `${secrets}/API_DeleteSecret.html`,
    "secretsmanager.delete_secret (delete * again): lab succeeds, moto InvalidRequestException (400)",
  ),
  ...because(
    `moto writes to a secret that is being deleted, and its versions move: ${secrets}/API_PutSecretValue.html`,
    "secretsmanager.put_secret_value (put deleted *): lab InvalidRequestException (400), moto succeeds",
    "secretsmanager.describe_secret VersionIdsToStages.*",
  ),
  ...because(
    `moto does not check the names of secrets, and has what it took: ${secrets}/API_CreateSecret.html`,
    "secretsmanager.* bad name!*",
  ),
  ...because(
    "The lab's parameters have no selectors, which the product does not use: " +
      "https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetParameter.html",
    "ssm.get_parameter (get *:1): lab ParameterNotFound (400), moto succeeds",
  ),
  ...because(
    "moto does not check the characters of a name: " +
      "https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_PutParameter.html",
    "ssm.put_parameter (* bad name*",
    "ssm.get_parameter (get bad name): *",
    "ssm.get_parameters InvalidParameters: lab has 2 items, moto 1",
    "ssm.get_parameters Parameters: lab has 0 items, moto 1",
  ),
  ...because(
    "The lab refuses the entry, moto the call. AWS's model declares no such error of the call; what AWS does is not " +
      `written: ${events}/API_PutEvents.html`,
    "events.put_events (put to no bus*): *",
  ),
  ...because(
    `moto takes entries and lists that PutEvents refuses: ${events}/API_PutEvents.html`,
    "events.put_events Entries[].*",
    "events.put_events FailedEntryCount: lab 1, moto 0",
    "events.put_events (put nothing): *",
  ),
  ...because(
    `moto has no TestEventPattern, and answers nothing: ${events}/API_TestEventPattern.html`,
    "events.test_event_pattern *",
  ),
  ...because(
    "moto gives everybody its user: https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html",
    "sts.get_caller_identity *",
  ),
  ...because(
    "moto lets everybody take on roles that do not exist; the lab's IAM refuses before it checks the rest: " +
      "https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html",
    "sts.assume_role *",
  ),
  ...because(
    "moto takes every task token: https://docs.aws.amazon.com/step-functions/latest/apireference/API_SendTaskSuccess.html",
    "stepfunctions.send_task_* of no task): lab TaskDoesNotExist (400), moto succeeds",
  ),
  ...because(
    "The lab's DynamoDB is dynalite, which has one account and creates tables slowly; moto fills in members: " +
      "https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TableDescription.html",
    "dynamodb.create_table *",
  ),
  ...because(
    "moto answers capacity that nobody asked for: " +
      "https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_UpdateItem.html",
    "dynamodb.update_item ConsumedCapacity: only moto has it",
  ),
  ...because(
    "moto does not require what PutMetricAlarm does, and leaves out or adds members: " +
      "https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html",
    "cloudwatch.put_metric_alarm (*",
    "cloudwatch.put_composite_alarm (*",
    "cloudwatch.describe_alarms MetricAlarms[].*: only *",
  ),
  ...because(
    "A new alarm has too little data; moto says it is OK: " +
      "https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html",
    'cloudwatch.describe_alarms MetricAlarms[].StateValue: lab "INSUFFICIENT_DATA", moto "OK"',
  ),
];
