import { describe, expect, it } from "vitest";
import type { JsonObject } from "../base/json.ts";
import { eventTypes, harness, MACHINE, machine, NamedError, task, type Work } from "./asl-harness.ts";

function map(more: JsonObject = {}, inner: JsonObject = task(), config: JsonObject = { Mode: "INLINE" }): JsonObject {
  const ItemProcessor = { ProcessorConfig: config, StartAt: "Inner", States: { Inner: inner } };
  return { Type: "Map", ItemProcessor, ...("Next" in more ? {} : { End: true }), ...more };
}
const distributed = (more: JsonObject = {}, inner?: JsonObject) =>
  machine({ Each: map({ Label: "Each", ...more }, inner, { Mode: "DISTRIBUTED", ExecutionType: "STANDARD" }) });
const failOn =
  (...items: readonly number[]): Work =>
  (item) => {
    if (typeof item === "number" && items.includes(item)) throw new NamedError("Boom");
    return item;
  };

/** A function that takes 10 s and notes how many of it run at once. */
function counting() {
  const count = { now: 0, most: 0, calls: 0 };
  const work: Work = async (item, { clock }) => {
    count.calls++;
    count.most = Math.max(count.most, ++count.now);
    await clock.sleep(10_000);
    count.now--;
    return item;
  };
  return { count, work };
}
const numbers = (length: number) => Array.from({ length }, (_, index) => index);

describe("INLINE Map", () => {
  it("returns the outputs in the order of the items, even if a later item ends first", async () => {
    const slowFirst: Work = async (item, { clock }) => {
      await clock.sleep(10_000 / (Number(item) + 1));
      return item;
    };
    expect(await harness(machine({ Each: map() }), slowFirst).run([0, 1, 2])).toMatchObject({
      output: [0, 1, 2],
      seconds: 10,
    });
  });
  it("sees outer variables and its item, and keeps its own variables to itself", async () => {
    const inner = {
      Type: "Pass",
      Assign: { mine: "{% $states.input %}" },
      Output: "{% $k & $states.context.Map.Item.Index & $states.input & $states.context.Map.Item.Value %}",
      End: true,
    };
    const definition = machine({
      Set: { Type: "Pass", Assign: { k: "k" }, Next: "Each" },
      Each: map({ Items: ["a", "b"], ItemSelector: "{% $uppercase($states.context.Map.Item.Value) %}" }, inner),
    });
    expect((await harness(definition).run()).output).toEqual(["k0Aa", "k1Bb"]);
  });
  it("gives each iteration variables of its own", async () => {
    const States = {
      Note: { Type: "Pass", Assign: { mine: "{% $states.input %}" }, Next: "Wait" },
      Wait: { Type: "Wait", Seconds: 1, Next: "Tell" },
      Tell: { Type: "Succeed", Output: "{% $mine %}" },
    };
    const each = { Type: "Map", ItemProcessor: { StartAt: "Note", States }, End: true };
    expect((await harness(machine({ Each: each })).run(["a", "b", "c"])).output).toEqual(["a", "b", "c"]);
  });
  it("runs at most 40 iterations at once, or MaxConcurrency", async () => {
    for (const [more, most] of [
      [{}, 40],
      [{ MaxConcurrency: 0 }, 40],
      [{ MaxConcurrency: "{% 1 + 2 %}" }, 3],
    ] as const) {
      const { count, work } = counting();
      await harness(machine({ Each: map(more) }), work).run(numbers(100));
      expect(count).toMatchObject({ most, calls: 100 });
    }
  });
  it("fails with its first failure, ends the other iterations and starts no more", async () => {
    const { count, work } = counting();
    const it = harness(machine({ Each: map({ MaxConcurrency: 2 }) }), async (item, running, signal) => {
      if (item === 0) await running.clock.sleep(1000).then(() => Promise.reject(new NamedError("Boom")));
      return await work(item, running, signal);
    });
    const outcome = await it.run(numbers(10));
    expect(outcome).toMatchObject({ error: "Boom", seconds: 1 });
    expect(count.calls).toBe(1);
    const types = eventTypes(it, outcome.executionArn);
    expect(types.filter((type) => type.startsWith("MapIteration")).sort()).toEqual([
      "MapIterationAborted",
      "MapIterationFailed",
      "MapIterationStarted",
      "MapIterationStarted",
    ]);
    expect(types.slice(-2)).toEqual(["MapStateFailed", "ExecutionFailed"]);
  });
  it("runs all items again on Retry", async () => {
    let failures = 1;
    const calls: unknown[] = [];
    const definition = machine({ Each: map({ Retry: [{ ErrorEquals: ["Boom"] }] }) });
    const outcome = await harness(definition, (item) => {
      calls.push(item);
      if (item === 1 && failures-- > 0) throw new NamedError("Boom");
      return item;
    }).run([0, 1]);
    expect(outcome.output).toEqual([0, 1]);
    expect(calls).toHaveLength(4);
  });
  it("gives an empty array for no items, and refuses an input that is not an array", async () => {
    expect((await harness(machine({ Each: map() })).run([])).output).toEqual([]);
    expect(await harness(machine({ Each: map() })).run({})).toMatchObject({ error: "States.QueryEvaluationError" });
  });
  it("ends with its execution", async () => {
    const it = harness(machine({ Each: map() }, { TimeoutSeconds: 5 }), counting().work);
    expect(await it.run([1, 2])).toMatchObject({ status: "TIMED_OUT", seconds: 5 });
    expect(
      eventTypes(it, it.stepFunctions.listExecutions({ stateMachineArn: MACHINE })[0]?.executionArn ?? "").at(-1),
    ).toBe("ExecutionTimedOut");
  });
});

describe("DISTRIBUTED Map", () => {
  it("tolerates no failure by default", async () => {
    const outcome = await harness(distributed(), failOn(1)).run([0, 1, 2]);
    expect(outcome).toMatchObject({ error: "States.ExceedToleratedFailureThreshold" });
    expect(outcome.cause).toContain("Boom");
  });
  it("tolerates failures up to the percentage, and they have no entry in the result", async () => {
    expect((await harness(distributed({ ToleratedFailurePercentage: 34 }), failOn(1)).run([0, 1, 2])).output).toEqual([
      0, 2,
    ]);
    expect(await harness(distributed({ ToleratedFailurePercentage: 33 }), failOn(1)).run([0, 1, 2])).toMatchObject({
      error: "States.ExceedToleratedFailureThreshold",
    });
    const none = await harness(distributed({ ToleratedFailurePercentage: 100 }), failOn(0, 1, 2)).run([0, 1, 2]);
    expect(none.output).toEqual([]);
  });
  it("tolerates failures up to the count; with both limits the first one counts", async () => {
    expect((await harness(distributed({ ToleratedFailureCount: 1 }), failOn(1)).run([0, 1, 2])).output).toEqual([0, 2]);
    const both = distributed({ ToleratedFailureCount: 1, ToleratedFailurePercentage: 100 });
    expect(await harness(both, failOn(1, 2)).run([0, 1, 2])).toMatchObject({
      error: "States.ExceedToleratedFailureThreshold",
    });
  });
  it("starts no queued item once the threshold is exceeded, though the failure is caught", async () => {
    const calls: unknown[] = [];
    const definition = machine({
      Each: map(
        { MaxConcurrency: 1, Catch: [{ ErrorEquals: ["States.ALL"], Output: "caught", Next: "Later" }], Next: "Later" },
        task(),
        { Mode: "DISTRIBUTED", ExecutionType: "STANDARD" },
      ),
      Later: { Type: "Wait", Seconds: 100, End: true },
    });
    const outcome = await harness(definition, (item) => {
      calls.push(item);
      throw new NamedError("Boom");
    }).run([0, 1, 2]);
    expect(outcome).toMatchObject({ output: "caught", seconds: 100 });
    expect(calls).toEqual([0]);
  });
  it("returns the outputs in the order of the items, even if a later item ends first", async () => {
    const slowFirst: Work = async (item, { clock }) => clock.sleep(10_000 / (Number(item) + 1)).then(() => item);
    expect((await harness(distributed(), slowFirst).run([0, 1, 2])).output).toEqual([0, 1, 2]);
  });
  it("hands its items no variable, though they have one of that name", async () => {
    const States = {
      Read: { Type: "Pass", Output: "{% $exists($k) ? $k : 'unset' %}", Next: "Set" },
      Set: { Type: "Pass", Assign: { k: 2 }, End: true },
    };
    const ProcessorConfig = { Mode: "DISTRIBUTED", ExecutionType: "STANDARD" };
    const definition = machine({
      Outer: { Type: "Pass", Assign: { k: 1 }, Next: "Each" },
      Each: { Type: "Map", ItemProcessor: { ProcessorConfig, StartAt: "Read", States }, End: true },
    });
    expect((await harness(definition).run([0])).output).toEqual(["unset"]);
  });
  it("is not limited to 40 at once", async () => {
    const { count, work } = counting();
    await harness(distributed(), work).run(numbers(300));
    expect(count.most).toBe(300);
  });
  it("runs each item as an execution of its own", async () => {
    const ids: string[] = [];
    const inner = {
      Type: "Pass",
      Output: "{% [$states.context.Execution.Id, $states.context.StateMachine.Id, $exists($states.context.Map)] %}",
      End: true,
    };
    const it = harness(distributed({}, inner), undefined, {
      options: { onEvent: ({ type, executionArn }) => void (type === "ExecutionSucceeded" && ids.push(executionArn)) },
    });
    const { output, transitions } = await it.run(["a", "b"]);
    expect(ids.slice(0, 2)).toEqual(Array.isArray(output) ? output.map((item) => Array.isArray(item) && item[0]) : []);
    expect(output).toMatchObject([
      [expect.stringMatching(/:execution:Machine\/Each:[0-9a-f-]{36}$/), `${MACHINE}/Each`, false],
      [expect.stringMatching(/:execution:Machine\/Each:[0-9a-f-]{36}$/), `${MACHINE}/Each`, false],
    ]);
    expect(new Set(ids).size).toBe(3);
    expect(transitions).toBe(3);
  });
});
