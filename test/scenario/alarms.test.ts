import { describe, expect, it } from "vitest";
import { readyLab } from "../support/labs.ts";

const CLOUDWATCH = "GraniteServiceVersion20100801";

/** The Slack messages of a lab in which an alarm had these states, one after the other. */
async function messagesAfter(
  AlarmName: string,
  states: readonly string[],
  place: { account?: string; region?: string } = {},
) {
  const { lab, clock } = await readyLab();
  const at = { account: lab.config.homeAccount, region: lab.config.homeRegion, ...place };
  const alarm = {
    AlarmName,
    AlarmDescription: "No sweep for an hour. What to do: docs/operations.md#sweep-not-run",
    Namespace: "ZtunnelAutopilot",
    MetricName: "SweptServices",
    Statistic: "SampleCount",
    Period: 900,
    EvaluationPeriods: 4,
    Threshold: 1,
    ComparisonOperator: "LessThanThreshold",
  };
  await clock.run(lab.call(at, "PutMetricAlarm", alarm, CLOUDWATCH));
  for (const StateValue of states) {
    const change = { AlarmName, StateValue, StateReason: "no datapoints <were> received" };
    await clock.run(lab.call(at, "SetAlarmState", change, CLOUDWATCH));
    await clock.advance(60_000);
  }
  expect(lab.lambda.deadLetters).toEqual([]);
  return lab.slack.messages().map(({ text }) => text);
}

describe("an alarm of the autopilot", () => {
  it("is reported in the ops channel with its runbook when it fires, and again when it ends", async () => {
    const texts = await messagesAfter("ztunnel-autopilot-sweep-not-run", ["OK", "ALARM", "ALARM", "OK"]);
    expect(texts).toHaveLength(2);
    expect(texts[0]).toContain("ztunnel-autopilot-sweep-not-run is in ALARM");
    expect(texts[0]).toContain("docs/operations.md#sweep-not-run");
    expect(texts.join("\n")).not.toContain("datapoints");
    expect(texts[1]).toBe(":white_circle: ztunnel-autopilot-sweep-not-run is no longer in ALARM\nstage lab");
  });

  it("that changes again and again is a message a state, which says what is so", async () => {
    const changes = Array.from({ length: 10 }, () => ["OK", "ALARM"]).flat();
    const texts = await messagesAfter("ztunnel-autopilot-sweep-not-run", changes);
    expect(texts.filter((text) => text.includes("is in ALARM")).length).toBeGreaterThan(0);
    expect(texts.filter((text) => text.startsWith(":")).length).toBeLessThanOrEqual(20);
  });

  it.each(["ztunnel-autopilot-sweep-not-run", "ztunnel-autopilot-lab-x", "ztunnel-autopilot-sweep-not-run-2"])(
    "called %s in a member's account does not speak in our name",
    async (name) => {
      const member = { account: "210987654321", region: "eu-west-1" };
      expect(await messagesAfter(name, ["ALARM", "OK"], member)).toEqual([]);
    },
  );

  it("of another application is not reported", async () => {
    expect(await messagesAfter("checkout-errors", ["ALARM"])).toEqual([]);
  });
});
