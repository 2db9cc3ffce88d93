import { isJsonObject, isSameJson, type Json, type JsonObject } from "../base/json.ts";
import type { Manager, OwnedObject } from "./apply.ts";
import { fieldAt, fieldsOf, pathText } from "./fields.ts";
import type { ResourcePath } from "./resources.ts";
import { StatusError } from "./status.ts";

/** Objects nest far less; what walks through deeper ones would run out of stack. */
const MOST_NESTED = 500;

export interface PatchBody {
  readonly config: JsonObject;
  /** The version that the object must still have. */
  readonly resourceVersion: string | undefined;
}

/**
 * The applied or created configuration. Without a name in the path, as for a creation, the body's own counts.
 * @throws StatusError 400 when it is not what the path names
 */
export function parseConfig(body: string, { resource, namespace }: ResourcePath, name?: string): PatchBody {
  const config = parseBody(body);
  if (config.kind !== resource.kind || config.apiVersion !== resource.apiVersion)
    throw bad(`the object provided is not a ${resource.kind} of ${resource.apiVersion}`);
  const { resourceVersion, ...metadata } = metadataOf(config);
  if (name !== undefined && metadata.name !== undefined && metadata.name !== name)
    throw bad("the name of the object does not match the name on the URL");
  if (metadata.namespace !== undefined && metadata.namespace !== namespace)
    throw bad("the namespace of the provided object does not match the namespace sent on the request");
  if (metadata.managedFields !== undefined) throw bad("metadata.managedFields must be nil");
  if (resourceVersion !== undefined && typeof resourceVersion !== "string")
    throw bad("metadata.resourceVersion is not a text");
  const named: Record<string, Json> = { ...metadata, ...(name !== undefined && { name }) };
  if (namespace !== undefined) named.namespace = namespace;
  return { config: { ...config, metadata: named }, resourceVersion: resourceVersion || undefined };
}

/** A merge patch, and the version that the object must still have. @throws StatusError 400 */
export function parseMergePatch(body: string): {
  readonly patch: JsonObject;
  readonly resourceVersion: string | undefined;
} {
  const patch = parseBody(body);
  const { resourceVersion, ...metadata } = isJsonObject(patch.metadata) ? patch.metadata : {};
  if (resourceVersion !== undefined && typeof resourceVersion !== "string")
    throw bad("metadata.resourceVersion is not a text");
  return { patch: { ...patch, metadata }, resourceVersion: resourceVersion || undefined };
}

/** The object after a merge patch: what the patch changes belongs to its manager, what it removes to nobody. */
export function mergedConfig({ object, owners }: OwnedObject, patch: JsonObject, manager: Manager): OwnedObject {
  const merged = mergedJson(object, patch);
  const fields = fieldsOf(merged);
  const isChanged = (path: readonly string[]) => !isSameJson(fieldAt(object, path), fieldAt(merged, path));
  const kept = owners.filter(({ path }) => fieldAt(merged, path) !== undefined && !isChanged(path));
  const changed = fields.filter(([path]) => isChanged(path)).map(([path]) => ({ path, managers: [manager] }));
  const names = new Set(changed.map(({ path }) => pathText(path)));
  return { object: merged, owners: [...kept.filter(({ path }) => !names.has(pathText(path))), ...changed] };
}

function mergedJson(object: JsonObject, patch: JsonObject): JsonObject {
  const merged = new Map(Object.entries(object));
  for (const [key, value] of Object.entries(patch)) {
    const before = merged.get(key);
    if (value === null) merged.delete(key);
    else merged.set(key, isJsonObject(value) ? mergedJson(isJsonObject(before) ? before : {}, value) : value);
  }
  // An assignment would take a member called `__proto__` for the object's prototype.
  return Object.fromEntries(merged);
}

function parseBody(body: string): JsonObject {
  let config: unknown;
  try {
    config = JSON.parse(body);
  } catch {
    throw bad("error decoding YAML: the simulator takes the JSON subset of YAML only");
  }
  if (!isJsonObject(config)) throw bad("the body is not an object");
  if (isTooDeep(config)) throw bad("error decoding YAML: json: exceeded max depth");
  return config;
}

/** A server that knows the schema refuses metadata of other types; the texts are the simulator's own. */
function metadataOf({ metadata = {} }: JsonObject): JsonObject {
  if (!isJsonObject(metadata)) throw bad("metadata is not an object");
  for (const name of ["labels", "annotations"]) {
    const texts = metadata[name] ?? {};
    const areTexts = isJsonObject(texts) && Object.values(texts).every((value) => typeof value === "string");
    if (!areTexts) throw bad(`metadata.${name} is not a map of texts`);
  }
  return metadata;
}

function isTooDeep(config: JsonObject): boolean {
  let level: readonly Json[] = [config];
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth > MOST_NESTED) return true;
    level = level.flatMap((value) => (Array.isArray(value) || isJsonObject(value) ? Object.values(value) : []));
  }
  return false;
}

function bad(message: string): StatusError {
  return new StatusError(400, "BadRequest", message);
}
