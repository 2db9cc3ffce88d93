import type { FleetState, Rollout } from "../model/rollout.ts";

/** What every service of the fleet should have: a ztunnel image, or sidecar settings by their hash. */
export interface FleetValue {
  readonly member: "image" | "settings";
  readonly value: string;
}

/**
 * The fleet's value among those that a rollout of this kind has as its target, or had before it. Undefined where there
 * is none: an unenroll has no target, and a rotation's belongs to a control plane.
 */
export function fleetValueOf(
  kind: Rollout["kind"],
  given: Rollout["target"] | Rollout["before"],
): FleetValue | undefined {
  const { image, settings } = given;
  if (kind === "upgrade" && image !== undefined) return { member: "image", value: image };
  if (kind === "reconfigure" && settings !== undefined) return { member: "settings", value: settings };
  return undefined;
}

/** The fleet's current value of a member; undefined before it was first seen. */
export function currentValue(fleet: FleetState, member: FleetValue["member"]): string | undefined {
  return member === "image" ? fleet.image?.image : fleet.settings;
}

/** The fleet with another value. An image counts as assigned at `nowMs`, epoch milliseconds. */
export function withValue(fleet: FleetState, { member, value }: FleetValue, nowMs: number): FleetState {
  return member === "image"
    ? { ...fleet, image: { image: value, assignedAtMs: nowMs } }
    : { ...fleet, settings: value };
}
