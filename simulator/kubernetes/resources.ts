import type { JsonObject } from "../base/json.ts";

/** A kind of object that the simulation has. */
export interface Resource {
  /** As in paths: `serviceaccounts`. */
  readonly plural: string;
  readonly kind: string;
  /** `v1`, or group and version. */
  readonly apiVersion: string;
  readonly namespaced: boolean;
}

const resources: readonly Resource[] = [
  { plural: "namespaces", kind: "Namespace", apiVersion: "v1", namespaced: false },
  { plural: "configmaps", kind: "ConfigMap", apiVersion: "v1", namespaced: true },
  { plural: "secrets", kind: "Secret", apiVersion: "v1", namespaced: true },
  { plural: "services", kind: "Service", apiVersion: "v1", namespaced: true },
  { plural: "serviceaccounts", kind: "ServiceAccount", apiVersion: "v1", namespaced: true },
  { plural: "deployments", kind: "Deployment", apiVersion: "apps/v1", namespaced: true },
  { plural: "workloadentries", kind: "WorkloadEntry", apiVersion: "networking.istio.io/v1", namespaced: true },
  { plural: "serviceentries", kind: "ServiceEntry", apiVersion: "networking.istio.io/v1", namespaced: true },
];

/** What a path below the API's root names: one object, or the list of them in a namespace or in all. */
export interface ResourcePath {
  readonly resource: Resource;
  readonly namespace: string | undefined;
  readonly name: string | undefined;
}

const PATH =
  /^\/(?:api\/(?<core>v1)|apis\/(?<group>[^/]+\/[^/]+))(?:\/namespaces\/(?<namespace>[^/]+)(?=\/))?\/(?<plural>[^/]+)(?:\/(?<name>[^/]+))?$/;

/** The parts of a REST path, or `undefined` when the simulation has no such resource. */
export function parseResourcePath(path: string): ResourcePath | undefined {
  const { core, group, namespace, plural, name } = PATH.exec(path)?.groups ?? {};
  const resource = resources.find((each) => each.plural === plural && each.apiVersion === (core ?? group));
  if (resource === undefined || (namespace !== undefined) !== (resource.namespaced && path.includes("/namespaces/")))
    return undefined;
  return { resource, namespace: decoded(namespace), name: decoded(name) };
}

/** The resource of an object by its kind, or `undefined`. */
export function resourceOf(object: JsonObject): Resource | undefined {
  return resources.find(({ kind, apiVersion }) => kind === object.kind && apiVersion === object.apiVersion);
}

/** A segment with an invalid encoding stays as it is: no object has such a name. */
function decoded(segment: string | undefined): string | undefined {
  if (segment === undefined) return undefined;
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}
