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

function objectOf(value: Json | undefined): JsonObject {
  return isJsonObject(value) ? value : {};
}

function listOf(value: Json | undefined): readonly Json[] {
  return Array.isArray(value) ? value : [];
}
