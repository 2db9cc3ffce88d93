import type { MeshFacts, MeshState } from "../model/mesh.ts";
import { anchorsIn, parseBundle } from "./bundle.ts";
import { newestOf } from "./record.ts";

/**
 * The ids of the generations whose bundle shares no anchor with the newest one that had not expired when that was read:
 * their tasks lose the mesh. Where everything in the newest one has expired, nothing else can be given: then all of it
 * counts.
 */
export function cutOffGenerations(mesh: MeshState): ReadonlySet<string> {
  const newest = lastingAnchors(newestOf(mesh).facts);
  const cut = mesh.generations.filter(({ facts }) => !anchorsIn(facts.rootCaPem).some((anchor) => newest.has(anchor)));
  return new Set(cut.map(({ id }) => id));
}

/** The ids of the generations whose bundle has nothing but what has expired: nobody takes what it vouches for. */
export function expiredGenerations({ generations }: MeshState, nowMs: number): ReadonlySet<string> {
  const expired = generations.filter(({ facts }) => lastingIn(facts.rootCaPem, nowMs).length === 0);
  return new Set(expired.map(({ id }) => id));
}

/** The anchors that had not expired when they were read, or all of them where each had. Throws `invalid-pem`. */
export function lastingAnchors({ rootCaPem, readAt }: MeshFacts): ReadonlySet<string> {
  const lasting = lastingIn(rootCaPem, Date.parse(readAt));
  return new Set(lasting.length > 0 ? lasting.map(({ anchor }) => anchor) : anchorsIn(rootCaPem));
}

function lastingIn(rootCaPem: string, nowMs: number) {
  return parseBundle(rootCaPem).certificates.filter(({ notAfter }) => nowMs < Date.parse(notAfter));
}
