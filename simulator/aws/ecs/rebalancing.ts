import type { EcsEvents } from "./events.ts";
import type { TaskLifecycle } from "./lifecycle.ts";
import type { EcsService, EcsTask } from "./model.ts";

/** The zones that tasks are moved between, as the ends of their names. */
const ZONES = ["a", "b"] as const;

/** Notes a message in the service's events. */
type Note = (service: EcsService, message: string) => void;

/**
 * Availability Zone rebalancing: a task is started in another zone, and the one that it takes the place of is stopped
 * once it is healthy. This is not a deployment, and waits for none.
 * https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-rebalancing.html
 */
export class Rebalancing {
  readonly #lifecycle: TaskLifecycle;
  readonly #events: EcsEvents;
  readonly #note: Note;

  constructor(lifecycle: TaskLifecycle, events: EcsEvents, note: Note) {
    this.#lifecycle = lifecycle;
    this.#events = events;
    this.#note = note;
  }

  /** Moves a task to another zone, unless its service is being deployed, deleted or moved already. */
  begin(task: EcsTask): void {
    const { service, deployment } = task;
    const [primary, ...others] = service.deployments;
    const steady = primary === deployment && others.length === 0 && primary.rolloutState === "COMPLETED";
    if (!steady || !task.healthy || service.status !== "ACTIVE" || service.rebalancing.size > 0) return;
    this.#note(service, `is not AZ balanced with ${countsOf(service)}. AZ Rebalancing in progress.`);
    this.#events.serviceAction(service, "SERVICE_REBALANCING_STARTED");
    const zone = ZONES.find((each) => each !== task.zone) ?? task.zone;
    const successor = this.#lifecycle.launch(deployment, zone);
    service.rebalancing.set(successor, task);
    const name = zoneOf(successor);
    this.#note(service, `has started 1 tasks in ${name} to AZ Rebalance: (task ${successor.id}).`);
  }

  /** Stops the task that a healthy one has taken the place of. */
  healthy(successor: EcsTask): void {
    const { service } = successor;
    const task = service.rebalancing.get(successor);
    if (!task) return;
    service.rebalancing.delete(successor);
    this.#note(service, `has stopped 1 running tasks in ${zoneOf(task)} due to AZ rebalancing: (task ${task.id}).`);
    // AWS documents no words for the task's own reason: these are those of every stop by the scheduler.
    const stoppedReason = `Scaling activity initiated by (deployment ${task.deployment.id})`;
    this.#lifecycle.stop(task, { stopCode: "ServiceSchedulerInitiated", stoppedReason, failed: false });
    this.#note(service, `is AZ balanced with ${countsOf(service)}.`);
    this.#events.serviceAction(service, "SERVICE_REBALANCING_COMPLETED");
  }

  /** Forgets a move one of whose tasks has stopped. */
  stopped(task: EcsTask): void {
    const { rebalancing } = task.service;
    for (const pair of rebalancing) if (pair.includes(task)) rebalancing.delete(pair[0]);
  }
}

function zoneOf({ cluster, zone }: Pick<EcsTask, "cluster" | "zone">): string {
  return `${cluster.scope.region}${zone}`;
}

function countsOf({ tasks, cluster }: EcsService): string {
  const healthy = [...tasks].filter(({ desiredStatus }) => desiredStatus === "RUNNING");
  return ZONES.map((zone) => {
    const count = healthy.filter((task) => task.zone === zone).length;
    return `${count} tasks in ${zoneOf({ cluster, zone })}`;
  }).join(", ");
}
