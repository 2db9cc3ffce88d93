import { type CompletedCommand, wordsBefore } from "./words.ts";

/** The script that completes `autopilot` in zsh: sourced, or as the file `_autopilot` in a folder of `fpath`. */
export function zshCompletion(commands: readonly CompletedCommand[]): string {
  return `#compdef autopilot
# zsh completion of autopilot: source <(autopilot completion zsh)
_autopilot() {
  local at="" word
  local -a subcommands choices flags
  for word in \${words[2,CURRENT-1]}; do
    word="\${at:+$at }$word"
    case "$word" in
      (${patterns(commands.map(({ path }) => path))}) at="$word" ;;
    esac
  done
  case "\${at:+$at }\${words[CURRENT-1]}" in
    (${patterns(wordsBefore("file", commands))}) _files; return ;;
    (${patterns(wordsBefore("value", commands))}) return 1 ;;
  esac
  case "$at" in
${commands.map(caseOf).join("\n")}
  esac
  _describe -t commands command subcommands
  _describe -t arguments argument choices
  _describe -t options option flags
}
if [[ "\${funcstack[1]}" == _autopilot ]]; then
  _autopilot "$@"
else
  compdef _autopilot autopilot
fi
`;
}

function caseOf({ path, subcommands, choices, options }: CompletedCommand): string {
  const flags = options.flatMap(({ short, long, description }) =>
    (short ? [short, long] : [long]).map((flag) => quoted(`${flag}:${description}`)),
  );
  const lines = [
    ...(subcommands.length > 0
      ? [`subcommands=(${subcommands.map((one) => quoted(`${one.name}:${one.description}`)).join(" ")})`]
      : []),
    ...(choices.length > 0 ? [`choices=(${choices.map(quoted).join(" ")})`] : []),
    `flags=(${flags.join(" ")})`,
  ];
  return `    ("${path}")\n${lines.map((line) => `      ${line}`).join("\n")}\n      ;;`;
}

function patterns(texts: readonly string[]): string {
  return texts
    .filter(Boolean)
    .map((text) => `"${text}"`)
    .join("|");
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
