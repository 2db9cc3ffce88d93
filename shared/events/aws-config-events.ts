import * as z from "zod";
import { type Envelope, type Incoming, ignored } from "./envelope.ts";

const secretSchema = z.object({ name: z.string().min(1), labelUpdated: z.string() });

/**
 * A secret has a new current version. Only the secret that holds the mesh's root CA has a rule, so the name is not
 * read.
 * https://docs.aws.amazon.com/secretsmanager/latest/userguide/event-detail-secret-label-updated-secretsmanager.html
 */
export function secretEvent(event: Envelope): Incoming {
  const { name, labelUpdated } = secretSchema.parse(event.detail);
  return labelUpdated === "AWSCURRENT"
    ? { kind: "root-ca-rotated", controlPlane: undefined }
    : ignored("other-secret-label", `${name}: ${labelUpdated}`);
}

const parameterSchema = z.object({ operation: z.string(), name: z.string().min(1) });

/**
 * The parameter that holds the fleet's image was written or deleted.
 * https://docs.aws.amazon.com/systems-manager/latest/userguide/monitoring-systems-manager-event-examples.html
 */
export function parameterEvent(event: Envelope): Incoming {
  const { operation, name } = parameterSchema.parse(event.detail);
  if (operation === "Delete") return ignored("parameter-deleted", name);
  return { kind: "image-parameter-changed", account: event.account, region: event.region, parameterName: name };
}
