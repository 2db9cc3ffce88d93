import { type FetchFunction, type Logger, LogLevel, WebAPIRateLimitedError, WebClient } from "@slack/web-api";
import * as z from "zod";
import { AutopilotError } from "../errors.ts";
import type { SlackMessage } from "../slack/messages.ts";

const credentialsSchema = z.union([
  z.strictObject({ token: z.string().min(1) }),
  z.strictObject({ webhookUrl: z.url({ protocol: /^https?$/ }) }),
]);
/** A bot token, or an incoming webhook, which can neither be updated nor threaded under. */
export type SlackCredentials = z.infer<typeof credentialsSchema>;

export interface SlackGateway {
  /** Where the message is; empty for a webhook, which does not tell. Throws `SlackUnavailable`. */
  postMessage(message: SlackMessage): Promise<{ readonly ts?: string; readonly channel?: string }>;
}

/** Slack did not take a message; tells how long it asks to wait, if it does. */
export class SlackUnavailable extends AutopilotError {
  readonly retryAfterSeconds: number | undefined;

  constructor(detail: string, options: { readonly cause?: unknown; readonly retryAfterSeconds?: number | undefined }) {
    super("slack-unavailable", detail, { cause: options.cause });
    this.retryAfterSeconds = options.retryAfterSeconds;
  }
}

const DEADLINE_MS = 10_000;

/**
 * Slack's credentials from a secret's text. Throws `invalid-config` that names the secret and says nothing of what it
 * holds.
 */
export function parseSlackCredentials(text: string, secretName: string): SlackCredentials {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    json = undefined; // the parser's message quotes the text
  }
  const parsed = credentialsSchema.safeParse(json);
  if (parsed.success) return parsed.data;
  throw new AutopilotError("invalid-config", `${secretName} must hold {"token": "…"} or {"webhookUrl": "https://…"}`);
}

/**
 * One Slack channel. A call is made once: Slack asks for waits that outlast a function, so that trying again is the
 * caller's. No error's text, nor its cause's, holds the credentials.
 * https://docs.slack.dev/apis/web-api/rate-limits
 */
export function slackGateway(options: {
  readonly credentials: SlackCredentials;
  readonly channel: string;
  readonly fetch?: FetchFunction;
  readonly slackApiUrl?: string;
}): SlackGateway {
  const { credentials, channel } = options;
  const secret = "token" in credentials ? credentials.token : credentials.webhookUrl;
  const post =
    "token" in credentials ? botPost(credentials.token, options) : webhookPost(credentials.webhookUrl, options);
  return {
    postMessage: async (message) => {
      try {
        return await post(message);
      } catch (error) {
        throw unavailable(error, channel, secret);
      }
    },
  };
}

type Post = SlackGateway["postMessage"];
type Transport = { readonly channel: string; readonly fetch?: FetchFunction; readonly slackApiUrl?: string };

const postedSchema = z.object({ ts: z.string(), channel: z.string() });

function botPost(token: string, { channel, fetch, slackApiUrl }: Transport): Post {
  const client = new WebClient(token, {
    retryConfig: { retries: 0 },
    rejectRateLimitedCalls: true,
    timeout: DEADLINE_MS,
    logger: silent,
    ...(fetch && { fetch }),
    ...(slackApiUrl && { slackApiUrl }),
  });
  return async ({ text, blocks }) =>
    postedSchema.parse(await client.apiCall("chat.postMessage", { channel, text, blocks }));
}

/** The channel is the webhook's own. */
function webhookPost(webhookUrl: string, { fetch = globalThis.fetch }: Transport): Post {
  return async ({ text, blocks }) => {
    const response = await fetch(webhookUrl, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ text, blocks }),
      signal: AbortSignal.timeout(DEADLINE_MS),
    });
    if (response.ok) return {};
    const answer = `HTTP ${response.status}: ${(await response.text()).slice(0, 200)}`;
    if (response.status === 429) throw new RateLimited(answer, Number(response.headers.get("retry-after")));
    throw new Error(answer);
  };
}

class RateLimited extends Error {
  readonly retryAfter: number;

  constructor(message: string, retryAfter: number) {
    super(message);
    this.retryAfter = retryAfter;
  }
}

function unavailable(error: unknown, channel: string, secret: string): SlackUnavailable {
  const limited = error instanceof WebAPIRateLimitedError || error instanceof RateLimited;
  const retryAfterSeconds = limited && error.retryAfter > 0 ? error.retryAfter : undefined;
  const redact = (text: string) => text.replaceAll(secret, "[redacted]");
  const message = redact(error instanceof Error ? error.message : String(error));
  // A copy as the cause: errors of the HTTP client carry the URL and headers of the request.
  const cause = new Error(message);
  if (error instanceof Error) {
    cause.name = error.name;
    cause.stack = redact(error.stack ?? "");
  }
  return new SlackUnavailable(`${channel}: ${message}`, { cause, retryAfterSeconds });
}

/** The client's own log would go past the product's logger. */
const silent: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  setLevel: () => undefined,
  getLevel: () => LogLevel.ERROR,
  setName: () => undefined,
};
