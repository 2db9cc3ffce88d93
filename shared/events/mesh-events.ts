import type { OrphanReason } from "../model/reasons.ts";
import type { BusEvent } from "../ports/ports.ts";
import { type OutgoingDetail, outgoing } from "./outgoing.ts";

/** Several Services of a control plane expose istiod. */
export function meshGatewayAmbiguous(detail: OutgoingDetail<"Mesh Gateway Ambiguous">): BusEvent {
  return outgoing("Mesh Gateway Ambiguous", detail);
}

/** No WorkloadEntry of a control plane has a mark that proves a task: rolls end unverified. */
export function meshShapeUnknown(detail: OutgoingDetail<"Mesh Shape Unknown">): BusEvent {
  return outgoing("Mesh Shape Unknown", detail);
}

/** Something is wrong with a role, a service account or a namespace that services in the mesh share. */
export function meshIdentityWarned(detail: OutgoingDetail<"Mesh Identity Warned">): BusEvent {
  return outgoing("Mesh Identity Warned", detail);
}

/** An event has 256 KB at most, and people read the first few. */
const MAX_NAMED = 20;

/** No sweep reads these services in the mesh any more; or an operator has released them. */
export function servicesOrphaned(
  state: "orphaned" | "released",
  services: readonly { readonly serviceArn: string; readonly why: OrphanReason }[],
  by?: string,
): BusEvent {
  const named = services.slice(0, MAX_NAMED).map(({ serviceArn, why }) => ({ serviceArn, why }));
  const detail = { state, services: services.length, named, ...(by !== undefined && { by }) };
  return outgoing("Services Orphaned", detail);
}

/** The ledger was emptied or restored to an earlier time; or what runs is adopted since. */
export function ledgerRestored(detail: OutgoingDetail<"Ledger Restored">): BusEvent {
  return outgoing("Ledger Restored", detail);
}

/** Two writers change in turns what the fleet should have. */
export function fleetContested(detail: OutgoingDetail<"Fleet Contested">): BusEvent {
  return outgoing("Fleet Contested", detail);
}
