import { isJsonObject, type Json, type JsonObject } from "../base/json.ts";

const EXPOSES_ISTIOD = "istio.io/expose-istiod";

/** The hosts at which a Service exposes istiod: none if its labels do not say so. */
export function istiodHosts(service: JsonObject): readonly string[] {
  const labels = objectOf(objectOf(service.metadata).labels);
  if (labels[EXPOSES_ISTIOD] === undefined) return [];
  const ingress = listOf(objectOf(objectOf(service.status).loadBalancer).ingress);
  const addresses = ingress.flatMap((each) => [objectOf(each).ip, objectOf(each).hostname]);
  return [...addresses, ...listOf(objectOf(service.spec).externalIPs)].filter((host) => typeof host === "string");
}

/**
 * The Service with the address of an old gateway that answers no more, before or behind its own. A Service that does
 * not expose istiod stays as it is.
 */
export function withOldGateway(service: JsonObject, oldFirst: boolean): JsonObject {
  const [host] = istiodHosts(service);
  if (host === undefined) return service;
  const status = objectOf(service.status);
  const loadBalancer = objectOf(status.loadBalancer);
  const old = { hostname: `old-gateway.${host.includes(":") ? "example.com" : host}` };
  const own = listOf(loadBalancer.ingress);
  const ingress = oldFirst ? [old, ...own] : [...own, old];
  return { ...service, status: { ...status, loadBalancer: { ...loadBalancer, ingress } } };
}

function objectOf(value: Json | undefined): JsonObject {
  return isJsonObject(value) ? value : {};
}

function listOf(value: Json | undefined): readonly Json[] {
  return Array.isArray(value) ? value : [];
}
