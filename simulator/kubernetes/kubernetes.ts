import { isJsonObject, type JsonObject } from "../base/json.ts";
import { seededRandom } from "../base/random.ts";
import type { SimulatorContext, StartingContainer } from "../core/connections.ts";
import type { HttpService } from "../core/service.ts";
import { jsonResponse, type SimulatorRequest, type SimulatorResponse } from "../http/message.ts";
import { admit, refuseInvalid } from "./admission.ts";
import { apply, createdBy } from "./apply.ts";
import { authenticate } from "./authentication.ts";
import { istiodHosts, withOldGateway } from "./gateway.ts";
import { initialObjects, type MeshOptions } from "./initial-objects.ts";
import { Istiod, type IstiodOptions, type RefusedEntry } from "./istiod.ts";
import { type ObjectRef, ObjectStore, refOf } from "./object-store.ts";
import { Pages } from "./pages.ts";
import { mergedConfig, parseConfig, parseMergePatch } from "./patch-body.ts";
import { parseResourcePath, type ResourcePath } from "./resources.ts";
import type { RefusedServiceEntry } from "./service-entries.ts";
import { alreadyExists, modified, notFound, StatusError, statusResponse } from "./status.ts";
import { Terminations } from "./terminations.ts";

export interface KubernetesOptions extends MeshOptions, IstiodOptions {
  /** The control plane's name: requests come below `/kubernetes/<name>/`. */
  readonly controlPlane: string;
  /** A bearer token that is taken beside EKS's own. */
  readonly kubeconfigToken?: string;
}

const INSTALLER = "helm";
const HAS_CHANGED = "the object has been modified; please apply your changes to the latest version and try again";

/**
 * The Kubernetes API of one cluster: reads, lists, creations, merge patches and server-side apply of the kinds that a
 * mesh is made of, with an istiod behind it that discovers ECS tasks.
 */
export class Kubernetes implements HttpService {
  readonly name = "kubernetes";
  readonly path: string;
  readonly place: { readonly controlPlane: string };
  readonly controlPlane: string;
  readonly #context: SimulatorContext;
  readonly #options: KubernetesOptions;
  readonly #store: ObjectStore;
  readonly #pages: Pages;
  readonly #terminations: Terminations;
  readonly #istiod: Istiod;
  #oldGatewayFirst = false;

  constructor(context: SimulatorContext, options: KubernetesOptions) {
    this.controlPlane = options.controlPlane;
    this.place = { controlPlane: options.controlPlane };
    this.path = `/kubernetes/${options.controlPlane}/`;
    this.#context = context;
    this.#options = options;
    // Of its own: how much istiod writes must not change what ECS's tasks take.
    const random = seededRandom(Math.floor(context.random() * 2 ** 32));
    const now = () => context.clock.now();
    this.#store = new ObjectStore(now, random);
    this.#pages = new Pages(this.#store, now);
    this.#terminations = new Terminations({
      controlPlane: options.controlPlane,
      store: this.#store,
      faults: context.faults,
      now,
      emptied: (namespace) => this.#istiod.namespaceEmptied(namespace),
    });
    const look = () => this.#terminations.look();
    this.#istiod = new Istiod(context, { store: this.#store, look }, random, options);
    for (const object of initialObjects(options)) this.put(object);
  }

  /** Answers a request to the API. */
  async handle(request: SimulatorRequest): Promise<SimulatorResponse> {
    try {
      if (this.#context.faults.strike("kubernetes-down", { controlPlane: this.controlPlane }))
        throw new StatusError(503, "ServiceUnavailable", "the server is currently unable to handle the request");
      authenticate(request, this.#options.kubeconfigToken);
      this.#terminations.look();
      return this.#answer(request);
    } catch (error) {
      if (error instanceof StatusError) return statusResponse(error);
      throw error;
    }
  }

  /**
   * Creates or replaces an object, as an operator of the cluster does; its namespace may come later.
   * @throws StatusError 422 for a name, label or annotation that Kubernetes does not take
   */
  put(object: JsonObject, manager = INSTALLER): void {
    const ref = refOf(object);
    refuseInvalid(ref, object);
    this.#store.put(ref, manager, object);
    this.#changed(ref);
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

  /** Moves istiod's gateway to another load balancer: the earlier host name answers no more. */
  setGatewayAddress(hostname: string): void {
    const objects = initialObjects({ ...this.#options, eastWestHostname: hostname });
    const service = objects.find(({ kind }) => kind === "Service");
    if (service !== undefined) this.put(service);
  }

  /** The WorkloadEntries that istiod wanted to write for tasks that exist, and that were refused. */
  refusedEntries(): readonly RefusedEntry[] {
    return this.#istiod.refusals();
  }

  /** The ServiceEntries that istiod wanted to write for services that exist, and that were refused. */
  refusedServiceEntries(): readonly RefusedServiceEntry[] {
    return this.#istiod.refusedServices();
  }

  /** Calls the listener with what each write replaces, if anything, and with what it stores. */
  onWrite(listener: (before: JsonObject | undefined, after: JsonObject) => void): void {
    this.#store.onWrite(listener);
  }

  /** All objects but their managed fields, for people and tests. */
  state(): readonly JsonObject[] {
    this.#terminations.look();
    const kinds = ["namespaces", "configmaps", "services", "serviceaccounts"].map((plural) => `/api/v1/${plural}`);
    const paths = [
      ...kinds,
      "/apis/apps/v1/deployments",
      "/apis/networking.istio.io/v1/workloadentries",
      "/apis/networking.istio.io/v1/serviceentries",
    ];
    return paths.flatMap((path) => {
      const resource = parseResourcePath(path)?.resource;
      return resource === undefined ? [] : this.#store.list(resource, undefined, undefined).map(withoutManagedFields);
    });
  }

  /** The names that istiod writes into the certificate of a ztunnel with this task role: one a service account. */
  certificateNames(roleArn: string): readonly string[] {
    return this.#istiod.certificateNames(roleArn);
  }

  /** The root certificates that istiod signs with, which its ConfigMap may no longer have. */
  istiodRootCaPem(): string {
    return this.#istiod.rootCaPem();
  }

  /** Has istiod sign with this root from now on, as after a change of its CA. The published bundle stays. */
  signWith(rootPem: string): void {
    this.#istiod.signWith(rootPem);
  }

  /** The certificates that istiod serves at this host, its own first; undefined where it does not answer. */
  servingChain(host: string): readonly string[] | undefined {
    return this.#istiod.servingChain(host);
  }

  /** How many tasks hold a certificate that this root has signed. */
  heldFrom(rootPem: string): number {
    return this.#istiod.heldFrom(rootPem);
  }

  /** Why istiod gives a container's ztunnel no certificate; undefined if it does, or if the token is another mesh's. */
  certificateRefusal(container: StartingContainer): string | undefined {
    return this.#istiod.certificateRefusal(container);
  }

  #answer(request: SimulatorRequest): SimulatorResponse {
    const path = request.path.startsWith(this.path) ? request.path.slice(this.path.length - 1) : request.path;
    if (path === "/version") return jsonResponse(200, { major: "1", minor: "33", gitVersion: "v1.33.0-eks" });
    const target = parseResourcePath(path);
    if (target === undefined)
      throw new StatusError(404, "NotFound", "the server could not find the requested resource");
    if (request.method === "GET") return target.name === undefined ? this.#list(target, request) : this.#get(target);
    if (request.method === "PATCH" && target.name !== undefined) {
      const isMerge = request.headers["content-type"]?.startsWith("application/merge-patch+json");
      return isMerge ? this.#merge(target, target.name, request) : this.#apply(target, target.name, request);
    }
    if (request.method === "POST" && target.name === undefined) return this.#create(target, request);
    throw new StatusError(
      405,
      "MethodNotAllowed",
      `the server does not allow this method on the requested resource: ${request.method} ${path}`,
    );
  }

  #get({ resource, namespace, name = "" }: ResourcePath): SimulatorResponse {
    const object = this.#store.read({ resource, namespace, name });
    if (object === undefined) throw notFound(resource, name);
    return jsonResponse(200, this.#seen(object));
  }

  #list({ resource, namespace }: ResourcePath, { query }: SimulatorRequest): SimulatorResponse {
    if (query.fieldSelector) throw new StatusError(400, "BadRequest", "the simulator has no field selectors");
    const { labelSelector, limit } = query;
    const continued = query.continue || undefined;
    const place = { controlPlane: this.controlPlane };
    const expired = continued !== undefined && this.#context.faults.strike("continue-expired", place) !== undefined;
    const list = this.#pages.list({ resource, namespace, labelSelector, limit, continued, expired });
    return jsonResponse(200, { ...list, items: list.items.map((object) => this.#seen(object)) });
  }

  /** An object as a reader sees it: the fault several-gateways turns the order of a gateway's addresses every time. */
  #seen(object: JsonObject): JsonObject {
    if (object.kind !== "Service" || istiodHosts(object).length === 0) return object;
    const strikes = this.#context.faults.strike("several-gateways", { controlPlane: this.controlPlane });
    if (strikes === undefined) return object;
    this.#oldGatewayFirst = !this.#oldGatewayFirst;
    return withOldGateway(object, this.#oldGatewayFirst);
  }

  #create(target: ResourcePath, { body, query }: SimulatorRequest): SimulatorResponse {
    const { resource, namespace } = target;
    const { config, resourceVersion } = parseConfig(body, target);
    const { name } = isJsonObject(config.metadata) ? config.metadata : {};
    if (typeof name !== "string" || name === "")
      throw new StatusError(422, "Invalid", "name or generateName is required");
    if (resourceVersion !== undefined)
      throw new StatusError(400, "BadRequest", "resourceVersion should not be set on objects to be created");
    const ref = { resource, namespace, name };
    if (this.#store.find(ref) !== undefined) throw alreadyExists(resource, name);
    this.#admit(ref, config);
    this.#store.write(ref, createdBy(query.fieldManager || "unknown", config));
    this.#changed(ref);
    return jsonResponse(201, this.#store.read(ref) ?? null);
  }

  /** A merge patch of an object that exists: https://www.rfc-editor.org/rfc/rfc7396 */
  #merge({ resource, namespace }: ResourcePath, name: string, request: SimulatorRequest): SimulatorResponse {
    const ref = { resource, namespace, name };
    const existing = this.#store.find(ref);
    if (existing === undefined) throw notFound(resource, name);
    const { patch, resourceVersion } = parseMergePatch(request.body);
    if (resourceVersion !== undefined && resourceVersion !== this.#store.versionOf(ref))
      throw modified(resource, name, HAS_CHANGED);
    const manager = { name: request.query.fieldManager || "unknown", operation: "Update" } as const;
    const merged = mergedConfig(existing, patch, manager);
    this.#admit(ref, merged.object);
    this.#store.write(ref, merged);
    this.#changed(ref);
    return jsonResponse(200, this.#store.read(ref) ?? null);
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
    const { config, resourceVersion } = parseConfig(request.body, target, name);
    const ref = { resource, namespace, name };
    const existing = this.#store.find(ref);
    if (resourceVersion !== undefined && resourceVersion !== this.#store.versionOf(ref))
      throw modified(resource, name, HAS_CHANGED);
    const applied = apply(existing, config, { manager, force: request.query.force === "true" });
    this.#admit(ref, applied.object);
    this.#store.write(ref, applied);
    this.#changed(ref);
    return jsonResponse(existing === undefined ? 201 : 200, this.#store.read(ref) ?? null);
  }

  #admit(ref: ObjectRef, object: JsonObject): void {
    try {
      admit(this.#store, ref, object);
    } catch (error) {
      if (error instanceof StatusError && error.code === 403) this.#terminations.refused(ref.namespace ?? "");
      throw error;
    }
  }

  #changed({ resource, name }: ObjectRef): void {
    if (resource.kind === "Namespace") this.#namespaceExists(name);
    if (resource.kind === "ConfigMap") this.#istiod.rootCaChanged();
  }

  #namespaceExists(namespace: string): void {
    const account = { apiVersion: "v1", kind: "ServiceAccount", metadata: { name: "default", namespace } };
    if (this.#store.find(refOf(account)) === undefined) this.#store.put(refOf(account), INSTALLER, account);
    this.#istiod.namespaceCreated();
  }
}

function withoutManagedFields(object: JsonObject): JsonObject {
  const metadata = object.metadata;
  if (!isJsonObject(metadata)) return object;
  const { managedFields, ...rest } = metadata;
  return { ...object, metadata: rest };
}
