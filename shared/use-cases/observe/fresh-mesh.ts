import type { MeshState } from "../../model/mesh.ts";
import type { Ledger } from "../../ports/ledger.ts";
import type { ControlPlaneCalls } from "../../ports/ports.ts";
import { parseBundle } from "../../trust/bundle.ts";
import { withNewFacts } from "../../trust/record.ts";

/**
 * The mesh from the control plane's own answer, which is recorded in the ledger, so that reconciles decide from the
 * same facts. Throws `invalid-pem` and leaves the ledger unchanged when the root CA is not a list of certificates.
 */
export async function freshMesh(
  name: string,
  calls: {
    readonly ledger: Pick<Ledger, "changeMesh">;
    readonly controlPlane: (name: string) => Pick<ControlPlaneCalls, "readMeshFacts">;
  },
): Promise<MeshState | undefined> {
  const facts = await calls.controlPlane(name).readMeshFacts();
  parseBundle(facts.rootCaPem);
  return (await calls.ledger.changeMesh(name, (mesh) => ({ next: withNewFacts(mesh, facts) }))).stored;
}
