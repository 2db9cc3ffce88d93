import type { MeshState } from "../model/mesh.ts";
import { parseBundle } from "./bundle.ts";

/** True when the newest bundle shares no certificate with the released one: a service that has that is cut off. */
export function dropsReleased({ generations, releasedId }: MeshState): boolean {
  const released = generations.find(({ id }) => id === releasedId);
  const newest = generations.at(-1);
  if (!released || !newest) return false;
  const trusted = new Set(fingerprints(released.facts.rootCaPem));
  return !fingerprints(newest.facts.rootCaPem).some((one) => trusted.has(one));
}

function fingerprints(pem: string): readonly string[] {
  return parseBundle(pem).certificates.map(({ fingerprint256 }) => fingerprint256);
}
