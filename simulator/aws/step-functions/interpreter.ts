import { isJsonObject, type Json, type JsonObject } from "../../base/json.ts";
import { type Environment, evaluate } from "./expressions.ts";
import type { ChoiceRule, Exit, MapState, State, StateGraph, TaskState } from "./machine.ts";
import { runMap } from "./map.ts";
import { withinPayloadLimit } from "./payload.ts";
import { matchesError, retryDelayMs } from "./retry.ts";
import { evaluateNumber, type Run } from "./run.ts";
import type { Retrier } from "./schema.ts";
import { asStatesError, StatesError } from "./states-error.ts";
import { runTask } from "./tasks.ts";

/** What a state hands on. */
interface Left {
  readonly output: Json;
  readonly assigned: JsonObject;
  readonly next: string | undefined;
}

/**
 * Runs the states of a machine or of one iteration of a Map and returns their output.
 * @throws StatesError that no state caught; the reason of the run's signal if that was aborted
 */
export async function runStates(graph: StateGraph, input: Json, run: Run): Promise<Json> {
  let state = graph.start;
  let given = input;
  for (;;) {
    run.signal.throwIfAborted();
    const { history, trail } = run;
    const name = state.name;
    const entered = given;
    history.transitions++;
    history.record(trail, `${state.type}StateEntered`, () => ({
      stateEnteredEventDetails: { name, input: JSON.stringify(entered) },
    }));
    const left = await visit(state, given, run);
    for (const [variable, value] of Object.entries(left.assigned)) run.variables.set(variable, value);
    if (state.type !== "Fail") history.record(trail, `${state.type}StateExited`, () => exitedDetails(name, left));
    const next = left.next === undefined ? undefined : graph.states.get(left.next);
    if (next === undefined) return left.output;
    given = left.output;
    state = next;
  }
}

function exitedDetails(name: string, left: Left) {
  const assigned = Object.entries(left.assigned).map(([variable, value]) => [variable, JSON.stringify(value)]);
  return {
    stateExitedEventDetails: {
      name,
      output: JSON.stringify(left.output),
      ...(assigned.length > 0 && { assignedVariables: Object.fromEntries(assigned) }),
    },
  };
}

/** What the expressions of one visit see; a new try, a result or an error makes a new one. */
function environmentOf(state: State, input: Json, run: Run, enteredTime: string, retries: number): Environment {
  const context = {
    ...run.context,
    State: { Name: state.name, EnteredTime: enteredTime, RetryCount: retries },
  };
  const variables: Record<string, Json> = {};
  for (const [name, value] of run.variables) variables[name] = value;
  return Object.assign(variables, { states: { input, context } });
}

function withStates(environment: Environment, more: JsonObject): Environment {
  return { ...environment, states: { ...environment.states, ...more } };
}

async function visit(state: State, input: Json, run: Run): Promise<Left> {
  const enteredTime = new Date(run.runtime.clock.now()).toISOString();
  const environment = environmentOf(state, input, run, enteredTime, 0);
  try {
    switch (state.type) {
      case "Task":
      case "Map":
        return await visitWithHandlers(state, input, run, enteredTime);
      case "Pass":
      case "Succeed":
        return await leave(state.exit, input, environment, state, run);
      case "Wait":
        await run.runtime.clock.sleep(await waitMs(state, environment, run), run.signal);
        return await leave(state.exit, input, environment, state, run);
      case "Choice":
        return await leave(await choose(state, environment), input, environment, state, run);
      case "Fail":
        throw new StatesError(
          state.error ? await text(state.error, environment, `${state.name}/Error`) : "",
          state.cause ? await text(state.cause, environment, `${state.name}/Cause`) : "",
        );
    }
  } catch (error) {
    throw state.type === "Task" || state.type === "Map" ? error : noteEvaluation(error, state, run);
  }
}

/** Tries the work of a Task or Map again as its retriers say; then its catchers have their turn. */
async function visitWithHandlers(
  state: TaskState | MapState,
  input: Json,
  run: Run,
  enteredTime: string,
): Promise<Left> {
  const { clock, random } = run.runtime;
  const retriesBy = new Map<Retrier, number>();
  for (let retries = 0; ; retries++) {
    const environment = environmentOf(state, input, run, enteredTime, retries);
    try {
      const result =
        state.type === "Task"
          ? await runTask(state, environment, run)
          : await runMap(state, environment, run, runStates);
      return await leave(state.exit, result, withStates(environment, { result }), state, run);
    } catch (cause) {
      if (run.signal.aborted) throw run.signal.reason;
      const error = noteEvaluation(cause, state, run);
      const retrier = state.retriers.find(({ ErrorEquals }) => matchesError(ErrorEquals, error.name, state.type));
      const used = retrier ? (retriesBy.get(retrier) ?? 0) : 0;
      if (retrier === undefined || used >= retrier.MaxAttempts) return await caught(state, error, environment, run);
      retriesBy.set(retrier, used + 1);
      run.history.transitions++;
      await clock.sleep(retryDelayMs(retrier, used, random), run.signal);
    }
  }
}

async function caught(
  state: TaskState | MapState,
  error: StatesError,
  environment: Environment,
  run: Run,
): Promise<Left> {
  const catcher = state.catchers.find(({ errorEquals }) => matchesError(errorEquals, error.name, state.type));
  if (catcher === undefined) throw error;
  const errorOutput = { Error: error.name, Cause: error.message };
  try {
    return await leave(catcher, errorOutput, withStates(environment, { errorOutput }), state, run);
  } catch (failure) {
    throw noteEvaluation(failure, state, run);
  }
}

/** Evaluates Assign and Output of an exit: both see the variables as they were before. */
async function leave(
  exit: Exit,
  value: Json,
  environment: Environment,
  { name }: State,
  { history: { peaks } }: Run,
): Promise<Left> {
  const output = exit.output ? await evaluate(exit.output, environment) : value;
  const assigned = exit.assign ? await evaluate(exit.assign, environment) : {};
  withinPayloadLimit(output, `The output of ${name}`, peaks);
  withinPayloadLimit(assigned, `What ${name} assigns`, peaks);
  return { output, assigned: isJsonObject(assigned) ? assigned : {}, next: exit.next };
}

async function choose(state: State & { type: "Choice" }, environment: Environment): Promise<Exit> {
  for (const rule of state.rules) if (await holds(rule, environment, state.name)) return rule;
  if (state.exit.next === undefined)
    throw new StatesError("States.NoChoiceMatched", `No rule of ${state.name} matches, and it has no Default.`);
  return state.exit;
}

async function holds(rule: ChoiceRule, environment: Environment, name: string): Promise<boolean> {
  const value = await evaluate(rule.condition, environment);
  if (typeof value === "boolean") return value;
  throw mismatch(`${name}/Condition`, "a boolean", value);
}

async function waitMs(state: State & { type: "Wait" }, environment: Environment, run: Run): Promise<number> {
  if (state.timestamp === undefined) {
    const field = { name: `${state.name}/Seconds`, min: 0, max: 99_999_999 };
    return 1000 * ((await evaluateNumber(state.seconds, environment, field)) ?? 0);
  }
  const value = await text(state.timestamp, environment, `${state.name}/Timestamp`);
  const atMs = Date.parse(value);
  if (Number.isNaN(atMs)) throw mismatch(`${state.name}/Timestamp`, "an ISO 8601 timestamp", value);
  return Math.max(0, atMs - run.runtime.clock.now());
}

async function text(template: Parameters<typeof evaluate>[0], environment: Environment, where: string) {
  const value = await evaluate(template, environment);
  if (typeof value === "string") return value;
  throw mismatch(where, "a string", value);
}

function mismatch(location: string, expected: string, value: Json): StatesError {
  const cause = `${location} must be ${expected}, not ${JSON.stringify(value)}`;
  return new StatesError("States.QueryEvaluationError", cause, { location });
}

/** The error as a `StatesError`; a failed evaluation gets its event. */
function noteEvaluation(cause: unknown, state: State, run: Run): StatesError {
  if (run.signal.aborted) throw run.signal.reason;
  const error = asStatesError(cause);
  if (error.name === "States.QueryEvaluationError" && error.location !== undefined) {
    const { location, name, message } = error;
    run.history.record(run.trail, "EvaluationFailed", () => ({
      evaluationFailedEventDetails: { error: name, cause: message, location, state: state.name },
    }));
  }
  return error;
}
