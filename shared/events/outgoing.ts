import * as z from "zod";
import { AutopilotError } from "../base/errors.ts";
import { type AutopilotDetailType, eventSources, isAutopilotDetailType } from "../base/vocabulary.ts";
import type { BusEvent } from "../ports/ports.ts";
import { emitted, eventSchema } from "./emitted.ts";
import {
  fleetContestedDetail,
  ledgerRestoredDetail,
  meshGatewayAmbiguousDetail,
  meshIdentityWarnedDetail,
  meshShapeUnknownDetail,
  servicesOrphanedDetail,
} from "./mesh-details.ts";
import {
  rolledBackDetail,
  rolloutCompletedDetail,
  rolloutPausedDetail,
  rolloutRefusedDetail,
  rolloutStartedDetail,
  waveCompletedDetail,
} from "./rollout-details.ts";
import {
  rootCaChangedDetail,
  rootCaEmergencyDetail,
  rootCaExpiringDetail,
  rootCaRetirableDetail,
  rootCaStageDetail,
} from "./root-ca-details.ts";
import { serviceSchemas } from "./service-schemas.ts";

/** The schema of every event. The type takes no map in which one is missing or under another name. */
const schemas = {
  ...serviceSchemas,
  "Root CA Changed": eventSchema("Root CA Changed", rootCaChangedDetail),
  "Root CA Emergency": eventSchema("Root CA Emergency", rootCaEmergencyDetail),
  "Root CA Stage": eventSchema("Root CA Stage", rootCaStageDetail),
  "Root CA Retirable": eventSchema("Root CA Retirable", rootCaRetirableDetail),
  "Root CA Expiring": eventSchema("Root CA Expiring", rootCaExpiringDetail),
  "Mesh Gateway Ambiguous": eventSchema("Mesh Gateway Ambiguous", meshGatewayAmbiguousDetail),
  "Mesh Shape Unknown": eventSchema("Mesh Shape Unknown", meshShapeUnknownDetail),
  "Mesh Identity Warned": eventSchema("Mesh Identity Warned", meshIdentityWarnedDetail),
  "Services Orphaned": eventSchema("Services Orphaned", servicesOrphanedDetail),
  "Ledger Restored": eventSchema("Ledger Restored", ledgerRestoredDetail),
  "Fleet Contested": eventSchema("Fleet Contested", fleetContestedDetail),
  "Rollout Refused": eventSchema("Rollout Refused", rolloutRefusedDetail),
  "Rollout Started": eventSchema("Rollout Started", rolloutStartedDetail),
  "Rollout Wave Completed": eventSchema("Rollout Wave Completed", waveCompletedDetail),
  "Rollout Paused": eventSchema("Rollout Paused", rolloutPausedDetail),
  "Rollout Completed": eventSchema("Rollout Completed", rolloutCompletedDetail),
  "Rollout Rolled Back": eventSchema("Rollout Rolled Back", rolledBackDetail),
} as const satisfies { readonly [T in AutopilotDetailType]: z.ZodType<{ readonly detailType: T }> };
type Schema<T extends AutopilotDetailType = AutopilotDetailType> = (typeof schemas)[T];

/** An event that the autopilot emits, as its readers get it. */
export type OutgoingEvent = z.output<Schema>;
/** The detail of one kind of them. */
export type OutgoingDetailOf<T extends AutopilotDetailType> = Extract<OutgoingEvent, { detailType: T }>["detail"];
/** What a builder is given of an event's detail. */
export type OutgoingDetail<T extends AutopilotDetailType> = z.input<Schema<T>>["detail"];

/**
 * An event for the home bus, checked. Throws `AutopilotError` `unexpected-error` when the detail is not as declared:
 * unknown members, such as a token, are refused.
 */
export function outgoing<T extends AutopilotDetailType>(detailType: T, detail: OutgoingDetail<T>): BusEvent {
  return emitted(schemas[detailType], detailType, detail);
}

const envelopeSchema = z.object({
  source: z.literal(eventSources.autopilot),
  "detail-type": z.string(),
  detail: z.unknown(),
});

/**
 * One of the autopilot's own events as EventBridge delivers it. Throws `AutopilotError` `malformed-event` for any
 * other.
 */
export function readOutgoing(event: unknown): OutgoingEvent {
  const envelope = envelopeSchema.safeParse(event);
  if (!envelope.success) throw new AutopilotError("malformed-event", "The event is not one of the autopilot's.");
  const { detail, "detail-type": detailType } = envelope.data;
  if (!isAutopilotDetailType(detailType)) {
    throw new AutopilotError("malformed-event", `The autopilot emits no event of the type ${detailType}.`);
  }
  const parsed = schemas[detailType].safeParse({ detailType, detail });
  if (parsed.success) return parsed.data;
  throw new AutopilotError("malformed-event", `${detailType}: ${z.prettifyError(parsed.error)}`);
}
