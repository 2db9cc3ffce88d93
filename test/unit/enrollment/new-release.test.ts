import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { JsonObject } from "../../../shared/base/json.ts";
import { objectsAt } from "../../../shared/base/json-fields.ts";
import { type DecisionInput, decide } from "../../../shared/enrollment/decide.ts";
import { contentHash } from "../../../shared/enrollment/definition.ts";
import { settingsHash } from "../../../shared/enrollment/settings-hash.ts";
import type { MeshFacts } from "../../../shared/model/mesh.ts";
import { taskDefinition as arbitraryDefinition } from "../../support/arbitrary-definitions.ts";
import { desiredOf, meshed, withZtunnel } from "../../support/enrolled-services.ts";
import { earlierRelease, release } from "../../support/releases.ts";
import { config, enrolled, facts, observed, rootPem, service, taskDefinition } from "../../support/services.ts";
import { withContainer } from "../../support/task-definitions.ts";

const rotated: MeshFacts = { ...facts, rootCaPem: rootPem("b") };
const plainToken = { name: "BOOTSTRAP_TOKEN", value: "dG9rZW4=" };
const slower = config({ ztunnel: { ...config().ztunnel, startTimeoutSeconds: 60 } });

describe("a service whose sidecar an earlier release has built", () => {
  const before = settingsHash(config(), earlierRelease);
  const raw = meshed(observed(), earlierRelease);
  const now = { raw, fleet: { settings: before } };
  const drift = ["health-check", "container-settings", "dependency"];

  it("waits for a rollout while the fleet has that release's settings", () => {
    expect(decide(observed(now))).toEqual({ action: "none", reason: "awaits-rollout", warnings: [], repairs: [] });
  });

  it("waits where all that is known of the fleet is a hash of an earlier form", () => {
    expect(decide(observed({ raw, fleet: { settings: "0f".repeat(32) } }))).toMatchObject({ reason: "awaits-rollout" });
  });

  it("waits with an older token, too", () => {
    const rotation = { facts: rotated, older: [{ id: "facts-0", facts }] };
    expect(decide(observed({ ...now, ...rotation }))).toMatchObject({ reason: "awaits-rollout" });
  });

  it("gets this release's settings from a rollout, and is as desired", () => {
    const rolled = observed({ ...now, rollout: {} });
    expect(decide(rolled)).toMatchObject({ action: "update", drift });
    expect(decide({ ...observed(now), ...rolledBy(rolled) })).toMatchObject({ reason: "as-desired" });
  });

  it("is corrected at once when this release's were released", () => {
    expect(decide(observed({ raw, fleet: { settings: settingsHash(config()) } }))).toMatchObject({ drift });
  });

  it.each<[string, Partial<DecisionInput> & { raw?: JsonObject }, string]>([
    ["another image", { raw: withZtunnel(raw, (one) => ({ ...one, image: "ztunnel:other" })) }, "image"],
    [
      "a token of another identity",
      { service: service({ tags: { ...enrolled, "ecs.solo.io/namespace": "x" } }) },
      "token",
    ],
    ["a token that is no longer good", { facts: rotated }, "token"],
    [
      "a token in plain text",
      { raw: withZtunnel(raw, ({ secrets: _, ...one }) => ({ ...one, environment: [plainToken] })) },
      "token-in-plain-text",
    ],
    [
      "no tags of its own",
      { service: service({ tags: { "ztunnel-autopilot/enroll": "true" } }), clusterTags: enrolled },
      "identity",
    ],
    [
      "other logs than its application",
      { raw: loggingTo("/ecs/b", meshed(observed({ raw: logging("/ecs/a") }), earlierRelease)) },
      "log-configuration",
    ],
    [
      "the proxy environment, which its tag asks for",
      { service: service({ tags: { ...enrolled, "ztunnel-autopilot/proxy-env": "true" } }) },
      "proxy-env",
    ],
  ])("is corrected at once, by this release's settings, when it also has or lacks %s", (_what, changes, reason) => {
    const given = observed({ ...now, ...changes });
    const decision = decide(given);
    expect(decision).toMatchObject({ action: "update", drift: expect.arrayContaining([...drift, reason]) });
    const tags = { ...given.service.tags, ...desiredOf(decision).missingTags };
    const after = { ...given, ...rolledBy(given), service: service({ tags }) };
    expect(decide(after)).toMatchObject({ reason: "as-desired" });
  });

  it.each([
    ["new", undefined, "enroll"],
    ["without the sidecar that it had", { enrolled: true }, "update"],
  ])("that is %s gets this release's settings at once", (_what, state, action) => {
    const bare = observed({ fleet: { settings: before }, state });
    expect(decide(bare)).toMatchObject({ action, drift: ["sidecar-missing"] });
    expect(decide({ ...bare, ...rolledBy(bare) })).toMatchObject({ reason: "as-desired" });
  });

  it("waits where the right token is only handed over in another way", () => {
    const twice = release((one) => ({
      ...one,
      secrets: objectsAt(one, "secrets").flatMap((secret) => [secret, secret]),
    }));
    const handed = { raw: meshed(observed(), twice) };
    expect(decide(observed({ ...handed, fleet: { settings: settingsHash(config(), twice) } }))).toMatchObject({
      reason: "awaits-rollout",
    });
    expect(decide(observed({ ...handed, fleet: { settings: before } }))).toMatchObject({ drift: ["token"] });
  });
});

describe("the token of this release", () => {
  // Another encoding is another secret version of every service: drift that does not wait. A release that changes it
  // has to know the former one as well, as `pinsOlder` knows former facts.
  it("has the same secret version as that of the releases before", () => {
    expect(desiredOf(decide(observed())).secret).toEqual({
      secretName: "ztunnel-autopilot/mesh-network/shop/web",
      versionId: "b7ac6f762995fb7bf35b08a3d95037a2b019cd8dae58dbba9720ad8682c7deb9",
    });
  });
});

describe("the content of a roll", () => {
  const desired = desiredOf(decide(observed()));
  const content = contentHash(desired, config());

  it("is another one by another release, and by other settings", () => {
    expect(contentHash(desired, config(), earlierRelease)).not.toBe(content);
    expect(contentHash(desired, slower)).not.toBe(content);
    expect(contentHash("removed", slower)).toBe(contentHash("removed", config()));
  });

  it.each<[string, typeof desired]>([
    ["identity", { ...desired, identity: { ...desired.identity, roleArn: "arn:aws:iam::123456789012:role/other" } }],
    ["token", { ...desired, secret: { ...desired.secret, versionId: "1" } }],
    ["image", { ...desired, image: "ztunnel:other" }],
    ["execution role", { ...desired, executionRoleArn: "arn:aws:iam::123456789012:role/other" }],
    ["proxy environment", { ...desired, request: { ...desired.request, proxyEnv: true } }],
  ])("is another one by another %s", (_what, changed) => {
    expect(contentHash(changed, config())).not.toBe(content);
  });

  it("is the same for every definition and tag that a service may have of its own", () => {
    let rolls = 0;
    fc.assert(
      fc.property(arbitraryDefinition(), fc.dictionary(fc.string(), fc.string()), (own, others) => {
        const { proxyConfiguration: _, ...definition } = own;
        const { taskRoleArn = "", executionRoleArn = "" } = taskDefinition();
        const raw = { ...definition, networkMode: "awsvpc", taskRoleArn, executionRoleArn };
        const decision = decide(observed({ raw, service: service({ tags: { ...others, ...enrolled } }) }));
        if (decision.action !== "enroll") return;
        rolls += 1;
        expect(contentHash(decision.desired, config())).toBe(content);
      }),
    );
    expect(rolls).toBeGreaterThan(20);
  });

  it("does not depend on the rest of the service's definition, nor on the tags that it lacks", () => {
    const definitions: JsonObject[] = [
      logging("/ecs/web"),
      taskDefinition({
        family: "other",
        cpu: "256",
        memory: "512",
        containerDefinitions: [{ name: "api", image: "a:2" }],
      }),
      taskDefinition({ requiresCompatibilities: ["EC2"], memory: null }),
      meshed(observed()),
      meshed(observed(), earlierRelease),
    ];
    const untagged = { service: service({ tags: { "ztunnel-autopilot/enroll": "true" } }), clusterTags: enrolled };
    for (const raw of definitions) {
      for (const tags of [{}, untagged]) {
        const rolled = desiredOf(decide(observed({ raw, ...tags, rollout: { image: "ztunnel:new" } })));
        expect(contentHash({ ...rolled, image: desired.image }, config())).toBe(content);
      }
    }
  });
});

function loggingTo(group: string, definition: JsonObject): JsonObject {
  const options = { "awslogs-group": group, "awslogs-region": "us-east-1", "awslogs-stream-prefix": "web" };
  return withContainer(definition, "web", { logConfiguration: { logDriver: "awslogs", options } });
}

function logging(group: string): JsonObject {
  return loggingTo(group, taskDefinition());
}

/** What a roll of the decision leaves. */
function rolledBy(before: DecisionInput): Pick<DecisionInput, "definition"> {
  return { definition: { ...before.definition, raw: meshed(before) } };
}
