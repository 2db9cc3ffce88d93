import { type SlackPart, viewOf } from "@ztunnel-autopilot/simulator";
import { describe, expect, it } from "vitest";
import { isJsonObject, type Json, type JsonObject } from "../../../shared/base/json.ts";
import { DEAD_LETTERS } from "../../../shared/base/own-alarms.ts";
import { readOutgoing } from "../../../shared/events/outgoing.ts";
import { rolloutStatuses } from "../../../shared/model/rollout.ts";
import { progressOf } from "../../../shared/rollout/progress.ts";
import { alarmStory } from "../../../shared/slack/alarm-message.ts";
import { layOut, type SlackMessage } from "../../../shared/slack/layout.ts";
import { rolloutMessage } from "../../../shared/slack/rollout-message.ts";
import { messageFor } from "../../support/messages.ts";
import { all } from "../../support/outgoing-samples.ts";
import { rollout, rolloutService, wave } from "../../support/rollouts.ts";

const hostileTexts = [
  "<https://evil.example|open in ECS>",
  "approve at https://evil.example/sso-login",
  "mailto:evil@evil.example",
  "<!channel> <!here|@here> <!subteam^S1>",
  "<@U012AB3CD> <#C024BE7LR|general>",
  "@channel @here @everyone #general",
  "&lt;!channel&gt; &amp;lt;!here&amp;gt;",
  "`<!here>` ```<!here>```",
  "x\n<!channel>\r\u2028<@U012AB3CD>",
  "|https://evil.example> <https://evil.example",
  "<!date^1392734382^{date}^https://evil.example|today>",
  `${"x".repeat(395)}<!channel>`,
  `${"x".repeat(397)} https://evil.example`,
  "\u202e<!here>\u2066\u200f",
  "*styled-by-others:* run `curl` _styled-by-others_ ~styled-by-others~",
  "`*styled-by-others*` ```_styled-by-others_```",
];

/** A link of the product's own, by its text and the beginning of its address. */
const ownLinks: Readonly<Record<string, string>> = {
  "open in ECS": "https://us-east-1.console.aws.amazon.com/ecs/v2/clusters/prod/services/web?region=us-east-1",
  "open in CloudWatch": "https://us-east-1.console.aws.amazon.com/cloudwatch/home?region=us-east-1#alarmsV2:alarm/",
};

/** Styles that a text of others must not have: it would look like one of ours. */
const STYLE_MARK = "styled-by-others";

function isHarmless(part: SlackPart): boolean {
  if (
    part.kind === "text" &&
    part.text.includes(STYLE_MARK) &&
    part.styles.some((style) => style === "italic" || style === "strike")
  )
    return false;
  if (part.kind === "text") return !/[\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069]/.test(part.text);
  const own = part.kind === "link" ? ownLinks[part.text] : undefined;
  return part.kind === "link" && own !== undefined && part.url.startsWith(own);
}

function harmOf(message: SlackMessage): readonly SlackPart[] {
  const { message: shown, notification } = viewOf(JSON.parse(JSON.stringify(message)));
  const withoutBlocks = viewOf({ text: message.text, blocks: [], parse: "none" }).message;
  return [...shown, ...notification, ...withoutBlocks].filter((part) => !isHarmless(part));
}

/** The places of the texts in a value: `refusals.0.detail`. */
function textPlaces(value: Json, at: readonly string[] = []): readonly (readonly string[])[] {
  if (typeof value === "string") return [at];
  if (Array.isArray(value)) return value.flatMap((one: Json, index) => textPlaces(one, [...at, String(index)]));
  return isJsonObject(value) ? Object.entries(value).flatMap(([key, one]) => textPlaces(one, [...at, key])) : [];
}

function withText(value: Json, [key, ...rest]: readonly string[], text: string): Json {
  if (key === undefined) return text;
  if (Array.isArray(value))
    return value.map((one: Json, index) => (String(index) === key ? withText(one, rest, text) : one));
  return isJsonObject(value) ? { ...value, [key]: withText(value[key] ?? null, rest, text) } : value;
}

/** The message about an event with other texts; undefined for one that is refused at the edge. */
function messageOf(detailType: string, detail: Json): SlackMessage | undefined {
  try {
    return messageFor(readOutgoing({ source: "ztunnel-autopilot", "detail-type": detailType, detail }));
  } catch {
    return undefined;
  }
}

const events = all.map(({ detailType, detail }) => {
  const json: JsonObject = JSON.parse(JSON.stringify(detail));
  return { detailType, detail: json, places: textPlaces(json).map((place) => place.join(".")) };
});

describe("what others wrote makes neither a link nor a mention", () => {
  it.each(events)("in the message of $detailType", ({ detailType, detail, places }) => {
    for (const place of places) {
      for (const text of hostileTexts) {
        const message = messageOf(detailType, withText(detail, place.split("."), text));
        if (message) expect({ place, text, harm: harmOf(message) }).toEqual({ place, text, harm: [] });
      }
    }
  });

  it("and the texts that were tried are those that people and AWS write", () => {
    const isTaken = (detailType: string, detail: JsonObject, place: string) =>
      messageOf(detailType, withText(detail, place.split("."), "any words"))?.text.includes("any words") === true;
    const taken = events.flatMap(({ detailType, detail, places }) =>
      places.filter((place) => isTaken(detailType, detail, place)).map((place) => `${detailType}: ${place}`),
    );
    expect(taken).toEqual(
      expect.arrayContaining([
        "Rollout Started: why",
        "Rollout Started: requestedBy",
        "Rollout Refused: detail",
        "Rollout Wave Completed: wave",
        "Rollout Paused: detail",
        "Rollout Completed: detail",
        "Rollout Rolled Back: stuckServices.0",
        "Service Enrolled: namespace",
        "Service Refused: refusals.0.detail",
        "Service Warned: warnings.0.detail",
        "Service Roll Failed: sentence",
        "Service Roll Superseded: reason",
        "Root CA Changed: controlPlane",
        "Root CA Expiring: subject",
      ]),
    );
  });

  it.each(["ALARM", "OK", "<!channel>"])("in the message of an alarm whose state is %s", (state) => {
    for (const text of hostileTexts) {
      const place = { account: "123456789012", region: "us-east-1", previousState: undefined };
      const change = { ...place, name: text, state, description: text, reason: text };
      const message = layOut(alarmStory(change, DEAD_LETTERS), "prod");
      expect({ text, harm: harmOf(message) }).toEqual({ text, harm: [] });
    }
  });

  it.each(rolloutStatuses)("in the message of a rollout that is %s", (status) => {
    for (const text of hostileTexts) {
      const by = { by: text.slice(0, 200), at: "2026-03-01T12:00:00Z" };
      const one = rollout({
        status,
        why: text,
        requestedBy: by.by,
        reason: { code: text, detail: text },
        waves: [wave(text, 0, 1, "rolling")],
        approved: by,
        journal: [{ did: "pause", ...by }],
      });
      const message = rolloutMessage(one, progressOf(one, [rolloutService(0)]), Date.parse(by.at));
      expect({ text, harm: harmOf(message) }).toEqual({ text, harm: [] });
    }
  });
});
