import type { ServiceRef } from "../base/arn.ts";

/** The names that istiod makes of a service, in Kubernetes objects and labels. */
export interface MeshNames {
  readonly ref: ServiceRef;
  /** The service's hostname in the mesh. */
  readonly hostname: string;
}

const SUBDOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const LABEL_VALUE = /^[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$/;
const HOST_PART = /^[A-Za-z0-9]([-A-Za-z0-9]*[A-Za-z0-9])?$/;
const ANOTHER_HOSTNAME = "set another one by the tag ecs.solo.io/hostname";
const MAX_NAME_LENGTH = 253;
const MAX_LABEL_LENGTH = 63;
/** ECS's task ids have 32 hexadecimal digits. */
const TASK_ID = "0".repeat(32);

/**
 * What Kubernetes would refuse of the names that istiod writes unchanged: the cluster's in the name of each task's
 * WorkloadEntry (`ecs-task-<account>-<region>-<cluster>-<task id>`), the service's in the name of a ServiceEntry, and
 * the service's and the hostname as values of labels. One sentence for each, with the rule; empty where all is well.
 * https://kubernetes.io/docs/concepts/overview/working-with-objects/names/
 */
export function meshNameProblems({ ref, hostname }: MeshNames): readonly string[] {
  const { account, region, clusterName, serviceName } = ref;
  return [
    ...objectName(`Cluster ${clusterName}`, clusterName, `ecs-task-${account}-${region}-${clusterName}-${TASK_ID}`),
    ...objectName(`Service ${serviceName}`, serviceName, serviceName),
    ...labelValue(`Service ${serviceName}`, serviceName, "the service needs a shorter or another name"),
    ...labelValue(`Hostname ${hostname}`, hostname, ANOTHER_HOSTNAME),
    ...hostParts(hostname),
  ];
}

/** Istio takes a host of a ServiceEntry that is a DNS name: that of a cluster `prod-` would not be one. */
function hostParts(hostname: string): readonly string[] {
  const wrong = hostname.split(".").find((part) => !HOST_PART.test(part));
  if (wrong === undefined || !LABEL_VALUE.test(hostname)) return [];
  return [
    `Hostname ${hostname}: its part ${wrong} does not begin and end with a letter or digit; ${ANOTHER_HOSTNAME}.`,
  ];
}

function objectName(what: string, part: string, name: string): readonly string[] {
  if (name.length > MAX_NAME_LENGTH) {
    return [`${what}: ${name.length} characters in an object's name, Kubernetes allows ${MAX_NAME_LENGTH}.`];
  }
  if (SUBDOMAIN.test(name)) return [];
  const wrong = /[A-Z]/.test(part) ? "upper-case letters" : part.includes("_") ? "underscores" : "a hyphen at an end";
  return [`${what}: ${wrong} in an object's name, Kubernetes allows lower-case letters, digits and inner hyphens.`];
}

function labelValue(what: string, value: string, fix: string): readonly string[] {
  if (value.length > MAX_LABEL_LENGTH) {
    return [`${what}: ${value.length} characters in a label, Kubernetes allows ${MAX_LABEL_LENGTH}; ${fix}.`];
  }
  if (LABEL_VALUE.test(value)) return [];
  return [`${what}: a label's value begins and ends with a letter or a digit; ${fix}.`];
}
