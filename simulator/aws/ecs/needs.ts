import { isJsonObject, type JsonObject } from "../../base/json.ts";
import type { ConditionValues, Need } from "../../core/authorization.ts";
import type { CallContext, NeedsTable } from "../../core/service.ts";
import { ecsArn, lastName, parseEcsArn } from "./arns.ts";
import { listMember } from "./input.ts";
import type { EcsStore } from "./store.ts";

/** The service that a role is passed to, as ECS names it for IAM. */
const TASKS = "ecs-tasks.amazonaws.com";

/**
 * What ECS's operations need to be allowed.
 * https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonelasticcontainerservice.html
 */
export function ecsNeeds(store: EcsStore): NeedsTable {
  const onService = (action: string): NeedsTable[string] => {
    return (input, context) => [serviceNeed(store, `ecs:${action}`, input, { context, service: input.service })];
  };
  const onTasks = (action: string, tasks: (input: JsonObject) => readonly unknown[]): NeedsTable[string] => {
    return (input, context) => {
      const keys = { "ecs:cluster": clusterArn(input, context) };
      const arns = tasks(input).map((task) => taskArn(task, input, context));
      return arns.map((resource) => ({ action: `ecs:${action}`, resource, keys }));
    };
  };
  const anywhere = (action: string): NeedsTable[string] => {
    return () => [{ action: `ecs:${action}`, resource: "*" }];
  };
  const onTagged = (action: string, keysOf: (input: JsonObject) => ConditionValues): NeedsTable[string] => {
    return (input) => {
      const resource = textOf(input.resourceArn) ?? "*";
      return [{ action: `ecs:${action}`, resource, keys: keysOf(input), tags: () => tagsAt(store, resource) }];
    };
  };
  return {
    CreateCluster: (input, context) => {
      const resource = ecsArn(context, `cluster/${textOf(input.clusterName) ?? "default"}`);
      return [
        { action: "ecs:CreateCluster", resource: "*", keys: requestTags(input) },
        ...tagging(resource, input, "CreateCluster"),
      ];
    },
    DeleteCluster: (input, context) => [clusterNeed(store, "ecs:DeleteCluster", clusterArn(input, context))],
    DescribeClusters: (input, context) => {
      const named = listMember(input, "clusters");
      const clusters = named.length === 0 ? [undefined] : named;
      return clusters.map((cluster) =>
        clusterNeed(store, "ecs:DescribeClusters", clusterArn({ cluster: textOf(cluster) ?? "default" }, context)),
      );
    },
    ListClusters: anywhere("ListClusters"),
    RegisterTaskDefinition: (input, context) => {
      const resource = ecsArn(context, `task-definition/${textOf(input.family) ?? ""}:*`);
      const passed = [input.taskRoleArn, input.executionRoleArn].flatMap((role) => passRole(role, context));
      const register = { action: "ecs:RegisterTaskDefinition", resource, keys: requestTags(input) };
      return [register, ...passed, ...tagging(resource, input, "RegisterTaskDefinition")];
    },
    DeregisterTaskDefinition: anywhere("DeregisterTaskDefinition"),
    DeleteTaskDefinitions: (input, context) =>
      listMember(input, "taskDefinitions").map((named) => {
        const name = textOf(named) ?? "*";
        const resource = parseEcsArn(name) ? name : ecsArn(context, `task-definition/${name}`);
        return { action: "ecs:DeleteTaskDefinitions", resource, tags: () => tagsAt(store, resource) };
      }),
    DescribeTaskDefinition: anywhere("DescribeTaskDefinition"),
    ListTaskDefinitions: anywhere("ListTaskDefinitions"),
    ListTaskDefinitionFamilies: anywhere("ListTaskDefinitionFamilies"),
    CreateService: (input, context) => {
      const need = serviceNeed(store, "ecs:CreateService", input, { context, service: input.serviceName });
      const withTags = { ...need, keys: { ...need.keys, ...requestTags(input) } };
      return [withTags, ...tagging(need.resource, input, "CreateService")];
    },
    UpdateService: onService("UpdateService"),
    DeleteService: onService("DeleteService"),
    DescribeServices: (input, context) =>
      listMember(input, "services").map((service) =>
        serviceNeed(store, "ecs:DescribeServices", input, { context, service }),
      ),
    ListServices: (input, context) => [
      { action: "ecs:ListServices", resource: "*", keys: { "ecs:cluster": clusterArn(input, context) } },
    ],
    ListTasks: (input, context) => {
      const cluster = clusterArn(input, context);
      const resource = ecsArn(context, `container-instance/${lastName(cluster)}/*`);
      return [{ action: "ecs:ListTasks", resource, keys: { "ecs:cluster": cluster } }];
    },
    DescribeTasks: onTasks("DescribeTasks", (input) => listMember(input, "tasks")),
    StopTask: onTasks("StopTask", (input) => [input.task]),
    TagResource: onTagged("TagResource", requestTags),
    UntagResource: onTagged("UntagResource", (input) => ({
      "aws:TagKeys": listMember(input, "tagKeys").filter((key) => typeof key === "string"),
    })),
    ListTagsForResource: onTagged("ListTagsForResource", () => ({})),
    ListServiceDeployments: onService("ListServiceDeployments"),
    StopServiceDeployment: (input) => [
      { action: "ecs:StopServiceDeployment", resource: textOf(input.serviceDeploymentArn) ?? "*" },
    ],
    ContinueServiceDeployment: (input) => [
      { action: "ecs:ContinueServiceDeployment", resource: textOf(input.serviceDeploymentArn) ?? "*" },
    ],
    // The reference names the service, an example of AWS names both: a caller without one of them may be denied.
    // https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-deployment-permissions.html
    DescribeServiceDeployments: (input) =>
      listMember(input, "serviceDeploymentArns").flatMap((arn) => {
        const deployment = textOf(arn) ?? "*";
        const service = deployment.replace(/:service-deployment\/(.+)\/[^/]+$/, ":service/$1");
        const action = "ecs:DescribeServiceDeployments";
        return [...new Set([service, deployment])].map((resource) => ({ action, resource }));
      }),
  };
}

function serviceNeed(
  store: EcsStore,
  action: string,
  input: JsonObject,
  { context, service }: { readonly context: CallContext; readonly service: unknown },
): Need {
  const named = textOf(service) ?? "";
  const cluster = clusterArn(input, context);
  const resource = parseEcsArn(named) ? named : ecsArn(context, `service/${lastName(cluster)}/${named}`);
  return { action, resource, keys: { "ecs:cluster": cluster }, tags: () => tagsAt(store, resource) };
}

function clusterNeed(store: EcsStore, action: string, resource: string): Need {
  return { action, resource, tags: () => tagsAt(store, resource) };
}

function clusterArn(input: JsonObject, context: CallContext): string {
  const named = textOf(input.cluster) ?? "default";
  return parseEcsArn(named) ? named : ecsArn(context, `cluster/${named}`);
}

function taskArn(task: unknown, input: JsonObject, context: CallContext): string {
  const named = textOf(task) ?? "";
  if (parseEcsArn(named)) return named;
  return ecsArn(context, `task/${lastName(clusterArn(input, context))}/${named}`);
}

/** A role by its ARN, or by its name in the caller's account. */
function passRole(role: unknown, { account }: CallContext): readonly Need[] {
  const named = textOf(role);
  if (named === undefined) return [];
  const resource = named.startsWith("arn:") ? named : `arn:aws:iam::${account}:role/${named}`;
  return [{ action: "iam:PassRole", resource, keys: { "iam:PassedToService": TASKS } }];
}

/** Tags at a creation are a TagResource of what is created. */
function tagging(resource: string, input: JsonObject, creation: string): readonly Need[] {
  if (listMember(input, "tags").length === 0) return [];
  return [{ action: "ecs:TagResource", resource, keys: { ...requestTags(input), "ecs:CreateAction": creation } }];
}

function requestTags(input: JsonObject): ConditionValues {
  const keys: string[] = [];
  const values: Record<string, string> = {};
  for (const tag of listMember(input, "tags")) {
    if (!isJsonObject(tag) || typeof tag.key !== "string") continue;
    keys.push(tag.key);
    values[`aws:RequestTag/${tag.key}`] = textOf(tag.value) ?? "";
  }
  return keys.length > 0 ? { ...values, "aws:TagKeys": keys } : {};
}

function tagsAt(store: EcsStore, arn: string): ReadonlyMap<string, string> | undefined {
  const parsed = parseEcsArn(arn);
  if (!parsed) return undefined;
  const scope = store.scope(parsed);
  switch (parsed.kind) {
    case "service":
      return store.findService(arn)?.tags;
    case "cluster":
      return store.findCluster(scope, arn)?.tags;
    case "task-definition":
      return store.findRevision(scope, arn)?.tags;
    default:
      return undefined;
  }
}

function textOf(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}
