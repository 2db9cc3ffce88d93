import type { JsonObject } from "../../base/json.ts";
import { randomUuid } from "../../base/random-id.ts";
import type { AlarmChange } from "../../core/connections.ts";
import { breakerThreshold, circuitBreaker, deploymentConfiguration } from "./circuit-breaker.ts";
import type { EcsEnvironment } from "./environment.ts";
import type { EcsEvents } from "./events.ts";
import { alarmCause, breakerCause, type FailureCause, hookCause, personCause } from "./failure-causes.ts";
import { TaskLifecycle, type TaskListener } from "./lifecycle.ts";
import type { EcsDeployment, EcsRevision, EcsService, EcsServiceDeployment, EcsTask } from "./model.ts";
import { newDeployment } from "./new-deployment.ts";
import { placementFailure } from "./placement.ts";
import { Rebalancing } from "./rebalancing.ts";
import { batchOf } from "./rolling-update.ts";
import { StagedDeployments, type StageListener } from "./staged-deployments.ts";
import { type EcsStore, retire } from "./store.ts";

const KEPT_MESSAGES = 100;

/**
 * The service scheduler: keeps each service at its desired count and takes its deployments to their end. It acts when
 * something happens (a call, a task that got healthy or stopped, a retry that is due) and never polls.
 * https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-type-ecs.html
 */
export class ServiceScheduler implements TaskListener, StageListener {
  readonly #environment: EcsEnvironment;
  readonly #store: EcsStore;
  readonly #events: EcsEvents;
  readonly #lifecycle: TaskLifecycle;
  readonly #stages: StagedDeployments;
  readonly #rebalancing: Rebalancing;

  constructor(environment: EcsEnvironment, store: EcsStore, events: EcsEvents) {
    this.#environment = environment;
    this.#store = store;
    this.#events = events;
    this.#lifecycle = new TaskLifecycle(environment, store, events, this);
    this.#stages = new StagedDeployments(environment, this);
    this.#rebalancing = new Rebalancing(this.#lifecycle, events, (service, message) => this.note(service, message));
    environment.alarmChanges.subscribe((change) => this.#hearAlarm(change));
  }

  /** Starts a deployment. The one that was primary is drained, and never completes. */
  deploy(service: EcsService, revision: EcsRevision, settings: JsonObject): void {
    const { random, clock } = this.#environment;
    const [previous] = service.deployments;
    const sequence = this.#store.nextSequence();
    const deployment = newDeployment(service, revision, settings, { random, clock, sequence });
    const { record, rolloutStateReason: reason } = deployment;
    service.rebalancing.clear();
    if (previous) this.#replace(previous, clock.now());
    service.deployments = [deployment, ...service.deployments.filter(hasTasks)];
    service.history.unshift(record);
    if (service.controller === "ECS") {
      this.#events.deploymentStateChange(deployment, "SERVICE_DEPLOYMENT_IN_PROGRESS", reason);
      this.#stages.begin(deployment);
    }
    this.advance(service);
  }

  /** Does what is due for a service: stops tasks, launches tasks, completes its deployment. */
  advance(service: EcsService): void {
    const [primary, ...replaced] = service.deployments;
    if (!primary) return;
    const desired = service.status === "ACTIVE" ? service.desiredCount : 0;
    const { launch, stop } = batchOf(service, primary, replaced, desired);
    const stopCode = "ServiceSchedulerInitiated";
    for (const task of stop) {
      const stoppedReason = `Scaling activity initiated by (deployment ${primary.id})`;
      this.#lifecycle.stop(task, { stopCode, stoppedReason, failed: false });
    }
    if (primary.retryAtMs <= this.#environment.clock.now()) {
      for (let count = 0; count < launch && this.#placed(primary); count++) this.#lifecycle.launch(primary);
    }
    // A launch that fails can be the one that makes the circuit breaker roll back.
    if (service.deployments[0] !== primary) {
      this.advance(service);
      return;
    }
    this.#noteNoRoom(service, primary, desired, launch + stop.length);
    this.#finish(service, primary, desired);
  }

  /** Stops one task on request. */
  stopTask(task: EcsTask, reason: string): void {
    this.#lifecycle.stop(task, { stopCode: "UserInitiated", stoppedReason: reason, failed: false });
    this.advance(task.service);
  }

  /** Tags of these tasks or of their cluster have changed. */
  retagged(tasks: Iterable<EcsTask>): void {
    this.#lifecycle.retagged(tasks);
  }

  taskHealthy(task: EcsTask): void {
    const { deployment, service } = task;
    deployment.failedTasks = 0;
    this.#rebalancing.healthy(task);
    this.advance(service);
  }

  taskMisplaced(task: EcsTask): void {
    this.#rebalancing.begin(task);
  }

  taskStopped(task: EcsTask): void {
    const { deployment, service } = task;
    this.#rebalancing.stopped(task);
    if (task.stop?.failed) {
      this.note(service, `(task ${task.id}) (deployment ${deployment.id}) stopped: ${task.stop.stoppedReason}`);
      this.#countFailure(deployment);
    }
    service.deployments = service.deployments.filter((each) => each.status === "PRIMARY" || hasTasks(each));
    if (deployment.status !== "PRIMARY" && !hasTasks(deployment)) deployment.status = "INACTIVE";
    if (service.status === "DRAINING" && service.tasks.size === 0) retire(service, this.#environment.clock.now());
    this.advance(service);
  }

  advanceStage({ service }: EcsDeployment): void {
    this.advance(service);
  }

  hookFailed(deployment: EcsDeployment, stage: string, problem: string): void {
    this.#fail(deployment, hookCause(stage, problem), true);
    this.advance(deployment.service);
  }

  /** Ends a pause of a deployment; false when no hook of this id waits for an action. */
  actOnHook(hookId: string, action: "CONTINUE" | "ROLLBACK"): boolean {
    return this.#stages.act(hookId, action);
  }

  /** Stops a deployment that is under way; false when it is over. */
  stopDeployment(service: EcsService, record: EcsServiceDeployment, rollback: boolean): boolean {
    const [primary] = service.deployments;
    if (primary?.record !== record || record.status !== "IN_PROGRESS") return false;
    this.#fail(primary, personCause, rollback);
    this.advance(service);
    return true;
  }

  /** An alarm that goes off fails the deployments that name it. One that was on before they began does nothing. */
  #hearAlarm({ account, region, alarmName, state }: AlarmChange): void {
    if (state !== "ALARM") return;
    for (const service of this.#store.services()) {
      const { scope } = service.cluster;
      const [primary] = service.deployments;
      const { alarms } = deploymentConfiguration(service);
      const watched = alarms.enable && alarms.alarmNames.includes(alarmName);
      if (scope.account !== account || scope.region !== region || !watched) continue;
      if (primary?.record.status !== "IN_PROGRESS" || service.controller !== "ECS") continue;
      primary.record.triggeredAlarms.push(alarmName);
      this.#fail(primary, alarmCause, alarms.rollback);
      this.advance(service);
    }
  }

  /** Notes a message in the service's `events`. */
  note(service: EcsService, message: string): void {
    const entry = {
      id: randomUuid(this.#environment.random),
      createdAtMs: this.#environment.clock.now(),
      message: `(service ${service.name}) ${message}`,
    };
    service.messages = [entry, ...service.messages.slice(0, KEPT_MESSAGES - 1)];
  }

  /** Whether there is capacity for one more task; if not, the service's events say so and it is tried again. */
  #placed(deployment: EcsDeployment): boolean {
    const { service } = deployment;
    const { account, region } = service.cluster.scope;
    const struck = this.#environment.faults.strike("no-capacity", { account, region, service: service.arn });
    if (!struck) return true;
    const { message, reason } = placementFailure(service);
    this.note(service, message);
    this.#events.placementFailure(service, reason);
    this.#countFailure(deployment);
    return false;
  }

  /**
   * A deployment that the percentages let neither start nor stop a task waits until somebody changes the service, and
   * its events say so once.
   */
  #noteNoRoom(service: EcsService, primary: EcsDeployment, desired: number, moves: number): void {
    const waits = primary.rolloutState === "IN_PROGRESS" && primary.tasks.size < desired && moves === 0;
    if (!waits || primary.stuck || primary.stopping.size > 0) return;
    for (const task of service.tasks) if (!task.healthy) return;
    primary.stuck = true;
    this.note(
      service,
      "was unable to stop or start tasks during a deployment because of the service deployment configuration. Update the minimumHealthyPercent or maximumPercent value and try again.",
    );
  }

  #countFailure(deployment: EcsDeployment): void {
    const { service } = deployment;
    const { clock, timings } = this.#environment;
    deployment.failedTasks += 1;
    deployment.updatedAtMs = clock.now();
    const delayMs = Math.min(timings.firstRetryMs * 2 ** (deployment.failedTasks - 1), timings.longestRetryMs);
    deployment.retryAtMs = clock.now() + delayMs;
    const breaker = circuitBreaker(service);
    const watched = deployment.status === "PRIMARY" && deployment.rolloutState === "IN_PROGRESS";
    if (watched && breaker.enable && deployment.failedTasks >= breakerThreshold(service)) {
      this.#fail(deployment, breakerCause, breaker.rollback);
    } else {
      // A rejection here is a defect of the simulator, and deliberately ends the process.
      void clock.sleep(delayMs).then(() => this.advance(service));
    }
  }

  #fail(deployment: EcsDeployment, cause: FailureCause, rollback: boolean): void {
    const { service, record } = deployment;
    const nowMs = this.#environment.clock.now();
    const { reason } = cause;
    deployment.rolloutState = "FAILED";
    deployment.rolloutStateReason = reason;
    this.note(service, `(deployment ${deployment.id}) deployment failed: ${cause.message}.`);
    this.#events.deploymentStateChange(deployment, "SERVICE_DEPLOYMENT_FAILED", reason);
    const target = service.lastCompleted;
    const rollsBack = rollback && target !== undefined && target !== deployment;
    Object.assign(record, {
      status: rollsBack ? "ROLLBACK_IN_PROGRESS" : rollback ? "ROLLBACK_FAILED" : "STOPPED",
      statusReason: cause.statusReason,
      updatedAtMs: nowMs,
      finishedAtMs: rollsBack ? undefined : nowMs,
    });
    if (rollsBack) this.#rollBack(deployment, target, cause);
  }

  /** The last completed deployment becomes the primary one again, under its own id and without stages. */
  #rollBack(failed: EcsDeployment, target: EcsDeployment, cause: FailureCause): void {
    const { service, record } = failed;
    const nowMs = this.#environment.clock.now();
    const reason = `${cause.source}: rolling back to deploymentId ${target.id}.`;
    record.rollback = { reason, startedAtMs: nowMs, serviceRevisionArn: target.serviceRevisionArn };
    failed.status = "ACTIVE";
    Object.assign(target, {
      status: "PRIMARY",
      rolloutState: "IN_PROGRESS",
      rolloutStateReason: reason,
      updatedAtMs: nowMs,
      failedTasks: 0,
      phase: "replacing",
      staged: "ended",
      retryAtMs: 0,
      record,
    });
    service.deployments = [target, ...service.deployments.filter((each) => each !== target && hasTasks(each))];
    this.note(service, `rolling back to deployment ${target.id}.`);
    this.#events.deploymentStateChange(target, "SERVICE_DEPLOYMENT_IN_PROGRESS", reason);
  }

  #replace(deployment: EcsDeployment, nowMs: number): void {
    deployment.status = "ACTIVE";
    deployment.updatedAtMs = nowMs;
    if (deployment.rolloutState !== "IN_PROGRESS") return;
    Object.assign(deployment.record, {
      status: "STOPPED",
      statusReason: "A new service deployment was started.",
      updatedAtMs: nowMs,
      finishedAtMs: nowMs,
    });
  }

  #finish(service: EcsService, primary: EcsDeployment, desired: number): void {
    if (primary.rolloutState !== "IN_PROGRESS" || service.status !== "ACTIVE" || service.controller === "EXTERNAL")
      return;
    const beside = primary.phase === "beside";
    if (primary.tasks.size !== desired || (!beside && service.tasks.size !== desired)) return;
    for (const task of primary.tasks) if (!task.healthy) return;
    if (service.controller === "ECS" && this.#stages.afterScaleUp(primary)) return;
    const nowMs = this.#environment.clock.now();
    const reason = `ECS deployment ${primary.id} completed.`;
    Object.assign(primary, { rolloutState: "COMPLETED", rolloutStateReason: reason, updatedAtMs: nowMs });
    service.lastCompleted = primary;
    service.deployments = [primary];
    const status = primary.record.status === "ROLLBACK_IN_PROGRESS" ? "ROLLBACK_SUCCESSFUL" : "SUCCESSFUL";
    Object.assign(primary.record, { status, updatedAtMs: nowMs, finishedAtMs: nowMs });
    if (service.controller !== "ECS") return;
    this.note(service, `(deployment ${primary.id}) deployment completed.`);
    this.note(service, "has reached a steady state.");
    this.#events.deploymentStateChange(primary, "SERVICE_DEPLOYMENT_COMPLETED", reason);
    this.#events.serviceAction(service, "SERVICE_STEADY_STATE");
  }
}

function hasTasks({ tasks, stopping }: EcsDeployment): boolean {
  return tasks.size > 0 || stopping.size > 0;
}
