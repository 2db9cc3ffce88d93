import { isJsonObject, type Json, type JsonObject } from "../../../base/json.ts";
import { ZTUNNEL } from "../../../base/vocabulary.ts";

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

/** The containers of a task definition, in its order. */
export function containersOf(definition: JsonObject): readonly JsonObject[] {
  return objectsAt(definition, "containerDefinitions");
}

/** A container's name; an empty text when it has none. */
export function nameOf(container: JsonObject): string {
  return textAt(container, "name") ?? "";
}

/** The container that is called ztunnel, whoever made it. */
export function ztunnelOf(definition: JsonObject): JsonObject | undefined {
  return containersOf(definition).find((container) => nameOf(container) === ZTUNNEL);
}

/** The containers other than ztunnel: the application, its init containers and its other sidecars. */
export function otherContainers(definition: JsonObject): readonly JsonObject[] {
  return containersOf(definition).filter((container) => nameOf(container) !== ZTUNNEL);
}

/** True for a FireLens log router. */
export function isLogRouter(container: JsonObject): boolean {
  return isSet(container, "firelensConfiguration");
}

/** True when the task definition is validated for Fargate. */
export function requiresFargate(definition: JsonObject): boolean {
  return textsAt(definition, "requiresCompatibilities").includes("FARGATE");
}
