import type { JsonObject } from "../../json.ts";
import type { AwsService } from "../service.ts";
import { parseEcsArn } from "./arns.ts";
import { clusterOperations } from "./clusters.ts";
import type { EcsEnvironment } from "./environment.ts";
import { EcsEvents } from "./events.ts";
import type { EcsRevision, EcsService } from "./model.ts";
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

type Required = Pick<EcsEnvironment, "clock" | "random" | "emit" | "faults" | "secrets">;

export interface EcsSimulationOptions extends Required {
  /** Told of every task that runs, gets healthy or has stopped. */
  readonly onTask?: EcsEnvironment["onTask"];
  /** Default false. */
  readonly cloudTrail?: boolean;
  readonly timings?: Partial<Timings>;
}

/** Amazon ECS in every account and region: what the API returns, and what happens to services and tasks over time. */
export class EcsSimulation {
  readonly #environment: EcsEnvironment;
  readonly #store = new EcsStore();
  readonly #service: AwsService;

  constructor(options: EcsSimulationOptions) {
    const { onTask, cloudTrail, timings, ...required } = options;
    this.#environment = {
      ...required,
      onTask: onTask ?? (() => {}),
      cloudTrail: cloudTrail ?? false,
      timings: { ...defaultTimings, ...timings },
    };
    const events = new EcsEvents(this.#environment);
    const scheduler = new ServiceScheduler(this.#environment, this.#store, events);
    const parts = { environment: this.#environment, store: this.#store, events, scheduler };
    this.#service = {
      name: "ecs",
      operations: {
        ...clusterOperations(parts),
        ...taskDefinitionOperations(parts),
        ...serviceOperations(parts),
        ...serviceReadOperations(parts),
        ...taskOperations(parts),
        ...tagOperations(parts),
        ...serviceDeploymentOperations(parts),
      },
    };
  }

  /** The API, to be mounted in the router. */
  service(): AwsService {
    return this.#service;
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
    return ecsState(this.#store, this.#environment.clock.now());
  }
}
