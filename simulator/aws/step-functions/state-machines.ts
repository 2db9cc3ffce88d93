import { AwsError } from "../../base/aws-error.ts";
import type { Json } from "../../base/json.ts";
import type { Clock } from "../../clock/clock.ts";
import { compileDefinition } from "./definition.ts";
import {
  contextOf,
  describeExecution,
  type Ending,
  type Execution,
  parseExecutionInput,
  statusOf,
} from "./execution.ts";
import { type ExpressionFunction, expressionFunctions } from "./functions.ts";
import { History, type HistoryEvent } from "./history.ts";
import { runStates } from "./interpreter.ts";
import type { Machine } from "./machine.ts";
import { Peaks } from "./peaks.ts";
import {
  bounded,
  type ExecutionDescription,
  type FunctionInvoker,
  type Runtime,
  type StartedBy,
  type TaskCall,
} from "./run.ts";
import { Abandoned, asStatesError, StatesError } from "./states-error.ts";
import { TaskTokens } from "./task-tokens.ts";

export interface StateMachinesOptions {
  readonly clock: Clock;
  readonly lambda: FunctionInvoker;
  /**
   * The error's name with which a state's start of a nested execution fails before it starts; undefined for none.
   * Default none.
   */
  readonly nestedStartError?: (stateName: string, executionArn: string) => string | undefined;
  /** Why a state machine may not make a task's call, in AWS's words; undefined when it may. Default: it may. */
  readonly refusal?: (call: TaskCall, by: StartedBy) => string | undefined;
  /** Numbers from 0 to below 1, for jitter, `$random` and `$uuid`. Default `Math.random`. */
  readonly random?: () => number;
  /** Without histories an execution keeps counts only. Default true. */
  readonly keepHistory?: boolean;
  /** Of which machines to measure what goes between states, for `peaks`. Default none. */
  readonly measurePayloads?: (stateMachineArn: string) => boolean;
  /** Called with every event of every execution, those of distributed Maps' child executions included. */
  readonly onEvent?: (event: HistoryEvent & { readonly executionArn: string }) => void;
}

export interface StartExecutionRequest {
  readonly stateMachineArn: string;
  /** Default: a UUID. */
  readonly name?: string;
  /** JSON text. Default `{}`. */
  readonly input?: string;
}

interface StateMachine {
  readonly peaks: Peaks;
  readonly text: string;
  readonly machine: Machine;
  readonly createdMs: number;
  readonly roleArn: string | undefined;
}

/** "Names can be reused after 90 days." (StartExecution) */
const NAME_REUSE_MS = 90 * 24 * 3600 * 1000;

const EXECUTION_ENDED = new Abandoned("the execution has ended");

/** Names are at most 80 characters long, without white space, control, wildcard and special characters. */
const NAME = /^[\w.+!@()='-]{1,80}$/;

/** State machines and their executions, in any number of accounts and regions: an ARN says which is meant. */
export class StateMachines {
  readonly #options: StateMachinesOptions;
  readonly #functions: readonly ExpressionFunction[];
  readonly #machines = new Map<string, StateMachine>();
  readonly #executions = new Map<string, Execution>();
  readonly #tokens: TaskTokens;
  readonly #runtime: Runtime;

  constructor(options: StateMachinesOptions) {
    const { clock, lambda, random = Math.random } = options;
    this.#options = options;
    this.#functions = expressionFunctions(clock, random);
    this.#tokens = new TaskTokens(clock);
    let numbers = 0;
    this.#runtime = {
      clock,
      lambda,
      random,
      tokens: this.#tokens,
      nextNumber: () => ++numbers,
      childHistory: (executionArn, peaks) => this.#history(executionArn, false, peaks),
      nestedStartError: (...start) => this.#options.nestedStartError?.(...start),
      refusal: (call, executionArn) => this.#refusal(call, executionArn),
      startExecution: (request) => this.startExecution(request),
      result: (executionArn) => this.result(executionArn),
      stopExecution: (executionArn, error, cause) => this.stopExecution(executionArn, error, cause),
    };
  }

  /**
   * Loads a state machine from its definition, an object or JSON text, with the role by which its tasks make their
   * calls. The same definition again changes nothing.
   * @throws AwsError `InvalidDefinition`, `InvalidArn`, `StateMachineAlreadyExists`
   */
  createStateMachine(stateMachineArn: string, definition: unknown, roleArn?: string): void {
    if (!/^arn:aws[\w-]*:states:[\w-]+:\d{12}:stateMachine:[\w.+!@()='-]{1,80}$/.test(stateMachineArn))
      throw new AwsError("InvalidArn", `Invalid Arn: '${stateMachineArn}'`);
    const machine = compileDefinition(definition, this.#functions);
    const text = typeof definition === "string" ? definition : JSON.stringify(definition);
    const existing = this.#machines.get(stateMachineArn);
    if (existing !== undefined && existing.text !== text)
      throw new AwsError("StateMachineAlreadyExists", `State Machine Already Exists: '${stateMachineArn}'`);
    const peaks = existing?.peaks ?? new Peaks(this.#options.measurePayloads?.(stateMachineArn) ?? false);
    const createdMs = existing?.createdMs ?? this.#options.clock.now();
    this.#machines.set(stateMachineArn, { text, machine, peaks, createdMs, roleArn });
  }

  /** The loaded state machines: definitions as JSON text, and the time of loading in epoch milliseconds. */
  listStateMachines(): readonly {
    readonly stateMachineArn: string;
    readonly definition: string;
    readonly createdMs: number;
  }[] {
    return [...this.#machines].map(([stateMachineArn, { text, createdMs }]) => ({
      stateMachineArn,
      definition: text,
      createdMs,
    }));
  }

  /**
   * Starts an execution. The name and input of a running execution give that execution once more.
   * @throws AwsError `StateMachineDoesNotExist`, `InvalidName`, `InvalidExecutionInput`, `ExecutionAlreadyExists`
   */
  startExecution(request: StartExecutionRequest): { executionArn: string; startDate: Date } {
    const { stateMachineArn, name = crypto.randomUUID() } = request;
    const stateMachine = this.#machines.get(stateMachineArn);
    if (stateMachine === undefined)
      throw new AwsError("StateMachineDoesNotExist", `State Machine Does Not Exist: '${stateMachineArn}'`);
    if (!NAME.test(name)) throw new AwsError("InvalidName", `Invalid Name: '${name}'`);
    const input = parseExecutionInput(request.input ?? "{}");
    const arn = `${stateMachineArn.replace(":stateMachine:", ":execution:")}:${name}`;
    const inputText = JSON.stringify(input);
    const nowMs = this.#options.clock.now();
    const existing = this.#executions.get(arn);
    if (existing !== undefined) {
      if (existing.ending === undefined && existing.input === inputText)
        return { executionArn: arn, startDate: new Date(existing.startMs) };
      if (existing.ending === undefined || nowMs < existing.ending.stopMs + NAME_REUSE_MS)
        throw new AwsError("ExecutionAlreadyExists", `Execution Already Exists: '${arn}'`);
    }
    const execution: Execution = {
      arn,
      stateMachineArn,
      name,
      input: inputText,
      startMs: nowMs,
      history: this.#history(arn, this.#options.keepHistory ?? true, stateMachine.peaks),
      trail: { previousEventId: 0 },
      controller: new AbortController(),
      result: Promise.withResolvers(),
      ending: undefined,
    };
    this.#executions.set(arn, execution);
    void this.#run(execution, stateMachine.machine, input);
    return { executionArn: arn, startDate: new Date(nowMs) };
  }

  /** @throws AwsError `ExecutionDoesNotExist` */
  describeExecution(executionArn: string): ExecutionDescription {
    return describeExecution(this.#execution(executionArn));
  }

  /**
   * The most that a state machine's executions have come to.
   * @throws AwsError `StateMachineDoesNotExist`
   */
  peaks(stateMachineArn: string): Readonly<Pick<Peaks, "payloadBytes" | "historyEvents">> {
    const machine = this.#machines.get(stateMachineArn);
    if (machine !== undefined) return machine.peaks;
    throw new AwsError("StateMachineDoesNotExist", `State Machine Does Not Exist: '${stateMachineArn}'`);
  }

  /**
   * The executions of a state machine, the newest first.
   * @throws AwsError `StateMachineDoesNotExist`
   */
  listExecutions(request: {
    readonly stateMachineArn: string;
    readonly statusFilter?: string;
  }): readonly ExecutionDescription[] {
    const { stateMachineArn, statusFilter } = request;
    if (!this.#machines.has(stateMachineArn))
      throw new AwsError("StateMachineDoesNotExist", `State Machine Does Not Exist: '${stateMachineArn}'`);
    return [...this.#executions.values()]
      .filter((execution) => execution.stateMachineArn === stateMachineArn)
      .filter((execution) => statusFilter === undefined || statusOf(execution) === statusFilter)
      .reverse()
      .map(describeExecution);
  }

  /**
   * The events of an execution, the oldest first; none if histories are not kept.
   * @throws AwsError `ExecutionDoesNotExist`
   */
  getExecutionHistory(executionArn: string): readonly HistoryEvent[] {
    return this.#execution(executionArn).history.events;
  }

  /**
   * Ends an execution as ABORTED, and the child executions that it waits for. One that has ended stays as it is.
   * @throws AwsError `ExecutionDoesNotExist`
   */
  stopExecution(executionArn: string, error?: string, cause?: string): { stopDate: Date } {
    const execution = this.#execution(executionArn);
    this.#end(execution, {
      status: "ABORTED",
      ...(error !== undefined && { error }),
      ...(cause !== undefined && { cause }),
    });
    return { stopDate: new Date(execution.ending?.stopMs ?? this.#options.clock.now()) };
  }

  /** Ends a task that waits for its token. @throws AwsError `TaskDoesNotExist`, `TaskTimedOut`, `InvalidOutput` */
  sendTaskSuccess(token: string, output: string): void {
    this.#tokens.succeed(token, output);
  }

  /** Fails a task that waits for its token. @throws AwsError `TaskDoesNotExist`, `TaskTimedOut` */
  sendTaskFailure(token: string, error = "", cause = ""): void {
    this.#tokens.fail(token, error, cause);
  }

  /** Says that the work behind a token goes on. @throws AwsError `TaskDoesNotExist`, `TaskTimedOut` */
  sendTaskHeartbeat(token: string): void {
    this.#tokens.beat(token);
  }

  /** The execution that a token was issued for, whose account it is valid in; undefined for an unknown token. */
  executionOfToken(token: string): string | undefined {
    return this.#tokens.executionOf(token);
  }

  /**
   * Resolves when the execution has ended, however it ended.
   * @throws AwsError `ExecutionDoesNotExist`
   */
  result(executionArn: string): Promise<ExecutionDescription> {
    return this.#execution(executionArn).result.promise;
  }

  #refusal(call: TaskCall, executionArn: string): string | undefined {
    const stateMachineArn = stateMachineOf(executionArn);
    const { roleArn } = this.#machines.get(stateMachineArn) ?? {};
    return this.#options.refusal?.(call, { executionArn, stateMachineArn, roleArn });
  }

  #execution(executionArn: string): Execution {
    const execution = this.#executions.get(executionArn);
    if (execution !== undefined) return execution;
    throw new AwsError("ExecutionDoesNotExist", `Execution Does Not Exist: '${executionArn}'`);
  }

  #history(executionArn: string, keep: boolean, peaks: Peaks): History {
    const { clock, onEvent } = this.#options;
    return new History({ executionArn, clock, keep, peaks, onEvent });
  }

  async #run(execution: Execution, machine: Machine, input: Json): Promise<void> {
    const { history, trail, controller } = execution;
    let timeout: StatesError | undefined;
    const limit = machine.timeoutSeconds && {
      seconds: machine.timeoutSeconds,
      error: () => {
        timeout = new StatesError("States.Timeout", `The execution did not end in ${machine.timeoutSeconds} s.`);
        return timeout;
      },
    };
    history.record(trail, "ExecutionStarted", () => ({ executionStartedEventDetails: { input: execution.input } }));
    try {
      const output = await bounded(this.#options.clock, controller.signal, limit || undefined, (signal) =>
        runStates(machine, input, {
          runtime: this.#runtime,
          executionArn: execution.arn,
          context: contextOf(execution, input),
          history,
          trail,
          signal,
          variables: new Map(),
        }),
      );
      this.#end(execution, { status: "SUCCEEDED", output: JSON.stringify(output) });
    } catch (failure) {
      const { name: error, message: cause } = asStatesError(failure);
      this.#end(execution, {
        status: failure === timeout ? "TIMED_OUT" : "FAILED",
        ...(error !== "" && { error }),
        ...(cause !== "" && { cause }),
      });
    }
  }

  /** Ends an execution; only the first end counts. */
  #end(execution: Execution, ending: Ending): void {
    if (execution.ending !== undefined) return;
    execution.ending = { ...ending, stopMs: this.#options.clock.now() };
    const { status, output = "null", error, cause } = ending;
    const failure = { ...(error !== undefined && { error }), ...(cause !== undefined && { cause }) };
    execution.history.close(execution.trail, EVENT_OF[status], () => {
      if (status === "SUCCEEDED") return { executionSucceededEventDetails: { output } };
      if (status === "FAILED") return { executionFailedEventDetails: failure };
      if (status === "ABORTED") return { executionAbortedEventDetails: failure };
      return { executionTimedOutEventDetails: failure };
    });
    execution.controller.abort(EXECUTION_ENDED);
    execution.result.resolve(describeExecution(execution));
  }
}

/** The state machine of an execution, or of a Map's child execution, whose ARN has the Map's label: `machine/label`. */
function stateMachineOf(executionArn: string): string {
  const [, scope = "", name = ""] = /^(.+?):execution:([^:/]+)/.exec(executionArn) ?? [];
  return `${scope}:stateMachine:${name}`;
}

const EVENT_OF = {
  SUCCEEDED: "ExecutionSucceeded",
  FAILED: "ExecutionFailed",
  ABORTED: "ExecutionAborted",
  TIMED_OUT: "ExecutionTimedOut",
} as const;
