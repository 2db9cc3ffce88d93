import { describe, expect, it } from "vitest";
import { readAlarmChange } from "../../../shared/events/alarms.ts";
import { alarmMessage } from "../../../shared/slack/alarm-message.ts";
import { eventFixture } from "../../support/event-fixtures.ts";

const event = eventFixture("alarm-went-off");
const withDetail = (detail: object) => ({ ...event, detail });

describe("a change of an alarm, as CloudWatch reports it", () => {
  it("is read by name, state, description and reason", () => {
    expect(readAlarmChange(event)).toEqual({
      account: "111122223333",
      region: "us-east-1",
      name: "ztunnel-autopilot-prod-sweep-not-run",
      description: expect.stringContaining("docs/operations.md#sweep-not-run"),
      state: "ALARM",
      previousState: "OK",
      reason: expect.stringContaining("Threshold Crossed"),
    });
  });

  it("is none for any other event", () => {
    expect(
      readAlarmChange({ source: "ztunnel-autopilot", "detail-type": "Service Enrolled", detail: {} }),
    ).toBeUndefined();
    expect(readAlarmChange(null)).toBeUndefined();
  });

  it.each([
    ["no detail", {}],
    ["no name", { state: { value: "ALARM" } }],
    ["a state without a name", { alarmName: "x", state: { value: 3 } }],
  ])("with %s is malformed", (_what, detail) => {
    expect(() => readAlarmChange(withDetail(detail))).toThrow(
      expect.objectContaining({ code: "malformed-event", retryable: false }),
    );
  });

  it("of a composite alarm has no reason but its own words", () => {
    const change = readAlarmChange(
      withDetail({ alarmName: "all", state: { value: "ALARM" }, configuration: { alarmRule: "x" } }),
    );
    expect(change).toMatchObject({ name: "all", description: "", reason: "" });
  });
});

describe("the message about an alarm", () => {
  const change = {
    account: "111122223333",
    region: "eu-west-1",
    name: "x-prod-rollout-failed",
    description: "A rollout could not go on. What to do: docs/operations.md#rollout-failed",
    state: "ALARM",
    previousState: "OK",
    reason: "Threshold Crossed",
  } as const;

  it("says which alarm, what it means, why, where, and links to it", () => {
    const { text, blocks } = alarmMessage(change);
    expect(text.split("\n")).toEqual([
      ":rotating_light: x-prod-rollout-failed is in ALARM",
      change.description,
      "CloudWatch: Threshold Crossed",
    ]);
    expect(JSON.stringify(blocks)).toContain(
      "https://eu-west-1.console.aws.amazon.com/cloudwatch/home?region=eu-west-1#alarmsV2:alarm/x-prod-rollout-failed",
    );
  });

  it("says nothing more when it ends, and does not call it solved", () => {
    expect(alarmMessage({ ...change, state: "OK" }).text).toBe(
      ":white_circle: x-prod-rollout-failed is no longer in ALARM",
    );
  });

  it("lets nobody be called from what others wrote", () => {
    const hostile = { ...change, name: "x-<!channel>", description: "<!here> & <https://evil|link>", reason: "<@U1>" };
    const { text, blocks } = alarmMessage(hostile);
    const markup = blocks.slice(0, -1).filter((block) => block.type === "section" && block.text.type === "mrkdwn");
    expect(`${text}${JSON.stringify(markup)}`).not.toMatch(/<[!@h]/);
    expect(JSON.stringify(blocks.at(-1))).not.toContain("<!channel>");
  });
});
