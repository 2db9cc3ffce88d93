import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { setTimeout } from "node:timers/promises";

export interface ChildOptions {
  readonly cwd?: string;
  /** Added to the command's own environment. */
  readonly environment?: Readonly<Record<string, string>>;
  /** What the program reads from its standard input. */
  readonly input?: string;
  /** Takes every line that the program writes, of both outputs. */
  readonly onLine?: (line: string) => void;
}

/** A program that goes on beside the comparison. */
export interface Service {
  readonly pid: number;
  /** Ends it with its own children. Resolves once it has ended. */
  end(): Promise<void>;
  /** Resolves with a sentence when the program ends, by itself or not. */
  readonly ended: Promise<string>;
}

const ERROR_LINES = 15;
const GRACE_MS = 5000;

/** The programs that the suite has started. Each leads a process group, so that what it starts ends with it. */
export class Children {
  readonly #running = new Map<ChildProcess, Promise<string>>();
  #closed = false;

  /**
   * Runs a program to its end. Returns its standard output.
   * @throws Error with its last lines if it can't be started, fails, or is ended
   */
  async run(command: string, parameters: readonly string[], options: ChildOptions = {}): Promise<string> {
    const lines: string[] = [];
    let output = "";
    const child = this.#spawn(command, parameters, options, (line) => lines.push(line));
    child.stdout?.setEncoding("utf8").on("data", (chunk: string) => {
      output += chunk;
    });
    const ending = await this.#running.get(child);
    if (child.exitCode === 0) return output;
    const last = lines.slice(-ERROR_LINES).map((line) => `\n  ${line}`);
    throw new Error(`\`${[command, ...parameters].join(" ")}\` ${ending ?? "ended"}${last.join("")}`);
  }

  /** Starts a program that serves. It ends with the suite at the latest. @throws Error if it can't be started */
  start(command: string, parameters: readonly string[], options: ChildOptions = {}): Service {
    const child = this.#spawn(command, parameters, options);
    const ended = this.#running.get(child);
    if (child.pid === undefined || !ended) throw new Error(`\`${command}\` can't be started`);
    return { pid: child.pid, ended, end: () => this.#end(child) };
  }

  /** Ends all programs, and starts no more. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all([...this.#running.keys()].map((child) => this.#end(child)));
  }

  /** The same at once, without waiting, for a process that is about to exit. */
  kill(): void {
    this.#closed = true;
    for (const child of this.#running.keys()) signal(child, "SIGKILL");
  }

  #spawn(
    command: string,
    parameters: readonly string[],
    { cwd, environment, input, onLine }: ChildOptions,
    keep?: (line: string) => void,
  ): ChildProcess {
    if (this.#closed) throw new Error(`\`${command}\` is not started: the suite is ending`);
    const child = spawn(command, parameters, {
      ...(cwd !== undefined && { cwd }),
      env: { ...process.env, ...environment },
      detached: true,
      stdio: ["pipe", "pipe", "pipe"],
    });
    for (const stream of [child.stdout, child.stderr]) {
      createInterface({ input: stream }).on("line", (line) => {
        keep?.(line);
        onLine?.(line);
      });
    }
    // A program that ends early does not read its input: how it ended says more than the broken pipe.
    child.stdin.on("error", () => undefined).end(input ?? "");
    const ended = new Promise<string>((resolve) => {
      child.once("error", (error) => resolve(`can't be started: ${error.message}`));
      child.once("close", (code, by) => resolve(by === null ? `ended with ${String(code)}` : `was ended by ${by}`));
    });
    this.#running.set(
      child,
      ended.finally(() => this.#running.delete(child)),
    );
    return child;
  }

  async #end(child: ChildProcess): Promise<void> {
    const ended = this.#running.get(child);
    if (!ended) return;
    signal(child, "SIGTERM");
    const stopped = await Promise.race([ended.then(() => true), setTimeout(GRACE_MS, false, { ref: false })]);
    if (stopped) return;
    signal(child, "SIGKILL");
    await ended;
  }
}

function signal({ pid }: ChildProcess, name: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, name);
  } catch {
    // The group has ended already.
  }
}
