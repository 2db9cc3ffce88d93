import * as z from "zod";
import { AutopilotError } from "../base/errors.ts";
import { isJsonObject } from "../base/json.ts";
import { type AutopilotDetailType, eventSources, isAutopilotDetailType } from "../base/vocabulary.ts";
import type { BusEvent } from "../ports/ports.ts";
import {
  fleetContestedDetail,
  meshGatewayAmbiguousDetail,
  meshIdentityWarnedDetail,
  meshShapeUnknownDetail,
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
} from "./root-ca-details.ts";
import {
  contestedDetail,
  driftCorrectedDetail,
  enrolledDetail,
  refusedDetail,
  rollFailedDetail,
  rollSupersededDetail,
  unenrolledDetail,
  unhealthyDetail,
  updatedDetail,
  warnedDetail,
} from "./service-details.ts";

/** A detail's schema is built when the first event is checked: most functions emit few kinds, or none. */
function event<T extends AutopilotDetailType, S extends z.ZodObject>(detailType: T, detail: () => S) {
  return z.object({ detailType: z.literal(detailType), detail: z.lazy(detail) });
}

/** The schema of every event. The type takes no map in which one is missing or under another name. */
const schemas = {
  "Service Enrolled": event("Service Enrolled", enrolledDetail),
  "Service Updated": event("Service Updated", updatedDetail),
  "Service Unenrolled": event("Service Unenrolled", unenrolledDetail),
  "Service Refused": event("Service Refused", refusedDetail),
  "Service Warned": event("Service Warned", warnedDetail),
  "Service Roll Failed": event("Service Roll Failed", rollFailedDetail),
  "Service Unhealthy": event("Service Unhealthy", unhealthyDetail),
  "Service Contested": event("Service Contested", contestedDetail),
  "Service Roll Superseded": event("Service Roll Superseded", rollSupersededDetail),
  "Drift Corrected": event("Drift Corrected", driftCorrectedDetail),
  "Root CA Changed": event("Root CA Changed", rootCaChangedDetail),
  "Root CA Emergency": event("Root CA Emergency", rootCaEmergencyDetail),
  "Root CA Retirable": event("Root CA Retirable", rootCaRetirableDetail),
  "Root CA Expiring": event("Root CA Expiring", rootCaExpiringDetail),
  "Mesh Gateway Ambiguous": event("Mesh Gateway Ambiguous", meshGatewayAmbiguousDetail),
  "Mesh Shape Unknown": event("Mesh Shape Unknown", meshShapeUnknownDetail),
  "Mesh Identity Warned": event("Mesh Identity Warned", meshIdentityWarnedDetail),
  "Fleet Contested": event("Fleet Contested", fleetContestedDetail),
  "Rollout Refused": event("Rollout Refused", rolloutRefusedDetail),
  "Rollout Started": event("Rollout Started", rolloutStartedDetail),
  "Rollout Wave Completed": event("Rollout Wave Completed", waveCompletedDetail),
  "Rollout Paused": event("Rollout Paused", rolloutPausedDetail),
  "Rollout Completed": event("Rollout Completed", rolloutCompletedDetail),
  "Rollout Rolled Back": event("Rollout Rolled Back", rolledBackDetail),
} as const satisfies { readonly [T in AutopilotDetailType]: z.ZodType<{ readonly detailType: T }> };
type Schema<T extends AutopilotDetailType = AutopilotDetailType> = (typeof schemas)[T];

/** An event that the autopilot emits, as its readers get it. */
export type OutgoingEvent = z.output<Schema>;
/** What a builder is given of an event's detail. */
export type OutgoingDetail<T extends AutopilotDetailType> = z.input<Schema<T>>["detail"];

/**
 * An event for the home bus, checked. Throws `AutopilotError` `unexpected-error` when the detail is not as declared:
 * unknown members, such as a token, are refused.
 */
export function outgoing<T extends AutopilotDetailType>(detailType: T, detail: OutgoingDetail<T>): BusEvent {
  const parsed = schemas[detailType].safeParse({ detailType, detail });
  if (!parsed.success) {
    // Names of members only: a wrong value may be a secret.
    const members = parsed.error.issues.map(({ code, path }) => `${path.join(".")} (${code})`);
    throw new AutopilotError("unexpected-error", `${detailType} cannot be emitted: ${members.join(", ")}`);
  }
  const members: unknown = Object.fromEntries(
    Object.entries(parsed.data.detail).filter(([, value]) => value !== undefined),
  );
  if (!isJsonObject(members)) throw new AutopilotError("unexpected-error", `${detailType} has no detail.`);
  const { serviceArn } = members;
  return { detailType, detail: members, resources: typeof serviceArn === "string" ? [serviceArn] : [] };
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
