import { beforeEach, describe, expect, it } from "vitest";
import type { Faults } from "../base/faults.ts";
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
  const webhook = { secret: "secret", channel: "#ops" };
  slack = simulator.add((context) => new Slack(context, { token: "xoxb-token", webhook }));
});

async function send(path: string, body: object) {
  const headers = { authorization: "Bearer xoxb-token", "content-type": "application/json" };
  return slack.handle({ method: "POST", path: `/slack/${path}`, query: {}, headers, body: JSON.stringify(body) });
}
const post = () => send("api/chat.postMessage", { channel: "#ops", text: "hello" });

describe("a fault of Slack", () => {
  it("refuses a call with a code, 200 and without its effect", async () => {
    faults.add({ kind: "slack-error", match: { call: "slack.chat.postMessage" }, error: "is_archived", count: 1 });
    expect((await send("api/auth.test", {})).body).toContain('"ok":true');
    expect(await post()).toMatchObject({ status: 200, body: '{"ok":false,"error":"is_archived"}' });
    expect(slack.messages()).toEqual([]);
    expect((await post()).body).toContain('"ok":true');
  });

  it("has the code fatal_error if none is given, and for a webhook a status", async () => {
    faults.add({ kind: "slack-error" });
    expect((await post()).body).toBe('{"ok":false,"error":"fatal_error"}');
    expect(await send("webhook/secret", { text: "x" })).toMatchObject({ status: 500, body: "fatal_error" });
    faults.replace([{ kind: "slack-error", error: "is_archived" }]);
    expect(await send("webhook/secret", { text: "x" })).toMatchObject({ status: 410, body: "is_archived" });
  });

  it("asks to wait", async () => {
    faults.add({ kind: "slack-rate-limited", delaySeconds: 30 });
    expect(await post()).toMatchObject({ status: 429, headers: { "retry-after": "30" } });
    expect(await send("webhook/secret", { text: "x" })).toMatchObject({ status: 429, body: "rate_limited" });
    expect(slack.messages()).toEqual([]);
  });

  it.each(["slack-error", "slack-bad-gateway"] as const)(
    "%s comes after the effect, if it is said so",
    async (kind) => {
      faults.add({ kind, when: "after", count: 1 });
      expect((await post()).body).not.toContain('"ok":true');
      expect(slack.messages()).toMatchObject([{ text: "hello" }]);
    },
  );

  it("answers with a proxy's HTML", async () => {
    faults.add({ kind: "slack-bad-gateway", count: 1 });
    expect(await post()).toMatchObject({ status: 502, headers: { "content-type": "text/html" } });
    expect(slack.messages()).toEqual([]);
  });
});
