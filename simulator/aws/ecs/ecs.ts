import type { JsonObject } from "../../base/json.ts";
import type { Clock } from "../../clock/clock.ts";
import type { SimulatorContext } from "../../core/connections.ts";
import type { AwsService, NeedsTable, Operation } from "../../core/service.ts";
import type { Rate } from "../../http/throttle.ts";
import { parseEcsArn } from "./arns.ts";
import { clusterOperations } from "./clusters.ts";
import type { NamedService } from "./environment.ts";
import { EcsEvents } from "./events.ts";
import type { EcsRevision, EcsService } from "./model.ts";
import { ecsNeeds } from "./needs.ts";
import { ecsRates } from "./rates.ts";
import { ServiceScheduler } from "./scheduler.ts";
import { serviceDeploymentOperations } from "./service-deployments.ts";
import { serviceReadOperations } from "./service-reads.ts";
import { serviceOperations } from "./services.ts";
import { ecsState } from "./state.ts";
import { EcsStore } from "./store.ts";
import { tagOperations } from "./tags.ts";
import { taskDefinitionOperations } from "./task-definitions.ts";
import { taskOperations } from "./tasks.ts";
import { defaultTimings, type Timings } from "./timings.ts";

export interface EcsOptions {
  /** Emit `AWS API Call via CloudTrail` for mutating calls, as an account with a trail does. Default false. */
  readonly cloudTrail?: boolean;
  readonly timings?: Partial<Timings>;
  /**
   * Which services have short ARNs, and their tasks: those that were created before their accounts opted in to the
   * long format. They can't have tags.
   * https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-account-settings.html
   */
  readonly shortArns?: (service: NamedService) => boolean;
}

/** Amazon ECS in every account and region: what the API returns, and what happens to services and tasks over time. */
export class Ecs implements AwsService {
  readonly name = "ecs";
  readonly protocol = { kind: "awsJson1_1", target: "AmazonEC2ContainerServiceV20141113" } as const;
  readonly operations: Readonly<Record<string, Operation>>;
  readonly needs: NeedsTable;
  readonly #clock: Clock;
  readonly #store: EcsStore;

  constructor(context: SimulatorContext, { cloudTrail = false, timings, shortArns = () => false }: EcsOptions = {}) {
    this.#clock = context.clock;
    const environment = { ...context, cloudTrail, shortArns, timings: { ...defaultTimings, ...timings } };
    this.#store = new EcsStore(() => context.clock.now(), environment.timings);
    this.needs = ecsNeeds(this.#store);
    const events = new EcsEvents(environment);
    const scheduler = new ServiceScheduler(environment, this.#store, events);
    const parts = { environment, store: this.#store, events, scheduler };
    this.operations = {
      ...clusterOperations(parts),
      ...taskDefinitionOperations(parts),
      ...serviceOperations(parts),
      ...serviceReadOperations(parts),
      ...taskOperations(parts),
      ...tagOperations(parts),
      ...serviceDeploymentOperations(parts),
    };
  }

  rateOf(operation: string): Rate | undefined {
    return ecsRates[operation];
  }

  /** A service that was not deleted, by its ARN. */
  findService(arn: string): EcsService | undefined {
    const service = this.#store.findService(arn);
    return service?.status === "INACTIVE" ? undefined : service;
  }

  /** All services of all accounts and regions that were not deleted, in the order of their creation. */
  allServices(): readonly EcsService[] {
    return [...this.#store.services()].filter(({ status }) => status !== "INACTIVE");
  }

  /** A task definition's revision by its ARN. */
  findTaskDefinition(arn: string): EcsRevision | undefined {
    const parsed = parseEcsArn(arn);
    return parsed && this.#store.findRevision(this.#store.scope(parsed), arn);
  }

  /** Clusters and services with their deployments, tasks and containers. */
  state(): JsonObject {
    return ecsState(this.#store, this.#clock.now());
  }
}
