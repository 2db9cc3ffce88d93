import { describe, expect, it } from "vitest";
import { parseConfig } from "../../shared/config/config.ts";
import { resourceName } from "../../stacks/definitions/deployment.ts";
import { stateMachineStatements } from "../../stacks/definitions/state-machine-role.ts";
import {
  rollFleetMachine,
  rollServiceMachine,
  type StateMachineDefinition,
  stateMachines,
} from "../../stacks/definitions/state-machines.ts";
import { deploymentOf } from "../../stacks/deployment.ts";
import wideConfig from "./support/wide.config.ts";

const deployment = deploymentOf(parseConfig(wideConfig), "prod");

function machine(name: string): StateMachineDefinition {
  const found = stateMachines.find((one) => one.name === name);
  if (!found) throw new Error(`there is no ${name}`);
  return found;
}

/** What a machine may do, by action. */
function allowed(one: StateMachineDefinition): Readonly<Record<string, readonly string[]>> {
  const statements = stateMachineStatements(one, deployment);
  const actions = new Set(statements.flatMap(({ Action }) => Action));
  const resources = (action: string) =>
    statements.filter(({ Action }) => Action.includes(action)).flatMap(({ Resource }) => Resource);
  return Object.fromEntries([...actions].map((action) => [action, resources(action)]));
}

function functionArns(names: Readonly<Record<string, string>>): string[] {
  const all = Object.values(names).map((name) => resourceName(deployment, name));
  return [...new Set(all)].map((name) => `arn:aws:lambda:us-east-1:111111111111:function:${name}`).sort();
}

const invoking = (one: StateMachineDefinition) => [...(allowed(one)["lambda:InvokeFunction"] ?? [])].sort();
const withoutLogs = (one: StateMachineDefinition) =>
  Object.keys(allowed(one)).filter((action) => !action.startsWith("logs:"));

describe("the role of RollService", () => {
  it("invokes its own functions, and nothing else", () => {
    expect(withoutLogs(machine("roll-service"))).toEqual(["lambda:InvokeFunction"]);
    expect(invoking(machine("roll-service"))).toEqual(functionArns(rollServiceMachine.functions));
  });
});

describe("the role of RollFleet", () => {
  const fleet = machine("roll-fleet");
  const stateMachine = (name: string) => `arn:aws:states:us-east-1:111111111111:stateMachine:mesh-pilot-prod-${name}`;

  it("invokes its own functions", () => {
    expect(invoking(fleet)).toEqual(functionArns(rollFleetMachine.functions));
  });

  it("starts rolls, and itself for the items of its waves and to go on as new", () => {
    expect(new Set(allowed(fleet)["states:StartExecution"])).toEqual(
      new Set([stateMachine("roll-service"), stateMachine("roll-fleet")]),
    );
  });

  it("watches and stops executions of these two alone", () => {
    const watched = allowed(fleet)["states:StopExecution"] ?? [];
    expect(watched).toEqual(allowed(fleet)["states:DescribeExecution"]);
    const executions = "arn:aws:states:us-east-1:111111111111:execution:mesh-pilot-prod-roll-";
    expect(new Set(watched)).toEqual(
      new Set([`${executions}service:*`, `${executions}fleet:*`, `${executions}fleet/*:*`]),
    );
  });

  it("waits for rolls by the one rule that Step Functions has for it", () => {
    expect(allowed(fleet)["events:PutRule"]).toEqual([
      "arn:aws:events:us-east-1:111111111111:rule/StepFunctionsGetEventsForStepFunctionsExecutionRule",
    ]);
  });
});

describe("the role of a state machine", () => {
  it("is refused for an integration of which nothing is known, however deep it is", () => {
    const Resource = "arn:aws:states:::dynamodb:putItem";
    const nested = {
      States: { Each: { Type: "Map", ItemProcessor: { States: { Put: { Type: "Task", Resource } } } } },
    };
    const odd = { ...machine("roll-service"), definition: nested };
    expect(() => stateMachineStatements(odd, deployment)).toThrow(`a task of ${Resource}`);
  });
});
