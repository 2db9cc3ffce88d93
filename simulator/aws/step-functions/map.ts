import { isJsonObject, type Json, type JsonObject } from "../../base/json.ts";
import { type Environment, evaluate } from "./expressions.ts";
import type { HistoryEventDetails, HistoryEventType, Trail } from "./history.ts";
import type { MapState, StateGraph } from "./machine.ts";
import { withinPayloadLimit } from "./payload.ts";
import type { Peaks } from "./peaks.ts";
import { bounded, evaluateNumber, type Run } from "./run.ts";
import { asStatesError, StatesError } from "./states-error.ts";

/** Concurrent iterations where `MaxConcurrency` is 0 or absent; for INLINE also the most that AWS runs. */
const INLINE_CONCURRENCY = 40;
const DISTRIBUTED_CONCURRENCY = 10_000;

type RunStates = (graph: StateGraph, input: Json, run: Run) => Promise<Json>;

/**
 * Makes one try of a Map and returns its raw result: the outputs in the order of the items. Failures that a distributed
 * Map tolerates have no entry.
 * @throws StatesError of the first iteration that failed (INLINE), or `States.ExceedToleratedFailureThreshold`
 */
export async function runMap(
  state: MapState,
  environment: Environment,
  run: Run,
  runStates: RunStates,
): Promise<readonly Json[]> {
  const items = state.items ? await evaluate(state.items, environment) : environment.states.input;
  if (!Array.isArray(items))
    throw new StatesError("States.QueryEvaluationError", `The items of ${state.name} are not an array.`, {
      location: `${state.name}/Items`,
    });
  const most = state.distributed ? DISTRIBUTED_CONCURRENCY : INLINE_CONCURRENCY;
  const concurrency = { name: "MaxConcurrency", min: 0, max: 10_000 };
  const wanted = (await evaluateNumber(state.maxConcurrency, environment, concurrency)) || most;
  const width = Math.min(wanted, most, items.length);
  const { peaks } = run.history;
  const select = (index: number) => itemInput(state, environment, items, index, peaks);
  const results = state.distributed
    ? await runDistributed(state, environment, run, runStates, items.length, width, select)
    : await runInline(state, run, runStates, items, width, select);
  return withinPayloadLimit(results, `The result of ${state.name}`, run.history.peaks);
}

function mapContext(items: readonly Json[], index: number): JsonObject {
  return { Item: { Index: index, Value: items[index] ?? null } };
}

async function itemInput(
  state: MapState,
  environment: Environment,
  items: readonly Json[],
  index: number,
  peaks: Peaks,
) {
  if (state.itemSelector === undefined) return items[index] ?? null;
  const outer = environment.states.context;
  const context = { ...(isJsonObject(outer) ? outer : {}), Map: mapContext(items, index) };
  const input = await evaluate(state.itemSelector, { ...environment, states: { ...environment.states, context } });
  return withinPayloadLimit(input, `The input of an iteration of ${state.name}`, peaks);
}

async function runInline(
  state: MapState,
  run: Run,
  runStates: RunStates,
  items: readonly Json[],
  width: number,
  select: (index: number) => Promise<Json>,
): Promise<readonly Json[]> {
  const { history, trail } = run;
  history.record(trail, "MapStateStarted", () => ({ mapStateStartedEventDetails: { length: items.length } }));
  const results: Json[] = new Array(items.length).fill(null);
  try {
    await forEach(run, items.length, width, async (index, signal) => {
      const input = await select(index);
      const own: Run = {
        ...run,
        signal,
        trail: { previousEventId: trail.previousEventId },
        context: { ...run.context, Map: mapContext(items, index) },
        variables: new Map(run.variables),
      };
      results[index] = await runIteration(state, own, index, () => runStates(state.processor, input, own));
    });
  } catch (error) {
    if (!run.signal.aborted) history.record(trail, "MapStateFailed");
    throw error;
  }
  history.record(trail, "MapStateSucceeded");
  return results;
}

async function runIteration(state: MapState, run: Run, index: number, work: () => Promise<Json>): Promise<Json> {
  const note = (how: "Started" | "Succeeded" | "Failed" | "Aborted") => {
    const type: HistoryEventType = `MapIteration${how}`;
    const details: HistoryEventDetails = { [`mapIteration${how}EventDetails`]: { name: state.name, index } };
    run.history.record(run.trail, type, () => details);
  };
  note("Started");
  try {
    const output = await work();
    note("Succeeded");
    return output;
  } catch (error) {
    note(run.signal.aborted ? "Aborted" : "Failed");
    throw error;
  }
}

async function runDistributed(
  state: MapState,
  environment: Environment,
  run: Run,
  runStates: RunStates,
  length: number,
  width: number,
  select: (index: number) => Promise<Json>,
): Promise<readonly Json[]> {
  const percentage = await evaluateNumber(state.toleratedFailurePercentage, environment, {
    name: "ToleratedFailurePercentage",
    min: 0,
    max: 100,
    fraction: true,
  });
  const count = await evaluateNumber(state.toleratedFailureCount, environment, {
    name: "ToleratedFailureCount",
    min: 0,
    max: 100_000_000,
  });
  const tolerates = (failed: number) =>
    (percentage !== undefined || count !== undefined) &&
    (percentage === undefined || failed * 100 <= percentage * length) &&
    (count === undefined || failed <= count);

  const { history, trail } = run;
  const mapRunArn = `${run.executionArn.replace(":execution:", ":mapRun:")}/${state.label}:${childName(run)}`;
  history.record(trail, "MapRunStarted", () => ({ mapRunStartedEventDetails: { mapRunArn } }));
  const outputs = new Map<number, Json>();
  let failed = 0;
  try {
    await forEach(run, length, width, async (index, signal) => {
      const input = await select(index);
      try {
        outputs.set(index, await runChild(state, run, runStates, input, signal));
      } catch (cause) {
        if (signal.aborted) throw cause;
        const error = asStatesError(cause);
        if (!tolerates(++failed)) throw thresholdExceeded(failed, length, error);
      }
    });
  } catch (cause) {
    if (run.signal.aborted) throw cause;
    const error = asStatesError(cause);
    history.record(trail, "MapRunFailed", () => ({
      mapRunFailedEventDetails: { error: error.name, cause: error.message },
    }));
    throw error;
  }
  history.record(trail, "MapRunSucceeded");
  return [...outputs].sort(([a], [b]) => a - b).map(([, output]) => output);
}

function thresholdExceeded(failed: number, length: number, last: StatesError): StatesError {
  const cause = `The tolerated failure threshold was exceeded: ${failed} of ${length} items failed, the last with ${last.name}: ${last.message}`;
  return new StatesError("States.ExceedToleratedFailureThreshold", cause, { cause: last });
}

/** An iteration of a distributed Map is an execution of its own: own history, own context, no variables. */
async function runChild(state: MapState, run: Run, runStates: RunStates, input: Json, signal: AbortSignal) {
  const { clock } = run.runtime;
  const name = childName(run);
  const machine = isJsonObject(run.context.StateMachine) ? run.context.StateMachine : {};
  const [prefix = ""] = run.executionArn.split(/:[^:]*$/);
  const executionArn = `${prefix}/${state.label}:${name}`;
  const history = run.runtime.childHistory(executionArn, run.history.peaks);
  const trail: Trail = { previousEventId: 0 };
  const context = {
    Execution: { Id: executionArn, Name: name, Input: input, StartTime: new Date(clock.now()).toISOString() },
    StateMachine: { ...machine, Id: `${String(machine.Id)}/${state.label}` },
  };
  history.record(trail, "ExecutionStarted", () => ({ executionStartedEventDetails: { input: JSON.stringify(input) } }));
  try {
    const own: Run = { ...run, executionArn, context, history, trail, signal, variables: new Map() };
    const output = await runStates(state.processor, input, own);
    history.close(trail, "ExecutionSucceeded", () => ({
      executionSucceededEventDetails: { output: JSON.stringify(output) },
    }));
    return output;
  } catch (cause) {
    const { name: error, message } = signal.aborted
      ? { name: "", message: "The Map run ended." }
      : asStatesError(cause);
    if (signal.aborted)
      history.close(trail, "ExecutionAborted", () => ({ executionAbortedEventDetails: { cause: message } }));
    else history.close(trail, "ExecutionFailed", () => ({ executionFailedEventDetails: { error, cause: message } }));
    throw cause;
  } finally {
    run.history.transitions += history.transitions;
  }
}

/** A name in the form of those that AWS gives: a UUID, here from a running number. */
function childName(run: Run): string {
  return `00000000-0000-4000-8000-${run.runtime.nextNumber().toString(16).padStart(12, "0")}`;
}

/** Works on `length` items, at most `width` at a time. The first failure ends the others; it waits for them to end. */
async function forEach(
  run: Run,
  length: number,
  width: number,
  work: (index: number, signal: AbortSignal) => Promise<void>,
): Promise<void> {
  // A signal for each item: thousands of listeners on one signal would make each of them expensive.
  const open = new Set<AbortController>();
  let ended: { readonly reason: unknown } | undefined;
  const end = (reason: unknown) => {
    ended ??= { reason };
    for (const controller of open) controller.abort(reason);
  };
  await bounded(run.runtime.clock, run.signal, undefined, async (outer) => {
    outer.addEventListener("abort", () => end(outer.reason), { once: true });
    let next = 0;
    let failure: { readonly error: unknown } | undefined;
    const worker = async () => {
      while (next < length && !ended) {
        const controller = new AbortController();
        open.add(controller);
        try {
          await work(next++, controller.signal);
        } catch (error) {
          failure ??= { error };
          end(error);
        } finally {
          open.delete(controller);
        }
      }
    };
    await Promise.all(Array.from({ length: width }, worker));
    if (failure) throw failure.error;
  });
}
