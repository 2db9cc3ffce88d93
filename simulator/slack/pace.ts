/** Admits a number of calls per key in a sliding span of time. */
export class Pace {
  readonly #now: () => number;
  readonly #count: number;
  readonly #perMs: number;
  readonly #admitted = new Map<string, readonly number[]>();

  constructor(now: () => number, { count, perMs }: { readonly count: number; readonly perMs: number }) {
    this.#now = now;
    this.#count = count;
    this.#perMs = perMs;
  }

  /** `undefined` when the call is admitted; else the whole seconds after which the next one will be. */
  admit(key: string): number | undefined {
    const now = this.#now();
    const recent = (this.#admitted.get(key) ?? []).filter((atMs) => now - atMs < this.#perMs);
    const oldest = recent[0];
    if (oldest !== undefined && recent.length >= this.#count) return Math.ceil((oldest + this.#perMs - now) / 1000);
    this.#admitted.set(key, [...recent, now]);
    return undefined;
  }
}
