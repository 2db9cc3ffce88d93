import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { JsonObject } from "../../../shared/base/json.ts";
import { decide } from "../../../shared/enrollment/decide.ts";
import { derivedPorts, portsProblems } from "../../../shared/enrollment/ports.ts";
import { settingsHash } from "../../../shared/enrollment/settings-hash.ts";
import { portsCheck } from "../../../shared/enrollment/tag-values.ts";
import type { Tags } from "../../../shared/model/service.ts";
import { desiredOf, meshed, reasonsOf } from "../../support/enrolled-services.ts";
import { application, config, enrolled, observed, service, taskDefinition } from "../../support/services.ts";

const PORTS = "ecs.solo.io/ports";
const HOSTNAME = "ecs.solo.io/hostname";
const { [PORTS]: _, ...untagged } = enrolled;

const listening = (...portMappings: readonly JsonObject[]): JsonObject =>
  taskDefinition({ containerDefinitions: [{ ...application, portMappings: [...portMappings] }] });
const on = (containerPort: number, members: JsonObject = {}): JsonObject => ({ containerPort, ...members });

describe("the ports of a task definition", () => {
  it.each<[string, JsonObject, string | undefined]>([
    ["one port", listening(on(3000)), "http:80:3000"],
    ["one port that speaks gRPC", listening(on(50051, { appProtocol: "grpc" })), "grpc:80:50051"],
    ["one TCP port and one for UDP", listening(on(3000), on(8125, { protocol: "udp" })), "http:80:3000"],
    ["several ports", listening(on(3000), on(9090)), undefined],
    ["a range", listening({ containerPortRange: "3000-3010" }), undefined],
    ["none", listening(), undefined],
    ["none but ztunnel's", meshed(observed({ raw: listening() })), undefined],
  ])("with %s", (_what, raw, expected) => {
    expect(derivedPorts(raw)).toBe(expected);
  });

  it("make a valid tag that leads to a container, for any of them", () => {
    const mapping = fc.record(
      {
        containerPort: fc.integer({ min: 1, max: 65_535 }),
        protocol: fc.constantFrom("tcp", "udp"),
        appProtocol: fc.oneof(fc.constantFrom("http", "http2", "grpc"), fc.string()),
      },
      { requiredKeys: ["containerPort"] },
    );
    fc.assert(
      fc.property(fc.array(mapping, { maxLength: 3 }), (mappings) => {
        const raw = listening(...mappings);
        const tag = derivedPorts(raw);
        if (tag === undefined) return;
        expect(portsCheck(tag)).toBeUndefined();
        expect(portsProblems(raw, tag)).toEqual([]);
      }),
    );
  });
});

describe("a service's ports tag", () => {
  const enrolledWith = (tags: Tags, raw: JsonObject, changes: Parameters<typeof observed>[0] = {}) =>
    decide(observed({ service: service({ tags }), raw, ...changes }));

  it("is taken from the task definition where it has none", () => {
    expect(desiredOf(enrolledWith(untagged, listening(on(3000)))).missingTags).toEqual({ [PORTS]: "http:80:3000" });
  });

  it("is taken from the cluster before that", () => {
    const decision = enrolledWith(untagged, listening(on(3000)), { clusterTags: { [PORTS]: "tcp:9:3000" } });
    expect(desiredOf(decision).missingTags).toEqual({ [PORTS]: "tcp:9:3000" });
  });

  it("stays where somebody has set it", () => {
    const decision = enrolledWith({ ...untagged, [PORTS]: "grpc:1:3000" }, listening(on(3000)));
    expect(desiredOf(decision).missingTags).toEqual({});
  });

  it("follows the task definition if the autopilot has set it, and only then", () => {
    const raw = meshed(observed({ raw: listening(on(4000)) }));
    const tags = { ...untagged, [PORTS]: "http:80:3000" };
    const given = enrolledWith(tags, raw, { state: { enrolled: true, givenPorts: "http:80:3000" } });
    expect(given).toMatchObject({ action: "update", drift: ["ports"] });
    expect(desiredOf(given).missingTags).toEqual({ [PORTS]: "http:80:4000" });
    const own = enrolledWith(tags, raw, { state: { enrolled: true } });
    expect(own).toMatchObject({
      action: "none",
      warnings: [{ code: "ports", detail: "The tag ecs.solo.io/ports leads to 3000, and containers have 4000." }],
    });
  });

  it("reaches services that were enrolled before it was taken from the definition by a rollout alone", () => {
    const raw = meshed(observed());
    const fleet = { settings: settingsHash(config()).replace(/\s?ports=\S+/, "") };
    expect(enrolledWith(untagged, raw, { fleet })).toMatchObject({ action: "none", reason: "awaits-rollout" });
    expect(enrolledWith(untagged, raw, { fleet, rollout: {} })).toMatchObject({ action: "update", drift: ["ports"] });
    expect(enrolledWith(untagged, raw, { fleet: { settings: settingsHash(config()) } })).toMatchObject({
      action: "update",
      drift: ["ports"],
    });
  });

  it.each<[string, Tags, JsonObject, RegExp | undefined]>([
    ["several ports and no tag", untagged, listening(on(3000), on(9090)), /3000, 9090\. Set .*such as http:80:3000/],
    ["a range and no tag", untagged, listening({ containerPortRange: "3000-3010" }), /3000-3010\. Set/],
    ["no port and no tag", untagged, listening(), undefined],
    [
      "a tag for a port of a range",
      { ...untagged, [PORTS]: "http:80:3005" },
      listening({ containerPortRange: "3000-3010" }),
      undefined,
    ],
    ["a tag without a target", { ...untagged, [PORTS]: "http:3000" }, listening(on(3000)), undefined],
    [
      "a tag for a port of nobody",
      { ...untagged, [PORTS]: "http:80:8080/tcp:3000" },
      listening(on(3000)),
      /leads to 8080/,
    ],
    ["a tag, and no port", { ...untagged, [PORTS]: "http:80:8080" }, listening(), /no container has a TCP port/],
  ])("with %s", (_what, tags, raw, expected) => {
    const decision = enrolledWith(tags, raw);
    const warned = "warnings" in decision ? decision.warnings.filter(({ code }) => code === "ports") : [];
    expect(warned.map(({ detail }) => detail)).toEqual(expected ? [expect.stringMatching(expected)] : []);
  });
});

describe("a hostname on a cluster", () => {
  const clusterTags = { [HOSTNAME]: "shop.example.com" };

  it("is refused for a service without one, and keeps nobody out who has one", () => {
    const decision = decide(observed({ clusterTags }));
    expect(reasonsOf(decision)).toEqual(["bad-tag"]);
    const own = service({ tags: { ...enrolled, [HOSTNAME]: "web.example.com" } });
    expect(decide(observed({ clusterTags, service: own }))).toMatchObject({ action: "enroll", warnings: [] });
  });

  it("is a warning for a service in the mesh", () => {
    const decision = decide(observed({ clusterTags, raw: meshed(observed()) }));
    expect(decision).toMatchObject({
      action: "none",
      warnings: [{ code: "kept", detail: expect.stringContaining("on the cluster") }],
    });
  });
});
