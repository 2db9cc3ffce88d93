import { lambdaServiceErrors, startServiceErrors } from "@ztunnel-autopilot/simulator";
import { describe, expect, it } from "vitest";
import { RETRYABLE_ERROR, TERMINAL_ERROR, THROTTLED_ERROR } from "../../../shared/base/errors.ts";
import { isJsonObject, type JsonObject } from "../../../shared/base/json.ts";
import { stateMachines } from "../../../stacks/definitions/state-machines.ts";
import { lambdaStates, type TaskState, taskStates } from "../../support/task-states.ts";

const starts = taskStates.filter(({ functionName }) => functionName === undefined);

const NO_ROOM = "Lambda.TooManyRequestsException";
const failures = lambdaServiceErrors.filter((error) => error !== NO_ROOM);

function retriersOf({ state }: Pick<TaskState, "state">): readonly JsonObject[] {
  return Array.isArray(state.Retry) ? state.Retry.filter(isJsonObject) : [];
}

/** The retrier that takes an error: the first one that names it. */
function retrierOf(task: Pick<TaskState, "state">, error: string): JsonObject | undefined {
  return retriersOf(task).find(({ ErrorEquals }) => Array.isArray(ErrorEquals) && ErrorEquals.includes(error));
}

const titled = <T extends TaskState>(tasks: readonly T[]) =>
  tasks.map((task): [string, T] => [`${task.machine} ${task.name}`, task]);
const each = <T extends TaskState>(tasks: readonly T[], errors: readonly string[]) =>
  titled(tasks).flatMap(([title, task]) => errors.map((error): [string, string, T] => [title, error, task]));

describe("what a state machine tries again", () => {
  it("is all tasks of both machines", () => {
    expect(lambdaStates).toHaveLength(16);
    expect(starts.map(({ name }) => name)).toEqual(["Roll", "ContinueAsNew"]);
  });

  it.each(each(lambdaStates, [...failures, "Lambda.Unknown", "Runtime.ExitError", "Sandbox.Timedout"]))(
    "%s: a function after %s, as a step that can be repeated",
    (_title, error, task) => {
      const retrier = retrierOf(task, error);
      expect(retrier).toBeDefined();
      expect(retrier).toBe(retrierOf(task, RETRYABLE_ERROR));
    },
  );

  it.each(titled(lambdaStates))("%s: for half an hour when AWS throttles the function's calls", (_title, task) => {
    expect(retrierOf(task, THROTTLED_ERROR)).toMatchObject({ MaxAttempts: 60, MaxDelaySeconds: 60 });
  });

  it.each(titled(lambdaStates))("%s: as long when Lambda has no room for the function", (_title, task) => {
    expect(retrierOf(task, NO_ROOM)).toBe(retrierOf(task, THROTTLED_ERROR));
  });

  it.each(titled(lambdaStates))("%s: nothing else", (_title, task) => {
    for (const error of ["States.ALL", "States.TaskFailed", TERMINAL_ERROR])
      expect(retrierOf(task, error)).toBeUndefined();
  });

  it.each(each(starts, [...startServiceErrors, "StepFunctions.ExecutionLimitExceededException"]))(
    "%s: a start after %s, for as long as a throttled account needs",
    (_title, error, task) => {
      expect(retrierOf(task, error)).toMatchObject({ MaxAttempts: 60, MaxDelaySeconds: 60 });
    },
  );

  it("is written in no definition: an error's name would be missing elsewhere", () => {
    for (const { name, definition } of stateMachines) {
      const names = JSON.stringify(definition).match(/"(Lambda|Runtime|Sandbox)\.\w+"/g) ?? [];
      expect(names, name).toEqual([]);
    }
  });
});
