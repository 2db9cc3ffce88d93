import type { EcsEnvironment } from "./environment.ts";
import type { EcsTask } from "./model.ts";

/** The variables of a task's containers, by the container's name, or why a secret of theirs can't be read. */
export type ContainerValues =
  | { readonly ok: true; readonly values: ReadonlyMap<string, ReadonlyMap<string, string>> }
  | { readonly ok: false; readonly problem: string };

/** What ECS gives the containers of a task that is about to start; it reads their secrets as the execution role. */
export function containerValues(task: EcsTask, { secretReader }: EcsEnvironment): ContainerValues {
  const { account, region } = task.cluster.scope;
  const { containerDefinitions, executionRoleArn } = task.revision.spec;
  const values = new Map<string, Map<string, string>>();
  for (const { name: container, environment, secrets } of containerDefinitions) {
    const own = new Map(environment.map(({ name, value }) => [name, value]));
    for (const { name, valueFrom } of secrets) {
      if (!/^arn:aws[\w-]*:secretsmanager:/.test(valueFrom)) continue;
      const serviceArn = task.service.arn;
      const answer = secretReader.get().canRead({ account, region, valueFrom, executionRoleArn, serviceArn });
      if (!answer.ok) return { ok: false, problem: fetchProblem(valueFrom, answer.reason) };
      if (answer.value !== undefined) own.set(name, answer.value);
    }
    values.set(container, own);
  }
  return { ok: true, values };
}

function fetchProblem(valueFrom: string, reason: string): string {
  return `failed to fetch secret ${valueFrom} from secrets manager: ${reason}`;
}
