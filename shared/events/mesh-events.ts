import type { BusEvent } from "../ports/ports.ts";
import { type OutgoingDetail, outgoing } from "./outgoing.ts";

/** No WorkloadEntry of a control plane has a mark that proves a task: rolls end unverified. */
export function meshShapeUnknown(detail: OutgoingDetail<"Mesh Shape Unknown">): BusEvent {
  return outgoing("Mesh Shape Unknown", detail);
}
