import { AwsError } from "../../base/aws-error.ts";
import type { Json } from "../../base/json.ts";
import type { Clock } from "../../clock/clock.ts";
import { copyJson, MAX_PAYLOAD_BYTES } from "./payload.ts";
import { StatesError } from "./states-error.ts";

/** A task that waits for its token to come back. */
export interface WaitingTask {
  readonly token: string;
  readonly executionArn: string;
  /** What the token's holder reports. */
  readonly outcome: Promise<Json>;
  /** When the last heartbeat came, or the task began. */
  lastBeatMs: number;
}

interface OpenTask extends WaitingTask {
  readonly resolve: (output: Json) => void;
  readonly reject: (error: StatesError) => void;
}

/** The task tokens of all executions. */
export class TaskTokens {
  readonly #clock: Clock;
  readonly #open = new Map<string, OpenTask>();
  /** Tokens whose task has ended, by the execution that they belonged to. */
  readonly #ended = new Map<string, string>();
  #sequence = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** A new token for a task of an execution. */
  issue(executionArn: string): WaitingTask {
    const token = Buffer.from(`${executionArn}#${++this.#sequence}`).toString("base64");
    const { promise: outcome, resolve, reject } = Promise.withResolvers<Json>();
    // A report may come before it is awaited, and is kept until then.
    outcome.catch(() => undefined);
    const task: OpenTask = { token, executionArn, outcome, lastBeatMs: this.#clock.now(), resolve, reject };
    this.#open.set(token, task);
    return task;
  }

  /** The token is of no use any more: its task has ended, or was reported on. */
  close(task: WaitingTask): void {
    this.#open.delete(task.token);
    this.#ended.set(task.token, task.executionArn);
  }

  /**
   * The execution that a token was issued for; undefined for an unknown token. A token is valid in its account only.
   */
  executionOf(token: string): string | undefined {
    return this.#open.get(token)?.executionArn ?? this.#ended.get(token);
  }

  /** @throws AwsError `TaskDoesNotExist`, `TaskTimedOut`, `InvalidOutput` */
  succeed(token: string, outputText: string): void {
    const task = this.#find(token);
    const output = parseOutput(outputText);
    this.close(task);
    task.resolve(output);
  }

  /** @throws AwsError `TaskDoesNotExist`, `TaskTimedOut` */
  fail(token: string, error: string, cause: string): void {
    const task = this.#find(token);
    this.close(task);
    task.reject(new StatesError(error, cause));
  }

  /** @throws AwsError `TaskDoesNotExist`, `TaskTimedOut` */
  beat(token: string): void {
    this.#find(token).lastBeatMs = this.#clock.now();
  }

  #find(token: string): OpenTask {
    const task = this.#open.get(token);
    if (task !== undefined) return task;
    if (this.#ended.has(token)) throw new AwsError("TaskTimedOut", "Task Timed Out: the task has already ended");
    throw new AwsError("TaskDoesNotExist", "Task does not exist: the token was issued by no state machine here");
  }
}

function parseOutput(text: string): Json {
  if (Buffer.byteLength(text) > MAX_PAYLOAD_BYTES)
    throw new AwsError("InvalidOutput", `The output has more than ${MAX_PAYLOAD_BYTES} bytes`);
  try {
    return copyJson(JSON.parse(text));
  } catch (error) {
    throw new AwsError("InvalidOutput", `The output is not JSON: ${String(error)}`);
  }
}
