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

/** The resources that the machine's role allows, by action. */
function allowed(one: StateMachineDefinition): Readonly<Record<string, readonly string[]>> {
  const statements = stateMachineStatements(one, deployment);
  const actions = new Set(statements.flatMap(({ Action }) => Action));
  const resources = (action: string) =>
    statements.filter(({ Action }) => Action.includes(action)).flatMap(({ Resource }) => Resource);
  return Object.fromEntries([...actions].map((action) => [action, resources(action)]));
}

function functionArns(names: Readonly<Record<string, string>>): string[] {
  const all = Object.values(names).map((name) => resourceName(deployment, name));
  const arns = [...new Set(all)].map((name) => `arn:aws:lambda:us-east-1:111111111111:function:${name}`);
  // By their aliases, and without one: as the definition of an execution from before there were aliases names them.
  return arns.flatMap((arn) => [arn, `${arn}:live`]).sort();
}

const invoking = (one: StateMachineDefinition) => [...(allowed(one)["lambda:InvokeFunction"] ?? [])].sort();
const withoutLogs = (one: StateMachineDefinition) =>
  Object.keys(allowed(one)).filter((action) => !action.startsWith("logs:"));

describe("the role of RollService", () => {
  it("allows invoking its own functions, and nothing else", () => {
    expect(withoutLogs(machine("roll-service"))).toEqual(["lambda:InvokeFunction"]);
    expect(invoking(machine("roll-service"))).toEqual(functionArns(rollServiceMachine.functions));
  });
});

describe("the role of RollFleet", () => {
  const fleet = machine("roll-fleet");
  const stateMachine = (name: string) => `arn:aws:states:us-east-1:111111111111:stateMachine:mesh-pilot-prod-${name}`;

  it("allows invoking its own functions", () => {
    expect(invoking(fleet)).toEqual(functionArns(rollFleetMachine.functions));
  });

  it("allows starting rolls, and RollFleet itself, for its Maps and to continue as new", () => {
    expect(new Set(allowed(fleet)["states:StartExecution"])).toEqual(
      new Set([stateMachine("roll-service"), stateMachine("roll-fleet")]),
    );
  });

  it("allows watching and stopping executions of these two only", () => {
    const watched = allowed(fleet)["states:StopExecution"] ?? [];
    expect(watched).toEqual(allowed(fleet)["states:DescribeExecution"]);
    const executions = "arn:aws:states:us-east-1:111111111111:execution:mesh-pilot-prod-roll-";
    expect(new Set(watched)).toEqual(
      new Set([`${executions}service:*`, `${executions}fleet:*`, `${executions}fleet/*:*`]),
    );
  });

  it("allows using the rule by which Step Functions waits for executions", () => {
    expect(allowed(fleet)["events:PutRule"]).toEqual([
      "arn:aws:events:us-east-1:111111111111:rule/StepFunctionsGetEventsForStepFunctionsExecutionRule",
    ]);
  });
});

describe("the role of a state machine", () => {
  it("can't be made for an unknown integration, at any depth of the definition", () => {
    const Resource = "arn:aws:states:::dynamodb:putItem";
    const nested = {
      States: { Each: { Type: "Map", ItemProcessor: { States: { Put: { Type: "Task", Resource } } } } },
    };
    const unknown = { ...machine("roll-service"), definition: nested };
    expect(() => stateMachineStatements(unknown, deployment)).toThrow(`a task of ${Resource}`);
  });
});
