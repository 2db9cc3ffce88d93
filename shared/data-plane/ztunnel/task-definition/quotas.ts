import type { JsonObject } from "../../../base/json.ts";

/** ECS's quota: containers of a task definition. */
export const MAX_CONTAINERS = 10;

/** ECS's quota: size of a task definition in bytes. */
export const MAX_DEFINITION_BYTES = 65_536;

/** The size in bytes with which a task definition counts against ECS's quota. */
export function definitionBytes(definition: JsonObject): number {
  return Buffer.byteLength(JSON.stringify(definition));
}
