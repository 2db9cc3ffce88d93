const ENTITIES: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;" };

/** Control characters, line breaks, and the characters that turn the direction of what follows. */
const CONTROLS =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters to replace
  /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]+/g;

/**
 * The text as Slack shows it: `&`, `<` and `>` escaped, so that it can't mention people or make links where a text is
 * verbatim. Line breaks and control characters become spaces. It is cut to `maxLength` characters as Slack counts them,
 * never inside an entity.
 * https://docs.slack.dev/messaging/formatting-message-text
 */
export function escapeText(text: string, maxLength: number): string {
  const line = withoutControls(text);
  let escaped = "";
  let fitting = "";
  for (const character of line) {
    escaped += ENTITIES[character] ?? character;
    if (escaped.length > maxLength) return `${fitting}…`;
    if (escaped.length < maxLength) fitting = escaped;
  }
  return escaped;
}

/** The text in one line without control characters, cut to `maxLength` UTF-16 units and not inside a character. */
export function cleanText(text: string, maxLength: number): string {
  const line = withoutControls(text);
  if (line.length <= maxLength) return line;
  return `${line.slice(0, maxLength - 1).replace(/[\ud800-\udbff]$/, "")}…`;
}

function withoutControls(text: string): string {
  return text.replace(CONTROLS, " ").trim();
}

/** The text as code in one line. Slack can't escape a backtick in code: it becomes an apostrophe. */
export function code(text: string, maxLength: number): string {
  return `\`${escapeText(text.replaceAll("`", "'"), maxLength - 2)}\``;
}

/** A link with the text. The address is made here, of parts of ARNs that were checked. */
export function link(url: string, text: string): string {
  return `<${url}|${escapeText(text.replaceAll("|", "/"), 200)}>`;
}

/** What Slack makes more of than text, where a text is verbatim: styles, emoji, a quotation or list at the start. */
const STYLING =
  /[*~`]|(?<![\p{L}\p{N}])_|_(?![\p{L}\p{N}])|(?<![\p{L}\p{N}:]):[\w+'-]+:(?![\p{L}\p{N}:])|^\s*(?:>|[-•])/u;

/** A name that somebody else chose, within a text of ours: as code where Slack would make more of it than text. */
export function nameText(name: string, maxLength = 200): string {
  return STYLING.test(name) ? code(name, maxLength) : escapeText(name, maxLength);
}
