import { AutopilotError } from "../../base/errors.ts";
import type { MeshState } from "../../model/mesh.ts";
import type { Ledger } from "../../ports/ledger.ts";
import type { ControlPlaneCalls } from "../../ports/ports.ts";
import { withBundle, withNewFacts } from "../../trust/record.ts";

export interface FreshMeshCalls {
  readonly ledger: Pick<Ledger, "changeMesh" | "getMesh">;
  readonly controlPlane: (name: string) => Pick<ControlPlaneCalls, "readMeshFacts">;
}

/**
 * The mesh from the control plane's own answer, which is recorded in the ledger, so that reconciles decide from the
 * same facts. Throws `invalid-pem` and leaves the ledger unchanged when the root CA is not a list of certificates.
 */
export async function freshMesh(name: string, calls: FreshMeshCalls): Promise<MeshState | undefined> {
  const facts = withBundle(await calls.controlPlane(name).readMeshFacts());
  return (await calls.ledger.changeMesh(name, (mesh) => ({ next: withNewFacts(mesh, facts) }))).stored;
}

/**
 * The same. Where no time makes the answer usable (somebody has spoiled the root CA, the gateway is gone), the last one
 * that was: a service in the mesh must get its sidecar back meanwhile, and `watch-root-ca` says what is wrong.
 */
export async function lastGoodMesh(name: string, calls: FreshMeshCalls): Promise<MeshState | undefined> {
  try {
    return await freshMesh(name, calls);
  } catch (error) {
    if (!(error instanceof AutopilotError) || error.retryable) throw error;
    const known = await calls.ledger.getMesh(name);
    if (!known) throw error;
    return known;
  }
}
