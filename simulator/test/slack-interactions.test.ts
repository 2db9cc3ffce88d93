import { beforeEach, describe, expect, it } from "vitest";
import { VirtualClock } from "../clock/virtual-clock.ts";
import { Simulator } from "../core/simulator.ts";
import { slackSignature } from "../slack/interactions.ts";
import { Slack } from "../slack/slack.ts";

const NOW_MS = Date.UTC(2026, 10, 21);

describe("Slack's signature", () => {
  it("is the one of Slack's documentation", () => {
    // https://docs.slack.dev/authentication/verifying-requests-from-slack: the secret is an example's.
    const body =
      "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c";
    expect(slackSignature("8f742231b10e8888abcd99yyyzzz85a5", 1_531_420_618, body)).toBe(
      "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503",
    );
  });
});

describe("an interaction with the simulated Slack", () => {
  let slack: Slack;
  let ts: string;

  beforeEach(async () => {
    const simulator = new Simulator({ clock: new VirtualClock(NOW_MS) });
    slack = simulator.add((context) => new Slack(context, { token: "xoxb-token", signingSecret: "secret" }));
    const button = {
      type: "button",
      action_id: "approve",
      text: { type: "plain_text", text: "Approve" },
      value: "one",
    };
    const blocks = [{ type: "actions", block_id: "controls", elements: [button] }];
    await slack.handle({
      method: "POST",
      path: "/slack/api/chat.postMessage",
      query: {},
      headers: { authorization: "Bearer xoxb-token", "content-type": "application/json" },
      body: JSON.stringify({ channel: "#ops", text: "May it go on?", blocks }),
    });
    ts = slack.messages()[0]?.ts ?? "";
  });

  it("is a form that is signed now, with the button and who pressed it", () => {
    const { method, headers, body } = slack.signedInteraction({ ts, actionId: "approve", user: "U1" });
    const seconds = NOW_MS / 1000;
    expect(method).toBe("POST");
    expect(headers).toEqual({
      "content-type": "application/x-www-form-urlencoded",
      "x-slack-request-timestamp": String(seconds),
      "x-slack-signature": slackSignature("secret", seconds, body),
    });
    expect(JSON.parse(new URLSearchParams(body).get("payload") ?? "")).toMatchObject({
      type: "block_actions",
      user: { id: "U1" },
      channel: { name: "ops" },
      message: { ts, text: "May it go on?" },
      actions: [{ type: "button", action_id: "approve", block_id: "controls", value: "one" }],
    });
  });

  it("of an older time has that time's signature, and is the same each time", () => {
    const press = { ts, actionId: "approve", user: "U1" };
    const old = slack.signedInteraction(press, NOW_MS - 301_000);
    expect(old.headers["x-slack-request-timestamp"]).toBe(String(NOW_MS / 1000 - 301));
    expect(old.headers["x-slack-signature"]).toBe(slackSignature("secret", NOW_MS / 1000 - 301, old.body));
    expect(slack.signedInteraction(press, NOW_MS - 301_000)).toEqual(old);
  });

  it("needs a message and a button that are there", () => {
    expect(() => slack.signedInteraction({ ts: "1.0", actionId: "approve", user: "U1" })).toThrow("no message 1.0");
    expect(() => slack.signedInteraction({ ts, actionId: "other", user: "U1" })).toThrow("no button other");
  });
});
