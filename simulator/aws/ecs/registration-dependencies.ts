import { findCycle, startDependencies } from "../../../shared/data-plane/ztunnel/task-definition/dependencies.ts";
import {
  containersOf,
  isSet,
  nameOf,
  objectsAt,
  textAt,
  textsAt,
  without,
} from "../../../shared/data-plane/ztunnel/task-definition/fields.ts";
import type { JsonObject } from "../../json.ts";

const CONDITIONS = ["START", "COMPLETE", "SUCCESS", "HEALTHY"];

function entryProblems(entry: JsonObject, byName: ReadonlyMap<string, JsonObject>): readonly string[] {
  const name = textAt(entry, "containerName") ?? "";
  const condition = textAt(entry, "condition") ?? "";
  const target = byName.get(name);
  if (target === undefined) return [`Cannot depend on container ${name} because it does not exist.`];
  if (!CONDITIONS.includes(condition)) return [`Invalid container dependency condition '${condition}'.`];
  if (condition === "HEALTHY" && !isSet(target, "healthCheck")) {
    return ["A dependency container with HEALTHY condition must have health check configured."];
  }
  const exits = condition === "SUCCESS" || condition === "COMPLETE";
  return exits && target.essential !== false
    ? ["A dependency container with SUCCESS or COMPLETE condition cannot be an essential container."]
    : [];
}

function missingSources(container: JsonObject, byName: ReadonlyMap<string, JsonObject>): readonly string[] {
  const sources = objectsAt(container, "volumesFrom").map((entry) => textAt(entry, "sourceContainer") ?? "");
  const links = textsAt(container, "links").map((link) => link.split(":")[0] ?? "");
  return [
    ...sources.filter((name) => !byName.has(name)).map((name) => `Unknown container '${name}' in volumesFrom.`),
    ...links.filter((name) => !byName.has(name)).map((name) => `Unknown container '${name}' in links.`),
  ];
}

function cycleProblems(definition: JsonObject): readonly string[] {
  const linked = containersOf(definition).map((container) =>
    ["dependsOn", "volumesFrom", "logConfiguration"].reduce(without, container),
  );
  if (findCycle(startDependencies({ containerDefinitions: linked })) !== undefined) {
    return ["Container links should not have a cycle."];
  }
  const cycle = findCycle(startDependencies(definition));
  return cycle === undefined ? [] : [`Container dependencies should not have a cycle: ${cycle.join(" → ")}.`];
}

/** What ECS refuses in the order of the containers: unknown names, conditions that can't come true, cycles. */
export function dependencyProblems(definition: JsonObject): readonly string[] {
  const containers = containersOf(definition);
  const byName = new Map(containers.map((container) => [nameOf(container), container]));
  return [
    ...containers.flatMap((container) => [
      ...objectsAt(container, "dependsOn").flatMap((entry) => entryProblems(entry, byName)),
      ...missingSources(container, byName),
    ]),
    ...cycleProblems(definition),
  ];
}
