import { isJsonObject, type Json, type JsonObject } from "../../../base/json.ts";
import { listAt, objectsAt, textAt } from "../../../base/json-fields.ts";
import { nameOf } from "../../../model/task-definition.ts";

/** What was put behind an application's own NO_PROXY, by the name under which it has it: as it stands there. */
export type Appended = ReadonlyMap<string, string>;

export const isNamedLike = (entry: JsonObject, name: string): boolean => nameOf(entry).toUpperCase() === name;

const hostsIn = (value: string): readonly string[] => value.toLowerCase().split(/[\s,]+/);

/** True for a list that lets nothing through a proxy. */
export const excludesAll = (value: string): boolean => hostsIn(value).includes("*");

/** The value with the hosts that it lacks behind it, and what that is; an empty text when it has them all. */
function suffixFor(value: string, hosts: string): string {
  const present = hostsIn(value);
  const missing = hosts.split(",").filter((host) => !present.includes(host));
  if (missing.length === 0) return "";
  return `${value === "" ? "" : ","}${missing.join(",")}`;
}

/** The container's variables called NO_PROXY, in any case: of each name the one that counts, which is the last. */
function ownLists(container: JsonObject): readonly (readonly [string, string])[] {
  const lists = objectsAt(container, "environment").filter((entry) => isNamedLike(entry, "NO_PROXY"));
  return [...new Map(lists.map((entry) => [nameOf(entry), textAt(entry, "value") ?? ""]))];
}

const replaced = (environment: readonly Json[], name: string, value: string): readonly Json[] => {
  const last = environment.findLastIndex((entry) => isJsonObject(entry) && entry.name === name);
  return environment.map((entry, index) => (index === last && isJsonObject(entry) ? { ...entry, value } : entry));
};

/** The container whose own lists name these hosts, too, and what was appended to them. */
export function withHosts(container: JsonObject, hosts: string): readonly [JsonObject, Appended] {
  const appended = new Map<string, string>();
  let environment = listAt(container, "environment");
  for (const [name, value] of ownLists(container)) {
    const suffix = suffixFor(value, hosts);
    if (suffix === "") continue;
    appended.set(name, suffix);
    environment = replaced(environment, name, value + suffix);
  }
  return [appended.size > 0 ? { ...container, environment } : container, appended];
}

/** The container without what was appended to its own lists, where it still stands there. */
export function withoutHosts(container: JsonObject, appended: Appended): JsonObject {
  const lists = new Map(ownLists(container));
  const before = listAt(container, "environment");
  let environment = before;
  for (const [name, suffix] of appended) {
    const value = lists.get(name);
    if (!value?.endsWith(suffix)) continue;
    environment = replaced(environment, name, value.slice(0, value.length - suffix.length));
  }
  return environment === before ? container : { ...container, environment };
}
