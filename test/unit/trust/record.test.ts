import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { MeshState } from "../../../shared/model/mesh.ts";
import { MAX_GENERATIONS, meshStateSchema } from "../../../shared/model/mesh.ts";
import { factsIdOf } from "../../../shared/trust/generations.ts";
import { acceptableOf, newestOf, withNewFacts, withReading } from "../../../shared/trust/record.ts";
import { freshMesh } from "../../../shared/use-cases/observe/fresh-mesh.ts";
import { factsWith, meshAfter } from "../../support/meshes.ts";
import { rollTestbed } from "../../support/testbeds/roll.ts";

const idOf = (roots: string) => factsIdOf(factsWith(roots));
const acceptable = (mesh: MeshState) => acceptableOf(mesh).map(({ id }) => id);
const released = (mesh: MeshState, roots: string): MeshState => ({ ...mesh, releasedId: idOf(roots) });

describe("the acceptable mesh facts of a service", () => {
  it("are empty with only one generation, which is the fleet's", () => {
    const mesh = meshAfter("a");
    expect(mesh.releasedId).toBe(idOf("a"));
    expect(acceptable(mesh)).toEqual([]);
  });

  it("are those from the released generation on", () => {
    expect(acceptable(meshAfter("a", "ab", "b"))).toEqual([idOf("a"), idOf("ab")]);
    expect(acceptable(released(meshAfter("a", "ab", "b"), "ab"))).toEqual([idOf("ab")]);
    expect(acceptable(released(meshAfter("a", "ab", "b"), "b"))).toEqual([]);
  });

  it("are all known ones if no generation was released, or the released one is unknown", () => {
    const { releasedId: _, ...unreleased } = meshAfter("a", "ab", "b");
    expect(acceptable(unreleased)).toEqual([idOf("a"), idOf("ab")]);
    expect(acceptable({ ...unreleased, releasedId: "forgotten" })).toEqual([idOf("a"), idOf("ab")]);
  });

  it("include a generation that a rollout began to apply before the released one was read again", () => {
    const back = meshAfter("a", "ab", "a");
    expect(newestOf(back).id).toBe(idOf("a"));
    expect(acceptable(back)).toEqual([idOf("ab")]);
    expect(acceptable(released(back, "a"))).toEqual([]);
    expect(acceptable(meshAfter("a", "ab", "a", "b"))).toEqual([idOf("ab"), idOf("a")]);
  });

  it("always include the released generation and all that were newest since", () => {
    const reading = fc.constantFrom("a", "ab", "b", "bc", "c");
    const step = fc.oneof(reading, fc.constant("release"));
    fc.assert(
      fc.property(reading, fc.array(step, { maxLength: 8 }), (first, steps) => {
        let mesh = meshAfter(first);
        // Services may have the released generation, and all that were newest since.
        let allowed = new Set([idOf(first)]);
        for (const one of steps) {
          const next =
            one === "release" ? { ...mesh, releasedId: newestOf(mesh).id } : withReading(mesh, factsWith(one));
          mesh = next ?? mesh;
          allowed = one === "release" ? new Set([newestOf(mesh).id]) : allowed.add(newestOf(mesh).id);
          expect(new Set([...acceptable(mesh), newestOf(mesh).id])).toEqual(allowed);
        }
      }),
    );
  });
});

describe("a reading of the mesh facts", () => {
  const at = (minute: number) => new Date(Date.UTC(2026, 10, 21, 0, minute)).toISOString();

  it("that is older than the newest one changes nothing", () => {
    const mesh = withReading(undefined, factsWith("ab", { readAt: at(2) }));
    expect(withReading(mesh, factsWith("a", { readAt: at(1) }))).toBeUndefined();
    expect(withNewFacts(mesh, factsWith("a", { readAt: at(1) }))).toBeUndefined();
  });

  it("without a change is recorded only by the watch", () => {
    const mesh = withReading(undefined, factsWith("a", { readAt: at(1) }));
    const again = factsWith("a", { readAt: at(2) });
    expect(withNewFacts(mesh, again)).toBeUndefined();
    expect(withReading(mesh, again)).toMatchObject({ generations: [{ facts: { readAt: at(2) } }] });
  });

  it("of another istiod version is a change, without a new generation", () => {
    const mesh = meshAfter("a");
    expect(withNewFacts(mesh, factsWith("a", { istiodVersion: "1.29.0" }))).toMatchObject({
      generations: [{ id: idOf("a"), facts: { istiodVersion: "1.29.0" } }],
    });
  });

  it("always results in a record that the ledger accepts", () => {
    let mesh = meshAfter("a");
    for (let n = 0; n < 2 * MAX_GENERATIONS; n += 1) {
      mesh = withReading(mesh, factsWith("a", { network: `net-${n % 13}` })) ?? mesh;
      expect(meshStateSchema.parse(mesh)).toEqual(mesh);
      expect(mesh.generations.map(({ id }) => id)).toContain(mesh.releasedId);
    }
  });

  it("that a roll makes is written once for all of them", async () => {
    const { ledger, controlPlane } = rollTestbed();
    const first = await freshMesh("main", { ledger, controlPlane });
    expect(await freshMesh("main", { ledger, controlPlane })).toEqual(first);
    expect(first).toMatchObject({ version: 1, releasedId: first?.generations[0]?.id });
  });
});
