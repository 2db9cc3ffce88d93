import type { Random } from "@ztunnel-autopilot/simulator";
import { isJsonObject, type Json, type JsonObject } from "../../shared/base/json.ts";

/** Values that a request should not have where something else belongs. */
const ODD: readonly Json[] = [
  null,
  "",
  "x".repeat(5000),
  "\u0000\ud800\u202e",
  "__proto__",
  -1,
  0.5,
  1e300,
  true,
  [],
  [null],
  [[]],
  {},
  { toString: null, constructor: {} },
  JSON.parse('{"__proto__":{"a":1}}'),
  JSON.parse(`${"[".repeat(400)}${"]".repeat(400)}`),
];

/** The object with one value, at any depth, replaced by an odd one or dropped, or with an unknown member beside it. */
export function mutated(object: JsonObject, random: Random): JsonObject {
  const changed = mutatedValue(object, random);
  return isJsonObject(changed) ? changed : { ...object, extra: changed };
}

function mutatedValue(value: Json, random: Random): Json {
  const pick = <T>(list: readonly T[]) => list[Math.floor(random() * list.length)];
  const odd = () => pick(ODD) ?? null;
  if (Array.isArray(value)) {
    const at = Math.floor(random() * value.length);
    if (value.length === 0 || random() < 0.2) return odd();
    if (random() < 0.2) return [...value, ...value];
    return value.map((item, index) => (index === at ? mutatedValue(item, random) : item));
  }
  if (isJsonObject(value)) {
    const key = pick(Object.keys(value));
    if (key === undefined || random() < 0.1) return { ...value, [pick(["extra", "__proto__", "tags"]) ?? ""]: odd() };
    const { [key]: member = null, ...rest } = value;
    return random() < 0.2 ? rest : { ...value, [key]: random() < 0.5 ? odd() : mutatedValue(member, random) };
  }
  return odd();
}
