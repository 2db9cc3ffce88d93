import type { Random } from "../aws/service.ts";
import type { Clock } from "../clock/clock.ts";
import type { Faults } from "../faults.ts";
import { jsonResponse, type LabRequest, type LabResponse } from "../http/message.ts";
import { isJsonObject, type Json, type JsonObject } from "../json.ts";
import { apply } from "./apply.ts";
import { authenticate } from "./authentication.ts";
import { initialObjects, type MeshOptions } from "./initial-objects.ts";
import { ObjectStore } from "./object-store.ts";
import { parseResourcePath, type ResourcePath, resourceOf } from "./resources.ts";
import { notFound, StatusError, statusResponse } from "./status.ts";
import { type TaskChange, workloadEntry } from "./workload-entry.ts";

export interface KubernetesOptions extends MeshOptions {
  /** The control plane's name: requests come below `/kubernetes/<name>`. */
  readonly name: string;
  readonly clock: Clock;
  readonly faults: Faults;
  readonly random: Random;
  /** A bearer token that is taken beside EKS's own. */
  readonly kubeconfigToken?: string;
}

const INSTALLER = "helm";
const NAME = /^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/;
/** How long istiod takes to see that a task started or stopped, at least and at most. */
const DISCOVERY_MS = { min: 1000, max: 4000 };

/** The Kubernetes API of one control plane, as far as the product uses it, with istiod's view of ECS behind it. */
export class KubernetesSimulation {
  readonly name: string;
  readonly #options: KubernetesOptions;
  readonly #store: ObjectStore;
  /** The last change of every task, so that an older one that is still on its way does nothing. */
  readonly #tasks = new Map<string, TaskChange>();
  /** Tasks that the fault no-workload-entry has struck: istiod never learns of them. */
  readonly #unseen = new Set<string>();

  constructor(options: KubernetesOptions) {
    this.name = options.name;
    this.#options = options;
    this.#store = new ObjectStore(() => options.clock.now(), options.random);
    for (const object of initialObjects(options)) this.put(object);
  }

  /** Answers a request to the API. */
  async handle(request: LabRequest): Promise<LabResponse> {
    try {
      if (this.#options.faults.strike("kubernetes-down", { controlPlane: this.name }))
        throw new StatusError(503, "ServiceUnavailable", "the server is currently unable to handle the request");
      authenticate(request, this.#options.kubeconfigToken);
      return this.#answer(request);
    } catch (error) {
      if (error instanceof StatusError) return statusResponse(error);
      throw error;
    }
  }

  /** Creates an object or replaces it, as somebody does who works on the cluster without the product. */
  put(object: JsonObject, manager = INSTALLER): void {
    this.#store.put(refOf(object), manager, object);
    if (object.kind === "Namespace") this.#addDefaultServiceAccount(String(refOf(object).name));
  }

  /** Deletes the object that has this kind, namespace and name. */
  delete(object: JsonObject): void {
    this.#store.delete(refOf(object));
  }

  /** Replaces the root CA bundle, as istiod does when the CA is rotated. */
  setRootCa(rootCaPem: string): void {
    const configMap = initialObjects({ ...this.#options, rootCaPem }).find(({ kind }) => kind === "ConfigMap");
    if (configMap !== undefined) this.put(configMap);
  }

  /** Tells istiod that a task runs or runs no longer. Its WorkloadEntry appears or goes a few seconds later. */
  taskChanged(change: TaskChange): void {
    const { clock, random } = this.#options;
    this.#tasks.set(change.taskArn, change);
    const delayMs = DISCOVERY_MS.min + random() * (DISCOVERY_MS.max - DISCOVERY_MS.min);
    // Nobody waits for istiod; an error of it is a defect of the lab and ends the process.
    void clock.sleep(delayMs).then(() => this.#discover(change));
  }

  /** All objects but their managed fields, for people and tests. */
  state(): readonly JsonObject[] {
    const kinds = ["namespaces", "configmaps", "services", "serviceaccounts"].map((plural) => `/api/v1/${plural}`);
    const paths = [...kinds, "/apis/apps/v1/deployments", "/apis/networking.istio.io/v1/workloadentries"];
    return paths.flatMap((path) => {
      const resource = parseResourcePath(path)?.resource;
      return resource === undefined ? [] : this.#store.list(resource, undefined, undefined).map(withoutManagedFields);
    });
  }

  #answer(request: LabRequest): LabResponse {
    const prefix = `/kubernetes/${this.name}`;
    const path = request.path.startsWith(`${prefix}/`) ? request.path.slice(prefix.length) : request.path;
    if (path === "/version") return jsonResponse(200, { major: "1", minor: "33", gitVersion: "v1.33.0-eks" });
    const target = parseResourcePath(path);
    if (target === undefined)
      throw new StatusError(404, "NotFound", "the server could not find the requested resource");
    if (request.method === "GET") return target.name === undefined ? this.#list(target, request) : this.#get(target);
    if (request.method === "PATCH" && target.name !== undefined) return this.#apply(target, target.name, request);
    throw new StatusError(
      405,
      "MethodNotAllowed",
      `the server does not allow this method on the requested resource: ${request.method} ${path}`,
    );
  }

  #get({ resource, namespace, name = "" }: ResourcePath): LabResponse {
    const object = this.#store.read({ resource, namespace, name });
    if (object === undefined) throw notFound(resource.plural, name);
    return jsonResponse(200, object);
  }

  #list({ resource, namespace }: ResourcePath, { query }: LabRequest): LabResponse {
    if (query.fieldSelector) throw new StatusError(400, "BadRequest", "the lab has no field selectors");
    const all = this.#store.list(resource, namespace, query.labelSelector);
    const start = Number(query.continue ?? 0);
    const end = query.limit ? start + Number(query.limit) : all.length;
    const more: JsonObject = end < all.length ? { continue: String(end), remainingItemCount: all.length - end } : {};
    return jsonResponse(200, {
      kind: `${resource.kind}List`,
      apiVersion: resource.apiVersion,
      metadata: { resourceVersion: this.#store.resourceVersion, ...more },
      items: all.slice(start, end),
    });
  }

  #apply(target: ResourcePath, name: string, request: LabRequest): LabResponse {
    const { resource, namespace } = target;
    if (!request.headers["content-type"]?.startsWith("application/apply-patch+yaml"))
      throw new StatusError(
        415,
        "UnsupportedMediaType",
        "the body of the request was in an unknown format - accepted media types include: application/apply-patch+yaml",
      );
    const manager = request.query.fieldManager;
    if (!manager)
      throw new StatusError(
        422,
        "Invalid",
        'PatchOptions.meta.k8s.io "" is invalid: fieldManager: Required value: is required for apply patch',
      );
    const config = parseConfig(request.body, target, name);
    if (namespace !== undefined && !this.#hasNamespace(namespace)) throw notFound("namespaces", namespace);
    const ref = { resource, namespace, name };
    const existing = this.#store.find(ref);
    this.#store.write(ref, apply(existing, config, { manager, force: request.query.force === "true" }));
    if (resource.kind === "Namespace" && existing === undefined) this.#addDefaultServiceAccount(name);
    return jsonResponse(existing === undefined ? 201 : 200, this.#store.read(ref) ?? null);
  }

  #addDefaultServiceAccount(namespace: string): void {
    const account = { apiVersion: "v1", kind: "ServiceAccount", metadata: { name: "default", namespace } };
    if (this.#store.find(refOf(account)) === undefined) this.#store.put(refOf(account), INSTALLER, account);
  }

  #discover(change: TaskChange): void {
    if (this.#tasks.get(change.taskArn) !== change) return;
    const entry = workloadEntry(change, this.#options.network);
    const ref = refOf(entry);
    if (!change.running) {
      this.#tasks.delete(change.taskArn);
      this.#unseen.delete(change.taskArn);
      this.#store.delete(ref);
      return;
    }
    if (this.#store.find(ref) === undefined && this.#isUnseen(change)) return;
    if (this.#hasNamespace(change.namespace)) this.#store.put(ref, "istiod", entry);
  }

  #isUnseen({ taskArn, serviceArn }: TaskChange): boolean {
    const [, , , region = "", account = ""] = taskArn.split(":");
    const subject = { controlPlane: this.name, service: serviceArn, region, account };
    if (!this.#unseen.has(taskArn) && this.#options.faults.strike("no-workload-entry", subject))
      this.#unseen.add(taskArn);
    return this.#unseen.has(taskArn);
  }

  #hasNamespace(name: string): boolean {
    const resource = parseResourcePath("/api/v1/namespaces")?.resource;
    return resource !== undefined && this.#store.find({ resource, namespace: undefined, name }) !== undefined;
  }
}

function refOf(object: JsonObject) {
  const resource = resourceOf(object);
  const metadata = isJsonObject(object.metadata) ? object.metadata : {};
  const { name, namespace } = metadata;
  if (resource === undefined || typeof name !== "string")
    throw new TypeError("the lab's Kubernetes has no such kind of object, or it has no name");
  return { resource, namespace: typeof namespace === "string" ? namespace : undefined, name };
}

/** The applied configuration. @throws StatusError 400 or 422 when it is not what the path names */
function parseConfig(body: string, { resource, namespace }: ResourcePath, name: string): JsonObject {
  let config: unknown;
  try {
    config = JSON.parse(body);
  } catch {
    throw new StatusError(400, "BadRequest", "error decoding YAML: the lab takes the JSON subset of YAML only");
  }
  if (!isJsonObject(config)) throw new StatusError(400, "BadRequest", "the body is not an object");
  const bad = (message: string) => new StatusError(400, "BadRequest", message);
  if (config.kind !== resource.kind || config.apiVersion !== resource.apiVersion)
    throw bad(`the object provided is not a ${resource.kind} of ${resource.apiVersion}`);
  const metadata = isJsonObject(config.metadata) ? config.metadata : {};
  if (metadata.name !== undefined && metadata.name !== name)
    throw bad("the name of the object does not match the name on the URL");
  if (metadata.namespace !== undefined && metadata.namespace !== namespace)
    throw bad("the namespace of the provided object does not match the namespace sent on the request");
  if (metadata.managedFields !== undefined) throw bad("metadata.managedFields must be nil");
  if (!NAME.test(name))
    throw new StatusError(422, "Invalid", `${resource.kind} "${name}" is invalid: metadata.name: Invalid value`);
  const named: Record<string, Json> = { ...metadata, name };
  if (namespace !== undefined) named.namespace = namespace;
  return { ...config, metadata: named };
}

function withoutManagedFields(object: JsonObject): JsonObject {
  const metadata = object.metadata;
  if (!isJsonObject(metadata)) return object;
  const { managedFields, ...rest } = metadata;
  return { ...object, metadata: rest };
}
