import { StateMachines, type StateMachinesOptions } from "../aws/step-functions/state-machines.ts";
import type { Json, JsonObject } from "../base/json.ts";
import { VirtualClock } from "../clock/virtual-clock.ts";

export const MACHINE = "arn:aws:states:eu-west-1:111111111111:stateMachine:Machine";
export const CHILD = "arn:aws:states:eu-west-1:111111111111:stateMachine:Child";
const LAMBDA = "arn:aws:states:::lambda:invoke";

/** A definition whose states run from the first one on. */
export function machine(states: JsonObject, more: JsonObject = {}): JsonObject {
  return { QueryLanguage: "JSONata", StartAt: Object.keys(states)[0] ?? "", States: states, ...more };
}

/** A Task that gives its input to the function `work` and puts out what that answers. */
export function task(more: JsonObject = {}): JsonObject {
  const way = "Next" in more ? {} : { End: true };
  return {
    Type: "Task",
    Resource: LAMBDA,
    Arguments: { FunctionName: "work", Payload: "{% $states.input %}" },
    Output: "{% $states.result.Payload %}",
    ...way,
    ...more,
  };
}

/** A Task that waits until its token comes back; the function gets the token. */
export function callbackTask(more: JsonObject = {}): JsonObject {
  return {
    Type: "Task",
    Resource: `${LAMBDA}.waitForTaskToken`,
    Arguments: { FunctionName: "work", Payload: { token: "{% $states.context.Task.Token %}" } },
    Output: "{% $states.result %}",
    End: true,
    ...more,
  };
}

/** A Task that runs the child machine to its end. */
export function childTask(name: string, more: JsonObject = {}): JsonObject {
  const way = "Next" in more ? {} : { End: true };
  return {
    Type: "Task",
    Resource: "arn:aws:states:::states:startExecution.sync:2",
    Arguments: { StateMachineArn: CHILD, Name: name, Input: { a: 1 } },
    Output: "{% $states.result.Output %}",
    ...way,
    ...more,
  };
}

export class NamedError extends Error {
  constructor(name: string, message = "it broke") {
    super(message);
    this.name = name;
  }
}

export type Work = (payload: Json, harness: Harness, signal: AbortSignal) => Json | Promise<Json>;

/** A function that fails a number of times with an error of that name and then answers how often it was called. */
export function failing(times: number, name: string): Work {
  let calls = 0;
  return () => {
    if (++calls <= times) throw new NamedError(name);
    return calls;
  };
}

export interface Harness {
  readonly clock: VirtualClock;
  readonly stepFunctions: StateMachines;
  /** Runs the machine to its end. */
  run(input?: Json): Promise<Outcome>;
}

export interface Outcome {
  readonly status: string;
  readonly output: Json | undefined;
  readonly error: string | undefined;
  readonly cause: string | undefined;
  readonly seconds: number;
  readonly transitions: number;
  readonly executionArn: string;
}

/** Step Functions with a machine and perhaps its child, on a virtual clock that starts at 0. */
export function harness(
  definition: unknown,
  work: Work = (payload) => payload,
  more: { readonly child?: unknown; readonly options?: Partial<StateMachinesOptions> } = {},
): Harness {
  const clock = new VirtualClock(0);
  const stepFunctions: StateMachines = new StateMachines({
    clock,
    random: () => 0.5,
    lambda: { invoke: async (_name, payload, { signal }) => await work(payload, it, signal) },
    ...more.options,
  });
  stepFunctions.createStateMachine(MACHINE, definition);
  if (more.child !== undefined) stepFunctions.createStateMachine(CHILD, more.child);
  const it: Harness = {
    clock,
    stepFunctions,
    run: async (input = {}) => {
      const { executionArn } = stepFunctions.startExecution({ stateMachineArn: MACHINE, input: JSON.stringify(input) });
      const { status, output, error, cause, transitions } = await clock.run(stepFunctions.result(executionArn));
      return {
        status,
        output: output === undefined ? undefined : JSON.parse(output),
        error,
        cause,
        transitions,
        seconds: clock.now() / 1000,
        executionArn,
      };
    },
  };
  return it;
}

/** The types of an execution's events in their order. */
export function eventTypes({ stepFunctions }: Harness, executionArn: string): readonly string[] {
  return stepFunctions.getExecutionHistory(executionArn).map(({ type }) => type);
}
