import { isJsonObject, type JsonObject } from "../base/json.ts";
import type { ObjectStore } from "./object-store.ts";
import type { Resource } from "./resources.ts";
import { StatusError } from "./status.ts";

/** etcd compacts its history about every 5 minutes: pages of an older list can't be read any more. */
const HISTORY_MS = 5 * 60_000;
/** In a token that goes on with the objects of now, not with those of the first page. */
const LATEST = -1;

export interface ListQuery {
  readonly resource: Resource;
  readonly namespace: string | undefined;
  readonly labelSelector: string | undefined;
  readonly limit: string | undefined;
  readonly continued: string | undefined;
  /** The history is gone before its time. */
  readonly expired: boolean;
}

/** The objects of a list as they were at its first page. */
interface Snapshot {
  readonly objects: readonly JsonObject[];
  readonly resourceVersion: number;
  readonly takenMs: number;
}

/** Lists by pages: all pages of a list show the objects as they were when the first one was read. */
export class Pages {
  readonly #store: ObjectStore;
  readonly #now: () => number;
  /** By what is listed and its resource version. */
  readonly #snapshots = new Map<string, Snapshot>();

  constructor(store: ObjectStore, now: () => number) {
    this.#store = store;
    this.#now = now;
  }

  /**
   * A list, or a page of it.
   * @throws StatusError 400 for a limit, selector or token that can't be read, 410 for a token that is too old
   */
  list(query: ListQuery): JsonObject & { readonly items: readonly JsonObject[] } {
    const limit = limitOf(query.limit);
    const token = query.continued === undefined ? undefined : decoded(query.continued);
    const { objects, resourceVersion, takenMs } = this.#snapshotOf(query, token);
    const rest = token === undefined ? objects : objects.filter((object) => keyOf(object) >= token.start);
    const items = limit > 0 ? rest.slice(0, limit) : rest;
    const next = rest[items.length];
    if (next !== undefined) this.#keep(query, { objects, resourceVersion, takenMs });
    const left = rest.length - items.length;
    return {
      kind: `${query.resource.kind}List`,
      apiVersion: query.resource.apiVersion,
      metadata: {
        resourceVersion: String(resourceVersion),
        ...(next !== undefined && { continue: encoded(keyOf(next), resourceVersion) }),
        // The server does not count what a selector leaves out.
        ...(next !== undefined && !query.labelSelector && { remainingItemCount: left }),
      },
      items,
    };
  }

  #snapshotOf(query: ListQuery, token: Token | undefined): Snapshot {
    this.#forget();
    if (token === undefined || (token.rv === LATEST && !query.expired)) return this.#snapshot(query);
    const kept = this.#snapshots.get(placeOf(query, token.rv));
    if (kept === undefined || query.expired) throw tooOld(token.start);
    return kept;
  }

  #snapshot({ resource, namespace, labelSelector }: ListQuery): Snapshot {
    const objects = this.#store.list(resource, namespace, labelSelector);
    return { objects, resourceVersion: Number(this.#store.resourceVersion), takenMs: this.#now() };
  }

  #keep(query: ListQuery, snapshot: Snapshot): void {
    this.#snapshots.set(placeOf(query, snapshot.resourceVersion), snapshot);
  }

  #forget(): void {
    for (const [place, { takenMs }] of this.#snapshots)
      if (takenMs + HISTORY_MS <= this.#now()) this.#snapshots.delete(place);
  }
}

interface Token {
  readonly rv: number;
  readonly start: string;
}

function placeOf({ resource, namespace, labelSelector }: ListQuery, resourceVersion: number): string {
  return [resource.plural, namespace ?? "", labelSelector ?? "", resourceVersion].join(" ");
}

/** As the server's storage orders objects. */
function keyOf({ metadata }: JsonObject): string {
  const { namespace, name } = isJsonObject(metadata) ? metadata : {};
  return typeof namespace === "string" ? `${namespace}/${String(name)}` : `/${String(name)}`;
}

function limitOf(text = ""): number {
  if (text === "") return 0;
  if (!/^[+-]?\d+$/.test(text))
    throw new StatusError(400, "BadRequest", `strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`);
  return Number(text);
}

/** https://github.com/kubernetes/kubernetes/blob/master/staging/src/k8s.io/apiserver/pkg/storage/continue.go */
function encoded(start: string, rv: number): string {
  return Buffer.from(JSON.stringify({ v: "meta.k8s.io/v1", rv, start })).toString("base64url");
}

function decoded(token: string): Token {
  const bad = (why: string) => new StatusError(400, "BadRequest", `continue key is not valid${why}`);
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(token, "base64url").toString("utf8"));
  } catch {
    throw bad("");
  }
  if (!isJsonObject(value)) throw bad("");
  const { v, rv, start } = value;
  if (v !== "meta.k8s.io/v1") throw bad(`: server does not recognize this encoded version ${String(v ?? "")}`);
  if (typeof rv !== "number" || !Number.isInteger(rv) || rv === 0)
    throw bad(": incorrect encoded start resourceVersion (version meta.k8s.io/v1)");
  if (typeof start !== "string" || start === "") throw bad(": encoded start key empty (version meta.k8s.io/v1)");
  return { rv, start };
}

/** https://github.com/kubernetes/kubernetes/blob/master/staging/src/k8s.io/apiserver/pkg/storage/etcd3/errors.go */
function tooOld(start: string): StatusError {
  const message = [
    "The provided continue parameter is too old to display a consistent list result.",
    "You can start a new list without the continue parameter, or use the continue token in this response to retrieve",
    "the remainder of the results. Continuing with the provided token results in an inconsistent list - objects that",
    "were created, modified, or deleted between the time the first chunk was returned and now may show up in the list.",
  ].join(" ");
  return new StatusError(410, "Expired", message, undefined, { continue: encoded(start, LATEST) });
}
