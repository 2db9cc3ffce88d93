import { deletionMs } from "@ztunnel-autopilot/simulator";
import * as z from "zod";
import type { LedgerItems } from "./memory-items.ts";

/** The table's attribute for the time to live, in epoch seconds: `stacks/ledger.ts`. */
const expiringSchema = z.object({ expiresAt: z.number() });

interface ExpiringItemsOptions {
  readonly now: () => number;
  readonly seed: number;
  /** Called with each item as it is written, under its name in the map. */
  readonly onWrite?: ((name: string, item: object) => void) | undefined;
}

/**
 * Items that DynamoDB deletes some time after they have expired, within 48 hours, and never before: until then they are
 * read and written like any other.
 */
export function expiringItems(options: ExpiringItemsOptions): LedgerItems {
  return new ExpiringItems(options);
}

class ExpiringItems extends Map<string, object> {
  readonly #now: () => number;
  readonly #seed: number;
  readonly #onWrite: ExpiringItemsOptions["onWrite"];

  constructor({ now, seed, onWrite }: ExpiringItemsOptions) {
    super();
    this.#now = now;
    this.#seed = seed;
    this.#onWrite = onWrite;
  }

  override set(name: string, item: object): this {
    this.#onWrite?.(name, item);
    return super.set(name, item);
  }

  override get(name: string): object | undefined {
    const item = super.get(name);
    return item && this.#isDeleted(name, item) ? undefined : item;
  }

  override has(name: string): boolean {
    return this.get(name) !== undefined;
  }

  override get size(): number {
    this.#deleteExpired();
    return super.size;
  }

  override entries(): MapIterator<[string, object]> {
    this.#deleteExpired();
    return super.entries();
  }

  override keys(): MapIterator<string> {
    this.#deleteExpired();
    return super.keys();
  }

  override values(): MapIterator<object> {
    this.#deleteExpired();
    return super.values();
  }

  override [Symbol.iterator](): MapIterator<[string, object]> {
    return this.entries();
  }

  #deleteExpired(): void {
    for (const [name, item] of super.entries()) this.#isDeleted(name, item);
  }

  /** True, and the item is dropped, once DynamoDB has come by. */
  #isDeleted(name: string, item: object): boolean {
    const expiresMs = expiryMs(item);
    const now = this.#now();
    if (expiresMs === undefined || now < expiresMs) return false;
    if (now < deletionMs({ seed: this.#seed, name, expiresMs })) return false;
    this.delete(name);
    return true;
  }
}

function expiryMs(item: object): number | undefined {
  if (!("expiresAt" in item)) return undefined;
  const { data } = expiringSchema.safeParse(item);
  return data === undefined ? undefined : data.expiresAt * 1000;
}
