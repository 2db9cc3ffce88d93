import type { ServiceChange, SimulatorContext } from "../core/connections.ts";
import { admit } from "./admission.ts";
import { type ObjectStore, refOf } from "./object-store.ts";
import { type DiscoveredService, discoveredService, serviceEntry } from "./service-entry.ts";
import { StatusError } from "./status.ts";
import type { TaskPlace } from "./workload-entry.ts";

/** A ServiceEntry that the API server has refused. */
export interface RefusedServiceEntry {
  readonly serviceArn: string;
  readonly code: number;
  readonly message: string;
}

/** How long istiod takes to see a service's change, or to try again what was refused. */
const TURN_MS = 5000;

export interface ServiceEntriesOptions {
  readonly store: ObjectStore;
  /** Called before it writes: what is in the store may have to change first. */
  readonly look: () => void;
  readonly discovers: (place: TaskPlace) => boolean;
  readonly domainOf: (place: TaskPlace) => string;
}

/** The ServiceEntries of istiod: one for each service of a discovered cluster, in the mesh or not. */
export class ServiceEntries {
  readonly #context: SimulatorContext;
  readonly #options: ServiceEntriesOptions;
  readonly #services = new Map<string, DiscoveredService>();
  readonly #refused = new Map<string, RefusedServiceEntry>();

  constructor(context: SimulatorContext, options: ServiceEntriesOptions) {
    this.#context = context;
    this.#options = options;
    context.serviceChanges.subscribe((change) => this.#serviceChanged(change));
  }

  /** The entries of services that exist which the API server has refused. */
  refusals(): readonly RefusedServiceEntry[] {
    return [...this.#refused.values()];
  }

  /** The objects in a namespace are gone. */
  namespaceEmptied(namespace: string): void {
    for (const service of this.#services.values()) if (service.namespace === namespace) this.#discoverSoon(service);
  }

  /** What was refused for want of a namespace is tried again. */
  namespaceCreated(): void {
    for (const serviceArn of this.#refused.keys()) {
      const service = this.#services.get(serviceArn);
      if (service) this.#discoverSoon(service);
    }
  }

  #serviceChanged(change: ServiceChange): void {
    const { discovers, domainOf, store } = this.#options;
    const before = this.#services.get(change.serviceArn);
    const service = discoveredService(change, discovers, domainOf(change));
    if (before && before.namespace !== service?.namespace) store.delete(refOf(serviceEntry(before)));
    if (service) {
      this.#services.set(service.serviceArn, service);
      this.#discoverSoon(service);
    } else {
      this.#services.delete(change.serviceArn);
      this.#refused.delete(change.serviceArn);
    }
  }

  #discoverSoon(service: DiscoveredService): void {
    // istiod is not awaited: an error in it is a defect of the simulator and ends the process.
    void this.#context.clock.sleep(TURN_MS).then(() => this.#discover(service));
  }

  #discover(service: DiscoveredService): void {
    const { serviceArn } = service;
    const { store, look } = this.#options;
    if (this.#services.get(serviceArn) !== service) return;
    look();
    const entry = serviceEntry(service);
    const ref = refOf(entry);
    if (!service.exists) {
      this.#services.delete(serviceArn);
      this.#refused.delete(serviceArn);
      store.delete(ref);
      return;
    }
    try {
      admit(store, ref, entry);
      store.put(ref, "istiod", entry);
      this.#refused.delete(serviceArn);
    } catch (error) {
      if (!(error instanceof StatusError)) throw error;
      this.#refused.set(serviceArn, { serviceArn, code: error.code, message: error.message });
    }
  }
}
