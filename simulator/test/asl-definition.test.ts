import { describe, expect, it } from "vitest";
import { compileDefinition } from "../aws/step-functions/definition.ts";
import { expressionFunctions } from "../aws/step-functions/functions.ts";
import type { JsonObject } from "../base/json.ts";
import { VirtualClock } from "../clock/virtual-clock.ts";
import { callbackTask, harness, machine, task } from "./asl-harness.ts";

const functions = expressionFunctions(new VirtualClock(), () => 0);
const load = (definition: unknown) => compileDefinition(definition, functions);
const pass = (more: JsonObject) => machine({ S: { Type: "Pass", End: true, ...more } });
const done = { Type: "Succeed" };
const inlineMap = (
  more: JsonObject,
  inner: JsonObject = { Type: "Pass", End: true },
  config: JsonObject = { Mode: "INLINE" },
) =>
  machine({
    M: {
      Type: "Map",
      ItemProcessor: { ProcessorConfig: config, StartAt: "I", States: { I: inner } },
      End: true,
      ...more,
    },
  });
const distributed = { Mode: "DISTRIBUTED", ExecutionType: "STANDARD" };
const catching = (...lists: readonly string[][]) =>
  machine({ S: task({ Catch: lists.map((ErrorEquals) => ({ ErrorEquals, Next: "D" })) }), D: done });
const retrying = (more: JsonObject) => machine({ S: task({ Retry: [{ ErrorEquals: ["E"], ...more }] }) });

describe("a definition is refused", () => {
  const refused: readonly (readonly [string, unknown, RegExp])[] = [
    ["that is not JSON", "{", /Invalid State Machine Definition/],
    ["in JSONPath", { StartAt: "S", States: { S: done } }, /only JSONata/],
    ["with an unknown field of the machine", machine({ S: done }, { Parameters: {} }), /Parameters/],
    ["without its first state", machine({ S: done }, { StartAt: "X" }), /no state X/],
    ["with a state that nothing leads to", machine({ S: done, T: done }), /T: no state leads here/],
    [
      "with a circle of states that nothing leads to",
      machine({ S: done, T: { Type: "Pass", Next: "U" }, U: { Type: "Pass", Next: "T" } }),
      /T: no state leads here/,
    ],
    ["with a state name of more than 80 characters", machine({ ["x".repeat(81)]: done }), /80 characters/],
    ["with an unknown state type", machine({ S: { Type: "Parallel", Branches: [], End: true } }), /Type/],
    ["with a field that its state type lacks", pass({ Seconds: 1 }), /Seconds/],
    ["with a misspelt field", pass({ Outputt: 1 }), /Outputt/],
    ["with JSONPath's fields", pass({ Parameters: {} }), /Parameters/],
    ["with a state in JSONPath", pass({ QueryLanguage: "JSONPath" }), /QueryLanguage/],
    ["with a state that has neither Next nor End", machine({ S: { Type: "Pass" } }), /either Next or End/],
    [
      "with a state that has Next and End",
      machine({ S: { Type: "Pass", Next: "D", End: true }, D: done }),
      /either Next or End/,
    ],
    ["with a Next that leads nowhere", machine({ S: { Type: "Pass", Next: "X" } }), /no state X/],
    [
      "with a Catch that leads nowhere",
      machine({ S: task({ Catch: [{ ErrorEquals: ["E"], Next: "X" }] }) }),
      /no state X/,
    ],
    [
      "with a Default that leads nowhere",
      machine({ S: { Type: "Choice", Choices: [{ Condition: true, Next: "D" }], Default: "X" }, D: done }),
      /no state X/,
    ],
    ["with a Choice without rules", machine({ S: { Type: "Choice", Choices: [], Default: "D" }, D: done }), /Choices/],
    [
      "with a Condition that is text",
      machine({ S: { Type: "Choice", Choices: [{ Condition: "yes", Next: "D" }] }, D: done }),
      /Condition/,
    ],
    ["with a Wait for nothing", machine({ S: { Type: "Wait", End: true } }), /either Seconds or Timestamp/],
    [
      "with a Wait for two things",
      machine({ S: { Type: "Wait", Seconds: 1, Timestamp: "2026-01-01T00:00:00Z", End: true } }),
      /either Seconds or Timestamp/,
    ],
    ["with a fraction of a second", machine({ S: { Type: "Wait", Seconds: 1.5, End: true } }), /Seconds/],
    ["with another resource", machine({ S: task({ Resource: "arn:aws:states:::sqs:sendMessage" }) }), /not supported/],
    [
      "with Lambda arguments without a function",
      machine({ S: task({ Arguments: { Payload: 1 } }) }),
      /FunctionName is missing/,
    ],
    [
      "with a Lambda argument that is not implemented",
      machine({ S: task({ Arguments: { FunctionName: "f", Qualifier: "1" } }) }),
      /Qualifier/,
    ],
    ["with a heartbeat on a plain task", machine({ S: task({ HeartbeatSeconds: 5 }) }), /waitForTaskToken only/],
    [
      "with a heartbeat as long as the timeout",
      machine({ S: callbackTask({ HeartbeatSeconds: 5, TimeoutSeconds: 5 }) }),
      /below TimeoutSeconds/,
    ],
    ["with a timeout of 0", machine({ S: task({ TimeoutSeconds: 0 }) }), /TimeoutSeconds/],
    ["with States.ALL beside others", catching(["States.ALL", "E"]), /stand alone/],
    ["with States.ALL before others", catching(["States.ALL"], ["E"]), /come last/],
    ["with an error that Step Functions does not have", catching(["States.TaskFailure"]), /does not have/],
    ["with no error to catch", catching([]), /ErrorEquals/],
    ["with an unknown field in Retry", retrying({ Delay: 1 }), /Delay/],
    ["with a shrinking backoff", retrying({ BackoffRate: 0.5 }), /BackoffRate/],
    ["with an interval of 0", retrying({ IntervalSeconds: 0 }), /IntervalSeconds/],
    ["with a Retry on a state that cannot have one", pass({ Retry: [] }), /Retry/],
    ["with tolerated failures on an inline Map", inlineMap({ ToleratedFailureCount: 1 }), /needs Mode DISTRIBUTED/],
    [
      "with Express child executions",
      inlineMap({}, undefined, { Mode: "DISTRIBUTED", ExecutionType: "EXPRESS" }),
      /ExecutionType/,
    ],
    ["with a Map over a file", inlineMap({ ItemReader: {} }, undefined, distributed), /ItemReader/],
    [
      "with a percentage above 100",
      inlineMap({ ToleratedFailurePercentage: 101 }, undefined, distributed),
      /ToleratedFailurePercentage/,
    ],
    ["with $states assigned", pass({ Assign: { states: 1 } }), /Invalid key.*Assign.states/s],
    ["with a variable that has no name", pass({ Assign: { "a-b": 1 } }), /Invalid key.*a-b/s],
    [
      "with an outer variable assigned in a Map",
      machine({
        S: { Type: "Pass", Assign: { k: 1 }, Next: "M" },
        M: {
          Type: "Map",
          ItemProcessor: { StartAt: "I", States: { I: { Type: "Pass", Assign: { k: 2 }, End: true } } },
          End: true,
        },
      }),
      /outer scope/,
    ],
    [
      "with an inner variable read outside",
      machine({
        M: {
          Type: "Map",
          ItemProcessor: { StartAt: "I", States: { I: { Type: "Pass", Assign: { k: 2 }, End: true } } },
          Output: "{% $k %}",
          End: true,
        },
      }),
      /\$k is not defined/,
    ],
    [
      "with an outer variable in a distributed Map",
      machine({
        S: { Type: "Pass", Assign: { k: 1 }, Next: "M" },
        M: {
          Type: "Map",
          ItemProcessor: {
            ProcessorConfig: distributed,
            StartAt: "I",
            States: { I: { Type: "Pass", Output: "{% $k %}", End: true } },
          },
          End: true,
        },
      }),
      /\$k is not defined/,
    ],
    [
      "with a result in Arguments",
      machine({ S: task({ Arguments: { FunctionName: "{% $states.result %}" } }) }),
      /\$states.result does not exist here/,
    ],
    ["with errorOutput outside of Catch", pass({ Output: "{% $states.errorOutput %}" }), /does not exist here/],
    ["with an expression among spaces", pass({ Output: " {% 1 %}" }), /starts with \{%/],
    ["with a syntax error", pass({ Output: "{% 1 + %}" }), /Output/],
    ["with a bare name", pass({ Output: "{% phone %}" }), /'phone' at the top level/],
    ["with a bare name in a function", pass({ Output: "{% $map([1], function($x) { phone }) %}" }), /top level/],
    ["with $", pass({ Output: "{% $ %}" }), /no context item/],
    ["with $$", pass({ Output: "{% $$.a %}" }), /no context item/],
    ["with $eval", pass({ Output: "{% $eval('1') %}" }), /\$eval/],
    ["with an unknown function", pass({ Output: "{% $nope() %}" }), /\$nope is not defined/],
    ["with a function without its $", pass({ Output: "{% sum([1]) %}" }), /top level/],
    [
      "with an unknown variable deep inside",
      pass({ Output: { a: [{ b: "{% $nope %}" }] } }),
      /Output\/a\[0\]\/b: \$nope/,
    ],
    ["with a picture for $now", pass({ Output: "{% $now('[Y]') %}" }), /picture/],
  ];
  it.each(refused)("%s", (_, definition, message) => {
    expect(() => load(definition)).toThrow(
      expect.objectContaining({ name: "InvalidDefinition", message: expect.stringMatching(message) }),
    );
  });
});

describe("a definition is accepted", () => {
  it.each([
    "{% $states.input.a[b > 3].c %}",
    "{% $states.input.a.$uppercase($) %}",
    "{% $map($states.input.a, function($x, $i) { $x.b + $i }) %}",
    "{% ($y := 2; $y * 3) %}",
    "{% $states.input.a ~> $sum() %}",
    "{% $states.input.items{status: $sum(n)} %}",
    "{% $states.input.a^(>b).c %}",
    "{% $states.input.a@$v.b#$i.{'k': $v, 'i': $i} %}",
    "{% $states.input ~> |a|{'b': c}| %}",
    "{% {'k': $states.input.x} %}",
    "{% $states.context.Execution.StartTime & $now() %}",
  ])("with the expression %s", (Output) => {
    expect(() => load(pass({ Output }))).not.toThrow();
  });
  it("as JSON text, with comments and a Map without ProcessorConfig", () => {
    const inner = { Type: "Pass", End: true };
    const map = { Type: "Map", Comment: "c", ItemProcessor: { StartAt: "I", States: { I: inner } }, End: true };
    expect(load(JSON.stringify(machine({ M: map }, { Comment: "c" }))).states.get("M")).toMatchObject({
      distributed: false,
    });
  });
  it("once more under the same ARN, and a different one is not", () => {
    const { stepFunctions } = harness(machine({ S: done }));
    const arn = "arn:aws:states:us-east-1:222222222222:stateMachine:Other";
    stepFunctions.createStateMachine(arn, machine({ S: done }));
    stepFunctions.createStateMachine(arn, machine({ S: done }));
    const again = () => stepFunctions.createStateMachine(arn, pass({}));
    expect(again).toThrow(expect.objectContaining({ name: "StateMachineAlreadyExists" }));
    expect(() => stepFunctions.createStateMachine("Other", pass({}))).toThrow(
      expect.objectContaining({ name: "InvalidArn" }),
    );
  });
});
