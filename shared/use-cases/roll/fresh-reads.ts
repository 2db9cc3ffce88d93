import type { MeshState } from "../../model/mesh.ts";
import type { Ledger, RolloutLedger } from "../../ports/ledger.ts";
import type { ControlPlaneCalls } from "../../ports/ports.ts";
import { freshMesh } from "../observe/fresh-mesh.ts";
import type { FleetReads } from "../observe/observe.ts";

/** The mesh from the control plane's own answer, which is asked once per step; the fleet from the ledger. */
export function freshReads(calls: {
  readonly ledger: Pick<Ledger, "changeMesh"> & Pick<RolloutLedger, "getFleet">;
  readonly controlPlane: (name: string) => Pick<ControlPlaneCalls, "readMeshFacts">;
}): FleetReads {
  const meshes = new Map<string, Promise<MeshState | undefined>>();
  return {
    mesh: (name) => {
      const mesh = meshes.get(name) ?? freshMesh(name, calls);
      meshes.set(name, mesh);
      return mesh;
    },
    fleet: () => calls.ledger.getFleet(),
  };
}
