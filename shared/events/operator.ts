import * as z from "zod";
import { overridesSchema, rolloutIdSchema, rolloutKinds, scopeSchema } from "../model/rollout.ts";

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

const askedSchema = z.object({
  id: z.string().min(1),
  source: z.literal("ztunnel-autopilot.operator"),
  "detail-type": z.string(),
  detail: z.unknown(),
});

/** What an operator's event of this detail-type carries, not yet checked, and its id; undefined for any other event. */
export function operatorEvent(
  event: unknown,
  detailType: "Rollout Requested" | "Rollout Control",
): { readonly detail: unknown; readonly eventId: string } | undefined {
  const asked = askedSchema.safeParse(event).data;
  return asked?.["detail-type"] === detailType ? { detail: asked.detail, eventId: asked.id } : undefined;
}
