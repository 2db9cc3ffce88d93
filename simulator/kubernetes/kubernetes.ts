import { isJsonObject, type Json, type JsonObject } from "../base/json.ts";
import type { SimulatorContext, TaskChange } from "../core/connections.ts";
import type { HttpService } from "../core/service.ts";
import { jsonResponse, type SimulatorRequest, type SimulatorResponse } from "../http/message.ts";
import { apply } from "./apply.ts";
import { authenticate } from "./authentication.ts";
import { initialObjects, type MeshOptions } from "./initial-objects.ts";
import { ObjectStore } from "./object-store.ts";
import { parseResourcePath, type ResourcePath, resourceOf } from "./resources.ts";
import { notFound, StatusError, statusResponse } from "./status.ts";
import { type DiscoveredTask, discoveredTask, type TaskPlace, workloadEntry } from "./workload-entry.ts";

export interface KubernetesOptions extends MeshOptions {
  /** The control plane's name: requests come below `/kubernetes/<name>/`. */
  readonly controlPlane: string;
  /** The accounts and regions whose tasks its istiod discovers. Default all. */
  readonly discovers?: (place: TaskPlace) => boolean;
  /** A bearer token that is taken beside EKS's own. */
  readonly kubeconfigToken?: string;
}

const INSTALLER = "helm";
const NAME = /^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/;
/** How long istiod takes to see that a task started or stopped, at least and at most. */
const DISCOVERY_MS = { min: 1000, max: 4000 };

/**
 * The Kubernetes API of one cluster: reads, lists and server-side apply of the kinds that a mesh is made of, with an
 * istiod behind it that discovers ECS tasks.
 */
export class Kubernetes implements HttpService {
  readonly name = "kubernetes";
  readonly path: string;
  readonly place: { readonly controlPlane: string };
  readonly controlPlane: string;
  readonly #context: SimulatorContext;
  readonly #options: KubernetesOptions;
  readonly #store: ObjectStore;
  /** The last change of every task, so that an older one that is still on its way does nothing. */
  readonly #tasks = new Map<string, DiscoveredTask>();
  /** Tasks that the fault no-workload-entry has struck: istiod never learns of them. */
  readonly #unseen = new Set<string>();

  constructor(context: SimulatorContext, options: KubernetesOptions) {
    this.controlPlane = options.controlPlane;
    this.place = { controlPlane: options.controlPlane };
    this.path = `/kubernetes/${options.controlPlane}/`;
    this.#context = context;
    this.#options = options;
    this.#store = new ObjectStore(() => context.clock.now(), context.random);
    for (const object of initialObjects(options)) this.put(object);
    context.taskChanges.subscribe((change) => this.#taskChanged(change));
  }

  /** Answers a request to the API. */
  async handle(request: SimulatorRequest): Promise<SimulatorResponse> {
    try {
      if (this.#context.faults.strike("kubernetes-down", { controlPlane: this.controlPlane }))
        throw new StatusError(503, "ServiceUnavailable", "the server is currently unable to handle the request");
      authenticate(request, this.#options.kubeconfigToken);
      return this.#answer(request);
    } catch (error) {
      if (error instanceof StatusError) return statusResponse(error);
      throw error;
    }
  }

  /** Creates or replaces an object, as an operator of the cluster does. */
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

  /** istiod learns that a task runs, or runs no longer: its WorkloadEntry appears or goes a few seconds later. */
  #taskChanged(change: TaskChange): void {
    const task = discoveredTask(change, this.#options.discovers);
    if (!task) return;
    const { clock, random } = this.#context;
    this.#tasks.set(task.taskArn, task);
    const delayMs = DISCOVERY_MS.min + random() * (DISCOVERY_MS.max - DISCOVERY_MS.min);
    // istiod is not awaited: an error in it is a defect of the simulator and ends the process.
    void clock.sleep(delayMs).then(() => this.#discover(task));
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

  #answer(request: SimulatorRequest): SimulatorResponse {
    const path = request.path.startsWith(this.path) ? request.path.slice(this.path.length - 1) : request.path;
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

  #get({ resource, namespace, name = "" }: ResourcePath): SimulatorResponse {
    const object = this.#store.read({ resource, namespace, name });
    if (object === undefined) throw notFound(resource.plural, name);
    return jsonResponse(200, object);
  }

  #list({ resource, namespace }: ResourcePath, { query }: SimulatorRequest): SimulatorResponse {
    if (query.fieldSelector) throw new StatusError(400, "BadRequest", "the simulator has no field selectors");
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

  #apply(target: ResourcePath, name: string, request: SimulatorRequest): SimulatorResponse {
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

  #discover(task: DiscoveredTask): void {
    if (this.#tasks.get(task.taskArn) !== task) return;
    const entry = workloadEntry(task, this.#options.network);
    const ref = refOf(entry);
    if (!task.running) {
      this.#tasks.delete(task.taskArn);
      this.#unseen.delete(task.taskArn);
      this.#store.delete(ref);
      return;
    }
    if (this.#store.find(ref) === undefined && this.#isUnseen(task)) return;
    if (this.#hasNamespace(task.namespace)) this.#store.put(ref, "istiod", entry);
  }

  #isUnseen({ taskArn, serviceArn }: DiscoveredTask): boolean {
    const [, , , region = "", account = ""] = taskArn.split(":");
    const subject = { controlPlane: this.controlPlane, service: serviceArn, region, account };
    if (!this.#unseen.has(taskArn) && this.#context.faults.strike("no-workload-entry", subject))
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
    throw new TypeError("the simulated Kubernetes has no such kind of object, or it has no name");
  return { resource, namespace: typeof namespace === "string" ? namespace : undefined, name };
}

/** The applied configuration. @throws StatusError 400 or 422 when it is not what the path names */
function parseConfig(body: string, { resource, namespace }: ResourcePath, name: string): JsonObject {
  let config: unknown;
  try {
    config = JSON.parse(body);
  } catch {
    throw new StatusError(400, "BadRequest", "error decoding YAML: the simulator takes the JSON subset of YAML only");
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
