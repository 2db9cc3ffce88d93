import type { MeshFacts, MeshState } from "../../shared/model/mesh.ts";
import { parseBundle } from "../../shared/trust/bundle.ts";
import { newestOf, withReading } from "../../shared/trust/record.ts";
import { facts, rootPem } from "./services.ts";

type Root = Parameters<typeof rootPem>[0];

/** The facts with these roots in their bundle. */
export function factsWith(roots: string, changes: Partial<MeshFacts> = {}): MeshFacts {
  return { ...facts, rootCaPem: bundle(roots), ...changes };
}

/** The bundle of these roots: `ab` for root a and root b. `D` is root d, renewed with its key. */
export function bundle(roots: string): string {
  return [...roots].map((root) => rootPem(asRoot(root))).join("");
}

/** Their fingerprints, in the order of a bundle. */
export function fingerprints(roots: string): readonly string[] {
  return parseBundle(bundle(roots)).certificates.map(({ fingerprint256 }) => fingerprint256);
}

/** The mesh after these bundles were read one after the other. */
export function meshAfter(...all: readonly string[]): MeshState {
  return meshOf(all.map((roots) => factsWith(roots)));
}

/** The mesh after these facts were read one after the other. */
export function meshOf(all: readonly MeshFacts[]): MeshState {
  const mesh = all.reduce<MeshState | undefined>((before, one) => withReading(before, one), undefined);
  if (!mesh) throw new Error("no facts");
  return mesh;
}

export function newestId(mesh: MeshState): string {
  return newestOf(mesh).id;
}

function asRoot(name: string): Root {
  if (name === "a" || name === "b" || name === "c" || name === "d") return name;
  if (name === "D") return "d-renewed";
  throw new Error(`no root ${name}`);
}
