import type { CompletedCommand, CompletedOption } from "./words.ts";

/** The script that completes `autopilot` in fish. */
export function fishCompletion(commands: readonly CompletedCommand[]): string {
  const paths = commands.map(({ path }) => path).filter(Boolean);
  return `# fish completion of autopilot: autopilot completion fish | source
function __autopilot_at
    set -l at
    set -l tokens (commandline -opc)
    set -e tokens[1]
    for token in $tokens
        set -l word (string join ' ' $at $token)
        switch $word
            case ${paths.map(quoted).join(" ")}
                set at $word
        end
    end
    test "$at" = "$argv[1]"
end
complete -c autopilot -f
${commands.flatMap(lines).join("\n")}
`;
}

function lines({ path, subcommands, choices, options }: CompletedCommand): readonly string[] {
  const here = `complete -c autopilot -n ${quoted(`__autopilot_at ${quoted(path)}`)}`;
  return [
    ...subcommands.map(({ name, description }) => `${here} -a ${name} -d ${quoted(description)}`),
    ...choices.map((choice) => `${here} -a ${choice}`),
    ...options.map((option) => `${here} ${flagsOf(option)} -d ${quoted(option.description)}`),
  ];
}

/** A file completes a file's name, another value nothing. */
function flagsOf({ short, long, takes }: CompletedOption): string {
  const names = [...(short ? [`-s ${short.slice(1)}`] : []), `-l ${long.slice(2)}`];
  const value = { nothing: [], file: ["-r", "-F"], value: ["-x"] }[takes];
  return [...names, ...value].join(" ");
}

function quoted(text: string): string {
  return `'${text.replace(/[\\']/g, "\\$&")}'`;
}
