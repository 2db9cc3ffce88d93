import { type FunctionName, resourceEndings } from "../../shared/base/vocabulary.ts";
import rollFleet from "./roll-fleet.asl.json" with { type: "json" };
import rollService from "./roll-service.asl.json" with { type: "json" };
import type { Definition } from "./substitute.ts";

export interface StateMachineDefinition {
  /** The end of its name on AWS. */
  readonly name: string;
  readonly definition: Definition;
  /** The functions that it invokes, by the tokens of its definition. */
  readonly functions: Readonly<Record<string, FunctionName>>;
  /** The state machines whose executions it starts, by the tokens of its definition. */
  readonly stateMachines: Readonly<Record<string, string>>;
}

/** Rolls one service. */
export const rollServiceMachine: StateMachineDefinition = {
  name: resourceEndings.rollService,
  definition: rollService,
  functions: {
    Plan: "roll/plan",
    Apply: "roll/apply",
    AwaitDeployment: "roll/await-deployment",
    Verify: "roll/verify",
    Revert: "roll/revert",
    Finish: "roll/finish",
  },
  stateMachines: {},
};

/** Rolls a fleet in waves. */
export const rollFleetMachine: StateMachineDefinition = {
  name: resourceEndings.rollFleet,
  definition: rollFleet,
  functions: {
    Start: "rollout/start",
    NextWave: "rollout/next-wave",
    Take: "rollout/take",
    Hold: "rollout/hold",
    AssessWave: "rollout/assess-wave",
    Finish: "rollout/finish",
  },
  stateMachines: { RollService: resourceEndings.rollService },
};

/** The state machines of a deployment. Another one is one more entry here. */
export const stateMachines: readonly StateMachineDefinition[] = [rollServiceMachine, rollFleetMachine];
