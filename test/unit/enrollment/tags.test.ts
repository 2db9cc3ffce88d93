import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { alarmNames, effectiveTags, enrollIntent, parseRequest } from "../../../shared/enrollment/tags.ts";

const KEY = "ztunnel-autopilot/enroll";
const defaults = { clusterName: "prod", serviceName: "web", domain: "ecs.local", enrollTagKey: KEY };

function detailsOf(tags: Record<string, string>): string[] {
  const parsed = parseRequest(tags, defaults);
  return "ok" in parsed ? [] : parsed.refusals.map(({ detail }) => detail);
}

describe("effectiveTags", () => {
  it("takes the cluster's tag where the service has none, and leaves out tags of others", () => {
    const service = { "ecs.solo.io/namespace": "shop", team: "a" };
    const cluster = { "ecs.solo.io/namespace": "other", "ztunnel-autopilot/external": "false", cost: "1" };
    expect(effectiveTags(service, cluster)).toEqual({
      "ecs.solo.io/namespace": "shop",
      "ztunnel-autopilot/external": "false",
    });
  });
});

describe("alarmNames", () => {
  it("are those that the tag joins by +, without the blanks around them", () => {
    expect(alarmNames("errors")).toEqual(["errors"]);
    expect(alarmNames("shop/checkout errors + latency")).toEqual(["shop/checkout errors", "latency"]);
    expect(alarmNames(undefined)).toBeUndefined();
    expect(alarmNames(" ")).toBeUndefined();
  });
});

describe("enrollIntent", () => {
  it.each([
    [{ [KEY]: "true" }, {}, "in"],
    [{ [KEY]: "false" }, { [KEY]: "true" }, "out"],
    [{}, { [KEY]: "true" }, "in"],
    [{}, {}, "absent"],
  ] as const)("of service %j and cluster %j is %s", (service, cluster, intent) => {
    expect(enrollIntent(service, cluster, KEY)).toBe(intent);
  });

  it.each(["True", "yes", "1", "", " true"])("refuses the value %j", (value) => {
    expect(enrollIntent({ [KEY]: value }, {}, KEY)).toMatchObject({ bad: { reason: "bad-tag" } });
  });

  it("reads the configured key alone", () => {
    expect(enrollIntent({ "mesh/on": "true", [KEY]: "false" }, {}, "mesh/on")).toBe("in");
  });
});

describe("parseRequest", () => {
  it("gives the documented defaults", () => {
    expect(parseRequest({ [KEY]: "true" }, defaults)).toEqual({
      ok: {
        namespace: "istio-system",
        serviceAccount: "default",
        hostname: "web.prod.ecs.local",
        ports: undefined,
        platform: "ecs",
        external: true,
        proxyEnv: false,
        image: undefined,
        canary: false,
      },
    });
  });

  it("takes every tag", () => {
    const tags = {
      "ecs.solo.io/namespace": "shop",
      "ecs.solo.io/service-account": "web.front",
      "ecs.solo.io/hostname": "shop.example.com",
      "ecs.solo.io/ports": "http:80:8080/grpc:9090/tcp:1",
      "ztunnel-autopilot/platform": "ecs-ec2",
      "ztunnel-autopilot/external": "false",
      "ztunnel-autopilot/proxy-env": "true",
      "ztunnel-autopilot/image": "registry.example.com:5000/ztunnel:1.29",
      "ztunnel-autopilot/wave": "canary",
    };
    expect(parseRequest(tags, defaults)).toEqual({
      ok: {
        namespace: "shop",
        serviceAccount: "web.front",
        hostname: "shop.example.com",
        ports: "http:80:8080/grpc:9090/tcp:1",
        platform: "ecs-ec2",
        external: false,
        proxyEnv: true,
        image: "registry.example.com:5000/ztunnel:1.29",
        canary: true,
      },
    });
  });

  it.each([
    ["ecs.solo.io/namespace", "Shop"],
    ["ecs.solo.io/namespace", "a".repeat(64)],
    ["ecs.solo.io/namespace", "a.b"],
    ["ecs.solo.io/service-account", "-web"],
    ["ecs.solo.io/service-account", "a".repeat(254)],
    ["ecs.solo.io/hostname", "web_1.example.com"],
    ["ecs.solo.io/hostname", "web..com"],
    ["ecs.solo.io/ports", ""],
    ["ecs.solo.io/ports", "http"],
    ["ecs.solo.io/ports", "http:0"],
    ["ecs.solo.io/ports", "http:65536"],
    ["ecs.solo.io/ports", "http:80:8080:1"],
    ["ecs.solo.io/ports", "udp:53"],
    ["ecs.solo.io/ports", "http:80/"],
    ["ecs.solo.io/ports", "http:80/tcp:80"],
    ["ecs.solo.io/ports", "http:080"],
    ["ztunnel-autopilot/platform", "eks"],
    ["ztunnel-autopilot/external", "TRUE"],
    ["ztunnel-autopilot/proxy-env", "on"],
    ["ztunnel-autopilot/image", "not an image"],
    ["ztunnel-autopilot/wave", "1"],
    ["ztunnel-autopilot/alarms", ""],
    ["ztunnel-autopilot/alarms", "errors++latency"],
  ])("refuses %s=%j and names it", (key, value) => {
    expect(detailsOf({ [key]: value })).toEqual([expect.stringContaining(key)]);
  });

  it("lists everything that is wrong at once", () => {
    expect(detailsOf({ "ecs.solo.io/namespace": "A", "ztunnel-autopilot/wave": "x" })).toHaveLength(2);
  });

  it.each([
    ["ztunnel-autopilot/enrol", KEY],
    ["ztunnel-autopilot/proxyenv", "ztunnel-autopilot/proxy-env"],
    ["ztunnel-autopilot/namespace", "ecs.solo.io/namespace"],
  ])("refuses the unknown key %s and names %s", (key, nearest) => {
    expect(detailsOf({ [key]: "true" })).toEqual([expect.stringContaining(`did you mean ${nearest}?`)]);
  });

  it("names no other key where none is near", () => {
    expect(detailsOf({ "ztunnel-autopilot/cost-center": "42" })).toEqual([
      '"ztunnel-autopilot/cost-center" is not a known tag',
    ]);
  });

  it("leaves unknown keys of istiod alone", () => {
    expect(detailsOf({ "ecs.solo.io/discovery-enabled": "true" })).toEqual([]);
  });

  it("never fails on any text, and quotes at most a part of it", () => {
    const keys = fc.constantFrom("ecs.solo.io/namespace", "ecs.solo.io/ports", "ztunnel-autopilot/image");
    fc.assert(
      fc.property(keys, fc.string({ maxLength: 2000 }), (key, value) => {
        for (const detail of detailsOf({ [key]: value })) expect(detail.length).toBeLessThan(1000);
      }),
    );
  });
});
