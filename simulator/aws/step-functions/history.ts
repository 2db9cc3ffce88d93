import type { Json } from "../../base/json.ts";
import type { Clock } from "../../clock/clock.ts";
import type { Peaks } from "./peaks.ts";
import { StatesError } from "./states-error.ts";

/** "Maximum execution history size": 25,000 events (Step Functions, service quotas). */
export const MAX_HISTORY_EVENTS = 25_000;

type StateType = "Task" | "Map" | "Choice" | "Wait" | "Pass" | "Succeed";

/** The event types of `GetExecutionHistory` that the simulator writes. */
export type HistoryEventType =
  | `${StateType}State${"Entered" | "Exited"}`
  | "FailStateEntered"
  | `Execution${"Started" | "Succeeded" | "Failed" | "Aborted" | "TimedOut"}`
  | `Task${"Scheduled" | "Started" | "Submitted" | "Succeeded" | "Failed" | "TimedOut"}`
  | `MapState${"Started" | "Succeeded" | "Failed"}`
  | `MapIteration${"Started" | "Succeeded" | "Failed" | "Aborted"}`
  | `MapRun${"Started" | "Succeeded" | "Failed"}`
  | "EvaluationFailed";

/** The members of an event that hold its details. Inputs and outputs in them are JSON text, as AWS gives them. */
export type HistoryEventDetails = {
  readonly [member in
    | "stateEnteredEventDetails"
    | "stateExitedEventDetails"
    | `execution${"Started" | "Succeeded" | "Failed" | "Aborted" | "TimedOut"}EventDetails`
    | `task${"Scheduled" | "Started" | "Submitted" | "Succeeded" | "Failed" | "TimedOut"}EventDetails`
    | "mapStateStartedEventDetails"
    | `mapIteration${"Started" | "Succeeded" | "Failed" | "Aborted"}EventDetails`
    | `mapRun${"Started" | "Failed"}EventDetails`
    | "evaluationFailedEventDetails"]?: { readonly [key: string]: Json };
};

/** An event as `GetExecutionHistory` returns it. */
export interface HistoryEvent extends HistoryEventDetails {
  readonly id: number;
  /** 0 for the first event. */
  readonly previousEventId: number;
  readonly timestamp: Date;
  readonly type: HistoryEventType;
}

/** Which event came last in one line of events: each iteration of a Map has its own. */
export interface Trail {
  previousEventId: number;
}

export interface HistoryOptions {
  readonly executionArn: string;
  readonly clock: Clock;
  /** Without it, events are counted and not kept. */
  readonly keep: boolean;
  /** Measure the length of the history. */
  readonly peaks: Peaks;
  readonly onEvent: ((event: HistoryEvent & { readonly executionArn: string }) => void) | undefined;
}

/** The events of one execution. */
export class History {
  readonly events: HistoryEvent[] = [];
  /** State transitions, as AWS bills them: states entered, and tries after the first. */
  transitions = 0;
  readonly #options: HistoryOptions;
  #count = 0;
  #closed = false;

  constructor(options: HistoryOptions) {
    this.#options = options;
  }

  /** The peaks of its state machine. */
  get peaks(): Peaks {
    return this.#options.peaks;
  }

  /** How many events were written. */
  get count(): number {
    return this.#count;
  }

  /**
   * Writes an event. Details are made only where they are kept or listened to. After `close` nothing is written any
   * more.
   * @throws StatesError `States.Runtime` when the history is full.
   */
  record(trail: Trail, type: HistoryEventType, details: () => HistoryEventDetails = () => ({})): void {
    if (this.#closed) return;
    // The last place is kept for the event that ends the execution.
    if (this.#count >= MAX_HISTORY_EVENTS - 1)
      throw new StatesError("States.Runtime", "The execution reached the maximum number of history events (25,000).");
    this.#write(trail, type, details);
  }

  /** Writes the last event: how the execution ended. */
  close(trail: Trail, type: HistoryEventType, details: () => HistoryEventDetails): void {
    if (this.#closed) return;
    this.#write(trail, type, details);
    this.#closed = true;
  }

  #write(trail: Trail, type: HistoryEventType, details: () => HistoryEventDetails): void {
    const { previousEventId } = trail;
    const id = ++this.#count;
    trail.previousEventId = id;
    const { keep, onEvent, clock, executionArn, peaks } = this.#options;
    peaks.noteHistory(id);
    if (!keep && onEvent === undefined) return;
    const event: HistoryEvent = { id, previousEventId, timestamp: new Date(clock.now()), type, ...details() };
    if (keep) this.events.push(event);
    onEvent?.({ ...event, executionArn });
  }
}
