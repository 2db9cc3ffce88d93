import type { Arguments, OptionSpecs } from "./arguments.ts";
import type { CliContext } from "./context.ts";

/** One command of the operator. */
export interface Command {
  /** One or two words. */
  readonly name: string;
  readonly about: string;
  /** Names of its positional arguments, all of them required. */
  readonly positionals: readonly string[];
  readonly options: OptionSpecs;
  /** What its help says below the options. */
  readonly more?: string;
  /** Returns the exit code. */
  readonly run: (args: Arguments, context: CliContext) => Promise<number>;
}

/** Options that find the autopilot: every command that reads the configuration has them. */
export const whereOptions = {
  config: { value: "FILE", about: "the configuration (default autopilot.config.ts)" },
  stage: { value: "NAME", about: "the deployed stage (default AUTOPILOT_STAGE; without one: the lab)" },
} as const satisfies OptionSpecs;

export const jsonOption = { json: { about: "JSON instead of text" } } as const satisfies OptionSpecs;

/** Options that say which services are meant. */
export const scopeOptions = {
  account: { value: "ID", multiple: true, about: "only this account; repeatable" },
  region: { value: "NAME", multiple: true, about: "only this region; repeatable" },
  cluster: {
    value: "NAME",
    multiple: true,
    about: "only this cluster, by name or ARN, * for any characters; repeatable",
  },
  service: {
    value: "NAME",
    multiple: true,
    about: "only this service, by name or ARN, * for any characters; repeatable",
  },
} as const satisfies OptionSpecs;
