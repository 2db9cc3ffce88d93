import * as z from "zod";
import { type Envelope, forService, type Incoming, ignored } from "./envelope.ts";

const endSchema = z.object({ serviceArn: z.string().min(1) });

/** A roll has ended: what changed while it held the service's lease is looked at now. */
export function endOfRoll(event: Envelope): Incoming {
  const cause = event["detail-type"];
  return forService(endSchema.parse(event.detail).serviceArn, (serviceArn) => ({
    kind: "reconcile-service",
    serviceArn,
    cause,
  }));
}

const rotatedSchema = z.object({ controlPlane: z.string().min(1).optional() });

/** From a GitOps pipeline or a job in the cluster. */
export function rootCaRotated(event: Envelope): Incoming {
  return { kind: "root-ca-rotated", controlPlane: rotatedSchema.parse(event.detail).controlPlane };
}

const secretSchema = z.object({ name: z.string().min(1), labelUpdated: z.string() });

/** https://docs.aws.amazon.com/secretsmanager/latest/userguide/event-detail-secret-label-updated-secretsmanager.html */
export function secretEvent(event: Envelope): Incoming {
  const { name, labelUpdated } = secretSchema.parse(event.detail);
  // Whatever the secret is for: only that of the root CA leads here.
  return labelUpdated === "AWSCURRENT"
    ? { kind: "root-ca-rotated", controlPlane: undefined }
    : ignored("other-secret-label", `${name}: ${labelUpdated}`);
}

const parameterSchema = z.object({ operation: z.string(), name: z.string().min(1) });

/** https://docs.aws.amazon.com/systems-manager/latest/userguide/monitoring-systems-manager-event-examples.html */
export function parameterEvent(event: Envelope): Incoming {
  const { operation, name } = parameterSchema.parse(event.detail);
  if (operation === "Delete") return ignored("parameter-deleted", name);
  return { kind: "image-parameter-changed", account: event.account, region: event.region, parameterName: name };
}
