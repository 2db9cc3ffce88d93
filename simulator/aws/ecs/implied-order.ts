import type { ContainerSpec } from "./container-spec.ts";
import { inCycles } from "./registration/start-order.ts";

/** True for a container that logs through the task's log router. */
export function logsThroughRouter(spec: ContainerSpec): boolean {
  return spec.logConfiguration?.logDriver === "awsfirelens";
}

/** The task's log router, which is the first container with a FireLens configuration. */
export function logRouterOf(specs: readonly ContainerSpec[]): ContainerSpec | undefined {
  return specs.find(({ firelensConfiguration }) => firelensConfiguration);
}

/**
 * The containers with what the ECS agent adds to `dependsOn`: the start of those whose volumes they use or that they
 * are linked to, and of the log router for those that log through it, unless the router depends on a container itself.
 * https://github.com/aws/amazon-ecs-agent (`addFirelensContainerDependency` in agent/api/task)
 */
export function withImpliedOrder(specs: readonly ContainerSpec[]): readonly ContainerSpec[] {
  const names = new Set(specs.map(({ name }) => name));
  const router = logRouterOf(specs);
  const first = router?.dependsOn.length === 0 ? router.name : undefined;
  return specs.map((spec) => {
    const sources = [
      ...spec.volumesFrom.map(({ sourceContainer }) => sourceContainer),
      ...spec.links.map((link) => link.replace(/:.*$/, "")),
      ...(first !== undefined && first !== spec.name && logsThroughRouter(spec) ? [first] : []),
    ];
    const implied = [...new Set(sources)].filter((name) => names.has(name));
    return {
      ...spec,
      dependsOn: [...spec.dependsOn, ...implied.map((containerName) => ({ containerName, condition: "START" }))],
    };
  });
}

/** True where no order of the containers is right. */
export function isCircular(specs: readonly ContainerSpec[]): boolean {
  const before = specs.map(
    ({ name, dependsOn }) => [name, new Set(dependsOn.map(({ containerName }) => containerName))] as const,
  );
  return inCycles(new Map(before)).length > 0;
}
