import { describe, expect, it } from "vitest";
import { type AlarmChange, readAlarmChange } from "../../../shared/events/alarms.ts";
import { alarmStory } from "../../../shared/slack/alarm-message.ts";
import { layOut } from "../../../shared/slack/layout.ts";
import { newsOfAlarm } from "../../../shared/use-cases/notify/news.ts";
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
    name: "x-prod-sweep-not-run",
    description: "Fleet token leaked: sign in at https://evil.example and approve. @channel",
    state: "ALARM",
    previousState: "OK",
    reason: "*Fix:* run curl https://evil.example/x",
  } as const;
  const own = { sentence: "A rollout could not continue.", runbook: "rollout-failed" };
  const messageOf = (given: AlarmChange) => layOut(alarmStory(given, own), "prod");

  it("says which alarm, what it means, where and of which stage in our own words, and links to it", () => {
    const { text, blocks } = messageOf(change);
    expect(text.split("\n")).toEqual([
      ":rotating_light: x-prod-sweep-not-run is in ALARM",
      "A rollout could not continue. What to do: docs/operations.md#rollout-failed",
      "stage prod",
    ]);
    expect(JSON.stringify(blocks)).toContain(
      "https://eu-west-1.console.aws.amazon.com/cloudwatch/home?region=eu-west-1#alarmsV2:alarm/x-prod-sweep-not-run",
    );
    expect(JSON.stringify(blocks)).not.toContain("evil");
  });

  it("links to an alarm even if no URL can hold its name", () => {
    expect(JSON.stringify(messageOf({ ...change, name: "x\ud800" }).blocks)).toContain("alarmsV2:alarm/x%EF%BF%BD");
  });

  it("says nothing more when it ends, and does not call it solved", () => {
    expect(messageOf({ ...change, state: "OK" }).text).toBe(
      ":white_circle: x-prod-sweep-not-run is no longer in ALARM\nstage prod",
    );
  });

  const config = {
    homeAccount: "111122223333",
    homeRegion: "eu-west-1",
    accounts: [
      { role: "arn:aws:iam::111122223333:role/istiod", domain: "a", regions: ["eu-west-1", "us-east-1"] },
      { role: "arn:aws:iam::444455556666:role/istiod", domain: "b", regions: ["eu-west-1"] },
    ],
    controlPlanes: [{ name: "main" }],
  };
  const newsOf = (given: Partial<AlarmChange>) =>
    newsOfAlarm({ ...change, ...given }, { config, prefix: "x-prod", id: "e-1", nowMs: 0 });

  it.each([
    ["of the home region", {}, true],
    ["of a control plane", { name: "x-prod-root-ca-ends-soon-main" }, true],
    ["of a function", { name: "x-prod-rollout-request-throttled" }, true],
    ["with another ending", { name: "x-prod-sweep-not-run-2" }, false],
    ["of a control plane that there is not", { name: "x-prod-root-ca-ends-soon-other" }, false],
    ["of another stage", { name: "x-prod2-sweep-not-run" }, false],
    ["of a member account, under a name of ours", { account: "444455556666" }, false],
    ["of another region, under a name of ours", { region: "us-east-1" }, false],
    ["of a queue in another region", { region: "us-east-1", name: "x-prod-undelivered-events-not-empty" }, true],
    ["of a member's queue", { account: "444455556666", name: "x-prod-undelivered-events-not-empty" }, true],
    ["of an account without services", { account: "999999999999", name: "x-prod-undelivered-events-not-empty" }, false],
  ])("%s is ours by its exact name and place", (_what, given, isOurs) => {
    expect(newsOf(given) !== undefined).toBe(isOurs);
  });
});
