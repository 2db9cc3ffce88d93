import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { JsonObject } from "../../../shared/base/json.ts";
import { objectsAt } from "../../../shared/base/json-fields.ts";
import { type DecisionInput, decide } from "../../../shared/enrollment/decide.ts";
import { settingsHash } from "../../../shared/enrollment/settings-hash.ts";
import type { MeshFacts, MeshGeneration } from "../../../shared/model/mesh.ts";
import { containersOf } from "../../../shared/model/task-definition.ts";
import { desiredOf, meshed, withZtunnel } from "../../support/enrolled-services.ts";
import { config, enrolled, facts, observed, rootPem, service, taskDefinition } from "../../support/services.ts";

const rotating: MeshFacts = { ...facts, rootCaPem: `${rootPem("a")}${rootPem("b")}` };
const rotated: MeshFacts = { ...facts, rootCaPem: rootPem("b") };
const moved: MeshFacts = { ...rotated, network: "other-network", istiodUrl: "https://istiod-2.example.com:15012" };
const generation = (one: MeshFacts, index: number): MeshGeneration => ({ id: `facts-${index}`, facts: one });
const history = [facts, rotating, rotated, moved].map(generation);

/** A service as a roll left it when these were the facts. */
const since = (then: MeshFacts, changes: Partial<DecisionInput> = {}) => meshed(observed({ ...changes, facts: then }));

const slower = config({ ztunnel: { image: "registry.example.com/ztunnel:1.28.1", startTimeoutSeconds: 60 } });

describe("a service with a token of older mesh facts", () => {
  it.each([
    ["the root CA", facts, rotating],
    ["the network and istiod's address", rotated, moved],
    ["all of them", facts, moved],
  ])("waits for a rollout when %s changed and the older facts are still good", (_what, then, now) => {
    const waiting = observed({ raw: since(then), facts: now, older: [generation(then, 0)] });
    expect(decide(waiting)).toEqual({ action: "none", reason: "awaits-rollout", warnings: [], repairs: [] });
  });

  it("is corrected at once when its facts are no longer good", () => {
    const late = observed({ raw: since(facts), facts: rotated, older: [generation(rotating, 1)] });
    expect(decide(late)).toMatchObject({ action: "update", drift: ["token"] });
  });

  it("is corrected at once when its token is nobody's, or of another identity", () => {
    const older = [generation(facts, 0)];
    const raw = withZtunnel(since(facts), (ztunnel) => ({
      ...ztunnel,
      secrets: objectsAt(ztunnel, "secrets").map((one) => ({ ...one, valueFrom: `${String(one.valueFrom)}0` })),
    }));
    expect(decide(observed({ raw, facts: rotating, older }))).toMatchObject({ drift: ["token"] });
    const tags = { ...enrolled, "ecs.solo.io/service-account": "api" };
    const other = observed({ raw: since(facts), facts: rotating, older, service: service({ tags }) });
    expect(decide(other)).toMatchObject({ action: "update", drift: ["token"] });
  });

  it("gets the newest facts from a rollout", () => {
    const raw = since(facts);
    const rolled = observed({ raw, facts: rotating, older: [generation(facts, 0)], rollout: {} });
    const decision = decide(rolled);
    expect(decision).toMatchObject({ action: "update", drift: ["token"] });
    expect(desiredOf(decision).secret).toEqual(desiredOf(decide(observed({ facts: rotating }))).secret);
    expect(decide({ ...rolled, ...afterwards(rolled) })).toMatchObject({ reason: "as-desired" });
  });
});

/** What a roll of the decision leaves. */
function afterwards(before: DecisionInput): Pick<DecisionInput, "definition"> {
  return { definition: { ...before.definition, raw: meshed(before) } };
}

describe("a service with older sidecar settings", () => {
  const raw = since(facts);
  const before = settingsHash(config());

  it("waits for a rollout while the fleet has the older ones", () => {
    expect(decide(observed({ raw, config: slower, fleet: { settings: before } }))).toMatchObject({
      reason: "awaits-rollout",
    });
  });

  it.each([
    ["the fleet has the present ones", { settings: settingsHash(slower) }],
    ["nothing is known of the fleet", {}],
  ])("is corrected at once when %s", (_what, fleet) => {
    const decision = decide(observed({ raw, config: slower, fleet }));
    expect(decision).toMatchObject({ action: "update", drift: ["health-check"] });
  });

  it("gets the present ones from a rollout", () => {
    const decision = decide(observed({ raw, config: slower, fleet: { settings: before }, rollout: {} }));
    expect(decision).toMatchObject({ action: "update", drift: ["health-check"] });
  });

  it("waits for a larger reservation too, where its task has no memory of its own", () => {
    const { memory: _memory, ...unsized } = taskDefinition();
    const larger = config({ ztunnel: { image: "registry.example.com/ztunnel:1.28.1", memoryReservationMiB: 256 } });
    const small = { raw: meshed(observed({ raw: unsized })), config: larger };
    expect(decide(observed({ ...small, fleet: { settings: before } }))).toMatchObject({ reason: "awaits-rollout" });
    expect(decide(observed(small))).toMatchObject({ drift: ["container-settings"] });
  });

  it("waits with an older token too", () => {
    const both = { config: slower, fleet: { settings: before }, facts: rotating, older: [generation(facts, 0)] };
    expect(decide(observed({ raw, ...both }))).toMatchObject({ reason: "awaits-rollout" });
  });
});

describe("the image", () => {
  const tag = { tags: { ...enrolled, "ztunnel-autopilot/image": "registry.example.com/ztunnel:tag" } };
  const given = (image: string, assignedAtMs: number) => ({ image, assignedAtMs });
  const state = (assignedAtMs: number) => ({ enrolled: true, image: given("ztunnel:given", assignedAtMs) });
  const fleet = { image: given("ztunnel:fleet", 10) };

  it.each<[string, string, Partial<DecisionInput>]>([
    [
      "the tag's",
      "registry.example.com/ztunnel:tag",
      { service: service(tag), rollout: { image: "ztunnel:new" }, state: state(20), fleet },
    ],
    ["the rollout's that rolls it", "ztunnel:new", { rollout: { image: "ztunnel:new" }, state: state(20), fleet }],
    ["the one that a rollout gave it since", "ztunnel:given", { rollout: {}, state: state(11), fleet }],
    ["the fleet's, once the whole fleet has it", "ztunnel:fleet", { state: state(10), fleet }],
    ["the one that a rollout gave it, before the fleet has any", "ztunnel:given", { state: state(0) }],
    ["the configuration's, before anything was given", config().ztunnel.image, {}],
  ])("is %s", (_what, image, changes) => {
    const { definition: _definition, ...rest } = changes;
    expect(desiredOf(decide(observed(rest))).image).toBe(image);
  });

  it("of the configuration changes nothing while the fleet has another", () => {
    const raw = since(facts);
    const newer = config({ ztunnel: { image: "registry.example.com/ztunnel:1.28.2" } });
    const fleetHas = { image: given(config().ztunnel.image, 0) };
    expect(decide(observed({ raw, config: newer, fleet: fleetHas }))).toMatchObject({ reason: "as-desired" });
  });

  it("that is not what it should be is corrected at once, with the newest facts and settings", () => {
    const raw = since(facts, { config: config({ ztunnel: { image: "ztunnel:tampered" } }) });
    const pending = { facts: rotating, older: [generation(facts, 0)], config: slower };
    const decision = decide(observed({ raw, ...pending, fleet: { ...fleet, settings: settingsHash(config()) } }));
    expect(decision).toMatchObject({ action: "update", drift: ["image", "token", "health-check"] });
    expect(desiredOf(decision).secret).toEqual(desiredOf(decide(observed({ facts: rotating }))).secret);
    expect(desiredOf(decision).image).toBe("ztunnel:fleet");
  });
});

describe("a rollout that takes the fleet out of the mesh", () => {
  const leave = { rollout: { leave: true } };
  const out = { fleet: { unenrolledBy: { rolloutId: "unenroll-1", at: "2026-11-21T00:00:00.000Z" } } };

  it.each([
    ["that is tagged", service()],
    ["whose tag is false", service({ tags: { "ztunnel-autopilot/enroll": "false" } })],
    ["whose tag is not valid", service({ tags: { "ztunnel-autopilot/enroll": "maybe" } })],
  ])("unenrolls a service %s, without facts of the mesh", (_what, tagged) => {
    const meshedNow = observed({ raw: since(facts), facts: undefined, service: tagged, ...leave });
    expect(decide(meshedNow)).toEqual({ action: "unenroll", reason: "fleet-unenrolled" });
    expect(decide(observed({ facts: undefined, service: tagged, ...leave }))).toMatchObject({ reason: "not-enrolled" });
  });

  it("keeps reconciles from taking tagged services in again, or correcting them", () => {
    for (const raw of [since(facts), since(rotated), taskDefinition()]) {
      expect(decide(observed({ raw, facts: undefined, ...out }))).toMatchObject({ reason: "fleet-unenrolled" });
    }
  });

  it("does not keep a service in the mesh that is to leave by its tags", () => {
    expect(decide(observed({ raw: since(facts), service: service({ tags: {} }), ...out }))).toMatchObject({
      action: "unenroll",
      reason: "tag-removed",
    });
  });
});

describe("after any change for the fleet", () => {
  const names = fc.constantFrom("image", "dependency", "token", "gone", "identity", "proxy");
  /** What others do to a service, each leaving a drift that no rollout is about. */
  function damaged(what: string, raw: JsonObject): Partial<DecisionInput> & { readonly raw: JsonObject } {
    const untouched = { raw };
    switch (what) {
      case "image":
        return { raw: withZtunnel(raw, (ztunnel) => ({ ...ztunnel, image: "ztunnel:other" })) };
      case "dependency": {
        const containerDefinitions = containersOf(raw).map(({ dependsOn: _dependsOn, ...one }) => one);
        return { raw: { ...raw, containerDefinitions } };
      }
      case "token":
        return { raw: withZtunnel(raw, (ztunnel) => ({ ...ztunnel, secrets: [], environment: [plainToken] })) };
      case "gone":
        return { raw: taskDefinition(), state: { enrolled: true } };
      case "identity":
        return {
          ...untouched,
          service: service({ tags: { "ztunnel-autopilot/enroll": "true" } }),
          clusterTags: enrolled,
        };
      default:
        return { ...untouched, service: service({ tags: { ...enrolled, "ztunnel-autopilot/proxy-env": "true" } }) };
    }
  }
  const plainToken = { name: "BOOTSTRAP_TOKEN", value: "dG9rZW4=" };
  /** The facts' history up to some time, what of it was released then, and what a service got in between. */
  const attemptKey = fc
    .tuple(fc.nat(history.length - 1), fc.nat(), fc.nat(), fc.boolean(), fc.boolean())
    .map(([newest, a, b, oldSettings, settingsPending]) => {
      const released = a % (newest + 1);
      const has = released + (b % (newest - released + 1));
      const now = history[newest] ?? generation(facts, 0);
      const then = history[has] ?? now;
      const cfg = settingsPending ? slower : config();
      return {
        raw: since(then.facts, { config: settingsPending && oldSettings ? config() : cfg }),
        facts: now.facts,
        older: history.slice(released, newest),
        config: cfg,
        fleet: { settings: settingsHash(config()) },
      };
    });

  it("a service that has what was released, or anything later, is never rolled without a rollout", () => {
    fc.assert(
      fc.property(attemptKey, (given) => {
        const decision = decide(observed(given));
        expect(decision.action).toBe("none");
        expect(decision).not.toMatchObject({ reason: "not-enrolled" });
      }),
    );
  });

  it("any other drift is always corrected at once, and one roll leaves nothing to wait for", () => {
    fc.assert(
      fc.property(attemptKey, names, (given, what) => {
        const before = observed({ ...given, ...damaged(what, given.raw) });
        const decision = decide(before);
        expect(decision.action).toBe("update");
        const tags = { ...before.service.tags, ...desiredOf(decision).missingTags };
        const after = { ...before, ...afterwards(before), service: service({ tags }) };
        expect(decide(after)).toMatchObject({ action: "none", reason: "as-desired" });
      }),
    );
  });

  it("a rollout rolls every service that is not as desired", () => {
    fc.assert(
      fc.property(attemptKey, (given) => {
        const alone = decide(observed(given));
        const rolled = decide(observed({ ...given, rollout: {} }));
        const asDesired = alone.action === "none" && alone.reason === "as-desired";
        expect(rolled.action).toBe(asDesired ? "none" : "update");
      }),
    );
  });
});
