import { withStage } from "../base/own-commands.ts";
import { cleanText, nameText } from "./mrkdwn.ts";

/**
 * Text that Slack takes as it is: without `verbatim` it makes links of the addresses in it, and broadcasts of `@here`,
 * which no escaping prevents. https://docs.slack.dev/reference/block-kit/composition-objects/text-object
 */
interface VerbatimText {
  readonly type: "mrkdwn";
  readonly text: string;
  readonly verbatim: true;
}

/** Text that Slack shows as it is, even if it looks like more: no formatting, no links, no emoji. */
interface PlainText {
  readonly type: "plain_text";
  readonly text: string;
  readonly emoji: false;
}

/** The blocks of Slack's Block Kit that the messages are made of. */
export type Block =
  | { readonly type: "section"; readonly text: VerbatimText | PlainText }
  | { readonly type: "context"; readonly elements: readonly VerbatimText[] };

/** A message for chat.postMessage, chat.update or an incoming webhook: `text` is what notifications show. */
export interface SlackMessage {
  readonly text: string;
  readonly blocks: readonly Block[];
}

/** What somebody else wrote, not escaped, between texts of ours: it is shown as plain text. */
export interface Quote {
  readonly lead: string;
  readonly quote: string;
  readonly tail: string;
}
/** Text of ours, in which anything else is escaped already; or what somebody else wrote. */
export type StoryLine = string | Quote;

/** What happened: a headline and lines, each of which becomes a section or several. */
export interface Story {
  readonly icon: string;
  readonly headline: string;
  readonly lines: readonly StoryLine[];
  /** Where, when and by whom. At most ten: https://docs.slack.dev/reference/block-kit/blocks/context-block */
  readonly context: readonly string[];
}

/**
 * With the sentences around it this keeps a section below Slack's 3,000 characters, and all of them below the 4,000
 * that Slack advises for a text. https://docs.slack.dev/reference/block-kit/blocks/section-block
 */
export const DETAIL_LIMIT = 400;
/** Further lines are only counted. */
const MAX_LINES = 6;

/** The story as a message. With a `stage` the message names it, and the commands in it are for that stage. */
export function layOut({ icon, headline, lines, context }: Story, stage?: string): SlackMessage {
  const rest = lines.length > MAX_LINES ? [`… and ${lines.length - MAX_LINES} more`] : [];
  const body = [...lines.slice(0, MAX_LINES), ...rest].map((line) => forStage(line, stage));
  const where = [...context, ...(stage === undefined ? [] : [`stage ${stage}`])];
  return {
    text: [`${icon} ${headline}`, ...body.map(lineText), ...(stage === undefined ? [] : [`stage ${stage}`])].join("\n"),
    blocks: [
      section(`${icon} *${headline}*`),
      ...body.flatMap(lineBlocks),
      ...(where.length > 0 ? [contextOf(where)] : []),
    ],
  };
}

/** What somebody else wrote, cut, without control characters, and with times for people. */
export function quoted(
  lead: string,
  text: string,
  { tail = "", maxLength = DETAIL_LIMIT }: { readonly tail?: string; readonly maxLength?: number } = {},
): Quote {
  return { lead, quote: cleanText(withTimes(text), maxLength), tail };
}

function forStage(line: StoryLine, stage: string | undefined): StoryLine {
  if (stage === undefined) return line;
  if (typeof line === "string") return withStage(line, stage);
  const { lead, quote, tail } = line;
  return { lead: String(forStage(lead, stage)), quote, tail: String(forStage(tail, stage)) };
}

function lineText(line: StoryLine): string {
  if (typeof line === "string") return line;
  const { lead, quote, tail } = line;
  const escaped = nameText(quote, Math.max(quote.length, DETAIL_LIMIT));
  return [lead, escaped, tail].filter(Boolean).join(" ").replaceAll(" \n", "\n");
}

/** Slack takes no empty text. */
function lineBlocks(line: StoryLine): readonly Block[] {
  if (typeof line === "string") return [section(line)];
  const { lead, quote, tail } = line;
  const plain: Block = { type: "section", text: { type: "plain_text", text: quote, emoji: false } };
  return [...(lead ? [section(lead)] : []), ...(quote ? [plain] : []), ...(tail ? [section(tail.trim())] : [])];
}

function section(text: string): Block {
  return { type: "section", text: verbatim(text) };
}

function contextOf(texts: readonly string[]): Block {
  return { type: "context", elements: texts.map(verbatim) };
}

function verbatim(text: string): VerbatimText {
  return { type: "mrkdwn", text, verbatim: true };
}

/** A time for people, from ISO 8601 or epoch milliseconds: `2026-01-05 12:25 UTC`. */
export function timeText(time: string | number): string {
  return `${new Date(time).toISOString().slice(0, 16).replace("T", " ")} UTC`;
}

/** A duration for people: `45 s`, `12 min`, `3 h 5 min`, `2 d 4 h`. */
export function durationText(seconds: number): string {
  if (seconds < 90) return `${Math.round(seconds)} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 120) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? parts(hours, "h", minutes % 60, "min") : parts(Math.floor(hours / 24), "d", hours % 24, "h");
}

function parts(large: number, largeUnit: string, small: number, smallUnit: string): string {
  return small === 0 ? `${large} ${largeUnit}` : `${large} ${largeUnit} ${small} ${smallUnit}`;
}

function withTimes(text: string): string {
  return text.replace(/\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z/g, readable);
}

function readable(time: string): string {
  return Number.isNaN(Date.parse(time)) ? time : timeText(time);
}
