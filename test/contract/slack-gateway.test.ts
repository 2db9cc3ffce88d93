import { type Faults, inProcessFetch, type Slack, type VirtualClock } from "@ztunnel-autopilot/simulator";
import { beforeEach, describe, expect, it } from "vitest";
import { type SlackCredentials, slackGateway } from "../../shared/gateways/slack/slack.ts";
import type { SlackCalls } from "../../shared/slack/calls.ts";
import type { SlackMessage } from "../../shared/slack/layout.ts";
import { simulatedSlack } from "../support/simulated-clients.ts";

const NOW_MS = Date.parse("2026-11-21T03:00:00Z");
const bot = { token: "xoxb-right-token" };
const webhook = { webhookUrl: "http://lab/slack/webhook/right-secret" };
const message: SlackMessage = {
  text: "web is in the mesh",
  blocks: [{ type: "section", text: { type: "mrkdwn", text: "*web* is in the mesh", verbatim: true } }],
};

describe("Slack", () => {
  let clock: VirtualClock;
  let slack: Slack;
  let faults: Faults;

  beforeEach(() => {
    const given = { token: bot.token, channel: "mesh-ops", webhookSecret: "right-secret" };
    ({ clock, faults, slack } = simulatedSlack(NOW_MS, given));
  });

  const gateway = (credentials: SlackCredentials, channel = "mesh-ops") =>
    slackGateway({
      credentials,
      channel,
      fetch: inProcessFetch((request) => slack.handle(request)),
      slackApiUrl: "http://lab/slack/api/",
    });

  it("takes a message from a bot and returns its place", async () => {
    const posted = await gateway(bot).postMessage(message);
    expect(posted).toEqual({ ts: expect.stringMatching(/^\d+\.\d{6}$/), channel: expect.stringMatching(/^C/) });
    expect(slack.messages()).toMatchObject([{ channel: "mesh-ops", ...message }]);
  });

  it("takes a message by a webhook, which returns no place", async () => {
    expect(await gateway(webhook).postMessage(message)).toEqual({});
    expect(slack.messages()).toMatchObject([{ channel: "mesh-ops", ...message }]);
  });

  describe("for a bot", () => {
    const changed: SlackMessage = {
      text: "now",
      blocks: [{ type: "section", text: { type: "mrkdwn", text: "*now*", verbatim: true } }],
    };
    const posted = async () => {
      const { channel, ts } = await gateway(bot).postMessage(message);
      await clock.advance(1000);
      return { channel: channel ?? "", ts: ts ?? "" };
    };

    it("replaces a message's text and blocks", async () => {
      const place = await posted();
      await gateway(bot).updateMessage(place, changed);
      expect(slack.threads()).toMatchObject([{ ts: place.ts, ...changed, updatedTimes: 1, replies: [] }]);
    });

    it("replies in a message's thread, in the message's channel", async () => {
      const place = await posted();
      const reply = await gateway(bot, "renamed").postMessage(changed, { under: place });
      expect(reply.channel).toBe(place.channel);
      expect(slack.threads()).toMatchObject([{ ...message, replies: [{ ...changed, threadTs: place.ts }] }]);
    });

    it("reports with Slack's error code why a message can't be updated, and whether it is lost", async () => {
      const place = await posted();
      slack.deleteMessage(place.ts);
      await gateway(bot).postMessage(message);
      await expect(gateway(bot).updateMessage(place, changed)).rejects.toMatchObject({
        code: "slack-unavailable",
        refusal: "message_not_found",
        isLost: true,
      });
      await clock.advance(1000);
      await gateway(webhook).postMessage(message);
      const foreign = { channel: place.channel, ts: slack.messages()[1]?.ts ?? "" };
      await expect(gateway(bot).updateMessage(foreign, changed)).rejects.toMatchObject({
        refusal: "cant_update_message",
        isLost: true,
      });
      await expect(gateway(bot).updateMessage({ ...place, channel: "mesh-ops" }, changed)).rejects.toMatchObject({
        refusal: "channel_not_found",
        isLost: false,
      });
    });

    it("returns how long to wait when updates are too fast", async () => {
      const place = await posted();
      for (let count = 0; count < 50; count += 1) await gateway(bot).updateMessage(place, changed);
      await expect(gateway(bot).updateMessage(place, message)).rejects.toMatchObject({
        code: "slack-unavailable",
        retryAfterSeconds: 60,
        isLost: false,
      });
    });
  });

  it("can't update a message by a webhook, and `updates` is false", async () => {
    expect([gateway(bot).updates, gateway(webhook).updates]).toEqual([true, false]);
    await expect(gateway(webhook).updateMessage({ channel: "C1", ts: "1.0" }, message)).rejects.toMatchObject({
      code: "slack-unavailable",
      detail: expect.stringContaining("can't update"),
    });
    expect(slack.messages()).toEqual([]);
  });

  describe.each([
    ["a bot", bot],
    ["a webhook", webhook],
  ])("for %s", (_name, credentials: SlackCredentials) => {
    it("returns how long to wait when messages are too fast, without a retry of its own", async () => {
      await gateway(credentials).postMessage(message);
      await expect(gateway(credentials).postMessage(message)).rejects.toMatchObject({
        code: "slack-unavailable",
        retryable: true,
        retryAfterSeconds: 1,
      });
      expect(slack.messages()).toHaveLength(1);
    });

    it("fails without a time to wait when it is down", async () => {
      faults.replace([{ kind: "slack-down" }]);
      await expect(gateway(credentials).postMessage(message)).rejects.toMatchObject({
        code: "slack-unavailable",
        detail: expect.stringContaining("500"),
        retryAfterSeconds: undefined,
      });
    });
  });

  it.each([
    ["token", { token: "xoxb-wrong-token" }, "invalid_auth", "xoxb-wrong-token"],
    ["webhook", { webhookUrl: "http://lab/slack/webhook/wrong-secret" }, "invalid_token", "wrong-secret"],
  ])("refuses a wrong %s, without the secret in the error", async (_what, credentials, reason, secret) => {
    const error: unknown = await gateway(credentials)
      .postMessage(message)
      .catch((caught: unknown) => caught);
    expect(error).toMatchObject({ code: "slack-unavailable", detail: expect.stringContaining(reason) });
    expect(everythingIn(error)).not.toContain(secret);
  });

  it.each([
    ["updating", (to: SlackCalls) => to.updateMessage({ channel: "C0123456789", ts: "1.0" }, message)],
    ["replying", (to: SlackCalls) => to.postMessage(message, { under: { channel: "C0123456789", ts: "1.0" } })],
  ])("has no wrong token in the error of %s", async (_what, act) => {
    const error: unknown = await act(gateway({ token: "xoxb-wrong-token" })).catch((caught: unknown) => caught);
    expect(error).toMatchObject({ code: "slack-unavailable", refusal: "invalid_auth" });
    expect(everythingIn(error)).not.toContain("xoxb-wrong-token");
  });

  it("refuses a channel without the app, and names it", async () => {
    await expect(gateway(bot, "elsewhere").postMessage(message)).rejects.toMatchObject({
      detail: expect.stringMatching(/elsewhere.*channel_not_found/),
    });
  });
});

function everythingIn(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const own = JSON.stringify(error, Object.getOwnPropertyNames(error));
  return `${error.stack} ${own} ${error.cause ? everythingIn(error.cause) : ""}`;
}
