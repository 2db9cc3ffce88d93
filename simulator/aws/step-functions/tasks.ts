import * as z from "zod";
import { AwsError } from "../../base/aws-error.ts";
import { isJsonObject, type Json, type JsonObject } from "../../base/json.ts";
import { type Environment, evaluate } from "./expressions.ts";
import type { TaskState } from "./machine.ts";
import { copyJson, withinPayloadLimit } from "./payload.ts";
import { bounded, evaluateNumber, type Run } from "./run.ts";
import { asStatesError, StatesError } from "./states-error.ts";
import type { WaitingTask } from "./task-tokens.ts";

/** How much of a stack is worth keeping in a Cause. */
const MAX_TRACE_LINES = 10;

const lambdaArguments = z.strictObject({ FunctionName: z.string().min(1), Payload: z.unknown() });
const executionArguments = z.strictObject({
  StateMachineArn: z.string().min(1),
  Name: z.string().optional(),
  Input: z.unknown(),
});

/**
 * Makes one try of a Task and returns its raw result, `$states.result`.
 * @throws StatesError with the error's name in the state machine
 */
export async function runTask(state: TaskState, environment: Environment, run: Run): Promise<Json> {
  const { clock, tokens } = run.runtime;
  const waiting = state.resource.endsWith(".waitForTaskToken") ? tokens.issue(run.executionArn) : undefined;
  try {
    const visible = waiting ? withToken(environment, waiting.token) : environment;
    const { peaks } = run.history;
    const given = withinPayloadLimit(await evaluate(state.arguments, visible), `The input of ${state.name}`, peaks);
    const seconds = { min: 1, max: 99_999_999 };
    const timeout = await evaluateNumber(state.timeoutSeconds, visible, { name: "TimeoutSeconds", ...seconds });
    const heartbeat = await evaluateNumber(state.heartbeatSeconds, visible, { name: "HeartbeatSeconds", ...seconds });
    recordScheduled(state, run, given, timeout, heartbeat);
    const limit = timeout && {
      seconds: timeout,
      error: () => new StatesError("States.Timeout", `${state.name} had no result in ${timeout} s.`),
    };
    const result = await bounded(clock, run.signal, limit || undefined, (signal) => {
      const work = perform(state, given, run, signal, waiting);
      return waiting && heartbeat ? Promise.race([work, watchHeartbeat(waiting, heartbeat, run, signal)]) : work;
    })
      .then((value) => withinPayloadLimit(value, `The result of ${state.name}`, peaks))
      .catch((error: unknown) => {
        if (run.signal.aborted) throw error;
        throw recordFailure(state, run, asStatesError(error));
      });
    run.history.record(run.trail, "TaskSucceeded", () => ({
      taskSucceededEventDetails: { ...resourceOf(state), output: JSON.stringify(result) },
    }));
    return result;
  } finally {
    if (waiting) tokens.close(waiting);
  }
}

function recordFailure(state: TaskState, run: Run, error: StatesError): StatesError {
  const details = { ...resourceOf(state), error: error.name, cause: error.message };
  if (error.name === "States.Timeout" || error.name === "States.HeartbeatTimeout")
    run.history.record(run.trail, "TaskTimedOut", () => ({ taskTimedOutEventDetails: details }));
  else run.history.record(run.trail, "TaskFailed", () => ({ taskFailedEventDetails: details }));
  return error;
}

function withToken(environment: Environment, token: string): Environment {
  const context = environment.states.context;
  return {
    ...environment,
    states: { ...environment.states, context: { ...(isJsonObject(context) ? context : {}), Task: { Token: token } } },
  };
}

function resourceOf(state: TaskState): JsonObject {
  const [, service, resource] = /^arn:aws:states:::(\w+):(.+)$/.exec(state.resource) ?? [];
  return { resourceType: service ?? "", resource: resource ?? "" };
}

function recordScheduled(state: TaskState, run: Run, given: Json, timeout?: number, heartbeat?: number): void {
  const { history, trail } = run;
  history.record(trail, "TaskScheduled", () => ({
    taskScheduledEventDetails: {
      ...resourceOf(state),
      region: run.executionArn.split(":")[3] ?? "",
      parameters: JSON.stringify(given),
      ...(timeout !== undefined && { timeoutInSeconds: timeout }),
      ...(heartbeat !== undefined && { heartbeatInSeconds: heartbeat }),
    },
  }));
  history.record(trail, "TaskStarted", () => ({ taskStartedEventDetails: resourceOf(state) }));
}

function recordSubmitted(state: TaskState, run: Run, output: Json): void {
  run.history.record(run.trail, "TaskSubmitted", () => ({
    taskSubmittedEventDetails: { ...resourceOf(state), output: JSON.stringify(output) },
  }));
}

async function perform(
  state: TaskState,
  given: Json,
  run: Run,
  signal: AbortSignal,
  waiting: WaitingTask | undefined,
): Promise<Json> {
  if (state.resource === "arn:aws:states:::states:startExecution") return startExecution(state, given, run);
  if (state.resource === "arn:aws:states:::states:startExecution.sync:2")
    return await startExecutionSync(state, given, run, signal);
  const answer = await invokeLambda(state, given, run, signal);
  if (waiting === undefined) return answer;
  if (!signal.aborted) recordSubmitted(state, run, answer);
  return await waiting.outcome;
}

function parseArguments<T>(schema: z.ZodType<T>, given: Json, state: TaskState): T {
  const parsed = schema.safeParse(given);
  if (parsed.success) return parsed.data;
  throw new StatesError(
    "States.Runtime",
    `The Arguments of ${state.name} could not be used to start the Task: ${z.prettifyError(parsed.error)}`,
  );
}

async function invokeLambda(state: TaskState, given: Json, run: Run, signal: AbortSignal): Promise<Json> {
  const { FunctionName, Payload } = parseArguments(lambdaArguments, given, state);
  const context = { executionArn: run.executionArn, stateName: state.name, signal };
  const refused = run.runtime.refusal({ kind: "invoke", functionName: FunctionName }, run.executionArn);
  // Lambda models no such error: it has the name of the SDK's base class.
  if (refused !== undefined) throw new StatesError("Lambda.AWSLambdaException", refused);
  try {
    // Copies on both sides: what a handler does to its event, or later to its answer, stays with the handler.
    const answer = copyJson(
      (await run.runtime.lambda.invoke(FunctionName, Payload === undefined ? {} : copyJson(Payload), context)) ?? null,
    );
    return { ExecutedVersion: "$LATEST", Payload: answer, StatusCode: 200 };
  } catch (error) {
    throw lambdaError(error);
  }
}

/** A function's failure has JSON as its cause; what the Lambda service itself refuses, a plain message. */
function lambdaError(error: unknown): StatesError {
  if (error instanceof StatesError) return error;
  if (!(error instanceof Error))
    return new StatesError(
      typeof error,
      JSON.stringify({ errorType: typeof error, errorMessage: String(error), trace: [] }),
    );
  if (error.name.startsWith("Lambda.")) return new StatesError(error.name, error.message, { cause: error });
  const trace = (error.stack ?? "").split("\n").slice(0, MAX_TRACE_LINES);
  const cause = JSON.stringify({ errorType: error.name, errorMessage: error.message, trace });
  return new StatesError(error.name, cause, { cause: error });
}

/** Continues immediately: the execution runs by itself. */
function startExecution(state: TaskState, given: Json, run: Run): Json {
  const { StateMachineArn, Name, Input } = parseArguments(executionArguments, given, state);
  const { executionArn } = startChild(state, run, StateMachineArn, Name, JSON.stringify(Input ?? {}));
  return { ExecutionArn: executionArn, StartDate: run.runtime.clock.now() };
}

async function startExecutionSync(state: TaskState, given: Json, run: Run, signal: AbortSignal): Promise<Json> {
  const { StateMachineArn, Name, Input } = parseArguments(executionArguments, given, state);
  const { runtime } = run;
  const input = Input === undefined ? {} : copyJson(Input);
  const { executionArn } = startChild(state, run, StateMachineArn, Name, JSON.stringify(input));
  const stop = () => runtime.stopExecution(executionArn, "States.TaskFailed", "The parent's task ended.");
  signal.addEventListener("abort", stop, { once: true });
  recordSubmitted(state, run, { ExecutionArn: executionArn });
  const closed = await runtime.result(executionArn);
  signal.removeEventListener("abort", stop);
  const description = {
    ExecutionArn: executionArn,
    Input: input,
    InputDetails: { Included: true },
    Name: closed.name,
    StartDate: closed.startDate.getTime(),
    StateMachineArn: closed.stateMachineArn,
    Status: closed.status,
    StopDate: closed.stopDate?.getTime() ?? 0,
  };
  if (closed.status === "SUCCEEDED")
    return { ...description, Output: copyJson(JSON.parse(closed.output ?? "null")), OutputDetails: { Included: true } };
  throw new StatesError(
    "States.TaskFailed",
    JSON.stringify({ ...description, Error: closed.error, Cause: closed.cause }),
  );
}

function startChild(state: TaskState, run: Run, stateMachineArn: string, name: string | undefined, input: string) {
  const refused = run.runtime.nestedStartError(state.name, run.executionArn);
  if (refused !== undefined) throw new StatesError(refused, `StartExecution failed: ${refused}`);
  const denied = run.runtime.refusal({ kind: "start", stateMachineArn }, run.executionArn);
  if (denied !== undefined) throw new StatesError("StepFunctions.AccessDeniedException", denied);
  try {
    return run.runtime.startExecution({ stateMachineArn, input, ...(name !== undefined && { name }) });
  } catch (error) {
    if (error instanceof AwsError) throw new StatesError(`StepFunctions.${error.name}Exception`, error.message);
    throw asStatesError(error);
  }
}

async function watchHeartbeat(task: WaitingTask, seconds: number, run: Run, signal: AbortSignal): Promise<never> {
  const { clock } = run.runtime;
  for (;;) {
    const leftMs = task.lastBeatMs + seconds * 1000 - clock.now();
    if (leftMs <= 0) throw new StatesError("States.HeartbeatTimeout", `No heartbeat came in ${seconds} s.`);
    await clock.sleep(leftMs, signal);
  }
}
