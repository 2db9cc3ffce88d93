import type { SimulatorContext } from "../../core/connections.ts";
import type { Timings } from "./timings.ts";

/** A service by its names. */
export interface NamedService {
  readonly account: string;
  readonly region: string;
  readonly cluster: string;
  readonly name: string;
}

/** What ECS's parts work in. */
export interface EcsEnvironment extends SimulatorContext {
  /** Emit `AWS API Call via CloudTrail` for mutating calls on services. */
  readonly cloudTrail: boolean;
  readonly timings: Timings;
  /** Whether a service that is created gets a short ARN. */
  readonly shortArns: (service: NamedService) => boolean;
}
