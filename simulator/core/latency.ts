import type { FaultMatch, Faults } from "../base/faults.ts";
import type { Random } from "../base/random.ts";
import type { Clock } from "../clock/clock.ts";

/** A way to a service, or back from it: some milliseconds, and in a few calls far more. */
const TYPICAL_MS = { min: 2, max: 30 };
/** One way in fifty is this long: a retried packet, a cold cache, a busy host. */
const TAIL = { probability: 0.02, min: 200, max: 3000 };

export interface LatencyOptions {
  readonly clock: Clock;
  /** A source of its own, so that the other choices of a seed stay the same with and without latency. */
  readonly random: Random;
  readonly faults: Faults;
  /** Without it a call takes no time, unless a rule of `slow-call` strikes. */
  readonly on: boolean;
}

/**
 * The time that calls take before and after their effect. Two calls that are made at the same time therefore have their
 * effects in either order, and between a caller's read and its write others may write.
 */
export class Latency {
  readonly #options: LatencyOptions;

  constructor(options: LatencyOptions) {
    this.#options = options;
  }

  /** True if calls take time. */
  get isOn(): boolean {
    return this.#options.on;
  }

  /** Performs a call, whose effect is somewhere in the time that it takes. Settles as the effect does. */
  around<T>(subject: FaultMatch, effect: () => T | Promise<T>): T | Promise<T> {
    const slow = { before: this.#slowness(subject, "before"), after: this.#slowness(subject, "after") };
    if (!this.#options.on && slow.before === 0 && slow.after === 0) return effect();
    return this.#delayed(slow, effect);
  }

  async #delayed<T>(slow: { before: number; after: number }, effect: () => T | Promise<T>): Promise<T> {
    await this.#pass(slow.before);
    try {
      return await effect();
    } finally {
      await this.#pass(slow.after);
    }
  }

  /** Lets the time of one way pass, and as much more as a rule says. */
  async #pass(extraMs: number): Promise<void> {
    const { clock } = this.#options;
    const ms = this.#wayMs() + extraMs;
    if (ms > 0) await clock.sleep(ms);
  }

  #wayMs(): number {
    const { on, random } = this.#options;
    if (!on) return 0;
    const { min, max } = random() < TAIL.probability ? TAIL : TYPICAL_MS;
    return min + Math.floor(random() * (max - min));
  }

  #slowness(subject: FaultMatch, when: "before" | "after"): number {
    const rule = this.#options.faults.strike("slow-call", subject, (one) => one.when === when);
    return rule === undefined ? 0 : rule.delaySeconds * 1000;
  }
}
