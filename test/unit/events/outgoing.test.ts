import { describe, expect, it } from "vitest";
import { serviceRef } from "../../../shared/base/arn.ts";
import { autopilotDetailTypes } from "../../../shared/base/vocabulary.ts";
import { outgoing, readOutgoing } from "../../../shared/events/outgoing.ts";
import {
  rollFailed,
  serviceEnrolled,
  serviceRefused,
  serviceUpdated,
  serviceWarned,
} from "../../../shared/events/service-events.ts";
import { all, ref } from "../../support/outgoing-samples.ts";

describe("an event that the autopilot emits", () => {
  it.each(all)("$detailType is versioned, names its service and is read as it was written", (event) => {
    expect(event.detail).toMatchObject({ version: 1 });
    if (/^(Root CA|Rollout|Mesh|Fleet|Services|Ledger) /.test(event.detailType)) expect(event.resources).toEqual([]);
    else {
      expect(event.resources).toEqual([ref.serviceArn]);
      expect(event.detail).toMatchObject({
        serviceArn: ref.serviceArn,
        clusterArn: "arn:aws:ecs:us-east-1:123456789012:cluster/prod",
        account: "123456789012",
        region: "us-east-1",
      });
    }
    const delivered = { source: "ztunnel-autopilot", "detail-type": event.detailType, detail: event.detail };
    const read = readOutgoing(JSON.parse(JSON.stringify(delivered)));
    expect(read).toEqual({ detailType: event.detailType, detail: event.detail });
  });

  it("is one of the kinds that the samples cover", () => {
    expect(new Set(all.map(({ detailType }) => detailType))).toEqual(new Set(autopilotDetailTypes));
  });

  it("lets nothing out that is not declared", () => {
    const detail = { executionName: "web-0", taskDefinitionArn: "arn:8", token: "c2VjcmV0" };
    expect(() => serviceEnrolled(ref, detail)).toThrow(/unexpected-error/);
    expect(() => serviceEnrolled(ref, detail)).not.toThrow(/c2VjcmV0/);
  });

  it("leaves out members that are undefined", () => {
    const event = serviceEnrolled(ref, { executionName: "web-0", taskDefinitionArn: "arn:8", image: undefined });
    expect(event.detail).not.toHaveProperty("image");
  });

  it("only has reasons of the closed sets", () => {
    const change = { executionName: "web-0", taskDefinitionArn: "arn:8" };
    const reason: string = "weather";
    // A caller that skipped the types, as a state machine's data may.
    expect(() => serviceUpdated(ref, { ...change, drift: [reason as "image"] })).toThrow(/unexpected-error/);
    expect(() => serviceRefused(ref, [])).toThrow(/unexpected-error/);
  });

  it("calls a failure without a name of ours unexpected-error", () => {
    const failure = { executionName: "web-0", sentence: "", reverted: true };
    expect(rollFailed(ref, { ...failure, code: "Lambda.Unknown" }).detail).toMatchObject({ code: "unexpected-error" });
    expect(rollFailed(ref, { ...failure, code: "toString" }).detail).toMatchObject({ code: "unexpected-error" });
    expect(rollFailed(ref, { ...failure, code: "secret-denied" }).detail).toMatchObject({ code: "secret-denied" });
  });

  it("cuts texts of others", () => {
    const event = serviceWarned(ref, [{ code: "headroom", detail: "x".repeat(100_000) }]);
    expect(JSON.stringify(event.detail).length).toBeLessThan(2000);
  });

  it("is about a service with a long-format ARN", () => {
    const short = { ...serviceRef(ref.serviceArn), serviceArn: "arn:aws:ecs:us-east-1:123456789012:service/web" };
    expect(() => serviceWarned(short, [{ code: "headroom", detail: "" }])).toThrow(/serviceArn/);
    const detail = { controlPlane: "main", fingerprints: [], previousFingerprints: [] };
    expect(() => outgoing("Root CA Changed", detail)).toThrow(/fingerprints/);
  });
});

describe("readOutgoing", () => {
  it.each([
    ["of somebody else", { source: "aws.ecs", "detail-type": "Service Enrolled", detail: {} }],
    ["of an unknown kind", { source: "ztunnel-autopilot", "detail-type": "Service Dreamt", detail: {} }],
    ["without its detail", { source: "ztunnel-autopilot", "detail-type": "Service Enrolled" }],
    ["that is null", null],
  ])("throws malformed-event for an event %s", (_what, event) => {
    expect(() => readOutgoing(event)).toThrow(expect.objectContaining({ code: "malformed-event" }));
  });
});
