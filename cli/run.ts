import { type Command, CommanderError, type Option, type OutputConfiguration } from "commander";
import { withStage } from "../shared/base/own-commands.ts";
import { autopilotCommand, START } from "./program.ts";
import { printable } from "./render/style.ts";
import { allCommands, pathOf } from "./runtime/command-tree.ts";
import type { CliContext, Screen } from "./runtime/context.ts";
import { errorJson, exitCodeOf, exitCodes, explained, UsageError } from "./runtime/exit-codes.ts";
import { stageOf } from "./runtime/operator.ts";

/** commander ends with these codes after it has written a help or the version. */
const answered: ReadonlySet<string> = new Set(["commander.help", "commander.helpDisplayed", "commander.version"]);

/** Runs the command that the arguments name. Returns the exit code; errors are written, none is thrown. */
export async function runCommand(args: readonly string[], context: CliContext): Promise<number> {
  let exitCode: number = exitCodes.ok;
  let named: Command | undefined;
  let screens: Pick<CliContext, "out" | "err"> = context;
  const root = autopilotCommand(async (command, invocation) => {
    screens = stagedScreens(invocation.values, context);
    exitCode = await command.run(invocation, { ...context, ...screens });
  });
  for (const command of allCommands(root)) {
    command.configureOutput(outputOf(context)).exitOverride((error) => {
      named = command;
      throw error;
    });
  }
  root.hook("preAction", (_root, command) => {
    named = command;
    if (optionWithoutValue(command, args)) command.error("");
  });
  try {
    await root.parseAsync(args, { from: "user" });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError && answered.has(error.code)) return exitCodes.ok;
    const failure = error instanceof CommanderError ? usageError(error, named ?? root, args) : error;
    report(failure, named ?? root, args, screens);
    return exitCodeOf(failure);
  }
}

/** The terminal, on which commands of ours name the stage that this one was called for. */
function stagedScreens(values: unknown, context: CliContext): Pick<CliContext, "out" | "err"> {
  const given = typeof values === "object" && values !== null ? Reflect.get(values, "stage") : undefined;
  const stage = stageOf(typeof given === "string" ? { stage: given } : {}, context);
  const staged = (screen: Screen): Screen => ({
    write: (text) => screen.write(withStage(text, stage)),
    isTTY: screen.isTTY,
    get columns() {
      return screen.columns;
    },
    get rows() {
      return screen.rows;
    },
  });
  return { out: staged(context.out), err: staged(context.err) };
}

/** For a group without its subcommand, commander writes the help as an error; here it is the answer. */
function outputOf({ out }: CliContext): OutputConfiguration {
  const width = () => (out.isTTY ? out.columns : 100);
  return {
    writeOut: out.write,
    writeErr: out.write,
    outputError: () => undefined,
    getOutHelpWidth: width,
    getErrHelpWidth: width,
  };
}

/** The mistake that commander found, as a sentence; first those that lead commander to a wrong conclusion. */
function usageError(error: CommanderError, command: Command, args: readonly string[]): UsageError {
  const withoutValue = optionWithoutValue(command, args);
  const [, flag] = /unknown option '(--[^=]+)=/.exec(error.message) ?? [];
  if (withoutValue) return new UsageError(`Option '${withoutValue.flags}' argument missing.`, { cause: error });
  if (flag !== undefined && command.options.some(({ long }) => long === flag))
    return new UsageError(`Option '${flag}' takes no value.`, { cause: error });
  return new UsageError(sentenceOf(error.message), { cause: error });
}

/** commander takes any next word as an option's value: `--image --watch` is a mistake, `--image=--watch` is none. */
function optionWithoutValue(command: Command, args: readonly string[]): Option | undefined {
  return command.options.find((option) => {
    const value: unknown = command.getOptionValue(option.attributeName());
    return [value]
      .flat()
      .some((one) => one === "" || (typeof one === "string" && /^-./.test(one) && args.includes(one)));
  });
}

/** commander's message as a sentence: it is like `error: unknown option '--x'\n(Did you mean --y?)`. */
function sentenceOf(message: string): string {
  const [, first = "", rest = "", hint] = /^(?:error: )?(.)(.*?)\.?(?:\n\((.*)\))?$/s.exec(message) ?? [];
  return `${first.toUpperCase()}${rest}.${hint === undefined ? "" : ` ${hint}`}`;
}

function report(
  error: unknown,
  command: Command,
  args: readonly string[],
  { out, err }: Pick<CliContext, "out" | "err">,
): void {
  const { sentence, fix } = explained(error);
  const lines = [
    sentence,
    ...(fix ? [`Fix: ${fix}`] : []),
    ...(error instanceof UsageError ? [`See ${[START, pathOf(command), "--help"].filter(Boolean).join(" ")}`] : []),
  ];
  const shown = lines.flatMap((line) => line.split("\n")).map(printable);
  err.write(`${shown.join("\n")}\n`);
  if (args.includes("--json")) out.write(`${JSON.stringify(errorJson(error))}\n`);
}
