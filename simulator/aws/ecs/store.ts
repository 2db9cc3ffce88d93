import { type ArnScope, ecsArn, isShortArn, lastName, parseEcsArn } from "./arns.ts";
import { clientException, clusterNotFound, invalidParameter, serviceNotFound } from "./errors.ts";
import type { EcsCluster, EcsDeployment, EcsRevision, EcsScope, EcsService, EcsTask } from "./model.ts";
import type { Timings } from "./timings.ts";

/** All state of the simulation, by account and region, with indexes by ARN. */
export class EcsStore {
  readonly #scopes = new Map<string, EcsScope>();
  readonly #services = new Map<string, EcsService>();
  readonly #now: () => number;
  readonly #timings: Pick<Timings, "deletedRetentionMs" | "definitionDeletionMs">;
  #sequence = 0;

  constructor(now: () => number, timings: Pick<Timings, "deletedRetentionMs" | "definitionDeletionMs">) {
    this.#now = now;
    this.#timings = timings;
  }

  /** A number that rises with every call: the order in which things were made. */
  nextSequence(): number {
    return ++this.#sequence;
  }

  scopes(): Iterable<EcsScope> {
    return this.#scopes.values();
  }

  scope({ account, region }: ArnScope): EcsScope {
    const key = `${account}/${region}`;
    const known = this.#scopes.get(key);
    if (known) return known;
    const scope: EcsScope = { account, region, clusters: new Map(), families: new Map() };
    this.#scopes.set(key, scope);
    return scope;
  }

  /**
   * By name or ARN; without either, the cluster `default`. `undefined` when there is none in this scope, or ECS
   * has forgotten the deleted one.
   */
  findCluster(scope: EcsScope, nameOrArn: string | undefined): EcsCluster | undefined {
    const arn = nameOrArn === undefined ? undefined : parseEcsArn(nameOrArn);
    if (arn && (arn.account !== scope.account || arn.region !== scope.region)) return undefined;
    return this.#unlessForgotten(scope.clusters.get(lastName(nameOrArn ?? "default")));
  }

  /** @throws AwsError `ClusterNotFoundException` if there is none, or it was deleted. */
  cluster(scope: EcsScope, nameOrArn: string | undefined): EcsCluster {
    const cluster = this.findCluster(scope, nameOrArn);
    if (cluster?.status !== "ACTIVE") throw clusterNotFound();
    return cluster;
  }

  /**
   * A service of the cluster by name or ARN; `undefined` when there is none, or ECS has forgotten the deleted one.
   * @throws AwsError `InvalidParameterException` for an ARN of another cluster, as ECS does.
   */
  findServiceIn(cluster: EcsCluster, nameOrArn: string): EcsService | undefined {
    const arn = parseEcsArn(nameOrArn);
    if (arn) {
      const [clusterName, serviceName] = arn.path;
      if (serviceName !== undefined && clusterName !== cluster.name) {
        throw invalidParameter(`Identifier is for ${clusterName}. Your cluster is ${cluster.name}`);
      }
      if (arn.account !== cluster.scope.account || arn.region !== cluster.scope.region) return undefined;
    }
    return this.#unlessForgotten(cluster.services.get(lastName(nameOrArn)));
  }

  /** @throws AwsError `ServiceNotFoundException` if there is none. */
  serviceIn(cluster: EcsCluster, nameOrArn: string): EcsService {
    const service = this.findServiceIn(cluster, nameOrArn);
    if (!service) throw serviceNotFound();
    return service;
  }

  addService(service: EcsService): void {
    service.cluster.services.set(service.name, service);
    // Short ARNs are the same for services of one name in several clusters.
    this.#services.set(longServiceArn(service.cluster, service.name), service);
  }

  /** The service that has this ARN. A short one of several services finds the first of them. */
  findService(arn: string): EcsService | undefined {
    const found = this.#services.get(arn);
    if (found?.arn === arn) return found;
    return isShortArn(arn) ? [...this.#services.values()].find((service) => service.arn === arn) : undefined;
  }

  services(): Iterable<EcsService> {
    return this.#services.values();
  }

  /** A task by id or ARN, running or stopped. */
  findTask(cluster: EcsCluster, idOrArn: string): EcsTask | undefined {
    const id = lastName(idOrArn);
    const task = cluster.tasks.get(id) ?? cluster.stopped.get(id);
    return idOrArn.includes(":") && task?.arn !== idOrArn ? undefined : task;
  }

  /** A revision by family (the latest active one), `family:revision` or ARN. */
  findRevision(scope: EcsScope, identifier: string): EcsRevision | undefined {
    const arn = parseEcsArn(identifier);
    if (arn && (arn.account !== scope.account || arn.region !== scope.region)) return undefined;
    const [family, revision] = lastName(identifier).split(":");
    const revisions = scope.families.get(family ?? "") ?? [];
    if (revision === undefined) return revisions.findLast(({ deregisteredAtMs }) => deregisteredAtMs === undefined);
    const found = revisions[Number(revision) - 1];
    return found && this.#isDeleted(scope, found) ? undefined : found;
  }

  /** The families with their revisions, apart from those that were deleted for good. */
  families(scope: EcsScope): [family: string, revisions: readonly EcsRevision[]][] {
    return [...scope.families].flatMap(([family, revisions]): [string, readonly EcsRevision[]][] => {
      const kept = revisions.filter((revision) => !this.#isDeleted(scope, revision));
      return kept.length === 0 ? [] : [[family, kept]];
    });
  }

  /** A revision whose deletion was asked for is kept for as long as a service runs it, and a while longer. */
  #isDeleted(scope: EcsScope, revision: EcsRevision): boolean {
    const { deleteRequestedAtMs } = revision;
    if (deleteRequestedAtMs === undefined) return false;
    if (this.#now() < deleteRequestedAtMs + this.#timings.definitionDeletionMs) return false;
    const services = [...scope.clusters.values()].flatMap((cluster) => [...cluster.services.values()]);
    return !services.some(({ status, deployments }) => status !== "INACTIVE" && runs(deployments, revision));
  }

  #unlessForgotten<T extends { readonly deletedAtMs: number | undefined }>(resource: T | undefined): T | undefined {
    const { deletedAtMs } = resource ?? {};
    const forgotten = deletedAtMs !== undefined && this.#now() >= deletedAtMs + this.#timings.deletedRetentionMs;
    return forgotten ? undefined : resource;
  }

  /** @throws AwsError `ClientException` if there is no such revision, or it is inactive. */
  activeRevision(scope: EcsScope, identifier: string): EcsRevision {
    const revision = this.findRevision(scope, identifier);
    if (!revision) throw clientException("TaskDefinition not found.");
    if (revision.deregisteredAtMs !== undefined) throw clientException("TaskDefinition is inactive");
    return revision;
  }
}

/** A service whose tasks are gone: it can be described for a while yet. */
export function retire(service: EcsService, nowMs: number): void {
  service.status = "INACTIVE";
  service.deletedAtMs = nowMs;
}

function runs(deployments: readonly EcsDeployment[], revision: EcsRevision): boolean {
  return deployments.some((deployment) => deployment.revision === revision);
}

/** The ARN of a service in its long format. */
export function longServiceArn(cluster: EcsCluster, name: string): string {
  return ecsArn(cluster.scope, `service/${cluster.name}/${name}`);
}
