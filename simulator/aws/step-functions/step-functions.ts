import type { SimulatorContext } from "../../core/connections.ts";
import type { AwsService, Operation } from "../../core/service.ts";
import type { Rate } from "../../http/throttle.ts";
import { nestedStartError } from "./nested-start-error.ts";
import { stepFunctionsOperations } from "./operations.ts";
import { stepFunctionsRate } from "./rates.ts";
import { StateMachines, type StateMachinesOptions } from "./state-machines.ts";

export type StepFunctionsOptions = Pick<StateMachinesOptions, "keepHistory" | "measurePayloads" | "onEvent">;

/**
 * Step Functions: an interpreter of the states language with JSONata, and the API over its executions. A machine is
 * loaded by `createStateMachine`; its Tasks run the simulator's functions, and executions of other machines.
 */
export class StepFunctions extends StateMachines implements AwsService {
  readonly name = "states";
  readonly protocol = { kind: "awsJson1_0", target: "AWSStepFunctions" } as const;
  readonly operations: Readonly<Record<string, Operation>>;

  constructor({ clock, random, faults, functions }: SimulatorContext, options: StepFunctionsOptions = {}) {
    super({
      ...options,
      clock,
      random,
      lambda: { invoke: (...call) => functions.get().invoke(...call) },
      nestedStartError: (...start) => nestedStartError(faults, ...start),
    });
    this.operations = stepFunctionsOperations(this);
  }

  rateOf(operation: string, region: string): Rate | undefined {
    return stepFunctionsRate(operation, region);
  }
}
