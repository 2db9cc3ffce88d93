import {
  DescribeRuleCommand,
  EventBridgeClient,
  ListEventBusesCommand,
  ListRulesCommand,
  ListTargetsByRuleCommand,
  PutEventsCommand,
  type PutEventsRequestEntry,
  TestEventPatternCommand,
} from "@aws-sdk/client-eventbridge";
import { beforeEach, describe, expect, it } from "vitest";
import { EventBridge } from "../../aws/event-bridge/event-bridge.ts";
import type { Json } from "../../base/json.ts";
import { VirtualClock } from "../../clock/virtual-clock.ts";
import { Simulator } from "../../core/simulator.ts";
import { inProcessRequestHandler } from "../../http/in-process.ts";

const ACCOUNT = "123456789012";
const START_MS = Date.UTC(2026, 8, 18, 20, 41, 38);
const bus = "news";
let clock: VirtualClock;
let client: EventBridgeClient;
let delivered: Json[];

beforeEach(() => {
  clock = new VirtualClock(START_MS);
  delivered = [];
  const simulator = new Simulator({ clock, throttling: false });
  const eventBridge = simulator.add((context) => new EventBridge(context));
  simulator.context.functions.provide({
    invoke: async () => null,
    invokeAsync: (_to, event) => delivered.push(event),
  });
  const place = { account: ACCOUNT, region: "us-east-1", busName: bus };
  eventBridge.putRule(place, { name: "news", pattern: { source: [bus] }, targets: ["watch"] });
  client = new EventBridgeClient({
    region: "us-east-1",
    endpoint: "http://simulator",
    credentials: { accessKeyId: ACCOUNT, secretAccessKey: "secret" },
    requestHandler: inProcessRequestHandler(simulator.handle),
    maxAttempts: 1,
  });
});

const entry: PutEventsRequestEntry = {
  Source: bus,
  DetailType: "Service Enrolled",
  Detail: '{"version":1}',
  EventBusName: bus,
};

/** https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevents.html */
describe("Simulated PutEvents, as AWS documents it", () => {
  it("puts an event on a bus, with the caller's account and region and the present time", async () => {
    const answer = await client.send(new PutEventsCommand({ Entries: [{ ...entry, Resources: ["arn:x"] }] }));
    expect(answer).toMatchObject({
      FailedEntryCount: 0,
      Entries: [{ EventId: expect.stringMatching(/^[0-9a-f-]{36}$/) }],
    });
    await clock.advance(5000);
    expect(delivered).toEqual([
      {
        version: "0",
        id: answer.Entries?.[0]?.EventId,
        "detail-type": "Service Enrolled",
        source: bus,
        account: ACCOUNT,
        time: "2026-09-18T20:41:38Z",
        region: "us-east-1",
        resources: ["arn:x"],
        detail: { version: 1 },
      },
    ]);
  });

  it("takes the time that the entry gives", async () => {
    await client.send(new PutEventsCommand({ Entries: [{ ...entry, Time: new Date("2026-01-02T03:04:05Z") }] }));
    await clock.advance(5000);
    expect(delivered).toMatchObject([{ time: "2026-01-02T03:04:05Z" }]);
  });

  it.each([
    ["no source", { Source: undefined }, "InvalidArgument"],
    ["no detail-type", { DetailType: "" }, "InvalidArgument"],
    ["no detail", { Detail: undefined }, "InvalidArgument"],
    ["a detail that is not JSON", { Detail: "{" }, "MalformedDetail"],
    ["a detail that is not an object", { Detail: "[]" }, "MalformedDetail"],
    ["a detail that nests too deep", { Detail: `{"a":${"[".repeat(20_000)}${"]".repeat(20_000)}}` }, "MalformedDetail"],
    ["a source of AWS", { Source: "aws.ecs" }, "NotAuthorizedForSourceException"],
    [
      "a bus in another region",
      { EventBusName: `arn:aws:events:eu-west-1:${ACCOUNT}:event-bus/${bus}` },
      "InvalidArgument",
    ],
  ])("answers 200 with an error for an entry with %s, and takes the others", async (_what, members, code) => {
    const answer = await client.send(new PutEventsCommand({ Entries: [{ ...entry, ...members }, entry] }));
    expect(answer).toMatchObject({
      FailedEntryCount: 1,
      Entries: [{ ErrorCode: code }, { EventId: expect.any(String) }],
    });
    await clock.advance(5000);
    expect(delivered).toHaveLength(1);
  });

  it("drops an entry for a bus that does not exist, and says nothing", async () => {
    const answer = await client.send(new PutEventsCommand({ Entries: [{ ...entry, EventBusName: "gone" }] }));
    expect(answer.FailedEntryCount).toBe(0);
    await clock.advance(5000);
    expect(delivered).toEqual([]);
  });

  it("takes entries of a megabyte together, by the bytes of their texts, and not one byte more", async () => {
    const detail = (bytes: number) => `{"t":"${"é".repeat((bytes - 8) / 2)}"}`;
    const texts = Buffer.byteLength(`${entry.Source}${entry.DetailType}`);
    const one = { ...entry, DetailType: `${entry.DetailType}${texts % 2 === 0 ? "" : "."}` };
    const room = 1024 * 1024 - texts - (texts % 2);
    const put = (members: object) =>
      client.send(new PutEventsCommand({ Entries: [{ ...one, Detail: detail(room), ...members }] }));
    expect((await put({})).FailedEntryCount).toBe(0);
    for (const members of [{ Resources: ["a"] }, { Time: new Date(START_MS) }, { DetailType: `${one.DetailType}.` }])
      await expect(put(members)).rejects.toMatchObject({
        name: "ValidationException",
        message: "Total size of the entries in the request is over the limit.",
      });
  });

  it("refuses more than 10 entries, none, and more than a megabyte", async () => {
    const big = { ...entry, Detail: JSON.stringify({ text: "x".repeat(600_000) }) };
    for (const Entries of [Array.from({ length: 11 }, () => entry), [], [big, big]])
      await expect(client.send(new PutEventsCommand({ Entries }))).rejects.toMatchObject({
        name: "ValidationException",
      });
    await clock.advance(5000);
    expect(delivered).toEqual([]);
  });
});

describe("Simulated rules, as AWS documents them", () => {
  const event = JSON.stringify({
    id: "1",
    account: ACCOUNT,
    source: "aws.ecs",
    time: "2026-09-18T20:41:38Z",
    region: "us-east-1",
    resources: [],
    "detail-type": "ECS Deployment State Change",
    detail: {},
  });

  it("tests a pattern against an event", async () => {
    const test = (EventPattern: string, Event = event) =>
      client.send(new TestEventPatternCommand({ EventPattern, Event }));
    expect((await test('{"source":["aws.ecs"]}')).Result).toBe(true);
    expect((await test('{"source":["aws.tag"]}')).Result).toBe(false);
    await expect(test('{"source":"aws.ecs"}')).rejects.toMatchObject({ name: "InvalidEventPatternException" });
    await expect(test('{"source":["aws.ecs"]}', '{"source":"aws.ecs"}')).rejects.toMatchObject({
      name: "ValidationException",
    });
  });

  it("lists buses and rules, and describes a rule", async () => {
    const buses = await client.send(new ListEventBusesCommand({}));
    expect(buses.EventBuses?.map(({ Name }) => Name).sort()).toEqual(["default", bus]);
    const rules = await client.send(new ListRulesCommand({ EventBusName: bus }));
    const arn = `arn:aws:events:us-east-1:${ACCOUNT}:rule/${bus}/news`;
    expect(rules.Rules).toMatchObject([{ Name: "news", Arn: arn, State: "ENABLED" }]);
    const rule = await client.send(new DescribeRuleCommand({ Name: "news", EventBusName: bus }));
    expect(JSON.parse(rule.EventPattern ?? "")).toEqual({ source: [bus] });
    const targets = await client.send(new ListTargetsByRuleCommand({ Rule: "news", EventBusName: bus }));
    expect(targets.Targets?.[0]?.Arn).toBe(`arn:aws:lambda:us-east-1:${ACCOUNT}:function:watch`);
  });

  it("does not find rules and buses that don't exist", async () => {
    for (const command of [
      new DescribeRuleCommand({ Name: "gone", EventBusName: bus }),
      new DescribeRuleCommand({ Name: "news" }),
      new DescribeRuleCommand({ Name: "news", EventBusName: "gone" }),
    ])
      await expect(client.send(command)).rejects.toMatchObject({ name: "ResourceNotFoundException" });
  });
});
