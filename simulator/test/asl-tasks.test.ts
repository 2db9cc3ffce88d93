import { describe, expect, it } from "vitest";
import {
  CHILD,
  callbackTask,
  childTask,
  failing,
  type Harness,
  harness,
  MACHINE,
  machine,
  NamedError,
  task,
  type Work,
} from "./asl-harness.ts";

const done = { Type: "Succeed" };
const caughtAs = (name: string, output: string) =>
  machine({ Work: task({ Catch: [{ ErrorEquals: [name], Output: output, Next: "Done" }] }), Done: done });

describe("retry", () => {
  const retry = (more: object, times = 3) =>
    harness(
      machine({ Work: task({ Retry: [{ ErrorEquals: ["Busy"], IntervalSeconds: 5, ...more }] }) }),
      failing(times, "Busy"),
    );

  it("backs off by the rate", async () => {
    expect(await retry({ BackoffRate: 2, MaxAttempts: 5 }).run()).toMatchObject({ output: 4, seconds: 5 + 10 + 20 });
  });
  it("waits no longer than MaxDelaySeconds", async () => {
    expect(await retry({ BackoffRate: 2, MaxAttempts: 5, MaxDelaySeconds: 6 }).run()).toMatchObject({ seconds: 17 });
  });
  it("spreads the delay with full jitter", async () => {
    expect(await retry({ JitterStrategy: "FULL" }, 1).run()).toMatchObject({ output: 2, seconds: 2.5 });
  });
  it("has three attempts, an interval of 1 s and a rate of 2 by default", async () => {
    const definition = machine({ Work: task({ Retry: [{ ErrorEquals: ["Busy"] }] }) });
    expect(await harness(definition, failing(4, "Busy")).run()).toMatchObject({ error: "Busy", seconds: 1 + 2 + 4 });
  });
  it("gives up after MaxAttempts, and never tries with none", async () => {
    expect(await retry({ MaxAttempts: 2 }).run()).toMatchObject({ status: "FAILED", error: "Busy" });
    expect(await retry({ MaxAttempts: 0 }, 1).run()).toMatchObject({ error: "Busy", seconds: 0 });
  });
  it("counts the attempts of each retrier on its own, and gives the state their number", async () => {
    const names = ["A", "B", "A", "B"];
    const seen: unknown[] = [];
    const definition = machine({
      Work: task({
        Arguments: { FunctionName: "work", Payload: "{% $states.context.State.RetryCount %}" },
        Retry: [
          { ErrorEquals: ["A"], MaxAttempts: 2 },
          { ErrorEquals: ["B"], MaxAttempts: 2 },
        ],
      }),
    });
    const outcome = await harness(definition, (payload) => {
      seen.push(payload);
      const name = names.shift();
      if (name) throw new NamedError(name);
      return "done";
    }).run();
    expect(outcome).toMatchObject({ output: "done", seconds: 1 + 1 + 2 + 2, transitions: 5 });
    expect(seen).toEqual([0, 1, 2, 3, 4]);
  });
  it("hands every attempt the same event, even if a function changes it", async () => {
    const seen: unknown[] = [];
    const definition = machine({ Work: task({ Retry: [{ ErrorEquals: ["States.ALL"] }] }) });
    const spoil: Work = (payload) => {
      seen.push(structuredClone(payload));
      if (typeof payload === "object" && payload !== null) Object.assign(payload, { list: "spoilt" });
      if (seen.length < 3) throw new NamedError("Busy");
      return payload;
    };
    await harness(definition, spoil).run({ list: [1] });
    expect(seen).toEqual([{ list: [1] }, { list: [1] }, { list: [1] }]);
  });
});

describe("catch", () => {
  it("matches the error's name and gives Lambda's JSON as the cause", async () => {
    const definition = caughtAs("MyError", "{% $parse($states.errorOutput.Cause) %}");
    const { output } = await harness(definition, failing(1, "MyError")).run();
    expect(output).toMatchObject({ errorType: "MyError", errorMessage: "it broke", trace: expect.any(Array) });
  });
  it("leaves other errors alone", async () => {
    expect(await harness(caughtAs("Other", "x"), failing(1, "MyError")).run()).toMatchObject({ error: "MyError" });
  });
  it("gives the error as the state's output by default", async () => {
    const definition = machine({ Work: task({ Catch: [{ ErrorEquals: ["States.ALL"], Next: "Done" }] }), Done: done });
    expect((await harness(definition, failing(1, "E")).run()).output).toMatchObject({
      Error: "E",
      Cause: expect.any(String),
    });
  });
  it("passes the Lambda service's own refusals on with a plain cause", async () => {
    const definition = caughtAs("Lambda.TooManyRequestsException", "{% $states.errorOutput.Cause %}");
    expect((await harness(definition, failing(1, "Lambda.TooManyRequestsException")).run()).output).toBe("it broke");
  });
  it("takes States.TaskFailed for a task's failure, and not for its timeout", async () => {
    expect((await harness(caughtAs("States.TaskFailed", "ok"), failing(1, "E")).run()).output).toBe("ok");
    const late: Work = async (_, { clock }) => clock.sleep(300_000).then(() => "late");
    const limited = (name: string) =>
      machine({
        Work: task({ TimeoutSeconds: 10, Catch: [{ ErrorEquals: [name], Output: "ok", Next: "Done" }] }),
        Done: done,
      });
    expect(await harness(limited("States.TaskFailed"), late).run()).toMatchObject({
      status: "FAILED",
      error: "States.Timeout",
    });
    expect(await harness(limited("States.Timeout"), late).run()).toMatchObject({ output: "ok", seconds: 10 });
  });
  it("does not see States.Runtime, under no name", async () => {
    const broken = { Arguments: { FunctionName: "{% 1 %}" } };
    for (const name of ["States.ALL", "States.Runtime", "States.TaskFailed"]) {
      const definition = machine({
        Work: task({ ...broken, Catch: [{ ErrorEquals: [name], Next: "Done" }] }),
        Done: done,
      });
      expect(await harness(definition).run()).toMatchObject({ status: "FAILED", error: "States.Runtime" });
    }
  });
  it("gets an error of the state's own Output", async () => {
    const definition = machine({
      Work: task({
        Output: "{% $states.result.nope %}",
        Catch: [{ ErrorEquals: ["States.QueryEvaluationError"], Output: "caught", Next: "Done" }],
      }),
      Done: done,
    });
    expect((await harness(definition).run()).output).toBe("caught");
  });
});

describe("timeouts", () => {
  it("are none by default", async () => {
    const slow: Work = async (_, { clock }) => clock.sleep(7200_000).then(() => "late");
    expect(await harness(machine({ Work: task() }), slow).run()).toMatchObject({ output: "late", seconds: 7200 });
  });
  it("of a task abort its function's signal and start again with each attempt", async () => {
    let aborted = 0;
    const definition = machine({
      Work: task({ TimeoutSeconds: "{% 5 + 5 %}", Retry: [{ ErrorEquals: ["States.Timeout"], MaxAttempts: 1 }] }),
    });
    const hang: Work = (_payload, _lab, signal) => {
      signal.addEventListener("abort", () => aborted++);
      return new Promise(() => {});
    };
    expect(await harness(definition, hang).run()).toMatchObject({ error: "States.Timeout", seconds: 10 + 1 + 10 });
    expect(aborted).toBe(2);
  });
  it("leave nothing asleep when the work ends in time", async () => {
    const it = harness(machine({ Work: task({ TimeoutSeconds: 1000 }) }, { TimeoutSeconds: 2000 }));
    await it.run();
    await expect(it.clock.run(new Promise(() => {}))).rejects.toThrow("deadlock: at 1970-01-01T00:00:00.000Z");
  });
  it("of a machine end it as TIMED_OUT, past every Catch", async () => {
    const hang: Work = () => new Promise(() => {});
    const definition = machine(
      { Work: task({ Catch: [{ ErrorEquals: ["States.ALL"], Next: "Done" }] }), Done: done },
      { TimeoutSeconds: 50 },
    );
    expect(await harness(definition, hang).run()).toMatchObject({
      status: "TIMED_OUT",
      error: "States.Timeout",
      seconds: 50,
    });
  });
});

describe("task tokens", () => {
  const tokenOf = (payload: unknown): string =>
    typeof payload === "object" && payload !== null && "token" in payload ? String(payload.token) : "";

  /** Runs a callback task; `act` gets the token when the function has returned. */
  function withToken(definition: unknown, act: (token: string, harness: Harness) => void | Promise<void>) {
    const tokens: string[] = [];
    const it = harness(definition, async (payload, running) => {
      const token = tokenOf(payload);
      tokens.push(token);
      void running.clock.sleep(0).then(() => act(token, running));
      return "asked";
    });
    return { ...it, tokens };
  }

  it("complete the task with the given output", async () => {
    const it = withToken(machine({ Ask: callbackTask() }), async (token, { clock, stepFunctions }) => {
      await clock.sleep(90_000);
      stepFunctions.sendTaskSuccess(token, '{"answer":42}');
    });
    const outcome = await it.run();
    expect(outcome).toMatchObject({ output: { answer: 42 }, seconds: 90 });
    expect(it.stepFunctions.executionOfToken(it.tokens[0] ?? "")).toBe(outcome.executionArn);
  });
  it("fail the task under a name that Catch matches", async () => {
    const definition = machine({
      Ask: callbackTask({ Catch: [{ ErrorEquals: ["Refused"], Output: "{% $states.errorOutput %}", Next: "Done" }] }),
      Done: done,
    });
    const it = withToken(definition, (token, { stepFunctions }) =>
      stepFunctions.sendTaskFailure(token, "Refused", "no"),
    );
    expect((await it.run()).output).toEqual({ Error: "Refused", Cause: "no" });
  });
  it("may come back before the function has returned", async () => {
    const it = harness(machine({ Ask: callbackTask() }), async (payload, { clock, stepFunctions }) => {
      stepFunctions.sendTaskSuccess(tokenOf(payload), '"early"');
      const again = () => stepFunctions.sendTaskFailure(tokenOf(payload), "Late");
      expect(again).toThrow(expect.objectContaining({ name: "TaskTimedOut" }));
      await clock.sleep(1000);
      return {};
    });
    expect(await it.run()).toMatchObject({ output: "early", seconds: 1 });
  });
  it("time out without a heartbeat, and heartbeats put that off", async () => {
    const definition = machine({ Ask: callbackTask({ HeartbeatSeconds: 60, TimeoutSeconds: 3600 }) });
    expect(await withToken(definition, () => {}).run()).toMatchObject({
      error: "States.HeartbeatTimeout",
      seconds: 60,
    });
    const beating = withToken(definition, async (token, { clock, stepFunctions }) => {
      for (let beats = 0; beats < 5; beats++) {
        await clock.sleep(50_000);
        stepFunctions.sendTaskHeartbeat(token);
      }
    });
    expect(await beating.run()).toMatchObject({ error: "States.HeartbeatTimeout", seconds: 5 * 50 + 60 });
  });
  it("of a missed heartbeat are caught as States.Timeout, and not as States.TaskFailed", async () => {
    const catching = (name: string) =>
      machine({
        Ask: callbackTask({ HeartbeatSeconds: 60, Catch: [{ ErrorEquals: [name], Output: "ok", Next: "Done" }] }),
        Done: done,
      });
    expect((await withToken(catching("States.Timeout"), () => {}).run()).output).toBe("ok");
    expect(await withToken(catching("States.TaskFailed"), () => {}).run()).toMatchObject({ status: "FAILED" });
  });
  it("are of no use once their task has timed out", async () => {
    const it = withToken(machine({ Ask: callbackTask({ TimeoutSeconds: 5 }) }), () => {});
    expect(await it.run()).toMatchObject({ error: "States.Timeout" });
    const late = () => it.stepFunctions.sendTaskSuccess(it.tokens[0] ?? "", "{}");
    expect(late).toThrow(expect.objectContaining({ name: "TaskTimedOut" }));
  });
  it("of an ended task are timed out; unknown ones don't exist; output must be JSON", async () => {
    const it = withToken(machine({ Ask: callbackTask() }), (token, { stepFunctions }) => {
      expect(() => stepFunctions.sendTaskSuccess(token, "{no json")).toThrow(
        expect.objectContaining({ name: "InvalidOutput" }),
      );
      stepFunctions.sendTaskSuccess(token, "{}");
    });
    expect(await it.run()).toMatchObject({ status: "SUCCEEDED" });
    const { stepFunctions, tokens } = it;
    const timedOut = expect.objectContaining({ name: "TaskTimedOut" });
    expect(() => stepFunctions.sendTaskSuccess(tokens[0] ?? "", "{}")).toThrow(timedOut);
    expect(() => stepFunctions.sendTaskFailure(tokens[0] ?? "")).toThrow(timedOut);
    expect(() => stepFunctions.sendTaskHeartbeat(tokens[0] ?? "")).toThrow(timedOut);
    expect(() => stepFunctions.sendTaskHeartbeat("made up")).toThrow(
      expect.objectContaining({ name: "TaskDoesNotExist" }),
    );
  });
});

describe("nested executions", () => {
  it("give their output", async () => {
    const child = machine({ Add: { Type: "Succeed", Output: '{% {"b": $states.input.a + 1} %}' } });
    const it = harness(machine({ Run: childTask("n") }), undefined, { child });
    expect((await it.run()).output).toEqual({ b: 2 });
    expect(it.stepFunctions.listExecutions({ stateMachineArn: CHILD })).toMatchObject([
      { name: "n", status: "SUCCEEDED" },
    ]);
  });
  it("fail as States.TaskFailed with the child's description as the cause", async () => {
    const child = machine({ Stop: { Type: "Fail", Error: "Nope", Cause: "because" } });
    const { error, cause } = await harness(machine({ Run: childTask("n") }), undefined, { child }).run();
    expect(error).toBe("States.TaskFailed");
    expect(JSON.parse(cause ?? "")).toMatchObject({ Name: "n", Status: "FAILED", Error: "Nope", Cause: "because" });
  });
  it("cannot be started under a name that is taken", async () => {
    const child = machine({ Done: done });
    const definition = machine({ First: childTask("n", { Next: "Second" }), Second: childTask("n") });
    expect(await harness(definition, undefined, { child }).run()).toMatchObject({
      error: "StepFunctions.ExecutionAlreadyExistsException",
    });
  });
  it.each([
    ["the parent is stopped", {}, "ABORTED"],
    ["the parent's task times out", { TimeoutSeconds: 5 }, "FAILED"],
  ])("are stopped when %s", async (_, more, status) => {
    const child = machine({ Wait: { Type: "Wait", Seconds: 1000, End: true } });
    const it = harness(machine({ Run: childTask("n", more) }), undefined, { child });
    const { executionArn } = it.stepFunctions.startExecution({ stateMachineArn: MACHINE });
    await it.clock.advance(5000);
    if (status === "ABORTED") it.stepFunctions.stopExecution(executionArn, "Operator", "not now");
    expect(await it.clock.run(it.stepFunctions.result(executionArn))).toMatchObject({ status });
    await it.clock.settle();
    expect(it.stepFunctions.listExecutions({ stateMachineArn: CHILD })).toMatchObject([{ status: "ABORTED" }]);
    expect(it.clock.now()).toBe(5000);
  });
});
