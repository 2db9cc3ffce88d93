const ENTITIES: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;" };

/**
 * The text as Slack shows it: `&`, `<` and `>` escaped, so that it can't mention people or make links. Line breaks and
 * control characters become spaces. It is cut to `maxLength` characters as Slack counts them, never inside an entity.
 * https://docs.slack.dev/messaging/formatting-message-text
 */
export function escapeText(text: string, maxLength: number): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters to replace
  const line = text.replace(/[\u0000-\u001f\u007f\u2028\u2029]+/g, " ").trim();
  let escaped = "";
  let fitting = "";
  for (const character of line) {
    escaped += ENTITIES[character] ?? character;
    if (escaped.length > maxLength) return `${fitting}…`;
    if (escaped.length < maxLength) fitting = escaped;
  }
  return escaped;
}

/** The text as code in one line. Slack can't escape a backtick in code: it becomes an apostrophe. */
export function code(text: string, maxLength: number): string {
  return `\`${escapeText(text.replaceAll("`", "'"), maxLength - 2)}\``;
}

/** A link with the text. The address is made here, of parts of ARNs that were checked. */
export function link(url: string, text: string): string {
  return `<${url}|${escapeText(text.replaceAll("|", "/"), 200)}>`;
}
