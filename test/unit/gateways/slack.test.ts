import { inspect } from "node:util";
import { describe, expect, it, vi } from "vitest";
import { parseSlackCredentials, slackGateway } from "../../../shared/gateways/slack.ts";

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
  ])("of another shape are refused by the secret's name, without a word of them: %s", (text) => {
    const error = thrown(() => parseSlackCredentials(text, "ops/slack"));
    expect(error).toMatchObject({ code: "invalid-config", detail: expect.stringContaining("ops/slack") });
    expect(inspect(error, { depth: 9, showHidden: true })).not.toContain("super-secret");
  });
});

describe("a message that does not get to Slack", () => {
  it.each([
    ["webhook", { webhookUrl: SECRET_URL }],
    ["token", { token: "super-secret" }],
  ])("is an error that keeps the %s to itself, down to its causes", async (_what, credentials) => {
    const gateway = slackGateway({
      credentials,
      channel: "mesh-ops",
      fetch: async (url, init) => {
        const error = new TypeError(`fetch failed: ${String(url)} with ${JSON.stringify(init?.headers)}`);
        throw Object.assign(error, { input: String(url), cause: new Error(`at ${String(url)}`) });
      },
    });
    const error: unknown = await gateway.postMessage(message).catch((caught: unknown) => caught);
    expect(error).toMatchObject({ code: "slack-unavailable", detail: expect.stringContaining("fetch failed") });
    expect(inspect(error, { depth: 9, showHidden: true })).not.toContain("super-secret");
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

  it("is an error when Slack asks for patience without saying how much", async () => {
    const gateway = slackGateway({
      credentials: { webhookUrl: SECRET_URL },
      channel: "mesh-ops",
      fetch: async () => new Response("rate_limited", { status: 429 }),
    });
    await expect(gateway.postMessage(message)).rejects.toMatchObject({ retryAfterSeconds: undefined });
  });
});

function thrown(run: () => unknown): unknown {
  try {
    return run();
  } catch (error) {
    return error;
  }
}
