import { isJsonObject } from "../../base/json.ts";
import { randomBase62 } from "../../base/random-id.ts";
import { addedContainerSpec, type ContainerSpec } from "./container-spec.ts";
import type { EcsEnvironment } from "./environment.ts";
import type { AddedContainers, EcsService } from "./model.ts";

const SUFFIX_LENGTH = 6;

/**
 * What AWS adds to a new task of a service: GuardDuty's agent where a fault rule says so (accounts have it by runtime
 * monitoring), Service Connect's proxy where the service has it enabled.
 * https://docs.aws.amazon.com/guardduty/latest/ug/how-runtime-monitoring-works-ecs-fargate.html
 * https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-connect-concepts-deploy.html
 */
export function addedContainers(service: EcsService, { random, faults }: EcsEnvironment): AddedContainers {
  const { account, region } = service.cluster.scope;
  const specs: ContainerSpec[] = [];
  const unstarted = new Map<string, string>();
  const agent = faults.strike("guardduty-agent", { account, region, service: service.arn });
  if (agent) {
    const name = `aws-guardduty-agent-${randomBase62(random, SUFFIX_LENGTH)}`;
    specs.push(addedContainerSpec(name, `${account}.dkr.ecr.${region}.amazonaws.com/aws-guardduty-agent-fargate:v1`));
    if (agent.message !== undefined) unstarted.set(name, agent.message);
  }
  const { serviceConnectConfiguration: connect } = service.settings;
  if (isJsonObject(connect) && connect.enabled === true) {
    const name = `ecs-service-connect-${randomBase62(random, SUFFIX_LENGTH)}`;
    specs.push(addedContainerSpec(name, "public.ecr.aws/appmesh/aws-appmesh-envoy:v1"));
  }
  return { specs, unstarted };
}

/** Subnets of this name have IPv6 alone: the simulator has no subnets that could have that as a member. */
export function isIpv6Only(subnetId: string): boolean {
  return subnetId.startsWith("subnet-ipv6");
}
