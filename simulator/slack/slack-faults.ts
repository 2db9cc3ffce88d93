import type { Faults } from "../base/faults.ts";
import { jsonResponse, type SimulatorResponse } from "../http/message.ts";

/** How a webhook answers what the Web API answers with `ok: false`: with a status, and the code as the body. */
const WEBHOOK_STATUS: ReadonlyMap<string, number> = new Map([
  ["channel_not_found", 404],
  ["no_service", 404],
  ["is_archived", 410],
  ["channel_is_archived", 410],
  ["invalid_token", 403],
  ["action_prohibited", 403],
  ["fatal_error", 500],
  ["internal_error", 500],
]);

const BAD_GATEWAY = "<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>";

/**
 * The answer of a fault that strikes a call such as `slack.chat.update` or `slack.webhook`, before its effect or after
 * it. https://docs.slack.dev/apis/web-api/rate-limits,
 * https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks#handling_errors
 */
export function struckAnswer(faults: Faults, call: string, when: "before" | "after"): SimulatorResponse | undefined {
  const strike = (kind: "slack-error" | "slack-bad-gateway") =>
    faults.strike(kind, { call }, (rule) => rule.when === when);
  const limited = when === "before" ? faults.strike("slack-rate-limited", { call }) : undefined;
  if (limited) return rateLimited(call, Math.ceil(limited.delaySeconds));
  if (strike("slack-bad-gateway")) return { status: 502, headers: { "content-type": "text/html" }, body: BAD_GATEWAY };
  const refused = strike("slack-error");
  return refused && refusal(call, refused.error);
}

/** The answer to a call above the rate, or while Slack asks everybody to wait. */
export function rateLimited(call: string, retryAfterSeconds: number): SimulatorResponse {
  const headers = { "retry-after": String(retryAfterSeconds) };
  if (call === WEBHOOK_CALL) return plainAnswer(429, "rate_limited", headers);
  return jsonResponse(429, { ok: false, error: "ratelimited" }, headers);
}

export const WEBHOOK_CALL = "slack.webhook";

function refusal(call: string, error: string): SimulatorResponse {
  if (call === WEBHOOK_CALL) return plainAnswer(WEBHOOK_STATUS.get(error) ?? 400, error);
  return jsonResponse(200, { ok: false, error });
}

/** An answer in plain text, as webhooks have it. */
export function plainAnswer(
  status: number,
  body: string,
  headers: Readonly<Record<string, string>> = {},
): SimulatorResponse {
  return { status, headers: { "content-type": "text/plain", ...headers }, body };
}
