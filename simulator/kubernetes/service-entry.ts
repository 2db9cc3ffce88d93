import type { JsonObject } from "../base/json.ts";
import type { ServiceChange } from "../core/connections.ts";
import { defaultHostname, labelTags, type TaskPlace } from "./workload-entry.ts";

/** A service that istiod discovers, as it is now. */
export interface DiscoveredService {
  readonly serviceArn: string;
  readonly serviceName: string;
  readonly clusterName: string;
  readonly place: TaskPlace;
  /** From the service's tags. */
  readonly namespace: string;
  readonly hostname: string;
  readonly ports: string;
  readonly exists: boolean;
  /** Those tags that can be labels. */
  readonly labels: Readonly<Record<string, string>>;
}

/** As Solo's guide has it. */
const DEFAULT_PORTS = "http:80:8080";
const PORT = /^([a-z0-9]+):(\d{1,5})(?::(\d{1,5}))?$/;

/**
 * What Solo's istiod sees in a service: every one of a cluster that carries `ecs.solo.io/discovery-enabled`, with what
 * the service's own tags say. Undefined for the others.
 */
export function discoveredService(
  change: ServiceChange,
  discovers: (place: TaskPlace) => boolean,
  domain: string,
): DiscoveredService | undefined {
  const { serviceArn, serviceName, clusterName, account, region, exists, tags, clusterTags } = change;
  const place = { account, region };
  if (clusterTags.get("ecs.solo.io/discovery-enabled") !== "true" || !discovers(place)) return undefined;
  return {
    serviceArn,
    serviceName,
    clusterName,
    place,
    namespace: tags.get("ecs.solo.io/namespace") ?? "istio-system",
    hostname: tags.get("ecs.solo.io/hostname") ?? defaultHostname(serviceName, clusterName, domain),
    ports: tags.get("ecs.solo.io/ports") ?? DEFAULT_PORTS,
    exists,
    labels: labelTags(tags),
  };
}

/**
 * The ServiceEntry that istiod writes for a service. ECS's names and the hostname go into it unchanged: it may be one
 * that Kubernetes does not take.
 */
export function serviceEntry(service: DiscoveredService): JsonObject {
  const { place, clusterName, serviceName, hostname } = service;
  return {
    apiVersion: "networking.istio.io/v1",
    kind: "ServiceEntry",
    metadata: {
      name: `ecs-service-${place.account}-${place.region}-${clusterName}-${serviceName}`,
      namespace: service.namespace,
      labels: { ...service.labels, "ecs.solo.io/service": serviceName, "ecs.solo.io/hostname": hostname },
      annotations: { "ecs.solo.io/arn": service.serviceArn },
    },
    spec: {
      hosts: [hostname],
      ports: portsOf(service.ports),
      resolution: "STATIC",
      workloadSelector: { labels: { "ecs.solo.io/hostname": hostname } },
    },
  };
}

/** `protocol:port[:targetPort]`, several joined by `/`; the defaults in the place of what is not like that. */
function portsOf(text: string): readonly JsonObject[] {
  const parts = text.split("/").map((part) => PORT.exec(part));
  if (parts.some((part) => part === null)) return portsOf(DEFAULT_PORTS);
  return parts.map((part) => {
    const [, protocol = "", port = "", targetPort = port] = part ?? [];
    return {
      number: Number(port),
      name: `${protocol}-${port}`,
      protocol: protocol.toUpperCase(),
      targetPort: Number(targetPort),
    };
  });
}
