import type { ServiceRef } from "../../shared/base/arn.ts";
import type { Deployment } from "../../shared/model/service.ts";
import { OBSERVED, revisionArn, serviceNamed } from "./arns.ts";
import { completedDeployment } from "./deployments.ts";
import { meshed } from "./enrolled-services.ts";
import { rollWorld } from "./fakes.ts";
import { factsWith } from "./meshes.ts";
import { observed, service, taskDefinition } from "./services.ts";

/** What one deployment of a service runs; no roots: tasks without ztunnel. */
export interface Runs {
  readonly roots: string;
  readonly status?: Deployment["status"];
  readonly running?: number;
  readonly desired?: number;
}

export const named = serviceNamed;

/** A world in which the watch can look at every service. */
export function watchWorld(changes: Parameters<typeof rollWorld>[0] = {}) {
  const world = rollWorld(changes);
  const calls: string[] = [];
  const counted = new Proxy(world.ecs, {
    get: (target, key) => {
      const member: unknown = Reflect.get(target, key);
      if (typeof member !== "function") return member;
      return (...args: unknown[]): unknown => {
        calls.push(String(key));
        return member.apply(target, args);
      };
    },
  });
  return { ...world, fleet: world.ecs, ecs: () => counted, calls };
}
export type WatchWorld = ReturnType<typeof watchWorld>;

/** A service that is enrolled by the ledger, with these deployments in ECS. */
export async function runs(world: WatchWorld, name: string, ...all: readonly Runs[]): Promise<ServiceRef> {
  const ref = named(name);
  const deployments = all.map(({ roots, status = "PRIMARY", running = 2, desired = running }, index) => {
    const taskDefinitionArn = revisionArn(name, world.fleet.definitions.size);
    const raw = roots === "" ? taskDefinition() : meshed(observed({ facts: factsWith(roots) }));
    world.fleet.definitions.set(taskDefinitionArn, { taskDefinitionArn, raw, tags: [] });
    const counts = { runningCount: running, desiredCount: desired };
    return completedDeployment({ id: `ecs-svc/${index}`, status, taskDefinitionArn, ...counts });
  });
  const { taskDefinitionArn = OBSERVED } = deployments.find(({ status }) => status === "PRIMARY") ?? {};
  world.fleet.services.set(ref.serviceArn, service({ ref, deployments, taskDefinitionArn }));
  await world.ledger.patchService(ref.serviceArn, { enrolled: true });
  return ref;
}
