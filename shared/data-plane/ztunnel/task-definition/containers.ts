import type { JsonObject } from "../../../base/json.ts";
import { ZTUNNEL } from "../../../base/vocabulary.ts";
import { containersOf, nameOf } from "../../../model/task-definition.ts";

/** The container with the name ztunnel, ours or not. */
export function ztunnelOf(definition: JsonObject): JsonObject | undefined {
  return containersOf(definition).find((container) => nameOf(container) === ZTUNNEL);
}

/** The containers other than ztunnel: the application, its init containers and its other sidecars. */
export function otherContainers(definition: JsonObject): readonly JsonObject[] {
  return containersOf(definition).filter((container) => nameOf(container) !== ZTUNNEL);
}
