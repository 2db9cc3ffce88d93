import { isJsonObject, type Json, type JsonObject } from "../../shared/base/json.ts";

/** What a step of a state machine got and answered. */
export interface StepPayload {
  readonly functionName: string;
  readonly input: Json;
  readonly answer: Json;
}

/** The first words of a member each count: a closed set has fewer, names of things have more. */
const MAX_WORDS = 16;

/**
 * A small selection of what a version writes, in which every member, every case of a union and every word of a closed
 * set appears that was seen.
 */
export class Recording {
  readonly #items = new Selection<JsonObject>();
  readonly #payloads = new Selection<StepPayload>();

  /** Takes an item, by its name in the ledger in memory, if it shows what none before it did. */
  item(name: string, item: object): void {
    const copy: unknown = JSON.parse(JSON.stringify(item));
    if (isJsonObject(copy)) this.#items.take(itemKindOf(name), copy, copy);
  }

  step(functionName: string, input: Json, answer: Json): void {
    this.#payloads.take(functionName, { functionName, input, answer }, { input, answer });
  }

  /** By kind. */
  items(): Readonly<Record<string, readonly JsonObject[]>> {
    return this.#items.smallest();
  }

  payloads(): readonly StepPayload[] {
    return Object.values(this.#payloads.smallest()).flat();
  }
}

/** `service`, `rollout`, `rollout-service`, `fleet` …, by the item's key. */
export function itemKindOf(name: string): string {
  const [pk = "", sk = ""] = name.split(/ (?=[^ ]*$)/);
  const [kind = ""] = pk.toLowerCase().split("#");
  return kind === "rollout" && sk.startsWith("SERVICE#") ? "rollout-service" : kind;
}

interface Taken<T> {
  readonly one: T;
  readonly content: Json;
}

class Selection<T> {
  readonly #taken = new Map<string, Taken<T>[]>();
  readonly #seen = new Set<string>();
  readonly #words = new Map<string, Set<string>>();

  take(kind: string, one: T, content: Json): void {
    const fresh = [...this.#traitsOf(content, kind)].filter((trait) => !this.#seen.has(trait));
    if (fresh.length === 0) return;
    for (const trait of fresh) this.#seen.add(trait);
    this.#taken.set(kind, [...(this.#taken.get(kind) ?? []), { one, content }]);
  }

  /** By kind, without those whose traits all show in later ones: these have more members. */
  smallest(): Readonly<Record<string, readonly T[]>> {
    const kinds = [...this.#taken].sort(([a], [b]) => a.localeCompare(b));
    return Object.fromEntries(kinds.map(([kind, taken]) => [kind, this.#withoutShown(kind, taken)]));
  }

  #withoutShown(kind: string, taken: readonly Taken<T>[]): readonly T[] {
    const shown = new Set<string>();
    const needed = taken.toReversed().filter(({ content }) => {
      const traits = [...this.#traitsOf(content, kind)];
      const isNeeded = traits.some((trait) => !shown.has(trait));
      for (const trait of traits) shown.add(trait);
      return isNeeded;
    });
    return needed.toReversed().map(({ one }) => one);
  }

  *#traitsOf(value: Json, path: string): Iterable<string> {
    if (Array.isArray(value)) {
      yield `${path}[${value.length === 0 ? "" : "*"}]`;
      for (const member of value) yield* this.#traitsOf(member, `${path}[]`);
      return;
    }
    if (isJsonObject(value)) {
      yield path;
      for (const [name, member] of Object.entries(value)) yield* this.#traitsOf(member, `${path}.${asMember(name)}`);
      return;
    }
    yield `${path}: ${value === null ? "null" : typeof value}`;
    if (typeof value === "string" && /^[A-Za-z][A-Za-z_-]{2,30}$/.test(value) && this.#isWord(path, value))
      yield `${path}=${value}`;
  }

  #isWord(path: string, word: string): boolean {
    const words = this.#words.get(path) ?? new Set();
    this.#words.set(path, words);
    if (words.size < MAX_WORDS) words.add(word);
    return words.has(word);
  }
}

/** A member's name as it is; what names something, as a key of a record does, is one of many. */
function asMember(name: string): string {
  return /^[a-z][A-Za-z]*$/.test(name) ? name : "*";
}
