import { BenchLab, type Measured } from "./calls-lab.ts";
import type { Figures, FigureValue, Part } from "./report.ts";

/** The number of calls of every kind of roll and of every kind of event, with warm caches. */
export const calls: Part = {
  name: "calls",
  about: "calls and state transitions of every kind of roll, calls of every kind of event",
  measure: async (progress, options) => {
    const { rolls, events } = await BenchLab.measure(progress, options);
    return [rollFigures(rolls), aroundFigures(rolls), eventFigures(events)];
  },
};

type Matches = (call: string) => boolean;

/** The columns of calls, by API. A ledger call is one DynamoDB call. */
const columns: readonly (readonly [string, Matches])[] = [
  ["ECS", (call) => call.startsWith("ecs.")],
  ["Secrets Manager", (call) => call.startsWith("secretsmanager.")],
  ["ledger", (call) => call.startsWith("ledger.")],
  ["Step Functions", (call) => call.startsWith("states.")],
  ["EventBridge", (call) => call.startsWith("events.")],
  ["Kubernetes", (call) => call.startsWith("kubernetes.")],
];

function counts(calls: ReadonlyMap<string, number>): readonly number[] {
  const known = columns.map(([, matches]) => countOf(calls, matches));
  const others = countOf(calls, (call) => !columns.some(([, matches]) => matches(call)));
  return [...known, others];
}

function countOf(calls: ReadonlyMap<string, number>, matches: Matches): number {
  return [...calls].reduce((sum, [call, count]) => (matches(call) ? sum + count : sum), 0);
}

const names = columns.map(([name]) => name);

function rollFigures(rolls: readonly Measured[]): Figures {
  const row = ({ scenario, roll }: Measured): readonly FigureValue[] => {
    const [ecs = 0, secrets = 0, ...others] = counts(new Map(Object.entries(roll?.calls ?? {})));
    return [scenario, roll?.outcome, ecs + secrets, roll?.transitions, ecs, secrets, ...others];
  };
  return {
    title: "Rolls: calls of the state machine's functions",
    columns: ["roll", "outcome", "ECS + Secrets Manager", "transitions", ...names, "other"],
    rows: rolls.map(row),
    notes: [
      "Goal: at most 9 transitions without retries; at most 10 ECS and Secrets Manager calls when the secret version exists.",
      "Each kind of roll ran once before, so that clients, cluster tags and task definitions are cached as in a warm function.",
    ],
  };
}

function aroundFigures(rolls: readonly Measured[]): Figures {
  const row = ({ scenario, byFunction }: Measured) =>
    [...byFunction]
      .filter(([name]) => !name.startsWith("roll/"))
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, calls]): readonly FigureValue[] => [scenario, name, ...counts(calls)]);
  return {
    title: "Around a roll: calls of the functions that the roll's events invoke",
    columns: ["roll", "function", ...names, "other"],
    rows: rolls.flatMap(row),
    notes: ["The sum over all events from the tag or deployment that starts the roll until two minutes after its end."],
  };
}

function eventFigures(events: readonly Measured[]): Figures {
  return {
    title: "Events: calls of one reconcile-service invocation",
    columns: ["event for", ...names, "other"],
    rows: events.map(({ scenario, byFunction }) => [
      scenario,
      ...counts(byFunction.get("reconcile-service") ?? new Map()),
    ]),
    notes: ["Goal: at most 2 ECS calls for an event that changes nothing, 1 when the service is not enrolled."],
  };
}
