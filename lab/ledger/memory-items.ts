import { type ItemKey, readEach } from "../../shared/gateways/ledger/ledger-items.ts";
import type { Change, Changed, OnUnreadable } from "../../shared/ports/ledger.ts";

/** The items by `pk` and `sk`, joined by a space. */
export type LedgerItems = Map<string, object>;

/** The items of one kind, each with its content. */
export interface Shelf<T extends object> {
  get(key: ItemKey): T | undefined;
  /** Writes the content as a read returns it, and returns that. Throws `ledger-item-unreadable` if it can't be read. */
  put(key: ItemKey, content: object): T;
  /** The items that exist now and whose name satisfies `holds`. Those that can't be read go to `onUnreadable`. */
  list(holds: (name: string) => boolean, onUnreadable?: OnUnreadable): AsyncIterable<T>;
}

/**
 * The items that `read` reads. Content that goes in is copied, as over the wire; content that comes out is frozen, so
 * that no reader can change the shelf's items. An item that the shelf has written itself is not parsed again.
 */
export function shelf<T extends object>(items: LedgerItems, read: (item: object) => T): Shelf<T> {
  const written = new WeakMap<object, T>();
  const contentOf = (item: object): T => written.get(item) ?? frozen(read(copyOf(item)));
  return {
    get: (key) => {
      const item = items.get(itemName(key));
      return item && contentOf(item);
    },
    put: (key, content) => {
      const kept = frozen(read(copyOf({ ...key, ...content })));
      const item = { ...key, ...kept };
      items.set(itemName(key), item);
      written.set(item, kept);
      return kept;
    },
    list: (holds, onUnreadable) => {
      const there: object[] = [];
      for (const [name, item] of items) if (holds(name)) there.push(item);
      return readEach(there, contentOf, onUnreadable);
    },
  };
}

/** The value itself, which nobody can change from now on. */
export function frozen<T>(value: T): T {
  if (typeof value !== "object" || value === null || Object.isFrozen(value)) return value;
  for (const member of Object.values(value)) frozen(member);
  return Object.freeze(value);
}

/** Changes an item that carries a version, which rises. `before` is the item as the shelf has it, frozen. */
export function changeShelved<T extends { readonly version: number }, B extends T | undefined, C extends Change<T>>(
  { on, key, before }: { readonly on: Shelf<T>; readonly key: ItemKey; readonly before: B },
  change: (before: B) => C,
): Changed<T | B, C> {
  const { next, result } = change(before);
  return { stored: next ? on.put(key, { ...next, version: (before?.version ?? 0) + 1 }) : before, result };
}

/** How an item is named in the map. */
export function itemName({ pk, sk }: ItemKey): string {
  return `${pk} ${sk}`;
}

/** The key of an item that is so named: a subject may have spaces, its `sk` has none. */
export function keyOf(name: string): ItemKey {
  const end = name.lastIndexOf(" ");
  return { pk: name.slice(0, end), sk: name.slice(end + 1) };
}

/**
 * A deep copy of a JSON value, without the members that are undefined. `structuredClone`, and parsing JSON's text, take
 * several times as long.
 */
export function copyOf<T>(value: T): T;
export function copyOf(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map((item: unknown) => copyOf(item));
  const copy: Record<string, unknown> = {};
  for (const key in value) {
    const member = (value as Record<string, unknown>)[key]; // any object has string keys
    if (member !== undefined) setMember(copy, key, copyOf(member));
  }
  return copy;
}

/** An assignment would take a member called `__proto__` for the object's prototype. */
function setMember(object: Record<string, unknown>, key: string, value: unknown): void {
  if (key === "__proto__")
    Object.defineProperty(object, key, { value, enumerable: true, writable: true, configurable: true });
  else object[key] = value;
}
