import { canonicalJson, sha256 } from "../base/json.ts";
import { tagKeys } from "../base/vocabulary.ts";
import type { Config } from "../config/config.ts";
import { findSidecar } from "../data-plane/ztunnel/index.ts";
import type { DescribedTaskDefinition, ObservedService, Tags } from "../model/service.ts";
import type { ServiceState } from "../model/service-state.ts";
import { tokenIdentityOf } from "./wish.ts";

/** A running task with its tags. */
export interface TaggedTask {
  readonly taskArn: string;
  readonly tags: Tags;
}

/** The running tasks; or that they were found stale, in a later step of a roll that does not read them again. */
export type ReadTasks = readonly TaggedTask[] | "stale";

/** The tags that istiod reads of a task. A task keeps those that it has started with. */
const taskKeys = [tagKeys.namespace, tagKeys.serviceAccount, tagKeys.hostname, tagKeys.ports] as const;

/**
 * A mark for the tasks of the service's completed deployment and the tags that it gives them now: tasks that were read
 * once need not be read again. `undefined` while it deploys or tasks are yet to start, which may have been launched
 * before the last change, and for a service that runs no task or gives no tags.
 */
export function taskTagsMark(service: ObservedService): string | undefined {
  const primary = service.deployments.find(({ status }) => status === "PRIMARY");
  if (primary?.rolloutState !== "COMPLETED" || primary.runningCount === 0) return undefined;
  if (primary.runningCount < service.desiredCount) return undefined;
  if (service.propagateTags !== "SERVICE") return undefined;
  return sha256(JSON.stringify([primary.id, taskKeys.map((key) => service.tags[key] ?? null)])).slice(0, 16);
}

/** True if nobody has read since its last change what tags the tasks of a service in the mesh carry. */
export function needsTaskTags(
  service: ObservedService,
  state: ServiceState | undefined,
  { policy }: Pick<Config, "policy">,
): boolean {
  const mark = taskTagsMark(service);
  return policy.propagateTags && mark !== undefined && state?.enrolled === true && state.taskTags !== mark;
}

/** The tags that the service's tasks must carry: its own, with the identity that its token says. */
export function wantedTaskTags({ tags }: Pick<ObservedService, "tags">, { raw }: DescribedTaskDefinition): Tags {
  const sidecar = findSidecar(raw);
  return taskTagsOf(tags, sidecar.kind === "ours" ? sidecar.secretValueFrom : undefined);
}

/** The same by the reference to the token's secret, if it is one of ours. */
export function taskTagsOf(tags: Tags, valueFrom: string | undefined): Tags {
  const identity = tokenIdentityOf(valueFrom);
  const wanted: Tags = {
    ...tags,
    ...(identity && {
      [tagKeys.namespace]: identity.namespace,
      [tagKeys.serviceAccount]: identity.serviceAccount,
    }),
  };
  return Object.fromEntries(taskKeys.flatMap((key) => (wanted[key] === undefined ? [] : [[key, wanted[key]]])));
}

/** What a deployment is to bring to tasks, as a roll remembers that it has tried. */
export function taskTagsKey(service: Pick<ObservedService, "tags">, definition: DescribedTaskDefinition): string {
  return sha256(canonicalJson(wantedTaskTags(service, definition))).slice(0, 16);
}

/** The tasks that carry other tags than these, or lack one of them. */
export function staleTasks(tasks: readonly TaggedTask[], wanted: Tags): readonly TaggedTask[] {
  return tasks.filter(({ tags }) => taskKeys.some((key) => tags[key] !== wanted[key]));
}

/** How many tasks are stale, in words; `undefined` where none is, or none was read. */
export function staleWords(
  tasks: ReadTasks | undefined,
  service: ObservedService,
  definition: DescribedTaskDefinition,
): string | undefined {
  if (tasks === undefined || tasks === "stale") return tasks && "Its tasks.";
  const stale = staleTasks(tasks, wantedTaskTags(service, definition)).length;
  return stale === 0 ? undefined : `${stale} of ${tasks.length} running tasks.`;
}

/** Of the keys that istiod reads, those that a task has and must not have. */
export function surplusTaskKeys({ tags }: TaggedTask, wanted: Tags): readonly string[] {
  return taskKeys.filter((key) => tags[key] !== undefined && wanted[key] === undefined);
}
