import type { BusEvent } from "../ports/ports.ts";
import { type OutgoingDetail, outgoing } from "./outgoing.ts";

/** A control plane has another root CA bundle. */
export function rootCaChanged(detail: OutgoingDetail<"Root CA Changed">): BusEvent {
  return outgoing("Root CA Changed", detail);
}

/** Tasks trust none of the bundle's certificates still, or none does any more. */
export function rootCaEmergency(detail: OutgoingDetail<"Root CA Emergency">): BusEvent {
  return outgoing("Root CA Emergency", detail);
}

/** No running task needs these certificates any more, while a rotation brings others. */
export function rootCaRetirable(detail: OutgoingDetail<"Root CA Retirable">): BusEvent {
  return outgoing("Root CA Retirable", detail);
}

/** A rotation has come to its next stage. */
export function rootCaStage(detail: OutgoingDetail<"Root CA Stage">): BusEvent {
  return outgoing("Root CA Stage", detail);
}

/** A certificate of a control plane's root CA bundle ends soon. */
export function rootCaExpiring(detail: OutgoingDetail<"Root CA Expiring">): BusEvent {
  return outgoing("Root CA Expiring", detail);
}
