import { isDeepStrictEqual } from "node:util";
import type { Rollout, RolloutStatus } from "../model/rollout.ts";
import { type FleetValue, fleetValueOf } from "./fleet-value.ts";
import { bringsFacts } from "./kinds.ts";
import { isStopping } from "./stopping.ts";

/** Who requests a rollout that no operator has requested: the wish behind it is a value of the fleet. */
export const AUTOPILOT = "ztunnel-autopilot";

/** Why a rollout's wish has changed, in words, and when (ISO 8601). `hasTurn`: the rollout is the one under way. */
export interface WishChange {
  readonly why: string;
  readonly at: string;
  readonly hasTurn: boolean;
}

/**
 * True for a rollout that the autopilot has requested itself, that brings another value than the fleet should have now,
 * and that does not stop yet. An operator's rollout stands until an operator ends it.
 */
export function hasOtherWish(rollout: Rollout, { member, value }: FleetValue): boolean {
  const target = fleetValueOf(rollout.kind, rollout.target);
  const isOther = target?.member === member && target.value !== value;
  return isOther && canBeStopped(rollout) && isDeepStrictEqual(rollout.scope, {});
}

/** True for a rollout under way whose wish has moved on: it stops where it is, and the newer one goes on from there. */
export function hasMovedOn(newer: Rollout, older: Rollout): boolean {
  return newer.requestedBy === AUTOPILOT && canBeStopped(older) && isOfSameSort(newer, older);
}

/** True for a rollout that has not begun, and whose place a newer one of the same kind and scope takes. */
export function isReplaced(newer: Rollout, older: Rollout): boolean {
  return older.status === "waiting" && older.control === undefined && !hasBegun(older) && isOfSameSort(newer, older);
}

function isOfSameSort(newer: Rollout, older: Rollout): boolean {
  const isOfKind = older.kind === newer.kind || (bringsFacts(older.kind) && bringsFacts(newer.kind));
  return isOfKind && isDeepStrictEqual(older.scope, newer.scope);
}

const open: readonly RolloutStatus[] = ["waiting", "running", "paused", "awaiting-approval", "frozen"];

function canBeStopped(rollout: Rollout): boolean {
  const { requestedBy, status, supersededAt } = rollout;
  return requestedBy === AUTOPILOT && open.includes(status) && supersededAt === undefined && !isStopping(rollout);
}

/** True once its waves are cut: it may have changed services. */
export function hasBegun({ startedAt }: Pick<Rollout, "startedAt">): boolean {
  return startedAt !== undefined;
}

/** The rollout once its wish has moved on. It ends at its next step; one that waits for its turn ends at once. */
export function afterMovedOn(rollout: Rollout, change: WishChange): Rollout {
  return stopped(rollout, change, "wish-moved-on");
}

/** The rollout once its wish is contested; undefined for one that stops already, or that an operator has requested. */
export function afterContest(rollout: Rollout, change: WishChange): Rollout | undefined {
  return canBeStopped(rollout) ? stopped(rollout, change, "wish-contested") : undefined;
}

/** The rollout once its wish is gone. Its changes are rolled back; one without any ends. */
export function afterWithdrawal(rollout: Rollout, change: WishChange): Rollout {
  if (!hasBegun(rollout)) return stopped(rollout, change, "wish-withdrawn");
  const { why: detail, at } = change;
  const control = { action: "rollback", by: AUTOPILOT, at } as const;
  return { ...rollout, control, reason: { code: "wish-withdrawn", detail } };
}

function stopped(rollout: Rollout, { why: detail, at, hasTurn }: WishChange, code: string): Rollout {
  const reason = { code, detail };
  if (hasTurn || hasBegun(rollout)) return { ...rollout, supersededAt: at, reason };
  return { ...rollout, status: "superseded", reason, finishedAt: at };
}
