import type { Command } from "../command.ts";

const START = "npm run autopilot --";

/** The help of the whole command. */
export function overview(commands: readonly Command[]): string {
  const width = Math.max(...commands.map((command) => usage(command).length));
  return `${START} COMMAND [options]

Works against the lab and a deployed stage alike, with the AWS credentials of the environment.

${commands.map((command) => `  ${usage(command).padEnd(width)}  ${command.about}`).join("\n")}

\`${START} COMMAND --help\` lists a command's options. docs/cli.md has examples.

Exit codes: 0 done, 1 the watched rollout did not complete or the command failed, 2 refused or wrong usage,
3 AWS could not be reached or refused, 130 Ctrl-C ended watching.
`;
}

/** The help of one command. */
export function commandHelp(command: Command): string {
  const options = Object.entries({ ...command.options, help: { about: "this text", value: undefined } });
  const left = options.map(([name, { value }]) => `--${name}${value === undefined ? "" : ` ${value}`}`);
  const width = Math.max(...left.map((text) => text.length));
  const lines = options.map(([, { about }], at) => `  ${(left[at] ?? "").padEnd(width)}  ${about}`);
  const more = command.more === undefined ? "" : `\n${command.more.trim()}\n`;
  return `${START} ${usage(command)} [options]\n\n${command.about}\n\n${lines.join("\n")}\n${more}`;
}

function usage({ name, positionals }: Command): string {
  return [name, ...positionals].join(" ");
}
