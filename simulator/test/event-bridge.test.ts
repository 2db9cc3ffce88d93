import { describe, expect, it } from "vitest";
import { EventBridge, type EventBridgeOptions } from "../aws/event-bridge/event-bridge.ts";
import { isJsonObject, type JsonObject } from "../base/json.ts";
import { VirtualClock } from "../clock/virtual-clock.ts";
import type { AwsEvent } from "../core/event.ts";
import { Simulator } from "../core/simulator.ts";

const SERVICE = "arn:aws:ecs:eu-west-1:222222222222:service/shop/web";
const home = { account: "111111111111", region: "us-east-1" };
const away = { account: "222222222222", region: "eu-west-1" };

function anEvent(members: Partial<AwsEvent> = {}): AwsEvent {
  return {
    version: "0",
    id: "1",
    "detail-type": "ECS Deployment State Change",
    source: "aws.ecs",
    ...away,
    time: "2026-09-18T20:41:38Z",
    resources: [SERVICE],
    detail: { eventName: "SERVICE_DEPLOYMENT_FAILED" },
    ...members,
  };
}

function bench(options: Partial<EventBridgeOptions> = {}) {
  const clock = new VirtualClock();
  const simulator = new Simulator({ clock });
  const delivered: { readonly to: string; readonly event: JsonObject; readonly atMs: number }[] = [];
  const eventBridge = simulator.add((context) => new EventBridge(context, options));
  simulator.context.functions.provide({
    invoke: async () => null,
    invokeAsync: (to, event) => delivered.push({ to, event: isJsonObject(event) ? event : {}, atMs: clock.now() }),
  });
  return { clock, faults: simulator.faults, delivered, eventBridge };
}

function withRule(options: Partial<EventBridgeOptions> = {}) {
  const all = bench(options);
  all.eventBridge.putRule(away, { name: "all", pattern: { source: [{ prefix: "aws." }] }, targets: ["watch"] });
  return all;
}

describe("Simulated EventBridge", () => {
  it("takes an event to a bus of another account and region, and from there to every target whose rule matches", async () => {
    const { clock, delivered, eventBridge } = bench();
    const hub = eventBridge.createBus(home.account, home.region, "hub");
    const deployments = { "detail-type": ["ECS Deployment State Change"] };
    eventBridge.putRule(away, { name: "to-hub", pattern: { source: ["aws.ecs"] }, targets: [hub] });
    const onHub = { ...home, busName: "hub" };
    eventBridge.putRule(onHub, { name: "deployments", pattern: deployments, targets: ["watch"] });
    eventBridge.putRule(onHub, { name: "all", pattern: { source: [{ prefix: "aws." }] }, targets: ["log"] });
    eventBridge.putRule(onHub, { name: "tags", pattern: { source: ["aws.tag"] }, targets: ["never"] });
    eventBridge.emit(anEvent());
    await clock.advance(10_000);
    expect(delivered.map(({ to }) => to).sort()).toEqual(["log", "watch"]);
    expect(delivered[0]?.event).toMatchObject({ account: away.account, region: away.region, resources: [SERVICE] });
    expect(eventBridge.log().map(({ busArn }) => busArn)).toEqual([
      "arn:aws:events:eu-west-1:222222222222:event-bus/default",
      "arn:aws:events:us-east-1:111111111111:event-bus/hub",
    ]);
  });

  it("takes time for a delivery, and may deliver a later event first", async () => {
    const { clock, delivered, eventBridge } = withRule();
    for (let id = 0; id < 20; id++) eventBridge.emit(anEvent({ id: String(id) }));
    await clock.advance(10_000);
    const ids = delivered.map(({ event }) => Number(event.id));
    expect([...ids].sort((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, id) => id));
    expect(ids).not.toEqual([...ids].sort((a, b) => a - b));
    for (const { atMs } of delivered) expect(atMs).toBeGreaterThanOrEqual(50);
  });

  it("is repeatable for a seed", async () => {
    const run = async () => {
      const { clock, delivered, eventBridge } = withRule({ duplicateProbability: 0.3 });
      for (let id = 0; id < 20; id++) eventBridge.emit(anEvent({ id: String(id) }));
      await clock.advance(10_000);
      return delivered.map(({ event, atMs }) => [event.id, atMs]);
    };
    expect(await run()).toEqual(await run());
  });

  it("delivers at least once, and some events twice", async () => {
    const { clock, delivered, eventBridge } = withRule({ duplicateProbability: 0.5 });
    for (let id = 0; id < 40; id++) eventBridge.emit(anEvent({ id: String(id) }));
    await clock.advance(10_000);
    expect(new Set(delivered.map(({ event }) => event.id)).size).toBe(40);
    expect(delivered.length).toBeGreaterThan(40);
    expect(delivered.length).toBeLessThan(80);
  });

  it("does not forward an event that came from another bus", async () => {
    const { clock, delivered, eventBridge } = bench();
    const hub = eventBridge.createBus(home.account, home.region, "hub");
    const third = eventBridge.createBus("333333333333", home.region, "third");
    const pattern = { source: ["aws.ecs"] };
    eventBridge.putRule(away, { name: "to-hub", pattern, targets: [hub] });
    eventBridge.putRule({ ...home, busName: "hub" }, { name: "on", pattern, targets: [third, "watch"] });
    eventBridge.putRule(
      { account: "333333333333", region: home.region, busName: "third" },
      {
        name: "end",
        pattern,
        targets: ["never"],
      },
    );
    eventBridge.emit(anEvent());
    await clock.advance(10_000);
    expect(delivered.map(({ to }) => to)).toEqual(["watch"]);
    expect(eventBridge.log().at(-1)?.notes).toEqual(["on: THIRD_ACCOUNT_HOP_DETECTED"]);
  });

  it("reports when a rule forwards to a bus that does not exist", async () => {
    const { clock, eventBridge } = bench();
    const missing = "arn:aws:events:us-east-1:111111111111:event-bus/gone";
    eventBridge.putRule(away, { name: "to-hub", pattern: { source: ["aws.ecs"] }, targets: [missing] });
    eventBridge.emit(anEvent());
    await clock.advance(10_000);
    expect(eventBridge.log().at(-1)?.notes).toEqual([`no bus ${missing}`]);
  });

  it("loses the events that a fault rule names, as often as it says", async () => {
    const { clock, faults, delivered, eventBridge } = withRule();
    faults.add({ kind: "lose-event", match: { service: "web", detailType: "ECS *", region: "eu-west-1" }, count: 1 });
    eventBridge.emit(anEvent({ id: "other", resources: [SERVICE.replace("web", "api")] }));
    eventBridge.emit(anEvent({ id: "lost" }));
    eventBridge.emit(anEvent({ id: "kept" }));
    await clock.advance(10_000);
    expect(delivered.map(({ event }) => event.id).sort()).toEqual(["kept", "other"]);
    expect(eventBridge.log().find(({ event }) => event.id === "lost")?.notes).toEqual(["lose-event"]);
  });

  it("knows a task event's service by its group, and an event of ours by its detail", async () => {
    const { clock, faults, delivered, eventBridge } = withRule();
    faults.add({ kind: "lose-event", match: { service: SERVICE } });
    const clusterArn = "arn:aws:ecs:eu-west-1:222222222222:cluster/shop";
    eventBridge.emit(anEvent({ resources: [], detail: { group: "service:web", clusterArn } }));
    eventBridge.emit(anEvent({ resources: [], detail: { serviceArn: SERVICE } }));
    eventBridge.emit(anEvent({ resources: [], detail: {} }));
    await clock.advance(10_000);
    expect(delivered).toHaveLength(1);
  });

  it("doubles and delays the events that a fault rule names", async () => {
    const { clock, faults, delivered, eventBridge } = withRule();
    faults.add({ kind: "duplicate-event", match: { account: away.account }, count: 1 });
    faults.add({ kind: "delay-event", delaySeconds: 120, count: 1 });
    eventBridge.emit(anEvent());
    await clock.advance(119_000);
    expect(delivered).toEqual([]);
    await clock.advance(10_000);
    expect(delivered.map(({ event }) => event.id)).toEqual(["1", "1"]);
  });

  it("holds back the events of a region that is down, until it is up again", async () => {
    const { clock, faults, delivered, eventBridge } = withRule();
    faults.replace([{ kind: "region-down", match: away }]);
    eventBridge.emit(anEvent());
    await clock.advance(600_000);
    expect(delivered).toEqual([]);
    expect(eventBridge.log()).toEqual([]);
    faults.replace([]);
    await clock.advance(10_000);
    expect(delivered.map(({ event }) => event.id)).toEqual(["1"]);
    expect(eventBridge.log()[0]?.notes).toEqual(["region-down"]);
  });

  it("holds back no event of another region, nor for a rule that names calls", async () => {
    const { clock, faults, delivered, eventBridge } = withRule();
    faults.replace([
      { kind: "region-down", match: home },
      { kind: "region-down", match: { ...away, call: "ecs.*" } },
    ]);
    eventBridge.emit(anEvent());
    await clock.advance(10_000);
    expect(delivered).toHaveLength(1);
  });

  it("keeps the latest events in its log only", () => {
    const { eventBridge } = bench({ logLimit: 10 });
    for (let id = 0; id < 100; id++) eventBridge.emit(anEvent({ id: String(id) }));
    expect(eventBridge.log().length).toBeLessThanOrEqual(11);
    expect(eventBridge.log().at(-1)?.event.id).toBe("99");
  });

  it("refuses a rule that EventBridge would refuse", () => {
    const { eventBridge } = bench();
    const rule = { name: "r", pattern: { source: ["a"] }, targets: [] };
    const error = (name: string) => expect.objectContaining({ name });
    expect(() => eventBridge.putRule(home, { ...rule, pattern: { source: [{ soundex: "a" }] } })).toThrow(
      error("InvalidEventPatternException"),
    );
    expect(() => eventBridge.putRule(home, { ...rule, pattern: { source: ["a".repeat(2048)] } })).toThrow(
      error("InvalidEventPatternException"),
    );
    expect(() => eventBridge.putRule(home, { ...rule, name: "with space" })).toThrow(error("ValidationException"));
    expect(() => eventBridge.putRule(home, { ...rule, targets: ["a", "b", "c", "d", "e", "f"] })).toThrow(
      error("LimitExceededException"),
    );
  });
});
