import { nearest } from "../shared/base/nearest.ts";
import { readArguments } from "./arguments.ts";
import type { Command } from "./command.ts";
import { commands } from "./commands.ts";
import type { CliContext } from "./context.ts";
import { errorJson, exitCodeOf, exitCodes, told, UsageError } from "./exit-codes.ts";
import { commandHelp, overview } from "./render/help.ts";

/** Runs the command that the arguments name. Returns the exit code; errors are told, none is thrown. */
export async function runCommand(args: readonly string[], context: CliContext): Promise<number> {
  let command: Command | undefined;
  try {
    const found = find(args);
    if ("help" in found) {
      context.out.write(overview(found.help));
      return exitCodes.ok;
    }
    command = found.command;
    if (found.rest.includes("--help") || found.rest.includes("-h")) {
      context.out.write(commandHelp(command));
      return exitCodes.ok;
    }
    const parsed = readArguments(found.rest, command.options, command.positionals);
    return await command.run(parsed, context);
  } catch (error) {
    tell(error, command, args, context);
    return exitCodeOf(error);
  }
}

type Found = { readonly command: Command; readonly rest: readonly string[] } | { readonly help: readonly Command[] };

function find(args: readonly string[]): Found {
  const [first, second] = args;
  if (first === undefined || first === "--help" || first === "-h" || first === "help") return { help: commands };
  for (const [words, name] of [[2, `${first} ${second}`] as const, [1, first] as const]) {
    const command = commands.find((one) => one.name === name);
    if (command) return { command, rest: args.slice(words) };
  }
  const group = commands.filter(({ name }) => name.startsWith(`${first} `));
  if (group.length > 0 && (second === undefined || second === "--help" || second === "-h")) return { help: group };
  throw new UsageError(`There is no command ${[first, second].filter(isWord).join(" ")}.${hintFor(first, second)}`);
}

function hintFor(first: string, second: string | undefined): string {
  const word = nearest(
    first,
    commands.map(({ name }) => name.split(" ")[0] ?? name),
  );
  const group = commands.map(({ name }) => name).filter((name) => name.startsWith(`${word} `));
  const hint = group.length > 0 && isWord(second) ? nearest(`${word} ${second}`, group) : word;
  return hint === undefined ? "" : ` Did you mean ${hint}?`;
}

function isWord(text: string | undefined): text is string {
  return text !== undefined && !text.startsWith("-");
}

function tell(error: unknown, command: Command | undefined, args: readonly string[], context: CliContext): void {
  const { sentence, fix } = told(error);
  const help = error instanceof UsageError ? `npm run autopilot -- ${command ? `${command.name} ` : ""}--help` : "";
  const lines = [sentence, ...(fix ? [`Fix: ${fix}`] : []), ...(help ? [`See ${help}`] : [])];
  context.err.write(`${lines.join("\n")}\n`);
  if (args.includes("--json")) context.out.write(`${JSON.stringify(errorJson(error))}\n`);
}
