import { Command } from "commander";
import packageJson from "../package.json" with { type: "json" };
import { completionCommand } from "./commands/completion.ts";
import { costCommand } from "./commands/cost.ts";
import { injectCommand } from "./commands/inject.ts";
import { policyCommand } from "./commands/policy.ts";
import { rbacCommand } from "./commands/rbac.ts";
import { releaseCommand } from "./commands/release.ts";
import { rolloutControlCommands } from "./commands/rollout-control.ts";
import { rolloutListCommand } from "./commands/rollout-list.ts";
import { rolloutRequestCommand } from "./commands/rollout-request.ts";
import { rolloutStatusCommand } from "./commands/rollout-status.ts";
import { statusCommand } from "./commands/status.ts";
import { unenrollCommand } from "./commands/unenroll.ts";
import type { CliCommand, Invocation } from "./runtime/command.ts";
import { allCommands } from "./runtime/command-tree.ts";

/** What an operator types to run the command. */
export const START = "npm run autopilot --";

/** Every command, in the order of the help. `act` runs the one that the arguments name. */
export function autopilotCommand(act: (command: CliCommand, invocation: Invocation) => Promise<void>): Command {
  const add = (parent: Command, ...commands: readonly CliCommand[]) => {
    for (const one of commands) {
      const command = one.define();
      command.action(() => act(one, { values: command.opts(), args: command.args, command }));
      parent.addCommand(command);
    }
  };
  const rollout = new Command("rollout").description("Requests rollouts, controls them and shows what they do.");
  add(rollout, rolloutListCommand, rolloutStatusCommand, rolloutRequestCommand, ...rolloutControlCommands);

  const root = new Command(START)
    .description("Works against the lab and a deployed stage alike, with the AWS credentials of the environment.")
    .version(packageJson.version, "-V, --version", "the version")
    .addHelpText("after", `\n${notes}`);
  add(root, statusCommand);
  root.addCommand(rollout);
  add(root, unenrollCommand, releaseCommand, injectCommand, rbacCommand, policyCommand, costCommand, completionCommand);
  for (const command of allCommands(root)) command.helpOption("-h, --help", "this text");
  for (const group of [root, rollout]) group.helpCommand("help [command]", "the help of a command");
  return root;
}

const notes = `\`${START} COMMAND --help\` lists a command's options.
docs/cli.md has examples.

Exit codes: 0 done, 1 the watched rollout did not complete or the command
failed, 2 refused or wrong usage, 3 AWS could not be reached or refused,
130 Ctrl-C ended watching.`;
