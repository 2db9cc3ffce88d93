import { pinnedGeneration } from "../../shared/enrollment/pinned-generation.ts";
import type { MeshState } from "../../shared/model/mesh.ts";
import type { ObservedService } from "../../shared/model/service.ts";
import { cutOffGenerations } from "../../shared/trust/cut-off.ts";
import { newestOf } from "../../shared/trust/record.ts";
import { fingerprintsOf } from "../../shared/use-cases/rotation/root-rotation.ts";

/** Which of its mesh's facts a service's bootstrap token was made of. */
export interface TokenRoot {
  /** The generation of the mesh facts. */
  readonly factsId: string;
  /** True: the newest generation. */
  readonly newest: boolean;
  /** True: it trusts none of the newest bundle's certificates. */
  readonly cutOff: boolean;
  /** SHA-256 fingerprints of the certificates that it trusts. */
  readonly fingerprints: readonly string[];
}

/**
 * The generation of mesh facts whose token the service pins; `undefined` for a token of facts that are not known any
 * more. By the secret version's id, which is the token's hash: no secret is read. Throws
 * `invalid-pem`.
 */
export function tokenRoot(
  { service }: { readonly service: ObservedService },
  valueFrom: string,
  mesh: MeshState,
): TokenRoot | undefined {
  const found = pinnedGeneration({ service }, valueFrom, mesh.generations);
  return (
    found && {
      factsId: found.id,
      newest: found.id === newestOf(mesh).id,
      cutOff: cutOffGenerations(mesh).has(found.id),
      fingerprints: fingerprintsOf(found),
    }
  );
}
