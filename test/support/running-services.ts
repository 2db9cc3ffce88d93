import { type ServiceRef, serviceRef } from "../../shared/base/arn.ts";
import type { Deployment } from "../../shared/model/service.ts";
import { meshed } from "./enrolled-services.ts";
import { OBSERVED, rollWorld, web } from "./fakes.ts";
import { factsWith } from "./meshes.ts";
import { observed, service, taskDefinition } from "./services.ts";

/** What one deployment of a service runs; no roots: tasks without ztunnel. */
export interface Runs {
  readonly roots: string;
  readonly status?: Deployment["status"];
  readonly running?: number;
  readonly desired?: number;
}

export const named = (name: string): ServiceRef => serviceRef(web.serviceArn.replace("/prod/web", `/prod/${name}`));

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
    const taskDefinitionArn = OBSERVED.replace("/web:7", `/${name}:${world.fleet.definitions.size}`);
    const raw = roots === "" ? taskDefinition() : meshed(observed({ facts: factsWith(roots) }));
    world.fleet.definitions.set(taskDefinitionArn, { taskDefinitionArn, raw, tags: [] });
    return { ...idle, id: `ecs-svc/${index}`, status, taskDefinitionArn, runningCount: running, desiredCount: desired };
  });
  const { taskDefinitionArn = OBSERVED } = deployments.find(({ status }) => status === "PRIMARY") ?? {};
  world.fleet.services.set(ref.serviceArn, service({ ref, deployments, taskDefinitionArn }));
  await world.ledger.patchService(ref.serviceArn, { enrolled: true });
  return ref;
}

const idle: Omit<Deployment, "id" | "status" | "taskDefinitionArn" | "runningCount" | "desiredCount"> = {
  rolloutState: "COMPLETED",
  rolloutStateReason: undefined,
  failedTasks: 0,
};
