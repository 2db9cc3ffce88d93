import type { ObservedService } from "../model/service.ts";
import { type ServicePatch, type ServiceState, serviceStateSchema } from "../model/service-state.ts";

/** Nobody deletes a service and creates it again within a second: its ARN has to become INACTIVE in between. */
const SAME_MS = 1000;

/**
 * True when what the ledger remembers is about an earlier service of this name, which was deleted since. Items of older
 * versions do not say when their service was created: there, a service that is younger than its last roll is another
 * one.
 */
export function isOfEarlierService(
  { createdAtMs: remembered, lastOutcome }: Pick<ServiceState, "createdAtMs" | "lastOutcome">,
  { createdAtMs }: Pick<ObservedService, "createdAtMs">,
): boolean {
  if (createdAtMs === undefined) return false;
  if (remembered !== undefined) return Math.abs(createdAtMs - remembered) >= SAME_MS;
  return lastOutcome !== undefined && createdAtMs - Date.parse(lastOutcome.at) >= SAME_MS;
}

/** True where both times are known and belong to two services of one name. */
export function isAnotherService(
  { createdAtMs }: Pick<ObservedService, "createdAtMs">,
  plannedAtMs: number | null,
): boolean {
  return createdAtMs !== undefined && plannedAtMs !== null && Math.abs(createdAtMs - plannedAtMs) >= SAME_MS;
}

/**
 * A service's memory as it begins: nothing of an earlier service of its name counts, neither its revisions nor its
 * failures. The number of attempts goes on, since it is part of the names of executions.
 */
export function newMemory({ createdAtMs }: Pick<ObservedService, "createdAtMs">): ServicePatch {
  return {
    ...nothing,
    ...(createdAtMs !== undefined && { createdAtMs }),
  };
}

/** Of these, a later service of the name has its own, or goes on with them. */
const kept: readonly string[] = ["shape", "serviceArn", "roll", "attemptNumber", "createdAtMs", "recheckRequested"];

const nothing: ServicePatch = Object.fromEntries(
  Object.keys(serviceStateSchema.shape)
    .filter((member) => !kept.includes(member))
    .map((member) => [member, null]),
);
