import { inspect } from "node:util";
import { describe, expect, it, vi } from "vitest";
import { parseSlackCredentials, type SlackCredentials, slackGateway } from "../../../shared/gateways/slack/slack.ts";
import type { SlackCalls } from "../../../shared/slack/calls.ts";

const SECRET_URL = "https://hooks.slack.com/services/T0/B0/super-secret";
const message = { text: "hello", blocks: [] };

describe("Slack's credentials", () => {
  it("are a token or a webhook's URL", () => {
    expect(parseSlackCredentials('{"token":"xoxb-1"}', "slack")).toEqual({ token: "xoxb-1" });
    expect(parseSlackCredentials(JSON.stringify({ webhookUrl: SECRET_URL }), "slack")).toEqual({
      webhookUrl: SECRET_URL,
    });
  });

  it.each([
    "super-secret",
    '{"token":"super-secret"',
    '{"tokn":"super-secret"}',
    '{"webhookUrl":"super-secret"}',
    '{"token":"super-secret","webhookUrl":"https://x.example"}',
    '["super-secret"]',
    '{"webhookUrl":"not a URL: super-secret"}',
    // Everyone on the way would read it, and what is posted.
    '{"webhookUrl":"http://hooks.slack.com/services/T0/B0/super-secret"}',
  ])("of another shape are refused with the secret's name and without their content: %s", (text) => {
    const error = thrown(() => parseSlackCredentials(text, "ops/slack"));
    expect(error).toMatchObject({ code: "invalid-slack-secret", detail: expect.stringContaining("ops/slack") });
    expect(inspect(error, { depth: 9, showHidden: true })).not.toContain("super-secret");
  });
});

const place = { channel: "C0123456789", ts: "1.0" };
const calls: readonly (readonly [string, (slack: SlackCalls) => Promise<unknown>])[] = [
  ["posted", (slack) => slack.postMessage(message)],
  ["sent as a reply", (slack) => slack.postMessage(message, { under: place })],
  ["updated", (slack) => slack.updateMessage(place, message)],
];
const credentials: readonly SlackCredentials[] = [{ webhookUrl: SECRET_URL }, { token: "super-secret" }];

describe("a message", () => {
  it("can be posted with a token that no URL can hold", async () => {
    const fetch = async () => Response.json({ ok: false, error: "invalid_auth" });
    const gateway = () => slackGateway({ credentials: { token: "x\ud800" }, channel: "mesh-ops", fetch });
    await expect((async () => gateway().postMessage(message))()).rejects.toMatchObject({ code: "slack-unavailable" });
  });

  it.each(credentials)("asks Slack for no preview of what is linked: %j", async (one) => {
    const bodies: string[] = [];
    const gateway = slackGateway({
      credentials: one,
      channel: "mesh-ops",
      fetch: async (_url, init) => {
        bodies.push(String(init?.body));
        return new Response(JSON.stringify({ ok: true, ...place }));
      },
    });
    await gateway.postMessage(message);
    for (const name of ["unfurl_links", "unfurl_media"]) expect(bodies[0]).toMatch(new RegExp(`${name}\\W+false`));
  });
});

describe("a message that doesn't reach Slack", () => {
  it.each(
    calls.flatMap(([what, call]) => credentials.map((one) => [what, Object.keys(one).join(), one, call] as const)),
  )("when it is %s is an error without the %s, even in its causes", async (what, kind, credentials, call) => {
    const gateway = slackGateway({
      credentials,
      channel: "mesh-ops",
      fetch: async (url, init) => {
        const error = new TypeError(`fetch failed: ${String(url)} with ${JSON.stringify(init?.headers)}`);
        throw Object.assign(error, { input: String(url), cause: new Error(`at ${String(url)}`) });
      },
    });
    const error: unknown = await call(gateway).catch((caught: unknown) => caught);
    const why = what === "updated" && kind === "webhookUrl" ? "can't update" : "fetch failed";
    expect(error).toMatchObject({ code: "slack-unavailable", detail: expect.stringContaining(why) });
    expect(inspect(error, { depth: 9, showHidden: true })).not.toContain("super-secret");
  });

  it("is an error without the token even if Slack's refusal repeats it", async () => {
    const gateway = slackGateway({
      credentials: { token: "super-secret" },
      channel: "mesh-ops",
      fetch: async () => Response.json({ ok: false, error: "bad super-secret" }),
    });
    const error: unknown = await gateway.updateMessage(place, message).catch((caught: unknown) => caught);
    expect(error).toMatchObject({ refusal: "bad [redacted]" });
    expect(inspect(error, { depth: 9, showHidden: true })).not.toContain("super-secret");
  });

  it.each([
    ["an object", { a: 1 }],
    ["a number", 7],
    ["nothing", null],
    ["a long text", "x".repeat(100_000)],
  ])("is a short error by its name even if Slack's refusal is %s", async (_what, refusal) => {
    const fetch = async () => Response.json({ ok: false, error: refusal });
    const gateway = slackGateway({ credentials: { token: "super-secret" }, channel: "mesh-ops", fetch });
    const error: unknown = await gateway.postMessage(message).catch((caught: unknown) => caught);
    expect(error).toMatchObject({ code: "slack-unavailable" });
    expect(inspect(error, { depth: 9, showHidden: true, maxStringLength: null }).length).toBeLessThan(20_000);
  });

  it("is a short error even if a long page answers in Slack's place", async () => {
    const fetch = async () => new Response(`<html>${"x".repeat(1_000_000)}`, { status: 200 });
    const gateway = slackGateway({ credentials: { token: "super-secret" }, channel: "mesh-ops", fetch });
    const error: unknown = await gateway.postMessage(message).catch((caught: unknown) => caught);
    expect(error).toMatchObject({ code: "slack-unavailable" });
    expect(inspect(error, { depth: 9, showHidden: true, maxStringLength: null }).length).toBeLessThan(20_000);
  });

  const { pathname } = new URL(SECRET_URL);
  it.each([
    ["the whole URL", SECRET_URL],
    ["the URL's path", pathname],
    ["the path without its slash", pathname.slice(1)],
    ["the last part alone", "super-secret"],
    ["the URL, encoded", encodeURIComponent(SECRET_URL)],
    ["the path, encoded", encodeURIComponent(pathname)],
    ["the URL in JSON that escapes slashes", SECRET_URL.replaceAll("/", "\\/")],
  ])("is an error without the webhook, even if the answer repeats %s", async (_what, said) => {
    for (const status of [404, 500]) {
      const gateway = slackGateway({
        credentials: { webhookUrl: SECRET_URL },
        channel: "mesh-ops",
        fetch: async () => new Response(`no_service for ${said}`, { status }),
      });
      const error: unknown = await gateway.postMessage(message).catch((caught: unknown) => caught);
      expect(error).toMatchObject({ detail: expect.stringContaining("no_service for") });
      expect(inspect(error, { depth: 9, showHidden: true })).not.toMatch(/super-secret|T0.+B0/);
    }
  });

  it("follows no webhook elsewhere: it could lead to where everyone reads it", async () => {
    let redirect: unknown;
    const fetch: typeof globalThis.fetch = async (_url, init) => {
      redirect = init?.redirect;
      return new Response("ok");
    };
    await slackGateway({ credentials: { webhookUrl: SECRET_URL }, channel: "mesh-ops", fetch }).postMessage(message);
    expect(redirect).toBe("error");
  });

  it("writes nothing to the console", async () => {
    const gateway = slackGateway({
      credentials: { token: "super-secret" },
      channel: "mesh-ops",
      fetch: async () => {
        throw new Error("no network");
      },
    });
    const written: unknown[] = [];
    const methods = ["debug", "info", "log", "warn", "error"] as const;
    for (const method of methods) vi.spyOn(console, method).mockImplementation((...args) => void written.push(args));
    await gateway.postMessage(message).catch(() => undefined);
    vi.restoreAllMocks();
    expect(written).toEqual([]);
  });

  it.each([{}, { "retry-after": "soon" }, { "retry-after": "-5" }, { "retry-after": "1e999" }])(
    "is an error without a time to wait if Slack names none: %j",
    async (headers) => {
      const gateway = slackGateway({
        credentials: { webhookUrl: SECRET_URL },
        channel: "mesh-ops",
        fetch: async () => new Response("rate_limited", { status: 429, headers: Object.entries(headers) }),
      });
      await expect(gateway.postMessage(message)).rejects.toMatchObject({ retryAfterSeconds: undefined });
    },
  );
});

function thrown(run: () => unknown): unknown {
  try {
    return run();
  } catch (error) {
    return error;
  }
}
