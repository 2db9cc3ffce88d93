import * as z from "zod";
import { type Envelope, forService, type Incoming } from "./envelope.ts";

const rollEndedSchema = z.object({ serviceArn: z.string().min(1) });

/** A roll has ended: what changed while it held the service's lease is reconciled now. */
export function rollEndedEvent(event: Envelope): Incoming {
  const cause = event["detail-type"];
  return forService(rollEndedSchema.parse(event.detail).serviceArn, (serviceArn) => ({
    kind: "reconcile-service",
    serviceArn,
    cause,
  }));
}

const rotatedSchema = z.object({ controlPlane: z.string().min(1).optional() });

/** An operator's event, from a GitOps pipeline or a job in the cluster: a root CA was rotated. */
export function rootCaRotatedEvent(event: Envelope): Incoming {
  return { kind: "root-ca-rotated", controlPlane: rotatedSchema.parse(event.detail).controlPlane };
}
