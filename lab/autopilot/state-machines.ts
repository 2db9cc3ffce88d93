import type { StepFunctions } from "@ztunnel-autopilot/simulator";
import { resourceEndings } from "../../shared/base/vocabulary.ts";
import type { Config } from "../../shared/config/config.ts";
import { rollFleetMachine, rollServiceMachine } from "../../stacks/definitions/state-machines.ts";
import { substitute } from "../../stacks/definitions/substitute.ts";

/** The ARNs of the product's state machines, in the home account and region. */
export interface StateMachineArns {
  readonly rollServiceArn: string;
  readonly rollFleetArn: string;
}

export function stateMachineArns({ homeRegion, homeAccount, name }: Config): StateMachineArns {
  const prefix = `arn:aws:states:${homeRegion}:${homeAccount}:stateMachine:${name}`;
  return {
    rollServiceArn: `${prefix}-${resourceEndings.rollService}`,
    rollFleetArn: `${prefix}-${resourceEndings.rollFleet}`,
  };
}

/** Loads the product's state machines, whose Tasks name the lab's functions. */
export function loadStateMachines(
  stepFunctions: StepFunctions,
  { rollServiceArn, rollFleetArn }: StateMachineArns,
): void {
  const { definition, functions } = rollServiceMachine;
  stepFunctions.createStateMachine(rollServiceArn, substitute(definition, functions));
  const tokens = { ...rollFleetMachine.functions, RollService: rollServiceArn };
  stepFunctions.createStateMachine(rollFleetArn, substitute(rollFleetMachine.definition, tokens));
}
