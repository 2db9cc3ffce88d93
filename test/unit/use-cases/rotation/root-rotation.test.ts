import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { TagRequest } from "../../../../shared/enrollment/decision.ts";
import { parseBundle } from "../../../../shared/trust/bundle.ts";
import {
  censusOf,
  cutOffOf,
  needsRetiring,
  rotationOf,
  type Trust,
  type TrustingTasks,
  trustOf,
} from "../../../../shared/use-cases/rotation/root-rotation.ts";
import { secretArn } from "../../../support/arns.ts";
import { byHand, meshed, withZtunnel } from "../../../support/enrolled-services.ts";
import { bundle, factsWith, fingerprints, meshAfter, meshOf, newestId } from "../../../support/meshes.ts";
import { enrolled, observed, service, taskDefinition } from "../../../support/services.ts";
import { NOON } from "../../../support/times.ts";

const idOf = (roots: string): string => newestId(meshAfter(roots));
const tasks = (trust: Trust, runningTasks = 2, serviceArn = "web"): TrustingTasks => ({
  serviceArn,
  runningTasks,
  trust,
});
const of = (roots: string, runningTasks = 2, serviceArn = "web") =>
  tasks({ factsId: idOf(roots) }, runningTasks, serviceArn);

describe("the generation that a task definition's token is of", () => {
  const mesh = meshAfter("a", "ab", "b");
  const trust = (before: Parameters<typeof observed>[0] = {}, then = factsWith("a")) =>
    trustOf(observed({ ...before, raw: meshed(observed({ ...before, facts: then })) }), mesh.generations);

  it.each(["a", "ab", "b"])("is found for each of them (%s)", (roots) => {
    expect(trust({}, factsWith(roots))).toEqual({ factsId: idOf(roots) });
  });

  it("is found with any tags, also for another network", () => {
    // It has the platform already: to others it is refused.
    const lastGoodSecret = `${secretArn("ztunnel-autopilot/mesh-network/shop/web/ecs-ec2")}:::x`;
    const daemon = { enrolled: true, lastGoodSecret };
    const asked: readonly Partial<Record<keyof TagRequest, string>>[] = [
      { platform: "ecs-ec2" },
      { external: "false" },
    ];
    for (const one of asked) {
      const tags = Object.entries(one).map(([key, value]) => [`ztunnel-autopilot/${key}`, value]);
      const other = service({ tags: { ...enrolled, ...Object.fromEntries(tags) } });
      expect(trust({ service: other, state: daemon })).toEqual({ factsId: idOf("a") });
    }
    const moved = factsWith("b", { network: "far" });
    const both = meshOf([factsWith("a"), moved]);
    const raw = meshed(observed({ facts: moved }));
    expect(trustOf(observed({ raw }), both.generations)).toEqual({ factsId: newestId(both) });
  });

  const api = { "ecs.solo.io/service-account": "api" };
  const bad = { "ecs.solo.io/service-account": "NOT VALID" };
  const ofSomebody: Parameters<typeof withZtunnel>[1] = (ztunnel) => ({
    ...ztunnel,
    secrets: [
      { name: "BOOTSTRAP_TOKEN", valueFrom: "arn:aws:secretsmanager:us-east-1:123456789012:secret:mine-AbCdEf" },
    ],
  });

  it.each([
    ["facts that are forgotten", () => meshed(observed({ facts: factsWith("c") })), service()],
    ["a token in plain text", () => byHand, service()],
    ["a secret of somebody else", () => withZtunnel(meshed(observed()), ofSomebody), service()],
  ])("is unknown for %s", (_what, raw, tagged) => {
    expect(trustOf(observed({ raw: raw(), service: tagged }), mesh.generations)).toBe("unknown");
  });

  it.each([
    ["ask for another identity now", api],
    ["are not valid now", bad],
  ])("is that of the pinned token, though the tags %s", (_what, tags) => {
    const tagged = service({ tags: { ...enrolled, ...tags } });
    expect(trustOf(observed({ raw: meshed(observed()), service: tagged }), mesh.generations)).toEqual({
      factsId: idOf("a"),
    });
  });

  it("is none without ztunnel", () => {
    expect(trustOf(observed(), mesh.generations)).toBe("none");
    const container = { name: "ztunnel", image: "tunnel:1" };
    const raw = taskDefinition({ containerDefinitions: [container] });
    expect(trustOf(observed({ raw }), mesh.generations)).toBe("none");
  });
});

describe("the census", () => {
  it("counts services and tasks by what they trust, and leaves out those that are not in the mesh", () => {
    const all = [of("a", 3), of("ab", 1), of("a", 2, "api"), tasks("unknown", 4, "x"), tasks("none", 9, "plain")];
    expect(censusOf(all)).toEqual({
      total: { services: 3, tasks: 10 },
      byGeneration: { [idOf("a")]: { services: 2, tasks: 5 }, [idOf("ab")]: { services: 1, tasks: 1 } },
      unknown: { services: 1, tasks: 4 },
    });
  });

  it("counts as cut off who trusts none of the newest certificates, and is not sure of the unknown", () => {
    const all = [of("a", 3), of("ab", 1), of("a", 2, "api"), tasks("unknown"), tasks("none"), of("a", 0, "idle")];
    expect(cutOffOf(meshAfter("a", "ab", "b"), all)).toEqual({ services: 2, tasks: 5 });
    expect(cutOffOf(meshAfter("a", "ab"), all)).toEqual({ services: 0, tasks: 0 });
  });

  it("counts nobody as cut off by a root that was renewed with its key", () => {
    expect(cutOffOf(meshAfter("d", "D"), [of("d", 3)])).toEqual({ services: 0, tasks: 0 });
    expect(cutOffOf(meshAfter("d", "D", "b"), [of("d", 3), of("D", 1)])).toEqual({ services: 1, tasks: 4 });
  });
});

const LATER = Date.UTC(2026, 11, 1);
const DAY_MS = 24 * 3_600_000;
const fixture = (name: string) => readFileSync(new URL(`../../../fixtures/trust/${name}.pem`, import.meta.url), "utf8");

describe("a rotation", () => {
  it.each([
    ["one root", ["a"]],
    ["the new root alone", ["a", "ab", "b"]],
    ["two roots from the start", ["ab"]],
    ["the old root again", ["a", "ab", "a"]],
    ["a root that was renewed with its key", ["d", "D"]],
    ["both certificates of one root", ["d", "dD"]],
  ])("is none with %s", (_what, history) => {
    expect(rotationOf(meshAfter(...history), NOON)).toBeUndefined();
  });

  it.each([
    ["its second root comes", ["a", "ab"], "a", "b"],
    ["another fact changed meanwhile", ["a", "ab", "ab'"], "a", "b"],
    ["a third root comes before the first one went", ["a", "ab", "abc"], "ab", "c"],
    ["a third root comes and the first one goes", ["a", "ab", "bc"], "b", "c"],
    ["two roots come at once", ["a", "abc"], "a", "bc"],
    ["a root was renewed before", ["d", "D", "Db"], "D", "b"],
    ["a root is renewed meanwhile", ["d", "db", "dDb"], "dD", "b"],
  ])("has old and new certificates when %s", (_what, history, retiring, remaining) => {
    const all = history.map((roots) =>
      factsWith(roots.replace("'", ""), roots.endsWith("'") ? { istiodUrl: "https://other.example.com:15012" } : {}),
    );
    expect(rotationOf(meshOf(all), NOON)).toEqual({
      retiring: fingerprints(retiring),
      remaining: fingerprints(remaining),
    });
  });

  it.each(["future", "expired", "intermediate", "leaf"] as const)(
    "is none while what came is a certificate such as %s: the root that works stays",
    (name) => {
      const added = factsWith("a", { rootCaPem: bundle("a") + fixture(name) });
      expect(rotationOf(meshOf([factsWith("a"), added]), LATER)).toBeUndefined();
      expect(rotationOf(meshOf([factsWith("a", { rootCaPem: fixture(name) }), added]), LATER)?.retiring ?? []).toEqual(
        name === "expired" ? parseBundle(fixture(name)).certificates.map((one) => one.fingerprint256) : [],
      );
    },
  );

  it("begins when the root that came is valid, and ends no root for one that is about to expire", () => {
    const mesh = meshOf([factsWith("a"), factsWith("a", { rootCaPem: bundle("a") + fixture("future") })]);
    const [from, until] = [Date.UTC(2090, 0, 1), Date.UTC(2095, 0, 1)];
    expect(rotationOf(mesh, from - 1)).toBeUndefined();
    expect(rotationOf(mesh, from)).toMatchObject({ retiring: fingerprints("a") });
    expect(rotationOf(mesh, until - DAY_MS)).toBeUndefined();
  });

  it("is held up by who trusts the old alone, may do so, or trusts something that is gone", () => {
    const mesh = meshAfter("a", "ab", "bc");
    const rotation = { retiring: [...fingerprints("b")], remaining: [...fingerprints("c")] };
    expect(rotationOf(mesh, NOON)).toEqual(rotation);
    for (const one of [of("a"), of("ab"), tasks("unknown"), of("c")]) {
      expect(needsRetiring(one, rotation, mesh)).toBe(true);
    }
    for (const one of [of("bc"), tasks("none")]) expect(needsRetiring(one, rotation, mesh)).toBe(false);
  });

  it("is not held up by who trusts the root that remains by its earlier certificate", () => {
    const mesh = meshAfter("d", "ad", "aD", "aDb", "aD");
    const rotation = { retiring: [...fingerprints("a")], remaining: [...fingerprints("D")] };
    expect(needsRetiring(of("d"), rotation, mesh)).toBe(false);
    expect(needsRetiring(of("ad"), rotation, mesh)).toBe(false);
  });

  it("with two remaining roots is not held up by who trusts one of them", () => {
    const moved = factsWith("abc", { istiodUrl: "https://other.example.com:15012" });
    const mesh = meshOf([factsWith("a"), factsWith("abc"), factsWith("ab"), moved]);
    const rotation = { retiring: fingerprints("a"), remaining: fingerprints("bc") };
    expect(rotationOf(mesh, NOON)).toEqual(rotation);
    expect(needsRetiring(of("ab"), rotation, mesh)).toBe(false);
    expect(needsRetiring(of("abc"), rotation, mesh)).toBe(false);
    expect(needsRetiring(of("a"), rotation, mesh)).toBe(true);
  });

  it("that holds nobody up cuts nobody off: the bundle may drop what retires", () => {
    const roots = fc.constantFrom("a", "b", "c", "ab", "bc", "ac", "abc");
    fc.assert(
      fc.property(fc.array(roots, { minLength: 1, maxLength: 6 }), fc.array(roots), (history, running) => {
        const mesh = meshAfter(...history);
        const rotation = rotationOf(mesh, NOON);
        const all = running.map((one, index) => of(one, 1, `s${index}`));
        if (!rotation || all.some((one) => needsRetiring(one, rotation, mesh))) return;
        const left = [..."abc"].filter((root) => rotation.remaining.includes(fingerprints(root)[0] ?? "")).join("");
        expect(cutOffOf(meshAfter(...history, left), all)).toEqual({ services: 0, tasks: 0 });
      }),
    );
  });
});
