import type { Clock } from "./clock.ts";
import { Sleepers } from "./sleepers.ts";

export interface VirtualClockOptions {
  /**
   * Turns of the event loop without a sign of life after which nothing more can be expected to run. Default 2. With 0
   * each turn is enough, even if something happened in it. Use 0 for code that runs in promise chains alone: one turn
   * drains them all.
   */
  readonly quietTurns?: number;
  /** The same while at least one busy section is open. Default 16. */
  readonly busyTurns?: number;
}

/**
 * A clock whose time stands still while anything runs, and jumps to the earliest sleeper when nothing else can.
 *
 * The invariant: time moves only inside `run`, `settle` and `advance`, and only when
 * 1. no promise is held (`hold` wraps real input and output: a socket, a file, a child process), and
 * 2. a number of `setImmediate` turns in a row went by without a call of the clock: `sleep`,
 *    `busy`, its leave and `hold` are signs of life. Promise chains, `nextTick` and `setImmediate` are all drained by
 *    these turns. While a busy section is open, more turns are waited for, since its work may take several of them.
 *
 * A busy section may sleep on the clock itself, as an SDK does between two tries: it does not stop time from moving, it
 * only makes the clock more patient. What needs real time (a `setTimeout`, a socket) must be held.
 *
 * Sleepers wake in the order of their time, and of their call where times are equal. All that are due at the same
 * millisecond wake together. Therefore a run is repeatable if what it holds is.
 */
export class VirtualClock implements Clock {
  readonly #sleepers = new Sleepers();
  readonly #quietTurns: number;
  readonly #busyTurns: number;
  #nowMs: number;
  #held = 0;
  #released = Promise.withResolvers<void>();
  #busy = 0;
  #signs = 0;
  #driven = false;

  /** A clock that stands at `startMs` (epoch milliseconds). */
  constructor(startMs = 0, options: VirtualClockOptions = {}) {
    this.#nowMs = startMs;
    this.#quietTurns = options.quietTurns ?? 2;
    this.#busyTurns = options.busyTurns ?? 16;
  }

  now(): number {
    return this.#nowMs;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    this.#signs++;
    // Whole milliseconds, as in AWS's times.
    return this.#sleepers.add(this.#nowMs + Math.max(0, Math.round(ms)), signal);
  }

  /** Time stands still until the promise settles. Returns what it settles with. */
  async hold<T>(promise: Promise<T>): Promise<T> {
    this.#held++;
    this.#signs++;
    try {
      return await promise;
    } finally {
      this.#held--;
      this.#signs++;
      if (this.#held === 0) {
        this.#released.resolve();
        this.#released = Promise.withResolvers();
      }
    }
  }

  /** Opens a section of work that may take several turns of the event loop. Call what it returns to close it. */
  busy(): () => void {
    let open = true;
    this.#busy++;
    this.#signs++;
    return () => {
      if (!open) return;
      open = false;
      this.#busy--;
      this.#signs++;
    };
  }

  /**
   * Lets time pass until the promise settles, and settles like it.
   * @throws Error `deadlock: …` if it has not settled and nothing sleeps, is held or runs.
   */
  run<T>(promise: Promise<T>): Promise<T> {
    return this.#drive(async () => {
      let settled = false;
      const note = () => {
        settled = true;
      };
      const ended = { promise: promise.then(note, note), settled: () => settled };
      for (;;) {
        await this.#quiet(ended);
        if (settled) return await promise;
        const nextMs = this.#sleepers.earliestMs();
        if (nextMs === undefined) throw new Error(this.#deadlock());
        this.#jump(nextMs);
      }
    });
  }

  /**
   * Lets everything run that can run up to a time (epoch milliseconds; without one: up to now), then returns, with the
   * clock at that time.
   */
  settle(untilMs: number = this.#nowMs): Promise<void> {
    return this.#drive(async () => {
      for (;;) {
        await this.#quiet();
        const nextMs = this.#sleepers.earliestMs();
        if (nextMs === undefined || nextMs > untilMs) break;
        this.#jump(nextMs);
      }
      this.#nowMs = Math.max(this.#nowMs, untilMs);
    });
  }

  /** Lets `ms` milliseconds pass, and everything run that runs in them. */
  advance(ms: number): Promise<void> {
    return this.settle(this.#nowMs + ms);
  }

  async #drive<T>(work: () => Promise<T>): Promise<T> {
    if (this.#driven) throw new Error("the virtual clock is already driven by another run, settle or advance");
    this.#driven = true;
    try {
      return await work();
    } finally {
      this.#driven = false;
    }
  }

  /** Returns when the event loop has been quiet for long enough, or `ended` says so. */
  async #quiet(ended?: { readonly promise: Promise<void>; readonly settled: () => boolean }): Promise<void> {
    let signs = this.#signs;
    for (let turns = 0; ; ) {
      await new Promise<void>((resolve) => setImmediate(resolve));
      if (ended?.settled()) return;
      if (this.#held > 0) {
        await Promise.race([this.#released.promise, ...(ended === undefined ? [] : [ended.promise])]);
        continue; // what was held for has its turn first
      }
      turns = signs === this.#signs ? turns + 1 : 0;
      signs = this.#signs;
      if (turns >= (this.#busy > 0 ? this.#busyTurns : this.#quietTurns)) return;
    }
  }

  #jump(toMs: number): void {
    this.#nowMs = Math.max(this.#nowMs, toMs);
    this.#sleepers.wakeDue(this.#nowMs);
  }

  #deadlock(): string {
    const busy = this.#busy > 0 ? ` ${this.#busy} busy sections are open.` : "";
    return `deadlock: at ${new Date(this.#nowMs).toISOString()} the awaited work has not ended, and nothing sleeps or runs that could end it.${busy}`;
  }
}
