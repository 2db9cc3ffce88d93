import { isJsonObject, type Json, type JsonObject } from "./json.ts";

/** The text in a field; `undefined` when it is absent or no text. */
export function textAt(object: JsonObject, key: string): string | undefined {
  const value = object[key];
  return typeof value === "string" ? value : undefined;
}

/** The number in a field; `undefined` when it is absent or no number. */
export function numberAt(object: JsonObject, key: string): number | undefined {
  const value = object[key];
  return typeof value === "number" ? value : undefined;
}

/** The object in a field; an empty one when it is absent or no object. */
export function objectAt(object: JsonObject, key: string): JsonObject {
  const value = object[key];
  return isJsonObject(value) ? value : {};
}

/** The list in a field; an empty one when it is absent, null or no list. */
export function listAt(object: JsonObject, key: string): readonly Json[] {
  const value = object[key];
  return Array.isArray(value) ? value : [];
}

/** The objects of the list in a field. */
export function objectsAt(object: JsonObject, key: string): readonly JsonObject[] {
  return listAt(object, key).filter(isJsonObject);
}

/** The texts of the list in a field. */
export function textsAt(object: JsonObject, key: string): readonly string[] {
  return listAt(object, key).filter((item) => typeof item === "string");
}

/** True when a field holds something: ECS treats null like absent. */
export function isSet(object: JsonObject, key: string): boolean {
  return object[key] !== undefined && object[key] !== null;
}

/** The object without a field; the same object when it has none. */
export function without(object: JsonObject, key: string): JsonObject {
  if (!Object.hasOwn(object, key)) return object;
  return Object.fromEntries(Object.entries(object).filter(([name]) => name !== key));
}
