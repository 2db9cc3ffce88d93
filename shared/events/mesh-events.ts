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
