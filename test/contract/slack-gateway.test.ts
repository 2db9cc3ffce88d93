import { beforeEach, describe, expect, it } from "vitest";
import { VirtualClock } from "../../lab/clock/virtual-clock.ts";
import { Faults } from "../../lab/faults.ts";
import { inProcessFetch } from "../../lab/http/in-process.ts";
import { SlackSimulation } from "../../lab/slack/slack-simulation.ts";
import { type SlackCredentials, slackGateway } from "../../shared/gateways/slack.ts";
import type { SlackMessage } from "../../shared/slack/messages.ts";

const NOW_MS = Date.parse("2026-11-21T03:00:00Z");
const bot = { token: "xoxb-right-token" };
const webhook = { webhookUrl: "http://lab/slack/webhook/right-secret" };
const message: SlackMessage = {
  text: "web is in the mesh",
  blocks: [{ type: "section", text: { type: "mrkdwn", text: "*web* is in the mesh" } }],
};

describe("Slack", () => {
  let slack: SlackSimulation;
  let faults: Faults;

  beforeEach(() => {
    faults = new Faults(() => NOW_MS);
    slack = new SlackSimulation({
      clock: new VirtualClock(NOW_MS),
      faults,
      token: bot.token,
      webhook: { secret: "right-secret", channel: "mesh-ops" },
      channels: ["mesh-ops"],
    });
  });

  const gateway = (credentials: SlackCredentials, channel = "mesh-ops") =>
    slackGateway({
      credentials,
      channel,
      fetch: inProcessFetch((request) => slack.handle(request)),
      slackApiUrl: "http://lab/slack/api/",
    });

  it("takes a message from a bot and tells where it is", async () => {
    const posted = await gateway(bot).postMessage(message);
    expect(posted).toEqual({ ts: expect.stringMatching(/^\d+\.\d{6}$/), channel: expect.stringMatching(/^C/) });
    expect(slack.messages()).toMatchObject([{ channel: "mesh-ops", ...message }]);
  });

  it("takes a message by a webhook, which does not tell", async () => {
    expect(await gateway(webhook).postMessage(message)).toEqual({});
    expect(slack.messages()).toMatchObject([{ channel: "mesh-ops", ...message }]);
  });

  describe.each([
    ["a bot", bot],
    ["a webhook", webhook],
  ])("for %s", (_name, credentials: SlackCredentials) => {
    it("tells how long to wait when messages come too fast, and is not asked again by itself", async () => {
      await gateway(credentials).postMessage(message);
      await expect(gateway(credentials).postMessage(message)).rejects.toMatchObject({
        code: "slack-unavailable",
        retryable: true,
        retryAfterSeconds: 1,
      });
      expect(slack.messages()).toHaveLength(1);
    });

    it("that is down is an error without a time to wait", async () => {
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
  ])("refuses a wrong %s, and the error does not tell which", async (_what, credentials, reason, secret) => {
    const error: unknown = await gateway(credentials)
      .postMessage(message)
      .catch((caught: unknown) => caught);
    expect(error).toMatchObject({ code: "slack-unavailable", detail: expect.stringContaining(reason) });
    expect(everythingIn(error)).not.toContain(secret);
  });

  it("refuses a channel that the app is no member of, by name", async () => {
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
