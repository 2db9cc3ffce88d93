import type { ContainerRequest, Problems } from "./request.ts";

/** Container → the containers that have to come before it. */
export type Before = ReadonlyMap<string, ReadonlySet<string>>;

/** https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDependency.html */
const CONDITIONS = new Set(["START", "COMPLETE", "SUCCESS", "HEALTHY"]);

/** What ECS refuses in the order of containers: names that there are not, conditions that can't come true, cycles. */
export function* startOrderProblems(containers: readonly ContainerRequest[]): Problems {
  const byName = new Map(containers.map((container) => [container.name ?? "", container]));
  for (const container of containers) {
    for (const dependency of container.dependsOn) yield* dependencyProblems(dependency, byName);
    for (const name of sourcesOf(container))
      if (!byName.has(name)) yield `Unknown container '${name}' in 'volumesFrom' of '${container.name ?? ""}'.`;
    for (const name of linkedTo(container))
      if (!byName.has(name)) yield `Unknown container '${name}' in 'links' of '${container.name ?? ""}'.`;
  }
  if (inCycles(orderOf(containers, linkedTo)).length > 0) {
    yield "Container links should not have a cycle";
    return;
  }
  const circular = inCycles(orderOf(containers, comesAfter));
  if (circular.length > 0) yield `Container dependencies should not have a cycle: ${circular.join(", ")}.`;
}

function* dependencyProblems(
  { containerName = "", condition = "" }: ContainerRequest["dependsOn"][number],
  byName: ReadonlyMap<string, ContainerRequest>,
): Problems {
  const target = byName.get(containerName);
  if (!target) yield `Cannot depend on container + '${containerName}' because it does not exist`;
  else if (!CONDITIONS.has(condition)) yield `Invalid container dependency condition '${condition}'.`;
  else if (condition === "HEALTHY" && !target.healthCheck)
    yield "A dependency container with HEALTHY condition must have health check configured";
  else if ((condition === "SUCCESS" || condition === "COMPLETE") && target.essential !== false)
    yield "A dependency container with SUCCESS or COMPLETE condition cannot be an essential container";
}

function sourcesOf({ volumesFrom }: ContainerRequest): readonly string[] {
  return volumesFrom.map(({ sourceContainer = "" }) => sourceContainer);
}

/** A link is `name` or `name:alias`. */
function linkedTo({ links }: ContainerRequest): readonly string[] {
  return links.map((link) => link.replace(/:.*$/, ""));
}

/** "START: This condition emulates the behavior of links and volumes today" (ContainerDependency, `condition`). */
function comesAfter(container: ContainerRequest): readonly string[] {
  const dependencies = container.dependsOn.map(({ containerName = "" }) => containerName);
  return [...dependencies, ...sourcesOf(container), ...linkedTo(container)];
}

function orderOf(containers: readonly ContainerRequest[], after: (one: ContainerRequest) => readonly string[]): Before {
  const names = new Set(containers.map(({ name = "" }) => name));
  const known = (one: ContainerRequest) => after(one).filter((name) => names.has(name));
  return new Map(containers.map((container) => [container.name ?? "", new Set(known(container))]));
}

/** The containers that no order satisfies: take away what waits for none, and what none waits for, until none goes. */
export function inCycles(before: Before): readonly string[] {
  const left = new Set(before.keys());
  const waitsForNone = (name: string) => ![...(before.get(name) ?? [])].some((other) => left.has(other));
  const isWaitedForByNone = (name: string) => ![...left].some((other) => before.get(other)?.has(name));
  for (let size = -1; size !== left.size; ) {
    size = left.size;
    for (const name of left) if (waitsForNone(name) || isWaitedForByNone(name)) left.delete(name);
  }
  return [...left];
}
