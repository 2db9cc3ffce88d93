import { describe, expect, it } from "vitest";
import { differencesOf, type Replay } from "../../engines/asl/compare.ts";
import { type Change, definitionFor, localstackChanges, ministackChanges } from "../../engines/asl/definitions.ts";
import type { Recording } from "../../engines/asl/recording.ts";

const ARN = "arn:aws:states:us-east-1:123456789012:stateMachine:one";

const recording: Recording = {
  stateMachineArn: ARN,
  executionArn: ARN.replace("stateMachine", "execution"),
  input: { id: 1 },
  answers: [],
  lines: [
    [
      { state: "Map", input: { id: 1 } },
      { state: "Done", input: { error: "States.Timeout", cause: "in the lab's words" } },
    ],
    [{ state: "Take", input: { ordinal: 0 } }],
    [{ state: "Take", input: { ordinal: 1 } }],
  ],
  ending: { status: "SUCCEEDED", output: { left: 0 }, error: "", cause: "" },
};

const replay = (change: (replayed: Replay) => void = () => undefined): Replay => {
  const lines = recording.lines.map((line) => line.map((entered) => ({ ...entered })));
  const replayed: Replay = { lines, ending: { ...recording.ending }, problems: [] };
  change(replayed);
  return replayed;
};

describe("a replay", () => {
  it("is the same for any order of a Map's iterations and any wording of a timeout", () => {
    const same = replay(({ lines }) => {
      lines.reverse();
      lines[2]?.splice(1, 1, { state: "Done", input: { error: "States.Timeout" } });
    });
    expect(differencesOf(recording, same)).toEqual([]);
  });

  it.each<[string, (replayed: Replay) => void, RegExp]>([
    ["another path", ({ lines }) => lines[0]?.pop(), /^goes Map, the lab Map > Done$/],
    ["another input", ({ lines }) => lines[0]?.splice(1, 1, { state: "Done", input: {} }), /^enters Done with {}/],
    ["another iteration", ({ lines }) => lines.pop(), /^goes 2 lines, the lab 3$/],
    ["another output", ({ ending }) => Object.assign(ending, { output: { left: 1 } }), /^ends as .*"left":1/],
    ["another error", ({ ending }) => Object.assign(ending, { error: "States.Runtime" }), /^ends as .*States.Runtime/],
    ["a problem", ({ problems }) => problems.push("asks something else"), /^asks something else$/],
  ])("differs by %s", (_name, change, difference) => {
    expect(differencesOf(recording, replay(change))).toContainEqual(expect.stringMatching(difference));
  });
});

describe("the changes of the machines", () => {
  const machine = {
    StartAt: "Lane",
    States: {
      Lane: {
        Type: "Map",
        ToleratedFailurePercentage: 100,
        ItemProcessor: {
          ProcessorConfig: { Mode: "DISTRIBUTED" },
          States: {
            Wait: { Type: "Task", Catch: [{ ErrorEquals: ["States.Timeout"], Next: "Wait" }] },
            Left: { Type: "Succeed", Output: {} },
          },
        },
      },
    },
  };
  const changed = (changes: readonly Change[]): unknown => {
    const loaded = [{ stateMachineArn: ARN, definition: JSON.stringify(machine), createdMs: 0 }];
    // A lab would refuse this machine, which has only what the changes are about.
    const lab = { stepFunctions: { listStateMachines: () => loaded } } as unknown as Parameters<
      typeof definitionFor
    >[0];
    return JSON.parse(definitionFor(lab, ARN, changes));
  };

  it("without changes: the machine is the lab's", () => {
    expect(changed([])).toEqual(machine);
  });

  it("for LocalStack: a percentage as an expression, and a Pass before a Catch's own state", () => {
    const expected = structuredClone(machine) as Record<string, unknown> & typeof machine;
    const lane = expected.States.Lane as Record<string, unknown> & typeof machine.States.Lane;
    Object.assign(lane, { ToleratedFailurePercentage: "{% 100 %}" });
    lane.ItemProcessor.States.Wait.Catch = [{ ErrorEquals: ["States.Timeout"], Next: "Wait__added" }];
    Object.assign(lane.ItemProcessor.States, { Wait__added: { Type: "Pass", Next: "Wait" } });
    expect(changed(localstackChanges)).toEqual(expected);
  });

  it("for MiniStack: an inline Map, and a Pass for a Succeed with an Output", () => {
    const expected = structuredClone(machine);
    expected.States.Lane.ItemProcessor.ProcessorConfig.Mode = "INLINE";
    Object.assign(expected.States.Lane.ItemProcessor.States.Left, { Type: "Pass", End: true });
    expect(changed(ministackChanges)).toEqual(expected);
  });
});
