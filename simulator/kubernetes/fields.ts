import { isJsonObject, type Json, type JsonObject } from "../base/json.ts";

/** The keys that lead from an object to one of its fields. */
export type FieldPath = readonly string[];

/**
 * The fields of an object that a manager can own: the leaves of its maps. Lists are taken whole, as the simulation
 * knows no schema that would merge them.
 */
export function fieldsOf(object: JsonObject, path: FieldPath = []): readonly (readonly [FieldPath, Json])[] {
  return Object.entries(object).flatMap(([key, value]): (readonly [FieldPath, Json])[] => {
    const inner = [...path, key];
    return isJsonObject(value) ? [...fieldsOf(value, inner)] : [[inner, value]];
  });
}

/** The value at a path; `undefined` where there is none. */
export function fieldAt(object: JsonObject, path: FieldPath): Json | undefined {
  let value: Json | undefined = object;
  for (const key of path) value = isJsonObject(value) ? value[key] : undefined;
  return value;
}

/** The object with the field set. */
export function withField(object: JsonObject, [key, ...rest]: FieldPath, value: Json): JsonObject {
  if (key === undefined) return object;
  if (rest.length === 0) return { ...object, [key]: value };
  const inner = object[key];
  return { ...object, [key]: withField(isJsonObject(inner) ? inner : {}, rest, value) };
}

/** The object without the field, and without the maps that it leaves empty. */
export function withoutField(object: JsonObject, [key, ...rest]: FieldPath): JsonObject {
  if (key === undefined) return object;
  const { [key]: inner, ...others } = object;
  if (rest.length === 0 || !isJsonObject(inner)) return others;
  const pruned = withoutField(inner, rest);
  return Object.keys(pruned).length === 0 ? others : { ...object, [key]: pruned };
}

/** A path as managedFields' conflicts name it: `.metadata.labels.team`. */
export function pathText(path: FieldPath): string {
  return path.map((key) => `.${key}`).join("");
}

/** Fields in the form of managedFields' `fieldsV1`. */
export function fieldsV1(paths: readonly FieldPath[]): JsonObject {
  const root: FieldTree = {};
  for (const path of paths) {
    let node = root;
    for (const key of path) {
      const inner = node[`f:${key}`] ?? {};
      node[`f:${key}`] = inner;
      node = inner;
    }
  }
  return root;
}

interface FieldTree {
  [field: string]: FieldTree;
}
