import { clusterArnOf } from "../../base/arn.ts";
import type { Config } from "../../config/config.ts";
import type { Decision } from "../../enrollment/decision.ts";
import { needsTaskTags } from "../../enrollment/task-tags.ts";
import type { EcsCalls } from "../../ports/ports.ts";
import type { ObservedState } from "./observe.ts";

export interface TaskReads {
  readonly ecs: Pick<EcsCalls, "listTasks" | "describeTasks">;
  readonly config: Config;
  /** How many services' tasks may still be read. */
  readonly budget: { servicesLeft: number };
}

export interface Decided {
  readonly observed: ObservedState;
  readonly decision: Decision;
}

/**
 * The decision for what was observed. Where there is nothing else to do, it reads the running tasks and their tags, if
 * nobody has done so since the last change of what they start with: two calls, which a service at rest does not cost.
 */
export async function decideWithTasks(
  observed: ObservedState,
  decideFor: (observed: ObservedState) => Promise<Decision>,
  reads: TaskReads,
): Promise<Decided> {
  const decision = await decideFor(observed);
  const seen = decision.action === "none" ? await withTasks(observed, reads) : observed;
  return seen.tasks ? { observed: seen, decision: await decideFor(seen) } : { observed, decision };
}

async function withTasks(observed: ObservedState, { ecs, config, budget }: TaskReads): Promise<ObservedState> {
  const { service, state, definition } = observed;
  if (!definition || budget.servicesLeft <= 0 || !needsTaskTags(service, state, config)) return observed;
  budget.servicesLeft -= 1;
  const taskArns = await ecs.listTasks(service.ref, "RUNNING");
  const described = await ecs.describeTasks(clusterArnOf(service.ref), taskArns);
  const tasks = described.flatMap(({ taskArn, lastStatus, tags }) =>
    lastStatus === "RUNNING" && tags ? [{ taskArn, tags }] : [],
  );
  // Some are about to stop, or ECS does not list them yet: what was not read shows nothing.
  return tasks.length < service.desiredCount ? observed : { ...observed, tasks };
}
