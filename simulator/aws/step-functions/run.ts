import type { Json, JsonObject } from "../../base/json.ts";
import type { Clock } from "../../clock/clock.ts";
import type { Functions } from "../../core/connections.ts";
import { type Environment, evaluate, type Template } from "./expressions.ts";
import type { History, Trail } from "./history.ts";
import type { Peaks } from "./peaks.ts";
import { Abandoned, StatesError } from "./states-error.ts";
import type { TaskTokens } from "./task-tokens.ts";

/** What runs the functions of Tasks. */
export type FunctionInvoker = Pick<Functions, "invoke">;

export type ExecutionStatus = "RUNNING" | "SUCCEEDED" | "FAILED" | "TIMED_OUT" | "ABORTED";

/** What `DescribeExecution` returns, and the number of state transitions. Input and output are JSON text. */
export interface ExecutionDescription {
  readonly executionArn: string;
  readonly stateMachineArn: string;
  readonly name: string;
  readonly status: ExecutionStatus;
  readonly startDate: Date;
  readonly stopDate?: Date;
  readonly input: string;
  readonly output?: string;
  readonly error?: string;
  readonly cause?: string;
  /** States entered and tries after the first, those of the child executions of its distributed Maps included. */
  readonly transitions: number;
}

/** What a task calls. */
export type TaskCall =
  | { readonly kind: "invoke"; readonly functionName: string }
  | { readonly kind: "start"; readonly stateMachineArn: string };

/** The execution that a task is of, and its state machine's role. */
export interface StartedBy {
  readonly executionArn: string;
  readonly stateMachineArn: string;
  readonly roleArn: string | undefined;
}

/** What the states of all executions share. */
export interface Runtime {
  readonly clock: Clock;
  readonly lambda: FunctionInvoker;
  readonly random: () => number;
  readonly tokens: TaskTokens;
  /** A history for the child execution of a distributed Map. */
  childHistory(executionArn: string, peaks: Peaks): History;
  /** A number that no other call returns. */
  nextNumber(): number;
  /** Why the execution's state machine may not make a call, in AWS's words; undefined when it may. */
  refusal(call: TaskCall, executionArn: string): string | undefined;
  /** The error's name when a state can't start an execution now; undefined when it can. */
  nestedStartError(stateName: string, executionArn: string): string | undefined;
  /** @throws AwsError as StartExecution does */
  startExecution(request: { stateMachineArn: string; name?: string; input: string }): { executionArn: string };
  /** How the execution ended, once it has. */
  result(executionArn: string): Promise<ExecutionDescription>;
  stopExecution(executionArn: string, error?: string, cause?: string): void;
}

/** One line of states: an execution, or an iteration of a Map. */
export interface Run {
  readonly runtime: Runtime;
  readonly executionArn: string;
  /** `$states.context` without `State` and `Task`. */
  readonly context: JsonObject;
  readonly history: History;
  readonly trail: Trail;
  /** Aborted when the execution or the Map around it ends early. */
  readonly signal: AbortSignal;
  readonly variables: Map<string, Json>;
}

/** One for all: most work ends in time, and making an error is expensive. */
const WORK_ENDED = new Abandoned("the work has ended");

/**
 * Works with a signal that follows `parent` and is aborted at the end. Rejects with the parent's reason when that is
 * aborted, or with the limit's error when the time is up, without waiting for the work.
 */
export async function bounded<T>(
  clock: Clock,
  parent: AbortSignal,
  limit: { readonly seconds: number; readonly error: () => StatesError } | undefined,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  parent.throwIfAborted();
  const controller = new AbortController();
  const { promise: ended, reject } = Promise.withResolvers<never>();
  const end = (reason: unknown) => {
    reject(reason);
    controller.abort(reason);
  };
  const onParent = () => end(parent.reason);
  parent.addEventListener("abort", onParent, { once: true });
  if (limit !== undefined)
    clock.sleep(limit.seconds * 1000, controller.signal).then(
      () => end(limit.error()),
      () => undefined, // the work ended first
    );
  try {
    return await Promise.race([ended, work(controller.signal)]);
  } finally {
    parent.removeEventListener("abort", onParent);
    controller.abort(WORK_ENDED);
  }
}

/**
 * The number that a template gives; undefined without a template.
 * @throws StatesError `States.QueryEvaluationError` if it is none, or out of its range.
 */
export async function evaluateNumber(
  template: Template | undefined,
  environment: Environment,
  field: { readonly name: string; readonly min: number; readonly max: number; readonly fraction?: boolean },
): Promise<number | undefined> {
  if (template === undefined) return undefined;
  const value = await evaluate(template, environment);
  const valid = typeof value === "number" && (field.fraction || Number.isInteger(value));
  if (valid && value >= field.min && value <= field.max) return value;
  throw new StatesError(
    "States.QueryEvaluationError",
    `${field.name} must be a${field.fraction ? " number" : "n integer"} from ${field.min} to ${field.max}, not ${JSON.stringify(value)}`,
    { location: field.name },
  );
}
