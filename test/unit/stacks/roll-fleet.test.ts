import type { StateMachinesOptions } from "@ztunnel-autopilot/simulator";
import { StateMachines, startServiceErrors, VirtualClock } from "@ztunnel-autopilot/simulator";
import validateDefinition from "asl-validator";
import { describe, expect, it } from "vitest";
import { isJsonObject, type Json, type JsonObject } from "../../../shared/base/json.ts";
import {
  assessInput,
  finishRolloutInput,
  holdInput,
  nextWaveInput,
  startInput,
  takeInput,
} from "../../../shared/rollout/steps.ts";
import { MAX_WEIGHT } from "../../../shared/use-cases/rollout/next-wave.ts";
import definition from "../../../stacks/definitions/roll-fleet.asl.json" with { type: "json" };
import { rollFleetMachine } from "../../../stacks/definitions/state-machines.ts";
import { substitute } from "../../../stacks/definitions/substitute.ts";

const FLEET = "arn:aws:states:us-east-1:123456789012:stateMachine:roll-fleet";
const SERVICE = "arn:aws:states:us-east-1:123456789012:stateMachine:roll-service";
/** https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html */
const MAX_EVENTS = 25_000;
const MAX_STATE_BYTES = 256 * 1024;
const MAX_CONCURRENT_CHILDREN = 10_000;
const tokens = { ...rollFleetMachine.functions, RollService: SERVICE };

function object(node: unknown): JsonObject {
  if (!isJsonObject(node)) throw new Error("no object");
  return node;
}

function objects(node: Json | undefined): JsonObject[] {
  return Array.isArray(node) ? node.map(object) : [];
}

interface Found {
  readonly name: string;
  readonly state: JsonObject;
  /** The names of the states that it can go to. */
  readonly siblings: readonly string[];
}

/** Every state, also those in Maps. */
function statesOf(graph: JsonObject): Found[] {
  const states = Object.entries(object(graph.States));
  const siblings = states.map(([name]) => name);
  return states.flatMap(([name, node]) => {
    const state = object(node);
    const inner = state.Type === "Map" ? statesOf(object(state.ItemProcessor)) : [];
    return [{ name, state, siblings }, ...inner];
  });
}

const plain = object(JSON.parse(JSON.stringify(definition)));
const all = statesOf(plain);
const tasks = all.filter(({ state }) => state.Type === "Task").map((found) => [found.name, found] as const);
const lambdas = tasks.filter(([, { state }]) => String(state.Resource).includes("lambda:invoke"));
const maps = all.filter(({ state }) => state.Type === "Map").map((found) => [found.name, found] as const);

function errorsOf(rules: Json | undefined): unknown[] {
  return objects(rules).flatMap(({ ErrorEquals }) => ErrorEquals);
}

function nextsOf(state: JsonObject): readonly string[] {
  const rules = [...objects(state.Choices), ...objects(state.Catch)];
  return [state.Next, state.Default, ...rules.map(({ Next }) => Next)].filter((next) => typeof next === "string");
}

describe("the state machine RollFleet", () => {
  it("is taken by the strict interpreter, and by the schema of the language", () => {
    const substituted = substitute(definition, tokens);
    expect(() => played(1)).not.toThrow();
    // The validator writes into what it validates.
    const { isValid, errors } = validateDefinition(structuredClone(substituted));
    expect(errors).toEqual([]);
    expect(isValid).toBe(true);
  });

  it("names only the functions that it is given, and all of them", () => {
    const named = lambdas.map(([, { state }]) => object(state.Arguments).FunctionName);
    expect(new Set(named)).toEqual(new Set(Object.keys(rollFleetMachine.functions).map((name) => `\${${name}}`)));
  });

  it("is JSONata throughout", () => {
    expect(definition.QueryLanguage).toBe("JSONata");
    expect(JSON.stringify(definition)).not.toMatch(
      /"(InputPath|OutputPath|ResultPath|Parameters|ResultSelector|ItemsPath|\w+\.\$)"/,
    );
  });

  it("gives no two states one name, and none a long one", () => {
    const names = all.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    for (const name of names) expect(name.length).toBeLessThanOrEqual(80);
  });

  it("goes only to states that are there", () => {
    for (const { state, siblings } of all) for (const next of nextsOf(state)) expect(siblings).toContain(next);
  });

  it("never starts a roll again after the roll itself has failed", () => {
    const roll = all.find(({ name }) => name === "Roll")?.state ?? {};
    for (const error of ["States.ALL", "States.TaskFailed", "StepFunctions.ExecutionAlreadyExistsException"]) {
      expect(errorsOf(roll.Retry)).not.toContain(error);
    }
  });

  it.each(tasks.filter(([name]) => name !== "Finish" && name !== "ContinueAsNew"))(
    "catches every error of %s",
    (_name, { state }) => {
      expect(errorsOf(state.Catch)).toContain("States.ALL");
    },
  );

  it.each(maps)("goes on after %s even if it fails: the ledger says how the wave went", (_name, { state }) => {
    expect(errorsOf(state.Catch)).toContain("States.ALL");
  });

  it.each(maps)("keeps nothing of what the iterations of %s put out but why one failed", (_name, { state }) => {
    expect(state.Output).toEqual({});
    const { States } = object(state.ItemProcessor);
    for (const [name, inner] of Object.entries(object(States))) {
      const { Type, End, Output } = object(inner);
      if (Type === "Succeed" || End === true) {
        expect(Output, name).toEqual(name === "LaneFailed" ? "{% $states.input %}" : {});
      }
    }
  });

  it.each(lambdas)("gives %s a time in which it has to answer", (_name, { state }) => {
    expect(state.TimeoutSeconds).toBeDefined();
  });

  it("gives a roll no time of its own: a roll that is stopped from outside is not reverted", () => {
    const roll = all.find(({ name }) => name === "Roll")?.state ?? {};
    expect(roll.TimeoutSeconds).toBeUndefined();
    expect(plain.TimeoutSeconds).toBeUndefined();
  });

  it("takes an error without a cause: a timeout has none", () => {
    expect(JSON.stringify(definition)).not.toContain('"{% $states.errorOutput.Cause %}"');
  });

  it("goes in no circle without a wait, a roll or a step that says that there is work", () => {
    for (const { name } of all) expect(idleCircle(name), name).toBe(false);
  });
});

/** True if the state can be come back to on a way that only looks: no wait, no roll, no wave. */
function idleCircle(start: string): boolean {
  const works = (state: JsonObject) =>
    state.Type === "Wait" || state.Type === "Map" || /waitForTaskToken|sync:2$/.test(String(state.Resource));
  const byName = new Map(all.map((found) => [found.name, found.state]));
  const seen = new Set<string>();
  const open = [start];
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    const state = byName.get(name) ?? {};
    if (works(state)) continue;
    for (const next of nextsOf(state)) {
      if (next === start) return true;
      if (!seen.has(next)) {
        seen.add(next);
        open.push(next);
      }
    }
  }
  return false;
}

const ID = "rotate-0123456789";
const childDefinition = {
  QueryLanguage: "JSONata",
  StartAt: "Done",
  States: { Done: { Type: "Succeed", Output: { outcome: "succeeded", reason: "update" } } },
};

interface Play {
  readonly stepFunctions: StateMachines;
  readonly clock: VirtualClock;
  readonly payloads: { readonly functionName: string; readonly payload: Json }[];
}

/** RollFleet with functions that answer with the given number of waves, lanes and services, then with the end. */
function played(
  waves: number,
  {
    lanes = 1,
    services = 1,
    bakeSeconds = 0,
    hold = false,
    goOn = false,
    nestedStartError,
    distorted = (given) => given,
  }: Partial<Record<"lanes" | "services" | "bakeSeconds", number>> & {
    readonly hold?: boolean;
    readonly goOn?: boolean;
    readonly nestedStartError?: StateMachinesOptions["nestedStartError"];
    /** What the answer with the wave's lanes has in place of them. */
    readonly distorted?: (lanes: readonly JsonObject[]) => Json;
  } = {},
): Play {
  const clock = new VirtualClock(0);
  const payloads: Play["payloads"] = [];
  let steps = 0;
  const lane = (index: number) => ({
    account: "123456789012",
    region: "us-east-1",
    first: index * services,
    last: (index + 1) * services - 1,
    concurrency: 0,
  });
  const nothing = { phase: "forward", wave: 0, lanes: [], holdSeconds: 1, executionName: `${ID}-2` };
  const answers: Readonly<Record<string, (payload: JsonObject) => Json>> = {
    "rollout/start": () => ({}),
    "rollout/next-wave": ({ executionName }) => {
      if (goOn) return { ...nothing, do: executionName === `${ID}-1` ? "continue" : "finish" };
      steps += 1;
      if (steps > waves) return { ...nothing, do: "finish" };
      if (hold) return { ...nothing, do: "hold", holdSeconds: 60 };
      const ofWave = distorted(Array.from({ length: lanes }, (_, i) => lane(i)));
      return { ...nothing, do: "roll", wave: steps - 1, lanes: ofWave };
    },
    "rollout/take": ({ ordinal }) => ({
      do: "roll",
      waitSeconds: 0,
      executionName: `roll-${steps}-${Number(ordinal)}`,
      serviceArn: "arn:aws:ecs:us-east-1:123456789012:service/fleet/web",
    }),
    "rollout/assess-wave": () => ({ bakeSeconds }),
    "rollout/hold": () => ({}),
    "rollout/finish": () => ({ rolloutId: ID, status: "completed" }),
  };
  const stepFunctions = new StateMachines({
    clock,
    random: () => 0.5,
    ...(nestedStartError && { nestedStartError }),
    lambda: {
      invoke: async (functionName, payload) => {
        payloads.push({ functionName, payload });
        return answers[functionName]?.(object(payload)) ?? null;
      },
    },
  });
  stepFunctions.createStateMachine(FLEET, substitute(definition, tokens));
  stepFunctions.createStateMachine(SERVICE, childDefinition);
  return { stepFunctions, clock, payloads };
}

async function finished({ stepFunctions, clock }: Play) {
  const input = JSON.stringify({ rolloutId: ID });
  const { executionArn } = stepFunctions.startExecution({ stateMachineArn: FLEET, name: `${ID}-1`, input });
  const { status, output } = await clock.run(stepFunctions.result(executionArn));
  expect({ status, output }).toEqual({ status: "SUCCEEDED", output: `{"rolloutId":"${ID}","status":"completed"}` });
  return stepFunctions.getExecutionHistory(executionArn);
}

describe("a pass of RollFleet", () => {
  it("gives every function what it knows to read", async () => {
    const schemas = {
      "rollout/start": startInput,
      "rollout/next-wave": nextWaveInput,
      "rollout/take": takeInput,
      "rollout/assess-wave": assessInput,
      "rollout/hold": holdInput,
      "rollout/finish": finishRolloutInput,
    };
    const rolled = played(2, { lanes: 2, services: 3, bakeSeconds: 60 });
    await finished(rolled);
    const named = new Set(rolled.payloads.map(({ functionName }) => functionName));
    expect([...named].sort()).toEqual(Object.keys(schemas).sort());
    for (const { functionName, payload } of rolled.payloads) {
      const schema = Object.entries(schemas).find(([name]) => name === functionName)?.[1];
      expect(() => schema?.parse(payload), functionName).not.toThrow();
    }
    const ordinals = rolled.payloads.flatMap(({ functionName, payload }) =>
      functionName === "rollout/take" ? [object(payload).ordinal] : [],
    );
    expect(ordinals.sort()).toEqual([0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5]);
  });

  /** What the assessment of the wave gets about lanes that could not be rolled. */
  const laneFailures = async (shape: Parameters<typeof played>[1]) => {
    const play = played(1, shape);
    await finished(play);
    const assessed = play.payloads.filter(({ functionName }) => functionName === "rollout/assess-wave");
    return assessed.map(({ payload }) => assessInput.parse(payload).laneFailures);
  };

  it("gives the assessment the cause of a lane that could not be rolled, and which one it was", async () => {
    expect(await laneFailures({ lanes: 3 })).toEqual([[]]);
    const without = ({ concurrency: _, ...lane }: JsonObject) => lane;
    const one = await laneFailures({
      lanes: 3,
      services: 2,
      distorted: (given) => given.map((lane, i) => (i === 1 ? without(lane) : lane)),
    });
    expect(one).toEqual([
      [
        {
          error: "States.QueryEvaluationError",
          cause: expect.stringContaining("concurrency"),
          lane: { first: 2, last: 3 },
        },
      ],
    ]);
    const several = await laneFailures({ lanes: 2, distorted: (given) => given.map(without) });
    expect(several[0]).toHaveLength(2);
  });

  it("gives it the cause of a whole wave that could not be rolled", async () => {
    const found = await laneFailures({ distorted: () => "no lanes" });
    expect(found).toEqual([[{ error: expect.stringMatching(/^States\./), cause: expect.stringMatching(/./) }]]);
  });

  it("keeps the causes short enough for a state, with as many lanes as a fleet can have", async () => {
    const long = "x".repeat(900);
    const found = await laneFailures({
      lanes: 200,
      distorted: (given) => given.map((lane) => ({ ...lane, concurrency: long })),
    });
    expect(found[0]).toHaveLength(200);
    expect(JSON.stringify(found).length).toBeLessThan(MAX_STATE_BYTES);
  });

  /** Events of one more pass. */
  const eventsPerPass = async (shape: Parameters<typeof played>[1]) =>
    (await finished(played(2, shape))).length - (await finished(played(1, shape))).length;
  /** What the definition adds to `passes` in one pass: see its Assign. */
  const weightPerPass = async (shape: Parameters<typeof played>[1]) => {
    const play = played(2, shape);
    await finished(play);
    const [, second, third] = play.payloads.flatMap(({ functionName, payload }) =>
      functionName === "rollout/next-wave" ? [Number(object(payload).passes)] : [],
    );
    return (third ?? 0) - (second ?? 0);
  };

  it.each([
    ["a hold", { hold: true }],
    ["a wave with one lane", { bakeSeconds: 60 }],
    ["a wave with 12 lanes", { lanes: 12, bakeSeconds: 60 }],
    ["a wave with 200 lanes", { lanes: 200, bakeSeconds: 60 }],
    ["a wave with many services", { services: 200, bakeSeconds: 60 }],
  ])(
    "adds few enough events to its history that %s, again and again, ends in a new execution long before it is full",
    async (_what, shape) => {
      const events = await eventsPerPass(shape);
      const weight = await weightPerPass(shape);
      expect(weight).toBeGreaterThan(0);
      // Half of the history is left for steps that are tried again.
      expect(Math.ceil(MAX_WEIGHT / weight) * events).toBeLessThan(MAX_EVENTS / 2);
    },
  );

  it("starts the execution that goes on, by its name, and ends; a start that came twice does no harm", async () => {
    const play = played(1, { goOn: true });
    const { executionArn } = play.stepFunctions.startExecution({
      stateMachineArn: FLEET,
      name: `${ID}-1`,
      input: JSON.stringify({ rolloutId: ID }),
    });
    // The caller that advances the queue may start it first.
    const input = JSON.stringify({ rolloutId: ID });
    const second = play.stepFunctions.startExecution({ stateMachineArn: FLEET, name: `${ID}-2`, input });
    await play.clock.run(play.stepFunctions.result(second.executionArn));
    const first = await play.clock.run(play.stepFunctions.result(executionArn));
    expect(first).toMatchObject({ status: "SUCCEEDED", output: "{}" });
    const names = play.stepFunctions.listExecutions({ stateMachineArn: FLEET }).map(({ name }) => name);
    expect(names.sort()).toEqual([`${ID}-1`, `${ID}-2`]);
  });

  it.each(startServiceErrors)("goes on in a new execution after %s, again and again", async (error) => {
    let refused = 0;
    const play = played(1, { goOn: true, nestedStartError: () => (refused++ < 20 ? error : undefined) });
    const request = { stateMachineArn: FLEET, name: `${ID}-1`, input: JSON.stringify({ rolloutId: ID }) };
    const { executionArn } = play.stepFunctions.startExecution(request);
    const { status, output } = await play.clock.run(play.stepFunctions.result(executionArn));
    expect({ status, output, refused }).toEqual({ status: "SUCCEEDED", output: "{}", refused: 21 });
    const names = play.stepFunctions.listExecutions({ stateMachineArn: FLEET }).map(({ name }) => name);
    expect(names).toContain(`${ID}-2`);
  });

  it("keeps its state small with 10,000 services in a lane", async () => {
    const history = await finished(played(1, { services: 10_000 }));
    for (const event of history) expect(JSON.stringify(event).length).toBeLessThan(MAX_STATE_BYTES);
    expect(MAX_CONCURRENT_CHILDREN).toBeGreaterThanOrEqual(10_000);
  }, 180_000);
});
