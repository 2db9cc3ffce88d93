import { beforeEach, describe, expect, it } from "vitest";
import { busGateway } from "../../shared/gateways/aws/bus.ts";
import type { BusCalls, BusEvent } from "../../shared/ports/ports.ts";
import { failCalls } from "../support/altered-calls.ts";
import { FakeBus } from "../support/fakes/bus.ts";
import { simulatedBus } from "../support/simulated-clients.ts";
import { type CallFailure, failOperation, itThrowsFailures } from "./support/call-failures.ts";

interface Subject {
  readonly port: BusCalls;
  /** The events that arrived, in their order. */
  readonly arrived: () => readonly object[];
  fail(call: keyof BusCalls, failure: CallFailure): void;
}

function throughGateway(): Subject {
  const simulated = simulatedBus("autopilot");
  return {
    port: busGateway(simulated.clients.home, { busName: "autopilot" }),
    arrived: simulated.arrived,
    fail: (_call, failure) => failOperation(simulated, "events.PutEvents", failure),
  };
}

function fake(): Subject {
  const port = new FakeBus();
  return { port, arrived: () => port.events, fail: (call, failure) => failCalls(port, call, failure) };
}

const event = (detailType: BusEvent["detailType"], detail: BusEvent["detail"] = {}): BusEvent => ({
  detailType,
  detail,
  resources: ["arn:aws:ecs:us-east-1:111111111111:service/shop/web"],
});

describe.each([
  ["of the gateway", throughGateway],
  ["of the fake", fake],
])("the bus %s", (_name, open) => {
  let subject: Subject;
  beforeEach(() => {
    subject = open();
  });

  it("delivers events without changes, in their order", async () => {
    const first = event("Service Enrolled", { serviceArn: "web", nested: { list: [1, null] } });
    const events = [first, event("Service Refused")];
    await subject.port.putEvents(events);
    await subject.port.putEvents([event("Service Warned")]);
    expect(subject.arrived()).toEqual([...events, event("Service Warned")]);
  });

  it("accepts more events than one request can have, and no events", async () => {
    await subject.port.putEvents([]);
    expect(subject.arrived()).toEqual([]);
    const events = Array.from({ length: 23 }, (_, index) => event("Service Enrolled", { index }));
    await subject.port.putEvents(events);
    expect(subject.arrived()).toEqual(events);
  });

  it("refuses events whose total size is too large", async () => {
    const long = event("Rollout Completed", { text: "a".repeat(1024 * 1024) });
    await expect(subject.port.putEvents([long])).rejects.toMatchObject({ code: "aws-rejected", retryable: false });
    expect(subject.arrived()).toEqual([]);
  });

  itThrowsFailures<BusCalls>({ putEvents: (port) => port.putEvents([event("Service Enrolled")]) }, () => subject);
});
