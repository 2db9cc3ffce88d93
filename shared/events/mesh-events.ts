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

/** Two writers change in turns what the fleet should have. */
export function fleetContested(detail: OutgoingDetail<"Fleet Contested">): BusEvent {
  return outgoing("Fleet Contested", detail);
}
