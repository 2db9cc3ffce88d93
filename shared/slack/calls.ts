import { AutopilotError } from "../base/errors.ts";
import type { Rollout } from "../model/rollout.ts";
import type { SlackMessage } from "./layout.ts";

/** The place of a message: the channel's id and the message's `ts`. */
export interface Posted {
  readonly channel: string;
  readonly ts: string;
}

/** Where the rollout's message is. Undefined when there is none, or none that a thread or an update can refer to. */
export function postedOf({ slack }: Pick<Rollout, "slack">): Posted | undefined {
  if (slack?.channel === undefined || slack.ts === undefined) return undefined;
  return { channel: slack.channel, ts: slack.ts };
}

/** The operations channel. Every call throws `SlackUnavailable` when Slack refuses it or does not answer. */
export interface SlackCalls {
  /** False for an incoming webhook, which can neither update a message nor reply in its thread. */
  readonly updates: boolean;
  /**
   * The message's place; empty for a webhook, which returns none. With `under`, the message is a reply in that thread.
   */
  postMessage(message: SlackMessage, options?: { readonly under?: Posted | undefined }): Promise<Partial<Posted>>;
  /** Replaces the message that is there. */
  updateMessage(posted: Posted, message: SlackMessage): Promise<void>;
}

/**
 * The errors that mean that Slack does not accept the credentials:
 * https://docs.slack.dev/reference/methods/chat.postMessage, and for webhooks
 * https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks
 */
const CREDENTIALS_REFUSED = new Set([
  ...["not_authed", "invalid_auth", "token_revoked", "token_expired", "account_inactive"],
  ...["invalid_token", "no_service", "no_service_id", "no_team", "team_disabled"],
]);

/** The errors that mean that Slack does not take this message, and may well take another. */
const CONTENT_REFUSED = new Set([
  ...["invalid_blocks", "invalid_blocks_format", "msg_blocks_too_long", "msg_too_long", "no_text", "too_many_blocks"],
]);

/** Slack did not accept a message. */
export class SlackUnavailable extends AutopilotError {
  /** How long Slack asks to wait, if it asks. */
  readonly retryAfterSeconds: number | undefined;
  /** Slack's error code, such as `message_not_found`. */
  readonly refusal: string | undefined;

  constructor(
    detail: string,
    options: {
      readonly cause?: unknown;
      readonly retryAfterSeconds?: number | undefined;
      readonly refusal?: string | undefined;
    },
  ) {
    super("slack-unavailable", detail, { cause: options.cause });
    this.retryAfterSeconds = options.retryAfterSeconds;
    this.refusal = options.refusal;
  }

  /** True when Slack does not accept the credentials: the secret may hold others by now. */
  get isUnauthorized(): boolean {
    return this.refusal !== undefined && CREDENTIALS_REFUSED.has(this.refusal);
  }

  /** True when Slack does not take the message because of what is in it. */
  get isContentRefused(): boolean {
    return this.refusal !== undefined && CONTENT_REFUSED.has(this.refusal);
  }

  /** True when the message to update is gone, or belongs to another app. */
  get isLost(): boolean {
    return this.refusal === "message_not_found" || this.refusal === "cant_update_message";
  }
}

/** Slack asks for a second or so when messages come in a burst; longer waits outlast a function. */
const LONGEST_WAIT_SECONDS = 5;
/** Half of the functions' timeout: a burst drains at a message a second. */
const LONGEST_WAITS_SECONDS = 30;

/**
 * The result of a call, which is repeated after the wait that Slack asks for, up to 30 seconds in all. Throws the last
 * call's error.
 */
export async function atSlacksPace<T>(pause: (ms: number) => Promise<void>, call: () => Promise<T>): Promise<T> {
  for (let waited = 0; ; ) {
    try {
      return await call();
    } catch (error) {
      const wait = error instanceof SlackUnavailable ? error.retryAfterSeconds : undefined;
      if (wait === undefined || wait > LONGEST_WAIT_SECONDS || waited + wait > LONGEST_WAITS_SECONDS) throw error;
      waited += wait;
      await pause(wait * 1000);
    }
  }
}
