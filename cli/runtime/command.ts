import { Command, type Option } from "commander";
import type { CliContext } from "./context.ts";

/** How a command was called. */
export interface Invocation {
  /** What its options were given, by their names in camel case. */
  readonly values: unknown;
  /** Its arguments, as many as it takes. */
  readonly args: readonly string[];
  /** The command in the tree of all commands. */
  readonly command: Command;
}

/** One command of the operator. */
export interface CliCommand {
  /** Its name, arguments, options and help, new for each run: commander stores the parsed values in it. */
  readonly define: () => Command;
  /** Returns the exit code. */
  readonly run: (invocation: Invocation, context: CliContext) => Promise<number>;
}

/** A command with its options; `more` stands at the end of its help. */
export function newCommand(name: string, description: string, options: readonly Option[], more?: string): Command {
  const command = new Command(name).description(description);
  for (const option of options) command.addOption(option);
  return more === undefined ? command : command.addHelpText("after", `\n${more.trim()}`);
}
