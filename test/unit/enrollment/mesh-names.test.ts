import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { serviceRef } from "../../../shared/base/arn.ts";
import { decide } from "../../../shared/enrollment/decide.ts";
import { meshNameProblems } from "../../../shared/enrollment/mesh-names.ts";
import { secretArn } from "../../support/arns.ts";
import { meshed, reasonsOf } from "../../support/enrolled-services.ts";
import { config, enrolled, observed, service } from "../../support/services.ts";

const named = (cluster: string, name: string) =>
  serviceRef(`arn:aws:ecs:us-east-1:123456789012:service/${cluster}/${name}`);
const problems = (cluster: string, name: string, hostname = "web.example.com") =>
  meshNameProblems({ ref: named(cluster, name), hostname });

describe("names that Kubernetes can't hold", () => {
  it.each([
    ["a cluster in upper case", "Prod", "web", undefined, "Cluster Prod: upper-case letters"],
    ["a cluster with an underscore", "prod_eu", "web", undefined, "Cluster prod_eu: underscores"],
    ["a cluster too long", "c".repeat(200), "web", undefined, "265 characters in an object's name"],
    ["a service in upper case", "prod", "Web", undefined, "Service Web: upper-case letters"],
    ["a service with an underscore", "prod", "web_api", undefined, "Service web_api: underscores"],
    ["a service too long", "prod", "w".repeat(64), undefined, "64 characters in a label, Kubernetes allows 63"],
    ["a service that ends in a hyphen", "prod", "web-", undefined, "Service web-: a hyphen at an end"],
    [
      "a hostname of a cluster that ends in a hyphen",
      "prod-",
      "web",
      "web.prod-.local",
      "its part prod- does not begin",
    ],
    ["a hostname with an underscore", "prod", "web", "a_b.example.com", "its part a_b does not begin"],
    ["a hostname too long", "prod", "web", `${"h".repeat(60)}.com`, "by the tag ecs.solo.io/hostname"],
  ] as const)("%s is named with the rule that it breaks", (_what, cluster, name, hostname, text) => {
    expect(problems(cluster, name, hostname).join("\n")).toContain(text);
  });

  it.each([
    ["prod", "web"],
    ["a", "9"],
    ["c".repeat(183), "w".repeat(63)],
    ["prod-", "web-api-2"],
  ])("cluster %s and service %s are fine", (cluster, name) => {
    expect(problems(cluster, name)).toEqual([]);
  });

  it("are exactly those that break a rule of object names or labels", () => {
    const name = fc.stringMatching(/^[a-zA-Z0-9_-]{1,80}$/);
    fc.assert(
      fc.property(name, (text) => {
        const fits = text.length <= 63 && /^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/.test(text);
        expect(problems("prod", text).length === 0).toBe(fits);
      }),
    );
  });
});

describe("a service with such a name", () => {
  const odd = { service: service({ ref: named("Prod", "web") }) };

  it("is refused", () => {
    expect(reasonsOf(decide(observed(odd)))).toEqual(["mesh-name"]);
  });

  it("is enrolled with a warning where the policy says so", () => {
    const decision = decide(observed({ ...odd, config: config({ policy: { nameRules: "warn" } }) }));
    expect(decision).toMatchObject({ action: "enroll", warnings: [{ code: "mesh-name" }] });
  });

  it("has a default hostname that counts: with a tag for another one it is taken", () => {
    const long = named("prod", "w".repeat(60));
    expect(reasonsOf(decide(observed({ service: service({ ref: long }) })))).toEqual(["mesh-name"]);
    const tags = { ...enrolled, "ecs.solo.io/hostname": "web.example.com" };
    expect(decide(observed({ service: service({ ref: long, tags }) }))).toMatchObject({ action: "enroll" });
  });
});

describe("a service that is in the mesh and would be refused today", () => {
  const daemon = { ...enrolled, "ztunnel-autopilot/platform": "ecs-ec2" };
  const raw = meshed(observed());

  it.each([
    ["mesh-name", { ref: named("prod", "Web") }],
    ["express-mode", { resourceManagement: "ECS" }],
    ["no-deployment-room", { deploymentPercents: { minimumHealthy: 100, maximum: 100 } }],
  ] as const)("stays, with the warning kept: %s", (reason, changes) => {
    const decision = decide(observed({ raw, service: service(changes) }));
    const detail = expect.stringMatching(new RegExp(`^${reason}: `));
    expect(decision).toMatchObject({ action: "none", warnings: [{ code: "kept", detail }] });
  });

  it("gets the sidecar back after a deployment without it", () => {
    const decision = decide(observed({ state: { enrolled: true }, service: service({ ref: named("Prod", "web") }) }));
    expect(decision).toMatchObject({ action: "update", warnings: [{ code: "kept" }] });
  });

  it("keeps the platform that it has", () => {
    const lastGoodSecret = `${secretArn("ztunnel-autopilot/mesh-network/shop/web/ecs-ec2")}:::x`;
    const before = observed({ service: service({ tags: daemon }), state: { enrolled: true, lastGoodSecret } });
    expect(decide(before)).toMatchObject({ action: "update", warnings: [{ code: "kept" }] });
    const after = observed({ service: service({ tags: daemon }), raw: meshed(before) });
    expect(decide(after)).toMatchObject({ action: "none", warnings: [{ code: "kept" }] });
  });

  it("is not given a platform that its tag asks for only now", () => {
    const asking = observed({ raw, service: service({ tags: daemon }) });
    expect(decide(asking)).toMatchObject({ action: "none", warnings: [{ code: "kept" }] });
    const stripped = observed({ service: service({ tags: daemon }), state: { enrolled: true } });
    expect(reasonsOf(decide(stripped)), "nobody knows which one it had").toEqual(["node-daemon"]);
  });

  it("is still refused for what would harm it", () => {
    const decision = decide(observed({ raw, service: service({ ref: named("Prod", "web"), status: "DRAINING" }) }));
    expect(reasonsOf(decision)).toEqual(["service-not-active"]);
  });
});
