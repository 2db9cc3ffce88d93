import { describe, expect, it } from "vitest";
import type { MeshFacts, MeshState } from "../../../shared/model/mesh.ts";
import { MAX_GENERATIONS, meshStateSchema } from "../../../shared/model/mesh.ts";
import { factsIdOf, withFacts } from "../../../shared/trust/generations.ts";
import { rootPem } from "../../support/services.ts";

const facts: MeshFacts = {
  controlPlane: "main",
  istiodUrl: "https://istiod.example.com:15012",
  rootCaPem: rootPem("a") + rootPem("b"),
  network: "eks",
  istiodVersion: "1.28.0",
  readAt: "2026-11-21T03:00:00Z",
};

/** Facts with different content for each number. */
const nth = (n: number): MeshFacts => ({ ...facts, network: `eks-${n}` });
const ids = (mesh: MeshState) => mesh.generations.map(({ id }) => id);
const idsOf = (...numbers: number[]) => numbers.map((n) => factsIdOf(nth(n)));

function meshOf(count: number, more: Partial<MeshState> = {}): MeshState {
  const generations = Array.from({ length: count }, (_, n) => ({ id: factsIdOf(nth(n)), facts: nth(n) }));
  return {
    shape: 2,
    version: 4,
    changeCount: count - 1,
    controlPlane: "main",
    generations,
    notified: { expiryDays: {} },
    ...more,
  };
}

describe("factsIdOf", () => {
  it("is 16 hexadecimal characters that depend on the content", () => {
    expect(factsIdOf({ ...facts, rootCaPem: "nothing" })).toBe("ee26d1b660da000c");
  });

  it.each<[string, Partial<MeshFacts>]>([
    ["time of reading", { readAt: "2026-11-22T03:00:00Z" }],
    ["version of istiod", { istiodVersion: "1.29.0" }],
    ["name of the control plane", { controlPlane: "far" }],
    ["order and white space of the bundle", { rootCaPem: `# roots\n${rootPem("b")}\n\n${rootPem("a")}` }],
  ])("doesn't depend on the %s", (_what, other) => {
    expect(factsIdOf({ ...facts, ...other })).toBe(factsIdOf(facts));
  });

  it.each<[string, Partial<MeshFacts>]>([
    ["istiod's URL", { istiodUrl: "https://other.example.com:15012" }],
    ["a root certificate", { rootCaPem: rootPem("a") }],
    ["the network", { network: "other" }],
    ["a text that is not a bundle", { rootCaPem: "nothing" }],
  ])("depends on %s", (_what, other) => {
    expect(factsIdOf({ ...facts, ...other })).not.toBe(factsIdOf(facts));
  });
});

describe("withFacts", () => {
  it("creates a mesh with its first generation", () => {
    const mesh = withFacts(undefined, facts);
    expect(mesh).toEqual(meshStateSchema.parse(mesh));
    expect(mesh.generations).toEqual([{ id: factsIdOf(facts), facts }]);
    expect(mesh.releasedId).toBeUndefined();
  });

  it("adds other content as the newest generation, and changes nothing else", () => {
    const mesh = meshOf(2, { releasedId: factsIdOf(nth(0)) });
    const after = withFacts(mesh, nth(2));
    expect(after).toEqual({ ...meshOf(3), releasedId: mesh.releasedId });
    expect(mesh).toEqual(meshOf(2, { releasedId: factsIdOf(nth(0)) }));
  });

  it("updates only the time of reading and istiod's version for the same content", () => {
    const mesh = withFacts(undefined, facts);
    const { istiodVersion: _, ...again } = { ...facts, readAt: "2026-11-22T03:00:00Z" };
    const reordered = { ...again, rootCaPem: rootPem("b") + rootPem("a") };
    expect(withFacts(mesh, reordered).generations).toEqual([{ id: factsIdOf(facts), facts: again }]);
  });

  it("moves an earlier content that is read again to the end", () => {
    expect(ids(withFacts(meshOf(3), nth(0)))).toEqual(idsOf(1, 2, 0));
  });

  it("counts the changes of the newest content, including those to an earlier content", () => {
    const once = withFacts(meshOf(1), nth(1));
    const twice = withFacts(once, nth(0));
    expect([once.changeCount, twice.changeCount, withFacts(twice, nth(0)).changeCount]).toEqual([1, 2, 2]);
  });

  it("drops the oldest generation when there are too many", () => {
    const full = meshOf(MAX_GENERATIONS);
    expect(ids(withFacts(full, nth(10)))).toEqual(idsOf(1, 2, 3, 4, 5, 6, 7, 8, 9, 10));
    expect(ids(withFacts(full, nth(3)))).toEqual(idsOf(0, 1, 2, 4, 5, 6, 7, 8, 9, 3));
  });

  it("never drops the released generation", () => {
    const full = meshOf(MAX_GENERATIONS, { releasedId: factsIdOf(nth(0)) });
    expect(ids(withFacts(full, nth(10)))).toEqual(idsOf(0, 2, 3, 4, 5, 6, 7, 8, 9, 10));
  });
});
