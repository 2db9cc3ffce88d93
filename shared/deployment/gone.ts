import type { ServiceState } from "../model/service-state.ts";

/** ECS may list a new service late: one has to be missing for this time. */
export const GONE_AFTER_MS = 3_600_000;

/**
 * What to do with the memory of a service, by a sweep that has read all services of its place. `keep`: nothing.
 * `mark`: ECS does not have it, for the first time. `unmark`: ECS has it again. `drop`: it has been gone for long
 * enough. A roll that has it ends first.
 */
export function goneCase(
  { roll, goneSinceMs }: Pick<ServiceState, "roll" | "goneSinceMs">,
  { isThere, nowMs }: { readonly isThere: boolean; readonly nowMs: number },
): "keep" | "mark" | "unmark" | "drop" {
  if (isThere) return goneSinceMs === undefined ? "keep" : "unmark";
  if (roll) return "keep";
  if (goneSinceMs === undefined) return "mark";
  return nowMs - goneSinceMs >= GONE_AFTER_MS ? "drop" : "keep";
}
