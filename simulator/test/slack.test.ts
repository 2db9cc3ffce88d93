import { WebClient } from "@slack/web-api";
import { beforeEach, describe, expect, it } from "vitest";
import type { Faults } from "../base/faults.ts";
import { isJsonObject, type JsonObject } from "../base/json.ts";
import { VirtualClock } from "../clock/virtual-clock.ts";
import { Simulator } from "../core/simulator.ts";
import { Slack } from "../slack/slack.ts";

let clock: VirtualClock;
let faults: Faults;
let slack: Slack;

beforeEach(() => {
  clock = new VirtualClock(Date.UTC(2026, 10, 21));
  const simulator = new Simulator({ clock });
  faults = simulator.faults;
  slack = simulator.add(
    (context) =>
      new Slack(context, {
        token: "xoxb-token",
        webhook: { secret: "T0/B0", channel: "#mesh" },
        channels: ["#mesh", "#other"],
      }),
  );
});

async function call(method: string, body: JsonObject, headers: Readonly<Record<string, string>> = {}) {
  const {
    status,
    headers: answered,
    body: text,
  } = await slack.handle({
    method: "POST",
    path: `/slack/api/${method}`,
    query: {},
    headers: { authorization: "Bearer xoxb-token", "content-type": "application/json; charset=utf-8", ...headers },
    body: JSON.stringify(body),
  });
  const answer: unknown = JSON.parse(text);
  if (!isJsonObject(answer)) throw new TypeError("the body is not an object");
  return { status, headers: answered, answer };
}

async function webhook(body: string, path = "/slack/webhook/T0%2FB0") {
  return slack.handle({ method: "POST", path, query: {}, headers: { "content-type": "application/json" }, body });
}

const post = (text: string, more: JsonObject = {}) => call("chat.postMessage", { channel: "#mesh", text, ...more });

describe("Simulated Slack", () => {
  it("keeps what is posted, with an id that rises and a thread if it has one", async () => {
    const first = await post("one", { blocks: [{ type: "section", text: { type: "mrkdwn", text: "one" } }] });
    await clock.advance(1000);
    await post("two", { thread_ts: first.answer.ts ?? null });
    expect(slack.messages()).toEqual([
      {
        channel: "#mesh",
        ts: first.answer.ts,
        text: "one",
        blocks: [{ type: "section", text: { type: "mrkdwn", text: "one" } }],
        updatedTimes: 0,
      },
      { channel: "#mesh", ts: expect.any(String), text: "two", blocks: [], threadTs: first.answer.ts, updatedTimes: 0 },
    ]);
    expect(Number(slack.messages()[1]?.ts)).toBeGreaterThan(Number(slack.messages()[0]?.ts));
  });

  it("is spoken to by Slack's own client", async () => {
    const client = new WebClient("xoxb-token", {
      slackApiUrl: "http://simulator/slack/api/",
      retryConfig: { retries: 0 },
      fetch: async (url, init) => {
        const { status, headers, body } = await slack.handle({
          method: init?.method ?? "GET",
          path: new URL(String(url)).pathname,
          query: {},
          headers: Object.fromEntries(new Headers(Object.entries(init?.headers ?? {}))),
          body: String(init?.body),
        });
        return new Response(body, { status, headers: { ...headers } });
      },
    });
    expect((await client.auth.test()).ok).toBe(true);
    const posted = await client.chat.postMessage({ channel: "#mesh", text: "1", blocks: [{ type: "divider" }] });
    await client.chat.update({ channel: posted.channel ?? "", ts: posted.ts ?? "", text: "2" });
    expect(slack.messages()).toMatchObject([{ text: "2", blocks: [], updatedTimes: 1 }]);
  });

  it("takes no other token", async () => {
    expect((await call("auth.test", {}, { authorization: "Bearer xoxb-other" })).answer).toEqual({
      ok: false,
      error: "invalid_auth",
    });
    expect(
      (await call("chat.postMessage", { channel: "#mesh", text: "x" }, { authorization: "xoxb-token" })).answer,
    ).toEqual({
      ok: false,
      error: "invalid_auth",
    });
    expect(slack.messages()).toEqual([]);
  });

  it.each([
    ["an unknown channel", { channel: "#gone", text: "x" }, "channel_not_found"],
    ["no channel", { text: "x" }, "channel_not_found"],
    ["nothing to show", { channel: "#mesh" }, "no_text"],
    ["a text that is too long", { channel: "#mesh", text: "x".repeat(40_001) }, "msg_too_long"],
    ["too many blocks", { channel: "#mesh", text: "x", blocks: Array(51).fill({ type: "divider" }) }, "invalid_blocks"],
    [
      "a section that is too long",
      { channel: "#mesh", text: "x", blocks: [{ type: "section", text: { type: "mrkdwn", text: "x".repeat(3001) } }] },
      "invalid_blocks",
    ],
    [
      "a header that is too long",
      {
        channel: "#mesh",
        text: "x",
        blocks: [{ type: "header", text: { type: "plain_text", text: "x".repeat(151) } }],
      },
      "invalid_blocks",
    ],
  ])("refuses %s", async (_what, body, error) => {
    expect((await call("chat.postMessage", body)).answer).toMatchObject({ ok: false, error });
    expect(slack.messages()).toEqual([]);
  });

  it("says of blocks that it refuses where the mistake is", async () => {
    const blocks = [{ type: "header", text: { type: "plain_text", text: "x".repeat(151) } }];
    const what = "must be less than 151 characters [json-pointer:/blocks/0/text/text]";
    expect((await post("x", { blocks })).answer).toEqual({
      ok: false,
      error: "invalid_blocks",
      errors: [what],
      response_metadata: { messages: [`[ERROR] ${what}`] },
    });
  });

  it("keeps what readers saw of every version of a message", async () => {
    const { answer } = await post("<!here> https://a.example");
    await call("chat.update", { channel: answer.channel ?? null, ts: answer.ts ?? null, text: "calm" });
    expect(slack.sights()).toMatchObject([
      { channel: "#mesh", ts: answer.ts, message: [{ kind: "broadcast" }, { kind: "text" }, { kind: "link" }] },
      { channel: "#mesh", ts: answer.ts, message: [{ kind: "text", text: "calm" }] },
    ]);
  });

  it("takes one message a second in a channel", async () => {
    await post("one");
    expect(await post("two")).toMatchObject({ status: 429, headers: { "retry-after": "1" }, answer: { ok: false } });
    expect((await call("chat.postMessage", { channel: "#other", text: "x" })).status).toBe(200);
    await clock.advance(1000);
    expect((await post("two")).status).toBe(200);
    expect(slack.messages().map(({ text }) => text)).toEqual(["one", "x", "two"]);
  });

  it("updates a message by the channel's id only, and takes its blocks away unless they are given", async () => {
    const { answer } = await post("one", { blocks: [{ type: "divider" }] });
    const update = (more: JsonObject) =>
      call("chat.update", { channel: answer.channel ?? null, ts: answer.ts ?? null, text: "new", ...more });
    expect((await update({ channel: "#mesh" })).answer.error).toBe("channel_not_found");
    expect((await update({ ts: "1.0" })).answer.error).toBe("message_not_found");
    expect((await update({})).answer.ok).toBe(true);
    expect(slack.messages()).toMatchObject([{ text: "new", blocks: [], updatedTimes: 1 }]);
  });

  it("shows each message with its current text, how often it was updated, and its replies", async () => {
    const { answer } = await post("one");
    const [channel, ts] = [answer.channel ?? null, answer.ts ?? null];
    await clock.advance(1000);
    await call("chat.postMessage", { channel, thread_ts: ts, text: "a detail" });
    for (const text of ["two", "three"]) await call("chat.update", { channel, ts, text });
    expect(slack.threads()).toMatchObject([
      { channel: "#mesh", text: "three", updatedTimes: 2, replies: [{ channel: "#mesh", text: "a detail" }] },
    ]);
  });

  it("takes a reply only to a message of the same channel that is not a reply itself", async () => {
    const { answer } = await post("one");
    await clock.advance(1000);
    const reply = await post("two", { thread_ts: answer.ts ?? null });
    await clock.advance(1000);
    expect((await post("x", { thread_ts: reply.answer.ts ?? null })).answer.error).toBe("thread_not_found");
    await clock.advance(1000);
    const elsewhere = { channel: "#other", text: "x", thread_ts: answer.ts ?? null };
    expect((await call("chat.postMessage", elsewhere)).answer.error).toBe("thread_not_found");
    expect(slack.messages()).toHaveLength(2);
  });

  it("updates neither what the webhook posted nor what was deleted", async () => {
    const { answer } = await post("by the bot");
    await clock.advance(1000);
    await webhook('{"text":"by the webhook"}');
    const update = (ts: string) => call("chat.update", { channel: answer.channel ?? null, ts, text: "new" });
    expect((await update(slack.messages()[1]?.ts ?? "")).answer.error).toBe("cant_update_message");
    slack.deleteMessage(String(answer.ts));
    expect((await update(String(answer.ts))).answer.error).toBe("message_not_found");
    expect(slack.messages()).toMatchObject([{ text: "by the webhook", updatedTimes: 0 }]);
  });

  it("takes fifty updates a minute, regardless of posts in between", async () => {
    const { answer } = await post("one");
    const update = (text: string) =>
      call("chat.update", { channel: answer.channel ?? null, ts: answer.ts ?? null, text });
    for (let count = 0; count < 50; count += 1) expect((await update(`${count}`)).status).toBe(200);
    expect(await update("too many")).toMatchObject({ status: 429, headers: { "retry-after": "60" } });
    await clock.advance(1000);
    expect((await post("two")).status).toBe(200);
    await clock.advance(59_000);
    expect((await update("again")).status).toBe(200);
    expect(slack.threads()[0]).toMatchObject({ text: "again", updatedTimes: 51 });
  });

  it("has an incoming webhook, whose answer says nothing about the message", async () => {
    expect(await webhook('{"text":"hello"}')).toMatchObject({ status: 200, body: "ok" });
    expect(slack.messages()).toMatchObject([{ channel: "#mesh", text: "hello" }]);
    expect(await webhook('{"text":"again"}')).toMatchObject({ status: 429, headers: { "retry-after": "1" } });
    expect(await webhook("{")).toMatchObject({ status: 400, body: "invalid_payload" });
    expect(await webhook("{}")).toMatchObject({ status: 400, body: "no_text" });
    expect(await webhook('{"text":"x"}', "/slack/webhook/other")).toMatchObject({ status: 403, body: "invalid_token" });
  });

  it("fails while the fault slack-down strikes", async () => {
    faults.add({ kind: "slack-down", count: 1 });
    expect((await post("one")).status).toBe(500);
    expect((await post("one")).status).toBe(200);
  });

  it("knows no other paths and methods", async () => {
    expect((await call("users.list", {})).answer).toMatchObject({ ok: false, error: "unknown_method" });
    const request = { method: "GET", path: "/slack/api/auth.test", query: {}, headers: {}, body: "" };
    expect((await slack.handle(request)).status).toBe(404);
  });
});
