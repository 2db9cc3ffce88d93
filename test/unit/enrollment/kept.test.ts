import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { secretName, tokenScopeOf } from "../../../shared/data-plane/ztunnel/bootstrap-token/secret-version.ts";
import { type DecisionInput, decide } from "../../../shared/enrollment/decide.ts";
import type { Decision } from "../../../shared/enrollment/decision.ts";
import type { Tags } from "../../../shared/model/service.ts";
import { secretArn } from "../../support/arns.ts";
import { desiredOf, meshed, reasonsOf } from "../../support/enrolled-services.ts";
import { config, enrolled, facts, observed, rootPem, service } from "../../support/services.ts";

const NAMESPACE = "ecs.solo.io/namespace";
const SERVICE_ACCOUNT = "ecs.solo.io/service-account";
const IMAGE = "ztunnel-autopilot/image";
const PROXY_ENV = "ztunnel-autopilot/proxy-env";
const ENROLL = "ztunnel-autopilot/enroll";

/** In the mesh by the tags `enrolled`, which are these now. */
const retagged = (tags: Tags, changes: Parameters<typeof observed>[0] = {}): DecisionInput =>
  observed({ raw: meshed(observed()), service: service({ tags }), ...changes });

const keptFor = (decision: Decision): readonly string[] =>
  "warnings" in decision ? decision.warnings.map(({ code, detail }) => `${code}: ${detail.split(":")[0]}`) : [];

const { [ENROLL]: _tag, ...identityAlone } = enrolled;
const refusedWishes: readonly (readonly [string, Tags, string])[] = [
  ["a namespace that can be none", { ...enrolled, [NAMESPACE]: "Shop" }, "bad-tag"],
  ["a namespace that is not allowed", { ...enrolled, [NAMESPACE]: "kube-system" }, "namespace-not-allowed"],
  ["a service account that can be none", { ...enrolled, [SERVICE_ACCOUNT]: "NOT VALID" }, "bad-tag"],
  ["a platform that there is not", { ...enrolled, "ztunnel-autopilot/platform": "eks" }, "bad-tag"],
  ["a node daemon", { ...enrolled, "ztunnel-autopilot/platform": "ecs-ec2" }, "node-daemon"],
  ["an invalid image", { ...enrolled, [IMAGE]: "not an image" }, "bad-tag"],
  ["an image that is not allowed", { ...enrolled, [IMAGE]: "evil.example.com/z:1" }, "image-not-allowed"],
  ["invalid ports", { ...enrolled, "ecs.solo.io/ports": "@here" }, "bad-tag"],
  ["a proxy environment that is neither on nor off", { ...enrolled, [PROXY_ENV]: "yes" }, "bad-tag"],
  ["a key that means nothing", { ...enrolled, "ztunnel-autopilot/imagge": "x" }, "bad-tag"],
  ["an enroll tag that is neither true nor false", { ...enrolled, [ENROLL]: "yes" }, "bad-tag"],
  ["an enroll tag with a mistake in its key", { ...identityAlone, "ztunnel-autopilot/enrol": "true" }, "bad-tag"],
];

describe("a service in the mesh whose tags ask for what is refused", () => {
  const allowed = config({ allowedNamespaces: ["shop", "ecs-*"] });
  const rotated = { ...facts, rootCaPem: rootPem("b") };

  it.each(refusedWishes)("stays as it is, with a warning: %s", (_what, tags, reason) => {
    const decision = decide(retagged(tags, { config: allowed }));
    expect(decision).toMatchObject({ action: "none", reason: "as-desired" });
    expect(keptFor(decision)).toEqual([`kept: ${reason}`]);
  });

  it.each(refusedWishes)("follows a rotation with the identity that it has: %s", (_what, tags) => {
    const decision = decide(retagged(tags, { config: allowed, facts: rotated, rollout: {} }));
    expect(decision).toMatchObject({ action: "update", drift: ["token"] });
    expect(desiredOf(decision).identity).toMatchObject({ namespace: "shop", serviceAccount: "web" });
  });

  it.each(refusedWishes)("gets its sidecar back after a deployment without it: %s", (_what, tags) => {
    const state = { enrolled: true, lastGoodSecret: `${secretArn("ztunnel-autopilot/mesh-network/shop/web")}:::x` };
    const decision = decide(observed({ service: service({ tags }), config: allowed, state }));
    expect(decision).toMatchObject({ action: "update" });
    expect(desiredOf(decision)).toMatchObject({
      identity: { namespace: "shop", serviceAccount: "web" },
      request: { platform: "ecs", external: true },
      image: "registry.example.com/ztunnel:1.28.1",
    });
  });

  it("gets its last good image back with its sidecar, where its wish for another one is refused", () => {
    const lastGoodSecret = `${secretArn("ztunnel-autopilot/mesh-network/shop/web")}:::x`;
    const state = { enrolled: true, lastGoodSecret, lastGoodImage: "registry.example.com/ztunnel:1.27.9" };
    for (const image of ["not an image", "evil.example.com/z:1"]) {
      const tags = { ...enrolled, [IMAGE]: image };
      const decision = decide(observed({ service: service({ tags }), config: allowed, state }));
      expect(desiredOf(decision).image).toBe(state.lastGoodImage);
    }
    const sound = decide(observed({ service: service({ tags: enrolled }), config: allowed, state }));
    expect(desiredOf(sound).image).toBe("registry.example.com/ztunnel:1.28.1");
  });

  it.each(refusedWishes)(
    "is refused while it is not in the mesh, or its identity is unknown: %s",
    (_what, tags, reason) => {
      const outside = observed({ service: service({ tags }), config: allowed });
      expect(reasonsOf(decide(outside))).toEqual([reason]);
      expect(reasonsOf(decide({ ...outside, state: { enrolled: true } }))).toEqual([reason]);
    },
  );

  it("keeps all of its identity, not a part of it", () => {
    const tags = {
      ...enrolled,
      [NAMESPACE]: "Shop",
      [SERVICE_ACCOUNT]: "other",
      "ztunnel-autopilot/external": "false",
    };
    expect(decide(retagged(tags))).toMatchObject({ action: "none", reason: "as-desired" });
  });

  it("gets what else its tags ask for", () => {
    const tags = { ...enrolled, [NAMESPACE]: "Shop", [PROXY_ENV]: "true" };
    expect(decide(retagged(tags))).toMatchObject({ action: "update", drift: ["proxy-env"] });
  });

  it("keeps the proxy environment that it has", () => {
    const before = observed({ service: service({ tags: { ...enrolled, [PROXY_ENV]: "true" } }) });
    const tags = { ...enrolled, [PROXY_ENV]: "on" };
    expect(decide(retagged(tags, { raw: meshed(before) }))).toMatchObject({ action: "none", reason: "as-desired" });
  });

  it("keeps the image that it runs until a rollout brings one, and one that its tag names altogether", () => {
    const pinned = "registry.example.com/ztunnel:1.28.9";
    const before = observed({ service: service({ tags: { ...enrolled, [IMAGE]: pinned } }) });
    const raw = meshed(before);
    const upgrade = { image: "registry.example.com/ztunnel:1.28.10" };
    const bad = { ...enrolled, [IMAGE]: "not an image" };
    expect(decide(retagged(bad, { raw }))).toMatchObject({ action: "none" });
    expect(desiredOf(decide(retagged(bad, { raw, rollout: upgrade }))).image).toBe(upgrade.image);
    const stricter = config({ ztunnel: { image: "elsewhere.example.com/ztunnel:1.28.1" } });
    const kept = decide(retagged({ ...enrolled, [IMAGE]: pinned }, { raw, config: stricter, rollout: upgrade }));
    expect(kept).toMatchObject({ action: "none", warnings: [{ code: "kept" }] });
  });

  it("has the tags of its identity corrected by its next roll, and no roll for them alone", () => {
    const tags = { ...enrolled, [NAMESPACE]: "Shop" };
    expect(decide(retagged(tags)).action).toBe("none");
    const rolled = decide(retagged(tags, { facts: rotated, rollout: {} }));
    expect(desiredOf(rolled).missingTags).toEqual({ [NAMESPACE]: "shop" });
  });

  it("goes on with its identity where the one that its tags ask for is another role's", () => {
    const tags = { ...enrolled, [SERVICE_ACCOUNT]: "api" };
    const conflict = { reason: "identity-conflict", detail: "shop/api is bound to another role." } as const;
    expect(decide(retagged(tags, { facts: rotated, rollout: {} }))).toMatchObject({ drift: ["token"] });
    expect(desiredOf(decide(retagged(tags))).identity.serviceAccount).toBe("api");
    const kept = decide(retagged(tags, { facts: rotated, rollout: {}, conflict }));
    expect(desiredOf(kept).identity.serviceAccount).toBe("web");
    expect(decide(retagged(tags, { conflict }))).toMatchObject({ action: "none", warnings: [{ code: "kept" }] });
  });

  it("leaves when its tags ask for that", () => {
    const bad = { [NAMESPACE]: "Shop" };
    expect(decide(retagged({ ...bad, [ENROLL]: "false" }))).toMatchObject({ action: "unenroll", reason: "tag-false" });
    expect(decide(retagged(bad))).toMatchObject({ action: "unenroll", reason: "tag-removed" });
  });
});

describe("what a token's secret is for", () => {
  const label = fc.stringMatching(/^[a-z0-9]([-a-z0-9]{0,20}[a-z0-9])?$/);

  it("can be read from its name", () => {
    const scopes = fc.record({
      network: fc.oneof(label, fc.string({ minLength: 1 })),
      namespace: label,
      serviceAccount: fc.oneof(label, fc.stringMatching(/^[a-z]{1,5}(\.[a-z]{1,5}){0,3}$/)),
      platform: fc.constantFrom("ecs" as const, "ecs-ec2" as const),
      remote: fc.boolean(),
    });
    fc.assert(
      fc.property(scopes, ({ network, ...scope }) => {
        expect(tokenScopeOf(secretName({ network, ...scope }))).toEqual(scope);
      }),
    );
  });

  it.each([
    "slack",
    "ztunnel-autopilot/",
    "ztunnel-autopilot/net/shop",
    "ztunnel-autopilot/net/a_b=0123456789abcdef/web",
  ])("cannot be read from %s", (name) => {
    expect(tokenScopeOf(name)).toBeUndefined();
  });
});
