import * as z from "zod";
import { overridesSchema, rolloutIdSchema, rolloutKinds, scopeSchema } from "../rollout/model.ts";
import { type Envelope, forService, type Incoming, ignored } from "./envelope.ts";

const endSchema = z.object({ serviceArn: z.string().min(1) });

/** A roll has ended: what changed while it held the service's lease is looked at now. */
export function endOfRoll(event: Envelope): Incoming {
  const cause = event["detail-type"];
  return forService(endSchema.parse(event.detail).serviceArn, (serviceArn) => ({
    kind: "look-at-service",
    serviceArn,
    cause,
  }));
}

const rotatedSchema = z.object({ controlPlane: z.string().min(1).optional() });

/** From a GitOps pipeline or a job in the cluster. */
export function rootCaRotated(event: Envelope): Incoming {
  return { kind: "root-ca-rotated", controlPlane: rotatedSchema.parse(event.detail).controlPlane };
}

const by = z.string().min(1).max(200).default("an operator");

const requestedSchema = z.strictObject({
  /** What whoever asks calls the rollout; without it, one is made of the event's id. */
  rolloutId: rolloutIdSchema.optional(),
  kind: z.enum(rolloutKinds),
  scope: scopeSchema.default({}),
  image: z.string().max(512).optional(),
  why: z.string().max(500).default(""),
  requestedBy: by,
  overrides: overridesSchema.default({}),
});
/** A request to take a rollout back, also one that has completed. */
const takeBackSchema = z.strictObject({
  kind: z.literal("rollback"),
  rolloutId: rolloutIdSchema,
  why: z.string().max(500).default(""),
  requestedBy: by,
  overrides: z.strictObject({ ignoreFreeze: z.boolean().optional() }).default({}),
});
export const rolloutRequestSchema = z.union([requestedSchema, takeBackSchema]);
/** What an operator asks for by `Rollout Requested`. */
export type RolloutRequest = z.output<typeof rolloutRequestSchema>;

export const controlActions = ["pause", "resume", "approve", "abort", "rollback"] as const;
export type ControlAction = (typeof controlActions)[number];
export const rolloutControlSchema = z.strictObject({
  rolloutId: rolloutIdSchema,
  action: z.enum(controlActions),
  requestedBy: by,
});
/** What an operator asks for by `Rollout Control`. */
export type RolloutControl = z.output<typeof rolloutControlSchema>;

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
