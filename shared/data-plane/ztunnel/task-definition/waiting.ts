import { isJsonObject, type Json, type JsonObject } from "../../../base/json.ts";
import { listAt, without } from "../../../base/json-fields.ts";
import { ZTUNNEL } from "../../../base/vocabulary.ts";
import type { Added } from "./added.ts";

const namesZtunnel = (entry: Json): boolean => isJsonObject(entry) && entry.containerName === ZTUNNEL;

/** True when the container's `dependsOn` names ztunnel, with any condition. */
export function waitsForZtunnel(container: JsonObject): boolean {
  return listAt(container, "dependsOn").some(namesZtunnel);
}

function stateOf(dependsOn: Json | undefined): Added["dependsOn"] {
  if (dependsOn === null) return "null";
  return Array.isArray(dependsOn) && dependsOn.length === 0 ? "empty" : undefined;
}

/** The container waiting for a HEALTHY ztunnel beside what it waits for, and what was there before. */
export function withWait(container: JsonObject, added: Added): readonly [JsonObject, Added] {
  const entries = listAt(container, "dependsOn");
  const first = entries.findIndex(namesZtunnel);
  if (first < 0) {
    const dependsOn = [...entries, { containerName: ZTUNNEL, condition: "HEALTHY" }];
    return [
      { ...container, dependsOn },
      { ...added, dependsOn: stateOf(container.dependsOn) },
    ];
  }
  const kept = entries.flatMap((entry, index) => {
    if (!namesZtunnel(entry) || !isJsonObject(entry)) return [entry];
    if (index !== first) return [];
    return [entry.condition === "HEALTHY" ? entry : { ...entry, condition: "HEALTHY" }];
  });
  const same = kept.length === entries.length && kept[first] === entries[first];
  return [same ? container : { ...container, dependsOn: kept }, added];
}

/** The container without anything that names ztunnel in `dependsOn` and `volumesFrom`: ECS would refuse it. */
export function withoutWait(container: JsonObject, added: Added): JsonObject {
  const volumes = listAt(container, "volumesFrom");
  const ownVolumes = volumes.filter((entry) => !isJsonObject(entry) || entry.sourceContainer !== ZTUNNEL);
  const rest = ownVolumes.length === volumes.length ? container : { ...container, volumesFrom: ownVolumes };
  if (!waitsForZtunnel(rest)) return rest;
  const dependsOn = listAt(rest, "dependsOn").filter((entry) => !namesZtunnel(entry));
  if (dependsOn.length > 0 || added.dependsOn === "empty") return { ...rest, dependsOn };
  return added.dependsOn === "null" ? { ...rest, dependsOn: null } : without(rest, "dependsOn");
}

/** A log router without the wait for ztunnel that a sidecar made by hand has given it, and without a memory of it. */
export function withoutRouterWait(container: JsonObject, added: Added): readonly [JsonObject, Added] {
  if (!waitsForZtunnel(container)) return [container, added];
  const dependsOn = listAt(container, "dependsOn").filter((entry) => !namesZtunnel(entry));
  const rest = dependsOn.length > 0 ? { ...container, dependsOn } : without(container, "dependsOn");
  return [rest, { ...added, dependsOn: undefined }];
}
