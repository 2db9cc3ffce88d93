import type { FaultKind } from "../base/faults.ts";
import { isJsonObject, type JsonObject } from "../base/json.ts";
import type { Random } from "../base/random.ts";
import type { SimulatorContext, StartingContainer, TaskChange } from "../core/connections.ts";
import { admit } from "./admission.ts";
import { istiodHosts } from "./gateway.ts";
import { certificateNames, certificateRefusal, hasCertificate } from "./identity.ts";
import { type ObjectRef, type ObjectStore, refOf } from "./object-store.ts";
import { parseResourcePath } from "./resources.ts";
import { type RefusedServiceEntry, ServiceEntries } from "./service-entries.ts";
import { Signing } from "./signing.ts";
import { StatusError } from "./status.ts";
import { type DiscoveredTask, discoveredTask, type TaskPlace, workloadEntry } from "./workload-entry.ts";

export interface IstiodOptions {
  readonly controlPlane: string;
  readonly network: string;
  /** The accounts and regions whose tasks and services it discovers. Default all. */
  readonly discovers?: (place: TaskPlace) => boolean;
  /** The domain of services' hostnames, by account and region. Default `ecs.internal`. */
  readonly domainOf?: (place: TaskPlace) => string;
  /**
   * A container with a bootstrap token of this mesh gets healthy only if it gets a certificate: from an istiod that the
   * token's root certificate vouches for, for the role of its task. Default false: then every one gets it.
   */
  readonly checksCertificates?: boolean;
  /** How long the certificates are valid that it gives to tasks. Default 24 hours. */
  readonly leafLifetimeMs?: number;
}

/** A WorkloadEntry that the API server has refused. */
export interface RefusedEntry {
  readonly taskArn: string;
  readonly code: number;
  readonly message: string;
}

/** How long istiod takes to see that a task exists or has stopped, at least and at most. */
const DISCOVERY_MS = { min: 1000, max: 4000 };
/** It asks ECS in a loop: what was refused is tried again at the next turn. */
const TURN_MS = 5000;

const entryFaults = [
  "no-workload-entry",
  "unlabeled-entries",
  "no-redirection",
  "other-entries",
] as const satisfies FaultKind[];
type EntryFault = (typeof entryFaults)[number];

/**
 * Discovers ECS's services and tasks: each task has a WorkloadEntry from a few seconds after its start until it has
 * stopped.
 */
export class Istiod {
  readonly #context: SimulatorContext;
  readonly #random: Random;
  readonly #store: ObjectStore;
  readonly #look: () => void;
  readonly #options: IstiodOptions;
  /** The last change of every task, so that an older one that is still on its way does nothing. */
  readonly #tasks = new Map<string, DiscoveredTask>();
  /** The faults that have struck a task when it was seen first, which are its own until it has stopped. */
  readonly #struck = new Map<string, ReadonlySet<EntryFault>>();
  readonly #refused = new Map<string, RefusedEntry>();
  readonly #services: ServiceEntries;
  readonly #signing: Signing;
  readonly #discovers: (place: TaskPlace) => boolean;
  readonly #domainOf: (place: TaskPlace) => string;
  #rootCaPem = "";

  /** `look` is called before it writes: what is in the store may have to change first. */
  constructor(
    context: SimulatorContext,
    { store, look }: { readonly store: ObjectStore; readonly look: () => void },
    random: Random,
    options: IstiodOptions,
  ) {
    this.#context = context;
    this.#store = store;
    this.#look = look;
    this.#random = random;
    this.#options = options;
    const { discovers = () => true, domainOf = () => "ecs.internal" } = options;
    this.#discovers = discovers;
    this.#domainOf = domainOf;
    this.#signing = new Signing(context.clock, options.leafLifetimeMs);
    this.#services = new ServiceEntries(context, { store, look, discovers, domainOf });
    context.taskChanges.subscribe((change) => this.#taskChanged(change));
    if (options.checksCertificates) context.containerStarts.subscribe((plan) => this.certificateRefusal(plan));
  }

  /** The entries of tasks that exist which the API server has refused. */
  refusals(): readonly RefusedEntry[] {
    return [...this.#refused.values()];
  }

  /** The ServiceEntries of services that exist which the API server has refused. */
  refusedServices(): readonly RefusedServiceEntry[] {
    return this.#services.refusals();
  }

  /** The names in the certificate of a ztunnel with this task role. */
  certificateNames(roleArn: string): readonly string[] {
    return certificateNames(roleArn, this.#listed("serviceaccounts"));
  }

  /** The root certificates that it signs with. */
  rootCaPem(): string {
    return this.#rootCaPem;
  }

  /** Signs with this root from now on. The bundle that it publishes is not changed. */
  signWith(rootPem: string): void {
    this.#signing.signWith(rootPem);
  }

  /** What it serves at this host; undefined where it does not answer. */
  servingChain(host: string): readonly string[] | undefined {
    const hosts = new Set(this.#listed("services").flatMap(istiodHosts));
    return hosts.has(host) ? this.#signing.chain() : undefined;
  }

  /** How many tasks hold a certificate that this root has signed. */
  heldFrom(rootPem: string): number {
    return this.#signing.held(rootPem);
  }

  /** Why a container's ztunnel gets no certificate; undefined when it gets one or asks for none here. */
  certificateRefusal(container: StartingContainer): string | undefined {
    return certificateRefusal(container, {
      network: this.#options.network,
      hosts: new Set(this.#listed("services").flatMap(istiodHosts)),
      rootCaPem: this.#rootCaPem,
      serviceAccounts: this.#listed("serviceaccounts"),
      nowMs: this.#context.clock.now(),
    });
  }

  /** The entries in a namespace are gone: it tries to write them again at its next turn. */
  namespaceEmptied(namespace: string): void {
    this.#services.namespaceEmptied(namespace);
    for (const task of this.#tasks.values()) if (task.namespace === namespace) this.#discoverAfter(TURN_MS, task);
  }

  /** What was refused for want of a namespace is tried again. */
  namespaceCreated(): void {
    this.#services.namespaceCreated();
    for (const taskArn of this.#refused.keys()) {
      const task = this.#tasks.get(taskArn);
      if (task) this.#discoverAfter(TURN_MS, task);
    }
  }

  #listed(plural: string): readonly JsonObject[] {
    const resource = parseResourcePath(`/api/v1/${plural}`)?.resource;
    return resource === undefined ? [] : this.#store.list(resource, undefined, undefined);
  }

  /** The ConfigMap is istiod's copy for others: while somebody has spoiled it, istiod signs with the one before. */
  rootCaChanged(): void {
    const bundle = { name: "istio-ca-root-cert", namespace: "istio-system" };
    const found = this.#store.find(refOf({ apiVersion: "v1", kind: "ConfigMap", metadata: bundle }));
    const data = found?.object.data;
    const pem = isJsonObject(data) ? String(data["root-cert.pem"]) : "";
    if (!hasCertificate(pem)) return;
    this.#rootCaPem = pem;
    this.#signing.bundleChanged(pem);
  }

  #taskChanged(change: TaskChange): void {
    const before = this.#tasks.get(change.taskArn);
    const task = discoveredTask(change, this.#discovers, this.#domainOf);
    // Its cluster has lost the tag by which istiod discovers it, or its entry moves to another namespace.
    if (before && before.namespace !== task?.namespace) this.#store.delete(this.#refOf(before));
    if (!task) {
      this.#tasks.delete(change.taskArn);
      return;
    }
    this.#tasks.set(task.taskArn, task);
    this.#discoverAfter(DISCOVERY_MS.min + this.#random() * (DISCOVERY_MS.max - DISCOVERY_MS.min), task);
  }

  #refOf(task: DiscoveredTask): ObjectRef {
    const isOther = this.#struck.get(task.taskArn)?.has("other-entries") ?? false;
    return refOf(workloadEntry(task, this.#options.network, { labels: false, redirection: false, task: isOther }));
  }

  #discoverAfter(delayMs: number, task: DiscoveredTask): void {
    // istiod is not awaited: an error in it is a defect of the simulator and ends the process.
    void this.#context.clock.sleep(delayMs).then(() => this.#discover(task));
  }

  #discover(task: DiscoveredTask): void {
    const { taskArn } = task;
    if (this.#tasks.get(taskArn) !== task) return;
    this.#look();
    const struck = this.#faultsOf(task);
    const omits = {
      labels: struck.has("unlabeled-entries"),
      redirection: struck.has("no-redirection"),
      task: struck.has("other-entries"),
    };
    const entry = workloadEntry(task, this.#options.network, omits);
    const ref = refOf(entry);
    this.#signing.taskRuns(taskArn, task.exists && task.hasZtunnel);
    if (!task.exists) {
      for (const known of [this.#tasks, this.#struck, this.#refused]) known.delete(taskArn);
      this.#store.delete(ref);
      return;
    }
    if (struck.has("no-workload-entry")) return;
    try {
      admit(this.#store, ref, entry);
      this.#store.put(ref, "istiod", entry);
      this.#refused.delete(taskArn);
    } catch (error) {
      if (!(error instanceof StatusError)) throw error;
      this.#refused.set(taskArn, { taskArn, code: error.code, message: error.message });
    }
  }

  #faultsOf({ taskArn, serviceArn, place, exists }: DiscoveredTask): ReadonlySet<EntryFault> {
    const known = this.#struck.get(taskArn);
    if (known !== undefined || !exists) return known ?? new Set();
    const subject = { controlPlane: this.#options.controlPlane, service: serviceArn, ...place };
    const struck = new Set(entryFaults.filter((kind) => this.#context.faults.strike(kind, subject)));
    this.#struck.set(taskArn, struck);
    return struck;
  }
}
