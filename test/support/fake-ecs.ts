import { clusterArnOf, type ServiceRef } from "../../shared/base/arn.ts";
import { AutopilotError } from "../../shared/base/errors.ts";
import type { JsonObject } from "../../shared/base/json.ts";
import type { Deployment, DescribedTaskDefinition, ObservedService, Tags } from "../../shared/model/service.ts";
import type { ObservedTask } from "../../shared/model/task.ts";
import { containersOf } from "../../shared/model/task-definition.ts";
import type { EcsCalls } from "../../shared/ports/ports.ts";
import { service, taskDefinition } from "./services.ts";

const ECS = "arn:aws:ecs:us-east-1:123456789012";
/** The service that the tests of a roll are about. */
export const web: ServiceRef = service().ref;

/** ECS: services, revisions, tags and tasks. A deployment stays in progress until `complete` or `fail` ends it. */
export class FakeEcs implements EcsCalls {
  readonly services = new Map<string, ObservedService>();
  readonly definitions = new Map<string, DescribedTaskDefinition>();
  readonly clusterTags = new Map<string, Tags>();
  /** What a cache holds of a cluster's tags, where it is older. */
  readonly cachedClusterTags = new Map<string, Tags>();
  tasks: ObservedTask[] = [];
  readonly registered: string[] = [];
  readonly updates: { readonly service: string; readonly taskDefinitionArn: string; readonly force: boolean }[] = [];
  #deployments = 0;

  add(one: ObservedService, raw: JsonObject = taskDefinition()): void {
    const { taskDefinitionArn } = one;
    this.services.set(one.ref.serviceArn, one);
    this.definitions.set(taskDefinitionArn, { taskDefinitionArn, raw: { ...raw, taskDefinitionArn }, tags: [] });
    if (!this.clusterTags.has(clusterArnOf(one.ref))) this.clusterTags.set(clusterArnOf(one.ref), {});
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

  /** The primary deployment completes: its tasks run, with a healthy ztunnel where the revision has one. */
  complete(ref: ServiceRef = web): void {
    const { desiredCount } = this.of(ref);
    const primary = { ...this.primary(ref), rolloutState: "COMPLETED" as const, runningCount: desiredCount };
    this.change({ deployments: [primary] }, ref);
    const names = this.containersOf(primary.taskDefinitionArn);
    this.tasks = Array.from({ length: desiredCount }, (_, index) => ({
      taskArn: `${ECS}:task/prod/${primary.id.replace("/", "-")}-${index}`,
      taskDefinitionArn: primary.taskDefinitionArn,
      lastStatus: "RUNNING",
      privateIpv4Address: `10.0.0.${index + 1}`,
      containers: names.map((name) => ({ name, lastStatus: "RUNNING", healthStatus: "HEALTHY" })),
    }));
  }

  fail(ref: ServiceRef = web): void {
    const failed = {
      ...this.primary(ref),
      rolloutState: "FAILED" as const,
      rolloutStateReason: "tasks failed to start",
    };
    this.change({ deployments: [failed] }, ref);
  }

  containersOf(taskDefinitionArn: string): string[] {
    return containersOf(this.definitions.get(taskDefinitionArn)?.raw ?? {}).map(({ name }) => String(name));
  }

  async describeService(ref: ServiceRef) {
    return this.of(ref);
  }

  async describeServices(clusterArn: string, names: readonly string[]) {
    return [...this.services.values()].filter(
      ({ ref }) => clusterArnOf(ref) === clusterArn && names.includes(ref.serviceName),
    );
  }

  async describeTaskDefinition(arn: string) {
    const found = this.definitions.get(arn);
    if (!found) throw new AutopilotError("task-definition-not-found", arn);
    return found;
  }

  async describeLatestTaskDefinition() {
    return [...this.definitions.values()].at(-1);
  }

  async registerTaskDefinition(definition: JsonObject) {
    const taskDefinitionArn = `${ECS}:task-definition/web:${7 + this.definitions.size}`;
    const raw = { ...definition, taskDefinitionArn, status: "ACTIVE" };
    this.definitions.set(taskDefinitionArn, { taskDefinitionArn, raw, tags: [] });
    this.registered.push(taskDefinitionArn);
    return taskDefinitionArn;
  }

  async updateService(ref: ServiceRef, change: Parameters<EcsCalls["updateService"]>[1]) {
    const { taskDefinitionArn, forceNewDeployment: force = false } = change;
    const before = this.of(ref);
    this.updates.push({ service: ref.serviceArn, taskDefinitionArn, force });
    if (taskDefinitionArn === before.taskDefinitionArn && !force) return before;
    return this.deploy(taskDefinitionArn, ref);
  }

  /** What UpdateService makes of a service. */
  deploy(taskDefinitionArn: string, ref: ServiceRef = web): ObservedService {
    const before = this.of(ref);
    this.#deployments += 1;
    const started: Deployment = {
      id: `ecs-svc/new-${this.#deployments}`,
      status: "PRIMARY",
      taskDefinitionArn,
      rolloutState: "IN_PROGRESS",
      rolloutStateReason: undefined,
      failedTasks: 0,
      desiredCount: before.desiredCount,
      runningCount: 0,
    };
    const others = before.deployments.map((one) => ({ ...one, status: "ACTIVE" as const }));
    return this.change({ taskDefinitionArn, deployments: [started, ...others] }, ref);
  }

  async describeCluster(clusterArn: string, { fresh = false } = {}) {
    const tags = this.clusterTags.get(clusterArn) ?? {};
    return { clusterArn, tags: fresh ? tags : (this.cachedClusterTags.get(clusterArn) ?? tags) };
  }

  async *listClusters() {
    yield* this.clusterTags.keys();
  }

  async *listServices(clusterArn: string) {
    for (const { ref } of this.services.values()) if (clusterArnOf(ref) === clusterArn) yield ref.serviceArn;
  }

  async listTasks(_ref: ServiceRef, desiredStatus: "RUNNING" | "STOPPED") {
    return this.tasks
      .filter(({ lastStatus }) => (lastStatus === "STOPPED") === (desiredStatus === "STOPPED"))
      .map(({ taskArn }) => taskArn);
  }

  async describeTasks(_clusterArn: string, taskArns: readonly string[]) {
    return this.tasks.filter(({ taskArn }) => taskArns.includes(taskArn));
  }

  async tagResource(arn: string, tags: Tags) {
    const found = this.services.get(arn);
    if (found) this.services.set(arn, { ...found, tags: { ...found.tags, ...tags } });
    else this.clusterTags.set(arn, { ...this.clusterTags.get(arn), ...tags });
  }

  async untagResource(arn: string, tagKeys: readonly string[]) {
    const found = this.services.get(arn);
    if (!found) throw new AutopilotError("aws-rejected", `UntagResource ${arn}: The specified service was not found.`);
    const kept = Object.entries(found.tags).filter(([key]) => !tagKeys.includes(key));
    this.services.set(arn, { ...found, tags: Object.fromEntries(kept) });
  }
}
