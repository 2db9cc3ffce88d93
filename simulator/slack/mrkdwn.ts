export type SlackStyle = "bold" | "italic" | "strike" | "code";

/** What a reader sees of a text. A mention, a broadcast and a user group notify people. */
export type SlackPart =
  | { readonly kind: "text"; readonly text: string; readonly styles: readonly SlackStyle[] }
  | { readonly kind: "link"; readonly url: string; readonly text: string }
  | { readonly kind: "mention"; readonly user: string }
  | { readonly kind: "broadcast"; readonly to: string }
  | { readonly kind: "channel"; readonly channel: string };

export interface MrkdwnOptions {
  /** True for text objects that are `verbatim` and for notifications: what is written as plain text stays text. */
  readonly verbatim: boolean;
}

/** `<…>`, of which the text keeps a mark while its styles are read. The marks are taken out of texts first. */
const SEQUENCE = /<([^<>\n]*)>/g;
const MARK = /\ue000(\d+)\ue001/;

/**
 * The parts of a text in Slack's own markup: what stands in angle brackets, styles, and, unless it is verbatim, what
 * Slack finds in plain text. https://docs.slack.dev/messaging/formatting-message-text. Stricter than Slack may be: code
 * protects neither from angle brackets nor from links.
 */
export function readMrkdwn(text: string, { verbatim }: MrkdwnOptions): readonly SlackPart[] {
  const sequences: SlackPart[][] = [];
  const marked = text.replace(/[\ue000\ue001]/g, "\ufffd").replace(SEQUENCE, (whole, inner: string) => {
    const parts = sequenceParts(inner);
    return parts === undefined ? whole : `\ue000${sequences.push(parts) - 1}\ue001`;
  });
  return joined(
    styled(marked, []).flatMap(({ text: plain, styles }) =>
      plain.split(MARK).flatMap((piece, index): readonly SlackPart[] => {
        if (index % 2 === 1) return sequences[Number(piece)] ?? [];
        return verbatim ? [textPart(piece, styles)] : foundParts(piece, styles);
      }),
    ),
  );
}

/** The parts of a text that Slack shows as it is: `plain_text`. */
export function plainParts(text: string): readonly SlackPart[] {
  return joined([{ kind: "text", text, styles: [] }]);
}

function sequenceParts(inner: string): SlackPart[] | undefined {
  const [target = "", label] = splitOnce(inner, "|");
  const shown = unescaped(label ?? "");
  if (/^@[UW]/.test(target)) return [{ kind: "mention", user: target.slice(1) }];
  if (/^#[CG]/.test(target)) return [{ kind: "channel", channel: target.slice(1) }];
  if (target.startsWith("!date^")) return dateParts(target, shown);
  if (target.startsWith("!")) return [{ kind: "broadcast", to: target.slice(1) }];
  if (!/^[a-z][a-z0-9+.-]*:/i.test(target)) return undefined;
  const url = unescaped(target);
  return [{ kind: "link", url, text: shown === "" ? url : shown }];
}

/** `<!date^seconds^format^link|fallback>`: a text, which may be a link. */
function dateParts(target: string, fallback: string): SlackPart[] {
  const [, , , url] = target.split("^");
  return url === undefined ? [textPart(fallback, [])] : [{ kind: "link", url: unescaped(url), text: fallback }];
}

/**
 * `verbatim` leaves out what is found here.
 * https://docs.slack.dev/reference/block-kit/composition-objects/text-object
 */
const FOUND =
  /(?<url>\b(?:[a-z][a-z0-9+.-]*:\/\/|mailto:)[^\s<>|]+)|(?<![\p{L}\p{N}_@])@(?<to>here|channel|everyone)\b|(?<![\p{L}\p{N}_&/#])#(?<channel>[\p{Ll}\p{N}][\p{Ll}\p{N}_-]*)/giu;

function foundParts(text: string, styles: readonly SlackStyle[]): readonly SlackPart[] {
  const parts: SlackPart[] = [];
  let readTo = 0;
  for (const { index, 0: whole, groups = {} } of text.matchAll(FOUND)) {
    const found = groups.url === undefined ? whole : whole.replace(/[.,;:!?)'"`*]+$/, "");
    parts.push(textPart(text.slice(readTo, index), styles), foundPart(found, groups));
    readTo = index + found.length;
  }
  return [...parts, textPart(text.slice(readTo), styles)];
}

function foundPart(found: string, { to, channel }: Readonly<Record<string, string | undefined>>): SlackPart {
  if (to !== undefined) return { kind: "broadcast", to: to.toLowerCase() };
  if (channel !== undefined) return { kind: "channel", channel };
  return { kind: "link", url: unescaped(found), text: unescaped(found) };
}

interface StyledText {
  readonly text: string;
  readonly styles: readonly SlackStyle[];
}

const STYLED =
  /```([\s\S]+?)```|`([^`\n]+)`|(?<![\p{L}\p{N}])([*_~])(?!\s|\3)((?:(?!\3)[^\n])*?(?!\3)\S)\3(?![\p{L}\p{N}])/gu;
const STYLES: Readonly<Record<string, SlackStyle>> = { "*": "bold", _: "italic", "~": "strike" };

function styled(text: string, styles: readonly SlackStyle[]): readonly StyledText[] {
  const pieces: StyledText[] = [];
  let readTo = 0;
  for (const match of text.matchAll(STYLED)) {
    const [whole, block, code, mark = "", inner = ""] = match;
    pieces.push({ text: text.slice(readTo, match.index), styles });
    const literal = block ?? code;
    const style = STYLES[mark];
    if (literal !== undefined) pieces.push({ text: literal, styles: [...styles, "code"] });
    else if (style !== undefined) pieces.push(...styled(inner, [...styles, style]));
    readTo = match.index + whole.length;
  }
  return [...pieces, { text: text.slice(readTo), styles }];
}

function textPart(text: string, styles: readonly SlackStyle[]): SlackPart {
  return { kind: "text", text: unescaped(text), styles };
}

/** Three entities, and no others. https://docs.slack.dev/messaging/formatting-message-text#escaping */
function unescaped(text: string): string {
  return text.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&");
}

/** Without empty texts, and with neighbors of the same style as one. */
function joined(parts: readonly SlackPart[]): readonly SlackPart[] {
  const all: SlackPart[] = [];
  for (const part of parts) {
    const last = all.at(-1);
    if (part.kind === "text" && part.text === "") continue;
    if (part.kind === "text" && last?.kind === "text" && last.styles.join() === part.styles.join())
      all[all.length - 1] = { ...last, text: last.text + part.text };
    else all.push(part);
  }
  return all;
}

function splitOnce(text: string, separator: string): readonly [string, string | undefined] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)];
}
