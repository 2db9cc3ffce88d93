import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { objectsAt, textAt } from "../../../shared/base/json-fields.ts";
import { secretName, versionIdOf } from "../../../shared/data-plane/ztunnel/bootstrap-token/secret-version.ts";
import { decide } from "../../../shared/enrollment/decide.ts";
import type { TagRequest } from "../../../shared/enrollment/decision.ts";
import { contentHash, removedDefinition } from "../../../shared/enrollment/definition.ts";
import { desiredToken } from "../../../shared/enrollment/desired.ts";
import { secretArn } from "../../support/arns.ts";
import { byHand, desiredOf, meshed, reasonsOf, withZtunnel } from "../../support/enrolled-services.ts";
import {
  config,
  EXECUTION_ROLE,
  enrolled,
  facts,
  observed,
  rootPem,
  service,
  TASK_ROLE,
  taskDefinition,
} from "../../support/services.ts";

describe("a service with the enroll tag", () => {
  it("is enrolled with the identity of its task role", () => {
    const decision = decide(observed());
    expect(decision).toMatchObject({ action: "enroll", drift: ["sidecar-missing"], warnings: [] });
    expect(desiredOf(decision)).toMatchObject({
      identity: { namespace: "shop", serviceAccount: "web", roleArn: TASK_ROLE },
      executionRoleArn: EXECUTION_ROLE,
      image: "registry.example.com/ztunnel:1.28.1",
      secret: { secretName: "ztunnel-autopilot/mesh-network/shop/web" },
      missingTags: {},
    });
  });

  it("is as desired once it has the sidecar, with any random suffix in its secret's ARN", () => {
    for (const suffix of ["AbCdEf", "999zzz"]) {
      const raw = withZtunnel(meshed(observed()), (ztunnel) => ({
        ...ztunnel,
        secrets: JSON.parse(JSON.stringify(ztunnel.secrets).replace("AbCdEf", suffix)),
      }));
      expect(decide(observed({ raw }))).toMatchObject({ action: "none", reason: "as-desired" });
    }
  });

  it.each([
    ["account", (valueFrom: string) => valueFrom.replace("123456789012", "210987654321")],
    ["region", (valueFrom: string) => valueFrom.replace("us-east-1", "eu-west-1")],
    ["identity", (valueFrom: string) => valueFrom.replace("/shop/web", "/shop/api")],
    ["version", (valueFrom: string) => `${valueFrom.slice(0, -1)}x`],
    ["stage", (valueFrom: string) => valueFrom.replace(":::", "::AWSCURRENT:")],
  ])("drifts in its token when the pinned secret is of another %s", (_what, change) => {
    const raw = withZtunnel(meshed(observed()), (ztunnel) => ({
      ...ztunnel,
      secrets: objectsAt(ztunnel, "secrets").map((one) => ({
        ...one,
        valueFrom: change(textAt(one, "valueFrom") ?? ""),
      })),
    }));
    expect(decide(observed({ raw }))).toMatchObject({ action: "update", drift: ["token"] });
  });

  it("drifts in its token when the known ARN of the secret is another one", () => {
    const arn = secretArn("ztunnel-autopilot/mesh-network/shop/web", "999zzz");
    expect(decide(observed({ raw: meshed(observed()), secretArn: arn }))).toMatchObject({ drift: ["token"] });
  });

  it("drifts in its secret when that was deleted for good, not when another one was", () => {
    const gone = (suffix: string) => secretArn("ztunnel-autopilot/mesh-network/shop/web", suffix);
    const secretGone = (suffix: string) =>
      decide(observed({ raw: meshed(observed()), state: { enrolled: true, secretGone: gone(suffix) } }));
    expect(secretGone("AbCdEf")).toMatchObject({ action: "update", drift: ["secret"] });
    expect(secretGone("999zzz")).toMatchObject({ action: "none", reason: "as-desired" });
  });

  it("is updated, not enrolled, when a deployment has dropped the sidecar", () => {
    expect(decide(observed({ state: { enrolled: true } }))).toMatchObject({
      action: "update",
      drift: ["sidecar-missing"],
    });
  });

  it("drifts in its token when the root CA changes", () => {
    const rotated = { ...facts, rootCaPem: rootPem("b") };
    const decision = decide(observed({ raw: meshed(observed()), facts: rotated }));
    expect(decision).toMatchObject({ action: "update", drift: ["token"] });
  });

  it("does not drift when the root CA bundle only changes its line endings", () => {
    const same = { ...facts, rootCaPem: facts.rootCaPem.replaceAll("\n", "\r\n") };
    expect(decide(observed({ raw: meshed(observed()), facts: same }))).toMatchObject({ action: "none" });
  });

  it("drifts in its image when the fleet's or its own image changes", () => {
    const raw = meshed(observed());
    const fleet = config({ ztunnel: { image: "registry.example.com/ztunnel:1.28.2" } });
    expect(decide(observed({ raw, config: fleet }))).toMatchObject({ drift: ["image"] });
    const tags = { ...enrolled, "ztunnel-autopilot/image": "registry.example.com/ztunnel:1.28.9" };
    expect(decide(observed({ raw, service: service({ tags }) }))).toMatchObject({ drift: ["image"] });
  });

  it("drifts in token and identity when its tags ask for another identity by the cluster", () => {
    const tags = { "ztunnel-autopilot/enroll": "true" };
    const decision = decide(
      observed({
        raw: meshed(observed()),
        service: service({ tags }),
        clusterTags: { "ecs.solo.io/namespace": "other" },
      }),
    );
    expect(decision).toMatchObject({ action: "update", drift: ["token", "identity", "ports"] });
    expect(desiredOf(decision).missingTags).toEqual({
      "ecs.solo.io/namespace": "other",
      "ecs.solo.io/service-account": "default",
      "ecs.solo.io/ports": "http:80:8080",
    });
  });

  it("is adopted when istioctl had put its sidecar in", () => {
    const decision = decide(observed({ raw: byHand }));
    expect(decision).toMatchObject({ action: "update" });
    expect(decision).toHaveProperty("drift", expect.arrayContaining(["token-in-plain-text"]));
  });

  it("gets a token that says what its tags say, and no token stands in the decision", () => {
    const decision = decide(observed());
    const { request, secret } = desiredOf(decision);
    const token = desiredToken(request, facts);
    expect(token).toMatchObject({ namespace: "shop", serviceAccount: "web", platform: "ecs", remote: true });
    expect(secret).toEqual({ secretName: secretName(token), versionId: versionIdOf(token) });
    expect(JSON.stringify(decision)).not.toContain("CERTIFICATE");
  });

  it("takes the identity from the execution role when the configuration asks for it, if the roles are one", () => {
    const raw = taskDefinition({ taskRoleArn: EXECUTION_ROLE });
    const decision = decide(observed({ raw, config: config({ identityRole: "execution" }) }));
    expect(desiredOf(decision).identity.roleArn).toBe(EXECUTION_ROLE);
    expect(decision).toMatchObject({ warnings: [] });
  });

  it("keeps the task role in the mesh where the configuration asks for another: ztunnel has no other's credentials", () => {
    const decision = decide(observed({ state: { enrolled: true }, config: config({ identityRole: "execution" }) }));
    expect(desiredOf(decision).identity.roleArn).toBe(TASK_ROLE);
    expect(decision).toMatchObject({ warnings: [{ code: "kept" }] });
  });

  it("takes a role without ARN as one of the service's account", () => {
    const decision = decide(observed({ raw: taskDefinition({ taskRoleArn: "web-task" }) }));
    expect(desiredOf(decision).identity.roleArn).toBe(TASK_ROLE);
  });
});

describe("a service without the enroll tag", () => {
  const untagged = service({ tags: {} });

  it("is left alone", () => {
    expect(decide(observed({ service: untagged }))).toEqual({
      action: "none",
      reason: "not-enrolled",
      warnings: [],
      repairs: [],
    });
  });

  it("is unenrolled when it has our sidecar, to the definition that it had", () => {
    const before = observed();
    const after = observed({ raw: meshed(before), service: untagged });
    expect(decide(after)).toEqual({ action: "unenroll", reason: "tag-removed" });
    expect(removedDefinition(after.definition)).toEqual(removedDefinition(before.definition));
  });

  it("keeps a sidecar that somebody made by hand", () => {
    expect(decide(observed({ raw: byHand, service: untagged })).action).toBe("none");
  });

  it("is not unenrolled when the enroll tag is only misspelled", () => {
    const misspelled = service({ tags: { "ztunnel-autopilot/enrol": "true", "ecs.solo.io/ports": "http:80:8080" } });
    const decision = decide(observed({ raw: meshed(observed()), service: misspelled }));
    expect(decision).toMatchObject({
      action: "none",
      warnings: [{ code: "kept", detail: expect.stringMatching(/did you mean/) }],
    });
  });

  it("is left alone while it is being deleted", () => {
    const draining = service({ tags: {}, status: "DRAINING" });
    expect(decide(observed({ raw: meshed(observed()), service: draining })).action).toBe("none");
  });
});

describe("a service with the tag false", () => {
  const out = service({ tags: { "ztunnel-autopilot/enroll": "false" } });
  const clusterTags = { "ztunnel-autopilot/enroll": "true" };

  it("stays out though the cluster says true", () => {
    expect(decide(observed({ service: out, clusterTags })).action).toBe("none");
  });

  it.each([
    ["ours", () => meshed(observed())],
    ["istioctl's", () => byHand],
  ])("is unenrolled when the sidecar is %s", (_whose, raw) => {
    expect(decide(observed({ raw: raw(), service: out, clusterTags }))).toEqual({
      action: "unenroll",
      reason: "tag-false",
    });
  });

  it("is refused when ECS could not change it", () => {
    const controlled = service({ tags: out.tags, deploymentController: "CODE_DEPLOY" });
    expect(reasonsOf(decide(observed({ raw: byHand, service: controlled })))).toEqual(["deployment-controller"]);
  });
});

describe("for any valid tags", () => {
  const bool = fc.constantFrom("true", "false");
  const asked = fc.record(
    {
      "ecs.solo.io/namespace": fc.constantFrom("shop", "default", "istio-system"),
      "ecs.solo.io/service-account": fc.constantFrom("web", "default", "a.b-cdefgh"),
      "ztunnel-autopilot/platform": fc.constant("ecs"),
      "ztunnel-autopilot/external": bool,
      "ztunnel-autopilot/proxy-env": bool,
      "ztunnel-autopilot/image": fc.constantFrom(
        "registry.example.com/ztunnel:1.28.0",
        "registry.example.com/ztunnel:1.28.3",
      ),
    },
    { requiredKeys: [] },
  );

  it("one roll makes the service as desired, and unenrolling gives back what was", () => {
    fc.assert(
      fc.property(asked, asked, (tags, clusterTags) => {
        const before = observed({
          service: service({ tags: { "ztunnel-autopilot/enroll": "true", ...tags } }),
          clusterTags,
        });
        const { missingTags } = desiredOf(decide(before));
        const tagged = service({ tags: { ...before.service.tags, ...missingTags } });
        const after = observed({ service: tagged, clusterTags, raw: meshed(before) });
        expect(decide(after)).toMatchObject({ action: "none", reason: "as-desired" });
        expect(decide({ ...after, service: service({ tags: {} }) }).action).toBe("unenroll");
        expect(removedDefinition(after.definition)).toEqual(removedDefinition(before.definition));
      }),
    );
  });

  it("other tags lead to drift exactly when they lead to another content", () => {
    const enroll = { "ztunnel-autopilot/enroll": "true" };
    fc.assert(
      fc.property(asked, asked, (a, b) => {
        const first = observed({ service: service({ tags: { ...enroll, ...a } }) });
        const second = observed({ service: service({ tags: { ...enroll, ...b } }) });
        const wanted = desiredOf(decide(second));
        const same = contentHash(desiredOf(decide(first)), config()) === contentHash(wanted, config());
        const tagged = service({ tags: { ...second.service.tags, ...wanted.missingTags } });
        const decision = decide(observed({ service: tagged, raw: meshed(first) }));
        expect(decision.action).toBe(same ? "none" : "update");
      }),
    );
  });
});

describe("missing input", () => {
  it("is an error, never a decision", () => {
    expect(() => decide(observed({ facts: undefined }))).toThrow(/mesh-facts-missing/);
    expect(() => decide(observed({ raw: taskDefinition({ containerDefinitions: [] }) }))).toThrow(/not-found/);
    expect(() => decide(observed({ raw: {}, service: service({ tags: {} }) }))).toThrow(/not-found/);
    expect(() => decide(observed({ service: service({ taskDefinitionArn: "arn:other" }) }))).toThrow(/not-found/);
    expect(() => decide(observed({ facts: { ...facts, rootCaPem: "no PEM" } }))).toThrow(/invalid-pem/);
  });
});

describe("the request's platform and external tags", () => {
  it.each<[Partial<TagRequest>, string]>([
    [{ platform: "ecs-ec2" }, "ztunnel-autopilot/mesh-network/shop/web/ecs-ec2"],
    [{ external: false }, "ztunnel-autopilot/mesh-network/shop/web/ecs-local"],
  ])("%j lead to another secret", (change, name) => {
    const tags = {
      ...enrolled,
      "ztunnel-autopilot/platform": change.platform ?? "ecs",
      "ztunnel-autopilot/external": String(change.external ?? true),
    };
    const state = { enrolled: true, lastGoodSecret: `${secretArn(name)}:::x` };
    const decision = decide(observed({ service: service({ tags }), state }));
    expect(desiredOf(decision).secret.secretName).toBe(name);
  });
});
