import type { AutopilotDetailType } from "../base/vocabulary.ts";
import { eventSchema } from "./emitted.ts";
import {
  contestedDetail,
  driftCorrectedDetail,
  enrolledDetail,
  refusedDetail,
  rollFailedDetail,
  rollSupersededDetail,
  throttledDetail,
  unenrolledDetail,
  unhealthyDetail,
  updatedDetail,
  warnedDetail,
} from "./service-details.ts";

/** The schemas of events about a service. Functions that emit no others carry these alone. */
export const serviceSchemas = {
  "Service Enrolled": eventSchema("Service Enrolled", enrolledDetail),
  "Service Updated": eventSchema("Service Updated", updatedDetail),
  "Service Unenrolled": eventSchema("Service Unenrolled", unenrolledDetail),
  "Service Refused": eventSchema("Service Refused", refusedDetail),
  "Service Warned": eventSchema("Service Warned", warnedDetail),
  "Service Roll Failed": eventSchema("Service Roll Failed", rollFailedDetail),
  "Service Unhealthy": eventSchema("Service Unhealthy", unhealthyDetail),
  "Service Contested": eventSchema("Service Contested", contestedDetail),
  "Service Throttled": eventSchema("Service Throttled", throttledDetail),
  "Service Roll Superseded": eventSchema("Service Roll Superseded", rollSupersededDetail),
  "Drift Corrected": eventSchema("Drift Corrected", driftCorrectedDetail),
} as const satisfies { readonly [T in AutopilotDetailType]?: unknown };
