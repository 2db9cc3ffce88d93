import type { Lab } from "../../../lab/autopilot/lab.ts";
import { isJsonObject, type Json, type JsonObject } from "../../../shared/base/json.ts";

/** A change of the machines' JSON without which an interpreter does not run it. Nothing else is changed. */
export interface Change {
  /** Whose fault it is, by which source. */
  readonly reason: string;
  readonly of: (state: JsonObject, name: string) => Readonly<Record<string, JsonObject>>;
}

/** Ends the name of a state that a change adds. */
export const ADDED = "__added";

/** LocalStack 2026.3.0. */
export const localstackChanges: readonly Change[] = [
  {
    reason:
      "LocalStack reads a number without a decimal point in ToleratedFailurePercentage as an error; the states " +
      "language has a number there",
    of: (state, name) => {
      const { ToleratedFailurePercentage: percentage } = state;
      const expression = `{% ${percentage} %}`;
      return { [name]: typeof percentage === "number" ? { ...state, ToleratedFailurePercentage: expression } : state };
    },
  },
  {
    reason:
      "LocalStack goes on to Next, not to the Catch's own Next, if that is the state itself (`_set_next` in state.py); " +
      "a Pass stands between",
    of: (state, name) => {
      const catchers = Array.isArray(state.Catch) ? state.Catch : [];
      if (!catchers.some((one) => isJsonObject(one) && one.Next === name)) return { [name]: state };
      const pass = `${name}${ADDED}`;
      const around = catchers.map((one) => (isJsonObject(one) && one.Next === name ? { ...one, Next: pass } : one));
      return { [name]: { ...state, Catch: around }, [pass]: { Type: "Pass", Next: name } };
    },
  },
];

/** MiniStack 1.5.33. */
export const ministackChanges: readonly Change[] = [
  {
    reason: "MiniStack reads JSONPath alone in a distributed Map's Items, ItemSelector, MaxConcurrency and Output",
    of: (state, name) => {
      const { ItemProcessor: processor } = state;
      if (state.Type !== "Map" || !isJsonObject(processor)) return { [name]: state };
      return { [name]: { ...state, ItemProcessor: { ...processor, ProcessorConfig: { Mode: "INLINE" } } } };
    },
  },
  {
    reason: "MiniStack ignores a Succeed's JSONata Output; a Pass that ends has it",
    of: (state, name) => ({
      [name]: state.Type === "Succeed" && "Output" in state ? { ...state, Type: "Pass", End: true } : state,
    }),
  },
];

/** The machine's definition as the lab has loaded it, with an interpreter's changes, as JSON text. */
export function definitionFor(lab: Pick<Lab, "stepFunctions">, arn: string, changes: readonly Change[]): string {
  const machine = lab.stepFunctions.listStateMachines().find(({ stateMachineArn }) => stateMachineArn === arn);
  if (!machine) throw new Error(`the lab has no ${arn}`);
  const definition: unknown = JSON.parse(machine.definition);
  if (!isJsonObject(definition)) throw new Error(`${arn} is not an object`);
  return JSON.stringify(changes.reduce(changed, definition));
}

/** The machine, or the processor of a Map, with one change in all its states. */
function changed(machine: JsonObject, change: Change): JsonObject {
  const { States: states } = machine;
  if (!isJsonObject(states)) return machine;
  const all = Object.entries(states).flatMap(([name, state]) => {
    const inner = isJsonObject(state) ? withInner(state, change) : {};
    return Object.entries(change.of(inner, name));
  });
  return { ...machine, States: Object.fromEntries<Json>(all) };
}

function withInner(state: JsonObject, change: Change): JsonObject {
  const { ItemProcessor: processor } = state;
  return isJsonObject(processor) ? { ...state, ItemProcessor: changed(processor, change) } : state;
}
