import { isJsonObject, type Json, type JsonObject } from "../base/json.ts";
import { isSet, listAt, objectsAt, textAt } from "../base/json-fields.ts";

/** A tag as ECS writes it. */
export interface Tag {
  readonly key: string;
  readonly value: string;
}

/**
 * What DescribeTaskDefinition adds to what was registered: the members of AWS's `TaskDefinition` that
 * `RegisterTaskDefinitionRequest` doesn't have.
 */
const READ_ONLY_FIELDS: ReadonlySet<string> = new Set([
  "taskDefinitionArn",
  "revision",
  "status",
  "requiresAttributes",
  "compatibilities",
  "registeredAt",
  "deregisteredAt",
  "deleteRequestedAt",
  "registeredBy",
]);

/**
 * The body of RegisterTaskDefinition for a described task definition: the read-only fields dropped, every other field
 * kept in its place, also those that AWS adds tomorrow. `tags` are those of the revision, which ECS describes beside
 * it, and go before those that stand in it. AWS's own tags (`aws:`, in any case) can't be registered and are left out,
 * and so is an empty list of tags.
 */
export function registerable(described: JsonObject, tags: readonly Tag[]): JsonObject {
  const given = tags.filter(isOwn).map(({ key, value }) => ({ key, value }));
  const keys = new Set(given.map(({ key }) => key));
  const inside = listAt(described, "tags").filter(
    (tag) => !isJsonObject(tag) || (isOwn(tag) && !keys.has(`${tag.key}`)),
  );
  const all = [...inside, ...given];
  const fields = Object.entries(described).filter(
    ([name]) => !READ_ONLY_FIELDS.has(name) && (name !== "tags" || all.length > 0),
  );
  const copy: JsonObject = Object.fromEntries(fields);
  return all.length === 0 ? copy : { ...copy, tags: all };
}

function isOwn({ key }: { readonly key?: Json }): boolean {
  return typeof key !== "string" || !key.toLowerCase().startsWith("aws:");
}

/** The containers of a task definition, in its order. */
export function containersOf(definition: JsonObject): readonly JsonObject[] {
  return objectsAt(definition, "containerDefinitions");
}

/** A container's name; an empty text when it has none. */
export function nameOf(container: JsonObject): string {
  return textAt(container, "name") ?? "";
}

/** True for a FireLens log router. */
export function isLogRouter(container: JsonObject): boolean {
  return isSet(container, "firelensConfiguration");
}
