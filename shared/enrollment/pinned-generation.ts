import type { MeshGeneration } from "../model/mesh.ts";
import type { ObservedService } from "../model/service.ts";
import { pinsVersion, stagePrefixOfToken } from "./definition.ts";
import { desiredSecret } from "./desired.ts";
import { tokenIdentityOf } from "./wish.ts";

/** The newest generation whose token, for the pinned secret's identity, the `valueFrom` pins. Throws `invalid-pem`. */
export function pinnedGeneration(
  { service }: { readonly service: Pick<ObservedService, "ref"> },
  valueFrom: string,
  generations: readonly MeshGeneration[],
): MeshGeneration | undefined {
  const identity = tokenIdentityOf(valueFrom);
  if (!identity) return undefined;
  return generations.findLast(({ facts }) =>
    pinsVersion(service, desiredSecret(identity, facts, stagePrefixOfToken(valueFrom)), valueFrom),
  );
}
