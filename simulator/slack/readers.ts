import { isJsonObject, type Json, type JsonObject } from "../base/json.ts";
import { plainParts, readMrkdwn, type SlackPart } from "./mrkdwn.ts";

/** What the readers of a message see: in the channel, and in the notification about it. */
export interface SlackView {
  readonly message: readonly SlackPart[];
  readonly notification: readonly SlackPart[];
}

export interface SlackContent {
  readonly text: string;
  readonly blocks: readonly Json[];
  /** With `none`, what is written as plain text stays text. */
  readonly parse?: string | undefined;
}

/**
 * What is seen of a message. Beside blocks the text is for notifications only, where nothing can be clicked:
 * https://docs.slack.dev/reference/methods/chat.postMessage#text_blocks_attachments
 */
export function viewOf({ text, blocks, parse }: SlackContent): SlackView {
  const notification = readMrkdwn(text, { verbatim: true });
  if (blocks.length > 0) return { message: blocks.flatMap(partsOf), notification };
  return { message: readMrkdwn(text, { verbatim: parse === "none" }), notification };
}

/** The parts of a block, and of all that is in it. */
function partsOf(value: Json): readonly SlackPart[] {
  if (Array.isArray(value)) return value.flatMap(partsOf);
  if (!isJsonObject(value)) return [];
  const own = ownParts(value);
  if (own !== undefined) return own;
  const link = ["url", "image_url", "title_url"].flatMap((member): readonly SlackPart[] => {
    const url = value[member];
    return typeof url === "string" ? [{ kind: "link", url, text: url }] : [];
  });
  // A value comes back with an interaction; readers do not see it.
  const inner = Object.entries(value).flatMap(([name, member]) => (name === "value" ? [] : partsOf(member)));
  return [...link, ...inner];
}

/** The parts of an object that is text by its type; `undefined` for any other. */
function ownParts(value: JsonObject): readonly SlackPart[] | undefined {
  const { type, text } = value;
  const name = (member: string) => String(value[member]);
  switch (type) {
    case "mrkdwn":
      return typeof text === "string" ? readMrkdwn(text, { verbatim: value.verbatim === true }) : [];
    case "plain_text":
    case "text":
      return typeof text === "string" ? plainParts(text) : [];
    // Of Markdown, links are read alone: https://docs.slack.dev/reference/block-kit/blocks/markdown-block
    case "markdown":
      return typeof text === "string" ? readMrkdwn(markdownLinks(text), { verbatim: false }) : [];
    case "link":
      return [{ kind: "link", url: name("url"), text: typeof text === "string" ? text : name("url") }];
    case "user":
      return [{ kind: "mention", user: name("user_id") }];
    case "usergroup":
      return [{ kind: "broadcast", to: `subteam^${name("usergroup_id")}` }];
    case "broadcast":
      return [{ kind: "broadcast", to: name("range") }];
    case "channel":
      return [{ kind: "channel", channel: name("channel_id") }];
    default:
      return undefined;
  }
}

function markdownLinks(text: string): string {
  return text.replace(/\[([^\]\n]*)\]\(([^)\s]+)\)/g, "<$2|$1>");
}
