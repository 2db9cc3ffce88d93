import { isJsonObject, isSameJson, type Json, type JsonObject } from "../base/json.ts";
import type { Random } from "../base/random.ts";
import { randomUuid } from "../base/random-id.ts";
import { createdBy, managedFields, type OwnedObject } from "./apply.ts";
import { type Resource, resourceOf } from "./resources.ts";
import { StatusError } from "./status.ts";

/** Where an object is: its resource, its namespace if it has one, and its name. */
export interface ObjectRef {
  readonly resource: Resource;
  readonly namespace: string | undefined;
  readonly name: string;
}

/** Where an object with this kind, namespace and name is. */
export function refOf(object: JsonObject): ObjectRef {
  const resource = resourceOf(object);
  const metadata = isJsonObject(object.metadata) ? object.metadata : {};
  const { name, namespace } = metadata;
  if (resource === undefined || typeof name !== "string")
    throw new TypeError("the simulated Kubernetes has no such kind of object, or it has no name");
  return { resource, namespace: typeof namespace === "string" ? namespace : undefined, name };
}

interface Stored extends OwnedObject {
  readonly ref: ObjectRef;
  readonly uid: string;
  readonly resourceVersion: number;
  readonly createdMs: number;
}

/** The objects of a cluster, and the resource version that every change raises. */
export class ObjectStore {
  /** By resource and namespace, then by name. */
  readonly #shelves = new Map<string, Map<string, Stored>>();
  /**
   * Objects as the API shows them: managed fields are expensive to write, and most are read more often than written.
   */
  readonly #views = new WeakMap<Stored, JsonObject>();
  readonly #now: () => number;
  readonly #random: Random;
  #resourceVersion = 1;
  readonly #listeners: ((before: JsonObject | undefined, after: JsonObject) => void)[] = [];

  constructor(now: () => number, random: Random) {
    this.#now = now;
    this.#random = random;
  }

  get resourceVersion(): string {
    return String(this.#resourceVersion);
  }

  find(ref: ObjectRef): OwnedObject | undefined {
    return this.#stored(ref);
  }

  /** The object as the API shows it. */
  read(ref: ObjectRef): JsonObject | undefined {
    const stored = this.#stored(ref);
    return stored && this.#shown(stored);
  }

  /** The object's resource version; `undefined` if there is none. */
  versionOf(ref: ObjectRef): string | undefined {
    const stored = this.#stored(ref);
    return stored && String(stored.resourceVersion);
  }

  /** Calls the listener with what each write replaces, if anything, and with what it stores. */
  onWrite(listener: (before: JsonObject | undefined, after: JsonObject) => void): void {
    this.#listeners.push(listener);
  }

  /** Creates the object, or replaces it, with all its fields owned by `manager`. */
  put(ref: ObjectRef, manager: string, object: JsonObject): void {
    this.write(ref, createdBy(manager, object));
  }

  /** Stores the object. What changes nothing keeps its resource version. */
  write(ref: ObjectRef, { object, owners }: OwnedObject): void {
    const shelf = this.#shelves.get(shelfOf(ref)) ?? new Map<string, Stored>();
    const existing = shelf.get(ref.name);
    const isSame =
      existing && isSameJson(existing.object, object) && isSameJson(asJson(existing.owners), asJson(owners));
    if (isSame) return;
    for (const listener of this.#listeners) listener(existing?.object, object);
    this.#resourceVersion++;
    this.#shelves.set(shelfOf(ref), shelf);
    shelf.set(ref.name, {
      ref,
      object,
      owners,
      uid: existing?.uid ?? randomUuid(this.#random),
      createdMs: existing?.createdMs ?? this.#now(),
      resourceVersion: this.#resourceVersion,
    });
  }

  delete(ref: ObjectRef): void {
    if (this.#shelves.get(shelfOf(ref))?.delete(ref.name)) this.#resourceVersion++;
  }

  /** Deletes all objects in a namespace. */
  empty(namespace: string): void {
    for (const shelf of this.#shelves.values())
      for (const { ref } of shelf.values()) if (ref.namespace === namespace) this.delete(ref);
  }

  /**
   * The objects of a resource, in one namespace or in all, by namespace and name.
   * @throws StatusError 400 when the label selector is not understood
   */
  list(resource: Resource, namespace: string | undefined, labelSelector: string | undefined): readonly JsonObject[] {
    const selects = compileSelector(labelSelector ?? "");
    const shelves =
      namespace === undefined
        ? [...this.#shelves].filter(([key]) => key.startsWith(`${keyOf(resource)}/`)).map(([, shelf]) => shelf)
        : [this.#shelves.get(shelfOf({ resource, namespace })) ?? new Map<string, Stored>()];
    return shelves
      .flatMap((shelf) => [...shelf.values()])
      .filter(({ object }) => selects(labelsOf(object)))
      .map((stored) => ({ stored, key: `${stored.ref.namespace ?? ""}/${stored.ref.name}` }))
      .sort((a, b) => (a.key < b.key ? -1 : 1))
      .map(({ stored }) => this.#shown(stored));
  }

  #shown(stored: Stored): JsonObject {
    const known = this.#views.get(stored) ?? shown(stored);
    this.#views.set(stored, known);
    return known;
  }

  #stored(ref: ObjectRef): Stored | undefined {
    return this.#shelves.get(shelfOf(ref))?.get(ref.name);
  }
}

function keyOf({ apiVersion, plural }: Resource): string {
  return `${apiVersion}/${plural}`;
}

function shelfOf({ resource, namespace }: Omit<ObjectRef, "name">): string {
  return `${keyOf(resource)}/${namespace ?? ""}`;
}

function shown(stored: Stored): JsonObject {
  const metadata = stored.object.metadata;
  return {
    ...stored.object,
    metadata: {
      ...(isJsonObject(metadata) ? metadata : {}),
      uid: stored.uid,
      resourceVersion: String(stored.resourceVersion),
      creationTimestamp: new Date(stored.createdMs).toISOString().replace(/\.\d{3}Z$/, "Z"),
      managedFields: managedFields(stored),
    },
  };
}

function asJson(owners: OwnedObject["owners"]): Json {
  return owners.map(({ path, managers }) => ({
    path,
    managers: managers.map(({ name, operation }) => ({ name, operation })),
  }));
}

function labelsOf(object: JsonObject): JsonObject {
  const metadata = object.metadata;
  const labels = isJsonObject(metadata) ? metadata.labels : undefined;
  return isJsonObject(labels) ? labels : {};
}

/** Equality-based selectors: `key=value`, `key!=value`, `key`, `!key`, separated by commas. */
function compileSelector(selector: string): (labels: JsonObject) => boolean {
  const tests = selector
    .split(",")
    .map((requirement) => requirement.trim())
    .filter((requirement) => requirement !== "")
    .map((requirement) => {
      const [, not, key, operator, value] = /^(!?)([\w./-]+)(?:\s*(==|=|!=)\s*([\w.-]*))?$/.exec(requirement) ?? [];
      if (key === undefined || (not && operator))
        throw new StatusError(400, "BadRequest", `unable to parse requirement: ${requirement}`);
      if (operator === undefined) return (labels: JsonObject) => key in labels !== (not === "!");
      return (labels: JsonObject) => (labels[key] === value) === (operator !== "!=");
    });
  return (labels) => tests.every((test) => test(labels));
}
