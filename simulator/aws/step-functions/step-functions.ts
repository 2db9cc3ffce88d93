import type { SimulatorContext } from "../../core/connections.ts";
import type { AwsService, Operation } from "../../core/service.ts";
import type { Rate } from "../../http/throttle.ts";
import { stepFunctionsNeeds } from "./needs.ts";
import { nestedStartError } from "./nested-start-error.ts";
import { stepFunctionsOperations } from "./operations.ts";
import { stepFunctionsRate } from "./rates.ts";
import { StateMachines, type StateMachinesOptions } from "./state-machines.ts";
import { taskRefusal } from "./task-refusal.ts";

export type StepFunctionsOptions = Pick<StateMachinesOptions, "keepHistory" | "measurePayloads" | "onEvent">;

/**
 * Step Functions: an interpreter of the states language with JSONata, and the API over its executions. A machine is
 * loaded by `createStateMachine`; its Tasks run the simulator's functions, and executions of other machines.
 */
export class StepFunctions extends StateMachines implements AwsService {
  readonly name = "states";
  readonly protocol = { kind: "awsJson1_0", target: "AWSStepFunctions" } as const;
  readonly operations: Readonly<Record<string, Operation>>;
  readonly needs = stepFunctionsNeeds;

  constructor(context: SimulatorContext, options: StepFunctionsOptions = {}) {
    const { clock, random, faults, functions } = context;
    super({
      ...options,
      clock,
      random,
      refusal: taskRefusal(context),
      lambda: { invoke: (...call) => functions.get().invoke(...call) },
      nestedStartError: (...start) => nestedStartError(faults, ...start),
    });
    this.operations = stepFunctionsOperations(this);
  }

  rateOf(operation: string, region: string): Rate | undefined {
    return stepFunctionsRate(operation, region);
  }
}
