import * as z from "zod";
import { serviceArnSchema } from "../base/arn.ts";
import { eventSources, type OperatorDetailType } from "../base/vocabulary.ts";
import { overridesSchema, requestedKinds, rolloutIdSchema, scopeSchema } from "../model/rollout.ts";
import { AUTOPILOT } from "../rollout/wish.ts";

/** Who asks. In the autopilot's own name nobody does: its rollouts follow the fleet's values, and end with them. */
const by = z
  .string()
  .min(1)
  .max(200)
  .refine((name) => name.toLowerCase().replace(/[^a-z-]/g, "") !== AUTOPILOT, `not ${AUTOPILOT}: who asks for it`)
  .default("an operator");

const requestedSchema = z.strictObject({
  /** The rollout's id, where the requester chooses one. Without it, one is made of the event's id. */
  rolloutId: rolloutIdSchema.optional(),
  kind: z.enum(requestedKinds),
  scope: scopeSchema.default({}),
  image: z.string().max(512).optional(),
  why: z.string().max(500).default(""),
  requestedBy: by,
  overrides: overridesSchema.default({}),
});
/** A request to roll back a rollout, also one that has completed. */
const rollbackSchema = z.strictObject({
  kind: z.literal("rollback"),
  rolloutId: rolloutIdSchema,
  why: z.string().max(500).default(""),
  requestedBy: by,
  overrides: z.strictObject({ ignoreFreeze: z.boolean().optional() }).default({}),
});
export const rolloutRequestSchema = z.union([requestedSchema, rollbackSchema]);
/** The detail of `Rollout Requested`. */
export type RolloutRequest = z.output<typeof rolloutRequestSchema>;

export const controlActions = ["pause", "resume", "approve", "abort", "rollback"] as const;
export type ControlAction = (typeof controlActions)[number];
export const rolloutControlSchema = z.strictObject({
  rolloutId: rolloutIdSchema,
  action: z.enum(controlActions),
  requestedBy: by,
});
/** The detail of `Rollout Control`. */
export type RolloutControl = z.output<typeof rolloutControlSchema>;

/** More are released by several events. */
export const MAX_RELEASED = 100;
export const releaseRequestSchema = z.strictObject({
  serviceArns: z.array(serviceArnSchema).min(1).max(MAX_RELEASED),
  requestedBy: by,
});
/** The detail of `Release Requested`. */
export type ReleaseRequest = z.output<typeof releaseRequestSchema>;

const eventSchema = z.object({
  id: z.string().min(1),
  source: z.literal(eventSources.operator),
  "detail-type": z.string(),
  detail: z.unknown(),
});

/**
 * The detail of an operator's event of this detail type, not yet checked, and its id; undefined for any other event.
 */
export function operatorEvent(
  event: unknown,
  detailType: OperatorDetailType,
): { readonly detail: unknown; readonly eventId: string } | undefined {
  const parsed = eventSchema.safeParse(event).data;
  return parsed?.["detail-type"] === detailType ? { detail: parsed.detail, eventId: parsed.id } : undefined;
}
