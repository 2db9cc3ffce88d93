import { clusterArnOf, type ServiceRef } from "../base/arn.ts";
import type { AutopilotDetailType } from "../base/vocabulary.ts";
import type { Refusal, Warning } from "../model/reasons.ts";
import type { BusEvent } from "../ports/ports.ts";
import { emitted } from "./emitted.ts";
import { failureCode } from "./fields.ts";
import type { OutgoingDetail } from "./outgoing.ts";
import type { serviceFields } from "./service-details.ts";
import { serviceSchemas } from "./service-schemas.ts";

/** An event's detail without the members that follow from the service. */
type Rest<T extends AutopilotDetailType> = Omit<OutgoingDetail<T>, keyof typeof serviceFields>;

function outgoing<T extends keyof typeof serviceSchemas>(detailType: T, detail: OutgoingDetail<T>): BusEvent {
  return emitted(serviceSchemas[detailType], detailType, detail);
}

/** The members that name a service in every event about it. */
function about(ref: ServiceRef) {
  const { serviceArn, account, region } = ref;
  return { serviceArn, clusterArn: clusterArnOf(ref), account, region };
}

/** The service is in the mesh, verified. */
export function serviceEnrolled(ref: ServiceRef, detail: Rest<"Service Enrolled">): BusEvent {
  return outgoing("Service Enrolled", { ...about(ref), ...detail });
}

/** The service was in the mesh and is as desired again, verified. */
export function serviceUpdated(ref: ServiceRef, detail: Rest<"Service Updated">): BusEvent {
  return outgoing("Service Updated", { ...about(ref), ...detail });
}

/** The service is out of the mesh, its definition as it was before. */
export function serviceUnenrolled(ref: ServiceRef, detail: Rest<"Service Unenrolled">): BusEvent {
  return outgoing("Service Unenrolled", { ...about(ref), ...detail });
}

/** The service is tagged and can't be enrolled: nothing was changed. */
export function serviceRefused(
  ref: ServiceRef,
  refusals: readonly Refusal[],
  also: Pick<Rest<"Service Refused">, "rolloutId" | "enrolled" | "recheckRequested" | "known"> = {},
): BusEvent {
  const listed = refusals.map((refusal) => ({ ...refusal }));
  return outgoing("Service Refused", { ...about(ref), ...also, refusals: listed });
}

/** The service is enrolled, with warnings. */
export function serviceWarned(ref: ServiceRef, warnings: readonly Warning[]): BusEvent {
  return outgoing("Service Warned", { ...about(ref), warnings: warnings.map((warning) => ({ ...warning })) });
}

/**
 * A roll has failed; `reverted` says whether the service runs its pinned revision again. An unknown code becomes
 * `unexpected-error`.
 */
export function rollFailed(
  ref: ServiceRef,
  { code, ...detail }: Omit<Rest<"Service Roll Failed">, "code"> & { readonly code: string },
): BusEvent {
  return outgoing("Service Roll Failed", { ...about(ref), ...detail, code: failureCode.parse(code) });
}

/** An enrolled service's tasks keep dying, or it waits for somebody. An unknown code becomes `unexpected-error`. */
export function serviceUnhealthy(
  ref: ServiceRef,
  { code, ...detail }: Omit<Rest<"Service Unhealthy">, "code"> & { readonly code: string },
): BusEvent {
  return outgoing("Service Unhealthy", { ...about(ref), ...detail, code: failureCode.parse(code) });
}

/** Another controller puts its revision back after each correction. */
export function serviceContested(ref: ServiceRef, detail: Rest<"Service Contested">): BusEvent {
  return outgoing("Service Contested", { ...about(ref), ...detail });
}

/** Its tags have started as many rolls within an hour as they may. */
export function serviceThrottled(ref: ServiceRef, detail: Rest<"Service Throttled">): BusEvent {
  return outgoing("Service Throttled", { ...about(ref), ...detail });
}

/** Somebody else deployed during a roll, which ended without touching anything more. */
export function rollSuperseded(ref: ServiceRef, detail: Rest<"Service Roll Superseded">): BusEvent {
  return outgoing("Service Roll Superseded", { ...about(ref), ...detail });
}

/** Somebody else's change had taken the service out of what it should be, and it is so again. */
export function driftCorrected(ref: ServiceRef, detail: Rest<"Drift Corrected">): BusEvent {
  return outgoing("Drift Corrected", { ...about(ref), ...detail });
}
