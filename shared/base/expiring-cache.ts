/** Values by key that are kept for a while, the least recently used one going first when there are too many. */
export interface ExpiringCache<T> {
  get(key: string): T | undefined;
  set(key: string, value: T): void;
  delete(key: string): void;
}

/** An empty cache of at most `size` values, each kept for `ttlMs` milliseconds by the given clock. */
export function expiringCache<T>(options: {
  readonly size: number;
  readonly ttlMs: number;
  readonly now: () => number;
}): ExpiringCache<T> {
  const entries = new Map<string, { readonly value: T; readonly until: number }>();
  return {
    get: (key) => {
      const entry = entries.get(key);
      if (!entry) return undefined;
      entries.delete(key);
      if (entry.until <= options.now()) return undefined;
      entries.set(key, entry); // now the most recently used
      return entry.value;
    },
    set: (key, value) => {
      entries.delete(key);
      entries.set(key, { value, until: options.now() + options.ttlMs });
      if (entries.size <= options.size) return;
      const [oldest] = entries.keys();
      if (oldest !== undefined) entries.delete(oldest);
    },
    delete: (key) => {
      entries.delete(key);
    },
  };
}
