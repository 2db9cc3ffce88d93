import type { JsonObject } from "../../../base/json.ts";
import { listAt, objectAt, objectsAt, textAt, textsAt } from "../../../base/json-fields.ts";
import { containersOf, isLogRouter, nameOf } from "../../../model/task-definition.ts";

/** Who starts after whom: container name → the names of those that it waits for. */
export type Dependencies = ReadonlyMap<string, ReadonlySet<string>>;

/**
 * The start order that ECS keeps: `dependsOn`, and what its agent derives from `volumesFrom`, `links` and FireLens: a
 * container that logs through `awsfirelens` starts after the log router, unless the log router itself depends on a
 * container (amazon-ecs-agent, `addFirelensContainerDependency`).
 */
export function startDependencies(definition: JsonObject): Dependencies {
  const containers = containersOf(definition);
  const router = containers.find((container) => isLogRouter(container) && listAt(container, "dependsOn").length === 0);
  return new Map(
    containers.map((container) => {
      const logsThroughRouter = textAt(objectAt(container, "logConfiguration"), "logDriver") === "awsfirelens";
      const names = [
        ...objectsAt(container, "dependsOn").map((entry) => textAt(entry, "containerName")),
        ...objectsAt(container, "volumesFrom").map((entry) => textAt(entry, "sourceContainer")),
        ...textsAt(container, "links").map((link) => link.split(":")[0]),
        router !== undefined && router !== container && logsThroughRouter ? nameOf(router) : undefined,
      ];
      return [nameOf(container), new Set(names.filter((name) => name !== undefined))];
    }),
  );
}

/** All containers that `name` waits for, directly or through others; without itself unless it is in a cycle. */
export function dependenciesOf(name: string, dependencies: Dependencies): ReadonlySet<string> {
  const found = new Set<string>();
  const open = [...(dependencies.get(name) ?? [])];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (found.has(next)) continue;
    found.add(next);
    open.push(...(dependencies.get(next) ?? []));
  }
  return found;
}

/** The containers of one cycle, from one of them back to itself (`["a", "b", "a"]`); `undefined` without a cycle. */
export function findCycle(dependencies: Dependencies): readonly string[] | undefined {
  const done = new Set<string>();
  const walk = (name: string, path: readonly string[]): readonly string[] | undefined => {
    const start = path.indexOf(name);
    if (start >= 0) return [...path.slice(start), name];
    if (done.has(name)) return undefined;
    for (const next of dependencies.get(name) ?? []) {
      const cycle = walk(next, [...path, name]);
      if (cycle !== undefined) return cycle;
    }
    done.add(name);
    return undefined;
  };
  for (const name of dependencies.keys()) {
    const cycle = walk(name, []);
    if (cycle !== undefined) return cycle;
  }
  return undefined;
}
