import { deploymentConfiguration } from "./circuit-breaker.ts";
import type { EcsDeployment, EcsService, EcsTask } from "./model.ts";

/**
 * What the scheduler does next: how many tasks of the primary deployment it launches, and which it stops. It keeps
 * `minimumHealthyPercent` of the desired count healthy and never has more than `maximumPercent` of it.
 * https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-type-ecs.html
 */
export function batchOf(
  service: EcsService,
  primary: EcsDeployment,
  replaced: readonly EcsDeployment[],
  desired: number,
): { launch: number; stop: readonly EcsTask[] } {
  // A task that is moved to another zone has a successor beside it.
  const surplus = [...primary.tasks].slice(desired + service.rebalancing.size);
  if (primary.rolloutState === "FAILED")
    return { launch: 0, stop: desired === 0 ? all([primary, ...replaced]) : surplus };
  const old = all(replaced);
  const missing = Math.max(0, desired - primary.tasks.size);
  if (primary.phase === "waiting") return { launch: 0, stop: surplus };
  if (old.length === 0 || primary.phase === "beside") return { launch: missing, stop: surplus };

  const { minimumHealthyPercent, maximumPercent } = deploymentConfiguration(service);
  const atLeastHealthy = Math.ceil((desired * minimumHealthyPercent) / 100);
  const atMost = Math.floor((desired * maximumPercent) / 100);
  let spare = healthyOf(primary.tasks) + healthyOf(old) - atLeastHealthy;
  const stop = old.filter((task) => {
    if (!task.healthy) return true;
    spare -= 1;
    return spare >= 0;
  });
  const remaining = primary.tasks.size + old.length - stop.length;
  return { launch: Math.min(missing, Math.max(0, atMost - remaining)), stop: [...surplus, ...stop] };
}

function all(deployments: readonly EcsDeployment[]): EcsTask[] {
  return deployments.flatMap(({ tasks }) => [...tasks]);
}

function healthyOf(tasks: Iterable<EcsTask>): number {
  let count = 0;
  for (const task of tasks) if (task.healthy) count += 1;
  return count;
}
