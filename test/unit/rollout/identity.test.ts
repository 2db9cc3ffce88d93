import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { rolloutIdSchema, rolloutKinds, type Scope } from "../../../shared/model/rollout.ts";
import { matchesScope, rolloutIdOf } from "../../../shared/rollout/identity.ts";

const serviceArn = "arn:aws:ecs:eu-west-1:123456789012:service/shop-prod/web-front";
const clusterArn = "arn:aws:ecs:eu-west-1:123456789012:cluster/shop-prod";
const inScope = (scope: Scope, arn = serviceArn) =>
  matchesScope(scope, { serviceArn: arn }, ({ region }) => (region === "eu-west-1" ? "main" : undefined));

describe("a rollout's id", () => {
  it("is its kind and a hash of the change", () => {
    expect(rolloutIdOf({ kind: "rotate", key: "main 12" })).toMatch(/^rotate-[0-9a-f]{10}$/);
    expect(rolloutIdOf({ kind: "rotate", key: "main 12" })).toBe(rolloutIdOf({ kind: "rotate", key: "main 12" }));
    expect(rolloutIdOf({ kind: "rotate", key: "main 13" })).not.toBe(rolloutIdOf({ kind: "rotate", key: "main 12" }));
  });

  it("is a valid one for every kind", () => {
    for (const kind of rolloutKinds)
      expect(rolloutIdSchema.safeParse(rolloutIdOf({ kind, key: "" })).success).toBe(true);
  });
});

describe("a scope", () => {
  it.each<[string, Scope]>([
    ["nothing", {}],
    ["its control plane", { controlPlane: "main" }],
    ["its account", { accounts: ["210987654321", "123456789012"] }],
    ["its region", { regions: ["eu-west-1"] }],
    ["its region by pattern", { regions: ["eu-*"] }],
    ["its cluster", { clusters: ["shop-prod"] }],
    ["its cluster's ARN", { clusters: [clusterArn] }],
    ["its cluster by pattern", { clusters: ["*-prod"] }],
    ["its name", { services: ["api", "web-front"] }],
    ["its ARN", { services: [serviceArn] }],
    ["its name by pattern", { services: ["w*-*t"] }],
    ["its ARN by pattern", { services: ["arn:aws:ecs:*:123456789012:service/shop-prod/*"] }],
    ["all of it", { controlPlane: "main", accounts: ["123456789012"], regions: ["*"], services: ["web*"] }],
  ])("has the service that it names by %s", (_, scope) => {
    expect(inScope(scope)).toBe(true);
  });

  it.each<[string, Scope]>([
    ["another control plane", { controlPlane: "other" }],
    ["another account", { accounts: ["210987654321"] }],
    ["another region", { regions: ["eu-west-2"] }],
    ["another cluster", { clusters: ["shop"] }],
    ["the cluster as a service", { services: ["shop-prod"] }],
    ["the beginning of its name", { services: ["web"] }],
    ["a pattern with a longer name", { services: ["web-front*t"] }],
    ["a pattern with parts out of order", { services: ["*front*web*"] }],
    ["its name in other letters", { services: ["WEB-FRONT"] }],
    ["a dot where a letter is", { services: ["web.front"] }],
    ["a pattern of names that only its ARN has", { services: ["*prod*"] }],
    ["one list that fits and one that does not", { services: ["web-front"], regions: ["us-east-1"] }],
  ])("does not have a service when it names %s", (_, scope) => {
    expect(inScope(scope)).toBe(false);
  });

  it("never has a service with a short ARN", () => {
    expect(inScope({}, "arn:aws:ecs:eu-west-1:123456789012:service/web")).toBe(false);
  });

  it("has no service of a place that no control plane serves when it names one", () => {
    expect(inScope({ controlPlane: "main" }, serviceArn.replace("eu-west-1", "us-east-1"))).toBe(false);
  });

  it("reads a pattern as the regular expression in which `*` is anything", () => {
    const text = fc.string({ unit: fc.constantFrom("a", "b", "-"), minLength: 1, maxLength: 8 });
    const pattern = fc.string({ unit: fc.constantFrom("a", "b", "-", "*"), minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(text, pattern, (name, given) => {
        const expected = new RegExp(`^${given.replaceAll("*", ".*")}$`).test(name);
        expect(inScope({ services: [given] }, `arn:aws:ecs:eu-west-1:123456789012:service/c/${name}`)).toBe(expected);
      }),
      { numRuns: 2000 },
    );
  });
});
