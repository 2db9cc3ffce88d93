import { seededRandom } from "@ztunnel-autopilot/simulator";

/** Random choices. The seed alone decides them. */
export class RandomChoice {
  readonly #random: () => number;

  constructor(seed: number) {
    this.#random = seededRandom(seed);
  }

  /** True with this probability, from 0 to 1. */
  chance(probability: number): boolean {
    return this.#random() < probability;
  }

  /** A whole number from `first` to `last`, both included. */
  int(first: number, last: number): number {
    return first + Math.floor(this.#random() * (last - first + 1));
  }

  /** A member of the list. Throws RangeError when the list is empty. */
  pick<T>(list: readonly [T, ...T[]] | readonly T[]): T {
    const found = list[this.int(0, list.length - 1)];
    if (found === undefined) throw new RangeError("nothing to pick from");
    return found;
  }

  /** A member of the list, or undefined when the list is empty. */
  maybe<T>(list: readonly T[]): T | undefined {
    return list.length === 0 ? undefined : this.pick(list);
  }

  /** The members that were chosen with this probability each, in the list's order. */
  some<T>(list: readonly T[], probability: number): readonly T[] {
    return list.filter(() => this.chance(probability));
  }

  /** A member, chosen in proportion to its weight. */
  weighted<T>(list: readonly { readonly weight: number; readonly of: T }[]): T {
    let left = this.#random() * list.reduce((sum, { weight }) => sum + weight, 0);
    for (const { weight, of } of list) {
      left -= weight;
      if (left < 0) return of;
    }
    throw new RangeError("no member has a weight");
  }
}
