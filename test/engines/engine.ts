import type { Children } from "./children.ts";
import type { Tool } from "./tools.ts";

/** A program of others that the project is compared with. */
export interface Engine {
  /** The name of its folder in test/engines/ and, for what is installed, in .engines/. */
  readonly name: string;
  /** What it compares, for `--help`. */
  readonly about: string;
  /** What the host must have. Without one of them the engine is skipped. */
  readonly needs: readonly Tool[];
  /** Takes part in `--quick`. */
  readonly inQuick: boolean;
  /** Puts the engine into `context.folder`, which is empty before. Throws if that fails. */
  install(context: EngineContext): Promise<void>;
  /** Compares. Throws if the comparison itself fails: then nothing is known. */
  run(context: EngineContext): Promise<EngineResult>;
}

export interface EngineContext {
  /** The folder of what is installed. Git ignores it. */
  readonly folder: string;
  /** The folder of the engine's own sources and pins. */
  readonly sources: string;
  /** Compare less, in a minute or so. */
  readonly quick: boolean;
  /** The only way to run other programs: they end with the command, also after Ctrl-C. */
  readonly children: Children;
  /** Takes a line about what goes on, for work of more than some seconds. */
  progress(line: string): void;
}

export interface EngineResult {
  readonly table: {
    readonly columns: readonly string[];
    readonly rows: readonly (readonly (string | number)[])[];
  };
  /** Empty if both sides agree. `withReasons` in listed.ts makes it of what was found and of the list. */
  readonly differences: readonly Difference[];
  /** Totals, by name. */
  readonly figures: Readonly<Record<string, string | number>>;
}

/** Something in which the project and the engine differ. */
export interface Difference {
  readonly what: string;
  /** Why it is accepted: whose fault it is, by which source. Without it the difference fails the suite. */
  readonly listed?: string;
}
