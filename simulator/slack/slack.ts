import { hash } from "node:crypto";
import * as z from "zod";
import { isJsonObject, type Json, type JsonObject } from "../base/json.ts";
import type { SimulatorContext } from "../core/connections.ts";
import type { HttpService } from "../core/service.ts";
import { jsonResponse, type SimulatorRequest, type SimulatorResponse } from "../http/message.ts";
import { Pace } from "./pace.ts";

export interface SlackOptions {
  /** The bot token that the Web API takes. */
  readonly token: string;
  /** The last part of the incoming webhook's URL, and the channel that it writes to. */
  readonly webhook?: { readonly secret: string; readonly channel: string };
  /** Channels, by name, that the app is a member of; without it, every channel. */
  readonly channels?: readonly string[];
}

/** A message as the channel shows it now. */
export interface SlackMessage {
  readonly channel: string;
  readonly ts: string;
  readonly text: string;
  readonly blocks: readonly Json[];
  /** The `ts` of the message under which this one is a reply. */
  readonly threadTs?: string;
  readonly updatedTimes: number;
}

/** A message with the replies in its thread, the oldest first. */
export interface SlackThread extends SlackMessage {
  readonly replies: readonly SlackMessage[];
}

const text = z.string().max(40_000).default("");
const blocks = z
  .array(z.looseObject({ type: z.string() }))
  .max(50)
  .default([]);
const postSchema = z.object({ channel: z.string().min(1), text, blocks, thread_ts: z.string().optional() });
const updateSchema = z.object({ channel: z.string().min(1), ts: z.string().min(1), text, blocks });
const webhookSchema = z.object({ text, blocks });
/** https://docs.slack.dev/reference/block-kit/blocks */
const SECTION_CHARACTERS = 3000;
const HEADER_CHARACTERS = 150;

/** The answer of a Web API method: `ok`, or an error code of Slack's. */
type Answer = Readonly<Record<string, Json>>;

/**
 * Slack's Web API and an incoming webhook, below `/slack`. Posting is limited to a message a second in a channel,
 * updating to 50 a minute. https://docs.slack.dev/apis/web-api/rate-limits
 */
export class Slack implements HttpService {
  readonly name = "slack";
  readonly path = "/slack/";
  readonly #context: SimulatorContext;
  readonly #options: SlackOptions;
  readonly #posts: Pace;
  readonly #updates: Pace;
  #messages: readonly SlackMessage[] = [];
  #lastTs = 0;
  /** The channels that were written to: name by id. */
  readonly #names = new Map<string, string>();
  /** Messages that the webhook posted: the bot may not change them. */
  readonly #byWebhook = new Set<string>();

  constructor(context: SimulatorContext, options: SlackOptions) {
    this.#context = context;
    this.#options = options;
    const now = () => context.clock.now();
    this.#posts = new Pace(now, { count: 1, perMs: 1000 });
    this.#updates = new Pace(now, { count: 50, perMs: 60_000 });
  }

  /** The messages, the oldest first. */
  messages(): readonly SlackMessage[] {
    return this.#messages;
  }

  /** The messages as the channel shows them: each with its current text, how often it was updated, and its replies. */
  threads(): readonly SlackThread[] {
    return this.#messages
      .filter(({ threadTs }) => threadTs === undefined)
      .map((message) => ({
        ...message,
        replies: this.#messages.filter(
          ({ channel, threadTs }) => channel === message.channel && threadTs === message.ts,
        ),
      }));
  }

  /** Deletes a message, as a member of the channel may. */
  deleteMessage(ts: string): void {
    this.#messages = this.#messages.filter((message) => message.ts !== ts);
  }

  /** Answers a request below `/slack`. */
  async handle(request: SimulatorRequest): Promise<SimulatorResponse> {
    if (this.#context.faults.strike("slack-down", {})) return jsonResponse(500, { ok: false, error: "internal_error" });
    const [, kind, name = ""] = /^(?:\/slack)?\/(api|webhook)\/(.+)$/.exec(request.path) ?? [];
    if (request.method !== "POST" || kind === undefined) return plain(404, "not_found");
    return kind === "webhook" ? this.#webhook(name, request.body) : this.#call(name, request);
  }

  #call(method: string, request: SimulatorRequest): SimulatorResponse {
    const refused = this.#refuseToken(request);
    if (refused !== undefined) return jsonResponse(200, { ok: false, error: refused });
    const input = parseBody(request);
    switch (method) {
      case "auth.test":
        return jsonResponse(200, { ok: true, url: "https://simulator.slack.com/", team: "simulator", user: "bot" });
      case "chat.postMessage":
        return this.#limited(this.#posts, channelId(String(input.channel)), () => this.#post(input));
      case "chat.update":
        return this.#limited(this.#updates, "all", () => this.#update(input));
      default:
        return jsonResponse(200, { ok: false, error: "unknown_method" });
    }
  }

  #refuseToken({ headers }: SimulatorRequest): string | undefined {
    const { authorization } = headers;
    if (authorization === undefined) return "not_authed";
    return authorization === `Bearer ${this.#options.token}` ? undefined : "invalid_auth";
  }

  #limited(pace: Pace, key: string, answer: () => Answer): SimulatorResponse {
    const retryAfterSeconds = pace.admit(key);
    return retryAfterSeconds === undefined
      ? jsonResponse(200, answer())
      : jsonResponse(429, { ok: false, error: "ratelimited" }, { "retry-after": String(retryAfterSeconds) });
  }

  #post(input: JsonObject): Answer {
    const parsed = postSchema.safeParse(input);
    if (!parsed.success) return failed(parsed.error);
    const { channel, thread_ts: threadTs, ...content } = parsed.data;
    if (!this.#isMember(channel)) return { ok: false, error: "channel_not_found" };
    const refused = refuseContent(content);
    if (refused !== undefined) return { ok: false, error: refused };
    // Stricter than Slack: a reply without its parent would not be seen by anybody.
    if (threadTs !== undefined && !this.#isParent(channel, threadTs)) return { ok: false, error: "thread_not_found" };
    const ts = this.#add(channel, content, threadTs);
    return { ok: true, channel: channelId(channel), ts, message: { text: content.text, ts } };
  }

  /** Text without blocks takes the blocks away: https://docs.slack.dev/reference/methods/chat.update */
  #update(input: JsonObject): Answer {
    const parsed = updateSchema.safeParse(input);
    if (!parsed.success) return failed(parsed.error);
    const { channel, ts, ...content } = parsed.data;
    const refused = refuseContent(content);
    if (refused !== undefined) return { ok: false, error: refused };
    if (!this.#names.has(channel)) return { ok: false, error: "channel_not_found" };
    const isIt = (message: SlackMessage) => channelId(message.channel) === channel && message.ts === ts;
    if (!this.#messages.some(isIt)) return { ok: false, error: "message_not_found" };
    if (this.#byWebhook.has(ts)) return { ok: false, error: "cant_update_message" };
    this.#messages = this.#messages.map((message) =>
      isIt(message) ? { ...message, ...asJson(content), updatedTimes: message.updatedTimes + 1 } : message,
    );
    return { ok: true, channel, ts, text: content.text };
  }

  /** https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks */
  #webhook(secret: string, body: string): SimulatorResponse {
    const { webhook } = this.#options;
    const known = webhook && [webhook.secret, encodeURIComponent(webhook.secret)];
    if (webhook === undefined || !known?.includes(secret)) return plain(403, "invalid_token");
    const parsed = webhookSchema.safeParse(parseJson(body));
    if (!parsed.success) return plain(400, "invalid_payload");
    const refused = refuseContent(parsed.data);
    if (refused !== undefined) return plain(400, refused);
    const retryAfterSeconds = this.#posts.admit(channelId(webhook.channel));
    if (retryAfterSeconds !== undefined)
      return plain(429, "rate_limited", { "retry-after": String(retryAfterSeconds) });
    this.#byWebhook.add(this.#add(webhook.channel, parsed.data, undefined));
    return plain(200, "ok");
  }

  #isMember(channel: string): boolean {
    const { channels } = this.#options;
    return channels === undefined || channels.some((name) => channelId(name) === channelId(channel));
  }

  #isParent(channel: string, ts: string): boolean {
    return this.#messages.some(
      (message) =>
        message.ts === ts && message.threadTs === undefined && channelId(message.channel) === channelId(channel),
    );
  }

  #add(to: string, content: Content, threadTs: string | undefined): string {
    // A bot may also give the id of a channel that it knows: the message is shown by the channel's name.
    const channel = this.#names.get(channelId(to)) ?? to;
    this.#names.set(channelId(to), channel);
    // The `ts` of a channel's messages are unique and rise, also within a millisecond.
    this.#lastTs = Math.max(this.#context.clock.now() * 1000, this.#lastTs + 1);
    const ts = `${Math.floor(this.#lastTs / 1e6)}.${String(this.#lastTs % 1e6).padStart(6, "0")}`;
    const thread = threadTs === undefined ? {} : { threadTs };
    this.#messages = [...this.#messages, { channel, ts, ...asJson(content), ...thread, updatedTimes: 0 }];
    return ts;
  }
}

interface Content {
  readonly text: string;
  readonly blocks: readonly Readonly<Record<string, unknown>>[];
}

function asJson({ text, blocks }: Content): { readonly text: string; readonly blocks: readonly Json[] } {
  return { text, blocks: blocks.filter(isJsonObject) };
}

function refuseContent({ text, blocks }: Content): string | undefined {
  if (text === "" && blocks.length === 0) return "no_text";
  return blocks.every(isBlockShort) ? undefined : "invalid_blocks";
}

function isBlockShort(block: Readonly<Record<string, unknown>>): boolean {
  const inner = block.text;
  const characters = isJsonObject(inner) && typeof inner.text === "string" ? inner.text.length : 0;
  return characters <= (block.type === "header" ? HEADER_CHARACTERS : SECTION_CHARACTERS);
}

function failed(error: z.ZodError): Answer {
  const member = String(error.issues[0]?.path[0]);
  const codes: Readonly<Record<string, string>> = {
    channel: "channel_not_found",
    text: "msg_too_long",
    blocks: "invalid_blocks",
    ts: "message_not_found",
  };
  return { ok: false, error: codes[member] ?? "invalid_arguments" };
}

/** A channel's id, made from its name; an id stands for itself. */
function channelId(channel: string): string {
  if (/^C[0-9A-F]{10}$/.test(channel)) return channel;
  return `C${hash("sha256", channel.replace(/^#/, "")).slice(0, 10).toUpperCase()}`;
}

/** The Web API takes JSON, and forms whose values are plain text or JSON. */
function parseBody({ headers, body }: SimulatorRequest): JsonObject {
  if (headers["content-type"]?.startsWith("application/json")) {
    const json = parseJson(body);
    return isJsonObject(json) ? json : {};
  }
  const members = [...new URLSearchParams(body)].map(([name, value]): [string, Json] => {
    const json = name === "blocks" ? parseJson(value) : value;
    return [name, Array.isArray(json) || typeof json === "string" ? json : value];
  });
  return Object.fromEntries(members);
}

function parseJson(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}

function plain(status: number, body: string, headers: Readonly<Record<string, string>> = {}): SimulatorResponse {
  return { status, headers: { "content-type": "text/plain", ...headers }, body };
}
