import {
  type FetchFunction,
  type Logger,
  LogLevel,
  WebAPIPlatformError,
  WebAPIRateLimitedError,
  WebClient,
} from "@slack/web-api";
import * as z from "zod";
import { AutopilotError, shortened } from "../../base/errors.ts";
import { redactor, secretsOfUrl } from "../../base/redaction.ts";
import { type SlackCalls, SlackUnavailable } from "../../slack/calls.ts";

const credentialsSchema = z.union([
  z.strictObject({ token: z.string().min(1) }),
  z.strictObject({ webhookUrl: z.url({ protocol: /^https$/ }) }),
]);
/** A bot token, or an incoming webhook, which can neither be updated nor threaded under. */
export type SlackCredentials = z.infer<typeof credentialsSchema>;

const DEADLINE_MS = 10_000;

/**
 * Slack's credentials from a secret's text. Throws `invalid-slack-secret` that names the secret and never what it
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
  throw new AutopilotError(
    "invalid-slack-secret",
    `${secretName} must hold {"token": "…"} or {"webhookUrl": "https://…"}`,
  );
}

type Transport = { readonly channel: string; readonly fetch?: FetchFunction; readonly slackApiUrl?: string };

/**
 * One Slack channel, for a bot. With an incoming webhook's credentials it can only post: the webhook's answer does not
 * say where the message is, so that nothing can be updated or answered in a thread. Of a rollout then only its start
 * and its end are posted, as messages of their own. A call is made once: Slack asks for waits that outlast a function,
 * so that trying again is the caller's. No error's text, nor its cause's, holds the credentials.
 * https://docs.slack.dev/apis/web-api/rate-limits
 */
export function slackGateway(options: Transport & { readonly credentials: SlackCredentials }): SlackCalls {
  const { credentials, channel } = options;
  const [secrets, calls] =
    "token" in credentials
      ? [[credentials.token], botCalls(credentials.token, options)]
      : [secretsOfUrl(credentials.webhookUrl), webhookCalls(credentials.webhookUrl, options)];
  const redact = redactor(secrets);
  const guarded = async <T>(call: () => Promise<T>): Promise<T> => {
    try {
      return await call();
    } catch (error) {
      throw unavailable(error, channel, redact);
    }
  };
  return {
    updates: calls.updates,
    postMessage: (...args) => guarded(() => calls.postMessage(...args)),
    updateMessage: (...args) => guarded(() => calls.updateMessage(...args)),
  };
}

/** Slack adds no preview of what is linked. https://docs.slack.dev/messaging/unfurling-links-in-messages */
const NOTHING_MORE = { unfurl_links: false, unfurl_media: false } as const;

const postedSchema = z.object({ ts: z.string(), channel: z.string() });

function botCalls(token: string, { channel, fetch, slackApiUrl }: Transport): SlackCalls {
  const client = new WebClient(token, {
    retryConfig: { retries: 0 },
    rejectRateLimitedCalls: true,
    timeout: DEADLINE_MS,
    logger: silent,
    ...(fetch && { fetch }),
    ...(slackApiUrl && { slackApiUrl }),
  });
  return {
    updates: true,
    postMessage: async ({ text, blocks }, { under } = {}) => {
      const place = under ? { channel: under.channel, thread_ts: under.ts } : { channel };
      const content = { text, blocks, ...NOTHING_MORE };
      return postedSchema.parse(await client.apiCall("chat.postMessage", { ...place, ...content }));
    },
    // The channel's id: a name is not taken here. https://docs.slack.dev/reference/methods/chat.update
    updateMessage: async ({ channel: channelId, ts }, { text, blocks }) => {
      await client.apiCall("chat.update", { channel: channelId, ts, text, blocks });
    },
  };
}

/** The channel is the webhook's own. */
function webhookCalls(webhookUrl: string, { fetch = globalThis.fetch }: Transport): SlackCalls {
  const redact = redactor(secretsOfUrl(webhookUrl));
  return {
    updates: false,
    postMessage: async ({ text, blocks }) => {
      const response = await fetch(webhookUrl, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ text, blocks, ...NOTHING_MORE }),
        redirect: "error",
        signal: AbortSignal.timeout(DEADLINE_MS),
      });
      if (response.ok) return {};
      // Redacted before it is cut, so that no half of a secret remains.
      const said = redact(await response.text()).slice(0, 200);
      const answer = `HTTP ${response.status}: ${said}`;
      if (response.status === 429) throw new RateLimited(answer, Number(response.headers.get("retry-after")));
      throw response.status < 500 ? new WebhookRefused(answer, said.trim()) : new Error(answer);
    },
    updateMessage: async () => {
      throw new Error("A webhook can't update a message.");
    },
  };
}

class RateLimited extends Error {
  readonly retryAfter: number;

  constructor(message: string, retryAfter: number) {
    super(message);
    this.retryAfter = retryAfter;
  }
}

class WebhookRefused extends Error {
  /** Slack's name for why. */
  readonly refusal: string;

  constructor(message: string, refusal: string) {
    super(message);
    this.refusal = refusal;
  }
}

/** Slack's own name for why it refused, if it did. */
function refusalOf(error: unknown): string | undefined {
  if (error instanceof WebAPIPlatformError) {
    // A proxy that answers in place of Slack may have anything there.
    const name: unknown = error.data.error;
    return typeof name === "string" ? name : undefined;
  }
  return error instanceof WebhookRefused ? error.refusal : undefined;
}

function unavailable(error: unknown, channel: string, redact: (text: string) => string): SlackUnavailable {
  const limited = error instanceof WebAPIRateLimitedError || error instanceof RateLimited;
  const isTime = limited && error.retryAfter > 0 && Number.isFinite(error.retryAfter);
  const retryAfterSeconds = isTime ? error.retryAfter : undefined;
  // Redacted before it is cut, so that no half of a secret remains.
  const message = shortened(redact(error instanceof Error ? error.message : String(error)));
  // A copy as the cause: errors of the HTTP client carry the URL and headers of the request.
  const cause = new Error(message);
  if (error instanceof Error) {
    cause.name = error.name;
    cause.stack = shortened(redact(error.stack ?? ""));
  }
  const refusal = refusalOf(error);
  return new SlackUnavailable(`${channel}: ${message}`, {
    cause,
    retryAfterSeconds,
    refusal: refusal && shortened(redact(refusal)),
  });
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
