import type { Change, Changed } from "../../ports/ledger.ts";
import { type ItemKey, storedCopy } from "./ledger-items.ts";

/** One run of a read, change and write: what to write, if anything, and what to answer once that is written. */
export interface Attempt<A> {
  readonly write?: object;
  readonly answer: A;
}

/**
 * An attempt at a change of an item that carries a version, which rises. `before` is the item as it was read, and
 * `read` reads it again before it is written. Throws `ledger-item-unreadable` for a `next` that could not be read.
 */
export function attemptOf<T extends { readonly version: number }, B extends T | undefined, C extends Change<T>>(
  { key, before, read }: { readonly key: ItemKey; readonly before: B; readonly read: (item: object) => T },
  change: (before: B) => C,
): Attempt<Changed<T | B, C>> {
  const { next, result } = change(structuredClone(before));
  if (!next) return { answer: { stored: before, result } };
  const stored = read(storedCopy({ ...key, ...next, version: (before?.version ?? 0) + 1 }));
  return { write: stored, answer: { stored, result } };
}
