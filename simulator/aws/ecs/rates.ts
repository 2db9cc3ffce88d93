import { type RateTable, rates } from "../../http/throttle.ts";

/** https://docs.aws.amazon.com/AmazonECS/latest/APIReference/request-throttling.html */
export const ecsRates: RateTable = {
  ...rates("task-definition-modify", 20, 1, "RegisterTaskDefinition", "DeregisterTaskDefinition"),
  ...rates("task-definition-delete", 5, 1, "DeleteTaskDefinitions"),
  ...rates(
    "task-definition-read",
    50,
    20,
    "DescribeTaskDefinition",
    "ListTaskDefinitions",
    "ListTaskDefinitionFamilies",
  ),
  ...rates("service-modify", 50, 5, "CreateService", "UpdateService", "DeleteService"),
  ...rates("service-read", 100, 20, "DescribeServices", "ListServices"),
  ...rates("service-deployment", 50, 20, "ListServiceDeployments", "DescribeServiceDeployments"),
  ...rates("service-deployment-modify", 20, 1, "StopServiceDeployment", "ContinueServiceDeployment"),
  ...rates("tag-modify", 20, 10, "TagResource", "UntagResource"),
  ...rates("tag-read", 50, 20, "ListTagsForResource"),
  ...rates("cluster-read", 50, 20, "DescribeClusters", "ListClusters"),
  ...rates("cluster-resource-read", 100, 20, "DescribeTasks", "ListTasks"),
  ...rates("cluster-resource-modify", 100, 40, "StopTask", "RunTask"),
};
