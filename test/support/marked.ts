import { isJsonObject, type Json, type JsonObject } from "../../shared/base/json.ts";

/** The member that `marked` adds: what a later version might have written. */
export const MARK = "laterMember";

/** Members that map names to values of one kind: any name is one of theirs. */
const records: ReadonlySet<string> = new Set(["holders", "factsIds", "sightings", "expiryDays", "clusterTags"]);

/** The same with a member more in every object, as a later version may have written it. */
export function marked(value: JsonObject): JsonObject;
export function marked(value: Json): Json;
export function marked(value: Json): Json {
  return withMarks(value, false);
}

function withMarks(value: Json, isRecord: boolean): Json {
  if (Array.isArray(value)) return value.map((one: Json) => withMarks(one, false));
  if (!isJsonObject(value)) return value;
  const members = Object.entries(value).map(([name, member]) => [name, withMarks(member, records.has(name))] as const);
  return { ...Object.fromEntries(members), ...(!isRecord && { [MARK]: "kept" }) };
}

/** The paths of the objects that have the mark. */
export function pathsOfMarks(value: unknown, path = ""): readonly string[] {
  if (Array.isArray(value)) return value.flatMap((one, index) => pathsOfMarks(one, `${path}[${index}]`));
  if (typeof value !== "object" || value === null) return [];
  const own = MARK in value ? [path] : [];
  return [...own, ...Object.entries(value).flatMap(([name, member]) => pathsOfMarks(member, `${path}.${name}`))];
}
