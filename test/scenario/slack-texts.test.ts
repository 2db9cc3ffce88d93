import type { SlackPart } from "@ztunnel-autopilot/simulator";
import { describe, expect, it } from "vitest";
import { LAB_SLACK_TOKEN } from "../../lab/autopilot/lab.ts";
import { unwantedParts } from "../../lab/campaign/message-invariants.ts";
import { cart, cartFleet, ENROLL, enrollAs } from "./support/fleets.ts";
import { onLab } from "./support/on-lab.ts";

describe("what Slack's readers see of a text that somebody else wrote", () => {
  it("is text: a tag's value neither notifies the channel nor can be clicked", () =>
    onLab({ fleet: cartFleet }, async (driver) => {
      await driver.tag(cart, { [ENROLL]: "@channel @here approve at https://evil.example/sso-login" });
      await driver.minutes(3);
      const parts: SlackPart[] = driver.lab.slack.sights().flatMap(({ message }) => [...message]);
      const texts = parts.flatMap((part) => (part.kind === "text" ? [part.text] : []));
      expect(texts.join("\n")).toContain("@channel @here approve at https://evil.example/sso-login");
      const links = parts.filter(({ kind }) => kind !== "text");
      expect(links).toEqual([{ kind: "link", text: "open in ECS", url: expect.stringContaining("/services/cart?") }]);
    }));

  it("is found by the campaign's invariant when it is more than text", () =>
    onLab({ fleet: cartFleet }, async ({ lab }) => {
      await lab.slack.handle({
        method: "POST",
        path: "/slack/api/chat.postMessage",
        query: {},
        headers: { authorization: `Bearer ${LAB_SLACK_TOKEN}`, "content-type": "application/json" },
        body: JSON.stringify({ channel: "#ops", text: "<!here> https://evil.example" }),
      });
      expect(unwantedParts({ lab })).toEqual([
        'a message has the {"kind":"broadcast","to":"here"}',
        'a message has the {"kind":"link","url":"https://evil.example","text":"https://evil.example"}',
      ]);
    }));
});

describe("Slack answers badly, and later well again", () => {
  it.each([
    { kind: "slack-error", error: "fatal_error" },
    { kind: "slack-error", error: "channel_not_found" },
    { kind: "slack-error", error: "is_archived" },
    { kind: "slack-error", error: "token_revoked" },
    { kind: "slack-rate-limited", delaySeconds: 30 },
    { kind: "slack-bad-gateway" },
  ] as const)("$kind $error for a minute: the story is posted once afterwards", (fault) =>
    onLab({ fleet: cartFleet }, async (driver) => {
      const count = () => driver.messagesAbout(cart).filter((text) => text.includes("is in the mesh")).length;
      driver.lab.faults.add({ ...fault, match: { call: "slack.chat.postMessage" }, count: 2 });
      await driver.tag(cart, enrollAs("cart"));
      await driver.until("cart is enrolled", 15, () => driver.ended(cart, "succeeded"));
      await driver.minutes(10);
      expect(driver.lab.faults.list()).toMatchObject([{ struck: 2 }]);
      expect(count()).toBe(1);
      expect(driver.lab.lambda.deadLetters).toEqual([]);
    }),
  );

  it.each(["slack-error", "slack-bad-gateway"] as const)("%s after the effect: the story may come twice", (kind) =>
    onLab({ fleet: cartFleet }, async (driver) => {
      driver.lab.faults.add({ kind, match: { call: "slack.chat.postMessage" }, when: "after", count: 1 });
      await driver.tag(cart, enrollAs("cart"));
      await driver.until("cart is enrolled", 15, () => driver.ended(cart, "succeeded"));
      await driver.minutes(10);
      expect(driver.messagesAbout(cart).filter((text) => text.includes("is in the mesh"))).toHaveLength(2);
      expect(driver.lab.lambda.deadLetters).toEqual([]);
    }),
  );

  it("for hours: the story waits in the ledger, and the log names Slack's reason", () =>
    onLab({ fleet: cartFleet }, async (driver) => {
      driver.lab.faults.add({ kind: "slack-error", error: "is_archived" });
      await driver.tag(cart, enrollAs("cart"));
      await driver.until("cart is enrolled", 15, () => driver.ended(cart, "succeeded"));
      await driver.minutes(60);
      expect(driver.lab.lambda.deadLetters).toEqual([]);
      expect((await driver.lab.ledger.getChannel()).pending.length).toBeGreaterThan(0);
      const reasons = driver.lab.logs.filter(({ line }) => /"level":"WARN".*slack-unavailable/.test(line));
      expect(reasons.at(-1)?.line).toContain("is_archived");
    }));
});
