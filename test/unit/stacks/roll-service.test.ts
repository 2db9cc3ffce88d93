import { StateMachines, VirtualClock } from "@ztunnel-autopilot/simulator";
import validateDefinition from "asl-validator";
import { describe, expect, it } from "vitest";
import { isJsonObject, type Json, type JsonObject } from "../../../shared/base/json.ts";
import definition from "../../../stacks/definitions/roll-service.asl.json" with { type: "json" };
import { rollServiceMachine } from "../../../stacks/definitions/state-machines.ts";
import { substitute } from "../../../stacks/definitions/substitute.ts";

const ARN = "arn:aws:states:us-east-1:123456789012:stateMachine:roll-service";
const states = Object.entries(definition.States).map(([name, state]): readonly [string, JsonObject] => [
  name,
  object(state),
]);
const tasks = states.filter(([, { Type }]) => Type === "Task");
/** The last step: there is nowhere left to go to from it. */
const last = ["Finish", "FinishUnreverted"];

/** As the definition writes the name of a function. */
function token(name: string): string {
  return `\${${name}}`;
}

function object(node: unknown): JsonObject {
  if (!isJsonObject(node)) throw new Error("no object");
  return node;
}

function objects(node: Json | undefined): JsonObject[] {
  return Array.isArray(node) ? node.map(object) : [];
}

function errorsOf(rules: Json | undefined): unknown[] {
  return objects(rules).flatMap(({ ErrorEquals }) => ErrorEquals);
}

function run(substituted: object): StateMachines {
  const stepFunctions = new StateMachines({
    clock: new VirtualClock(0),
    random: () => 0.5,
    lambda: { invoke: async () => null },
  });
  stepFunctions.createStateMachine(ARN, substituted);
  return stepFunctions;
}

describe("the state machine RollService", () => {
  it("is taken by the strict interpreter, and by the schema of the language", () => {
    const substituted = substitute(definition, rollServiceMachine.functions);
    expect(() => run(substituted)).not.toThrow();
    // The validator writes into what it validates.
    const { isValid, errors } = validateDefinition(structuredClone(substituted));
    expect(errors).toEqual([]);
    expect(isValid).toBe(true);
  });

  it("names only the functions that it is given, and all of them", () => {
    const named = tasks.map(([, { Arguments }]) => object(Arguments).FunctionName);
    expect(new Set(named)).toEqual(new Set(Object.keys(rollServiceMachine.functions).map(token)));
  });

  it("is JSONata throughout", () => {
    expect(definition.QueryLanguage).toBe("JSONata");
    expect(JSON.stringify(definition)).not.toMatch(
      /"(InputPath|OutputPath|ResultPath|Parameters|ResultSelector|\w+\.\$)"/,
    );
  });

  it.each(states)("has a state %s whose name is short enough", (name) => {
    expect(name.length).toBeLessThanOrEqual(80);
  });

  it.each(tasks.filter(([name]) => !last.includes(name)))(
    "catches every error of %s on the way to the last step",
    (_n, task) => {
      expect(errorsOf(task.Catch)).toContain("States.ALL");
      for (const { Next } of objects(task.Catch)) expect(Object.keys(definition.States)).toContain(Next);
    },
  );

  it.each(tasks)("gives %s a time in which it has to answer", (_name, task) => {
    expect(task.TimeoutSeconds).toBeDefined();
  });

  it.each(tasks.filter(([, { Resource }]) => String(Resource).endsWith("waitForTaskToken")))(
    "polls when no event signals the end of %s",
    (name, task) => {
      const [first] = objects(task.Catch);
      expect(first).toMatchObject({ ErrorEquals: ["States.Timeout"], Next: name });
      expect(errorsOf(task.Retry)).not.toContain("States.Timeout");
    },
  );

  it("takes an error without a cause: a timeout has none", () => {
    expect(JSON.stringify(definition)).not.toContain('"{% $states.errorOutput.Cause %}"');
  });

  it("ends every way in the last step", () => {
    const ends = states.filter(([, state]) => state.End === true || state.Type === "Fail").map(([name]) => name);
    expect(ends).toEqual(["Finish", "RevertFailed"]);
    const beforeFail = states
      .filter(([, state]) => JSON.stringify(state).includes('"RevertFailed"'))
      .map(([name]) => name);
    expect(beforeFail).toEqual(["FinishUnreverted", "RevertFailed"]);
  });
});

describe("substituting", () => {
  const plan = token("Plan");
  const text = { States: { A: { FunctionName: plan, Text: `a ${plan} b`, List: [plan, 7, null] } } };

  it("puts values where their tokens are, and leaves the definition as it was", () => {
    const before = structuredClone(text);
    expect(substitute(text, { Plan: "roll-plan" })).toEqual({
      States: { A: { FunctionName: "roll-plan", Text: "a roll-plan b", List: ["roll-plan", 7, null] } },
    });
    expect(text).toEqual(before);
  });

  it("is an error for a token without a value", () => {
    expect(() => substitute(text, {})).toThrow("Plan");
    const { Plan: _, ...others } = rollServiceMachine.functions;
    expect(() => substitute(definition, others)).toThrow("Plan");
  });

  it("is an error for a value without a token", () => {
    expect(() => substitute(text, { Plan: "p", Other: "o" })).toThrow("Other");
    expect(() => substitute(definition, { ...rollServiceMachine.functions, Other: "o" })).toThrow("Other");
  });

  it("takes no name of every object for a value", () => {
    expect(() => substitute({ a: token("toString") }, {})).toThrow("toString");
  });

  it("reaches no JSONata expression", () => {
    const expressions = { a: "{% $states.input.x %}", b: "{% { 'a': 1 } %}" };
    expect(substitute(expressions, {})).toEqual(expressions);
  });
});
