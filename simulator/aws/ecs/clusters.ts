import * as z from "zod";
import { AwsError } from "../../base/aws-error.ts";
import type { JsonObject } from "../../base/json.ts";
import type { Operation } from "../../core/service.ts";
import { ecsArn } from "./arns.ts";
import { clusterNotFound, invalidParameter } from "./errors.ts";
import { includeSchema, listMember, parseEcsInput, pick } from "./input.ts";
import type { EcsCluster } from "./model.ts";
import { pageByKey } from "./paging.ts";
import type { EcsParts } from "./parts.ts";
import { tagList, tagListSchema, withTags } from "./tag-rules.ts";

const NAME = /^[A-Za-z0-9_-]{1,255}$/;
const STORED = [
  "configuration",
  "settings",
  "capacityProviders",
  "defaultCapacityProviderStrategy",
  "serviceConnectDefaults",
];

/** https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ClusterSetting.html */
const DEFAULT_SETTINGS = [{ name: "containerInsights", value: "disabled" }];

const createSchema = z.looseObject({ clusterName: z.string().default("default"), tags: tagListSchema });
const describeSchema = z.looseObject({ clusters: z.array(z.string()).default(["default"]), include: includeSchema });
const listSchema = z.looseObject({ maxResults: z.number().optional(), nextToken: z.string().optional() });
const deleteSchema = z.looseObject({ cluster: z.string() });

/** CreateCluster, DescribeClusters, ListClusters, DeleteCluster. */
export function clusterOperations({ environment, store, events }: EcsParts): Record<string, Operation> {
  return {
    CreateCluster(input, context) {
      const { clusterName, tags } = parseEcsInput(createSchema, input);
      if (!NAME.test(clusterName)) throw invalidParameter("Invalid cluster name.");
      const scope = store.scope(context);
      const known = scope.clusters.get(clusterName);
      // ECS gives back a cluster that is there already.
      if (known?.status === "ACTIVE") return { cluster: clusterView(known, ["TAGS", "SETTINGS"]) };
      const cluster: EcsCluster = {
        sequence: store.nextSequence(),
        arn: ecsArn(scope, `cluster/${clusterName}`),
        name: clusterName,
        scope,
        tags: withTags(new Map(), tags),
        settings: { settings: DEFAULT_SETTINGS, ...pick(input, STORED) },
        status: "ACTIVE",
        deletedAtMs: undefined,
        tagVersion: 0,
        services: new Map(),
        tasks: new Map(),
        stopped: new Map(),
      };
      // A cluster that was deleted makes room at the end of the list for its successor.
      scope.clusters.delete(clusterName);
      scope.clusters.set(clusterName, cluster);
      events.tagChange(cluster, [...cluster.tags.keys()], cluster.tags);
      return { cluster: clusterView(cluster, ["TAGS", "SETTINGS"]) };
    },

    DescribeClusters(input, context) {
      const { clusters, include } = parseEcsInput(describeSchema, input);
      if (clusters.length > 100) throw invalidParameter("Clusters cannot have more than 100 elements.");
      const scope = store.scope(context);
      const found = clusters.map((name) => ({ name, cluster: store.findCluster(scope, name) }));
      const missing = found.filter(({ cluster }) => !cluster);
      return {
        clusters: found.flatMap(({ cluster }) => (cluster ? [clusterView(cluster, include ?? [])] : [])),
        failures: missing.map(({ name }) => ({
          arn: name.startsWith("arn:") ? name : ecsArn(scope, `cluster/${name}`),
          reason: "MISSING",
        })),
      };
    },

    ListClusters(input, context) {
      const request = parseEcsInput(listSchema, input);
      const active = [...store.scope(context).clusters.values()].filter(({ status }) => status === "ACTIVE");
      const { items, nextToken } = pageByKey(active, ({ sequence }) => sequence, request, {
        defaultResults: 100,
        maxResults: 100,
      });
      return {
        clusterArns: items.map(({ arn }) => arn),
        ...(nextToken === undefined ? {} : { nextToken }),
      };
    },

    DeleteCluster(input, context) {
      const { cluster: name } = parseEcsInput(deleteSchema, input);
      const cluster = store.findCluster(store.scope(context), name);
      if (!cluster) throw clusterNotFound();
      if ([...cluster.services.values()].some(({ status }) => status === "ACTIVE")) {
        const message = "The Cluster cannot be deleted while Services are active.";
        throw new AwsError("ClusterContainsServicesException", message);
      }
      if (cluster.tasks.size > 0) {
        throw new AwsError("ClusterContainsTasksException", "The Cluster cannot be deleted while Tasks are active.");
      }
      cluster.status = "INACTIVE";
      cluster.deletedAtMs ??= environment.clock.now();
      return { cluster: clusterView(cluster, []) };
    },
  };
}

function clusterView(cluster: EcsCluster, include: readonly string[]): JsonObject {
  const tasks = [...cluster.tasks.values()];
  const { settings: _settings, ...stored } = cluster.settings;
  return {
    clusterArn: cluster.arn,
    clusterName: cluster.name,
    status: cluster.status,
    registeredContainerInstancesCount: 0,
    runningTasksCount: tasks.filter(({ lastStatus }) => lastStatus === "RUNNING").length,
    pendingTasksCount: tasks.filter(({ lastStatus }) => lastStatus === "PENDING" || lastStatus === "PROVISIONING")
      .length,
    activeServicesCount: [...cluster.services.values()].filter(({ status }) => status === "ACTIVE").length,
    statistics: [],
    capacityProviders: [],
    defaultCapacityProviderStrategy: [],
    ...stored,
    tags: include.includes("TAGS") ? tagList(cluster.tags) : [],
    settings: include.includes("SETTINGS") ? listMember(cluster.settings, "settings") : [],
  };
}
