import { clusterArnOf, type ServiceRef } from "../../../shared/base/arn.ts";
import { AutopilotError } from "../../../shared/base/errors.ts";
import type { JsonObject } from "../../../shared/base/json.ts";
import type {
  Deployment,
  DescribedTaskDefinition,
  ObservedService,
  ServiceDeployment,
  ServiceEvent,
  Tags,
} from "../../../shared/model/service.ts";
import type { ObservedTask } from "../../../shared/model/task.ts";
import type { EcsCalls } from "../../../shared/ports/ports.ts";
import { web } from "../arns.ts";
import { taskDefinition } from "../services.ts";
import { FakeRevisions } from "./revisions.ts";
import { FakeTasks } from "./tasks.ts";

const SERVICES_PER_CALL = 10;
/** As long as the gateway takes a cluster's tags as they were read. */
const CLUSTER_KEPT_MS = 5 * 60_000;

/**
 * ECS in one account and region: services, revisions, tags and tasks. A deployment stays in progress until `complete`
 * or `fail` ends it. Like the gateway, it caches task definitions and clusters' tags.
 */
export class FakeEcs implements EcsCalls {
  readonly services = new Map<string, ObservedService>();
  readonly clusterTags = new Map<string, Tags>();
  /** The cached tags of clusters, which may be older. */
  readonly cachedClusterTags = new Map<string, Tags>();
  readonly registered: string[] = [];
  /** Service deployments that have ended, by service, the oldest first. */
  readonly ended = new Map<string, readonly ServiceDeployment[]>();
  /** ECS's events by service. */
  readonly events = new Map<string, readonly ServiceEvent[]>();
  readonly updates: { readonly service: string; readonly taskDefinitionArn: string; readonly force: boolean }[] = [];
  readonly #revisions = new FakeRevisions();
  readonly #cachedRevisions = new Map<string, DescribedTaskDefinition>();
  readonly #cachedClusterAtMs = new Map<string, number>();
  readonly #tasks = new FakeTasks();
  readonly #now: () => number;
  #deployments = 0;

  /** `now` in epoch milliseconds decides how long a cluster's tags stay cached. */
  constructor(now: () => number = () => 0) {
    this.#now = now;
  }

  get definitions(): Map<string, DescribedTaskDefinition> {
    return this.#revisions.byArn;
  }

  /** Adds a service with what it runs: its revision, its cluster, and running tasks of its deployments. */
  add(one: ObservedService, raw: JsonObject = taskDefinition()): void {
    this.services.set(one.ref.serviceArn, one);
    this.#revisions.add(one.taskDefinitionArn, raw);
    if (!this.clusterTags.has(clusterArnOf(one.ref))) this.clusterTags.set(clusterArnOf(one.ref), {});
    for (const deployment of one.deployments) this.#launch(one.ref, deployment, "RUNNING", deployment.runningCount);
  }

  /** Adds a revision that was registered long ago. */
  addRevision(taskDefinitionArn: string, raw: JsonObject = taskDefinition()): void {
    this.#revisions.add(taskDefinitionArn, raw);
  }

  change(changes: Partial<ObservedService>, ref: ServiceRef = web): ObservedService {
    const changed = { ...this.of(ref), ...changes };
    this.services.set(ref.serviceArn, changed);
    return changed;
  }

  of({ serviceArn }: ServiceRef): ObservedService {
    const found = this.services.get(serviceArn);
    if (!found) throw new AutopilotError("service-not-found", serviceArn);
    return found;
  }

  primary(ref: ServiceRef = web): Deployment {
    const found = this.of(ref).deployments.find(({ status }) => status === "PRIMARY");
    if (!found) throw new Error("there is no PRIMARY deployment");
    return found;
  }

  tasksOf(ref: ServiceRef = web): readonly ObservedTask[] {
    return this.#tasks.of(ref);
  }

  setTasks(tasks: readonly ObservedTask[], ref: ServiceRef = web): void {
    this.#tasks.set(ref, tasks);
  }

  containersOf(taskDefinitionArn: string): string[] {
    return this.#revisions.containersOf(taskDefinitionArn).map(({ name }) => String(name));
  }

  /** A service that was deleted can be described for a while. */
  delete(ref: ServiceRef): void {
    const drained = (one: Deployment) => ({ ...one, desiredCount: 0, runningCount: 0 });
    this.#tasks.stop(ref, () => true, "ServiceSchedulerInitiated");
    this.change({ status: "INACTIVE", desiredCount: 0, deployments: this.of(ref).deployments.map(drained) }, ref);
  }

  deregister(taskDefinitionArn: string): void {
    this.#revisions.deregister(taskDefinitionArn);
  }

  /** Starts a deployment, as UpdateService does. A missing revision is added as a copy of what the service runs. */
  deploy(taskDefinitionArn: string, ref: ServiceRef = web): ObservedService {
    const before = this.of(ref);
    const running = this.definitions.get(before.taskDefinitionArn)?.raw;
    if (!this.definitions.has(taskDefinitionArn)) this.#revisions.add(taskDefinitionArn, running ?? taskDefinition());
    this.#deployments += 1;
    const id = `ecs-svc/new-${this.#deployments}`;
    const started: Deployment = {
      id,
      status: "PRIMARY",
      taskDefinitionArn,
      rolloutState: "IN_PROGRESS",
      rolloutStateReason: `ECS deployment ${id} in progress.`,
      failedTasks: 0,
      desiredCount: before.desiredCount,
      runningCount: 0,
    };
    const others = before.deployments.map((one) => ({ ...one, status: "ACTIVE" as const }));
    this.#launch(ref, started, "PROVISIONING", before.desiredCount);
    return this.change({ taskDefinitionArn, deployments: [started, ...others] }, ref);
  }

  /** The primary deployment completes: its tasks run, healthy where they have a health check, and the others stop. */
  complete(ref: ServiceRef = web): void {
    const { desiredCount } = this.of(ref);
    const before = this.primary(ref);
    const primary: Deployment = {
      ...before,
      rolloutState: "COMPLETED",
      rolloutStateReason: `ECS deployment ${before.id} completed.`,
      runningCount: desiredCount,
    };
    this.change({ deployments: [primary] }, ref);
    this.#tasks.stop(ref, () => true, "ServiceSchedulerInitiated");
    this.#launch(ref, primary, "RUNNING", desiredCount);
  }

  /** ECS's circuit breaker ends the primary deployment without a rollback: the others run on. */
  fail(ref: ServiceRef = web): void {
    const before = this.primary(ref);
    const failed: Deployment = {
      ...before,
      rolloutState: "FAILED",
      rolloutStateReason: "ECS deployment circuit breaker: tasks failed to start.",
      failedTasks: Math.max(3, before.failedTasks),
      desiredCount: 0,
      runningCount: 0,
    };
    this.#tasks.stop(
      ref,
      ({ taskDefinitionArn }) => taskDefinitionArn === failed.taskDefinitionArn,
      "TaskFailedToStart",
    );
    this.change({ deployments: this.of(ref).deployments.map((one) => (one.id === failed.id ? failed : one)) }, ref);
  }

  /** ECS's circuit breaker rolls back: the last completed deployment is the primary one again, under its own id. */
  rollBack(ref: ServiceRef = web): void {
    this.fail(ref);
    const completed = this.of(ref).deployments.find(({ rolloutState }) => rolloutState === "COMPLETED");
    if (!completed) throw new Error("no deployment has completed");
    const rolloutStateReason = `ECS deployment circuit breaker: rolling back to deploymentId ${completed.id}.`;
    const primary: Deployment = { ...completed, status: "PRIMARY", rolloutState: "IN_PROGRESS", rolloutStateReason };
    this.change({ taskDefinitionArn: primary.taskDefinitionArn, deployments: [primary] }, ref);
  }

  async describeService(ref: ServiceRef) {
    return this.of(ref);
  }

  async describeServiceDeployments(ref: ServiceRef, sinceMs: number) {
    const since = (this.ended.get(ref.serviceArn) ?? []).filter(({ createdAtMs }) => createdAtMs >= sinceMs);
    return since.toReversed().slice(0, 20);
  }

  async describeServiceEvents(ref: ServiceRef) {
    return this.events.get(ref.serviceArn) ?? [];
  }

  async describeServices(clusterArn: string, names: readonly string[]) {
    this.#checkCluster(clusterArn);
    if (names.length === 0 || names.length > SERVICES_PER_CALL) {
      throw new AutopilotError("aws-rejected", `DescribeServices of ${names.length} services`);
    }
    const inCluster = [...this.services.values()].filter(({ ref }) => clusterArnOf(ref) === clusterArn);
    return names.flatMap((name) => inCluster.find(({ ref }) => ref.serviceName === name) ?? []);
  }

  async describeTaskDefinition(arn: string, { fresh = false } = {}) {
    return (fresh ? undefined : this.#cachedRevisions.get(arn)) ?? this.#keep(this.#revisions.find(arn));
  }

  async describeLatestTaskDefinition(family: string) {
    const latest = this.#revisions.latest(family);
    return latest && this.#keep(latest);
  }

  async registerTaskDefinition(definition: JsonObject) {
    const { taskDefinitionArn } = this.#keep(this.#revisions.register(definition));
    this.registered.push(taskDefinitionArn);
    return taskDefinitionArn;
  }

  async updateService(ref: ServiceRef, change: Parameters<EcsCalls["updateService"]>[1]) {
    const { forceNewDeployment: force = false, propagateTags = false } = change;
    const before = this.of(ref);
    const { taskDefinitionArn = before.taskDefinitionArn } = change;
    const canBeUpdated = before.status === "ACTIVE" && before.deploymentController === "ECS";
    if (!canBeUpdated || !this.#revisions.isActive(taskDefinitionArn)) {
      throw new AutopilotError("update-refused", `UpdateService ${ref.serviceArn} ${taskDefinitionArn}`);
    }
    this.updates.push({ service: ref.serviceArn, taskDefinitionArn, force });
    if (propagateTags) this.change({ propagateTags: propagateTags === true ? "SERVICE" : propagateTags }, ref);
    if (taskDefinitionArn === before.taskDefinitionArn && !force) return this.of(ref);
    return this.deploy(taskDefinitionArn, ref);
  }

  async describeCluster(clusterArn: string, { fresh = false } = {}) {
    const cached = this.cachedClusterTags.get(clusterArn);
    const sinceMs = this.#cachedClusterAtMs.get(clusterArn) ?? this.#now();
    if (cached && !fresh && this.#now() - sinceMs < CLUSTER_KEPT_MS) return { clusterArn, tags: cached };
    const tags = this.#checkCluster(clusterArn);
    this.cachedClusterTags.set(clusterArn, tags);
    this.#cachedClusterAtMs.set(clusterArn, this.#now());
    return { clusterArn, tags };
  }

  async *listClusters() {
    yield* this.clusterTags.keys();
  }

  async *listServices(clusterArn: string) {
    this.#checkCluster(clusterArn);
    for (const { ref, status } of this.services.values()) {
      if (clusterArnOf(ref) === clusterArn && status !== "INACTIVE") yield ref.serviceArn;
    }
  }

  async listTasks(of: Parameters<EcsCalls["listTasks"]>[0], desiredStatus: "RUNNING" | "STOPPED") {
    const listed = this.#tasksMeant(of)
      .filter(({ lastStatus }) => (lastStatus === "STOPPED") === (desiredStatus === "STOPPED"))
      .map(({ taskArn }) => taskArn);
    return "most" in of ? listed.slice(0, of.most) : listed;
  }

  #tasksMeant(of: Parameters<EcsCalls["listTasks"]>[0]): readonly ObservedTask[] {
    if ("serviceArn" in of) return this.tasksOf(this.of(of).ref);
    const cluster = of.clusterArn.replace(/^.*:cluster\//, "");
    return this.#tasks
      .all()
      .filter(
        ({ taskArn, taskDefinitionArn }) =>
          taskArn.includes(`:task/${cluster}/`) && (!("family" in of) || taskDefinitionArn.includes(`/${of.family}:`)),
      );
  }

  async describeTasks(clusterArn: string, taskArns: readonly string[]) {
    if (taskArns.length > 0) this.#checkCluster(clusterArn);
    return taskArns.flatMap((arn) => this.#tasks.find(arn) ?? []);
  }

  async tagResource(arn: string, tags: Tags) {
    this.#changeTags(arn, (before) => ({ ...before, ...tags }));
  }

  async untagResource(arn: string, tagKeys: readonly string[]) {
    this.#changeTags(arn, (before) =>
      Object.fromEntries(Object.entries(before).filter(([key]) => !tagKeys.includes(key))),
    );
  }

  #changeTags(arn: string, change: (before: Tags) => Tags): void {
    if (this.#tasks.retag(arn, change)) return;
    if (arn.includes(":cluster/")) {
      this.clusterTags.set(arn, change(this.#checkCluster(arn)));
      this.cachedClusterTags.delete(arn);
      return;
    }
    const found = this.services.get(arn);
    if (!found) throw new AutopilotError("aws-rejected", `${arn}: The specified resource could not be found.`);
    this.services.set(arn, { ...found, tags: change(found.tags) });
  }

  /** The cluster's tags. Throws `service-not-found` when there is no such cluster. */
  #checkCluster(clusterArn: string): Tags {
    const tags = this.clusterTags.get(clusterArn);
    if (!tags) throw new AutopilotError("service-not-found", `ECS does not know the cluster ${clusterArn}`);
    return tags;
  }

  #keep(described: DescribedTaskDefinition): DescribedTaskDefinition {
    this.#cachedRevisions.set(described.taskDefinitionArn, described);
    return described;
  }

  #launch(ref: ServiceRef, deployment: Deployment, status: "PROVISIONING" | "RUNNING", count: number): void {
    const containers = this.#revisions.containersOf(deployment.taskDefinitionArn);
    const { propagateTags, tags } = this.of(ref);
    this.#tasks.launch(ref, { deployment, containers, status, count, tags: propagateTags === "SERVICE" ? tags : {} });
  }
}
