import { type CompletedCommand, wordsBefore } from "./words.ts";

/** The script that completes `autopilot` in bash, version 3.2 and newer. */
export function bashCompletion(commands: readonly CompletedCommand[]): string {
  const words = ({ subcommands, choices, options }: CompletedCommand) => [
    ...subcommands.map(({ name }) => name),
    ...choices,
    ...options.flatMap(({ short, long }) => (short ? [short, long] : [long])),
  ];
  return `# bash completion of autopilot: source <(autopilot completion bash)
_autopilot() {
  local cur="\${COMP_WORDS[COMP_CWORD]}" prev="\${COMP_WORDS[COMP_CWORD-1]}" at="" word words=""
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    word="\${at:+$at }$word"
    case "$word" in
      ${patterns(commands.map(({ path }) => path))}) at="$word" ;;
    esac
  done
  COMPREPLY=()
  case "\${at:+$at }$prev" in
    ${patterns(wordsBefore("file", commands))})
      local IFS=$'\\n'
      compopt -o filenames 2>/dev/null
      COMPREPLY=($(compgen -f -- "$cur"))
      return ;;
    ${patterns(wordsBefore("value", commands))})
      return ;;
  esac
  case "$at" in
${commands.map((command) => `    "${command.path}") words="${words(command).join(" ")}" ;;`).join("\n")}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
}
complete -F _autopilot autopilot
`;
}

function patterns(texts: readonly string[]): string {
  return texts
    .filter(Boolean)
    .map((text) => `"${text}"`)
    .join("|");
}
