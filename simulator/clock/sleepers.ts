/** One pending sleep. `wake` is undefined once the sleep was aborted. */
export interface Sleeper {
  readonly atMs: number;
  readonly sequence: number;
  wake: (() => void) | undefined;
}

/** Aborted sleepers are swept out of the heap once there are this many and they are the majority. */
const SWEEP_FROM = 1024;

/** Pending sleeps, the earliest first; equal times in the order in which they were added. A binary heap. */
export class Sleepers {
  #heap: Sleeper[] = [];
  #sequence = 0;
  #aborted = 0;

  /** Adds a sleep that ends at `atMs`. It rejects with the signal's reason when that is aborted first. */
  add(atMs: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return Promise.reject(signal.reason);
    return new Promise((resolve, reject) => {
      const onAbort = () => {
        sleeper.wake = undefined;
        this.#aborted++;
        reject(signal?.reason);
        this.#sweep();
      };
      const sleeper: Sleeper = {
        atMs,
        sequence: ++this.#sequence,
        wake: () => {
          signal?.removeEventListener("abort", onAbort);
          resolve();
        },
      };
      signal?.addEventListener("abort", onAbort, { once: true });
      this.#heap.push(sleeper);
      this.#up(this.#heap.length - 1);
    });
  }

  /** When the earliest sleep ends, in epoch milliseconds; `undefined` if nothing sleeps. */
  earliestMs(): number | undefined {
    while (this.#heap[0] !== undefined && this.#heap[0].wake === undefined) {
      this.#take();
      this.#aborted--;
    }
    return this.#heap[0]?.atMs;
  }

  /** Wakes every sleeper that is due at `nowMs`, the earliest first. */
  wakeDue(nowMs: number): void {
    for (let at = this.earliestMs(); at !== undefined && at <= nowMs; at = this.earliestMs()) this.#take()?.wake?.();
  }

  #sweep(): void {
    if (this.#aborted < SWEEP_FROM || this.#aborted * 2 < this.#heap.length) return;
    // A list sorted by the heap's own order is a heap.
    this.#heap = this.#heap.filter((sleeper) => sleeper.wake !== undefined).sort((a, b) => (isBefore(a, b) ? -1 : 1));
    this.#aborted = 0;
  }

  #take(): Sleeper | undefined {
    const first = this.#heap[0];
    const last = this.#heap.pop();
    if (last !== undefined && this.#heap.length > 0) {
      this.#heap[0] = last;
      this.#down(0);
    }
    return first;
  }

  #up(index: number): void {
    for (let at = index; at > 0; ) {
      const parent = (at - 1) >> 1;
      if (!this.#swapIfBefore(at, parent)) return;
      at = parent;
    }
  }

  #down(index: number): void {
    for (let at = index; ; ) {
      const left = this.#heap[2 * at + 1];
      const right = this.#heap[2 * at + 2];
      if (left === undefined) return;
      const child = right !== undefined && isBefore(right, left) ? 2 * at + 2 : 2 * at + 1;
      if (!this.#swapIfBefore(child, at)) return;
      at = child;
    }
  }

  #swapIfBefore(child: number, parent: number): boolean {
    const a = this.#heap[child];
    const b = this.#heap[parent];
    if (a === undefined || b === undefined || !isBefore(a, b)) return false;
    this.#heap[child] = b;
    this.#heap[parent] = a;
    return true;
  }
}

function isBefore(a: Sleeper, b: Sleeper): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.sequence < b.sequence);
}
