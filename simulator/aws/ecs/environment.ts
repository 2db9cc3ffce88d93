import type { Clock } from "../../clock/clock.ts";
import type { Faults } from "../../faults.ts";
import type { EmitEvent, Random } from "../service.ts";
import type { EcsService, EcsTask } from "./model.ts";
import type { Timings } from "./timings.ts";

/** Whether a task can read a secret that its definition names. */
export interface SecretReader {
  canRead(input: {
    readonly account: string;
    readonly region: string;
    readonly valueFrom: string;
    readonly executionRoleArn: string | undefined;
    /** The task's service, which a fault rule may name. */
    readonly serviceArn: string;
  }): { readonly ok: true } | { readonly ok: false; readonly reason: string };
}

/** A task started running, got healthy, or stopped. */
export interface TaskChange {
  readonly task: EcsTask;
  readonly service: EcsService;
  readonly lastStatus: string;
  readonly healthy: boolean;
}

/** What the simulation needs from the rest of the lab. */
export interface EcsEnvironment {
  readonly clock: Clock;
  readonly random: Random;
  readonly emit: EmitEvent;
  readonly faults: Faults;
  readonly secrets: SecretReader;
  readonly onTask: (change: TaskChange) => void;
  /** Emit `AWS API Call via CloudTrail` for mutating calls on services. */
  readonly cloudTrail: boolean;
  readonly timings: Timings;
}
