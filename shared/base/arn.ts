import * as z from "zod";

/** An AWS account's id. */
export const accountIdSchema = z.string().regex(/^\d{12}$/, "an account id of 12 digits");
/** An AWS region's name. */
export const regionSchema = z.string().regex(/^[a-z]{2}(-[a-z]+)+-\d$/, "a region such as eu-west-1");

/** An account and region in which services run. */
export interface Place {
  readonly account: string;
  readonly region: string;
}

/** The partition of a region's ARNs. */
export function partitionOf(region: string): string {
  if (region.startsWith("cn-")) return "aws-cn";
  return region.startsWith("us-gov-") ? "aws-us-gov" : "aws";
}

/**
 * True if both ARNs name the same role of the same account. Paths are left out, as istiod leaves them out when it
 * compares a workload's role with its service account's: `role/ecs/ambient/web` and `role/web` are one.
 */
export function sameRole(a: string, b: string): boolean {
  const [, , , , accountA, nameA = ""] = a.split(":");
  const [, , , , accountB, nameB = ""] = b.split(":");
  return accountA === accountB && nameA.split("/").at(-1) === nameB.split("/").at(-1);
}

/** An ECS service, named by its long-format ARN. */
export interface ServiceRef extends Place {
  readonly serviceArn: string;
  readonly clusterName: string;
  readonly serviceName: string;
}

const SERVICE_ARN = /^arn:aws[\w-]*:ecs:([a-z0-9-]+):(\d{12}):service\/([\w-]{1,255})\/([\w-]{1,255})$/;

/**
 * The parts of a service's ARN, or `undefined` when it is not a long-format one (`service/cluster/name`): ECS can't
 * tag services with short ARNs, so such a service can't be enrolled.
 * https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_TagResource.html
 */
export function parseServiceArn(arn: string): ServiceRef | undefined {
  const [, region, account, clusterName, serviceName] = SERVICE_ARN.exec(arn) ?? [];
  if (!region || !account || !clusterName || !serviceName) return undefined;
  return { serviceArn: arn, account, region, clusterName, serviceName };
}

/** A zod schema for a service's long-format ARN. */
export const serviceArnSchema = z.string().refine((arn) => parseServiceArn(arn) !== undefined, "a service's ARN");

/** The service's reference; throws a ZodError when the text is no long-format ARN. */
export function serviceRef(arn: string): ServiceRef {
  const ref = parseServiceArn(serviceArnSchema.parse(arn));
  if (!ref) throw new Error(`not a service's ARN: ${arn}`);
  return ref;
}

/** The ARN of the cluster that a service runs in. */
export function clusterArnOf(service: ServiceRef): string {
  return service.serviceArn.replace(
    `:service/${service.clusterName}/${service.serviceName}`,
    `:cluster/${service.clusterName}`,
  );
}

export interface ClusterRef extends Place {
  readonly clusterArn: string;
}

const CLUSTER_ARN = /^arn:aws[\w-]*:ecs:([a-z0-9-]+):(\d{12}):cluster\/[\w-]{1,255}$/;

/** The cluster's reference, or `undefined` when the text is not a cluster's ARN. */
export function parseClusterArn(clusterArn: string): ClusterRef | undefined {
  const [, region, account] = CLUSTER_ARN.exec(clusterArn) ?? [];
  return region && account ? { clusterArn, account, region } : undefined;
}
