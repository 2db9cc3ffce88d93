import { createHmac } from "node:crypto";
import { isJsonObject, type Json, type JsonObject } from "../base/json.ts";
import type { SimulatorRequest } from "../http/message.ts";
import type { SlackContent } from "./readers.ts";

type PressedMessage = SlackContent & { readonly channel: string; readonly ts: string };

/** A press of a button by a member of the channel. */
export interface SlackPress {
  /** The `ts` of the message that has the button. */
  readonly ts: string;
  readonly actionId: string;
  /** The member's id. */
  readonly user: string;
}

/**
 * Slack's signature of a request: `v0=` and the HMAC-SHA256 of `v0:timestamp:body`. The timestamp is in seconds.
 * https://docs.slack.dev/authentication/verifying-requests-from-slack
 */
export function slackSignature(signingSecret: string, timestamp: number, body: string): string {
  return `v0=${createHmac("sha256", signingSecret).update(`v0:${timestamp}:${body}`).digest("hex")}`;
}

/** The request to an app's interactivity URL that a body makes, signed at a time (epoch milliseconds). */
export function signedRequest(
  signingSecret: string,
  atMs: number,
  body: string,
): Omit<SimulatorRequest, "path" | "query"> {
  const timestamp = Math.floor(atMs / 1000);
  const headers = {
    "content-type": "application/x-www-form-urlencoded",
    "x-slack-request-timestamp": String(timestamp),
    "x-slack-signature": slackSignature(signingSecret, timestamp, body),
  };
  return { method: "POST", headers, body };
}

/**
 * The payload of a press. Slack sends it as the form member `payload`.
 * https://docs.slack.dev/reference/interaction-payloads/block_actions-payload
 * @throws Error when the message has no button with that id.
 */
export function pressPayload(message: PressedMessage, channelId: string, press: SlackPress, atMs: number): JsonObject {
  const button = buttonOf(message.blocks, press.actionId);
  if (button === undefined) throw new Error(`Message ${message.ts} has no button ${press.actionId}.`);
  const { text, value, block_id = "block" } = button;
  const action = { type: "button", action_id: press.actionId, block_id, action_ts: (atMs / 1000).toFixed(6) };
  return {
    type: "block_actions",
    api_app_id: "A0SIMULATOR",
    team: { id: "T0SIMULATOR", domain: "simulator" },
    user: { id: press.user, username: press.user.toLowerCase(), team_id: "T0SIMULATOR" },
    channel: { id: channelId, name: message.channel.replace(/^#/, "") },
    container: { type: "message", message_ts: message.ts, channel_id: channelId, is_ephemeral: false },
    message: { type: "message", ts: message.ts, text: message.text, blocks: message.blocks },
    trigger_id: `${Math.floor(atMs)}.1.simulator`,
    response_url: `https://hooks.slack.com/actions/T0SIMULATOR/${Math.floor(atMs)}/simulator`,
    actions: [{ ...action, ...(text !== undefined && { text }), ...(value !== undefined && { value }) }],
  };
}

/** The button with this id, together with its block's id. */
function buttonOf(value: Json, actionId: string): JsonObject | undefined {
  if (Array.isArray(value)) {
    for (const one of value) {
      const found = buttonOf(one, actionId);
      if (found) return found;
    }
    return undefined;
  }
  if (!isJsonObject(value)) return undefined;
  if (value.type === "button" && value.action_id === actionId) return value;
  for (const member of [value.elements, value.accessory]) {
    const found = member === undefined ? undefined : buttonOf(member, actionId);
    if (found) return { ...found, ...(value.block_id !== undefined && { block_id: value.block_id }) };
  }
  return undefined;
}
