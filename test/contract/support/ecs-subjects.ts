import {
  CreateClusterCommand,
  CreateServiceCommand,
  DeleteServiceCommand,
  DeregisterTaskDefinitionCommand,
  ECSClient,
  TagResourceCommand,
} from "@aws-sdk/client-ecs";
import { clusterArnOf, type ServiceRef, serviceRef } from "../../../shared/base/arn.ts";
import { ecsGateway } from "../../../shared/gateways/aws/ecs.ts";
import type { Tags } from "../../../shared/model/service.ts";
import type { EcsCalls } from "../../../shared/ports/ports.ts";
import { failCalls } from "../../support/altered-calls.ts";
import { FakeEcs } from "../../support/fakes/ecs.ts";
import { service } from "../../support/services.ts";
import { HOME_ACCOUNT, simulatedEcs } from "../../support/simulated-clients.ts";
import { type CallFailure, failOperation } from "./call-failures.ts";

export interface ServiceOptions {
  readonly tags?: Tags;
  readonly desiredCount?: number;
  readonly deploymentController?: "ECS" | "CODE_DEPLOY";
  /** ECS rolls back a failed deployment automatically. */
  readonly rollsBack?: boolean;
}

/** An ECS with one cluster, and actions of others in it. */
export interface EcsSubject {
  readonly port: EcsCalls;
  /** The reference of a service in the cluster. The service need not exist. */
  refOf(serviceName: string): ServiceRef;
  /** Creates a service and lets its first deployment complete. */
  createService(serviceName: string, taskDefinitionArn: string, options?: ServiceOptions): Promise<ServiceRef>;
  deleteService(ref: ServiceRef): Promise<void>;
  deregister(taskDefinitionArn: string): Promise<void>;
  tagCluster(tags: Tags): Promise<void>;
  /** Runs a deployment until it has ended. */
  complete(ref: ServiceRef): Promise<void>;
  /** Starts a deployment of a revision whose tasks fail, and waits until it has failed. */
  deployFailing(ref: ServiceRef, taskDefinitionArn: string): Promise<void>;
  wait(ms: number): Promise<void>;
  fail(call: keyof EcsCalls, failure: CallFailure): void;
}

const CLUSTER = "shop";
const ENDED_MS = 15 * 60_000;

const operations: Readonly<Record<keyof EcsCalls, string>> = {
  describeService: "DescribeServices",
  describeServices: "DescribeServices",
  describeServiceEvents: "DescribeServices",
  describeServiceDeployments: "ListServiceDeployments",
  describeTaskDefinition: "DescribeTaskDefinition",
  describeLatestTaskDefinition: "DescribeTaskDefinition",
  registerTaskDefinition: "RegisterTaskDefinition",
  updateService: "UpdateService",
  describeCluster: "DescribeClusters",
  listClusters: "ListClusters",
  listServices: "ListServices",
  listTasks: "ListTasks",
  describeTasks: "DescribeTasks",
  tagResource: "TagResource",
  untagResource: "UntagResource",
};

/** The product's gateway on the simulated ECS. */
async function throughGateway(): Promise<EcsSubject> {
  const simulated = simulatedEcs();
  const { clock, faults, clients } = simulated;
  const client = clients.home(ECSClient);
  const port = ecsGateway(clients.home, { now: () => clock.now() });
  const refOf = (name: string) => serviceRef(`arn:aws:ecs:us-east-1:${HOME_ACCOUNT}:service/${CLUSTER}/${name}`);
  await client.send(new CreateClusterCommand({ clusterName: CLUSTER }));
  return {
    port,
    refOf,
    createService: async (serviceName, taskDefinition, options = {}) => {
      const { tags = {}, desiredCount = 2, deploymentController: type = "ECS", rollsBack: rollback = false } = options;
      await client.send(
        new CreateServiceCommand({
          cluster: CLUSTER,
          serviceName,
          taskDefinition,
          desiredCount,
          launchType: "FARGATE",
          networkConfiguration: { awsvpcConfiguration: { subnets: ["subnet-1"] } },
          deploymentController: { type },
          deploymentConfiguration: { deploymentCircuitBreaker: { enable: type === "ECS", rollback } },
          tags: Object.entries(tags).map(([key, value]) => ({ key, value })),
        }),
      );
      await clock.advance(ENDED_MS);
      return refOf(serviceName);
    },
    deleteService: async ({ serviceName }) => {
      await client.send(new DeleteServiceCommand({ cluster: CLUSTER, service: serviceName, force: true }));
      await clock.advance(ENDED_MS);
    },
    deregister: async (taskDefinition) => {
      await client.send(new DeregisterTaskDefinitionCommand({ taskDefinition }));
    },
    tagCluster: async (tags) => {
      const list = Object.entries(tags).map(([key, value]) => ({ key, value }));
      await client.send(new TagResourceCommand({ resourceArn: clusterArnOf(refOf("any")), tags: list }));
    },
    complete: () => clock.advance(ENDED_MS),
    deployFailing: async (ref, taskDefinitionArn) => {
      faults.replace([{ kind: "task-stops", match: { service: ref.serviceName } }]);
      await port.updateService(ref, { taskDefinitionArn });
      await clock.advance(ENDED_MS);
      faults.replace([]);
    },
    wait: (ms) => clock.advance(ms),
    fail: (call, failure) => failOperation(simulated, `ecs.${operations[call]}`, failure),
  };
}

async function fake(): Promise<EcsSubject> {
  const clock = { nowMs: 0 };
  const port = new FakeEcs(() => clock.nowMs);
  const rollingBack = new Set<string>();
  const refOf = (name: string) => serviceRef(`arn:aws:ecs:us-east-1:123456789012:service/${CLUSTER}/${name}`);
  const clusterArn = clusterArnOf(refOf("any"));
  port.clusterTags.set(clusterArn, {});
  return {
    port,
    refOf,
    createService: async (serviceName, taskDefinitionArn, options = {}) => {
      const { tags = {}, desiredCount = 2, deploymentController = "ECS", rollsBack = false } = options;
      const ref = refOf(serviceName);
      const { raw } = await port.describeTaskDefinition(taskDefinitionArn);
      port.add(
        service({ ref, taskDefinitionArn, tags, desiredCount, deploymentController, propagateTags: "NONE" }),
        raw,
      );
      if (deploymentController === "ECS") {
        port.deploy(taskDefinitionArn, ref);
        port.complete(ref);
      }
      if (rollsBack) rollingBack.add(ref.serviceArn);
      return ref;
    },
    deleteService: async (ref) => port.delete(ref),
    deregister: async (taskDefinitionArn) => port.deregister(taskDefinitionArn),
    tagCluster: async (tags) => {
      port.clusterTags.set(clusterArn, { ...port.clusterTags.get(clusterArn), ...tags });
    },
    complete: async (ref) => port.complete(ref),
    deployFailing: async (ref, taskDefinitionArn) => {
      await port.updateService(ref, { taskDefinitionArn });
      if (!rollingBack.has(ref.serviceArn)) {
        port.fail(ref);
        return;
      }
      port.rollBack(ref);
      port.complete(ref);
    },
    wait: async (ms) => {
      clock.nowMs += ms;
    },
    fail: (call, failure) => failCalls(port, call, failure),
  };
}

/** Both subjects, with their names. */
export const ecsSubjects: readonly (readonly [string, () => Promise<EcsSubject>])[] = [
  ["of the gateway", throughGateway],
  ["of the fake", fake],
];
