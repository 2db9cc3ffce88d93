import type { JsonObject } from "../base/json.ts";
import type { ObservedTask } from "../model/task.ts";
import { containersOf, nameOf } from "../model/task-definition.ts";

/** Whose tasks can show why a deployment failed. */
export interface Suspects {
  readonly targetRevisionArn: string;
  /** The deployments that started them. Without any, the time decides. */
  readonly deploymentIds: readonly string[];
  /** Tasks that are older have been started by an earlier deployment. Epoch milliseconds. */
  readonly sinceMs: number;
  /** The revision as it was registered; undefined where it can't be read. */
  readonly definition: JsonObject | undefined;
}

/**
 * The tasks of these deployments alone, each with the containers that its revision defines, essential ones first. What
 * AWS puts beside them has no part in it.
 */
export function evidenceOf(tasks: readonly ObservedTask[], suspects: Suspects): readonly ObservedTask[] {
  return tasks.filter((task) => isOf(task, suspects)).map((task) => withoutGuests(task, suspects.definition));
}

function isOf(
  { taskDefinitionArn, startedBy, createdAtMs }: ObservedTask,
  { targetRevisionArn, deploymentIds, sinceMs }: Suspects,
): boolean {
  if (taskDefinitionArn !== targetRevisionArn) return false;
  if (startedBy !== undefined && deploymentIds.length > 0) return deploymentIds.includes(startedBy);
  return createdAtMs === undefined || createdAtMs >= sinceMs;
}

/** How AWS names the containers of GuardDuty's runtime monitoring and of Service Connect. */
const AWS_CONTAINER = /^(aws-guardduty-agent-|ecs-service-connect-)/;

function withoutGuests(task: ObservedTask, definition: JsonObject | undefined): ObservedTask {
  const essential = new Map(
    containersOf(definition ?? {}).map((container) => [nameOf(container), container.essential !== false]),
  );
  const own = task.containers
    .filter(({ name }) => (essential.size === 0 ? !AWS_CONTAINER.test(name) : essential.has(name)))
    .map((container) => ({ ...container, essential: essential.get(container.name) ?? true }));
  return { ...task, containers: own.toSorted((a, b) => Number(b.essential) - Number(a.essential)) };
}
