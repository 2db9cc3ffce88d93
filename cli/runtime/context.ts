import { createInterface } from "node:readline/promises";
import { setTimeout } from "node:timers/promises";
import type { AwsClientsOptions } from "../../shared/gateways/aws/aws-clients.ts";

/** A stream for people or scripts. */
export interface Screen {
  readonly write: (text: string) => void;
  /** False: a pipe or a file. */
  readonly isTTY: boolean;
  readonly columns: number;
  readonly rows: number;
}

/** What a command works with besides its arguments: the terminal, the environment, the clock, AWS. */
export interface CliContext {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly directory: string;
  readonly out: Screen;
  readonly err: Screen;
  /** The answer to a question, or `undefined` without a terminal to ask at. */
  readonly ask: (question: string) => Promise<string | undefined>;
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** Waits for `ms` milliseconds, or until the signal. */
  readonly pause: (ms: number, signal?: AbortSignal) => Promise<void>;
  /** Aborted by the next Ctrl-C, which then ends nothing else. */
  readonly interruption: () => AbortSignal;
  /** How AWS is reached, where the environment does not say it. */
  readonly aws?: Pick<AwsClientsOptions, "endpoint" | "credentials">;
}

/** The context of this process. */
export function processContext(): CliContext {
  // A reader that has read enough closes the pipe: `… | head`.
  process.stdout.on("error", (error) => {
    if (!("code" in error && error.code === "EPIPE")) throw error;
    process.exit(process.exitCode);
  });
  const screen = (stream: NodeJS.WriteStream): Screen => ({
    write: (text) => void stream.write(text),
    isTTY: stream.isTTY === true,
    get columns() {
      return stream.columns ?? 120;
    },
    get rows() {
      return stream.rows ?? 40;
    },
  });
  return {
    environment: process.env,
    directory: process.cwd(),
    out: screen(process.stdout),
    err: screen(process.stderr),
    ask,
    now: Date.now,
    pause: async (ms, signal) => {
      // An abort by the signal is not a failure: the caller checks the signal.
      await setTimeout(ms, undefined, signal ? { signal } : {}).catch(() => undefined);
    },
    interruption: () => {
      const controller = new AbortController();
      process.once("SIGINT", () => controller.abort());
      return controller.signal;
    },
  };
}

async function ask(question: string): Promise<string | undefined> {
  if (!process.stdin.isTTY) return undefined;
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return await lines.question(question);
  } finally {
    lines.close();
  }
}

/** True where the screen may have color: https://no-color.org */
export function hasColor(screen: Screen, environment: CliContext["environment"]): boolean {
  return screen.isTTY && !environment.NO_COLOR && environment.TERM !== "dumb";
}
