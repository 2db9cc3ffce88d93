import type { StepFunctions } from "@ztunnel-autopilot/simulator";
import { resourceEndings } from "../../shared/base/vocabulary.ts";
import type { Config } from "../../shared/config/config.ts";
import { type AutopilotDeployment, LIVE_ALIAS, roleArn } from "../../stacks/definitions/deployment.ts";
import { stateMachineRoleName } from "../../stacks/definitions/state-machine-role.ts";
import {
  rollFleetMachine,
  rollServiceMachine,
  type StateMachineDefinition,
} from "../../stacks/definitions/state-machines.ts";
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
  deployment: AutopilotDeployment,
): void {
  const roleOf = (machine: StateMachineDefinition) =>
    roleArn(deployment.home, stateMachineRoleName(deployment, machine));
  const { definition, functions } = rollServiceMachine;
  stepFunctions.createStateMachine(rollServiceArn, substitute(definition, live(functions)), roleOf(rollServiceMachine));
  const tokens = { ...live(rollFleetMachine.functions), RollService: rollServiceArn };
  const rollFleet = substitute(rollFleetMachine.definition, tokens);
  stepFunctions.createStateMachine(rollFleetArn, rollFleet, roleOf(rollFleetMachine));
}

/** The functions' aliases, by the same tokens. */
function live(functions: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(functions).map(([token, name]) => [token, `${name}:${LIVE_ALIAS}`]));
}
