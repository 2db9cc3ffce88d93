import type { HistoryEvent } from "@ztunnel-autopilot/simulator";
import type { Lab } from "../../../lab/autopilot/lab.ts";
import type { Json } from "../../../shared/base/json.ts";

/** A state that was entered. */
export interface Entered {
  readonly state: string;
  readonly input: Json;
}

/** The states entered one after the other: by an execution, or by one iteration of a Map. */
export type Line = readonly Entered[];

/** How one try of a task ended. `answer` is what the call itself gave, before a task token came back. */
export interface Answer {
  readonly resource: string;
  readonly arguments: Json;
  readonly answer?: Json;
  readonly ending:
    | { readonly kind: "succeeded"; readonly output: Json }
    | { readonly kind: "failed"; readonly error: string; readonly cause: string }
    | { readonly kind: "timed-out" };
}

/** How an execution ended. */
export interface Ending {
  readonly status: string;
  readonly output: Json;
  readonly error: string;
  readonly cause: string;
}

/** A run of a state machine in the lab: what it was given, what its tasks answered, where it went. */
export interface Recording {
  readonly stateMachineArn: string;
  readonly executionArn: string;
  readonly input: Json;
  /** In the order in which the tries began. */
  readonly answers: readonly Answer[];
  readonly lines: readonly Line[];
  readonly ending: Ending;
}

type Event = HistoryEvent & { readonly executionArn: string };

/** Keeps the events of a lab's executions, those of a distributed Map's children included. */
export class Recorder {
  readonly #byExecution = new Map<string, Event[]>();

  readonly onEvent = (event: Event): void => {
    const events = this.#byExecution.get(event.executionArn) ?? [];
    events.push(event);
    this.#byExecution.set(event.executionArn, events);
  };

  /** Every execution of both state machines that has ended by itself, the oldest first. */
  recordings(lab: Lab): readonly Recording[] {
    return [lab.rollServiceArn, lab.rollFleetArn].flatMap((stateMachineArn) =>
      lab.stepFunctions
        .listExecutions({ stateMachineArn })
        .filter(({ status }) => status === "SUCCEEDED" || status === "FAILED")
        .map(({ executionArn, input, status, output, error, cause }) => {
          const events = this.#eventsOf(executionArn);
          return {
            stateMachineArn,
            executionArn,
            input: parsed(input),
            answers: events.flatMap(answersOf),
            lines: events.flatMap(linesOf),
            ending: { status, output: parsed(output ?? "null"), error: error ?? "", cause: cause ?? "" },
          };
        })
        .reverse(),
    );
  }

  /** The events of an execution and of the children of its distributed Maps, each by itself. */
  #eventsOf(executionArn: string): readonly (readonly Event[])[] {
    const [, machine = "", name = ""] = /:execution:([^:/]+):(.+)$/.exec(executionArn) ?? [];
    const events = this.#byExecution.get(executionArn) ?? [];
    const runs = events.flatMap(({ mapRunStartedEventDetails: run }) => (run ? [String(run.mapRunArn)] : []));
    if (runs.length === 0) return [events];
    // A child's name says nothing about its parent: a recorded lab runs one RollFleet at a time.
    const children = [...this.#byExecution].filter(
      ([arn, [first]]) => arn.includes(`:execution:${machine}/`) && name !== "" && isWithin(events, first),
    );
    return [events, ...children.map(([, own]) => own)];
  }
}

function isWithin(parent: readonly Event[], first: Event | undefined): boolean {
  const [from, to] = [parent[0], parent.at(-1)];
  if (!from || !to || !first) return false;
  return first.timestamp >= from.timestamp && first.timestamp <= to.timestamp;
}

function parsed(text: unknown): Json {
  // JSON.parse gives JSON.
  return JSON.parse(String(text)) as Json;
}

/** The events of one execution by line: those that follow each other, and those of every iteration of an inline Map. */
function byLine(events: readonly Event[]): readonly (readonly Event[])[] {
  const lineOf = new Map<number, Event[]>();
  const lines: Event[][] = [];
  for (const event of events) {
    const existing = event.type === "MapIterationStarted" ? undefined : lineOf.get(event.previousEventId);
    const line = existing ?? [];
    if (!existing) lines.push(line);
    line.push(event);
    lineOf.set(event.id, line);
  }
  return lines;
}

function linesOf(events: readonly Event[]): readonly Line[] {
  return byLine(events).map((line) =>
    line.flatMap(({ stateEnteredEventDetails: entered }) =>
      entered ? [{ state: String(entered.name), input: parsed(entered.input) }] : [],
    ),
  );
}

function answersOf(events: readonly Event[]): readonly Answer[] {
  return byLine(events)
    .flatMap(answersOfLine)
    .sort((a, b) => a.id - b.id)
    .map(({ answer }) => answer);
}

function answersOfLine(line: readonly Event[]): readonly { readonly id: number; readonly answer: Answer }[] {
  return line.flatMap((event, index) => {
    const scheduled = event.taskScheduledEventDetails;
    if (!scheduled) return [];
    const later = line.slice(index + 1);
    const end = later.findIndex(({ type }) => type === "TaskScheduled");
    const own = end === -1 ? later : later.slice(0, end);
    const submitted = own.find(({ type }) => type === "TaskSubmitted")?.taskSubmittedEventDetails;
    const ending = own.map(endingOf).find((one) => one !== undefined);
    if (!ending) return [];
    const resource = `arn:aws:states:::${scheduled.resourceType}:${scheduled.resource}`;
    const call = { resource, arguments: parsed(scheduled.parameters) };
    return [{ id: event.id, answer: { ...call, ...(submitted && { answer: parsed(submitted.output) }), ending } }];
  });
}

function endingOf(event: Event): Answer["ending"] | undefined {
  const { taskSucceededEventDetails: succeeded, taskFailedEventDetails: failed } = event;
  if (succeeded) return { kind: "succeeded", output: parsed(succeeded.output) };
  if (failed) return { kind: "failed", error: String(failed.error), cause: String(failed.cause) };
  return event.taskTimedOutEventDetails ? { kind: "timed-out" } : undefined;
}
