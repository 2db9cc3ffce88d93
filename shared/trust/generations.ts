/** A control plane's mesh facts over time: each content is a generation. */

import { AutopilotError } from "../base/errors.ts";
import { canonicalJson, sha256 } from "../base/json.ts";
import type { MeshFacts, MeshState } from "../model/mesh.ts";
import { MAX_GENERATIONS } from "../model/mesh.ts";
import { parseBundle } from "./bundle.ts";

type Generation = MeshState["generations"][number];

/**
 * The generation's id: 16 hex characters of what a bootstrap token takes from the facts. How the root CA bundle is
 * written (order, blank lines, comments) makes no difference; a text that is not a list of certificates is compared
 * literally.
 */
export function factsIdOf({ istiodUrl, rootCaPem, network }: MeshFacts): string {
  return sha256(canonicalJson({ istiodUrl, rootCaPem: normalized(rootCaPem), network })).slice(0, 16);
}

/**
 * The mesh with these facts as its newest generation. Facts of a known id only refresh their time of reading and
 * istiod's version, and move to the end if others came after them. Beyond `MAX_GENERATIONS` the oldest goes, never the
 * released one.
 */
export function withFacts(mesh: MeshState | undefined, facts: MeshFacts): MeshState {
  const { controlPlane } = facts;
  const id = factsIdOf(facts);
  if (!mesh)
    return {
      shape: 2,
      version: 0,
      changeCount: 0,
      controlPlane,
      generations: [{ id, facts }],
      notified: { expiryDays: {} },
    };
  const known = mesh.generations.find((generation) => generation.id === id);
  const others = mesh.generations.filter((generation) => generation.id !== id);
  return {
    ...mesh,
    changeCount: mesh.changeCount + (mesh.generations.at(-1)?.id === id ? 0 : 1),
    generations: [...pruned(others, mesh.releasedId), known ? refreshed(known, facts) : { id, facts }],
  };
}

/** The generations that stay beside a new one. */
function pruned(generations: readonly Generation[], releasedId: string | undefined): readonly Generation[] {
  if (generations.length < MAX_GENERATIONS) return generations;
  const oldest = generations.findIndex(({ id }) => id !== releasedId);
  return generations.toSpliced(oldest, 1);
}

function refreshed(
  { facts, ...generation }: Generation,
  { readAt, istiodVersion, otherGateways }: MeshFacts,
): Generation {
  const { istiodVersion: _, otherGateways: __, ...kept } = facts;
  const found = { ...(istiodVersion !== undefined && { istiodVersion }), ...(otherGateways && { otherGateways }) };
  return { ...generation, facts: { ...kept, readAt, ...found } };
}

function normalized(rootCaPem: string): string {
  try {
    return parseBundle(rootCaPem).pem;
  } catch (error) {
    if (error instanceof AutopilotError && error.code === "invalid-pem") return rootCaPem;
    throw error;
  }
}
