import * as z from "zod";
import { clusterArnOf, type ServiceRef, serviceArnSchema } from "../base/arn.ts";
import { AutopilotError, type FailureCode, failures } from "../base/errors.ts";
import { isJsonObject } from "../base/json.ts";
import {
  type DriftReason,
  driftReasons,
  type Refusal,
  type RefusalReason,
  refusals,
  type Warning,
  type WarningCode,
  warnings,
} from "../model/reasons.ts";
import { rolloutKinds } from "../model/rollout.ts";
import type { BusEvent } from "../ports/ports.ts";

/** Source of every event that the autopilot emits. */
export const SOURCE = "ztunnel-autopilot";

const MAX_TEXT = 1000;
/** Texts of others (tags, error messages) are cut: an event must stay below EventBridge's size. */
const text = z.string().overwrite((value) => (value.length > MAX_TEXT ? `${value.slice(0, MAX_TEXT - 1)}…` : value));

/** A member of a closed set, given as the keys of an object. */
function keyOf<K extends string>(set: Readonly<Record<K, unknown>>) {
  return z.custom<K>((value) => typeof value === "string" && Object.hasOwn(set, value), "a reason of the closed set");
}

const drift = keyOf<DriftReason>(driftReasons);
/** A failure code; any other text is `unexpected-error`. */
export const failureCode = keyOf<FailureCode>(failures).catch("unexpected-error");

/** Unknown members are errors: what is not named here, a token least of all, does not go out. */
const version = z.literal(1).default(1);
const service = {
  version,
  serviceArn: serviceArnSchema,
  clusterArn: z.string(),
  account: z.string(),
  region: z.string(),
};
/** Set when the roll belongs to a rollout, whose own message tells of it. */
const inRollout = { rolloutId: z.string().optional() };
const change = {
  ...service,
  executionName: z.string(),
  ...inRollout,
  /** The revision that the service runs now, and the one before. */
  taskDefinitionArn: z.string(),
  previousTaskDefinitionArn: z.string().optional(),
};
const sidecar = {
  namespace: z.string().optional(),
  serviceAccount: z.string().optional(),
  image: z.string().optional(),
  secretVersionId: z.string().optional(),
};
const rootCa = { version, controlPlane: z.string(), network: z.string().optional() };

const enrolledSchema = () => z.strictObject({ ...change, ...sidecar });
const updatedSchema = () =>
  z.strictObject({
    ...change,
    ...sidecar,
    drift: z.array(drift),
    /** Something called for a look at the service during the roll. */
    recheckRequested: z.literal(true).optional(),
  });
const unenrolledSchema = () => z.strictObject({ ...change, reason: z.enum(["tag-removed", "tag-false"]).optional() });
const refusedSchema = () =>
  z.strictObject({
    ...service,
    executionName: z.string().optional(),
    ...inRollout,
    refusals: z.array(z.strictObject({ reason: keyOf<RefusalReason>(refusals), detail: text })).min(1),
  });
const warnedSchema = () =>
  z.strictObject({
    ...service,
    warnings: z.array(z.strictObject({ code: keyOf<WarningCode>(warnings), detail: text })).min(1),
  });
const failedSchema = () =>
  z.strictObject({
    ...service,
    executionName: z.string(),
    ...inRollout,
    code: failureCode,
    /** Which container of which task failed, and how. */
    sentence: text,
    /** True: the service runs `revertedTo` again. False: it does not, somebody has to look. */
    reverted: z.boolean(),
    failedTaskDefinitionArn: z.string().optional(),
    revertedTo: z.string().optional(),
    consecutiveFailures: z.int().positive().optional(),
    /** The same is not tried again before. */
    nextAttemptAt: z.iso.datetime().optional(),
  });
const supersededSchema = () => z.strictObject({ ...service, executionName: z.string(), ...inRollout, reason: text });
const driftCorrectedSchema = () => z.strictObject({ ...change, drift: z.array(drift).min(1) });
const rootCaChangedSchema = () =>
  z.strictObject({
    ...rootCa,
    fingerprints: z.array(z.string()).min(1),
    previousFingerprints: z.array(z.string()),
    /** Running tasks that trust none of the bundle's certificates any more: they lose the mesh. */
    cutOff: z.strictObject({ services: z.int().nonnegative(), tasks: z.int().nonnegative() }).optional(),
  });
/** No running task needs these certificates any more: the bundle may drop them. */
const rootCaRetirableSchema = () =>
  z.strictObject({
    ...rootCa,
    fingerprints: z.array(z.string()).min(1),
    remaining: z.array(z.string()).min(1),
  });
const rootCaExpiringSchema = () =>
  z.strictObject({
    ...rootCa,
    fingerprint: z.string(),
    subject: text,
    notAfter: z.iso.datetime(),
    daysLeft: z.int(),
  });

const rollout = { version, rolloutId: z.string(), kind: z.enum(rolloutKinds) };
const counts = {
  services: z.int().nonnegative(),
  succeeded: z.int().nonnegative(),
  failed: z.int().nonnegative(),
  /** As they should be already, refused, or changed by somebody else meanwhile. */
  skipped: z.int().nonnegative(),
};
const rolloutStartedSchema = () =>
  z.strictObject({
    ...rollout,
    why: text,
    requestedBy: text,
    services: z.int().nonnegative(),
    waves: z.int().nonnegative(),
  });
const rolloutRefusedSchema = () =>
  z.strictObject({
    version,
    rolloutId: z.string(),
    kind: text,
    requestedBy: text,
    code: failureCode,
    detail: text,
  });
const waveCompletedSchema = () =>
  z.strictObject({
    ...rollout,
    wave: z.string(),
    /** From 1. */
    number: z.int().positive(),
    waves: z.int().positive(),
    ...counts,
  });
const rolloutPausedSchema = () =>
  z.strictObject({
    ...rollout,
    hold: z.enum(["operator", "approval", "freeze"]),
    detail: text,
    nextWave: z.string().optional(),
    until: z.iso.datetime().optional(),
  });
const rolloutCompletedSchema = () =>
  z.strictObject({
    ...rollout,
    outcome: z.enum(["completed", "aborted", "superseded", "failed"]),
    code: failureCode.optional(),
    detail: text,
    ...counts,
    durationSeconds: z.number().nonnegative(),
  });
const rolledBackSchema = () =>
  z.strictObject({
    ...rollout,
    code: failureCode,
    detail: text,
    rolledBack: z.int().nonnegative(),
    /** Changed by somebody else since: left alone. */
    left: z.int().nonnegative(),
    stuck: z.int().nonnegative(),
    /** The first of those that could not be taken back. */
    stuckServices: z.array(z.string()).max(20),
    durationSeconds: z.number().nonnegative(),
  });

/** A detail's schema is built when the first event is checked: a function that only looks emits none. */
function emitted<T extends string, S extends z.ZodObject>(detailType: T, detail: () => S) {
  return z.object({ detailType: z.literal(detailType), detail: z.lazy(detail) });
}

const outgoingSchema = z.discriminatedUnion("detailType", [
  emitted("Service Enrolled", enrolledSchema),
  emitted("Service Updated", updatedSchema),
  emitted("Service Unenrolled", unenrolledSchema),
  emitted("Service Refused", refusedSchema),
  emitted("Service Warned", warnedSchema),
  emitted("Service Roll Failed", failedSchema),
  emitted("Service Roll Superseded", supersededSchema),
  emitted("Drift Corrected", driftCorrectedSchema),
  emitted("Root CA Changed", rootCaChangedSchema),
  emitted("Root CA Retirable", rootCaRetirableSchema),
  emitted("Root CA Expiring", rootCaExpiringSchema),
  emitted("Rollout Started", rolloutStartedSchema),
  emitted("Rollout Refused", rolloutRefusedSchema),
  emitted("Rollout Wave Completed", waveCompletedSchema),
  emitted("Rollout Paused", rolloutPausedSchema),
  emitted("Rollout Completed", rolloutCompletedSchema),
  emitted("Rollout Rolled Back", rolledBackSchema),
]);

/** An event that the autopilot emits, as whoever reads it gets it. */
export type OutgoingEvent = z.output<typeof outgoingSchema>;
export type OutgoingType = OutgoingEvent["detailType"];
type OutgoingInput = z.input<typeof outgoingSchema>;
/** What a builder is given of an event's detail. */
export type OutgoingDetail<T extends OutgoingType> = Extract<OutgoingInput, { detailType: T }>["detail"];
/** The same without the members that follow from the service. */
type Told<T extends OutgoingType> = Omit<OutgoingDetail<T>, keyof typeof service>;

/** Every detail-type that the autopilot emits. */
export const outgoingTypes: readonly OutgoingType[] = outgoingSchema.options.map(({ shape }) => shape.detailType.value);

/**
 * An event for the home bus, checked. Throws `AutopilotError` `unexpected-error` when the detail is not as declared:
 * unknown members, such as a token, are not let through.
 */
export function outgoing<T extends OutgoingType>(detailType: T, detail: OutgoingDetail<T>): BusEvent {
  const parsed = outgoingSchema.safeParse({ detailType, detail });
  if (!parsed.success) {
    // Names of members only: a wrong value may be a secret.
    const members = parsed.error.issues.map(({ code, path }) => `${path.join(".")} (${code})`);
    throw new AutopilotError("unexpected-error", `${detailType} cannot be emitted: ${members.join(", ")}`);
  }
  const told: unknown = Object.fromEntries(
    Object.entries(parsed.data.detail).filter(([, value]) => value !== undefined),
  );
  if (!isJsonObject(told)) throw new AutopilotError("unexpected-error", `${detailType} has no detail.`);
  const { serviceArn } = told;
  return { detailType, detail: told, resources: typeof serviceArn === "string" ? [serviceArn] : [] };
}

const envelopeSchema = z.object({ source: z.literal(SOURCE), "detail-type": z.string(), detail: z.unknown() });

/**
 * One of the autopilot's own events as EventBridge delivers it. Throws `AutopilotError` `malformed-event` for any other.
 */
export function readOutgoing(event: unknown): OutgoingEvent {
  const envelope = envelopeSchema.safeParse(event);
  if (!envelope.success) throw new AutopilotError("malformed-event", "It is no event of the autopilot.");
  const { detail, "detail-type": detailType } = envelope.data;
  const parsed = outgoingSchema.safeParse({ detailType, detail });
  if (parsed.success) return parsed.data;
  throw new AutopilotError("malformed-event", `${detailType}: ${z.prettifyError(parsed.error)}`);
}

/** The members that name a service in every event about it. */
function about(ref: ServiceRef) {
  const { serviceArn, account, region } = ref;
  return { serviceArn, clusterArn: clusterArnOf(ref), account, region };
}

/** The service is in the mesh, verified. */
export function serviceEnrolled(ref: ServiceRef, told: Told<"Service Enrolled">): BusEvent {
  return outgoing("Service Enrolled", { ...about(ref), ...told });
}

/** The service was in the mesh, is as desired again, verified. */
export function serviceUpdated(ref: ServiceRef, told: Told<"Service Updated">): BusEvent {
  return outgoing("Service Updated", { ...about(ref), ...told });
}

/** The service is out of the mesh, its definition as it was before. */
export function serviceUnenrolled(ref: ServiceRef, told: Told<"Service Unenrolled">): BusEvent {
  return outgoing("Service Unenrolled", { ...about(ref), ...told });
}

/** The service is tagged and can't be enrolled: nothing was changed. */
export function serviceRefused(
  ref: ServiceRef,
  told: readonly Refusal[],
  inItsRollout: { readonly rolloutId?: string } = {},
): BusEvent {
  return outgoing("Service Refused", { ...about(ref), ...inItsRollout, refusals: told.map((one) => ({ ...one })) });
}

/** The service is enrolled all the same. */
export function serviceWarned(ref: ServiceRef, told: readonly Warning[]): BusEvent {
  return outgoing("Service Warned", { ...about(ref), warnings: told.map((one) => ({ ...one })) });
}

/** A roll has failed; `reverted` says whether the service is back. A code that is none of ours is `unexpected-error`. */
export function rollFailed(
  ref: ServiceRef,
  { code, ...told }: Omit<Told<"Service Roll Failed">, "code"> & { readonly code: string },
): BusEvent {
  return outgoing("Service Roll Failed", { ...about(ref), ...told, code: failureCode.parse(code) });
}

/** Somebody else deployed during a roll: it ended without touching anything more. */
export function rollSuperseded(ref: ServiceRef, told: Told<"Service Roll Superseded">): BusEvent {
  return outgoing("Service Roll Superseded", { ...about(ref), ...told });
}

/** A deployment had taken the service out of what it should be: it is so again. */
export function driftCorrected(ref: ServiceRef, told: Told<"Drift Corrected">): BusEvent {
  return outgoing("Drift Corrected", { ...about(ref), ...told });
}

/** A control plane's root CA bundle is another one. */
export function rootCaChanged(told: OutgoingDetail<"Root CA Changed">): BusEvent {
  return outgoing("Root CA Changed", told);
}

/** Certificates that no running task needs any more, while a rotation brings others. */
export function rootCaRetirable(told: OutgoingDetail<"Root CA Retirable">): BusEvent {
  return outgoing("Root CA Retirable", told);
}

/** A certificate of a control plane's root CA bundle ends soon. */
export function rootCaExpiring(told: OutgoingDetail<"Root CA Expiring">): BusEvent {
  return outgoing("Root CA Expiring", told);
}
