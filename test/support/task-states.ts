import { isJsonObject, type JsonObject } from "../../shared/base/json.ts";
import { stateMachines } from "../../stacks/definitions/state-machines.ts";
import { substitute } from "../../stacks/definitions/substitute.ts";

/** A Task of a state machine, as it is deployed. */
export interface TaskState {
  readonly machine: string;
  readonly name: string;
  readonly state: JsonObject;
  /** The function that it invokes, by its file; undefined for a task that starts an execution. */
  readonly functionName: string | undefined;
}

/** Every Task of every state machine, those in Maps included, with the functions' files for their ARNs. */
export const taskStates: readonly TaskState[] = stateMachines.flatMap((machine) =>
  tasksIn(substitute(machine.definition, { ...machine.functions, ...machine.stateMachines })).map(
    ({ name, state }): TaskState => {
      const { FunctionName } = isJsonObject(state.Arguments) ? state.Arguments : {};
      const functionName = typeof FunctionName === "string" ? FunctionName : undefined;
      return { machine: machine.name, name, state, functionName };
    },
  ),
);

/** Every Task that invokes a function. */
export const lambdaStates = taskStates.flatMap(({ functionName, ...task }) =>
  functionName === undefined ? [] : [{ ...task, functionName }],
);

function tasksIn(graph: JsonObject): { readonly name: string; readonly state: JsonObject }[] {
  const states = isJsonObject(graph.States) ? Object.entries(graph.States) : [];
  return states.flatMap(([name, state]) => {
    if (!isJsonObject(state)) return [];
    const inner = isJsonObject(state.ItemProcessor) ? tasksIn(state.ItemProcessor) : [];
    return state.Type === "Task" ? [{ name, state }] : inner;
  });
}
