import type { Listed } from "../listed.ts";

const api = "https://docs.aws.amazon.com/AmazonECS/latest/APIReference";

/** Every member of every operation's answer, with what differs in it. */
function membersOf(
  answers: readonly string[],
  members: readonly string[],
  { apart, reason }: { readonly apart: string; readonly reason: string },
): readonly Listed[] {
  return answers.flatMap((answer) => members.map((member) => ({ what: `ecs.${answer}${member}: ${apart}`, reason })));
}

/** Each whole difference's words, with the same reason. */
function because(reason: string, ...whats: readonly string[]): readonly Listed[] {
  return whats.map((what) => ({ what: `ecs.${what}`, reason }));
}

const onlyTheLab = "only the lab has it";
const onlyMoto = "only moto has it";

const clusters: readonly Listed[] = [
  ...because(
    "moto's fault: a name has letters, numbers, underscores and hyphens, 255 at most " +
      `(${api}/API_CreateCluster.html); moto's ecs/models.py: EC2ContainerServiceBackend.create_cluster takes any`,
    "create_cluster (cluster name blank): lab InvalidParameterException (400), moto succeeds",
    "create_cluster (cluster name too long): lab InvalidParameterException (400), moto succeeds",
    "create_cluster (cluster name slash): lab InvalidParameterException (400), moto succeeds",
    "create_cluster (cluster name empty): lab InvalidParameterException (400), moto succeeds",
  ),
  ...because(
    `moto's fault: ListClusters pages (${api}/API_ListClusters.html); moto's ecs/models.py: ` +
      "EC2ContainerServiceBackend.list_clusters says that paging is not implemented",
    "list_clusters clusterArns: lab has 2 items, moto 4",
    "list_clusters nextToken: only the lab has it",
  ),
  ...membersOf(
    ["create_cluster cluster", "describe_clusters clusters[]", "delete_cluster cluster"],
    [".capacityProviders", ".defaultCapacityProviderStrategy", ".statistics"],
    {
      apart: onlyTheLab,
      reason:
        `moto's fault: a cluster has them (${api}/API_Cluster.html); moto's ecs/models.py: Cluster leaves out what ` +
        "was not given, and knows no statistics",
    },
  ),
  ...membersOf(["create_cluster cluster", "describe_clusters clusters[]"], [".tags"], {
    apart: onlyTheLab,
    reason:
      `moto's fault: a cluster has tags, if none then an empty list (${api}/API_Cluster.html); moto's ` +
      "ecs/models.py: Cluster.tags is None without tags, and ecs/responses.py: describe_clusters excludes the member",
  }),
  ...because(
    `moto's fault: settings are answered on request alone (${api}/API_DescribeClusters.html, "include"); moto's ` +
      "ecs/responses.py: describe_clusters heeds TAGS alone",
    "describe_clusters clusters[].settings: lab has 0 items, moto 1",
  ),
  ...because(
    "Not known: the reference does not say whether a deletion answers settings and tags, and AWS's example in " +
      `botocore (ecs/2014-11-13/examples-1.json, DeleteCluster) has neither: ${api}/API_DeleteCluster.html`,
    "delete_cluster cluster.settings: lab has 0 items, moto 1",
    "delete_cluster cluster.tags: lab has 0 items, moto 1",
  ),
  ...because(
    "moto's fault: botocore's model declares ClusterContainsServicesException (ecs/2014-11-13/service-2.json.gz, " +
      "DeleteCluster); moto's ecs/models.py: EC2ContainerServiceBackend.delete_cluster checks nothing",
    "delete_cluster (delete a cluster with services): lab ClusterContainsServicesException (400), moto succeeds",
  ),
];

const taskDefinitions = ["register_task_definition", "describe_task_definition", "deregister_task_definition"];
const someDefinitions = ["register_task_definition", "describe_task_definition"];
const container = " taskDefinition.containerDefinitions[]";

const definitions: readonly Listed[] = [
  ...membersOf(
    taskDefinitions,
    [" taskDefinition.registeredAt", " taskDefinition.registeredBy", " taskDefinition.requiresAttributes"],
    {
      apart: onlyTheLab,
      reason:
        `moto's fault: a task definition has them (${api}/API_TaskDefinition.html); moto's ecs/models.py: ` +
        "TaskDefinition does not",
    },
  ),
  ...membersOf(
    taskDefinitions,
    [`${container}.portMappings[].hostPort`, `${container}.portMappings[].protocol`, `${container}.systemControls`],
    {
      apart: onlyTheLab,
      reason:
        `moto's fault: hostPort and protocol have defaults (${api}/API_PortMapping.html), lists are answered empty; ` +
        "moto's ecs/models.py: TaskDefinition.__init__ fills in six members of a container and none of its ports",
    },
  ),
  ...membersOf(
    someDefinitions,
    [`${container}.healthCheck.interval`, `${container}.healthCheck.retries`, `${container}.healthCheck.timeout`],
    {
      apart: onlyTheLab,
      reason:
        `moto's fault: they have defaults (${api}/API_HealthCheck.html); moto's ecs/models.py: ` +
        "TaskDefinition.__init__ fills in none",
    },
  ),
  ...because(
    `moto's fault: the answer has when it was deregistered (${api}/API_TaskDefinition.html); moto's ecs/models.py: ` +
      "EC2ContainerServiceBackend.deregister_task_definition changes the status alone",
    "deregister_task_definition taskDefinition.deregisteredAt: only the lab has it",
  ),
  ...because(
    `moto's fault: the answer has tags beside the definition (${api}/API_RegisterTaskDefinition.html); moto's ` +
      "ecs/responses.py: register_task_definition answers the definition alone",
    "register_task_definition tags: only the lab has it",
  ),
  ...membersOf(taskDefinitions, [" taskDefinition.compatibilities"], {
    apart: "lab has 2 items, moto 1",
    reason:
      "moto's fault: compatibilities are the launch types that ECS validated the definition for " +
      `(${api}/API_TaskDefinition.html); moto's ecs/models.py: TaskDefinition.__init__ repeats what was required`,
  }),
  ...membersOf(taskDefinitions, [" taskDefinition.networkMode"], {
    apart: onlyMoto,
    reason:
      "Not known: bridge is the default where none was given, and the reference does not say whether it is answered " +
      `(${api}/API_TaskDefinition.html); AWS's example in botocore (ecs/2014-11-13/examples-1.json, ` +
      "RegisterTaskDefinition) has none. moto's ecs/models.py: TaskDefinition.__init__ writes it",
  }),
  ...because(
    "moto's fault: Fargate wants cpu, memory and awsvpc; a definition wants containers, of which one is essential, " +
      `with names of their own, and dependsOn names one of them (${api}/API_RegisterTaskDefinition.html, ` +
      `${api}/API_ContainerDefinition.html); moto's ecs/models.py: ` +
      "EC2ContainerServiceBackend._validate_container_defs checks name, image and memory alone",
    "register_task_definition (register fargate without size): lab ClientException (400), moto succeeds",
    "register_task_definition (register fargate on a bridge): lab ClientException (400), moto succeeds",
    "register_task_definition (register no containers): lab ClientException (400), moto succeeds",
    "register_task_definition (register same name twice): lab ClientException (400), moto succeeds",
    "register_task_definition (register nothing essential): lab ClientException (400), moto succeeds",
    "register_task_definition (register depends on nobody): lab ClientException (400), moto succeeds",
  ),
  ...[4, 3, 2, 1].flatMap((revision) => {
    const arnOf = (number: number) => `"arn:aws:ecs:us-east-1:123456789012:task-definition/plain:${number}"`;
    return because(
      `moto's fault: DESC lists the newest first (${api}/API_ListTaskDefinitions.html); moto's ecs/responses.py: ` +
        "list_task_definitions does not read sort",
      `list_task_definitions taskDefinitionArns[]: lab ${arnOf(revision)}, moto ${arnOf(5 - revision)}`,
    );
  }),
  ...because(
    "moto's fault: INACTIVE gives families without an active definition " +
      `(${api}/API_ListTaskDefinitionFamilies.html); moto's ecs/models.py: ` +
      "EC2ContainerServiceBackend.list_task_definition_families says that status is not implemented",
    "list_task_definition_families families: lab has 0 items, moto 1",
  ),
];

const serviceAnswers = [
  "create_service service",
  "describe_services services[]",
  "update_service service",
  "delete_service service",
];

const services: readonly Listed[] = [
  ...membersOf(
    serviceAnswers,
    [
      ".availabilityZoneRebalancing",
      ".createdAt",
      ".createdBy",
      ".currentServiceDeployment",
      ".currentServiceRevisions",
      ".deploymentConfiguration",
      ".enableECSManagedTags",
      ".enableExecuteCommand",
      ".placementConstraints",
      ".placementStrategy",
      ".roleArn",
    ],
    {
      apart: onlyTheLab,
      reason:
        `moto's fault: a service has them (${api}/API_Service.html); moto's ecs/models.py: Service does not, and has ` +
        "roleArn only if a role was given",
    },
  ),
  ...["create_service service", "describe_services services[]", "delete_service service"].flatMap((answer) =>
    because(
      "moto's fault: ECS writes what happens to a service into its events, the hundred last ones " +
        `(${api}/API_Service.html); moto's ecs/models.py: Service.events stays empty`,
      `${answer}.events: lab has 2 items, moto 0`,
    ),
  ),
  ...because(
    "moto's fault: ECS writes what happens to a service into its events, the hundred last ones " +
      `(${api}/API_Service.html); moto's ecs/models.py: Service.events stays empty`,
    "update_service service.events: lab has 4 items, moto 0",
  ),
  ...membersOf(serviceAnswers, [".deployments[].platformFamily"], {
    apart: onlyMoto,
    reason:
      `moto's fault: the family is LINUX or one of Windows (${api}/API_Deployment.html); moto's ecs/models.py: ` +
      "Service.__init__ writes the launch type into it",
  }),
  ...membersOf(serviceAnswers, [".networkConfiguration", ".taskSets"], {
    apart: onlyMoto,
    reason:
      "moto's fault: only services with awsvpc have a network, and only those of another deployment controller task " +
      `sets (${api}/API_Service.html); moto's ecs/models.py: Service.__init__ makes both for every service, empty`,
  }),
  ...because(
    `moto's fault: an update deploys the definition, and answers its ARN (${api}/API_UpdateService.html); moto's ` +
      "ecs/models.py: EC2ContainerServiceBackend.update_service keeps the text that was given, and the old deployment",
    'update_service service.deployments[].taskDefinition: lab "arn:aws:ecs:us-east-1:123456789012:task-definition/' +
      'plain:1", moto "arn:aws:ecs:us-east-1:123456789012:task-definition/plain:4"',
    'update_service service.taskDefinition: lab "arn:aws:ecs:us-east-1:123456789012:task-definition/plain:1", moto ' +
      '"plain:1"',
  ),
  ...because(
    `moto's fault: names are unique in a cluster (${api}/API_CreateService.html, "serviceName"); moto's ` +
      "ecs/models.py: EC2ContainerServiceBackend.create_service replaces the service that has the name",
    "create_service (service again): lab InvalidParameterException (400), moto succeeds",
  ),
  ...because(
    "moto's fault: the ARN of a service has its cluster's name since 2021 " +
      "(https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-account-settings.html); moto's " +
      "ecs/models.py: EC2ContainerServiceBackend.describe_services leaves it out for one that is missing",
    'describe_services failures[].arn: lab "arn:aws:ecs:us-east-1:123456789012:service/a/nope", moto ' +
      '"arn:aws:ecs:us-east-1:123456789012:service/nope"',
  ),
  ...because(
    "Not known: botocore's model declares neither error (ecs/2014-11-13/service-2.json.gz, ListTagsForResource), and " +
      `the reference says nothing: ${api}/API_ListTagsForResource.html`,
    "list_tags_for_resource (tags of nobody): lab ResourceNotFoundException (400), moto ServiceNotFoundException (400)",
  ),
  ...because(
    `moto's fault: a service is DRAINING until its tasks have stopped (${api}/API_DeleteService.html); moto's ` +
      "ecs/models.py: EC2ContainerServiceBackend.delete_service makes it INACTIVE at once",
    'delete_service service.status: lab "DRAINING", moto "INACTIVE"',
  ),
  ...because(
    `moto's fault: what is missing is a failure (${api}/API_DescribeTasks.html); moto's ecs/responses.py: ` +
      "describe_tasks answers none",
    "describe_tasks failures: lab has 1 items, moto 0",
  ),
  ...because(
    "moto's fault: botocore's model declares InvalidParameterException (ecs/2014-11-13/service-2.json.gz, StopTask); " +
      "moto's ecs/models.py: EC2ContainerServiceBackend.stop_task raises Python's Exception",
    "stop_task (stop no task): lab InvalidParameterException (400), moto 500 (500)",
  ),
];

/** Differences of ECS that are accepted: whose fault it is, by the reference and by moto's source (5.2.5). */
export const listedEcs: readonly Listed[] = [...clusters, ...definitions, ...services];
