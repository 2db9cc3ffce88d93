import type { Command, Option } from "commander";
import { allCommands, pathOf } from "../runtime/command-tree.ts";

/** What a shell completes after the words of one command. */
export interface CompletedCommand {
  /** The words that name it, `rollout pause`; empty for the whole program. */
  readonly path: string;
  readonly subcommands: readonly Described[];
  readonly options: readonly CompletedOption[];
  /** What its argument may be, as far as the command knows. */
  readonly choices: readonly string[];
}

interface Described {
  readonly name: string;
  readonly description: string;
}

export interface CompletedOption {
  readonly short: string | undefined;
  readonly long: string;
  readonly description: string;
  /** What comes after it: nothing, a file's name, or a value that no shell can know. */
  readonly takes: "nothing" | "file" | "value";
}

/** Every command of the tree with the words that may follow it: those that its help shows. */
export function completedCommands(root: Command): readonly CompletedCommand[] {
  return allCommands(root).map((command) => {
    const help = command.createHelp();
    return {
      path: pathOf(command),
      subcommands: help.visibleCommands(command).map((one) => ({ name: one.name(), description: one.description() })),
      options: help.visibleOptions(command).map(completedOption),
      choices: command.registeredArguments.flatMap(({ argChoices = [] }) => argChoices),
    };
  });
}

function completedOption({ short, long = "", description, flags, required }: Option): CompletedOption {
  const takes = flags.includes("<FILE>") ? "file" : "value";
  return { short, long, description, takes: required ? takes : "nothing" };
}

/** The options of a command that take a file or a value, behind the command's own words. */
export function wordsBefore(takes: "file" | "value", commands: readonly CompletedCommand[]): readonly string[] {
  return commands.flatMap(({ path, options }) =>
    options.filter((option) => option.takes === takes).map(({ long }) => `${path} ${long}`.trim()),
  );
}
