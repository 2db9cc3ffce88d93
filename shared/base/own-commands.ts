/** A command of ours in a text for people: up to the end of its code or its line. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: a terminal's colors end a command, too
const OWN_COMMAND = /npm run autopilot -- [^`\n\u001b]*[^`\n\u001b\s.]/g;

/** The text, each command of ours in which names the stage: without it, a command is for another fleet. */
export function withStage(text: string, stage: string | undefined): string {
  if (stage === undefined) return text;
  return text.replace(OWN_COMMAND, (command) =>
    /\s--(stage|help)\b/.test(command) ? command : `${command} --stage ${stage}`,
  );
}
