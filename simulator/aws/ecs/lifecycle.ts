import { randomHex, randomUuid } from "../../base/random-id.ts";
import { addedContainers, isIpv6Only } from "./added-containers.ts";
import { ecsArn, isShortArn } from "./arns.ts";
import { isOnFargate, nextProvider, SPOT } from "./capacity.ts";
import { type ContainerValues, containerValues } from "./container-values.ts";
import type { EcsEnvironment } from "./environment.ts";
import type { EcsEvents } from "./events.ts";
import type { EcsDeployment, EcsTask, Tags, TaskNetwork, TaskStop } from "./model.ts";
import type { EcsStore } from "./store.ts";
import { planTask, type TaskFate } from "./task-plan.ts";
import { subnetsOf } from "./task-view.ts";
import { durationMs } from "./timings.ts";

/** What the scheduler hears of its tasks. */
export interface TaskListener {
  taskHealthy(task: EcsTask): void;
  taskStopped(task: EcsTask): void;
  /** A task that should run in another availability zone. */
  taskMisplaced(task: EcsTask): void;
}

/** Starts tasks, takes them through their states as the clock advances, and stops them. */
export class TaskLifecycle {
  readonly #environment: EcsEnvironment;
  readonly #store: EcsStore;
  readonly #events: EcsEvents;
  readonly #listener: TaskListener;

  constructor(environment: EcsEnvironment, store: EcsStore, events: EcsEvents, listener: TaskListener) {
    this.#environment = environment;
    this.#store = store;
    this.#events = events;
    this.#listener = listener;
  }

  /** Starts one task of a deployment, in the zone whose name ends like this. */
  launch(deployment: EcsDeployment, zone = "a"): EcsTask {
    const { service, revision } = deployment;
    const { cluster } = service;
    const { random, clock } = this.#environment;
    const id = randomHex(random, 32);
    const task: EcsTask = {
      sequence: this.#store.nextSequence(),
      id,
      arn: ecsArn(cluster.scope, isShortArn(service.arn) ? `task/${id}` : `task/${cluster.name}/${id}`),
      cluster,
      service,
      deployment,
      revision,
      tags: propagatedTags(deployment),
      createdAtMs: clock.now(),
      zone,
      capacityProvider: nextProvider(deployment.settings, deployment.tasks),
      network: revision.spec.networkMode === "awsvpc" ? this.#network(deployment) : undefined,
      added: addedContainers(service, this.#environment),
      lastStatus: "PROVISIONING",
      desiredStatus: "RUNNING",
      healthy: false,
      version: 1,
      plan: undefined,
      startedAtMs: undefined,
      stop: undefined,
      stoppingAtMs: undefined,
      stoppedAtMs: undefined,
    };
    deployment.tasks.add(task);
    service.tasks.add(task);
    cluster.tasks.set(id, task);
    // A rejection here is a defect of the simulator, and deliberately ends the process.
    void this.#live(task);
    return task;
  }

  /** Begins to stop a task; it is STOPPED a few seconds later. */
  stop(task: EcsTask, stop: TaskStop): void {
    if (task.desiredStatus === "STOPPED") return;
    task.desiredStatus = "STOPPED";
    task.lastStatus = "DEPROVISIONING";
    task.stop = stop;
    task.stoppingAtMs = this.#environment.clock.now();
    task.healthy = false;
    task.version += 1;
    task.deployment.tasks.delete(task);
    task.deployment.stopping.add(task);
    void this.#end(task);
  }

  async #live(task: EcsTask): Promise<void> {
    const { clock, random, timings } = this.#environment;
    await clock.sleep(durationMs(random, timings.provisioningMs));
    if (task.desiredStatus === "STOPPED") return;
    const fate = this.#fate(task);
    const { spec } = task.revision;
    const containerDefinitions = [...spec.containerDefinitions, ...task.added.specs];
    const options = { random, timings, startMs: clock.now(), taskArn: task.arn };
    const plan = planTask({ ...spec, containerDefinitions }, fate, options);
    task.plan = plan;
    task.lastStatus = "PENDING";
    task.version += 1;
    this.#announce(task);
    const failsAtMs = plan.failure?.atMs ?? Infinity;
    if (plan.runningAtMs <= failsAtMs && !(await this.#start(task, plan))) return;
    if (fate.misplacedAfterMs !== undefined) void this.#misplace(task, plan.runningAtMs + fate.misplacedAfterMs);
    if (!plan.failure || !(await this.#reach(task, failsAtMs))) return;
    if (plan.failure.stopCode === "SpotInterruption") this.#warn(task, plan.failure);
    this.stop(task, plan.failure);
  }

  async #misplace(task: EcsTask, atMs: number): Promise<void> {
    if (await this.#reach(task, atMs)) this.#listener.taskMisplaced(task);
  }

  /**
   * Spot tasks are warned by an event, while they still run.
   * https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-capacity-providers.html
   */
  #warn(task: EcsTask, stop: TaskStop): void {
    task.stop = stop;
    task.version += 1;
    this.#events.taskStateChange({ ...task, desiredStatus: "STOPPED" });
  }

  /** False when the task was stopped meanwhile. */
  async #start(task: EcsTask, plan: { runningAtMs: number; healthyAtMs: number }): Promise<boolean> {
    if (!(await this.#reach(task, plan.runningAtMs))) return false;
    task.lastStatus = "RUNNING";
    task.startedAtMs = this.#environment.clock.now();
    task.version += 1;
    task.healthy = plan.healthyAtMs <= plan.runningAtMs;
    this.#events.taskStateChange(task);
    this.#announce(task);
    if (task.healthy) {
      this.#listener.taskHealthy(task);
      return true;
    }
    if (plan.healthyAtMs === Infinity) return true;
    if (!(await this.#reach(task, plan.healthyAtMs))) return false;
    task.healthy = true;
    this.#announce(task);
    this.#listener.taskHealthy(task);
    return true;
  }

  /** Waits for a time; false when the task was stopped meanwhile. */
  async #reach(task: EcsTask, atMs: number): Promise<boolean> {
    const { clock } = this.#environment;
    if (task.desiredStatus === "STOPPED") return false;
    if (atMs > clock.now()) await clock.sleep(atMs - clock.now());
    return task.desiredStatus === "RUNNING";
  }

  async #end(task: EcsTask): Promise<void> {
    const { clock, random, timings } = this.#environment;
    await clock.sleep(durationMs(random, timings.stopMs));
    task.lastStatus = "STOPPED";
    task.stoppedAtMs = clock.now();
    task.version += 1;
    task.deployment.stopping.delete(task);
    task.service.tasks.delete(task);
    task.cluster.tasks.delete(task.id);
    for (const stopped of [task.service.stopped, task.cluster.stopped]) {
      stopped.set(task.id, task);
      forget(stopped, clock.now() - timings.stoppedTaskRetentionMs);
    }
    this.#events.taskStateChange(task);
    this.#announce(task);
    this.#listener.taskStopped(task);
  }

  /** Announces tasks whose own tags or whose cluster's tags have changed; those that nobody knows yet come later. */
  retagged(tasks: Iterable<EcsTask>): void {
    for (const task of tasks) {
      if (task.lastStatus === "PENDING" || task.lastStatus === "RUNNING") this.#announce(task);
    }
  }

  #announce(task: EcsTask): void {
    const { arn: taskArn, service, cluster, lastStatus, healthy, tags } = task;
    this.#environment.taskChanges.publish({
      taskArn,
      serviceArn: service.arn,
      serviceName: service.name,
      lastStatus,
      healthy,
      ipAddress: task.network?.address,
      containers: task.revision.spec.containerDefinitions.map(({ name }) => name),
      tags,
      clusterTags: cluster.tags,
    });
  }

  #fate(task: EcsTask): TaskFate {
    const { faults } = this.#environment;
    const { account, region } = task.cluster.scope;
    const unhealthy = new Set<string>();
    const exiting = new Set<string>();
    const dying = new Map<string, { afterMs: number; exitCode: number }>();
    const given = containerValues(task, this.#environment);
    for (const { name, image, healthCheck } of task.revision.spec.containerDefinitions) {
      const subject = { account, region, service: task.service.arn, image, container: name };
      const isStruck = healthCheck && faults.strike("container-unhealthy", subject) !== undefined;
      if (isStruck || (healthCheck && this.#isObjectedTo(task, name, given))) unhealthy.add(name);
      if (faults.strike("task-stops", subject)) exiting.add(name);
      const death = faults.strike("task-dies", subject);
      if (death) dying.set(name, { afterMs: death.delaySeconds * 1000, exitCode: death.exitCode ?? 1 });
    }
    const subject = { account, region, service: task.service.arn };
    const spot = task.capacityProvider === SPOT ? faults.strike("spot-interruption", subject) : undefined;
    const rebalanced = task.service.settings.availabilityZoneRebalancing === "ENABLED";
    const move = rebalanced ? faults.strike("az-rebalancing", subject) : undefined;
    return {
      secretProblem: given.ok ? undefined : given.problem,
      unhealthy,
      isOnInstance: !isOnFargate(task.service.settings),
      exiting,
      dying,
      unstarted: task.added.unstarted,
      ...(spot && { interruptedAfterMs: spot.delaySeconds * 1000 }),
      ...(move && { misplacedAfterMs: move.delaySeconds * 1000 }),
    };
  }

  /** Whether a service of the simulator keeps a container from getting healthy. */
  #isObjectedTo(task: EcsTask, container: string, given: ContainerValues): boolean {
    if (!given.ok) return false;
    const { taskRoleArn } = task.revision.spec;
    const environment = given.values.get(container) ?? new Map<string, string>();
    const plan = { taskArn: task.arn, container, taskRoleArn, environment };
    return this.#environment.containerStarts.to(plan).length > 0;
  }

  #network(deployment: EcsDeployment): TaskNetwork {
    const { random } = this.#environment;
    const octet = () => Math.floor(random() * 254) + 1;
    const [named] = subnetsOf(deployment.settings.networkConfiguration);
    const ipv6 = named !== undefined && isIpv6Only(named);
    return {
      attachmentId: randomUuid(random),
      networkInterfaceId: `eni-0${randomHex(random, 16)}`,
      macAddress: `0a:${randomHex(random, 10).match(/../g)?.join(":") ?? ""}`,
      subnetId: named ?? `subnet-0${randomHex(random, 16)}`,
      ipv6,
      address: ipv6 ? `2600:1f18::${randomHex(random, 4)}:${octet()}` : `10.${octet()}.${octet()}.${octet()}`,
    };
  }
}

function propagatedTags({ service, revision }: EcsDeployment): Tags {
  switch (service.settings.propagateTags) {
    case "SERVICE":
      return new Map(service.tags);
    case "TASK_DEFINITION":
      return new Map(revision.tags);
    default:
      return new Map();
  }
}

/** Removes the tasks that stopped at or before a time; the map holds the oldest first. */
function forget(stopped: Map<string, EcsTask>, beforeMs: number): void {
  for (const [id, { stoppedAtMs }] of stopped) {
    if (stoppedAtMs === undefined || stoppedAtMs > beforeMs) return;
    stopped.delete(id);
  }
}
