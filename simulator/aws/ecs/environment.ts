import type { SimulatorContext } from "../../core/connections.ts";
import type { Timings } from "./timings.ts";

/** What ECS's parts work in. */
export interface EcsEnvironment extends SimulatorContext {
  /** Emit `AWS API Call via CloudTrail` for mutating calls on services. */
  readonly cloudTrail: boolean;
  readonly timings: Timings;
}
