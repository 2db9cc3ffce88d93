import * as z from "zod";

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
