import { clusterArnOf } from "../../base/arn.ts";
import { isSameJson } from "../../base/json.ts";
import { familyOf, newerRevision, sharedFamily } from "../../enrollment/families.ts";
import { staleTasks, type TaggedTask, taskTagsKey, taskTagsOf } from "../../enrollment/task-tags.ts";
import type { SharedFamily } from "../../model/service-state.ts";
import type { ObservedTask } from "../../model/task.ts";
import type { Remembered } from "./sighting.ts";
import type { PlaceCalls } from "./sweep-calls.ts";
import { enrollWaiting, sweepAgain, tellFailure } from "./sweep-service.ts";

/**
 * Checks what no event reports and no description of a service shows: who else uses its family, and whether its running
 * tasks still have the tags that they were given. Sweeps take turns, so that a service at rest costs about one
 * hundredth of a call more. Services of which something new is known are reconciled again, and new ones are enrolled.
 */
export async function checkInTurns(calls: PlaceCalls, isComplete: boolean): Promise<void> {
  const { policy } = calls.config;
  if (!policy.sharedFamilies) await trying("task definition families", calls, () => reviewFamilies(calls, isComplete));
  await enrollWaiting(calls);
  if (isComplete) await trying("tags of running tasks", calls, () => reviewTasks(calls));
}

async function trying(what: string, calls: PlaceCalls, part: () => Promise<void>): Promise<void> {
  try {
    await part();
  } catch (error) {
    tellFailure(what, error, calls);
  }
}

/** As often as sweeps are scheduled. */
const SWEEP_MS = 15 * 60_000;
/** Sweeps after which every family of a large fleet was read: ten days. */
const FAMILY_TURNS = 1000;
const SMALL_FLEET = 50;

/** The number of this sweep: each takes its turn. */
function turnOf({ now }: Pick<PlaceCalls, "now">): number {
  return Math.floor(now() / SWEEP_MS);
}

async function reviewFamilies(calls: PlaceCalls, isComplete: boolean): Promise<void> {
  const { sighting } = calls;
  const { size } = sighting.remembered;
  const turns = size <= SMALL_FLEET ? Math.max(1, size) : FAMILY_TURNS;
  let nth = 0;
  for (const [serviceArn, service] of sighting.remembered) {
    // Evenly over the turns.
    const isTurn = service.enrolled && Math.floor((nth * turns) / size) === turnOf(calls) % turns;
    nth += 1;
    await trying(serviceArn, calls, () => reviewFamily(service, { isTurn, isComplete }, calls));
  }
}

async function reviewFamily(
  service: Remembered,
  { isTurn, isComplete }: { readonly isTurn: boolean; readonly isComplete: boolean },
  calls: PlaceCalls,
): Promise<void> {
  const { ref, taskDefinitionArn } = service;
  const family = familyOf(taskDefinitionArn);
  const before = service.sharedFamily?.family === family ? service.sharedFamily : undefined;
  const others = calls.sighting.families.othersOf(service);
  // Of clusters that could not be read, what was known counts.
  const services = others.length > 0 || isComplete ? others : (before?.services ?? []);
  const newer = isTurn ? newerRevision(await calls.ecs.describeLatestTaskDefinition(family), service) : before?.newer;
  const found = sharedFamily(service, { services, ...(newer !== undefined && { newer }) });
  if (isSame(found, service.sharedFamily)) return;
  await calls.ledger.patchService(ref.serviceArn, { sharedFamily: found ?? null });
  await sweepAgain(ref, calls);
}

function isSame(a: SharedFamily | undefined, b: SharedFamily | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return a.family === b.family && a.newer === b.newer && isSameJson(a.services, b.services);
}

/** Tasks that one ListTasks and one DescribeTasks can read. */
const TASKS_A_READ = 100;
const CALLS_A_READ = 2;
/** What reading tasks may cost a service and sweep, in calls. */
const CALLS_A_SERVICE = 0.009;

async function reviewTasks(calls: PlaceCalls): Promise<void> {
  const { sighting } = calls;
  const services = [...sighting.remembered.values()].filter(({ tasksWereRead }) => tasksWereRead);
  const clusters = [...Map.groupBy(services, ({ ref }) => clusterArnOf(ref))].toSorted(([a], [b]) => (a < b ? -1 : 1));
  const costs = clusters.map(([arn]) => CALLS_A_READ * Math.ceil((sighting.running.get(arn) ?? 1) / TASKS_A_READ));
  const aSweep = Math.max(CALLS_A_READ, CALLS_A_SERVICE * sighting.services.size);
  const turns = Math.max(1, Math.ceil(costs.reduce((sum, cost) => sum + cost, 0) / aSweep));
  let before = 0;
  for (const [index, [clusterArn, ofCluster]] of clusters.entries()) {
    const isTurn = Math.floor(before / aSweep) % turns === turnOf(calls) % turns;
    before += costs[index] ?? 0;
    if (isTurn) await trying(`tasks of ${clusterArn}`, calls, () => reviewCluster(clusterArn, ofCluster, calls));
  }
}

async function reviewCluster(clusterArn: string, services: readonly Remembered[], calls: PlaceCalls): Promise<void> {
  const byGroup = await tasksOf(clusterArn, services, calls);
  for (const service of services) {
    const tasks = byGroup.get(`service:${service.ref.serviceName}`) ?? [];
    const secrets = calls.sighting.users.get(service.ref.serviceArn) ?? [];
    if (secrets.length !== 1 || tasks.length === 0) continue;
    if (staleTasks(tasks, taskTagsOf(service.tags, secrets[0])).length > 0) await mendTasks(service, calls);
  }
}

/** The running tasks by their groups. Where others fill the cluster, those of one service. */
async function tasksOf(
  clusterArn: string,
  services: readonly Remembered[],
  calls: PlaceCalls,
): Promise<ReadonlyMap<string, readonly TaggedTask[]>> {
  const { ecs, sighting } = calls;
  const most = (Math.ceil((sighting.running.get(clusterArn) ?? 1) / TASKS_A_READ) + 1) * TASKS_A_READ;
  let taskArns = await ecs.listTasks({ clusterArn, most }, "RUNNING");
  const one = services[turnOf(calls) % services.length];
  if (taskArns.length >= most && one) taskArns = await ecs.listTasks(one.ref, "RUNNING");
  const tasks = (await ecs.describeTasks(clusterArn, taskArns)).filter(({ lastStatus }) => lastStatus === "RUNNING");
  return new Map(
    [...Map.groupBy(tasks, ({ group }) => group ?? "")].map(([group, own]) => [group, own.flatMap(tagged)]),
  );
}

function tagged({ taskArn, tags }: ObservedTask): readonly TaggedTask[] {
  return tags ? [{ taskArn, tags }] : [];
}

const DAY_MS = 24 * 3_600_000;

/**
 * Has the tasks read and corrected as the policy says. Somebody who changes them again and again gets one deployment a
 * day, and a warning: then what the tasks lack counts as tried.
 */
async function mendTasks(
  { ref, taskDefinitionArn, tags, taskTagsChangedMs }: Remembered,
  calls: PlaceCalls,
): Promise<void> {
  const { ecs, ledger, now } = calls;
  const isAgain = taskTagsChangedMs !== undefined && now() - taskTagsChangedMs < DAY_MS;
  const definition = await ecs.describeTaskDefinition(taskDefinitionArn);
  const recorded = isAgain ? { taskTagsTried: taskTagsKey({ tags }, definition) } : { taskTagsChangedMs: now() };
  await ledger.patchService(ref.serviceArn, { taskTags: null, ...recorded });
  await sweepAgain(ref, calls);
}
