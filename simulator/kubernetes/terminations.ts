import type { Faults } from "../base/faults.ts";
import { isJsonObject, type JsonObject } from "../base/json.ts";
import { type ObjectStore, refOf } from "./object-store.ts";
import { parseResourcePath } from "./resources.ts";

const KIND = "namespace-terminating";

/** What the deletions of namespaces go by. */
export interface TerminationContext {
  readonly controlPlane: string;
  readonly store: ObjectStore;
  readonly faults: Faults;
  readonly now: () => number;
  /** A namespace's objects have been deleted. */
  readonly emptied: (namespace: string) => void;
}

/**
 * Namespaces that somebody deletes, while the fault namespace-terminating strikes them: their objects are gone at once,
 * and the namespace itself stays as Terminating until the fault ends, as one does that a finalizer holds. Then it is
 * gone, too. https://kubernetes.io/docs/concepts/overview/working-with-objects/namespaces/
 */
export class Terminations {
  readonly #context: TerminationContext;
  readonly #terminating = new Set<string>();

  constructor(context: TerminationContext) {
    this.#context = context;
  }

  /** Lets what the fault rules of now mean for the namespaces be so. To be called before the objects are used. */
  look(): void {
    const { store, faults } = this.#context;
    for (const namespace of this.#terminating) if (!this.#isStruck(namespace)) this.#end(namespace);
    if (!faults.has(KIND)) return;
    const resource = parseResourcePath("/api/v1/namespaces")?.resource;
    if (resource === undefined) return;
    for (const { metadata } of store.list(resource, undefined, undefined)) {
      const name = isJsonObject(metadata) ? String(metadata.name) : "";
      if (this.#isStruck(name)) this.#begin(name);
    }
  }

  /** An object was refused, as its namespace is being deleted. */
  refused(namespace: string): void {
    const { faults, controlPlane } = this.#context;
    if (this.#terminating.has(namespace)) faults.strike(KIND, { controlPlane, namespace });
  }

  #isStruck(namespace: string): boolean {
    const { faults, controlPlane } = this.#context;
    return faults.inForce(KIND, { controlPlane, namespace });
  }

  #begin(namespace: string): void {
    const { store, now, emptied } = this.#context;
    const ref = refOf(namespaceObject(namespace));
    const existing = store.find(ref);
    if (existing === undefined || isTerminating(existing.object)) return;
    const { metadata } = existing.object;
    const deletionTimestamp = new Date(now()).toISOString().replace(/\.\d{3}Z$/, "Z");
    const object = {
      ...existing.object,
      metadata: { ...(isJsonObject(metadata) && metadata), deletionTimestamp },
      status: { phase: "Terminating" },
    };
    store.write(ref, { ...existing, object });
    this.#terminating.add(namespace);
    store.empty(namespace);
    emptied(namespace);
  }

  #end(namespace: string): void {
    const { store } = this.#context;
    this.#terminating.delete(namespace);
    store.empty(namespace);
    store.delete(refOf(namespaceObject(namespace)));
  }
}

/** True for a namespace that is being deleted. */
export function isTerminating({ status }: JsonObject): boolean {
  return isJsonObject(status) && status.phase === "Terminating";
}

function namespaceObject(name: string): JsonObject {
  return { apiVersion: "v1", kind: "Namespace", metadata: { name } };
}
