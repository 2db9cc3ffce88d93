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
      if (!answer.ok) return { ok: false, problem: retrievalProblem(valueFrom, answer) };
      if (answer.value !== undefined) own.set(name, answer.value);
    }
    values.set(container, own);
  }
  return { ok: true, values };
}

/**
 * The agent's words for a secret that it could not read.
 * https://docs.aws.amazon.com/AmazonECS/latest/developerguide/stopped-task-error-codes.html
 */
function retrievalProblem(valueFrom: string, read: { readonly reason: string; readonly unreachable?: true }): string {
  const how = read.unreachable
    ? "unable to retrieve secret from asm: There is a connection issue between the task and AWS Secrets Manager. Check your task network configuration."
    : "execution resource retrieval failed: unable to retrieve secret from asm: service call has been retried 1 time(s):";
  return `${how} failed to fetch secret ${valueFrom} from secrets manager: ${read.reason}`;
}
