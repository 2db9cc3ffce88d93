import type { FleetState, Rollout } from "../model/rollout.ts";
import { currentValue, fleetValueOf } from "./fleet-value.ts";
import { AUTOPILOT } from "./wish.ts";

/**
 * The fleet once a rollout has ended: one that could not go on, or was rolled back, is remembered until another one of
 * its kind and control plane completes, or an operator aborts it.
 */
export function afterEnd(fleet: FleetState, rollout: Pick<Rollout, "id" | "kind" | "status" | "target">): FleetState {
  const key = [rollout.kind, rollout.target.controlPlane ?? ""].join(" ").trim();
  switch (rollout.status) {
    case "failed":
    case "rolled-back":
      return { ...fleet, endedBadly: { ...fleet.endedBadly, [key]: rollout.id } };
    case "completed":
    case "aborted": {
      if (fleet.endedBadly?.[key] === undefined) return fleet;
      const { [key]: _, ...others } = fleet.endedBadly;
      return { ...fleet, endedBadly: others };
    }
    default:
      return fleet;
  }
}

/**
 * True while a person has something to do about a rollout that ended badly: it could not go on, or what the fleet
 * should have was rolled back and is still asked for. A rollback of a person's own rollout, or by a person, is theirs.
 */
export function isUnresolved(rollout: Rollout, fleet: FleetState): boolean {
  const { status, requestedBy, reason, kind, target } = rollout;
  if (status === "failed") return true;
  if (status !== "rolled-back" || requestedBy !== AUTOPILOT || reason?.code === "operator-request") return false;
  const { factsIds, ...asked } = fleet.requestedFor;
  if (target.controlPlane !== undefined && target.factsId !== undefined)
    return factsIds[target.controlPlane]?.split(" ")[0] === target.factsId;
  const value = fleetValueOf(kind, target);
  return (
    value !== undefined && asked[value.member] === value.value && currentValue(fleet, value.member) !== value.value
  );
}
