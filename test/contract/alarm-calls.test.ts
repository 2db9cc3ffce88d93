import {
  CloudWatchClient,
  PutMetricAlarmCommand,
  SetAlarmStateCommand,
  StateValue as StateValues,
} from "@aws-sdk/client-cloudwatch";
import { beforeEach, describe, expect, it } from "vitest";
import { alarmsGateway } from "../../shared/gateways/aws/alarms.ts";
import type { AlarmCalls, DescribedAlarm } from "../../shared/ports/ports.ts";
import { failCalls } from "../support/altered-calls.ts";
import { FakeAlarms } from "../support/fakes/alarms.ts";
import { simulatedAlarms } from "../support/simulated-clients.ts";
import { type CallFailure, failOperation, itThrowsFailures } from "./support/call-failures.ts";

interface Subject {
  readonly port: AlarmCalls;
  set(alarm: DescribedAlarm): Promise<void>;
  fail(call: keyof AlarmCalls, failure: CallFailure): void;
}

function throughGateway(): Subject {
  const simulated = simulatedAlarms();
  const { home } = simulated.clients;
  const definition = {
    Namespace: "Shop",
    MetricName: "Errors",
    Statistic: "Sum",
    Period: 60,
    EvaluationPeriods: 1,
    Threshold: 1,
    ComparisonOperator: "GreaterThanThreshold",
  } as const;
  return {
    port: alarmsGateway(home),
    set: async ({ name: AlarmName, state, reason: StateReason }) => {
      const StateValue = Object.values(StateValues).find((one) => one === state);
      await home(CloudWatchClient).send(new PutMetricAlarmCommand({ AlarmName, ...definition }));
      await home(CloudWatchClient).send(new SetAlarmStateCommand({ AlarmName, StateValue, StateReason }));
    },
    fail: (_call, failure) => failOperation(simulated, "cloudwatch.DescribeAlarms", failure),
  };
}

function fake(): Subject {
  const port = new FakeAlarms();
  return {
    port,
    set: async ({ name, state, reason }) => port.set(name, state, reason),
    fail: (call, failure) => failCalls(port, call, failure),
  };
}

describe.each([
  ["of the gateway", throughGateway],
  ["of the fake", fake],
])("the alarms %s", (_name, open) => {
  const errors = { name: "errors", state: "ALARM", reason: "Threshold crossed" } as const;
  const latency = { name: "latency", state: "OK", reason: "" } as const;
  const traffic = { name: "traffic", state: "INSUFFICIENT_DATA", reason: "no data" } as const;
  let subject: Subject;
  beforeEach(async () => {
    subject = open();
    for (const alarm of [errors, latency, traffic]) await subject.set(alarm);
  });

  it("have their state and its reason, in any order", async () => {
    expect(await subject.port.describeAlarms(["traffic", "errors"])).toEqual([errors, traffic]);
  });

  it("have their new state after a change", async () => {
    await subject.set({ ...errors, state: "OK", reason: "over" });
    expect(await subject.port.describeAlarms(["errors"])).toEqual([{ name: "errors", state: "OK", reason: "over" }]);
  });

  it("are left out if they don't exist, and returned once if named twice", async () => {
    expect(await subject.port.describeAlarms(["none", "errors", "errors"])).toEqual([errors]);
  });

  it("are empty without a name", async () => {
    expect(await subject.port.describeAlarms([])).toEqual([]);
  });

  it("can be described by the hundreds", async () => {
    const names = Array.from({ length: 240 }, (_, index) => `alarm-${index}`);
    expect(await subject.port.describeAlarms([...names, "latency"])).toEqual([latency]);
  });

  itThrowsFailures<AlarmCalls>({ describeAlarms: (port) => port.describeAlarms(["errors"]) }, () => subject);
});
