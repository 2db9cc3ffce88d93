import { BenchLab, type Measured } from "./calls-lab.ts";
import type { Cell, Figures, Part } from "./report.ts";

/** What every kind of roll and every kind of event costs in calls, with warm caches. */
export const calls: Part = {
  name: "calls",
  about: "calls and state transitions of every kind of roll, calls of every kind of event",
  measure: async (progress) => {
    const { rolls, events } = await BenchLab.play(progress);
    return [rollFigures(rolls), aroundFigures(rolls), eventFigures(events)];
  },
};

type Takes = (call: string) => boolean;

/** Calls that count as AWS's, then those beside them. A ledger call is one DynamoDB call. */
const columns: readonly (readonly [string, Takes])[] = [
  ["ECS", (call) => call.startsWith("ecs.")],
  ["Secrets Manager", (call) => call.startsWith("secretsmanager.")],
  ["ledger", (call) => call.startsWith("ledger.")],
  ["Step Functions", (call) => call.startsWith("states.")],
  ["EventBridge", (call) => call.startsWith("events.")],
  ["Kubernetes", (call) => call.startsWith("kubernetes.")],
];

function counts(calls: ReadonlyMap<string, number>): readonly number[] {
  const known = columns.map(([, takes]) => countOf(calls, takes));
  const others = countOf(calls, (call) => !columns.some(([, takes]) => takes(call)));
  return [...known, others];
}

function countOf(calls: ReadonlyMap<string, number>, takes: Takes): number {
  return [...calls].reduce((sum, [call, count]) => (takes(call) ? sum + count : sum), 0);
}

const names = columns.map(([name]) => name);

function rollFigures(rolls: readonly Measured[]): Figures {
  const row = ({ attemptKey, roll }: Measured): readonly Cell[] => {
    const [ecs = 0, secrets = 0, ...beside] = counts(new Map(Object.entries(roll?.calls ?? {})));
    return [attemptKey, roll?.outcome, ecs + secrets, roll?.transitions, ecs, secrets, ...beside];
  };
  return {
    title: "Rolls: calls of the state machine's functions",
    columns: ["roll", "outcome", "ECS + Secrets Manager", "transitions", ...names, "other"],
    rows: rolls.map(row),
    notes: [
      "Aim: at most 9 transitions without retries; at most 10 ECS and Secrets Manager calls when the secret version exists.",
      "Each was played once before, so that clients, cluster tags and task definitions are cached as in a warm function.",
    ],
  };
}

function aroundFigures(rolls: readonly Measured[]): Figures {
  const row = ({ attemptKey, byFunction }: Measured) =>
    [...byFunction]
      .filter(([name]) => !name.startsWith("roll/"))
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, calls]): readonly Cell[] => [attemptKey, name, ...counts(calls)]);
  return {
    title: "Around a roll: calls of the functions that its events invoke",
    columns: ["roll", "function", ...names, "other"],
    rows: rolls.flatMap(row),
    notes: ["From the tag or deployment that starts it until two minutes after its end, all of these events together."],
  };
}

function eventFigures(events: readonly Measured[]): Figures {
  return {
    title: "Events: calls of one reconcile-service",
    columns: ["event for", ...names, "other"],
    rows: events.map(({ attemptKey, byFunction }) => [
      attemptKey,
      ...counts(byFunction.get("reconcile-service") ?? new Map()),
    ]),
    notes: ["Aim: at most 2 ECS calls for an event that changes nothing, 1 when the service is not enrolled."],
  };
}
