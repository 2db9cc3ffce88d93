import { Argument } from "commander";
import { bashCompletion } from "../completion/bash.ts";
import { fishCompletion } from "../completion/fish.ts";
import { type CompletedCommand, completedCommands } from "../completion/words.ts";
import { zshCompletion } from "../completion/zsh.ts";
import { type CliCommand, newCommand } from "../runtime/command.ts";
import { exitCodes, UsageError } from "../runtime/exit-codes.ts";

const scripts: ReadonlyMap<string, (commands: readonly CompletedCommand[]) => string> = new Map([
  ["bash", bashCompletion],
  ["zsh", zshCompletion],
  ["fish", fishCompletion],
]);

export const completionCommand: CliCommand = {
  define: () =>
    newCommand(
      "completion",
      "Prints a script that completes the commands and options in a shell.",
      [],
      `
The script completes the word autopilot. Make it a function of your shell:

  bash, zsh  autopilot() { npm run -s autopilot -- "$@"; }
             source <(autopilot completion bash)
  fish       function autopilot; npm run -s autopilot -- $argv; end
             autopilot completion fish | source`,
    ).addArgument(new Argument("<SHELL>", "the shell").choices([...scripts.keys()])),
  run: async ({ args: [shell = ""], command }, { out }) => {
    const script = scripts.get(shell);
    if (!script) throw new UsageError(`There is no script for ${shell}.`);
    out.write(script(completedCommands(command.parent ?? command)));
    return exitCodes.ok;
  },
};
