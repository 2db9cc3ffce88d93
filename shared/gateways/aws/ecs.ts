import {
  DescribeClustersCommand,
  DescribeServiceDeploymentsCommand,
  DescribeServicesCommand,
  DescribeTaskDefinitionCommand,
  DescribeTasksCommand,
  ECSClient,
  ListClustersCommand,
  ListServiceDeploymentsCommand,
  ListServicesCommand,
  ListTasksCommand,
  RegisterTaskDefinitionCommand,
  type ServiceInputTypes,
  type ServiceOutputTypes,
  TagResourceCommand,
  UntagResourceCommand,
  UpdateServiceCommand,
} from "@aws-sdk/client-ecs";
import type { SmithyResolvedConfiguration } from "@smithy/core/client";
import type { HttpHandlerOptions, Command as SdkCommand } from "@smithy/types";
import type * as z from "zod";
import { clusterArnOf } from "../../base/arn.ts";
import { chunk } from "../../base/chunk.ts";
import { AutopilotError } from "../../base/errors.ts";
import { expiringCache } from "../../base/expiring-cache.ts";
import type { DescribedTaskDefinition, ObservedService, Tags } from "../../model/service.ts";
import type { ObservedTask } from "../../model/task.ts";
import type { EcsCalls } from "../../ports/ports.ts";
import type { PlacedClients } from "./aws-clients.ts";
import {
  clustersAnswer,
  deploymentsAnswer,
  deploymentsListed,
  describedTaskDefinition,
  failuresOf,
  listAnswer,
  observedService,
  observedTask,
  serviceDeployment,
  serviceEventsAnswer,
  servicesAnswer,
  tasksAnswer,
  updateAnswer,
} from "./ecs-shapes.ts";
import { asFailure, call, isNamed } from "./errors.ts";
import { keepRawResponse, sendAtMostOnce, sendRawRequest } from "./raw-json.ts";

export interface EcsGatewayOptions {
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** Default 50: a revision is read again within minutes of its deployment or not at all. */
  readonly taskDefinitionCacheSize?: number;
  /** How long a cluster's tags are taken as they were read. */
  readonly clusterTtlMs?: number;
}

type EcsCommand<Input extends ServiceInputTypes, Output extends ServiceOutputTypes> = SdkCommand<
  ServiceInputTypes,
  Input,
  ServiceOutputTypes,
  Output,
  SmithyResolvedConfiguration<HttpHandlerOptions>
>;

const PAGE = 100;
const TASKS_PER_CALL = 100;

/**
 * ECS in one account and region. Task definitions go through as raw JSON, so that no member is lost. What a call throws
 * is an `AutopilotError`; those of a call's own are named in `EcsCalls`.
 */
export function ecsGateway(clients: PlacedClients, options: EcsGatewayOptions): EcsCalls {
  const client = clients(ECSClient);
  const { now, taskDefinitionCacheSize = 50, clusterTtlMs = 5 * 60_000 } = options;
  const taskDefinitions = expiringCache<DescribedTaskDefinition>({
    size: taskDefinitionCacheSize,
    ttlMs: Number.POSITIVE_INFINITY,
    now,
  });
  const clusters = expiringCache<{ readonly clusterArn: string; readonly tags: Tags }>({
    size: 1_000,
    ttlMs: clusterTtlMs,
    now,
  });

  /** What ECS answers to a command, by our own schema alone. */
  async function ask<Input extends ServiceInputTypes, Output extends ServiceOutputTypes, Answer>(
    command: EcsCommand<Input, Output>,
    schema: z.ZodType<Answer>,
  ): Promise<Answer> {
    const response = keepRawResponse(command, client.config);
    await client.send(command);
    return schema.parse(response.withoutNulls());
  }

  async function describeServices(cluster: string, names: readonly string[]): Promise<readonly ObservedService[]> {
    return call(`DescribeServices ${names.join(" ")}`, async () => {
      const { services, failures } = await ask(
        new DescribeServicesCommand({ cluster, services: [...names], include: ["TAGS"] }),
        servicesAnswer,
      );
      rejectOther("DescribeServices", failures);
      return services.map(observedService).filter((service) => service !== undefined);
    });
  }

  async function describeDefinition(nameOrArn: string): Promise<DescribedTaskDefinition> {
    const command = new DescribeTaskDefinitionCommand({ taskDefinition: nameOrArn, include: ["TAGS"] });
    const response = keepRawResponse(command, client.config);
    const definition = await call(`DescribeTaskDefinition ${nameOrArn}`, async () => {
      await client.send(command).catch(rethrowMissingDefinition(nameOrArn));
      return describedTaskDefinition(response.raw());
    });
    taskDefinitions.set(definition.taskDefinitionArn, definition);
    return definition;
  }

  return {
    describeServices,

    describeService: async (ref) => {
      const [service] = await describeServices(clusterArnOf(ref), [ref.serviceName]);
      if (!service) throw new AutopilotError("service-not-found", ref.serviceArn);
      return service;
    },

    describeServiceEvents: (ref) =>
      call(`DescribeServices ${ref.serviceName}`, async () => {
        const command = new DescribeServicesCommand({ cluster: clusterArnOf(ref), services: [ref.serviceName] });
        const { services } = await ask(command, serviceEventsAnswer);
        const events = services.flatMap((service) => service.events);
        return events.map(({ createdAt, message }) => ({ createdAtMs: Math.round(createdAt * 1000), message }));
      }),

    describeServiceDeployments: (ref, sinceMs) =>
      call(`DescribeServiceDeployments ${ref.serviceName}`, async () => {
        const request = {
          cluster: clusterArnOf(ref),
          service: ref.serviceArn,
          createdAt: { after: new Date(sinceMs) },
        };
        const { serviceDeployments } = await ask(new ListServiceDeploymentsCommand(request), deploymentsListed);
        const serviceDeploymentArns = serviceDeployments.map(({ serviceDeploymentArn }) => serviceDeploymentArn);
        if (serviceDeploymentArns.length === 0) return [];
        const described = new DescribeServiceDeploymentsCommand({ serviceDeploymentArns });
        return (await ask(described, deploymentsAnswer)).serviceDeployments.map(serviceDeployment);
      }),

    describeTaskDefinition: async (arn, { fresh = false } = {}) =>
      (fresh ? undefined : taskDefinitions.get(arn)) ?? describeDefinition(arn),

    describeLatestTaskDefinition: async (family) => {
      try {
        return await describeDefinition(family);
      } catch (error) {
        if (error instanceof AutopilotError && error.code === "task-definition-not-found") return undefined;
        throw error;
      }
    },

    registerTaskDefinition: async (definition) => {
      const family = String(definition.family);
      // The input only fills the SDK's type: the body that is sent is the raw JSON.
      const command = new RegisterTaskDefinitionCommand({ family, containerDefinitions: [] });
      sendRawRequest(command, definition);
      sendAtMostOnce(command);
      const response = keepRawResponse(command, client.config);
      const registered = await call(
        `RegisterTaskDefinition ${family}`,
        async () => {
          await client.send(command);
          return describedTaskDefinition(response.raw());
        },
        "registration-refused",
      );
      taskDefinitions.set(registered.taskDefinitionArn, registered);
      return registered.taskDefinitionArn;
    },

    updateService: async (ref, { taskDefinitionArn, propagateTags = false, forceNewDeployment = false }) =>
      call(
        `UpdateService ${ref.serviceArn}`,
        async () => {
          const { service } = await ask(
            new UpdateServiceCommand({
              cluster: clusterArnOf(ref),
              service: ref.serviceName,
              taskDefinition: taskDefinitionArn,
              ...(propagateTags && { propagateTags: propagateTags === true ? "SERVICE" : propagateTags }),
              ...(forceNewDeployment && { forceNewDeployment: true }),
            }),
            updateAnswer,
          );
          const updated = observedService(service);
          if (!updated) throw new AutopilotError("service-not-found", ref.serviceArn);
          return updated;
        },
        "update-refused",
      ),

    describeCluster: async (clusterArn, { fresh = false } = {}) => {
      const known = fresh ? undefined : clusters.get(clusterArn);
      if (known) return known;
      const described = await call(`DescribeClusters ${clusterArn}`, async () => {
        const command = new DescribeClustersCommand({ clusters: [clusterArn], include: ["TAGS"] });
        const { clusters: found, failures } = await ask(command, clustersAnswer);
        rejectOther("DescribeClusters", failures);
        const [cluster] = found;
        if (!cluster) throw new AutopilotError("service-not-found", `ECS does not know the cluster ${clusterArn}`);
        return cluster;
      });
      clusters.set(clusterArn, described);
      return described;
    },

    listClusters: () =>
      pages("ListClusters", async (nextToken) => {
        const page = await ask(new ListClustersCommand({ maxResults: PAGE, nextToken }), listAnswer);
        return { items: page.clusterArns, nextToken: page.nextToken };
      }),

    listServices: (clusterArn) =>
      pages(`ListServices ${clusterArn}`, async (nextToken) => {
        const command = new ListServicesCommand({ cluster: clusterArn, maxResults: PAGE, nextToken });
        const page = await ask(command, listAnswer);
        return { items: page.serviceArns, nextToken: page.nextToken };
      }),

    listTasks: async (of, desiredStatus) => {
      const selection =
        "serviceArn" in of
          ? { cluster: clusterArnOf(of), serviceName: of.serviceName }
          : { cluster: of.clusterArn, ...("family" in of && { family: of.family }) };
      const listed = pages(`ListTasks ${selection.cluster}`, async (nextToken) => {
        const command = new ListTasksCommand({ ...selection, desiredStatus, maxResults: PAGE, nextToken });
        const page = await ask(command, listAnswer);
        return { items: page.taskArns, nextToken: page.nextToken };
      });
      return all(listed, "most" in of ? of.most : Number.POSITIVE_INFINITY);
    },

    describeTasks: async (clusterArn, taskArns) => {
      const described: ObservedTask[] = [];
      for (const ofCall of chunk(taskArns, TASKS_PER_CALL)) {
        await call(`DescribeTasks in ${clusterArn}`, async () => {
          const command = new DescribeTasksCommand({ cluster: clusterArn, tasks: [...ofCall], include: ["TAGS"] });
          const { tasks, failures } = await ask(command, tasksAnswer);
          rejectOther("DescribeTasks", failures);
          described.push(...tasks.map(observedTask));
        });
      }
      return described;
    },

    tagResource: async (arn, tags) => {
      const list = Object.entries(tags).map(([key, value]) => ({ key, value }));
      await call(`TagResource ${arn}`, () => client.send(new TagResourceCommand({ resourceArn: arn, tags: list })));
      clusters.delete(arn);
    },

    untagResource: async (arn, tagKeys) => {
      await call(`UntagResource ${arn}`, () =>
        client.send(new UntagResourceCommand({ resourceArn: arn, tagKeys: [...tagKeys] })),
      );
      clusters.delete(arn);
    },
  };
}

/**
 * ECS has no name of its own for a task definition that does not exist: its ClientException, which stands for much
 * else, says "Unable to describe task definition."
 */
function rethrowMissingDefinition(nameOrArn: string): (error: unknown) => never {
  return (error) => {
    if (error instanceof Error && isNamed(error, "ClientException") && MISSING_DEFINITION.test(error.message))
      throw new AutopilotError("task-definition-not-found", `${nameOrArn}: ${error.message}`, { cause: error });
    throw asFailure(error, `DescribeTaskDefinition ${nameOrArn}`);
  };
}

const MISSING_DEFINITION = /^Unable to describe task definition\b/;

function rejectOther(operation: string, failures: unknown): void {
  const { other } = failuresOf(failures);
  if (other.length === 0) return;
  const what = other.map(({ arn = "?", reason = "?", detail = "" }) => `${arn} ${reason} ${detail}`.trim());
  throw new AutopilotError("aws-rejected", `${operation}: ${what.join("; ")}`);
}

async function all<T>(items: AsyncIterable<T>, most: number): Promise<readonly T[]> {
  const collected: T[] = [];
  for await (const item of items) {
    collected.push(item);
    if (collected.length >= most) break;
  }
  return collected;
}

async function* pages<T>(
  what: string,
  read: (
    nextToken: string | undefined,
  ) => Promise<{ readonly items: readonly T[]; readonly nextToken?: string | undefined }>,
): AsyncIterable<T> {
  let nextToken: string | undefined;
  do {
    const page = await call(what, () => read(nextToken));
    yield* page.items;
    nextToken = page.nextToken;
  } while (nextToken);
}
