import type { Clock } from "./clock.ts";

export interface ScaledClockOptions {
  /** What the clock shows at first, in epoch milliseconds. Default: the present. */
  readonly startMs?: number;
  /** Sleepers don't keep the process alive. Default false. */
  readonly unref?: boolean;
}

interface Timer {
  readonly atMs: number;
  readonly wake: () => void;
  timeout: NodeJS.Timeout | undefined;
}

/** The longest delay that `setTimeout` takes. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1;

/** Real time, `speed` times as fast. `advance` skips over time: people need not wait for a bake time. */
export class ScaledClock implements Clock {
  readonly #speed: number;
  readonly #unref: boolean;
  readonly #wallStartMs = performance.now();
  readonly #timers = new Set<Timer>();
  #offsetMs: number;
  #stopped = false;

  /** @throws RangeError if the speed is not a positive number. */
  constructor(speed: number, options: ScaledClockOptions = {}) {
    if (!(speed > 0 && Number.isFinite(speed))) throw new RangeError(`speed must be a positive number, not ${speed}`);
    this.#speed = speed;
    this.#unref = options.unref ?? false;
    this.#offsetMs = options.startMs ?? Date.now();
  }

  now(): number {
    return Math.floor(this.#exactMs());
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return Promise.reject(signal.reason);
    if (this.#stopped) return new Promise(() => undefined);
    return new Promise((resolve, reject) => {
      const onAbort = () => {
        clearTimeout(timer.timeout);
        this.#timers.delete(timer);
        reject(signal?.reason);
      };
      const timer: Timer = {
        atMs: this.#exactMs() + Math.max(0, ms),
        timeout: undefined,
        wake: () => {
          signal?.removeEventListener("abort", onAbort);
          resolve();
        },
      };
      signal?.addEventListener("abort", onAbort, { once: true });
      this.#timers.add(timer);
      this.#arm(timer);
    });
  }

  /** Moves the clock on by `ms` milliseconds and wakes the sleepers that are due, the earliest first. */
  advance(ms: number): void {
    this.#offsetMs += Math.max(0, ms);
    const nowMs = this.#exactMs();
    for (const timer of [...this.#timers].sort((a, b) => a.atMs - b.atMs)) {
      clearTimeout(timer.timeout);
      if (timer.atMs <= nowMs) this.#fire(timer);
      else this.#arm(timer);
    }
  }

  /** Wakes no sleeper any more, so that nothing further happens: the end of a simulator. */
  stop(): void {
    this.#stopped = true;
    for (const { timeout } of this.#timers) clearTimeout(timeout);
    this.#timers.clear();
  }

  #exactMs(): number {
    return this.#offsetMs + (performance.now() - this.#wallStartMs) * this.#speed;
  }

  #arm(timer: Timer): void {
    const delayMs = Math.min(Math.ceil((timer.atMs - this.#exactMs()) / this.#speed), MAX_TIMEOUT_MS);
    timer.timeout = setTimeout(() => (timer.atMs <= this.#exactMs() ? this.#fire(timer) : this.#arm(timer)), delayMs);
    if (this.#unref) timer.timeout.unref();
  }

  #fire(timer: Timer): void {
    this.#timers.delete(timer);
    timer.wake();
  }
}
