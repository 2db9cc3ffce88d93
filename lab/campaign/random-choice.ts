import { seededRandom } from "@ztunnel-autopilot/simulator";

/** Random choices that the seed alone decides. */
export class RandomChoice {
  readonly #random: () => number;

  constructor(seed: number) {
    this.#random = seededRandom(seed);
  }

  /** True with this probability, 0 to 1. */
  chance(probability: number): boolean {
    return this.#random() < probability;
  }

  /** A whole number from the first to the last, both included. */
  int(first: number, last: number): number {
    return first + Math.floor(this.#random() * (last - first + 1));
  }

  /** One of the list. Throws RangeError when it is empty. */
  pick<T>(list: readonly [T, ...T[]] | readonly T[]): T {
    const found = list[this.int(0, list.length - 1)];
    if (found === undefined) throw new RangeError("nothing to pick from");
    return found;
  }

  /** One of the list, or undefined when it is empty. */
  maybe<T>(list: readonly T[]): T | undefined {
    return list.length === 0 ? undefined : this.pick(list);
  }

  /** Some of the list, in its order: each with this probability. */
  some<T>(list: readonly T[], probability: number): readonly T[] {
    return list.filter(() => this.chance(probability));
  }

  /** One by weight: twice the weight, twice as often. */
  weighted<T>(list: readonly { readonly weight: number; readonly of: T }[]): T {
    let left = this.#random() * list.reduce((sum, { weight }) => sum + weight, 0);
    for (const { weight, of } of list) {
      left -= weight;
      if (left < 0) return of;
    }
    throw new RangeError("nothing has weight");
  }
}
