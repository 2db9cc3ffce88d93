import {
  CloudWatchClient,
  DeleteAlarmsCommand,
  DescribeAlarmsCommand,
  PutCompositeAlarmCommand,
  PutMetricAlarmCommand,
  paginateDescribeAlarms,
  SetAlarmStateCommand,
} from "@aws-sdk/client-cloudwatch";
import { beforeEach, describe, expect, it } from "vitest";
import { CloudWatch } from "../../aws/cloudwatch/cloudwatch.ts";
import { VirtualClock } from "../../clock/virtual-clock.ts";
import type { AwsEvent } from "../../core/event.ts";
import { Simulator } from "../../core/simulator.ts";
import { inProcessRequestHandler } from "../../http/in-process.ts";

describe("Simulated CloudWatch's alarms, as AWS documents them", () => {
  let clock: VirtualClock;
  let client: CloudWatchClient;
  let events: AwsEvent[];

  beforeEach(() => {
    clock = new VirtualClock(Date.parse("2026-11-21T03:00:00Z"));
    events = [];
    const simulator = new Simulator({ clock, throttling: false });
    simulator.add((context) => new CloudWatch(context));
    simulator.context.events.subscribe((event) => events.push(event));
    client = new CloudWatchClient({
      region: "us-east-1",
      endpoint: "http://simulator",
      credentials: { accessKeyId: "111111111111", secretAccessKey: "secret" },
      requestHandler: inProcessRequestHandler(simulator.handle),
      maxAttempts: 1,
    });
  });

  const metricAlarm = (AlarmName: string, Threshold = 1) =>
    new PutMetricAlarmCommand({
      AlarmName,
      Namespace: "Shop",
      MetricName: "Errors",
      Dimensions: [{ Name: "Service", Value: "web" }],
      Statistic: "Sum",
      Period: 60,
      EvaluationPeriods: 2,
      Threshold,
      ComparisonOperator: "GreaterThanThreshold",
    });
  const setState = (StateValue: "OK" | "ALARM", members: { AlarmName?: string; StateReasonData?: string } = {}) =>
    new SetAlarmStateCommand({ AlarmName: "errors", StateValue, StateReason: "test", ...members });
  const describe1 = async (AlarmName: string) =>
    (await client.send(new DescribeAlarmsCommand({ AlarmNames: [AlarmName] }))).MetricAlarms?.[0];

  it("have no data when they are made, and keep their state when they are changed", async () => {
    await client.send(metricAlarm("errors"));
    expect(await describe1("errors")).toMatchObject({
      AlarmName: "errors",
      AlarmArn: "arn:aws:cloudwatch:us-east-1:111111111111:alarm:errors",
      StateValue: "INSUFFICIENT_DATA",
      StateUpdatedTimestamp: new Date("2026-11-21T03:00:00Z"),
      Dimensions: [{ Name: "Service", Value: "web" }],
      ActionsEnabled: true,
      Threshold: 1,
    });
    await client.send(setState("OK"));
    await client.send(metricAlarm("errors", 5));
    expect(await describe1("errors")).toMatchObject({ StateValue: "OK", Threshold: 5 });
  });

  it("have the state that was set last, since when it is another one", async () => {
    await client.send(metricAlarm("errors"));
    await clock.advance(60_000);
    await client.send(setState("ALARM", { StateReasonData: '{"version":"1.0"}' }));
    await clock.advance(60_000);
    await client.send(setState("ALARM"));
    expect(await describe1("errors")).toMatchObject({
      StateValue: "ALARM",
      StateReason: "test",
      StateTransitionedTimestamp: new Date("2026-11-21T03:01:00Z"),
      StateUpdatedTimestamp: new Date("2026-11-21T03:02:00Z"),
    });
  });

  it("tell a change of their state to EventBridge, as it is documented, and nothing where it stays the same", async () => {
    await client.send(metricAlarm("errors"));
    await client.send(setState("ALARM"));
    await client.send(setState("ALARM"));
    await client.send(new PutCompositeAlarmCommand({ AlarmName: "shop", AlarmRule: 'ALARM("errors")' }));
    await client.send(setState("OK", { AlarmName: "shop" }));
    expect(events).toHaveLength(2);
    expect(events[0]).toMatchObject({
      source: "aws.cloudwatch",
      "detail-type": "CloudWatch Alarm State Change",
      account: "111111111111",
      region: "us-east-1",
      time: "2026-11-21T03:00:00Z",
      resources: ["arn:aws:cloudwatch:us-east-1:111111111111:alarm:errors"],
      detail: {
        alarmName: "errors",
        state: { value: "ALARM", reason: "test", timestamp: "2026-11-21T03:00:00.000+0000" },
        previousState: { value: "INSUFFICIENT_DATA", reason: "Unchecked: Initial alarm creation" },
        configuration: {
          metrics: [
            {
              metricStat: {
                metric: { namespace: "Shop", name: "Errors", dimensions: { Service: "web" } },
                period: 60,
                stat: "Sum",
              },
              returnData: true,
            },
          ],
        },
      },
    });
    expect(events[1]?.detail).toMatchObject({ alarmName: "shop", configuration: { alarmRule: 'ALARM("errors")' } });
  });

  it("of the composite kind are returned only to a request that names the kind", async () => {
    await client.send(metricAlarm("errors"));
    await client.send(new PutCompositeAlarmCommand({ AlarmName: "shop", AlarmRule: 'ALARM("errors")' }));
    const names = async (...AlarmTypes: ("MetricAlarm" | "CompositeAlarm")[]) => {
      const answer = await client.send(new DescribeAlarmsCommand(AlarmTypes.length > 0 ? { AlarmTypes } : {}));
      return [...(answer.MetricAlarms ?? []), ...(answer.CompositeAlarms ?? [])].map(({ AlarmName }) => AlarmName);
    };
    expect(await names()).toEqual(["errors"]);
    expect(await names("CompositeAlarm")).toEqual(["shop"]);
    expect(await names("MetricAlarm", "CompositeAlarm")).toEqual(["errors", "shop"]);
  });

  it("come page by page", async () => {
    for (let index = 0; index < 7; index += 1) await client.send(metricAlarm(`errors-${index}`));
    const pages: (number | undefined)[] = [];
    for await (const page of paginateDescribeAlarms({ client, pageSize: 3 }, { AlarmNamePrefix: "errors-" }))
      pages.push(page.MetricAlarms?.length);
    expect(pages).toEqual([3, 3, 1]);
    const wrong = client.send(new DescribeAlarmsCommand({ NextToken: "x" }));
    await expect(wrong).rejects.toMatchObject({ name: "InvalidNextToken" });
  });

  it("are deleted, those that there are; two composite ones at a time are refused", async () => {
    await client.send(metricAlarm("errors"));
    for (const AlarmName of ["shop", "fleet"])
      await client.send(new PutCompositeAlarmCommand({ AlarmName, AlarmRule: "FALSE" }));
    const both = client.send(new DeleteAlarmsCommand({ AlarmNames: ["errors", "shop", "fleet"] }));
    await expect(both).rejects.toMatchObject({ name: "ValidationException" });
    expect(await describe1("errors")).toBeDefined();
    await client.send(new DeleteAlarmsCommand({ AlarmNames: ["nope", "errors", "shop"] }));
    expect(await describe1("errors")).toBeUndefined();
  });

  it("are refused by AWS's names", async () => {
    await client.send(metricAlarm("errors"));
    await expect(client.send(setState("OK", { AlarmName: "nope" }))).rejects.toMatchObject({
      name: "ResourceNotFound",
      $metadata: { httpStatusCode: 404 },
    });
    await expect(client.send(setState("OK", { StateReasonData: "{" }))).rejects.toMatchObject({
      name: "InvalidFormatFault",
    });
    const many = Array.from({ length: 101 }, (_, index) => `alarm-${index}`);
    const describing = client.send(new DescribeAlarmsCommand({ AlarmNames: many }));
    await expect(describing).rejects.toMatchObject({ name: "ValidationException" });
  });
});
