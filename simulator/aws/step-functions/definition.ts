import * as z from "zod";
import { AwsError } from "../../base/aws-error.ts";
import type { Json } from "../../base/json.ts";
import { compileTemplate, ExpressionError, type Template, type TemplatePlace } from "./expressions.ts";
import type { ExpressionFunction } from "./functions.ts";
import type { Exit, Handlers, Machine, MapState, State, StateGraph, TaskState } from "./machine.ts";
import { type MapText, machineSchema, type StateText, stateSchema, type TaskText } from "./schema.ts";

interface Scope {
  readonly path: string;
  /** Variables that the states of this scope assign. */
  readonly own: ReadonlySet<string>;
  /** Variables of the scopes around it, which can be read and not assigned. */
  readonly outer: ReadonlySet<string>;
  readonly functions: readonly ExpressionFunction[];
}

/** The keys that `Arguments` may have, by resource; the first is required. */
const ARGUMENTS: Readonly<Record<TaskText["Resource"], readonly string[]>> = {
  "arn:aws:states:::lambda:invoke": ["FunctionName", "Payload"],
  "arn:aws:states:::lambda:invoke.waitForTaskToken": ["FunctionName", "Payload"],
  "arn:aws:states:::states:startExecution": ["StateMachineArn", "Name", "Input"],
  "arn:aws:states:::states:startExecution.sync:2": ["StateMachineArn", "Name", "Input"],
};

/**
 * Compiles a state machine's definition (an object, or its JSON text). Only what the interpreter implements is taken:
 * every other field, state type, resource or function is refused here and never ignored.
 * @throws AwsError `InvalidDefinition`
 */
export function compileDefinition(definition: unknown, functions: readonly ExpressionFunction[]): Machine {
  try {
    const json: unknown = typeof definition === "string" ? JSON.parse(definition) : definition;
    const machine = parseWith(machineSchema, json, "");
    const graph = compileGraph(machine, { path: "", outer: new Set(), functions });
    return { ...graph, timeoutSeconds: machine.TimeoutSeconds };
  } catch (error) {
    if (error instanceof ExpressionError || error instanceof DefinitionError || error instanceof SyntaxError)
      throw new AwsError("InvalidDefinition", `Invalid State Machine Definition: ${error.message}`);
    throw error;
  }
}

class DefinitionError extends Error {
  override readonly name = "DefinitionError";
}

function parseWith<T>(schema: z.ZodType<T>, value: unknown, path: string): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new DefinitionError(`${path || "the machine"}: ${z.prettifyError(parsed.error)}`);
}

function compileGraph(
  text: { readonly StartAt: string; readonly States: Readonly<Record<string, unknown>> },
  around: Omit<Scope, "own">,
): StateGraph {
  const texts = Object.entries(text.States).map(([name, state]): [string, StateText] => {
    if (name.length > 80) throw new DefinitionError(`${around.path}/${name}: a name has at most 80 characters`);
    return [name, parseWith(stateSchema, state, `${around.path}/${name}`)];
  });
  const own = new Set(texts.flatMap(([, state]) => assignedBy(state)));
  for (const name of own)
    if (around.outer.has(name)) throw new DefinitionError(`${around.path}: $${name} belongs to an outer scope`);
  const scope: Scope = { ...around, own };
  const states = new Map(texts.map(([name, state]) => [name, compileState(name, state, scope)]));
  const start = states.get(text.StartAt);
  if (start === undefined) throw new DefinitionError(`${around.path || "the machine"}: no state ${text.StartAt}`);
  const reached = new Set([start.name]);
  for (const name of reached)
    for (const next of targetsOf(states.get(name))) {
      if (!states.has(next)) throw new DefinitionError(`${around.path}/${name}: no state ${next}`);
      reached.add(next);
    }
  for (const name of states.keys())
    if (!reached.has(name)) throw new DefinitionError(`${around.path}/${name}: no state leads here`);
  return { start, states };
}

function assignedBy(state: StateText): string[] {
  const exits: { readonly Assign?: object | undefined }[] = [];
  if ("Assign" in state) exits.push(state);
  if (state.Type === "Choice") exits.push(...state.Choices);
  if (state.Type === "Task" || state.Type === "Map") exits.push(...state.Catch);
  return exits.flatMap(({ Assign }) => Object.keys(Assign ?? {}));
}

function targetsOf(state: State | undefined): string[] {
  if (state === undefined || state.type === "Fail") return [];
  const exits: Exit[] = [state.exit];
  if (state.type === "Choice") exits.push(...state.rules);
  if (state.type === "Task" || state.type === "Map") exits.push(...state.catchers);
  return exits.flatMap(({ next }) => (next === undefined ? [] : [next]));
}

type ExitText = {
  readonly Output?: Json | undefined;
  readonly Assign?: Json | undefined;
  readonly Next?: string | undefined;
};

function compileState(name: string, text: StateText, scope: Scope): State {
  const path = `${scope.path}/${name}`;
  const at = (field: string, ...more: string[]): TemplatePlace => ({
    path: `${path}/${field}`,
    variables: new Set([...scope.own, ...scope.outer]),
    statesMembers: ["input", "context", ...more],
    functions: scope.functions,
  });
  const field = (key: string, value: Json | undefined) =>
    value === undefined ? undefined : compileTemplate(value, at(key));
  const exitAt = (where: string, exit: ExitText, ...more: string[]): Exit => ({
    output: exit.Output === undefined ? undefined : compileTemplate(exit.Output, at(`${where}Output`, ...more)),
    assign: exit.Assign === undefined ? undefined : compileTemplate(exit.Assign, at(`${where}Assign`, ...more)),
    next: exit.Next,
  });
  switch (text.Type) {
    case "Pass":
    case "Wait":
      requireWayOut(text, path);
      return text.Type === "Pass"
        ? { type: "Pass", name, exit: exitAt("", text) }
        : {
            type: "Wait",
            name,
            seconds: field("Seconds", text.Seconds),
            timestamp: field("Timestamp", text.Timestamp),
            exit: exitAt("", text),
          };
    case "Succeed":
      return { type: "Succeed", name, exit: exitAt("", text) };
    case "Fail":
      return { type: "Fail", name, error: field("Error", text.Error), cause: field("Cause", text.Cause) };
    case "Choice":
      return {
        type: "Choice",
        name,
        rules: text.Choices.map((rule, index) => ({
          ...exitAt(`Choices[${index}]/`, rule),
          condition: compileTemplate(rule.Condition, at(`Choices[${index}]/Condition`)),
        })),
        exit: exitAt("", { Output: text.Output, Assign: text.Assign, Next: text.Default }),
      };
    case "Task":
    case "Map": {
      requireWayOut(text, path);
      const handlers: Handlers = {
        retriers: text.Retry,
        catchers: text.Catch.map((catcher, index) => ({
          ...exitAt(`Catch[${index}]/`, catcher, "errorOutput"),
          errorEquals: catcher.ErrorEquals,
        })),
        exit: exitAt("", text, "result"),
      };
      return text.Type === "Map"
        ? { ...compileMap(name, text, scope, field), ...handlers }
        : { ...compileTask(name, text, path, field), ...handlers };
    }
  }
}

function requireWayOut(text: { readonly Next?: string | undefined; readonly End?: true | undefined }, path: string) {
  if ((text.Next === undefined) === (text.End === undefined))
    throw new DefinitionError(`${path}: needs either Next or End`);
}

type Field = (key: string, value: Json | undefined) => Template | undefined;

function compileTask(name: string, text: TaskText, path: string, field: Field): Omit<TaskState, keyof Handlers> {
  if (typeof text.Arguments === "object") {
    const [required = "", ...optional] = ARGUMENTS[text.Resource];
    if (!(required in text.Arguments)) throw new DefinitionError(`${path}/Arguments: ${required} is missing`);
    for (const key of Object.keys(text.Arguments))
      if (key !== required && !optional.includes(key))
        throw new DefinitionError(`${path}/Arguments: ${key} is not supported`);
  }
  const { TimeoutSeconds, HeartbeatSeconds } = text;
  if (HeartbeatSeconds !== undefined && !text.Resource.endsWith(".waitForTaskToken"))
    throw new DefinitionError(`${path}: HeartbeatSeconds is supported with waitForTaskToken only`);
  if (typeof HeartbeatSeconds === "number" && typeof TimeoutSeconds === "number" && HeartbeatSeconds >= TimeoutSeconds)
    throw new DefinitionError(`${path}: HeartbeatSeconds must be below TimeoutSeconds`);
  return {
    type: "Task",
    name,
    resource: text.Resource,
    arguments: field("Arguments", text.Arguments) ?? { constant: true, value: null },
    timeoutSeconds: field("TimeoutSeconds", TimeoutSeconds),
    heartbeatSeconds: field("HeartbeatSeconds", HeartbeatSeconds),
  };
}

function compileMap(name: string, text: MapText, scope: Scope, field: Field): Omit<MapState, keyof Handlers> {
  const path = `${scope.path}/${name}`;
  const distributed = text.ItemProcessor.ProcessorConfig.Mode === "DISTRIBUTED";
  for (const key of ["ToleratedFailurePercentage", "ToleratedFailureCount", "Label"] as const)
    if (!distributed && text[key] !== undefined) throw new DefinitionError(`${path}: ${key} needs Mode DISTRIBUTED`);
  return {
    type: "Map",
    name,
    label: text.Label ?? name,
    distributed,
    items: field("Items", text.Items),
    itemSelector: field("ItemSelector", text.ItemSelector),
    maxConcurrency: field("MaxConcurrency", text.MaxConcurrency),
    toleratedFailurePercentage: field("ToleratedFailurePercentage", text.ToleratedFailurePercentage),
    toleratedFailureCount: field("ToleratedFailureCount", text.ToleratedFailureCount),
    processor: compileGraph(text.ItemProcessor, {
      path,
      // A distributed Map's iterations are executions of their own: they see no variable from outside.
      outer: new Set(distributed ? [] : [...scope.outer, ...scope.own]),
      functions: scope.functions,
    }),
  };
}
