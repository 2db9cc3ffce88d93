import { isJsonObject, type JsonObject } from "../../shared/base/json.ts";
import { tagKeys, ZTUNNEL } from "../../shared/base/vocabulary.ts";
import { containersOf, nameOf, registerable } from "../../shared/model/task-definition.ts";
import { applicationLogs } from "../fleet/application-logs.ts";
import { createService } from "../fleet/fleet.ts";
import { arnOf, type LabDriver, type ServiceName } from "../story/lab-driver.ts";
import { tagList } from "./tag-list.ts";

/** A service as its owner knows it. */
export interface OwnedService extends ServiceName {
  /** The definition that its owner wants, without a sidecar. */
  definition: JsonObject;
  /** The revisions that its owner registered, the newest last. */
  readonly revisions: string[];
  /** The service or its cluster had the enroll tag at some time. */
  everTagged: boolean;
  deleted: boolean;
}

/** Owners, pipelines and operators. An action that AWS refuses has no effect. */
export class Actors {
  readonly driver: LabDriver;
  readonly services: OwnedService[] = [];
  readonly #record: (line: string) => void;

  constructor(driver: LabDriver, record: (line: string) => void) {
    this.driver = driver;
    this.#record = record;
  }

  existing(): readonly OwnedService[] {
    return this.services.filter(({ deleted }) => !deleted);
  }

  /** Acts, and records the line. Returns false when AWS refused. Throws any other error. */
  async attempt(line: string, act: () => Promise<unknown>): Promise<boolean> {
    try {
      await act();
      this.#record(line);
      return true;
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      this.#record(`${line}: failed, ${message}`);
      if (EXPECTED_FAILURE.test(message)) return false;
      throw error;
    }
  }

  async create(
    service: ServiceName,
    tags: Readonly<Record<string, string>>,
    enrollTagKey: string,
    definition: JsonObject = plainDefinition(service),
  ): Promise<void> {
    await this.attempt(`the owner creates ${label(service)} ${JSON.stringify(tags)}`, async () => {
      const call = (at: Parameters<LabDriver["lab"]["call"]>[0], name: string, input: JsonObject) =>
        this.driver.lab.call(at, name, input);
      await this.driver.lab.call(service, "CreateCluster", { clusterName: service.cluster });
      // Some run on both of Fargate's capacity providers, so that interruptions of Spot tasks find some.
      const capacityProviders = service.name.endsWith("1") ? ["FARGATE", "FARGATE_SPOT"] : [];
      const shape = { taskDefinition: definition, desiredCount: 1, launchType: "FARGATE", capacityProviders } as const;
      const own = { circuitBreaker: service.name.endsWith("0"), subnets: ["subnet-0a1b2c3d"], tags };
      const plain = { deploymentController: "ECS", ...own } as const;
      await createService({ ...service, ...shape, ...plain }, call);
      const known = this.services.find((one) => arnOf(one) === arnOf(service));
      const running = this.driver.lab.ecs.findService(arnOf(service))?.deployments[0]?.revision.arn ?? "";
      if (known) this.services.splice(this.services.indexOf(known), 1);
      const everTagged = known?.everTagged === true || tags[enrollTagKey] !== undefined || this.#isTagged(service);
      const revisions = [...(known?.revisions ?? []), running];
      this.services.push({ ...service, definition, revisions, everTagged, deleted: false });
    });
  }

  /** A cluster's tags are defaults of the services that are created in it later, too. */
  #isTagged(service: ServiceName): boolean {
    const { lab } = this.driver;
    return lab.ecs.findService(arnOf(service))?.cluster.tags.has(lab.config.enrollTagKey) === true;
  }

  async delete(service: OwnedService): Promise<void> {
    await this.attempt(`the owner deletes ${label(service)}`, async () => {
      await this.driver.lab.call(service, "DeleteService", {
        cluster: service.cluster,
        service: service.name,
        force: true,
      });
      service.deleted = true;
    });
  }

  async scale(service: OwnedService, desiredCount: number): Promise<void> {
    const input = { cluster: service.cluster, service: service.name, desiredCount };
    await this.attempt(`the owner scales ${label(service)} to ${desiredCount}`, () =>
      this.driver.lab.call(service, "UpdateService", input),
    );
  }

  async tag(service: OwnedService, tags: Readonly<Record<string, string>>, enrollTagKey: string): Promise<void> {
    await this.attempt(`the owner tags ${label(service)} ${JSON.stringify(tags)}`, async () => {
      await this.driver.tag(service, tags);
      service.everTagged ||= tags[enrollTagKey] !== undefined;
    });
  }

  async untag(service: OwnedService, key: string): Promise<void> {
    await this.attempt(`the owner removes the tag ${key} from ${label(service)}`, () =>
      this.driver.untag(service, key),
    );
  }

  /** A cluster's tags are the defaults of all its services. */
  async tagCluster(service: OwnedService, tags: Readonly<Record<string, string>>, enrollTagKey: string): Promise<void> {
    const { cluster, region, account } = service;
    const resourceArn = `arn:aws:ecs:${region}:${account}:cluster/${cluster}`;
    await this.attempt(`somebody tags the cluster ${cluster} in ${region} ${JSON.stringify(tags)}`, async () => {
      await this.driver.lab.call(service, "TagResource", { resourceArn, tags: tagList(tags) });
      if (tags[enrollTagKey] === undefined) return;
      for (const one of this.services) {
        if (one.cluster === cluster && one.region === region && one.account === account) one.everTagged = true;
      }
    });
  }

  async untagCluster({ cluster, region, account }: OwnedService, key: string): Promise<void> {
    const resourceArn = `arn:aws:ecs:${region}:${account}:cluster/${cluster}`;
    await this.attempt(`somebody removes the tag ${key} from the cluster ${cluster} in ${region}`, () =>
      this.driver.lab.call({ account, region }, "UntagResource", { resourceArn, tagKeys: [key] }),
    );
  }

  /** Another tool applies what its code says of the service. */
  async stopPropagating(service: OwnedService): Promise<void> {
    const input = { cluster: service.cluster, service: service.name, propagateTags: "NONE" };
    await this.attempt(`another tool keeps the tags of ${label(service)} from its tasks`, () =>
      this.driver.lab.call(service, "UpdateService", input),
    );
  }

  /**
   * Somebody changes what istiod reads of a running task. Once for each service: who does it again within a day gets a
   * warning, not a deployment.
   */
  async retagTask(service: OwnedService): Promise<void> {
    const state = await this.driver.lab.ledger.getService(arnOf(service));
    const [task] = this.driver.lab.ecs.findService(arnOf(service))?.tasks ?? [];
    if (!task || !state || state.taskTagsTried !== undefined || state.taskTagsChangedMs !== undefined) return;
    const tags = tagList({ [tagKeys.serviceAccount]: "somebody-else" });
    await this.attempt(`somebody tags a running task of ${label(service)}`, () =>
      this.driver.lab.call(service, "TagResource", { resourceArn: task.arn, tags }),
    );
  }

  /** Deploys as a pipeline that doesn't know the sidecar, or as one that copies the running definition. */
  async deploy(service: OwnedService, image: string, how: "plain" | "copied"): Promise<void> {
    await this.attempt(`a pipeline deploys ${image} to ${label(service)}, ${how}`, async () => {
      const running = how === "plain" ? service.definition : await this.driver.definitionOf(service);
      const revision = await this.driver.deploy(service, withApplication(running, image));
      service.definition = withApplication(service.definition, image);
      service.revisions.push(revision);
    });
  }

  /** Deploys an older revision again, or forces a new deployment of the running one. */
  async redeploy(service: OwnedService, taskDefinition: string | undefined): Promise<void> {
    const { cluster, name } = service;
    const change = taskDefinition === undefined ? { forceNewDeployment: true } : { taskDefinition };
    const what = taskDefinition?.split("/").at(-1) ?? "the running revision";
    await this.attempt(`somebody deploys ${what} to ${label(service)} again`, () =>
      this.driver.lab.call(service, "UpdateService", { cluster, service: name, ...change }),
    );
  }

  /** Adopts a service that the fleet had from the start. */
  async adopt(service: ServiceName): Promise<void> {
    const running = await this.driver.revisionOf(service);
    const described = await this.driver.lab.call(service, "DescribeTaskDefinition", { taskDefinition: running });
    const raw = isJsonObject(described.taskDefinition) ? registerable(described.taskDefinition, []) : {};
    this.services.push({
      ...service,
      definition: withoutSidecar(raw),
      revisions: [],
      everTagged: true,
      deleted: false,
    });
  }
}

/** Errors of AWS while a fault rule is active, or after a concurrent change. */
const EXPECTED_FAILURE =
  /by a fault rule|ResourceNotFoundException|ServiceNotActive|ServiceNotFound|still Draining|was not idempotent|Rate exceeded|Too many concurrent attempts/;

/** A short and unique name of the service. */
export function label({ name, region, account }: ServiceName): string {
  return `${name} (${region}, ${account.slice(0, 4)})`;
}

export function plainDefinition({ account, name }: ServiceName): JsonObject {
  return {
    family: name,
    taskRoleArn: `arn:aws:iam::${account}:role/${name}-task`,
    executionRoleArn: `arn:aws:iam::${account}:role/${name}-execution`,
    networkMode: "awsvpc",
    requiresCompatibilities: ["FARGATE"],
    cpu: "512",
    memory: "1024",
    containerDefinitions: [
      {
        name: "web",
        image: `shop/${name}:1`,
        essential: true,
        portMappings: [{ containerPort: 8080 }],
        logConfiguration: applicationLogs(name),
      },
    ],
  };
}

function withApplication(definition: JsonObject, image: string): JsonObject {
  const containerDefinitions = containersOf(definition).map((one) =>
    nameOf(one) === ZTUNNEL ? one : { ...one, image },
  );
  return { ...definition, containerDefinitions };
}

function withoutSidecar(definition: JsonObject): JsonObject {
  const containerDefinitions = containersOf(definition)
    .filter((one) => nameOf(one) !== ZTUNNEL)
    .map(({ dependsOn: _, ...one }) => one);
  return { ...definition, containerDefinitions };
}
