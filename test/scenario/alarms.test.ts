import { describe, expect, it } from "vitest";
import { readyLab } from "../support/labs.ts";

const CLOUDWATCH = "GraniteServiceVersion20100801";

/** A lab in which an alarm was made, went to these states one after the other, and what Slack has then. */
async function told(AlarmName: string, states: readonly string[], place: { account?: string; region?: string } = {}) {
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
  it("is told in the ops channel when it goes off, with its runbook, and when it ends", async () => {
    const texts = await told("ztunnel-autopilot-sweep-not-run", ["OK", "ALARM", "ALARM", "OK"]);
    expect(texts).toHaveLength(2);
    expect(texts[0]).toContain("ztunnel-autopilot-sweep-not-run is in ALARM");
    expect(texts[0]).toContain("docs/operations.md#sweep-not-run");
    expect(texts[0]).toContain("no datapoints &lt;were&gt; received");
    expect(texts[1]).toBe(":white_circle: ztunnel-autopilot-sweep-not-run is no longer in ALARM");
  });

  it("that is somebody else's is not", async () => {
    expect(await told("checkout-errors", ["ALARM"])).toEqual([]);
  });
});
