import type { StepFunctions } from "@ztunnel-autopilot/simulator";
import type { Config } from "../../shared/config/config.ts";
import rollFleetDefinition from "../../stacks/definitions/roll-fleet.asl.json" with { type: "json" };
import rollServiceDefinition from "../../stacks/definitions/roll-service.asl.json" with { type: "json" };
import { substitute } from "../../stacks/definitions/substitute.ts";
import { rollFleetTokens, rollServiceTokens } from "../lambda/functions.ts";

/** The ARNs of the product's state machines, in the home account and region. */
export interface StateMachineArns {
  readonly rollServiceArn: string;
  readonly rollFleetArn: string;
}

export function stateMachineArns({ homeRegion, homeAccount, name }: Config): StateMachineArns {
  const prefix = `arn:aws:states:${homeRegion}:${homeAccount}:stateMachine:${name}`;
  return { rollServiceArn: `${prefix}-roll-service`, rollFleetArn: `${prefix}-roll-fleet` };
}

/** Loads the product's state machines, whose Tasks name the lab's functions. */
export function loadStateMachines(
  stepFunctions: StepFunctions,
  { rollServiceArn, rollFleetArn }: StateMachineArns,
): void {
  stepFunctions.createStateMachine(rollServiceArn, substitute(rollServiceDefinition, rollServiceTokens));
  const tokens = { ...rollFleetTokens, RollService: rollServiceArn };
  stepFunctions.createStateMachine(rollFleetArn, substitute(rollFleetDefinition, tokens));
}
