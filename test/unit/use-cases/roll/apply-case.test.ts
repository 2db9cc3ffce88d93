import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { attemptKeyOf } from "../../../../shared/deployment/attempts.ts";
import { desiredContent, desiredDefinition } from "../../../../shared/enrollment/definition.ts";
import { newFleetState } from "../../../../shared/model/rollout.ts";
import type { DescribedTaskDefinition, Tags } from "../../../../shared/model/service.ts";
import type { Roll, ServiceState } from "../../../../shared/model/service-state.ts";
import { withFacts } from "../../../../shared/trust/generations.ts";
import { decideWith } from "../../../../shared/use-cases/observe/observe.ts";
import { applyCase, resumeOf, targetOf } from "../../../../shared/use-cases/roll/apply-case.ts";
import type { ApplyPlan } from "../../../../shared/use-cases/roll/steps.ts";
import { NAME, OBSERVED, revisionArn } from "../../../support/arns.ts";
import { TARGET } from "../../../support/deployments.ts";
import { planOf, stateOf } from "../../../support/endings.ts";
import { config as configOf, facts, service, taskDefinition } from "../../../support/services.ts";
import { NOW } from "../../../support/times.ts";
import { valueFromOf } from "../../../support/tokens.ts";

const OTHER = revisionArn("web", 99);
const config = configOf();
const fleetFacts = { mesh: withFacts(undefined, facts), fleet: newFleetState };
const tagged = { "ztunnel-autopilot/enroll": "true" };
const identityTags = {
  "ecs.solo.io/namespace": "istio-system",
  "ecs.solo.io/service-account": "default",
  "ecs.solo.io/ports": "http:80:8080",
};
const bare: DescribedTaskDefinition = { taskDefinitionArn: OBSERVED, raw: taskDefinition(), tags: [] };

function rollOf(given: Partial<Roll> = {}): Roll {
  return { executionName: NAME, leaseUntil: NOW + 1, ...given };
}

function observedWith(tags: Tags, definition = bare, state: Partial<ServiceState> = {}) {
  return { service: service({ tags }), definition, clusterTags: {}, state: stateOf({ roll: rollOf(), ...state }) };
}

function decided(tags: Tags, definition = bare) {
  const decision = decideWith(observedWith(tags, definition), config, fleetFacts);
  if (decision.action === "none" || decision.action === "refuse") throw new Error("there is nothing to apply");
  return decision;
}

/** The plan of what is decided for the service with these tags. */
function planFor(tags: Tags, definition = bare, given: Partial<ApplyPlan> = {}): ApplyPlan {
  const attemptKey = attemptKeyOf(OBSERVED, desiredContent(decided(tags, definition), config));
  return planOf({ attemptKey, ...given });
}

/** The task definition with the sidecar that the tags ask for. */
function enrolledDefinition(): DescribedTaskDefinition {
  const decision = decided(tagged);
  if (decision.action === "unenroll") throw new Error("the service is to be enrolled");
  const { desired } = decision;
  const injection = desiredDefinition(bare, desired, valueFromOf(desired.request), config);
  if (!injection.ok) throw new Error(injection.detail);
  return { ...bare, raw: { ...injection.definition, taskDefinitionArn: OBSERVED } };
}

describe("the second step of a roll goes on", () => {
  it.each<[ReturnType<typeof resumeOf>["from"], string, Partial<Roll>, string]>([
    ["observed", "the observed revision runs", {}, OBSERVED],
    ["observed", "its revision is recorded, and not yet deployed", { targetRevisionArn: TARGET }, OBSERVED],
    ["observed", "the same revision is recorded, and no deployment of it", { targetRevisionArn: OBSERVED }, OBSERVED],
    ["updated", "its revision runs", { targetRevisionArn: TARGET }, TARGET],
    ["updated", "the same revision is deployed again", { targetRevisionArn: OBSERVED, deploymentId: "d" }, OBSERVED],
    ["superseded", "another revision runs", {}, OTHER],
    [
      "superseded",
      "another revision runs than it has deployed",
      { targetRevisionArn: TARGET, deploymentId: "d" },
      OTHER,
    ],
  ])("from %s when %s", (from, _when, roll, taskDefinitionArn) => {
    expect(resumeOf(rollOf(roll), { taskDefinitionArn }, { observedRevisionArn: OBSERVED }).from).toBe(from);
  });

  it("from its own revision or the observed one, and from no other", () => {
    const revisions = fc.constantFrom(OBSERVED, TARGET, OTHER);
    const rolls = fc.record({ targetRevisionArn: revisions, deploymentId: fc.constant("d") }, { requiredKeys: [] });
    fc.assert(
      fc.property(rolls, revisions, revisions, (given, taskDefinitionArn, observedRevisionArn) => {
        const resume = resumeOf(rollOf(given), { taskDefinitionArn }, { observedRevisionArn });
        if (resume.from === "updated") expect(resume.targetRevisionArn).toBe(taskDefinitionArn);
        if (resume.from === "observed") expect(observedRevisionArn).toBe(taskDefinitionArn);
        if (resume.from === "superseded") {
          expect([observedRevisionArn, given.targetRevisionArn]).not.toContain(taskDefinitionArn);
        }
      }),
    );
  });
});

describe("what a roll applies is", () => {
  it("the enrollment that was planned", () => {
    const found = applyCase(observedWith(tagged), planFor(tagged), fleetFacts, config);
    expect(found).toMatchObject({ case: "enroll", desired: { missingTags: identityTags }, facts });
  });

  it("the unenrollment that was planned, without asking the mesh", () => {
    const definition = enrolledDefinition();
    const plan = planFor({}, definition, { change: "unenroll", drift: [] });
    expect(applyCase(observedWith({}, definition), plan, undefined, config)).toEqual({ case: "unenroll" });
  });

  it("the change of tags alone that an earlier attempt has begun", () => {
    const definition = enrolledDefinition();
    const plan = planFor(tagged, definition, { change: "update", drift: ["identity"] });
    const addedTagKeys = Object.keys(identityTags);
    const roll = rollOf({ applyStartedAt: new Date(NOW).toISOString() });
    const observed = observedWith({ ...tagged, ...identityTags }, definition, { addedTagKeys, roll });
    const found = applyCase(observed, plan, fleetFacts, config);
    expect(found).toMatchObject({ case: "enroll", desired: { missingTags: identityTags } });
    const unbegun = observedWith({ ...tagged, ...identityTags }, definition, { addedTagKeys });
    expect(applyCase(unbegun, plan, fleetFacts, config)).toEqual({ case: "superseded" });
    const otherwise = { ...plan, drift: ["image"] };
    expect(applyCase(observed, otherwise, fleetFacts, config)).toEqual({ case: "superseded" });
  });

  it.each<[string, Tags, Partial<ApplyPlan>]>([
    ["the enroll tag is gone", {}, {}],
    ["the service is refused now", { ...tagged, "ecs.solo.io/namespace": "NOT OK" }, {}],
    ["the tags ask for another identity", { ...tagged, "ecs.solo.io/namespace": "other" }, {}],
    ["something else was planned", tagged, { attemptKey: "of something else" }],
    ["the rollout takes it out of the mesh", tagged, { rollout: { image: null, leave: true } }],
    [
      "the rollout brings another image",
      tagged,
      { rollout: { image: "registry.example.com/ztunnel:2", leave: false } },
    ],
  ])("nothing when %s", (_when, tags, given) => {
    const plan = planFor(tagged, bare, given);
    expect(applyCase(observedWith(tags), plan, fleetFacts, config)).toEqual({ case: "superseded" });
  });

  it("an error, and no unenrollment, when the mesh is not known", () => {
    expect(() => applyCase(observedWith(tagged), planFor(tagged), undefined, config)).toThrow(
      expect.objectContaining({ code: "mesh-facts-missing" }),
    );
  });
});

describe("what a roll's rollout brings", () => {
  it.each([
    [null, undefined],
    [{ image: null, leave: true }, { leave: true }],
    [
      { image: "ztunnel:2", leave: false },
      { image: "ztunnel:2", leave: false },
    ],
  ])("of %j is %j", (rollout, expected) => {
    expect(targetOf(planOf({ rollout }))).toEqual(expected);
  });
});
