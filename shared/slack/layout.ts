import { escapeText } from "./mrkdwn.ts";

/**
 * Text that Slack takes as it is: without `verbatim` it makes links of the addresses in it, and broadcasts of `@here`,
 * which no escaping prevents. https://docs.slack.dev/reference/block-kit/composition-objects/text-object
 */
interface VerbatimText {
  readonly type: "mrkdwn";
  readonly text: string;
  readonly verbatim: true;
}

/** The blocks of Slack's Block Kit that the messages are made of. */
export type Block =
  | { readonly type: "section"; readonly text: VerbatimText }
  | { readonly type: "context"; readonly elements: readonly VerbatimText[] };

/** A message for chat.postMessage, chat.update or an incoming webhook: `text` is what notifications show. */
export interface SlackMessage {
  readonly text: string;
  readonly blocks: readonly Block[];
}

/** What happened: a headline and lines, each of which becomes a section. All text is escaped already. */
export interface Story {
  readonly icon: string;
  readonly headline: string;
  readonly lines: readonly string[];
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

/** The story as a message. */
export function layOut({ icon, headline, lines, context }: Story): SlackMessage {
  const rest = lines.length > MAX_LINES ? [`… and ${lines.length - MAX_LINES} more`] : [];
  const body = [...lines.slice(0, MAX_LINES), ...rest];
  return {
    text: [`${icon} ${headline}`, ...body].join("\n"),
    blocks: [
      section(`${icon} *${headline}*`),
      ...body.map(section),
      ...(context.length > 0 ? [contextOf(context)] : []),
    ],
  };
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

/** Text that somebody else wrote, escaped and cut, with times for people. */
export function said(text: string, maxLength = DETAIL_LIMIT): string {
  return escapeText(text.replace(/\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z/g, readable), maxLength);
}

function readable(time: string): string {
  return Number.isNaN(Date.parse(time)) ? time : timeText(time);
}

/** `1 task`, `3 tasks`. */
export function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? "" : "s"}`;
}
