import { describe, expect, it } from "vitest";
import type { HistoryEvent } from "../aws/step-functions/history.ts";
import { callbackTask, childTask, eventTypes, failing, harness, MACHINE, machine, task } from "./asl-harness.ts";

const done = { Type: "Succeed" };
const named = (name: string) => expect.objectContaining({ name });

describe("states", () => {
  it("assign from the variables as they were, in Assign and Output alike", async () => {
    const definition = machine({
      A: { Type: "Pass", Assign: { x: 1, y: 2 }, Next: "B" },
      B: { Type: "Pass", Assign: { x: "{% $y %}", y: "{% $x %}" }, Output: "{% $x %}", Next: "C" },
      C: { Type: "Succeed", Output: "{% [$states.input, $x, $y] %}" },
    });
    expect((await harness(definition).run()).output).toEqual([1, 2, 1]);
  });
  it("assign on the way that is taken: of a rule, of the default, of a catcher", async () => {
    const definition = machine({
      Work: task({
        Assign: { way: "result" },
        Catch: [{ ErrorEquals: ["E"], Assign: { way: "{% $states.errorOutput.Error %}" }, Output: 3, Next: "Which" }],
        Next: "Which",
      }),
      Which: {
        Type: "Choice",
        Assign: { choice: "default" },
        Choices: [
          { Condition: "{% $states.input > 2 %}", Assign: { choice: "rule" }, Output: "{% $way %}", Next: "Done" },
        ],
        Default: "Done",
      },
      Done: { Type: "Succeed", Output: "{% [$states.input, $way, $choice] %}" },
    });
    expect((await harness(definition).run(1)).output).toEqual([1, "result", "default"]);
    expect((await harness(definition, failing(1, "E")).run(1)).output).toEqual(["E", "E", "rule"]);
  });
  it("fail when a variable is read that no state has assigned yet", async () => {
    const definition = machine({
      A: { Type: "Pass", Output: "{% $later %}", Next: "B" },
      B: { Type: "Pass", Assign: { later: 1 }, End: true },
    });
    expect(await harness(definition).run()).toMatchObject({ error: "States.QueryEvaluationError" });
  });
  it("choose by boolean conditions only, and fail without a match", async () => {
    const choice = (Condition: string | boolean) =>
      machine({ C: { Type: "Choice", Choices: [{ Condition, Next: "D" }] }, D: done });
    expect(await harness(choice(true)).run()).toMatchObject({ status: "SUCCEEDED" });
    expect(await harness(choice("{% 1 = 2 %}")).run()).toMatchObject({ error: "States.NoChoiceMatched" });
    expect(await harness(choice("{% 'yes' %}")).run()).toMatchObject({ error: "States.QueryEvaluationError" });
  });
  it("wait for seconds or until a time, and not at all for a time that is past", async () => {
    const wait = (more: object) => harness(machine({ W: { Type: "Wait", ...more, End: true } })).run();
    expect(await wait({ Seconds: "{% 2 * 30 %}" })).toMatchObject({ seconds: 60 });
    expect(await wait({ Timestamp: "1970-01-01T02:00:00+01:00" })).toMatchObject({ seconds: 3600 });
    expect(await wait({ Timestamp: "{% '1969-01-01T00:00:00Z' %}" })).toMatchObject({
      status: "SUCCEEDED",
      seconds: 0,
    });
    expect(await wait({ Seconds: "{% 1.5 %}" })).toMatchObject({ error: "States.QueryEvaluationError" });
    expect(await wait({ Timestamp: "{% 'soon' %}" })).toMatchObject({ error: "States.QueryEvaluationError" });
  });
  it("fail with the error and the cause of a Fail state", async () => {
    const fail = machine({ F: { Type: "Fail", Error: "Bad", Cause: "{% $states.input.why %}" } });
    expect(await harness(fail).run({ why: "so" })).toMatchObject({ status: "FAILED", error: "Bad", cause: "so" });
    const plain = await harness(machine({ F: { Type: "Fail" } })).run();
    expect([plain.status, plain.error, plain.cause]).toEqual(["FAILED", undefined, undefined]);
  });
  it("see the context of their execution", async () => {
    const { output } = await harness(machine({ D: { Type: "Succeed", Output: "{% $states.context %}" } })).run({
      a: 1,
    });
    expect(output).toMatchObject({
      Execution: {
        Id: expect.stringContaining(":execution:Machine:"),
        Input: { a: 1 },
        StartTime: "1970-01-01T00:00:00.000Z",
      },
      StateMachine: { Id: MACHINE, Name: "Machine" },
      State: { Name: "D", EnteredTime: "1970-01-01T00:00:00.000Z", RetryCount: 0 },
    });
  });
});

describe("limits", () => {
  const big = "x".repeat(300_000);
  it("end an execution whose task answers with more than 256 KiB, past States.ALL", async () => {
    const definition = machine({ W: task({ Catch: [{ ErrorEquals: ["States.ALL"], Next: "D" }] }), D: done });
    expect(await harness(definition, () => big).run()).toMatchObject({
      status: "FAILED",
      error: "States.DataLimitExceeded",
    });
  });
  it("hold for what a state puts out and assigns", async () => {
    const half = { Assign: { x: "x".repeat(200_000) }, Next: "B" };
    const twice = (more: object) =>
      harness(machine({ A: { Type: "Pass", ...half }, B: { Type: "Pass", ...more, End: true } })).run();
    expect(await twice({ Output: "{% $x & $x %}" })).toMatchObject({ error: "States.DataLimitExceeded" });
    expect(await twice({ Assign: { y: ["{% $x %}", "{% $x %}"] } })).toMatchObject({
      error: "States.DataLimitExceeded",
    });
  });
  it("refuse an input that is too large or no JSON", () => {
    const { stepFunctions } = harness(machine({ D: done }));
    const start = (input: string) => () => stepFunctions.startExecution({ stateMachineArn: MACHINE, input });
    expect(start(JSON.stringify(big))).toThrow(named("InvalidExecutionInput"));
    expect(start("{")).toThrow(named("InvalidExecutionInput"));
    expect(start(`${"[".repeat(20_000)}${"]".repeat(20_000)}`)).toThrow(/nests too deep/);
  });
  it("end an execution at 25,000 events", async () => {
    const loop = machine({
      W: { Type: "Wait", Seconds: 1, Next: "C" },
      C: { Type: "Choice", Choices: [{ Condition: "{% false %}", Next: "E" }], Default: "W" },
      E: done,
    });
    const it = harness(loop);
    const outcome = await it.run();
    expect(outcome).toMatchObject({ error: "States.Runtime", cause: expect.stringContaining("25,000") });
    expect(it.stepFunctions.getExecutionHistory(outcome.executionArn)).toHaveLength(25_000);
  });
});

describe("execution names", () => {
  const waiting = machine({ W: { Type: "Wait", Seconds: 60, End: true } });
  const start = ({ stepFunctions }: ReturnType<typeof harness>, name: string, input = '{"a":1}') =>
    stepFunctions.startExecution({ stateMachineArn: MACHINE, name, input });

  it("give the running execution for the same name and input", async () => {
    const it = harness(waiting);
    const first = start(it, "n");
    await it.clock.advance(1000);
    expect(start(it, "n", '{ "a": 1 }')).toEqual(first);
    expect(it.stepFunctions.listExecutions({ stateMachineArn: MACHINE })).toHaveLength(1);
  });
  it("are taken while an execution runs with another input, and for 90 days after it ended", async () => {
    const it = harness(waiting);
    start(it, "n");
    expect(() => start(it, "n", "{}")).toThrow(named("ExecutionAlreadyExists"));
    await it.clock.advance(60_000);
    expect(() => start(it, "n")).toThrow(named("ExecutionAlreadyExists"));
    const days = 24 * 3600 * 1000;
    await it.clock.advance(90 * days - 1);
    expect(() => start(it, "n")).toThrow(named("ExecutionAlreadyExists"));
    await it.clock.advance(1);
    expect(start(it, "n").startDate).toEqual(new Date(60_000 + 90 * days));
  });
  it("have at most 80 plain characters", () => {
    const it = harness(waiting);
    expect(start(it, `a-Z_0.9${"x".repeat(73)}`).executionArn).toMatch(/:execution:Machine:a-Z_0\.9x+$/);
    for (const name of ["", "x".repeat(81), "a b", "a/b", "a:b", "a#b", "a*"])
      expect(() => start(it, name)).toThrow(named("InvalidName"));
  });
  it("are of one machine in one account and region", () => {
    const it = harness(waiting);
    const other = MACHINE.replace("111111111111", "222222222222");
    it.stepFunctions.createStateMachine(other, waiting);
    start(it, "n");
    const { executionArn } = it.stepFunctions.startExecution({ stateMachineArn: other, name: "n", input: "[]" });
    expect(executionArn).toBe("arn:aws:states:eu-west-1:222222222222:execution:Machine:n");
  });
});

describe("the execution store", () => {
  it("does not know what was never made", () => {
    const { stepFunctions } = harness(machine({ D: done }));
    expect(() => stepFunctions.describeExecution("arn:x")).toThrow(named("ExecutionDoesNotExist"));
    expect(() => stepFunctions.stopExecution("arn:x")).toThrow(named("ExecutionDoesNotExist"));
    expect(() => stepFunctions.getExecutionHistory("arn:x")).toThrow(named("ExecutionDoesNotExist"));
    expect(() => stepFunctions.startExecution({ stateMachineArn: "arn:x" })).toThrow(named("StateMachineDoesNotExist"));
    expect(() => stepFunctions.listExecutions({ stateMachineArn: "arn:x" })).toThrow(named("StateMachineDoesNotExist"));
  });
  it("describes and lists executions, the newest first", async () => {
    const it = harness(machine({ W: { Type: "Wait", Seconds: "{% $states.input %}", End: true } }));
    for (const [name, input] of [
      ["a", "5"],
      ["b", "50"],
      ["c", "5"],
    ] as const)
      it.stepFunctions.startExecution({ stateMachineArn: MACHINE, name, input });
    await it.clock.advance(10_000);
    const list = (statusFilter?: "SUCCEEDED" | "RUNNING") =>
      it.stepFunctions
        .listExecutions({ stateMachineArn: MACHINE, ...(statusFilter && { statusFilter }) })
        .map(({ name }) => name);
    expect([list(), list("SUCCEEDED"), list("RUNNING")]).toEqual([["c", "b", "a"], ["c", "a"], ["b"]]);
    expect(it.stepFunctions.describeExecution(`${MACHINE.replace("stateMachine", "execution")}:a`)).toEqual({
      executionArn: `${MACHINE.replace("stateMachine", "execution")}:a`,
      stateMachineArn: MACHINE,
      name: "a",
      status: "SUCCEEDED",
      startDate: new Date(0),
      stopDate: new Date(5000),
      input: "5",
      output: "5",
      transitions: 1,
    });
  });
  it("stops an execution at once, and only once", async () => {
    const it = harness(machine({ W: { Type: "Wait", Seconds: 100, End: true } }));
    const { executionArn } = it.stepFunctions.startExecution({ stateMachineArn: MACHINE });
    await it.clock.advance(1000);
    expect(it.stepFunctions.stopExecution(executionArn, "Operator", "enough")).toEqual({ stopDate: new Date(1000) });
    const stopped = { status: "ABORTED", error: "Operator", cause: "enough" };
    expect(it.stepFunctions.describeExecution(executionArn)).toMatchObject(stopped);
    await it.clock.advance(1000);
    expect(it.stepFunctions.stopExecution(executionArn, "Other")).toEqual({ stopDate: new Date(1000) });
    expect(it.stepFunctions.describeExecution(executionArn)).toMatchObject(stopped);
    expect(eventTypes(it, executionArn)).toEqual(["ExecutionStarted", "WaitStateEntered", "ExecutionAborted"]);
  });
});

describe("history", () => {
  it("reports what a task did, as GetExecutionHistory does", async () => {
    const it = harness(machine({ Work: task({ Retry: [{ ErrorEquals: ["E"] }], Assign: { v: 1 } }) }), failing(1, "E"));
    const { executionArn, transitions } = await it.run({ a: 1 });
    const events = it.stepFunctions.getExecutionHistory(executionArn);
    expect(events.map(({ id, previousEventId, type }) => [id, previousEventId, type])).toEqual([
      [1, 0, "ExecutionStarted"],
      [2, 1, "TaskStateEntered"],
      [3, 2, "TaskScheduled"],
      [4, 3, "TaskStarted"],
      [5, 4, "TaskFailed"],
      [6, 5, "TaskScheduled"],
      [7, 6, "TaskStarted"],
      [8, 7, "TaskSucceeded"],
      [9, 8, "TaskStateExited"],
      [10, 9, "ExecutionSucceeded"],
    ]);
    const input = '{"a":1}';
    expect(events[0]).toMatchObject({ timestamp: new Date(0), executionStartedEventDetails: { input } });
    expect(events[1]).toMatchObject({ stateEnteredEventDetails: { name: "Work", input } });
    expect(events[2]).toMatchObject({
      taskScheduledEventDetails: {
        resourceType: "lambda",
        resource: "invoke",
        region: "eu-west-1",
        parameters: '{"FunctionName":"work","Payload":{"a":1}}',
      },
    });
    expect(events[4]).toMatchObject({
      taskFailedEventDetails: { error: "E", cause: expect.stringContaining("it broke") },
    });
    expect(events[7]).toMatchObject({
      timestamp: new Date(1000),
      taskSucceededEventDetails: { output: '{"ExecutedVersion":"$LATEST","Payload":2,"StatusCode":200}' },
    });
    expect(events[8]).toMatchObject({
      stateExitedEventDetails: { name: "Work", output: "2", assignedVariables: { v: "1" } },
    });
    expect(events[9]).toMatchObject({ executionSucceededEventDetails: { output: "2" } });
    expect(transitions).toBe(2);
  });
  it("has an event type for every way in, out and down", async () => {
    const types = async (definition: unknown, more?: Parameters<typeof harness>[2]) => {
      const it = harness(definition, undefined, more);
      return eventTypes(it, (await it.run()).executionArn).slice(1);
    };
    const definition = machine({
      P: { Type: "Pass", Next: "W" },
      W: { Type: "Wait", Seconds: 1, Next: "C" },
      C: { Type: "Choice", Choices: [{ Condition: false, Next: "S" }], Default: "F" },
      S: done,
      F: { Type: "Fail" },
    });
    const inAndOut = (type: string) => [`${type}StateEntered`, `${type}StateExited`];
    expect(await types(definition)).toEqual([
      ...["Pass", "Wait", "Choice"].flatMap(inAndOut),
      "FailStateEntered",
      "ExecutionFailed",
    ]);
    expect(await types(machine({ S: done }))).toEqual([...inAndOut("Succeed"), "ExecutionSucceeded"]);
    expect(await types(machine({ P: { Type: "Pass", Output: "{% $states.input.x %}", End: true } }))).toEqual([
      "PassStateEntered",
      "EvaluationFailed",
      "ExecutionFailed",
    ]);
    expect(await types(machine({ T: callbackTask({ TimeoutSeconds: 5 }) }))).toEqual([
      "TaskStateEntered",
      "TaskScheduled",
      "TaskStarted",
      "TaskSubmitted",
      "TaskTimedOut",
      "ExecutionFailed",
    ]);
    expect(await types(machine({ T: childTask("n") }), { child: machine({ S: done }) })).toEqual([
      "TaskStateEntered",
      "TaskScheduled",
      "TaskStarted",
      "TaskSubmitted",
      "TaskSucceeded",
      "TaskStateExited",
      "ExecutionSucceeded",
    ]);
    const inner = { StartAt: "I", States: { I: { Type: "Pass", End: true } } };
    expect(await types(machine({ M: { Type: "Map", Items: [1], ItemProcessor: inner, End: true } }))).toEqual([
      "MapStateEntered",
      "MapStateStarted",
      "MapIterationStarted",
      ...inAndOut("Pass"),
      "MapIterationSucceeded",
      "MapStateSucceeded",
      "MapStateExited",
      "ExecutionSucceeded",
    ]);
    const ProcessorConfig = { Mode: "DISTRIBUTED", ExecutionType: "STANDARD" };
    expect(
      await types(machine({ M: { Type: "Map", Items: [1], ItemProcessor: { ...inner, ProcessorConfig }, End: true } })),
    ).toEqual(["MapStateEntered", "MapRunStarted", "MapRunSucceeded", "MapStateExited", "ExecutionSucceeded"]);
  });
  it("can be left out: the counts and the events handed on stay", async () => {
    const seen: HistoryEvent[] = [];
    const options = { keepHistory: false, onEvent: (event: HistoryEvent) => void seen.push(event) };
    const it = harness(machine({ P: { Type: "Pass", Next: "S" }, S: done }), undefined, { options });
    const { executionArn, transitions } = await it.run();
    expect(it.stepFunctions.getExecutionHistory(executionArn)).toEqual([]);
    expect(transitions).toBe(2);
    expect(seen.map(({ id }) => id)).toEqual([1, 2, 3, 4, 5, 6]);
    expect(seen[0]).toMatchObject({ executionArn, type: "ExecutionStarted" });
  });
});
