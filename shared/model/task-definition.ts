import type { JsonObject } from "../base/json.ts";
import { isSet, objectsAt, textAt } from "../base/json-fields.ts";

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
 * it; AWS's own tags (`aws:`, in any case) can't be registered and are left out.
 */
export function registerable(described: JsonObject, tags: readonly Tag[]): JsonObject {
  const fields = Object.entries(described).filter(([name]) => !READ_ONLY_FIELDS.has(name));
  const own = tags.filter(({ key }) => !key.toLowerCase().startsWith("aws:"));
  const copy: JsonObject = Object.fromEntries(fields);
  return own.length === 0 ? copy : { ...copy, tags: own.map(({ key, value }) => ({ key, value })) };
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
