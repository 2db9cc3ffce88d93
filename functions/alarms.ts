import type { Place } from "../shared/base/arn.ts";
import { alarmsGateway } from "../shared/gateways/aws/alarms.ts";
import type { AlarmCalls } from "../shared/ports/ports.ts";
import { environmentContext, type FunctionContext } from "./context.ts";

/** CloudWatch alarms by account and region. */
export type Alarms = (place: Place) => AlarmCalls;

/** The alarms of every account and region. Only the functions that guard a rollout import this. */
export function placedAlarms({ clients }: Pick<FunctionContext, "clients">): Alarms {
  return (place) => alarmsGateway(clients.at(place));
}

/** The alarms of a deployed function. */
export function environmentAlarms(): Alarms {
  return placedAlarms(environmentContext());
}
