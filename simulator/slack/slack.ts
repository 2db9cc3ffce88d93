import { hash } from "node:crypto";
import type { Json, JsonObject } from "../base/json.ts";
import type { SimulatorContext } from "../core/connections.ts";
import type { HttpService } from "../core/service.ts";
import { jsonResponse, type SimulatorRequest, type SimulatorResponse } from "../http/message.ts";
import { pressPayload, type SlackPress, signedRequest } from "./interactions.ts";
import { Pace } from "./pace.ts";
import { type SlackContent, type SlackView, viewOf } from "./readers.ts";
import {
  parsedJson,
  postSchema,
  refuseContent,
  refuseMembers,
  requestMembers,
  type SlackAnswer,
  updateSchema,
  webhookSchema,
} from "./requests.ts";
import { plainAnswer, rateLimited, struckAnswer, WEBHOOK_CALL } from "./slack-faults.ts";

export interface SlackOptions {
  /** The bot token that the Web API takes. */
  readonly token: string;
  /** The last part of the incoming webhook's URL, and the channel that it writes to. */
  readonly webhook?: { readonly secret: string; readonly channel: string };
  /** Channels, by name, that the app is a member of; without it, every channel. */
  readonly channels?: readonly string[];
  /** What interactions are signed with. Default `simulator-signing-secret`. */
  readonly signingSecret?: string;
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

/** What readers saw of a message when it was posted, or after an update. */
export interface SlackSight extends SlackView {
  readonly channel: string;
  readonly ts: string;
}

/** A message with the replies in its thread, the oldest first. */
export interface SlackThread extends SlackMessage {
  readonly replies: readonly SlackMessage[];
}

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
  /** Every version of every message. */
  readonly #versions: (SlackContent & Pick<SlackMessage, "channel" | "ts">)[] = [];
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

  /** What readers saw, of every version of every message: the oldest first. */
  sights(): readonly SlackSight[] {
    return this.#versions.map(({ channel, ts, ...content }) => ({ channel, ts, ...viewOf(content) }));
  }

  /**
   * The request that Slack makes to the app when a member presses a button: the app's URL is the caller's. Its
   * signature is of now, or of `atMs` (epoch milliseconds): an old one, or the same request again, is a replay.
   * @throws Error when there is no such message, or no such button in it.
   */
  signedInteraction(press: SlackPress, atMs = this.#context.clock.now()): Omit<SimulatorRequest, "path" | "query"> {
    const message = this.#messages.find(({ ts }) => ts === press.ts);
    if (!message) throw new Error(`There is no message ${press.ts}.`);
    const payload = JSON.stringify(pressPayload(message, channelId(message.channel), press, atMs));
    const { signingSecret = "simulator-signing-secret" } = this.#options;
    return signedRequest(signingSecret, atMs, new URLSearchParams({ payload }).toString());
  }

  /** Deletes a message, as a member of the channel may. */
  deleteMessage(ts: string): void {
    this.#messages = this.#messages.filter((message) => message.ts !== ts);
  }

  /** Answers a request below `/slack`. */
  async handle(request: SimulatorRequest): Promise<SimulatorResponse> {
    const { faults } = this.#context;
    if (faults.strike("slack-down", {})) return jsonResponse(500, { ok: false, error: "internal_error" });
    const [, kind, name = ""] = /^(?:\/slack)?\/(api|webhook)\/(.+)$/.exec(request.path) ?? [];
    if (request.method !== "POST" || kind === undefined) return plainAnswer(404, "not_found");
    const call = kind === "webhook" ? WEBHOOK_CALL : `slack.${name}`;
    const struck = struckAnswer(faults, call, "before");
    if (struck) return struck;
    const answer = kind === "webhook" ? this.#webhook(name, request.body) : this.#call(name, request);
    return struckAnswer(faults, call, "after") ?? answer;
  }

  #call(method: string, request: SimulatorRequest): SimulatorResponse {
    const input = requestMembers(request);
    const refused = this.#refuseToken(request, input) ?? (typeof input === "string" ? input : undefined);
    if (refused !== undefined || typeof input === "string")
      return jsonResponse(200, { ok: false, error: refused ?? "" });
    switch (method) {
      case "auth.test":
        return jsonResponse(200, { ok: true, url: "https://simulator.slack.com/", team: "simulator", user: "bot" });
      case "chat.postMessage":
        return this.#limited(this.#posts, method, postKey(input), () => this.#post(input));
      case "chat.update":
        return this.#limited(this.#updates, method, "all", () => this.#update(input));
      default:
        return jsonResponse(200, { ok: false, error: "unknown_method", req_method: method });
    }
  }

  /** A form may have the token as a member: https://docs.slack.dev/apis/web-api/#authentication */
  #refuseToken({ headers }: SimulatorRequest, input: JsonObject | string): string | undefined {
    const isForm = headers["content-type"]?.startsWith("application/x-www-form-urlencoded") === true;
    const member = isForm && typeof input !== "string" ? input.token : undefined;
    const { authorization = member === undefined ? undefined : `Bearer ${String(member)}` } = headers;
    if (authorization === undefined) return "not_authed";
    return authorization === `Bearer ${this.#options.token}` ? undefined : "invalid_auth";
  }

  #limited(pace: Pace, method: string, key: string, answer: () => SlackAnswer): SimulatorResponse {
    const retryAfterSeconds = pace.admit(key);
    return retryAfterSeconds === undefined
      ? jsonResponse(200, answer())
      : rateLimited(`slack.${method}`, retryAfterSeconds);
  }

  #post(input: JsonObject): SlackAnswer {
    const parsed = postSchema.safeParse(input);
    if (!parsed.success) return refuseMembers(parsed.error);
    const { channel, thread_ts: threadTs, ...content } = parsed.data;
    if (!this.#isMember(channel)) return { ok: false, error: "channel_not_found" };
    const refused = refuseContent(content);
    if (refused !== undefined) return refused;
    // Stricter than Slack: a reply without its parent would not be seen by anybody.
    if (threadTs !== undefined && !this.#isParent(channel, threadTs)) return { ok: false, error: "thread_not_found" };
    const ts = this.#add(channel, content, threadTs);
    return { ok: true, channel: channelId(channel), ts, message: { text: content.text, ts } };
  }

  /** Text without blocks takes the blocks away: https://docs.slack.dev/reference/methods/chat.update */
  #update(input: JsonObject): SlackAnswer {
    const parsed = updateSchema.safeParse(input);
    if (!parsed.success) return refuseMembers(parsed.error);
    const { channel, ts, ...content } = parsed.data;
    const refused = refuseContent(content);
    if (refused !== undefined) return refused;
    if (!this.#names.has(channel)) return { ok: false, error: "channel_not_found" };
    const isIt = (message: SlackMessage) => channelId(message.channel) === channel && message.ts === ts;
    if (!this.#messages.some(isIt)) return { ok: false, error: "message_not_found" };
    if (this.#byWebhook.has(ts)) return { ok: false, error: "cant_update_message" };
    const { text, blocks } = content;
    this.#messages = this.#messages.map((message) =>
      isIt(message) ? { ...message, text, blocks, updatedTimes: message.updatedTimes + 1 } : message,
    );
    this.#versions.push({ channel: this.#names.get(channel) ?? channel, ts, ...content });
    return { ok: true, channel, ts, text };
  }

  /** https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks */
  #webhook(secret: string, body: string): SimulatorResponse {
    const { webhook } = this.#options;
    const known = webhook && [webhook.secret, encodeURIComponent(webhook.secret)];
    if (webhook === undefined || !known?.includes(secret)) return plainAnswer(403, "invalid_token");
    const parsed = webhookSchema.safeParse(parsedJson(body));
    if (!parsed.success) return plainAnswer(400, "invalid_payload");
    const refused = refuseContent(parsed.data);
    if (refused !== undefined) return plainAnswer(400, String(refused.error));
    const retryAfterSeconds = this.#posts.admit(channelId(webhook.channel));
    if (retryAfterSeconds !== undefined) return rateLimited(WEBHOOK_CALL, retryAfterSeconds);
    this.#byWebhook.add(this.#add(webhook.channel, parsed.data, undefined));
    return plainAnswer(200, "ok");
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

  #add(to: string, content: SlackContent, threadTs: string | undefined): string {
    // A bot may also give the id of a channel that it knows: the message is shown by the channel's name.
    const channel = this.#names.get(channelId(to)) ?? to;
    this.#names.set(channelId(to), channel);
    // The `ts` of a channel's messages are unique and rise, also within a millisecond.
    this.#lastTs = Math.max(this.#context.clock.now() * 1000, this.#lastTs + 1);
    const ts = `${Math.floor(this.#lastTs / 1e6)}.${String(this.#lastTs % 1e6).padStart(6, "0")}`;
    const thread = threadTs === undefined ? {} : { threadTs };
    const { text, blocks } = content;
    this.#messages = [...this.#messages, { channel, ts, text, blocks, ...thread, updatedTimes: 0 }];
    this.#versions.push({ channel, ts, ...content });
    return ts;
  }
}

/** The channel, which has a pace of its own. */
function postKey({ channel }: JsonObject): string {
  return typeof channel === "string" ? channelId(channel) : "none";
}

/** A channel's id, made from its name; an id stands for itself. */
function channelId(channel: string): string {
  if (/^C[0-9A-F]{10}$/.test(channel)) return channel;
  return `C${hash("sha256", channel.replace(/^#/, "")).slice(0, 10).toUpperCase()}`;
}
