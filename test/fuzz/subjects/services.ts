import { registrationProblems } from "@ztunnel-autopilot/simulator";
import fc from "fast-check";
import { canonicalJson, isJsonObject, isSameJson, type JsonObject } from "../../../shared/base/json.ts";
import { inject } from "../../../shared/data-plane/ztunnel/task-definition/inject.ts";
import { remove } from "../../../shared/data-plane/ztunnel/task-definition/remove.ts";
import { type DecisionInput, decide } from "../../../shared/enrollment/decide.ts";
import { parseRequest } from "../../../shared/enrollment/tags.ts";
import type { Tags } from "../../../shared/model/service.ts";
import { taskDefinition as arbitraryDefinition, spec } from "../../support/arbitrary-definitions.ts";
import { desiredOf, meshed } from "../../support/enrolled-services.ts";
import { factsWith } from "../../support/meshes.ts";
import { config, enrolled, facts, observed, service, taskDefinition } from "../../support/services.ts";
import { fixture, wanted } from "../../support/task-definitions.ts";
import { alteredObject } from "./altered.ts";
import { answered, hold, type Subject, subject } from "./subject.ts";

const values: Readonly<Record<string, readonly string[]>> = {
  "ztunnel-autopilot/enroll": ["true", "true", "true", "false", "maybe", ""],
  "ztunnel-autopilot/proxy-env": ["true", "false", "TRUE"],
  "ztunnel-autopilot/image": ["registry.example.com/ztunnel:1.29.0", "evil.example/x:1", "??", "a".repeat(256)],
  "ztunnel-autopilot/external": ["false", "yes"],
  "ztunnel-autopilot/platform": ["ecs", "ecs-ec2"],
  "ztunnel-autopilot/wave": ["canary", "first"],
  "ztunnel-autopilot/alarms": ["a+b", "+", "<!channel>"],
  "ztunnel-autopilot/wve": ["canary"],
  "ztunnel-autopilot/__proto__": ["true"],
  "ecs.solo.io/namespace": ["shop", "kube-system", "Shop", "a".repeat(64), "*"],
  "ecs.solo.io/service-account": ["web", "-", "w".repeat(254)],
  "ecs.solo.io/hostname": ["web.shop.example.com", "..", "a".repeat(254)],
  "ecs.solo.io/ports": ["http:80:8080", "http:80/grpc:9090", "http:0", "x:1", "/".repeat(256), "http:80:8080:1"],
};

const tag = fc.oneof(
  ...Object.entries(values).map(([key, some]) =>
    fc.tuple(fc.constant(key), fc.oneof(fc.constantFrom(...some), fc.string({ unit: "binary", maxLength: 256 }))),
  ),
);
const tags: fc.Arbitrary<Tags> = fc.array(tag, { maxLength: 8 }).map((all) => Object.fromEntries(all));

const definitions: readonly JsonObject[] = [
  taskDefinition(),
  ...(["shell", "echo", "multi", "firelens", "ec2", "istioctl", "by-hand"] as const).map(fixture),
];

/** Any definition, as ECS would return it: containers are objects. What has no containers never is registered. */
const oddDefinition = alteredObject(...definitions).filter(
  ({ containerDefinitions: all }) => Array.isArray(all) && all.length > 0 && all.every(isJsonObject),
);

const configs = [
  config(),
  config({ allowedNamespaces: ["shop"] }),
  config({ identityRole: "execution" }),
  config({ policy: { inFlight: "wait", nameRules: "warn", sharedRoles: "warn", propagateTags: false } }),
];

const states = fc.record({
  config: fc.constantFrom(...configs),
  service: fc
    .record({
      tags: fc.oneof(tags, fc.constant(enrolled)),
      status: fc.constantFrom("ACTIVE", "ACTIVE", "DRAINING", "INACTIVE"),
      launchType: fc.constantFrom("FARGATE", "EC2", "EXTERNAL"),
      desiredCount: fc.constantFrom(0, 2),
    })
    .map(service),
  clusterTags: fc.oneof(fc.constant({ "ecs.solo.io/discovery-enabled": "true" }), tags),
  facts: fc.constantFrom(facts, facts, factsWith("b"), factsWith("ab"), undefined, { ...facts, rootCaPem: "garbage" }),
  raw: fc.oneof(fc.constantFrom(...definitions), oddDefinition),
});

/** What the owner of a service may write: tags, and task definitions. */
export const serviceSubjects: readonly Subject[] = [
  subject({
    name: "tags",
    inputs: tags,
    answer: (some) => {
      const defaults = {
        clusterName: "c",
        serviceName: "s",
        domain: "d.local",
        enrollTagKey: "ztunnel-autopilot/enroll",
      };
      const parsed = parseRequest(some, defaults);
      if ("ok" in parsed) return "taken";
      hold(
        "each refusal has a detail",
        parsed.refusals.every(({ detail }) => detail !== undefined && detail !== ""),
      );
      hold(
        "no refusal is long",
        parsed.refusals.every(({ detail }) => (detail ?? "").length < 1000),
      );
      return "refused";
    },
  }),
  subject({
    name: "task definitions",
    inputs: fc
      .oneof(oddDefinition, arbitraryDefinition())
      .chain((definition) => fc.tuple(fc.constant(definition), fc.oneof(fc.constant(wanted), spec()))),
    cost: 4,
    answer: ([definition, of]) => {
      const before = canonicalJson(definition);
      const injection = inject(definition, of);
      hold("the definition itself is not changed", canonicalJson(definition) === before);
      if (!injection.ok) return injection.refusal;
      const again = inject(injection.definition, of);
      hold("injected twice is injected once", again.ok && isSameJson(again.definition, injection.definition));
      // What is left of a sidecar, such as a dependency on it, is the autopilot's, too.
      if (registrationProblems(definition).length === 0 && !before.includes("ztunnel")) {
        hold("removed, it is as before", isSameJson(remove(injection.definition), definition));
      }
      return "taken";
    },
  }),
  subject({
    name: "decisions",
    inputs: states,
    cost: 4,
    answer: (state) => {
      const input = observed(state);
      let action = "";
      const word = answered(["task-definition-not-found", "mesh-facts-missing", "invalid-pem"], () => {
        const decision = decide(input);
        action = decision.action;
        hold("it is the same a second time", JSON.stringify(decide(input)) === JSON.stringify(decision));
        if (action !== "enroll" && action !== "update") return;
        const after = decide(rolled(input));
        hold("after its effect there is nothing to do", after.action === "none");
      });
      return word === "taken" ? action : word;
    },
  }),
];

/** The service as the roll leaves it. */
function rolled(input: DecisionInput): DecisionInput {
  const { missingTags } = desiredOf(decide(input));
  return {
    ...input,
    definition: { ...input.definition, raw: meshed(input) },
    service: { ...input.service, tags: { ...input.service.tags, ...missingTags }, propagateTags: "SERVICE" },
    clusterTags: { ...input.clusterTags, "ecs.solo.io/discovery-enabled": "true" },
  };
}
