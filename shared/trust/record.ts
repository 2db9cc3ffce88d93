import type { MeshFacts, MeshGeneration, MeshState } from "../model/mesh.ts";
import { isBundle, parseBundle } from "./bundle.ts";
import { factsIdOf, withFacts } from "./generations.ts";

/** What new tokens are made of. */
export function newestOf({ generations, controlPlane }: MeshState): MeshGeneration {
  const newest = generations.at(-1);
  if (!newest) throw new RangeError(`${controlPlane} has no generation`); // the ledger's schema keeps one at least
  return newest;
}

/**
 * The generations that a service may still have while it waits for a rollout of the newest: from the released one on.
 * Where none was released, from the first one known.
 */
export function acceptableOf({ generations, releasedId }: MeshState): readonly MeshGeneration[] {
  const released = generations.findIndex(({ id }) => id === releasedId);
  return generations.slice(Math.max(released, 0), -1);
}

/**
 * The facts with their root CA as a bundle alone, without the text around it: that may be a megabyte, and an item has
 * 400 KB. Throws `invalid-pem`.
 */
export function withBundle(facts: MeshFacts): MeshFacts {
  return { ...facts, rootCaPem: parseBundle(facts.rootCaPem).pem };
}

/**
 * The mesh after its facts were read. The very first ones are what the fleet should have. Undefined when the facts are
 * older than the newest known ones: another reader was later.
 */
export function withReading(stored: MeshState | undefined, facts: MeshFacts): MeshState | undefined {
  const mesh = usable(stored);
  if (mesh && Date.parse(facts.readAt) < Date.parse(newestOf(mesh).facts.readAt)) return undefined;
  const after = withFacts(mesh && { ...mesh, ...releasedOf(mesh, facts) }, facts);
  return { ...after, releasedId: after.releasedId ?? after.generations[0]?.id };
}

/** The mesh without facts whose root CA is not a bundle, because they allow no token. */
function usable(mesh: MeshState | undefined): MeshState | undefined {
  const generations = mesh?.generations.filter(({ facts }) => isBundle(facts.rootCaPem)) ?? [];
  return mesh && generations.length > 0 ? { ...mesh, generations } : undefined;
}

/**
 * The released generation. When its own facts return, the generation after it becomes the released one: services that a
 * rollout has given later facts still count as good then, and wait for the next rollout.
 */
function releasedOf({ generations, releasedId }: MeshState, facts: MeshFacts): Pick<MeshState, "releasedId"> {
  const released = Math.max(
    generations.findIndex(({ id }) => id === releasedId),
    0,
  );
  const comesBack = generations[released]?.id === factsIdOf(facts);
  return { releasedId: generations[comesBack ? Math.min(released + 1, generations.length - 1) : released]?.id };
}

/** The same, and undefined when the facts are not new. */
export function withNewFacts(mesh: MeshState | undefined, facts: MeshFacts): MeshState | undefined {
  const known = mesh && newestOf(mesh);
  const same = known?.id === factsIdOf(facts) && known.facts.istiodVersion === facts.istiodVersion;
  return same ? undefined : withReading(mesh, facts);
}
