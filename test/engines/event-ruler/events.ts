import { readdirSync, readFileSync } from "node:fs";
import { RandomChoice } from "../../../lab/campaign/random-choice.ts";
import { isJsonObject, type Json, type JsonObject } from "../../../shared/base/json.ts";

/** An event that both matchers are asked about. */
export interface Asked {
  /** The sample, and for a mutated one what was changed. */
  readonly name: string;
  readonly event: JsonObject;
  /** What AWS may send: a sample as it is, or with members that its source may add one day. */
  readonly plausible: boolean;
}

/** AWS's documented events, and the fixtures. */
export function sampleEvents(): readonly Asked[] {
  return ["events", "aws-events"].flatMap((folder) => {
    const url = new URL(`../../fixtures/${folder}/`, import.meta.url);
    const files = readdirSync(url).filter((file) => file.endsWith(".json"));
    return files.sort().map((file) => {
      const event: unknown = JSON.parse(readFileSync(new URL(file, url), "utf8"));
      if (!isJsonObject(event)) throw new TypeError(`${file} is not an event`);
      return { name: `${folder}/${file}`, event, plausible: true };
    });
  });
}

/** Samples with one to four changes each. The seed decides them. `texts` are worth trying: the patterns' own. */
export function mutatedEvents(
  samples: readonly Asked[],
  { count, seed, texts }: { readonly count: number; readonly seed: number; readonly texts: readonly string[] },
): readonly Asked[] {
  const random = new RandomChoice(seed);
  return Array.from({ length: count }, (_, number) => {
    const sample = random.pick(samples);
    if (random.chance(0.1) && String(sample.event.source).startsWith("aws.")) {
      const event = withMember(sample.event, random, (owner) => ({ ...owner, addedByAws: random.pick(additions) }));
      return { name: `${sample.name}, mutation ${number}: a new member`, event, plausible: true };
    }
    let event = sample.event;
    const changes: string[] = [];
    for (let left = random.int(1, 4); left > 0; left -= 1) {
      const [change, changed] = mutated(event, random, texts);
      event = changed;
      changes.push(change);
    }
    return { name: `${sample.name}, mutation ${number}: ${changes.join(", ")}`, event, plausible: false };
  });
}

const additions: readonly Json[] = ["x", 7, true, null, [], {}, ["x", 1], { inner: [{ name: "x" }] }];
const leaves: readonly Json[] = [
  null,
  true,
  false,
  0,
  1,
  3,
  4.5,
  -1,
  1e3,
  999,
  "",
  " ",
  "3",
  "null",
  "É",
  "é",
  "\u{1F600}",
];

/** Changes one value somewhere in the event. Returns what was done, and the changed event. */
function mutated(event: JsonObject, random: RandomChoice, texts: readonly string[]): [string, JsonObject] {
  let change = "";
  const changed = withMember(event, random, (owner) => {
    const key = random.maybe(Object.keys(owner));
    if (key === undefined) return { ...owner, added: random.pick(additions) };
    const { [key]: value = null, ...others } = owner;
    const [kind, replaced] = random.weighted<readonly [string, () => Json | undefined]>([
      { weight: 3, of: ["removed", () => undefined] },
      { weight: 6, of: ["replaced", () => (random.chance(0.6) ? random.pick(texts) : random.pick(leaves))] },
      { weight: 2, of: ["in an array", () => [value]] },
      { weight: 2, of: ["in an array twice", () => [value, value]] },
      { weight: 2, of: ["in an array of an array", () => [[value]]] },
      { weight: 2, of: ["beside another", () => [random.pick(additions), value]] },
      { weight: 1, of: ["beside a text", () => [value, random.pick(texts)]] },
      { weight: 1, of: ["an empty array", () => []] },
      { weight: 1, of: ["an empty object", () => ({})] },
      { weight: 1, of: ["an object", () => ({ [key]: value })] },
      { weight: 1, of: ["taken out", () => (Array.isArray(value) ? (value[0] ?? null) : value)] },
      { weight: 3, of: ["another text", () => otherText(value, random)] },
    ]);
    change = `${key} ${kind}`;
    const next = replaced();
    return next === undefined ? others : { ...others, [key]: next };
  });
  return [change, changed];
}

function otherText(value: Json, random: RandomChoice): Json {
  if (Array.isArray(value)) return value.map((one: Json) => otherText(one, random));
  if (typeof value !== "string") return value;
  return random.pick([
    value.toUpperCase(),
    value.toLowerCase(),
    `${value}x`,
    `x${value}`,
    value.slice(1),
    value.slice(0, -1),
    value.replaceAll("/", ":"),
  ]);
}

/** The event with one of its objects changed: the event itself, or one deeper down, also in an array. */
function withMember(owner: JsonObject, random: RandomChoice, change: (owner: JsonObject) => JsonObject): JsonObject {
  const inner = Object.entries(owner).filter(([, value]) => objectsIn(value));
  const chosen = random.chance(0.25) ? undefined : random.maybe(inner);
  if (!chosen) return change(owner);
  const [key, value] = chosen;
  return { ...owner, [key]: inside(value, random, change) };
}

function inside(value: Json, random: RandomChoice, change: (owner: JsonObject) => JsonObject): Json {
  if (isJsonObject(value)) return withMember(value, random, change);
  if (!Array.isArray(value)) return value;
  const elements: readonly Json[] = value;
  const at = random.int(0, elements.length - 1);
  return elements.map((element, index) => (index === at ? inside(element, random, change) : element));
}

function objectsIn(value: Json): boolean {
  return isJsonObject(value) || (Array.isArray(value) && value.some(objectsIn));
}

/** Every text in a value, keys excepted. */
export function textsIn(value: unknown): readonly string[] {
  if (typeof value === "string") return [value];
  return typeof value === "object" && value !== null ? Object.values(value).flatMap(textsIn) : [];
}
