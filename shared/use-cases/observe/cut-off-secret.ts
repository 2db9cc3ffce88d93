import type { ServiceRef } from "../../base/arn.ts";
import { type Config, controlPlaneFor } from "../../config/config.ts";
import { pinnedGeneration } from "../../enrollment/pinned-generation.ts";
import type { MeshState } from "../../model/mesh.ts";
import type { Ledger } from "../../ports/ledger.ts";
import { isBundle } from "../../trust/bundle.ts";
import { cutOffGenerations } from "../../trust/cut-off.ts";

export interface CutOffCalls {
  readonly config: Config;
  readonly ledger: Pick<Ledger, "getMesh">;
}

/**
 * Asks of secret versions of a service whether their token trusts no root of today's bundle, so that no task that
 * starts with it joins the mesh. False where that is not known. Reads the mesh once, when first asked about a version.
 */
export function cutOffBy(
  ref: ServiceRef,
  { config, ledger }: CutOffCalls,
): (valueFrom: string | null) => Promise<boolean> {
  let read: Promise<MeshState | undefined> | undefined;
  return async (valueFrom) => {
    const plane = controlPlaneFor(config, ref);
    if (valueFrom === null || !plane) return false;
    read ??= ledger.getMesh(plane.name);
    const mesh = await read;
    return mesh !== undefined && isCutOff(ref, valueFrom, mesh);
  };
}

function isCutOff(ref: ServiceRef, valueFrom: string, mesh: MeshState): boolean {
  // A generation that was recorded without a bundle has given no token, and says nothing about the others.
  const generations = mesh.generations.filter(({ facts }) => isBundle(facts.rootCaPem));
  if (generations.length === 0) return false;
  const pinned = pinnedGeneration({ service: { ref } }, valueFrom, generations);
  return pinned !== undefined && cutOffGenerations({ ...mesh, generations }).has(pinned.id);
}
