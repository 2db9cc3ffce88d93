import {
  CloudWatchClient,
  DeleteAlarmsCommand,
  PutCompositeAlarmCommand,
  PutMetricAlarmCommand,
  SetAlarmStateCommand,
} from "@aws-sdk/client-cloudwatch";
import type { AwsRouter, Faults } from "@ztunnel-autopilot/simulator";
import { beforeEach, describe, expect, it } from "vitest";
import { alarmsGateway } from "../../shared/gateways/aws/alarms.ts";
import type { AwsClients } from "../../shared/gateways/aws/aws-clients.ts";
import type { AlarmCalls } from "../../shared/ports/ports.ts";
import { MEMBER_ACCOUNT, simulatedAlarms } from "../support/simulated-clients.ts";

const place = { account: MEMBER_ACCOUNT, region: "eu-west-1" };

/** What the alarms' gateway does beside its calls' contract (`alarm-calls.test.ts`). */
describe("the alarms of an account and region", () => {
  let clients: AwsClients;
  let router: AwsRouter;
  let faults: Faults;
  let alarms: AlarmCalls;
  let client: CloudWatchClient;

  beforeEach(() => {
    ({ clients, faults, router } = simulatedAlarms());
    alarms = alarmsGateway(clients.at(place));
    client = clients.at(place)(CloudWatchClient);
  });

  const putAlarm = (AlarmName: string) =>
    client.send(
      new PutMetricAlarmCommand({
        AlarmName,
        Namespace: "Shop",
        MetricName: "Errors",
        Statistic: "Sum",
        Period: 60,
        EvaluationPeriods: 1,
        Threshold: 1,
        ComparisonOperator: "GreaterThanThreshold",
      }),
    );

  it("are described with their state and its reason, metric alarms and composite ones", async () => {
    await putAlarm("errors");
    await putAlarm("latency");
    await client.send(new PutCompositeAlarmCommand({ AlarmName: "shop", AlarmRule: 'ALARM("errors")' }));
    const set = { AlarmName: "errors", StateValue: "ALARM", StateReason: "Threshold crossed" } as const;
    await client.send(new SetAlarmStateCommand(set));
    await client.send(new SetAlarmStateCommand({ ...set, AlarmName: "shop", StateValue: "OK", StateReason: "" }));
    expect(await alarms.describeAlarms(["shop", "errors", "latency"])).toEqual([
      { name: "errors", state: "ALARM", reason: "Threshold crossed" },
      { name: "latency", state: "INSUFFICIENT_DATA", reason: "Unchecked: Initial alarm creation" },
      { name: "shop", state: "OK", reason: "" },
    ]);
  });

  it("are left out if they don't exist or were deleted", async () => {
    await putAlarm("errors");
    await client.send(new DeleteAlarmsCommand({ AlarmNames: ["errors"] }));
    expect(await alarms.describeAlarms(["errors", "nope"])).toEqual([]);
  });

  it("are only those of that account and region", async () => {
    await putAlarm("errors");
    const elsewhere = { ...place, region: "us-east-1" };
    expect(await alarmsGateway(clients.at(elsewhere)).describeAlarms(["errors"])).toEqual([]);
    expect(await alarmsGateway(clients.home).describeAlarms(["errors"])).toEqual([]);
  });

  it("are described a hundred at a time, and not at all without a name", async () => {
    await putAlarm("errors");
    expect(await alarms.describeAlarms([])).toEqual([]);
    expect(router.calls()).not.toHaveProperty(["cloudwatch.DescribeAlarms"]);
    const names = Array.from({ length: 240 }, (_, index) => `alarm-${index}`);
    expect(await alarms.describeAlarms([...names, "errors"])).toMatchObject([{ name: "errors" }]);
    expect(router.calls()["cloudwatch.DescribeAlarms"]).toBe(3);
  });

  it("are described again after throttling, and other errors have their code", async () => {
    await putAlarm("errors");
    const match = { call: "cloudwatch.DescribeAlarms" };
    faults.replace([{ kind: "throttle", match, count: 5 }]);
    expect(await alarms.describeAlarms(["errors"])).toHaveLength(1);
    const failing = (error: string) => {
      faults.replace([{ kind: "api-error", match, error }]);
      return alarms.describeAlarms(["errors"]);
    };
    await expect(failing("AccessDeniedException")).rejects.toMatchObject({ code: "access-denied" });
    await expect(failing("InternalServiceFault")).rejects.toMatchObject({ code: "aws-unavailable" });
    await expect(failing("ValidationError")).rejects.toMatchObject({ code: "aws-rejected" });
  });
});
