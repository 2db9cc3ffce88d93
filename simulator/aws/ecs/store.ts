import { type ArnScope, ecsArn, lastName, parseEcsArn } from "./arns.ts";
import { clientException, clusterNotFound, invalidParameter, serviceNotFound } from "./errors.ts";
import type { EcsCluster, EcsRevision, EcsScope, EcsService, EcsTask } from "./model.ts";

/** All state of the simulation, by account and region, with indexes by ARN. */
export class EcsStore {
  readonly #scopes = new Map<string, EcsScope>();
  readonly #services = new Map<string, EcsService>();
  #sequence = 0;

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

  /** By name or ARN; without either, the cluster `default`. `undefined` when there is none in this scope. */
  findCluster(scope: EcsScope, nameOrArn: string | undefined): EcsCluster | undefined {
    const arn = nameOrArn === undefined ? undefined : parseEcsArn(nameOrArn);
    if (arn && (arn.account !== scope.account || arn.region !== scope.region)) return undefined;
    return scope.clusters.get(lastName(nameOrArn ?? "default"));
  }

  /** @throws AwsError `ClusterNotFoundException` if there is none, or it was deleted. */
  cluster(scope: EcsScope, nameOrArn: string | undefined): EcsCluster {
    const cluster = this.findCluster(scope, nameOrArn);
    if (cluster?.status !== "ACTIVE") throw clusterNotFound();
    return cluster;
  }

  /**
   * A service of the cluster by name or ARN; `undefined` when there is none.
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
    return cluster.services.get(lastName(nameOrArn));
  }

  /** @throws AwsError `ServiceNotFoundException` if there is none. */
  serviceIn(cluster: EcsCluster, nameOrArn: string): EcsService {
    const service = this.findServiceIn(cluster, nameOrArn);
    if (!service) throw serviceNotFound();
    return service;
  }

  addService(service: EcsService): void {
    service.cluster.services.set(service.name, service);
    this.#services.set(service.arn, service);
  }

  findService(arn: string): EcsService | undefined {
    return this.#services.get(arn);
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
    return revisions[Number(revision) - 1];
  }

  /** @throws AwsError `ClientException` if there is no such revision, or it is inactive. */
  activeRevision(scope: EcsScope, identifier: string): EcsRevision {
    const revision = this.findRevision(scope, identifier);
    if (!revision) throw clientException("TaskDefinition not found.");
    if (revision.deregisteredAtMs !== undefined) throw clientException("TaskDefinition is inactive");
    return revision;
  }
}

/** The ARN of a service in its long format. */
export function serviceArn(cluster: EcsCluster, name: string): string {
  return ecsArn(cluster.scope, `service/${cluster.name}/${name}`);
}
