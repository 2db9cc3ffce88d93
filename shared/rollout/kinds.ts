import type { MeshState } from "../model/mesh.ts";
import type { RolloutKind } from "../model/rollout.ts";
import { factsIdOf } from "../trust/generations.ts";
import { acceptableOf, newestOf } from "../trust/record.ts";

/** True for a rollout that gives services the newest mesh facts of their control plane. */
export function bringsFacts(kind: RolloutKind): boolean {
  return kind === "rotate" || kind === "endpoint";
}

/** The kind of the rollout that brings the newest facts: `endpoint` where nothing but istiod's address has changed. */
export function factsKindOf(mesh: MeshState): "rotate" | "endpoint" {
  const { id, facts } = newestOf(mesh);
  const { istiodUrl } = facts;
  const earlier = acceptableOf(mesh).filter((one) => one.id !== id);
  const hasRest = earlier.every((one) => factsIdOf({ ...one.facts, istiodUrl }) === id);
  return hasRest && earlier.length > 0 ? "endpoint" : "rotate";
}
