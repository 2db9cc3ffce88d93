import type { MeshState } from "../../model/mesh.ts";
import type { RolloutLedger } from "../../ports/ledger.ts";
import { type FreshMeshCalls, freshMesh, lastGoodMesh } from "../observe/fresh-mesh.ts";
import type { FleetReads } from "../observe/observe.ts";

/**
 * The mesh from the control plane's own answer, which is asked once per step; the fleet from the ledger. For a service
 * in the mesh, the last good answer stands in for one that can't be used; another one joins by a good one alone.
 */
export function freshReads(
  isEnrolled: boolean,
  calls: FreshMeshCalls & { readonly ledger: Pick<RolloutLedger, "getFleet"> },
): FleetReads {
  const meshes = new Map<string, Promise<MeshState | undefined>>();
  return {
    mesh: (name) => {
      const mesh = meshes.get(name) ?? (isEnrolled ? lastGoodMesh : freshMesh)(name, calls);
      meshes.set(name, mesh);
      return mesh;
    },
    fleet: () => calls.ledger.getFleet(),
  };
}
